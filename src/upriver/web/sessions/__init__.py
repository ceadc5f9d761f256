"""What runs on until it is stopped: a class each, that lives in one worker process."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, Self

from ..frames import Frame

SESSIONS: Mapping[str, str] = {
    "playground": f"{__name__}.playground.session:Playground",
    "words": f"{__name__}.words.session:Words",
    "steering": f"{__name__}.steering.session:Steering",
}
"""Name → ``module:Class``."""


class Session(Protocol):
    """One thing that runs on for one learner.

    Args:
        given: what the page asked for; what cannot be meant raises :class:`upriver.errors.UpriverError`.
    """

    def __init__(self, given: Mapping[str, Any]) -> None: ...

    def advance(self, seconds: float) -> Frame | None:
        """Work for about so long, then show; None where there is nothing to do until something is told (paused)."""

    def tell(self, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take a message (play, pause, step, set, …) and answer it with what JSON can hold."""

    def state(self) -> dict[str, Any]:
        """All that :meth:`resume` needs to go on, picklable and small."""

    @classmethod
    def resume(cls, state: dict[str, Any]) -> Self:
        """A session equal to the one that had this state: what a new process begins with when one was lost."""


def find(name: str, sessions: Mapping[str, str] = SESSIONS) -> type[Session]:
    """The class of a session.

    Args:
        name: of the kind of session.
        sessions: where to look it up.

    Raises:
        KeyError: there is no such kind.
    """
    module, _, kind = sessions[name].partition(":")
    found: type[Session] = getattr(importlib.import_module(module), kind)
    return found
