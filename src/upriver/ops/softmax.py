"""Softmax and its logarithm, and log-sum-exp: stable for any logits.

The largest logit of each row is subtracted first, so that nothing overflows (Goodfellow, Bengio and Courville,
"Deep Learning" (2016), section 4.1). Finding it costs more than the exponentials, so the kernels first try
without: where no exponential overflows and no row's sum is tiny, the shift would have changed nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import as_dtype, get_default_dtype
from ..core.op import CALL, REALS, Case, Formula, Op, call
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor
from .align import cast, same_dtype
from .elementwise import exp, where
from .fresh import multiply_into, subtract_from
from .reduce import REDUCE_CASES, dims_of, reduced_shape, sum, vecdot
from .shape import axis, reshape
from .sums import add_up, kept

Shape = tuple[int, ...]
SAFE = 20.0  # e²⁰ times the longest row is far from overflow, e⁻²⁰ far from underflow, in float32


def exponentials(z: Array, dims: Shape) -> tuple[Array, Array, Any]:
    """e^(z − shift), its sum over ``dims`` and the shift, which is 0.0 where none is needed; dimensions kept."""
    if z.dtype.char in "fd" and z.size and z.max() <= SAFE:
        e = np.asarray(np.exp(z))
        s = np.asarray(add_up(e, dims, True))
        if s.min() >= math.exp(-SAFE):
            return e, s, 0.0
    if z.size == 0 and any(z.shape[d] == 0 for d in dims):
        shift = np.full(kept(z.shape, dims), -math.inf, z.dtype)
        return np.exp(z), np.zeros_like(shift), shift
    shift = largest(z, dims)
    with np.errstate(invalid="ignore"):  # -inf - -inf: a row that excludes everything
        e = np.asarray(np.subtract(z, shift))
    np.exp(e, out=e)
    return e, np.asarray(add_up(e, dims, True)), shift


def largest(z: Array, dims: Shape) -> Array:
    """The largest entry over ``dims``, kept. NumPy finds where it is in half the time it takes to find it."""
    if len(dims) == 1 and dims[0] == z.ndim - 1 and z.shape[-1] <= 4096:
        return np.take_along_axis(z, z.argmax(axis=-1, keepdims=True), axis=-1)
    return np.asarray(np.maximum.reduce(z, axis=dims, keepdims=True))


def _softmax_array(z: Array, dim: int) -> Array:
    e, s, _ = exponentials(z, (dim,) if z.ndim else ())
    e /= s
    return e


def _log_softmax_array(z: Array, dim: int) -> Array:
    dims = (dim,) if z.ndim else ()
    e, s, shift = exponentials(z, dims)
    np.log(s, out=s)
    if isinstance(shift, np.ndarray):
        np.subtract(z, shift, out=e)  # first: next to a large logit the logarithm would be rounded away
        e -= s
        return e
    return np.subtract(z, s, out=e)


def _softmax_recipe(m: Any, z: Any, dim: int) -> Any:
    dims = (dim,) if z.ndim else ()
    e = m.exp(z - m.max(z, dims, True))
    return e * (1.0 / m.sum(e, dims, True))  # one division for each row; the sum is at least 1


def _log_softmax_recipe(m: Any, z: Any, dim: int) -> Any:
    dims = (dim,) if z.ndim else ()
    shifted = z - m.max(z, dims, True)
    return shifted - m.log(m.sum(m.exp(shifted), dims, True))


def _softmax_rule(ct: Any, y: Any, _z: Any, dim: int) -> Any:
    return multiply_into(ct - vecdot(ct, y, dims=(dim,) if y.ndim else (), keepdim=True), y)


def _log_softmax_rule(ct: Any, y: Any, _z: Any, dim: int) -> Any:
    return subtract_from(ct, multiply_into(exp(y), sum(ct, dim, True)))


_CASES = (
    Case(((2, 3),), {"dim": 1}),
    Case(((4, 2, 3),), {"dim": 0}),
    Case(((),), {"dim": 0}),
    Case(((0, 3),), {"dim": 1}),
    Case(((2, 1),), {"dim": 1}),
)


def _row_flops(out: Shape, *_: Any, **__: Any) -> int:
    return 5 * math.prod(out)


_softmax = Op(
    name="softmax",
    forward=_softmax_array,
    vjps=(_softmax_rule,),
    shape=lambda s, dim: s,
    dtype=same_dtype,
    formula=call("softmax"),
    domain=REALS,
    flops=_row_flops,
    lower=lambda m, z, dim: _softmax_recipe(m, z, dim),
    cases=_CASES,
)
_log_softmax = Op(
    name="log_softmax",
    forward=_log_softmax_array,
    vjps=(_log_softmax_rule,),
    shape=lambda s, dim: s,
    dtype=same_dtype,
    formula=Formula("log_softmax({0})", r"\ln \operatorname{{softmax}}\left({0}\right)", CALL),
    domain=REALS,
    flops=_row_flops,
    lower=lambda m, z, dim: _log_softmax_recipe(m, z, dim),
    cases=_CASES,
)


def _as_logits(x: Any, dtype: Any) -> Any:
    if not isinstance(x, (Tensor, np.ndarray)):
        x = as_tensor(x)
    wanted = as_dtype(dtype) if dtype is not None else x.dtype if x.dtype.kind == "f" else get_default_dtype()
    return x if x.dtype == wanted else cast(x, dtype=wanted)


@front_door
def softmax(x: Any, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> Any:
    """Positive numbers that add up to 1 along ``dim``: e^x divided by its sum.

    Args:
        x: logits, of any shape and size: ±1e4 and −inf are fine.
        dim: the dimension along which they add up to 1; needed.
        dtype: to convert to first.
        axis: NumPy's name of ``dim``.

    Raises:
        DimError: there is no such dimension.
        TypeError: no ``dim`` is given.

    Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990), eq. 6.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([0.0, 0.0]).softmax(dim=0).tolist()
        [0.5, 0.5]
    """
    x = _as_logits(x, dtype)
    return _softmax(x, dim=_which("softmax", dim if axis is None else axis, x.ndim))


@front_door
def log_softmax(x: Any, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> Any:
    """The logarithm of :func:`softmax`, without overflow and without the logarithm of 0.

    Args:
        x: any shape, floating.
        dim: along which the exponentials add up to 1.
        dtype: to convert to first.
        axis: NumPy's name for ``dim``.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([0.0, -10000.0]).log_softmax(dim=0).tolist()
        [0.0, -10000.0]
    """
    x = _as_logits(x, dtype)
    return _log_softmax(x, dim=_which("log_softmax", dim if axis is None else axis, x.ndim))


@front_door
def softmin(x: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """The softmax of −x.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.softmin(ur.tensor([1.0, 1.0]), dim=0).tolist()
        [0.5, 0.5]
    """
    return softmax(-x, dim, dtype=dtype)


def _which(name: str, dim: int | None, ndim: int) -> int:
    if dim is None:
        raise TypeError(f"{name}: dim is missing: along which dimension shall the numbers add up to 1? As in dim=-1")
    return axis(name, dim, ndim)


def _logsumexp_array(x: Array, dims: Shape, keepdim: bool) -> Any:
    with np.errstate(divide="ignore"):
        if not np.all(np.isfinite(x)):
            return _logsumexp_of_any(x, dims, keepdim)
        _, s, shift = exponentials(x, dims)
        np.log(s, out=s)
    s += shift
    return s if keepdim else s.reshape(reduced_shape(x.shape, dims, False))


def _logsumexp_of_any(x: Array, dims: Shape, keepdim: bool) -> Any:
    """Rows of −inf give −inf, rows with +inf give +inf: an infinite shift would give NaN."""
    shift = np.maximum.reduce(x, axis=dims, keepdims=True, initial=-math.inf)
    shift = np.where(np.isinf(shift), 0.0, shift).astype(x.dtype)
    with np.errstate(over="ignore"):
        out = np.asarray(np.log(np.add.reduce(np.exp(x - shift), axis=dims, keepdims=True))) + shift
    return out if keepdim else out.reshape(reduced_shape(x.shape, dims, False))


def _logsumexp_recipe(m: Any, x: Any, dims: Shape, keepdim: bool) -> Any:
    shift = m.max(x, dims, True)
    shift = m.where(m.fabs(shift) == math.inf, 0.0, shift)
    return m.reshape(m.log(m.sum(m.exp(x - shift), dims, True)) + shift, reduced_shape(x.shape, dims, keepdim))


def _logsumexp_rule(ct: Any, y: Any, x: Any, dims: Shape, keepdim: bool) -> Any:
    shape = kept(x.shape, dims)
    lse = reshape(y, shape)
    # A row of -inf: nothing in it counts.
    return multiply_into(exp(x - where(lse == -math.inf, 0.0, lse)), reshape(ct, shape))


_logsumexp = Op(
    name="logsumexp",
    forward=_logsumexp_array,
    vjps=(_logsumexp_rule,),
    shape=reduced_shape,
    dtype=same_dtype,
    formula=Formula("logsumexp({0})", r"\ln \sum e^{{{0}}}", CALL),
    domain=REALS,
    flops=lambda out, s, **_: 4 * math.prod(s),
    lower=lambda m, x, dims, keepdim: _logsumexp_recipe(m, x, dims, keepdim),
    cases=REDUCE_CASES,
)


@front_door
def logsumexp(x: Any, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    """``log ∑ e^x`` over ``dim``, without overflow; −inf where all entries are −inf.

    Args:
        x: any shape, floating.
        dim: a dimension, several, or None for all.
        keepdim: keep the reduced dimensions, with length 1.
        **kwargs: ``axis`` and ``keepdims``, NumPy's names, are accepted.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1000.0, -1000.0]).logsumexp(0).item()
        1000.0
    """
    x = _as_logits(x, None)
    return _logsumexp(x, **dims_of("logsumexp", x, dim, keepdim, kwargs))
