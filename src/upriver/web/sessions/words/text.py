"""The texts that the next-word lab reads: short tales that come with the package, or the reader's own."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ....errors import DataError
from .. import given as read

TALES = ("en", "zh", "ja", "ar")
"""The languages in which there is a tale of the river."""
LONGEST, SHORTEST = 50_000, 400
"""How many characters a reader's own text may have."""
MOST_SYMBOLS = 250


def tale(language: str) -> str:
    """The tale of the river in one of the languages: it says much again and again, so little time shows much.

    Example:
        >>> tale("en")[:15]
        'In spring the s'
    """
    return (files("upriver.data") / "texts" / f"river.{language}.txt").read_text(encoding="utf-8")


def chosen(given: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the text that was asked for, and the text: ``text`` a language, or "own" with the text in ``own``.

    Raises:
        ArgumentError: there is no such text, or it is too long.
        DataError: it is too short to learn from, or has too many different symbols.
    """
    name = read.choice(given, "text", "en", (*TALES, "own"))
    if name != "own":
        return name, tale(name)
    own = read.text(given, "own", "", LONGEST).replace("\r\n", "\n")
    if len(own) < SHORTEST:
        raise DataError(
            f"the text has {len(own)} characters, too few to learn from",
            f"Give at least {SHORTEST}: a longer text, or the same one several times.",
            at=False,
        )
    if len(set(own)) > MOST_SYMBOLS:
        raise DataError(
            f"the text has {len(set(own))} different symbols, and {MOST_SYMBOLS} are the most",
            "Give a text in one language, or a shorter one.",
            at=False,
        )
    return name, own
