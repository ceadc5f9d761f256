"""The workloads: models written once in the names that PyTorch and Upriver share, and their data.

Every workload starts from the same parameters and sees the same 16 batches in every engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BATCHES = 16


@dataclass(frozen=True)
class Workload:
    """What a training step is.

    ``sizes`` are the widths of a perceptron; of the others: gpt (characters, context, width, heads, layers), residual
    (width, blocks, classes), names (characters, context, width of the embedding, hidden), gru and lstm (steps, inputs,
    hidden, classes).
    """

    kind: str
    batch: int
    optimizer: str
    lr: float
    sizes: tuple[int, ...] = ()
    by_hand: bool = False


WORKLOADS = {
    "mlp-16": Workload("hinge", 100, "sgd", 0.05, (2, 16, 16, 1), by_hand=True),
    "mlp-256": Workload("mlp", 128, "adam", 3e-4, (784, 256, 128, 10), by_hand=True),
    "mlp-512": Workload("mlp", 256, "sgd", 0.01, (784, 512, 10), by_hand=True),
    "lenet": Workload("lenet", 64, "adam", 3e-4),
    "gpt": Workload("gpt", 16, "adamw", 1e-3, (65, 64, 64, 4, 4)),
}
MORE = {
    "mlp-4096": Workload("mlp", 256, "sgd", 0.01, (1024, 4096, 4096, 10), by_hand=True),
    "mlp-odd": Workload("mlp", 50, "adam", 1e-3, (123, 77, 301, 7), by_hand=True),
    "residual": Workload("residual", 32, "momentum", 1e-4, (64, 50, 10)),
    "names": Workload("names", 32, "sgd", 0.1, (27, 3, 10, 200)),
    "gru": Workload("gru", 32, "adam", 1e-3, (64, 32, 128, 10)),
    "lstm": Workload("lstm", 24, "adam", 1e-3, (32, 20, 96, 10)),
    "gpt-wide": Workload("gpt", 8, "adamw", 1e-3, (50, 48, 96, 3, 2)),
}
"""Further workloads, which compiled steps are timed on as well."""
ALL = {**WORKLOADS, **MORE}
L2 = 1e-4


def batches(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The data: 16 batches of inputs and targets, from one seed."""
    w, rng = ALL[name], np.random.default_rng(4321)
    out: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(BATCHES):
        if w.kind in ("gpt", "names"):
            characters, context = w.sizes[:2]
            text = rng.integers(0, characters, (w.batch, context + 1))
            target = text[:, 1:] if w.kind == "gpt" else text[:, -1]
            out.append((np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(target)))
            continue
        if w.kind in ("gru", "lstm"):
            x = rng.standard_normal((*w.sizes[:1], w.batch, w.sizes[1]), dtype=np.float32)
            out.append((x, rng.integers(0, w.sizes[-1], w.batch)))
            continue
        shape = (w.batch, 1, 28, 28) if w.kind == "lenet" else (w.batch, w.sizes[0])
        x = rng.random(shape, dtype=np.float32) * (rng.random(shape) < 0.3).astype(np.float32)
        if w.kind == "hinge":
            y = np.where(rng.random((w.batch, 1)) < 0.5, -1.0, 1.0).astype(np.float32)
        else:
            y = rng.integers(0, w.sizes[-1] if w.sizes else 10, w.batch)
        out.append((x, y))
    return out


def model(name: str, nn: Any, F: Any, like: Any) -> Any:
    """The model in the framework whose ``nn`` and ``nn.functional`` are given; ``like`` is the package itself."""
    w = ALL[name]

    class Perceptron(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(w.sizes, w.sizes[1:], strict=False)])

        def forward(self, x: Any) -> Any:
            for layer in list(self.layers)[:-1]:
                x = F.relu(layer(x))
            return self.layers[len(w.sizes) - 2](x)

    class LeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
            self.fc1, self.fc2 = nn.Linear(512, 128), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = F.max_pool2d(F.relu(self.conv1(x)), 2)
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            return self.fc2(F.relu(self.fc1(x.flatten(1))))

    class Block(nn.Module):
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.fc, self.out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            B, T, C = x.shape
            q, k, v = self.qkv(self.ln1(x)).split(C, dim=2)
            q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
            return x + self.out(F.gelu(self.fc(self.ln2(x)), approximate="tanh"))

    class CharacterModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            characters, context, width, heads, layers = w.sizes
            self.tokens = nn.Embedding(characters, width)
            self.positions = nn.Parameter(like.zeros(context, width))
            self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
            self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, characters)

        def forward(self, x: Any) -> Any:
            x = self.tokens(x) + self.positions
            for block in self.blocks:
                x = block(x)
            return self.head(self.ln(x)).flatten(0, 1)

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width, blocks, classes = w.sizes
            self.first = nn.ModuleList([nn.Linear(width, width) for _ in range(blocks)])
            self.second = nn.ModuleList([nn.Linear(width, width) for _ in range(blocks)])
            self.head = nn.Linear(width, classes)

        def forward(self, x: Any) -> Any:
            for first, second in zip(self.first, self.second, strict=True):
                x = x + second(F.relu(first(x)))
            return self.head(x)

    class Names(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            characters, context, width, hidden = w.sizes
            self.tokens = nn.Embedding(characters, width)
            self.hidden, self.norm = nn.Linear(context * width, hidden, bias=False), nn.BatchNorm1d(hidden)
            self.head = nn.Linear(hidden, characters)

        def forward(self, x: Any) -> Any:
            return self.head(like.tanh(self.norm(self.hidden(self.tokens(x).flatten(1)))))

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            _, inputs, hidden, classes = w.sizes
            self.cells = (nn.GRU if w.kind == "gru" else nn.LSTM)(inputs, hidden)
            self.head = nn.Linear(hidden, classes)

        def forward(self, x: Any) -> Any:
            return self.head(self.cells(x)[0][-1])

    kinds = {"lenet": LeNet, "gpt": CharacterModel, "residual": Residual, "names": Names}
    kinds |= {"gru": Recurrent, "lstm": Recurrent}
    return kinds.get(w.kind, Perceptron)()


def start(model: Any, to_tensor: Any) -> None:
    """Give every parameter its starting value, the same in every framework."""
    rng = np.random.default_rng(1234)
    values = dict(model.state_dict())  # buffers start alike in every framework
    for key, p in model.named_parameters():
        shape = tuple(p.shape)
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values[key] = to_tensor((rng.standard_normal(shape) / np.sqrt(max(fan_in, 100))).astype(np.float32))
    model.load_state_dict(values)


def optimizer(name: str, optim: Any, parameters: Any) -> Any:
    """The optimiser of a workload."""
    w = ALL[name]
    if w.optimizer == "momentum":
        return optim.SGD(parameters, lr=w.lr, momentum=0.9)
    return {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW}[w.optimizer](parameters, lr=w.lr)


def loss(name: str, F: Any, model: Any, parameters: list[Any], x: Any, y: Any) -> Any:
    """The loss of a workload: hinge with an L2 penalty, or cross-entropy."""
    out = model(x)
    if ALL[name].kind == "hinge":
        return F.relu(1 - y * out).mean() + L2 * sum((p * p).sum() for p in parameters)
    return F.cross_entropy(out, y.flatten())
