"""A convolution and its gradient with respect to the input, directly: a block of pixels × channels in registers.

The channels of the result lie along vectors; an entry of the input is repeated in all lanes, so that the input may
lie in memory in any order. Rows outside the input are skipped by the bounds of a loop, columns by leaving their
multiplications out of the code of the blocks at the edge, so nothing is padded, and no zero multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..kernels import ConvKernel
from ..native.target import Target
from .body import Scope
from .builder import PTR, Builder, Int, V, kernel
from .conv_axis import Axis, forward_axis, input_phases
from .conv_common import budget, ceil_from_0, channels, count_to, each, finish, load_lanes, slots

KINDS = 8  # different blocks of a row, beyond which pixels at the edge are computed one by one
FEW = 8  # images, below which their rows are shared out
UNROLLED = 11  # columns of the weight, beyond which they are a loop


class Slide:
    """The code of one kernel under construction."""

    def __init__(self, k: ConvKernel, target: Target) -> None:
        self.k, self.target = k, target
        sizes = list(zip(k.size, k.out, k.window, k.stride, k.padding, k.dilation, strict=True))
        if k.kind == "conv_input":
            self.rows, self.columns = [input_phases(*s) for s in sizes]
        else:
            self.rows, self.columns = [[forward_axis(*s)] for s in sizes]
        most = max([axis.count for axis in self.columns], default=1)
        self.ch = channels(k, target, most)
        self.pixels = max(1, min(most, budget(target) // self.ch.vectors, 16))
        tall = min([axis.count for axis in self.rows], default=1)
        self.parts = 1 if k.n >= FEW else max(1, min(tall, -(-FEW // max(1, k.n))))
        self.b = kernel()
        self.masks: list[V | None] = []

    def emit(self) -> Builder:
        """The function; its units are images, or if those are few, ``parts`` of each."""
        b, k, ch = self.b, self.k, self.ch
        origin = b.gep(ch.type, b.argument(k.a.slot), k.a.offset)
        packed = b.argument(k.b.slot)
        self.scope = Scope(b, k.body, slots(b, k.body), 4, self.target)
        area = k.window[0] * k.window[1] * ch.depth * ch.width

        def unit(u: V, _: list[V]) -> list[V]:
            n, self.part = b.div(u, self.parts), b.rem(u, self.parts)
            image = b.gep(ch.type, origin, b.mul(n, k.a.strides[0]))

            def block(group: Int, at: Int, masks: list[V | None]) -> None:
                self.masks = masks
                weight = b.gep(ch.type, packed, b.mul(b.add(b.mul(group, ch.blocks), at), area))
                first = b.add(b.mul(group, ch.count), b.mul(at, ch.width))
                lead = first if ch.depthwise else b.mul(group, ch.depth)
                source = b.gep(ch.type, image, b.mul(lead, k.a.strides[1]))
                for ya in self.rows:
                    for xa in self.columns:
                        self.plane(ya, xa, source, weight, (n, first))

            ch.each(b, block)
            return []

        b.loop(b.params["begin"], b.params["end"], 1, [], unit)
        return b

    def finish(self, sums: list[list[V]], at: tuple[Int, Int, Int], xa: Axis, first: Int) -> None:
        """The epilogue for a block of pixels from ``first`` on."""
        place = (*at, self.b.add(self.b.mul(first, xa.apart), xa.start))
        finish(self.scope, place, 1, self.ch.lanes, self.masks, sums, xa.apart)

    def plane(self, ya: Axis, xa: Axis, source: V, weight: V, at: tuple[Int, Int]) -> None:
        """All results of one phase."""
        b = self.b

        def row(i: Int) -> None:
            # The taps whose row lies inside: first + i·step + t·gap in [0, length).
            top = b.add(b.mul(i, ya.step), ya.first)
            low: Int = 0
            high: Int = len(ya.taps)
            if ya.inner() != (0, ya.count):
                low = ceil_from_0(b, b.sub(0, top), ya.gap)
                high = b.least(len(ya.taps), count_to(b, b.sub(ya.length - 1, top), ya.gap))
            y = b.add(b.mul(i, ya.apart), ya.start)
            source_row = b.gep(self.ch.type, source, b.mul(top, self.k.a.strides[2]))
            row = (source_row, weight, low, high, ya, xa)
            runs = xa.runs(self.pixels)
            low_x, high_x = 0, xa.count
            edges: list[tuple[int, int]] = []
            if len(runs) > KINDS:
                low_x, high_x = xa.inner()
                edges = [(0, low_x), (high_x, xa.count)]
                inner = Axis(high_x - low_x, 0, 1, xa.step, xa.first + low_x * xa.step, xa.gap, xa.taps, xa.length)
                runs = inner.runs(self.pixels)
            for begin, count, reads in runs:

                def blocks(j: Int, begin: int = begin, reads: tuple[tuple[int, ...], ...] = reads) -> None:
                    first = b.add(b.mul(j, len(reads)), begin + low_x)
                    self.finish(self.block(row, first, reads), (*at, y), xa, first)

                each(b, count, blocks)
            for begin, end in edges:

                def pixel(i: V, _: list[V]) -> list[V]:
                    self.finish(self.pixel(row, i), (*at, y), xa, i)
                    return []

                b.loop(begin, end, 1, [], pixel)

        if self.parts == 1:
            each(b, ya.count, row)
            return
        begin = b.div(b.mul(self.part, ya.count), self.parts)
        end = b.div(b.mul(b.add(self.part, 1), ya.count), self.parts)

        def turn(i: V, _: list[V]) -> list[V]:
            row(i)
            return []

        b.loop(begin, end, 1, [], turn)

    def block(
        self, row: tuple[V, V, Int, Int, Axis, Axis], first: Int, reads: Sequence[Sequence[int]]
    ) -> list[list[V]]:
        """The sums of a block of pixels, by pixel and register."""
        b, k, ch = self.b, self.k, self.ch
        source, weight, low, high, ya, xa = row
        source = b.gep(ch.type, source, b.mul(b.add(b.mul(first, xa.step), xa.first), k.a.strides[3]))
        whole = [t for t in range(len(xa.taps)) if all(t in r for r in reads)]
        rolled = whole if len(whole) > UNROLLED else []
        zeros = [b.const(0.0, ch.wide)] * (len(reads) * len(self.masks))
        # Entries that several taps read are best loaded again for each: kept in registers, they would leave too few. An
        # address that went through assembly, be it empty, is not known to be another tap's.
        apart = len(self.masks) > 1

        def tap(t: Int, index: Int, source: V, weight: V, sums: list[V], pixels: Sequence[int]) -> list[V]:
            weights = self.weights(weight, index)
            if apart:
                source = b.value(f'call ptr asm "", "=r,0"({source})', PTR)
            for p in pixels:
                place = b.gep(ch.type, source, b.mul(b.add(b.mul(t, xa.gap), p * xa.step), k.a.strides[3]))
                for j, x in enumerate(self.entries(place)):
                    at = p * len(self.masks) + j
                    sums[at] = b.intrinsic("fmuladd", x, weights[j], sums[at])
            return sums

        def depth(source: V, weight: V, sums: list[V]) -> list[V]:
            sums = list(sums)
            if rolled:
                step = xa.taps[1] - xa.taps[0]
                sums = b.loop(
                    rolled[0], rolled[-1] + 1, 1, sums,
                    lambda t, s: tap(t, b.add(b.mul(t, step), xa.taps[0]), source, weight, s, range(len(reads))),
                )  # fmt: skip
            for t in range(len(xa.taps)):
                pixels = [p for p, r in enumerate(reads) if t in r]
                if pixels and t not in rolled:
                    sums = tap(t, xa.taps[t], source, weight, sums, pixels)
            return sums

        sums, n = self.taps(source, weight, low, high, ya, zeros, depth), len(self.masks)
        return [sums[p * n : (p + 1) * n] for p in range(len(reads))]

    def pixel(self, row: tuple[V, V, Int, Int, Axis, Axis], i: V) -> list[list[V]]:
        """The sums of one pixel, wherever it is."""
        b, k, ch = self.b, self.k, self.ch
        source, weight, low, high, ya, xa = row
        left = b.add(b.mul(i, xa.step), xa.first)
        source = b.gep(ch.type, source, b.mul(left, k.a.strides[3]))
        low_x = ceil_from_0(b, b.sub(0, left), xa.gap)
        high_x = b.least(len(xa.taps), count_to(b, b.sub(xa.length - 1, left), xa.gap))
        step = xa.taps[1] - xa.taps[0] if len(xa.taps) > 1 else 1

        def depth(source: V, weight: V, sums: list[V]) -> list[V]:
            def tap(t: V, sums: list[V]) -> list[V]:
                weights = self.weights(weight, b.add(b.mul(t, step), xa.taps[0]))
                entries = self.entries(b.gep(ch.type, source, b.mul(t, xa.gap * k.a.strides[3])))
                return [b.intrinsic("fmuladd", x, w, s) for x, w, s in zip(entries, weights, sums, strict=True)]

            return b.loop(low_x, high_x, 1, sums, tap)

        return [self.taps(source, weight, low, high, ya, [b.const(0.0, ch.wide)] * len(self.masks), depth)]

    def taps(
        self, source: V, weight: V, low: Int, high: Int, ya: Axis, sums: list[V], depth: Callable[..., list[V]]
    ) -> list[V]:
        """The loops over the rows of the weight and the channels that are summed."""
        b, k, ch = self.b, self.k, self.ch
        if not ya.taps:
            return sums
        step = ya.taps[1] - ya.taps[0] if len(ya.taps) > 1 else 1
        size = k.window[1] * ch.width

        def row(t: V, sums: list[V]) -> list[V]:
            rows = b.gep(ch.type, source, b.mul(t, ya.gap * k.a.strides[2]))
            weights = b.gep(ch.type, weight, b.mul(b.add(b.mul(t, step), ya.taps[0]), size * ch.depth))

            def channel(c: V, sums: list[V]) -> list[V]:
                return depth(
                    b.gep(ch.type, rows, b.mul(c, k.a.strides[1])), b.gep(ch.type, weights, b.mul(c, size)), sums
                )

            return b.loop(0, ch.depth, 1, sums, channel)

        return b.loop(low, high, 1, sums, row)

    def weights(self, weight: V, index: Int) -> list[V]:
        b, ch = self.b, self.ch
        return [
            b.load(ch.wide, b.gep(ch.type, weight, b.add(b.mul(index, ch.width), j * ch.lanes)))
            for j in range(len(self.masks))
        ]

    def entries(self, place: V) -> list[V]:
        """The entry of the input at a place, for each register."""
        b, ch, stride = self.b, self.ch, self.k.a.strides[1]
        if not ch.depthwise:
            return [b.splat(b.load(ch.type, place), ch.lanes)] * len(self.masks)
        return [
            load_lanes(b, ch.wide, b.gep(ch.type, place, j * ch.lanes * stride), stride, mask)
            for j, mask in enumerate(self.masks)
        ]
