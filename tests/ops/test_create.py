"""Making tensors: shapes, dtypes and values as PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, DTypeError, ShapeError

SAME: dict[str, Any] = {
    "tensor of an int": lambda t: t.tensor(5),
    "tensor of a float": lambda t: t.tensor(5.0),
    "tensor of a bool": lambda t: t.tensor([True, False]),
    "tensor of ints": lambda t: t.tensor([[1, 2], [3, 4]]),
    "tensor of ints and floats": lambda t: t.tensor([1, 2.5]),
    "tensor of nothing": lambda t: t.tensor([]),
    "tensor of an array": lambda t: t.tensor(np.array([1.0, 2.0])),
    "tensor of a dtype": lambda t: t.tensor([1, 2], dtype=t.float64),
    "tensor as int": lambda t: t.tensor([1.7, -1.7], dtype=t.int32),
    "tensor of number tensors": lambda t: t.tensor([t.tensor(1.0), t.tensor(2.0)]),
    "as_tensor": lambda t: t.as_tensor([1, 2]),
    "from_numpy": lambda t: t.from_numpy(np.arange(3, dtype=np.int16)),
    "zeros": lambda t: t.zeros(2, 3),
    "zeros of a tuple": lambda t: t.zeros((2, 3), dtype=t.int64),
    "zeros of a list": lambda t: t.zeros([2, 0]),
    "zeros of a number": lambda t: t.zeros(()),
    "zeros of size": lambda t: t.zeros(size=(2,)),
    "ones": lambda t: t.ones(3, dtype=t.bool),
    "full": lambda t: t.full((2,), 7),
    "full of floats": lambda t: t.full([2], 0.5),
    "full of bools": lambda t: t.full((), True),
    "full of a dtype": lambda t: t.full((1, 2), 3, dtype=t.float64),
    "eye": lambda t: t.eye(3),
    "eye that is not square": lambda t: t.eye(2, 3, dtype=t.int64),
    "arange": lambda t: t.arange(5),
    "arange from": lambda t: t.arange(2, 9, 3),
    "arange down": lambda t: t.arange(5, 0, -2),
    "arange of floats": lambda t: t.arange(0.0, 1.0, 0.1),
    "arange of one float": lambda t: t.arange(3.5),
    "arange of a dtype": lambda t: t.arange(3, dtype=t.float64),
    "arange of nothing": lambda t: t.arange(2, 2),
    "arange with keywords": lambda t: t.arange(start=1, end=4, step=2),
    "linspace": lambda t: t.linspace(-1, 1, 7),
    "linspace of one": lambda t: t.linspace(2, 5, 1),
    "linspace of none": lambda t: t.linspace(2, 5, 0),
    "linspace64": lambda t: t.linspace(0, 1, steps=5, dtype=t.float64),
    "logspace": lambda t: t.logspace(-2, 1, 4),
    "logspace of base 2": lambda t: t.logspace(0, 3, 4, base=2),
    "zeros_like": lambda t: t.zeros_like(t.tensor([[1, 2]])),
    "ones_like": lambda t: t.ones_like(t.tensor([1.0]), dtype=t.int32),
    "full_like": lambda t: t.full_like(t.tensor([1.0, 2.0]), 3),
    "new_zeros": lambda t: t.tensor([1.0]).double().new_zeros(2, 3),
    "new_ones": lambda t: t.tensor([1]).new_ones((2,)),
    "new_full": lambda t: t.tensor([1.0]).new_full((2,), 3),
    "new_tensor": lambda t: t.tensor([1.0]).double().new_tensor([1, 2]),
}


@pytest.mark.parametrize("name", SAME)
def test_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    got, wanted = SAME[name](ur), SAME[name](torch)
    assert got.shape == tuple(wanted.shape)
    assert str(got.dtype) == str(wanted.dtype).removeprefix("torch.")
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-6, atol=1e-7)


def test_arange_ends_before_its_end() -> None:
    torch = pytest.importorskip("torch")
    for end, step in ((1.0, 0.1), (0.3, 0.1), (2.0, 0.3), (1.0, 1 / 3)):
        assert len(ur.arange(0.0, end, step)) == len(torch.arange(0.0, end, step))


def test_memory() -> None:
    a = np.zeros(3)
    copied, shared, too = ur.tensor(a), ur.from_numpy(a), ur.as_tensor(a)
    a[0] = 1
    assert copied[0].item() == 0
    assert shared[0].item() == too[0].item() == 1
    x = ur.ones(2)
    y = ur.tensor(x)
    y += 1
    assert x.tolist() == [1.0, 1.0]
    assert ur.as_tensor(x) is x


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: ur.tensor([1.0], **k),
        lambda **k: ur.zeros(2, **k),
        lambda **k: ur.ones(2, **k),
        lambda **k: ur.empty(2, **k),
        lambda **k: ur.full((2,), 1.0, **k),
        lambda **k: ur.eye(2, **k),
        lambda **k: ur.arange(2.0, **k),
        lambda **k: ur.linspace(0, 1, 2, **k),
        lambda **k: ur.logspace(0, 1, 2, **k),
        lambda **k: ur.zeros_like(ur.ones(2), **k),
        lambda **k: ur.ones_like(ur.ones(2), **k),
        lambda **k: ur.empty_like(ur.ones(2), **k),
        lambda **k: ur.full_like(ur.ones(2), 2, **k),
        lambda **k: ur.ones(2).new_zeros(3, **k),
        lambda **k: ur.ones(2).new_empty(3, **k),
    ],
)
def test_keywords(make: Any) -> None:
    x = make(requires_grad=True, device="cpu")
    assert x.requires_grad
    assert x.is_leaf
    assert make(dtype=ur.float64).dtype == ur.float64
    with pytest.raises(DTypeError, match="CPU"):
        make(device="cuda")


def test_default_dtype() -> None:
    ur.set_default_dtype(ur.float64)
    made = (
        ur.zeros(1),
        ur.tensor(1.5),
        ur.arange(1.0),
        ur.linspace(0, 1, 2),
        ur.eye(1),
        ur.full((1,), 0.5),
        ur.rand(1),
    )
    assert {x.dtype for x in made} == {ur.float64}
    assert ur.tensor(1).dtype == ur.arange(2).dtype == ur.int64


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: ur.zeros(2, -1), ShapeError, "negative"),
    (lambda: ur.zeros(2.5), ShapeError, "not a shape"),
    (lambda: ur.tensor([[1], [2, 3]]), ShapeError, "unequal"),
    (lambda: ur.tensor("a"), DTypeError, "not supported"),
    (lambda: ur.tensor([1], requires_grad=True), DTypeError, "no gradient"),
    (lambda: ur.from_numpy([1]), DTypeError, "list"),
    (lambda: ur.full((2,), [1, 2]), ShapeError, "one number"),
    (lambda: ur.arange(0, 5, 0), ArgumentError, "steps of 0"),
    (lambda: ur.arange(5, 0), ArgumentError, "from 5 to 0"),
    (lambda: ur.linspace(0, 1, -1), ArgumentError, "-1 steps"),
    (lambda: ur.zeros(2, dtype="complex64"), DTypeError, "complex64"),
]


@pytest.mark.parametrize(("f", "kind", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_errors_say_what_is_wrong(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        f()
    assert "test_create.py" in str(caught.value)
