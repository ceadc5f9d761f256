"""Sums of very many terms keep their digits, whichever way they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur

pytest.importorskip("llvmlite")

MANY = 150_000
CASES: dict[str, tuple[Callable[..., Any], list[tuple[int, ...]]]] = {
    "all": (lambda x: x.sum(), [(MANY, 3)]),
    "rows": (lambda x: x.sum(1), [(3, MANY)]),
    "few columns": (lambda x: x.sum(0), [(MANY, 5)]),
    "many columns": (lambda x: x.sum(0), [(MANY, 130)]),
    "columns, over two dimensions": (lambda x: x.sum((0, 1)), [(3000, 100, 130)]),
    "columns, over the outer and the inner": (lambda x: x.sum((0, 3)), [(2, 3, 4, MANY // 6)]),
    "a column that is used again": (lambda x: (x * x.sum(0)).sum(0), [(MANY // 3, 130)]),
    "product, few rows": (lambda x, y: x @ y, [(4, MANY), (MANY, 4)]),
    "product, one row": (lambda x, y: x @ y, [(1, MANY), (MANY, 17)]),
    "product, three registers": (lambda x, y: x @ y, [(1, MANY), (MANY, 48)]),
    "product in pieces": (lambda x, y: x @ y, [(64, MANY // 3), (MANY // 3, 64)]),
    "product of columns": (lambda x, y: x.T @ y, [(MANY // 3, 33), (MANY // 3, 17)]),
}


@pytest.mark.parametrize("name", CASES)
def test_digits(name: str) -> None:
    function, shapes = CASES[name]
    rng = np.random.default_rng(0)
    arrays = [rng.random(shape, dtype=np.float32) for shape in shapes]
    step = ur.compile(function)
    step(*map(ur.tensor, arrays))
    found = step(*map(ur.tensor, arrays))
    exact = function(*[ur.tensor(x.astype(np.float64)) for x in arrays])
    np.testing.assert_allclose(found.array, exact.array, 2e-6)
