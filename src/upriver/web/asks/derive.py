"""An expression at some values: computed, derived, laid out. Asked again at each step of a value that is dragged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ArgumentError
from ...explain.expression import Expression
from ...explain.page import content
from ...explain.reading import Trace
from .given import NODES, expression, text


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a page needs to draw and walk through an expression.

    Args:
        given: ``expression``; ``values``, each a number, nested lists or text; ``wrt``, names or entries with commas
            between, by default every name that a
            gradient flows to.

    Returns:
        What :func:`upriver.explain.page.content` gives, and ``names``, ``values`` (as numbers and lists), ``latex``
        and ``source``.

    Raises:
        UpriverError: the expression or a value cannot be meant, or is beyond what is computed here.

    Example:
        >>> found = answer({"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": "10"}, "wrt": "w"})
        >>> found["trace"]["result"]["sentence"]
        'dL/dw = -24: raising w lowers L, at first by 24 for each unit.'
    """
    asked = expression(given)
    return content_of(asked, text(given, "wrt") if given.get("wrt") else None)


def content_of(asked: Expression, wrt: str | None) -> dict[str, Any]:
    """The content of an expression's trace, with its names and values."""
    found = asked.explain(wrt, every=wrt is None)
    if len(found.values) > NODES:
        raise ArgumentError(f"expression: {len(found.values):,} values", f"At most {NODES:,} are drawn.", at=False)
    return {
        **content(Trace(found.trace()), steady=True),
        "names": list(asked.names),
        "values": {name: leaf.array.tolist() for name, leaf in asked.leaves.items()},
        "latex": found.latex() if len(found.steps) <= 60 else "",
        "source": asked.source,
    }
