"""Dtypes and how they combine: as in PyTorch, pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.dtypes import as_dtype, result_type
from upriver.errors import DTypeError

NAMES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
NUMBERS: tuple[Any, ...] = (True, 3, 2.5)


def operand(kind: str, name: str) -> np.ndarray:
    return np.ones((2,) if kind == "dimensioned" else (), name)


@pytest.mark.parametrize("first", ["dimensioned", "0-d"])
@pytest.mark.parametrize("second", ["dimensioned", "0-d"])
@pytest.mark.parametrize("a", NAMES)
def test_two_tensors_combine_as_in_pytorch(first: str, second: str, a: str) -> None:
    torch = pytest.importorskip("torch")
    for b in NAMES:
        x, y = operand(first, a), operand(second, b)
        expected = str(torch.result_type(torch.from_numpy(x.copy()), torch.from_numpy(y.copy()))).removeprefix("torch.")
        assert result_type(x, y) == np.dtype(expected), (a, b)
        assert (ur.Tensor(x) * ur.Tensor(y)).dtype == np.dtype(expected), (a, b)


@pytest.mark.parametrize("kind", ["dimensioned", "0-d"])
@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("number", NUMBERS, ids=["bool", "int", "float"])
def test_a_tensor_and_a_python_number_combine_as_in_pytorch(kind: str, a: str, number: Any) -> None:
    torch = pytest.importorskip("torch")
    x = operand(kind, a)
    expected = str(torch.result_type(torch.from_numpy(x.copy()), number)).removeprefix("torch.")
    assert result_type(x, number) == np.dtype(expected)
    assert (ur.Tensor(x) * number).dtype == np.dtype(expected)
    assert (number * ur.Tensor(x)).dtype == np.dtype(expected)


@pytest.mark.parametrize("a", [name for name in NAMES if name != "bool"])
def test_division_is_floating(a: str) -> None:
    x = ur.Tensor(np.array([1, 2], a))
    assert (x / x).dtype == (np.dtype(a) if a.startswith("float") else np.float32)
    assert (1 / x).dtype == (x / 2).dtype == (x / x).dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numpys_numbers_are_numbers(dtype: Any) -> None:
    x = ur.Tensor(np.ones(2, dtype))
    for number in (np.float64(2.0), np.float32(2.0), np.int64(2)):
        assert (x * number).dtype == dtype
        assert (number * x).dtype == dtype


def test_the_default_dtype() -> None:
    assert ur.get_default_dtype() == np.float32
    assert ur.tensor([1.5]).dtype == np.float32
    assert ur.tensor([1, 2]).dtype == np.int64
    assert ur.tensor(True).dtype == np.bool_
    ur.set_default_dtype(ur.float64)
    assert ur.tensor([1.5]).dtype == np.float64
    assert (ur.tensor([1, 2]) / 2).dtype == np.float64
    with pytest.raises(DTypeError, match="int64 is not a floating-point dtype"):
        ur.set_default_dtype(ur.int64)


def test_names_of_dtypes() -> None:
    assert as_dtype(float) == np.float32
    assert as_dtype(int) == np.int64
    assert as_dtype(bool) == np.bool_
    assert as_dtype("float16") == ur.float16
    assert ur.tensor(1.0).dtype == np.float32 == ur.float32
    with pytest.raises(DTypeError, match="is not a dtype"):
        as_dtype("floaty")
    with pytest.raises(DTypeError, match="complex128 are not supported"):
        ur.tensor(np.array([1j]))
    with pytest.raises(DTypeError, match="not supported"):
        ur.tensor(["a", "b"])


def test_gradients_come_back_in_the_dtype_of_their_leaf() -> None:
    half = ur.Tensor(np.ones(2, np.float16), requires_grad=True)
    double = ur.Tensor(np.ones(2), requires_grad=True)
    (half * double).sum().backward()
    assert half.grad.dtype == np.float16
    assert double.grad.dtype == np.float64


def test_float32_stays_float32_through_a_network() -> None:
    rng = np.random.default_rng(0)
    x = ur.Tensor(rng.standard_normal((4, 3)).astype(np.float32))
    w = ur.Tensor(rng.standard_normal((2, 3)).astype(np.float32), requires_grad=True)
    y = ur.nn.functional.linear(x, w)
    for step in (
        lambda y: ur.tanh(y) * 0.5 + 1,
        lambda y: y / 3 - 2.0**0.5,
        lambda y: 1 / (1 + ur.exp(-y)),
        lambda y: y**2,
    ):
        y = step(y)
    loss = y.mean()
    for node in ur.Graph.of(loss):
        assert node.dtype == np.float32, node
    (g,) = ur.grad(loss, w, create_graph=True)
    for node in ur.Graph.of(g):
        assert node.dtype == np.float32, node
    loss.backward()
    assert w.grad.dtype == np.float32
