from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, ShapeError

from .parity import agree

rng = np.random.default_rng(0)
X = np.concatenate([rng.standard_normal(50) * 3, [0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 30.0, -30.0]])

CALLS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "relu": lambda F: (ops.relu, F.relu),
    "leaky_relu": lambda F: (ops.leaky_relu, F.leaky_relu),
    "leaky_relu steep": lambda F: (lambda x: ops.leaky_relu(x, 2.0), lambda x: F.leaky_relu(x, 2.0)),
    "sigmoid": lambda F: (ops.sigmoid, F.sigmoid),
    "softplus": lambda F: (ops.softplus, F.softplus),
    "softplus sharp": lambda F: (lambda x: ops.softplus(x, 3.0, 2.0), lambda x: F.softplus(x, 3.0, 2.0)),
    "elu": lambda F: (ops.elu, F.elu),
    "elu low": lambda F: (lambda x: ops.elu(x, 0.3), lambda x: F.elu(x, 0.3)),
    "selu": lambda F: (ops.selu, F.selu),
    "celu": lambda F: (lambda x: ops.celu(x, 1.7), lambda x: F.celu(x, 1.7)),
    "gelu": lambda F: (ops.gelu, F.gelu),
    "gelu tanh": lambda F: (lambda x: ops.gelu(x, "tanh"), lambda x: F.gelu(x, approximate="tanh")),
    "silu": lambda F: (ops.silu, F.silu),
    "mish": lambda F: (ops.mish, F.mish),
    "hardswish": lambda F: (ops.hardswish, None),
    "hardsigmoid": lambda F: (ops.hardsigmoid, F.hardsigmoid),
    "hardtanh": lambda F: (ops.hardtanh, F.hardtanh),
    "relu6": lambda F: (ops.relu6, F.relu6),
    "logsigmoid": lambda F: (ops.logsigmoid, F.logsigmoid),
    "softsign": lambda F: (ops.softsign, F.softsign),
    "tanhshrink": lambda F: (ops.tanhshrink, F.tanhshrink),
    "threshold": lambda F: (lambda x: ops.threshold(x, 0.5, -2.0), lambda x: F.threshold(x, 0.5, -2.0)),
    "hardshrink": lambda F: (ops.hardshrink, F.hardshrink),
}


@pytest.mark.parametrize("name", [name for name in CALLS if name != "hardswish"])
def test_activations_agree_with_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = CALLS[name](torch.nn.functional)
    loose = 1e-6 if name in ("hardsigmoid", "celu") else 1e-9  # constants in single precision, over there
    agree(ours, theirs, X, rtol=loose)
    agree(ours, theirs, X.astype(np.float32), rtol=2e-5, atol=1e-6)
    agree(ours, theirs, X[:56].reshape(7, 8).T, rtol=loose)
    agree(ours, theirs, np.zeros((0, 3)))


@pytest.mark.parametrize("name", ["hardswish", "softshrink"])
def test_activations_agree_with_pytorch_off_their_kinks(name: str) -> None:
    torch = pytest.importorskip("torch")
    agree(getattr(ops, name), getattr(torch.nn.functional, name), X[:50])


def test_prelu_and_glu() -> None:
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    x = rng.standard_normal((4, 3, 6))
    agree(ops.prelu, F.prelu, x, np.array([0.25]))
    agree(ops.prelu, F.prelu, x, np.array([0.25, -1.0, 2.0]))
    agree(ops.prelu, F.prelu, np.zeros((2, 3)), np.array([0.25, -1.0, 2.0]))
    agree(ops.glu, F.glu, x)
    with pytest.raises(ShapeError, match=r"cannot be halved"):
        ops.glu(Tensor(x), 1)
    with pytest.raises(ShapeError, match=r"3 channels"):
        ops.prelu(Tensor(x), ur.ones(2))


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("softsign", "mish", "threshold")])
def test_nothing_overflows(name: str) -> None:
    ours, _ = CALLS[name](pytest.importorskip("torch").nn.functional)
    x = Tensor(np.array([-1e4, 1e4], np.float32), requires_grad=True)
    y = ours(x)
    y.sum().backward()
    assert x.grad is not None
    assert np.isfinite(y.detach().numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


def test_relu_lets_nan_through() -> None:
    assert math.isnan(ops.relu(ur.tensor([math.nan, -1.0]))[0].item())


def test_sigmoid_keeps_its_relative_accuracy() -> None:
    x = np.array([-80.0, -20.0, -1.0, 0.0, 20.0], np.float32)
    np.testing.assert_allclose(ops.sigmoid(Tensor(x)).numpy(), 1 / (1 + np.exp(-x.astype(np.float64))), rtol=1e-6)


def test_gelu_in_single_precision() -> None:
    x = np.linspace(-8, 8, 4001)
    exact = np.array([0.5 * v * math.erfc(-v / math.sqrt(2)) for v in x])
    np.testing.assert_allclose(ops.gelu(Tensor(x.astype(np.float32))).numpy(), exact, atol=1e-6, rtol=3e-7)


def test_wrong_arguments() -> None:
    x = ur.ones(2)
    with pytest.raises(ArgumentError, match=r"fast"):
        ops.gelu(x, "fast")
    with pytest.raises(ArgumentError, match=r"alpha = -1"):
        ops.elu(x, -1)
    with pytest.raises(ArgumentError, match=r"Exchange"):
        ops.hardtanh(x, 1, -1)


def test_float16_stays() -> None:
    x = ur.tensor([-1.0, 2.0]).half()
    for f in (ops.relu, ops.sigmoid, ops.gelu, ops.softplus, ops.elu, ops.silu):
        assert f(x).dtype == np.float16


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_fast_derivative_of_gelu_is_the_recorded_one(approximate: str, dtype: Any) -> None:
    values = np.concatenate([np.linspace(-12, 12, 2001), [0.0, -0.0, 1e-30, -1e-30, 1e-6, 1e4, -1e4]]).astype(dtype)
    x = Tensor(values, requires_grad=True)
    ops.gelu(x, approximate).sum().backward()
    (recorded,) = ur.grad(ops.gelu(x, approximate).sum(), x, create_graph=True)
    assert x.grad is not None
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(x.grad.numpy(), recorded.detach().numpy(), atol=tolerance * 2, rtol=0)
