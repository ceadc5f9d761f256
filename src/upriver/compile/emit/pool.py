"""Pooling: the largest entry or the sum of each window, and the gradients.

Registers hold neighbouring channels where those lie next to each other in memory, else neighbouring windows. Windows
that reach over the edge have code of their own, so that nothing is padded. The gradient of windows that do not overlap
and leave nothing out is written where it belongs; else it is added up in a plane of scratch memory, one image and
register of channels at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

from ..kernels import KernelCode, PoolKernel
from ..native.target import Target
from .body import Scope
from .builder import BYTES, I1, OF_DTYPE, Builder, Int, V, kernel, lanes_of, vector
from .conv_axis import Axis, forward_axis
from .conv_common import ceil_from_0, count_to, each, load_lanes, slots, store_lanes

UNROLLED = 32  # entries of a window, beyond which they are a loop
KINDS = 16  # kinds of windows at the edges, beyond which they share code
Range = tuple[Int, Int]


def emit_pool(k: PoolKernel, target: Target) -> KernelCode:
    """The code of a pooling or its gradient, for arrays of float32 or float64; its units are images.

    Example:
        >>> import numpy as np
        >>> from upriver.compile.kernels import Access, Statement
        >>> from upriver.compile.native.target import target
        >>> f = np.dtype("float32")
        >>> body = Statement("result", f), Statement("store", f, (0,), access=Access(1, f, (4, 1, 2, 1)))
        >>> x = Access(0, f, (16, 1, 4, 1))
        >>> pool = PoolKernel("pool", "max", 8, 1, (4, 4), (2, 2), (2, 2), (2, 2), (0, 0), (1, 1), (x,), body)
        >>> emit_pool(pool, target()).units
        8
    """
    made = Pooling(k, target)
    made.emit()
    name, ir = made.b.finish()
    size = BYTES[made.type]
    area, windows = math.prod(k.size), math.prod(k.out)
    moved = size * k.n * k.c * (area + windows) * (2 if len(k.operands) == 3 else 1)
    flops = k.n * k.c * windows * math.prod(k.window)
    note = f"{k.kind} {k.fn}, vectors along {'channels' if made.along == 1 else 'rows'}"
    return KernelCode(name, ir, tuple(made.b.declares), k.n, 1, True, made.scratch, flops, moved, note)


class Pooling:
    """The code of one kernel under construction."""

    def __init__(self, k: PoolKernel, target: Target) -> None:
        self.k, self.target, self.b = k, target, kernel()
        self.type = OF_DTYPE[k.operands[0].dtype.name]
        self.lanes = target.bits // 8 // BYTES[self.type]
        images = list(k.operands[:1] if k.kind == "pool" else k.operands[1:2])
        images += [s.access for s in k.body if s.kind == "store" and s.access is not None]
        self.along = 1 if (images[0].strides[1] == 1 and k.c > 1) or k.out[1] == 1 else 3
        sizes = zip(k.size, k.out, k.window, k.stride, k.padding, k.dilation, strict=True)
        self.rows, self.columns = [forward_axis(*s) for s in sizes]
        kinds = len(self.rows.runs(1)) * len(self.columns.runs(1))
        self.small = math.prod(k.window) <= UNROLLED and kinds <= KINDS
        apart = all(s >= d * (w - 1) + 1 for s, d, w in zip(k.stride, k.dilation, k.window, strict=True))
        whole = all(o * w == n for o, w, n in zip(k.out, k.window, k.size, strict=True))
        self.direct = apart and whole and not any(k.padding) and self.small and self.along == 1
        plane = math.prod(k.size) * BYTES[self.type] * (self.lanes if self.along == 1 else 1)
        self.scratch = plane if k.kind == "pool_back" and not self.direct else 0

    def emit(self) -> None:
        """The function."""
        b, k = self.b, self.k
        self.operands = [b.gep(self.type, b.argument(x.slot), x.offset) for x in k.operands]
        self.scope = Scope(b, k.body, slots(b, k.body), 4, self.target)
        one = self._forward if k.kind == "pool" else self._direct if self.direct else self._added_up

        def image(n: V, _: list[V]) -> list[V]:
            if self.along == 1:
                for begin, count, lanes in pieces(k.c, self.lanes):

                    def piece(i: Int, begin: int = begin, lanes: int = lanes) -> None:
                        one(n, b.add(begin, b.mul(i, lanes)), lanes)

                    each(b, count, piece)
            else:
                each(b, k.c, lambda c: one(n, c, self.lanes))
            return []

        b.loop(b.params["begin"], b.params["end"], 1, [], image)

    # The three forms, for one image and one register of channels (or one channel).

    def _forward(self, n: Int, c: Int, lanes: int) -> None:
        def window(oy: Int, ox: Int, ys: Range, xs: Range, lanes: int) -> None:
            source = self._corner(n, c, oy, ox)
            empty = -math.inf if self.k.fn == "max" else 0.0
            found: list[V] = []
            places = self._listed(ys, xs)
            if places is not None:
                for place in places:
                    found = [self._join(*found, self._entry(source, place, lanes))]
                result = found[0] if found else self.b.const(empty, vector(lanes, self.type))
            else:

                def row(ky: V, total: list[V]) -> list[V]:
                    return self.b.loop(
                        *xs, 1, total, lambda kx, t: [self._join(t[0], self._entry(source, (ky, kx), lanes))]
                    )

                (result,) = self.b.loop(*ys, 1, [self.b.const(empty, vector(lanes, self.type))], row)
            self._finish((n, c, oy, ox), lanes, result)

        self._each_window(lanes, window)

    def _direct(self, n: Int, c: Int, lanes: int) -> None:
        b, k = self.b, self.k

        def window(oy: Int, ox: Int, ys: Range, xs: Range, lanes: int) -> None:
            def put(place: tuple[Int, Int], share: V) -> None:
                y, x = (b.add(b.mul(o, s), t) for o, s, t in zip((oy, ox), k.stride, place, strict=True))
                self._finish((n, c, y, x), lanes, share)

            self._shares(n, c, oy, ox, ys, xs, lanes, put)

        self._each_window(lanes, window)

    def _added_up(self, n: Int, c: Int, lanes: int) -> None:
        b, k = self.b, self.k
        plane, width = b.params["scratch"], lanes if self.along == 1 else 1
        entries = math.prod(k.size) * width
        for begin, count, size in pieces(entries, self.lanes):
            zero = b.const(0.0, vector(size, self.type))

            def clear(i: Int, begin: int = begin, zero: V = zero) -> None:
                b.store(zero, b.gep(self.type, plane, b.add(begin, b.mul(i, lanes_of(zero.type)))))

            each(b, count, clear)

        def window(oy: Int, ox: Int, ys: Range, xs: Range, lanes: int) -> None:
            top = b.sub(b.mul(oy, k.stride[0]), k.padding[0])
            left = b.sub(b.mul(ox, k.stride[1]), k.padding[1])
            corner = b.gep(self.type, plane, b.mul(b.add(b.mul(top, k.size[1]), left), width))

            def put(place: tuple[Int, Int], share: V) -> None:
                y, x = (b.mul(t, d) for t, d in zip(place, k.dilation, strict=True))
                here = b.gep(self.type, corner, b.mul(b.add(b.mul(y, k.size[1]), x), width))
                step = 1 if self.along == 1 else k.stride[1]
                before = load_lanes(b, share.type, here, step, None)
                store_lanes(b, b.op("fadd", before, share), here, step)

            self._shares(n, c, oy, ox, ys, xs, lanes, put)

        self._each_window(lanes, window)

        def row(y: Int) -> None:
            begin = b.gep(self.type, plane, b.mul(y, k.size[1] * width))
            if self.along == 1:

                def pixel(x: Int) -> None:
                    entry = b.load(vector(lanes, self.type), b.gep(self.type, begin, b.mul(x, width)))
                    self._finish((n, c, y, x), lanes, entry)

                each(b, k.size[1], pixel)
                return
            for start, count, size in pieces(k.size[1], lanes):

                def piece(i: Int, start: int = start, size: int = size) -> None:
                    x = b.add(start, b.mul(i, size))
                    self._finish((n, c, y, x), size, b.load(vector(size, self.type), b.gep(self.type, begin, x)))

                each(b, count, piece)

        each(b, k.size[0], row)

    # One window.

    def _shares(
        self, n: Int, c: Int, oy: Int, ox: Int, ys: Range, xs: Range, lanes: int, put: Callable[..., None]
    ) -> None:
        """``put`` for each place inside the image what its entry gets of a window's (or windows') gradient."""
        b, k = self.b, self.k
        wide = vector(lanes, self.type)

        def at_window(i: int) -> V:
            strides = k.operands[i].strides
            place = self.operands[i]
            for position, stride in zip((n, c, oy, ox), strides, strict=True):
                place = b.gep(self.type, place, b.mul(position, stride))
            return load_lanes(b, wide, place, strides[self.along], None)

        upstream, inside = at_window(0), self._listed(ys, xs)
        if k.fn == "add":
            if inside is not None:
                for place in inside:
                    put(place, upstream)
            else:
                loop(b, ys, lambda ky: loop(b, xs, lambda kx: put((ky, kx), upstream)))
            return
        largest, source = at_window(2), self._corner(n, c, oy, ox)
        outside = b.const(-math.inf, wide)
        one, zero = b.const(1.0, wide), b.const(0.0, wide)
        left = b.const(True, vector(lanes, I1))

        def take(place: tuple[Int, Int], entry: V, left: V) -> tuple[V, V]:
            """What the place gets, and which windows have found none yet: the last place takes what is left."""
            found = b.op("and", left, b.compare("oeq", entry, largest))
            last = tuple(w - 1 for w in k.window)
            if isinstance(place[0], int):
                found = left if place == last else found
            else:
                here = [b.compare("eq", b.int(t), b.int(end)) for t, end in zip(place, last, strict=True)]
                found = b.select(b.splat(b.op("and", *here), lanes), left, found)
            return b.op("fmul", upstream, b.select(found, one, zero)), b.op("xor", left, found)

        if inside is not None:
            for place in product(range(k.window[0]), range(k.window[1])):
                entry = self._entry(source, place, lanes) if place in inside else outside
                share, left = take(place, entry, left)
                if place in inside:
                    put(place, share)
            return

        def column(ky: V, kx: V, left: V) -> V:
            within = b.op("and", *[self._within(t, r) for t, r in zip((ky, kx), (ys, xs), strict=True)])
            (entry,) = b.when(within, lambda: [self._entry(source, (ky, kx), lanes)], lambda: [outside])
            share, left = take((ky, kx), entry, left)

            def here() -> list[V]:
                put((ky, kx), share)
                return []

            b.when(within, here)
            return left

        def row(ky: V, left: list[V]) -> list[V]:
            return b.loop(0, k.window[1], 1, left, lambda kx, left: [column(ky, kx, left[0])])

        b.loop(0, k.window[0], 1, [left], row)

    def _within(self, t: V, range: Range) -> V:
        low, high = range
        return self.b.op("and", self.b.compare("sge", t, self.b.int(low)), self.b.compare("slt", t, self.b.int(high)))

    def _listed(self, ys: Range, xs: Range) -> list[tuple[int, int]] | None:
        """The places of a window, if there is to be code for each."""
        bounds = [t for t in (*ys, *xs) if isinstance(t, int)]
        if not self.small or len(bounds) < 4:
            return None
        top, bottom, left, right = bounds
        return [(y, x) for y in range(top, bottom) for x in range(left, right)]

    def _corner(self, n: Int, c: Int, oy: Int, ox: Int) -> V:
        """The address of the first entry of a window, which may lie outside."""
        b, k = self.b, self.k
        number = 0 if k.kind == "pool" else 1
        place, strides = self.operands[number], k.operands[number].strides
        place = b.gep(self.type, place, b.add(b.mul(n, strides[0]), b.mul(c, strides[1])))
        for o, s, p, stride in zip((oy, ox), k.stride, k.padding, strides[2:], strict=True):
            place = b.gep(self.type, place, b.mul(b.sub(b.mul(o, s), p), stride))
        return place

    def _entry(self, corner: V, place: tuple[Int, Int], lanes: int) -> V:
        """What stands at a place of a window, or of the windows of a register."""
        b, k = self.b, self.k
        strides = k.operands[0 if k.kind == "pool" else 1].strides
        for t, d, stride in zip(place, k.dilation, strides[2:], strict=True):
            corner = b.gep(self.type, corner, b.mul(t, d * stride))
        step = strides[1] if self.along == 1 else strides[3] * k.stride[1]
        return load_lanes(b, vector(lanes, self.type), corner, step, None)

    def _join(self, x: V, *others: V) -> V:
        b = self.b
        for y in others:
            if self.k.fn == "add":
                x = b.op("fadd", x, y)
            else:  # the second if any is NaN, unless that was the first
                larger = b.select(b.compare("ogt", x, y), x, y)
                x = b.select(b.compare("uno", x, x), x, larger)
        return x

    # All windows.

    def _each_window(self, lanes: int, window: Callable[[Int, Int, Range, Range, int], None]) -> None:
        """Emit ``window(row, column, rows inside, columns inside, lanes)`` for all of them."""
        self._each(self.rows, lambda oy, ys: self._each_in_row(lanes, lambda ox, xs, n: window(oy, ox, ys, xs, n)))

    def _each_in_row(self, lanes: int, window: Callable[[Int, Range, int], None]) -> None:
        if self.along == 1:
            self._each(self.columns, lambda ox, xs: window(ox, xs, lanes))
            return
        b, (low, high) = self.b, self.columns.inner()
        self._each(self.columns, lambda ox, xs: window(ox, xs, 1), 0, low)
        for begin, count, size in pieces(high - low, lanes):

            def piece(i: Int, begin: int = begin, size: int = size) -> None:
                window(b.add(low + begin, b.mul(i, size)), (0, len(self.columns.taps)), size)

            each(b, count, piece)
        self._each(self.columns, lambda ox, xs: window(ox, xs, 1), high, self.columns.count)

    def _each(self, axis: Axis, body: Callable[[Int, Range], None], begin: int = 0, end: int | None = None) -> None:
        """Emit ``body(position, which taps lie inside)``, with code for each kind of window if there are few."""
        b = self.b
        end = axis.count if end is None else end
        if not self.small:

            def position(o: V, _: list[V]) -> list[V]:
                first = b.add(b.mul(o, axis.step), axis.first)
                low = ceil_from_0(b, b.sub(0, first), axis.gap)
                high = b.least(len(axis.taps), count_to(b, b.sub(axis.length - 1, first), axis.gap))
                body(o, (low, high))
                return []

            b.loop(begin, end, 1, [], position)
            return
        for start, count, (reads,) in axis.runs(1):
            first, last = max(start, begin), min(start + count, end)
            inside = (reads[0], reads[-1] + 1) if reads else (0, 0)
            if first < last:

                def alike(i: Int, first: int = first, inside: Range = inside) -> None:
                    body(b.add(first, i), inside)

                each(b, last - first, alike)

    def _finish(self, at: tuple[Int, Int, Int, Int], lanes: int, result: V) -> None:
        scope = self.scope
        for dim, position in enumerate(at):
            scope = scope.lanes(dim, position, lanes) if dim == self.along else scope.at(dim, position)
        scope.known[0] = result
        scope.emit()


def pieces(n: int, lanes: int) -> list[tuple[int, int, int]]:
    """``n`` entries as (first, how many registers, lanes): whole registers, and powers of two for the rest.

    Example:
        >>> pieces(39, 8)
        [(0, 4, 8), (32, 1, 4), (36, 1, 2), (38, 1, 1)]
    """
    found = [(0, n // lanes, lanes)] if n >= lanes else []
    at, size = n // lanes * lanes, lanes // 2
    while at < n:
        if at + size <= n:
            found.append((at, 1, size))
            at += size
        size //= 2
    return found


def loop(b: Builder, range: Range, body: Callable[[V], None]) -> None:
    """``for i in range``, whose ends may be values."""

    def turn(i: V, _: list[V]) -> list[V]:
        body(i)
        return []

    b.loop(*range, 1, [], turn)
