"""What the server itself refuses, as a page is told it."""

from __future__ import annotations

from typing import Any, Literal

from ..i18n import Message, say, use

Kind = Literal["input", "busy", "limit", "lost", "internal"]


class RefusalError(Exception):
    """No answer, and why.

    Args:
        error: as it goes to the page: ``kind``, ``message``, ``sentence``, ``fix``.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["sentence"])
        self.error = error


def refusal(kind: Kind, message: Message, fix: Message | None = None) -> RefusalError:
    """The refusal with a sentence that :func:`upriver.i18n.say` has made."""
    return RefusalError(
        {
            "kind": kind,
            "message": message.data(),
            "sentence": str(message),
            "fix": None if fix is None else str(fix),
        }
    )


def busy(language: str | None) -> RefusalError:
    """Too much waits."""
    with use(language):
        return refusal(
            "busy",
            say("So many are computing here at the moment that there is no place for more."),
            say("Wait a few seconds and try again."),
        )


def too_many(language: str | None) -> RefusalError:
    """One learner has too much going on."""
    with use(language):
        return refusal(
            "busy",
            say("You have as much computing here already as one learner may have."),
            say("Wait for what is running, stop it, or close other tabs with this page."),
        )


def late(language: str | None, seconds: float) -> RefusalError:
    """A job took too long and was stopped."""
    with use(language):
        return refusal(
            "limit",
            say(
                "This took longer than {seconds, plural, one {# second} other {# seconds}} and was stopped.",
                seconds=round(seconds) or 1,
            ),
            say("Make it smaller: fewer layers, units, samples or steps."),
        )


def broken(language: str | None) -> RefusalError:
    """No process can be started."""
    with use(language):
        return refusal(
            "internal",
            say("The process that computes cannot be started."),
            say("The terminal in which `upriver learn` runs shows why."),
        )


def lost(language: str | None) -> RefusalError:
    """The process that was at it died, and not for the first time."""
    with use(language):
        return refusal(
            "lost",
            say("The process that computed this has ended unexpectedly; a new one has been started."),
            say("Try again; if it happens again, make it smaller."),
        )
