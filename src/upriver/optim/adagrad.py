"""Adagrad: each step divided by the root of the sum of all squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.state import Array
from ..core.tensor import Tensor
from .optimizer import Group, Optimizer, Rule, constants, effective_gradient


class Adagrad(Optimizer):
    """``G ← G + g²``, ``w ← w − lrₜ · g / (√G + ε)`` with ``lrₜ = lr / (1 + (t − 1) · lr_decay)``.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12 (2011), eq. 1 with the diagonal matrix of section 1.1.

    Args:
        params: tensors, named tensors, or groups of them.
        lr: the learning rate.
        lr_decay: how fast it falls.
        weight_decay: adds ``weight_decay · w`` to ``g``.
        initial_accumulator_value: where G starts.
        eps: ε.
        maximize: go up instead of down.
        foreach, fused: accepted and not needed.

    Attributes:
        state: for each parameter its ``step`` and ``sum``, there from the beginning.

    Raises:
        ArgumentError: an option is outside its range.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> optimizer = ur.optim.Adagrad([w], lr=0.1)
        >>> (w * 5.0).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.9
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(self.start(p, group))

    def check(self, group: Group) -> None:
        super().check(group)
        for key in ("lr_decay", "initial_accumulator_value", "eps"):
            self.require(group, key, group[key] >= 0, "at least 0")

    def slots(self, group: Group) -> tuple[str, ...]:
        return ("sum",)

    def start(self, p: Tensor, group: Group) -> dict[str, Any]:
        state = super().start(p, group)
        state["sum"].array.fill(group["initial_accumulator_value"])
        return state

    def rule(self, group: Group, dtype: DType, time: Any) -> Rule:
        rate, eps = constants(dtype, float(group["lr"]) / (1.0 + (time - 1) * group["lr_decay"]), float(group["eps"]))
        gradient = effective_gradient(group, dtype)

        def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
            (total,) = slots
            if gradient is not None:
                g = gradient(w, g, t)
            np.multiply(g, g, s)
            np.add(total, s, total)
            np.sqrt(total, s)
            np.add(s, eps, s)
            np.divide(g, s, s)
            np.multiply(s, rate, s)
            np.subtract(w, s, w)

        return rule
