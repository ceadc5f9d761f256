"""A language made for tests: each template in ⟦…⟧, what is filled in in ⟪…⟫: what is not said shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from upriver.core.registry import ops
from upriver.i18n import icu

_CODE = {op.name for op in ops}
_WORD = re.compile(r"\b[A-Za-z][a-z]+\b")
_NO_WORDS = re.compile(
    r"\S*[/\\]\S*|\S+\.(?:py|svg|json|txt|html)\b\S*|--?[a-z][\w-]*|\b\w+(?:\.\w+)+|\w+=\S+|\w+\(|\w*_\w*"
)
"""Paths, files, options, dotted names, NAME=VALUE, calls, names with underscores."""


def marked(template: str) -> str:
    """A template of the pseudo-language: the same, with its own words and its arguments told apart."""
    return f"⟦{_written(icu.read(template), False)}⟧"


def _written(pieces: Sequence[Any], in_plural: bool) -> str:
    out = ""
    for piece in pieces:
        if isinstance(piece, str):
            quoted = re.sub(
                r"[{}#]+" if in_plural else r"[{}]+", lambda found: f"'{found[0]}'", piece.replace("'", "''")
            )
            out += quoted
        elif isinstance(piece, icu.Argument):
            out += "#" if piece.name == "#" else f"⟪{{{piece.name}}}⟫"
        else:
            inside = in_plural or piece.kind == "plural"
            ways = " ".join(f"{key} {{{_written(way, inside)}}}" for key, way in piece.ways.items())
            out += f"{{{piece.name}, {piece.kind}, {ways}}}"
    return out


def unsaid(text: str) -> str:
    """What of a text no template says: what is outside ⟦…⟧ or filled into one, without what was said there again."""
    out: list[str] = []
    depth: list[str] = []
    for character in text:
        if character in "⟦⟪":
            depth.append(character)
            out.append(" ")
        elif character in "⟧⟫":
            depth.pop()
            out.append(" ")
        elif not depth or depth[-1] == "⟪":
            out.append(character)
    assert not depth, f"brackets do not match in {text!r}"
    return "".join(out)


def english(text: str, names: Iterable[str] = ()) -> list[str]:
    """The words that no template says, but code, files, options, operations, and the ``names`` that are known."""
    known = {*_CODE, *names}
    return [word for word in _WORD.findall(_NO_WORDS.sub(" ", unsaid(text))) if word not in known]
