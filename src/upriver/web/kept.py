"""What is kept of sessions whose page has lost its connection, until it comes back: for a while, and not too much."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .limits import Limits

_SMALL = 2**12
"""Bytes of an answer that is kept; what has a larger one only asks, and can be done again."""

Key = tuple[str, str]
"""The name of a session, and the secret of the tab that opened it."""


@dataclass(eq=False)
class Left:
    """A session as it was left.

    Attributes:
        learner: whose it is.
        state: what :meth:`.sessions.Session.resume` takes, pickled.
        answers: what it answered last, by the number of the call: a page that did not get an answer tells again, and
            what was done must not be done twice.
        until: when it is forgotten.
    """

    learner: Hashable
    state: bytes
    answers: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    until: float = 0.0

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.state) + sum(map(len, self.answers.values()))


class Kept:
    """Sessions that were left, the oldest first.

    Args:
        limits: for how long, how many bytes of one learner, and of all.
        clock: seconds, ever larger.

    Example:
        >>> kept = Kept(Limits(kept_bytes=5))
        >>> kept.put(("words", "secret"), Left("someone", b"abc"))
        >>> kept.put(("steering", "secret"), Left("someone", b"def"))
        >>> kept.take(("words", "secret")), kept.take(("steering", "secret")).state
        (None, b'def')
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._left: OrderedDict[Key, Left] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def put(self, key: Key, left: Left) -> None:
        """Keep a session; the oldest go where that is too much."""
        self._left.pop(key, None)
        left.until = self._clock() + self._limits.kept_seconds
        self._left[key] = left
        self.forget()
        self._shrink([one for one in self._left if self._left[one].learner == left.learner], self._limits.kept_bytes)
        self._shrink(list(self._left), self._limits.all_kept_bytes)

    def take(self, key: Key) -> Left | None:
        """The session that was left, once; None if there is none, or none any more."""
        self.forget()
        return self._left.pop(key, None)

    def forget(self) -> None:
        """Let go of those whose time is over."""
        now = self._clock()
        while self._left and next(iter(self._left.values())).until <= now:
            self._left.popitem(last=False)

    def _shrink(self, keys: list[Key], most: int) -> None:
        size = sum(self._left[key].size for key in keys)
        for key in keys:
            if size > most:
                size -= self._left.pop(key).size


def remember(answers: OrderedDict[int, bytes], call: object, answer: bytes, most: int) -> None:
    """Keep the answer to a call, if it is small, and the last ``most`` of them."""
    if isinstance(call, int) and len(answer) <= _SMALL:
        answers[call] = answer
        while len(answers) > most:
            answers.popitem(last=False)
