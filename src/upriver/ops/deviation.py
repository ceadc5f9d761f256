"""How far values lie from their mean: centred values, variance and standard deviation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from .align import same_dtype
from .elementwise import where
from .reduce import REDUCE_CASES, count, dims_of, mean_array, need_float, reduced_shape, with_attrs
from .shape import reshape
from .sums import add_up_products, kept

Shape = tuple[int, ...]


def _center(x: Array, dims: Shape) -> Array:
    return np.subtract(x, mean_array(x, dims, True))


center: Op = Op(
    name="center",
    forward=_center,
    vjps=(lambda ct, _y, _x, dims: center(ct, dims=dims),),  # a projection: its own adjoint
    shape=lambda s, dims: s,
    dtype=same_dtype,
    formula=Formula("center({0})", r"\left({0} - \operatorname{{mean}} {0}\right)", CALL),
    domain=REALS,
    flops=lambda out, s, **_: 2 * math.prod(s),
    lower=lambda m, x, dims: x - m.mean(x, dims, True),
    cases=tuple(Case(c.inputs, {"dims": c.attrs["dims"]}) for c in REDUCE_CASES),
)
"""Each entry less the mean over ``dims``."""


def _freedom(shape: Shape, dims: Shape, correction: float) -> float:
    return max(0.0, float(count(shape, dims) - correction))


def _divided(total: Any, n: float) -> Any:
    if n:
        return total / n
    return np.where(total > 0, math.inf, math.nan).astype(total.dtype)


def _var_array(x: Array, dims: Shape, keepdim: bool, correction: float) -> Any:
    c = _center(x, dims)
    return _divided(add_up_products(c, c, dims, keepdim), _freedom(x.shape, dims, correction))


def _var_recipe(m: Any, x: Any, dims: Shape, keepdim: bool, correction: float) -> Any:
    c = x - m.mean(x, dims, True)
    total, n = m.sum(c * c, dims, keepdim), _freedom(x.shape, dims, correction)
    return total / n if n else m.where(total > 0, math.inf, m.full(total.shape, math.nan, total.dtype))


def _var_rule(ct: Any, _y: Any, x: Any, dims: Shape, keepdim: bool, correction: float) -> Any:
    n = _freedom(x.shape, dims, correction)
    return center(x, dims=dims) * reshape(ct * (2.0 / n if n else math.nan), kept(x.shape, dims))


def _std_rule(ct: Any, y: Any, x: Any, dims: Shape, keepdim: bool, correction: float) -> Any:
    n = _freedom(x.shape, dims, correction)
    flat = y == 0.0
    scale = where(flat, 0.0, ct / where(flat, 1.0, y)) * (1.0 / n if n else math.nan)
    return center(x, dims=dims) * reshape(scale, kept(x.shape, dims))


_SPREAD_CASES = with_attrs(REDUCE_CASES[:3], correction=1) + with_attrs(REDUCE_CASES[:3], correction=0)
_var = Op(
    name="var",
    forward=_var_array,
    vjps=(_var_rule,),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("var({0})", r"\operatorname{{Var}} {0}", CALL),
    domain=REALS,
    flops=lambda out, s, **_: 4 * math.prod(s),
    lower=lambda m, x, **attrs: _var_recipe(m, x, **attrs),
    cases=_SPREAD_CASES,
)
_std = Op(
    name="std",
    forward=lambda x, dims, keepdim, correction: np.sqrt(_var_array(x, dims, keepdim, correction)),
    vjps=(_std_rule,),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("std({0})", r"\operatorname{{std}} {0}", CALL),
    domain=REALS,
    flops=lambda out, s, **_: 4 * math.prod(s),
    lower=lambda m, x, **attrs: m.sqrt(_var_recipe(m, x, **attrs)),
    cases=_SPREAD_CASES,
)


def _deviation(name: str, x: Any, dim: Any, unbiased: Any, keepdim: bool, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    if isinstance(dim, bool):
        dim, unbiased = None, dim  # x.var(False): the first argument may be unbiased
    correction = kwargs.pop("correction", None)
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    x = need_float(name, x)
    return x, {**dims_of(name, x, dim, keepdim, kwargs), "correction": correction}


@front_door
def var(x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **kwargs: Any) -> Any:
    """The variance over ``dim``, dividing by n − ``correction`` (1 unless given; ``unbiased=False`` means 0).

    Args:
        x: any shape, floating.
        dim: a dimension, several, or None for all.
        unbiased: whether to divide by n − 1; ``correction`` says another number than 1.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Raises:
        DTypeError: ``x`` holds integers or booleans.

    Example:
        >>> import upriver as ur
        >>> x = ur.tensor([1.0, 2.0, 3.0])
        >>> x.var().item(), x.var(correction=0).item() < 0.67
        (1.0, True)
    """
    x, attrs = _deviation("var", x, dim, unbiased, keepdim, kwargs)
    return _var(x, **attrs)


@front_door
def std(x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **kwargs: Any) -> Any:
    """The standard deviation over ``dim``; arguments as :func:`var`. Its derivative where it is 0 is taken as 0.

    Args:
        x: any shape, floating.
        dim: a dimension, several, or None for all.
        unbiased: as :func:`var`.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1.0, 2.0, 3.0]).std().item()
        1.0
    """
    x, attrs = _deviation("std", x, dim, unbiased, keepdim, kwargs)
    return _std(x, **attrs)
