"""One gradient taken apart into the paths that it comes along: the largest exactly, the rest as one number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core.site import sites_off
from ...errors import ArgumentError, GradError
from ...explain.entry import written
from ...explain.paths import paths
from ...explain.why import why_of
from ...i18n import say
from .computation import Computation, computation
from .given import whole


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """The largest paths to one entry.

    Args:
        given: ``expression`` and ``values``, or ``code``; ``name`` of any value but the result; ``entry``, where it
            has several; ``k``, how many paths, at most 50.

    Returns:
        What :meth:`upriver.explain.paths.Paths.to_dict` gives (``paths``, largest first, with their ``factors``;
        ``covered``, ``rest``, ``count``, ``gradient``) and a ``message``. Where no path adds anything, or the gradient
        is not finite, ``paths`` is empty and ``why`` has the first cause: ``finding``, ``sentence`` and ``fix``.

    Raises:
        UpriverError: it cannot be computed, nothing has that name, or the entry is not named.

    Example:
        >>> found = answer({"expression": "(w*x)*(w+1)", "values": {"w": 2, "x": 3}, "name": "w"})
        >>> [path["contribution"] for path in found["paths"]], found["gradient"]
        ([9.0, 6.0], 15.0)
    """
    asked = computation(given)
    name, key, entry = asked.find(given)
    if entry is None:
        raise ArgumentError(
            f"{name} has {math.prod(key.shape):,} entries, and paths lead to one", "Name one, as in [0, 1].", at=False
        )
    of = asked.tensor(key)
    called = name + written(entry or None)
    with sites_off(), np.errstate(all="ignore"):
        try:
            found = paths(
                asked.root, of[entry] if entry else of, whole(given, "k", 1, 50, 10), name=called, names_of=asked.known
            )
        except GradError:
            gradient = float(np.asarray(asked.explain(key).answers[0].gradient)[entry])
            message = say(
                "The gradient of {name} is no sum of paths that can be compared: something on the way is not finite.",
                name=called,
            )  # fmt: skip
            return {"gradient": gradient, "paths": [], "message": message, "why": _why(asked, key, entry)}
    told = {**found.to_dict(), "message": found.sentence()}
    return told if found.paths else {**told, "why": _why(asked, key, entry)}


def _why(asked: Computation, key: Any, entry: tuple[int, ...]) -> dict[str, str]:
    """The first cause, in sentences."""
    found = why_of(asked.root, key, entry, {key: name for name, key in asked.keys.items()})
    return {"finding": found.finding, "sentence": found.sentence, "fix": found.fix}
