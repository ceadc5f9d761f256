"""Random numbers: NumPy's Philox generator in native code, bit for bit, and what is drawn with it.

The draw number c of seed s is the stream of the key (s, c). A block of four words of 64 bits is a function of the key
and the block's number, so that threads may take any blocks.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC (2011), section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ...core.dtypes import DType
from ..kernels import KernelCode, Shape
from .builder import F32, F64, I8, I32, I64, Builder, V, kernel, vector

_FACTORS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10


def emit_draw(shape: Shape, dtype: DType, dropped: float | None, draw: int, out: int) -> KernelCode | None:
    """Fill an array with uniform numbers from [0, 1), or with True where such a number is at least ``dropped``.

    A unit is a block: eight entries, or four of float64.

    Args:
        shape: of the result, row by row without gaps.
        dtype: float32 or float64; bool with ``dropped``.
        dropped: the probability of False, for a mask.
        draw: the slot of two int64, the seed and the number of the draw.
        out: the slot of the result.

    Returns:
        None if no kernel draws that dtype.
    """
    n = math.prod(shape)
    put = _store(dtype, dropped)
    if put is None:
        return None
    store, per = put
    b = kernel()
    key = b.argument(draw)
    seed, counter = [b.load(I64, b.gep(I64, key, i), 8) for i in range(2)]
    into = b.argument(out)
    kind = {np.dtype(np.float32): F32, np.dtype(np.float64): F64}.get(dtype, I8)

    def block(u: V, count: int) -> None:
        words = philox(b, b.op("add", u, b.const(1, I64)), seed, counter)
        made = store(b, words)
        place = b.gep(kind, into, b.mul(u, per))
        if count == per:
            b.store(made, place)
            return
        for i in range(count):
            b.store(b.extract(made, i), b.gep(kind, place, i))

    def turn(u: V, _: list[V]) -> list[V]:
        block(u, per)
        return []

    whole, rest = divmod(n, per)
    end = b.params["end"]
    b.loop(b.params["begin"], b.least(end, whole), 1, [], turn)
    if rest:

        def last() -> list[V]:
            block(b.const(whole, I64), rest)
            return []

        b.when(b.compare("sgt", end, b.const(whole, I64)), last)
    name, ir = b.finish()
    what = "uniform" if dropped is None else "mask"
    return KernelCode(name, ir, tuple(b.declares), -(-n // per), 1, False, 0, 5 * n, n * dtype.itemsize, f"draw {what}")


def _store(dtype: DType, dropped: float | None) -> tuple[Callable[[Builder, list[V]], V], int] | None:
    """How the four words of a block become entries, and how many they are."""
    if dropped is not None:

        def mask(b: Builder, words: list[V]) -> V:
            bits = _together(b, words, I32)
            if dropped >= 1.0:
                return b.const(0, vector(8, I8))
            kept = b.compare("uge", bits, b.const(np.uint32(round(dropped * 2**32)), bits.type))
            return b.convert("zext", kept, vector(8, I8))

        return mask, 8
    if dtype == np.float32:

        def single(b: Builder, words: list[V]) -> V:
            bits = _together(b, words, I32)
            whole = b.convert("uitofp", b.op("lshr", bits, b.const(8, bits.type)), vector(8, F32))
            return b.op("fmul", whole, b.const(2.0**-24, whole.type))

        return single, 8
    if dtype == np.float64:

        def double(b: Builder, words: list[V]) -> V:
            bits = _together(b, words, I64)
            whole = b.convert("uitofp", b.op("lshr", bits, b.const(11, bits.type)), vector(4, F64))
            return b.op("fmul", whole, b.const(2.0**-53, whole.type))

        return double, 4
    return None


def _together(b: Builder, words: list[V], type: str) -> V:
    """Four words as a vector of entries of ``type``, the lower half of each first."""
    wide = vector(4, I64)
    total = V("poison", wide)
    for i, word in enumerate(words):
        total = b.insert(total, word, i)
    return total if type == I64 else b.convert("bitcast", total, vector(8, I32))


def philox(b: Builder, block: V, seed: V, counter: V) -> list[V]:
    """The four words of a block, by its number (counted from 1) and the key."""
    zero = b.const(0, I64)
    c, key = [block, zero, zero, zero], [seed, counter]

    def product(x: V, factor: int) -> tuple[V, V]:
        """The high and the low word."""
        wide = b.convert("zext", x, "i128")
        full = b.value(f"mul i128 {wide.text}, {factor}", "i128")
        high = b.value(f"lshr i128 {full.text}, 64", "i128")
        return b.convert("trunc", high, I64), b.convert("trunc", full, I64)

    for turn in range(_ROUNDS):
        if turn:
            key = [b.op("add", k, b.const(w, I64)) for k, w in zip(key, _WEYL, strict=True)]
        high0, low0 = product(c[0], _FACTORS[0])
        high1, low1 = product(c[2], _FACTORS[1])
        first = b.op("xor", b.op("xor", high1, c[1]), key[0])
        third = b.op("xor", b.op("xor", high0, c[3]), key[1])
        c = [first, low1, third, low0]
    return c
