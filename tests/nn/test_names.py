"""What the package exports, beside PyTorch's."""

from __future__ import annotations

import inspect

import pytest

from upriver import nn

OURS = {"Residual"}


@pytest.mark.parametrize("name", nn.__all__)
def test_every_name_is_pytorchs_or_ours(name):
    torch = pytest.importorskip("torch")
    assert name in OURS or hasattr(torch.nn, name)


MODULES = [
    name for name in nn.__all__ if inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module)
]


@pytest.mark.parametrize("name", sorted(set(MODULES) - OURS))
def test_arguments_come_in_pytorchs_order(name):
    torch = pytest.importorskip("torch")
    mine = inspect.signature(getattr(nn, name).__init__).parameters.values()
    theirs = list(inspect.signature(getattr(torch.nn, name).__init__).parameters)
    positional = [p.name for p in mine if p.kind is p.POSITIONAL_OR_KEYWORD]
    if "args" in theirs or "args" in [p.name for p in mine]:
        return
    assert positional == theirs[: len(positional)]


@pytest.mark.parametrize("name", MODULES)
def test_every_class_is_documented(name):
    assert (inspect.getdoc(getattr(nn, name)) or "").strip()
