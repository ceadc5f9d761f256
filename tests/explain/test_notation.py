"""Formulas as a learner types them: each is read as it is meant, or refused with what to write instead."""

from __future__ import annotations

import pytest

from upriver.errors import ArgumentError
from upriver.explain.language import parse


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("x²", "x**2"),
        ("x⁻¹", "x**-1"),
        ("-x²³", "-x**23"),
        ("2x²y", "2*x**2*y"),
        ("√x", "sqrt(x)"),
        ("√2x", "sqrt(2)*x"),
        ("√(x+1)", "sqrt(x+1)"),
        ("√sin(x)", "sqrt(sin(x))"),
        ("2√x", "2*sqrt(x)"),
        ("|x|", "abs(x)"),
        ("|x|-|y|", "abs(x)-abs(y)"),
        ("||x|-|y||", "abs(abs(x)-abs(y))"),
        ("2|x|", "2*abs(x)"),
        ("sin²(x)", "sin(x)**2"),
        ("sin²(w·|x|) + 1", "sin(w*abs(x))**2 + 1"),
        ("w×x ÷ y − 2", "w*x / y - 2"),
        ("2x", "2*x"),
        ("2 x", "2 * x"),
        ("2(w+1)", "2*(w+1)"),
        ("(a)(b+1)", "(a)*(b+1)"),
        ("tanh(w)(x)", "tanh(w)*(x)"),
        ("2πx", "2*3.141592653589793*x"),
        ("√π*x", "sqrt(3.141592653589793)*x"),
        ("w₁*x₂", "w1*x2"),
        ("ln(x) + σ(z)", "log(x) + sigmoid(z)"),
        ("３ｘ（ｙ）", "3x(y)"),
        ("٣*x + ٠٫٥", "3*x + 0.5"),
        ("2e3x", "2e3*x"),
        ("h = 2x; h²", "h = 2*x; h**2"),
        ("W.T @ x", "W.T @ x"),
        ("gelu(x, approximate='tanh')", "gelu(x, approximate='tanh')"),
        ("maximum(1,x) + sum([1,2]*x, dim=0)", "maximum(1,x) + sum([1,2]*x, dim=0)"),
    ],
)
def test_what_is_written_is_what_is_meant(typed: str, read: str) -> None:
    if typed.startswith("３"):  # x(y) is no product: x may be a function that is not known here
        with pytest.raises(ArgumentError, match=r"To multiply, write x\*"):
            parse(typed)
    else:
        assert parse(typed).source == read


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("w x", r"To multiply, write w\*x"),
        ("h = tanh(w x)", r"To multiply, write w\*x"),
        ("w(x+1)", r"To multiply, write w\*"),
        ("sin x", r"in brackets: sin\(x\)"),
        ("sin²x", r"in brackets: sin\(x\)\*\*2"),
        ("sin⁻¹(x)", "two ways"),
        ("√x²", "how far the root reaches"),
        ("√+x", "√ of nothing"),
        ("²x", "a power of nothing"),
        ("1/2x", "two ways"),
        ("1/x²y", "two ways"),
        ("a/(b)(c)", "two ways"),
        ("w**2x", "two ways"),
        ("1 000x", "Write 1000, without the space"),
        ("1,000*x", "Write 1000 for a thousand"),
        ("(1,000)*x", "Write 1000 for a thousand"),
        ("min(1,000)", "Write 1000 for a thousand"),
        ("0,5*x", r"a point in 0\.5"),
        ("|x", "stands alone"),
        ("(|x)", "stands alone"),
        ("w|x", "side by side"),
        ("x^2", r"Write \*\* for a power"),
        ("ReLU(x)", "Did you mean relu"),
        ("x≤2", "the character '≤'"),
        ("a = 2\nw x", "line 2: w and x"),
        ("(w*x", "a bracket is not closed"),
    ],
)
def test_what_is_unclear_is_answered_with_what_to_write(typed: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        parse(typed)


def test_the_fault_is_pointed_at() -> None:
    with pytest.raises(ArgumentError) as refused:
        parse("2·w + 1/2x")
    assert refused.value.message.split("\n")[1:] == ["  2*w + 1/2x", "           ^"]
