from __future__ import annotations

import inspect

import pytest

import upriver as ur
import upriver.nn.functional as F


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
