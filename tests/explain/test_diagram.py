"""Mermaid, DOT and TikZ: the same boxes and links as the collapsed graph, escaped as each format wants it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver.core.graph import Graph
from upriver.errors import ArgumentError
from upriver.explain.collapse import collapse
from upriver.explain.diagram import _escape, _mermaid, _tex, dot, mermaid, tikz
from upriver.explain.picture import gradients_of

from .graphs import gpt, programs

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[\w.]+|[{}\[\]=;,])')


def read_dot(text: str) -> tuple[dict[str, str], list[tuple[str, str]], int]:
    """A parser of what DOT we write: nodes with labels, edges, number of clusters."""
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None, text[at : at + 40]
        tokens.append(found[1])
        at = found.end()
    assert tokens[:3] == ["digraph", "upriver", "{"]
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str]] = []
    depth = clusters = 0
    i = 2
    while i < len(tokens):
        token = tokens[i]
        attributes: dict[str, str] = {}
        if token in "{}":
            depth += 1 if token == "{" else -1
            assert depth > 0 or i == len(tokens) - 1
            i += 1
            continue
        if token == "subgraph":
            clusters += 1
            assert tokens[i + 1].startswith("cluster_")
            assert tokens[i + 2] == "{"
            i += 2
            continue
        if token == ";":
            i += 1
            continue
        if tokens[i + 1] == "=":
            i += 3
            continue
        edge = (token, tokens[i + 2]) if tokens[i + 1] == "->" else None
        i += 3 if edge else 1
        if tokens[i] == "[":
            while tokens[i] != "]":
                assert tokens[i] in "[,"
                assert tokens[i + 2] == "="
                attributes[tokens[i + 1]] = tokens[i + 3]
                i += 4
            i += 1
        if edge:
            edges.append(edge)
        elif token not in ("graph", "node", "edge"):
            nodes[token] = attributes["label"]
    assert depth == 0
    return nodes, edges, clusters


def read_mermaid(text: str) -> tuple[dict[str, str], list[tuple[str, str]], int]:
    """A validator of what Mermaid we write."""
    lines = text.splitlines()
    assert lines[0] in ("flowchart LR", "flowchart TD")
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str]] = []
    depth = frames = styles = 0
    for line in map(str.strip, lines[1:]):
        if found := re.fullmatch(
            r'(n\d+)(?:\(\[|\[\[|\[)"([^"`<>]*(?:<br/>[^"`<>]*)*)"(?:\]\)|\]\]|\])(?::::\w+)?', line
        ):
            nodes[found[1]] = found[2]
        elif found := re.fullmatch(r"(n\d+) (?:-->|-\.->) (n\d+)", line):
            edges.append((found[1], found[2]))
        elif re.fullmatch(r'subgraph n\d+\["[^"]*"\]', line):
            depth, frames = depth + 1, frames + 1
        elif line == "end":
            depth -= 1
            assert depth >= 0
        elif found := re.fullmatch(r"linkStyle (\d+) stroke-width:[\d.]+px(,stroke-dasharray:7 3)?", line):
            assert int(found[1]) < len(edges)
            styles += 1
        else:
            assert re.fullmatch(r"classDef \w+ [\w:#-]+", line), line
    assert depth == 0
    return nodes, edges, frames


@settings(max_examples=30)
@given(programs(), st.integers(1, 30))
def test_boxes_and_links_are_those_of_the_collapsed_graph(graph: Graph, budget: int) -> None:
    found = collapse(graph, budget=budget)
    gradients = gradients_of(graph) if graph.root.requires_grad else None
    for read, write in ((read_dot, dot), (read_mermaid, mermaid)):
        nodes, edges, frames = read(write(graph, gradients=gradients, budget=budget))
        assert len(nodes) == len(found.boxes)
        assert len(edges) == len(found.links)
        assert set(sum(edges, ())) <= set(nodes)
        assert len(set(edges)) == len(edges)
        inside = [link for link in found.links if link.source.parent is not found.whole]
        assert frames or not inside


def test_the_words_are_those_of_the_picture() -> None:
    w, x, y = ur.tensor(2.0, requires_grad=True), ur.tensor(3.0), ur.tensor(10.0)
    graph = Graph.of((w * x - y) ** 2)
    options: dict[str, Any] = {"gradients": gradients_of(graph), "names": {w: "w", x: "x", y: "y"}}
    nodes, edges, _ = read_dot(dot(graph, **options))
    assert nodes["n0"] == r'"w\l= 2\lgradient −24\l"'
    assert nodes["n5"] == r'"L = (w·x − y)²\l= 16\lgradient +1\l"'
    assert edges == [("n0", "n3"), ("n1", "n3"), ("n2", "n4"), ("n3", "n4"), ("n4", "n5")]
    nodes, _, _ = read_mermaid(mermaid(graph, **options))
    assert nodes["n0"] == "w<br/>= 2<br/>gradient −24"
    assert r"\textbf{L = (w$\cdot$x $-$ y)$^{2}$}\\{}= 16\\{}gradient +1" in tikz(graph, **options)


def test_a_gpt_in_frames() -> None:
    graph = gpt()
    for read, write in ((read_dot, dot), (read_mermaid, mermaid)):
        nodes, _, frames = read(write(graph))
        assert len(nodes) == len(collapse(graph).boxes)
        assert frames == 4


@given(st.text(max_size=60))
def test_escaping(text: str) -> None:
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', _escape(text).replace("\r", ""), re.DOTALL)
    assert not set(_mermaid(text)) & set('"<>`')
    plain = re.sub(r"\\[{}$&#_%]|\\[a-z]+(\{\})?|\$[^$]*\$", "", _tex(text))
    assert not set(plain) & set('\\{}$&#_%~^<>|"`')


def test_escaped_text_is_read_back() -> None:
    assert _escape('a "b" \\n') == 'a \\"b\\" \\\\n'
    assert _mermaid('a "b" #1 <c>') == "a #quot;b#quot; #35;1 #lt;c#gt;"
    assert _tex("h_0 × 10⁻³ & 50%") == r"h\_0 $\times$ 10$^{-3}$ \& 50\%"


def test_tikz_is_balanced_and_whole() -> None:
    graph = gpt()
    text = tikz(graph, gradients=gradients_of(graph))
    assert text.startswith(r"\begin{tikzpicture}")
    assert text.endswith("\\end{tikzpicture}\n")
    bare = re.sub(r"\\[\\{}$&#_%]", "", text)
    depth = 0
    for c in bare:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    found = collapse(graph)
    assert text.count("align=left") == len(found.boxes)
    assert text.count(r"\draw[flow") == len(found.links)
    assert all(line.endswith(";") for line in text.splitlines()[2:-1])


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
def test_graphviz_reads_it() -> None:
    graph = gpt()
    text = dot(graph, gradients=gradients_of(graph))
    done = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.count("\nnode ") == len(collapse(graph).boxes)


def test_directions() -> None:
    graph = Graph.of(ur.tensor(1.0, requires_grad=True) * 2)
    assert "rankdir=TB" in dot(graph, direction="down")
    assert "rankdir=LR" in dot(graph)
    assert mermaid(graph, direction="down").startswith("flowchart TD")
    for write in (mermaid, dot, tikz):
        with pytest.raises(ArgumentError, match="direction"):
            write(graph, direction="up")


@pytest.mark.parametrize(("draw", "dashed"), [(dot, "style=dashed"), (mermaid, "stroke-dasharray"), (tikz, ", dashed")])
def test_negative_gradients_are_dashed_and_positive_ones_are_not(draw: Any, dashed: str) -> None:
    w = ur.tensor(2.0, requires_grad=True)
    below, above = Graph.of((w * 3.0 - 10.0) ** 2), Graph.of((w * 3.0 + 10.0) ** 2)
    assert draw(below, gradients=gradients_of(below)).count(dashed) == 3
    assert dashed not in draw(above, gradients=gradients_of(above))
