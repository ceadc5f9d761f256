"""Error messages read back from their English, to be said in the reader's language.

Errors are raised in English, as f-strings, where they happen: ``ArgumentError(f"{name} has {n} axes")``. Their
templates, ``{name} has {n} axes``, are the keys of the catalogue of errors (:mod:`.extract` finds them in the source).
Here a message is matched against the templates, and what stood in their places is filled into the translation. English
readers pay nothing for it, and no raise site knows of it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from . import Message, catalogue, language, say
from .icu import Argument, read

_DEEP = 4
"""Arguments may be messages themselves, so deep."""


def told(english: str) -> str:
    """The message in the language of the moment; as it is where that is English or where no template matches.

    Example:
        >>> from upriver.i18n import use
        >>> from upriver.i18n.errors import told
        >>> with use("en"):
        ...     told("anything at all")
        'anything at all'
    """
    if isinstance(english, Message) or language() == "en":
        return english
    return _told(english, _DEEP)


def _told(english: str, deep: int) -> str:
    for template, longest, pattern in _templates(language()):
        if longest in english:
            found = re.compile(pattern, re.DOTALL).fullmatch(english)
            if found is not None:
                parts = {name: _told(part, deep - 1) if deep else part for name, part in found.groupdict().items()}
                return say(template, **parts)
    return english


@lru_cache
def _templates(code: str) -> tuple[tuple[str, str, str], ...]:
    """Each template with its longest literal piece and its pattern: first those that begin with words and say most."""
    found: list[tuple[bool, int, str, str, str]] = []
    for template in catalogue.named(code, "errors"):
        pieces = read(template)
        literal = [piece for piece in pieces if isinstance(piece, str)]
        if not any(any(map(str.isalpha, piece)) for piece in literal):
            continue
        pattern, seen = "", set[str]()
        for piece in pieces:
            if isinstance(piece, Argument):
                pattern += rf"(?P={piece.name})" if piece.name in seen else rf"(?P<{piece.name}>.*?)"
                seen.add(piece.name)
            else:
                pattern += re.escape(str(piece))
        begins = isinstance(pieces[0], str)
        found.append((not begins, -sum(map(len, literal)), template, max(literal, key=len), pattern))
    return tuple([rest for _, _, *rest in sorted(found)])  # type: ignore[misc]
