"""Text in the columns of a terminal: an ideograph takes two, an accent or a mark of direction none."""

from __future__ import annotations

import textwrap
import unicodedata


def width(text: str) -> int:
    """How many columns a text takes.

    Example:
        >>> width("loss"), width("损失"), width("e\u0301")
        (4, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_of, text))


def _of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def left(text: str, columns: int) -> str:
    """The text at the left of so many columns.

    Example:
        >>> left("损失", 6) + "|", left("loss", 6) + "|"
        ('损失  |', 'loss  |')
    """
    return str(text) + " " * (columns - width(text))


def right(text: str, columns: int) -> str:
    """The text at the right of so many columns."""
    return " " * (columns - width(text)) + str(text)


def wrap(text: str, columns: int, *, whole_words: bool = False) -> list[str]:
    """The lines of a text, none wider than ``columns``; ideographs part anywhere, other words where there is space.

    Args:
        text: one paragraph.
        columns: the widest line.
        whole_words: leave a word that is wider than a line as it is.

    Example:
        >>> wrap("损失 = 16，然后", 8)
        ['损失 =', '16，然后']
    """
    if width(text) == len(text):
        return textwrap.wrap(text, columns, break_long_words=not whole_words, break_on_hyphens=not whole_words)
    lines = [""]
    for piece in _pieces(text):
        if width(lines[-1] + piece.rstrip()) > columns and lines[-1]:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines if line.strip()]


def _pieces(text: str) -> list[str]:
    """Between which a line may end: words with the space after them; single ideographs, each with its punctuation."""
    pieces: list[str] = []
    for character in text:
        closing = unicodedata.category(character) in ("Po", "Pe", "Pf", "Cf", "Mn")
        begins = not pieces or pieces[-1].endswith(" ") or _of(character) == 2 or _of(pieces[-1][-1]) == 2
        if begins and character != " " and not (pieces and closing and not pieces[-1].endswith(" ")):
            pieces.append(character)
        elif pieces:
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
