"""Comparisons and logic, entry by entry: answers are booleans, and no gradient flows through them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import COMPARISON, PREFIX, Formula, call
from .elementwise import Elementwise, boolean, elementwise, same_dtype


def _compare(name: str, forward: Any, text: str, latex: str, lower: Any) -> Elementwise:
    formula = Formula(f"{{0}} {text} {{1}}", f"{{0}} {latex} {{1}}", COMPARISON)
    return elementwise(name, forward, None, None, formula=formula, lower=lower, dtype=boolean)


eq = _compare("eq", np.equal, "==", "=", lambda m, a, b: a == b)
ne = _compare("ne", np.not_equal, "!=", r"\neq", lambda m, a, b: a != b)
lt = _compare("lt", np.less, "<", "<", lambda m, a, b: a < b)
le = _compare("le", np.less_equal, "<=", r"\leq", lambda m, a, b: a <= b)
gt = _compare("gt", np.greater, ">", ">", lambda m, a, b: a > b)
ge = _compare("ge", np.greater_equal, ">=", r"\geq", lambda m, a, b: a >= b)
_ = PREFIX, call, same_dtype
