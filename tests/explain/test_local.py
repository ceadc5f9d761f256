"""Local derivatives found by probing, for every operation of the registry, against differences of its value."""

from __future__ import annotations

import math

import numpy as np
import pytest

import upriver as ur
import upriver.nn.functional as F
from upriver.core.op import Case, Op
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.explain.edges import Edges, Sums
from upriver.explain.local import Rule, edges_of

RECORDS = [op for op in ops if op.differentiable]
CASES = [(op, case) for op in RECORDS for case in op.cases]
STEP = 1e-6


def label(value: object) -> str:
    if isinstance(value, Case):
        return "x".join(str(x if isinstance(x, tuple) else getattr(x, "shape", x)) for x in value.inputs)
    return value.name if isinstance(value, Op) else str(value)


def drawn(op: Op, case: Case) -> list:
    """Inputs well inside the domain; distinct where the derivative needs that; indices and masks as they are."""
    rng = np.random.default_rng(0)
    found = []
    for i, spec in enumerate(case.inputs):
        if not isinstance(spec, tuple):
            wanted = isinstance(spec, np.ndarray) and spec.dtype.kind == "f"
            x = np.array(spec, np.float64) if wanted else spec
            rule = None if not wanted or (isinstance(op.vjps, tuple) and op.vjps[i] is None) else True
            found.append(Tensor(x, requires_grad=bool(rule)) if isinstance(x, np.ndarray) else x)
            continue
        interval = op.domain.of(i)
        low = interval.low if math.isfinite(interval.low) else min(interval.high, 2.0) - 2.5
        high = interval.high if math.isfinite(interval.high) else low + 2.5
        size = math.prod(spec)
        grid = (rng.permutation(size) + 0.5 + 0.1 * rng.uniform(-1, 1, size) + 0.2 * i) / max(size, 1) * 0.8 + 0.1
        x = low + (high - low) * np.minimum(grid, 0.95)
        for kink in interval.kinks:
            x = np.where(np.abs(x - kink) < 0.05, kink + 0.07, x)
        found.append(Tensor(x.reshape(spec), requires_grad=True))
    return found


def matrix(edges: Edges, outputs: int, inputs: int) -> np.ndarray:
    found = np.zeros((outputs, inputs))
    for u, s in np.ndindex(*edges.of.shape[:2]):
        np.add.at(found, (edges.to[u, s, edges.o], edges.of[u, s, edges.i]), edges.factors[u])
    return found


def differences(op: Op, arrays: list, attrs: dict, slot: int) -> np.ndarray:
    x = arrays[slot]
    columns = []
    for f in range(x.size):
        values = []
        for step in (STEP, -STEP):
            moved = x.copy()
            moved.reshape(-1)[f] += step
            values.append(np.asarray(op.forward(*arrays[:slot], moved, *arrays[slot + 1 :], **attrs), np.float64))
        columns.append(((values[0] - values[1]) / (2 * STEP)).reshape(-1))
    return np.array(columns).T


@pytest.mark.parametrize(("op", "case"), CASES, ids=label)
def test_probing_finds_the_derivatives_of_every_operation(op: Op, case: Case) -> None:
    inputs = drawn(op, case)
    out = op(*inputs, **case.attrs)
    if out.node is None or not out.wants_grad:
        pytest.skip("nothing flows")
    arrays = [x.array if isinstance(x, Tensor) else x for x in inputs]
    for slot, key in enumerate(out.node.edges):
        if key is None or not out.array.size or not arrays[slot].size:
            continue
        if isinstance(op.vjps, tuple) and op.vjps[slot] is None:
            continue
        wanted = differences(op, arrays, case.attrs, slot)
        size = arrays[slot].size
        for reached in (np.ones(size, np.bool_), np.arange(size) % 3 == 0):
            edges = edges_of(out.node, slot, reached)
            found = matrix(edges, out.array.size, size)
            np.testing.assert_allclose(found[:, reached], wanted[:, reached], rtol=2e-5, atol=2e-6)
            pulled, mass = edges.add_up(np.arange(1.0, out.array.size + 1), size)
            expected = np.arange(1.0, out.array.size + 1) @ found
            np.testing.assert_allclose(pulled[reached], expected[reached], rtol=1e-9, atol=1e-9)
            expected = np.arange(1.0, out.array.size + 1) @ np.abs(found)
            np.testing.assert_allclose(mass[reached], expected[reached], rtol=1e-9, atol=1e-9)
            best = edges.pull(Sums(*[np.ones(out.array.size)] * 4), size)
            np.testing.assert_allclose(best.best[reached], np.abs(found).max(0)[reached], rtol=1e-12)
            np.testing.assert_allclose(best.mass[reached], np.abs(found).sum(0)[reached], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(best.total[reached], found.sum(0)[reached], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(best.count[reached], (found != 0.0).sum(0)[reached])
            for f in np.flatnonzero(reached):
                targets, factors = edges.leaving(int(f))
                row = np.zeros(out.array.size)
                row[targets] = factors
                np.testing.assert_array_equal(row, found[:, f])


@pytest.mark.parametrize("pieces", [1 << 22, 100])
def test_large_blocks_in_pieces(pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from upriver.explain import edges as module

    monkeypatch.setattr(module, "_CHUNK", pieces)
    monkeypatch.setattr(module, "_CACHED", pieces)
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((5, 12)), requires_grad=True)
    for y in (F.linear(x, Tensor(rng.standard_normal((9, 12)))), F.softmax(x, 1), ur.cumsum(x, 1)):
        size, inputs = y.array.size, x.array.size
        edges = edges_of(y.node, 0, np.ones(inputs, np.bool_))
        found = matrix(edges, size, inputs)
        ahead = Sums(*[rng.uniform(0.0, 1.0, size) for _ in range(4)])
        told = edges.pull(ahead, inputs)
        np.testing.assert_allclose(told.best, (np.abs(found) * ahead.best[:, None]).max(0), rtol=1e-12)
        np.testing.assert_allclose(told.total, ahead.total @ found, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(told.mass, ahead.mass @ np.abs(found), rtol=1e-9)
        np.testing.assert_allclose(told.count, ahead.count @ (found != 0.0), rtol=1e-9)


def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    counted = {"pull": 0, "push": 0}
    for name in counted:
        before = getattr(Rule, name)

        def counting(self, x, name=name, before=before):
            counted[name] += 1
            return before(self, x)

        monkeypatch.setattr(Rule, name, counting)
    return counted


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda x: ur.tanh(x), 1),
        (lambda x: x.reshape(-1), 5),
        (lambda x: x.sum(1), 5),
        (lambda x: x.mean(), 5),
        (lambda x: F.linear(x, ur.ones(300, 200).double()), 30),  # 300 outputs, but 64 samples share the work
        (lambda x: F.softmax(x, 1), 230),
    ],
)
def test_probing_asks_little(make, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = Tensor(np.random.default_rng(0).standard_normal((64, 200)), requires_grad=True)
    counted = calls(monkeypatch)
    edges_of(make(x).node, 0, np.ones(x.array.size, np.bool_))
    assert counted["pull"] + counted["push"] <= most


def test_few_entries_are_asked_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Tensor(np.random.default_rng(0).standard_normal((2, 8, 12, 12)), requires_grad=True)
    y = F.conv2d(x, Tensor(np.random.default_rng(1).standard_normal((16, 8, 3, 3))))
    reached = np.zeros(x.shape, np.bool_)
    reached[:, 3, :2, :2] = True
    counted = calls(monkeypatch)
    edges = edges_of(y.node, 0, reached.reshape(-1))
    assert counted["pull"] + counted["push"] < 20  # not one of each of the 1600 outputs
    assert len(edges.inputs) == 4


def test_a_structure_that_is_not_there_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    from upriver.explain import local

    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((4, 4)), requires_grad=True)
    y = Tensor(rng.standard_normal((4, 4))) @ x  # rows mix
    everything = np.ones(16, np.bool_)
    honest = matrix(edges_of(y.node, 0 if y.node.edges[0] is x else 1, everything), 16, 16)
    monkeypatch.setattr(local._Probe, "structure", lambda self: ((0, 1), (0, 1)))  # a lie
    assert (matrix(edges_of(y.node, 1, everything), 16, 16) == honest).all()
