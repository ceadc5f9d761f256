"""A graph in the languages of Mermaid, Graphviz (DOT) and TikZ: the same boxes and words as in the picture."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any, TypedDict, Unpack

from ..core.graph import Graph
from .boxes import Box, Link
from .labels import Flow, Label, content, rows, shorten
from .layout import Point
from .nest import Rect
from .picture import check_direction, heading, largest, line_width, place

_MERMAID = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;"}
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "−": "$-$", "·": r"$\cdot$", "×": r"$\times$", "…": r"\ldots{}", "∞": r"$\infty$", "\n": " ",
    '"': "''", "`": "'", "→": r"$\rightarrow$",
}  # fmt: skip
_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class Options(TypedDict, total=False):
    """What may be said of a drawing, in any of the three languages.

    Attributes:
        gradients: by node and leaf; by default what ``backward()`` left in the leaves.
        names: what to call nodes and leaves.
        budget: how many boxes to show; 60 by default.
        expand: paths of modules to open whatever it costs.
        direction: "right" or "down"; by default whichever suits the size.
        views: show reshape, permute, cast and the like too.
    """

    gradients: Mapping[Any, Any] | None
    names: Mapping[Any, str] | None
    budget: int
    expand: Collection[str]
    direction: str | None
    views: bool


class _Diagram:
    """What all three formats share: boxes with identifiers, in frames; links with how they are drawn."""

    def __init__(self, graph: Graph, direction: str | None = None, **options: Any) -> None:
        check_direction(direction)
        self.shown = content(graph, **options)
        self.direction = direction
        self.collapsed, self.labels, self.said = self.shown
        self.ids = {box: f"n{i}" for i, box in enumerate(self.said)}
        self.flows = [(link, self.labels.flow(link)) for link in self.collapsed.links]
        self.largest = largest([flow for _, flow in self.flows])
        root = self.collapsed.graph.root
        self.result = root.node if root.node is not None else root

    def kind(self, box: Box) -> str:
        """One of leaf, input, closed and operation; result for what the graph is of."""
        if box.value is self.result:
            return "result"
        if box.kind == "leaf":
            return "leaf" if box.value.requires_grad else "input"
        return "operation" if box.kind == "operation" else "closed"

    def lines(self, box: Box) -> list[str]:
        """The words of a box, line by line."""
        label = self.said[box]
        head = shorten(label.title, 40) + (f"  {shorten(label.place, 34)}" if label.place else "")
        return [head + (f"  {label.shape}" if label.shape else ""), *[text for text, _ in rows(label)]]

    @property
    def down(self) -> bool:
        """Whether it goes down, in the languages whose readers place the boxes."""
        return self.direction == "down" or (self.direction is None and len(self.collapsed.boxes) > 8)

    def walk(self) -> Iterator[tuple[str, Box, int]]:
        """("box" | "open" | "close", box, depth), frames around what they contain."""
        stack: list[tuple[str, Box, int]] = [("", box, 1) for box in reversed(self.collapsed.whole.inside)]
        while stack:
            what, box, depth = stack.pop()
            if what == "close" or not box.open:
                yield what or "box", box, depth
                continue
            yield "open", box, depth
            stack.append(("close", box, depth))
            stack.extend([("", child, depth + 1) for child in reversed(box.inside)])


def mermaid(graph: Graph, **options: Unpack[Options]) -> str:
    """The graph in the language of Mermaid, which many sites draw in a ```` ```mermaid ```` block.

    Args:
        graph: what ran.
        options: see :class:`Options`.

    Raises:
        ArgumentError: an unknown direction, or nothing is called as ``expand`` says.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> print(mermaid(Graph.of(w * 3), names={w: "w"}))
        flowchart LR
          n0(["w<br/>= 2"]):::leaf
          n1["L = w·3<br/>= 6"]:::result
          n0 --> n1
          classDef leaf stroke:#1d5fd1
          classDef result stroke-width:3px
        <BLANKLINE>
    """
    diagram = _Diagram(graph, **options)
    out = [f"flowchart {'TD' if diagram.down else 'LR'}"]
    for what, box, depth in diagram.walk():
        pad = "  " * depth
        if what == "close":
            out.append(f"{pad}end")
        elif what == "open":
            out.append(f'{pad}subgraph {diagram.ids[box]}["{_mermaid(heading(diagram.said[box]))}"]')
        else:
            text = "<br/>".join(map(_mermaid, diagram.lines(box)))
            kind = diagram.kind(box)
            left, right = {"leaf": ("([", "])"), "input": ("([", "])"), "closed": ("[[", "]]")}.get(kind, ("[", "]"))
            out.append(f'{pad}{diagram.ids[box]}{left}"{text}"{right}' + (f":::{kind}" if kind in _CLASSES else ""))
    styles = []
    for i, (link, flow) in enumerate(diagram.flows):
        arrow = "-->" if link.gradient else "-.->"
        out.append(f"  {diagram.ids[link.source]} {arrow} {diagram.ids[link.target]}")
        if flow is not None:
            dashes = ",stroke-dasharray:7 3" if flow.sign < 0 else ""
            styles.append(f"  linkStyle {i} stroke-width:{line_width(flow, diagram.largest):.1f}px{dashes}")
    used = {diagram.kind(box) for box in diagram.collapsed.boxes}
    styles += [f"  classDef {kind} {style}" for kind, style in _CLASSES.items() if kind in used]
    return "\n".join([*out, *styles, ""])


_CLASSES = {"leaf": "stroke:#1d5fd1", "result": "stroke-width:3px"}


def _mermaid(text: str) -> str:
    return "".join([_MERMAID.get(c, c) for c in text.replace("\n", " ")])


def dot(graph: Graph, **options: Unpack[Options]) -> str:
    r"""The graph in the language of Graphviz.

    Args:
        graph: what ran.
        options: see :class:`Options`.

    Raises:
        ArgumentError: an unknown direction, or nothing is called as ``expand`` says.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> print(dot(Graph.of(w * 3), names={w: "w"}))
        digraph upriver {
          graph [rankdir=LR, fontname="sans-serif"]
          node [shape=box, style=rounded, fontname="sans-serif", fontsize=11]
          edge [arrowsize=0.7]
          n0 [label="w\l= 2\l", style="rounded,filled", fillcolor="#eef3fb"]
          n1 [label="L = w·3\l= 6\l", penwidth=2.5]
          n0 -> n1
        }
        <BLANKLINE>
    """
    diagram = _Diagram(graph, **options)
    out = [
        "digraph upriver {",
        f'  graph [rankdir={"TB" if diagram.down else "LR"}, fontname="sans-serif"]',
        '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=11]',
        "  edge [arrowsize=0.7]",
    ]
    looks = {
        "leaf": ', style="rounded,filled", fillcolor="#eef3fb"',
        "result": ", penwidth=2.5",
        "closed": ", peripheries=2",
    }
    for what, box, depth in diagram.walk():
        pad = "  " * depth
        if what == "close":
            out.append(f"{pad}}}")
        elif what == "open":
            title = _quote(heading(diagram.said[box]))
            out.append(f"{pad}subgraph cluster_{diagram.ids[box]} {{\n{pad}  label={title}; labeljust=l; style=rounded")
        else:
            text = "".join([_escape(line) + r"\l" for line in diagram.lines(box)])
            line = diagram.said[box].line
            tip = f", tooltip={_quote(line)}" if line and _FILE.match(line) is None else ""
            out.append(f'{pad}{diagram.ids[box]} [label="{text}"{looks.get(diagram.kind(box), "")}{tip}]')
    for link, flow in diagram.flows:
        style = []
        if not link.gradient:
            style.append("style=dotted")
        elif flow is not None:
            style.append(f"penwidth={line_width(flow, diagram.largest):.1f}")
            if flow.sign < 0:
                style.append("style=dashed")
        look = f" [{', '.join(style)}]" if style else ""
        out.append(f"  {diagram.ids[link.source]} -> {diagram.ids[link.target]}{look}")
    return "\n".join([*out, "}", ""])


_FILE = re.compile(r"<")  # code that is in no file, as in a console, has no line to show


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _quote(text: str) -> str:
    return f'"{_escape(text)}"'


def tikz(graph: Graph, **options: Unpack[Options]) -> str:
    r"""The graph for LaTeX, placed as in the SVG: a ``tikzpicture``, for a document that loads TikZ and no more.

    Args:
        graph: what ran.
        options: see :class:`Options`.

    Raises:
        ArgumentError: an unknown direction, or nothing is called as ``expand`` says.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> print(tikz(Graph.of(w * 3), names={w: "w"}).splitlines()[0])
        \begin{tikzpicture}[x=0.75pt, y=-0.75pt, font=\sffamily\small]
    """
    diagram = _Diagram(graph, **options)
    said, placed = diagram.said, place(diagram.shown, diagram.direction)
    out = [
        r"\begin{tikzpicture}[x=0.75pt, y=-0.75pt, font=\sffamily\small]",
        r"  \tikzset{box/.style={draw=black!35, rounded corners=2pt, fill=white}, "
        r"leaf/.style={box, fill=blue!6, rounded corners=6pt}, input/.style={box, rounded corners=6pt}, "
        r"closed/.style={box, double}, operation/.style={box}, result/.style={box, draw=black!70, thick}, "
        r"frame/.style={draw=black!20, fill=black!3, rounded corners=4pt}, flow/.style={-latex, draw=black!50}}",
    ]
    for frame, rect in placed.frames.items():
        out.append(rf"  \draw[frame] {_corners(rect)};")
        title = _tex(heading(said[frame]))
        out.append(rf"  \node[anchor=north west, text=black!60] at {_at(rect.x, rect.y)} {{{title}}};")
    flows = {id(link): flow for link, flow in diagram.flows}
    for link, route in placed.routes:
        out.append(rf"  \draw[{_flow_style(link, flows[id(link)], diagram.largest)}] {_curve(route, placed.down)};")
    for box, rect in placed.boxes.items():
        out.append(rf"  \draw[{diagram.kind(box)}] {_corners(rect)};")
        out.append(
            rf"  \node[anchor=west, align=left, inner sep=0pt] at {_at(rect.x + 10, rect.y + rect.height / 2)} "
            rf"{{{_words(said[box])}}};"
        )
    return "\n".join([*out, r"\end{tikzpicture}", ""])


def _words(label: Label) -> str:
    first = rf"\textbf{{{_tex(shorten(label.title, 40))}}}"
    if label.place:
        first += rf"\enspace {_tex(shorten(label.place, 34))}"
    if label.shape:
        first += rf"\enspace {_tex(label.shape)}"
    # The braces: a line may begin with what a line break takes for its argument.
    return r"\\{}".join([first, *[_tex(text) for text, _ in rows(label)]])


def _flow_style(link: Link, flow: Flow | None, most: float) -> str:
    if not link.gradient:
        return "flow, dotted"
    return f"flow, line width={0.75 * line_width(flow, most):.2f}pt" + (", dashed" if flow and flow.sign < 0 else "")


def _at(x: float, y: float) -> str:
    return f"({x:.1f},{y:.1f})"


def _corners(rect: Rect) -> str:
    return f"{_at(rect.x, rect.y)} rectangle {_at(rect.x + rect.width, rect.y + rect.height)}"


def _curve(route: list[Point], down: bool) -> str:
    out = [_at(*route[0])]
    for (x1, y1), (x2, y2) in pairwise(route):
        if abs((x2 - x1) if down else (y2 - y1)) < 0.05:
            out.append(f"-- {_at(x2, y2)}")
        else:
            middle = (y1 + y2) / 2 if down else (x1 + x2) / 2
            first, second = ((x1, middle), (x2, middle)) if down else ((middle, y1), (middle, y2))
            out.append(f".. controls {_at(*first)} and {_at(*second)} .. {_at(x2, y2)}")
    return " ".join(out)


def _tex(text: str) -> str:
    """A text for LaTeX, with powers raised; letters beyond ASCII stay, as every engine of today reads UTF-8."""
    parts = re.split(r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", text)
    plain = ["".join([_TEX.get(c, c) for c in part]) for part in parts]
    return "".join([f"$^{{{parts[i].translate(_POWERS)}}}$" if i % 2 else plain[i] for i in range(len(parts))])
