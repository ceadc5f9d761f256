"""Every layer, every loss and every optimiser, a hundred steps of training: compiled beside eager."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.core.tensor import Tensor
from upriver.nn import losses

from .compared import Twin, alike, random

pytest.importorskip("llvmlite")

STEPS = 100
PLAIN = [  # element by element, and what needs no argument
    nn.CELU, nn.ELU, nn.GELU, nn.SELU, nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.PReLU, nn.ReLU, nn.Sigmoid, nn.SiLU,
    nn.Softplus, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh,
    nn.ReLU6, nn.Softshrink, nn.Identity, nn.Flatten,
]  # fmt: skip
ROW, LINE, IMAGE, WORDS = (5, 6), (3, 4, 7), (2, 4, 6, 6), (3, 5, 8)
LAYERS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    **{cls.__name__: (cls, ROW) for cls in PLAIN},
    "GELU tanh": (lambda: nn.GELU("tanh"), ROW),
    "Threshold": (lambda: nn.Threshold(0.1, 0.5), ROW),
    "GLU": (nn.GLU, ROW),
    "Softmax": (lambda: nn.Softmax(1), ROW),
    "Softmin": (lambda: nn.Softmin(0), ROW),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), ROW),
    "Linear": (lambda: nn.Linear(6, 3), ROW),
    "Linear of one": (lambda: nn.Linear(6, 1, bias=False), ROW),
    "Linear of words": (lambda: nn.Linear(8, 7), WORDS),
    "Sequential": (lambda: nn.Sequential(nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, 2)), ROW),
    "Residual": (lambda: nn.Residual(nn.Linear(6, 6), nn.Tanh()), ROW),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(6), ROW),
    "BatchNorm1d of lines": (lambda: nn.BatchNorm1d(4), LINE),
    "BatchNorm1d counted": (lambda: nn.BatchNorm1d(6, momentum=None), ROW),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "LayerNorm": (lambda: nn.LayerNorm(6), ROW),
    "LayerNorm of two": (lambda: nn.LayerNorm((4, 7), bias=False), LINE),
    "RMSNorm": (lambda: nn.RMSNorm(6), ROW),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, affine=True, track_running_stats=True), LINE),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4), IMAGE),
    "Conv1d": (lambda: nn.Conv1d(4, 3, 3, padding=1), LINE),
    "Conv1d apart": (lambda: nn.Conv1d(4, 4, 2, stride=2, groups=2, bias=False), LINE),
    "Conv2d": (lambda: nn.Conv2d(4, 3, 3, padding=1, stride=2), IMAGE),
    "Conv2d depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4, dilation=2), IMAGE),
    "Conv2d of one": (lambda: nn.Conv2d(4, 5, 1), IMAGE),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 3, 3, stride=2), LINE),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1), IMAGE),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), LINE),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, 1), IMAGE),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, 1, 1), LINE),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), LINE),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((4, 3)), IMAGE),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(3), LINE),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d(4), IMAGE),
    "Dropout": (lambda: nn.Dropout(0.3), ROW),
    "Dropout1d": (lambda: nn.Dropout1d(0.3), LINE),
    "Dropout2d": (lambda: nn.Dropout2d(0.3), IMAGE),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 3)), ROW),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), IMAGE),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), IMAGE),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), IMAGE),
    "Upsample bilinear": (lambda: nn.Upsample((9, 7), mode="bilinear"), IMAGE),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 2, 0, 1)), IMAGE),
    "RNN": (lambda: nn.RNN(8, 5, num_layers=2, nonlinearity="relu"), WORDS),
    "GRU": (lambda: nn.GRU(8, 5, batch_first=True, bidirectional=True), WORDS),
    "LSTM": (lambda: nn.LSTM(8, 5, num_layers=2, dropout=0.2), WORDS),
    "RNNCell": (lambda: nn.RNNCell(6, 4), ROW),
    "GRUCell": (lambda: nn.GRUCell(6, 4), ROW),
    "LSTMCell": (lambda: nn.LSTMCell(6, 4), ROW),
    "MultiheadAttention": (lambda: _Attending(nn.MultiheadAttention(8, 2, batch_first=True)), WORDS),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1), WORDS),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True), 2),
        WORDS,
    ),
    "TransformerDecoderLayer": (lambda: _Decoding(nn.TransformerDecoderLayer(8, 2, 16, 0.0)), WORDS),
    "TransformerDecoder": (lambda: _Decoding(nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 1)), WORDS),
    "Bilinear": (lambda: _Twice(nn.Bilinear(6, 6, 3)), ROW),
    "Embedding": (lambda: _Words(nn.Embedding(9, 4, padding_idx=1)), ROW),
    "ModuleList": (lambda: _Parts(nn.ModuleList([nn.Linear(6, 6), nn.Tanh()])), ROW),
    "ModuleDict": (lambda: _Parts(nn.ModuleDict({"a": nn.Linear(6, 6), "b": nn.Tanh()}).values()), ROW),
}
WITHOUT = {"Module", "ParameterDict", "ParameterList", "Parameter", "Buffer"}  # not layers


class _Attending(nn.Module):
    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        attended, weights = self.layer(x, x * 0.5, x)
        return attended * weights.sum(-1, True)


class _Decoding(nn.Module):
    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, x.flip(0))


class _Twice(_Decoding):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, x * 2 - 1)


class _Words(_Decoding):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer((x.detach() * 3).abs().clamp(0, 8).long()) * x.sum()


class _Parts(nn.Module):
    def __init__(self, parts: Any) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x


class Scaled(nn.Module):
    """A layer behind a parameter, so that its input needs a gradient, too."""

    def __init__(self, layer: Any, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.scale, self.layer = nn.Parameter(ur.ones(shape[1:])), layer

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x * self.scale)
        while isinstance(y, tuple):
            y = y[0]
        return y


def _distance(model: Any, x: Tensor) -> Tensor:
    y = model(x)
    waves = ur.arange(y.numel()).reshape(y.shape).float().sin()
    return (y - waves).square().mean()


def test_every_layer_is_here() -> None:
    named = {name for name in nn.__all__ if inspect.isclass(getattr(nn, name)) and not name.endswith("Loss")}
    assert named - WITHOUT <= {name.split()[0] for name in LAYERS}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    make, shape = LAYERS[name]
    batches = [random(i, shape) for i in range(4)]
    sgd = lambda p: ur.optim.SGD(p, lr=0.02)
    native, _ = alike(lambda: Twin(Scaled(make(), shape), _distance, sgd), batches, steps=STEPS)
    assert native.recordings == 1


def _labels(n: int, c: int) -> Tensor:
    return ur.arange(n) % c


def _signs(n: int) -> Tensor:
    return (ur.arange(n) % 2 * 2 - 1).float()


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "MSELoss": lambda y: nn.MSELoss()(y, y.detach().sin()),
    "MSELoss sum": lambda y: nn.MSELoss(reduction="sum")(y, ur.ones(5, 4)) / 20,
    "L1Loss": lambda y: nn.L1Loss()(y, ur.full((5, 4), 0.3)),
    "SmoothL1Loss": lambda y: nn.SmoothL1Loss(beta=0.5)(y, ur.full((5, 4), 0.3)),
    "HuberLoss": lambda y: nn.HuberLoss("none", delta=0.5)(y, ur.full((5, 4), 0.3)).mean(),
    "BCELoss": lambda y: nn.BCELoss()(y.sigmoid(), ur.full((5, 4), 0.3)),
    "BCEWithLogitsLoss": lambda y: nn.BCEWithLogitsLoss(pos_weight=ur.tensor([1.0, 2.0, 3.0, 4.0]))(
        y, ur.full((5, 4), 0.3)
    ),
    "CrossEntropyLoss": lambda y: nn.CrossEntropyLoss()(y, _labels(5, 4)),
    "CrossEntropyLoss weighted": lambda y: nn.CrossEntropyLoss(
        ur.tensor([1.0, 2.0, 0.5, 1.0]), ignore_index=1, label_smoothing=0.1
    )(y, _labels(5, 4)),
    "CrossEntropyLoss of probabilities": lambda y: nn.CrossEntropyLoss()(y, ur.full((5, 4), 0.25)),
    "NLLLoss": lambda y: nn.NLLLoss(ur.tensor([1.0, 2.0, 0.5, 1.0]), ignore_index=2)(y.log_softmax(1), _labels(5, 4)),
    "KLDivLoss": lambda y: nn.KLDivLoss(reduction="batchmean")(y.log_softmax(1), ur.full((5, 4), 0.25)),
    "KLDivLoss of logarithms": lambda y: nn.KLDivLoss(log_target=True)(y.log_softmax(1), ur.full((5, 4), -1.4)),
    "HingeEmbeddingLoss": lambda y: nn.HingeEmbeddingLoss()(y[:, 0], _signs(5)),
    "SoftMarginLoss": lambda y: nn.SoftMarginLoss()(y[:, 0], _signs(5)),
    "MarginRankingLoss": lambda y: nn.MarginRankingLoss(0.2)(y[:, 0], y[:, 1], _signs(5)),
    "MultiMarginLoss": lambda y: nn.MultiMarginLoss(p=2)(y, _labels(5, 4)),
    "CosineEmbeddingLoss": lambda y: nn.CosineEmbeddingLoss(0.1)(y, y.flip(1), _signs(5)),
    "TripletMarginLoss": lambda y: nn.TripletMarginLoss()(y, y.flip(1), y.flip(0)),
}


def test_every_loss_is_here() -> None:
    named = {
        name for name, x in vars(losses).items() if inspect.isclass(x) and name.endswith("Loss") and name[0] != "_"
    }
    assert named <= {name.split()[0] for name in LOSSES}


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str) -> None:
    batches = [random(i, ROW) for i in range(4)]
    sgd = lambda p: ur.optim.SGD(p, lr=0.02)
    make = lambda: Twin(nn.Linear(6, 4), lambda model, x: LOSSES[name](model(x)), sgd)
    native, _ = alike(make, batches, steps=STEPS)
    assert native.recordings == 1


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: ur.optim.SGD(p, lr=0.05, weight_decay=0.01),
    "maximize": lambda p: ur.optim.SGD(p, lr=0.0005, maximize=True),
    "momentum": lambda p: ur.optim.SGD(p, lr=0.02, momentum=0.9),
    "dampened": lambda p: ur.optim.SGD(p, lr=0.02, momentum=0.9, dampening=0.5),
    "nesterov": lambda p: ur.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "Adam": lambda p: ur.optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: ur.optim.Adam(p, lr=0.01, weight_decay=0.1, amsgrad=True),
    "AdamW": lambda p: ur.optim.AdamW(p, lr=0.01, betas=(0.8, 0.95)),
    "NAdam": lambda p: ur.optim.NAdam(p, lr=0.01, weight_decay=0.1, decoupled_weight_decay=True),
    "RAdam": lambda p: ur.optim.RAdam(p, lr=0.01, betas=(0.9, 0.99)),
    "Adagrad": lambda p: ur.optim.Adagrad(p, lr=0.05, lr_decay=0.01),
    "RMSprop": lambda p: ur.optim.RMSprop(p, lr=0.01),
    "centered": lambda p: ur.optim.RMSprop(p, lr=0.002, momentum=0.9, centered=True, weight_decay=0.1, eps=1e-3),
    "groups": lambda p: ur.optim.Adam(
        [{"params": [x], "lr": 0.01 / (i + 1), "weight_decay": 0.1 * i} for i, x in enumerate(p)]
    ),
}


def _scheduled(optimizer: Any, step: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= 0.97
        if "betas" in group:
            group["betas"] = (0.8 + 0.001 * step, 0.95)
        if group.get("momentum"):
            group["momentum"] = 0.9 - 0.001 * step


@pytest.mark.parametrize("schedule", [id, _scheduled], ids=["constant", "scheduled"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimiser(name: str, schedule: Any) -> None:
    batches = [random(i, (7, 6), (7, 2)) for i in range(4)]
    net = lambda: nn.Sequential(nn.Linear(6, 17), nn.Tanh(), nn.Linear(17, 2))
    loss = lambda model, x, y: (model(x) - y).square().mean()
    native, _ = alike(lambda: Twin(net(), loss, OPTIMIZERS[name]), batches, steps=STEPS, each=schedule)
    # Dampening begins with the second step; RAdam trusts its variance from some step on: other rules from there.
    assert native.recordings == {"dampened": 2, "RAdam": 2}.get(name, 1)


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "OneCycleLR": lambda o: ur.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=60),
    "CyclicLR": lambda o: ur.optim.lr_scheduler.CyclicLR(o, 0.001, 0.05, step_size_up=7),
    "SequentialLR": lambda o: ur.optim.lr_scheduler.SequentialLR(
        o, [ur.optim.lr_scheduler.LinearLR(o), ur.optim.lr_scheduler.CosineAnnealingLR(o, 30)], [9]
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str) -> None:
    """Learning rates and momenta from a schedule are read at each call."""
    schedules: dict[int, Any] = {}

    def each(optimizer: Any, step: int) -> None:
        if step == 0:
            schedules[id(optimizer)] = SCHEDULES[name](optimizer)
        else:
            schedules[id(optimizer)].step()

    loss = lambda model, x, y: (model(x) - y).square().mean()
    sgd = lambda p: ur.optim.SGD(p, lr=0.05, momentum=0.9)
    batches = [random(i, (7, 6), (7, 2)) for i in range(4)]
    native, _ = alike(lambda: Twin(nn.Linear(6, 2), loss, sgd), batches, steps=50, each=each)
    assert native.recordings == 1
    assert np.isfinite(native(*batches[0]).item())
