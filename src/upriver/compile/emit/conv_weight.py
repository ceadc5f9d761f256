"""The gradient of a convolution with respect to its weight: a block of the weight in registers, over all pixels.

The output channels lie along vectors. A block is some input channels × columns of one row of the weight; for each
pixel the upstream gradient is loaded once, and each entry of the input that meets it is repeated in all lanes. So a
unit of work is a block, the whole sum is one thread's, and its order never changes. Where the upstream gradient's
channels do not lie next to each other in memory, each thread copies some images of it so that they do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce

from ..kernels import ConvKernel
from ..native.target import Target
from .body import Scope
from .builder import BYTES, I8, Builder, Int, V, kernel
from .conv_common import at_least_0, budget, ceil_from_0, channels, count_to, each, finish, load_lanes, slots

TILE = 1 << 18  # bytes of both operands that are gone through at a time: what stays in a core's own cache
SCRATCH = 1 << 22  # bytes of sums that are kept meanwhile
FEW = 8  # sums, below which those of every second pixel are kept apart, so that they do not wait for each other
EDGE = 8  # pixels of a row, beyond the inner ones, that have code of their own


class WeightGradient:
    """The code of one kernel under construction."""

    def __init__(self, k: ConvKernel, target: Target) -> None:
        self.k, self.b, self.target = k, kernel(), target
        self.ch = channels(k, target, 12)
        self.stride = (k.a.strides[1], k.b.strides[1])
        most = max(1, budget(target) // self.ch.vectors)
        self.wide = min(k.window[1], most)
        self.deep = max(1, min(self.ch.depth, most // self.wide))
        self.parts = (-(-self.ch.depth // self.deep), -(-k.window[1] // self.wide))
        self.deep = -(-self.ch.depth // self.parts[0])
        self.wide = -(-k.window[1] // self.parts[1])
        self.parts = (-(-self.ch.depth // self.deep), -(-k.window[1] // self.wide))
        self.units = self.ch.groups * self.ch.blocks * self.parts[0] * self.parts[1] * k.window[0]
        size = BYTES[self.ch.type]
        images = size * (k.c * k.size[0] * k.size[1] + k.o * k.out[0] * k.out[1])
        self.tile = max(1, TILE // max(1, images))
        self.block = self.deep * self.wide * self.ch.width  # entries
        self.scratch = size * self.block * self.units
        kept = self.scratch
        if self.tile >= k.n or self.scratch > SCRATCH:
            self.tile, self.scratch = max(1, k.n), 0
        self.sets = 2 if self.deep * self.wide * self.ch.vectors < FEW else 1
        # The copy of the upstream gradient: (image, row, column, channel).
        across = self.ch.groups * self.ch.blocks * self.ch.width
        self.copied = (k.out[0] * k.out[1] * across, k.out[1] * across, across)
        self.copies = k.b.strides[1] != 1 and self.ch.lanes > 1 and size * self.copied[0] <= SCRATCH and kept <= SCRATCH
        if self.copies:
            self.tile = min(self.tile, max(1, TILE // max(1, size * self.copied[0])))
            self.scratch = kept if self.tile < k.n else 0
        self.sums = self.scratch  # bytes; the copy lies behind them
        self.scratch += size * self.copied[0] * self.tile if self.copies else 0
        self.note = f"direct conv_weight, {self.deep}×{self.wide} entries × {self.ch.width} channels in registers"

    def emit(self) -> Builder:
        """The function; its units are blocks of the weight."""
        b, k, ch = self.b, self.k, self.ch
        self.x = b.gep(ch.type, b.argument(k.a.slot), k.a.offset)
        self.y = b.gep(ch.type, b.argument(k.b.slot), k.b.offset)
        self.scope = Scope(b, k.body, slots(b, k.body), 4, self.target)
        begin, end = b.params["begin"], b.params["end"]

        def tile(first: V, _: list[V]) -> list[V]:
            last = b.least(b.add(first, self.tile), k.n)
            if self.copies:
                self._copy(first, last)

            def unit(u: V, _: list[V]) -> list[V]:
                self.unit(u, first, last)
                return []

            b.loop(begin, end, 1, [], unit)
            return []

        b.loop(0, max(1, k.n), self.tile, [], tile)
        return b

    def unit(self, u: Int, first: Int, last: Int) -> None:
        """One block of the weight, over the images from ``first`` to ``last``."""
        b, k, ch = self.b, self.k, self.ch
        ky, v = b.rem(u, k.window[0]), b.div(u, k.window[0])
        part_x, v = b.rem(v, self.parts[1]), b.div(v, self.parts[1])
        part_c, v = b.rem(v, self.parts[0]), b.div(v, self.parts[0])
        at, group = b.rem(v, ch.blocks), b.div(v, ch.blocks)
        kept = b.gep(ch.type, b.params["scratch"], b.mul(b.sub(u, b.params["begin"]), self.block))

        def variant(deep: int, wide: int, masks: list[V | None]) -> None:
            lead = b.add(b.mul(group, ch.count), b.mul(at, ch.width))
            c = b.mul(part_c, self.deep)
            kx = b.mul(part_x, self.wide)
            rows = [(i, j) for i in range(deep) for j in range(wide)]
            n = len(masks)
            zeros = [b.const(0.0, ch.wide)] * (len(rows) * n)
            places = [b.gep(ch.type, kept, i * ch.lanes) for i in range(len(zeros))]
            old = zeros
            if self.sums:
                old = b.when(
                    b.compare("eq", b.int(first), b.int(0)),
                    lambda: zeros,
                    lambda: [b.load(ch.wide, place) for place in places],
                )
            depth = lead if ch.depthwise else b.add(b.mul(group, ch.depth), c)
            y, moves = b.gep(ch.type, self.y, b.mul(lead, k.b.strides[1])), k.b.strides
            if self.copies:
                moves = (self.copied[0], 1, *self.copied[1:])
                block = b.mul(b.add(b.mul(group, ch.blocks), at), ch.width)
                y = b.gep(ch.type, self.copy, b.sub(block, b.mul(first, moves[0])))
            sums = self.images(first, last, depth, (y, moves), ky, kx, rows, masks, old)

            def done() -> list[V]:
                for i in range(deep):
                    row = [sums[r * n : (r + 1) * n] for r in range(i * wide, (i + 1) * wide)]
                    finish(self.scope, (lead, b.add(c, i), ky, kx), 0, ch.lanes, masks, row)
                return []

            def keep() -> list[V]:
                for x, place in zip(sums, places, strict=True):
                    b.store(x, place)
                return []

            if self.sums:
                b.when(b.compare("eq", b.int(last), b.int(k.n)), done, keep)
            else:
                done()

        def split(part: Int, parts: int, size: int, total: int, then: Callable[[int], None]) -> None:
            """``then(size)``, or for the last part with what is left of ``total``."""

            def branch(size: int) -> list[V]:
                then(size)
                return []

            rest = total - (parts - 1) * size
            if rest == size or parts == 1:
                then(rest)
            else:
                last = b.compare("eq", b.int(part), b.int(parts - 1))
                b.when(last, lambda: branch(rest), lambda: branch(size))

        def with_masks(width: int) -> None:
            masks = ch.masks(last=width != ch.width or ch.blocks == 1)
            split(
                part_c, self.parts[0], self.deep, ch.depth,
                lambda deep: split(
                    part_x, self.parts[1], self.wide, k.window[1], lambda wide: variant(deep, wide, masks)
                ),
            )  # fmt: skip

        split(at, ch.blocks, ch.width, ch.count, with_masks)

    def images(
        self,
        first: Int,
        last: Int,
        depth: Int,
        upstream: tuple[V, tuple[int, ...]],
        ky: Int,
        kx: Int,
        rows: Sequence[tuple[int, int]],
        masks: Sequence[V | None],
        sums: list[V],
    ) -> list[V]:
        """The sums over pixels added to ``sums``."""
        b, k, ch = self.b, self.k, self.ch
        # Rows oy of the output whose row oy·stride + top of the input lies inside.
        top = b.sub(b.mul(ky, k.dilation[0]), k.padding[0])
        low = ceil_from_0(b, b.sub(0, top), k.stride[0])
        high = b.least(k.out[0], count_to(b, b.sub(k.size[0] - 1, top), k.stride[0]))
        left = b.sub(b.mul(kx, k.dilation[1]), k.padding[1])
        reach = k.dilation[1] * max(j for _, j in rows)
        inner_low = b.least(k.out[1], ceil_from_0(b, b.sub(0, left), k.stride[1]))
        inner_high = b.least(k.out[1], count_to(b, b.sub(k.size[1] - 1 - reach, left), k.stride[1]))
        if isinstance(inner_low, int) and isinstance(inner_high, int):
            inner_high = max(inner_low, inner_high)
        else:
            inner_high = b.add(inner_low, at_least_0(b, b.sub(inner_high, inner_low)))
        x = b.gep(ch.type, self.x, b.mul(depth, self.stride[0]))
        y, moves = upstream
        n = len(sums)
        sums = [*sums, *[b.const(0.0, ch.wide)] * (n * (self.sets - 1))]

        def pixel(x_row: V, y_row: V, ox: Int, sums: list[V], inside: bool) -> list[V]:
            sums = list(sums)
            start = b.add(b.mul(ox, k.stride[1]), left)
            source = b.gep(ch.type, x_row, b.mul(start, k.a.strides[3]))
            place = b.gep(ch.type, y_row, b.mul(ox, moves[3]))
            upper = [
                load_lanes(b, ch.wide, b.gep(ch.type, place, m * ch.lanes * moves[1]), moves[1], mask)
                for m, mask in enumerate(masks)
            ]
            for r, (i, j) in enumerate(rows):
                here = b.add(start, j * k.dilation[1])
                if not inside and isinstance(here, int) and not 0 <= here < k.size[1]:
                    continue
                entry = b.gep(ch.type, source, i * self.stride[0] + j * k.dilation[1] * k.a.strides[3])
                if inside or isinstance(here, int):
                    entries = self.entries(entry, masks)
                else:
                    lies = b.compare("ult", here, b.int(k.size[1]))
                    zeros = [b.const(0.0, ch.wide)] * len(masks)
                    entries = b.when(lies, partial(self.entries, entry, masks), partial(list, zeros))
                for m, gradient in enumerate(upper):
                    at = r * len(masks) + m
                    sums[at] = b.intrinsic("fmuladd", entries[m], gradient, sums[at])
            return sums

        def edge(x_row: V, y_row: V, begin: Int, end: Int, sums: list[V]) -> list[V]:
            if isinstance(begin, int) and isinstance(end, int) and end - begin <= EDGE:
                for ox in range(begin, end):
                    sums = pixel(x_row, y_row, ox, sums, False)
                return sums
            return b.loop(begin, end, 1, sums, lambda ox, s: pixel(x_row, y_row, ox, s, False))

        def inner(x_row: V, y_row: V, sums: list[V]) -> list[V]:
            def pixels(ox: V, sums: list[V]) -> list[V]:
                sets = [pixel(x_row, y_row, b.add(ox, i), sums[i * n : (i + 1) * n], True) for i in range(self.sets)]
                return [x for one in sets for x in one]

            even = b.add(inner_low, b.mul(b.div(b.sub(inner_high, inner_low), self.sets), self.sets))
            sums = b.loop(inner_low, even, self.sets, sums, pixels)
            if even is inner_high:
                return sums
            rest = b.loop(even, inner_high, 1, sums[:n], lambda ox, s: pixel(x_row, y_row, ox, s, True))
            return [*rest, *sums[n:]]

        def image(i: V, sums: list[V]) -> list[V]:
            x_image = b.gep(ch.type, x, b.mul(i, k.a.strides[0]))
            y_image = b.gep(ch.type, y, b.mul(i, moves[0]))

            def row(oy: V, sums: list[V]) -> list[V]:
                x_row = b.gep(ch.type, x_image, b.mul(b.add(b.mul(oy, k.stride[0]), top), k.a.strides[2]))
                y_row = b.gep(ch.type, y_image, b.mul(oy, moves[2]))
                sums = [*edge(x_row, y_row, 0, inner_low, sums[:n]), *sums[n:]]
                sums = inner(x_row, y_row, sums)
                return [*edge(x_row, y_row, inner_high, k.out[1], sums[:n]), *sums[n:]]

            return b.loop(low, high, 1, sums, row)

        sums = b.loop(first, last, 1, sums, image)
        return [reduce(partial(b.op, "fadd"), sums[i::n]) for i in range(n)]

    def _copy(self, first: Int, last: Int) -> None:
        """The upstream gradient of the images from ``first`` to ``last``, channels last and padded."""
        b, k, ch = self.b, self.k, self.ch
        self.copy = b.gep(I8, b.params["scratch"], self.sums)

        def image(n: V, _: list[V]) -> list[V]:
            def block(group: Int, at: Int, masks: list[V | None]) -> None:
                lead = b.add(b.mul(group, ch.count), b.mul(at, ch.width))
                here = b.gep(ch.type, self.y, b.add(b.mul(n, k.b.strides[0]), b.mul(lead, k.b.strides[1])))
                place = b.add(
                    b.mul(b.sub(n, first), self.copied[0]), b.mul(b.add(b.mul(group, ch.blocks), at), ch.width)
                )
                there = b.gep(ch.type, self.copy, place)

                def pixel(y: Int, x: Int) -> None:
                    read = b.gep(ch.type, here, b.add(b.mul(y, k.b.strides[2]), b.mul(x, k.b.strides[3])))
                    write = b.gep(ch.type, there, b.add(b.mul(y, self.copied[1]), b.mul(x, self.copied[2])))
                    for j, mask in enumerate(masks):
                        from_here = b.gep(ch.type, read, j * ch.lanes * k.b.strides[1])
                        entries = load_lanes(b, ch.wide, from_here, k.b.strides[1], mask)
                        b.store(entries, b.gep(ch.type, write, j * ch.lanes))

                each(b, k.out[0], lambda y: each(b, k.out[1], lambda x: pixel(y, x)))

            ch.each(b, block)
            return []

        b.loop(first, last, 1, [], image)

    def entries(self, place: V, masks: Sequence[V | None]) -> list[V]:
        """The entry of the input at a place, for each register."""
        b, ch, stride = self.b, self.ch, self.stride[0]
        if not ch.depthwise:
            return [b.splat(b.load(ch.type, place), ch.lanes)] * len(masks)
        return [
            load_lanes(b, ch.wide, b.gep(ch.type, place, m * ch.lanes * stride), stride, mask)
            for m, mask in enumerate(masks)
        ]
