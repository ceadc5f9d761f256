"""Layout: deterministic, nothing overlaps, edges go forward and pass no box, chains are straight."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st

from upriver.errors import ArgumentError
from upriver.explain.layout import Edge, Layout, _Drawing, layout


@st.composite
def graphs(draw: Any) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    n = draw(st.integers(1, 24))
    sizes = draw(st.lists(st.tuples(st.floats(1, 200), st.floats(1, 80)), min_size=n, max_size=n))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1])
    edges = draw(st.lists(pairs, max_size=3 * n, unique=True)) if n > 1 else []
    numbers = draw(st.permutations(range(n)))  # the order of time need not be that of the numbers
    return sizes, [(numbers[a], numbers[b]) for a, b in edges]


def box(found: Layout, sizes: Any, v: int) -> tuple[float, float, float, float]:
    (x, y), (w, h) = found.centres[v], sizes[v]
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


@given(graphs(), st.booleans())
def test_nothing_overlaps_and_edges_go_forward(graph: Any, bundle: bool) -> None:
    sizes, edges = graph
    found = layout(sizes, edges, gap=20, between=30, bundle=bundle)
    boxes = [box(found, sizes, v) for v in range(len(sizes))]
    for i, a in enumerate(boxes):
        assert a[0] >= -1e-6
        assert a[2] <= found.size[0] + 1e-6
        assert a[1] >= -1e-6
        assert a[3] <= found.size[1] + 1e-6
        for b in boxes[:i]:
            assert a[2] <= b[0] - 19.99 or b[2] <= a[0] - 19.99 or a[3] <= b[1] - 19.99 or b[3] <= a[1] - 19.99
    for (s, t), route in zip(edges, found.routes, strict=True):
        assert boxes[s][3] < boxes[t][1]
        assert route[0][1] == pytest.approx(boxes[s][3])
        assert route[-1][1] == pytest.approx(boxes[t][1])
        assert boxes[s][0] <= route[0][0] <= boxes[s][2]
        assert boxes[t][0] <= route[-1][0] <= boxes[t][2]
        for (x1, y1), (x2, y2) in pairwise(route):
            assert y1 <= y2 + 1e-9
            for v, (left, top, right, bottom) in enumerate(boxes):
                if v not in (s, t) and y1 < bottom - 1e-6 and y2 > top + 1e-6:
                    # Beside a box the edge runs straight, and at a distance.
                    assert x1 == x2
                    assert not left - 1 < x1 < right + 1
    assert found == layout(sizes, edges, gap=20, between=30, bundle=bundle)


def crossings(found: Layout) -> int:
    pieces = [p for route in found.routes for p in pairwise(route) if p[0][0] != p[1][0]]
    return sum(
        a[0][1] < b[1][1] and b[0][1] < a[1][1] and (a[0][0] - b[0][0]) * (a[1][0] - b[1][0]) < 0
        for i, a in enumerate(pieces)
        for b in pieces[:i]
    )


def test_a_tree_has_no_crossing() -> None:
    edges = [(i, (i - 1) // 2) for i in range(1, 31)]
    assert crossings(layout([(40.0, 20.0)] * 31, edges)) == 0


def test_a_twist_is_undone() -> None:
    assert crossings(layout([(40.0, 20.0)] * 6, [(0, 5), (1, 4), (2, 3)])) == 0


@pytest.mark.parametrize("seed", range(5))
def test_a_zigzag_that_was_shuffled_is_undone(seed: int) -> None:
    names = list(range(8))
    random.Random(seed).shuffle(names)
    zigzag = [(names[i], 8 + names[j]) for i in range(8) for j in (i - 1, i) if j >= 0]
    assert crossings(layout([(40.0, 20.0)] * 16, zigzag)) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_sweeps_take_crossings_away(seed: int) -> None:
    chance = random.Random(seed)
    edges = [Edge(a, 8 * (a // 8 + 1) + chance.randrange(8)) for a in range(40) for _ in range(2)]
    drawing = _Drawing([(40.0, 20.0)] * 48, edges, [v // 8 for v in range(48)], bundle=True)
    drawing.rows = drawing._searched(both=False)
    before = drawing.crossings()
    drawing.order()
    assert drawing.crossings() < 0.75 * before


def test_a_chain_is_straight_and_a_skip_passes_beside_it() -> None:
    sizes = [(80.0, 30.0), (140.0, 30.0), (60.0, 30.0), (100.0, 30.0)]
    found = layout(sizes, [(0, 1), (1, 2), (2, 3), (0, 3)])
    main = found.routes[0] + found.routes[1] + found.routes[2]
    assert max(x for x, _ in main) - min(x for x, _ in main) < 12
    assert len(found.routes[3]) > 3


def test_a_leaf_stands_next_to_its_reader() -> None:
    found = layout([(40.0, 20.0)] * 5, [(0, 1), (1, 2), (2, 3), (4, 3)])
    assert found.centres[4][1] == found.centres[2][1]


def test_first_and_last_have_layers_of_their_own() -> None:
    found = layout([(40.0, 20.0)] * 4 + [(0.0, 0.0)] * 2, [(4, 1), (0, 1), (1, 2), (2, 5), (1, 3)], first=[4], last=[5])
    ys = [y for _, y in found.centres]
    assert ys[4] < min(ys[:4])
    assert ys[5] > max(ys[:4])


def test_edges_end_where_they_are_told() -> None:
    found = layout([(100.0, 20.0), (100.0, 20.0)], [Edge(0, 1, leaves=-30.0, enters=40.0)])
    (x0, _), (x1, _) = found.centres
    assert found.routes[0][0][0] == x0 - 30
    assert found.routes[0][-1][0] == x1 + 40


def test_nothing_and_one() -> None:
    assert layout([], []) == Layout([], [], (0.0, 0.0))
    assert layout([(10.0, 20.0)], []).size == (10.0, 20.0)


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ArgumentError, match="cycle"):
        layout([(1.0, 1.0)] * 2, [(0, 1), (1, 0)])
