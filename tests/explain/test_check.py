"""The checker accepts true explanations, and rejects each of a corpus of wrong ones for its own reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.cli.explain import explain_expression
from upriver.explain.check import verify
from upriver.explain.compare import Problem
from upriver.explain.explanation import Explanation


def lesson() -> Explanation:
    return explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], "w,x")


def fan_out() -> Explanation:
    return explain_expression("h = tanh(w*x); h*h + 3*h", ["w=0.5", "x=1.2"], "w")


def matrix() -> Explanation:
    return explain_expression("sum((W @ x - y)**2)", ["W=[[1,2],[3,5]]", "x=[1,-2]", "y=[1,1]"], "W")


def entry() -> Explanation:
    return explain_expression("sum((x @ W)**2)", ["x=[[1,2],[3,4]]", "W=[[1,-2],[3,5]]"], "W[0,1]")


def off() -> Explanation:
    return explain_expression("relu(w*x) + sin(x)*w", ["w=2", "x=0.75"], "w")


def change_step(e: Explanation, i: int, **fields: Any) -> Explanation:
    return replace(e, steps=tuple(replace(s, **fields) if s.index == i else s for s in e.steps))


def change_value(e: Explanation, which: str, /, **fields: Any) -> Explanation:
    assert any(v.name == which for v in e.values)
    return replace(e, values=tuple(replace(v, **fields) if v.name == which else v for v in e.values))


def step_of(e: Explanation, source: str, target: str) -> Any:
    return next(s for s in e.steps if e.values[s.source].name == source and e.values[s.target].name == target)


def array(x: float) -> Any:
    return np.asarray(x, np.float64)


def forgot_upstream() -> Explanation:
    """The local derivative alone handed on."""
    e = lesson()
    s = step_of(e, "w * x", "w")
    e = change_value(change_step(e, s.index, product=s.local), "w", gradient=s.local)
    return replace(e, answers=(replace(e.answers[0], gradient=s.local), e.answers[1]))


def added_instead_of_multiplied() -> Explanation:
    e = lesson()
    s = step_of(e, "w * x", "w")
    return change_step(e, s.index, product=s.local + s.upstream)


def overwrote_instead_of_summed() -> Explanation:
    """The last share taken for the whole gradient."""
    e = fan_out()
    h = next(v for v in e.values if v.name == "h")
    return change_value(e, "h", gradient=e.steps[h.parts[-1]].product)


def left_out_a_path() -> Explanation:
    e = fan_out()
    h = next(v for v in e.values if v.name == "h")
    gone = h.parts[0]
    total = sum(e.steps[i].product for i in h.parts[1:])
    e = change_value(e, "h", parts=h.parts[1:], gradient=total)
    return replace(e, steps=tuple(s for s in e.steps if s.index != gone))


def counted_a_path_twice() -> Explanation:
    e = lesson()
    s = step_of(e, "w * x", "w")
    w = next(v for v in e.values if v.name == "w")
    twice = replace(s, index=len(e.steps))
    e = change_value(e, "w", parts=(*w.parts, twice.index), gradient=2 * s.product)
    return replace(e, steps=(*e.steps, twice))


def wrong_sign() -> Explanation:
    """The derivative of a difference by its second operand without its minus; consistent from there on."""
    e = explain_expression("(y - w*x)**2", ["w=2", "x=3", "y=10"], "w")
    s = step_of(e, "y - w * x", "w * x")
    last = step_of(e, "w * x", "w")
    e = change_step(e, s.index, local=-s.local, product=-s.product, formula="1", exact="1")
    e = change_step(e, last.index, upstream=-last.upstream, product=-last.product)
    e = change_value(e, "w * x", gradient=-s.product)
    e = change_value(e, "w", gradient=-last.product)
    return replace(e, answers=(replace(e.answers[0], gradient=-last.product),))


def wrong_formula() -> Explanation:
    """The right number beside a formula that gives another."""
    e = lesson()
    s = step_of(e, "L", "w * x - y")
    return change_step(e, s.index, formula="w * x - y", exact="w * x - y")


def formula_shown_is_another() -> Explanation:
    e = lesson()
    return change_step(e, step_of(e, "w * x", "w").index, formula="w")


def nonsense_formula() -> Explanation:
    e = lesson()
    return change_step(e, 0, formula="2 * (", exact="2 * (")


def stale_forward_value() -> Explanation:
    """A value from before an update of w beside a derivative from after it."""
    return change_value(lesson(), "w * x", array=array(5.0))


def wrong_upstream() -> Explanation:
    """The upstream gradient of another node."""
    e = off()
    s = step_of(e, "relu(w * x)", "w * x")
    return change_step(e, s.index, upstream=array(0.5), product=0.5 * s.local)


def started_with_two() -> Explanation:
    return change_value(lesson(), "L", gradient=array(2.0))


def transposed_product() -> Explanation:
    e = matrix()
    s = step_of(e, "W @ x", "W")
    e = change_value(change_step(e, s.index, product=s.product.T), "W", gradient=s.product.T)
    return replace(e, answers=(replace(e.answers[0], gradient=s.product.T),))


def zero_for_not_computed() -> Explanation:
    return change_value(off(), "x", gradient=array(0.0))


def not_given_though_computed() -> Explanation:
    return change_value(fan_out(), "h", gradient=None)


def answer_of_another_value() -> Explanation:
    e = lesson()
    return replace(e, answers=(replace(e.answers[0], gradient=e.answers[1].gradient), e.answers[1]))


def answer_of_another_entry() -> Explanation:
    e = entry()
    a = e.answers[0]
    return replace(e, answers=(replace(a, gradient=np.asarray(e.values[a.value].gradient[1, 0])),))


def products_that_do_not_add_up() -> Explanation:
    e = entry()
    a = e.answers[0]
    return replace(e, answers=(replace(a, parts=a.parts[1:], count=a.count - 1),))


def product_at_another_place() -> Explanation:
    e = entry()
    a = e.answers[0]
    first = a.parts[0]._replace(at=(a.parts[0].at[0], 1 - a.parts[0].at[1]))
    return replace(e, answers=(replace(a, parts=(first, *a.parts[1:])),))


def used_before_it_was_whole() -> Explanation:
    """A gradient handed on before its last share was added."""
    e = fan_out()
    h = next(v for v in e.values if v.name == "h")
    late = h.parts[-1]
    order = [s for s in e.steps if s.index != late]
    return replace(e, steps=(*order, next(s for s in e.steps if s.index == late)))


def edge_that_is_not_there() -> Explanation:
    e = lesson()
    y = next(v.index for v in e.values if v.name == "y")
    return change_step(e, step_of(e, "w * x", "w").index, target=y)


def two_values_of_one_name() -> Explanation:
    return change_value(lesson(), "x", name="w")


def open_gate() -> Explanation:
    """A closed ReLU that is said to let everything through."""
    e = explain_expression("relu(w*x)", ["w=-2", "x=3"], "w")
    s, last = e.steps
    e = change_step(e, s.index, local=array(1.0), product=array(1.0), formula="1", exact="1")
    e = change_step(e, last.index, upstream=array(1.0), product=last.local)
    e = change_value(change_value(e, "w * x", gradient=array(1.0)), "w", gradient=last.local)
    return replace(e, answers=(replace(e.answers[0], gradient=last.local),))


def forward_formula_of_another() -> Explanation:
    return change_value(lesson(), "L", formula="(w * x + y)**2", exact="(w * x + y)**2")


CORPUS: list[tuple[Callable[[], Explanation], str]] = [
    (forgot_upstream, "product"),
    (added_instead_of_multiplied, "product"),
    (overwrote_instead_of_summed, "sum"),
    (left_out_a_path, "missing"),
    (counted_a_path_twice, "twice"),
    (wrong_sign, "local"),
    (wrong_formula, "formula"),
    (formula_shown_is_another, "formula"),
    (nonsense_formula, "unreadable"),
    (stale_forward_value, "value"),
    (wrong_upstream, "upstream"),
    (started_with_two, "start"),
    (transposed_product, "product"),
    (zero_for_not_computed, "not computed"),
    (not_given_though_computed, "not computed"),
    (answer_of_another_value, "answer"),
    (answer_of_another_entry, "answer"),
    (products_that_do_not_add_up, "entry"),
    (product_at_another_place, "entry"),
    (used_before_it_was_whole, "order"),
    (edge_that_is_not_there, "graph"),
    (two_values_of_one_name, "name"),
    (open_gate, "local"),
    (forward_formula_of_another, "formula"),
]


@pytest.mark.parametrize(("wrong", "reason"), CORPUS, ids=[wrong.__name__ for wrong, _ in CORPUS])
def test_each_wrong_explanation_is_rejected_for_its_reason(wrong: Any, reason: str) -> None:
    problems = verify(wrong())
    assert reason in {p.kind for p in problems}, [str(p) for p in problems]
    assert all(isinstance(p, Problem) and len(str(p)) > 20 for p in problems)


@pytest.mark.parametrize("right", [lesson, fan_out, matrix, entry, off])
def test_the_true_ones_are_accepted(right: Any) -> None:
    assert verify(right()) == []


def test_a_nudge_alone_finds_a_mistake_that_is_consistent_everywhere() -> None:
    kinds = {p.kind for p in verify(wrong_sign())}
    assert "nudge" in kinds
    assert "sum" not in kinds


def test_a_wrong_gradient_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from upriver.core.registry import ops

    mul = ops.record("mul")
    rules = mul.vjps
    object.__setattr__(mul, "vjps", (lambda ct, _y, _a, b: -ct * b, rules[1]))
    try:
        problems = verify(lesson())
    finally:
        object.__setattr__(mul, "vjps", rules)
    assert {"local", "nudge"} <= {p.kind for p in problems}


def test_kinks_and_edges_of_domains_are_no_mistakes() -> None:
    for source, values in [
        ("relu(w) + abs(w)", ["w=0"]),
        ("sqrt(w)", ["w=0.000001"]),
        ("log(w)", ["w=0.00001"]),
        ("maximum(w, x)", ["w=1", "x=1"]),
        ("asin(w)", ["w=0.999"]),
        ("floor(w) * w", ["w=1.5"]),
        ("w**3", ["w=0"]),
        ("1/w", ["w=1000"]),
        ("exp(w)", ["w=-30"]),
        ("tanh(w)", ["w=20"]),
    ]:
        assert verify(explain_expression(source, values, None)) == [], source


def test_float32_networks_pass() -> None:
    ur.manual_seed(0)
    model = ur.nn.Sequential(ur.nn.Linear(6, 8), ur.nn.ReLU(), ur.nn.Linear(8, 4), ur.nn.Sigmoid())
    loss = ur.nn.functional.mse_loss(model(ur.randn(5, 6)), ur.rand(5, 4))
    assert verify(ur.explain(loss)) == []
