"""Compiled functions at the edges of what they are given: lengths, memory orders, dtypes, values."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver.core.tensor import Tensor

pytest.importorskip("llvmlite")


@pytest.mark.parametrize("rows", [1, 6, 17])
def test_a_product_of_one_column_that_is_used_twice(rows: int) -> None:
    def both(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        x = a @ b
        return x * x, x + x

    for b in (ur.randn(4, 1), ur.randn(4)):
        a, step = ur.randn(rows, 4), ur.compile(both)
        step(a, b)
        for got, want in zip(step(a, b), both(a, b), strict=True):
            np.testing.assert_allclose(got.array, want.array, rtol=1e-5, atol=1e-6)
