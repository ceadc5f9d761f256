from __future__ import annotations

import inspect

import numpy as np
import pytest

import upriver as ur
import upriver.nn.functional as F
from upriver.errors import ShapeError


@pytest.mark.parametrize("name", F.__all__)
def test_every_name_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    assert hasattr(torch.nn.functional, name)
    assert callable(getattr(F, name))


@pytest.mark.parametrize("name", [n for n in F.__all__ if inspect.isfunction(getattr(F, n))])
def test_every_function_is_documented(name):
    assert (getattr(F, name).__doc__ or "").strip()


def test_reached_as_an_attribute():
    assert ur.nn.functional is F


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": (3, 2), "padding": (1, 0), "stride": (1, 2)},
        {"kernel_size": 2, "dilation": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(2, 3, 5, 6), (3, 5, 6)])
def test_unfold_as_in_pytorch(rng, options, shape):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal(shape)
    mine, theirs = ur.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    a, b = F.unfold(mine, **options), torch.nn.functional.unfold(theirs, **options)
    assert (a.detach().numpy() == b.detach().numpy()).all()
    (a**2).sum().backward()
    (b**2).sum().backward()
    assert np.allclose(mine.grad.numpy(), theirs.grad.numpy())


def test_unfold_takes_pictures():
    with pytest.raises(ShapeError, match="unfold: an input of shape"):
        F.unfold(ur.zeros(3), 2)
