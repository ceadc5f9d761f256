"""The update rule at work: gradient descent through the engine on the value of an expression, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ... import optim
from ...core.backward import grad
from ...core.site import sites_off
from ...core.state import Array, no_grad
from ...core.tensor import Tensor
from ...errors import ArgumentError, GradError
from ...explain.expression import Expression
from ...explain.labels import number as shown
from ...explain.nudge import hessian_product
from ...i18n import Message, say
from .given import expression, number, part, text, whole

STEPS, POINTS = 200, 161
"""The most steps, and how many points the curve has."""
OPERATIONS = 20_000
"""Steps times operations: what is computed at most."""
_FAR = 1e12
"""A value that is this many times farther away than at first has run off."""


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """Gradient descent on an expression: ``w_new = w_old − lr × gradient``, by the engine's own optimiser.

    Args:
        given: ``expression`` and ``values``; ``name``, one or several with commas between, all of one number; ``lr``;
            ``steps``, at most 200; ``range``, ``{"low", "high"}``, over which the curve is drawn, by default a range
            around where the descent goes.

    Returns:
        ``points``, one more than ``steps``: ``step``, ``w`` and ``gradient`` (of the first name), ``loss``, ``values``
        and ``gradients`` by name; fewer if it runs off. ``curve``, for one name: pairs of its value and the loss.
        ``curvature``, the largest along the names at the start; ``largest_stable``, 2 ÷ curvature, or null where it
        is not curved upwards; ``state`` ("crawls", "converges", "overshoots", "diverges", "stays") and ``verdict``.

    Raises:
        UpriverError: the expression cannot be computed, or a setting is out of bounds.

    Example:
        >>> found = answer({"expression": "(w*x + b - y)**2", "values": {"w": 1, "x": 2.1, "b": 0, "y": 4},
        ...                 "name": "w,b", "lr": 0.01, "steps": 1})
        >>> [round(p["loss"], 4) for p in found["points"]], round(found["points"][1]["w"], 4)
        ([3.61, 2.8711], 1.0798)
        >>> worked = {"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}, "name": "w", "steps": 10}
        >>> found = answer({**worked, "lr": 0.12})
        >>> round(found["largest_stable"], 4), found["state"]
        (0.1111, 'diverges')
    """
    asked = expression(given)
    names = [name.strip() for name in text(given, "name", 500).split(",")]
    rate, steps = number(given, "lr", 0.0, 1e6, 0.1), whole(given, "steps", 1, STEPS, 20)
    steps = min(steps, max(1, OPERATIONS // max(1, asked.program.operations)))
    leaves = [_leaf(asked, name) for name in dict.fromkeys(names)]
    with sites_off(), np.errstate(all="ignore"):
        curvature = _curvature(asked, leaves)
        points = _walk(asked, dict(zip(dict.fromkeys(names), leaves, strict=True)), rate, steps)
        curve = _curve(asked, names[0], points, part(given, "range")) if len(leaves) == 1 else None
    stable = 2 / curvature if curvature > 1e-300 else None
    state, message = _verdict(points, rate, stable, steps)
    return {
        "points": points,
        "curve": curve,
        "curvature": curvature,
        "largest_stable": stable,
        "state": state,
        "verdict": message,
    }


def _leaf(asked: Expression, name: str) -> Tensor:
    if name not in asked.leaves:
        raise ArgumentError(
            f"name: the expression has no {name[:60]}", f"Its names are {', '.join(asked.names)}.", at=False
        )
    leaf = asked.leaves[name]
    if leaf.shape:
        raise ArgumentError(
            f"{name} has shape {list(leaf.shape)}, and a walk along one number is drawn", "Choose one number.", at=False
        )
    return leaf


def _curvature(asked: Expression, leaves: list[Tensor]) -> float:
    """The largest eigenvalue of the matrix of second derivatives by ``leaves``, computed by the engine."""
    gradients = grad(asked.result(), leaves, create_graph=True, allow_unused=True)
    if all(g is None for g in gradients):
        raise GradError("no gradient flows to what is to be changed", "Name another, or use it.", at=False)
    rows: list[list[float]] = []
    for g in gradients:
        found: list[Array] = hessian_product([] if g is None else [(g, np.ones(()))], leaves)
        rows.append([float(h) for h in found])
    matrix = np.array(rows)
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2).max()) if np.isfinite(matrix).all() else math.nan


def _walk(asked: Expression, leaves: Mapping[str, Tensor], rate: float, steps: int) -> list[dict[str, Any]]:
    """The points of the descent, the first before any update; it ends early where it has run off."""
    optimizer = optim.SGD(list(leaves.values()), lr=rate)
    start = {name: leaf.array.copy() for name, leaf in leaves.items()}
    reach = _FAR * (1.0 + max([abs(float(a)) for a in start.values()]))
    points: list[dict[str, Any]] = []
    for step in range(steps + 1):
        optimizer.zero_grad()
        loss = asked.result()
        loss.reshape(()).backward()
        values = {name: float(leaf.array) for name, leaf in leaves.items()}
        gradients = {name: 0.0 if leaf.grad is None else float(leaf.grad.array) for name, leaf in leaves.items()}
        first = next(iter(values))
        here = {"step": step, "w": values[first], "loss": loss.item(), "gradient": gradients[first]}
        points.append({**here, "values": values, "gradients": gradients})
        if not all(math.isfinite(x) and abs(x) < reach for x in [*values.values(), *gradients.values()]):
            break
        optimizer.step()
    for name, array in start.items():
        leaves[name].data = array
    return points


def _curve(asked: Expression, name: str, points: list[dict[str, Any]], wanted: dict[str, Any]) -> list[list[float]]:
    """The loss over a range of one name's values: around the start and the first steps, unless it is given."""
    leaf = asked.leaves[name]
    start = float(leaf.array)
    seen = [p["w"] for p in points[:8] if math.isfinite(p["w"]) and abs(p["w"] - start) < 1e3 * (1 + abs(start))]
    spread = max(max(seen) - min(seen), 0.5 * abs(start), 1.0)
    low = number(wanted, "low", -1e9, 1e9, max(-1e9, min(seen) - 0.6 * spread))
    high = number(wanted, "high", -1e9, 1e9, min(1e9, max(seen) + 0.6 * spread))
    if high <= low:
        raise ArgumentError(f"range: from {low:g} to {high:g}", "Give a low that is below the high.", at=False)
    curve: list[list[float]] = []
    before = leaf.array.copy()
    many = max(21, min(POINTS, OPERATIONS // max(1, asked.program.operations)))
    try:
        with no_grad():
            for w in np.linspace(low, high, many):
                leaf.data = np.array(w)
                curve.append([float(w), asked.result().item()])
    finally:
        leaf.data = before
    return curve


def _verdict(points: list[dict[str, Any]], rate: float, stable: float | None, steps: int) -> tuple[str, Message]:
    first, last = points[0], points[-1]
    losses = [p["loss"] for p in points]
    before, after, n = shown(first["loss"], 4), shown(last["loss"], 4), len(points) - 1
    limit = "" if stable is None else shown(stable, 4)
    if not any(first["gradients"].values()):
        return "stays", say("The gradient is 0 here: whatever the learning rate, nothing moves.")
    if not rate:
        return "stays", say("With a learning rate of 0 nothing moves.")
    ran_off = len(points) <= steps or not all(map(math.isfinite, losses))
    if ran_off or (losses[-1] > losses[0] and losses[-1] >= 0.99 * max(losses)):
        if stable is not None and rate > stable:
            return "diverges", say(
                "It diverges: each step overshoots farther than the one before. The largest stable learning rate here "
                "is 2 ÷ curvature = {limit}, and {rate} is beyond it.",
                limit=limit, rate=shown(rate, 4),
            )  # fmt: skip
        return "diverges", say(
            "It diverges: after {n, plural, one {# step} other {# steps}} the loss is {after}, and it was {before}.",
            n=n, after=after, before=before,
        )  # fmt: skip
    pairs = list(pairwise([p["gradients"] for p in points]))
    turns = sum([a[name] * b[name] < 0 for name in first["gradients"] for a, b in pairs])
    lowest = min(0.0, min(losses))
    left = (losses[-1] - lowest) / (losses[0] - lowest) if losses[0] > lowest else 1.0
    if turns >= max(1, min(3, n)):
        return "overshoots", say(
            "It overshoots: each step jumps over the lowest point, but comes back nearer to it. From {before} to "
            "{after} in {n, plural, one {# step} other {# steps}}.",
            before=before, after=after, n=n,
        )  # fmt: skip
    if left > 0.5:
        if stable is None:
            return "crawls", say(
                "It crawls: after {n, plural, one {# step} other {# steps}} the loss is {after}, and it was {before}.",
                n=n, after=after, before=before,
            )  # fmt: skip
        return "crawls", say(
            "It crawls: after {n, plural, one {# step} other {# steps}} the loss is {after}, and it was {before}. "
            "Up to {limit} the learning rate may grow.",
            n=n, after=after, before=before, limit=limit,
        )  # fmt: skip
    return "converges", say(
        "It converges: from {before} to {after} in {n, plural, one {# step} other {# steps}}.",
        before=before, after=after, n=n,
    )  # fmt: skip
