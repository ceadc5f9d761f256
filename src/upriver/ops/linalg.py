"""Products of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import PRODUCT, REALS, SUM, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor
from ..errors import DTypeError, ShapeError
from .align import broadcast_shapes, broadcast_to, same_dtype
from .reduce import sum
from .shape import reshape, transpose

Shape = tuple[int, ...]


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if a[-1] != b[-2]:
        raise ShapeError(
            f"matmul: shapes {list(a)} and {list(b)} do not fit: each row of the first has {a[-1]} entries, "
            f"each column of the second {b[-2]}",
            "These two must be equal; is one of them transposed (x.T or x.mT)?",
        )
    return (*a[:-1], b[-1])


def matrix_dtype(*dtypes: Any, **_: Any) -> Any:
    """The dtype rule of products: one dtype for all."""
    first = dtypes[0]
    for d in dtypes[1:]:
        if d != first:
            raise DTypeError(
                f"a product needs one dtype, not {' and '.join(str(x) for x in dtypes)}",
                "Convert one of them: x.float(), x.double() or x.to(other.dtype).",
            )
    return first


_matmul = Op(
    name="matmul",
    forward=np.matmul,
    vjps=(
        lambda ct, _y, _a, b: _matmul(ct, transpose(b, -2, -1)),
        lambda ct, _y, a, _b: _matmul(transpose(a, -2, -1), ct),
    ),
    shape=_matmul_shape,
    dtype=matrix_dtype,
    formula=Formula("{0} @ {1}", "{0} {1}", PRODUCT),
    domain=REALS,
    flops=lambda out, a, b: 2 * math.prod(out) * a[-1],
    lower="gemm",
    cases=(
        Case(((2, 3), (3, 4))),
        Case(((5, 2, 3), (5, 3, 4))),
        Case(((2, 0), (0, 4))),
        Case(((1, 1), (1, 1))),
    ),
)


@front_door
def matmul(a: Any, b: Any) -> Any:
    """The matrix product, over the last two dimensions; the others broadcast. A vector is a row or a column.

    Raises:
        ShapeError: the inner lengths differ, or an operand has no dimensions.
        DTypeError: the dtypes differ.

    Example:
        >>> import upriver as ur
        >>> (ur.tensor([[1.0, 2.0]]) @ ur.tensor([3.0, 4.0])).tolist()
        [11.0]
    """
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.ndim > 2 and b.ndim == 2 and a.shape[-1]:
            return np.matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])  # one product, not many
        return np.matmul(a, b)
    a, b = as_tensor(a), as_tensor(b)
    sa, sb = a.shape, b.shape
    if len(sa) == 2 and len(sb) == 2:
        return _matmul(a, b)
    if not sa or not sb:
        raise ShapeError(f"matmul: a tensor of no dimensions among {list(sa)} and {list(sb)}", "Use * instead.")
    if len(sa) > 2 and len(sb) == 2 and sa[-1] == sb[0]:
        return reshape(_matmul(reshape(a, -1, sa[-1]), b), (*sa[:-1], sb[1])) if sa[-1] else _batched(a, b)
    if len(sa) == 1:
        out = matmul(reshape(a, 1, -1), b)
        return reshape(out, out.shape[:-2] + out.shape[-1:]) if len(sb) > 1 else reshape(out, ())
    if len(sb) == 1:
        out = matmul(a, reshape(b, -1, 1))
        return reshape(out, out.shape[:-1])
    return _batched(a, b)


def _batched(a: Tensor, b: Tensor) -> Tensor:
    lead = broadcast_shapes("matmul", a.shape[:-2], b.shape[:-2])
    if a.shape[:-2] != lead:
        a = broadcast_to(a, shape=(*lead, *a.shape[-2:]))
    if b.shape[:-2] != lead:
        b = broadcast_to(b, shape=(*lead, *b.shape[-2:]))
    return _matmul(a, b)


def _linear_shape(x: Shape, w: Shape, b: Shape = ()) -> Shape:
    if len(w) != 2 or not x or x[-1] != w[1]:
        raise ShapeError(
            f"linear: an input of shape {list(x)} does not fit a weight of shape {list(w)} (out_features, in_features)",
            f"The last dimension of the input must be {w[-1] if w else '?'}.",
        )
    if b and b != w[:1]:
        raise ShapeError(f"linear: a bias of shape {list(b)} does not fit {w[0]} outputs")
    return (*x[:-1], w[0])


def _linear_forward(x: Array, w: Array, *bias: Array) -> Array:
    out = np.matmul(x.reshape(-1, x.shape[-1]) if x.ndim > 2 else x, w.T)
    for b in bias:
        out += b
    return out.reshape(*x.shape[:-1], w.shape[0]) if x.ndim > 2 else out


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else reshape(x, math.prod(x.shape[:-1]), x.shape[-1])


_linear = Op(
    name="linear",
    forward=_linear_forward,
    vjps=(
        lambda ct, _y, _x, w, *_b: matmul(ct, w),
        lambda ct, _y, x, _w, *_b: matmul(transpose(_rows(ct), 0, 1), _rows(x)),
        lambda ct, _y, _x, _w, _b: sum(_rows(ct), 0),
    ),
    shape=_linear_shape,
    dtype=matrix_dtype,
    formula=Formula("linear({0}, {1}, {2})", "{0} {1}^T + {2}", SUM),
    domain=REALS,
    flops=lambda out, x, *_: 2 * math.prod(out) * x[-1],
    lower="gemm",
    cases=(
        Case(((2, 3), (4, 3), (4,))),
        Case(((5, 2, 3), (4, 3), (4,))),
        Case(((3,), (4, 3), (4,))),
        Case(((2, 3), (4, 3))),
    ),
)


@front_door
def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """``x @ weight.T + bias``: the inputs weighted and summed, plus a bias.

    Args:
        x: (..., in_features).
        weight: (out_features, in_features).
        bias: (out_features,) or None.

    Returns:
        (..., out_features).

    Raises:
        ShapeError: the shapes do not fit.
        DTypeError: the dtypes differ.
    """
    return _linear(as_tensor(x), weight) if bias is None else _linear(as_tensor(x), weight, bias)


