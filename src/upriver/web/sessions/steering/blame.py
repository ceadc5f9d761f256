"""One moment of a drive, opened: what was seen, what was done, what was right, and where the blame goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import upriver as ur

from ....core.state import Array
from ....explain.blame import SENSITIVITY, TIMES_WEIGHT, UPDATE
from ....explain.derivation import explain
from ....explain.page import content
from ....explain.paths import paths as explain_paths
from ....i18n import say
from .. import given as read
from ..blamed import healed, row, weight
from .car import ANGLES
from .learn import Learner

TOP = 10
NUDGE = 0.05
"""By how much each ray is made longer (or shorter, at the end of its reach) to measure what the gradient predicts."""


def blame(learner: Learner, seen: Array, did: float, right: float) -> dict[str, Any]:
    """Where the error of one moment comes from.

    Args:
        learner: whose network drives.
        seen: what the rays saw, (rays,).
        did: the wheel then.
        right: what the driver who knows the road would have done.

    Returns:
        ``seen``, ``did``, ``does`` (the wheel now), ``right``, ``loss``, ``message``; ``rays``: for each its
        ``angle`` in degrees, what it ``saw``, its ``gradient``, and ``before``, ``after``, ``predicted`` and ``by``
        of a nudge; ``modules``, ``units``, ``weights``: rankings by
        :func:`upriver.blame`; ``predicted`` and ``healed``: the loss's change by one plain step on this moment
        alone, by the first order and measured.
    """
    net, lr = learner.net, learner.optimizer.param_groups[0]["lr"]
    x = ur.tensor(seen[None], requires_grad=True)
    target = ur.tensor(np.array([[right]], np.float32))
    loss = net.loss(x, target)
    loss.backward()
    try:
        ranked = ur.blame(loss, net, lr=lr)
        rankings: dict[str, Any] = {
            "modules": [row(item) for item in ranked.modules(SENSITIVITY, 10)],
            "units": [row(item) for item in ranked.units(SENSITIVITY, TOP)],
            "weights": {
                measure: [row(item) for item in ranked.weights(measure, TOP)]
                for measure in (SENSITIVITY, UPDATE, TIMES_WEIGHT)
            },
            "predicted": ranked.total(UPDATE),
        }
        rankings["healed"] = healed(net, lambda copied: copied.loss(x, target), lr)
    finally:
        learner.optimizer.zero_grad()  # a training step expects to find none
    assert x.grad is not None
    gradient = x.grad.array[0]
    by = np.where(seen + NUDGE > 1.0, -NUDGE, NUDGE).astype(np.float32)
    with ur.no_grad():
        does = net(x).item()
        moved = ur.tensor(seen + np.diag(by))
        after = ((net(moved) - target) ** 2).numpy()[:, 0]
    return {
        "seen": seen,
        "did": did,
        "does": does,
        "right": right,
        "loss": loss.item(),
        "message": say(
            "It turned the wheel to {did}, and {right} would have been right. The squared error is {loss}.",
            did=f"{does:+.2f}",
            right=f"{right:+.2f}",
            loss=f"{loss.item():.4f}",
        ),
        "rays": [
            {
                "angle": float(np.degrees(angle)),
                "saw": float(seen[i]),
                "gradient": float(gradient[i]),
                "by": float(by[i]),
                "predicted": float(gradient[i] * by[i]),
                "before": loss.item(),
                "after": float(after[i]),
            }
            for i, angle in enumerate(ANGLES)
        ],
        **rankings,
    }


def opened(learner: Learner, seen: Array, right: float, given: Mapping[str, Any]) -> dict[str, Any]:
    """One gradient of one moment, as the page of a derivation shows it.

    Args:
        learner: whose network drives.
        seen: as for :func:`blame`.
        right: as for :func:`blame`.
        given: ``kind`` "weight" with its ``name`` as in ``wheel.weight[0, 3]``, or "ray" with ``ray``, its number.

    Returns:
        ``name``, ``content`` and ``paths``, the largest.

    Raises:
        ArgumentError: there is no such weight or ray.
    """
    net = learner.net
    kind = read.choice(given, "kind", "ray", ("ray", "weight"))
    x = ur.tensor(seen[None], requires_grad=kind == "ray")
    target = ur.tensor(np.array([[right]], np.float32))
    loss = net.loss(x, target)
    known = {"seen": x, "right": target, "loss": loss}
    if kind == "ray":
        i = read.whole(given, "ray", 0, 0, len(ANGLES) - 1)
        name, wrt = f"seen[0, {i}]", x[0, i]
    else:
        name, parameter, entry = weight(net, read.text(given, "name", "", 100))
        wrt = parameter[entry] if entry else parameter
    made = explain(loss, wrt, names_of=known, module=net)
    return {
        "name": name,
        "content": content(made.trace()),
        "paths": explain_paths(loss, wrt, 6, name=name).to_dict(),
    }
