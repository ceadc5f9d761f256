"""What is kept and what is freed: no value that no rule reads, no cycle, nothing shared that should not be."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import upriver as ur

BIG = 1 << 16


def leaf(n: int = BIG) -> ur.Tensor:
    return ur.Tensor(np.full(n, 0.5), requires_grad=True)


@pytest.fixture
def no_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def values_alive(build) -> list[bool]:
    """Whether the values that ``build`` gives in a list still live once only its last tensor is held."""
    tensors = build()
    refs = [weakref.ref(t.array) for t in tensors[:-1]]
    last = tensors[-1]
    del tensors
    alive = [ref() is not None for ref in refs]
    assert last is not None
    return alive


def test_values_that_no_rule_reads_are_freed(no_gc: None) -> None:
    x = leaf()

    def sums() -> list[ur.Tensor]:
        a = x * 2.0 + 1.0
        b = a + a
        c = -b
        return [a, b, c, c.sum()]

    assert values_alive(sums) == [False, False, False]


def test_values_that_a_rule_reads_are_kept(no_gc: None) -> None:
    x = leaf()

    def squares() -> list[ur.Tensor]:
        a = x + 1.0
        b = a * a
        c = ur.exp(b)
        return [a, b, c, c.sum()]

    # a is read by its product; b only led to exp, which reads what it gave: c.
    assert values_alive(squares) == [True, False, True]


def test_values_read_only_by_the_rules_of_constants_are_freed(no_gc: None) -> None:
    x, mask = leaf(), ur.Tensor(np.ones(BIG))

    def scaled() -> list[ur.Tensor]:
        a = x + 1.0
        b = a * 0.5
        c = b * mask
        d = c / 3.0
        return [a, b, c, d, d.sum()]

    assert values_alive(scaled) == [False, False, False, False]


def test_everything_goes_with_the_result(no_gc: None) -> None:
    x = leaf()
    y = ur.tanh(ur.exp(x * x)).sum()
    refs = [weakref.ref(node) for node in ur.Graph.of(y)]
    assert all(ref() is not None for ref in refs)
    y.backward()
    del y
    assert all(ref() is None for ref in refs)


def test_a_training_step_makes_no_cycles(no_gc: None) -> None:
    w = leaf(4)
    for create_graph in (False, True):
        loss = (ur.exp(w) * w).sum()
        ref = weakref.ref(loss)
        (g,) = ur.grad(loss, w, create_graph=create_graph)
        second = weakref.ref(g)
        loss.backward()
        del loss, g
        assert ref() is None
        assert second() is None
    assert gc.collect() == 0


def test_an_error_makes_no_cycle_that_keeps_the_graph(no_gc: None) -> None:
    w = leaf(4)
    loss = (w * w).sum()
    ref = weakref.ref(loss)
    w.data += 1.0
    with pytest.raises(ur.errors.GradError):
        loss.backward()
    del loss
    gc.collect()
    assert ref() is None


def test_under_no_grad_only_the_last_value_stays(no_gc: None) -> None:
    x = leaf()

    def silent() -> list[ur.Tensor]:
        with ur.no_grad():
            a = x * x
            b = ur.exp(a)
            return [a, b, b.sum()]

    assert values_alive(silent) == [False, False]


def test_cotangents_are_dropped_as_soon_as_they_are_spent() -> None:
    x = leaf()
    y = x
    for _ in range(50):
        y = y * 1.01
    total = y.sum()
    del y
    size = x.array.nbytes
    tracemalloc.start()
    try:
        total.backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * size


def test_graphs_of_a_chain_hold_no_values() -> None:
    x = leaf()
    tracemalloc.start()
    try:
        y = x
        for _ in range(50):
            y = y + 1.0
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert y.requires_grad
    assert held < 3 * x.array.nbytes
