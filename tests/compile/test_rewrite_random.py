"""Rewrites keep values, on random graphs of all kinds, with each of them switched off in turn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from upriver.compile.primitives.evaluate import evaluate
from upriver.compile.primitives.expand import Primitives, expand, order
from upriver.compile.primitives.maths import Maths
from upriver.compile.primitives.prims import Prim
from upriver.compile.primitives.terms import Term
from upriver.compile.recording.program import Instruction, Program, Value
from upriver.compile.rewrite import NAMES, rewrite
from upriver.core.registry import ops

F64 = np.dtype(np.float64)
ODD = (np.nan, np.inf, -np.inf, -0.0)


def given_term(m: Maths, index: int, *shape: int, dtype: Any = F64) -> Term:
    return m.term("input", (), shape, np.dtype(dtype), index=index)


def rewritten(*terms: Term, without: Any = ()) -> list[Prim]:
    return rewrite(Primitives([t.prim for t in terms], [], []), without=without).outputs


def kinds(*prims: Prim) -> list[str]:
    return [x.attrs.get("fn", x.kind) for x in order(prims) if x.kind not in ("input", "number", "constant")]


def numbers(shape: tuple[int, ...], seed: int = 0, odd: bool = True) -> np.ndarray:
    """Small dyadic numbers, so that every order of a sum gives the same; some NaN, infinite, −0."""
    rng = np.random.default_rng(seed)
    out = rng.choice([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], shape)
    if odd and out.size:
        out = np.where(rng.random(shape) < 0.1, rng.choice(ODD, shape), out)
    return out


def same(before: Term, after: Prim, *arrays: np.ndarray) -> None:
    (a,), (b,) = evaluate([before.prim], arrays), evaluate([after], arrays)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_array_equal(a, b)


@st.composite
def graphs(draw: Any) -> tuple[Term, list[tuple[int, ...]]]:
    """A random graph over a few inputs."""
    m = Maths()
    lengths = st.integers(1, 4)
    shapes = [tuple(draw(st.lists(lengths, min_size=1, max_size=3))) for _ in range(draw(st.integers(1, 3)))]
    pool = [given_term(m, i, *s) for i, s in enumerate(shapes)]
    pool.append(m.full(shapes[0], draw(st.sampled_from([0.0, 1.0, -2.0])), F64))
    pool.append(m.constant(numbers(shapes[0], 3, odd=False)))
    products = 0
    for _ in range(draw(st.integers(2, 12))):
        x = draw(st.sampled_from(pool[-4:]))
        step = draw(st.sampled_from(STEPS))
        products += step in PRODUCTS
        if products > 3 and step in PRODUCTS:
            continue
        y = step(draw, m, x, pool)
        if y is not None and math.prod(y.shape) <= 200:
            pool.append(y)
    roots = [y for y in pool if y.prim.kind != "input"]
    total: Term = roots[-1]
    for y in roots[-4:-1]:  # several roots, in one
        total = total + m.reshape(m.sum(y, None, False), (1,) * total.ndim)
    return total, shapes


def _unary(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    how = draw(st.integers(0, 8))
    plain = (-x, m.fabs(x), m.floor(x), x * 2.0, x / 4.0, x - 0.0, -1.0 * x, m.where(x > 0.0, x, -x), x * 1.0)
    return plain[how]


def _binary(draw: Any, m: Maths, x: Term, pool: list[Term]) -> Term | None:
    y = draw(st.sampled_from(pool))
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return None
    how = draw(st.sampled_from(["add", "add", "add", "sub", "max", "where"]))
    return m.where(x < y, x, y) if how == "where" else m.map(how, x, y)


def _mul(draw: Any, m: Maths, x: Term, pool: list[Term]) -> Term | None:
    others = [y for y in pool if y.shape == x.shape]
    return x * draw(st.sampled_from(others))


def _square(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    return m.map("pow", x, 2)


def _reduce(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    dims = draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, max_size=x.ndim, unique=True))
    return draw(st.sampled_from([m.sum, m.max]))(x, tuple(dims), True)


def _reshape(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    shape = draw(st.permutations([n for n in x.shape if n > 1]))
    if len(shape) > 1 and draw(st.booleans()):
        shape = [shape[0] * shape[1], *shape[2:]]
    if shape and shape[0] == 4 and draw(st.booleans()):
        shape = [2, 2, *shape[1:]]
    for _one in range(draw(st.integers(0, 1)) if shape else 1):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    return m.reshape(x, tuple(shape))


def _permute(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    return m.permute(x, tuple(draw(st.permutations(range(x.ndim)))))


def _expand(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    return m.expand(x, tuple([draw(st.integers(1, 3)) if n == 1 else n for n in x.shape]))


def _region(draw: Any, x: Term) -> tuple[Any, Any, Any]:
    out = []
    for n in x.shape:
        step = draw(st.sampled_from([1, 1, 1, 2, -1]))
        picked = range(n)[::step] if draw(st.booleans()) else range(n)[draw(st.integers(0, n - 1)) :: step]
        count = draw(st.integers(1, len(picked)))
        out.append((picked[0], picked.step, count))
    return tuple(zip(*out, strict=True))  # type: ignore[return-value]


def _slice(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    starts, steps, shape = _region(draw, x)
    return m.slice(x, starts, shape, steps)


def _place(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    before = [draw(st.integers(0, 2)) for _ in x.shape]
    shape = tuple([a + n + draw(st.integers(0, 1)) for a, n in zip(before, x.shape, strict=True)])
    return m.place(x, tuple(before), shape)


def _apart(draw: Any, m: Maths, x: Term, _: Any) -> Term:
    """Slices of a whole, each put where it came from, added: the gradient of ``unbind``."""
    d = draw(st.integers(0, x.ndim - 1))
    total: Term | None = None
    for i in draw(st.permutations(range(x.shape[d])))[: draw(st.integers(1, 4))]:
        starts = tuple([i if k == d else 0 for k in range(x.ndim)])
        one = m.slice(x, starts, tuple([1 if k == d else n for k, n in enumerate(x.shape)]))
        one = m.place(one * 2.0 if i % 2 else -one, starts, x.shape)
        total = one if total is None else total + one
    return total  # type: ignore[return-value]


def _concat(draw: Any, m: Maths, x: Term, pool: list[Term]) -> Term:
    d = draw(st.integers(0, x.ndim - 1))
    fitting = [y for y in pool if y.ndim == x.ndim and y.shape[:d] + y.shape[d + 1 :] == x.shape[:d] + x.shape[d + 1 :]]
    return m.concat(draw(st.permutations([x, draw(st.sampled_from(fitting))])), d)


def _gemm(draw: Any, m: Maths, x: Term, pool: list[Term]) -> Term:
    a = m.reshape(x, (1,) * max(0, 2 - x.ndim) + x.shape)
    if draw(st.booleans()) or a.ndim > 2:
        return m.gemm(a, m.transpose(a))
    fitting = [y for y in pool if y.ndim == 2 and y.shape[0] == a.shape[1]] or [m.transpose(a)]
    return m.gemm(a, draw(st.sampled_from(fitting)))


def _gradients(draw: Any, m: Maths, x: Term, pool: list[Term]) -> Term:
    """Products that are added."""
    a = m.reshape(x, (-(-math.prod(x.shape[:-1]) // 1), x.shape[-1]))
    return m.gemm(m.transpose(a), a) + m.gemm(m.transpose(-a), a * 2.0) + m.gemm(m.transpose(a), a + 1.0)


PRODUCTS = (_mul, _square, _gemm, _gradients)
STEPS = (_unary, _binary, _reduce, _reshape, _permute, _expand, _slice, _place, _apart, _concat, *PRODUCTS)


@settings(deadline=None, max_examples=150)
@given(graphs(), st.integers(0, 5), st.sampled_from((None, *NAMES)))
def test_random_graphs(graph: Any, seed: int, left_out: str | None) -> None:
    before, shapes = graph
    (after,) = rewritten(before, without=[left_out] if left_out else ())
    same(before, after, *[numbers(s, seed + i) for i, s in enumerate(shapes)])
    (again,) = rewrite(Primitives([after], [], [])).outputs
    if not left_out:
        assert len(order([again])) <= len(order([after]))


RECIPES = [(op, case) for op in ops if op.lower is not None and op.cases[0].inputs for case in op.cases]


@pytest.mark.parametrize(("op", "case"), RECIPES, ids=lambda x: getattr(x, "name", ""))
def test_recipes(op: Any, case: Any) -> None:
    """Every operation's own recipe, rewritten."""
    rng = np.random.default_rng(0)
    inputs = [rng.uniform(0.1, 0.9, x) if isinstance(x, tuple) else x for x in case.inputs]
    with np.errstate(all="ignore"):
        made = np.asarray(op.forward(*inputs, **case.attrs))
    values = [Value(x.shape, x.dtype) if isinstance(x, np.ndarray) else x for x in inputs]
    out, given_values = Value(made.shape, made.dtype), [v for v in values if isinstance(v, Value)]
    program = Program(given_values, instructions=[Instruction(op, tuple(values), case.attrs, out)], outputs=[out])
    graph = expand(program)
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    (a,), (b,) = evaluate(graph.outputs, arrays), evaluate(rewrite(graph).outputs, arrays)
    np.testing.assert_allclose(b, a, rtol=1e-12)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
