"""Activations: what makes a network more than a line."""

from __future__ import annotations

import numpy as np

from ..core.op import Domain, Interval, call
from .elementwise import elementwise

relu = elementwise(
    "relu", lambda x: np.maximum(x, 0), lambda ct, y, _x: ct * (y > 0),
    formula=call("relu"), lower=lambda m, x: m.where(x > 0, x, 0.0),
    domain=Domain((Interval(kinks=(0.0,)),), ties="the derivative at 0 is 0"),
)  # fmt: skip
