"""Templates: the part of ICU's MessageFormat that translators meet, read once and then filled in.

``{name}``, ``{n, plural, =0 {none} one {# step} other {# steps}}``, ``{x, select, up {…} other {…}}``. Within a plural
``#`` is the number. ``'{'`` is a brace; ``''`` an apostrophe; a lone apostrophe is itself. Source: ICU User Guide,
"Formatting Messages".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from . import plurals

_CONTEXT = re.compile(r"[a-z][a-z-]*\|(?=\S)")
_LEFT_TO_RIGHT, _END = "\u2066", "\u2069"
_RIGHT_TO_LEFT_LETTER = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")


class TemplateError(ValueError):
    """A template that cannot be read; catalogues are checked before anyone sees one."""


@dataclass(frozen=True)
class About:
    """What filling in needs to know of a language."""

    right_to_left: bool = False
    comma: str = ", "
    plurals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Argument:
    """``{name}``, or ``#``: the number of the plural around it."""

    name: str


@dataclass(frozen=True)
class Choice:
    """``{name, plural|select, key {…} …}``."""

    name: str
    kind: str
    ways: Mapping[str, tuple[Any, ...]]


Piece = str | Argument | Choice


def fill(template: str, args: Mapping[str, Any], about: About) -> str:
    """The template with its arguments in it.

    Raises:
        KeyError: an argument is missing.
        TemplateError: the template cannot be read.

    Example:
        >>> english = About(plurals={"one": "n = 1"})
        >>> fill("{who} has {n, plural, one {# edge} other {# edges}}", {"who": "x", "n": 2}, english)
        'x has 2 edges'
    """
    return _fill(read(template), args, about, None)


def _fill(pieces: Sequence[Piece], args: Mapping[str, Any], about: About, number: Any) -> str:
    out: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
        elif isinstance(piece, Argument):
            value = number if piece.name == "#" else args[piece.name]
            out.append(value if type(value) is str and not about.right_to_left else shown(value, about))
        elif piece.kind == "select":
            way = piece.ways.get(str(args[piece.name]), piece.ways["other"])
            out.append(_fill(way, args, about, number))
        else:
            n = args[piece.name]
            exact = piece.ways.get(f"={n}")
            chosen = exact if exact is not None else piece.ways.get(plurals.category(about.plurals, n))
            out.append(_fill(piece.ways["other"] if chosen is None else chosen, args, about, n))
    return "".join(out)


def shown(value: Any, about: About) -> str:
    """An argument as text; in a language from right to left, what runs from left to right is kept together."""
    if isinstance(value, list | tuple):
        return about.comma.join([shown(item, about) for item in value])
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    if about.right_to_left and not _RIGHT_TO_LEFT_LETTER.search(text):
        return f"{_LEFT_TO_RIGHT}{text}{_END}"
    return text


@lru_cache(maxsize=4096)
def read(template: str) -> tuple[Piece, ...]:
    """The pieces of a template.

    Raises:
        TemplateError: braces do not match, a choice has no ``other``, or a kind is unknown.
    """
    context = _CONTEXT.match(template)
    pieces, end = _read(template, context.end() if context else 0, False)
    if end != len(template):
        raise TemplateError(f"a '}}' too many in {template!r}")
    return pieces


def _read(text: str, at: int, in_plural: bool) -> tuple[tuple[Piece, ...], int]:
    pieces: list[Piece] = []
    plain = ""
    while at < len(text) and text[at] != "}":
        quoted = re.compile(r"'([{}#]+)'|'(')").match(text, at)
        if quoted:
            plain, at = plain + (quoted[1] or "'"), quoted.end()
        elif text[at] == "{" or (in_plural and text[at] == "#"):
            if plain:
                pieces.append(plain)
                plain = ""
            piece, at = (Argument("#"), at + 1) if text[at] == "#" else _braced(text, at)
            pieces.append(piece)
        else:
            plain, at = plain + text[at], at + 1
    return (*pieces, plain) if plain else tuple(pieces), at


def _braced(text: str, at: int) -> tuple[Piece, int]:
    found = re.compile(r"\{\s*(\w+)\s*(?:\}|,\s*(plural|select)\s*,\s*)").match(text, at)
    if found is None:
        raise TemplateError(f"what begins at {text[at : at + 20]!r} is no argument, in {text!r}")
    at = found.end()
    if found[2] is None:
        return Argument(found[1]), at
    ways: dict[str, tuple[Piece, ...]] = {}
    while not text.startswith("}", at):
        way = re.compile(r"(=\d+|\w+)\s*\{").match(text, at)
        if way is None:
            raise TemplateError(f"the {found[2]} of {found[1]} cannot be read at {text[at : at + 20]!r}, in {text!r}")
        ways[way[1]], at = _read(text, way.end(), found[2] == "plural")
        if not text.startswith("}", at):
            raise TemplateError(f"a '}}' is missing in {text!r}")
        at = re.compile(r"\s*").match(text, at + 1).end()  # type: ignore[union-attr]
    if "other" not in ways:
        raise TemplateError(f"the {found[2]} of {found[1]} has no 'other', in {text!r}")
    return Choice(found[1], found[2], ways), at + 1


def arguments(template: str) -> frozenset[str]:
    """The names of the arguments that a template uses.

    Example:
        >>> sorted(arguments("{a} and {n, plural, other {# of {b}}}"))
        ['a', 'b', 'n']
    """
    names: set[str] = set()

    def collect(pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Argument) and piece.name != "#":
                names.add(piece.name)
            elif isinstance(piece, Choice):
                names.add(piece.name)
                for way in piece.ways.values():
                    collect(way)

    collect(read(template))
    return frozenset(names)
