from __future__ import annotations

import numpy as np
import pytest

import upriver as ur

PLAIN = [
    "ReLU", "LeakyReLU", "PReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid",
    "LogSigmoid", "Tanh", "Tanhshrink", "Softsign", "Softplus",
    "GLU",
]  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_as_in_pytorch(beside, rng, name):
    x = rng.standard_normal((4, 6)) * 3
    beside(lambda nn: getattr(nn, name)(), x)
    beside(lambda nn: getattr(nn, name)(), np.concatenate([x * 1e2, x * 1e-3]))


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.LeakyReLU(0.2),
        lambda nn: nn.PReLU(6, init=0.1),
        lambda nn: nn.ELU(0.5),
        lambda nn: nn.CELU(0.5),
        lambda nn: nn.GELU(approximate="tanh"),
        lambda nn: nn.Softplus(2.0, 5.0),
        lambda nn: nn.GLU(0),
        lambda nn: nn.Softmax(dim=1),
        lambda nn: nn.Softmax(dim=0),
        lambda nn: nn.LogSoftmax(dim=-1),
        lambda nn: nn.Softmin(dim=1),
    ],
)
def test_with_arguments_as_in_pytorch(beside, rng, make):
    beside(make, rng.standard_normal((4, 6)) * 3)


def test_a_softmax_without_a_dimension_asks_for_one():
    with pytest.raises(TypeError, match="dim is missing"):
        ur.nn.Softmax()(ur.zeros(2, 2))
