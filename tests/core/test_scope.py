from __future__ import annotations

import pytest

import upriver as ur
from upriver import nn
from upriver.core.scope import path_of
from upriver.core.state import scope
from upriver.errors import ShapeError


def test_every_node_knows_its_module():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 4)))
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.body(x)) * 2.0

    y = Net()(ur.zeros(1, 4))
    paths = [path_of(node.scope) for node in ur.Graph.of(y)]
    assert paths == ["body.0", "body.1.0", "body.1.1", "head", ""]
    assert path_of((y + 1).node.scope) == ""
    assert path_of(None) == ""
    assert scope.get() is None


def test_a_module_called_past_its_holder():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(2, 2)) for _ in range(2)])
            self.hidden = [nn.Tanh()]

        def forward(self, x):
            return self.hidden[0](self.blocks[1](x))

    y = Model()(ur.zeros(1, 2))
    assert [path_of(node.scope) for node in ur.Graph.of(y)] == ["blocks.1.0", "Tanh"]


def test_the_scope_is_left_after_an_error():
    with pytest.raises(ShapeError):
        nn.Sequential(nn.Linear(2, 2))(ur.zeros(1, 3))
    assert scope.get() is None
