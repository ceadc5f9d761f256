"""The tensor as a thing: made, read, printed, copied, stored, and met by NumPy."""

from __future__ import annotations

import copy
import operator as o
import pickle

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, DTypeError, GradError, ShapeError


def leaf(values, dtype=np.float64) -> ur.Tensor:
    return ur.Tensor(np.array(values, dtype), requires_grad=True)


# requires_grad, leaves, detaching.


def test_requires_grad_rules() -> None:
    x = ur.tensor([1.0, 2.0])
    assert not x.requires_grad
    assert x.is_leaf
    assert x.requires_grad_() is x
    y = x * 2
    assert y.requires_grad
    assert not y.is_leaf
    x.requires_grad = False
    assert not (x * 2).requires_grad
    with pytest.raises(GradError, match="result of mul"):
        y.requires_grad = False
    for values in (np.array([1, 2]), np.array([True])):
        with pytest.raises(DTypeError, match="have no gradient"):
            ur.Tensor(values, requires_grad=True)
        with pytest.raises(DTypeError):
            ur.Tensor(values).requires_grad_()


def test_gradients_do_not_flow_through_integers() -> None:
    x = leaf([1.0, 2.0])
    assert not (x > 1).requires_grad
    assert not x.long().requires_grad
    assert x.float().requires_grad


def test_detach() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    d = y.detach()
    assert d.is_leaf
    assert not d.requires_grad
    assert np.shares_memory(d.array, y.array)
    (y * d).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_parameters() -> None:
    p = ur.Parameter(ur.tensor([1.0]))
    assert p.requires_grad
    assert isinstance(p, ur.Tensor)
    assert not isinstance(p * 1, ur.Parameter)
    assert repr(p) == "Parameter containing:\ntensor([1.], requires_grad=True)"


# Making and reading.


def test_making() -> None:
    assert ur.tensor([[1, 2], [3, 4]]).shape == (2, 2)
    array = np.ones(2)
    t = ur.tensor(array)
    array[0] = 5.0
    assert t.tolist() == [1.0, 1.0]
    assert ur.as_tensor(array).array is array
    assert ur.tensor([leaf(1.0), leaf(2.0)]).tolist() == [1.0, 2.0]
    assert ur.tensor([]).dtype == np.float32
    assert ur.tensor(0.1, dtype=ur.float64).item() == 0.1  # never rounded to the default dtype on the way
    with pytest.raises(ShapeError, match="unequal lengths"):
        ur.tensor([[1.0], [2.0, 3.0]])


def test_reading() -> None:
    t = ur.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert (t.shape, t.ndim, t.device, len(t)) == ((2, 2), 2, "cpu", 2)
    assert t.size() == (2, 2)
    assert t.size(0) == t.shape[1] == 2
    assert (t.dim(), t.numel(), t.nelement()) == (2, 4, 4)
    assert [row.tolist() for row in t] == [[1.0, 2.0], [3.0, 4.0]]
    assert 3.0 in t
    assert 9.0 not in t
    one = ur.tensor([2.5])
    assert (one.item(), float(one), int(one), bool(one)) == (2.5, 2.5, 2, True)
    assert [10, 20, 30][ur.tensor(1)] == 20
    assert list(range(5))[: ur.tensor(2)] == [0, 1]
    with pytest.raises(ShapeError, match=r"shape \[2, 2\] is not one number"):
        t.item()
    with pytest.raises(ArgumentError, match="ambiguous"):
        bool(t)
    with pytest.raises(DTypeError, match="must be one integer"):
        [1, 2][ur.tensor(1.0)]
    with pytest.raises(ShapeError, match="no dimensions has no length"):
        len(ur.tensor(1.0))


def test_equality_is_by_entry_and_hashing_by_identity() -> None:
    a, b = ur.tensor([1.0, 2.0]), ur.tensor([1.0, 3.0])
    assert (a == b).tolist() == [True, False]
    assert (a != b).tolist() == [False, True]
    assert len({a, b, a}) == 2


def test_how_it_looks() -> None:
    assert repr(ur.tensor([1.0, 2.5])) == "tensor([1. , 2.5])"
    assert repr(ur.tensor([1, 2])) == "tensor([1, 2])"
    assert repr(ur.tensor(True)) == "tensor(True)"
    assert repr(leaf([1.0])) == "tensor([1.], dtype=float64, requires_grad=True)"
    assert repr(ur.tensor(1.0, requires_grad=True) * 2) == "tensor(2., grad_fn=<mul>)"
    assert f"{ur.tensor(1.23456):.2f}" == "1.23"
    assert "%.1f" % ur.tensor(1.26) == "1.3"  # noqa: UP031
    assert f"{ur.tensor([1.0])}" == "tensor([1.])"
    assert "..." in repr(ur.zeros(100, 100))


# Copies and storage.


def test_a_copy_of_a_leaf() -> None:
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    y = copy.deepcopy(x)
    assert y.requires_grad
    assert y.tolist() == x.tolist()
    assert y.grad.tolist() == x.grad.tolist()
    assert not np.shares_memory(y.array, x.array)
    assert not np.shares_memory(y.grad.array, x.grad.array)
    shared = copy.deepcopy([x, x])
    assert shared[0] is shared[1]
    with pytest.raises(GradError, match="only leaves"):
        copy.deepcopy(x * 2)


@pytest.mark.parametrize("make", [ur.Tensor, ur.Parameter])
def test_storing_a_leaf(make) -> None:
    x = make(np.array([1.0, 2.0]), requires_grad=True)
    y = pickle.loads(pickle.dumps(x))
    assert type(y) is make
    assert y.requires_grad
    assert y.dtype == np.float64
    assert y.tolist() == [1.0, 2.0]
    with pytest.raises(GradError, match="only leaves"):
        pickle.dumps(x * 2)


# Meeting NumPy.


OPERATORS = [o.add, o.sub, o.mul, o.truediv, o.pow, o.matmul, o.lt, o.eq]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_an_array_on_the_left_is_an_operand(op) -> None:
    a, t = np.array([1.0, 2.0]), leaf([3.0, 4.0])
    result = op(a, t)
    assert isinstance(result, ur.Tensor)
    np.testing.assert_allclose(result.array, op(a, t.array))
    if op not in (o.lt, o.eq):
        result.sum().backward()
        assert t.grad is not None


def test_numpys_functions_fail_loudly() -> None:
    t = leaf([1.0, 2.0])
    with pytest.raises(TypeError):
        np.sin(t)
    with pytest.raises(TypeError):
        np.add(np.ones(2), t)
    array = np.ones(2)
    with pytest.raises(TypeError):
        array += t


def test_as_an_array() -> None:
    t = ur.tensor([1.0, 2.0])
    assert np.asarray(t) is t.array
    assert t.numpy() is t.array
    assert np.array(t) is not t.array
    assert np.asarray(t, np.float64).dtype == np.float64
    np.testing.assert_array_equal(t, [1.0, 2.0])
    for lost in (np.asarray, lambda x: x.numpy()):
        with pytest.raises(GradError, match=r"detach\(\)\.numpy\(\)"):
            lost(leaf([1.0]))
    assert leaf([1.0]).detach().numpy().tolist() == [1.0]
