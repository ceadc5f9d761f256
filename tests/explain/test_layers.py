"""Derivations through every kind of layer: the engine's gradients bit for bit, and nothing for the checker to find."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
import upriver.nn.functional as F
from upriver import nn
from upriver.explain.check import verify
from upriver.explain.derivation import explain


def weights() -> Any:
    return ur.randn(4, 6, requires_grad=True)


def piecewise() -> Any:
    w = weights()
    names = "silu mish hardswish hardsigmoid selu celu softsign logsigmoid tanhshrink relu6 hardtanh leaky_relu glu"
    return sum(getattr(F, name)(w).sum() for name in names.split())


def indexed() -> Any:
    w = weights()
    return (w[1:3, ::2] ** 2).sum() + w[[0, 1], [2, 3]].sum() * w[0, 0] + w[:, None, -1].sum()


def joined() -> Any:
    w = weights()
    return (ur.cat([w, w * 2], 0) ** 2).sum() + (ur.stack([w, w * w], 1) ** 2).mean()


def gathered() -> Any:
    w = weights()
    return (ur.gather(w, 1, ur.tensor([[0, 1], [2, 3], [1, 1], [0, 5]])) ** 2).sum() + ur.topk(w, 2)[0].sum()


def reduced() -> Any:
    w = weights()
    spread = w.norm(dim=1).sum() + w.std() + w.var(0).sum()
    return spread + w.prod(1).sum() + w.cumsum(1).mean() + w.amax(0).sum() + w.logsumexp(1).sum()


def arranged() -> Any:
    w = weights()
    moved = (w.reshape(2, 2, 6).permute(2, 0, 1) ** 2).sum() + (w.flip(0) * w.roll(1, 1)).sum()
    return moved + (F.pad(w, (1, 2)) ** 2).sum() + w.tril().sum() + (w.unfold(1, 3, 1) ** 2).sum()


def losses() -> Any:
    w = weights()
    classes = ur.tensor([0, 1, 2, 3])
    total = F.cross_entropy(w, classes) + F.nll_loss(F.log_softmax(w, 1), classes)
    return total + F.binary_cross_entropy_with_logits(w, (w > 0).float()) + F.smooth_l1_loss(w, ur.ones(4, 6))


def contracted() -> Any:
    w, v = weights(), ur.randn(6, requires_grad=True)
    return (ur.einsum("ij,j->i", w, v) ** 2).sum() + (w / (v * v + 1)).sum() + ur.where(w > 0, w * 2, w * v).sum()


CASES: list[Callable[[], Any]] = [
    piecewise,
    indexed,
    joined,
    gathered,
    reduced,
    arranged,
    losses,
    contracted,
    lambda: (nn.BatchNorm1d(6)(nn.Linear(6, 6)(ur.randn(4, 6))) ** 2).sum(),
    lambda: (nn.LayerNorm(6)(nn.Linear(6, 6, bias=False)(ur.randn(4, 6))) ** 3).mean(),
    lambda: (nn.GroupNorm(2, 4)(nn.Conv2d(1, 4, 3)(ur.randn(2, 1, 6, 6))) ** 3).mean(),
    lambda: nn.LSTM(6, 5)(ur.randn(3, 2, 6))[0].sum(),
    lambda: (nn.GRU(6, 5)(ur.randn(3, 2, 6))[0] ** 2).sum(),
    lambda: (nn.MultiheadAttention(8, 2)(*[ur.randn(5, 2, 8)] * 3)[0] ** 2).sum(),
    lambda: (nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1)(ur.randn(5, 2, 8)) ** 2).sum(),
    lambda: (nn.Embedding(10, 4)(ur.tensor([1, 2, 2])) ** 2).sum(),
    lambda: (F.dropout(nn.Linear(6, 6)(ur.randn(4, 6)), 0.5) ** 2).sum(),
    lambda: (nn.MaxPool2d(2)(nn.Conv2d(1, 3, 3)(ur.randn(2, 1, 8, 8))) ** 2).mean(),
    lambda: (nn.AvgPool2d(2)(nn.ConvTranspose2d(1, 3, 3)(ur.randn(2, 1, 6, 6))) ** 2).mean(),
]
NAMES = (
    "piecewise indexed joined gathered reduced arranged losses contracted batchnorm layernorm groupnorm lstm gru "
    "attention transformer embedding dropout maxpool avgpool"
).split()


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_through_every_kind_of_layer(case: Callable[[], Any]) -> None:
    ur.manual_seed(0)
    loss = case()
    e = explain(loss)
    loss.backward()
    for a in e.answers:
        v = e.values[a.value]
        np.testing.assert_array_equal(a.gradient, v.key.grad.array, err_msg=v.name)
    assert verify(e) == []
    assert e.conclusion() in " ".join(e.text().split())
    ElementTree.fromstring(e.mathml())
    assert r"\end{aligned}" in e.latex()
    assert len({v.name for v in e.values if v.kind == "input"}) == len([v for v in e.values if v.kind == "input"])
