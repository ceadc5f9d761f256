"""A graph as SVG: boxes with values and gradients, edges as wide as the gradient that flows back along them.

No library, no browser: text widths are estimated on the safe side. Nothing is told by colour alone: gradients
carry their sign and a triangle that points up or down, and edges differ in width and in dashes.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from ..core.backward import pull_back
from ..core.graph import Graph
from ..errors import ArgumentError
from ..i18n import say
from .boxes import Box, Link
from .labels import Content, Flow, Label, content, rows, shorten
from .layout import Point
from .nest import Arranged, Rect, arrange

_LIGHT = {"paper": "#ffffff", "card": "#ffffff", "leaf": "#eef3fb", "frame": "#f6f8fa", "edge": "#8a97a6",
          "ink": "#17212b", "soft": "#5b6875", "rule": "#c6d0da", "plus": "#1d5fd1", "minus": "#b4490a"}  # fmt: skip
_DARK = {"paper": "#10151b", "card": "#1b232c", "leaf": "#1d2b40", "frame": "#151c24", "edge": "#73818f",
         "ink": "#e8edf2", "soft": "#a0acb8", "rule": "#3a4653", "plus": "#86b1ff", "minus": "#f3a566"}  # fmt: skip
_FORMS = """{i} text {{ font: 12px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif }}
{i} .t {{ font-size: 13px; font-weight: 600 }} {i} .s {{ font-size: 11px; font-weight: 400 }}
{i} .e {{ text-anchor: end }}
{i} .w, {i} .h {{ fill: none }} {i} .h {{ stroke-dasharray: 2 4 }}
{i} .d {{ stroke-dasharray: 7 3 }} {i} .f {{ stroke-width: 1 }} {i} .o {{ stroke-width: 2.2 }}
{i} .u {{ paint-order: stroke; stroke-width: 4px; stroke-linejoin: round }}"""
_COLOURS = """{i} .paper {{ fill: {paper} }} {i} .card {{ fill: {card}; stroke: {rule} }}
{i} .leaf {{ fill: {leaf}; stroke: {rule} }} {i} .f {{ fill: {frame}; stroke: {rule} }} {i} .o {{ stroke: {soft} }}
{i} .k {{ fill: {card}; stroke: {rule} }} {i} text {{ fill: {ink} }} {i} .q {{ fill: {soft} }}
{i} .u {{ stroke: {frame} }} {i} .w {{ stroke: {edge} }} {i} .h {{ stroke: {edge} }} {i} .a {{ fill: {edge} }}
{i} .wp {{ stroke: {plus} }} {i} .wm {{ stroke: {minus} }} {i} .p {{ fill: {plus} }} {i} .m {{ fill: {minus} }}"""

THEMES = ("auto", "light", "dark")
_WIDEST = 1100.0
"""A picture wider than this goes down rather than right, unless told otherwise."""

# Widths of characters in units of the font size, for wide sans-serif fonts (DejaVu Sans, Verdana).
_WIDTHS = {c: w for chars, w in [
    ("iljI.,:;|!'’ ", 0.36), ("ftr()[]{}/\\-\"·", 0.45), ("mwMW%@…—", 0.98), ("0123456789", 0.64),
    ("abcdeghknopqsuvxyz_", 0.63), ("ABCDEFGHJKLNOPQRSTUVXYZ", 0.76), ("+−×=<>~∞∕", 0.84),
    ("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", 0.44)] for c in chars}  # fmt: skip
# Marks above and below letters, and those of direction, have no width; joined letters are narrow.
_KINDS = {"NSM": 0.0, "LRI": 0.0, "RLI": 0.0, "FSI": 0.0, "PDI": 0.0, "AL": 0.6}


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is, rather too much than too little.

    Example:
        >>> text_width("ill", 10) < text_width("mmm", 10)
        True
    """
    total = 0.0
    for c in text:
        width = _WIDTHS.get(c)
        if width is None:
            width = 1.05 if unicodedata.east_asian_width(c) in "WF" else _KINDS.get(unicodedata.bidirectional(c), 0.8)
            width = 0.6 if unicodedata.bidirectional(c) == "AL" else width  # joined letters are narrow
        total += width
    return total * size * (1.1 if bold else 1.0)


def gradients_of(graph: Graph) -> dict[Any, Any]:
    """The gradient of the graph's root with respect to every node and leaf that it flows to.

    Args:
        graph: of one number.

    Returns:
        By node and leaf, arrays.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> float(gradients_of(Graph.of((w * 3 - 10) ** 2))[w])
        -24.0
    """
    wanted = {x for x in graph.leaves if x.requires_grad} | set(graph.nodes)
    return pull_back([graph.root], [None], wanted, create_graph=False)


_LINE, _TOP, _SIDE = 16.0, 9.0, 11.0


def measure(label: Label) -> Point:
    """The width and height of a box that holds a label."""
    width = text_width(shorten(label.title, 40), 13, bold=True)
    for aside in (shorten(label.place, 34), label.shape):
        width += 14 + text_width(aside, 11) if aside else 0
    under = rows(label)
    for text, kind in under:
        mark = 13 if label.sign and text == label.gradient else 0
        width = max(width, text_width(text, 11 if "s" in kind.split() else 12) + mark)
    return math.ceil(width) + 2 * _SIDE, _LINE * (1 + len(under)) + _TOP + 5


def svg(
    graph: Graph,
    *,
    gradients: Mapping[Any, Any] | None = None,
    names: Mapping[Any, str] | None = None,
    budget: int = 60,
    expand: Collection[str] = (),
    theme: str = "auto",
    direction: str | None = None,
    views: bool = False,
    title: str = "",
) -> str:
    """The picture of a graph, as SVG.

    Modules are closed until no more than ``budget`` boxes show; ``expand`` opens some whatever it costs.

    Args:
        graph: what ran: ``Graph.of(loss)``.
        gradients: by node and leaf, as :func:`gradients_of` gives them; by default what ``backward()`` left
            in the leaves.
        names: what to call nodes and leaves.
        budget: how many boxes to show.
        expand: paths of modules to open, as in ``("blocks.0",)``.
        theme: "light", "dark", or "auto": as the reader prefers.
        direction: "right" or "down"; by default whichever suits the size.
        views: show reshape, permute, cast and the like too.
        title: what the picture is called.

    Returns:
        An SVG document, the same for the same graph.

    Raises:
        ArgumentError: an unknown theme or direction, or nothing is called as ``expand`` says.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> graph = Graph.of((w * 3 - 10) ** 2)
        >>> picture = svg(graph, gradients=gradients_of(graph), names={w: "w"})
        >>> "gradient −24" in picture
        True
    """
    if theme not in THEMES:
        raise ArgumentError(f"theme: there is no {theme!r}", f"There are: {', '.join(THEMES)}.", at=False)
    shown = content(graph, gradients=gradients, names=names, budget=budget, expand=expand, views=views)
    return _Drawing(shown, place(shown, direction), theme, title).document()


def check_direction(direction: str | None) -> None:
    """Refuse a direction that is not one.

    Raises:
        ArgumentError: it is neither "right" nor "down", nor left open.
    """
    if direction not in (None, "right", "down"):
        raise ArgumentError(f"direction: there is no {direction!r}", 'There are: "right", "down".', at=False)


def place(shown: Content, direction: str | None) -> Arranged:
    """Places for everything that shows, downwards or to the right; by default whichever suits the size.

    Raises:
        ArgumentError: an unknown direction.
    """
    check_direction(direction)
    sizes = {
        box: (text_width(heading(label), 11) + 24, 0.0) if box.open else measure(label)
        for box, label in shown.said.items()
    }
    if direction != "down":
        placed = arrange(shown.collapsed, sizes.__getitem__, down=False, between=44)
        if direction == "right" or placed.width <= _WIDEST:
            return placed
    return arrange(shown.collapsed, sizes.__getitem__, down=True)


def heading(label: Label) -> str:
    """The title of a frame."""
    return shorten(f"{label.title}  {label.place}" if label.place else label.title, 48)


def largest(flows: Iterable[Flow | None]) -> float:
    """The largest finite size among gradients; 0 if there is none."""
    return max([f.size for f in flows if f is not None and 0 < f.size < math.inf], default=0.0)


def line_width(flow: Flow | None, largest: float) -> float:
    """The width of an edge: four powers of ten of gradient from thin to thick."""
    if flow is None or not largest or not flow.size > 0:
        return 1.2
    if flow.size == math.inf:
        return 5.0
    return 1.2 + 3.0 * min(1.0, max(0.0, 1 + math.log10(flow.size / largest) / 4))


class _Drawing:
    """One picture under construction."""

    def __init__(self, shown: Content, placed: Arranged, theme: str, title: str) -> None:
        self.collapsed, self.labels, self.said = shown
        self.placed, self.theme, self.title = placed, theme, title
        self.margin = 16.0
        self.flows = {id(link): self.labels.flow(link) for link, _ in placed.routes}
        self.largest = largest(self.flows.values())
        self.parts: list[str] = []

    def document(self) -> str:
        """The whole picture."""
        root = self.collapsed.graph.root.node
        for frame, rect in self.placed.frames.items():
            self._frame(self.said[frame], rect)
        for link, route in self.placed.routes:
            self._edge(link, route)
        for box, rect in self.placed.boxes.items():
            self._box(self.said[box], rect, box, result=root is not None and box.value is root)
        for frame, rect in self.placed.frames.items():
            x, y = self._at(rect.x, rect.y)
            words = escape(heading(self.said[frame]))
            self.parts.append(f'<text x="{_n(x + 10)}" y="{_n(y + 17)}" class="s q u">{words}</text>')
        width, height = self.placed.width, self.placed.height
        legend, low = self._legend(max(width, 320.0), height + 22)
        width = max(width, *[w for w, _ in low], 1.0) + 2 * self.margin
        height = max([height, *[h for _, h in low]]) + 2 * self.margin
        body = "\n".join([*self.parts, *legend])
        name = self.title or self._summary()
        key = "u" + hashlib.sha256((name + self.theme + body).encode()).hexdigest()[:8]
        size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" id="{key}" {size} role="img" '
                f'aria-labelledby="{key}t {key}d">',
                f'<title id="{key}t">{escape(name)}</title>',
                f'<desc id="{key}d">{escape(self._description())}</desc>',
                f"<style>{_style(self.theme, f'#{key}')}</style>",
                '<rect width="100%" height="100%" class="paper"/>',
                body,
                "</svg>\n",
            ]
        )

    def _summary(self) -> str:
        boxes, operations = len(self.collapsed.boxes), len(self.collapsed.graph)
        return say(
            "Graph of {operations, plural, one {# operation} other {# operations}} as "
            "{boxes, plural, one {# box} other {# boxes}}",
            operations=operations, boxes=boxes,
        )  # fmt: skip

    def _description(self) -> str:
        """Every box as a sentence, in order of time: the picture for who cannot see it."""
        reads: dict[Box, list[str]] = {}
        for link in self.collapsed.links:
            reads.setdefault(link.target, []).append(self.said[link.source].title)
        said: list[str] = []
        for box in self.collapsed.boxes:
            spoken = self.said[box].spoken
            if box in reads:
                said.append(say("{label}; reads {sources}.", label=spoken, sources=reads[box]))
            else:
                said.append(say("{label}.", label=spoken))
        return " ".join(said)

    def _at(self, x: float, y: float) -> Point:
        return x + self.margin, y + self.margin

    def _frame(self, label: Label, rect: Rect) -> None:
        x, y = self._at(rect.x, rect.y)
        shape = f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(rect.width)}" height="{_n(rect.height)}" rx="10" class="f"/>'
        self.parts.append(f"<g><title>{escape(label.spoken)}</title>{shape}</g>")

    def _box(self, label: Label, rect: Rect, box: Box, result: bool) -> None:
        x, y = self._at(rect.x, rect.y)
        w, h = rect.width, rect.height
        kind = ("leaf" if box.kind == "leaf" and box.value.requires_grad else "card") + (" o" if result else "")
        radius = min(h / 2, 16.0) if box.kind == "leaf" else 6
        tip = label.spoken + (f"\n{label.line}" if label.line else "")
        out = [f"<g><title>{escape(tip)}</title>"]
        if box.kind in ("module", "repeat", "stretch"):  # a stack of cards: there is more inside
            for d in (6, 3):
                out.append(f'<rect x="{_n(x + d)}" y="{_n(y + d)}" width="{_n(w)}" height="{_n(h)}" rx="6" class="k"/>')
        out.append(f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="{_n(radius)}" class="{kind}"/>')
        line = y + _TOP + 11
        place = f'<tspan dx="8" class="s q">{escape(shorten(label.place, 34))}</tspan>' if label.place else ""
        words = escape(shorten(label.title, 40))
        out.append(f'<text x="{_n(x + _SIDE)}" y="{_n(line)}" class="t">{words}{place}</text>')
        if label.shape:
            out.append(f'<text x="{_n(x + w - _SIDE)}" y="{_n(line)}" class="s q e">{escape(label.shape)}</text>')
        for text, style in rows(label):
            line += _LINE
            left = x + _SIDE
            if label.sign and text == label.gradient:
                base, tip = _n(line - 4 + 4 * label.sign), _n(line - 4 - 4 * label.sign)
                corners = f"{_n(left)},{base} {_n(left + 9)},{base} {_n(left + 4.5)},{tip}"
                out.append(f'<polygon points="{corners}" class="{style}"/>')
                left += 13
            out.append(f'<text x="{_n(left)}" y="{_n(line)}"{_class(style)}>{escape(text)}</text>')
        self.parts.append("".join([*out, "</g>"]))

    def _edge(self, link: Link, route: Sequence[Point]) -> None:
        flow = self.flows[id(link)]
        wide = line_width(flow, self.largest)
        sign = flow.sign if flow else 0
        kind = "w" + {1: " wp", -1: " wm d"}.get(sign, "") if link.gradient else "h"
        of = flow.words if flow is not None else say("gradient not computed") if link.gradient else say("no gradient")
        tip = say(
            "{source} → {target}, {gradient}",
            source=self.said[link.source].title, target=self.said[link.target].title, gradient=of,
        )  # fmt: skip
        points = [self._at(*p) for p in route]
        (x, y), head = points[-1], 4.0 + wide
        down = self.placed.down
        points[-1] = (x, y - head) if down else (x - head, y)
        path = f'<path d="{_path(points, down)}" class="{kind}" stroke-width="{_n(wide)}"/>'
        side = 0.62 * head
        tips = [(x, y), (x - side, y - head - 1), (x + side, y - head - 1)]
        if not down:
            tips = [(x, y), (x - head - 1, y - side), (x - head - 1, y + side)]
        arrow = " ".join([f"{_n(a)},{_n(b)}" for a, b in tips])
        fill = {1: "p", -1: "m"}.get(sign, "a")
        self.parts.append(f'<g><title>{escape(tip)}</title>{path}<polygon points="{arrow}" class="{fill}"/></g>')

    def _legend(self, width: float, top: float) -> tuple[list[str], list[Point]]:
        """What the lines mean, as far as they occur; and how far to the right and down it reaches."""
        links = [link for link, _ in self.placed.routes]
        signs = {flow.sign for flow in self.flows.values() if flow is not None}
        items: list[tuple[str, float, str]] = []
        if self.largest:
            items.append(("w", 4.5, say("the wider, the larger the gradient that flows back")))
        if 1 in signs:
            items.append(("w wp", 2.5, say("positive gradient")))
        if -1 in signs:
            items.append(("w wm d", 2.5, say("negative gradient")))
        if any(not link.gradient for link in links):
            items.append(("h", 1.2, say("no gradient")))
        out: list[str] = []
        reach: list[Point] = []
        x, y = 0.0, top
        for kind, wide, words in items:
            needed = 38 + text_width(words, 11)
            if x and x + needed > width:
                x, y = 0.0, y + 18
            a, b = self._at(x, y)
            out.append(f'<path d="M{_n(a + 2)} {_n(b)}h26" class="{kind}" stroke-width="{_n(wide)}"/>')
            out.append(f'<text x="{_n(a + 36)}" y="{_n(b + 4)}" class="s q">{escape(words)}</text>')
            reach.append((x + needed, y + 6))
            x += needed + 18
        return out, reach


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _n(x: float) -> str:
    """A coordinate in a tenth of a pixel, without needless zeros."""
    return f"{x:.1f}".removesuffix(".0")


def _path(points: Sequence[Point], down: bool) -> str:
    """A line through ``points`` that curves wherever it goes across."""
    out = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        if abs((x2 - x1) if down else (y2 - y1)) < 0.05:
            out.append(f"L{_n(x2)} {_n(y2)}")
            continue
        middle = (y1 + y2) / 2 if down else (x1 + x2) / 2
        first, second = ((x1, middle), (x2, middle)) if down else ((middle, y1), (middle, y2))
        out.append("C" + " ".join([f"{_n(a)} {_n(b)}" for a, b in (first, second, (x2, y2))]))
    return "".join(out)


def _style(theme: str, scope: str) -> str:
    """The style sheet, for the elements within ``scope`` alone, so that pictures in one page do not mix."""
    forms = _FORMS.format(i=scope)
    plain = _COLOURS.format(i=scope, **(_DARK if theme == "dark" else _LIGHT))
    if theme != "auto":
        return f"{forms}\n{plain}"
    return f"{forms}\n{plain}\n@media (prefers-color-scheme: dark) {{\n{_COLOURS.format(i=scope, **_DARK)}\n}}"
