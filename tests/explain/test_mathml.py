"""LaTeX as MathML."""

from __future__ import annotations

import pytest

from upriver.errors import ArgumentError
from upriver.explain.mathml import convert, equations


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        ("x", "<mi>x</mi>"),
        ("12.5", "<mn>12.5</mn>"),
        ("w_{1}^{2}", "<msubsup><mi>w</mi><mn>1</mn><mn>2</mn></msubsup>"),
        (r"\frac{a}{b}", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        (r"\sqrt{x}", "<msqrt><mi>x</mi></msqrt>"),
        (r"\theta", "<mi>θ</mi>"),
        (r"\mathit{loss}", "<mi>loss</mi>"),
        (r"\mathtt{fc1.my\_bias}", "<mi>fc1.my_bias</mi>"),
        (r"\mathcal{N}", "<mi>𝒩</mi>"),
        ("a - b", "<mrow><mi>a</mi><mo>−</mo><mi>b</mi></mrow>"),
        ("= -2", '<mrow><mo>=</mo><mo form="prefix">−</mo><mn>2</mn></mrow>'),
        ("a < b", "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"),
        (r"\sin x", '<mrow><mi>sin</mi><mo>&#x2061;</mo><mspace width="0.17em"/><mi>x</mi></mrow>'),
        (
            r"\operatorname{reshape}_{2}\left(g\right)",
            "<mrow><msub><mi>reshape</mi><mn>2</mn></msub><mo>&#x2061;</mo>"
            '<mrow><mo fence="true">(</mo><mi>g</mi><mo fence="true">)</mo></mrow></mrow>',
        ),
        (
            r"\left\lfloor x \right\rfloor",
            '<mrow><mo fence="true">⌊</mo><mi>x</mi><mo fence="true">⌋</mo></mrow>',
        ),
        (
            r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}",
            '<mrow><mo fence="true">[</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr>'
            '<mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable><mo fence="true">]</mo></mrow>',
        ),
    ],
)
def test_converted(latex: str, mathml: str) -> None:
    assert convert(latex) == mathml


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(ArgumentError, match="weird"):
        convert(r"\weird{x}")


def test_equations_stand_under_each_other() -> None:
    text = equations([("a", "1"), ("b", "2")])
    assert text.startswith('<math xmlns="http://www.w3.org/1998/Math/MathML"')
    assert text.count("<mtr>") == 2
