"""Schedules: the learning rate as a function of the number of the step (or epoch; who calls it decides).

A schedule is stepped after the optimiser. Most compute the next rate from the present one, so that several
of them, and changes by hand, multiply; each also knows its rate at any time by itself, for jumps.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.state import recorder
from ..errors import ArgumentError, CompileError
from ..i18n.errors import told
from .optimizer import Group, Optimizer


class LRScheduler:
    """What sets ``group["lr"]`` of an optimiser from step to step; the base of all schedules.

    A subclass gives :meth:`next_lr` and :meth:`lr_now`, or :meth:`get_lr` as a whole.

    Args:
        optimizer: whose rates to set.
        last_epoch: the number of the last step that was made; −1 begins.

    Attributes:
        base_lrs: the rate of each group that the schedule starts from.
        last_epoch: the number of the last step.

    Raises:
        ArgumentError: not an optimiser, or going on with groups in which no schedule was begun.

    Example:
        >>> import upriver as ur
        >>> class Halving(LRScheduler):
        ...     def next_lr(self, lr, base):
        ...         return lr / 2
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=1.0)
        >>> scheduler = Halving(optimizer)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(self, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"{type(self).__name__}: last_epoch={last_epoch}, but group {i} has no 'initial_lr' to go on from",
                    "Load the optimiser's state first, or begin with last_epoch=-1.",
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch: float = last_epoch
        self._starting = False
        self.begin()

    # What a subclass says.

    def next_lr(self, lr: float, base: float) -> float:
        """The rate at step ``last_epoch`` of a group whose rate was ``lr`` at the step before."""
        raise NotImplementedError

    def lr_now(self, base: float) -> float:
        """The rate at step ``last_epoch`` of a group that started from ``base``, by this schedule alone."""
        raise NotImplementedError

    def first_lr(self, lr: float, base: float) -> float:
        """The rate when the schedule is made: most leave it as it is."""
        return lr

    def get_lr(self) -> list[float]:
        """The rate of each group at step ``last_epoch``."""
        rule = self.first_lr if self._starting else self.next_lr
        groups = self.optimizer.param_groups
        return [rule(float(g["lr"]), base) for g, base in zip(groups, self.base_lrs, strict=True)]

    def closed_lr(self) -> list[float]:
        """The same, however the rates came to be what they are."""
        return [self.lr_now(base) for base in self.base_lrs]

    # Stepping.

    def begin(self) -> None:
        """Make the first step, to number 0."""
        self._step_count = 0
        self._starting = True
        self.step()
        self._starting = False

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step, or to step ``epoch``. Call it after the optimiser's step."""
        if self._step_count == 1 and not self.optimizer.has_stepped:
            warnings.warn(
                told(
                    "scheduler.step() was called before optimizer.step(): the first learning rate is never used. "
                    "Call optimizer.step() first."
                ),
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self.move(epoch)

    def move(self, epoch: float | None = None) -> None:
        """Set the rates for the next step, or for step ``epoch``."""
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self.closed_lr()
        self.set_rates(rates)

    def set_rates(self, rates: Sequence[float]) -> None:
        """Give each group its rate."""
        if recorder() is not None:
            raise CompileError(
                f"{type(self).__name__}: a schedule is stepped inside a compiled function, once for all calls",
                "Step it after the call: the new rate holds from the next call on.",
            )
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = list(rates)

    def get_last_lr(self) -> list[float]:
        """The rate of each group as last set."""
        return self._last_lr

    # Storing and going on.

    def state_dict(self) -> dict[str, Any]:
        """Everything that :meth:`load_state_dict` needs to go on, except functions."""
        return {k: copy.deepcopy(v) for k, v in vars(self).items() if k != "optimizer" and not _has_function(v)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave. Load the optimiser's state too: it has the rates."""
        vars(self).update(copy.deepcopy(dict(state_dict)))


def _has_function(value: Any) -> bool:
    return callable(value) or (isinstance(value, list) and any(callable(x) for x in value))


def checked(scheduler: Any, optimizer: Any) -> Optimizer:
    """``optimizer``, if it is one.

    Raises:
        ArgumentError: it is not.
    """
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(
            f"{type(scheduler).__name__}: {type(optimizer).__name__} is not an optimiser",
            "Give the optimiser first, as in StepLR(optimizer, step_size=10).",
        )
    return optimizer


def per_group(scheduler: Any, name: str, groups: Sequence[Group], value: Any) -> list[Any]:
    """``value`` for each group: itself where it is a list, else repeated.

    Raises:
        ArgumentError: a list of another length.
    """
    if not isinstance(value, (list, tuple)):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise ArgumentError(
            f"{type(scheduler).__name__}: {len(value)} values of {name} for {len(groups)} groups",
            "Give one for each group, or a single one.",
        )
    return list(value)


def require(scheduler: Any, name: str, value: Any, holds: bool, wanted: str) -> None:
    """Raise ArgumentError, saying what was wanted, unless ``holds``."""
    if not holds:
        raise ArgumentError(f"{type(scheduler).__name__}: {name}={value!r}", f"It must be {wanted}.")


class LambdaLR(LRScheduler):
    """``base · f(t)``, with a function of one's own.

    Args:
        optimizer: whose rates to set.
        lr_lambda: the function of the step's number, or a list of one for each group.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: not a function, or not one for each group.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=0.5)
        >>> scheduler = LambdaLR(optimizer, lambda t: 0.9 ** t)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.45]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        groups = checked(self, optimizer).param_groups
        self.lr_lambdas: list[Callable[[float], float]] = per_group(self, "lr_lambda", groups, lr_lambda)
        for f in self.lr_lambdas:
            require(self, "lr_lambda", f, callable(f), "a function of the step's number")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    closed_lr = get_lr


class MultiplicativeLR(LambdaLR):
    """``lr · f(t)``: the present rate times a function of one's own at every step.

    Args:
        optimizer: whose rates to set.
        lr_lambda: the function of the step's number, or a list of one for each group.
        last_epoch: the number of the last step that was made.

    Raises:
        ArgumentError: not a function, or not one for each group.

    Example:
        >>> import upriver as ur
        >>> optimizer = ur.optim.SGD([ur.ones(1)], lr=0.5)
        >>> scheduler = MultiplicativeLR(optimizer, lambda t: 0.5)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.25]
    """

    def get_lr(self) -> list[float]:
        rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        if self._starting:
            return rates
        return [lr * f(self.last_epoch) for lr, f in zip(rates, self.lr_lambdas, strict=True)]

    closed_lr = get_lr
