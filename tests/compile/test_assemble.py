"""Plans run natively: networks' steps and random graphs compute what their primitives do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

pytest.importorskip("llvmlite")

from upriver.compile.native.runner import Executable
from upriver.compile.planning.assemble import assemble
from upriver.compile.primitives.evaluate import evaluate
from upriver.compile.primitives.expand import Primitives
from upriver.compile.rewrite import rewrite

from .test_fuse import updates
from .test_plan import recorded
from .test_rewrite_random import graphs, numbers


def ran(graph: Primitives, inputs: Any, cells: Any, scalars: Any = (), tolerance: float = 1e-4) -> None:
    """Run a graph natively, twice, and compare with its primitives in NumPy each time."""
    inputs, cells = [np.ascontiguousarray(x) for x in inputs], [np.array(c, order="K") for c in cells]
    made = assemble(
        graph,
        [tuple([s // c.itemsize for s in c.strides]) for c in cells],
        inputs=[(x.dtype, x.shape) for x in inputs],
        scalars=[s.dtype for s in scalars],
    )
    assert len(made.origins) == len(made.plan.calls)
    program = Executable(made.plan, cells, made.constants)
    for _ in range(2):
        wanted = evaluate(graph.roots(), inputs, [c.copy() for c in cells], scalars)
        outputs = program.run(inputs, [s.item() for s in scalars])
        after = [c for c, p in zip(cells, graph.cells_after, strict=True) if p is not None]
        for a, b in zip([*outputs, *after], wanted, strict=False):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("network", ["mlp", "regression", "residual", "lenet", "embedded", "gru"])
def test_networks(network: str) -> None:
    graph, inputs, cells, scalars, drawn = recorded(network, "sgd")
    assert not drawn
    ran(rewrite(graph), inputs, cells, scalars)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_random_graphs(case: Any) -> None:
    term, shapes = case
    ran(rewrite(Primitives([term.prim], [], [])), [numbers(s, i, odd=False) for i, s in enumerate(shapes)], [])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(updates())
def test_random_updates(case: Any) -> None:
    graph, cells = case
    ran(graph, [], cells)
