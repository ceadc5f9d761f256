"""From a plan to the tables that the native walk goes through: entries, addresses, patches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field as attribute

import numpy as np

from ...core import threads
from ...core.state import Array
from ..kernels import Call, Plan, Ref
from .jit import Library
from .runtime import CHECKS, ENTRY, HOST, KERNEL, SHARED
from .target import target

_LEAST = 3_000  # ns: a shorter chunk costs more to hand out than it gains
_PER_THREAD = 4  # chunks: enough that nobody waits long for the last one
_MOST = 1 << 15  # chunks: their numbers have 16 bits
_NEAR = 1 << 18  # bytes: what a chunk of a chain touches should stay in the second cache


def estimate(flops: int, moved: int) -> int:
    """About how many ns one thread needs where its data is in a cache, to within a factor of a few."""
    return int(max(flops / (target().bits / 5), moved / 40))


@dataclass
class Chain:
    """Calls that run without a barrier between them; mostly a single one.

    Attributes:
        calls: their numbers in the plan; empty for the place where the checks are tested.
        chunk: units that a thread takes at once.
        chunks: how many of them there are.
        cost: of all of it, estimated, in ns.
    """

    calls: list[int]
    chunk: int = 1
    chunks: int = 1
    cost: int = 0


def chains(plan: Plan) -> list[Chain]:
    """The calls of a plan, put together to chains, with their chunks; and the checks before the first that writes."""
    found: list[Chain] = []
    tested = not plan.checks
    before: Call | None = None
    for number, call in enumerate(plan.calls):
        if call.writes and not tested:
            tested, before = True, None
            found.append(Chain([]))
        if before is not None and _joins(before, call):
            found[-1].calls.append(number)
        else:
            found.append(Chain([number]))
        before = call
    if not tested:
        found.append(Chain([]))
    for chain in found:
        if chain.calls and plan.calls[chain.calls[0]].code is not None:
            _cut(chain, [plan.calls[number] for number in chain.calls])
    return found


def _joins(before: Call, call: Call) -> bool:
    a, b = before.code, call.code
    return call.chain != 0 and call.chain == before.chain and a is not None and b is not None and a.units == b.units


def _up(n: int, by: int) -> int:
    return -(-n // by)


def _cut(chain: Chain, calls: Sequence[Call]) -> None:
    codes = [call.code for call in calls if call.code is not None]
    units, align = codes[0].units, math.lcm(*[max(code.align, 1) for code in codes])
    moved = sum(code.bytes for code in codes)
    chain.cost = estimate(sum(code.flops for code in codes), moved)
    wanted = min(_PER_THREAD * max(threads.get_num_threads(), threads.cores()), chain.cost // _LEAST)
    if len(calls) > 1:
        wanted = max(wanted, moved // _NEAR)
    wanted = max(1, min(wanted, _up(units, align), _MOST))
    chain.chunk = max(1, _up(_up(units, wanted), align) * align)
    chain.chunks = _up(units, chain.chunk)


@dataclass
class Memory:
    """Where everything lies: for each space the addresses of its items (the arena has one)."""

    bases: dict[str, Array] = attribute(default_factory=dict[str, Array])

    def address(self, ref: Ref) -> int:
        """The address of a Ref; 0 for an input, which is known at the call."""
        return 0 if ref.space == "input" else int(self.bases[ref.space][ref.index]) + ref.offset


@dataclass
class Tables:
    """What the native walk reads.

    Attributes:
        chains: what the entries stand for.
        entries: a row of words for each call, and one for the checks.
        heads: the row of each chain's first entry.
        numbers: for each row the number of its call, −1 for the checks.
        addresses: of all slots of all calls, then of the checks, then of the outputs.
        outputs: where the outputs' begin.
        patches: rows (address of the slot, input, offset).
        cells: for each cell the (slots, offsets) where its address stands.
        work: ns of everything, and of what can be shared.
    """

    chains: list[Chain]
    entries: Array
    heads: list[int]
    numbers: list[int]
    addresses: Array
    checks: int
    outputs: int
    patches: Array
    cells: dict[int, tuple[Array, Array]]
    work: tuple[int, int]


def link(plan: Plan, library: Library, memory: Memory) -> Tables:
    """Resolve every address of a plan."""
    refs = [ref for call in plan.calls for ref in call.args]
    begins = np.cumsum([0, *[len(call.args) for call in plan.calls]])
    checks = len(refs)
    refs += plan.checks
    outputs = len(refs)
    refs += [ref for _, _, ref in plan.outputs]
    addresses = np.array([memory.address(ref) for ref in refs] or [0], np.int64)
    here = addresses.ctypes.data
    patches = [(here + 8 * i, ref.index, ref.offset) for i, ref in enumerate(refs) if ref.space == "input"]
    cells: dict[int, tuple[list[int], list[int]]] = {}
    for i, ref in enumerate(refs):
        if ref.space == "cell":
            slots, offsets = cells.setdefault(ref.index, ([], []))
            slots.append(i)
            offsets.append(ref.offset)

    groups = chains(plan)
    rows: list[list[int]] = []
    heads: list[int] = []
    numbers: list[int] = []
    for chain in groups:
        heads.append(len(rows))
        if not chain.calls:
            rows.append([0, 0, 0, 1, 1, 1, 0, CHECKS])
            numbers.append(-1)
        for number in chain.calls:
            code, args = plan.calls[number].code, here + 8 * int(begins[number])
            numbers.append(number)
            if code is None:
                rows.append([0, 0, 0, 1, 1, 1, 0, HOST])
                continue
            fn = library.address(code.name)
            cost = chain.cost if number == chain.calls[0] else 0
            rows.append([fn, args, code.units, chain.chunk, chain.chunks, len(chain.calls), cost, KERNEL])
    work = sum(chain.cost for chain in groups)
    shared = sum(chain.cost for chain in groups if chain.chunks > 1 and chain.cost >= SHARED)
    return Tables(
        groups,
        np.array(rows, np.int64).reshape(-1, len(ENTRY)),
        heads,
        numbers,
        addresses,
        checks,
        outputs,
        np.array(patches, np.int64).reshape(-1, 3),
        {i: (np.array(slots), np.array(offsets, np.int64)) for i, (slots, offsets) in cells.items()},
        (work, shared),
    )
