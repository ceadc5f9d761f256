"""Operations that make many entries one: sums and what is made of them.

``dim`` is None (all), a number or several; NumPy's ``axis=`` and ``keepdims=`` are accepted too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import DType, as_dtype
from ..core.op import CALL, PRODUCT, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor
from ..errors import ArgumentError, DTypeError
from .align import broadcast_to, cast, same_dtype
from .checks import check_none
from .elementwise import abs, pow, sqrt, where
from .shape import axes, permute, reshape
from .sums import add_up, add_up_products, dropped, kept

Shape = tuple[int, ...]


def reduced_shape(s: Shape, dims: Shape, keepdim: bool, **_: Any) -> Shape:
    """The shape rule of reductions."""
    return kept(s, dims) if keepdim else dropped(s, dims)


def reduce_flops(out: Shape, s: Shape, **_: Any) -> int:
    """The cost of one operation per entry that goes in."""
    return math.prod(s)


def count(shape: Shape, dims: Shape) -> int:
    """How many entries are made one."""
    return math.prod([shape[d] for d in dims])


def spread(ct: Any, shape: Shape, dims: Shape) -> Any:
    """What belongs to a reduced result, repeated over the entries that were reduced."""
    if len(dims) == len(shape) and not isinstance(ct, Tensor):
        return np.ndarray(shape, ct.dtype, np.asarray(ct), 0, (0,) * len(shape))  # one number: a view without strides
    return broadcast_to(reshape(ct, kept(shape, dims)), shape=shape)


REDUCE_CASES = tuple(
    Case((s,), {"dims": d, "keepdim": k})
    for s, d, k in (((2, 3), (0, 1), False), ((2, 3), (1,), True), ((4, 2, 3), (0, 2), False), ((), (), False))
)


# Large enough for the kernels that use BLAS.
_BLAS_CASES = (
    Case(((40, 30),), {"dims": (0,), "keepdim": True}),
    Case(((40, 30),), {"dims": (1,), "keepdim": False}),
    Case(((4, 20, 15),), {"dims": (0, 2), "keepdim": True}),
)


def with_attrs(cases: tuple[Case, ...], **attrs: Any) -> tuple[Case, ...]:
    """The same cases with more attributes."""
    return tuple(Case(case.inputs, {**case.attrs, **attrs}) for case in cases)


def dims_of(name: str, x: Any, dim: Any, keepdim: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a reduction, under either spelling, as attributes of its record."""
    if kwargs:
        dim, keepdim = kwargs.pop("axis", dim), kwargs.pop("keepdims", keepdim)
        if kwargs:
            raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(kwargs))!r}")
    if isinstance(dim, (tuple, list)) and not dim:
        dim = None  # PyTorch's reading of dim=(): every dimension
    return {"dims": axes(name, dim, x.ndim), "keepdim": bool(keepdim)}


def need_float(name: str, x: Any) -> Any:
    """``x``, which must hold floats.

    Raises:
        DTypeError: it holds integers or booleans.
    """
    x = x if isinstance(x, (Tensor, np.ndarray)) else as_tensor(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: values of dtype {x.dtype} have no {name}", "Convert first: x.float().")
    return x


def as_summands(x: Any, dtype: Any) -> Any:
    """``x`` in the dtype in which it is added or multiplied up: integers and booleans in int64."""
    x = x if isinstance(x, (Tensor, np.ndarray)) else as_tensor(x)
    wanted: DType = as_dtype(dtype) if dtype is not None else x.dtype if x.dtype.kind == "f" else np.dtype(np.int64)
    return x if x.dtype == wanted else cast(x, dtype=wanted)


_EVERYTHING = [{"dims": tuple(range(n)), "keepdim": False} for n in range(65)]

_sum = Op(
    name="sum",
    forward=add_up,
    vjps=(lambda ct, _y, _x, dims, keepdim: spread(ct, _x.shape, dims),),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("sum({0})", r"\sum {0}", PRODUCT),
    domain=REALS,
    flops=reduce_flops,
    lower=lambda m, x, dims, keepdim: m.sum(x, dims, keepdim),
    cases=(*REDUCE_CASES, *_BLAS_CASES, Case(((0, 3),), {"dims": (0,), "keepdim": False})),
)


@front_door
def sum(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **kwargs: Any) -> Any:  # noqa: A001
    """The sum over ``dim``. Integers and booleans add up to int64.

    Args:
        x: any shape.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        dtype: to convert to first.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Raises:
        DimError: ``dim`` is out of range.

    Example:
        >>> import upriver as ur
        >>> ur.ones(2, 3).sum(dim=1).tolist()
        [3.0, 3.0]
    """
    if isinstance(x, Tensor) and dim is None and dtype is None and not keepdim and not kwargs:
        array = x.array
        if array.dtype.kind == "f":
            return _sum.run((x,), _EVERYTHING[array.ndim])
    attrs = dims_of("sum", x, dim, keepdim, kwargs)
    if isinstance(x, Tensor):
        return _sum.run((x if x.dtype.kind == "f" and dtype is None else as_summands(x, dtype),), attrs)
    return _sum(x, **attrs)


def mean_array(x: Array, dims: Shape, keepdim: bool) -> Any:
    """The mean of ``x`` over ``dims``; of nothing, NaN."""
    n = count(x.shape, dims)
    if x.dtype == np.float16:
        # The sum, and the count too, may be above 65504, float16's largest number.
        return np.asarray(mean_array(x.astype(np.float32), dims, keepdim)).astype(np.float16)
    total = add_up(x, dims, keepdim)
    return total / n if n else total * math.nan


def _mean_rule(ct: Any, _y: Any, _x: Any, dims: Shape, keepdim: bool) -> Any:
    n = max(1, count(_x.shape, dims))
    return spread(ct / float(n) if n < 65504 else ct * (1.0 / n), _x.shape, dims)


_mean = Op(
    name="mean",
    forward=mean_array,
    vjps=(_mean_rule,),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("mean({0})", r"\operatorname{{mean}} {0}", CALL),
    domain=REALS,
    flops=reduce_flops,
    lower=lambda m, x, dims, keepdim: m.mean(x, dims, keepdim),
    cases=REDUCE_CASES,
)


@front_door
def mean(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **kwargs: Any) -> Any:
    """The arithmetic mean over ``dim``; of nothing, NaN.

    Args:
        x: any shape, floating.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        dtype: to convert to first.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Raises:
        DTypeError: ``x`` holds integers or booleans and no ``dtype`` is given.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1.0, 3.0], [5.0, 7.0]]).mean(0).tolist()
        [3.0, 5.0]
    """
    x = need_float("mean", x if dtype is None else as_summands(x, dtype))
    return _mean(x, **dims_of("mean", x, dim, keepdim, kwargs))


vecdot = Op(
    name="vecdot",
    forward=add_up_products,
    vjps=(
        lambda ct, _y, _a, b, dims, keepdim: b * reshape(ct, kept(_a.shape, dims)),
        lambda ct, _y, a, _b, dims, keepdim: a * reshape(ct, kept(_b.shape, dims)),
    ),
    shape=lambda a, b, dims, keepdim: reduced_shape(a, dims, keepdim),
    dtype=same_dtype,
    formula=Formula("sum({0} * {1})", r"\sum {0} \odot {1}", PRODUCT),
    domain=REALS,
    flops=lambda out, a, b, **_: 2 * math.prod(a),
    lower=lambda m, a, b, dims, keepdim: m.sum(a * b, dims, keepdim),
    cases=tuple([Case((c.inputs[0],) * 2, c.attrs) for c in REDUCE_CASES + _BLAS_CASES]),
)
"""The sum of products along ``dims``, in one pass."""


def left_out(x: Any) -> Any:
    """For each entry of the last dimension a copy of it with that entry replaced by 1: (..., n) → (..., n, n)."""
    n = x.shape[-1]
    rows = broadcast_to(reshape(x, (*x.shape[:-1], 1, n)), shape=(*x.shape[:-1], n, n))
    one = broadcast_to(np.eye(n, dtype=bool), shape=rows.shape)
    return where(as_tensor(one) if isinstance(x, Tensor) else one, 1.0, rows)


def has_zero(x: Any) -> bool:
    """Whether any entry is 0, so that a product cannot be divided by it."""
    if not np.all(x.array if isinstance(x, Tensor) else x):
        return True
    check_none(x, 0.0)
    return False


def _prod_rule(ct: Any, y: Any, x: Any, dims: Shape, keepdim: bool) -> Any:
    if not has_zero(x):
        return reshape(ct * y, kept(x.shape, dims)) / x
    # The product of the others, without dividing by what may be 0.
    rest = tuple([i for i in range(x.ndim) if i not in dims])
    order = rest + tuple(dims)
    moved = permute(x, order)
    rows = reshape(moved, (*moved.shape[: len(rest)], count(x.shape, dims)))
    others = reshape(_prod(left_out(rows), dims=(rows.ndim,), keepdim=False), moved.shape)
    return permute(others, tuple([order.index(i) for i in range(x.ndim)])) * reshape(ct, kept(x.shape, dims))


_prod: Op = Op(
    name="prod",
    forward=lambda x, dims, keepdim: np.multiply.reduce(x, axis=dims, keepdims=keepdim),
    vjps=(_prod_rule,),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("prod({0})", r"\prod {0}", PRODUCT),
    domain=REALS,
    flops=reduce_flops,
    lower=lambda m, x, dims, keepdim: m.prod(x, dims, keepdim),
    cases=REDUCE_CASES,
)


@front_door
def prod(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **kwargs: Any) -> Any:
    """The product over ``dim``. Integers and booleans multiply up to int64.

    Args:
        x: any shape.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        dtype: to convert to first.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Raises:
        DimError: ``dim`` is out of range.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1.0, 2.0], [3.0, 4.0]]).prod(1).tolist()
        [2.0, 12.0]
    """
    x = as_summands(x, dtype)
    return _prod(x, **dims_of("prod", x, dim, keepdim, kwargs))


def _norm_rule(ct: Any, y: Any, x: Any, dims: Shape, keepdim: bool) -> Any:
    zero = y == 0.0
    return x * reshape(where(zero, 0.0, ct / where(zero, 1.0, y)), kept(x.shape, dims))


_norm = Op(
    name="norm",
    forward=lambda x, dims, keepdim: np.sqrt(add_up_products(x, x, dims, keepdim)),
    vjps=(_norm_rule,),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("norm({0})", r"\left\|{0}\right\|", CALL),
    domain=REALS,
    flops=lambda out, s, **_: 2 * math.prod(s),
    lower=lambda m, x, dims, keepdim: m.sqrt(m.sum(x * x, dims, keepdim)),
    cases=REDUCE_CASES[:3],
)


@front_door
def norm(x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """(∑ |x|ᵖ)^(1/p) over ``dim``: the Euclidean norm by default; its derivative at 0 is taken as 0.

    Args:
        x: any shape, floating.
        p: a number, ``inf`` or ``-inf`` (the largest or smallest magnitude), 0 (how many are not 0) or "fro" (2).
        dim: None (all), a number or several.
        keepdim: whether the dimensions stay, of length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names.

    Raises:
        ArgumentError: a ``p`` that is not known.
        DTypeError: ``x`` holds integers or booleans.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([3.0, 4.0]).norm().item()
        5.0
    """
    x = need_float("norm", x)
    if p is None or p == "fro":
        p = 2
    if not isinstance(p, (int, float)):
        raise ArgumentError(f"norm: p = {p!r} is not known", "Use a number, float('inf') or 'fro'.")
    attrs = dims_of("norm", x, dim, keepdim, kwargs)
    if p == 2:
        return _norm(x, **attrs)
    dims, keep = attrs["dims"], attrs["keepdim"]
    if math.isinf(p):
        from .extremes import amax, amin

        return (amax if p > 0 else amin)(abs(x), dims, keep)
    if p == 0:
        return sum(cast(x != 0, dtype=x.dtype), dims, keep)
    if p == 1:
        return sum(abs(x), dims, keep)
    total = sum(pow(abs(x), float(p)), dims, keep)
    zero = total == 0.0
    root = where(zero, 1.0, total)
    return where(zero, 0.0, sqrt(root) if p == 2 else pow(root, 1.0 / p))


@front_door
def count_nonzero(x: Any, dim: Any = None) -> Any:
    """How many entries are not 0, along ``dim`` or in all.

    Example:
        >>> import upriver as ur
        >>> ur.count_nonzero(ur.tensor([0.0, 2.0, 3.0])).item()
        2
    """
    return sum(as_tensor(x) != 0, dim)
