"""Operations that make many entries one: along some dimensions, or all.

``dim`` is None (all), a number or several; NumPy's ``axis=`` and ``keepdims=`` are accepted too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import as_dtype
from ..core.op import CALL, PRODUCT, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor
from .align import broadcast_to, same_dtype
from .shape import axes, reshape

Shape = tuple[int, ...]


def kept(shape: Shape, dims: Shape) -> Shape:
    """``shape`` with the reduced dimensions of length 1."""
    return tuple([1 if i in dims else n for i, n in enumerate(shape)])


def reduced_shape(s: Shape, dims: Shape, keepdim: bool, **_: Any) -> Shape:
    """The shape rule of reductions."""
    return kept(s, dims) if keepdim else tuple([n for i, n in enumerate(s) if i not in dims])


def reduce_flops(out: Shape, s: Shape, **_: Any) -> int:
    """The cost of one operation per entry that goes in."""
    return math.prod(s)


def spread(ct: Any, shape: Shape, dims: Shape) -> Any:
    """What belongs to a reduced result, repeated over the entries that were reduced."""
    return broadcast_to(reshape(ct, kept(shape, dims)), shape=shape)


REDUCE_CASES = tuple(
    Case((s,), {"dims": d, "keepdim": k})
    for s, d, k in (((2, 3), (0, 1), False), ((2, 3), (1,), True), ((4, 2, 3), (0, 2), False), ((), (), False))
)


def dims_of(name: str, x: Tensor, dim: Any, keepdim: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a reduction, under either spelling, as attributes of its record."""
    dim, keepdim = kwargs.pop("axis", dim), kwargs.pop("keepdims", keepdim)
    if kwargs:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(kwargs))!r}")
    return {"dims": axes(name, dim, x.ndim), "keepdim": bool(keepdim)}


_sum = Op(
    name="sum",
    forward=lambda x, dims, keepdim: np.add.reduce(x, axis=dims, keepdims=keepdim),
    vjps=(lambda ct, _y, _x, dims, keepdim: spread(ct, _x.shape, dims),),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("sum({0})", r"\sum {0}", PRODUCT),
    domain=REALS,
    flops=reduce_flops,
    lower="reduce",
    cases=(*REDUCE_CASES, Case(((0, 3),), {"dims": (0,), "keepdim": False})),
)


@front_door
def sum(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **kwargs: Any) -> Any:  # noqa: A001
    """The sum over ``dim``. Integers and booleans add up to int64.

    Example:
        >>> import upriver as ur
        >>> ur.ones(2, 3).sum(dim=1).tolist()
        [3.0, 3.0]
    """
    attrs = dims_of("sum", x, dim, keepdim, kwargs)
    if isinstance(x, Tensor) and (dtype is not None or x.dtype.kind != "f"):
        x = x.cast(as_dtype(dtype if dtype is not None else np.int64))
    return _sum.run((x,), attrs) if isinstance(x, Tensor) else _sum(x, **attrs)


def _mean_array(x: Array, dims: Shape, keepdim: bool) -> Any:
    n = math.prod([x.shape[d] for d in dims])
    total = np.add.reduce(x, axis=dims, keepdims=keepdim)
    return total / n if n else total * math.nan


_mean = Op(
    name="mean",
    forward=_mean_array,
    vjps=(
        lambda ct, _y, _x, dims, keepdim: spread(ct / float(max(1, math.prod([_x.shape[d] for d in dims]))), _x.shape, dims),
    ),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("mean({0})", r"\operatorname{{mean}} {0}", CALL),
    domain=REALS,
    flops=reduce_flops,
    lower="reduce",
    cases=REDUCE_CASES,
)


@front_door
def mean(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """The arithmetic mean over ``dim``; of nothing, NaN."""
    return _mean(x, **dims_of("mean", x, dim, keepdim, kwargs))
