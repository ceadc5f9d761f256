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
    """What a training step is: sizes, batch and optimiser."""

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
    "gpt": Workload("gpt", 16, "adamw", 1e-3),
}
GPT = {"vocab": 65, "context": 64, "width": 64, "heads": 4, "layers": 4}
L2 = 1e-4


def batches(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The data: 16 batches of inputs and targets, from one seed."""
    w, rng = WORKLOADS[name], np.random.default_rng(4321)
    out = []
    for _ in range(BATCHES):
        if w.kind == "gpt":
            text = rng.integers(0, GPT["vocab"], (w.batch, GPT["context"] + 1))
            out.append((np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])))
            continue
        shape = (w.batch, 1, 28, 28) if w.kind == "lenet" else (w.batch, w.sizes[0])
        x = rng.random(shape, dtype=np.float32) * (rng.random(shape) < 0.3).astype(np.float32)
        if w.kind == "hinge":
            y = np.where(rng.random((w.batch, 1)) < 0.5, -1.0, 1.0).astype(np.float32)
        else:
            y = rng.integers(0, 10, w.batch)
        out.append((x, y))
    return out


def model(name: str, nn: Any, F: Any, like: Any) -> Any:
    """The model in the framework whose ``nn`` and ``nn.functional`` are given; ``like`` is the package itself."""
    w = WORKLOADS[name]

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
            width = GPT["width"]
            self.tokens = nn.Embedding(GPT["vocab"], width)
            self.positions = nn.Parameter(like.zeros(GPT["context"], width))
            self.blocks = nn.ModuleList([Block(width, GPT["heads"]) for _ in range(GPT["layers"])])
            self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, GPT["vocab"])

        def forward(self, x: Any) -> Any:
            x = self.tokens(x) + self.positions
            for block in self.blocks:
                x = block(x)
            return self.head(self.ln(x)).flatten(0, 1)

    return {"lenet": LeNet, "gpt": CharacterModel}.get(w.kind, Perceptron)()


def start(model: Any, to_tensor: Any) -> None:
    """Give every parameter its starting value, the same in every framework."""
    rng = np.random.default_rng(1234)
    values = {}
    for key, p in model.state_dict().items():
        shape = tuple(p.shape)
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values[key] = to_tensor((rng.standard_normal(shape) / np.sqrt(max(fan_in, 100))).astype(np.float32))
    model.load_state_dict(values)


def optimizer(name: str, optim: Any, parameters: Any) -> Any:
    """The optimiser of a workload."""
    w = WORKLOADS[name]
    return {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW}[w.optimizer](parameters, lr=w.lr)


def loss(name: str, F: Any, model: Any, parameters: list[Any], x: Any, y: Any) -> Any:
    """The loss of a workload: hinge with an L2 penalty, or cross-entropy."""
    out = model(x)
    if WORKLOADS[name].kind == "hinge":
        return F.relu(1 - y * out).mean() + L2 * sum((p * p).sum() for p in parameters)
    return F.cross_entropy(out, y.flatten())
