"""Primitives with a kernel of their own: which, and how their arguments are its slots."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.dtypes import DType
from ..kernels import Access, KernelCode
from ..native.target import Target
from ..primitives.indexing import row_major
from ..primitives.prims import Prim
from .gather import Operand, emit_gather, emit_put, emit_scatter, emit_take
from .random import emit_draw
from .scan import emit_scan

ENTRIES = frozenset({"float32", "float64", "int64", "bool"})


def emit_own(root: Prim, reads: Sequence[tuple[Sequence[int], int]], target: Target) -> KernelCode | None:
    """The kernel of ``take``, ``put``, ``gather``, ``scatter``, ``scan`` or ``draw``.

    Its slots are the arguments in order (for a draw, the seed and the number), and the result in row-major order.

    Args:
        root: the primitive.
        reads: for each argument its strides and its offset, in entries.
        target: the processor.

    Returns:
        None where there is no kernel, for its kind or for its dtypes.

    Example:
        >>> import numpy as np
        >>> from upriver.compile.native.target import target
        >>> f, i = np.dtype("float32"), np.dtype("int64")
        >>> table, index = Prim("input", (), (5, 3), f, {"index": 0}), Prim("input", (), (4,), i, {"index": 1})
        >>> take = Prim("take", (table, index), (4, 3), f, {})
        >>> emit_own(take, [((3, 1), 0), ((1,), 0)], target()).units
        4
    """
    count = len(root.args)
    if root.kind == "draw":
        fn, attrs = root.attrs.get("fn"), root.attrs["op_attrs"]
        if fn not in ("uniform", "mask"):
            return None
        return emit_draw(root.shape, root.dtype, attrs["p"] if fn == "mask" else None, 0, 1)
    if not all([_native(x.dtype) for x in (root, *root.args)]):
        return None
    args = [
        Operand(Access(slot, x.dtype, tuple(strides), offset), x.shape)
        for slot, (x, (strides, offset)) in enumerate(zip(root.args, reads, strict=True))
    ]
    out = Operand(Access(count, root.dtype, row_major(root.shape)), root.shape)
    if root.kind == "take":
        return emit_take(args[0], args[1], out, target)
    if root.kind == "put":
        return emit_put(args[0], args[1], out, target)
    if root.kind == "gather":
        return emit_gather(args[0], args[1], out, root.attrs["dim"], target)
    if root.kind == "scatter":
        return emit_scatter(args[0], args[1], args[2], out, root.attrs["dim"], target)
    if root.kind == "scan":
        return emit_scan(root.attrs["fn"], args[0], out, root.attrs["dim"], root.attrs["reverse"], target)
    return None


def _native(dtype: DType) -> bool:
    return dtype.name in ENTRIES
