"""Kernels whose vectors lie along a kept dimension: a block of them is taken down the reduced ones."""

from __future__ import annotations

import math
from collections.abc import Callable

from .body import Scope
from .builder import I8, OF_DTYPE, Int, V
from .maths import name_of
from .nest import masked
from .phases import Phase, plan
from .reduce import BLOCK, in_blocks, join
from .sweep import Piece, Sweeper


class Columns(Sweeper):
    """One kernel of this kind."""

    def emit(self, root: Scope, begin: V, end: V) -> None:
        nest, b, lanes = self.nest, self.b, self.lanes
        n = nest.dims[nest.along]
        width = self._block(n) * lanes
        phases = plan(nest, width)
        buffers = self.buffers(phases, width)
        self.note = f"columns, {len(phases)} phase{'s' if len(phases) > 1 else ''}"
        full, rest = n // width, n % width
        shared = self.share(full + bool(rest))

        def block(scope: Scope, first: Int, pieces: list[Piece]) -> list[V]:
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
                    self.after(place, p)
                self._column_phase(group, phase)
            for place in group:
                self.after(place, len(phases))
            return []

        def partial(first: Int) -> list[Piece]:
            """A block that may go beyond the last column."""
            starts = range(0, width, lanes)
            return [Piece(i, lanes, b.mask_below(b.sub(n, b.add(first, i)), lanes)) for i in starts]

        def work(scope: Scope, number: Int | None) -> None:
            if not full:
                block(scope, 0, self.pieces(rest))
                return

            def turn(i: V, _: list[V]) -> list[V]:
                return block(scope, i, partial(i) if rest and one else self.pieces(width))

            one = masked(self.target) and lanes > 1  # one piece of code does for the last block, too
            if number is not None:
                first = b.mul(number, width)
                if rest and not one:
                    whole = b.compare("slt", first, b.int(full * width))
                    b.when(whole, lambda: turn(first, []), lambda: block(scope, full * width, self.pieces(rest)))
                else:
                    turn(first, [])
                return
            b.loop(0, n if one else full * width, width, [], turn)
            if rest and not one:
                block(scope, full * width, self.pieces(rest))

        self.outer(root, begin, end, shared, work)

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
        fresh = self.begin(phase, widths)

        def joined(total: V, part: V, i: int) -> V:
            s = nest.body[phase.reduces[i // len(widths)]]
            return join(b, s.fn, total, part, name_of(s.dtype))

        def loop(stop: int, step: int, per: int, totals: list[V], turn: Callable[[V, list[V]], list[V]]) -> list[V]:
            """A loop of which each turn adds ``per`` terms to a total."""
            block = max(BLOCK // per, 1) * step if fresh else stop
            return in_blocks(b, stop, step, block, totals, fresh, turn, joined)

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

                return loop(nest.dims[dims[0]], 1, math.prod([nest.dims[d] for d in dims[1:]]), totals, outer)

            def turns(per_turn: int) -> Callable[[V, list[V]], list[V]]:
                def turn(i: V, carried: list[V]) -> list[V]:
                    now = list(carried)
                    for u in range(per_turn):
                        for k, place in enumerate(at(b.add(i, u))):
                            self.turn(place, phase, now, k * unroll + u, len(widths))
                    return now

                return turn

            whole = last - last % unroll
            totals = loop(whole, unroll, 1, totals, turns(unroll))
            return b.loop(whole, last, 1, totals, turns(1))

        totals = inside(group, nest.inner, fresh)
        for n, r in enumerate(phase.reduces):
            s = nest.body[r]
            for k, place in enumerate(group):
                first = n * len(widths) + k * unroll
                place.known[r] = self.together(s.fn, totals[first : first + unroll], name_of(s.dtype))


def _memory(phases: list[Phase], slot: int) -> str:
    """The type of a buffer's entries."""
    return next(OF_DTYPE[name_of(a.dtype)] for phase in phases for a in phase.kept.values() if a.slot == slot)
