"""Formulas read back from what ran: written, read in again, evaluated, and compared with the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import upriver as ur
from upriver.cli.explain import explain_expression
from upriver.core.registry import ops
from upriver.core.state import tracing
from upriver.core.tensor import wrap
from upriver.explain import check, formula, language, mathml, writing
from upriver.explain.evaluate import evaluate
from upriver.explain.names import key_of
from upriver.ops.elementwise import Elementwise

ENTRYWISE = [
    (op, case)
    for op in ops
    if isinstance(op, Elementwise) and op.differentiable
    for case in op.cases
    if case.inputs[0] == (2, 3)
]
SYMBOLS = "abc"


def inputs(op: Any, n: int, rng: Any) -> tuple[Any, ...]:
    arrays = []
    for i in range(n):
        domain = op.domain.of(i)
        low, high = max(domain.low, -2.0) + 0.05, min(domain.high, 2.5) - 0.05
        arrays.append(wrap(rng.uniform(low, max(high, low + 1e-3) if high > low else low + 2, (2, 3)), None))
    return tuple(arrays)


def evaluated(text: str, scope: dict[str, Any]) -> np.ndarray:
    return np.broadcast_to(evaluate(language.parse(text, internal=True), scope)[""].array, (2, 3))


@pytest.mark.parametrize(
    ("op", "case"), ENTRYWISE, ids=[f"{op.name}{dict(case.attrs) or ''}" for op, case in ENTRYWISE]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_local_derivative_can_be_read_again(op: Any, case: Any, seed: int) -> None:
    xs = inputs(op, len(case.inputs), np.random.default_rng(seed))
    with ur.no_grad():
        out = op.run(xs, case.attrs)
    with tracing():
        node = op.run(xs, case.attrs).node
    names = {id(x): writing.symbol(s, x.shape) for x, s in zip(xs, SYMBOLS, strict=False)}
    forward = formula.Term(op, tuple(names.values()), case.attrs, shape=out.shape)
    scope = {**dict(zip(SYMBOLS, xs, strict=False)), "y": out}
    np.testing.assert_allclose(evaluated(writing.write(forward, exact=True), scope), out.array, rtol=1e-13)
    names[id(out)] = writing.symbol("y", out.shape)
    for i in range(len(xs)):
        found = formula.run_rule(node, i, xs, out, formula.ones(node), names)
        engine = op.vjps[i](np.ones((2, 3)), out.array, *[x.array for x in xs], **case.attrs)
        np.testing.assert_allclose(found.value, np.broadcast_to(engine, (2, 3)), rtol=1e-12)
        for term in (found.term, formula.simplify(found.term)):
            np.testing.assert_allclose(
                evaluated(writing.write(term, exact=True), scope), found.value, rtol=1e-11, atol=1e-14
            )
            np.testing.assert_allclose(evaluated(writing.write(term), scope), found.value, rtol=1e-5, atol=1e-6)
            mathml.convert(writing.write(term, latex=True))


# Random compositions.

NAMES = ("a", "b", "x")
SMOOTH = (
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "exp",
    "softplus",
    "atan",
    "relu",
    "abs",
    "square",
    "gelu",
    "elu",
    "erf",
    "mish",
)


def compositions(depth: int) -> st.SearchStrategy[str]:
    leaf = st.one_of(st.sampled_from(NAMES), st.sampled_from(["2", "0.5", "3", "0.1", "-1.5"]).map(lambda n: f"({n})"))
    if depth == 0:
        return leaf
    inner = compositions(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(SMOOTH), inner).map(lambda p: f"{p[0]}({p[1]} + a)"),
        st.tuples(inner, st.sampled_from(["2", "3", "(-1)"])).map(lambda p: f"({p[0]} + b)**{p[1]}"),
        inner.map(lambda p: f"-({p} + x)"),
        st.tuples(st.sampled_from(["maximum", "minimum", "max", "atan2"]), inner, inner).map(
            lambda p: f"{p[0]}({p[1]} + a, {p[2]} - b)"
        ),
        inner.map(lambda p: f"clamp({p} + a, -0.7, 0.8)"),
    )


numbers = st.floats(0.2, 2.0).map(lambda v: round(v, 3))


@given(compositions(3), st.tuples(numbers, numbers, numbers), st.booleans())
@settings(max_examples=150)
def test_every_formula_of_random_compositions_can_be_read_again(source: str, at: Any, vector: bool) -> None:
    used = language.parse(source).names
    assume(used)
    values = [f"{n}={[v, v + 0.5, -v] if vector else v}" for n, v in zip(NAMES, at, strict=True) if n in used]
    source = f"sum({source})" if vector else source
    try:
        e = explain_expression(source, values, ",".join(used))
    except ur.errors.UpriverError:
        assume(False)
    assume(all(np.isfinite(v.array).all() and np.abs(v.array).max() < 1e6 for v in e.values))
    assume(all(np.isfinite(s.product).all() for s in e.steps))
    scope = {v.name: wrap(v.array, None) for v in e.values if v.kind == "input" or v.name.isidentifier()}
    for s in e.steps:
        claimed = s.local if s.entrywise else s.product
        more = {k: wrap(a, None) for k, a in s.constants.items()} | {s.upstream_symbol: wrap(s.upstream, None)}
        for text in (s.exact, s.unsimplified):
            program = language.parse(text, internal=True)
            again = np.broadcast_to(evaluate(program, {**scope, **more})[""].array, claimed.shape)
            np.testing.assert_allclose(again, claimed, rtol=1e-4 if text is s.unsimplified else 1e-9, atol=1e-6)
        mathml.convert(s.formula_latex)
    # The engine, by itself.
    tensors = {k: ur.tensor(v.array, requires_grad=True) for k, v in zip(used, _inputs(e, used), strict=True)}
    loss = evaluate(language.parse(source), tensors)[""]
    for a, g in zip(e.answers, ur.grad(loss, list(tensors.values()), allow_unused=True), strict=True):
        np.testing.assert_array_equal(a.gradient, g.array)


def _inputs(e: Any, used: Any) -> list[Any]:
    return [next(v for v in e.values if v.name == n) for n in used]


@pytest.mark.parametrize(
    "source",
    [
        "sum((W @ u - v)**2)",
        "mean((u @ W.T + v)**2)",
        "sum(W * u)",
        "sum(W * reshape(u, 2, 1))",
        "sum(softmax(W @ u, dim=0) * v)",
        "-sum(log_softmax(W, dim=1))",
        "logsumexp(W @ u)",
        "norm(W @ u - v)",
        "var(W)",
        "std(W @ u, correction=0)",
        "sum(sum(W, dim=1) * v)",
        "sum(mean(W, dim=0, keepdim=True) * W)",
        "prod(u + v)",
        "max(W @ u)",
        "sum(cumsum(u) * v)",
        "sum(W.T * W)",
        "dot(u, v)",
        "sum(outer(u, v) * W)",
        "mean(linear(u, W, v))",
        "mean(linear(u, W))",
        "sum([u, v] * W)",
        "mse_loss(W @ u, v)",
        "h = tanh(W @ u); z = W @ h; sum(z * h)",
    ],
)
def test_formulas_of_matrices(source: str) -> None:
    given = ["W=[[0.5,-1.25],[2,0.75]]", "u=[0.3,-0.8]", "v=[1.5,0.4]"]
    used = language.parse(source).names
    e = explain_expression(source, [g for g in given if g[0] in used], ",".join(used))
    assert check.verify(e) == []
    scope = {v.name: wrap(v.array, None) for v in e.values if v.name.isidentifier()}
    for s in e.steps:
        claimed = s.local if s.entrywise else s.product
        more = {k: wrap(a, None) for k, a in s.constants.items()} | {s.upstream_symbol: wrap(s.upstream, None)}
        again = evaluate(language.parse(s.exact, internal=True), {**scope, **more})[""].array
        np.testing.assert_allclose(np.broadcast_to(again, claimed.shape), claimed, rtol=1e-10, atol=1e-14)
        mathml.convert(s.formula_latex)


# Writing.


def written(source: str, latex: bool = False) -> str:
    names = {n: ur.tensor(1.5, dtype=ur.float64, requires_grad=True) for n in language.parse(source).names}
    root = evaluate(language.parse(source), names)[""]
    terms = {id(key_of(x)): writing.symbol(n) for n, x in names.items()}
    return writing.write(formula.read(root, terms), latex)


@pytest.mark.parametrize(
    ("source", "text", "latex"),
    [
        ("a*(b + c)", "a * (b + c)", r"a \left(b + c\right)"),
        ("a*b + c", "a * b + c", "a b + c"),
        ("a - (b - c)", "a - (b - c)", r"a - \left(b - c\right)"),
        ("(a - b) - c", "a - b - c", "a - b - c"),
        ("a + (b + c)", "a + b + c", "a + b + c"),
        ("(a**b)**c", "(a**b)**c", r"\left(a^{b}\right)^{c}"),
        ("a**(b**c)", "a**(b**c)", "a^{b^{c}}"),
        ("(-a)**2", "(-a)**2", r"\left(-a\right)^{2}"),
        ("-a**2", "-a**2", "-a^{2}"),
        ("a/(b*c)", "a / (b * c)", r"\frac{a}{b c}"),
        ("a/b/c", "a / b / c", r"\frac{\frac{a}{b}}{c}"),
        ("a*(-b)", "a * (-b)", r"a \left(-b\right)"),
        ("sin(a)*b", "sin(a) * b", r"\left(\sin a\right) b"),
        ("sin(a + b)**2", "sin(a + b)**2", r"\left(\sin \left(a + b\right)\right)^{2}"),
        ("sigmoid(a)**2", "sigmoid(a)**2", r"\sigma\left(a\right)^{2}"),
        ("exp(a)**2", "exp(a)**2", r"\left(e^{a}\right)^{2}"),
        ("theta_1*loss", "theta_1 * loss", r"\theta_{1} \mathit{loss}"),
        ("w1*0.1", "w1 * 0.1", r"w_{1} \cdot 0.1"),
    ],
)
def test_parentheses(source: str, text: str, latex: str) -> None:
    assert written(source) == text
    assert written(source, latex=True) == latex


def test_simplification_is_light_and_true() -> None:
    x = writing.symbol("x")
    mul, add, neg, sub = (ops.record(n) for n in ("mul", "add", "neg", "sub"))
    one, zero = formula.number(1.0), formula.number(0.0)

    def simple(op: Any, *args: Any) -> str:
        return writing.write(formula.simplify(formula.Term(op, args)))

    assert simple(mul, one, x) == "x"
    assert simple(mul, x, formula.number(-1.0)) == "-x"
    assert simple(mul, x, zero) == "0"
    assert simple(add, zero, x) == "x"
    assert simple(add, x, formula.Term(neg, (x,))) == "x - x"
    assert simple(sub, zero, x) == "-x"
    assert simple(neg, formula.Term(neg, (x,))) == "x"
    assert simple(mul, x, formula.number(3.0)) == "3 * x"
    assert simple(mul, x, x) == "x * x"
    assert simple(mul, formula.number(2.0), formula.Term(mul, (formula.number(3.0), x))) == "6 * x"
    assert simple(mul, formula.number(0.1), formula.Term(mul, (formula.number(0.3), x))) == "0.1 * 0.3 * x"
    assert simple(sub, formula.number(5.0), formula.number(2.0)) == "3"
    assert simple(add, formula.number(5.0), formula.number(2.0)) == "7"
    assert simple(mul, formula.number(5.0), formula.number(2.0)) == "10"
    assert simple(sub, x, formula.Term(neg, (writing.symbol("y"),))) == "x + y"
    assert simple(add, x, formula.Term(neg, (writing.symbol("y"),))) == "x - y"


def test_a_long_sum_is_read_and_written_without_recursion() -> None:
    x = ur.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y + x
    text = writing.write(formula.simplify(formula.read(y, {id(x): writing.symbol("x")})))
    assert text == " + ".join(["x"] * 3001)


def test_every_template_of_every_operation_can_be_written() -> None:
    for op in ops:
        for case in op.cases[:1]:
            n = len(case.inputs)
            shapes = [s if isinstance(s, tuple) else s.shape for s in case.inputs]
            args = tuple([writing.symbol(f"x{i}", s) for i, s in enumerate(shapes)])
            shape = op.shape(*shapes, **case.attrs)
            term = formula.Term(op, args, case.attrs, shape=shape)
            assert writing.write(term)
            mathml.convert(writing.write(term, latex=True))
            assert n == len(args)


def test_the_mean_and_the_sum_of_a_number() -> None:
    x = ur.ones(2, 3)
    with tracing():
        mean, total = x.mean(), x.sum()
    assert formula.simplify(formula.read(mean, {})).number == 1.0
    assert formula.simplify(formula.read(total, {})).number == 6.0
