"""Kernels: sums, and sums of products, along some dimensions of an array.

NumPy's own reductions pay for every row; where the layout allows it, a product with a vector of ones (BLAS)
or ``vecdot`` goes through memory at full speed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.state import Array

Shape = tuple[int, ...]
_add: Any = np.add.reduce
_WORTH = 1024  # entries below which NumPy's reduction is as good
_LONGEST = 4096  # rows above which pairwise summation is needed for its accuracy


@lru_cache(maxsize=256)
def _ones(n: int, dtype: Any) -> Array:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def kept(shape: Shape, dims: Shape) -> Shape:
    """``shape`` with the reduced dimensions of length 1."""
    return tuple([1 if i in dims else n for i, n in enumerate(shape)])


def dropped(shape: Shape, dims: Shape) -> Shape:
    """``shape`` without the reduced dimensions."""
    return tuple([n for i, n in enumerate(shape) if i not in dims])


@lru_cache(maxsize=1024)
def _blocks(shape: Shape, dims: Shape) -> tuple[int, int, int] | None:
    """(outer, kept, inner) lengths if ``dims`` are all but one run of dimensions; else None."""
    rest = [i for i in range(len(shape)) if i not in dims]
    if not rest or not dims or rest[-1] - rest[0] + 1 != len(rest):
        return None
    return (
        math.prod(shape[: rest[0]]),
        math.prod(shape[rest[0] : rest[-1] + 1]),
        math.prod(shape[rest[-1] + 1 :]),
    )


def add_rows(x: Array) -> Any:
    """The sum of the rows of a matrix, as ``add_up(x, (0,))``, bit for bit."""
    if len(x) <= 16 or x.size < _WORTH or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return _add(x, axis=0)
    return np.dot(_ones(len(x), x.dtype), x)


def add_up(x: Array, dims: Shape, keepdim: bool = False) -> Any:
    """The sum of ``x`` over ``dims``."""
    if x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return _add(x, axis=dims, keepdims=keepdim)
    if x.size < _WORTH:
        if len(dims) == x.ndim and not keepdim:
            return x.ravel().dot(_ones(x.size, x.dtype))  # half the time of a reduction, all of it overhead
        return _add(x, axis=dims, keepdims=keepdim)
    blocks = _blocks(x.shape, dims)
    if blocks is None or blocks[2] > _LONGEST:
        return _add(x, axis=dims, keepdims=keepdim)
    outer, rows, inner = blocks
    if inner > 1:
        out = np.dot(x.reshape(outer * rows, inner), _ones(inner, x.dtype)).reshape(outer, rows)
        out = _add(out, axis=0)
    elif outer <= 16:
        out = _add(x.reshape(outer, rows), axis=0)
    else:
        out = np.dot(_ones(outer, x.dtype), x.reshape(outer, rows))
    return out.reshape(kept(x.shape, dims) if keepdim else dropped(x.shape, dims))


def add_up_products(a: Array, b: Array, dims: Shape, keepdim: bool = False) -> Any:
    """The sum of ``a * b`` over ``dims``, both of one shape."""
    if a.size >= _WORTH and a.dtype.char in "fd" and a.flags.c_contiguous and b.flags.c_contiguous:
        blocks = _blocks(a.shape, dims)
        if blocks is not None and blocks[2] <= _LONGEST:
            outer, rows, inner = blocks
            if inner > 1:
                out = np.vecdot(a.reshape(outer, rows, inner), b.reshape(outer, rows, inner))
                out = _add(out, axis=0)
            else:
                out = np.einsum("ij,ij->j", a.reshape(outer, rows), b.reshape(outer, rows))
            return out.reshape(kept(a.shape, dims) if keepdim else dropped(a.shape, dims))
    if len(dims) == a.ndim and a.ndim and a.flags.c_contiguous and b.flags.c_contiguous and a.size <= _LONGEST:
        out = np.dot(a.reshape(-1), b.reshape(-1))
        return out.reshape((1,) * a.ndim) if keepdim else out
    return _add(a * b, axis=dims, keepdims=keepdim)
