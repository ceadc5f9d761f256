"""Long sums in parts, so that threads can share them: a dimension is cut, each piece summed, then the pieces."""

from __future__ import annotations

from ..primitives.indexing import size
from ..primitives.prims import Prim

LONG = 1 << 16
"""Entries from which on parts are worth a kernel of their own."""

KEPT = 128
"""With more results than these, the results are shared out instead."""

PARTS = 128
"""Into so many parts at most."""


def in_parts(prim: Prim) -> Prim | None:
    """The reduction of the parts, with one more dimension after the first that is reduced; None if it should be whole.

    Example:
        >>> import numpy as np
        >>> x = Prim("input", (), (1000, 2, 500), np.dtype("float32"), {"index": 0})
        >>> total = Prim("reduce", (x,), (1, 2, 1), x.dtype, {"fn": "add", "dims": (0, 2)})
        >>> part = in_parts(total)
        >>> part, part.attrs["dims"], part.args
        (<reduce add [125, 1, 2, 1] float32>, (1, 3), (<reshape [125, 8, 2, 500] float32>,))
    """
    (x,), dims = prim.args, prim.attrs["dims"]
    if size(prim.shape) > KEPT or size(x.shape) < LONG * max(1, size(prim.shape) // 16):
        return None
    d = dims[0]
    n = x.shape[d]
    count = next(p for p in range(min(PARTS, n), 0, -1) if n % p == 0)
    if count < 8 or (count == n and len(dims) == 1):
        return None
    cut = Prim("reshape", (x,), (*x.shape[:d], count, n // count, *x.shape[d + 1 :]), x.dtype, {}, prim.origin)
    shape = (*prim.shape[:d], count, 1, *prim.shape[d + 1 :])
    attrs = {"fn": prim.attrs["fn"], "dims": (d + 1, *[e + 1 for e in dims[1:]])}
    return Prim("reduce", (cut,), shape, prim.dtype, attrs, prim.origin)
