from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError


def test_the_expected_value_stays():
    ur.manual_seed(0)
    y = nn.Dropout(0.25)(ur.ones(200, 200)).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs(y.mean() - 1) < 0.02


def test_the_gradient_passes_what_was_kept():
    x = ur.ones(50, requires_grad=True)
    y = nn.Dropout(0.5)(x)
    y.sum().backward()
    assert (x.grad == y).all()


@pytest.mark.parametrize(("layer", "shape"), [(nn.Dropout1d, (20, 8, 5)), (nn.Dropout2d, (20, 8, 3, 2))])
def test_whole_channels_are_dropped(layer, shape):
    ur.manual_seed(0)
    y = layer(0.5)(ur.ones(*shape)).numpy().reshape(20, 8, -1)
    assert (y == y[:, :, :1]).all()
    assert 0.3 < (y == 0).mean() < 0.7


@pytest.mark.parametrize("layer", ["Dropout", "Dropout1d", "Dropout2d"])
def test_evaluation_as_in_pytorch(beside, rng, layer):
    beside(
        lambda nn: getattr(nn, layer)(0.3),
        rng.standard_normal((2, 3, 4, 5)[: 3 if layer == "Dropout1d" else 4]),
        training=False,
    )


def test_a_bad_probability_is_named():
    with pytest.raises(ArgumentError, match=r"Dropout: the probability is 1.5"):
        nn.Dropout(1.5)
