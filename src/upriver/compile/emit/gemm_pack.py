"""Packing for products: an operand copied into panels, so that the innermost loop reads it in the order it lies.

A panel holds, for each k in turn, ``width`` neighbouring columns of the operand; k is padded to whole vectors,
columns beyond the last one repeat it. What is in the padding is never used for an entry of the result.
"""

from __future__ import annotations

from .builder import BYTES, Builder, Int, V, vector


def rounded(n: int, multiple: int) -> int:
    """The least multiple that is not below ``n``."""
    return -(-n // multiple) * multiple


def pack_panel(
    b: Builder,
    type: str,
    lanes: int,
    source: V,
    target: V,
    k: int,
    strides: tuple[int, int],
    column: Int,
    columns: int,
    width: int,
) -> None:
    """Copy columns ``column … column + width`` of a (k, columns) operand to a panel.

    ``source`` is the address of the operand's entry (0, 0), and ``strides`` lead along k and along the columns;
    ``target`` is the address of the panel, with room for ``rounded(k, lanes) * width`` entries; ``width`` is a
    multiple of ``lanes``.
    """
    if strides[1] == 1:
        _copy(b, type, lanes, source, target, k, strides[0], column, columns, width)
    elif strides[0] == 1 and lanes * BYTES[type] >= 16:
        _transpose(b, type, lanes, source, target, k, strides[1], column, columns, width)
    else:
        _gather(b, type, source, target, k, strides, column, columns, width)


def _copy(
    b: Builder, type: str, lanes: int, source: V, target: V, k: int, row: int, column: Int, columns: int, width: int
) -> None:
    origin, wide = b.gep(type, source, column), vector(lanes, type)
    left = b.int(b.sub(columns, column))
    masks = [b.mask_below(b.int(b.sub(left, c)), lanes) for c in range(0, width, lanes)]

    def turn(i: V, _: list[V]) -> list[V]:
        here, there = b.gep(type, origin, b.mul(i, row)), b.gep(type, target, b.mul(i, width))
        for v, mask in enumerate(masks):
            x = b.load_masked(wide, b.gep(type, here, v * lanes), mask)
            b.store(x, b.gep(type, there, v * lanes))
        return []

    b.loop(0, k, 1, [], turn)


def _transpose(
    b: Builder, type: str, lanes: int, source: V, target: V, k: int, step: int, column: Int, columns: int, width: int
) -> None:
    wide = vector(lanes, type)

    def strip(c: V, _: list[V]) -> list[V]:
        first = b.add(column, c)
        origins = [b.gep(type, source, b.mul(b.least(b.add(first, i), columns - 1), step)) for i in range(lanes)]
        out = b.gep(type, target, c)

        def square(i: V, _: list[V]) -> list[V]:
            mask = b.mask_below(b.int(b.sub(k, i)), lanes)
            rows = [b.load_masked(wide, b.gep(type, origin, i), mask) for origin in origins]
            there = b.gep(type, out, b.mul(i, width))
            for r, x in enumerate(transposed(b, rows, 16 // BYTES[type])):
                b.store(x, b.gep(type, there, r * width))
            return []

        b.loop(0, k, lanes, [], square)
        return []

    b.loop(0, width, lanes, [], strip)


def _gather(
    b: Builder, type: str, source: V, target: V, k: int, strides: tuple[int, int], column: Int, columns: int, width: int
) -> None:
    def strip(c: V, _: list[V]) -> list[V]:
        origin = b.gep(type, source, b.mul(b.least(b.add(column, c), columns - 1), strides[1]))
        out = b.gep(type, target, c)

        def entry(i: V, _: list[V]) -> list[V]:
            b.store(b.load(type, b.gep(type, origin, b.mul(i, strides[0]))), b.gep(type, out, b.mul(i, width)))
            return []

        b.loop(0, k, 1, [], entry)
        return []

    b.loop(0, width, 1, [], strip)


def transposed(b: Builder, rows: list[V], s: int) -> list[V]:
    """A square of registers transposed: first inside their 16-byte blocks of ``s`` entries, then the blocks."""
    n = len(rows)
    starts = range(0, n, s)
    low = [i for q in starts for j in range(s // 2) for i in (q + j, n + q + j)]
    high = [i + s // 2 for i in low]
    blocks: list[list[V]] = []  # [group of s rows][column inside a block]
    for g in starts:
        part = rows[g : g + s]
        if s == 2:
            blocks.append([b.shuffle(part[0], part[1], order) for order in (low, high)])
            continue
        pairs_low = [i for q in starts for i in (q, q + 1, n + q, n + q + 1)]
        pairs_high = [i + 2 for i in pairs_low]
        found: list[V] = []
        for order in (low, high):
            x, y = b.shuffle(part[0], part[1], order), b.shuffle(part[2], part[3], order)
            found += [b.shuffle(x, y, pairs_low), b.shuffle(x, y, pairs_high)]
        blocks.append(found)
    columns = [_across(b, [group[j] for group in blocks], s) for j in range(s)]
    return [columns[i % s][i // s] for i in range(n)]


def _across(b: Builder, rows: list[V], s: int) -> list[V]:
    """Registers of ``len(rows)`` blocks of ``s`` entries: register q of the result has block q of each."""
    count = len(rows)
    if count == 1:
        return rows
    even = [q * s + i for q in range(0, 2 * count, 2) for i in range(s)]
    odd = [i + s for i in even]
    pairs = [(rows[i], rows[i + 1]) for i in range(0, count, 2)]
    if count == 2:
        return [b.shuffle(*pairs[0], even), b.shuffle(*pairs[0], odd)]
    evens = [b.shuffle(x, y, even) for x, y in pairs]
    odds = [b.shuffle(x, y, odd) for x, y in pairs]
    halves = ((evens[0], evens[1]), (odds[0], odds[1]))
    return [b.shuffle(x, y, order) for order in (even, odd) for x, y in halves]
