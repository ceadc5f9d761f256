"""Running sums, products and extremes: each entry and all before it, in order, so that rounding is as in NumPy."""

from __future__ import annotations

import math

from ..kernels import KernelCode
from ..native.target import Target
from .builder import BYTES, F32, F64, I8, Builder, Int, V, kernel, vector
from .conv_common import each
from .gather import Operand, located, merged, plus, register
from .pool import pieces


def emit_scan(fn: str, x: Operand, out: Operand, dim: int, reverse: bool, target: Target) -> KernelCode:
    """``out[k] = fn(out[k - 1], x[k])`` along ``dim``; registers hold neighbouring lines.

    Args:
        fn: ``add``, ``mul``, ``max`` or ``min``; the extremes are NaN from the first NaN on.
        x: at least one dimension.
        out: of the shape of ``x``.
        dim: along which.
        reverse: from the end.
        target: the processor.
    """
    b, kind = kernel(), x.type
    source, into = x.pointer(b), out.pointer(b)
    n, others = x.shape[dim], [d for d in range(len(x.shape)) if d != dim]
    lengths, (of_x, of_out) = merged(
        [x.shape[d] for d in others], [tuple([m.strides[d] for d in others]) for m in (x, out)]
    )
    across = bool(lengths) and of_x[-1] == of_out[-1] == 1
    outer, width = (lengths[:-1], lengths[-1]) if across else (lengths, 1)
    step_x, step_out = x.strides[dim], out.strides[dim]

    def line(x_at: Int, to: Int, lanes: int) -> None:
        """One line, or as many as there are lanes."""
        wide = vector(lanes, kind)

        def at(k: Int) -> tuple[V, V]:
            position = b.sub(n - 1, k) if reverse else k
            return (
                b.gep(kind, source, b.add(x_at, b.mul(position, step_x))),
                b.gep(kind, into, b.add(to, b.mul(position, step_out))),
            )

        first, target = at(0)
        total = b.load(wide, first)
        b.store(total, target)

        def turn(k: V, carried: list[V]) -> list[V]:
            entry, there = at(k)
            after = _joined(b, fn, carried[0], b.load(wide, entry), kind)
            b.store(after, there)
            return [after]

        b.loop(1, n, 1, [total], turn)

    def unit(u: V, _: list[V]) -> list[V]:
        starts = located(b, u, outer, tuple(of_x[: len(outer)]), tuple(of_out[: len(outer)]))
        for begin, count, lanes in pieces(width, register(target, kind)):

            def piece(i: Int, begin: int = begin, lanes: int = lanes) -> None:
                x_at, to = [b.add(s, b.add(begin, b.mul(i, lanes))) for s in starts]
                line(x_at, to, lanes)

            each(b, count, piece)
        return []

    units = math.prod(outer) if 0 not in x.shape else 0
    if units:
        b.loop(b.params["begin"], b.params["end"], 1, [], unit)
    name, ir = b.finish()
    count = math.prod(x.shape)
    rows = units == x.shape[0] and dim > 0
    note = f"running {fn} along {dim}"
    return KernelCode(name, ir, tuple(b.declares), units, 1, rows, 0, count, 2 * count * BYTES[kind], note)


def _joined(b: Builder, fn: str, total: V, x: V, type: str) -> V:
    if fn == "add":
        return plus(b, total, x, type)
    if fn == "mul":
        return b.op("fmul" if type in (F32, F64) else "mul" if type != I8 else "and", total, x)
    if type not in (F32, F64):
        return b.select(b.compare("sgt" if fn == "max" else "slt", total, x), total, x)
    kept = b.op("or", b.compare("ogt" if fn == "max" else "olt", total, x), b.compare("uno", total, total))
    return b.select(kept, total, x)
