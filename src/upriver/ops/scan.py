"""Running sums and products along a dimension."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor
from .align import same_dtype
from .reduce import as_summands, has_zero, left_out, sum
from .shape import axis, reshape, transpose

Shape = tuple[int, ...]


def _run(accumulate: Any, x: Array, dim: int, reverse: bool) -> Array:
    if x.ndim == 0:
        return x.copy()
    if not reverse:
        return accumulate(x, axis=dim)
    back = (slice(None),) * dim + (slice(None, None, -1),)
    return accumulate(x[back], axis=dim)[back]


_cumsum: Op = Op(
    name="cumsum",
    forward=lambda x, dim, reverse: _run(np.add.accumulate, x, dim, reverse),
    vjps=(lambda ct, _y, _x, dim, reverse: _cumsum(ct, dim=dim, reverse=not reverse),),
    shape=lambda s, **_: s,
    dtype=same_dtype,
    formula=Formula("cumsum({0})", r"\operatorname{{cumsum}} {0}", CALL),
    domain=REALS,
    flops=lambda out, *_, **__: math.prod(out),
    lower=lambda m, x, dim, reverse: m.scan("add", x, dim, reverse),
    cases=(
        Case(((2, 3),), {"dim": 1, "reverse": False}),
        Case(((2, 3),), {"dim": 0, "reverse": True}),
        Case(((),), {"dim": 0, "reverse": False}),
        Case(((0, 3),), {"dim": 0, "reverse": False}),
    ),
)


def _cumprod_rule(ct: Any, y: Any, x: Any, dim: int) -> Any:
    if not has_zero(x):
        return _cumsum(ct * y, dim=dim, reverse=True) / x
    # Without dividing by what may be 0: row i is the running product with x_i replaced by 1, and counts from i on.
    if x.ndim == 0:
        return ct
    last = x.ndim - 1
    rows, given = transpose(x, dim, last), transpose(ct, dim, last)
    n = rows.shape[-1]
    parts = _cumprod(left_out(rows), dim=rows.ndim) * reshape(given, (*given.shape[:-1], 1, n))
    from_here = np.triu(np.ones((n, n), x.dtype))
    return transpose(sum(parts * (Tensor(from_here) if isinstance(parts, Tensor) else from_here), -1), dim, last)


_cumprod: Op = Op(
    name="cumprod",
    forward=lambda x, dim: _run(np.multiply.accumulate, x, dim, False),
    vjps=(_cumprod_rule,),
    shape=lambda s, **_: s,
    dtype=same_dtype,
    formula=Formula("cumprod({0})", r"\operatorname{{cumprod}} {0}", CALL),
    domain=REALS,
    flops=lambda out, *_, **__: math.prod(out),
    lower=lambda m, x, dim: m.scan("mul", x, dim),
    cases=(Case(((2, 3),), {"dim": 1}), Case(((2, 3),), {"dim": 0}), Case(((),), {"dim": 0})),
)


def _dim(name: str, x: Any, dim: Any, kwargs: dict[str, Any]) -> int:
    dim = kwargs.pop("axis", dim)
    if kwargs:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(kwargs))!r}")
    return axis(name, dim, x.ndim)


@front_door
def cumsum(x: Any, dim: int = 0, *, dtype: Any = None, **kwargs: Any) -> Any:
    """The running sum along ``dim``. Integers and booleans add up to int64.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1.0, 2.0, 3.0]).cumsum(0).tolist()
        [1.0, 3.0, 6.0]
    """
    x = as_summands(x, dtype)
    return _cumsum(x, dim=_dim("cumsum", x, dim, kwargs), reverse=False)


@front_door
def cumprod(x: Any, dim: int = 0, *, dtype: Any = None, **kwargs: Any) -> Any:
    """The running product along ``dim``. Integers and booleans multiply up to int64.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1.0, 2.0, 3.0]).cumprod(0).tolist()
        [1.0, 2.0, 6.0]
    """
    x = as_summands(x, dtype)
    return _cumprod(x, dim=_dim("cumprod", x, dim, kwargs))
