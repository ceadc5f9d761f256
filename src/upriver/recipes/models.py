"""The recipes' networks, written out as anyone would write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upriver import Tensor, nn

from .base import activation


class MLP(nn.Module):
    """A multilayer perceptron: linear layers with an activation, and dropout, between them.

    Args:
        inputs: how many numbers go in; images are laid out flat.
        hidden: the widths of the hidden layers.
        outputs: how many numbers come out.
        act: the activation's name.
        dropout: the share of hidden units left out in training.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int, act: str = "relu", dropout: float = 0.0):
        super().__init__()
        widths = [inputs, *hidden]
        self.hidden = nn.ModuleList([nn.Linear(a, b) for a, b in zip(widths, hidden, strict=False)])
        self.act = activation(act)
        self.dropout = nn.Dropout(dropout) if dropout else None
        self.output = nn.Linear(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) → (N, outputs)."""
        x = x.flatten(1)
        for layer in self.hidden:
            x = self.act(layer(x))
            if self.dropout is not None:
                x = self.dropout(x)
        return self.output(x)


class ConvNet(nn.Module):
    """A small convolutional network: two convolutions with pooling, and two linear layers.

    After LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998).

    Args:
        side: height and width of the images, which have one channel.
        hidden: the width of the hidden linear layer.
        outputs: how many classes.
        act: the activation's name.
        dropout: the share of hidden units left out in training.
        channels: of the first convolution; the second has twice as many.
    """

    def __init__(
        self, side: int, hidden: int, outputs: int, act: str = "relu", dropout: float = 0.0, channels: int = 16
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.act = activation(act)
        self.dropout = nn.Dropout(dropout)
        self.small = side < 16  # pooling twice would leave too little of a small image
        side = side // 2 if self.small else side // 4
        self.hidden = nn.Linear(2 * channels * side**2, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, side, side) → (N, outputs)."""
        x = self.act(self.conv1(x))
        if not self.small:
            x = self.pool(x)
        x = self.pool(self.act(self.conv2(x)))
        x = self.dropout(self.act(self.hidden(x.flatten(1))))
        return self.output(x)


class CharMLP(nn.Module):
    """Predicts the next character from those before: an embedding of each, side by side, through one hidden layer.

    After Bengio, Ducharme, Vincent and Jauvin, "A neural probabilistic language model" (2003), section 2.

    Args:
        characters: how many there are.
        context: how many are looked at.
        hidden: the widths of the hidden layers.
        act: the activation's name.
        dropout: the share of hidden units left out in training.
        width: of the embedding.
    """

    def __init__(
        self, characters: int, context: int, hidden: Sequence[int], act: str, dropout: float = 0.0, width: int = 12
    ):
        super().__init__()
        self.embedding = nn.Embedding(characters, width)
        self.mlp = MLP(context * width, hidden, characters, act, dropout)

    def forward(self, x: Any) -> Tensor:
        """Character numbers (N, context) → a score for each next character, (N, characters)."""
        return self.mlp(self.embedding(x))
