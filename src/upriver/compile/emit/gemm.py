"""Matrix products: blocks of the result in registers, Y in place or packed, and the epilogue on the registers.

The loops, from outside: items of the batch; panels of columns; pieces of k (when it is long: then sums wait in
scratch); blocks of rows; terms; k. A panel of Y is packed when it is met, unless a call before has packed all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..kernels import Access, GemmKernel, KernelCode
from ..native.target import Target
from .body import Scope
from .builder import BYTES, I64, OF_DTYPE, PTR, Builder, Int, V, kernel as function, vector
from .gemm_block import accumulate, first_lanes
from .gemm_dots import accumulate_dots
from .gemm_pack import pack_panel, rounded
from .gemm_plan import Oriented, Terms, orient

UNROLLED = 100  # instructions of an epilogue that are written out for each register of a block

Table = Callable[[Int], V]
Range = tuple[Int, Int]


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


def emit_gemm(kernel: GemmKernel, target: Target) -> GemmCode:
    """The code of a product.

    Args:
        kernel: what to compute.
        target: the processor.

    Returns:
        The product's code and the packing to be done before it.

    Example:
        >>> import numpy as np
        >>> from upriver.compile.kernels import Statement
        >>> from upriver.compile.native.target import target
        >>> f = np.dtype("float32")
        >>> a, b, c = (Access(i, f, (16, 1)) for i in range(3))
        >>> body = (Statement("result", f), Statement("store", f, (0,), access=c))
        >>> code = emit_gemm(GemmKernel((), 8, 16, 16, (a,), (b,), body), target())
        >>> code.main.units, code.main.rows, code.main.flops, code.packs
        (8, True, 4096, ())
    """
    return _Product(orient(kernel, target)).emit()


def slots_of(kernel: GemmKernel) -> int:
    """How many slots a product has."""
    accesses = [*kernel.a, *kernel.b, *(s.access for s in kernel.body if s.access is not None)]
    return 1 + max(access.slot for access in accesses)


class _Product:
    """The function of one product under construction."""

    def __init__(self, plan: Oriented) -> None:
        self.plan, self.kernel, self.blocks = plan, plan.kernel, plan.blocks
        self.b = function()
        self.scratch = 0
        self.batch: list[Int] = []  # the item
        self.tables: list[tuple[Table, Table]] = []  # for each group of terms, where X and Y begin
        self.buffers: list[V | None] = []  # for each, where Y is packed

    def emit(self) -> GemmCode:
        """The code."""
        b, plan, kernel, blocks = self.b, self.plan, self.kernel, self.blocks
        packs: list[Pack] = []
        used = {s.access.slot for s in kernel.body if s.access is not None} | {x.slot for x in kernel.a + kernel.b}
        slots = {slot: b.argument(slot) for slot in sorted(used)}
        for group in plan.terms:
            self.tables.append((self._table(b, group.x, slots), self._table(b, group.y, slots)))
            self.buffers.append(None)
            if group.packed and plan.shared:
                self.buffers[-1] = b.argument(slots_of(kernel) + len(packs))
                packs.append(self._pack(group))
            elif group.packed:
                depth, terms = plan.pieces or (plan.k, len(group.x))
                self.buffers[-1] = self._reserve(depth * terms * blocks.width * plan.size)
        tile_rows = plan.rows if plan.pieces else 0 if self._direct else blocks.height
        self.tile = self._reserve(tile_rows * blocks.width * plan.size)
        self.scope = Scope(b, kernel.body, slots, len(kernel.batch) + 2, plan.target)
        self.scope.ready()
        units, align = self._share()
        name, ir = b.finish(prefix="gemm")
        rows = plan.by_rows != plan.swapped if not kernel.batch else len(kernel.batch) == 1
        note = (
            f"product, {blocks.height}×{blocks.vectors} registers"
            + ", lanes along m" * plan.swapped
            + ", dots" * plan.dots
        )
        packing = ", packed before" if packs else ", packed" * any(group.packed for group in plan.terms)
        flops, moved = self._work()
        main = KernelCode(name, ir, tuple(b.declares), units, align, rows, self.scratch, flops, moved, note + packing)
        return GemmCode(main, tuple(packs))

    def _share(self) -> tuple[int, int]:
        """Emit the loops over what threads share, and say how many units there are and where chunks may begin."""
        b, plan, lengths = self.b, self.plan, self.kernel.batch
        part, rows, columns = (b.params["begin"], b.params["end"]), (0, plan.rows), (0, plan.columns)
        if not lengths:
            self._item(*((part, columns) if plan.by_rows else (rows, part)))
            return (plan.rows, self.blocks.height) if plan.by_rows else (plan.columns, self.blocks.width)

        def item(u: V, _: list[V]) -> list[V]:
            outer, rest = self.scope, u
            self.batch = []
            for length in reversed(lengths):
                self.batch.insert(0, b.rem(rest, length))
                rest = b.div(rest, length)
            for dim, position in enumerate(self.batch):
                self.scope = self.scope.at(dim, position)
            self.scope.ready()
            self._item(rows, columns)
            self.scope = outer
            return []

        b.loop(*part, 1, [], item)
        return math.prod(lengths), 1

    def _work(self) -> tuple[int, int]:
        """Floating-point operations, and bytes that have to be read and written."""
        plan, kernel = self.plan, self.kernel
        lengths = (*kernel.batch, kernel.m, kernel.n)
        moved = math.prod(kernel.batch) * plan.depth * (kernel.m + kernel.n) * plan.size
        for s in kernel.body:
            if s.access is not None:
                entries = math.prod(n for n, stride in zip(lengths, s.access.strides, strict=True) if stride)
                moved += entries * BYTES[OF_DTYPE[str(s.access.dtype)]]
        return 2 * math.prod(lengths) * plan.depth, moved

    def _reserve(self, size: int) -> V:
        """Memory in scratch."""
        self.scratch = rounded(self.scratch, 64)
        place = self.b.gep("i8", self.b.params["scratch"], self.scratch)
        self.scratch += size
        return place

    def _table(self, b: Builder, terms: tuple[Access, ...], slots: dict[int, V]) -> Table:
        """Where the terms of an operand begin, by their number; several of them in a table in scratch."""
        starts = [b.gep(self.plan.type, slots[term.slot], term.offset) for term in terms]
        if len(terms) == 1:
            return lambda i: starts[0]
        table = b.gep("i8", b.params["scratch"], self.scratch)
        self.scratch += 8 * len(terms)
        for i, start in enumerate(starts):
            b.store(start, b.gep(I64, table, i))
        return lambda i: b.load(PTR, b.gep(I64, table, i))

    # Packing.

    def _pack(self, group: Terms) -> Pack:
        """The call that packs all panels of a group's Y."""
        plan, inner = self.plan, _Product(self.plan)
        b = inner.b
        operands = tuple(dict.fromkeys(term.slot for term in group.y))
        table = inner._table(b, group.y, {slot: b.argument(i) for i, slot in enumerate(operands)})
        target = b.argument(len(operands))
        width = self.blocks.width

        def panel(j: Int, vectors: int, mask: V | None) -> None:
            there = b.gep(plan.type, target, b.mul(j, plan.k * len(group.y)))
            inner._fill(group, table, there, j, vectors, (0, len(group.y)), 0, plan.k)

        inner._panels((b.mul(b.params["begin"], width), b.mul(b.params["end"], width)), panel)
        name, ir = b.finish(prefix="pack")
        count, units = self.blocks.padded * plan.k * len(group.y) * plan.size, -(-plan.columns // width)
        note = "packing for a product"
        code = KernelCode(name, ir, tuple(b.declares), units, 1, False, inner.scratch, 0, 2 * count, note)
        return Pack(code, operands, count)

    def _fill(
        self, group: Terms, table: Table, target: V, j: Int, vectors: int, terms: Range, first: Int, depth: int
    ) -> None:
        """Pack ``depth`` positions of k from ``first`` on, of some terms, of the panel at column j."""
        b, plan, (along, deep) = self.b, self.plan, group.y_strides
        width, lanes = vectors * self.blocks.lanes, self.blocks.lanes
        inner = b.add(self._item_offset(group.y[0]), b.mul(first, deep))

        def term(t: V, _: list[V]) -> list[V]:
            place = b.gep(plan.type, target, b.mul(b.sub(t, terms[0]), depth * width))
            source = b.gep(plan.type, table(t), inner)
            pack_panel(b, plan.type, lanes, source, place, depth, (deep, along), j, plan.columns, width)
            return []

        b.loop(*terms, 1, [], term)

    def _item_offset(self, access: Access) -> Int:
        offset: Int = 0
        for stride, position in zip(access.strides, self.batch, strict=False):
            offset = self.b.add(offset, self.b.mul(position, stride))
        return offset

    # The loops.

    def _panels(self, columns: Range, body: Callable[[Int, int, V | None], None]) -> None:
        """For each panel of a range: its first column, its registers, and the mask of the last of them."""
        blocks, whole = self.blocks, self.plan.columns // self.blocks.width * self.blocks.width
        edge = first_lanes((self.plan.columns - 1) % blocks.lanes + 1, blocks.lanes)
        self._each(columns, whole, blocks.width, lambda j: body(j, blocks.vectors, None))
        self._rest(columns, whole, self.plan.columns, lambda: body(whole, blocks.last, edge))

    def _rows(self, rows: Range, body: Callable[[Int, int], None]) -> None:
        """For each block of rows: the first, and how many."""
        height, whole = self.blocks.height, self.plan.rows // self.blocks.height * self.blocks.height
        self._each(rows, whole, height, lambda i: body(i, height))
        self._rest(rows, whole, self.plan.rows, lambda: body(whole, self.plan.rows - whole))

    def _each(self, within: Range, stop: int, step: int, body: Callable[[Int], None]) -> None:
        def turn(i: V, _: list[V]) -> list[V]:
            body(i)
            return []

        if stop:
            self.b.loop(within[0], self.b.least(within[1], stop), step, [], turn)

    def _rest(self, within: Range, start: int, stop: int, body: Callable[[], None]) -> None:
        def then() -> list[V]:
            body()
            return []

        end = within[1]
        if start < stop and isinstance(end, int):
            body()
        elif start < stop and not isinstance(end, int):
            self.b.when(self.b.compare("sgt", end, self.b.int(start)), then)

    def _item(self, rows: Range, columns: Range) -> None:
        """Rows and columns of the result of one item of the batch."""
        self._panels(columns, lambda j, vectors, mask: self._panel(rows, j, vectors, mask))

    def _panel(self, rows: Range, j: Int, vectors: int, mask: V | None) -> None:
        """All rows of one panel."""
        plan = self.plan
        groups = list(enumerate(plan.terms))
        if plan.pieces:
            self._in_pieces(rows, j, vectors, mask)
            return
        for n, group in groups:
            buffer = self.buffers[n]
            if group.packed and not plan.shared and buffer is not None:
                self._fill(group, self.tables[n][1], buffer, j, vectors, (0, len(group.y)), 0, plan.k)

        def block(i: Int, height: int) -> None:
            self._bring(i, j, height, vectors)
            sums = [self.b.const(0.0, vector(self.blocks.lanes, plan.type))] * (height * vectors)
            for n, group in groups:
                sums = self._add(n, group, sums, i, j, height, (0, len(group.x)), (0, plan.k), mask)
            if self._direct:
                self._out(i, j, height, vectors, mask, sums)
            else:
                self._keep(0, height, vectors, sums)
                self._out(i, j, height, vectors, mask, None)

        self._rows(rows, block)

    def _in_pieces(self, rows: Range, j: Int, vectors: int, mask: V | None) -> None:
        """All rows of one panel, for one piece of k after the other; between them the sums are in the tile."""
        b, plan = self.b, self.plan
        assert plan.pieces is not None
        depth, together = plan.pieces
        zero = b.const(0.0, vector(self.blocks.lanes, plan.type))

        def clear(i: V, _: list[V]) -> list[V]:
            self._keep(i, 1, vectors, [zero] * vectors)
            return []

        b.loop(*rows, 1, [], clear)

        def piece(n: int, group: Terms, terms: Range, first: Int, depth: int) -> None:
            buffer = self.buffers[n]
            if group.packed and not plan.shared and buffer is not None:
                self._fill(group, self.tables[n][1], buffer, j, vectors, terms, first, depth)

            def block(i: Int, height: int) -> None:
                wide = vector(self.blocks.lanes, plan.type)
                # Each piece is summed for itself: long sums keep more digits so.
                new = self._add(n, group, [zero] * (height * vectors), i, j, height, terms, (first, depth), mask)
                places = [(r, v) for r in range(height) for v in range(vectors)]
                sums = [b.load(wide, self._kept(i, r, v, vectors)) for r, v in places]
                self._keep(i, height, vectors, [b.op("fadd", x, y) for x, y in zip(sums, new, strict=True)])

            self._rows(rows, block)

        for n, group in enumerate(plan.terms):

            def some(t: V, _: list[V], n: int = n, group: Terms = group) -> list[V]:
                terms = (t, b.least(b.add(t, together), len(group.x)))
                whole = plan.k // depth * depth
                self._each((0, whole), whole, depth, lambda first: piece(n, group, terms, first, depth))
                if whole < plan.k:
                    piece(n, group, terms, whole, plan.k - whole)
                return []

            b.loop(0, len(group.x), together, [], some)
        self._out(rows[0], j, b.sub(rows[1], rows[0]), vectors, mask, None, tile=rows[0])

    def _add(
        self,
        n: int,
        group: Terms,
        sums: list[V],
        i: Int,
        j: Int,
        height: int,
        terms: Range,
        ks: tuple[Int, int],
        mask: V | None,
    ) -> list[V]:
        """Add some terms, over some positions of k, to a block."""
        b, plan, (first, depth) = self.b, self.plan, ks
        vectors = len(sums) // height
        width = vectors * self.blocks.lanes
        (along_x, deep_x), (along_y, deep_y) = group.x_strides, group.y_strides
        inside_x = b.add(self._item_offset(group.x[0]), b.add(b.mul(i, along_x), b.mul(first, deep_x)))
        buffer = self.buffers[n]
        if buffer is None:
            inside_y = b.add(self._item_offset(group.y[0]), b.add(b.mul(j, along_y), b.mul(first, deep_y)))
        elif plan.shared:
            inside_y = b.add(b.mul(j, plan.k * len(group.y)), b.mul(first, width))
        else:
            inside_y = b.mul(terms[0], -depth * width)

        def term(t: V, carried: list[V]) -> list[V]:
            x = b.gep(plan.type, self.tables[n][0](t), inside_x)
            if plan.dots:
                live = plan.columns % width if mask is not None else width
                return accumulate_dots(
                    b, carried, depth, x, along_x, b.gep(plan.type, self.tables[n][1](t), inside_y), along_y, live
                )
            if buffer is None:
                y, step, edge = b.gep(plan.type, self.tables[n][1](t), inside_y), deep_y, mask
            else:
                each = plan.k if plan.shared else depth
                y, step, edge = b.gep(plan.type, buffer, b.add(inside_y, b.mul(t, each * width))), width, None
            return accumulate(b, carried, height, depth, x, (along_x, deep_x), y, step, edge)

        return b.loop(*terms, 1, sums, term)

    # Sums in scratch, and the epilogue.

    def _kept(self, i: Int, r: Int, v: int, vectors: int) -> V:
        b, width = self.b, vectors * self.blocks.lanes
        row = b.gep(self.plan.type, self.tile, b.mul(i, width))
        return b.gep(self.plan.type, b.gep(self.plan.type, row, b.mul(r, width)), v * self.blocks.lanes)

    def _keep(self, i: Int, height: int, vectors: int, sums: list[V]) -> None:
        for r in range(height):
            for v in range(vectors):
                self.b.store(sums[r * vectors + v], self._kept(i, r, v, vectors))

    def _bring(self, i: Int, j: Int, height: int, vectors: int) -> None:
        """Bring nearer what the epilogue of a block will read and write, while its sums are formed."""
        plan = self.plan
        place = self.scope.at(plan.row, i).at(plan.column, j)
        for access in dict.fromkeys(s.access for s in self.kernel.body):
            if access is not None and access.strides[plan.column] == 1 and access.strides[plan.row]:
                place.bring(access, plan.row, height, vectors * self.blocks.lanes)

    @property
    def _direct(self) -> bool:
        """Whether the epilogue is short enough to be written out for each register of a block."""
        work = sum(s.kind in ("load", "map", "store") for s in self.kernel.body)
        return not self.plan.pieces and work * self.blocks.height * self.blocks.vectors <= UNROLLED

    def _out(
        self, i: Int, j: Int, height: Int, vectors: int, mask: V | None, sums: list[V] | None, tile: Int = 0
    ) -> None:
        """The epilogue of some rows: of registers, or of what lies in the tile from row ``tile`` on."""
        b, plan, lanes = self.b, self.plan, self.blocks.lanes
        scope = self.scope
        if not any(s.kind == "index" for s in self.kernel.body):  # addresses once, then by constant distances
            scope = scope.at(plan.row, i).at(plan.column, j)
            scope.settle(s.access for s in self.kernel.body if s.access is not None)
            del scope.fixed[plan.row], scope.fixed[plan.column]
            i = j = 0
        columns: list[Scope] = []
        for v in range(vectors):
            edge = mask if v == vectors - 1 else None
            columns.append(scope.lanes(plan.column, b.add(j, v * lanes), lanes, edge))
            columns[-1].ready()

        def row(r: Int, _: list[V]) -> list[V]:
            for v, column in enumerate(columns):
                place = column.at(plan.row, b.add(i, r))
                if sums is None:
                    place.known[0] = b.load(vector(lanes, plan.type), self._kept(tile, r, v, vectors))
                elif isinstance(r, int):
                    place.known[0] = sums[r * vectors + v]
                place.emit()
            return []

        if sums is None:
            b.loop(0, height, 1, [], row)
        else:
            for r in range(len(sums) // vectors):
                row(r, [])
