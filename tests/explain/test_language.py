"""The language of expressions: what is in it, what is refused and how, and that it never runs Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver.errors import ArgumentError, UpriverError
from upriver.explain.evaluate import evaluate, number as value
from upriver.explain.language import functions, parse


def result(source: str, **values: Any) -> np.ndarray:
    return evaluate(parse(source), {k: ur.tensor(np.asarray(v, np.float64)) for k, v in values.items()})[""].array


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("w*x - y", {"w": 2, "x": 3, "y": 10}, -4),
        ("-x**2", {"x": 3}, -9),
        ("+x", {"x": 3}, 3),
        ("x % 3 + x // 3", {"x": 7}, 3),
        ("2**3*x", {"x": 1}, 8),
        ("7 // 2 + 7 % 4 + x", {"x": 0}, 6),
        ("1/3*x", {"x": 3}, 1),
        ("h = x + 1; z = h*h; z - h", {"x": 2}, 6),
        ("h = x + 1\nh*h", {"x": 2}, 9),
        ("max(x, 0)", {"x": -2}, 0),
        ("max(x)", {"x": [1, 5, 2]}, 5),
        ("sum(max(x, dim=0))", {"x": [[1, 5], [2, 3]]}, 7),
        ("min(x, 1) + minimum(x, 0.5)", {"x": 3}, 1.5),
        ("W @ x", {"W": [[1, 2], [3, 4]], "x": [1, -1]}, [-1, -1]),
        ("W.T", {"W": [[1, 2], [3, 4]]}, [[1, 3], [2, 4]]),
        ("[x, 2*x, 1]", {"x": 3}, [3, 6, 1]),
        ("sum(x * [1, 2, 3])", {"x": 2}, 12),
        ("exp(0) + x", {"x": 1}, 2),
        ("softplus(x, beta=2)", {"x": 0}, np.log(2) / 2),
        ("reshape(x, 2, 1)", {"x": [1, 2]}, [[1], [2]]),
        ("gelu(x, approximate='tanh')", {"x": 0}, 0),
        ("sum(x, dim=1, keepdim=True)", {"x": [[1, 2], [3, 4]]}, [[3], [7]]),
        ("0.1 + x", {"x": 0.2}, 0.1 + 0.2),
    ],
)
def test_what_is_in_the_language(source: str, values: Any, expected: Any) -> None:
    found = result(source, **values)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_names_are_those_that_need_a_value_in_order() -> None:
    assert parse("h = w*x; h + w + z").names == ("w", "x", "z")


def test_assigned_values_are_given_back() -> None:
    found = evaluate(parse("h = x + 1; h*h"), {"x": ur.tensor(2.0)})
    assert found["h"].item() == 3
    assert found[""].item() == 9


def test_gradients_flow_through_lists() -> None:
    x = ur.tensor(np.float64(3.0), requires_grad=True)
    (g,) = ur.grad(evaluate(parse("sum([x, 2*x, 1] * [1, 10, 100])"), {"x": x})[""], x)
    assert g.item() == 21


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "nothing was given"),
        ("   ", "nothing was given"),
        ("w >", "not in the language"),
        ("(w", "a bracket is not closed"),
        ("w)", "a bracket too many"),
        ("w ∂ x", "the character '∂'"),
        ("w < 1", "comparisons"),
        ("w == 1", "comparisons"),
        ("w if w else 1", "if"),
        ("w and x", "and/or"),
        ("not w", "unaryop"),
        ("~w", "unaryop"),
        ("w[0]", "an index"),
        ("w.shape", "attribute"),
        ("w.__class__", "attribute"),
        ("''.join", "attribute"),
        ("f'{w}'", "joinedstr"),
        ("'text'", "constant"),
        ("True", "constant"),
        ("None", "constant"),
        ("b'1'*w", "constant"),
        ("lambda: w", "lambda"),
        ("[w for w in x]", "listcomp"),
        ("{w: 1}", "dict"),
        ("(w, x)", "tuple"),
        ("[]", "empty list"),
        ("w := 1", "not in the language"),
        ("(w := 1)", "namedexpr"),
        ("import os", "only assignments"),
        ("del w", "only assignments"),
        ("w += 1", "only assignments"),
        ("w; x", "only assignments"),
        ("def f(): pass", "only assignments"),
        ("w.h = 1", "only a name"),
        ("w, x = 1", "only a name"),
        ("w = 1; w = 2; w", "has a value already"),
        ("w*2; 3", "only assignments"),
        ("sin = 2; sin*w", "is a function"),
        ("sin + w", "is a function"),
        ("__import__('os')", "no function '__import__'"),
        ("eval(w)", "no function 'eval'"),
        ("tanhh(w)", "no function 'tanhh'"),
        ("w.sum()", "a call of anything but"),
        ("(lambda: w)()", "a call of anything but"),
        ("sin(*w)", r"\* is not in the language"),
        ("sin(**w)", "cannot be given"),
        ("sum(w, dtype=float)", "cannot be given"),
        ("sum(w, dim=w)", "cannot be given"),
        ("sum(w, bogus=1)", "cannot be given"),
        ("w ^ 2", "Write \\*\\*"),
        ("w & x", "operator"),
        ("w << 1", "operator"),
        ("where(w > 0, w, 0)", "no function 'where'"),
        ("w" + "+w" * 6000, "longer than"),
    ],
)
def test_what_is_refused(source: str, why: str) -> None:
    with pytest.raises(ArgumentError, match=why):
        parse(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("w + z", "no value for z"),
        ("1/0*w", "a division by zero"),
        ("9**9**9*w", "too large to write down"),
        ("(-1)**0.5*w", "not a real number"),
        ("2 @ 3 + w", "two plain numbers"),
        ("sin(w, w)", "sin takes 1 argument, and 2"),
        ("sin()", "sin takes 1 argument, and 0"),
        ("maximum(w)", "maximum takes 2 arguments, and 1"),
        ("[w, [w, w]]", "unequal parts"),
        ("reshape(w, 0.5)", "whole numbers"),
        ("softmax(w)", "dim is missing"),
        ("W @ [1, 2, 3]", "do not fit"),
        ("W + [1, 2, 3]", "do not fit"),
        ("sum(W, dim=5)", "out of range"),
        ("reshape(W, 10**9, 10**9)", "reshape"),
        ("-" * 5000 + "w", "nested too deeply|not in the language"),
        ("w" + "+w" * 4000, "nested too deeply|not in the language"),
    ],
)
def test_what_cannot_be_computed(source: str, why: str) -> None:
    values = {"w": ur.tensor(1.0), "W": ur.ones(2, 2)}
    with pytest.raises(UpriverError, match=why):
        evaluate(parse(source), {k: v.double() for k, v in values.items()})


@given(st.text(alphabet="wxy01.+-*/()[]=;, sin_'\"<>@%^&|~\n\\#", max_size=40))
@settings(max_examples=300)
def test_any_text_is_parsed_or_refused_in_a_sentence(source: str) -> None:
    try:
        program = parse(source)
        evaluate(program, {name: ur.tensor(np.float64(0.5)) for name in program.names})
    except UpriverError as error:
        assert str(error)  # noqa: PT017


def test_functions_are_the_engines_own() -> None:
    names = functions()
    assert {"relu", "tanh", "exp", "sum", "mean", "softmax", "matmul", "silu"} <= set(names)
    assert not {"where", "gt", "eval", "tensor", "save", "load", "compile", "manual_seed", "gelu_slope"} & set(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2),
        ("-1/3", -1 / 3),
        ("1e-3", 1e-3),
        ("[1,2]", [1, 2]),
        ("[[1,2],[3,4]]", [[1, 2], [3, 4]]),
        ("sqrt(2)", 2**0.5),
    ],
)
def test_values(text: str, expected: Any) -> None:
    found = value(text)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("text", ["", "abc", "[1,[2]]", "w*2", "1;2", "'2'", "[]", "1/0", "h=2"])
def test_wrong_values(text: str) -> None:
    with pytest.raises(ArgumentError, match="is not a number or a list of numbers"):
        value(text)


# The wider language of formulas.


def test_formulas_of_derivatives() -> None:
    x = ur.tensor(np.array([-1.0, 0.5]))

    def read(text: str) -> Any:
        return evaluate(parse(text, internal=True), {"x": x})[""].array

    np.testing.assert_array_equal(read("[x > 0]"), [0.0, 1.0])
    np.testing.assert_array_equal(read("2 * [(x >= -1) & (x < 0)]"), [2.0, 0.0])
    np.testing.assert_array_equal(read("where(x == 0.5, 3, x)"), [-1.0, 3.0])
    np.testing.assert_array_equal(read("x[1]"), 0.5)
    np.testing.assert_array_equal(read("x[None, :1]"), [[-1.0]])
    np.testing.assert_array_equal(read("full((2,), 3) * x"), [-3.0, 1.5])
    np.testing.assert_array_equal(read("where(x == -inf, 0, x)"), [-1.0, 0.5])
    assert read("gelu'(x)").shape == (2,)
