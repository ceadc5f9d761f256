"""Entries in other places: reversed, rolled, in windows, of a triangle, on a diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Formula, Op, call
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ArgumentError, ShapeError
from .align import expand, same_dtype
from .elementwise import where
from .shape import axes, axis, movedim, no_flops, one_sequence, reshape
from .slices import FULL, Key, place, view

Shape = tuple[int, ...]


@front_door
def flip(x: Any, *dims: Any, **kwargs: Any) -> Any:
    """``x`` with the order of its entries reversed along ``dims``: a view.

    Example:
        >>> import upriver as ur
        >>> ur.arange(3).flip(0).tolist()
        [2, 1, 0]
    """
    found = axes("flip", one_sequence(kwargs.get("dims", dims)), x.ndim)
    return view(x, Key((*[slice(None, None, -1) if d in found else FULL for d in range(x.ndim)], ...)))


def _roll_recipe(m: Any, x: Any, shifts: Shape, dims: Shape) -> Any:
    for shift, d in zip(shifts, dims, strict=True):
        if (n := x.shape[d]) and (cut := -shift % n):
            starts, lengths = [0] * x.ndim, list(x.shape)
            lengths[d] = cut
            front = m.slice(x, tuple(starts), tuple(lengths))
            starts[d], lengths[d] = cut, n - cut
            x = m.concat([m.slice(x, tuple(starts), tuple(lengths)), front], d)
    return x


_roll: Op = Op(
    name="roll",
    forward=lambda x, shifts, dims: np.roll(x, shifts, dims),
    vjps=(lambda ct, _y, _x, shifts, dims: _roll(ct, shifts=tuple([-n for n in shifts]), dims=dims),),
    shape=lambda s, shifts, dims: s,
    dtype=same_dtype,
    formula=Formula("roll({0})", r"\operatorname{{roll}}\left({0}\right)", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, shifts, dims: _roll_recipe(m, x, shifts, dims),
    cases=(
        Case(((2, 3),), {"shifts": (1, -2), "dims": (0, 1)}),
        Case(((4,),), {"shifts": (5,), "dims": (0,)}),
        Case(((0, 2),), {"shifts": (1,), "dims": (0,)}),
    ),
)


@front_door
def roll(x: Any, shifts: Any, dims: Any = None) -> Any:
    """``x`` with its entries moved by ``shifts`` along ``dims``; those that fall off one end come in at the other.

    Args:
        x: any shape.
        shifts: one number, or one for each of ``dims``.
        dims: None for the entries in row-major order, as one dimension.

    Example:
        >>> import upriver as ur
        >>> ur.arange(4).roll(1).tolist()
        [3, 0, 1, 2]
    """
    amounts = tuple([int(n) for n in one_sequence((shifts,))])
    if dims is None:
        if len(amounts) != 1:
            raise ShapeError(f"roll: {len(amounts)} shifts without dims", "Say along which dimensions.")
        return reshape(_roll(reshape(x, -1), shifts=amounts, dims=(0,)), x.shape)
    along = tuple([axis("roll", d, x.ndim) for d in one_sequence((dims,))])
    if len(along) != len(amounts):
        raise ShapeError(f"roll: {len(amounts)} shifts for {len(along)} dimensions", "Give one for each.")
    return _roll(x, shifts=amounts, dims=along)


# Windows.


def _windows(x: Array, dim: int, size: int, step: int) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x, size, dim)
    return windows[(FULL,) * dim + (slice(None, None, step),)]


def _add_windows(x: Array, dim: int, size: int, step: int, length: int) -> Array:
    n = x.shape[dim]
    out = np.zeros((*x.shape[:dim], length, *x.shape[dim + 1 : -1]), x.dtype)
    for i in range(size):
        out[(FULL,) * dim + (slice(i, i + (n - 1) * step + 1, step),)] += x[..., i]
    return out


def _positions(m: Any, n: int, size: int, step: int) -> Any:
    return m.iota((n, size), 0) * step + m.iota((n, size), 1)


def _windows_recipe(m: Any, x: Any, dim: int, size: int, step: int) -> Any:
    rest = [d for d in range(x.ndim) if d != dim]
    index = _positions(m, (x.shape[dim] - size) // step + 1, size, step)
    # (n, size, *rest) with n back at its place, and size last
    order = (*range(2, 2 + dim), 0, *range(2 + dim, x.ndim + 1), 1)
    return m.permute(m.take(m.permute(x, (dim, *rest)), index), order)


def _add_windows_recipe(m: Any, x: Any, dim: int, step: int, length: int) -> Any:
    last = x.ndim - 1
    first = m.permute(x, (dim, last, *[d for d in range(last) if d != dim]))
    out = m.put(_positions(m, x.shape[dim], x.shape[last], step), first, length)
    return m.permute(out, (*range(1, dim + 1), 0, *range(dim + 1, out.ndim)))


_unfold = Op(
    name="windows",
    forward=_windows,
    vjps=(lambda ct, _y, _x, dim, size, step: add_windows(ct, dim=dim, size=size, step=step, length=_x.shape[dim]),),
    shape=lambda s, dim, size, step: (*s[:dim], (s[dim] - size) // step + 1, *s[dim + 1 :], size),
    dtype=same_dtype,
    formula=Formula("unfold({0})", r"\operatorname{{unfold}}\left({0}\right)", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, dim, size, step: _windows_recipe(m, x, dim, size, step),
    cases=(
        Case(((7,),), {"dim": 0, "size": 3, "step": 1}),
        Case(((2, 7),), {"dim": 1, "size": 3, "step": 2}),
        Case(((5, 2),), {"dim": 0, "size": 2, "step": 3}),
        Case(((3,),), {"dim": 0, "size": 3, "step": 1}),
    ),
)

add_windows: Op = Op(
    name="add_windows",
    forward=_add_windows,
    vjps=(lambda ct, _y, _x, dim, size, step, length: _unfold(ct, dim=dim, size=size, step=step),),
    shape=lambda s, dim, size, step, length: (*s[:dim], length, *s[dim + 1 : -1]),
    dtype=same_dtype,
    formula=call("add_windows"),
    domain=REALS,
    flops=lambda out, s, **_: int(np.prod(s)),
    lower=lambda m, x, dim, size, step, length: _add_windows_recipe(m, x, dim, step, length),
    cases=(
        Case(((5, 3),), {"dim": 0, "size": 3, "step": 1, "length": 7}),
        Case(((2, 3, 3),), {"dim": 1, "size": 3, "step": 2, "length": 8}),
    ),
)


@front_door
def unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """Windows of ``size`` entries along ``dimension``, one every ``step``, in a new last dimension: a view.

    Raises:
        ShapeError: the window is longer than the dimension.

    Example:
        >>> import upriver as ur
        >>> ur.arange(5).unfold(0, 3, 2).tolist()
        [[0, 1, 2], [2, 3, 4]]
    """
    d = axis("unfold", dimension, x.ndim)
    if not x.ndim or not 0 < size <= x.shape[d]:
        raise ShapeError(f"unfold: a window of {size} does not fit into dimension {d} of shape {list(x.shape)}")
    if step < 1:
        raise ArgumentError(f"unfold: step {step} must be at least 1")
    return _unfold(x, dim=d, size=int(size), step=int(step))


# Triangles and diagonals.


def _triangle(x: Any, keep: Array) -> Any:
    zero = False if x.dtype.kind == "b" else 0
    return where(literal(keep) if isinstance(x, Tensor) else keep, x, zero)


def _matrix(name: str, x: Any) -> tuple[int, int]:
    if x.ndim < 2:
        raise ShapeError(f"{name}: shape {list(x.shape)} is not a matrix", "At least two dimensions are wanted.")
    return x.shape[-2], x.shape[-1]


@front_door
def tril(x: Any, diagonal: int = 0) -> Any:
    """The lower triangle of the last two dimensions, zero elsewhere; ``diagonal`` is the last one that is kept.

    Example:
        >>> import upriver as ur
        >>> ur.ones(2, 2).tril().tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    n, m = _matrix("tril", x)
    return _triangle(x, np.tri(n, m, diagonal, dtype=np.bool_))


@front_door
def triu(x: Any, diagonal: int = 0) -> Any:
    """The upper triangle of the last two dimensions, zero elsewhere; ``diagonal`` is the first one that is kept.

    Example:
        >>> import upriver as ur
        >>> ur.ones(2, 2).triu(1).tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """
    n, m = _matrix("triu", x)
    return _triangle(x, ~np.tri(n, m, diagonal - 1, dtype=np.bool_))


def _diagonal_slice(n: int, m: int, offset: int) -> slice:
    """Where a diagonal lies among the n × m entries of a matrix in row-major order."""
    length = max(0, min(n, m - offset) if offset >= 0 else min(n + offset, m))
    start = offset if offset >= 0 else -offset * m
    return slice(start, start + (length - 1) * (m + 1) + 1, m + 1) if length else slice(0, 0)


@front_door
def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The entries with equal (or, by ``offset``, shifted) indices along two dimensions, in a new last dimension.

    Example:
        >>> import upriver as ur
        >>> ur.arange(6).reshape(2, 3).diagonal(1).tolist()
        [1, 5]
    """
    a, b = axes("diagonal", (dim1, dim2), x.ndim)
    last = x if (a, b) == (x.ndim - 2, x.ndim - 1) else movedim(x, (a, b), (-2, -1))
    n, m = last.shape[-2:]
    return view(reshape(last, (*last.shape[:-2], n * m)), Key((..., _diagonal_slice(n, m, int(offset)))))


@front_door
def diag(x: Any, diagonal: int = 0) -> Any:
    """Of a vector the matrix that has it on a diagonal; of a matrix that diagonal.

    Raises:
        ShapeError: ``x`` is neither.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1, 2]).diag().tolist()
        [[1, 0], [0, 2]]
    """
    if x.ndim not in (1, 2):
        raise ShapeError(f"diag: shape {list(x.shape)} is neither a vector nor a matrix", "Use x.diagonal().")
    offset = int(diagonal)
    if x.ndim == 2:
        n, m = x.shape
        return view(reshape(x, n * m), Key((_diagonal_slice(n, m, offset), ...)))
    n = x.shape[0] + abs(offset)
    return reshape(place(x, key=Key((_diagonal_slice(n, n, offset), ...)), shape=(n * n,), value=0), n, n)


@front_door
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """For vectors, tensors that together hold every combination of their entries.

    Args:
        tensors: vectors (or numbers).
        indexing: "ij": dimension i varies the i-th vector; "xy": the first two are exchanged.

    Example:
        >>> import upriver as ur
        >>> rows, columns = ur.meshgrid(ur.arange(2), ur.arange(3))
        >>> columns.tolist()
        [[0, 1, 2], [0, 1, 2]]
    """
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing {indexing!r} is not known", 'Use "ij" or "xy".')
    given = [as_tensor(v) for v in one_sequence(tensors)]
    if any(v.ndim > 1 for v in given):
        raise ShapeError("meshgrid: a tensor has more than one dimension", "Give vectors.")
    vectors = [reshape(v, -1) for v in given]
    shape = tuple([v.shape[0] for v in vectors])
    n = len(shape)
    grids = [expand(reshape(v, (1,) * i + (-1,) + (1,) * (n - 1 - i)), shape) for i, v in enumerate(vectors)]
    return tuple([g.transpose(0, 1) for g in grids] if indexing == "xy" and n > 1 else grids)
