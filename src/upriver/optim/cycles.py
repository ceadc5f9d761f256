"""Schedules that rise and fall: restarts, one cycle, and triangles; with the momentum going the other way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ArgumentError
from .optimizer import Group, Optimizer
from .schedules import LRScheduler, per_group, require


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from ``base`` to ``eta_min`` in ``T_0`` steps, then again from ``base``, ``T_mult`` times as long.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, eq. 5.

    Args:
        optimizer: whose rates to set.
        T_0: the length of the first period.
        T_mult: by what each period is longer than the one before.
        eta_min: the lowest rate.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: ``T_0`` or ``T_mult`` is not a positive integer.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(scheduler.get_last_lr()[0], 3))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803
        T_mult: int = 1,  # noqa: N803
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        require(self, "T_0", T_0, isinstance(T_0, int) and T_0 >= 1, "a positive integer")
        require(self, "T_mult", T_mult, isinstance(T_mult, int) and T_mult >= 1, "a positive integer")
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        wave = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * wave for base in self.base_lrs]

    closed_lr = get_lr

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step, or to ``epoch``, which may be a fraction: ``step(epoch + i / batches)``."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            require(self, "epoch", epoch, epoch >= 0, "at least 0")
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self.set_rates(self.get_lr())

    def _jump(self, epoch: float) -> None:
        if self.T_mult == 1:
            self.T_cur, self.T_i = epoch % self.T_0, self.T_0
            return
        # The periods before number n together take T_0 (T_mult^n − 1) / (T_mult − 1) steps.
        n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        self.T_i = self.T_0 * self.T_mult**n
        self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)


class _MomentumCycle(LRScheduler):
    """A schedule of the rate and, where ``cycle_momentum``, of the momentum (or β₁)."""

    cycle_momentum: bool

    def start_momentum(self, optimizer: Optimizer, base: Any, highest: Any, last_epoch: int) -> None:
        """Begin at the highest momentum."""
        if not self.cycle_momentum:
            return
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ArgumentError(
                f"{type(self).__name__}: {type(optimizer).__name__} has no momentum to cycle",
                "Pass cycle_momentum=False.",
            )
        groups = optimizer.param_groups
        low = per_group(self, "base_momentum", groups, base)
        high = per_group(self, "max_momentum", groups, highest)
        if last_epoch == -1:
            for group, b, m in zip(groups, low, high, strict=True):
                set_momentum(group, m)
                group["max_momentum"], group["base_momentum"] = m, b


def set_momentum(group: Group, value: float) -> None:
    """Set the momentum of a group, or its β₁."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


class OneCycleLR(_MomentumCycle):
    """Up from ``max_lr / div_factor`` to ``max_lr``, then down to far below where it began; stepped every batch.

    The momentum goes down while the rate goes up, and up while it goes down. Source: Smith and Topin,
    "Super-convergence: very fast training of neural networks using large learning rates" (2018), section 2.

    Args:
        optimizer: whose rates to set.
        max_lr: the highest rate, or one for each group.
        total_steps: the number of steps; or else
        epochs, steps_per_epoch: whose product it is.
        pct_start: the part of them that goes up.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum, base_momentum, max_momentum: whether the momentum changes too, and between what.
        div_factor: ``max_lr`` over the first rate.
        final_div_factor: the first rate over the last.
        three_phase: come down as long as it went up, then fall off.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: an option is outside its range; more steps than ``total_steps`` are made.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=0.1, momentum=0.9)
        >>> scheduler = OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(scheduler.get_last_lr()[0], 2))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.04, 0.52, 1.0, 0.95]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError(
                    "OneCycleLR: the number of steps is not known", "Give total_steps, or epochs and steps_per_epoch."
                )
            total_steps = epochs * steps_per_epoch
        require(self, "total_steps", total_steps, total_steps >= 1, "at least 1")
        require(self, "pct_start", pct_start, 0 <= pct_start <= 1, "between 0 and 1")
        require(self, "anneal_strategy", anneal_strategy, anneal_strategy in ("cos", "linear"), "'cos' or 'linear'")
        self.total_steps, self.anneal_strategy, self.cycle_momentum = total_steps, anneal_strategy, cycle_momentum
        up = pct_start * total_steps - 1.0
        # Each phase: its last step; the rates, and the momenta, between which it goes.
        rise = (up, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if three_phase:
            back = (2 * pct_start * total_steps - 2.0, "max_lr", "initial_lr", "base_momentum", "max_momentum")
            off = (total_steps - 1.0, "initial_lr", "min_lr", "max_momentum", "max_momentum")
            self.phases = [rise, back, off]
        else:
            self.phases = [rise, (total_steps - 1.0, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        highest = per_group(self, "max_lr", optimizer.param_groups, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"], group["max_lr"] = lr / div_factor, lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (1 + math.cos(math.pi * part))

    def get_lr(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ArgumentError(
                f"OneCycleLR: step {self.last_epoch} of a cycle of {self.total_steps} steps",
                "Give the number of batches in the whole training as total_steps, or stop stepping.",
            )
        first, phase = 0.0, self.phases[0]
        for following in self.phases[1:]:
            if self.last_epoch <= phase[0]:
                break
            first, phase = phase[0], following
        last, lr0, lr1, m0, m1 = phase
        part = (self.last_epoch - first) / (last - first)
        rates: list[float] = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[lr0], group[lr1], part))
            if self.cycle_momentum:
                set_momentum(group, self._between(group[m0], group[m1], part))
        return rates

    closed_lr = get_lr


SCALES: Mapping[str, tuple[str, Callable[[float, float], float]]] = {
    "triangular": ("cycle", lambda gamma, n: 1.0),
    "triangular2": ("cycle", lambda gamma, n: 1 / 2.0 ** (n - 1)),
    "exp_range": ("iterations", lambda gamma, n: gamma**n),
}
"""How high a triangle is, by its number or by the step's: (which of the two, the function)."""


class CyclicLR(_MomentumCycle):
    """Triangles between ``base_lr`` and ``max_lr``; stepped every batch.

    Source: Smith, "Cyclical learning rates for training neural networks" (2017), section 3.

    Args:
        optimizer: whose rates to set.
        base_lr, max_lr: the lowest and the highest rate, or one for each group.
        step_size_up, step_size_down: the number of steps up, and down (default the same).
        mode: ``"triangular"``, ``"triangular2"`` (half as high each time) or ``"exp_range"`` (``gamma ** step``).
        gamma: for the last.
        scale_fn, scale_mode: a height of one's own, by the number of the ``"cycle"`` or of ``"iterations"``.
        cycle_momentum, base_momentum, max_momentum: whether the momentum changes too, and between what.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: an unknown mode, or no momentum to cycle.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = CyclicLR(optimizer, 0.1, 0.5, step_size_up=2, cycle_momentum=False)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates.append(round(scheduler.get_last_lr()[0], 3))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.1, 0.3, 0.5, 0.3, 0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:
        require(self, "mode", mode, mode in SCALES or scale_fn is not None, f"one of {', '.join(SCALES)}")
        groups = optimizer.param_groups
        lowest = per_group(self, "base_lr", groups, base_lr)
        self.max_lrs = per_group(self, "max_lr", groups, max_lr)
        if last_epoch == -1:
            for group, lr in zip(groups, lowest, strict=True):
                group["lr"] = lr
        self.total_size = float(step_size_up + (step_size_up if step_size_down is None else step_size_down))
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self.scale_fn, self.cycle_momentum = mode, gamma, scale_fn, cycle_momentum
        self.scale_mode = scale_mode if scale_fn is not None else SCALES[mode][0]
        self.start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lowest

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        n = cycle if self.scale_mode == "cycle" else self.last_epoch
        height *= self.scale_fn(n) if self.scale_fn is not None else SCALES[self.mode][1](self.gamma, n)
        rates: list[float] = []
        for group, low, high in zip(self.optimizer.param_groups, self.base_lrs, self.max_lrs, strict=True):
            rates.append(low + (high - low) * height)
            if self.cycle_momentum:
                set_momentum(group, group["max_momentum"] - (group["max_momentum"] - group["base_momentum"]) * height)
        return rates

    closed_lr = get_lr
