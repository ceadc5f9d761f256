from __future__ import annotations

import pytest

from upriver.errors import ArgumentError
from upriver.nn.layers.sizes import check_divides, ntuple


def test_one_number_stands_for_all_dimensions():
    assert ntuple("Layer", "size", 3, 2) == (3, 3)
    assert ntuple("Layer", "size", [1, 2], 2) == (1, 2)


def test_the_fix_names_divisors_nearby():
    with pytest.raises(ArgumentError, match="such as 3, 4, 6, 8"):
        check_divides("Layer", "heads", "width", heads=7, width=48)
