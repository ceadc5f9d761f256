"""How fast a session runs: so many ticks in a second, whatever the machine can do.

What happens in a tick does not depend on the clock, so a session runs the same course at every pace.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_BEHIND = 0.25
"""Ticks that are more than so many seconds late are not made up for."""


class Pace:
    """A clock that says how many ticks are due.

    Args:
        rate: ticks per second; 0 for as many as there is time for.
        clock: seconds, ever larger.

    Attributes:
        rate: as given; it may be changed at any time.
        measured: ticks per second, as they really were in the last second or so.

    Example:
        >>> times = iter([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
        >>> Pace(2, lambda: next(times)).run(0.02, lambda: True)
        1
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rate, self._clock = rate, clock
        self.measured = 0.0
        self._last = clock()
        self._owed, self._since, self._count = 0.0, self._last, 0

    def start(self) -> None:
        """Forget the time since the last turn: it was a pause."""
        self._last = self._since = self._clock()
        self._owed, self._count, self.measured = 1.0, 0, 0.0

    def run(self, seconds: float, tick: Callable[[], bool]) -> int:
        """Call ``tick`` as often as is due, at most for about ``seconds``, until it returns False.

        Never waits: where nothing is due, others may work.

        Returns:
            How many ticks there were.
        """
        began = now = self._clock()
        self._owed = min(self._owed + (now - self._last) * self.rate, max(1.0, _BEHIND * self.rate))
        self._last = now
        done, going = 0, True
        while going and (self._owed >= 1.0 or not self.rate) and (not done or now - began < seconds):
            self._owed -= 1.0
            going = tick()
            done += 1
            now = self._clock()
        if not self.rate:
            self._owed = 0.0
        self._count += done
        if now - self._since >= 1.0:
            self.measured = self._count / (now - self._since)
            self._since, self._count = now, 0
        return done
