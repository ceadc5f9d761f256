from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import DimError

from .parity import agree

rng = np.random.default_rng(0)


def F() -> Any:
    return pytest.importorskip("torch").nn.functional


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("shape", [(5,), (4, 7), (2, 3, 4), (40, 64), (2, 1), (0, 3), (3, 0), ()])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_agrees_with_pytorch(name: str, shape: tuple[int, ...], scale: float) -> None:
    x = np.asarray(rng.standard_normal(shape) * scale)
    for dim in range(max(1, len(shape))):
        agree(lambda t, d=dim: getattr(ops, name)(t, d), lambda t, d=dim: getattr(F(), name)(t, d), x)
        agree(
            lambda t, d=dim: getattr(ops, name)(t.T, d),
            lambda t, d=dim: getattr(F(), name)(t.permute(tuple(range(t.ndim)[::-1])), d),
            x,
        )


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_single_precision_at_the_extremes(name: str) -> None:
    x = (rng.standard_normal((50, 64)) * 1e4).astype(np.float32)
    agree(lambda t: getattr(ops, name)(t, -1), lambda t: getattr(F(), name)(t, -1), x, rtol=1e-5, atol=1e-7)
    x = (rng.standard_normal((50, 64)) + 1e4).astype(np.float32)
    agree(lambda t: getattr(ops, name)(t, -1), lambda t: getattr(F(), name)(t, -1), x, rtol=1e-5, atol=1e-6)
    x = (rng.standard_normal((50, 64)) - 90).astype(np.float32)  # every exponential would underflow
    agree(lambda t: getattr(ops, name)(t, -1), lambda t: getattr(F(), name)(t, -1), x, rtol=1e-5, atol=1e-6)


def test_excluded_entries() -> None:
    x = np.array([[0.0, -np.inf, 1.0], [-np.inf, -np.inf, 5.0]])
    agree(lambda t: ops.softmax(t, 1), lambda t: F().softmax(t, 1), x)
    assert ops.log_softmax(Tensor(x), 1)[1].tolist() == [-math.inf, -math.inf, 0.0]
    assert np.isnan(ops.softmax(Tensor(np.full(3, -np.inf)), 0).numpy()).all()
    assert np.isnan(ops.softmax(ur.tensor([math.nan, 1.0]), 0).numpy()).all()


def test_integers_and_other_dtypes() -> None:
    assert ops.softmax(ur.tensor([0, 0]), 0).tolist() == [0.5, 0.5]
    assert ops.softmax(ur.zeros(2), 0, dtype=ur.float64).dtype == ur.float64
    assert ops.softmax(ur.zeros(2).half(), 0).dtype == ur.float16


def test_the_dimension_is_needed() -> None:
    with pytest.raises(TypeError, match=r"dim is missing"):
        ops.softmax(ur.zeros(2))
    with pytest.raises(DimError, match=r"softmax: dim 1 is out of range"):
        ur.zeros(2).softmax(1)
    assert ops.softmax(ur.zeros(2), axis=0).tolist() == [0.5, 0.5]
