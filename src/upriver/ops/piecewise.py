"""Activations in straight pieces: cheap stand-ins for the smooth ones, and shrinkage."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Domain, Interval, call
from ..core.registry import front_door
from ..errors import ArgumentError
from .elementwise import abs, clamp, elementwise, where

_hardtanh = elementwise(
    "hardtanh", lambda x, low, high: np.clip(x, low, high),
    lambda ct, y, _x, low, high: ct * ((y > low) & (y < high)),
    formula=call("hardtanh"), lower=lambda m, x, low, high: m.minimum(m.maximum(x, low), high),
    domain=Domain((Interval(kinks=(-1.0, 1.0)),), ties="the derivative at a bound is 0"),
    attrs=({"low": -1.0, "high": 1.0},),
)  # fmt: skip


@front_door
def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """``x`` held between two bounds; nothing flows back from where it is held.

    Raises:
        ArgumentError: the bounds are in the wrong order.

    Source: Collobert, "Large scale machine learning" (2004), section 6.3.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.hardtanh(ur.tensor([-3.0, 0.5, 3.0])).tolist()
        [-1.0, 0.5, 1.0]
    """
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val = {min_val} is above max_val = {max_val}", "Exchange them.")
    return _hardtanh(x, low=float(min_val), high=float(max_val))


@front_door
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6).

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.relu6(ur.tensor([-1.0, 3.0, 9.0])).tolist()
        [0.0, 3.0, 6.0]
    """
    return hardtanh(x, 0.0, 6.0)


@front_door
def hardsigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6.

    Source: Howard et al., "Searching for MobileNetV3" (2019), section 5.2.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.hardsigmoid(ur.tensor(0.0)).item()
        0.5
    """
    return relu6(x + 3.0) / 6.0


@front_door
def hardswish(x: Any) -> Any:
    """``x · relu6(x + 3) / 6``.

    Source: Howard et al., "Searching for MobileNetV3" (2019), section 5.2.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.hardswish(ur.tensor([-4.0, 3.0])).tolist()
        [-0.0, 3.0]
    """
    return x * hardsigmoid(x)


@front_door
def threshold(x: Any, threshold: float, value: float) -> Any:
    """``x`` where it is above ``threshold``, ``value`` elsewhere.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.threshold(ur.tensor([0.5, 2.0]), 1.0, -1.0).tolist()
        [-1.0, 2.0]
    """
    return where(x > threshold, x, float(value))


@front_door
def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` where |x| > λ, 0 elsewhere.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.hardshrink(ur.tensor([0.25, -2.0])).tolist()
        [0.0, -2.0]
    """
    return where(abs(x) > lambd, x, 0.0)


@front_door
def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` brought λ nearer to 0, and 0 where |x| ≤ λ.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.softshrink(ur.tensor([0.25, -2.0])).tolist()
        [0.0, -1.5]
    """
    return x - clamp(x, -float(lambd), float(lambd))
