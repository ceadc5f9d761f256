"""Kernels that read or write where integers say: rows taken and added, entries gathered and scattered.

Every index is compared with the length before it is used. One that is outside touches nothing; a check of the program
says that there is none. What several indices name is added up in their order, by one
thread, so that results are the same from run to run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..kernels import Access, KernelCode, Shape
from ..native.target import Target
from .builder import BYTES, F32, F64, I64, OF_DTYPE, Builder, Int, V, kernel, vector
from .conv_common import each
from .pool import pieces

Strides = tuple[int, ...]
BLOCK = 256
"""Bytes of a row that a thread adds up at a time."""


@dataclass(frozen=True)
class Operand:
    """An array of a kernel: where its entries lie, and its shape."""

    access: Access
    shape: Shape

    @property
    def type(self) -> str:
        """Of its entries, in memory."""
        return OF_DTYPE[self.access.dtype.name]

    @property
    def strides(self) -> Strides:
        """In entries."""
        return self.access.strides

    def pointer(self, b: Builder) -> V:
        """The address of its first entry. To be read at the kernel's beginning."""
        return b.gep(self.type, b.argument(self.access.slot), self.access.offset)


def merged(dims: Sequence[int], maps: Sequence[Strides]) -> tuple[list[int], list[list[int]]]:
    """Dimensions without those of length 1, and those through which every map steps evenly as one.

    Example:
        >>> merged((2, 1, 3, 4), [(12, 5, 4, 1), (24, 7, 8, 2)])
        ([24], [[1], [2]])
    """
    found: list[int] = []
    steps: list[list[int]] = [[] for _ in maps]
    for d, n in enumerate(dims):
        if n == 1:
            continue
        if found and all([own[-1] == m[d] * n for own, m in zip(steps, maps, strict=True)]):
            found[-1] *= n
            for own, m in zip(steps, maps, strict=True):
                own[-1] = m[d]
        else:
            found.append(n)
            for own, m in zip(steps, maps, strict=True):
                own.append(m[d])
    return found, steps


def located(b: Builder, at: Int, dims: Sequence[int], *maps: Strides) -> list[Int]:
    """For each map the offset of the entry whose number is ``at``, counted through ``dims`` row by row."""
    lengths, steps = merged(dims, maps)
    offsets: list[Int] = [0 for _ in maps]
    for d in reversed(range(len(lengths))):
        i = b.rem(at, lengths[d]) if d else at
        at = b.div(at, lengths[d]) if d else at
        offsets = [b.add(o, b.mul(i, own[d])) for o, own in zip(offsets, steps, strict=True)]
    return offsets


def entries(
    b: Builder, dims: Sequence[int], maps: Sequence[Strides], lanes: int, body: Callable[[list[Int], int], None]
) -> None:
    """``body(offsets, width)`` for all entries of ``dims``: so many at once where they are neighbours in all maps."""
    if 0 in dims:
        return
    lengths, steps = merged(dims, maps)

    def level(d: int, offsets: list[Int]) -> None:
        if d == len(lengths):
            body(offsets, 1)
        elif d == len(lengths) - 1 and all([own[d] == 1 for own in steps]):
            for first, count, width in pieces(lengths[d], lanes):

                def piece(i: Int, first: int = first, width: int = width) -> None:
                    step = b.add(first, b.mul(i, width))
                    body([b.add(o, step) for o in offsets], width)

                each(b, count, piece)
        else:

            def further(i: Int) -> None:
                level(d + 1, [b.add(o, b.mul(i, own[d])) for o, own in zip(offsets, steps, strict=True)])

            each(b, lengths[d], further)

    level(0, [0 for _ in maps])


def register(target: Target, type: str) -> int:
    """How many entries are moved at once."""
    return max(1, 4 * target.lanes // BYTES[type])


def plus(b: Builder, x: V, y: V, type: str) -> V:
    """The sum of two values of entries of ``type``; of booleans, whether any is set."""
    return b.op("fadd" if type in (F32, F64) else "add" if type == I64 else "or", x, y)


class _Indices:
    """The integers of a kernel, each looked at before it is used."""

    def __init__(self, b: Builder, index: Operand, length: int) -> None:
        self.b, self.index, self.length = b, index, length
        self.pointer = index.pointer(b)

    def load(self, offset: Int) -> tuple[V, V]:
        """The integer there, and whether it is in range."""
        b = self.b
        i = b.load(I64, b.gep(I64, self.pointer, offset))
        return i, b.compare("ult", i, b.const(self.length, I64))


def _code(b: Builder, units: int, rows: bool, flops: int, moved: int, note: str) -> KernelCode:
    name, ir = b.finish()
    return KernelCode(name, ir, tuple(b.declares), units, 1, rows, 0, flops, moved, note)


def _units(b: Builder, body: Callable[[V], None]) -> None:
    def turn(u: V, _: list[V]) -> list[V]:
        body(u)
        return []

    b.loop(b.params["begin"], b.params["end"], 1, [], turn)


def emit_take(table: Operand, index: Operand, out: Operand, target: Target) -> KernelCode:
    """``out[i] = table[index[i]]``: rows of the first dimension. A unit is one index.

    Args:
        table: (rows, ...).
        index: of any shape, int64.
        out: (*index, ...).
        target: the processor.
    """
    b, n = kernel(), len(index.shape)
    rows, *row = table.shape
    source, into, numbers = table.pointer(b), out.pointer(b), _Indices(b, index, rows)
    kind, lanes = table.type, register(target, table.type)

    def unit(u: V) -> None:
        at, to = located(b, u, index.shape, index.strides, out.strides[:n])
        i, fine = numbers.load(at)
        if rows:
            i = b.select(fine, i, b.const(0, I64))
            from_row = b.gep(kind, source, b.mul(i, table.strides[0]))
            to_row = b.gep(kind, into, to)

            def move(offsets: list[Int], width: int) -> None:
                x = b.load(vector(width, kind), b.gep(kind, from_row, offsets[0]))
                b.store(x, b.gep(kind, to_row, offsets[1]))

            entries(b, row, [table.strides[1:], out.strides[n:]], lanes, move)

    _units(b, unit)
    units = math.prod(index.shape) if 0 not in out.shape else 0
    moved = units * (8 + 2 * math.prod(row) * BYTES[kind])
    return _code(b, units, n == 1, 0, moved, f"take rows of {math.prod(row)}")


def emit_put(index: Operand, x: Operand, out: Operand, target: Target) -> KernelCode:
    """Zeros, with each row of ``x`` added to the row of ``out`` that its index names. A unit is a block of columns.

    Args:
        index: of any shape, int64.
        x: (*index, ...).
        out: (rows, ...).
        target: the processor.
    """
    b, n = kernel(), len(index.shape)
    rows, *row = out.shape
    numbers, source, into = _Indices(b, index, rows), x.pointer(b), out.pointer(b)
    kind, lanes = out.type, register(target, out.type)
    lengths, (of_x, of_out) = merged(row, [x.strides[n:], out.strides[1:]])
    *outer, columns = lengths or [1]
    last = (of_x[-1], of_out[-1]) if lengths else (1, 1)
    width = min(columns, BLOCK // BYTES[kind])
    blocks = -(-columns // width) if columns else 0

    def block(u: Int, width: int, number: Int, place: Int) -> None:
        first = b.mul(number, min(columns, BLOCK // BYTES[kind]))
        x_at, out_at = located(b, place, outer, tuple(of_x[:-1]), tuple(of_out[:-1]))
        of = b.gep(kind, source, b.add(x_at, b.mul(first, last[0])))
        to = b.gep(kind, into, b.add(out_at, b.mul(first, last[1])))

        def clear(offsets: list[Int], width: int) -> None:
            b.store(b.const(0, vector(width, kind)), b.gep(kind, to, offsets[0]))

        entries(b, (rows, width), [(out.strides[0], last[1])], lanes, clear)

        def add(j: V, _: list[V]) -> list[V]:
            at, x_row = located(b, j, index.shape, index.strides, x.strides[:n])
            i, fine = numbers.load(at)

            def here() -> list[V]:
                total, share = b.gep(kind, to, b.mul(i, out.strides[0])), b.gep(kind, of, x_row)

                def one(offsets: list[Int], width: int) -> None:
                    y = b.load(vector(width, kind), b.gep(kind, share, offsets[0]))
                    there = b.gep(kind, total, offsets[1])
                    b.store(plus(b, b.load(vector(width, kind), there), y, kind), there)

                entries(b, (width,), [(last[0],), (last[1],)], lanes, one)
                return []

            b.when(fine, here)
            return []

        b.loop(0, math.prod(index.shape), 1, [], add)

    def unit(u: V) -> None:
        number, place = b.rem(u, blocks), b.div(u, blocks)
        rest = columns % width
        if blocks == 1 or not rest:
            block(u, width, number, place)
            return

        def ending(width: int) -> Callable[[], list[V]]:
            def emit() -> list[V]:
                block(u, width, number, place)
                return []

            return emit

        b.when(b.compare("eq", number, b.const(blocks - 1, I64)), ending(rest), ending(width))

    units = 0 if 0 in out.shape else blocks * math.prod(outer)
    if units:
        _units(b, unit)
    count = math.prod(x.shape)
    moved = (3 * count + math.prod(out.shape)) * BYTES[kind] + 8 * math.prod(index.shape)
    return _code(b, units, False, count, moved, f"put into {rows} rows")


def emit_gather(x: Operand, index: Operand, out: Operand, dim: int, target: Target) -> KernelCode:
    """``out[i, j] = x[i, index[i, j]]`` for ``dim`` 1, and so on. A unit is a row of ``index``.

    Args:
        x: of as many dimensions as ``index``, and nowhere shorter but along ``dim``.
        index: int64.
        out: of the shape of ``index``.
        dim: along which the index says where.
        target: the processor.
    """
    b, kind = kernel(), x.type
    source, into, numbers = x.pointer(b), out.pointer(b), _Indices(b, index, x.shape[dim])
    fixed = tuple([0 if d == dim else s for d, s in enumerate(x.strides)])
    maps = [index.strides, out.strides, fixed]
    *outer, length = index.shape or (1,)

    def unit(u: V) -> None:
        starts = located(b, u, outer, *[m[:-1] for m in maps])

        def one(k: Int) -> None:
            at, to, of = [b.add(o, b.mul(k, m[-1] if m else 0)) for o, m in zip(starts, maps, strict=True)]
            i, fine = numbers.load(at)
            if x.shape[dim]:
                i = b.select(fine, i, b.const(0, I64))
                entry = b.load(kind, b.gep(kind, source, b.add(of, b.mul(i, x.strides[dim]))))
                b.store(entry, b.gep(kind, into, to))

        each(b, length, one)

    units = math.prod(outer) if length else 0
    if units:
        _units(b, unit)
    moved = math.prod(index.shape) * (8 + 2 * BYTES[kind])
    return _code(b, units, len(outer) == 1, 0, moved, f"gather along {dim}")


def emit_scatter(x: Operand, index: Operand, source: Operand, out: Operand, dim: int, target: Target) -> KernelCode:
    """``x``, with each entry of ``source`` added where :func:`emit_gather` would read. A unit is a line along ``dim``.

    Args:
        x: of as many dimensions as ``index``, and nowhere shorter but along ``dim``.
        index: int64.
        source: of the shape of ``index``, or longer.
        out: of the shape of ``x``.
        dim: along which the index says where.
        target: the processor.
    """
    b, kind = kernel(), x.type
    base, share, into = x.pointer(b), source.pointer(b), out.pointer(b)
    numbers = _Indices(b, index, x.shape[dim])
    others = [d for d in range(len(x.shape)) if d != dim]

    def along(m: Strides) -> Strides:
        return tuple([m[d] for d in others])

    def unit(u: V) -> None:
        (x_at, to) = located(b, u, [x.shape[d] for d in others], along(x.strides), along(out.strides))

        def copy(k: Int) -> None:
            entry = b.load(kind, b.gep(kind, base, b.add(x_at, b.mul(k, x.strides[dim]))))
            b.store(entry, b.gep(kind, into, b.add(to, b.mul(k, out.strides[dim]))))

        each(b, x.shape[dim], copy)
        place, rest = [], u
        for d in reversed(others):
            place.append(b.rem(rest, x.shape[d]))
            rest = b.div(rest, x.shape[d])
        inside = b.const(True, "i1")
        at: Int = 0
        of: Int = 0
        for d, i in zip(others, place[::-1], strict=True):
            if index.shape[d] < x.shape[d]:
                inside = b.op("and", inside, b.compare("slt", b.int(i), b.const(index.shape[d], I64)))
            at, of = b.add(at, b.mul(i, index.strides[d])), b.add(of, b.mul(i, source.strides[d]))

        def add(k: Int) -> None:
            i, fine = numbers.load(b.add(at, b.mul(k, index.strides[dim])))

            def here() -> list[V]:
                y = b.load(kind, b.gep(kind, share, b.add(of, b.mul(k, source.strides[dim]))))
                there = b.gep(kind, into, b.add(to, b.mul(i, out.strides[dim])))
                b.store(plus(b, b.load(kind, there), y, kind), there)
                return []

            b.when(fine, here)

        def all_of_it() -> list[V]:
            each(b, index.shape[dim], add)
            return []

        b.when(inside, all_of_it)

    units = 0 if 0 in x.shape else math.prod([x.shape[d] for d in others])
    if units:
        _units(b, unit)
    moved = 2 * math.prod(x.shape) * BYTES[kind] + math.prod(index.shape) * (8 + 3 * BYTES[kind])
    return _code(b, units, dim == 1 and len(others) == 1, math.prod(index.shape), moved, f"scatter along {dim}")
