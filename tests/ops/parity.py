"""How results and gradients are compared with PyTorch's, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from upriver.core.tensor import Tensor


def agree(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    *arrays: Any,
    rtol: float = 1e-9,
    atol: float = 1e-11,
) -> None:
    """Both give the same values, and the same gradients of a random weighting of them, for float arrays."""
    torch = pytest.importorskip("torch")
    leaves = [
        Tensor(np.array(a), requires_grad=a.dtype.kind == "f") if isinstance(a, np.ndarray) else a for a in arrays
    ]
    torch_leaves = [
        torch.tensor(a, requires_grad=a.dtype.kind == "f") if isinstance(a, np.ndarray) else a for a in arrays
    ]
    out, expected = ours(*leaves), theirs(*torch_leaves)
    assert tuple(out.shape) == tuple(expected.shape)
    assert str(out.dtype) == str(expected.dtype).split(".")[1]
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=rtol, atol=atol)
    if not expected.requires_grad:
        assert not out.requires_grad
        return
    weights = np.random.default_rng(7).standard_normal(out.shape).astype(out.dtype)
    out.backward(Tensor(weights))
    expected.backward(torch.tensor(weights))
    for mine, other in zip(leaves, torch_leaves, strict=True):
        if isinstance(mine, Tensor) and mine.requires_grad:
            given = np.zeros(mine.shape) if mine.grad is None else mine.grad.numpy()
            wanted = np.zeros(mine.shape) if other.grad is None else other.grad.numpy()
            np.testing.assert_allclose(given, wanted, rtol=rtol, atol=atol)
