"""A hundred steps of training, step by step the same as PyTorch's: four networks, one definition of each for both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import upriver as ur

torch = pytest.importorskip("torch")
pytest.importorskip("upriver.nn.functional", exc_type=ImportError)

STEPS = 100


def network(kind: str, lib: Any) -> tuple[Any, Any, Any]:
    """A model of ``kind`` in ``lib`` (upriver or torch), its loss on a batch, and its optimiser."""
    nn, F = lib.nn, lib.nn.functional

    class Perceptron(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 4))

        def forward(self, x: Any) -> Any:
            return self.layers(x)

    class Convolutional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
            self.norm1 = nn.BatchNorm2d(6)
            self.conv2 = nn.Conv2d(6, 8, 3, stride=2, bias=False)
            self.head = nn.Linear(8, 4)

        def forward(self, x: Any) -> Any:
            x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
            x = F.gelu(self.conv2(x))
            return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(11, 6)
            self.gru = nn.GRU(6, 12, num_layers=2, batch_first=True)
            self.head = nn.Linear(12, 11)

        def forward(self, x: Any) -> Any:
            out, _ = self.gru(self.embed(x))
            return self.head(out)

    class Attention(nn.Module):
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.c_attn = nn.Linear(width, 3 * width)
            self.c_proj = nn.Linear(width, width)

        def forward(self, x: Any) -> Any:
            B, T, C = x.size()
            q, k, v = self.c_attn(x).split(C, dim=2)
            q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))

    class Block(nn.Module):
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.ln_1 = nn.LayerNorm(width)
            self.attn = Attention(width, heads)
            self.ln_2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):
        def __init__(self, vocabulary: int = 11, width: int = 16, context: int = 8) -> None:
            super().__init__()
            self.wte = nn.Embedding(vocabulary, width)
            self.wpe = nn.Embedding(context, width)
            self.blocks = nn.ModuleList([Block(width, 4) for _ in range(2)])
            self.ln_f = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)
            self.wte.weight = self.head.weight  # one matrix for both, as in GPT-2

        def forward(self, x: Any) -> Any:
            x = self.wte(x) + self.wpe(lib.arange(x.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.ln_f(x))

    def classify(model: Any, x: Any, y: Any) -> Any:
        logits = model(x)
        return F.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1))

    def groups(model: Any) -> list[dict[str, Any]]:
        matrices = [p for p in model.parameters() if p.dim() >= 2]
        others = [p for p in model.parameters() if p.dim() < 2]
        return [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]

    optim = lib.optim
    if kind == "perceptron":
        model = Perceptron()
        return model, classify, optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    if kind == "convolutional":
        model = Convolutional()
        return model, classify, optim.RMSprop(model.parameters(), lr=1e-3)
    if kind == "gru":
        model = Recurrent()
        return model, classify, optim.Adam(model.parameters(), lr=1e-2)
    model = GPT()
    return model, classify, optim.AdamW(groups(model), lr=5e-3, betas=(0.9, 0.95))


def batches(kind: str, dtype: Any) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    rng = np.random.default_rng(7)
    found: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
    for _ in range(STEPS):
        if kind == "perceptron":
            x = rng.standard_normal((16, 10)).astype(dtype)
            y = (x[:, :4] + 0.3 * x[:, 4:8]).argmax(1)
        elif kind == "convolutional":
            y = rng.integers(0, 4, 8)
            x = 0.5 * rng.standard_normal((8, 1, 12, 12))
            for i, c in enumerate(y):  # a bright quarter
                x[i, 0, 6 * (c // 2) : 6 * (c // 2) + 6, 6 * (c % 2) : 6 * (c % 2) + 6] += 1
            x = x.astype(dtype)
        else:
            start, step = rng.integers(0, 11, (8, 1)), rng.integers(1, 3, (8, 1))
            text = (start + step * np.arange(9)) % 11
            x, y = text[:, :-1], text[:, 1:]
        found.append((np.ascontiguousarray(x), np.ascontiguousarray(y, dtype=np.int64)))
    return found


def trajectory(kind: str, lib: Any, dtype: Any, weights: dict[str, Any]) -> tuple[list[float], dict[str, Any]]:
    """The losses of every step, and the weights afterwards."""
    model, loss_of, optimizer = network(kind, lib)
    if dtype == np.float64:
        model = model.double()
    model.load_state_dict({name: lib.tensor(value) for name, value in weights.items()})
    schedule = lib.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=optimizer.param_groups[0]["lr"], total_steps=STEPS)
    losses: list[float] = []
    for x, y in batches(kind, dtype):
        loss = loss_of(model, lib.tensor(x), lib.tensor(y))
        optimizer.zero_grad()
        loss.backward()
        if kind == "gru":
            lib.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses, {name: value.detach().numpy() for name, value in model.state_dict().items()}


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-9)], ids=["float32", "float64"])
@pytest.mark.parametrize("kind", ["perceptron", "convolutional", "gru", "gpt"])
def test_a_hundred_steps(kind: str, dtype: Any, tolerance: float) -> None:
    torch.manual_seed(1)
    weights = {k: v.detach().numpy().copy() for k, v in network(kind, torch)[0].state_dict().items()}
    weights = {k: v.astype(dtype) if v.dtype.kind == "f" else v for k, v in weights.items()}
    ours, end = trajectory(kind, ur, dtype, weights)
    theirs, their_end = trajectory(kind, torch, dtype, weights)
    assert not math.isnan(theirs[-1])
    assert np.mean(theirs[-10:]) < 0.8 * np.mean(theirs[:5])  # it does learn: the comparison means something
    np.testing.assert_allclose(ours, theirs, rtol=tolerance)
    assert list(end) == list(their_end)
    if dtype == np.float32:
        return  # biases of keys, and before a normalisation, change nothing: Adam makes much of their gradients' noise
    for name, value in end.items():
        np.testing.assert_allclose(value, their_end[name], rtol=1e-7, atol=1e-8, err_msg=name)
