"""Loop kernels as code: nests over the dimensions, vectors along one of them, sweeps over what is reduced.

Entry by entry: loops over the outer dimensions, the innermost with vectors. With reductions there are two kinds:
``rows``, where the vectors lie along a reduced dimension and their entries are joined at the end of a sweep (a
softmax, a sum over everything), and ``columns``, where they lie along a kept one and a block of several vectors is
taken down the reduced dimensions (a bias gradient). A short row is held in registers from sweep to sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..kernels import KernelCode, LoopKernel
from ..native.target import Target, target as this_target
from .body import Scope
from .builder import I1, I8, I64, OF_DTYPE, Int, V, kernel as new_kernel, lanes_of
from .maths import name_of, value_type
from .nest import Nest, lay_out, masked, weight
from .phases import Phase, available, plan
from .reduce import across, identity, join

_UNITS = 16  # with fewer positions than these along a first dimension, threads share further ones as well


def emit_loops(kernel: LoopKernel, target: Target | None = None) -> KernelCode:
    """The code of a loop kernel.

    Args:
        kernel: what to compute. One-dimensional kernels without reductions do not depend on the length.
        target: the processor; the one that runs this if None.

    Returns:
        The code; its units are entries (one dimension, no reduction), positions of kept dimensions, or blocks of
        columns.

    Example:
        >>> from upriver.core.dtypes import float32
        >>> from upriver.compile.kernels import Access, Statement
        >>> entry = Access(0, float32, (1,))
        >>> body = (Statement("load", float32, access=entry), Statement("map", float32, (0,), "exp"),
        ...         Statement("store", float32, (1,), access=entry))
        >>> code = emit_loops(LoopKernel((100,), (), body))
        >>> code.units, code.note
        (100, 'elementwise')
    """
    return _Loops(lay_out(kernel, target or this_target()), target or this_target()).code()


@dataclass(frozen=True)
class _Piece:
    """Some entries of a row: where they begin, how many lanes they take, and which of those count."""

    start: int
    lanes: int
    mask: V | None = None


class _Loops:
    """One kernel on its way to code."""

    def __init__(self, nest: Nest, target: Target) -> None:
        self.nest, self.target = nest, target
        self.b = new_kernel()
        self.lanes = nest.lanes
        self.has_reduce = any(s.kind == "reduce" for s in nest.body) or bool(nest.reduced)
        self.accesses = nest.accesses()
        self.scratch = 0
        self.rows = False
        self.units = 1
        self.align = 1
        self.note = "elementwise"
        self.heavy = sum(weight(s) for i, s in enumerate(nest.body) if nest.full(i) or not self.has_reduce)

    def code(self) -> KernelCode:
        b, nest = self.b, self.nest
        slots = sorted({a.slot for a in self.accesses})
        root = Scope(
            b, nest.body, {slot: b.argument(slot) for slot in slots}, len(nest.dims), self.target, nest.reduced
        )
        begin, end = b.params["begin"], b.params["end"]
        if any(n == 0 for d, n in enumerate(nest.dims) if d not in nest.reduced):
            self.units = 0
        elif self.has_reduce:
            self._reducing(root, begin, end)
        elif len(nest.dims) == 1:
            self.units, self.align = nest.dims[0], self.lanes
            root.ready()
            everything = Phase(list(range(len(nest.body))))
            self._sweep(root, everything, begin, end, [], [])
        else:
            self._elementwise(root, begin, end)
        name, ir = b.finish()
        flops, moved = _work(nest)
        scratch = (self.scratch + 63) // 64 * 64
        return KernelCode(
            name, ir, tuple(b.declares), self.units, self.align, self.rows, scratch, flops, moved, self.note
        )

    # Kept dimensions.

    def _share(self, blocks: int) -> list[tuple[int, int]]:
        """The dimensions (−1: the blocks of columns) whose positions are the units, with their lengths."""
        outer = self.nest.outer
        units = 1
        shared: list[tuple[int, int]] = []
        for d in outer:
            if units >= _UNITS or (shared and self.nest.dims[shared[0][0]] >= 8):
                break
            shared.append((d, self.nest.dims[d]))
            units *= self.nest.dims[d]
        if len(shared) == len(outer) and units < _UNITS and blocks:
            shared.append((-1, blocks))
            units *= blocks
        self.units = units
        self.rows = [d for d, _ in shared] == [0] and self.nest.first
        return shared

    def _outer(
        self,
        root: Scope,
        begin: Int,
        end: Int,
        shared: list[tuple[int, int]],
        work: Callable[[Scope, Int | None], None],
    ) -> None:
        """Loops over the units and the kept dimensions inside; ``work`` is given the place, and the block."""
        b = self.b
        inside = [d for d in self.nest.outer if d not in [s for s, _ in shared]]
        root.ready()
        root.settle(self.accesses)

        def further(scope: Scope, dims: list[int], block: Int | None) -> None:
            scope.ready()
            scope.settle(self.accesses)
            if not dims:
                work(scope, block)
                return

            def turn(i: V, _: list[V]) -> Sequence[V]:
                further(scope.at(dims[0], i), dims[1:], block)
                return []

            b.loop(0, self.nest.dims[dims[0]], 1, [], turn)

        def unit(u: V, _: list[V]) -> Sequence[V]:
            scope, block = root.within({}), None
            left: Int = u
            for number, (d, n) in enumerate(reversed(shared)):
                last = number == len(shared) - 1
                position = left if last else b.rem(left, n)
                left = left if last else b.div(left, n)
                if d < 0:
                    block = position
                else:
                    scope = scope.at(d, position)
            further(scope, inside, block)
            return []

        b.loop(begin, end, 1, [], unit)

    def _elementwise(self, root: Scope, begin: V, end: V) -> None:
        everything = Phase(list(range(len(self.nest.body))))

        def work(scope: Scope, _: Int | None) -> None:
            if self.nest.along < 0:
                scope.emit()
            else:
                self._sweep(scope, everything, 0, self.nest.dims[self.nest.along], [], [])

        self._outer(root, begin, end, self._share(0), work)

    # One sweep along the vectors' dimension.

    def _unroll(self, phase: Phase, vectors: int | None) -> int:
        """How many vectors a turn works on: several where the statements are few, for their latency."""
        body = self.nest.body
        cost = sum(weight(body[i]) for i in phase.statements) + len(phase.reduces)
        if phase.reduces:
            want = 4 if cost <= 10 else 2
        else:
            want = 4 if cost <= 6 else 2 if cost <= 12 else 1
        if vectors is not None:
            while want > 1 and (vectors < want or (vectors % want and vectors < 4 * want)):
                want //= 2
        return want

    def _sweep(self, scope: Scope, phase: Phase, start: Int, stop: Int, totals: list[V], widths: list[int]) -> list[V]:
        """All entries from start to stop; totals are carried through. ``widths``: the lanes of each copy of them."""
        b, lanes, dim = self.b, self.lanes, self.nest.along
        static = isinstance(start, int) and isinstance(stop, int)
        scope.prepare(phase.statements, dim, lanes)
        count = b.sub(stop, start)
        unroll = widths.count(lanes) if widths else self._unroll(phase, count // lanes if static else None)
        if lanes == 1 and widths:
            unroll = len(widths)

        def vectors(per_turn: int) -> Callable[[V, list[V]], list[V]]:
            def turn(i: V, carried: list[V]) -> list[V]:
                now = list(carried)
                for u in range(per_turn):
                    self._turn(scope.lanes(dim, b.add(i, u * lanes), lanes), phase, now, u, len(widths))
                return now

            return turn

        def until(per_turn: int) -> Int:
            step = per_turn * lanes
            return b.add(start, b.sub(count, b.rem(count, step)) if static else self._floor(count, step))

        main = until(unroll)
        totals = b.loop(start, main, unroll * lanes, totals, vectors(unroll))
        if lanes == 1 and unroll == 1:
            return totals
        if masked(self.target) and lanes > 1:

            def rest(i: V, carried: list[V]) -> list[V]:
                now = list(carried)
                left = b.sub(stop, int(i.text) if i.text.isdigit() else i)
                mask = None
                if left != lanes:
                    mask = _first(left, lanes) if isinstance(left, int) else b.mask_below(left, lanes)
                self._turn(scope.lanes(dim, i, lanes, mask), phase, now, 0, len(widths))
                return now

            return b.loop(main, stop, lanes, totals, rest)
        whole = until(1)
        totals = b.loop(main, whole, lanes, totals, vectors(1)) if unroll > 1 else totals
        if lanes == 1:
            return totals

        def single(i: V, carried: list[V]) -> list[V]:
            now = list(carried)
            self._turn(scope.lanes(dim, i, 1), phase, now, len(widths) - 1, len(widths))
            return now

        return b.loop(whole, stop, 1, totals, single)

    def _floor(self, count: Int, step: int) -> V:
        """A number that is not negative, rounded down to a multiple of a power of two."""
        return self.b.op("and", self.b.int(count), V(str(-step), I64))

    def _turn(self, place: Scope, phase: Phase, totals: list[V], copy: int, copies: int) -> None:
        """The statements at one place, and what they add to the totals."""
        place.emit(phase.statements, phase.kept, phase.instead)
        self._gather(place, phase, totals, copy, copies)

    def _gather(self, place: Scope, phase: Phase, totals: list[V], copy: int, copies: int) -> None:
        for n, r in enumerate(phase.reduces):
            s, at = self.nest.body[r], n * copies + copy
            value = self._entry(place, s.args[0])
            totals[at] = join(self.b, s.fn, totals[at], value, name_of(s.dtype), place.mask)

    def _entry(self, place: Scope, i: int) -> V:
        """A value in all lanes of a place."""
        value = place.entry(i)
        return self.b.splat(value, place.width) if lanes_of(value.type) == 1 else value

    def _begin(self, phase: Phase, widths: Sequence[int]) -> list[V]:
        """The totals before a sweep."""
        result = []
        for r in phase.reduces:
            s = self.nest.body[r]
            for width in widths:
                kind = value_type(s.dtype, width)
                result.append(self.b.const(identity(s.fn, kind), kind))
        return result

    # Reductions.

    def _reducing(self, root: Scope, begin: V, end: V) -> None:
        nest = self.nest
        if nest.across or nest.along < 0:
            self._rows(root, begin, end)
        else:
            self._columns(root, begin, end)

    def _buffers(self, phases: list[Phase], width: int) -> dict[int, int]:
        """Where in scratch each buffer lies, in bytes."""
        nest, places = self.nest, {}
        positions = nest.count(set(nest.reduced)) * width
        for phase in phases:
            for access in phase.kept.values():
                places[access.slot] = self.scratch
                self.scratch += (positions * access.dtype.itemsize + 63) // 64 * 64
        return places

    def _rows(self, root: Scope, begin: V, end: V) -> None:
        nest, b, lanes = self.nest, self.b, self.lanes
        n = nest.dims[nest.along] if nest.along >= 0 else 1
        pieces = -(-n // lanes)
        held = not nest.inner and nest.across and (masked(self.target) or n % lanes == 0)
        room = self.target.registers * self.target.bits // (32 * lanes * 4)
        held = held and pieces <= max(1, room) and (pieces == 1 or pieces * self.heavy <= 160)
        phases = plan(nest, 1, keep=not held)
        buffers = self._buffers(phases, 1)
        self.note = f"rows, {len(phases)} phase{'s' if len(phases) > 1 else ''}"
        shared = self._share(0)

        def work(row: Scope, _: Int | None) -> None:
            row = row.within({slot: b.gep(I8, b.params["scratch"], place) for slot, place in buffers.items()})
            row.settle(list({a: None for phase in phases for a in phase.kept.values()}))
            if held:
                self._held(row, phases, n)
                return
            for p, phase in enumerate(phases):
                self._after(row, p)
                self._row_phase(row, phase)
            self._after(row, len(phases))

        self._outer(root, begin, end, shared, work)

    def _after(self, row: Scope, p: int) -> None:
        """What does not change along reduced dimensions and is known before sweep p: maps, and stores."""
        nest = self.nest
        row.ready()
        when = available(nest)
        for i, s in enumerate(nest.body):
            if s.kind == "store" and not nest.full(i) and when[i] == p:
                row.emit([i])

    def _held(self, row: Scope, phases: list[Phase], n: int) -> None:
        """A row that stays in registers: each of its vectors has a place that remembers its values."""
        nest, b = self.nest, self.b
        self._after(row, 0)
        everything = [i for phase in phases for i in phase.statements]
        row.prepare(everything, nest.along, self.lanes)
        places = [row.lanes(nest.along, p.start, p.lanes, p.mask) for p in self._pieces(n)]
        for p, phase in enumerate(phases):
            totals: list[V] = []
            for place in places:
                place.learn(row)
                place.emit(phase.statements)
            for k, r in enumerate(phase.reduces):
                s = nest.body[r]
                start = self._begin(phase, [self.lanes])[k]
                parts = []
                for place in places:
                    value = self._entry(place, s.args[0])
                    parts.append(
                        value if place.mask is None else join(b, s.fn, start, value, name_of(s.dtype), place.mask)
                    )
                totals.append(self._together(s.fn, parts or [start], name_of(s.dtype)))
            for k, r in enumerate(phase.reduces):
                row.known[r] = across(b, nest.body[r].fn, totals[k], name_of(nest.body[r].dtype))
            self._after(row, p + 1)
            row.prepare(everything, nest.along, self.lanes)

    def _pieces(self, n: int) -> list[_Piece]:
        """A row of n entries in vectors, the last one perhaps masked; without masks its entries one by one."""
        lanes = self.lanes
        whole = [_Piece(i, lanes) for i in range(0, n - n % lanes, lanes)]
        if n % lanes == 0:
            return whole
        if masked(self.target):
            return [*whole, _Piece(n - n % lanes, lanes, _first(n % lanes, lanes))]
        return [*whole, *(_Piece(i, 1) for i in range(n - n % lanes, n))]

    def _together(self, fn: str, parts: Sequence[V], dtype: str) -> V:
        """All of them joined, as a tree."""
        parts = list(parts)
        while len(parts) > 1:
            joined = [join(self.b, fn, parts[i], parts[i + 1], dtype) for i in range(0, len(parts) - 1, 2)]
            parts = joined + parts[len(parts) - len(parts) % 2 :]
        return parts[0]

    def _row_phase(self, row: Scope, phase: Phase) -> None:
        """One sweep over all reduced dimensions with the vectors along one of them."""
        nest, b, lanes = self.nest, self.b, self.lanes
        if nest.along < 0:
            widths = [1]
        else:
            n = nest.dims[nest.along]
            widths = [lanes] * (self._unroll(phase, n // lanes) if phase.reduces else 1)
            if phase.reduces and lanes > 1 and not masked(self.target) and n % lanes:
                widths.append(1)
        widths = widths if phase.reduces else []

        def inside(scope: Scope, dims: list[int], totals: list[V]) -> list[V]:
            if not dims:
                if nest.along >= 0:
                    return self._sweep(scope, phase, 0, nest.dims[nest.along], totals, widths)
                now = list(totals)
                self._turn(scope, phase, now, 0, 1)
                return now

            def turn(i: V, carried: list[V]) -> list[V]:
                place = scope.at(dims[0], i)
                place.ready(phase.hoistable())
                place.settle(self.accesses)
                return inside(place, dims[1:], carried)

            return b.loop(0, nest.dims[dims[0]], 1, totals, turn)

        if nest.along >= 0:
            row.prepare(phase.statements, nest.along, lanes)
        totals = inside(row, nest.inner, self._begin(phase, widths))
        for k, r in enumerate(phase.reduces):
            s = nest.body[r]
            mine = totals[k * len(widths) : (k + 1) * len(widths)]
            whole = self._together(s.fn, [v for v, w in zip(mine, widths, strict=True) if w == lanes], name_of(s.dtype))
            result = across(b, s.fn, whole, name_of(s.dtype))
            for v, w in zip(mine, widths, strict=True):
                if w != lanes:
                    result = join(b, s.fn, result, v, name_of(s.dtype))
            row.known[r] = result

    # Columns.

    def _columns(self, root: Scope, begin: V, end: V) -> None:
        nest, b, lanes = self.nest, self.b, self.lanes
        n = nest.dims[nest.along]
        width = self._block(n) * lanes
        phases = plan(nest, width)
        buffers = self._buffers(phases, width)
        self.note = f"columns, {len(phases)} phase{'s' if len(phases) > 1 else ''}"
        full, rest = n // width, n % width
        shared = self._share(full + bool(rest))

        def block(scope: Scope, first: Int, pieces: list[_Piece]) -> list[V]:
            scope = scope.within(
                {
                    slot: b.gep(_memory(phases, slot), b.gep(I8, b.params["scratch"], place), b.sub(0, first))
                    for slot, place in buffers.items()
                }
            )
            scope.prepare(range(len(nest.body)), nest.along, lanes)
            group = []
            for piece in pieces:
                place = scope.lanes(nest.along, b.add(first, piece.start), piece.lanes, piece.mask)
                place.settle([*self.accesses, *(a for phase in phases for a in phase.kept.values())])
                group.append(place)
            for p, phase in enumerate(phases):
                for place in group:
                    self._after(place, p)
                self._column_phase(group, phase)
            for place in group:
                self._after(place, len(phases))
            return []

        def partial(first: Int) -> list[_Piece]:
            """A block that may go beyond the last column."""
            starts = range(0, width, lanes)
            return [_Piece(i, lanes, b.mask_below(b.sub(n, b.add(first, i)), lanes)) for i in starts]

        def work(scope: Scope, number: Int | None) -> None:
            if not full:
                block(scope, 0, self._pieces(rest))
                return

            def turn(i: V, _: list[V]) -> list[V]:
                return block(scope, i, partial(i) if rest and one else self._pieces(width))

            one = masked(self.target) and lanes > 1  # one piece of code does for the last block, too
            if number is not None:
                first = b.mul(number, width)
                if rest and not one:
                    whole = b.compare("slt", first, b.int(full * width))
                    b.when(whole, lambda: turn(first, []), lambda: block(scope, full * width, self._pieces(rest)))
                else:
                    turn(first, [])
                return
            b.loop(0, n if one else full * width, width, [], turn)
            if rest and not one:
                block(scope, full * width, self._pieces(rest))

        self._outer(root, begin, end, shared, work)

    def _block(self, n: int) -> int:
        """Vectors in a block of columns: as many as keep the registers busy, of a number that leaves no rest."""
        vectors = -(-n // self.lanes)
        sums = max(1, sum(s.kind == "reduce" for s in self.nest.body))
        most = max(1, min(8 if vectors >= 32 else 4, self.target.registers // (2 * sums), 160 // max(1, self.heavy)))
        if vectors <= most:
            return vectors
        even = [k for k in range(2, most + 1) if vectors % k == 0]
        return max(even) if even else most

    def _column_phase(self, group: list[Scope], phase: Phase) -> None:
        """One sweep down the reduced dimensions for a block of columns."""
        nest, b = self.nest, self.b
        last = nest.dims[nest.inner[-1]] if nest.inner else 1
        unroll = 2 if len(group) * self.heavy <= 40 and last >= 4 else 1
        widths = [place.width for place in group for _ in range(unroll)] if phase.reduces else []

        def inside(places: list[Scope], dims: list[int], totals: list[V]) -> list[V]:
            def at(i: Int) -> list[Scope]:
                return [place.at(dims[0], i) for place in places] if dims else places

            if len(dims) > 1:

                def outer(i: V, carried: list[V]) -> list[V]:
                    next_places = at(i)
                    for place in next_places:
                        place.ready(phase.hoistable())
                        place.settle(self.accesses)
                    return inside(next_places, dims[1:], carried)

                return b.loop(0, nest.dims[dims[0]], 1, totals, outer)

            def turns(per_turn: int) -> Callable[[V, list[V]], list[V]]:
                def turn(i: V, carried: list[V]) -> list[V]:
                    now = list(carried)
                    for u in range(per_turn):
                        for k, place in enumerate(at(b.add(i, u))):
                            self._turn(place, phase, now, k * unroll + u, len(widths))
                    return now

                return turn

            whole = last - last % unroll
            totals = b.loop(0, whole, unroll, totals, turns(unroll))
            return b.loop(whole, last, 1, totals, turns(1))

        totals = inside(group, nest.inner, self._begin(phase, widths))
        for n, r in enumerate(phase.reduces):
            s = nest.body[r]
            for k, place in enumerate(group):
                first = n * len(widths) + k * unroll
                place.known[r] = self._together(s.fn, totals[first : first + unroll], name_of(s.dtype))


def _first(count: int, lanes: int) -> V:
    """The mask of the first entries."""
    bits = ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(lanes))
    return V(f"<{bits}>", f"<{lanes} x {I1}>")


def _memory(phases: list[Phase], slot: int) -> str:
    return next(OF_DTYPE[name_of(a.dtype)] for phase in phases for a in phase.kept.values() if a.slot == slot)


def _work(nest: Nest) -> tuple[int, int]:
    """Floating-point operations and bytes moved, of all units together."""
    flops = moved = 0
    every = frozenset(range(len(nest.dims)))
    for i, s in enumerate(nest.body):
        if s.access is not None:
            dims = frozenset(d for d in every if s.access.strides[d])
            moved += nest.count(dims) * s.access.dtype.itemsize
        elif s.kind == "map" and s.dtype.kind == "f":
            flops += nest.count(nest.varies[i]) * weight(s)
        elif s.kind == "reduce":
            flops += nest.count(every)
    return flops, moved
