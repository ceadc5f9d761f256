"""What the tests of operations share: one function that compares values and gradients with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur

Agree = Callable[..., Any]


def _parts(result: Any) -> list[Any]:
    if not isinstance(result, (tuple, list)):
        return [result]
    return [part for x in result for part in _parts(x)]


@pytest.fixture
def agree() -> Agree:
    """``agree(f, *inputs)``: ``f(module, *tensors)`` has the same values, dtypes and gradients here and in PyTorch.

    An input is an array, or the shape of normally distributed float64 numbers.
    """
    torch = pytest.importorskip("torch")

    def check(f: Callable[..., Any], *inputs: Any, rtol: float = 1e-12) -> Any:
        rng = np.random.default_rng(0)
        arrays = [rng.standard_normal(x) if isinstance(x, tuple) else np.asarray(x) for x in inputs]
        mine = [ur.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        theirs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        got, wanted = _parts(f(ur, *mine)), _parts(f(torch, *theirs))
        assert len(got) == len(wanted)
        total_got: Any = 0.0
        total_wanted: Any = 0.0
        for y, z in zip(got, wanted, strict=True):
            assert tuple(y.shape) == tuple(z.shape)
            assert str(y.dtype) == str(z.dtype).removeprefix("torch.")
            np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=rtol, atol=1e-14)
            assert y.requires_grad == z.requires_grad
            if y.requires_grad:
                weight = rng.standard_normal(y.shape)
                total_got = total_got + (y * ur.tensor(weight, dtype=y.dtype)).sum()
                total_wanted = total_wanted + (z * torch.tensor(weight, dtype=z.dtype)).sum()
        if isinstance(total_got, ur.Tensor):
            total_got.backward()
            total_wanted.backward()
            for x, z in zip(mine, theirs, strict=True):
                if z.grad is not None and z.numel():
                    assert x.grad is not None
                    np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), rtol=rtol, atol=1e-13)
        return got[0] if len(got) == 1 else got

    return check
