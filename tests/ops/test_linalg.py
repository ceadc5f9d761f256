"""Products: values, gradients and second gradients as PyTorch's in every combination of dimensions, and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import DTypeError, ShapeError

from .second_order import agree_twice

RNG = np.random.default_rng(0)


def normal(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [RNG.standard_normal(s) for s in shapes]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)), ((6, 5, 2, 3), (3, 4)), ((2, 1, 2, 3), (2, 5, 3, 1)), ((1, 1), (1, 1)),
        ((7, 2, 3), (1, 1, 3, 4)), ((2, 0), (0, 3)),
    ],
)  # fmt: skip
def test_matmul_is_pytorchs(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    agree_twice(ops.matmul, torch.matmul, *normal(a, b))


@pytest.mark.parametrize("shape", [(2, 3), (3,), (5, 2, 3)])
@pytest.mark.parametrize("bias", [False, True])
def test_linear_is_pytorchs(shape: tuple[int, ...], bias: bool) -> None:
    torch = pytest.importorskip("torch")
    agree_twice(ops.linear, torch.nn.functional.linear, *normal(shape, (4, 3), *([(4,)] if bias else [])))


@pytest.mark.parametrize(
    ("name", "shapes", "kwargs"),
    [
        ("mm", ((2, 3), (3, 4)), {}),
        ("bmm", ((5, 2, 3), (5, 3, 4)), {}),
        ("mv", ((2, 3), (3,)), {}),
        ("dot", ((3,), (3,)), {}),
        ("outer", ((2,), (3,)), {}),
        ("addmm", ((4,), (2, 3), (3, 4)), {"beta": 2.0, "alpha": 0.5}),
        ("addmv", ((2,), (2, 3), (3,)), {"beta": 2.0, "alpha": 0.5}),
        ("baddbmm", ((2, 4), (3, 2, 3), (3, 3, 4)), {"alpha": 0.5}),
        ("kron", ((2, 3), (2,)), {}),
        ("inner", ((2, 3), (4, 3)), {}),
        ("tensordot", ((2, 3, 4), (3, 4, 5)), {}),
        ("tensordot", ((2, 3, 4), (4, 2, 5)), {"dims": ([0, -1], [1, 0])}),
        ("tensordot", ((2, 3), (4,)), {"dims": 0}),
        ("trace", ((3, 3),), {}),
        ("trace", ((3, 4),), {}),
    ],
)
def test_the_other_products_are_pytorchs(name: str, shapes: Any, kwargs: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    agree_twice(
        lambda *x: getattr(ops, name)(*x, **kwargs), lambda *x: getattr(torch, name)(*x, **kwargs), *normal(*shapes)
    )


def test_one_product_for_a_batch_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """(B, T, C) @ (C, D): neither forward nor backward repeats the weight, or its gradient, for each of the batch."""
    x, w = (
        Tensor(RNG.standard_normal((5, 2, 3)), requires_grad=True),
        Tensor(RNG.standard_normal((3, 4)), requires_grad=True),
    )
    seen: list[tuple[int, ...]] = []
    product = np.dot

    def spy(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        seen.append(a.shape)
        return product(a, b)

    monkeypatch.setattr(np, "dot", spy)
    monkeypatch.setattr(np, "matmul", None)
    (x @ w).square().sum().backward()
    assert [len(s) for s in seen] == [2, 2, 2]
    assert w.grad is not None
    assert w.grad.shape == (3, 4)


def test_operands_laid_out_differently() -> None:
    a, b = RNG.standard_normal((4, 3, 5)), RNG.standard_normal((6, 5, 2))
    x, y = a.transpose(1, 2, 0), b.transpose(1, 0, 2)[:, ::2]
    expected = np.einsum("ijk,kl->ijl", x, np.ascontiguousarray(y[0, :, :].repeat(2, 0)[:4]))
    out = Tensor(x) @ Tensor(np.asfortranarray(y[0, :, :].repeat(2, 0)[:4]))
    np.testing.assert_allclose(out.array, expected, rtol=1e-12)


def test_beta_zero_does_not_look_at_the_input() -> None:
    out = ops.addmm(Tensor(np.full((2, 2), np.nan)), Tensor(np.eye(2)), Tensor(np.eye(2)), beta=0)
    np.testing.assert_array_equal(out.array, np.eye(2))


def test_arrays_and_lists_are_operands() -> None:
    x = Tensor(np.eye(2, dtype=np.float32))
    assert (np.ones((3, 2), np.float32) @ x).shape == (3, 2)
    assert ops.matmul(x, [1.0, 2.0]).tolist() == [1.0, 2.0]
    assert isinstance(ops.matmul(np.eye(2), np.eye(2)), np.ndarray)


def ones(*shape: int, dtype: Any = np.float32) -> Tensor:
    return Tensor(np.ones(shape, dtype))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ones(2, 3) @ ones(2, 3), ShapeError, r"matmul: shapes \[2, 3\] and \[2, 3\] do not fit"),
        (lambda: ones(2, 3) @ ones(2), ShapeError, r"\[2, 3\] and \[2\]"),
        (lambda: ones(3) @ ones(2), ShapeError, r"\[3\] and \[2\]"),
        (lambda: ones(2, 2, 3) @ ones(4, 3, 2), ShapeError, "matmul"),
        (lambda: ones(2, 3) @ 2.0, ShapeError, r"Use \* instead"),
        (lambda: ones(2, 3) @ ones(3, 2, dtype=np.float64), DTypeError, "matmul: .*float32 and float64"),
        (lambda: ones(2, 3) @ ones(3, 2, dtype=np.int64), DTypeError, "float32 and int64"),
        (lambda: ops.linear(ones(2, 3), ones(3, 4)), ShapeError, r"linear: .*\[2, 3\] .*\[3, 4\]"),
        (lambda: ops.linear(ones(2, 3), ones(4, 3), ones(3)), ShapeError, r"bias of shape \[3\]"),
        (lambda: ops.linear(ones(2, 3), ones(4, 3, dtype=np.float64)), DTypeError, "linear: .*one dtype"),
        (lambda: ops.mm(ones(2, 3), ones(3)), ShapeError, r"mm: shapes \[2, 3\] and \[3\]"),
        (lambda: ops.bmm(ones(2, 2, 3), ones(1, 3, 2)), ShapeError, "bmm: 2 matrices and 1"),
        (lambda: ops.dot(ones(2, 2), ones(2)), ShapeError, "dot"),
        (lambda: ops.trace(ones(2)), ShapeError, "trace"),
    ],
)
def test_errors_say_what_is_wrong(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()
