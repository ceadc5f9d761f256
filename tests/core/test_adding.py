"""Taking a tensor apart: each piece is added into one total, in place."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur

VALUES = np.random.default_rng(0).standard_normal((6, 3))


def pieces(x):
    """Rows, a row twice, slices that overlap, a reversed view, and the whole."""
    parts = [x[i] for i in range(6)]
    return sum(((p * p).sum() for p in [*parts, x[2], x[1:4], x[2:, ::2], x[::-1] * 2.0, x]), start=ur.tensor(0.0))


@pytest.mark.parametrize("leaf", [True, False])
def test_pieces_add_up(leaf):
    x = ur.tensor(VALUES, requires_grad=True)
    y = x if leaf else x * 1.0
    pieces(y).backward()
    factor = np.full((6, 3), 2.0)  # the rows
    factor[2] += 2
    factor[1:4] += 2
    factor[2:, ::2] += 2
    factor += 8 + 2
    np.testing.assert_allclose(x.grad.numpy(), factor * VALUES)


def test_as_with_a_recorded_gradient():
    x = ur.tensor(VALUES, requires_grad=True)
    (plain,) = ur.grad(pieces(x), x)
    (recorded,) = ur.grad(pieces(x), x, create_graph=True)
    np.testing.assert_allclose(plain.numpy(), recorded.detach().numpy())


def test_the_total_is_nobody_elses():
    x = ur.tensor(VALUES, requires_grad=True)
    y = x * 1.0
    given = ur.tensor(np.ones((6, 3)))
    whole = y + 0.0
    (whole * given).sum().backward(retain_graph=True)
    first = x.grad.clone()
    x.grad = None
    ((whole * given).sum() + y[0].sum() + y[1].sum() + y[1].sum()).backward()
    assert (given == 1).all()
    assert (x.grad[0] == 2).all()
    assert (x.grad[1] == 3).all()
    assert (first == 1).all()
