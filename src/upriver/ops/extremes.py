"""The largest, the smallest, the middle, and whether any or all: reductions that choose rather than add."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..core.dtypes import DType, bool_, int64
from ..core.op import REALS, Case, Domain, Op, call
from ..core.registry import front_door, ops
from ..core.state import no_grad
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ShapeError
from .align import cast, same_dtype
from .elementwise import maximum, minimum
from .reduce import REDUCE_CASES, dims_of, reduce_flops, reduced_shape, spread, sum
from .shape import axis, reshape

Shape = tuple[int, ...]


class Extremes(NamedTuple):
    """What was chosen along a dimension, and where it stood."""

    values: Tensor
    indices: Tensor


def _need_entries(name: str, shape: Shape, dims: Shape) -> None:
    for d in dims:
        if shape[d] == 0:
            raise ShapeError(
                f"{name}: dimension {d} of shape {list(shape)} is empty: there is nothing to choose from",
                "Check that the data is not empty, or reduce over another dimension.",
            )


def _extreme_shape(s: Shape, dims: Shape, keepdim: bool) -> Shape:
    _need_entries("amax/amin", s, dims)
    return reduced_shape(s, dims, keepdim)


def _ties_evenly(ct: Any, y: Any, x: Any, dims: Shape, keepdim: bool) -> Any:
    chosen = cast(x == spread(y, x.shape, dims), dtype=x.dtype)
    return chosen * spread(ct / sum(chosen, dims, keepdim), x.shape, dims)


def _extreme(name: str, ufunc: np.ufunc, lower: Any) -> Op:
    return Op(
        name=name,
        forward=lambda x, dims, keepdim: ufunc.reduce(x, axis=dims, keepdims=keepdim),
        vjps=(_ties_evenly,),
        shape=_extreme_shape,
        dtype=same_dtype,
        formula=call(name[1:]),
        domain=Domain(ties="equal extremes share the gradient evenly", distinct=True),
        flops=reduce_flops,
        lower=lower,
        cases=REDUCE_CASES,
    )


_amax = _extreme("amax", np.maximum, lambda m, x, dims, keepdim: m.max(x, dims, keepdim))
_amin = _extreme("amin", np.minimum, lambda m, x, dims, keepdim: m.min(x, dims, keepdim))


@front_door
def amax(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """The largest entry over ``dim`` (None, a number or several); where several are largest they share the gradient.

    Args:
        x: any shape.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Raises:
        ShapeError: there is nothing to choose from.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1.0, 4.0], [3.0, 2.0]]).amax(1).tolist()
        [4.0, 3.0]
    """
    return _amax(x, **dims_of("amax", x, dim, keepdim, kwargs))


@front_door
def amin(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """The smallest entry over ``dim``; as :func:`amax`.

    Args:
        x: any shape.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1.0, 4.0], [3.0, 2.0]]).amin(0).tolist()
        [1.0, 2.0]
    """
    return _amin(x, **dims_of("amin", x, dim, keepdim, kwargs))


# Where they are.


def _position_shape(s: Shape, dim: int | None, keepdim: bool) -> Shape:
    every = tuple(range(len(s)))
    return reduced_shape(s, every if dim is None or not s else (dim,), keepdim)


def _position_recipe(m: Any, x: Any, extreme: Any, dim: int | None, keepdim: bool) -> Any:
    """The first place of the extreme; of NaN, if there is any."""
    if not x.ndim:
        return m.full((), 0, int64)
    flat = m.reshape(x, (math.prod(x.shape),)) if dim is None else x
    d = dim or 0
    hit = flat == extreme(flat, d, True)
    if x.dtype.kind == "f":
        hit = hit | (flat != flat)
    out = m.min(m.where(hit, m.iota(flat.shape, d), flat.shape[d]), d, keepdim)
    return m.reshape(out, _position_shape(x.shape, dim, keepdim))


def _position(name: str, find: Any, lower: Any) -> Op:
    return Op(
        name=name,
        forward=lambda x, dim, keepdim: find(x, axis=dim if x.ndim else None, keepdims=keepdim and x.ndim > 0),
        vjps=(None,),
        shape=_position_shape,
        dtype=lambda *_, **__: int64,
        formula=call(name),
        domain=REALS,
        flops=lambda out, s, **_: math.prod(s),
        lower=lower,
        cases=(
            Case(((2, 3),), {"dim": 1, "keepdim": False}),
            Case(((2, 3),), {"dim": None, "keepdim": False}),
            Case(((2, 3),), {"dim": 0, "keepdim": True}),
            Case(((),), {"dim": None, "keepdim": False}),
        ),
    )


_argmax = _position("argmax", np.argmax, lambda m, x, dim, keepdim: _position_recipe(m, x, m.max, dim, keepdim))
_argmin = _position("argmin", np.argmin, lambda m, x, dim, keepdim: _position_recipe(m, x, m.min, dim, keepdim))


def _one_dim(name: str, x: Any, dim: Any, keepdim: bool, kwargs: dict[str, Any]) -> tuple[int | None, bool]:
    dim, keepdim = kwargs.pop("axis", dim), kwargs.pop("keepdims", keepdim)
    if kwargs:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(kwargs))!r}")
    d = None if dim is None else axis(name, dim, x.ndim)
    _need_entries(name, x.shape, tuple(range(x.ndim)) if d is None else (d,) if x.ndim else ())
    return d, bool(keepdim)


@front_door
def argmax(x: Any, dim: int | None = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """The index of the largest entry: along ``dim``, or in the flattened tensor; the first of several.

    Args:
        x: any shape.
        dim: a dimension, or None for the flattened tensor.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Raises:
        ShapeError: there is nothing to choose from.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1.0, 4.0], [3.0, 2.0]]).argmax(1).tolist()
        [1, 0]
    """
    d, keep = _one_dim("argmax", x, dim, keepdim, kwargs)
    return _argmax(x, dim=d, keepdim=keep)


@front_door
def argmin(x: Any, dim: int | None = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """The index of the smallest entry; as :func:`argmax`.

    Args:
        x: any shape.
        dim: a dimension, or None for the flattened tensor.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([3.0, 1.0, 2.0]).argmin().item()
        1
    """
    d, keep = _one_dim("argmin", x, dim, keepdim, kwargs)
    return _argmin(x, dim=d, keepdim=keep)


def _at(x: Tensor, where: Tensor, d: int, keepdim: bool) -> Extremes:
    """The entries of ``x`` at ``where`` (kept dimension) along ``d``."""
    if x.ndim == 0:
        return Extremes(reshape(x, ()), literal(np.zeros((), np.int64)))
    values = ops.gather(x, d, where)
    if keepdim:
        return Extremes(values, where)
    shape = x.shape[:d] + x.shape[d + 1 :]
    return Extremes(reshape(values, shape), reshape(where, shape))


def _choose(name: str, x: Any, dim: Any, keepdim: bool, kwargs: dict[str, Any]) -> Any:
    x = as_tensor(x)
    if isinstance(dim, Tensor) or "other" in kwargs:
        other = kwargs.pop("other", dim)
        return (maximum if name == "max" else minimum)(x, other)
    if dim is None and "axis" not in kwargs:
        keepdim = kwargs.pop("keepdims", keepdim)
        _need_entries(name, x.shape, tuple(range(x.ndim)))
        return (amax if name == "max" else amin)(x, None, keepdim, **kwargs)
    d, keep = _one_dim(name, x, dim, keepdim, kwargs)
    if d is None:
        return (amax if name == "max" else amin)(x, None, keep)
    if not x.ndim:
        return _at(x, x, d, keep)
    with no_grad():
        found = (_argmax if name == "max" else _argmin)(x, dim=d, keepdim=True)
    return _at(x, found, d, keep)


@front_door
def max(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: A001
    """The largest entry; along ``dim`` with its index; or, of two tensors, the larger entry by entry.

    Args:
        x: any shape.
        dim: None: the largest of all, ties sharing the gradient. A number: along that dimension, the first of
            several. A tensor: as :func:`maximum`.
        keepdim: whether the dimension stays, of length 1.
        **kwargs: ``axis``, ``keepdims``, ``other``: the same under other names.

    Returns:
        A tensor, or with a ``dim`` a pair with the fields ``values`` and ``indices``.

    Raises:
        ShapeError: there is nothing to choose from.

    Example:
        >>> import upriver as ur
        >>> values, indices = ur.tensor([[1.0, 4.0], [3.0, 2.0]]).max(dim=1)
        >>> values.tolist(), indices.tolist()
        ([4.0, 3.0], [1, 0])
    """
    return _choose("max", x, dim, keepdim, kwargs)


@front_door
def min(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: A001
    """The smallest entry; along ``dim`` with its index; or, of two tensors, the smaller. As :func:`max`.

    Args:
        x: any shape.
        dim: a dimension, None for all, or another tensor.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([3.0, 1.0, 2.0]).min().item()
        1.0
    """
    return _choose("min", x, dim, keepdim, kwargs)


@front_door
def median(x: Any, dim: int | None = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """The middle entry in order, the lower of two: of all, or along ``dim`` with its index. NaN if any is NaN.

    Args:
        x: any shape.
        dim: a dimension, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Raises:
        ShapeError: there is nothing to choose from.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([4.0, 1.0, 3.0, 2.0]).median().item()
        2.0
    """
    x = as_tensor(x)
    d, keep = _one_dim("median", x, dim, keepdim, kwargs)
    if d is None:
        return reshape(median(reshape(x, -1), 0).values, (1,) * x.ndim if keep else ())
    if x.ndim == 0:
        return _at(x, x, 0, keep)
    with no_grad():
        middle = ops.narrow(ops.argsort(x, d), d, (x.shape[d] - 1) // 2, 1)
        if x.dtype.kind == "f":
            missing = x != x
            middle = ops.where(ops.any(missing, d, True), _argmax(missing, dim=d, keepdim=True), middle)
    return _at(x, middle, d, keep)


# Whether any, whether all.


def _truth(name: str, ufunc: np.ufunc, lower: Any) -> Op:
    return Op(
        name=name,
        forward=lambda x, dims, keepdim: ufunc.reduce(x, axis=dims, keepdims=keepdim, dtype=np.bool_),
        vjps=(None,),
        shape=reduced_shape,
        dtype=_truth_dtype,
        formula=call(name),
        domain=REALS,
        flops=reduce_flops,
        lower=lower,
        cases=(
            Case((np.array([[True, False], [True, True]]),), {"dims": (1,), "keepdim": False}),
            Case((np.array([[True, False], [True, True]]),), {"dims": (0, 1), "keepdim": True}),
            Case((np.zeros((0, 2), np.bool_),), {"dims": (0,), "keepdim": False}),
            Case((np.array(True),), {"dims": (), "keepdim": False}),
        ),
    )


def _truth_dtype(*_: Any, **__: Any) -> DType:
    return bool_


_any = _truth("any", np.logical_or, lambda m, x, dims, keepdim: m.any(x, dims, keepdim))
_all = _truth("all", np.logical_and, lambda m, x, dims, keepdim: m.all(x, dims, keepdim))


@front_door
def any(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: A001
    """Whether any entry over ``dim`` is true (not 0); of nothing, False.

    Args:
        x: any shape.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([False, True]).any().item()
        True
    """
    return _any(x, **dims_of("any", x, dim, keepdim, kwargs))


@front_door
def all(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:  # noqa: A001
    """Whether all entries over ``dim`` are true (not 0); of nothing, True.

    Args:
        x: any shape.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([False, True]).all().item()
        False
    """
    return _all(x, **dims_of("all", x, dim, keepdim, kwargs))
