"""RMSprop: each step divided by the root of the squared gradient's running mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.state import Array
from .optimizer import Group, Optimizer, Rule, constants, effective_gradient


class RMSprop(Optimizer):
    """``v ← α v + (1 − α) g²``, ``w ← w − lr · g / (√v + ε)``.

    ``centered`` divides by the root of the variance instead, ``√(v − ḡ²)`` with ``ḡ ← α ḡ + (1 − α) g``. With
    momentum μ the step is ``b ← μ b + g / (√v + ε)``, ``w ← w − lr · b``.

    Source: Tieleman and Hinton, "Lecture 6e: rmsprop", Neural Networks for Machine Learning (2012);
    ``centered``: Graves, "Generating sequences with recurrent neural networks" (2013), eq. 38 to 45.

    Args:
        params: tensors, named tensors, or groups of them.
        lr: the learning rate.
        alpha: α, how slowly the mean forgets.
        eps: ε.
        weight_decay: adds ``weight_decay · w`` to ``g``.
        momentum: μ.
        centered: divide by the standard deviation.
        maximize: go up instead of down.
        foreach: accepted and not needed.

    Attributes:
        state: for each parameter its ``step`` and ``square_avg`` (and ``grad_avg``, ``momentum_buffer``).

    Raises:
        ArgumentError: an option is outside its range.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> optimizer = ur.optim.RMSprop([w], lr=0.01)
        >>> (w * 5.0).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.9
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        super().check(group)
        for key in ("alpha", "eps", "momentum"):
            self.require(group, key, group[key] >= 0, "at least 0")

    def slots(self, group: Group) -> tuple[str, ...]:
        names = ["square_avg"]
        if group["centered"]:
            names.append("grad_avg")
        if group["momentum"] > 0:
            names.append("momentum_buffer")
        return tuple(names)

    def rule(self, group: Group, dtype: DType, time: Any) -> Rule:
        alpha = float(group["alpha"])
        old, new, lr, momentum, eps = constants(
            dtype, alpha, 1.0 - alpha, float(group["lr"]), float(group["momentum"]), float(group["eps"])
        )
        gradient = effective_gradient(group, dtype)
        centered, rolls = group["centered"], group["momentum"] > 0

        def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
            v = slots[0]
            if gradient is not None:
                g = gradient(w, g, t)
            np.multiply(g, g, s)
            np.multiply(s, new, s)
            np.multiply(v, old, v)
            np.add(v, s, v)
            if centered:
                mean = slots[1]
                np.subtract(g, mean, s)
                np.multiply(s, new, s)
                np.add(mean, s, mean)
                np.multiply(mean, mean, s)
                np.subtract(v, s, s)
                np.sqrt(s, s)
            else:
                np.sqrt(v, s)
            np.add(s, eps, s)
            np.divide(g, s, s)
            if rolls:
                b = slots[-1]
                np.multiply(b, momentum, b)
                np.add(b, s, b)
                np.multiply(b, lr, s)
            else:
                np.multiply(s, lr, s)
            np.subtract(w, s, w)

        return rule
