"""An index taken of a leaf is that entry of the leaf."""

from __future__ import annotations

import pytest

import upriver as ur
from upriver.errors import ArgumentError, DimError, GradError
from upriver.explain.entry import entry_of, written


def test_an_entry_of_a_leaf() -> None:
    w = ur.zeros(4, 20, requires_grad=True)
    for x in (w[3, 17], w[-1, -3], w[3][17], w[2:][1, 17], w[3:4, 17:18], w[..., 17][3]):
        leaf, index = entry_of(x)
        assert leaf is w
        assert index == (3, 17)


def test_a_whole_leaf_and_a_number() -> None:
    w = ur.zeros(4, 20, requires_grad=True)
    assert entry_of(w) == (w, None)
    x = ur.tensor(1.0, requires_grad=True)
    assert entry_of(x) == (x, None)


def test_what_is_no_entry_of_a_leaf() -> None:
    w = ur.zeros(4, 20, requires_grad=True)
    with pytest.raises(GradError, match="result of mul"):
        entry_of(w * 2.0)
    with pytest.raises(GradError, match="result of mul"):
        entry_of((w * 2.0)[1, 1])
    with pytest.raises(ArgumentError, match="20 entries"):
        entry_of(w[3])
    with pytest.raises(ArgumentError, match="float"):
        entry_of(1.0)
    with pytest.raises(DimError, match="out of range"):
        entry_of(w[4, 17])


def test_an_index_is_written_as_in_python() -> None:
    assert written((3, 17)) == "[3, 17]"
    assert written(()) == written(None) == ""
