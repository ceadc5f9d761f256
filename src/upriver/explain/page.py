"""What pages draw of a trace, and a trace as one HTML file that opens offline.

The file draws what the trace says, with the script of the lab's own graph and walk (see :mod:`.single`), and computes
no gradient. It asks for nothing from anywhere: its security policy forbids it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..errors import ArgumentError
from ..i18n import from_data, language, say
from .encoding import dumps
from .mathml import convert
from .reading import Trace, load_trace
from .single import read_single, speech
from .views import Views, short_value, sign_of

_LONGEST = 120
"""Formulas whose LaTeX is longer than this are shown as text."""
_PLAIN = 120_000
"""Data longer than this is compressed."""
_SPACE = 40_000
"""As many characters may formulas take in all: the rest are shown as text too, the longest first."""


def content(trace: Mapping[str, Any] | Trace, *, budget: int = 60, steady: bool = False) -> dict[str, Any]:
    """What a page needs to draw a trace: the document, where its boxes are, and what is written in them.

    Args:
        trace: the document, or what :func:`upriver.load_trace` gave, which is not checked again.
        budget: how many boxes to show at first.
        steady: give the boxes sizes that do not depend on the values, for a picture whose values change; pictures
            that were laid out lately are not laid out again.

    Returns:
        ``trace``; ``title``; ``views`` (see :meth:`.views.Views.all`), ``labels`` of nodes and ``groups`` of them;
        ``sums``: for frames that are not the last share of a gradient, the sum so far and its sign; ``math``: MathML
        of nodes (``n3``) and edges (``e4``).

    Raises:
        ArgumentError: the document is not a trace.

    Example:
        >>> import upriver as ur
        >>> from upriver.explain.trace import trace
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> found = content(trace((w * 3 - 10) ** 2, wrt=w))
        >>> found["labels"][found["trace"]["result"]["node"]]["t"]
        'L = (w·3 − 10)²'
    """
    data = load_trace(trace).data
    views = Views(data, budget, steady=steady)
    return {
        "trace": data,
        "title": data["source"] or _title(data),
        "views": views.all(),
        "labels": views.labels,
        "groups": views.group_labels(),
        "sums": {
            i: [short_value(frame["sum"]), sign_of(frame["sum"])]
            for i, frame in enumerate(data["frames"])
            if "sum" in frame and frame["share"] < frame["shares"]
        },
        "math": _formulas(data),
    }


def _title(data: Mapping[str, Any]) -> str:
    asked = [answer["symbol"] for answer in data["answers"]]
    return ", ".join(asked) if len(asked) < 4 else say("The gradients of {name}", name=data["result"]["symbol"])


def html(trace: Mapping[str, Any] | Trace, *, title: str | None = None, budget: int = 60) -> str:
    """The page of a trace: one file, no outside request, the same for the same trace.

    Args:
        trace: the document, or what :func:`upriver.load_trace` gave.
        title: what the page is called; by default the expression or the gradients that it opens.
        budget: how many boxes to show at first; modules are closed until it is kept.

    Raises:
        ArgumentError: the document is not a trace.
        FileError: the page's script is not built.

    Example:
        >>> import upriver as ur
        >>> from upriver.explain.trace import trace
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> page = html(trace((w * 3 - 10) ** 2, wrt=w))
        >>> page.startswith("<!doctype html>") and "://" not in page.replace("http://www.w3.org/", "")
        True
    """
    single = read_single()
    found = content(trace, budget=budget)
    title = str(found["title"] if title is None else title)
    data = _once(found["trace"])
    shown = {**found, "trace": data, "title": title, **speech(single, language(), _templates(data))}
    text, packed = _inline(shown), False
    if len(text) > _PLAIN:
        text, packed = base64.b64encode(zlib.compress(dumps(shown).encode(), 9)).decode(), True
    return single.page(title, data["result"]["sentence"], text, shown["language"], packed=packed)


def _templates(data: Mapping[str, Any]) -> set[str]:
    """The templates of all sentences of a document."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            found.add(value["text"])
            look(list(value["args"].values()))
        elif isinstance(value, list):
            for item in value:
                look(item)

    look([item["said"] for item in (data["result"], *data["frames"], *data.get("module_frames", ())) if "said" in item])
    return found


def _inline(content: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element."""
    return dumps(content).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _once(data: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what it says twice; the page puts it back before it does anything else."""
    edges = [dict(edge) for edge in data["edges"]]
    for edge in edges:
        if "step" not in edge:
            continue
        if edge["product"] == data["nodes"][edge["from"]]["gradient"]:
            del edge["product"]
        if edge["derivative"]["unsimplified"] == edge["derivative"]["text"]:
            edge["derivative"] = {k: v for k, v in edge["derivative"].items() if k != "unsimplified"}
    told = [_told(frame) for frame in data["frames"]]
    result = {**_told(data["result"]), "sentence": _sentence(data["result"])}
    slim = {**data, "edges": edges, "result": result, "frames": [_but(frame, result) for frame in told]}
    if data["modules"]:
        slim["module_frames"] = [_but(_told(stride), told[stride["first"]]) for stride in data["module_frames"]]
    else:
        del slim["module_frames"]  # the same as the frames by operation
    return slim


def _told(item: Mapping[str, Any]) -> dict[str, Any]:
    """``item`` with what says its sentence in any language, or with its sentence if nothing does that can be read."""
    try:
        from_data(item["said"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return {key: value for key, value in item.items() if key != "said"}
    return {key: value for key, value in item.items() if key != "sentence"}


def _sentence(item: Mapping[str, Any]) -> str:
    """A sentence of the trace in the language of the moment."""
    return str(from_data(item["said"])) if "said" in _told(item) else item["sentence"]


def _but(item: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """``item`` without the words that it shares with another."""
    return {k: v for k, v in item.items() if k not in ("said", "sentence") or v != other.get(k)}


def _formulas(data: Mapping[str, Any]) -> dict[str, str]:
    """The formulas of nodes and derivatives as MathML, where they are short enough to be read."""
    found: dict[str, str] = {}

    def put(key: str, latex: str) -> None:
        if len(latex) <= _LONGEST and (written := _mathml(latex)):
            found[key] = written

    nodes = data["nodes"]
    root = nodes[data["result"]["node"]]["latex"]
    for node in nodes:
        if "formula" in node:
            formula = node["formula"]["latex"]
            put(f"n{node['id']}", formula if formula == node["latex"] else f"{node['latex']} = {formula}")
    for i, edge in enumerate(data["edges"]):
        if "derivative" in edge:
            top = nodes[edge["to"]]["latex"] if edge["derivative"]["kind"] == "factor" else root
            symbol = rf"\frac{{\partial {_grouped(top)}}}{{\partial {_grouped(nodes[edge['from']]['latex'])}}}"
            put(f"e{i}", f"{symbol} = {edge['derivative']['latex']}")
    space = 0
    for key in sorted(found, key=lambda key: len(found[key])):
        space += len(found[key])
        if space > _SPACE:
            del found[key]
    return found


@lru_cache(maxsize=4096)  # while a value is dragged, the formulas stay
def _mathml(latex: str) -> str | None:
    try:
        return convert(latex)
    except (ArgumentError, AssertionError, KeyError):
        return None


def _grouped(latex: str) -> str:
    return latex if len(latex) == 1 or (latex.startswith("\\math") and " " not in latex) else rf"\left({latex}\right)"
