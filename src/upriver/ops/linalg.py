"""Products of matrices and vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.op import PRODUCT, REALS, SUM, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor
from ..errors import DTypeError, ShapeError, joined
from .align import broadcast_shapes, broadcast_to
from .reduce import sum
from .shape import reshape
from .sums import add_rows

Shape = tuple[int, ...]


def product_dtype(name: str) -> Callable[..., DType]:
    """The dtype rule of the product ``name``: one dtype for all operands, or a DTypeError."""

    def rule(*dtypes: Any, **_: Any) -> DType:
        first = dtypes[0]
        for d in dtypes:
            if d != first:
                raise DTypeError(
                    f"{name}: a product needs one dtype, not {joined(str(x) for x in dtypes)}",
                    "Convert one of them: x.float(), x.double() or x.to(other.dtype).",
                )
        return first

    return rule


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    vector = len(b) == 1
    inner = b[0] if vector else b[-2]
    if a[-1] != inner:
        raise ShapeError(
            f"matmul: shapes {list(a)} and {list(b)} do not fit: each row of the first has {a[-1]} entries, "
            f"each column of the second {inner}",
            "These two must be equal; is one of them transposed (x.T or x.mT)?",
        )
    return a[:-1] if vector else (*a[:-1], b[-1])


def _matmul_forward(a: Array, b: Array) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return np.dot(a, b)  # the same product, and sooner there
    if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous:
        # One large product instead of one for each matrix of the batch.
        return np.dot(a.reshape(math.prod(a.shape[:-1]), a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    return np.matmul(a, b)


def _rows(x: Any) -> Any:
    """``x`` (..., n) as one matrix of rows of length n."""
    return x if x.ndim == 2 else reshape(x, math.prod(x.shape[:-1]), x.shape[-1])


def _matmul_left(ct: Any, _y: Any, _a: Any, b: Any) -> Any:
    if b.ndim > 1:
        return matmul(ct, b.mT)
    return ct * b if _a.ndim == 1 else reshape(ct, (*ct.shape, 1)) * b


def _matmul_right(ct: Any, _y: Any, a: Any, _b: Any) -> Any:
    if a.ndim == 1:
        return ct * a if _b.ndim == 1 else reshape(a, (a.shape[0], 1)) * ct
    if _b.ndim == 1:
        return matmul(reshape(ct, (math.prod(ct.shape),)), _rows(a))
    if _b.ndim == 2:
        return matmul(_rows(a).mT, _rows(ct))  # the sum over the batch is part of the product
    return matmul(a.mT, ct)


def _matmul_recipe(m: Any, a: Any, b: Any) -> Any:
    if a.dtype.kind != "f":
        return NotImplemented
    left = m.reshape(a, (1, *a.shape)) if a.ndim == 1 else a
    right = m.reshape(b, (*b.shape, 1)) if b.ndim == 1 else b
    if right.ndim == 2 and left.ndim > 2:
        left = _rows_recipe(m, left)  # one large product
    out = m.gemm(left, right)
    return m.reshape(out, _matmul_shape(a.shape, b.shape)) if b.ndim < 3 else out


def _rows_recipe(m: Any, x: Any) -> Any:
    return m.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


_matmul = Op(
    name="matmul",
    forward=_matmul_forward,
    vjps=(_matmul_left, _matmul_right),
    shape=_matmul_shape,
    dtype=product_dtype("matmul"),
    formula=Formula("{0} @ {1}", "{0} {1}", PRODUCT),
    domain=REALS,
    flops=lambda out, a, b: 2 * math.prod(out) * a[-1],
    lower=lambda m, a, b: _matmul_recipe(m, a, b),
    cases=(
        Case(((2, 3), (3, 4))),
        Case(((5, 2, 3), (5, 3, 4))),
        Case(((5, 2, 3), (3, 4))),
        Case(((5, 2, 3), (3,))),
        Case(((2, 3), (3,))),
        Case(((3,), (3, 4))),
        Case(((3,), (3,))),
        Case(((2, 0), (0, 4))),
        Case(((0, 2, 3), (3, 2))),
        Case(((1, 1), (1, 1))),
    ),
)


@front_door
def matmul(a: Any, b: Any) -> Any:
    """The matrix product, over the last two dimensions; the others broadcast. A vector is a row or a column.

    Args:
        a: (..., m, k), or (k,).
        b: (..., k, n), or (k,).

    Returns:
        (..., m, n), without the dimension of an operand that is a vector.

    Raises:
        ShapeError: the inner lengths differ, or an operand has no dimensions.
        DTypeError: the dtypes differ.

    Source:
        The gradients: Petersen and Pedersen, "The Matrix Cookbook" (2012), eq. 70, 71, 100.

    Example:
        >>> import upriver as ur
        >>> (ur.tensor([[1.0, 2.0]]) @ ur.tensor([3.0, 4.0])).tolist()
        [11.0]
    """
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        x, y = a.array, b.array
        if x.ndim == 2 and y.ndim == 2 and x.shape[1] == y.shape[0] and x.dtype == y.dtype:
            return _matmul.run((a, b), {})  # nearly every call
    elif not isinstance(a, Tensor) and not isinstance(b, Tensor):
        return _matmul_forward(a, b)
    a, b = as_tensor(a), as_tensor(b)
    sa, sb = a.array.shape, b.array.shape
    if not sa or not sb:
        raise ShapeError(f"matmul: a tensor of no dimensions among {list(sa)} and {list(sb)}", "Use * instead.")
    if len(sb) > 2 or sa[:-2] != sb[:-2]:
        if len(sb) > 2 and len(sa) == 1:
            out = matmul(reshape(a, (1, sa[0])), b)
            return reshape(out, out.shape[:-2] + out.shape[-1:])
        if len(sb) > 2 and sa[:-2] != sb[:-2]:
            lead = broadcast_shapes("matmul", sa[:-2], sb[:-2])
            if sa[:-2] != lead:
                a = broadcast_to(a, shape=(*lead, *sa[-2:]))
            if sb[:-2] != lead:
                b = broadcast_to(b, shape=(*lead, *sb[-2:]))
    _matmul_shape(a.array.shape, b.array.shape)
    if a.array.dtype != b.array.dtype:
        _matmul.dtype(a.dtype, b.dtype)
    return _matmul.run((a, b), {})


def _linear_shape(x: Shape, w: Shape, b: Shape = ()) -> Shape:
    if len(w) != 2 or not x or x[-1] != w[1]:
        raise ShapeError(
            f"linear: an input of shape {list(x)} does not fit a weight of shape {list(w)} (out_features, in_features)",
            f"The last dimension of the input must be {w[-1] if w else '?'}.",
        )
    if b and b != w[:1]:
        raise ShapeError(
            f"linear: a bias of shape {list(b)} does not fit {w[0]} outputs", f"It must have shape [{w[0]}]."
        )
    return (*x[:-1], w[0])


def _linear_forward(x: Array, w: Array, *bias: Array) -> Array:
    out = np.dot(x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) if x.ndim > 2 else x, w.T)
    for b in bias:
        out += b
    return out.reshape(*x.shape[:-1], w.shape[0]) if x.ndim > 2 else out


def _linear_recipe(m: Any, x: Any, w: Any, *bias: Any) -> Any:
    if x.dtype.kind != "f":
        return NotImplemented
    out = m.gemm(_rows_recipe(m, x), m.transpose(w))
    for b in bias:
        out = out + b
    return m.reshape(out, (*x.shape[:-1], w.shape[0]))


_linear = Op(
    name="linear",
    forward=_linear_forward,
    vjps=(
        lambda ct, _y, _x, w, *_b: matmul(ct, w),
        lambda ct, _y, x, _w, *_b: matmul(_rows(ct).mT, _rows(x)),
        lambda ct, _y, _x, _w, _b: sum(_rows(ct), 0) if isinstance(ct, Tensor) else add_rows(_rows(ct)),
    ),
    shape=_linear_shape,
    dtype=product_dtype("linear"),
    formula=Formula("linear({0}, {1}, {2})", "{0} {1}^T + {2}", SUM),
    domain=REALS,
    flops=lambda out, x, *_: 2 * math.prod(out) * x[-1],
    lower=lambda m, x, w, *bias: _linear_recipe(m, x, w, *bias),
    cases=(
        Case(((2, 3), (4, 3), (4,))),
        Case(((5, 2, 3), (4, 3), (4,))),
        Case(((3,), (4, 3), (4,))),
        Case(((2, 3), (4, 3))),
        Case(((0, 3), (4, 3), (4,))),
        Case(((2, 0), (4, 0), (4,))),
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

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.linear(ur.tensor([1.0, 2.0]), ur.tensor([[3.0, 4.0]]), ur.tensor([0.5])).tolist()
        [11.5]
    """
    given = (x, weight) if bias is None else (x, weight, bias)
    inputs = tuple([t if isinstance(t, Tensor) else as_tensor(t) for t in given])
    dtypes = [t.array.dtype for t in inputs]
    _linear_shape(*[t.array.shape for t in inputs])
    if dtypes.count(dtypes[0]) != len(dtypes):
        _linear.dtype(*dtypes)
    return _linear.run(inputs, {})


# Products for operands of given numbers of dimensions: the same product, and an error where they differ.


def _need(name: str, operands: tuple[Any, ...], dims: tuple[int, ...]) -> list[Tensor]:
    tensors = [as_tensor(x) for x in operands]
    if tuple([t.ndim for t in tensors]) != dims:
        raise ShapeError(
            f"{name}: shapes {joined(str(list(t.shape)) for t in tensors)} do not have "
            f"{joined(str(n) for n in dims)} dimensions",
            "matmul takes any number of dimensions, and broadcasts.",
        )
    return tensors


@front_door
def mm(a: Any, b: Any) -> Tensor:
    """The product of two matrices, (m, k) and (k, n): :func:`matmul` without broadcasting.

    Raises:
        ShapeError: not two matrices, or the inner lengths differ.

    Example:
        >>> import upriver as ur
        >>> ur.mm(ur.ones(2, 3), ur.ones(3, 1)).tolist()
        [[3.0], [3.0]]
    """
    return matmul(*_need("mm", (a, b), (2, 2)))


@front_door
def bmm(a: Any, b: Any) -> Tensor:
    """The products of two batches of matrices, (batch, m, k) and (batch, k, n).

    Raises:
        ShapeError: not both have three dimensions and one batch length.

    Example:
        >>> import upriver as ur
        >>> ur.bmm(ur.ones(4, 2, 3), ur.ones(4, 3, 1)).shape
        (4, 2, 1)
    """
    a, b = _need("bmm", (a, b), (3, 3))
    if a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"bmm: shapes {list(a.shape)} and {list(b.shape)} do not fit: {a.shape[0]} matrices and {b.shape[0]}",
            "matmul repeats a batch of length 1.",
        )
    return matmul(a, b)


@front_door
def mv(a: Any, b: Any) -> Tensor:
    """The product of a matrix (m, k) and a vector (k,).

    Raises:
        ShapeError: not a matrix and a vector, or the lengths differ.

    Example:
        >>> import upriver as ur
        >>> ur.mv(ur.ones(2, 3), ur.ones(3)).tolist()
        [3.0, 3.0]
    """
    return matmul(*_need("mv", (a, b), (2, 1)))


@front_door
def dot(a: Any, b: Any) -> Tensor:
    """The sum of the products of two vectors of one length.

    Example:
        >>> import upriver as ur
        >>> ur.dot(ur.tensor([1.0, 2.0]), ur.tensor([3.0, 4.0])).item()
        11.0
    """
    return matmul(*_need("dot", (a, b), (1, 1)))


@front_door
def outer(a: Any, b: Any) -> Tensor:
    """Every entry of a vector (m,) times every entry of another (n,): (m, n).

    Example:
        >>> import upriver as ur
        >>> ur.outer(ur.tensor([1.0, 2.0]), ur.tensor([3.0, 4.0])).tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    a, b = _need("outer", (a, b), (1, 1))
    return reshape(a, (a.shape[0], 1)) * b


def _plus_product(x: Any, product: Tensor, beta: float, alpha: float) -> Tensor:
    x = as_tensor(x)
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product  # as in BLAS: what is multiplied by 0 is not looked at, not even for NaN
    return (x if beta == 1 else x * beta) + product


@front_door
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)`` for matrices; ``input`` broadcasts.

    Args:
        input: broadcasts to (m, n).
        mat1: (m, k).
        mat2: (k, n).
        beta: what ``input`` is times.
        alpha: what the product is times.

    Example:
        >>> import upriver as ur
        >>> ur.addmm(ur.ones(1), ur.ones(2, 3), ur.ones(3, 1)).tolist()
        [[4.0], [4.0]]
    """
    return _plus_product(input, mm(mat1, mat2), beta, alpha)


@front_door
def addmv(input: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)`` for a matrix and a vector; ``input`` broadcasts.

    Args:
        input: broadcasts to (m,).
        mat: (m, k).
        vec: (k,).
        beta: what ``input`` is times.
        alpha: what the product is times.

    Example:
        >>> import upriver as ur
        >>> ur.addmv(ur.ones(1), ur.ones(2, 3), ur.ones(3)).tolist()
        [4.0, 4.0]
    """
    return _plus_product(input, mv(mat, vec), beta, alpha)


@front_door
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)`` for batches of matrices; ``input`` broadcasts.

    Args:
        input: broadcasts to (batch, m, n).
        batch1: (batch, m, k).
        batch2: (batch, k, n).
        beta: what ``input`` is times.
        alpha: what the product is times.

    Example:
        >>> import upriver as ur
        >>> ur.baddbmm(ur.ones(1), ur.ones(4, 2, 3), ur.ones(4, 3, 1)).shape
        (4, 2, 1)
    """
    return _plus_product(input, bmm(batch1, batch2), beta, alpha)


@front_door
def kron(a: Any, b: Any) -> Tensor:
    """The Kronecker product: each entry of ``a`` replaced by itself times ``b``.

    Example:
        >>> import upriver as ur
        >>> ur.kron(ur.tensor([1.0, 10.0]), ur.tensor([1.0, 2.0])).tolist()
        [1.0, 2.0, 10.0, 20.0]
    """
    a, b = as_tensor(a), as_tensor(b)
    n = max(a.ndim, b.ndim)
    sa, sb = (1,) * (n - a.ndim) + a.shape, (1,) * (n - b.ndim) + b.shape
    left = reshape(a, tuple([m for x in sa for m in (x, 1)]))
    right = reshape(b, tuple([m for x in sb for m in (1, x)]))
    return reshape(left * right, tuple([x * y for x, y in zip(sa, sb, strict=True)]))
