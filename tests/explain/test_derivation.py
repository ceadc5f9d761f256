"""Derivations: the worked examples to every digit, the engine's numbers bit for bit, names, lines, sums."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.cli.explain import explain_expression
from upriver.explain.check import verify
from upriver.explain.derivation import explain
from upriver.explain.explanation import Explanation
from upriver.explain.records import Number
from upriver.explain.render import format_value


def double(value: Any, requires_grad: bool = True) -> ur.Tensor:
    return ur.tensor(np.asarray(value, np.float64), requires_grad=requires_grad)


def value(e: Explanation, name: str) -> Any:
    return next(v for v in e.values if v.name == name)


# The worked examples.


def test_the_lessons_example_to_every_digit() -> None:
    e = explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], None)
    assert [v.array.item() for v in e.values if v.operation] == [6, -4, 16]
    assert [(s.operation, s.formula, s.local.item(), s.upstream.item(), s.product.item()) for s in e.steps] == [
        ("pow", "2 * (w * x - y)", -8, 1, -8),
        ("sub", "1", 1, -8, -8),
        ("mul", "x", 3, -8, -24),
    ]
    assert e.answers[0].gradient == -24
    assert e.conclusion() == "dL/dw = -24: raising w lowers L, at first by 24 for each unit."
    assert (
        e.text()
        == """\
L = (w * x - y)**2
with w = 2, x = 3, y = 10

forward
  w * x               = 6
  w * x - y           = -4
  L = (w * x - y)**2  = 16

backward from L: upstream × local derivative = what flows on
       upstream               local derivative                                flows on
  pow  dL/dL            = 1   dL/d(w * x - y)        = 2 * (w * x - y)  = -8  dL/d(w * x - y)  = -8
  sub  dL/d(w * x - y)  = -8  d(w * x - y)/d(w * x)  = 1                      dL/d(w * x)      = -8
  mul  dL/d(w * x)      = -8  d(w * x)/dw            = x                = 3   dL/dw            = -24

dL/dw = -24: raising w lowers L, at first by 24 for each unit.
"""
    )
    latex = e.latex()
    assert r"\frac{\partial L}{\partial \left(w x - y\right)} &= 2 \left(w x - y\right) = -8" in latex
    assert r"\left(-8\right) \cdot x = \left(-8\right) \cdot 3 = -24" in latex
    assert verify(e) == []


def test_the_slides_example_to_every_digit() -> None:
    e = explain_expression("(w*x + b - y)**2", ["w=1", "b=0", "x=2.1", "y=4"], "w,b")
    text = e.text()
    assert "= 3.61" in text
    assert "dL/dw = -7.98: raising w lowers L, at first by 7.98 for each unit." in text
    assert "dL/db = -3.8: raising b lowers L, at first by 3.8 for each unit." in text
    assert "= -7.98" in e.latex()
    assert verify(e) == []


def test_the_same_from_code() -> None:
    w, x, y = ur.tensor(2.0, requires_grad=True), ur.tensor(3.0), 10.0
    product = w * x
    loss = (product - y) ** 2
    e = explain(loss, wrt=w)
    assert w.grad is None
    assert [s.product.item() for s in e.steps] == [-8, -8, -24]
    assert [v.name for v in e.values] == ["w", "x", "product", "product - 10", "loss"]
    assert e.conclusion() == "d(loss)/dw = -24: raising w lowers loss, at first by 24 for each unit."


# Sums over paths.


def test_a_value_that_fans_out_shows_every_share_and_their_sum() -> None:
    e = explain_expression("x*x + sin(x)*x", ["x=2"], None)
    x = value(e, "x")
    shares = [e.steps[i].product.item() for i in x.parts]
    assert shares == pytest.approx([np.sin(2), 2 * np.cos(2), 2, 2])
    total = shares[0]
    for share in shares[1:]:
        total += share
    assert x.gradient.item() == total
    assert "dL/dx  = 0.9092974 - 0.8322937 + 2 + 2  = 4.077004  (through sin(x) * x, sin(x), x * x, x * x)" in e.text()
    assert "dL/dx, share 4" in e.text()
    assert r"\Big|_{4}" in e.latex()
    assert verify(e) == []


def test_an_intermediate_result_that_fans_out() -> None:
    e = explain_expression("h = tanh(w*x); (h*h + h - y)**2", ["w=0.5", "x=1", "y=2"], "w,h")
    h = value(e, "h")
    assert len(h.parts) == 3
    assert [a.name for a in e.answers] == ["w", "h"]
    assert e.answers[1].gradient is h.gradient
    assert verify(e) == []


# The engine's own numbers.


def network() -> tuple[Any, list[ur.Tensor], Any]:
    ur.manual_seed(0)
    model = ur.nn.Sequential(ur.nn.Linear(5, 7), ur.nn.GELU(), ur.nn.LayerNorm(7), ur.nn.Linear(7, 3))
    x = ur.randn(4, 5)
    target = ur.tensor([0, 2, 1, 1])
    return model, list(model.parameters()), ur.nn.functional.cross_entropy(model(x), target)


def test_gradients_are_those_of_backward_bit_for_bit() -> None:
    model, parameters, loss = network()
    e = explain(loss, wrt=parameters, module=model)
    loss.backward()
    for a, p in zip(e.answers, parameters, strict=True):
        np.testing.assert_array_equal(a.gradient, p.grad.array)
    assert verify(e) == []


def test_a_convolution_and_a_recurrent_cell() -> None:
    ur.manual_seed(1)
    conv, cell = ur.nn.Conv2d(1, 2, 3), ur.nn.RNNCell(8, 3)
    x = ur.randn(1, 1, 4, 4)
    h = cell(conv(x).reshape(1, 8))
    h = cell(ur.relu(conv(x)).reshape(1, 8), h)
    loss = (h * h).sum()
    parameters = [*conv.parameters(), *cell.parameters()]
    e = explain(loss, wrt=parameters)
    loss.backward()
    for a, p in zip(e.answers, parameters, strict=True):
        np.testing.assert_array_equal(a.gradient, p.grad.array)
    assert verify(e) == []
    assert {a.name for a in e.answers} >= {"conv.weight", "cell.weight_ih"}
    assert len(value(e, "conv.weight").parts) == 2


# One entry.


def test_one_entry_is_the_sum_of_its_products() -> None:
    e = explain_expression("sum((W @ x - y)**2)", ["W=[[1,2],[3,4]]", "x=[1,-1]", "y=[1,1]"], "W[1,0]")
    (a,) = e.answers
    assert (a.name, a.entry, a.gradient.item(), a.count) == ("W[1, 0]", (1, 0), -4.0, 1)
    part = a.parts[0]
    assert (part.at, part.upstream, part.local) == ((1,), -4.0, 1.0)
    assert "dL/d((W @ x)[1]) × d((W @ x)[1])/dW[1, 0]  = -4 × 1  = -4" in e.text()
    assert verify(e) == []


def test_an_entry_over_a_batch_has_one_product_for_each_sample() -> None:
    x = double([[1.0, 2.0], [3.0, 4.0], [0.0, 6.0]], False)
    w = double([0.5, -0.5])
    loss = ((x @ w) ** 2).mean()
    e = explain_entry(loss, w, (0,))
    (a,) = e.answers
    assert a.count == 2  # the third sample has 0 there
    assert sum(p.upstream * p.local for p in a.parts) == pytest.approx(a.gradient.item())
    assert verify(e) == []


def test_the_largest_products_come_first_and_the_rest_is_one_number() -> None:
    x = double(np.arange(1.0, 21.0).reshape(20, 1) * np.where(np.arange(20) % 2, 1, -1).reshape(20, 1), False)
    w = double([0.5])
    loss = ((x @ w) ** 2).sum()
    e = explain_entry(loss, w, (0,))
    (a,) = e.answers
    assert a.count == 20
    assert [p.at for p in a.parts] == [(i,) for i in range(19, 11, -1)]
    products = [p.upstream * p.local for p in a.parts]
    assert products == [float(k * k) for k in range(20, 12, -1)]
    rest = sum(k * k for k in range(1, 13))
    assert re.search(rf"the other 12 together += {rest}\n", e.text())
    assert verify(e) == []


def explain_entry(loss: Any, leaf: Any, entry: tuple[int, ...]) -> Explanation:
    from upriver.explain.derivation import derive

    return derive(loss, [(leaf, entry)], {leaf: "w"})


def test_an_entry_of_a_leaf_from_code() -> None:
    pytest.importorskip("upriver.explain.entry")
    w = double([[1.0, 2.0], [3.0, 4.0]])
    loss = (w * w).sum()
    e = explain(loss, wrt=w[1, 0])
    assert (e.answers[0].name, e.answers[0].gradient.item()) == ("w[1, 0]", 6.0)


# Vectors.


def test_vectors_and_broadcasting() -> None:
    e = explain_expression("h = relu(w*x); mean((h - y)**2)", ["w=2", "x=[1,-1,3]", "y=[1,1,1]"], "w,x")
    text = e.text()
    assert "expand(w) = w" in text
    assert "= [h > 0]" in text
    assert "= [1, 0, 1]" in text
    assert "sum(g)" in text
    assert "x[1]" not in e.conclusion()
    assert verify(e) == []


def test_matrix_products_are_shown_as_their_rule_with_the_upstream_symbol() -> None:
    e = explain_expression("sum((W @ x)**2)", ["W=[[1,2],[3,4]]", "x=[[1,-1],[2,0]]"], "W,x")
    formulas = {e.values[s.target].name: s.formula for s in e.steps}
    assert formulas["W"] == "g @ x.T"
    assert formulas["x"] == "W.T @ g"
    assert r"g x^T" in e.latex()
    assert verify(e) == []


def test_unsimplified_formulas_are_what_the_rules_computed() -> None:
    e = explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], None)
    assert [s.unsimplified for s in e.steps] == ["1 * 2 * (w * x - y)", "1", "1 * x"]
    assert "1 * 2 * (w * x - y)" in e.text(unsimplified=True)


# Zero, not computed, not a number.


def test_zero_is_told_apart_from_not_computed() -> None:
    e = explain_expression("relu(w*x) + x", ["w=-2", "x=3"], "w")
    assert value(e, "w").gradient.item() == 0
    assert value(e, "x").gradient is None
    assert e.conclusion() == "dL/dw = 0: to first order, a small change of w does not change L."
    data = e.to_dict()
    by_name = {v["name"]: v for v in data["values"]}
    assert by_name["w"]["gradient"] == 0
    assert by_name["x"]["gradient"] is None
    assert format_value(None) == "not computed"


def test_not_a_number_and_infinity_are_said_and_are_valid_json() -> None:
    e = explain_expression("log(w)*0", ["w=0"], None)
    assert "not a number" in e.conclusion()
    json.dumps(e.to_dict(), allow_nan=False)
    e = explain_expression("sqrt(w)", ["w=0"], None)
    assert e.conclusion() == "dL/dw = inf: raising w raises L, at first infinitely steeply."


@pytest.mark.parametrize(
    ("expression", "w", "said"),
    [
        ("log(w)", "-1", "dL/dw = -1, which says nothing: L itself is not a number here."),
        ("exp(w)", "1000", "dL/dw = inf, which says nothing: L itself is infinite here."),
        ("w**2", "0", "dL/dw = 0: to first order, a small change of w does not change L."),
        ("abs(w)", "0", "dL/dw = 0; where that is by convention, a small change of w may change L all the same."),
        ("log(w)", "2", "dL/dw = 0.5: raising w raises L, at first by 0.5 for each unit."),
    ],
)
def test_a_conclusion_claims_no_more_than_the_derivative_says(expression: str, w: str, said: str) -> None:
    assert explain_expression(expression, [f"w={w}"], None).conclusion() == said


def test_sentences_are_broken_between_words() -> None:
    e = explain_expression("sum(tanh(W)**2)", ["W=[[1,-2],[3,5]]"], None)
    *_, before, last = e.text(width=60).rstrip().splitlines()
    assert max(len(before), len(last)) <= 60
    assert e.conclusion().endswith(f"{before} {last}")


def test_where_a_convention_decides_it_is_said() -> None:
    text = explain_expression("relu(w) + maximum(w, x)", ["w=0", "x=0"], None).text()
    assert "(relu has no derivative at one of the points here; by convention the derivative at 0 is 0)" in text
    assert (
        "(maximum has no derivative at one of the points here; by convention where both are equal each gets half)"
        in text
    )
    assert "convention" not in explain_expression("relu(w) + maximum(w, x)", ["w=1", "x=0"], None).text()


# Names.


def test_names_come_from_the_callers_variables_by_identity() -> None:
    first, second = double(1.5), double([2.0, 3.0])
    hidden = ur.tanh(first * second)
    e = explain((hidden * hidden).sum(), wrt=[first, second])
    names = [v.name for v in e.values]
    assert names == ["first", "second", "expand(first)", "first * second", "hidden", "hidden * hidden", "L"]


def test_names_in_lists_and_given_names() -> None:
    params = [double(1.5), double(2.5)]
    e = explain(params[0] * params[1], wrt=params)
    assert [a.name for a in e.answers] == ["params[0]", "params[1]"]
    e = explain(params[0] * params[1], wrt=params, names_of={"alpha": params[0], "beta": params[1]})
    assert [a.name for a in e.answers] == ["alpha", "beta"]
    assert r"\alpha" in e.latex()


def test_names_of_parameters_are_their_paths() -> None:
    class Net(ur.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = ur.nn.Linear(2, 2)
            self.fc2 = ur.nn.Linear(2, 1)

        def forward(self, x: Any) -> Any:
            return self.fc2(ur.tanh(self.fc1(x)))

    def outside(model: Any) -> Any:
        return (model(ur.ones(1, 2)) ** 2).sum()

    loss = outside(Net())
    e = explain(loss)
    assert [a.name for a in e.answers] == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert {s.module for s in e.steps} == {"", "fc1", "fc2"}


def test_wrt_may_be_any_iterable() -> None:
    model = ur.nn.Linear(2, 1)
    e = explain(model(ur.ones(1, 2)).sum(), wrt=model.parameters())
    assert [a.name for a in e.answers] == ["weight", "bias"]


def test_values_without_a_name_are_numbered() -> None:
    w = double(2.0)
    loss = (w * double([1.0, 2.0], False)).sum() + sum((w * k + k) * (w - k) for k in range(1, 9))
    e = explain(loss, wrt=w)
    names = {v.name for v in e.values}
    assert "c1" in names
    assert "v1" in names
    assert len(names) == len(e.values)


def test_a_uniform_constant_is_written_as_its_number() -> None:
    w = double([1.0, 2.0])
    e = explain((w * ur.full((2,), 3.0, dtype=ur.float64)).sum(), wrt=w)
    assert next(s.formula for s in e.steps if s.operation == "mul") == "3"


# Source lines.


def test_source_lines_and_module_paths() -> None:
    model = ur.nn.Sequential(ur.nn.Linear(2, 2), ur.nn.Tanh())
    loss = (model(ur.ones(1, 2)) ** 2).sum()  # this line
    e = explain(loss)
    assert all(v.line is not None and "# this line" in v.line for v in e.values if v.operation)
    assert [v.module for v in e.values if v.operation] == ["0", "1", "", ""]
    assert "test_derivation.py" in e.text()
    assert "[0]" in e.text()
    assert "test_derivation.py" not in e.text(lines=False)


def test_without_source_lines() -> None:
    ur.record_source_lines(False)
    w = double(2.0)
    e = explain(w * w, wrt=w)
    assert all(v.line is None for v in e.values)
    assert "not recorded" not in e.text()


# What cannot be explained.


def test_wrong_input_is_one_clear_sentence() -> None:
    w, other = double(2.0), double(3.0)
    with pytest.raises(ur.errors.GradError, match="no history"):
        explain(ur.tensor(3.0))
    with pytest.raises(ur.errors.GradError, match="no history"), ur.no_grad():
        explain(w * w)
    with pytest.raises(ur.errors.GradError, match=r"has shape \[2\]"):
        explain(w * double([1.0, 2.0]))
    with pytest.raises(ur.errors.GradError, match="not the same as zero"):
        explain(w * w, wrt=ur.tensor(1.0))
    with pytest.raises(ur.errors.GradError, match=r"None until backward\(\) has computed it"):
        explain(w.grad)  # type: ignore[arg-type]
    with pytest.raises(ur.errors.DimError, match="out of range"):
        explain(w * w, wrt=double([1.0, 2.0])[5])
    with pytest.raises(ur.errors.ArgumentError, match="wrt holds a str"):
        explain(w * w, wrt="w")  # type: ignore[arg-type]
    with pytest.raises(ur.errors.ArgumentError, match="float"):
        explain(3.0)  # type: ignore[arg-type]
    pytest.importorskip("upriver.explain.entry")
    with pytest.raises(ur.errors.GradError, match="other has no influence"):
        explain(w * w, wrt=other)


def test_the_package_is_the_function() -> None:
    w = double(2.0)
    import upriver.explain

    assert upriver.explain(w * w, wrt=w).answers[0].gradient == 4
    assert upriver.explain.verify is verify
    from upriver.explain.paths import paths

    assert ur.explain is upriver.explain
    assert upriver.explain.paths is paths
    with pytest.raises(AttributeError):
        upriver.explain.nothing_of_the_kind  # type: ignore[attr-defined]


# What it can become.


def test_mathml_is_well_formed() -> None:
    import xml.etree.ElementTree as ElementTree

    e = explain_expression("sum(where_ * sigmoid(W @ x)**2 / 3)", ["W=[[1,2],[3,4]]", "x=[1,-1]", "where_=2"], "W,x")
    root = ElementTree.fromstring(e.mathml())
    assert root.tag.endswith("math")
    assert "∂" in e.mathml()


def test_json_has_every_number() -> None:
    e = explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], None)
    data = json.loads(json.dumps(e.to_dict(), allow_nan=False))
    assert [s["product"] for s in data["steps"]] == [-8, -8, -24]
    assert [s["product_symbol"] for s in data["steps"]] == ["dL/d(w * x - y)", "dL/d(w * x)", "dL/dw"]
    assert data["answers"][0] == {
        "value": 0, "entry": None, "symbol": "dL/dw", "gradient": -24.0, "products": 0, "largest": [],
    }  # fmt: skip


def test_no_array_is_copied() -> None:
    w, x = double(np.ones((50, 50))), double(np.ones((50, 50)), False)
    h = w @ x
    e = explain((h * h).sum(), wrt=w)
    assert value(e, "w").array is w.array
    assert value(e, "h").array is h.array


def test_a_notebook_gets_text_latex_and_a_picture() -> None:
    pytest.importorskip("upriver.explain.picture")
    e = explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], None)
    bundle = e._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/latex", "image/svg+xml"}
    assert set(e._repr_mimebundle_(include={"text/latex"})) == {"text/latex"}
    assert "24" in bundle["image/svg+xml"]


def test_a_notebook_gets_no_megabytes_of_formulas() -> None:
    w = ur.tensor(0.5, requires_grad=True)
    h = w
    for _ in range(61):
        h = ur.tanh(h)
    bundle = explain(h, wrt=w)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml"}
    assert bundle["text/plain"].splitlines()[1:] == ["61 steps back: print it to read them."]


def test_an_empty_question_has_no_answer() -> None:
    w = ur.tensor(0.5, requires_grad=True)
    with pytest.raises(ur.errors.ArgumentError, match="nothing was asked about"):
        explain(w * w, wrt=[])


# What went wrong once.


def test_whole_numbers_among_the_operands_are_not_taken_for_values() -> None:
    a = double(2.0)
    e = explain((a * 3 - 1) ** 2, wrt=a)
    operations = [v for v in e.values if v.operation]
    assert [v.operands for v in operations] == [(0, Number(3)), (1, Number(1)), (2, Number(2))]
    assert [v["operands"] for v in e.to_dict()["values"] if v["operation"]] == [
        [0, {"number": 3}], [1, {"number": 1}], [2, {"number": 2}],
    ]  # fmt: skip
    assert verify(e) == []


def test_of_many_gradients_the_conclusion_says_the_largest() -> None:
    weights = [double(float(i)) for i in range(1, 13)]
    loss = sum((w * w for w in weights), double(0.0, requires_grad=False))
    e = explain(loss, wrt=weights, names_of={f"w{i}": w for i, w in enumerate(weights, 1)})
    said = e.conclusion()
    assert said.startswith("d(loss)/dw12 = 24: raising w12 raises loss")
    assert said.endswith("raises loss, at first by 20 for each unit. There are 9 more gradients: see the answers.")
    assert said.count(". ") == 3
    assert explain(loss, wrt=weights[:6]).conclusion().count("raises") == 6


def test_of_many_gradients_those_that_are_not_numbers_or_zero_are_counted() -> None:
    weights = [double(0.0 if i % 2 else 1.0) for i in range(10)]
    loss = sum((w * w for w in weights[:9]), ur.log(weights[9]) * 0.0)
    said = explain(loss, wrt=weights).conclusion()
    assert "is not a number" in said.split(". ")[0]
    assert said.endswith("There are 7 more gradients, of which 4 are exactly 0: see the answers.")


def test_products_that_are_zero_are_not_counted_among_those_of_an_entry() -> None:
    e = explain_expression("sum(relu(x @ W))", ["x=[[1,2],[3,4],[-5,6]]", "W=[[1,-2],[-1,5]]"], "W[0,0]")
    # x @ W in its first column is -1, -1, -11: closed; in its second 8, 14, 40, which W[0, 0] does not reach.
    assert (e.answers[0].count, e.answers[0].gradient) == (0, 0.0)
    e = explain_expression("sum(relu(x @ W))", ["x=[[1,2],[3,4],[-5,6]]", "W=[[1,-2],[-1,5]]"], "W[0,1]")
    assert (e.answers[0].count, e.answers[0].gradient) == (3, -1.0)
    assert "is the sum of 3 products" in e.text()
