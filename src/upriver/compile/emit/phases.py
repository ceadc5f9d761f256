"""What each sweep over the reduced dimensions computes, and what it keeps for the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..kernels import Access
from .nest import Nest, weight

_CHEAP = 10  # what takes fewer instructions is computed again rather than kept


@dataclass
class Phase:
    """One sweep.

    Attributes:
        statements: to be emitted at each position, stores among them, in the body's order.
        reduces: the reductions that it makes.
        kept: values that later phases read from a buffer.
        instead: values that it reads from one.
    """

    statements: list[int] = field(default_factory=list)
    reduces: list[int] = field(default_factory=list)
    kept: dict[int, Access] = field(default_factory=dict)
    instead: dict[int, Access] = field(default_factory=dict)

    def hoistable(self) -> list[int]:
        """The statements that may be emitted where their dimensions stand, outside the innermost loop."""
        return [i for i in self.statements if i not in self.kept and i not in self.instead]


def available(nest: Nest) -> list[int]:
    """For each statement how many sweeps come before the one in which its value can be had."""
    result: list[int] = []
    for s in nest.body:
        result.append(max((result[a] for a in s.args), default=0) + (s.kind == "reduce"))
    return result


def plan(nest: Nest, width: int, keep: bool = True) -> list[Phase]:
    """The sweeps of a kernel with reductions.

    Args:
        nest: the kernel.
        width: entries along the vectors' dimension that are worked on at once, if that dimension is kept.
        keep: whether values may be kept in buffers.
    """
    body, after = nest.body, available(nest)
    due: dict[int, int] = {}
    for i, s in enumerate(body):
        if s.kind == "reduce":
            due[i] = after[i] - 1
        elif s.kind == "store" and nest.full(i):
            due[i] = after[i]
    count = max(due.values(), default=-1) + 1
    for i in due:
        if body[i].kind == "store" and _read_later(nest, i, due, count):
            due[i] = count - 1
    phases = [Phase() for _ in range(count)]
    made: dict[int, int] = {}  # in which phase a value was first computed
    buffers: dict[int, Access] = {}
    positions = nest.count(set(nest.reduced)) * (1 if nest.across else width)
    for p, phase in enumerate(phases):
        wanted: set[int] = set()
        todo: list[int] = []
        for i, when in due.items():
            if when == p:
                (phase.reduces if body[i].kind == "reduce" else todo).append(i)
        wanted.update(todo)
        stack = [a for i in (*phase.reduces, *todo) for a in body[i].args]
        while stack:
            i = stack.pop()
            if i in wanted or not nest.full(i) or body[i].kind == "reduce":
                continue
            wanted.add(i)
            first = made.setdefault(i, p)
            if first < p and keep and nest.along in nest.varies[i]:
                size = positions * max(1, body[i].dtype.itemsize)
                limit = _CHEAP if size <= 1 << 18 else 4 * _CHEAP if size <= 1 << 24 else 1 << 30
                if i in buffers or _cost(nest, i) > limit:
                    access = buffers.setdefault(i, _buffer(nest, i, len(buffers), width))
                    phases[first].kept[i] = phase.instead[i] = access
                    continue
            stack.extend(body[i].args)
        phase.statements = sorted(wanted)
    return phases


def _read_later(nest: Nest, store: int, due: dict[int, int], count: int) -> bool:
    """Whether a load of a later sweep may lie in the memory that a store writes."""
    written = nest.body[store].access
    assert written is not None
    if due[store] == count - 1:
        return False
    for s in nest.body:
        if s.kind == "load" and s.access is not None and any(s.access.strides):
            alike = (s.access.strides, s.access.offset) == (written.strides, written.offset)
            if alike or s.access.slot == written.slot:
                return True
    return False


def _cost(nest: Nest, i: int) -> int:
    """About how many instructions it takes to compute a value from loads."""
    seen: set[int] = set()
    stack = [i]
    while stack:
        a = stack.pop()
        if a not in seen and nest.full(a) and nest.body[a].kind != "reduce":
            seen.add(a)
            stack.extend(nest.body[a].args)
    return sum(weight(nest.body[a]) for a in seen)


def _buffer(nest: Nest, i: int, number: int, width: int) -> Access:
    """Memory for one value at every position of the reduced dimensions; its slot is a number below 0."""
    strides = [0] * len(nest.dims)
    step = 1
    if nest.along >= 0:
        strides[nest.along] = 1
        step = nest.dims[nest.along] if nest.across else width
    for d in reversed(nest.inner):
        strides[d], step = step, step * nest.dims[d]
    return Access(-1 - number, nest.body[i].dtype, tuple(strides))
