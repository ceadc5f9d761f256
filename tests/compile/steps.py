"""Training steps of many kinds of networks, small enough for tests; each can be made twice, exactly alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import upriver as ur
from upriver import nn
from upriver.core.tensor import Tensor
from upriver.nn import functional as F

Batch = tuple[Tensor, ...]


class Training(NamedTuple):
    """A network with its optimiser, its loss and its batches."""

    model: Any
    optimizer: Any
    loss: Callable[..., Tensor]
    batches: list[Batch]

    def step(self, *batch: Tensor) -> Tensor:
        """One step: the loss before it is returned."""
        self.optimizer.zero_grad()
        loss = self.loss(self.model, *batch)
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self) -> Iterator[tuple[str, Any]]:
        """The name and the array of each parameter, buffer and slot of the optimiser."""
        for name, tensor in self.model.state_dict().items():
            yield name, tensor.array
        for i, p in enumerate(self.model.parameters()):
            for name, value in self.optimizer.state.get(p, {}).items():
                yield f"{i}.{name}", np.asarray(getattr(value, "array", value))


class Residual(nn.Module):
    def __init__(self, width: int = 6, depth: int = 8) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(depth)])

    def forward(self, x: Any) -> Any:
        for block, norm in zip(self.blocks, self.norms, strict=True):
            x = x + F.gelu(block(norm(x)))
        return x.mean(-1)


class Embedded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 4)
        self.first = nn.Linear(12, 16, bias=False)
        self.norm = nn.BatchNorm1d(16)
        self.last = nn.Linear(16, 5)

    def forward(self, x: Any) -> Any:
        return self.last(ur.tanh(self.norm(self.first(self.table(x).flatten(1)))))


class Attention(nn.Module):
    def __init__(self, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Any) -> Any:
        b, t, c = x.shape
        q, k, v = self.qkv(self.first(x)).reshape(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
        return x + self.mlp(self.second(x))


class Gpt(nn.Module):
    def __init__(self, words: int = 13, length: int = 6, width: int = 8) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(Attention(width), Attention(width))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, x: Any) -> Any:
        places = ur.arange(x.shape[1])
        return self.head(self.norm(self.blocks(self.words(x) + self.places(places)))).transpose(1, 2)


class Recurrent(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.table, self.cell, self.head = nn.Embedding(7, 5), kind(5, 6, batch_first=True), nn.Linear(6, 7)

    def forward(self, x: Any) -> Any:
        return self.head(self.cell(self.table(x))[0]).transpose(1, 2)


def _lenet() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 5),
    )  # fmt: skip


def _images() -> Any:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.SiLU(),
        nn.Conv2d(4, 4, 3, groups=2), nn.GroupNorm(2, 4), nn.ELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip


def _mlp() -> Any:
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))


def _dropout() -> Any:
    return nn.Sequential(
        nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 8), nn.Dropout(0.1), nn.Linear(8, 3)
    )


def _squared(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(model(x), y)


def _classes(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y)


def _ignoring(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y, ignore_index=0)


def _smooth(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y, label_smoothing=0.1)


def _numbers(*shape: int) -> Callable[[Any], Tensor]:
    return lambda generator: ur.randn(shape, generator=generator)


def _integers(high: int, *shape: int) -> Callable[[Any], Tensor]:
    return lambda generator: ur.randint(0, high, shape, generator=generator)


Sample = Callable[[Any], Tensor]
NETWORKS: dict[str, tuple[Callable[[], Any], Callable[..., Tensor], tuple[Sample, ...]]] = {
    "mlp": (_mlp, _classes, (_numbers(7, 4), _integers(3, 7))),
    "regression": (_mlp, _squared, (_numbers(7, 4), _numbers(7, 3))),
    "residual": (Residual, _squared, (_numbers(5, 6), _numbers(5))),
    "lenet": (_lenet, _classes, (_numbers(3, 1, 8, 8), _integers(5, 3))),
    "images": (_images, _smooth, (_numbers(3, 2, 7, 7), _integers(3, 3))),
    "embedded": (Embedded, _classes, (_integers(11, 9, 3), _integers(5, 9))),
    "gpt": (Gpt, _classes, (_integers(13, 2, 6), _integers(13, 2, 6))),
    "padded": (Gpt, _ignoring, (_integers(13, 2, 6), _integers(4, 2, 6))),
    "rnn": (lambda: Recurrent(nn.RNN), _classes, (_integers(7, 3, 5), _integers(7, 3, 5))),
    "gru": (lambda: Recurrent(nn.GRU), _classes, (_integers(7, 3, 5), _integers(7, 3, 5))),
    "lstm": (lambda: Recurrent(nn.LSTM), _classes, (_integers(7, 3, 5), _integers(7, 3, 5))),
    "dropout": (_dropout, _classes, (_numbers(7, 4), _integers(3, 7))),
}

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda p: ur.optim.SGD(p, lr=0.05),
    "sgd decay": lambda p: ur.optim.SGD(p, lr=0.05, weight_decay=0.01, maximize=True),
    "momentum": lambda p: ur.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "dampened": lambda p: ur.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.5),
    "nesterov": lambda p: ur.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: ur.optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: ur.optim.Adam(p, lr=0.01, weight_decay=0.1, amsgrad=True),
    "adamw": lambda p: ur.optim.AdamW(p, lr=0.01),
    "nadam": lambda p: ur.optim.NAdam(p, lr=0.01, weight_decay=0.1, decoupled_weight_decay=True),
    "radam": lambda p: ur.optim.RAdam(p, lr=0.01, betas=(0.9, 0.99)),
    "adagrad": lambda p: ur.optim.Adagrad(p, lr=0.05, lr_decay=0.01),
    "rmsprop": lambda p: ur.optim.RMSprop(p, lr=0.01),
    "rmsprop centered": lambda p: ur.optim.RMSprop(p, lr=0.01, momentum=0.9, centered=True, weight_decay=0.1),
}


def training(network: str = "mlp", optimizer: str = "adamw", batches: int = 4, seed: int = 0) -> Training:
    """A training by name: the same one, bit for bit, for the same arguments."""
    make, loss, samples = NETWORKS[network]
    generator = ur.Generator().manual_seed(seed + 1)
    ur.manual_seed(seed)
    model = make()
    data = [tuple([sample(generator) for sample in samples]) for _ in range(batches)]
    return Training(model, OPTIMIZERS[optimizer](model.parameters()), loss, data)
