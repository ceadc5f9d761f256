"""Transformer blocks: attention and a small network, each with a highway around it and a normalisation.

Source: Vaswani and others, "Attention Is All You Need" (2017), section 3.1; normalising first: Xiong and
others, "On Layer Normalization in the Transformer Architecture" (2020).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ...core.tensor import Tensor
from ...errors import ArgumentError
from .. import functional as F
from ..container import ModuleList
from ..module import Module
from .attention import MultiheadAttention
from .dropout import Dropout
from .linear import Linear
from .norm import LayerNorm
from .sizes import check_size


def _activation(layer: str, activation: Any) -> Callable[[Any], Any]:
    if callable(activation):
        return activation
    if activation not in ("relu", "gelu"):
        raise ArgumentError(f"{layer}: there is no activation {activation!r}", "Use 'relu', 'gelu' or a function.")
    return F.relu if activation == "relu" else F.gelu


class TransformerEncoderLayer(Module):
    """Self-attention, then a network of two linear layers at every place.

    Args:
        d_model: width.
        nhead: number of heads; divides the width.
        dim_feedforward: width between the two linear layers.
        dropout: the probability with which entries are dropped while training.
        activation: ``"relu"``, ``"gelu"`` or a function.
        layer_norm_eps: added to the variances.
        batch_first: whether the batch comes first, (N, L, E), instead of the sequence, (L, N, E).
        norm_first: whether each part normalises its input, instead of the sum.
        bias: whether linear layers and normalisations have biases.
        device: the CPU.
        dtype: of the parameters; default float32.

    Example:
        >>> import upriver as ur
        >>> ur.nn.TransformerEncoderLayer(8, nhead=2, batch_first=True)(ur.zeros(3, 5, 8)).shape
        (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, device=device, dtype=dtype
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, device, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, device, dtype)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation("TransformerEncoderLayer", activation)

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        """A sequence, and one of the same shape; masks as in :class:`MultiheadAttention`."""
        x = src
        if self.norm_first:
            x = x + self._attend(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._feed(self.norm2(x))
        x = self.norm1(x + self._attend(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._feed(x))

    def _attend(self, x: Any, mask: Any, padding: Any, is_causal: bool) -> Any:
        out, _ = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
        )
        return self.dropout1(out)

    def _feed(self, x: Any) -> Any:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(Module):
    """Self-attention, attention to a memory, then a network of two linear layers at every place.

    Args: as :class:`TransformerEncoderLayer`.

    Example:
        >>> import upriver as ur
        >>> layer = ur.nn.TransformerDecoderLayer(8, nhead=2, batch_first=True)
        >>> layer(ur.zeros(3, 5, 8), ur.zeros(3, 7, 8)).shape
        (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Any = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        more: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **more)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **more)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **more)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **more)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **more)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **more)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, **more)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation("TransformerDecoderLayer", activation)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """A sequence and a memory → a sequence of the first one's shape."""
        x = tgt
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            y = self.norm1(x)
            x = x + self.dropout1(_attend(self.self_attn, y, y, *own))
            x = x + self.dropout2(_attend(self.multihead_attn, self.norm2(x), memory, *other))
            return x + self._feed(self.norm3(x))
        x = self.norm1(x + self.dropout1(_attend(self.self_attn, x, x, *own)))
        x = self.norm2(x + self.dropout2(_attend(self.multihead_attn, x, memory, *other)))
        return self.norm3(x + self._feed(x))

    def _feed(self, x: Any) -> Any:
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))


def _attend(attention: Module, x: Any, memory: Any, mask: Any, padding: Any, is_causal: bool) -> Any:
    out, _ = attention(
        x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
    )
    return out


def _copies(layer: Module, n: int) -> ModuleList:
    check_size("Transformer", num_layers=n)
    return ModuleList([copy.deepcopy(layer) for _ in range(n)])


class TransformerEncoder(Module):
    """Copies of an encoder layer, one after another.

    Args:
        encoder_layer: the layer to copy.
        num_layers: how often.
        norm: a normalisation for the end.
        enable_nested_tensor: accepted and not needed.
        mask_check: accepted and not needed.

    Example:
        >>> import upriver as ur
        >>> layer = ur.nn.TransformerEncoderLayer(8, nhead=2, batch_first=True)
        >>> ur.nn.TransformerEncoder(layer, num_layers=2)(ur.zeros(3, 5, 8)).shape
        (3, 5, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.register_module("norm", norm)

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Tensor:
        """A sequence, and one of the same shape; masks as in :class:`MultiheadAttention`."""
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Copies of a decoder layer, one after another, all of which see the same memory.

    Args:
        decoder_layer: the layer to copy.
        num_layers: how often.
        norm: a normalisation for the end.

    Example:
        >>> import upriver as ur
        >>> layer = ur.nn.TransformerDecoderLayer(8, nhead=2, batch_first=True)
        >>> ur.nn.TransformerDecoder(layer, num_layers=2)(ur.zeros(3, 5, 8), ur.zeros(3, 7, 8)).shape
        (3, 5, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.register_module("norm", norm)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """A sequence and a memory → a sequence of the first one's shape."""
        x = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)
