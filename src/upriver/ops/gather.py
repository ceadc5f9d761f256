"""Entries selected by integer tensors, possibly the same one twice: the way back adds them up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import int64
from ..core.op import CALL, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor
from ..errors import DimError, DTypeError, ShapeError, joined
from .align import same_dtype
from .checks import check_range
from .shape import axis, no_flops, reshape
from .slices import FULL, out_of_range

Shape = tuple[int, ...]


def _take_array(x: Array, index: Array, dim: int) -> Array:
    try:
        return x.take(index, axis=dim)
    except IndexError:
        n = x.shape[dim]
        bad = index[(index < -n) | (index >= n)]
        raise out_of_range(int(bad.flat[0]) if bad.size else 0, dim, n) from None


def _take_shape(s: Shape, index: Shape, dim: int) -> Shape:
    return (*s[:dim], *index, *s[dim + 1 :])


def _add_rows(out: Array, x: Array, index: Array) -> None:
    """``out[index[i]] += x[i]``, for rows of contiguous matrices.

    One-dimensional add.at is NumPy's fast one, so rows are added entry by entry; two floats make one complex
    number, which halves the entries. Measured against sorting with reduceat, bincount and a one-hot product, it
    is the fastest or near it for every size tried, keeps the order of addition, and lets no NaN into other rows.
    """
    n, width = x.shape
    flat, values = out.reshape(-1), x.reshape(-1)
    pair = {"f": np.complex64, "d": np.complex128}.get(x.dtype.char) if width % 2 == 0 else None
    if pair is not None:
        flat, values, width = flat.view(pair), values.view(pair), width // 2
    starts, columns = (index * width)[:, None], np.arange(width)
    rows = max(1, 16384 // width)  # in blocks, so that the positions stay in the cache
    for i in range(0, n, rows):
        positions = (starts[i : i + rows] + columns).reshape(-1)
        np.add.at(flat, positions, values[i * width : (i + rows) * width])


def _add_rows_by_target(out: Array, x: Array, index: Array) -> None:
    """The same, all rows that go to one place at once: better where very many go to a few."""
    order = index.astype(np.uint16 if len(out) < 65536 else np.intp).argsort(kind="stable")  # 16 bits: a radix sort
    ends = np.cumsum(np.bincount(index, minlength=len(out))).tolist()
    start = 0
    for row, end in zip(out, ends, strict=True):
        if end > start:
            np.add.reduce(x.take(order[start:end], axis=0), axis=0, out=row)
        start = end


def _segment_sum_array(x: Array, index: Array, dim: int, length: int) -> Array:
    lead, trail = x.shape[:dim], x.shape[dim + index.ndim :]
    out = np.zeros((*lead, length, *trail), x.dtype)
    if not x.size:
        return out
    index = index.reshape(-1).astype(np.intp, copy=False)
    if index.min() < 0:
        index = np.where(index < 0, index + length, index)
    width, blocks = math.prod(trail), math.prod(lead)
    if width > 1 or blocks > 1:
        seen = np.zeros(length, np.bool_)
        seen[index] = True
        if np.count_nonzero(seen) == index.size:  # no entry twice: nothing to add up
            out[(FULL,) * dim + (index,)] = x.reshape(*lead, index.size, *trail)
            return out
    if blocks > 1:
        index = (np.arange(blocks)[:, None] * length + index).reshape(-1)
    rows, targets = np.ascontiguousarray(x).reshape(-1, width), out.reshape(-1, width)
    if width == 1:
        np.add.at(targets.reshape(-1), index, rows.reshape(-1))
    elif x.size >= 1 << 18 and len(rows) >= 32 * len(targets):
        _add_rows_by_target(targets, rows, index)
    else:
        _add_rows(targets, rows, index)
    return out


def _take_recipe(m: Any, x: Any, index: Any, dim: int) -> Any:
    first = m.permute(x, (dim, *[d for d in range(x.ndim) if d != dim]))
    n = index.ndim
    order = (*range(n, n + dim), *range(n), *range(n + dim, x.ndim - 1 + n))
    return m.permute(m.take(first, m.position(index, x.shape[dim])), order)


def _segment_sum_recipe(m: Any, x: Any, index: Any, dim: int, length: int) -> Any:
    n = index.ndim
    first = m.permute(x, (*range(dim, dim + n), *range(dim), *range(dim + n, x.ndim)))
    out = m.put(m.position(index, length), first, length)
    return m.permute(out, (*range(1, dim + 1), 0, *range(dim + 1, out.ndim)))


take_along = Op(
    name="index_select",
    forward=_take_array,
    vjps=(lambda ct, _y, _x, index, dim: segment_sum(ct, index, dim=dim, length=_x.shape[dim]), None),
    shape=_take_shape,
    dtype=same_dtype,
    formula=Formula("{0}[{1}]", "{0}_{{{1}}}", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, index, dim: _take_recipe(m, x, index, dim),
    cases=(
        Case(((4, 3), np.array([0, 2, 2, -1])), {"dim": 0}),
        Case(((4, 2), np.array([[0, 2], [2, 1]])), {"dim": 0}),
        Case(((2, 4, 3), np.array([3, 3, 0])), {"dim": 1}),
        Case(((2, 4), np.array(1)), {"dim": 1}),
        Case(((5,), np.array([1, 1, 4])), {"dim": 0}),
        Case(((3, 2), np.zeros((0,), np.int64)), {"dim": 0}),
    ),
)

segment_sum: Op = Op(
    name="segment_sum",
    forward=_segment_sum_array,
    vjps=(lambda ct, _y, _x, index, dim, length: take_along(ct, index, dim=dim), None),
    shape=lambda s, index, dim, length: (*s[:dim], length, *s[dim + len(index) :]),
    dtype=same_dtype,
    formula=Formula("segment_sum({0}, {1})", r"\sum_{{{1}}} {0}", CALL),
    domain=REALS,
    flops=lambda out, s, *_, **__: math.prod(s),
    lower=lambda m, x, index, dim, length: _segment_sum_recipe(m, x, index, dim, length),
    cases=(
        Case(((4, 3), np.array([0, 2, 2, -1])), {"dim": 0, "length": 4}),
        Case(((2, 2, 2), np.array([[0, 2], [2, 1]])), {"dim": 0, "length": 3}),
        Case(((2, 3, 3), np.array([3, 3, 0])), {"dim": 1, "length": 4}),
        Case(((3,), np.array([1, 1, 4])), {"dim": 0, "length": 5}),
        Case(((0, 2), np.zeros((0,), np.int64)), {"dim": 0, "length": 3}),
    ),
)


def _ravel_array(*indices: Array, lengths: Shape, dims: Shape) -> Array:
    flat: Any = None
    for index, length, dim in zip(indices, lengths, dims, strict=True):
        i = index.astype(np.int64, copy=False)
        if i.size:
            low, high = int(i.min()), int(i.max())
            if low < -length or high >= length:
                raise out_of_range(low if low < -length else high, dim, length)
            if low < 0:
                i = np.where(i < 0, i + length, i)
        flat = i if flat is None else flat * length + i
    return flat


def _ravel_shape(*shapes: Shape, lengths: Shape, dims: Shape) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise DimError(
            f"index: index tensors of shapes {joined(str(list(s)) for s in shapes)} do not fit together",
            "They must broadcast to one shape; use index[:, None] for one per row and one per column.",
        ) from None


def _ravel_recipe(m: Any, *indices: Any, lengths: Shape) -> Any:
    flat = m.position(indices[0], lengths[0])
    for index, length in zip(indices[1:], lengths[1:], strict=True):
        flat = flat * length + m.position(index, length)
    return flat


ravel_index = Op(
    name="ravel_index",
    forward=_ravel_array,
    vjps=(None,) * 32,
    shape=_ravel_shape,
    dtype=lambda *_, **__: int64,
    formula=Formula("ravel_index({0}, {1})", r"\left({0}, {1}\right)", CALL),
    domain=REALS,
    flops=lambda out, *indices, **_: 2 * len(indices) * math.prod(out),
    lower=lambda m, *indices, lengths, dims: _ravel_recipe(m, *indices, lengths=lengths),
    cases=(
        Case((np.array([0, 1]), np.array([2, -1])), {"lengths": (2, 3), "dims": (0, 1)}),
        Case((np.array([[0], [1]]), np.array([2, 0])), {"lengths": (2, 3), "dims": (0, 1)}),
    ),
)


def select_entries(x: Any, index: Any, dim: int, name: str = "index", origin: int | None = None) -> Any:
    """``x[..., index, ...]`` with the integer tensor ``index`` at ``dim``; errors speak of ``origin`` and ``name``."""
    check_range(index, -x.shape[dim], x.shape[dim] - 1)
    try:
        return take_along.run((x, index), {"dim": dim}) if isinstance(x, Tensor) else take_along(x, index, dim=dim)
    except DimError:
        n, i = x.shape[dim], index.array if isinstance(index, Tensor) else index
        bad = i[(i < -n) | (i >= n)]
        raise out_of_range(int(bad.flat[0]), dim if origin is None else origin, n, name) from None


def integers(name: str, index: Any, x: Any = None) -> Any:
    """``index`` as a tensor of integers; as an array where ``x`` is one, as in a gradient rule.

    Raises:
        DTypeError: it holds something else.
    """
    i = index if isinstance(index, np.ndarray) and isinstance(x, np.ndarray) else as_tensor(index)
    if i.dtype.kind not in "iu":
        raise DTypeError(f"{name}: the index has dtype {i.dtype}, not an integer dtype", "Convert it: index.long().")
    return i


@front_door
def index_select(x: Any, dim: int, index: Any) -> Any:
    """The entries along ``dim`` that ``index`` names, in that order.

    Args:
        x: (..., n, ...).
        dim: the dimension of length n.
        index: (k,), integers from −n to n − 1.

    Returns:
        (..., k, ...), of the dtype of ``x``.

    Raises:
        DimError: an index out of range.
        ShapeError: ``index`` has more than one dimension.

    Example:
        >>> import upriver as ur
        >>> ur.arange(6).reshape(2, 3).index_select(1, ur.tensor([2, 0])).tolist()
        [[2, 0], [5, 3]]
    """
    i = integers("index_select", index, x)
    if i.ndim > 1:
        raise ShapeError(f"index_select: the index has shape {list(i.shape)}, and one dimension is wanted")
    return select_entries(x, reshape(i, -1), axis("index_select", dim, x.ndim), "index_select")


@front_door
def index_add(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """``x`` with entry i of ``source`` along ``dim`` (times ``alpha``) added to entry ``index[i]``.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(3).index_add(0, ur.tensor([0, 2, 2]), ur.ones(3)).tolist()
        [1.0, 0.0, 2.0]
    """
    d, i = axis("index_add", dim, x.ndim), integers("index_add", index, x)
    if source.ndim != x.ndim or source.shape[d] != i.shape[0]:
        raise ShapeError(
            f"index_add: a source of shape {list(source.shape)} does not go with {i.shape[0]} indices along "
            f"dimension {d} of shape {list(x.shape)}"
        )
    check_range(i, -x.shape[d], x.shape[d] - 1)
    ravel_index(i, lengths=(x.shape[d],), dims=(d,))
    added = segment_sum(source if alpha == 1 else source * alpha, i, dim=d, length=x.shape[d])
    return x + added
