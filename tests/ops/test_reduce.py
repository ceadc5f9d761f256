from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, DimError, DTypeError, ShapeError

from .parity import agree

rng = np.random.default_rng(0)
X = rng.standard_normal((4, 3, 5))
LARGE = rng.standard_normal((40, 5, 30))


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax", "amin", "logsumexp"])
@pytest.mark.parametrize("dim", [0, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("x", [X, LARGE, LARGE.transpose(2, 0, 1)], ids=["small", "large", "strided"])
def test_reductions_agree_with_pytorch(name: str, dim: Any, keepdim: bool, x: np.ndarray) -> None:
    agree(lambda t: getattr(t, name)(dim=dim, keepdim=keepdim), lambda t: getattr(t, name)(dim=dim, keepdim=keepdim), x)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod", "amax", "max", "min", "median", "norm"])
def test_reductions_of_everything_agree_with_pytorch(name: str) -> None:
    agree(lambda t: getattr(ops, name)(t), lambda t: getattr(t, name)(), X)


@pytest.mark.parametrize("shape", [(2000,), (3, 2000), (2000, 3), (5000, 2), (2, 5000), (7, 11, 13), (1, 1500, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_any_layout(shape: tuple[int, ...], dtype: Any) -> None:
    x = rng.standard_normal(shape).astype(dtype)
    y = rng.standard_normal(shape).astype(dtype)
    exact_x, exact_y = x.astype(np.float64), y.astype(np.float64)
    for dims in [(i,) for i in range(len(shape))] + [tuple(range(len(shape)))]:
        for keep in (False, True):
            out = ops.vecdot(Tensor(x), Tensor(y), dims=dims, keepdim=keep)
            np.testing.assert_allclose(
                ops.sum(Tensor(x), dims, keep).numpy(), exact_x.sum(axis=dims, keepdims=keep), rtol=1e-4, atol=1e-3
            )
            np.testing.assert_allclose(out.numpy(), (exact_x * exact_y).sum(axis=dims, keepdims=keep), atol=1e-3)
            assert out.dtype == dtype


@pytest.mark.parametrize("where", [[], [(1, 2)], [(1, 2), (1, 0)], [(0, 1), (2, 2)]], ids=len)
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_with_zeros(where: list[tuple[int, int]], name: str) -> None:
    x = rng.standard_normal((3, 4))
    for at in where:
        x[at] = 0
    for dim in (0, 1):
        agree(lambda t, dim=dim: getattr(ops, name)(t, dim), lambda t, dim=dim: getattr(t, name)(dim), x)


def test_second_derivative_of_a_product_with_zeros() -> None:
    torch = pytest.importorskip("torch")
    x = np.array([2.0, 0.0, 3.0])
    mine, other = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    (first,) = ur.grad(mine.prod(), mine, create_graph=True)
    (second,) = ur.grad((first * first).sum(), mine)
    (expected,) = torch.autograd.grad(other.prod(), other, create_graph=True)
    (expected,) = torch.autograd.grad((expected * expected).sum(), other)
    np.testing.assert_allclose(second.numpy(), expected.numpy())


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_running_sums(dim: int) -> None:
    agree(lambda t: t.cumsum(dim), lambda t: t.cumsum(dim), X)
    agree(lambda t: t.cumprod(dim), lambda t: t.cumprod(dim), X)
    agree(lambda t: t.cumsum(dim), lambda t: t.cumsum(dim), np.arange(6).reshape(2, 3, 1))


@pytest.mark.parametrize("p", [2, 1, 3, 0.5, math.inf, -math.inf, "fro"])
@pytest.mark.parametrize("dim", [None, 1])
def test_norms(p: Any, dim: Any) -> None:
    if p == "fro" and dim is not None:
        dim = (1, 2)
    agree(lambda t: t.norm(p, dim), lambda t: t.norm(p, dim), X)


def test_norm_0_counts() -> None:
    assert ur.tensor([[0.0, 2.0], [0.0, 0.0]]).norm(0, 1).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("p", [1, 2, 3])
def test_norm_at_zero_has_a_finite_gradient(p: int) -> None:
    x = ur.zeros(3, requires_grad=True)
    x.norm(p).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_deviation_of_equal_values_has_a_finite_gradient() -> None:
    agree(lambda t: t.std(1), lambda t: t.std(1), np.ones((2, 3)))


def test_the_arguments_of_variance() -> None:
    x = ur.tensor([[1.0, 2.0, 4.0]])
    assert x.var(False).item() == x.var(unbiased=False).item() == x.var(correction=0).item()
    assert x.var(1, False).shape == (1,)
    assert x.std(dim=1, keepdim=True).shape == x.std(axis=1, keepdims=True).shape == (1, 1)
    assert math.isnan(ur.tensor([1.0]).var().item())
    with pytest.raises(DTypeError, match=r"float"):
        ur.tensor([1, 2]).var()


def test_integers() -> None:
    x = ur.tensor([[1, 2], [3, 4]], dtype=ur.int32)
    assert x.sum().dtype == x.prod().dtype == x.cumsum(0).dtype == ur.int64
    assert ur.tensor([True, True]).sum().item() == 2
    assert x.max().item() == 4
    assert x.max().dtype == ur.int32
    with pytest.raises(DTypeError, match=r"mean.*int32"):
        x.mean()
    assert x.float().mean().item() == 2.5


@pytest.mark.parametrize("name", ["max", "min", "median"])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_extremes_along_a_dimension(name: str, dim: int, keepdim: bool) -> None:
    torch = pytest.importorskip("torch")
    agree(lambda t: getattr(ops, name)(t, dim, keepdim).values, lambda t: getattr(t, name)(dim, keepdim).values, X)
    got = getattr(ops, name)(Tensor(X), dim, keepdim).indices
    want = getattr(torch.tensor(X), name)(dim, keepdim).indices
    assert got.tolist() == want.tolist()
    assert got.dtype == np.int64


def test_extremes_along_a_dimension_with_ties_give_the_first_all() -> None:
    agree(lambda t: t.max(0).values, lambda t: t.max(0).values, np.zeros((3, 2)))
    agree(lambda t: t.max(), lambda t: t.max(), np.zeros((3, 2)))
    agree(lambda t: t.amin(1), lambda t: t.amin(1), np.ones((3, 2)))


def test_extremes_of_two_tensors() -> None:
    a, b = ur.tensor([1.0, 5.0]), ur.tensor([3.0, 2.0])
    assert ops.max(a, b).tolist() == [3.0, 5.0]
    assert ops.min(a, other=b).tolist() == [1.0, 2.0]


def test_positions() -> None:
    torch = pytest.importorskip("torch")
    x, t = Tensor(X), torch.tensor(X)
    for name in ("argmax", "argmin"):
        assert getattr(x, name)().item() == getattr(t, name)().item()
        assert getattr(x, name)(1).tolist() == getattr(t, name)(1).tolist()
        assert getattr(x, name)(axis=-1, keepdims=True).tolist() == getattr(t, name)(-1, keepdim=True).tolist()
    assert ur.tensor(3.0).argmax().item() == 0
    assert ur.tensor(3.0).argmax(0).shape == ()


def test_not_a_number_is_found() -> None:
    x = ur.tensor([1.0, math.nan, 3.0])
    assert all(math.isnan(v.item()) for v in (x.max(), x.amin(), x.max(0).values, ops.median(x)))
    assert x.argmax().item() == 1


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin", "median"])
def test_the_extreme_of_nothing_is_an_error(name: str) -> None:
    with pytest.raises(ShapeError, match=r"empty"):
        getattr(ops, name)(ur.zeros(0))
    with pytest.raises(ShapeError, match=r"dimension 1 of shape \[2, 0\]"):
        getattr(ops, name)(ur.zeros(2, 0), 1)
    assert getattr(ops, name)(ur.zeros(0, 2), 1) is not None


def test_sums_of_nothing() -> None:
    assert ur.zeros(0).sum().item() == 0
    assert ur.zeros(0).prod().item() == 1
    assert math.isnan(ur.zeros(0).mean().item())
    assert ur.zeros(0).logsumexp(0).item() == -math.inf
    assert ur.zeros(0, 3).sum(0).tolist() == [0, 0, 0]
    assert not ops.any(ur.zeros(0)).item()
    assert ops.all(ur.zeros(0)).item()


def test_truth() -> None:
    x = ur.tensor([[0.0, 2.0], [1.0, math.nan]])
    assert x.any(1).tolist() == [True, True]
    assert x.all(1).tolist() == [False, True]
    assert x.any().dtype == ur.bool
    assert x.all(dim=(0, 1), keepdim=True).shape == (1, 1)
    assert ops.count_nonzero(x).item() == 3
    assert ops.count_nonzero(x, 0).tolist() == [1, 2]


def test_wrong_arguments() -> None:
    x = ur.ones(2, 3)
    with pytest.raises(DimError, match=r"sum: dim 2 is out of range"):
        x.sum(2)
    with pytest.raises(DimError, match=r"twice"):
        x.mean((0, 0))
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'dims'"):
        x.sum(dims=0)
    with pytest.raises(ArgumentError, match=r"nuc"):
        x.norm("nuc")


def test_logsumexp_at_the_extremes() -> None:
    x = Tensor(
        np.array([[1e4, -1e4], [-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 2.0]], np.float32), requires_grad=True
    )
    y = x.logsumexp(1)
    assert y.tolist() == [1e4, -math.inf, math.inf, 2.0]
    y[[0, 1, 3]].sum().backward()
    assert x.grad is not None
    assert x.grad[[0, 1, 3]].tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax", "amin", "logsumexp"])
def test_no_dimension_named_means_all_as_in_pytorch(name: str) -> None:
    # PyTorch itself cannot differentiate some of these where dim=().
    agree(lambda t: getattr(t, name)(()), lambda t: getattr(t, name)((0, 1, 2)), X)


def test_a_mean_in_float16_of_more_entries_than_float16_can_count() -> None:
    x = ur.ones(70_000, dtype=ur.float16, requires_grad=True)
    x.mean().backward()
    assert x.mean().item() == 1.0
    assert x.grad is not None
    assert x.grad.dtype == ur.float16
    assert x.grad[0].item() == pytest.approx(1 / 70_000, rel=0.01)
