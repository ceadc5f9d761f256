"""The catalogues: a folder for each language, with what is known of it and its translations of the English.

A fifth language is a fifth folder: nothing here or elsewhere names the four.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from .icu import About

HERE = Path(__file__).parent
READ_BY_PYTHON = ("sentences", "terminal", "errors")
"""The catalogues of explanations, of the terminal, of errors; ``pages`` is read by the pages alone."""


@lru_cache
def languages() -> tuple[str, ...]:
    """The codes of the languages: the folders that have a language.json; English first, then by code."""
    codes = [path.parent.name for path in HERE.glob("*/language.json")]
    return tuple(sorted(codes, key=lambda code: (code != "en", code)))


@lru_cache
def about(code: str) -> About:
    """What is known of a language."""
    data = json.loads((HERE / code / "language.json").read_text(encoding="utf-8"))
    return About(data["direction"] == "rtl", data["comma"], data["plurals"])


@lru_cache
def named(code: str, name: str) -> Mapping[str, str]:
    """One catalogue: the English template, and what it is in this language (empty where it is not translated)."""
    path = HERE / code / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@lru_cache
def of(code: str) -> Mapping[str, str]:
    """What Python says in this language."""
    return {k: v for name in READ_BY_PYTHON for k, v in named(code, name).items()} if code != "en" else {}


def forget() -> None:
    """Read everything anew when it is next asked for: for tests and for those who edit catalogues."""
    for cache in (languages, about, named, of):
        cache.cache_clear()
