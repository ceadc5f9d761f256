"""The paths of a derivation of single numbers, with the factors along each: what wrong answers are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...explain.explanation import Explanation
from ...explain.records import Step

MOST = 32
"""No more paths than this are told apart."""


@dataclass(frozen=True)
class Chain:
    """One path from the result to what was asked about.

    Attributes:
        steps: the steps back, from the result on.
        factors: the local derivative of each.
    """

    steps: tuple[Step, ...]
    factors: tuple[float, ...]

    @property
    def product(self) -> float:
        """What the path adds to the gradient."""
        return math.prod(self.factors)

    @property
    def telling(self) -> list[float]:
        """The factors without those of 1, which change no product; all of them if there are no others."""
        return [f for f in self.factors if f != 1] or list(self.factors[:1])


def chains(e: Explanation) -> list[Chain]:
    """The paths to the first value that was asked about, in the order of the walk; none where they are not all told.

    That is where a value on the way is not a single number, or where there are more than :data:`MOST`.
    """
    into: dict[int, list[Step]] = {}
    for step in e.steps:
        if step.local is None or step.local.size != 1 or e.values[step.target].array.size != 1:
            return []
        into.setdefault(step.target, []).append(step)
    found: list[Chain] = []
    stack: list[tuple[int, tuple[Step, ...]]] = [(e.answers[0].value, ())]
    while stack:
        at, tail = stack.pop()
        if at == e.root:
            found.append(Chain(tail, tuple([float(s.local.reshape(())) for s in tail])))  # type: ignore[union-attr]
        if len(found) > MOST or len(stack) > 20 * MOST:
            return []
        stack += [(s.source, (s, *tail)) for s in reversed(into.get(at, ()))]
    return found
