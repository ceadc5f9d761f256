"""Collapsing: the budget is kept, nothing is lost or made up, modules and repeats are recognised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver import nn
from upriver.core.graph import Graph, maker
from upriver.errors import ArgumentError
from upriver.explain.boxes import Collapsed, shown
from upriver.explain.collapse import collapse, is_view

from .graphs import gpt, programs


def check(found: Collapsed) -> None:
    """Every operation is in one box or is a view; links are exactly the readings across boxes; and go forward."""
    graph, root = found.graph, found.graph.root.node
    home = {op.value: box for box in found.boxes for op in box.operations()}
    views = {node for node in graph if is_view(node) and node is not root}
    assert set(home) == set(graph) - views or set(home) == set(graph)
    leaves = {box.value: box for box in found.boxes if box.kind == "leaf"}
    expected = set()
    for node, box in home.items():
        for x in node.inputs:
            made = maker(x)
            while made is not None and made not in home:
                x = made.inputs[0]
                made = maker(x)
            source = home[made] if made is not None else leaves.get(x) if isinstance(x, ur.Tensor) else None
            if source is not None and source is not box:
                expected.add((source, box))
    assert {(link.source, link.target) for link in found.links} == expected
    at = {box: i for i, box in enumerate(found.boxes)}
    last = {box: max([op.value.time for op in box.operations()], default=-1) for box in found.boxes}
    for link in found.links:
        assert at[link.source] < at[link.target]
        assert last[link.source] < last[link.target]
        assert link.source.kind == "leaf" or link.reads
    keys = [box.key for box in shown(found.whole)]
    assert len(set(keys)) == len(keys)


@settings(max_examples=60)
@given(programs(), st.integers(1, 30), st.booleans())
def test_the_budget_is_kept_and_nothing_is_lost(graph: Graph, budget: int, views: bool) -> None:
    found = collapse(graph, budget=budget, views=views)
    assert 1 <= len(found.boxes) <= budget
    check(found)
    again = collapse(graph, budget=budget, views=views)
    assert [box.key for box in again.boxes] == [box.key for box in found.boxes]


@pytest.mark.parametrize("budget", [1, 2, 5, 10, 20, 60, 200])
def test_a_gpt_at_every_budget(budget: int) -> None:
    found = collapse(gpt(), budget=budget)
    assert len(found.boxes) <= budget
    check(found)


def test_a_gpt_shows_its_blocks_and_opens_the_first() -> None:
    found = collapse(gpt())
    keys = [box.key for box in found.boxes]
    assert "transformer.h.0.attn.c_attn" in keys
    assert "transformer.h.0" not in keys
    closed = [box for box in found.boxes if box.key.startswith("transformer.h.") and box.kind == "module"]
    like = {box.key: box.like.key for box in closed if box.like is not None}
    assert like == {f"transformer.h.{i}": "transformer.h.0" for i in (1, 2, 3)}


def test_expand_opens_what_it_names_beyond_the_budget() -> None:
    found = collapse(gpt(), budget=5, expand=("transformer.h.2.mlp",))
    keys = [box.key for box in found.boxes]
    assert {"transformer.h.2.mlp.0", "transformer.h.2.mlp.1", "transformer.h.2.mlp.2"} <= set(keys)
    assert "transformer.h.1" in keys or not any(k.startswith("transformer.h.1.") for k in keys)
    check(found)


def test_expand_opens_a_closed_box_by_its_key() -> None:
    w = ur.tensor(1.0, requires_grad=True)
    y = w
    for _ in range(30):
        y = (y * 1.5).tanh()
    found = collapse(Graph.of(y), budget=6)
    repeat = next(box for box in found.boxes if box.kind == "repeat")
    assert repeat.times == 30
    check(found)
    check(collapse(Graph.of(y), budget=6, expand=(repeat.key,)))


def test_an_unknown_name_is_one_sentence() -> None:
    with pytest.raises(ArgumentError, match=r"nothing is called .blocks\.9."):
        collapse(gpt(1), expand=("blocks.9",))
    with pytest.raises(ArgumentError, match="budget"):
        collapse(gpt(1), budget=0)


def test_parameters_are_folded_into_their_module_and_loose_ones_are_boxes() -> None:
    layer, w = nn.Linear(2, 3), ur.ones(3, requires_grad=True)
    found = collapse(Graph.of((layer(ur.ones(4, 2)) * w).sum()))
    linear = next(box for box in found.boxes if box.module is layer)
    assert linear.parameters == {"weight": layer.weight, "bias": layer.bias}
    assert linear.kind == "operation"
    assert [box.value is w for box in found.boxes if box.kind == "leaf" and box.value.requires_grad] == [True]


def test_a_closed_module_has_the_parameters_of_what_is_in_it() -> None:
    found = collapse(gpt(), budget=16)
    block = next(box for box in found.boxes if box.key == "transformer.h.1")
    assert "attn.c_attn.weight" in block.parameters
    assert len(block.parameters) == 12


def test_views_are_folded_unless_asked_for() -> None:
    x = ur.ones(2, 3, requires_grad=True)
    graph = Graph.of(x.reshape(3, 2).T.exp().sum())
    assert [box.value.op.name for box in collapse(graph).boxes[1:]] == ["exp", "sum"]
    assert [box.value.op.name for box in collapse(graph, views=True).boxes[1:]] == ["reshape", "permute", "exp", "sum"]


def test_a_recurrence_without_modules_is_its_steps_over_and_over() -> None:
    w, h = ur.tensor(0.5, requires_grad=True), ur.tensor(1.0)
    for _ in range(64):
        h = ur.tanh(h * w) + 0.1
    found = collapse(Graph.of(h * h))
    assert [(box.kind, box.times) for box in found.boxes if box.kind != "leaf"] == [("repeat", 64), ("operation", 1)]


def test_a_module_called_twice_is_two_boxes() -> None:
    layer = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    found = collapse(Graph.of(layer(layer(ur.ones(1, 2))).sum()), budget=4)
    assert [box.key for box in found.boxes if box.kind == "module"] == ["Sequential", "Sequential#2"]
    check(found)


def test_deep_graphs_are_no_trouble() -> None:
    y = ur.tensor(1.0, requires_grad=True)
    for _ in range(5000):
        y = y * 1.0001
    found = collapse(Graph.of(y))
    assert len(found.boxes) <= 60
    assert sum(len(list(box.operations())) for box in found.boxes) == 5000
