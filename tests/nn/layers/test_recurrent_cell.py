from __future__ import annotations

import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, ShapeError


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("bias", [True, False])
def test_cells_as_in_pytorch(beside, rng, kind, bias):
    make = lambda nn: getattr(nn, kind)(3, 4, bias=bias)
    for shape in ((2,), ()):
        x, state = rng.standard_normal((*shape, 3)), rng.standard_normal((*shape, 4))
        beside(make, x)
        beside(make, x, (state, state + 1) if kind.startswith("LSTM") else state)


def test_a_relu_cell_as_in_pytorch(beside, rng):
    beside(lambda nn: nn.RNNCell(3, 4, nonlinearity="relu"), rng.standard_normal((2, 3)), text=False)


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="nonlinearity 'gelu'"):
        nn.RNNCell(3, 4, nonlinearity="gelu")
    with pytest.raises(ShapeError, match="LSTMCell: an input"):
        nn.LSTMCell(3, 4)(ur.zeros(2, 4))
    with pytest.raises(ShapeError, match="GRUCell: a state"):
        nn.GRUCell(3, 4)(ur.zeros(2, 3), ur.zeros(3, 4))
