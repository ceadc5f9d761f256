"""A network of the playground with its objective and its optimiser: built from a configuration, the same each time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import upriver as ur
import upriver.nn.functional as F

from ....core.state import Array
from ....core.tensor import Tensor
from ....data.stream import Stream, child_seed
from ....train.loop import Update
from .config import Config

_ACTIVATIONS = {
    "tanh": ur.nn.Tanh,
    "relu": ur.nn.ReLU,
    "leaky relu": ur.nn.LeakyReLU,
    "sigmoid": ur.nn.Sigmoid,
    "gelu": ur.nn.GELU,
    "silu": ur.nn.SiLU,
    "linear": ur.nn.Identity,
}
_DECAY = 0.01  # of AdamW, whose decay is apart from the loss


class Stack(ur.nn.Sequential):
    """Layers one behind the other, whose values on the way can be kept."""

    def forward(self, input: Any, kept: list[Tensor] | None = None) -> Any:
        """(N, features) → (N, 1); ``kept`` gets what each hidden layer gives, after its activation, and the output."""
        last = len(self) - 1
        x = input
        for i, part in enumerate(self):
            x = part(x)
            if kept is not None and (i % 2 or i == last):
                kept.append(x)
        return x


class Network:
    """What is trained: a stack of layers that ends in one number for each point.

    Args:
        config: how it is built and trained.
        quantity: whether the targets are quantities, not classes.

    Attributes:
        model: an :class:`upriver.nn.Sequential` of linear layers and activations.
        layers: the linear layers, from the input on.
        strength: that of the penalty, as a tensor of its own: it may change while a compiled step runs.
        update: one step of training.
    """

    def __init__(self, config: Config, quantity: bool) -> None:
        self.config = config
        self.loss_name = loss_of(config, quantity)
        sizes = [len(config.features), *config.layers, 1]
        parts: dict[str, Any] = {}
        for i, (wide, high) in enumerate(pairwise(sizes), 1):
            parts[f"layer{i}" if i <= len(config.layers) else "output"] = ur.nn.Linear(wide, high)
            if i <= len(config.layers):
                parts[f"{config.activation.split()[0]}{i}"] = _ACTIVATIONS[config.activation]()
        self.model = Stack(parts)
        self.layers: list[Any] = list(parts.values())[::2]
        self.strength = ur.tensor(config.strength)
        self._start()
        self.optimiser = self._optimiser()
        self.update = Update(self.model, self.objective, self.optimiser)

    def _start(self) -> None:
        """Draw the weights: uniform, as wide as the rule says for the number of inputs (and outputs)."""
        stream = Stream(child_seed(self.config.seed, 1 << 20))
        for layer in self.layers:
            out, into = layer.weight.shape
            bounds = {"lecun": 1 / into, "xavier": 6 / (into + out), "he": 6 / into, "equal": 0.0}
            bound = np.sqrt(bounds[self.config.start]) * self.config.spread
            drawn = (2.0 * stream.uniform(out, into) - 1.0) * bound
            if self.config.start == "equal":
                drawn = np.full((out, into), 0.3 * self.config.spread)
            self.put(layer.weight, drawn)
            self.put(layer.bias, np.zeros(out))

    @staticmethod
    def put(tensor: Any, values: Any) -> None:
        """Change a tensor in place."""
        with ur.no_grad():
            tensor.copy_(ur.from_numpy(np.asarray(values, np.float32)))

    def _optimiser(self) -> Any:
        parameters, rate = list(self.model.parameters()), self.config.rate
        kind = self.config.optimiser
        if kind == "adam":
            return ur.optim.Adam(parameters, lr=rate)
        if kind == "adamw":
            return ur.optim.AdamW(parameters, lr=rate, weight_decay=_DECAY)
        if kind == "rmsprop":
            return ur.optim.RMSprop(parameters, lr=rate)
        return ur.optim.SGD(parameters, lr=rate, momentum=0.9 if kind == "momentum" else 0.0)

    # What is minimised.

    def objective(self, outputs: Any, targets: Any) -> Any:
        """The mean loss over a batch, and the penalty on the weights."""
        loss = self.loss(outputs, targets)
        return loss if self.config.penalty == "none" else loss + self.penalty()

    def penalty(self) -> Any:
        """The strength times the sum of all weights' magnitudes, or of half their squares."""
        squares = self.config.penalty == "l2"
        sizes = [(w * w).sum() / 2 if squares else w.abs().sum() for w in (layer.weight for layer in self.layers)]
        return self.strength * sum(sizes[1:], sizes[0])

    def loss(self, outputs: Any, targets: Any) -> Any:
        """The mean loss of outputs (N, 1) for targets (N, 1), −1 and 1 or quantities; 0 and 1 for the log loss."""
        if self.loss_name == "log":
            return F.binary_cross_entropy_with_logits(outputs, targets)
        if self.loss_name == "hinge":
            return F.relu(1.0 - outputs * targets).mean()
        known = {"squared": F.mse_loss, "absolute": F.l1_loss, "huber": F.huber_loss}
        return known[self.loss_name](outputs, targets)

    def targets(self, target: Array) -> Array:
        """Targets as :meth:`loss` takes them: (N,) → float32 (N, 1)."""
        column = target.reshape(-1, 1).astype(np.float32)
        return (column + np.float32(1.0)) / np.float32(2.0) if self.loss_name == "log" else column

    def shown(self, outputs: Array) -> Array:
        """Outputs as the map shows them, from −1 to 1."""
        if self.loss_name == "log":
            return np.tanh(outputs / 2)  # twice the probability, less one
        return np.clip(outputs, -1.0, 1.0)

    # Runs.

    def activations(self, inputs: Tensor) -> list[Tensor]:
        """What each hidden layer gives for inputs (N, features), after its activation; and last the output (N, 1)."""
        found: list[Tensor] = []
        self.model(inputs, found)
        return found

    def set_rate(self, rate: float) -> None:
        """Another learning rate from the next step on."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    # Weights and the optimiser's memory.

    def arrays(self) -> list[Array]:
        """Copies of all weights and biases."""
        return [p.array.copy() for p in self.model.parameters()]

    def load(self, arrays: list[Array]) -> None:
        """Take over weights and biases."""
        for p, values in zip(self.model.parameters(), arrays, strict=True):
            self.put(p, values)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Networks of one kind differ in numbers only: one compiled step serves them."""
        c = self.config
        return len(c.features), c.layers, c.activation, self.loss_name, c.optimiser, c.penalty

    def follow(self, other: Network) -> None:
        """Go on from where another network of the same configuration is, in place: what is compiled stays right."""
        self.load([p.array for p in other.model.parameters()])
        for mine, its in zip(self.model.parameters(), other.model.parameters(), strict=True):
            known = self.optimiser.state[mine]
            for name, value in other.optimiser.state[its].items():
                if isinstance(value, Tensor):
                    self.put(known[name], value.array)
                else:
                    known[name] = value


def loss_of(config: Config, quantity: bool) -> str:
    """The loss that is meant: quantities have no classes to tell apart, and classes no outliers."""
    if quantity:
        return config.loss if config.loss in ("absolute", "huber") else "squared"
    return config.loss if config.loss in ("log", "hinge") else "squared"
