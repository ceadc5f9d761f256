"""Schedules that are one curve: steps, lines, powers and a cosine, as a function of the number of the step."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable

from .optimizer import Optimizer
from .schedules import LRScheduler, require


class StepLR(LRScheduler):
    """Times ``gamma`` every ``step_size`` steps.

    Args:
        optimizer: whose rates to set.
        step_size: how many steps from one change to the next.
        gamma: the factor.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: ``step_size`` is not a positive integer.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=0.5)
        >>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates += scheduler.get_last_lr()
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        require(self, "step_size", step_size, step_size >= 1, "at least 1")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float) -> float:
        return lr if self.last_epoch == 0 or self.last_epoch % self.step_size else lr * self.gamma

    first_lr = next_lr

    def lr_now(self, base: float) -> float:
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """Times ``gamma`` at each of the steps ``milestones``.

    Args:
        optimizer: whose rates to set.
        milestones: numbers of steps; one that is named twice counts twice.
        gamma: the factor.
        last_epoch: the number of the last step that was made.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(scheduler.get_last_lr()[0], 3))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float) -> float:
        return lr * self.gamma ** self.milestones.count(int(self.last_epoch))

    first_lr = next_lr

    def lr_now(self, base: float) -> float:
        return base * self.gamma ** bisect_right(self.milestones, self.last_epoch)


class ConstantLR(LRScheduler):
    """Times ``factor`` for the first ``total_iters`` steps.

    Args:
        optimizer: whose rates to set.
        factor: what the rate is times at first.
        total_iters: for how many steps.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: ``factor`` is not in (0, 1].

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = ConstantLR(optimizer, factor=0.5, total_iters=2)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(scheduler.get_last_lr()[0], 3))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.5, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        require(self, "factor", factor, 0 < factor <= 1, "above 0 and at most 1")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def first_lr(self, lr: float, base: float) -> float:
        return lr * self.factor if self.last_epoch == 0 else self.next_lr(lr, base)

    def next_lr(self, lr: float, base: float) -> float:
        return lr * (1.0 / self.factor) if self.last_epoch == self.total_iters else lr

    def lr_now(self, base: float) -> float:
        return base if self.last_epoch >= self.total_iters else base * self.factor


class LinearLR(LRScheduler):
    """A straight line from ``base · start_factor`` to ``base · end_factor`` in ``total_iters`` steps: a warm-up.

    Args:
        optimizer: whose rates to set.
        start_factor: what the rate is times at first.
        end_factor: what it is times in the end.
        total_iters: the number of steps from one to the other.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: ``start_factor`` is not in (0, 1], or ``end_factor`` not in [0, 1].

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = LinearLR(optimizer, start_factor=0.25, total_iters=3)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates += scheduler.get_last_lr()
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require(self, "start_factor", start_factor, 0 < start_factor <= 1, "above 0 and at most 1")
        require(self, "end_factor", end_factor, 0 <= end_factor <= 1, "between 0 and 1")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def first_lr(self, lr: float, base: float) -> float:
        return lr * self.start_factor if self.last_epoch == 0 else lr

    def next_lr(self, lr: float, base: float) -> float:
        if self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def lr_now(self, base: float) -> float:
        done = min(self.total_iters, self.last_epoch) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


class ExponentialLR(LRScheduler):
    """Times ``gamma`` at every step.

    Args:
        optimizer: whose rates to set.
        gamma: the factor.
        last_epoch: the number of the last step that was made.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = ExponentialLR(optimizer, gamma=0.5)
        >>> rates = []
        >>> for _ in range(3):
        ...     rates.append(round(scheduler.get_last_lr()[0], 3))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float) -> float:
        return lr * self.gamma

    def lr_now(self, base: float) -> float:
        return base * self.gamma**self.last_epoch


class PolynomialLR(LRScheduler):
    """``base · (1 − t / total_iters)^power``, then 0.

    Args:
        optimizer: whose rates to set.
        total_iters: the number of steps until 0.
        power: 1 for a straight line, more to fall faster at first.
        last_epoch: the number of the last step that was made.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = PolynomialLR(optimizer, total_iters=4)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates.append(round(scheduler.get_last_lr()[0], 3))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float) -> float:
        t, n = self.last_epoch, self.total_iters
        return lr if t > n else lr * ((1.0 - t / n) / (1.0 - (t - 1) / n)) ** self.power

    def lr_now(self, base: float) -> float:
        return base * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from ``base`` to ``eta_min`` in ``T_max`` steps (and back, if one goes on).

    ``eta_min + (base − eta_min) (1 + cos(π t / T_max)) / 2``. Source: Loshchilov and Hutter, "SGDR: stochastic
    gradient descent with warm restarts", ICLR 2017, eq. 5.

    Args:
        optimizer: whose rates to set.
        T_max: the number of steps down.
        eta_min: the lowest rate.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: ``T_max`` is below 1.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = CosineAnnealingLR(optimizer, T_max=2)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> round(scheduler.get_last_lr()[0], 6)
        0.5
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:  # noqa: N803
        require(self, "T_max", T_max, T_max >= 1, "at least 1")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def next_lr(self, lr: float, base: float) -> float:
        t, n = self.last_epoch, self.T_max
        if (t - 1 - n) % (2 * n) == 0:  # from the lowest point, where the quotient below would be 0 / 0
            return lr + (base - self.eta_min) * (1 - math.cos(math.pi / n)) / 2
        ratio = (1 + math.cos(math.pi * t / n)) / (1 + math.cos(math.pi * (t - 1) / n))
        return ratio * (lr - self.eta_min) + self.eta_min

    def lr_now(self, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
