"""Schedules made of schedules, and the one that watches the training."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import ArgumentError
from .optimizer import Optimizer
from .schedules import LRScheduler, per_group, require


class _Several(LRScheduler):
    """What steps other schedules of one optimiser."""

    schedulers: list[LRScheduler]

    def take(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
        """Take over ``schedulers``, having checked them."""
        for s in schedulers:
            if isinstance(s, ReduceLROnPlateau) or getattr(s, "optimizer", None) is not optimizer:
                raise ArgumentError(
                    f"{type(self).__name__}: {type(s).__name__} cannot be combined here",
                    "Every part must be a schedule of the same optimiser, and none a ReduceLROnPlateau.",
                )
        self.optimizer, self.schedulers = optimizer, list(schedulers)

    def state_dict(self) -> dict[str, Any]:
        """Everything that :meth:`load_state_dict` needs, with a list of the parts' own."""
        own = {k: v for k, v in vars(self).items() if k not in ("optimizer", "schedulers")}
        return {**own, "_schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for s, state in zip(self.schedulers, state_dict["_schedulers"], strict=True):
            s.load_state_dict(state)


class SequentialLR(_Several):
    """One schedule after another: the next begins, at its own step 0, at each of ``milestones``.

    Args:
        optimizer: whose rates to set.
        schedulers: the schedules, all of this optimiser.
        milestones: the steps at which to change over, one fewer than the schedules.

    Raises:
        ArgumentError: the numbers do not fit, or a schedule is of another optimiser.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> warmup = ur.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
        >>> cosine = ur.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
        >>> scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[2])
        >>> rates = []
        >>> for _ in range(5):
        ...     rates.append(round(scheduler.get_last_lr()[0], 3))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.75, 1.0, 0.854, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if len(schedulers) < 1 or len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"SequentialLR: {len(schedulers)} schedules and {len(milestones)} milestones",
                "Give one milestone fewer than schedules.",
            )
        self.take(optimizer, schedulers)
        self.milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        # Each part has set the first rate of its own when it was made: undo that, and begin the first one again.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for part in _parts(self.schedulers):
            part.last_epoch -= 1
        first = self.schedulers[bisect_right(self.milestones, 0)]
        first.begin()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step."""
        self.last_epoch += 1
        i = bisect_right(self.milestones, self.last_epoch)
        scheduler = self.schedulers[i]
        if i > 0 and self.milestones[i - 1] == self.last_epoch:
            scheduler.move(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _parts(schedulers: Sequence[LRScheduler]) -> Iterator[LRScheduler]:
    for s in schedulers:
        if isinstance(s, _Several):
            yield from _parts(s.schedulers)
        else:
            yield s


class ChainedScheduler(_Several):
    """Several schedules at once, each changing what the one before left: their factors multiply.

    Args:
        schedulers: the schedules.
        optimizer: whose rates to set; by default the first schedule's.

    Raises:
        ArgumentError: there are none, or one is of another optimiser.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> parts = [ur.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5) for _ in range(2)]
        >>> scheduler = ChainedScheduler(parts)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise ArgumentError("ChainedScheduler: no schedules", "Give a list of them.")
        self.take(optimizer or schedulers[0].optimizer, schedulers)
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step of each."""
        for s in self.schedulers:
            s.step()
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]


class ReduceLROnPlateau(LRScheduler):
    """Times ``factor`` when a measure has not become better for more than ``patience`` epochs.

    Args:
        optimizer: whose rates to set.
        mode: ``"min"`` where less is better, ``"max"`` where more is.
        factor: below 1.
        patience: how many epochs without improvement are put up with.
        threshold: by how much a better value must be better.
        threshold_mode: ``"rel"``, as a part of the best value, or ``"abs"``.
        cooldown: how many epochs to wait after a reduction.
        min_lr: the lowest rate, or one for each group.
        eps: smaller reductions than this are not made.

    Raises:
        ArgumentError: an option is outside its range.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = ReduceLROnPlateau(optimizer, patience=1)
        >>> for loss in (0.5, 0.5, 0.5):
        ...     scheduler.step(loss)
        >>> optimizer.param_groups[0]["lr"]
        0.1
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0.0,
        eps: float = 1e-8,
    ) -> None:
        require(self, "optimizer", optimizer, isinstance(optimizer, Optimizer), "an optimiser")
        require(self, "factor", factor, factor < 1, "below 1")
        require(self, "mode", mode, mode in ("min", "max"), "'min' or 'max'")
        require(self, "threshold_mode", threshold_mode, threshold_mode in ("rel", "abs"), "'rel' or 'abs'")
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.eps = threshold, threshold_mode, cooldown, eps
        self.min_lrs: list[float] = per_group(self, "min_lr", optimizer.param_groups, min_lr)
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0
        self._last_lr = [float(group["lr"]) for group in optimizer.param_groups]

    @property
    def in_cooldown(self) -> bool:
        """Whether it is waiting after a reduction."""
        return self.cooldown_counter > 0

    def _is_better(self, value: float) -> bool:
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "abs":
            return sign * value > sign * self.best + self.threshold
        return sign * value > sign * self.best * (1.0 + sign * self.threshold)

    def step(self, metrics: Any, epoch: float | None = None) -> None:  # type: ignore[override]
        """Take in the measure of one more epoch (a number, or a tensor of one)."""
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.set_rates(self._reduced())
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def _reduced(self) -> list[float]:
        rates = [group["lr"] for group in self.optimizer.param_groups]
        lower = [max(float(lr) * self.factor, lowest) for lr, lowest in zip(rates, self.min_lrs, strict=True)]
        return [new if float(lr) - new > self.eps else lr for lr, new in zip(rates, lower, strict=True)]
