"""How results, gradients and gradients of gradients are compared with PyTorch's, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.tensor import Tensor


def agree_twice(ours: Callable[..., Any], theirs: Callable[..., Any], *arrays: Any) -> None:
    """Both give the same values and the same derivatives of both orders of a weighting of their squares.

    The gradient is taken in both ways: on bare arrays, and recorded.
    """
    torch = pytest.importorskip("torch")
    mine = [Tensor(a, requires_grad=True) for a in arrays]
    other = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = ours(*mine), theirs(*other)
    assert y.shape == tuple(z.shape)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, y.shape)
    loss = (y * y * Tensor(weights)).sum()
    bare, recorded = ur.grad(loss, mine), ur.grad(loss, mine, create_graph=True)
    first = torch.autograd.grad((z * z * torch.tensor(weights)).sum(), other, create_graph=True)
    total: Any = 0.0
    for g in recorded:
        assert g is not None
        total = total + (g * g).sum()
    second = torch.autograd.grad(sum((g * g).sum() for g in first), other)
    pairs: list[Any] = [(y, z), *zip(bare, first, strict=True), *zip(recorded, first, strict=True)]
    for a, b in (*pairs, *zip(ur.grad(total, mine), second, strict=True)):
        np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-9, atol=1e-9)
