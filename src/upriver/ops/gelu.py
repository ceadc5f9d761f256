"""GELU, and its derivative as an operation of its own, so that each is one kernel of few passes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import POWER, Case, Domain, Formula, Interval, Op, call
from ..core.registry import front_door
from ..core.state import Array, is_grad_enabled
from ..errors import ArgumentError
from .elementwise import elementwise, equal_shapes, exp, floating, one_flop, square, where
from .erf import erf as erf_kernel
from .fresh import multiply_into
from .trigonometry import tanh

_K = math.sqrt(2.0 / math.pi)
_C = 0.044715
_HALF = math.sqrt(0.5)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)


def _tanh_of_cubic(x: Array, x2: Array) -> Array:
    """tanh(√(2/π) (x + 0.044715 x³))."""
    t = np.asarray(x2 * (_K * _C))
    t += _K
    t *= x
    return np.tanh(t, out=t)


# erf(x/√2) = tanh(x p(x²)): p fitted by weighted least squares to an error of the result below 6e-8 for every x.
_P = (7.97884942e-01, 3.63330842e-02, -3.25945353e-05, -5.53064163e-05, 3.96479350e-06, -1.32268058e-07,
      1.75633117e-09)  # fmt: skip


def _erf_of_root(x: Array, x2: Array) -> Array:
    """erf(x / √2); in single precision by a polynomial and tanh, half the passes of the error function itself."""
    if x.dtype != np.float32:
        return np.asarray(erf_kernel(np.asarray(x * _HALF)))
    t = np.asarray(x2 * _P[-1])
    for c in _P[-2:0:-1]:
        t += c
        t *= x2
    t += _P[0]
    t *= x
    return np.tanh(t, out=t)


def _gelu_array(x: Array, approximate: str) -> Array:
    out = _tanh_of_cubic(x, x * x) if approximate == "tanh" else _erf_of_root(x, x * x)
    out += 1.0
    out *= x
    out *= 0.5
    return out


def _gelu_slope_array(x: Array, approximate: str) -> Array:
    x2 = np.asarray(x * x)
    if approximate == "tanh":
        t = _tanh_of_cubic(x, x2)
        x2 *= 3.0 * _K * _C
        x2 += _K
        x2 *= x
        out = t * t
        np.subtract(1.0, out, out=out)
        out *= x2
        out += t
        out += 1.0
        out *= 0.5
        return out
    out = _erf_of_root(x, x2)
    out += 1.0
    out *= 0.5
    x2 *= -0.5
    np.exp(x2, out=x2)
    x2 *= x
    x2 *= _DENSITY
    out += x2
    return out


def _gelu_slope_rule(ct: Any, _y: Any, x: Any, approximate: str) -> Any:
    x2 = square(x)
    if approximate != "tanh":
        return ct * (exp(x2 * -0.5) * (2.0 - x2) * _DENSITY)
    t = tanh((x2 * (_K * _C) + _K) * x)
    first = x2 * (3.0 * _K * _C) + _K
    return ct * ((1.0 - t * t) * (first + x2 * (3.0 * _K * _C) - x * t * first * first))


def _slope_from_value(y: Array, x: Array, approximate: str) -> Array:
    """The derivative with Φ(x) = y / x from the value that is known: no error function, no tanh."""
    with np.errstate(invalid="ignore"):
        out = np.asarray(np.divide(y, x))
    zero = x == 0
    if zero.any():
        out[zero] = 0.5
    x2 = np.asarray(x * x)
    if approximate == "tanh":
        # tanh = 2Φ - 1, so 1 - tanh² = 4 Φ (1 - Φ).
        x2 *= 6.0 * _K * _C
        x2 += 2.0 * _K
        x2 *= x
        x2 *= out
        x2 *= 1.0 - out
    else:
        x2 *= -0.5
        np.exp(x2, out=x2)
        x2 *= x
        x2 *= _DENSITY
    out += x2
    return out


def _gelu_rule(ct: Any, y: Any, x: Any, approximate: str) -> Any:
    if (type(ct) is np.ndarray or not is_grad_enabled()) and x.ndim and x.dtype.char in "fd":
        return multiply_into(_slope_of_value(y, x, approximate=approximate), ct)
    return ct * _gelu_slope(x, approximate=approximate)


_KINDS = ({"approximate": "none"}, {"approximate": "tanh"})
_gelu_slope = elementwise(
    "gelu_slope", _gelu_slope_array, _gelu_slope_rule,
    formula=Formula("gelu'({0})", r"\operatorname{{gelu}}'\left({0}\right)", POWER),
    lower=lambda m, x, approximate: _slope_recipe(m, x, approximate), attrs=_KINDS,
)  # fmt: skip
_slope_of_value = Op(
    name="gelu_slope_of_value",
    forward=_slope_from_value,
    vjps=(
        lambda ct, _s, y, x, approximate: _by_root(ct, y, x, approximate) / where(x == 0.0, math.inf, x),
        lambda ct, _s, y, x, approximate: _slope_of_value_rule(ct, y, x, approximate),
    ),
    shape=equal_shapes,
    dtype=floating,
    formula=Formula("gelu'({1})", r"\operatorname{{gelu}}'\left({1}\right)", POWER),
    domain=Domain((Interval(), Interval(low=0.0))),
    flops=one_flop,
    lower=lambda m, y, x, approximate: _slope_of_value_recipe(m, y, x, approximate),
    cases=tuple([Case(((2, 3), (2, 3)), kind) for kind in _KINDS]),
)
_gelu = elementwise(
    "gelu", _gelu_array, _gelu_rule,
    formula=call("gelu"), lower=lambda m, x, approximate: _gelu_recipe(m, x, approximate), attrs=_KINDS,
)  # fmt: skip


def _gelu_recipe(m: Any, x: Any, approximate: str) -> Any:
    return x * _distribution(m, x, approximate)


def _distribution(m: Any, x: Any, approximate: str) -> Any:
    """Φ(x), or what stands for it: (1 + tanh u) / 2 = 1 / (1 + exp(-2u)), a shorter way to the same."""
    if approximate != "tanh":
        return 0.5 * (1.0 + m.erf(x * _HALF))
    return 1.0 / (1.0 + m.exp(x * (x * x * (-2.0 * _K * _C) - 2.0 * _K)))


def _slope(m: Any, p: Any, x: Any, approximate: str) -> Any:
    """The derivative of x Φ(x), given Φ(x): with 1 - tanh² = 4 Φ (1 - Φ)."""
    if approximate != "tanh":
        return p + m.exp(-0.5 * x * x) * x * _DENSITY
    return p + (x * x * (6.0 * _K * _C) + 2.0 * _K) * x * p * (1.0 - p)


def _slope_recipe(m: Any, x: Any, approximate: str) -> Any:
    return _slope(m, _distribution(m, x, approximate), x, approximate)


def _by_root(ct: Any, y: Any, x: Any, approximate: str) -> Any:
    """``ct`` times the derivative of the slope by Φ(x) = y / x."""
    if approximate != "tanh":
        return ct
    return ct * ((1.0 - 2.0 * _root(y, x)) * ((x * x * (6.0 * _K * _C) + 2.0 * _K) * x) + 1.0)


def _root(y: Any, x: Any) -> Any:
    return where(x == 0.0, 0.5, y / where(x == 0.0, 1.0, x))


def _slope_of_value_rule(ct: Any, y: Any, x: Any, approximate: str) -> Any:
    p, x2 = _root(y, x), x * x
    if approximate == "tanh":
        direct = (x2 * (18.0 * _K * _C) + 2.0 * _K) * p * (1.0 - p)
    else:
        direct = exp(x2 * -0.5) * (1.0 - x2) * _DENSITY
    return ct * direct - _by_root(ct, y, x, approximate) * p / where(x == 0.0, math.inf, x)


def _slope_of_value_recipe(m: Any, y: Any, x: Any, approximate: str) -> Any:
    return _slope(m, m.where(x == 0.0, 0.5, y / x), x, approximate)


@front_door
def gelu(x: Any, approximate: str = "none") -> Any:
    """``x · Φ(x)``, with the normal distribution function Φ or ("tanh") its usual approximation.

    Raises:
        ArgumentError: ``approximate`` is neither "none" nor "tanh".

    Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), section 2.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.gelu(ur.tensor(1.0)).item(), 4)
        0.8413
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate = {approximate!r} is not known", "Use 'none' or 'tanh'.")
    return _gelu(x, approximate=approximate)
