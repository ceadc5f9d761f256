"""Activation functions as curves: their values and slopes, and what a small stack of layers makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ... import nn
from ...core.site import sites_off
from ...core.tensor import Tensor
from ...explain.writing import write
from ...ops.create import tensor
from ...ops.generator import Generator
from .flow import ACTIVATIONS
from .given import choice, number, part, whole

_POINTS = 121
_MORE: dict[str, type[nn.Module]] = {
    "softsign": nn.Softsign,
    "mish": nn.Mish,
    "selu": nn.SELU,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "relu6": nn.ReLU6,
}


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """The curve of an activation function, computed by the engine.

    Args:
        given: ``name``; ``range``, ``{"low", "high"}``, by default −5 to 5; ``layers``, 0 to 5: of a stack that is
            shown too, 1 → 8 → … → 1 units; ``seed`` of its weights.

    Returns:
        ``points``: x, value, slope; ``formula`` as LaTeX; ``stack``, if ``layers`` is not 0: x and what comes out.

    Raises:
        ArgumentError: there is no such function, or a setting is out of bounds.

    Example:
        >>> found = answer({"name": "relu", "range": {"low": -1, "high": 1}})
        >>> found["points"][0], found["points"][-1]
        ([-1.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    """
    name = choice(given, "name", [*ACTIVATIONS, *_MORE])
    function = {**ACTIVATIONS, **_MORE}[name]()
    wanted = part(given, "range")
    low = number(wanted, "low", -100.0, 99.0, -5.0)
    high = number(wanted, "high", low + 0.1, 100.0, max(5.0, low + 1.0))
    layers, seed = whole(given, "layers", 0, 5, 0), whole(given, "seed", 0, 2**31, 0)
    with sites_off():
        x = tensor(np.linspace(low, high, _POINTS), requires_grad=True)
        y = function(x)
        y.sum().backward()
        assert x.grad is not None
        points = np.stack([x.array, y.array, x.grad.array], axis=1).tolist()
        found: dict[str, Any] = {"points": points, "formula": _formula(name, y)}
        if layers:
            found["stack"] = np.stack([x.array, _stack(x, function, layers, seed)], axis=1).tolist()
    return found


def _formula(name: str, y: Tensor) -> str:
    """The formula as the engine's own record of the operation has it."""
    from ...core.graph import Graph
    from ...explain.names import name_all

    if y.node is None or name == "linear":
        return "x"
    graph = Graph.of(y.sum())
    named = name_all(graph, dict.fromkeys([x for x in graph.leaves if x.requires_grad], "x"))
    formula = named[y.node].formula
    return write(formula, latex=True) if formula is not None else ""


def _stack(x: Tensor, function: nn.Module, layers: int, seed: int) -> Any:
    """The output of a small stack of layers with this activation function."""
    source = Generator().manual_seed(seed)
    units = [1, *[8] * layers, 1]
    parts: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(units)):
        linear = nn.Linear(a, b, dtype="float64")
        nn.init.normal_(linear.weight, std=1.5 / math.sqrt(a), generator=source)
        nn.init.normal_(linear.bias, std=0.8, generator=source)
        parts += [linear] if i == layers else [linear, function]
    return nn.Sequential(*parts)(x.detach().reshape(-1, 1)).array.reshape(-1)
