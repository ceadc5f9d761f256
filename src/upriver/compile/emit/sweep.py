"""What all loop kernels share: their units, and the sweep of vectors along one dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..native.target import Target
from .body import Scope
from .builder import I1, I64, Int, V, kernel as new_kernel, lanes_of
from .maths import name_of, value_type
from .nest import Nest, masked, weight
from .phases import Phase, available
from .reduce import identity, join

_UNITS = 16  # with fewer positions than these along a first dimension, threads share further ones as well


@dataclass(frozen=True)
class Piece:
    """Some entries of a row: where they begin, how many lanes they take, and which of those count."""

    start: int
    lanes: int
    mask: V | None = None


class Sweeper:
    """One kernel on its way to code.

    Attributes:
        b, nest, target: the builder, the loops, the processor.
        units, align, rows, scratch, note: of the code, as they become known.
    """

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

    def emit(self, root: Scope, begin: V, end: V) -> None:
        """The units from begin to end; ``root`` is the place where nothing stands yet."""
        raise NotImplementedError

    def share(self, blocks: int) -> list[tuple[int, int]]:
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

    def outer(
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

    def unroll(self, phase: Phase, vectors: int | None) -> int:
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

    def sweep(self, scope: Scope, phase: Phase, start: Int, stop: Int, totals: list[V], widths: list[int]) -> list[V]:
        """All entries from start to stop; totals are carried through. ``widths``: the lanes of each copy of them."""
        b, lanes, dim = self.b, self.lanes, self.nest.along
        static = isinstance(start, int) and isinstance(stop, int)
        scope.prepare(phase.statements, dim, lanes)
        count = b.sub(stop, start)
        unroll = widths.count(lanes) if widths else self.unroll(phase, count // lanes if static else None)
        if lanes == 1 and widths:
            unroll = len(widths)

        def vectors(per_turn: int) -> Callable[[V, list[V]], list[V]]:
            def turn(i: V, carried: list[V]) -> list[V]:
                now = list(carried)
                for u in range(per_turn):
                    self.turn(scope.lanes(dim, b.add(i, u * lanes), lanes), phase, now, u, len(widths))
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
                    mask = first_lanes(left, lanes) if isinstance(left, int) else b.mask_below(left, lanes)
                self.turn(scope.lanes(dim, i, lanes, mask), phase, now, 0, len(widths))
                return now

            return b.loop(main, stop, lanes, totals, rest)
        whole = until(1)
        totals = b.loop(main, whole, lanes, totals, vectors(1)) if unroll > 1 else totals
        if lanes == 1:
            return totals

        def single(i: V, carried: list[V]) -> list[V]:
            now = list(carried)
            self.turn(scope.lanes(dim, i, 1), phase, now, len(widths) - 1, len(widths))
            return now

        return b.loop(whole, stop, 1, totals, single)

    def _floor(self, count: Int, step: int) -> V:
        """A number that is not negative, rounded down to a multiple of a power of two."""
        return self.b.op("and", self.b.int(count), V(str(-step), I64))

    def turn(self, place: Scope, phase: Phase, totals: list[V], copy: int, copies: int) -> None:
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

    def begin(self, phase: Phase, widths: Sequence[int]) -> list[V]:
        """The totals before a sweep."""
        result = []
        for r in phase.reduces:
            s = self.nest.body[r]
            for width in widths:
                kind = value_type(s.dtype, width)
                result.append(self.b.const(identity(s.fn, kind), kind))
        return result

    def buffers(self, phases: list[Phase], width: int) -> dict[int, int]:
        """Where in scratch each buffer lies, in bytes."""
        nest, places = self.nest, {}
        positions = nest.count(set(nest.reduced)) * width
        for phase in phases:
            for access in phase.kept.values():
                places[access.slot] = self.scratch
                self.scratch += (positions * access.dtype.itemsize + 63) // 64 * 64
        return places

    def after(self, row: Scope, p: int) -> None:
        """What does not change along reduced dimensions and is known before sweep p: maps, and stores."""
        nest = self.nest
        row.ready()
        when = available(nest)
        for i, s in enumerate(nest.body):
            if s.kind == "store" and not nest.full(i) and when[i] == p:
                row.emit([i])

    def pieces(self, n: int) -> list[Piece]:
        """A row of n entries in vectors, the last one perhaps masked; without masks its entries one by one."""
        lanes = self.lanes
        whole = [Piece(i, lanes) for i in range(0, n - n % lanes, lanes)]
        if n % lanes == 0:
            return whole
        if masked(self.target):
            return [*whole, Piece(n - n % lanes, lanes, first_lanes(n % lanes, lanes))]
        return [*whole, *(Piece(i, 1) for i in range(n - n % lanes, n))]

    def together(self, fn: str, parts: Sequence[V], dtype: str) -> V:
        """All of them joined, as a tree."""
        parts = list(parts)
        while len(parts) > 1:
            joined = [join(self.b, fn, parts[i], parts[i + 1], dtype) for i in range(0, len(parts) - 1, 2)]
            parts = joined + parts[len(parts) - len(parts) % 2 :]
        return parts[0]


def first_lanes(count: int, lanes: int) -> V:
    """The mask of the first entries."""
    bits = ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(lanes))
    return V(f"<{bits}>", f"<{lanes} x {I1}>")
