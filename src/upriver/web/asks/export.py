"""What is drawn, to be taken away: as a picture, a page in one file, LaTeX, or the text of other programs' graphs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...core.site import sites_off
from ...core.state import tracing
from ...errors import ArgumentError, either
from ...explain.derivation import derive
from ...explain.diagram import dot, mermaid, tikz
from ...explain.encoding import dumps
from ...explain.explanation import Explanation
from ...explain.page import html
from .computation import Computation
from .given import choice, expression, text
from .network import pasted
from .open_trace import document

_TYPES = {
    "svg": ("svg", "image/svg+xml"),
    "html": ("html", "text/html"),
    "latex": ("tex", "text/x-tex"),
    "tikz": ("tex", "text/x-tex"),
    "mermaid": ("mmd", "text/vnd.mermaid"),
    "dot": ("gv", "text/vnd.graphviz"),
    "trace": ("json", "application/json"),
}
_OF_DOCUMENT = ("html", "trace")
_STEPS = 400
"""The most steps that are written out as formulas."""


def answer(given: Mapping[str, Any]) -> dict[str, Any]:
    """A file for what is drawn.

    Args:
        given: ``expression``, ``values`` and ``wrt``, or ``code``, or ``document``, a trace; ``format``: "svg", "html"
            (one file that opens offline), "latex", "tikz", "mermaid", "dot" or "trace"; of a document "html" or
            "trace". A PNG is made of the SVG in the page.

    Returns:
        ``text``, the ``name`` of the file and its ``type``.

    Raises:
        UpriverError: it cannot be computed, or has no such form.

    Example:
        >>> asked = {"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}, "format": "svg"}
        >>> found = answer(asked)
        >>> found["name"], found["text"][:4]
        ('w-x-y-2.svg', '<svg')
    """
    form = choice(given, "format", list(_TYPES))
    if given.get("document") is not None:
        trace = document(given)
        if form not in _OF_DOCUMENT:
            raise ArgumentError(
                f"format: a trace from a file has no {form}",
                f"It can be saved as {either(_OF_DOCUMENT)}.",
                at=False,
            )
        title = trace.data["source"] or "trace"
        return _file(form, title, html(trace) if form == "html" else dumps(trace.data))
    if given.get("code") is not None:
        model = pasted(given)
        asked = Computation(model.run, model.source)
        with model.lines(), sites_off(), tracing():
            leaves = [(leaf, None) for leaf in asked.graph.leaves if leaf.requires_grad]
            return _file(form, "network", _text(form, derive(asked.root, leaves, asked.known)))
    found = expression(given)
    wrt = text(given, "wrt") if given.get("wrt") else None
    return _file(form, found.source, _text(form, found.explain(wrt, every=wrt is None)))


def _text(form: str, e: Explanation) -> str:
    if form == "latex" and len(e.steps) > _STEPS:
        raise ArgumentError(f"latex: {len(e.steps):,} steps are too many formulas", "Ask for one name.", at=False)
    options: dict[str, Any] = {"gradients": e.gradients, "names": e.names}
    match form:
        case "svg":
            return e.svg()
        case "html":
            return e.html()
        case "latex":
            return e.latex()
        case "mermaid":
            return mermaid(e.graph, **options)
        case "dot":
            return dot(e.graph, **options)
        case "tikz":
            return tikz(e.graph, **options)
    return dumps(e.trace())


def _file(form: str, title: str, content: str) -> dict[str, Any]:
    ending, kind = _TYPES[form]
    stem = re.sub(r"[^\w]+", "-", title)[:40].strip("-") or "graph"
    return {"text": content, "name": f"{stem}.{ending}", "type": kind}
