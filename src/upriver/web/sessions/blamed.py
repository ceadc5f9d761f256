"""What the labs share when they open a gradient: rows of a ranking, and weights by their names."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import upriver as ur

from ...errors import ArgumentError
from ...explain.blame import Blamed


def row(item: Blamed) -> dict[str, Any]:
    """One module, unit or weight of a ranking, as data."""
    return {"name": item.name, "value": item.value, "weight": item.weight}


def weight(model: Any, text: str) -> tuple[str, Any, tuple[int, ...]]:
    """A single weight by its name, as in ``scores.weight[3, 17]``: the name, the parameter, the entry.

    Raises:
        ArgumentError: there is none.

    Example:
        >>> import upriver as ur
        >>> weight(ur.nn.Linear(2, 3), "weight[2, 1]")[2]
        (2, 1)
    """
    found = re.fullmatch(r"([A-Za-z0-9_.]{1,80})(?:\[([0-9]{1,6}(?:, ?[0-9]{1,6})*)\])?", text)
    parameter = dict(model.named_parameters()).get(found[1]) if found else None
    entry = tuple([int(i) for i in found[2].split(",")]) if found and found[2] else ()
    if (
        parameter is None
        or len(entry) != parameter.ndim
        or any(i >= n for i, n in zip(entry, parameter.shape, strict=True))
    ):
        raise ArgumentError(f"there is no weight {text!r}", "Write one as in scores.weight[3, 17].", at=False)
    return text, parameter, entry


def healed(model: Any, loss: Callable[[Any], Any], lr: float) -> float:
    """By how much one plain step, ``-lr * gradient``, changes the loss: measured on a copy of the model.

    Args:
        model: with the gradients of this loss.
        loss: of a model.
        lr: the learning rate.

    Example:
        >>> import upriver as ur
        >>> net = ur.nn.Linear(1, 1, bias=False)
        >>> net.weight.data = ur.tensor([[2.0]])
        >>> cost = lambda n: (n(ur.ones(1, 1)) ** 2).sum()
        >>> cost(net).backward()
        >>> round(healed(net, cost, 0.25), 6)
        -3.0
    """
    stepped = copy.deepcopy(model)
    with ur.no_grad():
        before = loss(model).item()
        for p, own in zip(stepped.parameters(), model.parameters(), strict=True):
            if own.grad is not None:
                p -= lr * own.grad
        return float(loss(stepped).item() - before)
