"""A stack of layers, run forward and backward by the engine: how much of the gradient reaches the first of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import nn, optim
from ...core.site import sites_off
from ...core.state import Array
from ...core.tensor import Tensor
from ...ops.create import tensor
from ...ops.generator import Generator
from .given import choice, flag, number, part, whole
from .verdicts import Measured, verdict

WIDTH, SAMPLES = 16, 64
"""Units in each layer, and samples in the batch."""
RATE = 0.01
"""The learning rate, where none is given."""
CLIP = 1.0
"""The largest norm of all gradients together where they are clipped."""

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "linear": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
}
SATURATING = ("sigmoid", "tanh")
GAINS = {"small": 0.3, "xavier": 1.0, "he": math.sqrt(2.0), "large": 3.0}
"""Scales of the weights by name: their standard deviation is gain / √(units that feed in)."""


class Layer(nn.Module):
    """One layer of the stack: weights, perhaps a normalisation, an activation, perhaps a way around them all.

    Args:
        activation: its name in :data:`ACTIVATIONS`.
        norm: "batch", "layer" or "none".
        skip: whether the input is added to what comes out.
        share: what comes out is multiplied by this where the input is added, so that deep sums stay in size.
    """

    def __init__(self, activation: str, norm: str, skip: bool, share: float) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)
        self.norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm](WIDTH) if norm != "none" else nn.Identity()
        self.activation = ACTIVATIONS[activation]()
        self.skip, self.share = skip, share

    def forward(self, x: Any) -> Tensor:
        """(samples, units) → (samples, units)."""
        self.before = self.norm(self.linear(x))
        self.after: Tensor = self.activation(self.before)
        return x + self.after * self.share if self.skip else self.after


class Stack(nn.Module):
    """Layers one after another, and one number out of the last.

    Args:
        depth: how many layers.
        gain: the scale of the weights, see :data:`GAINS`.
        seed: of the weights.
        activation, norm, skip: as for :class:`Layer`.
    """

    def __init__(self, depth: int, gain: float, seed: int, activation: str, norm: str, skip: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(activation, norm, skip, depth**-0.5) for _ in range(depth)])
        self.output = nn.Linear(WIDTH, 1)
        source = Generator().manual_seed(seed)
        for linear in [*[layer.linear for layer in self.layers], self.output]:
            scale = gain if linear is not self.output else 1.0
            nn.init.normal_(linear.weight, std=scale / math.sqrt(WIDTH), generator=source)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(samples, units) → (samples, 1)."""
        self.values: list[Tensor] = []
        for layer in self.layers:
            x = layer(x)
            x.retain_grad()
            self.values.append(x)
        return self.output(x)


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """How the gradient flows through a stack of layers, measured in one real step (and, if asked, a few more).

    Args:
        given: ``depth``, 2 to 50; ``activation``, one of :data:`ACTIVATIONS`; ``gain``, 0.01 to 20, or ``init``, one
            of :data:`GAINS`; ``remedy``: ``relu``, ``skip``, ``clip`` (yes or no) and ``norm`` ("none", "batch",
            "layer"), where ``relu`` also makes the weights √2 larger, as its initialisation does; ``seed``;
            ``lr``; ``steps``, 0 to 50, of training by gradient descent after the measured one.

    Returns:
        ``layers``, first to last: ``name``, ``gradient_norm`` (of its weights and biases), ``signal`` (the norm of
        the gradient that arrives at its output), ``activation`` (root mean square of its output), ``slope`` (of its
        activation function, root mean square), ``update_ratio`` (the norm of one update over that of the weights),
        ``saturated`` (the share of slopes below a tenth of the steepest; null for activations that do not saturate)
        and ``dead`` (the share of units whose slope is 0 for every sample); ``loss``, ``losses`` (before each
        further step), ``norm`` (of all gradients together), ``clipped``, ``gain``, ``first_over_last``,
        ``per_layer`` (the factor from layer to layer), ``exploded_at`` (the name of a layer, or null), ``state``
        ("healthy", "vanishing", "exploding", "clipped", "dead", "overflow") and ``verdict``.

    Raises:
        ArgumentError: a setting is out of bounds.

    Example:
        >>> found = answer({"depth": 10, "activation": "sigmoid", "init": "xavier"})
        >>> found["state"], found["first_over_last"] < 1e-3
        ('vanishing', True)
        >>> answer({"depth": 10, "activation": "sigmoid", "init": "xavier", "remedy": {"relu": True}})["state"]
        'healthy'
    """
    remedy = part(given, "remedy")
    depth, seed = whole(given, "depth", 2, 50, 10), whole(given, "seed", 0, 2**31, 0)
    activation = "relu" if flag(remedy, "relu") else choice(given, "activation", list(ACTIVATIONS), "sigmoid")
    if given.get("init") is not None:
        gain = GAINS[choice(given, "init", list(GAINS))]
    else:
        gain = number(given, "gain", 0.01, 20.0, 1.0)
    if flag(remedy, "relu"):
        gain *= math.sqrt(2.0)  # ReLU comes with its initialisation: half of its units are off
    norm = choice(remedy, "norm", ("none", "batch", "layer"), "none")
    steps, rate = whole(given, "steps", 0, 50, 0), number(given, "lr", 0.0, 10.0, RATE)
    with sites_off(), np.errstate(all="ignore"):
        stack = Stack(depth, gain, seed, activation, norm, flag(remedy, "skip"))
        run = _Run(stack, seed, flag(remedy, "clip"), rate)
        found = run.measured(activation)
        loss, total, clipped = run.loss, run.norm, run.clipped
        losses = [run.step() for _ in range(steps)]
    measured = Measured(
        gradients=[layer["gradient_norm"] for layer in found],
        signals=[layer["signal"] for layer in found],
        values=[layer["activation"] for layer in found],
        slopes=[layer["slope"] for layer in found],
        dead=[layer["dead"] for layer in found],
        names=[layer["name"] for layer in found],
        gain=gain,
        loss=loss,
        norm=total,
        clipped=clipped,
        activation=activation,
    )
    state, message = verdict(measured)
    return {
        "layers": found,
        "loss": loss,
        "losses": losses,
        "norm": total,
        "clipped": clipped,
        "gain": gain,
        "first_over_last": measured.first_over_last,
        "per_layer": measured.per_layer,
        "exploded_at": measured.exploded_at,
        "state": state,
        "verdict": message,
    }


class _Run:
    """The stack in training, on points in two classes that no line divides."""

    def __init__(self, stack: Stack, seed: int, clip: bool, rate: float) -> None:
        self.stack, self.clip = stack, clip
        points = np.random.default_rng(seed).standard_normal((SAMPLES, WIDTH)).astype(np.float32)
        self.x = tensor(points)
        self.y = tensor(np.sign(points[:, :1] * points[:, 1:2]).astype(np.float32))
        self.optimizer = optim.SGD(stack.parameters(), lr=rate)
        self.criterion = nn.MSELoss()
        self.loss = self.norm = math.nan
        self.clipped = False

    def step(self) -> float:
        """Forward, backward, update; the loss before it."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.stack(self.x), self.y)
        loss.backward()
        grads = [p.grad for p in self.stack.parameters()]
        self.norm = float(nn.utils.get_total_norm([g for g in grads if g is not None]).item())
        self.clipped = self.clip and self.norm > CLIP
        self.gradients = [_norm(p.grad.array for p in layer.linear.parameters()) for layer in self.stack.layers]
        if self.clipped:
            nn.utils.clip_grad_norm_(list(self.stack.parameters()), CLIP)
        self.optimizer.step()
        self.loss = loss.item()
        return self.loss

    def measured(self, activation: str) -> list[dict[str, Any]]:
        """One step, and what was seen of each layer."""
        before = [layer.linear.weight.array.copy() for layer in self.stack.layers]
        self.step()
        found = []
        for i, layer in enumerate(self.stack.layers):
            slopes = _slopes(layer)
            weight, value = layer.linear.weight.array, self.stack.values[i]
            steep = float(np.max(slopes, initial=0.0)) if activation not in SATURATING else _STEEPEST[activation]
            assert value.grad is not None
            found.append(
                {
                    "name": str(i + 1),
                    "gradient_norm": self.gradients[i],
                    "signal": _norm([value.grad.array]),
                    "activation": _norm([value.array]) / math.sqrt(value.array.size),
                    "slope": _norm([slopes]) / math.sqrt(slopes.size),
                    "update_ratio": _norm([weight - before[i]]) / max(_norm([before[i]]), 1e-30),
                    "saturated": float(np.mean(slopes < 0.1 * steep)) if activation in SATURATING else None,
                    "dead": float(np.mean(~slopes.any(axis=0))),
                }
            )
        return found


_STEEPEST = {"sigmoid": 0.25, "tanh": 1.0}


def _slopes(layer: Layer) -> Array:
    """The derivatives of the activation function where the layer stood, by the engine: (samples, units)."""
    before = tensor(layer.before.array, requires_grad=True)
    layer.activation(before).sum().backward()
    assert before.grad is not None
    return np.abs(before.grad.array)


def _norm(arrays: Any) -> float:
    return math.sqrt(math.fsum([float(np.square(a, dtype=np.float64).sum()) for a in arrays]))
