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
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rate, self._clock = rate, clock
        self._last = clock()
        self._owed = 0.0
        self._measured = (self._last, 0)
        self.measured = 0.0
        """Ticks per second, as they really were in the last second or so."""

    def start(self) -> None:
        """Forget the time since the last turn: it was a pause."""
        self._last, self._owed, self.measured = self._clock(), 0.0, 0.0
        self._measured = (self._last, 0)

    def run(self, seconds: float, tick: Callable[[], bool]) -> int:
        """Call ``tick`` as often as is due, at most for about ``seconds``, until it returns False.

        Waits for the first tick, where none is due yet, so that a caller who asks again at once does not spin.

        Returns:
            How many ticks there were.
        """
        began = self._clock()
        done, going = 0, True
        while going:
            now = self._clock()
            if self.rate:
                self._owed = min(self._owed + (now - self._last) * self.rate, max(1.0, _BEHIND * self.rate))
            else:
                self._owed = 1.0
            self._last = now
            if self._owed < 1.0:
                wait = (1.0 - self._owed) / self.rate
                if done or now - began + wait > seconds:
                    if not done:
                        time.sleep(max(0.0, began + seconds - now))
                    break
                time.sleep(wait)
                continue
            if done and now - began >= seconds:
                break
            self._owed -= 1.0
            going = tick()
            done += 1
        self._measure(done)
        return done

    def _measure(self, done: int) -> None:
        since, count = self._measured
        now, count = self._clock(), count + done
        if now - since >= 1.0:
            self.measured, self._measured = count / (now - since), (now, 0)
        else:
            if not self.measured and now > since:
                self.measured = count / max(now - since, 0.1)
            self._measured = (since, count)
