"""What the measured flow of a gradient means: healthy, vanishing, exploding, dead, overflowed; from where, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...explain.labels import number as shown
from ...i18n import Message, say

WEAK = 1e-3
"""The gradient vanishes where the first layer gets less than this part of the last one's."""
STRONG = 1e3
"""It explodes where the first layer gets more than this many times the last one's."""
LARGE = 100.0
"""Or where all gradients together are longer than this."""


@dataclass(frozen=True)
class Measured:
    """What was seen in one step through a stack of layers; lists go from the first layer to the last.

    Attributes:
        gradients: the norm of the gradient of each layer's weights.
        signals: the norm of the gradient that arrives at its output.
        values: the root mean square of its output.
        slopes: the root mean square of the slope of its activation function.
        dead: the share of its units that pass nothing on.
        names: what it is called.
        gain: the scale of the weights.
        loss: before the step.
        norm: of all gradients together, before any clipping.
        clipped: whether they were clipped.
        activation: the name of the activation function.
    """

    gradients: Sequence[float]
    signals: Sequence[float]
    values: Sequence[float]
    slopes: Sequence[float]
    dead: Sequence[float]
    names: Sequence[str]
    gain: float
    loss: float
    norm: float
    clipped: bool
    activation: str

    @property
    def first_over_last(self) -> float:
        """The gradient of the first layer over that of the last."""
        first, last = self.gradients[0], self.gradients[-1]
        return first / last if last else math.nan if not first else math.inf

    @property
    def per_layer(self) -> float:
        """The factor by which the gradient changes from a layer to the one before it, as a geometric mean."""
        ratio = self.signals[0] / self.signals[-1] if self.signals[-1] else math.nan
        return float(ratio ** (1 / (len(self.signals) - 1))) if ratio >= 0 else math.nan

    @property
    def overflowed(self) -> bool:
        """Whether anything is no longer a finite number."""
        return not np.isfinite([self.loss, self.norm, *self.values, *self.gradients, *self.signals]).all()

    @property
    def exploded_at(self) -> str | None:
        """The layer where it went too far: of the values the first going forward, else of the gradients going back."""
        for bound in (float(np.finfo(np.float32).max), LARGE):
            for name, value in zip(self.names, self.values, strict=True):
                if not value <= bound:  # also where it is NaN
                    return name
        for name, gradient in zip(reversed(self.names), reversed(self.gradients), strict=True):
            if not gradient <= LARGE:
                return name
        if self.norm > LARGE or self.first_over_last > STRONG:
            return self.names[int(np.argmax(self.gradients))]
        return None


def verdict(m: Measured) -> tuple[str, Message]:
    """The state that a stack is in, and a sentence that tells why.

    Args:
        m: what was measured.
    """
    if m.overflowed:
        return "overflow", _overflow(m)
    if max(m.dead) == 1.0:
        name = next(name for name, dead in zip(m.names, m.dead, strict=True) if dead == 1.0)
        return "dead", say(
            "In layer {name} every unit is off for every sample: the gradient of the layers before it is exactly 0.",
            name=name,
        )
    if m.first_over_last < WEAK or m.norm == 0:
        return "vanishing", _vanishing(m)
    if m.first_over_last > STRONG or m.norm > LARGE:
        if m.clipped:
            return "clipped", say(
                "The gradients explode: together they are {norm} long. Clipped, they keep their direction and are 1 "
                "long, so the update stays small.",
                norm=shown(m.norm, 3),
            )
        if max(m.values) > LARGE:
            return "exploding", say(
                "Everything explodes: going forward the values grow, and are beyond {large} from layer {name} on; "
                "going back the gradient grows by a factor of about {factor} per layer. Together the gradients are "
                "{norm} long.",
                large=shown(LARGE), name=m.exploded_at or m.names[0], factor=shown(m.per_layer, 3),
                norm=shown(m.norm, 3),
            )  # fmt: skip
        return "exploding", say(
            "The gradient explodes: going back it grows by a factor of about {factor} per layer (slope of {activation} "
            "about {slope} × scale of the weights {gain}), and by layer {name} it is too large. Together the gradients "
            "are {norm} long.",
            factor=shown(m.per_layer, 3), activation=m.activation, slope=shown(_mean(m.slopes), 2),
            gain=shown(m.gain, 3), name=m.exploded_at or m.names[0], norm=shown(m.norm, 3),
        )  # fmt: skip
    return "healthy", say(
        "Healthy: the first layer gets {part} of the gradient of the last, a factor of about {factor} per layer.",
        part=shown(m.first_over_last, 3), factor=shown(m.per_layer, 3),
    )  # fmt: skip


def _overflow(m: Measured) -> Message:
    at = m.exploded_at or m.names[0]
    if any(not math.isfinite(value) for value in m.values):
        return say(
            "Overflow: in the forward pass the values grow from layer to layer, and in layer {name} they are larger "
            "than any number that 32 bits can hold. The loss is {loss}, and so is every gradient.",
            name=at, loss=shown(m.loss),
        )  # fmt: skip
    return say(
        "Overflow: going back, the gradient grows until in layer {name} it is larger than any number that 32 bits can "
        "hold. One update, and every weight is NaN.",
        name=at,
    )  # fmt: skip


def _vanishing(m: Measured) -> Message:
    times = 1 / m.first_over_last if m.first_over_last else math.inf
    slope = _mean(m.slopes)
    if slope < 0.5 and m.gain >= 0.5:
        return say(
            "The gradient vanishes: the first layer gets {times} times less than the last. Going back, each layer "
            "multiplies it by about {factor}, because the slope of {activation} is only about {slope} here.",
            times=shown(times, 2), factor=shown(m.per_layer, 2), activation=m.activation, slope=shown(slope, 2),
        )  # fmt: skip
    return say(
        "The gradient vanishes: the first layer gets {times} times less than the last. Going back, each layer "
        "multiplies it by about {factor} (slope of {activation} about {slope} × scale of the weights {gain}).",
        times=shown(times, 2), factor=shown(m.per_layer, 2), activation=m.activation, slope=shown(slope, 2),
        gain=shown(m.gain, 3),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return math.exp(math.fsum([math.log(max(v, 1e-30)) for v in values]) / len(values))
