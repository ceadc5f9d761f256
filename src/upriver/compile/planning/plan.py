"""The plan of a graph: its groups in order, as steps, and where everything lies in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

from ...core.state import Array
from ..fusion.fuse import Fusion
from ..fusion.groups import Group
from ..fusion.reads import Read
from ..kernels import Ref
from ..primitives.expand import Primitives
from ..primitives.indexing import Strides, size
from ..primitives.prims import Prim
from .arena import Life, arranged, room
from .lower import Place, Slot, Step, lowered, place_of


@dataclass
class Schedule:
    """Steps in order, with addresses, before there is any code.

    Attributes:
        steps: in order.
        refs: for each call (each step, without code) the addresses of its slots.
        arena: bytes of memory for values.
        outputs, checks: where they lie, in row-major order.
        constants: arrays that are read.
        lives: of everything in the arena, with its offset.
        guards: (offset, bytes) of what lies between them, where nothing may be written.
    """

    steps: list[Step]
    refs: list[tuple[Ref, ...]]
    arena: int
    outputs: list[tuple[Any, tuple[int, ...], Ref]]
    checks: list[Ref]
    constants: list[Array]
    lives: dict[Place, tuple[int, Life]]
    guards: list[tuple[int, int]]


def schedule(graph: Primitives, cells: Sequence[Strides], shared: dict[int, set[int]] | None = None) -> Schedule:
    """Fuse ``graph``, order its groups and lay out their memory.

    Arguments:
        graph: what is to be computed.
        cells: for each cell its strides in entries.
        shared: for each cell those others whose memory overlaps its own.
    """
    fusion, steps = steps_of(graph, cells, shared)
    return laid_out(fusion, steps, [(step.places, step) for step in steps], {})


def steps_of(
    graph: Primitives, cells: Sequence[Strides], shared: dict[int, set[int]] | None = None
) -> tuple[Fusion, list[Step]]:
    """The groups of ``graph`` in order, as kernels; for the arguments see :func:`schedule`."""
    fusion = Fusion(graph, cells, shared)
    groups = in_order(fusion)
    stored = in_memory(fusion, groups)
    return fusion, [step for step in [lowered(fusion, group, stored) for group in groups] if step is not None]


def in_order(fusion: Fusion) -> list[Group]:
    """The groups, each after those that it needs, else as they were found.

    Those that nobody waits for, such as updates of parameters, come as soon as they can: what they read is still near,
    and its memory is free sooner. So do checks, which all updates wait for.
    """
    of_bit = {bit: g for g in fusion.groups.values() for bit in _bits(g.mask)}
    waits: dict[Group, set[Group]] = {}
    frees: dict[Group, list[Group]] = {g: [] for g in fusion.groups.values()}
    for group in fusion.groups.values():
        waits[group] = {of_bit[bit] for bit in _bits(group.direct)} - {group}
        for other in waits[group]:
            frees[other].append(group)
    soon = {fusion.group[read.base] for read in fusion.checks} | {g for g, others in frees.items() if not others}
    ready = [(g not in soon, g.number, g) for g, left in waits.items() if not left]
    heapify(ready)
    found: list[Group] = []
    while ready:
        *_, group = heappop(ready)
        found.append(group)
        for other in frees[group]:
            waits[other].discard(group)
            if not waits[other]:
                heappush(ready, (other not in soon, other.number, other))
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


def laid_out(
    fusion: Fusion,
    steps: list[Step],
    calls: Sequence[tuple[list[Slot], Step]],
    buffers: dict[Place, int],
    chains: Sequence[int] = (),
    gap: int = 0,
) -> Schedule:
    """The memory of everything.

    Args:
        fusion: the groups.
        steps: what is done.
        calls: the memory of each slot of each call, with its step.
        buffers: bytes of memory that is nobody's value.
        chains: the number of each call's chain. In a chain a thread may be far ahead of another, so that all of it is
            one time as far as memory is concerned.
        gap: bytes to leave free behind every value, as zones that nothing may write; then no memory is used twice.
    """
    times = list(range(len(calls)))
    for i, number in enumerate(chains):
        if i and number and number == chains[i - 1]:
            times[i] = times[i - 1]
    first: dict[Place, int] = {}
    last: dict[Place, int] = {}
    for time, (places, _) in zip(times, calls, strict=True):
        for place, _ in places:
            if place[0] in ("value", "buffer"):
                first.setdefault(place, time)
                last[place] = time
    for read in [*fusion.outputs, *fusion.checks]:
        if 0 not in read.base.shape:
            last[place_of(read.base)] = len(calls)
    lives = {place: Life(first[place], last[place], _bytes(place, buffers)) for place in first}
    offsets, total = arranged(list(lives.items()), gap)
    ends = [(offsets[place] + life.size, room(life.size) - life.size + gap) for place, life in lives.items()]
    constants: dict[Prim, int] = {}

    def ref(place: Place, offset: int = 0) -> Ref:
        kind, what = place
        if kind in ("value", "buffer"):
            return Ref("arena", 0, offsets.get(place, 0) + offset)
        if kind == "constant":
            what = constants.setdefault(what, len(constants))
        return Ref(kind, what, offset)

    def result(read: Read) -> Ref:
        return ref(place_of(read.base), read.offset * read.base.dtype.itemsize)

    refs = [tuple([ref(place, offset) for place, offset in places]) for places, _ in calls]
    outputs = [(p.dtype, p.shape, result(r)) for p, r in zip(fusion.graph.outputs, fusion.outputs, strict=True)]
    checks = [result(read) for read in fusion.checks]
    held = {place: (offsets[place], life) for place, life in lives.items()}
    arrays = [p.attrs["array"] for p in constants]
    return Schedule(steps, refs, total, outputs, checks, arrays, held, ends if gap else [])


def _bytes(place: Place, buffers: dict[Place, int]) -> int:
    if place[0] == "buffer":
        return buffers[place]
    prim: Prim = place[1]
    return size(prim.shape) * prim.dtype.itemsize
