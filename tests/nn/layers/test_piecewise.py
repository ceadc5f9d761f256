from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("name", ["ReLU6", "Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink"])
def test_as_in_pytorch(beside, rng, name):
    x = rng.standard_normal((4, 6)) * 3
    rtol = 1e-7 if name == "Hardsigmoid" else 1e-8  # whose 1/6 is a float32 in PyTorch
    beside(lambda nn: getattr(nn, name)(), np.concatenate([x, x * 1e2, x * 1e-3]), rtol=rtol)


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.Hardtanh(-2.0, 0.5),
        lambda nn: nn.Hardshrink(1.0),
        lambda nn: nn.Softshrink(1.0),
        lambda nn: nn.Threshold(0.5, -1.0),
    ],
)
def test_with_arguments_as_in_pytorch(beside, rng, make):
    beside(make, rng.standard_normal((4, 6)) * 3)
