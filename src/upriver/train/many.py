"""Short steps taken many at a time: one call of a compiled step for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from ..compile.signature import flatten
from ..core.tensor import Tensor, wrap

_SHORT = 1e-3  # seconds: of a longer step, what Python does around it is a small part
_AT_ONCE = 0.1  # seconds: so long nothing is shown, and Ctrl-C is not heard


class Many:
    """Takes steps together where they are short. What comes out does not depend on how many are.

    Args:
        compiled: a compiled :class:`.loop.Update`.
        schedule: advanced after each step, or None.
    """

    def __init__(self, compiled: Any, schedule: Any) -> None:
        self._compiled, self._schedule = compiled, schedule
        self._least = float("inf")

    def took(self, seconds: float) -> None:
        """A step has taken so long."""
        self._least = min(self._least, seconds)

    def count(self, most: int) -> int:
        """How many of the coming ``most`` steps to take together."""
        # Randomness in the step and in the loading of batches may come from one generator, and must keep its order.
        if most < 2 or self._least > _SHORT or self._compiled.entry.program.draws:
            return 1
        return max(1, min(most, int(_AT_ONCE / self._least)))

    def taken(self, chunk: Sequence[Any]) -> Iterator[Any]:
        """Take the steps of ``chunk``, each a list of batches; what the step returns, for each."""
        for _, alike in groupby(chunk, lambda group: [_facts(x) for x in flatten(list(group))[0]]):
            parts = [flatten(list(group)) for group in alike]
            stacked = [wrap(np.stack([x.array for x in xs]), None) for xs in zip(*[xs for xs, _ in parts], strict=True)]
            for results, count in self._compiled.stretches(parts[0][1].build(stacked), schedule=self._schedule):
                tensors, structure = flatten(results)
                for i in range(count):
                    yield structure.build([wrap(x.array[i, ...], None) for x in tensors])


def _facts(x: Tensor) -> Any:
    return x.shape, x.dtype
