"""Adam and its kin: steps of about the learning rate's length, whatever the gradient's scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.state import Array
from ..core.tensor import Tensor
from .optimizer import Group, Optimizer, Rule, constants, effective_gradient

Before = Callable[[Array, Array, Array], Array]


class _Moments(Optimizer):
    """What keeps running means of the gradient, ``exp_avg``, and of its square, ``exp_avg_sq``."""

    def check(self, group: Group) -> None:
        super().check(group)
        self.require(group, "eps", group["eps"] >= 0, "at least 0")
        b1, b2 = group["betas"]
        self.require(group, "betas", 0 <= b1 < 1 and 0 <= b2 < 1, "two numbers from 0 up to but not including 1")

    def slots(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def before(self, group: Group, dtype: DType) -> Before | None:
        """What happens to the gradient and to the weights first: decay, coupled or decoupled."""
        decay = float(group["weight_decay"])
        if not decay or not group["decoupled_weight_decay"]:
            return effective_gradient(group, dtype)
        (shrink,) = constants(dtype, 1.0 - float(group["lr"]) * decay)
        sign = effective_gradient({**group, "weight_decay": 0.0}, dtype)

        def before(w: Array, g: Array, t: Array) -> Array:
            np.multiply(w, shrink, w)
            return g if sign is None else sign(w, g, t)

        return before


def _update_moments(group: Group, dtype: DType) -> Callable[[Array, Array, Array, Array], None]:
    """``(g, m, v, s)``: m ← m + (1 − β₁)(g − m), v ← β₂ v + (1 − β₂) g²."""
    b1, b2 = group["betas"]
    new1, old2, new2 = constants(dtype, 1.0 - float(b1), float(b2), 1.0 - float(b2))
    multiply, subtract, add = np.multiply, np.subtract, np.add

    def update(g: Array, m: Array, v: Array, s: Array) -> None:
        subtract(g, m, s)
        multiply(s, new1, s)
        add(m, s, m)
        multiply(g, g, s)
        multiply(s, new2, s)
        multiply(v, old2, v)
        add(v, s, v)

    return update


class Adam(_Moments):
    """A step along the gradient's running mean over the root of its square's running mean.

    ``m ← β₁ m + (1 − β₁) g``, ``v ← β₂ v + (1 − β₂) g²``, ``w ← w − lr · m̂ / (√v̂ + ε)``, where
    ``m̂ = m / (1 − β₁ᵗ)`` and ``v̂ = v / (1 − β₂ᵗ)`` undo the start from 0. Weight decay adds
    ``weight_decay · w`` to ``g``, or, decoupled, shrinks the weights themselves (:class:`AdamW`).

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; ``amsgrad``:
    Reddi, Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018, algorithm 2.

    Args:
        params: tensors, named tensors, or groups of them.
        lr: the learning rate.
        betas: β₁ and β₂, how slowly the two means forget.
        eps: ε.
        weight_decay: the factor of the decay.
        amsgrad: divide by the largest ``v`` so far.
        maximize: go up instead of down.
        decoupled_weight_decay: as :class:`AdamW`.
        foreach, fused: accepted and not needed.

    Attributes:
        state: for each parameter its ``step``, ``exp_avg`` and ``exp_avg_sq`` (and ``max_exp_avg_sq``).

    Raises:
        ArgumentError: an option is outside its range.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0, 1.0], requires_grad=True)
        >>> optimizer = ur.optim.Adam([w], lr=0.1)
        >>> (w * ur.tensor([100.0, 0.01])).sum().backward()
        >>> optimizer.step()
        >>> [round(x, 3) for x in w.tolist()]
        [0.9, 0.9]
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def slots(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def rule(self, group: Group, dtype: DType, time: Any) -> Rule:
        b1, b2 = group["betas"]
        # Both corrections go into two numbers (section 2 of the paper): two passes fewer than m̂ and v̂ take.
        root = math.sqrt(1.0 - b2**time)
        rate, eps = constants(dtype, float(group["lr"]) * root / (1.0 - b1**time), group["eps"] * root)
        before, update, amsgrad = self.before(group, dtype), _update_moments(group, dtype), group["amsgrad"]
        multiply, divide, sqrt = np.multiply, np.divide, np.sqrt

        def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
            m, v = slots[0], slots[1]
            if before is not None:
                g = before(w, g, t)
            update(g, m, v, s)
            if amsgrad:
                v = np.maximum(v, slots[2], out=slots[2])
            sqrt(v, s)
            np.add(s, eps, s)
            divide(m, s, s)
            multiply(s, rate, s)
            np.subtract(w, s, w)

        return rule


class AdamW(Adam):
    """:class:`Adam` whose weight decay shrinks the weights themselves: ``w ← (1 − lr · weight_decay) w`` first.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.

    Args:
        params, lr, betas, eps, weight_decay, amsgrad, maximize: see :class:`Adam`.
        foreach, fused: accepted and not needed.

    Raises:
        ArgumentError: an option is outside its range.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> optimizer = ur.optim.AdamW([w], lr=0.1, weight_decay=0.5)
        >>> (w * 0.0).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.95
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)


class NAdam(_Moments):
    """:class:`Adam` with Nesterov's look ahead.

    With ``μₜ = β₁ (1 − ½ · 0.96^(t ψ))``, ψ the momentum decay, the step is
    ``w ← w − lr · (μₜ₊₁ m / (1 − μ₁…μₜ₊₁) + (1 − μₜ) g / (1 − μ₁…μₜ)) / (√v̂ + ε)``.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016, algorithm 2.

    Args:
        params, lr, betas, eps, weight_decay, maximize, decoupled_weight_decay: see :class:`Adam`.
        momentum_decay: ψ.
        foreach: accepted and not needed.

    Attributes:
        state: for each parameter its ``step``, ``mu_product``, ``exp_avg`` and ``exp_avg_sq``.

    Raises:
        ArgumentError: an option is outside its range.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> optimizer = ur.optim.NAdam([w], lr=0.1)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> w.item() < 1
        True
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        super().check(group)
        self.require(group, "momentum_decay", group["momentum_decay"] >= 0, "at least 0")

    def start(self, p: Tensor, group: Group) -> dict[str, Any]:
        return {**super().start(p, group), "mu_product": 1.0}

    def advance(self, state: dict[str, Any], group: Group) -> tuple[int, float]:
        step: int = super().advance(state, group)
        state["mu_product"] *= _mu(group, step)
        return step, state["mu_product"]

    def rule(self, group: Group, dtype: DType, time: Any) -> Rule:
        step, product = time
        lr, mu, ahead = float(group["lr"]), _mu(group, step), _mu(group, step + 1)
        root = math.sqrt(1.0 - group["betas"][1] ** step)
        of_g, of_m, eps = constants(
            dtype,
            lr * root * (1.0 - mu) / (1.0 - product),
            lr * root * ahead / (1.0 - product * ahead),
            group["eps"] * root,
        )
        before, update = self.before(group, dtype), _update_moments(group, dtype)

        def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
            m, v = slots
            if before is not None:
                g = before(w, g, t)
            update(g, m, v, s)
            np.multiply(g, of_g, t)
            np.multiply(m, of_m, s)
            np.add(t, s, t)
            np.sqrt(v, s)
            np.add(s, eps, s)
            np.divide(t, s, s)
            np.subtract(w, s, w)

        return rule


def _mu(group: Group, step: int) -> float:
    return float(group["betas"][0]) * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))


class RAdam(_Moments):
    """:class:`Adam` that goes by its mean alone until the variance can be trusted.

    With ``ρ∞ = 2 / (1 − β₂) − 1`` and ``ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)``, the length of the mean: where ρₜ > 5,
    Adam's step times ``√((ρₜ−4)(ρₜ−2) ρ∞ / ((ρ∞−4)(ρ∞−2) ρₜ))``; until then ``w ← w − lr · m̂``.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, algorithm 2.

    Args:
        params, lr, betas, eps, weight_decay, maximize, decoupled_weight_decay: see :class:`Adam`.
        foreach: accepted and not needed.

    Attributes:
        state: for each parameter its ``step``, ``exp_avg`` and ``exp_avg_sq``.

    Raises:
        ArgumentError: an option is outside its range.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> optimizer = ur.optim.RAdam([w], lr=0.1)
        >>> (w * 2.0).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.8
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def rule(self, group: Group, dtype: DType, time: Any) -> Rule:
        b1, b2 = group["betas"]
        correction = 1.0 - b2**time
        longest = 2.0 / (1.0 - b2) - 1.0
        length = longest - 2.0 * time * b2**time / correction
        trusted = length > 5.0
        rate = float(group["lr"]) / (1.0 - b1**time)
        if trusted:
            rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            rate *= math.sqrt(correction * rectified)
        lr, eps = constants(dtype, rate, group["eps"])
        before, update = self.before(group, dtype), _update_moments(group, dtype)

        def rule(w: Array, g: Array, slots: list[Array], s: Array, t: Array) -> None:
            m, v = slots
            if before is not None:
                g = before(w, g, t)
            update(g, m, v, s)
            if trusted:
                np.sqrt(v, s)
                np.add(s, eps, s)
                np.divide(m, s, s)
                np.multiply(s, lr, s)
            else:
                np.multiply(m, lr, s)
            np.subtract(w, s, w)

        return rule
