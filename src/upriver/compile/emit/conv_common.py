"""What the code of all convolutions shares: channels cut into registers, and where things lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..kernels import ConvKernel, Statement
from ..native.target import Target
from .body import Scope
from .builder import BYTES, F32, F64, I1, OF_DTYPE, PTR, Builder, Int, V, element, lanes_of, vector
from .gemm_block import first_lanes


@dataclass(frozen=True)
class Channels:
    """The channels of a group of the result, cut into blocks of ``vectors`` registers of ``lanes`` entries.

    Attributes:
        count: how many there are.
        depth: how many channels of a group are summed over.
        groups: how many groups. A convolution of one channel in each group (depthwise) has one, of all channels.
        depthwise: whether it is one, so that each lane has an operand of its own.
        type: of an entry.
    """

    count: int
    depth: int
    groups: int
    depthwise: bool
    lanes: int
    vectors: int
    type: str

    @property
    def wide(self) -> str:
        """The type of a register."""
        return vector(self.lanes, self.type)

    @property
    def width(self) -> int:
        """Channels of a block."""
        return self.lanes * self.vectors

    @property
    def blocks(self) -> int:
        """How many blocks there are; the last may be narrower."""
        return -(-self.count // self.width)

    def masks(self, last: bool) -> list[V | None]:
        """For each register of a block (of the last one, or one before) which lanes are channels; None for all."""
        left = self.count - (self.blocks - 1) * self.width if last else self.width
        return [first_lanes(left - j, self.lanes) for j in range(0, left, self.lanes)]

    def each(self, b: Builder, block: Callable[[Int, Int, list[V | None]], None]) -> None:
        """Emit ``block(group, number, masks)`` for every block; the last, if narrower, with code of its own."""

        def group(g: Int) -> None:
            whole = self.blocks if self.count % self.width == 0 else self.blocks - 1
            each(b, whole, lambda at: block(g, at, self.masks(last=False)))
            if whole < self.blocks:
                block(g, whole, self.masks(last=True))

        each(b, self.groups, group)


def channels(kernel: ConvKernel, target: Target, pixels: int) -> Channels:
    """How to cut the channels of the result, if blocks can have so many pixels."""
    inputs, outputs = kernel.c // kernel.groups, kernel.o // kernel.groups
    depthwise = kernel.groups > 1 and inputs == outputs == 1
    count, depth = (inputs, outputs) if kernel.kind == "conv_input" else (outputs, inputs)
    if depthwise:
        count, depth = kernel.c, 1
    kind = OF_DTYPE[kernel.a.dtype.name]
    lanes = min(target.bits // 8 // BYTES[kind], 1 << max(0, count - 1).bit_length())
    total = max(1, -(-count // lanes))
    most = max(2, min(6, budget(target) // max(1, min(pixels, 12))))
    vectors = -(-total // -(-total // most))
    return Channels(count, depth, 1 if depthwise else kernel.groups, depthwise, lanes, vectors, kind)


def budget(target: Target) -> int:
    """Registers that accumulators may take."""
    return target.registers * 3 // 4


def slots(b: Builder, body: tuple[Statement, ...]) -> dict[int, V]:
    """The addresses of the slots that a body uses."""
    return {slot: b.argument(slot) for slot in sorted({s.access.slot for s in body if s.access is not None})}


def finish(
    scope: Scope,
    at: Sequence[Int],
    along: int,
    lanes: int,
    masks: Sequence[V | None],
    sums: Sequence[Sequence[V]],
    apart: int = 1,
) -> None:
    """The epilogue for a block of results, by position along the last dimension and register.

    Args:
        scope: of the kernel's body, nothing being fixed yet.
        at: where the block begins, along the four dimensions of the result.
        along: the dimension that lies along the registers.
        lanes: of a register.
        masks: for each register of a result which lanes count.
        sums: the results.
        apart: how far apart they are along the last dimension.
    """
    here = [*at]
    for dim, position in enumerate(at):
        scope = scope.at(dim, position)
    if not any(s.kind == "index" for s in scope.body):  # addresses once for the block, then by constant distances
        scope.settle([s.access for s in scope.body if s.access is not None])
        del scope.fixed[3], scope.fixed[along]
        here[3] = here[along] = 0
    columns = []
    for j, mask in enumerate(masks):
        columns.append(scope.lanes(along, scope.b.add(here[along], j * lanes), lanes, mask))
        columns[-1].ready()
    for p, registers in enumerate(sums):
        for column, value in zip(columns, registers, strict=True):
            place = column.at(3, scope.b.add(here[3], p * apart))
            place.known[0] = value
            place.emit()


def each(b: Builder, n: int, body: Callable[[Int], None]) -> None:
    """``for i in range(n)``; a plain 0 if there is one turn."""

    def turn(i: V, _: list[V]) -> list[V]:
        body(i)
        return []

    if n == 1:
        body(0)
    else:
        b.loop(0, n, 1, [], turn)


def load_lanes(b: Builder, type: str, pointer: V, stride: int, mask: V | None) -> V:
    """A vector of entries that lie ``stride`` apart; 0 where the (constant) mask is not set: nothing is read there."""
    lanes, one = lanes_of(type), element(type)
    if lanes == 1 or (stride == 1 and mask is None):
        return b.load(type, pointer)
    if stride == 1 and mask is not None:
        return b.load_masked(type, pointer, mask)
    if stride == 2 and mask is None:  # two loads that end with the last entry
        first, second = b.load(type, pointer), b.load(type, b.gep(one, pointer, lanes - 1))
        return b.shuffle(first, second, [2 * i if 2 * i < lanes else 2 * i + 1 for i in range(lanes)])
    places, mask = _places(b, pointer, one, stride, lanes), mask or b.const(True, vector(lanes, I1))
    name = f"llvm.masked.gather.v{lanes}{_SHORT[one]}.v{lanes}p0"
    b.declares[f"declare {type} @{name}({places.type}, {mask.type}, {type})"] = None
    where = f"{places.type} align {BYTES[one]} {places.text}"
    return b.value(f"call {type} @{name}({where}, {mask}, {type} zeroinitializer)", type)


def store_lanes(b: Builder, x: V, pointer: V, stride: int) -> None:
    """A vector to entries that lie ``stride`` apart."""
    lanes, one = lanes_of(x.type), element(x.type)
    if lanes == 1 or stride == 1:
        b.store(x, pointer)
        return
    places, mask = _places(b, pointer, one, stride, lanes), b.const(True, vector(lanes, I1))
    name = f"llvm.masked.scatter.v{lanes}{_SHORT[one]}.v{lanes}p0"
    b.declares[f"declare void @{name}({x.type}, {places.type}, {mask.type})"] = None
    b.line(f"call void @{name}({x}, {places.type} align {BYTES[one]} {places.text}, {mask})")


def _places(b: Builder, pointer: V, one: str, stride: int, lanes: int) -> V:
    steps = ", ".join(f"i64 {i * stride}" for i in range(lanes))
    return b.value(f"getelementptr {one}, {pointer}, <{lanes} x i64> <{steps}>", vector(lanes, PTR))


_SHORT = {F32: "f32", F64: "f64"}


def at_least_0(b: Builder, x: Int) -> Int:
    """The larger of x and 0."""
    if isinstance(x, int):
        return max(x, 0)
    return b.select(b.compare("sgt", x, b.int(0)), x, b.int(0))


def ceil_from_0(b: Builder, x: Int, y: int) -> Int:
    """⌈x / y⌉, or 0 if that is negative."""
    return b.div(b.add(at_least_0(b, x), y - 1), y)


def count_to(b: Builder, x: Int, y: int) -> Int:
    """How many of 0, y, 2y, … are not above x."""
    return b.div(at_least_0(b, b.add(x, y)), y)
