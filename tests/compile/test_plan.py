"""Plans compute what their graphs do: networks' training steps, and random graphs, by an interpreter of accesses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from upriver.compile.planning.plan import Schedule, schedule
from upriver.compile.primitives.evaluate import evaluate
from upriver.compile.primitives.expand import Primitives, expand
from upriver.compile.recording.record import record
from upriver.compile.rewrite import rewrite

from .interpret import run
from .steps import NETWORKS, OPTIMIZERS, training
from .test_rewrite_random import graphs, numbers


def checked(
    graph: Primitives,
    inputs: Any = (),
    cells: Any = (),
    scalars: Any = (),
    draws: Any = (),
    shared: Any = None,
    tolerance: float = 1e-5,
) -> Schedule:
    """The schedule of a graph, once it was seen to compute what the graph does."""
    inputs, cells = [np.ascontiguousarray(x) for x in inputs], list(cells)
    plan = schedule(graph, [tuple([s // c.itemsize for s in c.strides]) for c in cells], shared)
    n, m = len(graph.outputs), sum(p is not None for p in graph.cells_after)
    wanted = evaluate(graph.roots(), inputs, cells, scalars, draws)
    flat = [np.lib.stride_tricks.as_strided(c, (c.size,), (c.itemsize,)).copy() for c in cells]
    held = [np.lib.stride_tricks.as_strided(f, c.shape, c.strides) for f, c in zip(flat, cells, strict=True)]
    outputs, checks = run(
        plan, input=inputs, cell=flat, scalar=[np.asarray(s).reshape(1) for s in scalars], draw=list(draws)
    )
    after = [held[i] for i, p in enumerate(graph.cells_after) if p is not None]
    for a, b in zip([*outputs, *after, *map(np.asarray, checks)], wanted, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    assert (n, m) == (len(outputs), len(after))
    for i, p in enumerate(graph.cells_after):
        if p is None:
            np.testing.assert_array_equal(held[i], cells[i])
    return plan


def recorded(network: str, optimizer: str) -> tuple[Primitives, list[Any], list[Any], list[Any], list[Any]]:
    """A training step as primitives, with arrays for its leaves."""
    steps = training(network, optimizer)
    steps.step(*steps.batches[0])
    batch = steps.batches[1]
    recording = record(lambda: steps.step(*batch), list(batch))
    program = recording.program
    cells = [np.array(c.tensor.array, order="K") for c in program.cells]
    scalars = [
        np.asarray(s, v.dtype)
        for s, v in zip([x for step in recording.steps for x in step.scalars()], program.scalars, strict=True)
    ]
    graph = expand(program)
    rng = np.random.default_rng(0)
    drawn = [None] * len(program.draws)
    for i in program.instructions:
        if i.draw is not None:
            drawn[i.draw] = (rng.random(i.out.shape) < 0.5).astype(i.out.dtype)
    return graph, [x.array for x in batch], cells, scalars, drawn


@pytest.mark.parametrize("network", NETWORKS)
def test_networks(network: str) -> None:
    graph, *leaves = recorded(network, "adamw")
    checked(rewrite(graph), *leaves)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: str) -> None:
    graph, *leaves = recorded("mlp", optimizer)
    checked(rewrite(graph), *leaves)


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_random_graphs(case: Any) -> None:
    term, shapes = case
    inputs = [numbers(s, i, odd=False) for i, s in enumerate(shapes)]
    graph = Primitives([term.prim], [], [])
    checked(graph, inputs)
    checked(rewrite(graph), inputs)
