"""How much one learner, one question and one process may take, in one place.

They are chosen for thirty learners on a laptop with two cores. What a number in a question may be is bounded by the
questions themselves, with a sentence that names it; these limits hold whatever a question forgets.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

_MB = 2**20


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        message: bytes of one message from a page: a trace or a table dropped on it.
        sockets: pages open at once.
        sockets_per_address: of these, from one address; a class behind one router shares one.
        sockets_per_learner: of these, of one learner: tabs of one browser.
        asks: questions of one page that are not answered yet.
        waiting: questions waiting, of one learner: pages of several tabs that are opened at once.
        queue: questions waiting, of all learners.
        sessions: sessions of one learner.
        all_sessions: of all learners.
        tells: messages to one session that are not answered yet.
        ask_seconds: time for one question.
        open_seconds: time for a session to begin: data are read, a step is compiled.
        turn_seconds: time for one turn of a session or one message to it; a turn is asked to take ``turn``.
        turn: seconds that a session works until another has its turn.
        frames: frames a second of one session.
        unseen: frames of one session on their way to the page.
        memory: bytes that a worker process may have beyond what it starts with.
        state: bytes of a session's state; a larger one is not kept.
        kept_seconds: how long a session is kept whose page has lost its connection.
        kept_bytes: of such sessions, of one learner; the oldest go.
        all_kept_bytes: of all learners.
        unsent: bytes that wait for a page which does not take them, until nothing more is read from it.
        unanswered: bytes of all questions that are not answered yet.
    """

    message: int = 8 * _MB
    sockets: int = 200
    sockets_per_address: int = 160
    sockets_per_learner: int = 16
    asks: int = 16
    waiting: int = 64
    queue: int = 200
    sessions: int = 8
    all_sessions: int = 120
    tells: int = 16
    ask_seconds: float = 10.0
    open_seconds: float = 30.0
    turn_seconds: float = 10.0
    turn: float = 0.02
    frames: float = 60.0
    unseen: int = 2
    memory: int = 1024 * _MB
    state: int = 8 * _MB
    kept_seconds: float = 900.0
    kept_bytes: int = 16 * _MB
    all_kept_bytes: int = 256 * _MB
    unsent: int = 4 * _MB
    unanswered: int = 64 * _MB


def memory() -> int:
    """The bytes of memory that this process occupies, or the most that it did; 0 where the system does not tell."""
    used = _pages(1)
    if not used and sys.platform == "darwin":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used


def confine(more: int) -> None:
    """Let this process have so many bytes beyond what it has: what asks for more gets a MemoryError, at once.

    Where the system has no such limit, the server still looks at what workers occupy between their jobs.
    """
    used = _pages(0)
    if used:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (used + more, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _pages(field: int) -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[field]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
