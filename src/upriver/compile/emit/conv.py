"""Convolutions: code for each kind, and the copy of the weights that they read.

Weights are copied before the call into the order in which they are read: (group, block of channels, row, channel
that is summed over, column, lane).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..kernels import ConvKernel, KernelCode
from ..native.target import Target
from .builder import BYTES, Builder, Int, V, kernel
from .conv_common import Channels, each, load_lanes
from .conv_slide import Slide
from .conv_weight import WeightGradient


@dataclass(frozen=True)
class ConvCode:
    """A convolution as code.

    Attributes:
        main: the convolution. In the slot of its second operand, if that is a weight, it gets the packed copy.
        pack: what makes that copy from slot 0, the weight, in slot 1; None for ``conv_weight``.
        packed: bytes of the copy, which has to be aligned to 64.
    """

    main: KernelCode
    pack: KernelCode | None
    packed: int


def emit_conv(k: ConvKernel, target: Target) -> ConvCode:
    """The code of a convolution, for arrays of float32 or float64.

    Example:
        >>> import numpy as np
        >>> from upriver.compile.kernels import Access, Statement
        >>> from upriver.compile.native.target import target
        >>> f = np.dtype("float32")
        >>> y = Statement("store", f, (0,), access=Access(2, f, (18, 1, 6, 2)))
        >>> x, w = Access(0, f, (25, 25, 5, 1)), Access(1, f, (9, 9, 3, 1))
        >>> k = ConvKernel("conv", 4, 1, 2, (5, 5), (3, 3), (3, 3), (1, 1), (0, 0), (1, 1), 1, x, w,
        ...                (Statement("result", f), y))
        >>> code = emit_conv(k, target())
        >>> code.main.units, code.main.flops
        (8, 1296)
    """
    size = BYTES[OF[k.a.dtype.name]]
    weights = k.o * (k.c // k.groups) * math.prod(k.window)
    flops = 2 * k.n * weights * math.prod(k.out)
    moved = size * (k.n * (k.c * math.prod(k.size) + k.o * math.prod(k.out)) + weights)
    if k.kind == "conv_weight":
        made = WeightGradient(k, target)
        return ConvCode(_code(made.emit(), made.units, False, made.scratch, flops, moved, made.note), None, 0)
    slide = Slide(k, target)
    ch = slide.ch
    note = f"direct {k.kind}, {slide.pixels} pixels × {ch.width} channels in registers"
    main = _code(slide.emit(), k.n * slide.parts, slide.parts == 1, 0, flops, moved, note)
    units = ch.groups * ch.blocks * ch.depth
    packed = units * math.prod(k.window) * ch.width * size
    pack = _code(_pack(k, ch), units, False, 0, 0, size * weights + packed, "weights packed for a convolution")
    return ConvCode(main, pack, packed)


OF = {"float32": "float", "float64": "double"}


def _code(b: Builder, units: int, rows: bool, scratch: int, flops: int, moved: int, note: str) -> KernelCode:
    name, ir = b.finish()
    return KernelCode(name, ir, tuple(b.declares), units, 1, rows, scratch, flops, moved, note)


def _pack(k: ConvKernel, ch: Channels) -> Builder:
    """The copy of the weights; its units are (group, block, channel that is summed over)."""
    b = kernel()
    source = b.gep(ch.type, b.argument(0), k.b.offset)
    target = b.argument(1)
    out, inner, row, column = k.b.strides
    if ch.depthwise:
        of_group, lane, depth = 0, out, 0
    elif k.kind == "conv":
        of_group, lane, depth = ch.count * out, out, inner
    else:
        of_group, lane, depth = ch.depth * out, inner, out
    of_row = ch.depth * k.window[1] * ch.width

    def unit(u: V, _: list[V]) -> list[V]:
        c, v = b.rem(u, ch.depth), b.div(u, ch.depth)
        at, group = b.rem(v, ch.blocks), b.div(v, ch.blocks)
        start = b.add(b.add(b.mul(group, of_group), b.mul(c, depth)), b.mul(at, ch.width * lane))
        here = b.gep(ch.type, source, start)
        there = b.add(b.mul(v, k.window[0] * of_row), b.mul(c, k.window[1] * ch.width))

        def copy(masks: list[V | None]) -> list[V]:
            def entry(y: Int, x: Int, j: int, mask: V | None) -> None:
                read = b.add(b.add(b.mul(y, row), b.mul(x, column)), j * ch.lanes * lane)
                write = b.add(there, b.add(b.add(b.mul(y, of_row), b.mul(x, ch.width)), j * ch.lanes))
                entries = load_lanes(b, ch.wide, b.gep(ch.type, here, read), lane, mask)
                b.store(entries, b.gep(ch.type, target, write))

            for j, mask in enumerate(masks):  # a register at a time: its lanes' rows may share few sets of the cache

                def rows(y: Int, j: int = j, mask: V | None = mask) -> None:
                    each(b, k.window[1], lambda x: entry(y, x, j, mask))

                each(b, k.window[0], rows)
            return []

        if ch.count % ch.width == 0 or ch.blocks == 1:
            copy(ch.masks(last=True))
        else:
            last = b.compare("eq", b.int(at), b.int(ch.blocks - 1))
            b.when(last, lambda: copy(ch.masks(last=True)), lambda: copy(ch.masks(last=False)))
        return []

    b.loop(b.params["begin"], b.params["end"], 1, [], unit)
    return b
