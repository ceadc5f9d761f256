"""A value nudged for real: what the gradient predicts, what the curvature adds, what happens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core.site import sites_off
from ...errors import ArgumentError
from ...explain.entry import written
from ...explain.nudge import nudge
from ...i18n import say
from .computation import computation
from .given import number
from .network import leaf


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """The change of the result when one entry is changed.

    Args:
        given: ``expression`` and ``values``, or ``code``; ``name`` of what was given a value; ``entry``, where it has
            several; ``by`` how much.

    Returns:
        ``before`` and ``after``; the change ``predicted`` by the gradient alone, and ``second`` with the curvature;
        ``measured``; ``curvature`` (the second derivative), ``verdict`` (see :class:`upriver.explain.nudge.Nudge`)
        and ``message``. Where ``by`` is 0, ``curvature`` is null.

    Raises:
        UpriverError: it cannot be computed, nothing has that name, or ``by`` is too small to change it.

    Example:
        >>> found = answer({"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}, "name": "w", "by": 0.1})
        >>> [round(found[key], 6) for key in ("before", "after", "predicted", "measured", "curvature")]
        [16.0, 13.69, -2.4, -2.31, 18.0]
    """
    asked = computation(given)
    name, key, entry = asked.find(given)
    by = number(given, "by", -1e6, 1e6, 0.01)
    target = leaf(asked, key, name)
    if entry is None:
        raise ArgumentError(
            f"{name} has {math.prod(target.shape):,} entries, and one is nudged at a time", "Name one.", at=False
        )
    with sites_off(), np.errstate(all="ignore"):
        if not by:
            return _rest(asked.loss().item())
        # Between two looks at the same entry, an index of it is one too: the leaf is taken itself where it is a number.
        found = nudge(asked.loss, target[entry] if entry else target, by, name=name + written(entry or None))
    moved = math.copysign(found.size, by)
    return {
        "before": found.before,
        "after": found.after,
        "predicted": found.first_order,
        "second": found.second_order,
        "measured": found.measured,
        "curvature": 2 * found.curvature_term / moved**2,
        "by": moved,
        "verdict": found.verdict,
        "message": found.sentence(),
    }


def _rest(loss: float) -> dict[str, Any]:
    """The answer where nothing is changed: where a slider rests."""
    changes = dict.fromkeys(("predicted", "second", "measured", "by"), 0.0)
    message = say("A nudge of 0 changes nothing.")
    return {"before": loss, "after": loss, **changes, "curvature": None, "verdict": "no change", "message": message}
