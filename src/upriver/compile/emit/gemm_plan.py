"""How a product is to be computed: along which dimension the lanes run, what is packed, how threads share it.

The lanes run along the ``columns``, the other dimension of the result is the ``rows``: (n, m), or (m, n) when that
costs less. X is the operand of the rows, Y that of the columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..kernels import Access, GemmKernel
from ..native.target import Target
from .builder import BYTES, OF_DTYPE
from .gemm_block import cut

SMALL = 64 * 1024  # bytes of Y that each thread may pack for itself
PANEL = 256 * 1024  # bytes of a panel of Y from which on k is cut
DEEP = 512  # positions of k in a piece, then
NARROW = 1024  # positions of k up to which panels of one register do not cost more trips through memory
FEW = 4  # rows for which nothing is packed that can be read along k
FAR = 8192  # bytes from one k of Y to the next from which on it does not stay in the cache well
FOLD = 1024  # whole multiples of it fall on the same lines of the cache, and are far from twice of it on


@dataclass(frozen=True)
class Terms:
    """Terms of the sum whose operands move alike.

    Attributes:
        x: over the dimensions (*batch, rows, k).
        y: over the dimensions (*batch, columns, k).
        packed: whether Y is read from packed panels.
    """

    x: tuple[Access, ...]
    y: tuple[Access, ...]
    packed: bool = False

    @property
    def side_by_side(self) -> bool:
        """Whether k runs along the memory of both operands."""
        return self.x_strides[1] == 1 and self.y_strides[1] == 1

    @property
    def x_strides(self) -> tuple[int, int]:
        """Of X, along the rows and k."""
        return self.x[0].strides[-2], self.x[0].strides[-1]

    @property
    def y_strides(self) -> tuple[int, int]:
        """Of Y, along the columns and k."""
        return self.y[0].strides[-2], self.y[0].strides[-1]


class Oriented:
    """A product with its rows and columns chosen.

    Attributes:
        kernel, target, swapped: what was given; ``swapped`` says that the lanes run along m.
        type, size: of the entries, and their bytes.
        rows, columns, k: lengths.
        row, column: the dimensions of the body that they are.
        blocks: the cut of the result.
        dots: whether the lanes run along k instead, and are added up at the end: for few rows.
        terms: groups of terms that move alike.
        shared: whether a call before packs Y, rather than each call of the product what it needs.
        by_rows: whether threads share the rows, rather than the columns.
        pieces: (positions of k, terms) that are worked on at a time for all rows; None if all are.
    """

    def __init__(self, kernel: GemmKernel, target: Target, swapped: bool) -> None:
        self.kernel, self.target, self.swapped = kernel, target, swapped
        self.type = OF_DTYPE[str(kernel.a[0].dtype)]
        self.size = BYTES[self.type]
        self.k = kernel.k
        self.rows, self.columns = (kernel.n, kernel.m) if swapped else (kernel.m, kernel.n)
        d = len(kernel.batch)
        self.row, self.column = (d + 1, d) if swapped else (d, d + 1)
        self.depth = self.k * len(kernel.a)
        inline = target.bits == 512 and self.depth <= NARROW
        self.blocks = cut(self.rows, self.columns, self.type, target, inline)
        alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[tuple[Access, Access]]] = {}
        for a, b in zip(kernel.a, kernel.b, strict=True):
            across = replace(b, strides=(*b.strides[:-2], b.strides[-1], b.strides[-2]))
            x, y = (across, a) if swapped else (a, across)
            alike.setdefault((x.strides, y.strides), []).append((x, y))
        groups = [Terms(tuple(x for x, _ in group), tuple(y for _, y in group)) for group in alike.values()]
        self.dots = self.rows <= FEW and self.k >= 2 * self.blocks.lanes and all(g.side_by_side for g in groups)
        if self.dots:
            self.blocks = replace(self.blocks, height=1, vectors=1)
        self.terms = [replace(group, packed=self._needs_packing(group)) for group in groups]
        self.shared, self.by_rows = self._shares()
        self.pieces = self._cut_k()

    def _needs_packing(self, terms: Terms) -> bool:
        along, deep = terms.y_strides
        if self.columns == 1 or self.k == 0 or self.dots:
            return False
        step = abs(deep) * self.size
        far = step >= FAR or (step >= 2 * FOLD and step % FOLD == 0)
        return along != 1 or (far and self.rows >= 64 and self.k >= 64)

    def _shares(self) -> tuple[bool, bool]:
        """``shared`` and ``by_rows``."""
        packed = any(group.packed for group in self.terms)
        if self.kernel.batch:
            alone = not any(any(y.strides[:-2]) for group in self.terms for y in group.y)
            return packed and alone, True
        down, across = self.rows / self.blocks.height, self.columns / self.blocks.width
        if packed and self.columns * self.depth * self.size > SMALL:
            return across < 8, across < 8
        m, n = (across, down) if self.swapped else (down, across)
        return False, (m >= 4 or m >= n) != self.swapped

    def _cut_k(self) -> tuple[int, int] | None:
        if self.depth * self.blocks.width * self.size <= PANEL or self.rows <= 2 * self.blocks.height:
            return None
        if self.k <= DEEP:
            return self.k, max(1, DEEP // self.k)
        least = -(-self.k // DEEP)
        parts = next((n for n in range(least, 2 * least) if self.k % n == 0), 0)
        return (self.k // parts if parts else -(-self.k // least // 2) * 2), 1

    @property
    def cost(self) -> float:
        """Cycles, roughly, for comparison with the other orientation."""
        total = 0.0
        for group in self.terms:
            if self.dots:
                total += self.rows * self.columns * (2 + 1.3 * self.k / self.blocks.lanes) * len(group.x)
                continue
            total += self.blocks.cost * self.k * len(group.x)
            if group.packed:
                along, deep = group.y_strides
                total += (0.2 if along == 1 else 0.4 if deep == 1 else 2.0) * self.columns * self.k * len(group.x)
        for s in self.kernel.body:
            if s.access is not None:
                scattered = s.access.strides[self.column] not in (0, 1)
                total += self.rows * self.columns * (1.5 if scattered else 1 / self.blocks.lanes)
        return total * math.prod(self.kernel.batch)


def orient(kernel: GemmKernel, target: Target) -> Oriented:
    """The better one of the two orientations."""
    plain, swapped = Oriented(kernel, target, False), Oriented(kernel, target, True)
    return swapped if swapped.cost * 1.05 < plain.cost else plain
