"""The paths of a derivation, with the factors along each: what wrong answers are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.site import sites_off
from ...core.tensor import Tensor
from ...errors import GradError
from ...explain.entry import written
from ...explain.explanation import Explanation
from ...explain.records import Number, Step, Value
from ...explain.search import Found, Walk

MOST = 32
"""No more paths than this are told apart."""


@dataclass(frozen=True)
class Link:
    """One step back along a path, from one number to one number.

    Attributes:
        source, target: what they are called, with their entries.
        power: the value of the source.
        exponent: if it is a power, its exponent; else 0.
        formula: of the local derivative, in the names of whole values.
    """

    source: str
    target: str
    power: float
    exponent: float
    formula: str


@dataclass(frozen=True)
class Chain:
    """One path from the result to what was asked about.

    Attributes:
        links: the steps back, from the result on.
        factors: the local derivative of each.
    """

    links: tuple[Link, ...]
    factors: tuple[float, ...]

    @property
    def product(self) -> float:
        """What the path adds to the gradient."""
        return math.prod(self.factors)

    @property
    def telling(self) -> list[float]:
        """The factors without those of 1, which change no product; all of them if there are no others."""
        return [f for f in self.factors if f != 1] or list(self.factors[:1])


def chains(e: Explanation, root: Tensor, at: tuple[int, ...]) -> list[Chain]:
    """The paths to one entry of the value that was asked about; none where there are more than :data:`MOST`.

    Where every value on the way is one number, also paths with a factor of 0, in the order of the walk; else those
    that add something, the largest first.
    """
    steps = [step for step in e.steps if e.values[step.target].on_the_way or step.target == e.answers[0].value]
    if all([s.local is not None and s.local.size == 1 and e.values[s.target].array.size == 1 for s in steps]):
        return _of_numbers(e, steps)
    key = e.values[e.answers[0].value].key
    try:
        with sites_off(), np.errstate(all="ignore"):
            walk = Walk(root, key, at)
            if walk.start.count[0] > MOST:
                return []
            found = walk.search(MOST)
    except GradError:  # a derivative on the way is not finite
        return []
    values = {value.key: value for value in e.values}
    formulas = {(s.source, s.operand): s.formula for s in e.steps if s.entrywise}
    return [Chain(tuple([_link(e, values, formulas, one) for one in path]), _factors(path)) for _, path in found]


def _of_numbers(e: Explanation, steps: list[Step]) -> list[Chain]:
    into: dict[int, list[Step]] = {}
    for step in steps:
        into.setdefault(step.target, []).append(step)
    found: list[Chain] = []
    stack: list[tuple[int, tuple[Step, ...]]] = [(e.answers[0].value, ())]
    while stack:
        at, tail = stack.pop()
        if at == e.root:
            links = [
                Link(
                    e.values[s.source].name,
                    e.values[s.target].name,
                    float(e.values[s.source].array.reshape(())),
                    _exponent(e, e.values[s.source], s.operand),
                    s.formula,
                )
                for s in tail
            ]
            found.append(Chain(tuple(links), tuple([float(s.local.reshape(())) for s in tail])))  # type: ignore[union-attr]
        if len(found) > MOST or len(stack) > 20 * MOST:
            return []
        stack += [(s.source, (s, *tail)) for s in reversed(into.get(at, ()))]
    return found


def _factors(path: list[Found]) -> tuple[float, ...]:
    return tuple([factor for *_, factor in path])


def _link(e: Explanation, values: Mapping[Any, Value], formulas: Mapping[Any, str], step: Found) -> Link:
    node, slot, to, of, _ = step
    source = values[node]
    operand = source.operands[slot]
    target = e.values[operand] if isinstance(operand, int) else source
    return Link(
        entry_name(source, to),
        entry_name(target, of),
        float(source.array.reshape(-1)[to]),
        _exponent(e, source, slot),
        formulas.get((source.index, slot), ""),
    )


def entry_name(value: Value, at: int) -> str:
    """What one entry of a value is called: ``w``, ``W[0, 1]``, ``(W @ x)[1]``."""
    if value.array.size == 1:
        return value.name
    index = written(tuple([int(i) for i in np.unravel_index(at, value.array.shape)]))
    return f"{value.name}{index}" if value.name.replace(".", "_").isidentifier() else f"({value.name}){index}"


def _exponent(e: Explanation, source: Value, operand: int) -> float:
    """If a value is a power of one number by this operand: its exponent; else 0."""
    if source.operation == "square":
        return 2.0
    if source.operation != "pow" or operand != 0:
        return 0.0
    last = source.operands[1] if len(source.operands) > 1 else 0
    value = last.number if isinstance(last, Number) else e.values[last].array
    return float(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else 0.0
