"""Ctrl-C and a polite kill, taken at a moment when nothing is half done."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from ..i18n import say

_WATCHED = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Training was stopped by a signal, after its state was saved.

    Attributes:
        signal: which one.
        run: the folder to resume from, or None where nothing is stored.
    """

    def __init__(self, number: int, run: str | None) -> None:
        self.signal, self.run = number, run
        hint = f"upriver resume {run}" if run else say("nothing was stored: give the Trainer a run")
        super().__init__(say("stopped; to go on: {hint}", hint=hint))


class Stop:
    """While entered, the first signal sets :attr:`caught`; a second one stops at once, as usual.

    In a thread that is not the main one, where signals cannot be taken, it does nothing.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in _WATCHED:
                self._before[number] = signal.signal(number, self._take)
        return self

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self.caught is not None:
            raise KeyboardInterrupt
        self.caught = number

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
