"""Products of few rows whose operands both lie along k: lanes along k, added up across at the end."""

from __future__ import annotations

from .builder import Builder, V, element, lanes_of
from .gemm_block import first_lanes


def accumulate_dots(b: Builder, block: list[V], k: int, x: V, x_row: int, y: V, y_column: int, live: int) -> list[V]:
    """Add to each row's register the dot products of a row of X with as many columns of Y as there are lanes.

    ``x`` and ``y`` are the addresses of their first entries, ``x_row`` and ``y_column`` lead from a row, or column,
    to the next; ``live`` columns are there, the last one is taken for the others.
    """
    return [
        b.op("fadd", total, _row(b, total.type, k, b.gep(element(total.type), x, r * x_row), y, y_column, live))
        for r, total in enumerate(block)
    ]


def _row(b: Builder, wide: str, k: int, x: V, y: V, y_column: int, live: int) -> V:
    """The dot products of one row."""
    one, lanes = element(wide), lanes_of(wide)
    columns = [b.gep(one, y, min(j, live - 1) * y_column) for j in range(lanes)]

    def add(sums: list[V], i: V | int, mask: V | None) -> list[V]:
        def load(pointer: V) -> V:
            place = b.gep(one, pointer, i)
            return b.load(wide, place) if mask is None else b.load_masked(wide, place, mask)

        row = load(x)
        return [b.intrinsic("fmuladd", row, load(column), total) for column, total in zip(columns, sums, strict=True)]

    whole = k // lanes * lanes
    sums = b.loop(0, whole, lanes, [b.const(0.0, wide)] * lanes, lambda i, carried: add(carried, i, None))
    if whole < k:
        sums = add(sums, whole, first_lanes(k - whole, lanes))
    return added_across(b, sums)


def added_across(b: Builder, rows: list[V]) -> V:
    """A register whose entry j is the sum of register j, of as many registers as they have entries."""
    lanes = len(rows)
    while len(rows) > 1:  # neighbours share a register: even entries of the first with its odd ones, then the second's
        even, odd = range(0, 2 * lanes, 2), range(1, 2 * lanes, 2)
        pairs = zip(rows[::2], rows[1::2], strict=True)
        rows = [b.op("fadd", b.shuffle(x, y, even), b.shuffle(x, y, odd)) for x, y in pairs]
    return rows[0]
