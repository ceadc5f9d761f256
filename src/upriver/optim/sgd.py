"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import ArgumentError
from .optimizer import Group, Optimizer, Rule, constants, effective_gradient


class SGD(Optimizer):
    """``w ← w − lr · g``: a step against the gradient; with momentum, a ball that rolls.

    With momentum μ and dampening δ the velocity is ``v ← μ v + (1 − δ) g`` (``v = g`` at first), and
    ``w ← w − lr · v``, or for ``nesterov`` ``w ← w − lr · (g + μ v)``. Weight decay adds ``weight_decay · w``
    to ``g``.

    Source: Robbins and Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22
    (1951), eq. 7; Polyak, "Some methods of speeding up the convergence of iteration methods" (1964), eq. 9;
    Nesterov (1983) as written by Sutskever et al., "On the importance of initialization and momentum in deep
    learning" (2013), eq. 3 and 4, with the learning rate outside the velocity.

    Args:
        params: tensors, named tensors, or groups of them.
        lr: the learning rate.
        momentum: μ, the part of the velocity that stays.
        dampening: δ, the part of the gradient that is kept from the velocity.
        weight_decay: the factor of the penalty on the weights' squares (times 2).
        nesterov: look ahead along the velocity.
        maximize: go up instead of down.
        foreach, fused: accepted and not needed.

    Attributes:
        state: with momentum, for each parameter its ``momentum_buffer``.

    Raises:
        ArgumentError: an option is outside its range, or Nesterov is wanted without momentum.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(1.0, requires_grad=True)
        >>> b = ur.tensor(0.0, requires_grad=True)
        >>> optimizer = ur.optim.SGD([w, b], lr=0.01)
        >>> ((w * 2.1 + b - 4.0) ** 2).backward()
        >>> optimizer.step()
        >>> f"{w:.4f} {b:.3f}"
        '1.0798 0.038'
    """

    counts_steps = False

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        super().check(group)
        self.require(group, "momentum", group["momentum"] >= 0, "at least 0")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ArgumentError(
                "SGD: nesterov needs a momentum above 0 and no dampening", "Set momentum=0.9, dampening=0."
            )

    def slots(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def start(self, p: Tensor, group: Group) -> dict[str, Any]:
        return {**super().start(p, group), "fresh": True}

    def advance(self, state: dict[str, Any], group: Group) -> bool:
        """Whether the velocity has yet to begin."""
        return state.pop("fresh", False)

    def retreat(self, state: dict[str, Any], time: bool) -> None:
        if time:
            state["fresh"] = True

    def rule(self, group: Group, dtype: DType, time: Any) -> Rule:
        if not group["momentum"] and not group["weight_decay"] and not group["maximize"]:
            return _plain(float(group["lr"]), dtype)
        (lr,) = constants(dtype, float(group["lr"]))
        gradient = effective_gradient(group, dtype)
        if not group["momentum"] and gradient is not None:
            return _descent(lr, gradient)
        momentum, keep = constants(dtype, group["momentum"], 1.0 if time else 1.0 - group["dampening"])
        multiply, subtract, add = np.multiply, np.subtract, np.add
        nesterov, whole = group["nesterov"], keep == 1

        def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
            (v,) = slots
            if gradient is not None:
                g = gradient(w, g, t)
            multiply(v, momentum, v)
            add(v, g if whole else multiply(g, keep, s), v)
            if nesterov:
                multiply(v, momentum, s)
                add(s, g, s)
                multiply(s, lr, s)
            else:
                multiply(v, lr, s)
            subtract(w, s, w)

        return rule


@lru_cache(maxsize=64)
def _plain(rate: float, dtype: DType) -> Rule:
    """The bare rule, kept from step to step: for small networks making it would cost as much as using it."""
    (lr,) = constants(dtype, rate)
    multiply, subtract = np.multiply, np.subtract

    def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
        multiply(g, lr, s)
        subtract(w, s, w)

    return rule


def _descent(lr: Array, gradient: Callable[[Array, Array, Array], Array]) -> Rule:
    def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
        np.multiply(gradient(w, g, t), lr, s)
        np.subtract(w, s, w)

    return rule
