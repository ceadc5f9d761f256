from __future__ import annotations

import copy

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ShapeError


class Net(nn.Module):
    """A parameter, two buffers, two layers of which one is nested, and tied weights."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(ur.ones(1))
        self.register_buffer("mask", ur.ones(3, 3).tril())
        self.register_buffer("scratch", ur.zeros(2), persistent=False)
        self.embed = nn.Embedding(3, 4)
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 4)))
        self.head = nn.Linear(4, 3, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        return self.head(self.body(self.embed(x))) * self.scale


def test_loading():
    a, b = Net(), Net()
    weight = b.embed.weight
    assert str(b.load_state_dict(a.state_dict())) == "<All keys matched successfully>"
    assert b.embed.weight is weight  # the cell stays
    assert b.head.weight is weight
    x = ur.tensor([0, 2])
    assert (a(x) == b(x)).all()
    arrays = {k: t.numpy().astype(np.float64) for k, t in a.state_dict().items()}
    b.load_state_dict(arrays)
    assert b.scale.dtype == ur.float32
    b.load_state_dict(arrays, assign=True)
    assert b.scale.dtype == ur.float64


def test_loading_says_everything_that_does_not_fit_and_changes_nothing():
    net = Net()
    before = copy.deepcopy(net.state_dict())
    state = {k: t + 1 for k, t in net.state_dict().items()}
    del state["mask"], state["body.0.bias"]
    state["extra"] = ur.zeros(1)
    state["scale"] = ur.zeros(2, 2)
    with pytest.raises(ShapeError) as error:
        net.load_state_dict(state)
    text = str(error.value)
    assert "missing: mask, body.0.bias" in text
    assert "unexpected: extra" in text
    assert "of another shape: scale (here [1], given [2, 2])" in text
    assert all((net.state_dict()[k] == t).all() for k, t in before.items())
    with pytest.raises(ShapeError, match="of another shape"):
        net.load_state_dict(state, strict=False)
    del state["scale"]
    keys = net.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["scale", "mask", "body.0.bias"]
    assert keys.unexpected_keys == ["extra"]


def test_loading_between_forward_and_backward_is_noticed():
    net = Net()
    loss = net(ur.tensor([0, 1])).sum()
    net.load_state_dict(net.state_dict())
    net.load_state_dict(copy.deepcopy(net.state_dict()))
    with pytest.raises(RuntimeError, match="was changed after it ran"):
        loss.backward()
