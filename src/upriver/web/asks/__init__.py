"""The questions that are answered at once: a module each, imported when it is first asked.

A module has ``answer(given) -> dict``: it runs in a worker process in the asker's language, returns what JSON can
hold, and raises :class:`upriver.errors.UpriverError` for what cannot be meant.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]

ASKS: Mapping[str, str] = {
    "derive": "derive",
    "network": "network",
    "open_trace": "open_trace",
    "check": "check",
    "nudge": "nudge",
    "paths": "paths",
    "export": "export",
    "mistakes": "mistakes",
    "flow": "flow",
    "descent": "descent",
    "activations": "activations",
}
"""Name → module: one of this package, or anywhere if its name has a dot."""


def find(name: str, asks: Mapping[str, str] = ASKS) -> Answer:
    """The function that answers a question.

    Args:
        name: of the question.
        asks: where to look it up.

    Raises:
        KeyError: there is no such question.

    Example:
        >>> find("no such question")
        Traceback (most recent call last):
        KeyError: 'no such question'
    """
    module = asks[name]
    found: Answer = importlib.import_module(module if "." in module else f"{__name__}.{module}").answer
    return found
