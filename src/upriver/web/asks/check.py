"""A gradient checked: central differences of the result beside what the chain rule gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...explain.writing import format_number
from ...i18n import Message, say
from .computation import computation

_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
"""The step of central differences, for a value of about 1, at which rounding and curvature disturb least."""


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """A finite difference of one entry of a gradient, in float64.

    Args:
        given: ``expression`` and ``values``, or ``code``; ``name`` of any value, also of one in between; ``entry``, a
            list of indices, where it has several.

    Returns:
        ``analytic`` and ``numeric``, ``h``, ``difference``, ``tolerance`` (what rounding and curvature may make of
        it), ``agrees``, ``below`` and ``above`` (the result at −h and +h) and a ``message``.

    Raises:
        UpriverError: it cannot be computed, or nothing has that name.

    Example:
        >>> found = answer({"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}, "name": "w"})
        >>> found["analytic"], round(found["numeric"], 6), found["agrees"]
        (-24.0, -24.0, True)
    """
    asked = computation(given)
    name, key, entry = asked.find(given)
    value = asked.tensor(key).array
    if entry is None:
        raise ArgumentError(
            f"{name} has {math.prod(value.shape):,} entries, and one is checked at a time",
            "Name one, as in entry [0, 1].",
            at=False,
        )
    analytic = float(asked.explain(key).answers[0].gradient[entry])

    def at(change: float) -> float:
        moved = value.copy()
        moved[entry] += change
        return asked.again(key, moved)

    found = measure(at, float(value[entry]), float(asked.root.array.reshape(())))
    difference = abs(analytic - found["numeric"])
    tolerance = found["tolerance"] + 1e-9 * max(abs(analytic), abs(found["numeric"]))
    between = found["kink"] and min(found["left"], found["right"]) <= analytic + tolerance
    between = between and analytic <= max(found["left"], found["right"]) + tolerance
    agrees = difference <= tolerance or bool(between)
    message = _say(f"{name}{list(entry)}" if entry else name, analytic, agrees, found)
    return {"analytic": analytic, "difference": difference, "agrees": agrees, "message": message, **found}


def measure(at: Callable[[float], float], value: float, middle: float) -> dict[str, float]:
    """The slope of ``at`` around 0 by central differences, and how far it can be off.

    Args:
        at: the result after a change.
        value: what is changed; the step is in proportion.
        middle: the result without a change.
    """
    found = _measure(at, max(1.0, abs(value)), middle)
    if not math.isfinite(found["numeric"]) and 0 < abs(value) < 1:  # as for log(0.000001): stay on its side of 0
        found = _measure(at, abs(value), middle)
    return found


def _measure(at: Callable[[float], float], size: float, middle: float) -> dict[str, float]:
    h = 2.0 ** round(math.log2(_STEP * size))  # a power of two: adding it rounds least
    below, above, far_below, far_above = at(-h), at(h), at(-2 * h), at(2 * h)
    with np.errstate(all="ignore"):
        numeric = float(np.float64(above) - below) / (2 * h)
        wider = float(np.float64(far_above) - far_below) / (4 * h)
        jump = float(np.float64(above) - 2 * middle + below) / h
        farther = float(np.float64(far_above) - 2 * middle + far_below) / (2 * h)
    rounding = 8 * float(np.finfo(np.float64).eps) * max(abs(above), abs(below), 1e-300) / h
    # Where the slope changes smoothly, it changes by twice as much over twice the way; over a kink, by as much.
    kink = abs(jump) > 100 * rounding and 0.7 * abs(farther) < abs(jump)
    return {
        "numeric": numeric,
        "h": h,
        "below": below,
        "above": above,
        "left": (middle - below) / h,
        "right": (above - middle) / h,
        "kink": kink,
        "tolerance": rounding + abs(numeric - wider),
    }


def _say(name: str, analytic: float, agrees: bool, found: Mapping[str, float]) -> Message:
    n, rule, h = format_number(found["numeric"]), format_number(analytic), f"{found['h']:.1e}"
    if not (math.isfinite(found["numeric"]) and math.isfinite(analytic)):
        return say(
            "The result beside {name} is not finite (measured slope {n}, chain rule {rule}): "
            "there is nothing to compare here.",
            name=name, n=n, rule=rule,
        )  # fmt: skip
    left, right = found["left"], found["right"]
    if found["kink"]:
        return say(
            "{name} stands on a kink: to its left the slope is {left}, to its right {right}. "
            "The chain rule gives {rule}, as good as any slope between them.",
            name=name, left=format_number(left), right=format_number(right), rule=rule,
        )  # fmt: skip
    if agrees:
        return say(
            "Moving {name} by ±{h} changes the result with slope {n}. The chain rule gives {rule}: they agree.",
            name=name, h=h, n=n, rule=rule,
        )  # fmt: skip
    return say(
        "Moving {name} by ±{h} changes the result with slope {n}, but the chain rule gives {rule}. "
        "The result bends or jumps too quickly here to be measured in steps of this length.",
        name=name, h=h, n=n, rule=rule,
    )  # fmt: skip
