from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, ShapeError

OPTIONS = [
    {},
    {"bias": False},
    {"num_layers": 2},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layers_as_in_pytorch(beside, rng, kind, options):
    beside(lambda nn: getattr(nn, kind)(3, 4, **options), rng.standard_normal((5, 2, 3)))


def test_relu_as_in_pytorch(beside, rng):
    beside(lambda nn: nn.RNN(3, 4, nonlinearity="relu"), rng.standard_normal((5, 2, 3)))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("batch_first", [True, False])
def test_a_first_state_as_in_pytorch(beside, rng, kind, batch_first):
    state = rng.standard_normal((4, 2, 4))
    x = rng.standard_normal((2, 5, 3) if batch_first else (5, 2, 3))
    make = lambda nn: getattr(nn, kind)(3, 4, 2, batch_first=batch_first, bidirectional=True)
    beside(make, x, (state, state + 1) if kind == "LSTM" else state)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_one_sequence_as_in_pytorch(beside, rng, kind):
    make = lambda nn: getattr(nn, kind)(3, 4, bidirectional=True)
    beside(make, rng.standard_normal((5, 3)))
    state = rng.standard_normal((2, 4))
    beside(make, rng.standard_normal((5, 3)), (state, state + 1) if kind == "LSTM" else state)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_layer_is_its_cell_step_by_step(kind):
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, kind + "Cell")(3, 4)
    cell.load_state_dict({key.removesuffix("_l0"): t for key, t in layer.state_dict().items()})
    x = ur.randn(6, 2, 3)
    state, outputs = None, []
    for t in range(6):
        state = cell(x[t], state)
        outputs.append(state[0] if kind == "LSTM" else state)
    assert ur.allclose(layer(x)[0], ur.stack(outputs))


def test_truncation_through_time():
    layer = nn.GRU(3, 4)
    x = ur.randn(6, 2, 3)
    whole, _ = layer(x)
    first, state = layer(x[:3])
    second, _ = layer(x[3:], state.detach())
    assert ur.allclose(ur.cat([first, second]), whole)  # the same values,
    start = x[:3].clone().requires_grad_()
    _, state = layer(start)
    second, _ = layer(x[3:], state.detach())
    second.sum().backward()
    assert start.grad is None  # and no gradient beyond the cut


def test_gradients_of_a_long_sequence_reach_its_start():
    layer = nn.RNN(1, 1, nonlinearity="relu", bias=False)
    layer.weight_ih_l0.data.fill_(1)
    layer.weight_hh_l0.data.fill_(1)
    x = ur.ones(300, 1, 1, requires_grad=True)
    layer(x)[1].sum().backward()
    assert (x.grad == 1).all()


def test_gradients_of_second_order():
    layer = nn.LSTM(2, 3, bidirectional=True).double()
    x = ur.tensor(np.random.default_rng(0).standard_normal((3, 2, 2)), requires_grad=True)
    (first,) = ur.grad((layer(x)[0] ** 2).sum(), x, create_graph=True)
    (second,) = ur.grad((first**2).sum(), x)
    step = 1e-6

    def f(values):
        y = ur.tensor(values, requires_grad=True)
        (g,) = ur.grad((layer(y)[0] ** 2).sum(), y)
        return (g.numpy() ** 2).sum()

    v = np.random.default_rng(1).standard_normal(x.shape)
    measured = (f(x.detach().numpy() + step * v) - f(x.detach().numpy() - step * v)) / (2 * step)
    assert np.isclose((second.numpy() * v).sum(), measured, rtol=1e-6)


def test_dropout_acts_between_layers():
    layer = nn.GRU(3, 4, num_layers=2, dropout=0.5)
    x = ur.randn(5, 2, 3)
    assert not (layer(x)[0] == layer(x)[0]).all()
    layer.eval()
    assert (layer(x)[0] == layer(x)[0]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.LSTM(0, 4), "LSTM: input_size is 0"),
        (lambda: nn.GRU(3, 4.0), "GRU: hidden_size is 4.0"),
        (lambda: nn.RNN(3, 4, nonlinearity="gelu"), "nonlinearity 'gelu'"),
        (lambda: nn.RNN(3, 4, dropout=0.5), "acts between layers"),
        (lambda: nn.RNN(3, 4, 2, dropout=2), "probability"),
        (lambda: nn.LSTM(3, 4)(ur.zeros(5, 2, 3), ur.zeros(1, 2, 4)), "a pair"),
        (lambda: nn.GRU(3, 4)(ur.zeros(5, 2, 3), (ur.zeros(1, 2, 4),)), "one tensor"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_wrong_shapes_are_named():
    with pytest.raises(ShapeError, match=r"GRU: an input of shape \[5, 2, 4\]"):
        nn.GRU(3, 4)(ur.zeros(5, 2, 4))
    with pytest.raises(ShapeError, match="no steps"):
        nn.GRU(3, 4)(ur.zeros(0, 2, 3))
    with pytest.raises(ShapeError, match=r"of shape \[2, 1, 4\], not \[1, 2, 4\]"):
        nn.GRU(3, 4)(ur.zeros(5, 2, 3), ur.zeros(2, 1, 4))
