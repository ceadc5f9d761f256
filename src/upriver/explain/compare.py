"""What a check finds, and what it compares with: central differences, double precision, arrays in a few characters."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.state import Array
from ..i18n import say


class Problem(NamedTuple):
    """What is wrong with an explanation.

    Attributes:
        kind: of mistake, in one word or two.
        where: the value, step or answer that it is in, by its name.
        message: a sentence with the numbers.
    """

    kind: str
    where: str
    message: str

    def __str__(self) -> str:
        return say("{where}: {problem}", where=self.where, problem=self.message)


def slope_at_zero(f: Any) -> tuple[float, bool]:
    """The derivative of ``f`` at 0 by central differences, and whether it has one: two steps and two sides agree."""
    h = 1e-4
    coarse, fine = (f(h) - f(-h)) / (2 * h), (f(h / 2) - f(-h / 2)) / h
    middle = f(0.0)
    sides = abs((f(h / 8) - middle) - (middle - f(-h / 8))) / (h / 8)
    return (4 * fine - coarse) / 3, max(abs(coarse - fine), sides) <= 1e-2 * (abs(fine) + abs(coarse)) + 1e-9


def in_double(x: Any) -> Array:
    """An array in double precision; integers and truths as they are."""
    a = np.asarray(x)
    return a.astype(np.float64) if a.dtype.kind == "f" else a


def few(x: Any) -> str:
    """An array in a few characters."""
    if x is None:
        return say("not computed")
    a = np.asarray(x)
    return f"{a.item():.6g}" if a.size == 1 else np.array2string(a, precision=4, threshold=8, separator=", ")
