"""Reductions: what they begin with, how a value joins in, and how the entries of a vector become one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .builder import F32, F64, I1, Builder, Int, V, element, lanes_of
from .maths import emit_map

BLOCK = 4096
"""Sums of so many terms keep enough of their digits: each term may lose as much as the last digit of the total."""


def in_blocks(
    b: Builder,
    stop: int,
    step: int,
    block: int,
    totals: Sequence[V],
    fresh: Sequence[V],
    turn: Callable[[V, list[V]], Sequence[V]],
    joined: Callable[[V, V, int], V],
) -> list[V]:
    """``b.loop(0, stop, step, totals, turn)``, its totals begun anew every ``block`` positions if there are many.

    Args:
        b: where to.
        stop: of the loop.
        step: of the loop.
        block: how many positions, or a few less: whole turns; of no more than two blocks it is one loop.
        totals: what they begin with.
        fresh: what changes nothing, for each of them.
        turn: of the loop.
        joined: a total and that of one more block, with its number.
    """
    block -= block % step
    if stop <= 2 * block:
        return b.loop(0, stop, step, totals, turn)

    def part(first: V, carried: list[V]) -> list[V]:
        end: Int = b.add(first, block)
        if stop % block:
            end = b.select(b.compare("slt", b.int(end), b.int(stop)), b.int(end), b.int(stop))
        new = b.loop(first, end, step, fresh, turn)
        return [joined(x, y, i) for i, (x, y) in enumerate(zip(carried, new, strict=True))]

    return b.loop(0, stop, block, totals, part)


def identity(fn: str, kind: str) -> float | int | bool:
    """What changes nothing under ``fn``, for entries of an LLVM type.

    Example:
        >>> identity("max", "float"), identity("mul", "i64"), identity("max", "i1")
        (-inf, 1, False)
    """
    one = element(kind)
    if fn in ("add", "or", "xor"):
        return 0
    if fn in ("mul", "and"):
        return 1 if fn == "mul" or one == I1 else -1
    if one in (F32, F64):
        return -math.inf if fn == "max" else math.inf
    if one == I1:
        return fn == "min"
    bits = int(one[1:])
    return -(1 << (bits - 1)) if fn == "max" else (1 << (bits - 1)) - 1


def join(b: Builder, fn: str, total: V, value: V, dtype: str, mask: V | None = None) -> V:
    """The total so far and one more value, where the mask is set."""
    if mask is not None:
        value = b.select(mask, value, b.const(identity(fn, value.type), value.type))
    return emit_map(b, fn, [total, value], dtype, dtype)


def across(b: Builder, fn: str, x: V, dtype: str) -> V:
    """The entries of a vector together."""
    lanes = lanes_of(x.type)
    if lanes > 1 and element(x.type) == I1:
        bits = b.convert("bitcast", x, f"i{lanes}")
        every = fn in ("mul", "min", "and")
        return b.compare("eq" if every else "ne", bits, b.const(-1 if every else 0, bits.type))
    nan = None
    if fn in ("max", "min") and lanes > 1 and element(x.type) in (F32, F64):
        nan = across(b, "or", b.compare("uno", x, x), "bool")  # asked once, not at every step
    while lanes > 1:
        lanes //= 2
        if lanes > 1:
            low, high = (b.shuffle(x, x, range(start, start + lanes)) for start in (0, lanes))
        else:
            low, high = b.extract(x, 0), b.extract(x, 1)
        if nan is not None:
            x = b.select(b.compare("ogt" if fn == "max" else "olt", low, high), low, high)
        else:
            x = emit_map(b, fn, [low, high], dtype, dtype)
    return x if nan is None else b.select(nan, b.const(math.nan, x.type), x)
