"""Gather and scatter: one integer for each entry says where along a dimension it comes from or goes to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import int64
from ..core.op import CALL, REALS, Case, Domain, Formula, Op, call
from ..core.registry import front_door
from ..core.state import Array, no_grad, read_by_python
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ArgumentError, ShapeError
from .align import broadcast_shapes, expand, same_dtype
from .checks import check_range
from .elementwise import where
from .gather import integers, select_entries
from .shape import axis, no_flops, reshape
from .slices import Key, out_of_range, view

Shape = tuple[int, ...]


def _positions(index: Array, shape: Shape, dim: int) -> Array:
    """For each entry of ``index`` the number, in row-major order, of the entry of ``shape`` that it means."""
    if not shape:
        shape, index = (1,), index.reshape(1)  # a number counts as one entry
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= shape[dim]:
            raise out_of_range(low if low < 0 else high, dim, shape[dim], "gather or scatter")
    flat: Any = np.zeros((), np.intp)
    for d, n in enumerate(index.shape):
        stride = math.prod(shape[d + 1 :])
        step = index.astype(np.intp, copy=False) if d == dim else np.arange(n)
        step = step * stride if stride != 1 else step
        if d != dim:
            step = step.reshape(n, *(1,) * (index.ndim - d - 1))
        flat = step if d == 0 else flat + step
    return flat


def _gather_array(x: Array, index: Array, dim: int) -> Array:
    return x.reshape(-1).take(_positions(index, x.shape, dim)).reshape(index.shape)


def _scatter_sum_array(x: Array, index: Array, dim: int, shape: Shape) -> Array:
    out = np.zeros(shape, x.dtype)
    np.add.at(out.reshape(-1), _positions(index, shape, dim).reshape(-1), x.reshape(-1))
    return out


def _scatter_array(x: Array, src: Any, index: Array, dim: int) -> Array:
    out = np.array(x, order="C")
    entries = src.reshape(-1) if isinstance(src, np.ndarray) else src
    out.reshape(-1)[_positions(index, x.shape, dim).reshape(-1)] = entries
    return out


_TWICE = np.array([[0, 2, 2], [1, 1, 0]])
_ONCE = np.array([[0, 2, 1], [1, 0, 2]])


def _scatter_sum_recipe(m: Any, x: Any, index: Any, dim: int, shape: Shape) -> Any:
    return m.scatter(m.full(shape, 0, x.dtype), index, x, dim) if shape else NotImplemented


_gather = Op(
    name="gather",
    forward=_gather_array,
    vjps=(lambda ct, _y, _x, index, dim: scatter_sum(ct, index, dim=dim, shape=_x.shape), None),
    shape=lambda s, index, dim: index,
    dtype=same_dtype,
    formula=Formula("gather({0}, {1})", r"{0}_{{{1}}}", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, index, dim: m.gather(x, index, dim) if x.ndim else NotImplemented,
    cases=(
        Case(((2, 3), _TWICE), {"dim": 1}),
        Case(((3, 4), _TWICE), {"dim": 0}),
        Case(((2, 3, 2), np.array([[[1, 0], [0, 0]]])), {"dim": 1}),
        Case(((3,), np.array([2, 2])), {"dim": 0}),
        Case(((0, 2), np.zeros((0, 2), np.int64)), {"dim": 0}),
    ),
)

scatter_sum: Op = Op(
    name="scatter_sum",
    forward=_scatter_sum_array,
    vjps=(lambda ct, _y, _x, index, dim, shape: _gather(ct, index, dim=dim), None),
    shape=lambda s, index, dim, shape: shape,
    dtype=same_dtype,
    formula=call("scatter_sum", 2),
    domain=REALS,
    flops=lambda out, s, *_, **__: math.prod(s),
    lower=lambda m, x, index, dim, shape: _scatter_sum_recipe(m, x, index, dim, shape),
    cases=(
        Case(((2, 3), _TWICE), {"dim": 1, "shape": (2, 4)}),
        Case(((2, 3), _TWICE), {"dim": 0, "shape": (3, 3)}),
        Case(((0,), np.zeros((0,), np.int64)), {"dim": 0, "shape": (2,)}),
    ),
)

_scatter: Op = Op(
    name="scatter",
    forward=_scatter_array,
    vjps=(
        lambda ct, _y, _x, _src, index, dim: _scatter(ct, 0.0, index, dim=dim),
        lambda ct, _y, _x, _src, index, dim: _gather(ct, index, dim=dim),
        None,
    ),
    shape=lambda s, src, index, dim: s,
    dtype=same_dtype,
    formula=call("scatter", 3),
    domain=Domain(ties="where two go to one place the last one stays, and each gets its gradient"),
    flops=no_flops,
    lower=None,
    cases=(
        Case(((2, 3), (2, 3), _ONCE), {"dim": 1}),
        Case(((3, 2), (1, 2), np.array([[2, 0]])), {"dim": 0}),
    ),
)


def _checked(name: str, x: Any, dim: int, index: Any, src: Any = None) -> tuple[int, Any]:
    """``dim`` from the front and the index, whose shape fits ``x`` (and ``src``)."""
    i = integers(name, index, x)
    d = axis(name, dim, x.ndim)
    if i.ndim != x.ndim or any(n > m for k, (n, m) in enumerate(zip(i.shape, x.shape, strict=True)) if k != d):
        raise ShapeError(
            f"{name}: an index of shape {list(i.shape)} does not fit into shape {list(x.shape)} (dim {d})",
            "It needs as many dimensions, none longer except the one that is indexed; use index.unsqueeze(dim).",
        )
    if src is not None and (src.ndim != i.ndim or any(n > m for n, m in zip(i.shape, src.shape, strict=True))):
        raise ShapeError(f"{name}: a source of shape {list(src.shape)} has no entry for each index {list(i.shape)}")
    check_range(i, 0, x.shape[d] - 1 if x.ndim else 0)
    return d, i


def _first(src: Any, shape: Shape) -> Any:
    return src if src.shape == shape else view(src, Key((*[slice(0, n) for n in shape], ...)))


@front_door
def gather(x: Any, dim: int, index: Any) -> Any:
    """Entries picked along ``dim``: for ``dim=1``, ``out[i, j] = x[i, index[i, j]]``.

    Args:
        x: any shape.
        dim: the dimension along which to pick.
        index: integers, of as many dimensions as ``x``.

    Returns:
        Of the shape of ``index`` and the dtype of ``x``.

    Raises:
        DimError: an index out of range.
        ShapeError: the shape of ``index`` does not fit.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1.0, 2.0], [3.0, 4.0]]).gather(1, ur.tensor([[1], [0]])).tolist()
        [[2.0], [3.0]]
    """
    d, i = _checked("gather", x, dim, index)
    return _gather(x, i, dim=d)


@front_door
def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Any:
    """As :func:`gather`, where ``x`` and ``indices`` broadcast along the other dimensions; None: in the flat ``x``.

    Example:
        >>> import upriver as ur
        >>> x = ur.tensor([[3.0, 1.0], [2.0, 4.0]])
        >>> ur.take_along_dim(x, x.argsort(dim=1), dim=1).tolist()
        [[1.0, 3.0], [2.0, 4.0]]
    """
    i = integers("take_along_dim", indices, x)
    check_range(i, 0, (math.prod(x.shape) if dim is None else x.shape[axis("take_along_dim", dim, x.ndim)]) - 1)
    if dim is None:
        return _gather(reshape(x, -1), reshape(i, -1), dim=0)
    if i.ndim != x.ndim:
        raise ShapeError(f"take_along_dim: indices of shape {list(i.shape)} for a tensor of shape {list(x.shape)}")
    d = axis("take_along_dim", dim, x.ndim)
    rest = broadcast_shapes(
        "take_along_dim", (*x.shape[:d], 1, *x.shape[d + 1 :]), (*i.shape[:d], 1, *i.shape[d + 1 :])
    )
    x = expand(x, (*rest[:d], x.shape[d], *rest[d + 1 :]))
    return _gather(x, expand(i, (*rest[:d], i.shape[d], *rest[d + 1 :])), dim=d)


@front_door
def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    """``x`` with entries added along ``dim``: for ``dim=1``, ``out[i, index[i, j]] += src[i, j]``.

    Args:
        x: any shape.
        dim: along which dimension.
        index: integers, of the shape of ``src``.
        src: what is added.

    Raises:
        DimError: an index out of range.
        ShapeError: the shapes do not fit.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(3).scatter_add(0, ur.tensor([0, 0, 2]), ur.ones(3)).tolist()
        [2.0, 0.0, 1.0]
    """
    d, i = _checked("scatter_add", x, dim, index, src)
    return x + scatter_sum(_first(src, i.shape), i, dim=d, shape=x.shape)


@front_door
def scatter(x: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """``x`` with entries replaced along ``dim``: for ``dim=1``, ``out[i, index[i, j]] = src[i, j]``.

    Args:
        x: any shape.
        dim: the dimension along which to place.
        index: integers; where one appears twice the last entry stays.
        src: a tensor with an entry for each index, or one number for all.
        value: the same, under PyTorch's other name.
        reduce: None, or "add" to add.

    Raises:
        DimError: an index out of range.
        ShapeError: the shapes do not fit.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 3).scatter(1, ur.tensor([[1], [2]]), 1.0).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    source = value if src is None else src
    if reduce not in (None, "add"):
        raise ArgumentError(f"scatter: reduce={reduce!r} is not known", 'Use None or "add".')
    if not isinstance(source, (Tensor, np.ndarray)):
        d, i = _checked("scatter", x, dim, index)
        if reduce:
            return x + scatter_sum(literal(np.full(i.shape, source, x.dtype)), i, dim=d, shape=x.shape)
        return _scatter(x, source, i, dim=d)
    d, i = _checked("scatter", x, dim, index, source)
    source = _first(source, i.shape)
    return x + scatter_sum(source, i, dim=d, shape=x.shape) if reduce else _scatter(x, source, i, dim=d)


# Rows of a table.


def _one_hot_array(x: Array, num_classes: int) -> Array:
    if x.size and not (x.min() >= 0 and x.max() < num_classes):
        bad = int(x.min()) if x.min() < 0 else int(x.max())
        raise ArgumentError(
            f"one_hot: {bad} is not one of the {num_classes} classes", "Classes are numbered 0 to num_classes - 1."
        )
    out = np.zeros((x.size, num_classes), np.int64)
    out[np.arange(x.size), x.reshape(-1)] = 1
    return out.reshape(*x.shape, num_classes)


_one_hot = Op(
    name="one_hot",
    forward=_one_hot_array,
    vjps=(None,),
    shape=lambda s, num_classes: (*s, num_classes),
    dtype=lambda *_, **__: int64,
    formula=call("one_hot"),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, num_classes: m.cast(m.onehot(x, num_classes), int64),
    cases=(
        Case((np.array([0, 2]),), {"num_classes": 3}),
        Case((np.array([[1], [0]]),), {"num_classes": 2}),
        Case((np.array(1),), {"num_classes": 2}),
    ),
)


@front_door
def one_hot(x: Any, num_classes: int = -1) -> Tensor:
    """For each integer a row of zeros with 1 at that place.

    Args:
        x: integers from 0 on, of any shape.
        num_classes: the length of the rows; −1 for the largest integer plus one.

    Returns:
        (..., num_classes), int64.

    Raises:
        ArgumentError: an integer is negative or not below ``num_classes``.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.one_hot(ur.tensor([0, 2]), num_classes=3).tolist()
        [[1, 0, 0], [0, 0, 1]]
    """
    x = as_tensor(integers("one_hot", x))
    if num_classes < 0:
        if not x.array.size:
            raise ArgumentError("one_hot: no classes can be counted in an empty tensor", "Give num_classes.")
        read_by_python(x.array, "one_hot without num_classes", "Give num_classes.")
        num_classes = int(x.array.max()) + 1
    check_range(x, 0, num_classes - 1)
    return _one_hot(x, num_classes=int(num_classes))


@front_door
def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of ``weight`` that ``input`` names.

    Args:
        input: integers from 0 to n − 1, of any shape.
        weight: (n, width).
        padding_idx: a row that gets no gradient.

    Returns:
        (*input.shape, width), of the dtype of ``weight``.

    Raises:
        DimError: an integer that is not a row of the table.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.embedding(ur.tensor([1, 1]), ur.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[3.0, 4.0], [3.0, 4.0]]
    """
    i = integers("embedding", input, weight)
    if weight.ndim != 2:
        raise ShapeError(f"embedding: a weight of shape {list(weight.shape)} is not a table", "It needs (rows, width).")
    ids = i.array if isinstance(i, Tensor) else i
    if ids.size and ids.min() < 0:
        raise out_of_range(int(ids.min()), 0, weight.shape[0], "embedding")
    check_range(i, 0, weight.shape[0] - 1)
    out = select_entries(weight, i, 0, "embedding")
    if padding_idx is None or not isinstance(out, Tensor):
        return out
    with no_grad():
        at = reshape(i == padding_idx % weight.shape[0], *i.shape, 1)
    return where(at, out.detach(), out)
