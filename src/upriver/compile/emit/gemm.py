"""Matrix products: blocks of the result in registers, operands read in place or packed, and an epilogue.

The lanes of the registers run along one dimension of the result, ``columns``, and the other is ``rows``: (n, m), or
(m, n) when that costs less. X is the operand of the rows, Y of the columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..kernels import Access, GemmKernel, KernelCode
from ..native.target import Target
from .body import Scope
from .builder import BYTES, I64, OF_DTYPE, PTR, Builder, Int, V, kernel as function
from .gemm_block import accumulate, block_shape, first_lanes, zeros
from .gemm_pack import pack_panel, rounded

CACHE = 32 * 1024  # bytes that stay close to the processor
WORTH = 32 * 1024  # bytes of a packed operand from which on threads share the packing


@dataclass(frozen=True)
class Pack:
    """A call to be made before a product: an operand copied into the order in which the product reads it.

    Attributes:
        code: its slots are those of ``operands``, in their order, and then the packed buffer.
        operands: which slots of the product's kernel it reads.
        bytes: of the buffer, which has to be aligned to 64.
    """

    code: KernelCode
    operands: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class GemmCode:
    """A product as code.

    Attributes:
        main: its slots are those of the kernel, 0 … s − 1, and then the buffer of each of ``packs``.
        packs: calls to be made before it, in any order.
    """

    main: KernelCode
    packs: tuple[Pack, ...]


@dataclass(frozen=True)
class Operand:
    """An operand's terms, all over the dimensions (*batch, length, k), and how the blocks read them.

    Attributes:
        terms: the accesses.
        length: rows of X, or columns of Y.
        panel: entries of the length that a packed panel holds, with its padding; 0 when read in place.
        step: entries of the length from a panel to the next.
        shared: whether a call before packs it, rather than each call of the product for itself.
    """

    terms: tuple[Access, ...]
    length: int
    panel: int = 0
    step: int = 0
    shared: bool = False

    @property
    def alone(self) -> bool:
        """Whether it is the same for all items of the batch."""
        return not any(any(term.strides[:-2]) for term in self.terms)

    @property
    def along(self) -> int:
        """The stride of the length."""
        return self.terms[0].strides[-2]

    @property
    def deep(self) -> int:
        """The stride of k."""
        return self.terms[0].strides[-1]


def slots_of(kernel: GemmKernel) -> int:
    """How many slots a product has."""
    accesses = [*kernel.a, *kernel.b, *(s.access for s in kernel.body if s.access is not None)]
    return 1 + max(access.slot for access in accesses)


Table = Callable[[Int], V]
Source = tuple[Table | None, V | None]
Range = tuple[Int, Int]


class _Product:
    """One orientation of a product, with its blocks and what it would cost."""

    def __init__(self, kernel: GemmKernel, target: Target, swapped: bool) -> None:
        self.kernel, self.target, self.swapped = kernel, target, swapped
        self.type = OF_DTYPE[str(kernel.a[0].dtype)]
        self.size = BYTES[self.type]
        self.batch, self.k = kernel.batch, kernel.k
        self.rows, self.columns = (kernel.n, kernel.m) if swapped else (kernel.m, kernel.n)
        self.shape = block_shape(self.rows, self.columns, self.type, target)
        d = len(self.batch)
        self.row, self.column = (d + 1, d) if swapped else (d, d + 1)
        # Terms whose accesses move alike run in one loop.
        alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[tuple[Access, Access]]] = {}
        for a, y in zip(kernel.a, kernel.b, strict=True):
            across = replace(y, strides=(*y.strides[:-2], y.strides[-1], y.strides[-2]))
            pair = (across, a) if swapped else (a, across)
            alike.setdefault((pair[0].strides, pair[1].strides), []).append(pair)
        self.pairs: list[tuple[Operand, Operand]] = []
        for group in alike.values():
            xs, ys = Operand(tuple(x for x, _ in group), self.rows), Operand(tuple(y for _, y in group), self.columns)
            self.pairs.append((self._x(xs), self._y(ys)))

    @property
    def operands(self) -> list[Operand]:
        """X and Y of each group of terms."""
        return [operand for pair in self.pairs for operand in pair]

    # What to pack.

    def _y(self, y: Operand) -> Operand:
        if y.along == 1 or y.length == 1:
            return y
        return self._packed(y, self.shape.width, self.shape.width)

    def _x(self, x: Operand) -> Operand:
        return x

    def _packed(self, operand: Operand, panel: int, step: int) -> Operand:
        shared = operand.alone and operand.length * self.k * len(operand.terms) * self.size > WORTH
        return replace(operand, panel=panel, step=step, shared=shared)

    # Sizes of packed operands.

    @property
    def depth(self) -> int:
        """Positions of k in a panel, with the padding of each term."""
        return rounded(self.k, self.shape.lanes)

    def bytes(self, operand: Operand) -> int:
        """Of a packed operand."""
        full, rest = divmod(operand.length, operand.step)
        width = full * operand.panel + rounded(rest, self.shape.lanes)
        return rounded(width * self.depth * len(operand.terms) * self.size, 64)

    # The cost, in cycles, roughly.

    @property
    def cost(self) -> float:
        """Of the whole product, for comparison with the other orientation."""
        total = 0.0
        for x, y in self.pairs:
            total += self.shape.cost * self.k * len(x.terms)
            for operand in (x, y):
                if operand.panel:
                    rate = 0.15 if operand.along == 1 else 0.5 if operand.deep == 1 else 2.0
                    total += rate * operand.length * self.k * len(x.terms)
        for s in self.kernel.body:
            if s.access is not None:
                stride = s.access.strides[self.column]
                total += self.rows * self.columns / (self.shape.lanes if stride in (0, 1) else 0.7)
        return total

    # Emission.

    @property
    def by_rows(self) -> bool:
        """Whether threads share the rows of the blocks, rather than their columns: where there is more to share."""
        shape = self.shape
        down, across = self.rows / shape.height, self.columns / shape.width
        m = across if self.swapped else down
        by_m = m >= 4 or m >= (down if self.swapped else across)
        return by_m != self.swapped

    def emit(self) -> GemmCode:
        """The code."""
        b = function()
        packs: list[Pack] = []
        slots: dict[int, V] = {}
        for slot in sorted(self._slots()):
            slots[slot] = b.argument(slot)
        scratch = 0
        self.sources: dict[Operand, Source] = {}
        for operand in self.operands:
            buffer: V | None = None
            table: Table | None = None
            if operand in self.sources:
                continue
            if operand.shared:
                buffer = b.argument(slots_of(self.kernel) + len(packs))
                packs.append(self._pack(operand))
            elif operand.panel:
                buffer = b.gep("i8", b.params["scratch"], scratch)
                scratch += self.bytes(operand)
            if not operand.shared:
                table = _table(b, operand.terms, slots, scratch)
                scratch += rounded(8 * len(operand.terms), 64) if len(operand.terms) > 1 else 0
            self.sources[operand] = table, buffer
        shape = self.shape
        whole = (0, self.rows), (0, self.columns)
        part = b.params["begin"], b.params["end"]
        if self.batch:
            units, align, rows = math.prod(self.batch), 1, len(self.batch) == 1
            self._fill_own(b, None, *whole)

            def item(u: V, _: list[V]) -> list[V]:
                at: list[Int] = []
                rest: Int = u
                for length in reversed(self.batch):
                    at.insert(0, b.rem(rest, length))
                    rest = b.div(rest, length)
                self._fill_own(b, at, *whole)
                self._item(b, slots, at, *whole)
                return []

            b.loop(*part, 1, [], item)
        else:
            by_rows = self.by_rows
            units, align = (self.rows, shape.height) if by_rows else (self.columns, shape.width)
            rows = by_rows != self.swapped
            ranges = (part, whole[1]) if by_rows else (whole[0], part)
            self._fill_own(b, None, *ranges)
            self._item(b, slots, [], *ranges)
        name, ir = b.finish(prefix="gemm")
        note = f"product, {shape.height}×{shape.vectors} registers"
        note += ", across" * self.swapped + f", {len(packs)} packed" * bool(packs)
        main = KernelCode(name, ir, tuple(b.declares), units, align, rows, scratch, *self._work(), note)
        return GemmCode(main, tuple(packs))

    def _work(self) -> tuple[int, int]:
        """Floating-point operations, and bytes that have to be read and written."""
        kernel, batch, terms = self.kernel, math.prod(self.batch), len(self.kernel.a)
        count = batch * self.rows * self.columns
        moved = batch * self.k * terms * (self.rows + self.columns) * self.size
        for s in kernel.body:
            if s.access is not None and any(s.access.strides):
                lengths = (*self.batch, kernel.m, kernel.n)
                entries = math.prod(n for n, stride in zip(lengths, s.access.strides, strict=True) if stride)
                moved += entries * BYTES[OF_DTYPE[str(s.access.dtype)]]
        return 2 * count * self.k * terms, moved

    def _slots(self) -> set[int]:
        found = {s.access.slot for s in self.kernel.body if s.access is not None}
        return found | {term.slot for operand in self.operands if not operand.shared for term in operand.terms}

    def _fill_own(self, b: Builder, at: list[Int] | None, rows: Range, columns: Range) -> None:
        """Pack what this call packs for itself: operands of one item of the batch, or (None) those of all items."""
        for x, y in self.pairs:
            for operand, (first, after) in ((x, rows), (y, columns)):
                table, buffer = self.sources[operand]
                if buffer is not None and table is not None and operand.alone == (at is None):
                    end = b.div(b.add(after, operand.step - 1), operand.step)
                    self._fill(b, operand, table, at or [], buffer, b.div(first, operand.step), end)

    def _pack(self, operand: Operand) -> Pack:
        b = function()
        operands = tuple(dict.fromkeys(term.slot for term in operand.terms))
        own = {slot: i for i, slot in enumerate(operands)}
        slots = {slot: b.argument(i) for slot, i in own.items()}
        terms = tuple(term for term in operand.terms)
        table = _table(b, terms, slots, 0)
        target = b.argument(len(operands))
        self._fill(b, operand, table, [], target, b.params["begin"], b.params["end"])
        name, ir = b.finish(prefix="pack")
        count = operand.length * self.k * len(operand.terms)
        code = KernelCode(
            name=name,
            ir=ir,
            declares=tuple(b.declares),
            units=-(-operand.length // operand.step),
            align=1,
            rows=False,
            scratch=8 * len(terms),
            flops=0,
            bytes=2 * count * self.size,
            note="packing for a product",
        )
        return Pack(code, operands, self.bytes(operand))

    def _fill(
        self, b: Builder, operand: Operand, table: Table, at: Sequence[Int], target: V, first: Int, after: Int
    ) -> None:
        """Pack panels first … after of an operand."""
        terms = len(operand.terms)

        def panel(p: Int, width: int) -> None:
            there = b.gep(self.type, target, b.mul(p, terms * self.depth * operand.panel))

            def term(t: V, _: list[V]) -> list[V]:
                source = b.gep(self.type, table(t), _inner(b, operand.terms[0], at))
                place = b.gep(self.type, there, b.mul(t, self.depth * width))
                strides, columns = (operand.deep, operand.along), (b.mul(p, operand.step), operand.length, width)
                pack_panel(b, self.type, self.shape.lanes, source, place, self.k, strides, *columns)
                return []

            b.loop(0, terms, 1, [], term)

        full, rest = divmod(operand.length, operand.step)
        each(b, (first, after), full, 1, lambda p: panel(p, operand.panel))
        each_rest(b, (first, after), full, full + (rest > 0), lambda: panel(full, rounded(rest, self.shape.lanes)))

    def _item(self, b: Builder, slots: dict[int, V], at: list[Int], rows: Range, columns: Range) -> None:
        """Rows and columns of the result of one item of the batch."""
        shape = self.shape
        whole_rows = self.rows // shape.height * shape.height
        whole_columns = self.columns // shape.width * shape.width

        def block(i: Int, j: Int, height: int, vectors: int, mask: V | None) -> None:
            sums = self._sums(b, at, i, j, zeros(b, height, vectors, shape.lanes, self.type), mask)
            self._out(b, slots, at, i, j, sums, mask)

        def down(j: Int, vectors: int, mask: V | None) -> None:
            each(b, rows, whole_rows, shape.height, lambda i: block(i, j, shape.height, vectors, mask))
            each_rest(
                b, rows, whole_rows, self.rows, lambda: block(whole_rows, j, self.rows - whole_rows, vectors, mask)
            )

        each(b, columns, whole_columns, shape.width, lambda j: down(j, shape.vectors, None))
        edge = first_lanes((self.columns - 1) % shape.lanes + 1, shape.lanes)
        each_rest(b, columns, whole_columns, self.columns, lambda: down(whole_columns, shape.last, edge))

    def _sums(self, b: Builder, at: list[Int], i: Int, j: Int, sums: list[list[V]], mask: V | None) -> list[list[V]]:
        height, vectors = len(sums), len(sums[0])
        flat = [value for row in sums for value in row]
        x_width, y_width = rounded(height, self.shape.lanes), vectors * self.shape.lanes
        for x, y in self.pairs:

            def term(t: V, carried: list[V], x: Operand = x, y: Operand = y) -> list[V]:
                from_x, from_y = self._start(b, x, at, i, t, x_width), self._start(b, y, at, j, t, y_width)
                x_strides = (1, x_width) if x.panel else (x.along, x.deep)
                y_stride = y_width if y.panel else y.deep
                block = [carried[r * vectors : (r + 1) * vectors] for r in range(height)]
                done = accumulate(b, block, self.k, from_x, x_strides, from_y, y_stride, None if y.panel else mask)
                return [value for row in done for value in row]

            flat = b.loop(0, len(x.terms), 1, flat, term)
        return [flat[r * vectors : (r + 1) * vectors] for r in range(height)]

    def _out(
        self, b: Builder, slots: dict[int, V], at: list[Int], i: Int, j: Int, sums: list[list[V]], mask: V | None
    ) -> None:
        """The epilogue of a block."""
        body, lanes = self.kernel.body, self.shape.lanes
        scope = Scope(b, body, slots, len(self.batch) + 2, self.target)
        for dim, position in enumerate(at):
            scope = scope.at(dim, position)
        if not any(s.kind == "index" for s in body):  # addresses once for the block, then by constant distances
            scope = scope.at(self.row, i).at(self.column, j)
            scope.settle(s.access for s in body if s.access is not None)
            del scope.fixed[self.row], scope.fixed[self.column]
            i = j = 0
        last = len(sums[0]) - 1
        columns: list[Scope] = []
        for v in range(last + 1):
            columns.append(scope.lanes(self.column, b.add(j, v * lanes), lanes, mask if v == last else None))
            columns[-1].ready()
        for r, row in enumerate(sums):
            for column, value in zip(columns, row, strict=True):
                place = column.at(self.row, b.add(i, r))
                place.known[0] = value
                place.emit()

    def _start(self, b: Builder, operand: Operand, at: list[Int], position: Int, t: Int, width: int) -> V:
        """Where term t of an operand begins for the block at ``position``."""
        table, buffer = self.sources[operand]
        if buffer is None:
            assert table is not None
            offset = b.add(_inner(b, operand.terms[0], at), b.mul(position, operand.along))
            return b.gep(self.type, table(t), offset)
        panel = b.mul(b.div(position, operand.step), len(operand.terms) * self.depth * operand.panel)
        return b.gep(self.type, buffer, b.add(panel, b.mul(t, self.depth * width)))


def each(b: Builder, within: Range, stop: int, step: int, body: Callable[[Int], None]) -> None:
    """Whole blocks of a range: its positions below ``stop``, in steps."""

    def turn(i: V, _: list[V]) -> list[V]:
        body(i)
        return []

    b.loop(within[0], b.least(within[1], stop), step, [], turn)


def each_rest(b: Builder, within: Range, start: int, stop: int, body: Callable[[], None]) -> None:
    """The last, smaller block ``start … stop``, if there is one and the range reaches it."""
    end = within[1]
    if start == stop:
        return
    if isinstance(end, int):
        body()
        return

    def then() -> list[V]:
        body()
        return []

    b.when(b.compare("sgt", end, b.int(start)), then)


def _inner(b: Builder, access: Access, at: Sequence[Int]) -> Int:
    """The offset of an item of the batch."""
    offset: Int = 0
    for stride, position in zip(access.strides, at, strict=False):
        offset = b.add(offset, b.mul(position, stride))
    return offset


def _table(b: Builder, terms: Sequence[Access], slots: dict[int, V], at: int) -> Callable[[Int], V]:
    """Where the terms of an operand begin, by their number; several of them in a table in scratch, ``at`` bytes in."""
    starts = [b.gep(OF_DTYPE[str(term.dtype)], slots[term.slot], term.offset) for term in terms]
    if len(terms) == 1:
        return lambda i: starts[0]
    table = b.gep("i8", b.params["scratch"], at)
    for i, start in enumerate(starts):
        b.store(start, b.gep(I64, table, i))
    return lambda i: b.load(PTR, b.gep(I64, table, i))


def emit_gemm(kernel: GemmKernel, target: Target) -> GemmCode:
    """The code of a product.

    Args:
        kernel: what to compute.
        target: the processor.

    Returns:
        The product's code and the packing to be done before it.
    """
    plain, swapped = _Product(kernel, target, False), _Product(kernel, target, True)
    return (swapped if swapped.cost * 1.1 < plain.cost else plain).emit()
