"""The SVG: well-formed, the worked examples to every digit, nothing told by colour alone, nothing out of its box."""

from __future__ import annotations

import math
import re
import runpy
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver import nn
from upriver.core.graph import Graph
from upriver.errors import ArgumentError
from upriver.explain.labels import content, number, pretty, shorten, summary
from upriver.explain.picture import gradients_of, place, svg, text_width

from .graphs import gpt, programs

NS = "{http://www.w3.org/2000/svg}"


def parse(text: str) -> ET.Element:
    root = ET.fromstring(text)
    assert root.tag == f"{NS}svg"
    assert root.get("role") == "img"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    assert set((root.get("aria-labelledby") or "").split()) <= set(ids)
    assert root.find(f"{NS}title") is not None
    assert root.find(f"{NS}desc") is not None
    return root


def words(root: ET.Element) -> list[list[str]]:
    """The texts of each box, edge and frame."""
    return [["".join(t.itertext()) for t in g.iter(f"{NS}text")] for g in root.iter(f"{NS}g")]


def worked() -> tuple[Graph, dict[Any, str]]:
    w, x, y = ur.tensor(2.0, requires_grad=True), ur.tensor(3.0), ur.tensor(10.0)
    return Graph.of((w * x - y) ** 2), {w: "w", x: "x", y: "y"}


def test_the_first_worked_example() -> None:
    graph, names = worked()
    boxes = [b for b in words(parse(svg(graph, gradients=gradients_of(graph), names=names))) if b]
    assert boxes == [
        ["w", "= 2", "gradient −24"],
        ["x", "= 3"],
        ["y", "= 10"],
        ["w·x", "= 6", "gradient −8"],
        ["w·x − y", "= −4", "gradient −8"],
        ["L = (w·x − y)²", "= 16", "gradient +1"],
    ]


def test_the_second_worked_example() -> None:
    w, b = ur.tensor(1.0, requires_grad=True), ur.tensor(0.0, requires_grad=True)
    x, y = ur.tensor(2.1), ur.tensor(4.0)
    predicted = w * x + b
    graph = Graph.of((predicted - y) ** 2)
    names = {w: "w", b: "b", x: "x", y: "y", predicted.node: "ŷ"}
    found = words(parse(svg(graph, gradients=gradients_of(graph), names=names)))
    assert ["w", "= 1", "gradient −7.98"] in found
    assert ["b", "= 0", "gradient −3.8"] in found
    assert ["ŷ = w·x + b", "= 2.1", "gradient −3.8"] in found
    assert ["L = (ŷ − y)²", "= 3.61", "gradient +1"] in found


def test_sign_is_told_by_word_triangle_and_dashes() -> None:
    graph, names = worked()
    root = parse(svg(graph, gradients=gradients_of(graph), names=names))
    box = next(
        g for g in root.iter(f"{NS}g") if "gradient −24" in "".join(g.itertext()) and g.find(f"{NS}rect") is not None
    )
    polygon = box.find(f"{NS}polygon")
    assert polygon is not None
    ys = [float(p.split(",")[1]) for p in (polygon.get("points") or "").split()]
    assert ys[2] > ys[0] == ys[1]  # it points down
    edges = {
        g.findtext(f"{NS}title"): g.find(f"{NS}path") for g in root.iter(f"{NS}g") if g.find(f"{NS}path") is not None
    }
    negative = edges["w → w·x, gradient −24"]
    none = edges["x → w·x, no gradient"]
    assert negative is not None
    assert (negative.get("class") or "").split() == ["w", "wm", "d"]
    assert none is not None
    assert none.get("class") == "h"
    assert float(negative.get("stroke-width") or 0) > float(none.get("stroke-width") or 9)


def test_an_edge_carries_its_share_where_a_value_is_read_twice() -> None:
    x = ur.tensor(1.5, requires_grad=True)
    graph = Graph.of((x * x).sin() * x + x.exp() / x)
    picture = svg(graph, gradients=gradients_of(graph), names={x: "x"})
    shares = [float(s.replace("−", "-")) for s in re.findall(r"<title>x → .*?, gradient ([+−][\d.]+)</title>", picture)]
    squared = 2 * 1.5 * math.cos(2.25) * 1.5
    expected = [squared, math.sin(2.25), math.exp(1.5) / 1.5, -math.exp(1.5) / 1.5**2]
    assert sorted(shares) == pytest.approx(sorted(expected), rel=1e-5)
    total = re.search(r">x</text>.*?gradient ([+−][\d.]+)<", picture)
    assert total is not None
    assert float(total[1].replace("−", "-")) == pytest.approx(sum(expected), rel=1e-5)


def test_a_share_goes_back_through_folded_views() -> None:
    x = ur.tensor([1.0, 2.0], requires_grad=True)
    graph = Graph.of((x.reshape(2, 1) * 3.0).sum() + (x * x).sum())
    picture = svg(graph, gradients=gradients_of(graph), names={x: "x"})
    norms = [float(n) for n in re.findall(r"<title>x → .*?, gradient norm ([\d.]+)</title>", picture)]
    assert sorted(norms) == pytest.approx(sorted([math.hypot(3, 3), math.hypot(2, 4)]), rel=1e-2)


def test_a_share_of_what_was_repeated_is_summed() -> None:
    b = ur.tensor([1.0, 2.0], requires_grad=True)
    graph = Graph.of((ur.ones(3, 2) + b).sum() + (b * b).sum())
    picture = svg(graph, gradients=gradients_of(graph), names={b: "b"})
    norms = [float(n) for n in re.findall(r"<title>b → .*?, gradient norm ([\d.]+)</title>", picture)]
    assert sorted(norms) == pytest.approx(sorted([math.hypot(3, 3), math.hypot(2, 4)]), rel=1e-2)


@settings(max_examples=30)
@given(programs(), st.booleans())
def test_edges_join_their_boxes_and_go_forward(graph: Graph, down: bool) -> None:
    placed = place(content(graph, budget=25), "down" if down else "right")
    for link, route in placed.routes:
        source, target = placed.boxes[link.source], placed.boxes[link.target]
        start = source.y + source.height if down else source.x + source.width
        end = target.y if down else target.x
        along = [p[1] if down else p[0] for p in route]
        across = [p[0] if down else p[1] for p in (route[0], route[-1])]
        assert (along[0], along[-1]) == pytest.approx((start, end), abs=1e-6)
        assert all(a <= b + 0.1 for a, b in pairwise(along))
        for rect, at in zip((source, target), across, strict=True):
            low, size = (rect.x, rect.width) if down else (rect.y, rect.height)
            assert low <= at <= low + size
    for rects in (placed.boxes, placed.frames):
        for box, rect in rects.items():
            around = placed.frames.get(box.parent) if box.parent is not None else None
            if around is not None:
                assert around.x < rect.x
                assert around.y < rect.y
                assert rect.x + rect.width < around.x + around.width
                assert rect.y + rect.height < around.y + around.height


def test_not_computed_is_told_apart_from_zero() -> None:
    w = ur.tensor(0.0, requires_grad=True)
    graph = Graph.of(w * w)
    before = svg(graph, names={w: "w"})
    assert "gradient" not in re.sub(r"<title>.*?</title>", "", before)
    w.grad = ur.tensor(0.0)
    after = words(parse(svg(graph, names={w: "w"})))
    assert ["w", "= 0", "gradient 0"] in after
    assert ["L = w·w", "= 0", "gradient not computed"] in after


def test_values_changed_since_are_left_out_rather_than_wrong() -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    graph = Graph.of((w + 1.0).sum())
    with ur.no_grad():
        w.mul_(5.0)
    parse(svg(graph, names={w: "w"}))


@settings(max_examples=25)
@given(programs())
def test_every_picture_is_well_formed_and_the_same_twice(graph: Graph) -> None:
    gradients = gradients_of(graph) if graph.root.requires_grad else None
    for direction in ("right", "down"):
        picture = svg(graph, gradients=gradients, direction=direction, budget=20)
        root = parse(picture)
        assert picture == svg(graph, gradients=gradients, direction=direction, budget=20)
        width, height = float(root.get("width") or 0), float(root.get("height") or 0)
        for rect in root.iter(f"{NS}rect"):
            if rect.get("x"):
                x, y, w, h = (float(rect.get(k) or 0) for k in ("x", "y", "width", "height"))
                assert x >= 0
                assert y >= 0
                assert x + w <= width
                assert y + h <= height


def test_no_text_leaves_its_box() -> None:
    graph = gpt()
    root = parse(svg(graph, gradients=gradients_of(graph)))
    boxes = 0
    for g in root.iter(f"{NS}g"):
        rects, texts = g.findall(f"{NS}rect"), list(g.iter(f"{NS}text"))
        if not rects or not texts:
            continue
        boxes += 1
        left = float(rects[-1].get("x") or 0)
        right, bottom = (
            left + float(rects[-1].get("width") or 0),
            float(rects[-1].get("y") or 0) + float(rects[-1].get("height") or 0),
        )
        ends = []
        for text in texts:
            kind = (text.get("class") or "").split()
            size = 13 if "t" in kind else 11 if "s" in kind else 12
            wide = text_width(text.text or "", size, bold="t" in kind)
            wide += sum(8 + text_width(span.text or "", 11) for span in text)
            x = float(text.get("x") or 0)
            start, end = (x - wide, x) if "e" in kind else (x, x + wide)
            assert left + 4 <= start
            assert end <= right - 4
            assert float(text.get("y") or 0) < bottom - 3
            ends.append((float(text.get("y") or 0), start, end))
        for i, a in enumerate(ends):
            assert not any(a[0] == b[0] and a[1] < b[2] and b[1] < a[2] for b in ends[:i])
    assert boxes > 20


def test_frames_hold_what_is_in_them() -> None:
    graph = gpt(2)
    picture = svg(graph, expand=("transformer.h.0", "transformer.h.1"))
    frames = [r for r in parse(picture).iter(f"{NS}rect") if r.get("class") == "f"]
    spans = [(float(r.get("y") or 0), float(r.get("y") or 0) + float(r.get("height") or 0)) for r in frames]
    titles = [t.text for t in parse(picture).iter(f"{NS}text") if "u" in (t.get("class") or "").split()]
    assert [t for t in titles if t and t.startswith("Block")] == [
        "Block  transformer.h.0",
        "Block  transformer.h.1, like h.0",
    ]
    first, second = (spans[titles.index(t)] for t in titles if t and t.startswith("Block"))
    assert first[1] < second[0]  # one after the other, as they ran


def test_themes() -> None:
    graph, names = worked()
    auto, light, dark = (svg(graph, names=names, theme=t) for t in ("auto", "light", "dark"))
    assert "prefers-color-scheme: dark" in auto
    assert "@media" not in light + dark
    assert "#10151b" in dark
    assert "#10151b" not in light


def test_two_pictures_in_one_page_do_not_share_identifiers() -> None:
    graph, names = worked()
    ids = [set(re.findall(r'id="(\w+)"', svg(graph, names=names, theme=t))) for t in ("light", "dark")]
    assert not ids[0] & ids[1]


def test_names_are_escaped() -> None:
    w = ur.tensor(1.0, requires_grad=True)
    root = parse(svg(Graph.of(w * 2), names={w: "w"}, title='<a> & "b"'))
    assert root.findtext(f"{NS}title") == '<a> & "b"'


def test_the_description_says_every_box() -> None:
    graph, names = worked()
    said = parse(svg(graph, gradients=gradients_of(graph), names=names)).findtext(f"{NS}desc") or ""
    assert "w·x, 6, gradient −8; reads w, x." in said


def test_a_lone_leaf_and_nan_and_infinity() -> None:
    parse(svg(Graph.of(ur.tensor([1.0, 2.0]))))
    x = ur.tensor([0.0, 1.0, 2.0, -1.0], requires_grad=True)
    with np.errstate(all="ignore"):
        graph = Graph.of(x.log().sum())
        picture = svg(graph, gradients=gradients_of(graph))
    parse(picture)
    assert "2 of 4 not finite" in picture


def test_a_box_has_the_line_that_made_it() -> None:
    graph, names = worked()
    assert "test_picture.py" in svg(graph, names=names)
    ur.record_source_lines(False)
    w = ur.tensor(2.0, requires_grad=True)
    assert "test_picture.py" not in svg(Graph.of(w * 2))


def test_wrong_options() -> None:
    graph, _ = worked()
    with pytest.raises(ArgumentError, match="theme"):
        svg(graph, theme="blue")
    with pytest.raises(ArgumentError, match="direction"):
        svg(graph, direction="up")


def test_a_wide_picture_turns_down() -> None:
    layers = [nn.Linear(4, 4) for _ in range(12)]
    root = parse(svg(Graph.of(nn.Sequential(*layers)(ur.ones(2, 4)).sum())))
    assert float(root.get("height") or 0) > float(root.get("width") or 0)


def test_numbers_and_summaries() -> None:
    assert [number(x) for x in (16.0, -24.0, 1e-7, -1.5e20, math.inf, 0.1)] == [
        "16", "−24", "1·10⁻⁷", "−1.5·10²⁰", "∞", "0.1",
    ]  # fmt: skip
    assert summary(np.array([1.0, -2.0])) == "[1, −2]"
    assert summary(np.arange(8.0)) == "0 … 7, mean 3.5"
    assert summary(np.arange(8)) == "0 … 7"
    assert summary(np.zeros((0, 2))) == "empty"
    assert summary(np.array([True] * 3 + [False])) == "3 of 4 true"
    assert pretty("(w * x - -y)**2 / 3**-1") == "(w·x − −y)² / 3⁻¹"
    assert pretty("x**2.5") == "x**2.5"
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert shorten("abc", 5) == "abc"


def test_the_pictures_in_the_documentation_are_what_the_script_draws() -> None:
    docs = Path(__file__).parents[2] / "docs"
    ur.record_source_lines(False)
    for name, draw in runpy.run_path(str(docs / "make_pictures.py"))["PICTURES"].items():
        there, here = (docs / "images" / name).read_text(encoding="utf-8"), draw()
        if name == "graph.svg":
            assert there == here, "run: python docs/make_pictures.py"
        # Sums of many numbers differ in their last digits from machine to machine; what is shown does not.
        titles = [[box[0] for box in words(parse(text)) if box] for text in (there, here)]
        assert titles[0] == titles[1], "run: python docs/make_pictures.py"


def test_an_explanation_opens_the_module_that_was_asked_about() -> None:
    layers = [nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)) for _ in range(40)]
    model = nn.Sequential(*layers)
    weight = layers[7][0].weight
    explanation = ur.explain(model(ur.ones(2, 4)).sum(), wrt=weight[1, 2])
    assert explanation.modules_asked() == ("7.0",)
    frames = re.findall(r'<title>Sequential, (\d+),[^<]*</title><rect[^>]*class="f"', explanation.svg())
    assert "7" in frames
    assert "8" not in frames
