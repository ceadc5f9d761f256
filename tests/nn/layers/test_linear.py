from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, ShapeError


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 3), (3,), (0, 3), (1, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_as_in_pytorch(beside, rng, shape, bias):
    beside(lambda nn: nn.Linear(3, 4, bias=bias), rng.standard_normal(shape))


def test_bilinear_as_in_pytorch(beside, rng):
    make = lambda nn: nn.Bilinear(3, 4, 2)
    beside(make, rng.standard_normal((5, 3)), rng.standard_normal((5, 4)))


def test_identity_as_in_pytorch(beside, rng):
    beside(lambda nn: nn.Identity(54, unused=1), rng.standard_normal((2, 3)))


def test_weights_start_within_their_bound():
    layer = nn.Linear(100, 50)
    assert float(layer.weight.abs().max()) <= 0.1
    assert float(layer.weight.abs().max()) > 0.09
    assert float(layer.bias.abs().max()) <= 0.1


def test_the_same_seed_gives_the_same_weights():
    ur.manual_seed(3)
    a = nn.Linear(4, 4).weight
    ur.manual_seed(3)
    assert (nn.Linear(4, 4).weight == a).all()


@pytest.mark.parametrize("bad", [-1, 2.5, "3", None, True])
def test_a_bad_size_is_named(bad):
    with pytest.raises(ArgumentError, match="Linear: in_features is"):
        nn.Linear(bad, 3)
    with pytest.raises(ArgumentError, match="Linear: out_features is"):
        nn.Linear(3, bad)


def test_numpy_sizes_are_sizes():
    assert nn.Linear(np.int64(3), np.int32(2))(ur.zeros(1, 3)).shape == (1, 2)


def test_a_wrong_input_names_the_line():
    layer = nn.Linear(3, 2)
    with pytest.raises(ShapeError, match=r"linear: an input of shape \[5, 4\](.|\n)*test_linear.py"):
        layer(ur.zeros(5, 4))


def test_dtype_and_device():
    assert nn.Linear(2, 2, dtype=ur.float64).bias.dtype == ur.float64
    assert nn.Linear(2, 2, device="cpu").bias.dtype == ur.float32
    with pytest.raises(RuntimeError, match="cuda"):
        nn.Linear(2, 2, device="cuda")
