"""Groups: what becomes one kernel, what is never stored, and cells that are written in place, or not, in order."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from upriver.compile.kernels import GemmKernel, KernelCode, LoopKernel
from upriver.compile.planning.arena import Life, arranged
from upriver.compile.planning.chains import chain_numbers
from upriver.compile.planning.plan import Schedule, schedule
from upriver.compile.primitives.expand import Primitives
from upriver.compile.primitives.maths import Maths
from upriver.compile.primitives.terms import Term
from upriver.compile.rewrite import rewrite

from .interpret import places
from .test_plan import checked, recorded
from .test_rewrite_random import numbers

F64 = np.dtype(np.float64)


def leaf(m: Maths, kind: str, index: int, *shape: int, dtype: Any = F64) -> Term:
    return m.term(kind, (), shape, np.dtype(dtype), index=index)


def kernels(plan: Schedule) -> list[Any]:
    return [step.kernel for step in plan.steps]


def stores(plan: Schedule) -> int:
    return sum(s.kind == "store" for k in kernels(plan) if k is not None for s in k.body)


def test_softmax_is_one_kernel() -> None:
    m = Maths()
    x = leaf(m, "input", 0, 5, 7)
    e = m.exp(x - m.max(x, (1,), True))
    plan = checked(Primitives([(e / m.sum(e, (1,), True)).prim], [], []), [numbers((5, 7))])
    (kernel,) = kernels(plan)
    assert kernel.dims == (5, 7)
    assert kernel.reduced == (1,)
    assert stores(plan) == 1


def test_statistics_of_columns_and_what_they_normalise_are_one_kernel() -> None:
    m = Maths()
    x = leaf(m, "input", 0, 6, 3)
    mean = m.sum(x, (0,), True) / 6.0
    var = m.sum((x - mean) * (x - mean), (0,), True) / 6.0
    plan = checked(Primitives([m.tanh((x - mean) / m.sqrt(var + 1e-5)).prim], [], []), [numbers((6, 3), odd=False)])
    (kernel,) = kernels(plan)
    assert kernel.reduced == (0,)


def test_product_with_bias_activation_and_residual() -> None:
    m = Maths()
    x, w, b = leaf(m, "input", 0, 2, 3, 4), leaf(m, "cell", 0, 5, 4), leaf(m, "cell", 1, 5)
    flat = m.gemm(m.reshape(x, (6, 4)), m.permute(w, (1, 0)))
    y = m.reshape(m.tanh(flat + m.expand(m.reshape(b, (1, 5)), (6, 5))), (2, 3, 5)) + leaf(m, "input", 1, 2, 3, 5)
    arrays = [numbers((2, 3, 4), 1), numbers((2, 3, 5), 2)]
    plan = checked(Primitives([y.prim], [None, None], []), arrays, [numbers((5, 4), 3), numbers((5,), 4)])
    (kernel,) = kernels(plan)
    assert isinstance(kernel, GemmKernel)
    assert (kernel.m, kernel.n, kernel.k) == (6, 5, 4)


def test_update_is_made_where_the_gradient_is_and_after_the_weight_was_read() -> None:
    m = Maths()
    x, g, w, v = (
        leaf(m, "input", 0, 6, 4),
        leaf(m, "input", 1, 6, 5),
        leaf(m, "cell", 0, 4, 5),
        leaf(m, "cell", 1, 4, 5),
    )
    grad = m.gemm(m.permute(x, (1, 0)), g)
    speed = v * 0.5 + grad
    dx = m.gemm(g, m.permute(w, (1, 0)))
    graph = Primitives([dx.prim], [(w - speed * 0.25).prim, speed.prim], [])
    arrays = numbers((6, 4), 1, odd=False), numbers((6, 5), 2, odd=False)
    plan = checked(graph, arrays, [numbers((4, 5), 3, odd=False), numbers((4, 5), 4, odd=False)])
    first, second = plan.steps
    assert not any(kind == "cell" for kind, _ in first.writes)
    assert second.writes == {("cell", 0), ("cell", 1)}


def test_cheap_values_of_stored_ones_are_not_stored() -> None:
    m = Maths()
    x, w, g = leaf(m, "input", 0, 6, 4), leaf(m, "cell", 0, 4, 5), leaf(m, "input", 1, 6, 5)
    z = m.gemm(x, w)
    y = m.where(z > 0.0, z, 0.0)
    slope = m.cast(y > 0.0, F64)
    back = m.sum(g * slope, (0,), True)
    plan = checked(
        Primitives([y.prim, back.prim], [None], []), [numbers((6, 4), 1), numbers((6, 5), 2)], [numbers((4, 5))]
    )
    assert stores(plan) == 2


def test_concat_is_written_by_what_makes_the_pieces() -> None:
    m = Maths()
    x = leaf(m, "input", 0, 4, 3)
    e = m.exp(x)
    y = m.concat([e, m.sum(e, (1,), True)], 1)
    plan = checked(Primitives([m.tanh(y).prim, y.prim], [], []), [numbers((4, 3), odd=False)])
    assert [k.reduced for k in kernels(plan)] == [(1,), ()]


def cell(*shape: int, seed: int = 0, order: Any = "C") -> np.ndarray:
    return np.asarray(numbers(shape, seed, odd=False), order=order)


@pytest.mark.parametrize("order", ["C", "F"])
def test_cells_exchange_and_turn(order: Any) -> None:
    """Every cell gets what another held, or what it held itself, elsewhere: nothing may be overwritten too early."""
    m = Maths()
    a, b, c = (leaf(m, "cell", i, 3, 3) for i in range(3))
    turned = m.permute(c, (1, 0))
    graph = Primitives([(a + b).prim, c.prim, turned.prim], [b.prim, (a * 2.0).prim, (turned + c).prim], [])
    checked(graph, [], [cell(3, 3, seed=i, order=order) for i in range(3)])


def test_cells_that_share_memory() -> None:
    m = Maths()
    a, b = leaf(m, "cell", 0, 4), leaf(m, "cell", 1, 4)
    graph = Primitives([(a * b).prim], [m.exp(a + b).prim, None], [])
    plan = checked(graph, [], [cell(4), cell(4, seed=1)], shared={0: {1}, 1: {0}})
    assert len(plan.steps) == 2
    assert plan.steps[-1].writes == {("cell", 0)}


def test_checks_are_known_before_any_cell_is_written() -> None:
    m = Maths()
    x, a = leaf(m, "input", 0, 4), leaf(m, "cell", 0, 4)
    total = m.sum(x, None, False)
    holds = m.sum(m.exp(x), None, False) > total
    plan = checked(Primitives([], [(a + x).prim], [holds.prim]), [cell(4)], [cell(4, seed=2)])
    wrote = [any(kind == "cell" for kind, _ in step.writes) for step in plan.steps]
    assert wrote == sorted(wrote)
    assert len(wrote) > 1


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,)])
def test_nothing_at_all(shape: tuple[int, ...]) -> None:
    m = Maths()
    x = leaf(m, "input", 0, *shape)
    y = m.sum(m.exp(x), (0,), True)
    checked(Primitives([y.prim, m.exp(x).prim, m.sum(x, None, False).prim], [], []), [numbers(shape)])


def test_large_one_dimensional_kernels_are_one_dimensional() -> None:
    m = Maths()
    x = leaf(m, "input", 0, 4, 5, 6)
    plan = checked(Primitives([m.exp(x * 2.0).prim], [], []), [numbers((4, 5, 6))])
    (kernel,) = kernels(plan)
    assert isinstance(kernel, LoopKernel)
    assert kernel.dims == (120,)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 500)), max_size=20))
def test_values_that_live_together_lie_apart(drawn: list[tuple[int, int, int]]) -> None:
    lives = [(i, Life(first, first + length, size)) for i, (first, length, size) in enumerate(drawn)]
    placed, total = arranged(lives)
    for i, a in lives:
        assert placed[i] % 64 == 0
        assert placed[i] + a.size <= total
        for j, b in lives[:i]:
            if a.first <= b.last and b.first <= a.last:
                assert placed[i] + a.size <= placed[j] or placed[j] + b.size <= placed[i]


@st.composite
def updates(draw: Any) -> tuple[Primitives, list[Any]]:
    """A few cells of one shape, each getting something made of the others, of views of them, or of a product."""
    m = Maths()
    n = draw(st.integers(1, 3))
    cells = [leaf(m, "cell", i, 3, 3) for i in range(n)]

    def row(x: Term, i: int) -> Term:
        return m.slice(x, (i, 0), (1, 3), (1, 1))

    pool = list(cells)
    for _ in range(draw(st.integers(1, 8))):
        x, y = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        how = draw(st.integers(0, 9))
        pool.append(
            [
                lambda x, y: x + y, lambda x, y: m.permute(x, (1, 0)), lambda x, y: m.where(x > y, x, 0.5 * y),
                lambda x, y: m.expand(m.sum(x, (1,), True), (3, 3)), lambda x, y: m.slice(x, (2, 0), (3, 3), (-1, 1)),
                lambda x, y: m.expand(m.max(x, (0,), True), (3, 3)) - y,
                lambda x, y: m.concat([m.slice(x, (0, 0), (3, 1), (1, 1)), m.slice(y, (0, 1), (3, 2), (1, 1))], 1),
                lambda x, y: m.concat([m.reshape(m.concat([row(x, 1), row(y, 2)], 1), (2, 3)), row(x + y, 0)], 0),
                lambda x, y: m.place(m.slice(x, (0, 1), (2, 2), (1, 1)), (1, 0), (3, 3), (1, 1)),
                lambda x, y: m.gemm(x, y) if sum(t.prim.kind == "gemm" for t in pool) < 2 else x,
            ][how](x, y)
        )  # fmt: skip
    after = [draw(st.sampled_from([None, *pool])) for _ in range(n)]
    outputs = [draw(st.sampled_from(pool)) for _ in range(draw(st.integers(0, 2)))]
    arrays = [cell(3, 3, seed=i, order=draw(st.sampled_from("CF"))) for i in range(n)]
    return Primitives([t.prim for t in outputs], [None if t is None else t.prim for t in after], []), arrays


@settings(max_examples=300, deadline=None)
@given(updates())
def test_random_updates(case: Any) -> None:
    graph, cells = case
    checked(graph, [], cells)


def touched(step: Any, unit: int) -> tuple[set[tuple[Any, int]], set[tuple[Any, int]]]:
    """The bytes that a kernel without a batch reads and writes in one unit, entry by entry."""
    kernel = step.kernel
    dims = kernel.dims if isinstance(kernel, LoopKernel) else (kernel.m, kernel.n)
    accesses = [(dims, s.access, s.kind == "store") for s in kernel.body if s.access is not None]
    if isinstance(kernel, GemmKernel):
        accesses += [((kernel.m, kernel.k), a, False) for a in kernel.a]
        accesses += [((1, kernel.k, kernel.n), replace(b, strides=(0, *b.strides)), False) for b in kernel.b]
    sets: tuple[set[Any], set[Any]] = (set(), set())
    for lengths, access, writes in accesses:
        at = places((1, *lengths[1:]), access) + unit * access.strides[0]
        place, offset = step.places[access.slot]
        sets[writes].update([(place, offset + int(i) * access.dtype.itemsize) for i in at.reshape(-1)])
    return sets


@pytest.mark.parametrize("network", ["mlp", "residual", "gru"])
def test_threads_may_go_through_a_chain_alone(network: str) -> None:
    graph, _, cells, *_ = recorded(network, "sgd")
    plan = schedule(rewrite(graph), [tuple([s // c.itemsize for s in c.strides]) for c in cells])
    steps = [s for s in plan.steps if isinstance(s.kernel, LoopKernel) or (s.kernel and not s.kernel.batch)]
    units = [s.kernel.dims[0] if isinstance(s.kernel, LoopKernel) else s.kernel.m for s in steps if s.kernel]
    code = KernelCode("", "", (), 0, 1, True, 0, 0, 0, "")
    numbers = chain_numbers([(replace(code, units=n), s) for n, s in zip(units, steps, strict=True)])
    longest = 0
    for number in set(numbers) - {0}:
        chain = [i for i, other in enumerate(numbers) if other == number]
        longest = max(longest, len(chain))
        sets = {(i, u): touched(steps[i], u) for i in chain for u in range(units[i])}
        for i, j in combinations(chain, 2):
            for u, v in product(range(units[i]), range(units[j])):
                if u != v:
                    (read, wrote), (other_read, other_wrote) = sets[i, u], sets[j, v]
                    assert not wrote & (other_read | other_wrote)
                    assert not read & other_wrote
    assert longest > 2


@pytest.mark.parametrize(("how", "chained"), [("same", True), ("turned", False), ("flipped", False), ("next", False)])
def test_a_chain_ends_where_rows_of_others_are_read(how: str, chained: bool) -> None:
    m = Maths()
    y = m.gemm(leaf(m, "input", 0, 4, 4), leaf(m, "input", 1, 4, 4))
    view = {
        "same": y,
        "turned": m.permute(y, (1, 0)),
        "flipped": m.slice(y, (3, 0), (4, 4), (-1, 1)),
        "next": m.concat([m.slice(y, (1, 0), (3, 4), (1, 1)), m.slice(y, (0, 0), (1, 4), (1, 1))], 0),
    }[how]
    plan = schedule(Primitives([m.gemm(view, leaf(m, "input", 2, 4, 4)).prim], [], []), [])
    code = KernelCode("", "", (), 4, 1, True, 0, 0, 0, "")
    numbers = chain_numbers([(code, step) for step in plan.steps])
    assert (len(set(numbers)) == 1) is chained


@pytest.mark.parametrize(("shape", "dims"), [((300, 400), (0, 1)), ((1 << 17,), (0,)), ((64, 5, 40, 12), (0, 2, 3))])
def test_long_sums_are_shared_out(shape: tuple[int, ...], dims: tuple[int, ...]) -> None:
    m = Maths()
    x = leaf(m, "input", 0, *shape)
    graph = Primitives([m.sum(x * 0.5, dims, True).prim, m.max(x, dims, False).prim], [], [])
    plan = checked(graph, [np.random.default_rng(0).random(shape)])
    assert len(plan.steps) == 3  # the parts of both, and the pieces of each
    units = [[n for d, n in enumerate(k.dims) if d not in k.reduced] for k in kernels(plan)]
    assert max(units[0]) >= 16
