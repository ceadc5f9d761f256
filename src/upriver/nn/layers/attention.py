"""Attention: every place asks every other, and takes a weighted mean of what they say."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ...core.state import no_grad
from ...core.tensor import Tensor, literal
from ...errors import ArgumentError, DTypeError, ShapeError
from ...ops.elementwise import where
from .. import functional as F, init
from ..module import Module
from .linear import Linear
from .sizes import check_divides, check_probability, check_size, empty


class MultiheadAttention(Module):
    """Several attentions side by side, each on its own part of the width, their results mixed by a linear layer.

    ``softmax(Q Kᵀ / √d) V`` in each head, with Q, K, V linear in query, key and value.

    Args:
        embed_dim: width of query and output; divisible by ``num_heads``.
        num_heads: number of heads.
        dropout: the probability with which attention weights are dropped while training.
        bias: whether the linear layers have biases.
        add_bias_kv: not available.
        add_zero_attn: not available.
        kdim: width of the key; default ``embed_dim``.
        vdim: width of the value; default ``embed_dim``.
        batch_first: whether the batch comes first, (N, L, E), instead of the sequence, (L, N, E).
        device: the CPU.
        dtype: of the parameters; default float32.

    Raises:
        ArgumentError: the heads do not divide the width, or a size is not a whole number.

    Source: Vaswani and others, "Attention Is All You Need" (2017), section 3.2.

    Example:
        >>> import upriver as ur
        >>> attend = ur.nn.MultiheadAttention(8, num_heads=2, batch_first=True)
        >>> x = ur.zeros(3, 5, 8)
        >>> output, weights = attend(x, x, x)
        >>> output.shape, weights.shape
        ((3, 5, 8), (3, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_size("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        check_divides("MultiheadAttention", "num_heads", "embed_dim", num_heads=num_heads, embed_dim=embed_dim)
        if add_bias_kv or add_zero_attn:
            raise ArgumentError("MultiheadAttention: add_bias_kv and add_zero_attn are not available")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.dropout, self.batch_first = check_probability("MultiheadAttention", dropout), batch_first
        same = self.kdim == self.vdim == embed_dim
        new = partial(empty, dtype=dtype, device=device)
        self.register_parameter("in_proj_weight", new(3 * embed_dim, embed_dim) if same else None)
        for name, width in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            self.register_parameter(f"{name}_proj_weight", None if same else new(embed_dim, width))
        self.register_parameter("in_proj_bias", new(3 * embed_dim) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the input products anew, by Glorot and Bengio's rule; biases 0."""
        for p in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if p is not None:
                init.xavier_uniform_(p)
        for p in (self.in_proj_bias, self.out_proj.bias):
            if p is not None:
                init.zeros_(p)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the attention weights if ``need_weights`` (without them it is faster).

        Args:
            query: (L, N, E), (N, L, E) if ``batch_first``, or (L, E).
            key: (S, N, kdim), ordered alike.
            value: (S, N, vdim), ordered alike.
            key_padding_mask: (N, S) or (S,): True for keys to leave out, or numbers to add to their scores.
            need_weights: whether the weights are returned too.
            attn_mask: (L, S) or (N·heads, L, S): True where not to attend, or numbers to add to the scores.
            average_attn_weights: whether the weights are averaged over the heads.
            is_causal: leave out all keys after the query's place, if ``attn_mask`` does not say which.

        Returns:
            An output shaped like the query, and weights (N, L, S), or (N, heads, L, S) if not averaged, or None.

        Raises:
            ShapeError: the inputs or the masks do not fit together.
        """
        single = query.ndim == 2
        if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
            raise ShapeError(
                f"MultiheadAttention: query, key and value have shapes {list(query.shape)}, {list(key.shape)}, "
                f"{list(value.shape)}",
                "All three have 3 dimensions, or all three 2.",
            )
        q, k, v = self._heads(query, key, value, single)
        n, _, length, _ = q.shape
        mask = self._mask(attn_mask, key_padding_mask, n, length, k.shape[2], is_causal, q.dtype)
        p = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = q * (1 / math.sqrt(self.head_dim)) @ k.transpose(-2, -1)
            weights = F.softmax(scores if mask is None else scores + mask, -1)
            weights = F.dropout(weights, p) if p else weights
            out = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
            weights = weights.squeeze(0) if single else weights
        else:
            causal = is_causal and attn_mask is None and key_padding_mask is None
            out = F.scaled_dot_product_attention(q, k, v, None if causal else mask, p, causal)
        out = out.permute(0, 2, 1, 3) if self.batch_first or single else out.permute(2, 0, 1, 3)
        out = self.out_proj(out.reshape(*out.shape[:2], self.embed_dim))
        return (out.squeeze(0) if single else out), weights

    def _heads(self, query: Any, key: Any, value: Any, single: bool) -> tuple[Any, Any, Any]:
        """Query, key and value multiplied in, each as (N, heads, length, head_dim)."""
        bias = self.in_proj_bias
        e = self.embed_dim
        order = (2, 0, 3, 1, 4) if self.batch_first or single else (2, 1, 3, 0, 4)
        if self.in_proj_weight is not None and query is key and key is value:
            x = F.linear(query, self.in_proj_weight, bias)
            x = x.unsqueeze(0) if single else x
            x = x.reshape(*x.shape[:2], 3, self.num_heads, self.head_dim).permute(*order)
            return x[0], x[1], x[2]
        found: list[Any] = []
        own = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        for i, x in enumerate((query, key, value)):
            part = slice(i * e, (i + 1) * e)
            weight = own[i] if self.in_proj_weight is None else self.in_proj_weight[part]
            x = F.linear(x, weight, None if bias is None else bias[part])
            x = x.unsqueeze(0) if single else x
            x = x.reshape(*x.shape[:2], self.num_heads, self.head_dim)
            found.append(x.permute(0, 2, 1, 3) if self.batch_first or single else x.permute(1, 2, 0, 3))
        return found[0], found[1], found[2]

    def _mask(self, attn_mask: Any, padding: Any, n: int, length: int, keys: int, is_causal: bool, dtype: Any) -> Any:
        """Both masks as numbers to add to scores (N, heads, L, S), or None."""
        if attn_mask is None and is_causal:
            attn_mask = literal(np.triu(np.ones((length, keys), np.bool_), 1))
        mask = None
        if attn_mask is not None:
            mask = _additive(attn_mask, dtype)
            if mask.ndim == 3 and mask.shape == (n * self.num_heads, length, keys):
                mask = mask.reshape(n, self.num_heads, length, keys)
            elif mask.shape != (length, keys):
                raise ShapeError(
                    f"MultiheadAttention: an attn_mask of shape {list(mask.shape)}",
                    f"It is ({length}, {keys}), or ({n * self.num_heads}, {length}, {keys}) for every head.",
                )
        if padding is not None:
            added = _additive(padding, dtype)
            added = added.unsqueeze(0) if added.ndim == 1 else added
            if added.shape != (n, keys):
                raise ShapeError(
                    f"MultiheadAttention: a key_padding_mask of shape {list(added.shape)}", f"It is ({n}, {keys})."
                )
            added = added.reshape(n, 1, 1, keys)
            mask = added if mask is None else mask + added
        return mask


def _additive(mask: Any, dtype: Any) -> Any:
    """A mask as numbers to add: True becomes −∞."""
    if mask.dtype.kind == "b":
        with no_grad():
            return where(mask, -math.inf, literal(np.zeros((), dtype)))
    if mask.dtype.kind != "f":
        raise DTypeError(f"a mask of dtype {mask.dtype}", "Use booleans (True: leave out) or numbers to add.")
    return mask if mask.dtype == dtype else mask.to(dtype)
