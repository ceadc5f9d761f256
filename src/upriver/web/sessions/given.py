"""What a page asks of a session: numbers, choices and texts, read within their bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ArgumentError


def whole(given: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``.

    Raises:
        ArgumentError: it is none, or outside.

    Example:
        >>> whole({"layers": 2}, "layers", 1, 1, 2), whole({}, "layers", 1, 1, 2)
        (2, 1)
    """
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ArgumentError(f"{name} is {value!r}", f"Give a whole number from {least} to {most}.", at=False)
    return value


def real(given: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    """A number from ``least`` to ``most``.

    Raises:
        ArgumentError: it is none, or outside.
    """
    value = given.get(name, default)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= value <= most:
        raise ArgumentError(f"{name} is {value!r}", f"Give a number from {least:g} to {most:g}.", at=False)
    return float(value)


def choice(given: Mapping[str, Any], name: str, default: Any, choices: Sequence[Any]) -> Any:
    """One of ``choices``.

    Raises:
        ArgumentError: it is none of them.
    """
    value = given.get(name, default)
    if isinstance(value, (list, dict, bool)) or value not in choices:
        raise ArgumentError(
            f"{name} is {value!r}", f"Choose one of {', '.join(str(one) for one in choices)}.", at=False
        )
    return value


def text(given: Mapping[str, Any], name: str, default: str, most: int) -> str:
    """A text of at most ``most`` characters.

    Raises:
        ArgumentError: it is no text, or too long.
    """
    value = given.get(name, default)
    if not isinstance(value, str):
        raise ArgumentError(f"{name} is no text", "Give a text.", at=False)
    if len(value) > most:
        raise ArgumentError(
            f"{name} has {len(value)} characters, and {most} are the most", "Give a shorter one.", at=False
        )
    return value


def broken() -> ArgumentError:
    """The error for a question to a network whose weights are no longer numbers."""
    return ArgumentError(
        "the loss is no longer a number: the steps were too long", "Start over with a smaller learning rate.", at=False
    )


def unknown(session: str, what: str) -> ArgumentError:
    """The error for a message that a session does not know."""
    return ArgumentError(f"{session}: there is nothing to do that is called {what!r}", at=False)
