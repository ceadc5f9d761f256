from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import DTypeError, GradError, ShapeError

from .parity import agree

rng = np.random.default_rng(0)


def F() -> Any:
    return pytest.importorskip("torch").nn.functional


def randn(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape) * 2 + 1


@pytest.mark.parametrize(("shape", "over"), [((4, 6), 1), ((2, 3, 5), 2), ((40, 64), 1), ((2, 3, 8), 1), ((6,), 1)])
def test_layer_and_rms_norm(shape: tuple[int, ...], over: int) -> None:
    x, tail = randn(*shape), shape[len(shape) - over :]
    w, b = randn(*tail), randn(*tail)
    loose = {"rtol": 1e-8, "atol": 1e-9}
    agree(lambda x: ops.layer_norm(x, tail), lambda x: F().layer_norm(x, tail), x, **loose)
    agree(lambda x, w: ops.layer_norm(x, tail, w), lambda x, w: F().layer_norm(x, tail, w), x, w, **loose)
    agree(
        lambda x, w, b: ops.layer_norm(x, tail, w, b), lambda x, w, b: F().layer_norm(x, tail, w, b), x, w, b, **loose
    )
    agree(
        lambda x, b: ops.layer_norm(x, tail, None, b, 0.1),
        lambda x, b: F().layer_norm(x, tail, None, b, 0.1),
        x,
        b,
        **loose,
    )
    agree(lambda x: ops.rms_norm(x, tail), lambda x: F().rms_norm(x, tail), x, **loose)
    agree(lambda x, w: ops.rms_norm(x, tail, w, 0.1), lambda x, w: F().rms_norm(x, tail, w, 0.1), x, w, **loose)


def test_layer_norm_far_from_zero() -> None:
    x = (rng.standard_normal((8, 64)) + 1e4).astype(np.float32)
    y = ops.layer_norm(Tensor(x), 64).numpy()
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, exact, atol=5e-3)


@pytest.mark.parametrize("shape", [(8, 3), (4, 3, 5), (4, 3, 6, 7), (16, 3, 20, 5)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("learned", [True, False])
def test_batch_norm(shape: tuple[int, ...], training: bool, learned: bool) -> None:
    torch = pytest.importorskip("torch")
    mean, var = randn(3), np.abs(randn(3)) + 0.1
    mine = Tensor(mean.copy()), Tensor(var.copy())
    other = torch.tensor(mean), torch.tensor(var)
    given = (randn(3), randn(3)) if learned else ()
    agree(
        lambda x, *wb: ops.batch_norm(x, *mine, *(wb or (None, None)), training, 0.3),
        lambda x, *wb: F().batch_norm(x, *other, *(wb or (None, None)), training, 0.3),
        randn(*shape),
        *given,
        rtol=1e-8,
        atol=1e-9,
    )
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10)


def test_batch_norm_without_running_statistics() -> None:
    x = randn(6, 3)
    agree(
        lambda x: ops.batch_norm(x, training=True),
        lambda x: F().batch_norm(x, None, None, training=True),
        x,
        rtol=1e-8,
        atol=1e-9,
    )


def test_running_statistics_are_noted_as_changed() -> None:
    mean, var = ur.zeros(3), ur.ones(3)
    w = ur.ones(3, requires_grad=True)
    before = (mean * w).sum()
    ops.batch_norm(Tensor(randn(4, 3)).float(), mean, var, training=True)
    with pytest.raises(GradError, match=r"was changed after it ran"):
        before.backward()


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("shape", [(3, 6), (3, 6, 4), (3, 6, 4, 5)])
def test_group_norm(groups: int, shape: tuple[int, ...]) -> None:
    if shape == (3, 6) and groups == 6:
        return  # one value in each group
    agree(
        lambda x, w, b: ops.group_norm(x, groups, w, b),
        lambda x, w, b: F().group_norm(x, groups, w, b),
        randn(*shape),
        randn(6),
        randn(6),
        rtol=1e-8,
        atol=1e-9,
    )
    agree(lambda x: ops.group_norm(x, groups), lambda x: F().group_norm(x, groups), randn(*shape), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("from_input", [True, False])
def test_instance_norm(from_input: bool) -> None:
    torch = pytest.importorskip("torch")
    mean, var = randn(3), np.abs(randn(3)) + 0.1
    mine = Tensor(mean.copy()), Tensor(var.copy())
    other = torch.tensor(mean), torch.tensor(var)
    agree(
        lambda x, w, b: ops.instance_norm(x, *mine, w, b, from_input),
        lambda x, w, b: F().instance_norm(x, *other, w, b, from_input),
        randn(4, 3, 5, 2),
        randn(3),
        randn(3),
        rtol=1e-8,
        atol=1e-9,
    )
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10)


@pytest.mark.parametrize("name", ["layer", "batch", "group"])
def test_second_derivatives(name: str) -> None:
    torch = pytest.importorskip("torch")
    calls = {
        "layer": (lambda x: ops.layer_norm(x, 5), lambda x: F().layer_norm(x, (5,))),
        "batch": (lambda x: ops.batch_norm(x, training=True), lambda x: F().batch_norm(x, None, None, training=True)),
        "group": (lambda x: ops.group_norm(x, 2), lambda x: F().group_norm(x, 2)),
    }
    ours, theirs = calls[name]
    x = randn(4, 4, 5)
    a, b = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    (g,) = ur.grad((ours(a) ** 3).sum(), a, create_graph=True)
    (h,) = ur.grad((g**2).sum(), a)
    (tg,) = torch.autograd.grad((theirs(b) ** 3).sum(), b, create_graph=True)
    (th,) = torch.autograd.grad((tg**2).sum(), b)
    np.testing.assert_allclose(h.numpy(), th.numpy(), rtol=1e-7, atol=1e-7)


def test_what_does_not_fit() -> None:
    x = ur.zeros(2, 3)
    with pytest.raises(ShapeError, match=r"\[2, 3\] does not end in the normalised shape \[4\]"):
        ops.layer_norm(x, 4)
    with pytest.raises(ShapeError, match=r"weight of shape \[2\]"):
        ops.layer_norm(x, 3, ur.ones(2))
    with pytest.raises(DTypeError, match=r"one dtype"):
        ops.layer_norm(x, 3, ur.ones(3).double())
    with pytest.raises(ShapeError, match=r"one value for each channel"):
        ops.batch_norm(ur.zeros(1, 3), training=True)
    with pytest.raises(ShapeError, match=r"has no channels"):
        ops.batch_norm(ur.zeros(3), training=True)
    with pytest.raises(ShapeError, match=r"bias of shape \[2\] does not fit 3 channels"):
        ops.batch_norm(x, bias=ur.zeros(2), training=True)
    with pytest.raises(ShapeError, match=r"3 channels cannot be divided into 2 groups"):
        ops.group_norm(x, 2)
    with pytest.raises(ShapeError, match=r"no variance"):
        ops.instance_norm(ur.zeros(2, 3, 1))
    with pytest.raises(DTypeError, match=r"dtype int64"):
        ops.layer_norm(ur.tensor([[1, 2]]), 2)


def test_empty_batches() -> None:
    assert ops.layer_norm(ur.zeros(0, 3), 3).shape == (0, 3)
    assert ops.group_norm(ur.zeros(0, 4), 2).shape == (0, 4)
