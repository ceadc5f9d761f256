"""Kernels whose vectors lie along a reduced dimension: the entries of a vector are joined at the end of a sweep."""

from __future__ import annotations

from .body import Scope
from .builder import I8, Int, V
from .maths import name_of
from .nest import masked
from .phases import Phase, plan
from .reduce import across, join
from .sweep import Sweeper


class Rows(Sweeper):
    """One kernel of this kind."""

    def emit(self, root: Scope, begin: V, end: V) -> None:
        nest, b, lanes = self.nest, self.b, self.lanes
        n = nest.dims[nest.along] if nest.along >= 0 else 1
        pieces = -(-n // lanes)
        held = not nest.inner and nest.across and (masked(self.target) or n % lanes == 0)
        room = self.target.registers * self.target.bits // (32 * lanes * 4)
        held = held and pieces <= max(1, room) and (pieces == 1 or pieces * self.heavy <= 160)
        phases = plan(nest, 1, keep=not held)
        buffers = self.buffers(phases, 1)
        self.note = f"rows, {len(phases)} phase{'s' if len(phases) > 1 else ''}"
        shared = self.share(0)

        def work(row: Scope, _: Int | None) -> None:
            row = row.within({slot: b.gep(I8, b.params["scratch"], place) for slot, place in buffers.items()})
            row.settle(list({a: None for phase in phases for a in phase.kept.values()}))
            if held:
                self._held(row, phases, n)
                return
            for p, phase in enumerate(phases):
                self.after(row, p)
                self._row_phase(row, phase)
            self.after(row, len(phases))

        self.outer(root, begin, end, shared, work)

    def _held(self, row: Scope, phases: list[Phase], n: int) -> None:
        """A row that stays in registers: each of its vectors has a place that remembers its values."""
        nest, b = self.nest, self.b
        self.after(row, 0)
        everything = [i for phase in phases for i in phase.statements]
        row.prepare(everything, nest.along, self.lanes)
        places = [row.lanes(nest.along, p.start, p.lanes, p.mask) for p in self.pieces(n)]
        for p, phase in enumerate(phases):
            totals: list[V] = []
            for place in places:
                place.learn(row)
                place.emit(phase.statements)
            for k, r in enumerate(phase.reduces):
                s = nest.body[r]
                start = self.begin(phase, [self.lanes])[k]
                parts = []
                for place in places:
                    value = self._entry(place, s.args[0])
                    parts.append(
                        value if place.mask is None else join(b, s.fn, start, value, name_of(s.dtype), place.mask)
                    )
                totals.append(self.together(s.fn, parts or [start], name_of(s.dtype)))
            for k, r in enumerate(phase.reduces):
                row.known[r] = across(b, nest.body[r].fn, totals[k], name_of(nest.body[r].dtype))
            self.after(row, p + 1)
            row.prepare(everything, nest.along, self.lanes)

    def _row_phase(self, row: Scope, phase: Phase) -> None:
        """One sweep over all reduced dimensions with the vectors along one of them."""
        nest, b, lanes = self.nest, self.b, self.lanes
        if nest.along < 0:
            widths = [1]
        else:
            n = nest.dims[nest.along]
            widths = [lanes] * (self.unroll(phase, n // lanes) if phase.reduces else 1)
            if phase.reduces and lanes > 1 and not masked(self.target) and n % lanes:
                widths.append(1)
        widths = widths if phase.reduces else []

        def inside(scope: Scope, dims: list[int], totals: list[V]) -> list[V]:
            if not dims:
                if nest.along >= 0:
                    return self.sweep(scope, phase, 0, nest.dims[nest.along], totals, widths)
                now = list(totals)
                self.turn(scope, phase, now, 0, 1)
                return now

            def turn(i: V, carried: list[V]) -> list[V]:
                place = scope.at(dims[0], i)
                place.ready(phase.hoistable())
                place.settle(self.accesses)
                return inside(place, dims[1:], carried)

            return b.loop(0, nest.dims[dims[0]], 1, totals, turn)

        if nest.along >= 0:
            row.prepare(phase.statements, nest.along, lanes)
        totals = inside(row, nest.inner, self.begin(phase, widths))
        for k, r in enumerate(phase.reduces):
            s = nest.body[r]
            mine = totals[k * len(widths) : (k + 1) * len(widths)]
            whole = self.together(s.fn, [v for v, w in zip(mine, widths, strict=True) if w == lanes], name_of(s.dtype))
            result = across(b, s.fn, whole, name_of(s.dtype))
            for v, w in zip(mine, widths, strict=True):
                if w != lanes:
                    result = join(b, s.fn, result, v, name_of(s.dtype))
            row.known[r] = result
