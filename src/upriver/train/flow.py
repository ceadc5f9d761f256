"""How gradients flow through the layers: measured on the real gradients of a few steps, not estimated.

For each layer: the norm of its gradient, the size of its update against the size of its weights, and the share
of its units that got no gradient at all. And the single entries with the largest gradients.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..core.state import Array
from .loop import Watch


@dataclass(frozen=True)
class LayerFlow:
    """The gradient flow through one layer.

    Attributes:
        layer: its name in the model.
        kind: the class of the module.
        parameters: how many numbers it learns.
        gradient: the Euclidean norm of its gradient, the mean over the steps watched.
        update: the norm of the last update over the norm of its weights; about 1e-3 is healthy.
        dead: the share of its units whose gradient was exactly zero in every step watched; None where units
            cannot be told (embeddings, normalisation).
    """

    layer: str
    kind: str
    parameters: int
    gradient: float
    update: float
    dead: float | None


@dataclass(frozen=True)
class Entry:
    """One number of a parameter and its gradient.

    Attributes:
        parameter: the parameter's name.
        index: which entry.
        value: the weight.
        gradient: d(loss)/d(weight).
    """

    parameter: str
    index: tuple[int, ...]
    value: float
    gradient: float


def _units(module: Any) -> int | None:
    """How many units the module has, along the first dimension of its parameters; None where that is not so.

    Linear layers and convolutions have such units, transposed convolutions have them along the second dimension.
    """
    if "Transpose" in type(module).__name__:
        return None
    return getattr(module, "out_features", None) or getattr(module, "out_channels", None)


class GradientFlow(Watch):
    """Watches steps: the gradient's norm in each layer and which units are alive; and, closely, single entries too.

    Args:
        model: a Module.
        top: how many of the largest gradients to name.

    Attributes:
        active: whether to watch the next step.
        closely: whether to measure its update and to find its largest gradients as well, which costs more.

    Example:
        >>> import upriver as ur
        >>> from upriver.train import GradientFlow, train_steps
        >>> model = ur.nn.Sequential(ur.nn.Linear(2, 3), ur.nn.ReLU(), ur.nn.Linear(3, 1))
        >>> flow = GradientFlow(model)
        >>> batch = (ur.ones(4, 2), ur.ones(4, 1))
        >>> for _ in train_steps(model, ur.nn.MSELoss(), ur.optim.SGD(model.parameters(), lr=0.1), [batch], watch=flow):
        ...     pass
        >>> [layer.layer for layer in flow.layers()]
        ['0', '2']
    """

    def __init__(self, model: Any, top: int = 5) -> None:
        self.active = self.closely = True
        self.top = top
        modules = dict(model.named_modules())
        self._layers: dict[str, list[tuple[str, Any]]] = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                self._layers.setdefault(name.rpartition(".")[0], []).append((name, parameter))
        self._modules = {layer: modules.get(layer, model) for layer in self._layers}
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.steps = 0
        self.largest: list[Entry] = []
        self._norms = dict.fromkeys(self._layers, 0.0)
        self._updates = dict.fromkeys(self._layers, 0.0)
        self._alive: dict[str, Array] = {}
        self._before: dict[str, list[Array]] = {}

    def gradients(self) -> None:
        """Measure the gradients, and keep the weights to compare with."""
        if not self.active:
            return
        self.steps += 1
        for layer, named in self._layers.items():
            self._norms[layer] += _norm([p.grad.array for _, p in named if p.grad is not None])
            if self.closely:
                self._before[layer] = [p.array.copy() for _, p in named]
            units = _units(self._modules[layer])
            for _, p in named:
                if p.grad is not None and p.ndim and p.shape[0] == units:
                    alive = p.grad.array.reshape(len(p.grad.array), -1).any(axis=1)
                    self._alive[layer] = self._alive[layer] | alive if layer in self._alive else alive
        if self.closely:
            self.largest = largest_gradients([pair for named in self._layers.values() for pair in named], self.top)

    def updated(self) -> None:
        """Measure how far the weights moved."""
        if not (self.active and self.closely):
            return
        for layer, named in self._layers.items():
            before = self._before.pop(layer)
            moved = _norm([p.array - old for (_, p), old in zip(named, before, strict=True)])
            self._updates[layer] = moved / max(_norm(before), 1e-12)

    def layers(self) -> list[LayerFlow]:
        """What was seen, layer by layer from the input on."""
        return [
            LayerFlow(
                layer=layer or "(model)",
                kind=type(self._modules[layer]).__name__,
                parameters=sum(p.array.size for _, p in named),
                gradient=self._norms[layer] / max(1, self.steps),
                update=self._updates[layer],
                dead=float(1.0 - self._alive[layer].mean()) if layer in self._alive else None,
            )
            for layer, named in self._layers.items()
        ]

    def record(self) -> dict[str, Any]:
        """What was seen, as plain data for metrics.jsonl."""
        return {"layers": [asdict(layer) for layer in self.layers()], "largest": [asdict(e) for e in self.largest]}


def _norm(arrays: list[Array]) -> float:
    return float(np.sqrt(sum(float(np.dot(a.reshape(-1), a.reshape(-1))) for a in arrays)))


def largest_gradients(named: list[tuple[str, Any]], k: int) -> list[Entry]:
    """The ``k`` entries with the largest gradients in absolute value, largest first.

    Args:
        named: names and parameters.
        k: how many.

    Example:
        >>> import upriver as ur
        >>> from upriver.train import largest_gradients
        >>> w = ur.tensor([1.0, 2.0], requires_grad=True)
        >>> (w * ur.tensor([3.0, -5.0])).sum().backward()
        >>> [(entry.parameter, entry.index, entry.gradient) for entry in largest_gradients([("w", w)], 1)]
        [('w', (1,), -5.0)]
    """
    found: list[tuple[float, Entry]] = []
    for name, parameter in named:
        if parameter.grad is None:
            continue
        gradient = parameter.grad.array
        flat = np.abs(gradient).reshape(-1)
        for _ in range(min(k, flat.size)):  # a partial sort is many times slower where most entries are zero
            i = int(flat.argmax())
            index = tuple(int(n) for n in np.unravel_index(i, gradient.shape))
            found.append((float(flat[i]), Entry(name, index, float(parameter.array[index]), float(gradient[index]))))
            flat[i] = -1.0
    found.sort(key=lambda pair: -pair[0])
    return [entry for _, entry in found[:k]]
