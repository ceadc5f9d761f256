"""The plan of a graph: its groups in order, as steps, and where everything lies in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

from ..core.state import Array
from .arena import Life, arranged
from .expand import Primitives
from .fuse import Fusion, Read
from .groups import Group
from .indexing import Strides, size
from .kernels import Ref
from .lower import Place, Step, lowered, place_of
from .prims import Prim


@dataclass
class Schedule:
    """Steps in order, with addresses, before there is any code.

    Attributes:
        steps: in order.
        refs: for each step the addresses of its slots.
        arena: bytes of memory for values.
        outputs, checks: where they lie, in row-major order.
        constants: arrays that are read.
        lives: of each value that is in the arena, with its offset.
    """

    steps: list[Step]
    refs: list[tuple[Ref, ...]]
    arena: int
    outputs: list[tuple[Any, tuple[int, ...], Ref]]
    checks: list[Ref]
    constants: list[Array]
    lives: dict[Prim, tuple[int, Life]]


def schedule(graph: Primitives, cells: Sequence[Strides], shared: dict[int, set[int]] | None = None) -> Schedule:
    """Fuse ``graph``, order its groups and lay out their memory.

    Arguments:
        graph: what is to be computed.
        cells: for each cell its strides in entries.
        shared: for each cell those others whose memory overlaps its own.
    """
    fusion = Fusion(graph, cells, shared)
    groups = in_order(fusion)
    stored = in_memory(fusion, groups)
    steps = [step for step in [lowered(fusion, group, stored) for group in groups] if step is not None]
    return _laid_out(fusion, steps)


def in_order(fusion: Fusion) -> list[Group]:
    """The groups, each after those that it needs, else as they were found."""
    of_bit = {bit: g for g in fusion.groups.values() for bit in _bits(g.mask)}
    waits: dict[Group, set[Group]] = {}
    frees: dict[Group, list[Group]] = {g: [] for g in fusion.groups.values()}
    for group in fusion.groups.values():
        waits[group] = {of_bit[bit] for bit in _bits(group.direct)} - {group}
        for other in waits[group]:
            frees[other].append(group)
    ready = [(g.number, g) for g, left in waits.items() if not left]
    heapify(ready)
    found: list[Group] = []
    while ready:
        _, group = heappop(ready)
        found.append(group)
        for other in frees[group]:
            waits[other].discard(group)
            if not waits[other]:
                heappush(ready, (other.number, other))
    assert len(found) == len(waits), "groups wait for each other"
    return found


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def in_memory(fusion: Fusion, groups: Sequence[Group]) -> set[Prim]:
    """The values that are stored: what others read, and what is returned."""
    stored = {read.base for read in [*fusion.outputs, *fusion.checks]}
    for group in groups:
        for base, _, _ in fusion.loads(group, operands=True):
            stored.add(base)
    return stored


def _laid_out(fusion: Fusion, steps: list[Step]) -> Schedule:
    first: dict[Prim, int] = {}
    last: dict[Prim, int] = {}
    for time, step in enumerate(steps):
        for kind, prim in step.places:
            if kind == "value":
                first.setdefault(prim, time)
                last[prim] = time
    for read in [*fusion.outputs, *fusion.checks]:
        if 0 not in read.base.shape:
            last[read.base] = len(steps)
    lives = {p: Life(first[p], last[p], size(p.shape) * p.dtype.itemsize) for p in first}
    offsets, total = arranged(list(lives.items()))
    constants: dict[Prim, int] = {}

    def ref(place: Place, offset: int = 0) -> Ref:
        kind, what = place
        if kind == "value":
            return Ref("arena", 0, offsets.get(what, 0) + offset)
        if kind == "constant":
            what = constants.setdefault(what, len(constants))
        return Ref(kind, what, offset)

    def result(read: Read) -> Ref:
        return ref(place_of(read.base), read.offset * read.base.dtype.itemsize)

    refs = [tuple([ref(place) for place in step.places]) for step in steps]
    outputs = [(p.dtype, p.shape, result(r)) for p, r in zip(fusion.graph.outputs, fusion.outputs, strict=True)]
    checks = [result(read) for read in fusion.checks]
    held = {p: (offsets[p], life) for p, life in lives.items()}
    return Schedule(steps, refs, total, outputs, checks, [p.attrs["array"] for p in constants], held)
