"""The norm of several tensors together, as of all gradients of a network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import float64
from ..core.op import CALL, REALS, Case, Formula, Op
from ..core.state import Array

Shape = tuple[int, ...]


def _total_norm(*xs: Array, p: float) -> Array:
    if p == 2:
        total = math.fsum([float(np.vdot(x, x)) for x in xs])  # one pass each, without a temporary
        if not math.isfinite(total):
            total = math.fsum([float(np.square(x, dtype=np.float64).sum()) for x in xs])
        return np.array(math.sqrt(total))
    if math.isinf(p):
        # NumPy's maximum lets a NaN through, Python's does not.
        return np.array(np.max([np.maximum(np.max(x), -np.min(x)) if x.size else 0.0 for x in xs]), np.float64)
    return np.array(sum([float((np.abs(x, dtype=np.float64) ** p).sum()) for x in xs]) ** (1 / p))


def _total_norm_recipe(m: Any, *xs: Any, p: float) -> Any:
    total: Any = None
    for x in xs:
        every, x = tuple(range(x.ndim)), m.cast(m.fabs(x), float64)
        if math.isinf(p):
            part = m.max(x, every, False) if math.prod(x.shape) else m.cast(0.0, float64)
            total = part if total is None else m.maximum(total, part)
        else:
            part = m.sum(x * x if p == 2 else m.pow(x, p), every, False)
            total = part if total is None else total + part
    return total if math.isinf(p) else m.sqrt(total) if p == 2 else m.pow(total, 1 / p)


_SOME = (np.array([3.0, -4.0]), np.array([[1.0], [12.0]]))

total_norm = Op(
    name="total_norm",
    forward=_total_norm,
    vjps=(None,) * 2,
    shape=lambda *_, p: (),
    dtype=lambda *_, p: float64,
    formula=Formula("norm({0}, {1})", r"\left\|{0}, {1}\right\|_{{{p}}}", CALL),
    domain=REALS,
    flops=lambda out, *shapes, p: 2 * sum([math.prod(s) for s in shapes]),
    lower=lambda m, *xs, p: _total_norm_recipe(m, *xs, p=p),
    cases=(Case(_SOME, {"p": 2.0}), Case(_SOME, {"p": 1.0}), Case(_SOME, {"p": math.inf})),
)
"""The p-norm of all entries of several tensors, in float64: a number that no gradient flows through."""
