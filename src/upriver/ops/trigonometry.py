"""Circular and hyperbolic functions and their inverses: entry by entry, each one record.

Derivatives: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), ch. 4.
"""

from __future__ import annotations

import numpy as np

from ..core.op import Domain, Interval, call
from .elementwise import POSITIVE, Elementwise, elementwise, function, rsqrt

sin = function("sin", np.sin, lambda ct, _y, x: ct * cos(x), r"\sin {0}", lambda m, x: m.sin(x))
cos: Elementwise = function("cos", np.cos, lambda ct, _y, x: -ct * sin(x), r"\cos {0}", lambda m, x: m.cos(x))
tan = function(
    "tan", np.tan, lambda ct, y, _x: ct * (1.0 + y * y), r"\tan {0}", lambda m, x: m.tan(x),
    Domain((Interval(-1.5, 1.5),)),
)  # fmt: skip
_UNIT = Domain((Interval(-1.0, 1.0),))
asin = function(
    "asin", np.arcsin, lambda ct, _y, x: ct * rsqrt(1.0 - x * x), r"\arcsin {0}", lambda m, x: m.asin(x), _UNIT
)
acos = function(
    "acos", np.arccos, lambda ct, _y, x: -ct * rsqrt(1.0 - x * x), r"\arccos {0}", lambda m, x: m.acos(x), _UNIT
)
atan = function("atan", np.arctan, lambda ct, _y, x: ct / (1.0 + x * x), r"\arctan {0}", lambda m, x: m.atan(x))
sinh = function("sinh", np.sinh, lambda ct, _y, x: ct * cosh(x), r"\sinh {0}", lambda m, x: m.sinh(x))
cosh: Elementwise = function("cosh", np.cosh, lambda ct, _y, x: ct * sinh(x), r"\cosh {0}", lambda m, x: m.cosh(x))
tanh = function("tanh", np.tanh, lambda ct, y, _x: ct * (1.0 - y * y), r"\tanh {0}", lambda m, x: m.tanh(x))
asinh = function(
    "asinh", np.arcsinh, lambda ct, _y, x: ct * rsqrt(x * x + 1.0), r"\operatorname{{arsinh}} {0}",
    lambda m, x: m.asinh(x),
)  # fmt: skip
acosh = function(
    "acosh", np.arccosh, lambda ct, _y, x: ct * rsqrt(x * x - 1.0), r"\operatorname{{arcosh}} {0}",
    lambda m, x: m.acosh(x), Domain((Interval(low=1.0),)),
)  # fmt: skip
atanh = function(
    "atanh", np.arctanh, lambda ct, _y, x: ct / (1.0 - x * x), r"\operatorname{{artanh}} {0}",
    lambda m, x: m.atanh(x), _UNIT,
)  # fmt: skip
atan2 = elementwise(
    "atan2", np.arctan2,
    lambda ct, _z, y, x: ct * x / (x * x + y * y),
    lambda ct, _z, y, x: -ct * y / (x * x + y * y),
    formula=call("atan2", 2), lower=lambda m, y, x: m.atan2(y, x), domain=POSITIVE,
)  # fmt: skip
