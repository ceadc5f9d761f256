"""What normalisation is made of: one over the root mean square, and scaling and shifting along some dimensions.

With ``center`` they make every kind of it. Each intermediate is a value of the graph, so that nothing is computed
twice, and derivatives of every order follow.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.op import CALL, REALS, SUM, Case, Formula, Op
from ..core.state import Array
from ..errors import DTypeError, ShapeError, joined
from .align import same_dtype
from .reduce import count, sum, vecdot
from .shape import reshape
from .sums import add_up_products, kept

Shape = tuple[int, ...]


def _rrms_array(x: Array, dims: Shape, eps: float) -> Array:
    out = np.asarray(add_up_products(x, x, dims, True))
    out *= 1.0 / max(1, count(x.shape, dims))
    out += eps
    np.sqrt(out, out=out)
    return np.reciprocal(out, out=out)


def _rrms_rule(ct: Any, y: Any, x: Any, dims: Shape, eps: float) -> Any:
    return scale(x, ct * (y * y * y) * (-1.0 / max(1, count(x.shape, dims))))


rrms = Op(
    name="rrms",
    forward=_rrms_array,
    vjps=(_rrms_rule,),
    shape=lambda s, dims, eps: kept(s, dims),
    dtype=same_dtype,
    formula=Formula(
        "1 / sqrt(mean({0}^2) + {eps})", r"\frac{{1}}{{\sqrt{{\operatorname{{mean}} {0}^2 + {eps}}}}}", CALL
    ),
    domain=REALS,
    flops=lambda out, s, **_: 2 * math.prod(s),
    lower=lambda m, x, dims, eps: 1.0 / m.sqrt(m.sum(x * x, dims, True) * (1.0 / max(1, count(x.shape, dims))) + eps),
    cases=(
        Case(((2, 3),), {"dims": (1,), "eps": 1e-5}),
        Case(((4, 2, 3),), {"dims": (0, 2), "eps": 0.1}),
        Case(((0, 3),), {"dims": (1,), "eps": 1e-5}),
        Case(((2, 1),), {"dims": (1,), "eps": 1e-5}),
    ),
)
"""1 / √(mean of squares over ``dims`` + eps), dimensions kept."""


@lru_cache(maxsize=1024)
def _repeated(s: Shape, x: Shape) -> Shape:
    """The dimensions of ``x`` along which a factor of shape ``s`` is repeated; ``s`` may have fewer dimensions."""
    lead = len(x) - len(s)
    return (*range(lead), *[i for i, n in enumerate(s, lead) if n == 1 and x[i] != 1])


def _affine_shape(x: Shape, *factors: Shape) -> Shape:
    for s in factors:
        if len(s) > len(x) or any([n not in (1, m) for n, m in zip(s[::-1], x[::-1], strict=False)]):
            raise ShapeError(f"scale and shift: shape {list(s)} does not fit {list(x)}")
    return x


def _one_dtype(*dtypes: Any, **_: Any) -> DType:
    for d in dtypes[1:]:
        if d != dtypes[0]:
            raise DTypeError(
                f"normalisation needs one dtype, not {joined(str(d) for d in dtypes)}",
                "Convert the module, model.to(x.dtype), or the input, x.to(weight.dtype).",
            )
    return dtypes[0]


def _affine_array(x: Array, s: Array, *shift: Array) -> Array:
    out = np.asarray(x * s)
    for b in shift:
        out += b
    return out


def _shift_rule(ct: Any, shape: Shape) -> Any:
    dims = _repeated(shape, ct.shape)
    return reshape(sum(ct, dims), shape) if dims else ct


def _factor_rule(ct: Any, x: Any, shape: Shape) -> Any:
    return reshape(vecdot(ct, x, dims=_repeated(shape, x.shape), keepdim=False), shape)


scale: Op = Op(
    name="scale",
    forward=lambda x, s: x * s,
    vjps=(
        lambda ct, _y, _x, s: scale(ct, s),
        lambda ct, _y, x, _s: _factor_rule(ct, x, _s.shape),
    ),
    shape=_affine_shape,
    dtype=_one_dtype,
    formula=Formula("{0} * {1}", r"{0} \odot {1}", CALL),
    domain=REALS,
    flops=lambda out, *_: math.prod(out),
    lower=lambda m, x, s: x * s,
    cases=(Case(((2, 3), (2, 1))), Case(((4, 2, 3), (2, 1))), Case(((0, 3), (3,)))),
)
"""``x`` times factors that repeat along leading dimensions and where they have length 1."""

affine = Op(
    name="affine",
    forward=_affine_array,
    vjps=(
        lambda ct, _y, _x, s, _b: scale(ct, s),
        lambda ct, _y, x, _s, _b: _factor_rule(ct, x, _s.shape),
        lambda ct, _y, _x, _s, _b: _shift_rule(ct, _b.shape),
    ),
    shape=_affine_shape,
    dtype=_one_dtype,
    formula=Formula("{0} * {1} + {2}", r"{0} \odot {1} + {2}", SUM),
    domain=REALS,
    flops=lambda out, *_: 2 * math.prod(out),
    lower=lambda m, x, s, b: x * s + b,
    cases=(Case(((2, 3), (3,), (3,))), Case(((4, 2, 3), (4, 2, 1), (2, 1))), Case(((0, 3), (3,), (1, 3)))),
)
"""``x`` times factors plus shifts; both repeat along leading dimensions and where they have length 1."""
