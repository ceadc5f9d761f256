"""Packing for products: an operand copied into panels, so that the innermost loop reads it in the order it lies.

A panel holds, for each k in turn, ``width`` neighbouring columns of the operand. Columns beyond the last one repeat
it; what is there is never used for an entry of the result. The code that copies knows no sizes: it is one function
for all kernels of a program, which call it.
"""

from __future__ import annotations

from collections.abc import Callable

from .builder import BYTES, I64, PTR, Builder, Int, V, lanes_of, vector

ARGS = ("k", "along_k", "along", "column", "columns", "width")


def rounded(n: int, multiple: int) -> int:
    """The least multiple that is not below ``n``."""
    return -(-n // multiple) * multiple


def pack_panel(
    b: Builder,
    type: str,
    lanes: int,
    source: V,
    target: V,
    k: Int,
    strides: tuple[int, int],
    column: Int,
    columns: int,
    width: int,
) -> None:
    """Copy columns ``column … column + width`` of a (k, columns) operand to a panel.

    ``source`` is the address of the operand's entry (0, 0), and ``strides`` lead along k and along the columns;
    ``target`` is the address of the panel, with room for ``k · width`` entries; ``width`` is a multiple of ``lanes``.
    """
    write = _copy if strides[1] == 1 else _transpose if strides[0] == 1 and lanes * BYTES[type] >= 16 else _gather
    own = Builder({"source": PTR, "target": PTR, **dict.fromkeys(ARGS, I64)})
    write(own, type, lanes, *own.params.values())
    name, text = own.finish(prefix="panel")
    b.declares.update(own.declares)
    b.declares[text] = None
    numbers = (b.int(x) for x in (k, *strides, column, columns, width))
    b.line(f"call void @{name}({', '.join(map(str, (source, target, *numbers)))})")


def _each(b: Builder, stop: V, step: int, body: Callable[[V], None], start: Int = 0) -> None:
    def turn(i: V, _: list[V]) -> list[V]:
        body(i)
        return []

    b.loop(start, stop, step, [], turn)


def _copy(
    b: Builder, type: str, lanes: int, source: V, target: V, k: V, along_k: V, _: V, column: V, columns: V, width: V
) -> None:
    """Columns side by side in the operand: registers at a time."""
    wide = vector(lanes, type)

    def strip(c: V) -> None:
        first = b.add(column, c)
        mask = b.mask_below(b.sub(columns, first), lanes)
        here, there = b.gep(type, source, first), b.gep(type, target, c)

        def turn(i: V) -> None:
            x = b.load_masked(wide, b.gep(type, here, b.mul(i, along_k)), mask)
            b.store(x, b.gep(type, there, b.mul(i, width)))

        _each(b, k, 1, turn)

    _each(b, width, lanes, strip)


def _transpose(
    b: Builder, type: str, lanes: int, source: V, target: V, k: V, _: V, along: V, column: V, columns: V, width: V
) -> None:
    """Each column's k side by side: 16 bytes of each of ``lanes`` columns make 16 bytes' worth of k of a panel."""
    s = 16 // BYTES[type]
    small = vector(s, type)
    last = b.sub(columns, 1)
    whole = b.op("and", k, b.const(-s, I64))

    def strip(c: V) -> None:
        first = b.add(column, c)
        ends = b.splat(last, lanes)
        each = b.op("add", b.splat(b.int(first), lanes), b.count_up(lanes))
        starts = b.op("mul", b.select(b.compare("slt", each, ends), each, ends), b.splat(along, lanes))
        here = [b.gep(type, source, b.extract(starts, i)) for i in range(lanes)]
        there = b.gep(type, target, c)

        def turn(i: V) -> None:
            pieces = [b.load(small, b.gep(type, x, i)) for x in here]
            # Register j: the pieces of columns j, j + s, j + 2 s, …; then each of its blocks is transposed.
            mixed = [_joined(b, pieces[j::s]) for j in range(s)]
            out = b.gep(type, there, b.mul(i, width))
            for row in _blocks_transposed(b, mixed):
                b.store(row, out)
                out = b.gep(type, out, width)

        def rest(j: V) -> None:
            x = b.gep(type, source, b.mul(b.least(b.add(first, j), last), along))
            out = b.gep(type, there, j)
            _each(b, k, 1, lambda i: b.store(b.load(type, b.gep(type, x, i)), b.gep(type, out, b.mul(i, width))), whole)

        _each(b, whole, s, turn)
        _each(b, b.int(lanes), 1, rest)

    _each(b, width, lanes, strip)


def _joined(b: Builder, parts: list[V]) -> V:
    """One register of several shorter ones."""
    while len(parts) > 1:
        n = 2 * lanes_of(parts[0].type)
        parts = [b.shuffle(x, y, range(n)) for x, y in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _blocks_transposed(b: Builder, rows: list[V]) -> list[V]:
    """The s × s entries in each 16-byte block of s registers, transposed; s is 2 or 4."""
    s, n = len(rows), lanes_of(rows[0].type)

    def take(x: V, y: V, order: list[int]) -> V:
        return b.shuffle(x, y, [q + (i if i < s else n + i - s) for q in range(0, n, s) for i in order])

    if s == 2:
        return [take(rows[0], rows[1], [0, 2]), take(rows[0], rows[1], [1, 3])]
    result = []
    for order in ([0, 4, 1, 5], [2, 6, 3, 7]):
        x, y = take(rows[0], rows[1], order), take(rows[2], rows[3], order)
        result += [take(x, y, [0, 1, 4, 5]), take(x, y, [2, 3, 6, 7])]
    return result


def _gather(
    b: Builder, type: str, lanes: int, source: V, target: V, k: V, along_k: V, along: V, column: V, columns: V, width: V
) -> None:
    """Any strides, entry by entry."""
    last = b.sub(columns, 1)

    def strip(c: V) -> None:
        here = b.gep(type, source, b.mul(b.least(b.add(column, c), last), along))
        there = b.gep(type, target, c)

        def turn(i: V) -> None:
            b.store(b.load(type, b.gep(type, here, b.mul(i, along_k))), b.gep(type, there, b.mul(i, width)))

        _each(b, k, 1, turn)

    _each(b, width, 1, strip)
