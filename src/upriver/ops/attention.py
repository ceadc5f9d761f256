"""Scaled dot-product attention: each query takes a weighted mean of the values."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Formula, Op
from ..core.registry import front_door, ops
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ArgumentError, DTypeError, ShapeError
from .align import broadcast_shapes, same_dtype
from .fresh import multiply_into
from .linalg import matmul
from .reduce import vecdot
from .shape import transpose
from .softmax import SAFE, exponentials
from .sums import add_up

Shape = tuple[int, ...]


def _attention_weights_array(scores: Array, mask: Array) -> Array:
    dims = (scores.ndim - 1,)
    if scores.dtype.char in "fd" and scores.size and scores.max() <= SAFE:
        # As in softmax: where nothing overflows and no row's sum is tiny, no shift is needed.
        e = np.exp(scores)
        e *= mask
        s = add_up(e, dims, True)
        if s.min() >= math.exp(-SAFE):
            e /= s
            return e
    z = scores.copy()
    np.copyto(z, np.finfo(z.dtype).min, where=np.logical_not(mask))
    e, s, _ = exponentials(z, dims)
    e /= s
    e *= mask  # a row that excludes everything
    return e


def _attention_weights_recipe(m: Any, scores: Any, mask: Any) -> Any:
    z = m.where(mask, scores, float(np.finfo(scores.dtype).min))
    e = m.exp(z - m.max(z, -1, True))
    return e * (1.0 / m.sum(e, -1, True)) * m.cast(mask, e.dtype)


def _attention_weights_rule(ct: Any, y: Any, _scores: Any, _mask: Any) -> Any:
    return multiply_into(ct - vecdot(ct, y, dims=(y.ndim - 1,), keepdim=True), y)


def _weights_shape(s: Shape, mask: Shape) -> Shape:
    if broadcast_shapes("scaled_dot_product_attention (scores and mask)", s, mask) != s:
        raise ShapeError(f"scaled_dot_product_attention: a mask of shape {list(mask)} does not fit scores of {list(s)}")
    return s


_MASK = np.array([[True, False, False], [True, True, False]])
attention_weights = Op(
    name="attention_weights",
    forward=_attention_weights_array,
    vjps=(_attention_weights_rule, None),
    shape=_weights_shape,
    dtype=same_dtype,
    formula=Formula("softmax({0} where {1})", r"\operatorname{{softmax}}\left({0} \mid {1}\right)", CALL),
    domain=REALS,
    flops=lambda out, *_: 6 * math.prod(out),
    lower=lambda m, scores, mask: _attention_weights_recipe(m, scores, mask),
    cases=(Case(((2, 3), _MASK)), Case(((4, 2, 3), _MASK)), Case(((1, 1), np.zeros((1, 1), np.bool_)))),
)
"""softmax(scores) along the last dimension over the entries that the mask allows; 0 elsewhere."""


@lru_cache(maxsize=16)
def _causal(queries: int, keys: int) -> Array:
    mask = np.tri(queries, keys, dtype=np.bool_)
    mask.flags.writeable = False
    return mask


@front_door
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(query · keyᵀ · scale) · value: for each query the mean of the values, weighted by how keys match.

    Args:
        query: (..., L, E).
        key: (..., S, E).
        value: (..., S, V).
        attn_mask: broadcasts to (..., L, S): boolean (True: may be looked at) or floating (added to the scores);
            or None. A query that may look at nothing gets 0.
        dropout_p: the share of weights dropped; 0 outside training.
        is_causal: whether query i may look only at keys up to i.
        scale: a factor of the scores; by default 1/√E.

    Returns:
        (..., L, V).

    Raises:
        ShapeError: shapes that do not fit.
        ArgumentError: both a mask and ``is_causal``.
        DTypeError: an integer mask.

    Source: Vaswani et al., "Attention is all you need" (2017), eq. 1.

    Example:
        >>> import upriver as ur
        >>> q = k = v = ur.eye(2)
        >>> ur.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)[0].tolist()
        [1.0, 0.0]
    """
    q, k, v = as_tensor(query), as_tensor(key), as_tensor(value)
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention: query {list(q.shape)}, key {list(k.shape)} and value {list(v.shape)} "
            "do not fit together",
            "They must be (..., L, E), (..., S, E) and (..., S, V).",
        )
    factor = 1.0 / math.sqrt(max(1, q.shape[-1])) if scale is None else float(scale)
    scores = matmul(q * factor, transpose(k, -2, -1))
    if is_causal:
        if attn_mask is not None:
            raise ArgumentError(
                "scaled_dot_product_attention: both attn_mask and is_causal are given",
                "Combine them in one mask: attn_mask & ur.ones(L, S).tril().bool().",
            )
        weights = attention_weights(scores, literal(_causal(q.shape[-2], k.shape[-2])))
    elif attn_mask is None:
        weights = ops.softmax(scores, -1)
    else:
        mask = as_tensor(attn_mask)
        if mask.dtype.kind == "b":
            weights = attention_weights(scores, mask)
        elif mask.dtype.kind == "f":
            weights = ops.softmax(scores + mask, -1)
        else:
            raise DTypeError(
                f"scaled_dot_product_attention: the mask has dtype {mask.dtype}", "Use bool (True: look) or float."
            )
    if dropout_p:
        weights = ops.dropout(weights, dropout_p, True)
    return matmul(weights, v)
