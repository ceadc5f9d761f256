"""A learning-rate schedule that is stepped between the steps of one native call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .recording.optimizer_step import Step


class Advance:
    """Advances a schedule step by step, and back.

    Args:
        schedule: with ``step()``, ``state_dict()`` and ``load_state_dict()``; or None, for nothing.
        steps: of the optimisers whose options it changes.
    """

    def __init__(self, schedule: Any, steps: Sequence[Step]) -> None:
        self.schedule = schedule
        if schedule is not None:
            self._state = schedule.state_dict()
            self._groups = [
                (group, {key: x for key, x in group.items() if key != "params"})
                for optimizer in {id(step.optimizer): step.optimizer for step in steps}.values()
                for group in optimizer.param_groups
            ]

    def step(self) -> None:
        """A step is taken."""
        if self.schedule is not None:
            self.schedule.step()

    def back_to(self, steps: int) -> None:
        """Only so many were taken."""
        if self.schedule is not None:
            self.schedule.load_state_dict(self._state)
            for group, options in self._groups:
                group.update(options)
            for _ in range(steps):
                self.schedule.step()
