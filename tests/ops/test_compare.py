from __future__ import annotations

import math

import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.errors import DTypeError


def test_comparisons_answer_booleans() -> None:
    x = ur.tensor([1.0, 2.0, 3.0])
    assert (x > 2).tolist() == [False, False, True]
    assert (x <= 2).tolist() == [True, True, False]
    assert (x == ur.tensor([1, 5, 3])).tolist() == [True, False, True]
    assert (x != x).dtype == ur.bool
    assert x.requires_grad_().gt(0).requires_grad is False


def test_comparison_with_what_is_not_a_number_is_pythons() -> None:
    x = ur.tensor([1.0])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "a") is False
    assert x not in [None, "a"]
    assert x in [None, x]
    with pytest.raises(TypeError, match=r"lt: NoneType is not a number"):
        _ = x < None


def test_what_kind_of_number() -> None:
    x = ur.tensor([0.0, math.nan, math.inf, -math.inf])
    assert x.isnan().tolist() == [False, True, False, False]
    assert x.isinf().tolist() == [False, False, True, True]
    assert x.isfinite().tolist() == [True, False, False, False]
    assert ur.tensor([1, 2]).isnan().tolist() == [False, False]


def test_logic() -> None:
    a, b = ur.tensor([0.0, 2.0]), ur.tensor([1, 1])
    assert a.logical_and(b).tolist() == [False, True]
    assert a.logical_or(b).tolist() == [True, True]
    assert a.logical_xor(b).tolist() == [True, False]
    assert a.logical_not().tolist() == [True, False]


def test_bits() -> None:
    p, q = ur.tensor([True, False]), ur.tensor([True, True])
    assert (p & q).tolist() == [True, False]
    assert (p | q).tolist() == [True, True]
    assert (p ^ q).tolist() == [False, True]
    assert (~p).tolist() == [False, True]
    assert (p & True).tolist() == [True, False]
    assert (ur.tensor([6]) & 3).tolist() == [2]
    assert (~ur.tensor([0])).tolist() == [-1]
    for wrong in (lambda: ur.tensor([1.0]) & ur.tensor([1.0]), lambda: ~ur.tensor([1.0]), lambda: p & 1.5):
        with pytest.raises(DTypeError, match=r"Compare first"):
            wrong()


def test_sameness() -> None:
    a, b = ur.tensor([1.0, math.nan]), ur.tensor([1.0 + 1e-7, math.nan])
    assert not ops.allclose(a, b)
    assert ops.allclose(a, b, equal_nan=True)
    assert ops.isclose(a, b).tolist() == [True, False]
    assert ops.isclose(ur.tensor(1.0), ur.tensor(1.0)).shape == ()
    assert ops.equal(ur.tensor([1, 2]), ur.tensor([1, 2]))
    assert not ops.equal(ur.tensor([1, 2]), ur.tensor([[1, 2]]))
