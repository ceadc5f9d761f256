"""Running a loss again with other weights: values changed for a moment and put back, the same random numbers drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core import state
from ..core.state import Array, no_grad
from ..core.tensor import Tensor
from ..errors import ArgumentError, GradError
from ..ops.generator import get_rng_state, set_rng_state

Loss = Callable[[], Any]


@contextmanager
def restored(leaves: Sequence[Tensor]) -> Iterator[None]:
    """A stretch in which the values of ``leaves`` may be written to; at its end, also after an error, all is as before.

    Bit for bit, so that graphs recorded before stay right. If anything was recorded within, it has read other
    values: then the change is noted, and such a graph refuses ``backward()``.

    Raises:
        ArgumentError: the values of a leaf cannot be written to.
    """
    for leaf in leaves:
        if not leaf.array.flags.writeable:
            raise ArgumentError(
                f"the values of a leaf of shape {list(leaf.shape)} cannot be written to",
                "Make the leaf of a copy: ur.tensor(array.copy(), requires_grad=True).",
            )
    before = [leaf.array.copy() for leaf in leaves]
    start = state.tick()
    try:
        yield
    finally:
        recorded = state.tick() != start + 1
        for leaf, values in zip(leaves, before, strict=True):
            np.copyto(leaf.array, values)
        if recorded:
            state.note_change([leaf.array for leaf in leaves])


class Runner:
    """Runs a loss function again and again, each time with the same random numbers.

    Args:
        name: of the function that the user called, for messages.
        loss_fn: takes nothing, gives one number as a tensor.
    """

    def __init__(self, name: str, loss_fn: Loss) -> None:
        if not callable(loss_fn):
            raise ArgumentError(
                f"{name}: loss_fn is a {type(loss_fn).__name__}, not a function",
                "Pass a function that computes the loss anew, as in lambda: criterion(model(x), y).",
            )
        self.name, self.loss_fn = name, loss_fn
        self.runs = 0
        self._random = get_rng_state()

    def record(self) -> Tensor:
        """The loss, with its graph.

        Raises:
            ArgumentError: it is not a tensor of one number.
            GradError: it has no history.
        """
        loss = self._run()
        if not isinstance(loss, Tensor) or loss.array.size != 1:
            what = f"a tensor of shape {list(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
            raise ArgumentError(f"{self.name}: loss_fn gave {what}, not one number as a tensor", "Reduce it: y.sum().")
        if not loss.wants_grad:
            raise GradError(
                f"{self.name}: the loss does not depend on anything that requires a gradient",
                "Set requires_grad=True on the leaves, and do not compute the loss inside no_grad().",
            )
        return loss

    def value(self) -> float:
        """The loss as a number, without recording."""
        with no_grad():
            loss = self._run()
        return float(loss.array) if isinstance(loss, Tensor) else float(loss)

    def _run(self) -> Any:
        self.runs += 1
        before = get_rng_state()
        set_rng_state(self._random)
        try:
            return self.loss_fn()
        finally:
            set_rng_state(before)

    def freely(self) -> float:
        """The loss as a number, with new random numbers; the default generator is put back."""
        before = get_rng_state()
        try:
            with no_grad():
                self.loss_fn()
                return float(self.loss_fn().array)
        finally:
            set_rng_state(before)


def resolution(loss: Array) -> float:
    """How far apart two values of this loss must be to be told apart: a few roundings of its dtype."""
    scale = float(np.abs(loss).max()) if loss.size else 0.0
    return 8.0 * float(np.finfo(loss.dtype).eps) * scale
