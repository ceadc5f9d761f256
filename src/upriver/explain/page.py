"""A trace as one HTML file that opens offline: the graph to be opened, and the walk to be stepped through.

The page draws what the trace says and computes no gradient. It has no library and asks for nothing from
anywhere: its security policy forbids it. Its words are those of :func:`words`.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Any

from ..errors import ArgumentError
from ..i18n import language, say
from .encoding import dumps
from .mathml import convert
from .reading import Trace, load_trace
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

    Example:
        >>> import upriver as ur
        >>> from upriver.explain.trace import trace
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> page = html(trace((w * 3 - 10) ** 2, wrt=w))
        >>> page.startswith("<!doctype html>") and "://" not in page.replace("http://www.w3.org/", "")
        True
    """
    found = content(trace, budget=budget)
    data = found["trace"]
    shown = {**found, "trace": _once(data), "title": found["title"] if title is None else title, "words": words()}
    title = shown["title"]
    text, packed = _inline(shown), ""
    if len(text) > _PLAIN:
        text, packed = base64.b64encode(zlib.compress(dumps(shown).encode(), 9)).decode(), " data-packed"
    parts = {"title": escape(title), "plain": escape(data["result"]["sentence"]), "packed": packed, "data": text}
    parts["lang"] = language()
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


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
    frames, sentence = data["frames"], data["result"]["sentence"]
    result = {key: value for key, value in data["result"].items() if key != "said"}
    slim = {**data, "edges": edges, "result": result, "frames": [_but(f, "sentence", sentence) for f in frames]}
    if data["modules"]:
        slim["module_frames"] = [_but(f, "sentence", frames[f["first"]]["sentence"]) for f in data["module_frames"]]
    else:
        del slim["module_frames"]  # the same as the frames by operation
    return slim


def _but(item: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """``item`` without what says the sentence in other languages, and without ``key`` if it has that value."""
    return {k: v for k, v in item.items() if k != "said" and (k != key or v != value)}


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


def words() -> dict[str, Any]:
    """What the page says beyond what the trace says."""
    return {
        "graph": say("Graph"),
        "details": say("Details"),
        "detail": say("Show"),
        "levelfirst": say("as much as fits"),
        "levelclosed": say("modules closed"),
        "levelall": say("every operation"),
        "levelown": say("opened by hand"),
        "fit": say("Fit"),
        "zoomin": say("Larger"),
        "zoomout": say("Smaller"),
        "keys": say("Keys"),
        "save": say("Save trace"),
        "table": say("The same as tables"),
        "home": say("First step"),
        "back": say("Step back"),
        "next": say("Step forward"),
        "last": say("Last step"),
        "play": say("Play"),
        "pause": say("Pause"),
        "scrub": say("Place in the walk"),
        "stride": say("Step by"),
        "byoperation": say("by operation"),
        "bymodule": say("by module"),
        "themeauto": say("Theme: automatic"),
        "themedark": say("Theme: dark"),
        "themelight": say("Theme: light"),
        "start": say("Start"),
        "forward": say("Forward"),
        "seed": say("Backward"),
        "backward": say("Backward"),
        "end": say("Result"),
        "later": say("not computed yet"),
        "none": say("not computed (which is not zero)"),
        "gradient": say("gradient"),
        "sofar": say("so far"),
        "gradienttitle": say("Gradient"),
        "value": say("Value"),
        "inwords": say("In words"),
        "formula": say("Formula"),
        "line": say("Code line"),
        "asrun": say("as the gradient rule computed it:"),
        "givenleaf": say("Given."),
        "leaf": say("input that wants a gradient"),
        "input": say("input"),
        "constant": say("constant"),
        "one": say("one number"),
        "open": say("Open or close"),
        "close": say("Close this module."),
        "module": say("Press C to open it."),
        "more": say("press C to open"),
        "values": say("Values"),
        "name": say("Name"),
        "operation": say("Operation"),
        "steps": say("Steps back"),
        "derivative": say("Derivative"),
        "upstream": say("Upstream"),
        "local": say("Local derivative"),
        "flows": say("Flows on"),
        "walk": say("The walk"),
        "phase": say("Phase"),
        "said": say("What happens"),
        "shape": say("shape"),
        "min": say("smallest"),
        "max": say("largest"),
        "mean": say("mean"),
        "std": say("standard deviation"),
        "norm": say("norm"),
        "zeros": say("exactly zero"),
        "not_finite": say("not finite"),
        "shut": say("Close"),
        "help": [
            ["→ ←", say("step forward, step back")],
            ["Home End", say("first step, last step")],
            [say("Space"), say("play, pause")],
            ["↑ ↓", say("in the graph: the box before, the box after")],
            ["Enter", say("open what is in a box")],
            ["C", say("open or close the module around it")],
            ["?", say("this list")],
        ],
    }
