"""What a kernel is to compute, before any code: the contract between fusion, the emitters and the runtime.

Fusion and planning make :class:`LoopKernel`, :class:`GemmKernel` and their like; an emitter turns each into
:class:`KernelCode` (LLVM IR); the runtime runs a list of :class:`Call`.

A native kernel is ``void name(ptr args, i64 begin, i64 end, ptr scratch)``: ``args[i]`` is the address of slot i,
[begin, end) the units of work to do, and ``scratch`` memory of this thread alone, of at least
``KernelCode.scratch`` bytes and aligned to 64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.dtypes import DType

Shape = tuple[int, ...]


class NoCode(Exception):  # noqa: N818 (not an error: the program is replayed)
    """No code can be made for values of some dtype."""


@dataclass(frozen=True)
class Access:
    """Where, in the memory of a slot, the entry of a loop's iteration lies.

    Attributes:
        slot: which of the kernel's arguments.
        dtype: of the entries; booleans take one byte.
        strides: in entries, one for each of the kernel's dimensions; 0 where it does not move.
        offset: in entries.
    """

    slot: int
    dtype: DType
    strides: tuple[int, ...]
    offset: int = 0


@dataclass(frozen=True)
class Statement:
    """One line of a kernel's body, in single assignment: its value is known by its index in the body.

    Attributes:
        kind: ``load`` (access), ``store`` (access; args: the value), ``map`` (fn; args), ``reduce`` (fn; args: the
            value; over the kernel's reduced dimensions; what follows in the body may read the result),
            ``number`` (value), ``index`` (dim: the position along a dimension, int64) or ``result``
            (the accumulator of a product, in its epilogue).
        dtype: of its value.
        args: indices of earlier statements.
    """

    kind: str
    dtype: DType
    args: tuple[int, ...] = ()
    fn: str = ""
    access: Access | None = None
    value: Any = None
    dim: int = 0


@dataclass(frozen=True)
class LoopKernel:
    """A nest of loops over ``dims`` with straight-line body; a reduction inside cuts it into phases.

    Attributes:
        dims: lengths, outermost first. The first kept dimension is the one that threads share.
        reduced: which of them are reduced over (the same for every reduction in the body).
        body: statements, each after those that it reads. A statement that depends (through reductions, or accesses
            that do not move) only on kept dimensions runs once for each of their positions.
    """

    dims: Shape
    reduced: tuple[int, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class GemmKernel:
    """A (batched) matrix product, or a sum of them, with an elementwise epilogue on its result.

    Attributes:
        batch: lengths of the leading dimensions, perhaps none.
        m, n, k: the lengths.
        a: for each term of the sum, the access to A over the dimensions (*batch, m, k).
        b: the same for B, over (*batch, k, n).
        body: the epilogue, a body over the dimensions (*batch, m, n) whose first statement is ``result``; it stores
            everything that is to be kept.
    """

    batch: Shape
    m: int
    n: int
    k: int
    a: tuple[Access, ...]
    b: tuple[Access, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class ConvKernel:
    """A convolution or one of its gradients, with an elementwise epilogue on its result. Images are (N, C, H, W).

    Attributes:
        kind: ``conv``, ``conv_input`` or ``conv_weight``.
        n, c, o: images, channels of the input, channels of the output.
        size: height and width of the input.
        out: of the output.
        window, stride, dilation: rows, columns.
        padding: top, left; what lies beyond the input counts as 0.
        groups: how many, each with c / groups and o / groups channels.
        a: the first operand: the input, or for ``conv_input`` the upstream gradient.
        b: the second: the weight (o, c / groups, rows, columns), or for ``conv_weight`` the upstream gradient.
        body: the epilogue over the dimensions of the result, whose first statement is ``result``.
    """

    kind: str
    n: int
    c: int
    o: int
    size: tuple[int, int]
    out: tuple[int, int]
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    a: Access
    b: Access
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class PoolKernel:
    """Windows of an image reduced, or the gradient of that, with an elementwise epilogue on the result.

    Attributes:
        kind: ``pool`` or ``pool_back``.
        fn: ``max`` or ``add``.
        n, c: images, channels.
        size: height and width of the image.
        out: how many windows there are, down and along.
        window, stride, dilation: rows, columns.
        padding: top, left; what lies outside the image does not count.
        operands: ``pool``: the image; ``pool_back``: the upstream gradient, and for ``max`` the image and its maxima.
        body: the epilogue over the dimensions of the result, whose first statement is ``result``.
    """

    kind: str
    fn: str
    n: int
    c: int
    size: tuple[int, int]
    out: tuple[int, int]
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    operands: tuple[Access, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class KernelCode:
    """A kernel as code.

    Attributes:
        name: of the function; the same text has the same name, so that layers alike share one.
        ir: LLVM IR: the definition of ``@name`` and of the internal functions that it alone calls.
        declares: declarations it needs, each one line; the same line may be needed by many.
        units: how many units of work there are; [begin, end) lies in [0, units).
        align: chunks begin at multiples of this.
        rows: whether unit u is position u along the first dimension of what is written, and nothing else: such
            kernels may be chained without a barrier.
        scratch: bytes of memory that a thread needs.
        flops, bytes: of all units together, for reports, thresholds and the roofline.
        note: a few words for the report, such as ``row softmax, 3 phases``.
    """

    name: str
    ir: str
    declares: tuple[str, ...]
    units: int
    align: int
    rows: bool
    scratch: int
    flops: int
    bytes: int
    note: str


@dataclass(frozen=True)
class Ref:
    """An address that is known when the program is bound, or at the call.

    Attributes:
        space: ``arena``, ``input``, ``cell``, ``scalar``, ``constant``, ``output`` or ``draw``.
        index: which input, cell, … (0 for the arena).
        offset: in bytes.
    """

    space: str
    index: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Call:
    """One kernel, run on these addresses.

    Attributes:
        code: the kernel, or None for a call of Python.
        args: the addresses, by slot.
        chain: calls that follow each other with the same number (not 0) run without a barrier between them,
            each thread on its own units.
        host: for a call of Python, what to call: ``host(arrays) -> None`` with a view of each slot.
        views: for a call of Python, (dtype, shape, strides in bytes) of each slot.
        writes: whether it writes a cell. The first call that does runs only if all checks of the plan hold.
    """

    code: KernelCode | None
    args: tuple[Ref, ...]
    chain: int = 0
    host: Any = None
    views: tuple[Any, ...] = ()
    writes: bool = False


@dataclass(frozen=True)
class Plan:
    """A program ready to be linked: its calls in order, and the memory they need.

    Attributes:
        calls: in order.
        arena: bytes.
        outputs: for each output of the program (dtype, shape, and the Ref where it lies).
        checks: for each check of the program the Ref of its boolean. What computes them comes before the first call
            that writes a cell.
        inputs: (dtype, shape) of each input; kernels may take it as contiguous.
        scalars: dtype of each scalar; it lies in a slot of its own.
        draws: how many random draws there are; each has a slot of two int64: seed and counter.
        guards: (offset, bytes) of the zones of the arena that nothing may write: left between buffers where
            UPRIVER_GUARD is set, and verified after each call.
    """

    calls: tuple[Call, ...]
    arena: int
    outputs: tuple[Any, ...]
    checks: tuple[Ref, ...] = ()
    inputs: tuple[Any, ...] = ()
    scalars: tuple[DType, ...] = ()
    draws: int = 0
    guards: tuple[tuple[int, int], ...] = ()
