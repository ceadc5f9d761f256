from __future__ import annotations

import operator
from typing import Any

import pytest

import upriver as ur
from upriver.errors import ArgumentError, DimError, DTypeError

YES = ur.tensor([True, False])


@pytest.mark.parametrize(
    ("name", "call"), [("sub", lambda: YES - YES), ("neg", lambda: -YES)], ids=["difference", "negative"]
)
def test_what_is_not_defined_for_booleans_is_said_in_words(name: str, call: Any) -> None:
    with pytest.raises(DTypeError, match=f"{name}: not defined for bool") as caught:
        call()
    assert "x.float()" in str(caught.value)


@pytest.mark.parametrize("op", [operator.floordiv, operator.mod], ids=["floordiv", "mod"])
def test_an_integer_divided_by_zero_is_an_error(op: Any) -> None:
    for a, b in ((ur.tensor([4, 5]), ur.tensor([2, 0])), (7, ur.tensor([1, 0])), (ur.tensor([1]), 0)):
        with pytest.raises(ArgumentError, match="an integer divided by 0"):
            op(a, b)
    assert op(ur.tensor([], dtype=ur.int64), 0).shape == (0,)
    assert op(ur.tensor([-7, 7]), 2).tolist() == [op(-7, 2), op(7, 2)]


def test_a_clamp_without_bounds() -> None:
    with pytest.raises(ArgumentError, match="neither bound"):
        ur.ones(2).clamp()


def test_where_of_a_condition_alone_is_its_positions() -> None:
    rows, columns = ur.where(ur.tensor([[True, False], [False, True]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])
    with pytest.raises(ArgumentError, match="input or other is missing"):
        ur.where(YES, 1.0)


def test_the_length_of_a_dimension_that_is_not_there() -> None:
    with pytest.raises(DimError, match=r"size: dim 2 is out of range for a tensor of shape \[3, 4\]"):
        ur.ones(3, 4).size(2)


def test_a_number_cannot_become_the_data_of_a_tensor() -> None:
    w = ur.ones(3, requires_grad=True)
    with pytest.raises(DTypeError, match=r"data: int cannot be the values of a tensor of shape \[3\]"):
        w.data = 3  # type: ignore[assignment]
    assert w.tolist() == [1.0] * 3
