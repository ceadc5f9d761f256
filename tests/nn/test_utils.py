from __future__ import annotations

import math

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, GradError, ShapeError
from upriver.nn.utils import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters


def leaves(*grads):
    found = [ur.zeros(*np.shape(g), requires_grad=True) for g in grads]
    for leaf, g in zip(found, grads, strict=True):
        leaf.grad = ur.tensor(np.asarray(g, np.float32))
    return found


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.5, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clip_grad_norm_as_in_pytorch(rng, norm_type, max_norm):
    torch = pytest.importorskip("torch")
    grads = [rng.standard_normal((4, 3)), rng.standard_normal(5)]
    mine = leaves(*grads)
    theirs = [torch.zeros(g.shape, requires_grad=True) for g in grads]
    for t, g in zip(theirs, grads, strict=True):
        t.grad = torch.tensor(g, dtype=torch.float32)
    a = clip_grad_norm_([*mine, ur.zeros(3, requires_grad=True)], max_norm, norm_type)
    b = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert math.isclose(a.item(), b.item(), rel_tol=1e-6)
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5)


def test_clip_grad_norm_at_its_edges():
    assert clip_grad_norm_([], 1.0).item() == 0
    assert clip_grad_norm_(leaves([]), 1.0).item() == 0
    (one,) = leaves([3.0, 4.0])
    assert clip_grad_norm_(one, 1.0).item() == 5.0  # one tensor, not in a list
    (big,) = leaves([3e30, 4e30])  # whose squares overflow
    assert math.isclose(clip_grad_norm_(big, 1.0).item(), 5e30, rel_tol=1e-6)
    np.testing.assert_allclose(big.grad.numpy(), [0.6, 0.8], rtol=1e-5)
    (half,) = leaves([300.0, 400.0])
    half.grad = half.grad.half()
    assert clip_grad_norm_(half, 1.0).item() == 500
    assert half.grad.dtype == ur.float16


@pytest.mark.parametrize("norm_type", [2.0, math.inf])
def test_a_norm_that_is_not_finite(norm_type):
    (p,) = leaves([math.nan, 1.0])
    with pytest.raises(GradError, match="the norm of the gradients is nan"):
        clip_grad_norm_(p, 1.0, norm_type, error_if_nonfinite=True)
    assert p.grad.numpy()[1] == 1
    assert math.isnan(clip_grad_norm_(p, 1.0, norm_type).item())
    assert np.isnan(p.grad.numpy()).all()


def test_bad_limits_are_named():
    with pytest.raises(ArgumentError, match="max_norm=-1"):
        clip_grad_norm_(leaves([1.0]), -1)
    with pytest.raises(ArgumentError, match="clip_value=-1"):
        clip_grad_value_(leaves([1.0]), -1)


def test_clip_grad_value():
    (p,) = leaves([-3.0, 0.25, 2.0])
    clip_grad_value_([p], 0.5)
    assert p.grad.tolist() == [-0.5, 0.25, 0.5]


def test_parameters_as_a_vector_and_back():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector = parameters_to_vector(model.parameters())
    assert vector.shape == (11,)
    (vector**2).sum().backward()
    assert ur.allclose(model[0].weight.grad, 2 * model[0].weight.detach())
    other = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector_to_parameters(vector, other.parameters())
    x = ur.randn(4, 3)
    assert (model(x) == other(x)).all()
    with pytest.raises(ShapeError, match="11 entries"):
        vector_to_parameters(ur.zeros(12), model.parameters())
