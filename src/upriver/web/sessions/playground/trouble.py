"""What a network of the playground suffers from, as sentences: where numbers stop being finite, where gradients die."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....core.backward import grad
from ....core.state import Array
from ....i18n import Message, say
from .net import Network

FAINT, STRONG = 1e-3, 1e3
"""The first layer's gradient over the last one's: below it vanishes on its way, above it explodes."""
_LEARNT = 1e-3  # a loss below that asks for little
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NOTHING = 1e-7  # a gradient below that moves no weight of float32


def diverged(network: Network, x: Any, y: Any, step: int) -> Message:
    """Which step and which layer first met a number that is not finite.

    Args:
        network: as it was before that step.
        x: inputs of its batch.
        y: targets.
        step: its number, from 1.
    """
    rate = rounded(network.optimiser.param_groups[0]["lr"])
    weights = [p.array for p in network.model.parameters()]
    largest = rounded(max([float(np.abs(a).max()) for a in weights]))
    for i, layer in enumerate(network.layers, 1):
        if not (np.isfinite(layer.weight.array).all() and np.isfinite(layer.bias.array).all()):
            return say(
                "Step {step}: the weights of layer {layer} are no longer finite. The step before was too long for "
                "them: try a learning rate well below {rate}.",
                step=step, layer=i, rate=rate,
            )  # fmt: skip
    found = network.activations(x)
    for i, value in enumerate(found, 1):
        if not np.isfinite(value.array).all():
            return say(
                "Step {step}: what layer {layer} computes is beyond all numbers, with weights as large as {largest}. "
                "Every step overshot and the next had to overshoot more: try a learning rate well below {rate}.",
                step=step, layer=i, largest=largest, rate=rate,
            )  # fmt: skip
    loss = network.objective(found[-1], y)
    if not np.isfinite(loss.array).all():
        return say(
            "Step {step}: the loss is beyond all numbers, with outputs as large as {largest}. "
            "Try a learning rate well below {rate}.",
            step=step, largest=rounded(float(np.abs(found[-1].array).max())), rate=rate,
        )  # fmt: skip
    for i in range(len(network.layers), 0, -1):
        if not np.isfinite(gradient_of(loss, network.layers[i - 1].weight).array).all():
            return say(
                "Step {step}: on the way back the gradient is first beyond all numbers in layer {layer}. "
                "Try a learning rate well below {rate}.",
                step=step, layer=i, rate=rate,
            )  # fmt: skip
    return say(
        "Step {step}: the gradients together are beyond all numbers. Try a learning rate well below {rate}.",
        step=step, rate=rate,
    )  # fmt: skip


def verdict(
    network: Network, objective: float, norms: Sequence[float], activations: Sequence[Array]
) -> tuple[str, Message]:
    """How the gradient comes through, in one word and one sentence.

    Args:
        network: whose gradient it is.
        objective: the loss, with the penalty, of the batch that it is of.
        norms: of each layer's weights and biases together, from the input on.
        activations: of the hidden layers for the points to learn from, (N, units) each.

    Returns:
        ``"silent"``, ``"vanishing"``, ``"exploding"``, ``"dead"``, ``"alike"`` or ``"sound"``, and the sentence.
    """
    first, last, most = norms[0], norms[-1], max(norms)
    if not all(map(math.isfinite, norms)):
        return "exploding", say("The gradient is beyond all numbers.")
    off, units = _off(network, activations)
    closed = [i for i, a in enumerate(activations, 1) if off and not a.any()]
    if closed:
        return "dead", say(
            "All units of layer {layer} are off for every training point: no gradient passes them.", layer=closed[0]
        )
    if objective < _LEARNT and most < FAINT:
        return "sound", say("This batch asks for hardly anything more: its loss is {loss}.", loss=rounded(objective))
    if most < _NOTHING:
        return "silent", say("Hardly any gradient anywhere: nothing moves any more.")
    if off and first >= FAINT * last:
        return "dead", _told(off, units)
    if first == 0.0:
        return "vanishing", say("No gradient at all reaches layer 1 for this batch.")
    if first < FAINT * last:
        return "vanishing", say(
            "Layer 1 gets a gradient {times} times smaller than the output: it vanishes on its way back, and the first "
            "layers hardly learn.",
            times=_times(last, first),
        )  # fmt: skip
    if first > STRONG * last or most > STRONG:
        return "exploding", say(
            "The gradients are as large as {most}: they explode, and one step may undo all others.", most=rounded(most)
        )
    for i, layer in enumerate(network.layers[:-1], 1):
        w = layer.weight.array
        if len(w) > 1 and (w == w[0]).all():
            return "alike", say(
                "All units of layer {layer} are the same, get the same gradient and stay the same: together they are "
                "one unit.",
                layer=i,
            )
    if len(norms) == 1:
        return "sound", say("One layer alone: its gradient is {size}.", size=rounded(most))
    return "sound", say(
        "The gradient reaches every layer: {first} in layer 1, {last} in the output.",
        first=rounded(first), last=rounded(last),
    )  # fmt: skip


def _off(network: Network, activations: Sequence[Array]) -> tuple[int, int]:
    """How many hidden units give 0 for all points, and how many there are; none is off but with a ReLU."""
    units = sum(a.shape[1] for a in activations)
    if network.config.activation != "relu":
        return 0, units
    return sum(int((~a.any(axis=0)).sum()) for a in activations), units


def _told(off: int, units: int) -> Message:
    return say(
        "{off, plural, one {# unit} other {# units}} of {units} give 0 for every training point: no gradient passes "
        "them, and they cannot come back by themselves.",
        off=off, units=units,
    )  # fmt: skip


def _times(large: float, small: float) -> str:
    return f"{large / small:,.0f}" if small > large * 1e-9 else "10⁹"


def rounded(x: float) -> str:
    """Three digits of a number, for a sentence.

    Example:
        >>> rounded(0.01234), rounded(3.04e-8)
        ('0.0123', '3.04·10⁻⁸')
    """
    digits, power = f"{x:.3g}".partition("e")[::2]
    return f"{digits}·10{str(int(power)).translate(_RAISED)}" if power else digits


def measured(network: Network, x: Any, y: Any) -> tuple[float, list[Any]]:
    """The objective of a batch and its gradients, by parameter: by the engine, without touching any ``.grad``."""
    loss = network.objective(network.model(x), y)
    found = grad(loss, list(network.model.parameters()))
    return float(loss.array), list(found)


def gradient_of(result: Any, what: Any) -> Any:
    """The gradient of one number by one tensor; zeros where there is none."""
    (found,) = grad(result, what, allow_unused=True, materialize_grads=True)
    return found


def norms(gradients: Sequence[Any]) -> list[float]:
    """For each layer the Euclidean norm of the gradients of its weights and biases."""
    sizes = [float(np.linalg.norm(g.array)) for g in gradients]
    return [math.hypot(w, b) for w, b in zip(sizes[::2], sizes[1::2], strict=True)]
