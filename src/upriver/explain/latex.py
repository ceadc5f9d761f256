"""A derivation as LaTeX: every line as an equation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .render import SMALL, plain
from .writing import latex_number

if TYPE_CHECKING:
    from .explanation import Explanation


def _latex_of(latex: str) -> str:
    simple = re.fullmatch(r"(\\[a-z]+|[A-Za-z]|\\math\w+\{[^{}]*\})(_\{[^{}]*\})?", latex)
    return latex if simple else rf"\left({latex}\right)"


def latex_derivative(top: str, bottom: str) -> str:
    """The symbol of a derivative in LaTeX."""
    return rf"\frac{{\partial {_latex_of(top)}}}{{\partial {_latex_of(bottom)}}}"


def latex_value(array: Any) -> str:
    """An array as LaTeX: a number, a small matrix, or its shape."""
    a = np.asarray(array)
    if a.ndim == 0:
        return latex_number(plain(a))
    if a.size > 2 * SMALL or a.ndim > 2 or a.size == 0:
        return _latex_shape(a)
    rows = a.reshape(1, -1) if a.ndim == 1 else a
    body = r" \\ ".join(" & ".join(latex_number(float(f"{x + 0.0:.4g}")) for x in row.tolist()) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def _latex_shape(a: Any) -> str:
    return r"\left[" + r" \times ".join(map(str, a.shape)) + r"\right]"


def latex_lines(e: Explanation) -> list[tuple[str, str]]:
    """Every line of the derivation as (left side, right side) of an equation."""
    root = e.values[e.root]
    lines: list[tuple[str, str]] = []
    for v in e.values:
        if v.operation is not None:
            named = v.latex != v.formula_latex
            left, right = (v.latex, f"{v.formula_latex} = ") if named else (v.latex, "")
            lines.append((left, right + latex_value(v.array)))
    for s in e.steps:
        source, target = e.values[s.source], e.values[s.target]
        left = latex_derivative(root.latex, target.latex)
        if s.entrywise:
            if s.source == e.root:  # upstream is 1
                chain = [s.formula_latex]
            else:
                up = _factor(latex_value(s.upstream))
                local = latex_derivative(source.latex, target.latex)
                chain = [rf"{latex_derivative(root.latex, source.latex)} \cdot {local}"]
                chain.append(rf"{up} \cdot {_factor(s.formula_latex)}")
                if np.asarray(s.local).ndim == 0 and s.formula_latex != latex_value(s.local):
                    chain.append(rf"{up} \cdot {_factor(latex_value(s.local))}")
            if chain[-1] != latex_value(s.product):
                chain.append(latex_value(s.product))
            right = " = ".join(chain)
        else:
            g = latex_derivative(root.latex, source.latex)
            right = rf"{s.formula_latex} = {latex_value(s.product)},\quad {s.upstream_symbol} = {g}"
        if len(target.parts) > 1:
            left = rf"{left}\Big|_{{{target.parts.index(s.index) + 1}}}"
        lines.append((left, right))
    for v in reversed(e.values):
        if len(v.parts) > 1:
            shares = " + ".join(_factor(latex_value(e.steps[i].product)) for i in v.parts)
            lines.append((latex_derivative(root.latex, v.latex), f"{shares} = {latex_value(v.gradient)}"))
    for a in e.answers:
        if a.entry is not None:
            lines.append((latex_derivative(root.latex, a.latex), latex_value(a.gradient)))
    return lines


def _factor(latex: str) -> str:
    """A factor of a product: in parentheses if it is a sum or negative."""
    if latex.startswith(r"\begin"):
        return latex
    depth, bare = 0, latex.startswith("-")
    for i, c in enumerate(latex):
        depth += {"{": 1, "}": -1, "(": 1, ")": -1, "[": 1, "]": -1}.get(c, 0)
        bare = bare or (depth == 0 and i > 0 and c in "+-" and latex[i - 1] == " ")
    return rf"\left({latex}\right)" if bare else latex


def as_latex(e: Explanation) -> str:
    """The derivation as one aligned block of LaTeX (amsmath)."""
    body = " \\\\\n".join(f"{left} &= {right}" for left, right in latex_lines(e))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
