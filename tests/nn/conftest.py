"""A module beside PyTorch's: keys, values, gradients, two steps of training, evaluation, representation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur


def outputs(result: Any) -> list[Any]:
    """The tensors in a result, in order."""
    if isinstance(result, (tuple, list)):
        return [t for part in result for t in outputs(part)]
    return [] if result is None else [result]


def plain(module: Any) -> str:
    """Its representation, without what versions of PyTorch differ in."""
    text = repr(module).replace("NonDynamicallyQuantizableLinear", "Linear")
    return re.sub(r"(eps.*?), bias=(True|False)", r"\1", text)


def array(t: Any) -> np.ndarray:
    return np.array(t.detach().numpy())


class Beside:
    """``make(nn)`` in both libraries, in float64, with the same weights, on the same inputs."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def __call__(
        self,
        make: Callable[[Any], Any],
        *inputs: Any,
        training: bool = True,
        text: bool = True,
        steps: int = 2,
        rtol: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        torch = self.torch
        self.rtol = rtol
        torch.manual_seed(0)
        mine, theirs = make(ur.nn), make(torch.nn).double()
        assert mine.double() is mine
        ours, their = mine.state_dict(), theirs.state_dict()
        assert list(ours) == list(their)
        assert [tuple(t.shape) for t in ours.values()] == [tuple(t.shape) for t in their.values()]
        assert [str(t.dtype) for t in ours.values()] == [str(t.dtype).removeprefix("torch.") for t in their.values()]
        assert mine.load_state_dict(their) == ([], [])  # their weights to us
        theirs.load_state_dict({key: torch.tensor(t.numpy()) for key, t in mine.state_dict().items()})  # and back
        if text:
            assert plain(mine) == plain(theirs)
        mine.train(training)
        theirs.train(training)
        for _ in range(steps):
            self.step(mine, theirs, inputs, kwargs)
        for (key, a), b in zip(mine.state_dict().items(), theirs.state_dict().values(), strict=True):
            np.testing.assert_allclose(array(a), array(b), rtol=self.rtol, atol=1e-11, err_msg=key)
        mine.eval()
        theirs.eval()
        self.step(mine, theirs, inputs, kwargs)

    def step(self, mine: Any, theirs: Any, inputs: Any, kwargs: Any) -> None:
        torch = self.torch
        ours, their = [], []
        more: dict[str, Any] = {}
        more_t: dict[str, Any] = {}

        def pair(x: Any) -> tuple[Any, Any]:
            if isinstance(x, tuple):
                parts = [pair(p) for p in x]
                return tuple(p[0] for p in parts), tuple(p[1] for p in parts)
            if not isinstance(x, np.ndarray):
                return x, x
            a, b = ur.tensor(x), torch.tensor(x)
            if x.dtype.kind == "f":
                a.requires_grad_()
                b.requires_grad_()
            ours.append(a)
            their.append(b)
            return a, b

        args = [pair(x) for x in inputs]
        for key, value in kwargs.items():
            more[key], more_t[key] = pair(value)
        a = outputs(mine(*[x for x, _ in args], **more))
        b = outputs(theirs(*[x for _, x in args], **more_t))
        assert len(a) == len(b)
        rng = np.random.default_rng(1)
        loss, loss_t = 0.0, 0.0
        for i, (u, v) in enumerate(zip(a, b, strict=True)):
            assert tuple(u.shape) == tuple(v.shape)
            np.testing.assert_allclose(array(u), array(v), rtol=self.rtol, atol=1e-11, err_msg=f"output {i}")
            weight = rng.standard_normal(tuple(u.shape))
            loss, loss_t = loss + (u * ur.tensor(weight)).sum(), loss_t + (v * torch.tensor(weight)).sum()
        if not loss.requires_grad:
            assert not loss_t.requires_grad
            return
        mine.zero_grad()
        theirs.zero_grad()
        loss.backward()
        loss_t.backward()
        for i, (x, y) in enumerate(zip(ours, their, strict=True)):
            assert (x.grad is None) == (y.grad is None)
            if x.grad is not None:
                np.testing.assert_allclose(
                    array(x.grad), array(y.grad), rtol=self.rtol, atol=1e-10, err_msg=f"input {i}"
                )
        for (key, p), q in zip(mine.named_parameters(), theirs.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None), key
            if p.grad is not None:
                np.testing.assert_allclose(array(p.grad), array(q.grad), rtol=self.rtol, atol=1e-10, err_msg=key)
                p.data -= 0.1 * p.grad
                q.data -= 0.1 * q.grad


@pytest.fixture
def beside() -> Beside:
    """The comparison; the test is skipped where PyTorch is absent."""
    return Beside(pytest.importorskip("torch"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
