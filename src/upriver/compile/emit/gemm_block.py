"""The innermost part of a product: a block of the result held in registers while k runs.

A block is ``rows`` × ``vectors`` registers. For each k, ``vectors`` registers of Y are loaded, and each row's entry of
X is repeated in all lanes and multiplied with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from ..native.target import Target
from .builder import BYTES, I1, Builder, V, element, lanes_of, vector
from .reduce import BLOCK, in_blocks

LINE = 64  # bytes that a processor brings into its cache at a time
FAR = 256  # bytes from one k to the next from which on no processor guesses by itself what will be read
AHEAD = 32  # positions of k that it takes until something has come from memory


@dataclass(frozen=True)
class Blocks:
    """How a result of ``rows`` × ``columns`` is cut into blocks.

    Attributes:
        height: rows of a block; the last block may be lower.
        vectors: registers along the columns; the last block may be narrower.
        lanes: entries of a register.
        inline: whether multiplications read the entries of X from memory themselves, where they are used once.
    """

    rows: int
    columns: int
    height: int
    vectors: int
    lanes: int
    inline: bool = False

    @property
    def width(self) -> int:
        """Columns of a block."""
        return self.vectors * self.lanes

    @property
    def last(self) -> int:
        """Registers along the columns of the last, narrower block; 0 if there is none."""
        return -(-(self.columns % self.width) // self.lanes)

    @property
    def padded(self) -> int:
        """Columns, with the unused lanes of the last register."""
        return self.columns // self.width * self.width + self.last * self.lanes

    @property
    def cost(self) -> float:
        """Cycles for one k, roughly: multiplications, loads, and a little for each further kind of block."""
        heights = ((self.height, self.rows // self.height), (self.rows % self.height, 1))
        widths = ((self.vectors, self.columns // self.width), (self.last, 1))
        kinds = [(r, v, n * m) for (r, n), (v, m) in product(heights, widths) if r * v * n * m]
        read = 0.03 if self.inline and self.vectors == 1 else 0.1
        return sum(n * (max(r * v, 8) + read * r + 0.3 * v) for r, v, n in kinds) * (1 + 0.04 * len(kinds))


def cut(rows: int, columns: int, type: str, target: Target, inline: bool = False) -> Blocks:
    """The cut into blocks that costs least with this processor's registers; for ``inline`` see :class:`Blocks`.

    Example:
        >>> from upriver.compile.native.target import describe
        >>> avx2 = describe("haswell", "+avx2,+fma", "x86_64")
        >>> blocks = cut(120, 64, "float", avx2)
        >>> blocks.height, blocks.vectors, blocks.lanes
        (6, 2, 8)
    """
    lanes = target.bits // 8 // BYTES[type]
    choices = [
        Blocks(rows, columns, height, vectors, lanes, inline)
        for vectors in range(1, 5)
        for height in range(1, min(24, (target.registers - 1) // vectors - 1) + 1)
        if (height <= rows or height == 1) and (vectors == 1 or (vectors - 1) * lanes < columns)
    ]
    return min(choices, key=lambda blocks: blocks.cost)


def accumulate(
    b: Builder,
    block: list[V],
    height: int,
    k: int,
    x: V,
    x_strides: tuple[int, int],
    y: V,
    y_stride: int,
    mask: V | None = None,
) -> list[V]:
    """Add the product of ``height`` × k entries of X and k × ``vectors`` registers of Y to a block, row by row.

    ``x`` is the address of X's first entry, ``x_strides`` lead along the rows and along k; ``y`` is the address of Y's
    first entry, ``y_stride`` leads along k, its columns lie side by side; ``mask`` says which lanes of the last column
    of registers may be read (all if None).
    """
    size = len(block)
    vectors = size // height
    wide = block[0].type
    one, lanes = element(wide), lanes_of(wide)
    # A multiplication waits some cycles for the one before it: few registers are doubled, for even and odd k.
    sets = min(4, -(-8 // size))

    def step(sums: list[V], u: int, x: V, y: V, at: int) -> None:
        """Position k + at, its products added to set u."""
        columns: list[V] = []
        for v in range(vectors):
            pointer = b.gep(one, y, at * y_stride + v * lanes)
            edge = mask if v == vectors - 1 else None
            columns.append(b.load(wide, pointer) if edge is None else b.load_masked(wide, pointer, edge))
        for r in range(height):
            entry = b.splat(b.load(one, b.gep(one, x, at * x_strides[1] + r * x_strides[0])), lanes)
            for v in range(vectors):
                i = u * size + r * vectors + v
                sums[i] = b.intrinsic("fmuladd", entry, columns[v], sums[i])

    def bring(x: V, y: V, at: int) -> None:
        """Bring nearer what will be read soon, where each k is far from the one before."""
        if k <= AHEAD:
            return
        size = BYTES[one]
        if abs(x_strides[1]) * size >= FAR and x_strides[0] == 1:
            for r in range(0, height, LINE // size):
                b.prefetch(b.gep(one, x, (at + AHEAD) * x_strides[1] + r))
            b.prefetch(b.gep(one, x, at * x_strides[1] + LINE // size))  # for the next rows
        if abs(y_stride) * size >= FAR:
            for c in range(0, vectors * lanes, LINE // size):
                b.prefetch(b.gep(one, y, (at + AHEAD) * y_stride + c))

    def turn(i: V, carried: list[V]) -> list[V]:
        sums = list(carried)
        here = b.gep(one, x, b.mul(i, x_strides[1])), b.gep(one, y, b.mul(i, y_stride))
        for u in range(sets):
            step(sums, u, *here, u)
            bring(*here, u)
        return sums

    whole = k // sets * sets
    zeros = [b.const(0.0, wide)] * (size * sets)
    first = block + zeros[size:]
    sums = in_blocks(b, whole, sets, BLOCK, first, zeros, turn, lambda x, y, _: b.op("fadd", x, y))
    for at in range(whole, k):
        step(sums, at - whole, x, y, at)
    for i in range(size, size * sets):
        sums[i % size] = b.op("fadd", sums[i % size], sums[i])
    return sums[:size]


def first_lanes(n: int, lanes: int) -> V | None:
    """A constant mask of the first ``n`` lanes; None for all of them."""
    if n >= lanes:
        return None
    bits = ", ".join("i1 true" if i < n else "i1 false" for i in range(lanes))
    return V(f"<{bits}>", vector(lanes, I1))
