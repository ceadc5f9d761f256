"""A trace from a file, checked, and laid out to be drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...errors import ArgumentError
from ...explain.page import content
from ...explain.reading import Trace, load_trace
from .given import NODES

LONGEST = 8_000_000
"""The longest document, in characters."""


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a page needs to draw and walk through a trace.

    Args:
        given: ``document``, as an object or as its text.

    Returns:
        What :func:`upriver.explain.page.content` gives.

    Raises:
        ArgumentError: it is not a trace, or too large.
    """
    return content(document(given))


def document(given: Mapping[str, Any]) -> Trace:
    """The trace that was given.

    Raises:
        ArgumentError: it is not a trace, or too large.
    """
    data = given.get("document")
    if isinstance(data, str):
        if len(data) > LONGEST:
            raise ArgumentError(
                f"trace: {len(data):,} characters, and at most {LONGEST:,} are read here",
                "Open a smaller one.",
                at=False,
            )
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            raise ArgumentError(
                "trace: this is not JSON", "Open a file that upriver explain --trace wrote.", at=False
            ) from None
    if not isinstance(data, Mapping):
        raise ArgumentError("trace: a document is needed", "Open a file that upriver explain --trace wrote.", at=False)
    found = load_trace(data)
    if len(found.nodes) > NODES:
        raise ArgumentError(
            f"trace: {len(found.nodes):,} values, and at most {NODES:,} are drawn", "Open a smaller one.", at=False
        )
    return found
