"""A character transformer small enough to be watched, with taps on all that reaches a prediction.

A *tap* is a factor of 1 on the vector of an input symbol, on what a head found, or on what a part of a layer adds. The
gradient of the loss by a tap is the engine's answer to "what if this counted a little more?"; a forward pass with the
tap at 0 is the measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import upriver as ur
import upriver.nn.functional as F
from upriver import nn

PARTS = ("attention", "thinking")
"""The two parts of a layer: each adds to what was there."""


@dataclass(frozen=True)
class Size:
    """The shape of the network.

    Attributes:
        symbols: how many there are in the alphabet.
        context: how many it sees at once.
        layers, heads, width: of the transformer.
    """

    symbols: int
    context: int
    layers: int
    heads: int
    width: int


class Taps:
    """Factors of 1, or what they are turned to, for ``count`` runs side by side.

    Args:
        size: of the network.
        length: of the context.
        count: how many runs.
        grad: whether the loss is asked how it depends on them.

    Attributes:
        symbols: (count, length, 1); heads: (layers, count, heads, 1, 1); parts: (layers, 2, count, 1, 1).
    """

    def __init__(self, size: Size, length: int, count: int = 1, grad: bool = False) -> None:
        def ones(*shape: int) -> Any:
            return ur.tensor(np.ones(shape, np.float32), requires_grad=grad)

        self.symbols = ones(count, length, 1)
        self.heads = ones(size.layers, count, size.heads, 1, 1)
        self.parts = ones(size.layers, len(PARTS), count, 1, 1)


class Embed(nn.Module):
    """Each symbol as a vector, to which the vector of its place is added."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.symbol = nn.Embedding(size.symbols, size.width)
        self.place = nn.Embedding(size.context, size.width)
        for table in (self.symbol, self.place):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, symbols: Any, taps: Taps | None) -> Any:
        x = self.symbol(symbols)
        x = x if taps is None else x * taps.symbols
        return x + self.place.weight[: symbols.shape[1]]


class Attention(nn.Module):
    """Every place asks all places up to its own, in several heads, and takes in what answers."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.ask = nn.Linear(size.width, 3 * size.width)
        self.mix = nn.Linear(size.width, size.width)

    def forward(self, x: Any, tap: Any) -> Any:
        b, t, w = x.shape
        q, k, v = [part.reshape(b, t, self.heads, w // self.heads).transpose(1, 2) for part in self.ask(x).chunk(3, 2)]
        found = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        found = found if tap is None else found * tap
        return self.mix(found.transpose(1, 2).reshape(b, t, w))


class Layer(nn.Module):
    """Look around, then think: each adds to what was there."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(size.width), Attention(size)
        self.norm2 = nn.LayerNorm(size.width)
        self.thinking = nn.Sequential(
            nn.Linear(size.width, 4 * size.width), nn.ReLU(), nn.Linear(4 * size.width, size.width)
        )

    def forward(self, x: Any, heads: Any, parts: Any) -> Any:
        seen = self.attention(self.norm1(x), heads)
        x = x + (seen if parts is None else seen * parts[0])
        thought = self.thinking(self.norm2(x))
        return x + (thought if parts is None else thought * parts[1])


class CharTransformer(nn.Module):
    """Symbols (B, T), int64 → for each place the scores of what comes next, (B, T, symbols).

    Example:
        >>> import upriver as ur
        >>> model = CharTransformer(Size(symbols=5, context=8, layers=1, heads=2, width=4))
        >>> model(ur.zeros(3, 8).long()).shape
        (3, 8, 5)
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.embed = Embed(size)
        self.layers = nn.ModuleList([Layer(size) for _ in range(size.layers)])
        self.norm = nn.LayerNorm(size.width)
        self.scores = nn.Linear(size.width, size.symbols)

    def forward(self, symbols: Any, taps: Taps | None = None) -> Any:
        """The scores of the symbol after each place."""
        x = self.embed(symbols, taps)
        for i, layer in enumerate(self.layers):
            x = layer(x, None if taps is None else taps.heads[i], None if taps is None else taps.parts[i])
        return self.scores(self.norm(x))

    def loss(self, symbols: Any, following: Any) -> Any:
        """How surprised it is on the whole: symbols (B, T), and at each place the symbol that follows."""
        return F.cross_entropy(self(symbols).reshape(-1, self.size.symbols), following.reshape(-1))

    def surprise(self, symbols: Any, right: Any, taps: Taps | None = None, reduction: str = "mean") -> Any:
        """−ln of the probability that it gives to ``right`` (B,) after the last of the symbols (B, T)."""
        return F.cross_entropy(self(symbols, taps)[:, -1], right, reduction=reduction)
