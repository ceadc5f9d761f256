"""LaTeX as MathML, for the part of LaTeX that formulas here are written in.

Browsers draw MathML Core without a script or a font to load, and screen readers read it. One source for both:
the LaTeX of an operation's record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from ..errors import ArgumentError

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|[A-Za-z]|\S|\s+")
_SYMBOLS = {
    "cdot": "⋅", "odot": "⊙", "times": "×", "star": "⋆", "partial": "∂", "sum": "∑", "prod": "∏", "infty": "∞",
    "neq": "≠", "leq": "≤", "geq": "≥", "land": "∧", "lor": "∨", "lnot": "¬", "oplus": "⊕", "mid": "|", "to": "→",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "|": "‖", "approx": "≈", "sim": "∼", "otimes": "⊗",
    "langle": "⟨", "rangle": "⟩", "bmod": "mod", "top": "⊤", "max": "max", "min": "min", "in": "∈", "Vert": "‖",
    "{": "{", "}": "}", "circ": "∘", "ast": "∗", "pm": "±", "ldots": "…", "dots": "…", "prime": "′",
    "cup": "∪", "cap": "∩",
}  # fmt: skip
_GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta lambda mu nu xi pi rho sigma tau phi chi psi omega".split(),
        "αβγδεζηθλμνξπρστφχψω",
        strict=True,
    )
) | {"Phi": "Φ", "Sigma": "Σ", "Delta": "Δ", "Gamma": "Γ", "Lambda": "Λ", "Omega": "Ω", "ell": "ℓ"}
_FUNCTIONS = set("sin cos tan arcsin arccos arctan sinh cosh tanh ln log exp det tr lim gcd arg Pr".split())
_THIN = '<mspace width="0.17em"/>'
_APPLIED = {*_FUNCTIONS, "operatorname"}
_SPACES = {",": "0.17em", ";": "0.28em", ":": "0.22em", "quad": "1em", "qquad": "2em", " ": "0.25em", "!": "-0.17em"}
_MATRICES = {"bmatrix": ("[", "]"), "cases": ("{", ""), "aligned": ("", ""), "pmatrix": ("(", ")")}
_TEXT = {"text": "mtext", "mathit": "mi", "mathtt": "mi", "mathrm": "mi", "operatorname": "mi"}
_SCRIPT = dict(zip("BEFHILMR", "ℬℰℱℋℐℒℳℛ", strict=True))


class _Reader:
    """A recursive reader of LaTeX; formulas are shallow where they are shown."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def raw(self) -> str:
        """The text between braces, as it stands."""
        assert self.take() == "{"
        depth, parts = 1, []
        while depth and self.at < len(self.tokens):
            token = self.take()
            depth += {"{": 1, "}": -1}.get(token, 0)
            if depth:
                parts.append(token[1:] if token in (r"\_", r"\ ", r"\%") else token)
        return "".join(parts)

    def row(self, *ends: str) -> str:
        """Everything up to one of ``ends``, which is not taken, as one row."""
        parts: list[str] = []
        while self.peek() and self.peek() not in ends:
            if self.peek().isspace():
                self.take()
                continue
            if self.peek() == "-" and parts and parts[-1].startswith("<mo"):
                self.take()
                parts.append('<mo form="prefix">−</mo>')  # a sign, not a difference
                continue
            if self.peek()[1:] in _APPLIED and parts and not parts[-1].startswith("<mo"):
                parts.append(_THIN)  # 2 sin x
            parts.append(self.scripted())
        return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"

    def scripted(self) -> str:
        while self.peek().isspace():
            self.take()
        applied = "<mo>&#x2061;</mo>" if self.peek()[1:] in _APPLIED else ""
        base = self.atom()
        below = above = ""
        while self.peek() in ("^", "_"):
            if self.take() == "^":
                above = self.atom()
            else:
                below = self.atom()
        if below and above:
            base = f"<msubsup>{base}{below}{above}</msubsup>"
        elif above:
            base = f"<msup>{base}{above}</msup>"
        elif below:
            base = f"<msub>{base}{below}</msub>"
        while self.peek().isspace():
            self.take()
        if applied and self.peek() not in (r"\left", "(", "", "}"):
            applied += _THIN
        return base + applied

    def atom(self) -> str:
        token = self.take()
        while token.isspace():
            token = self.take()
        if token == "{":
            inner = self.row("}")
            self.take()
            return inner
        if token[:1] != "\\":
            if token[0].isdigit():
                return f"<mn>{token}</mn>"
            if token.isalpha():
                return f"<mi>{token}</mi>"
            return f"<mo>{escape('−' if token == '-' else '′' if token == chr(39) else token)}</mo>"
        return self.command(token[1:])

    def command(self, name: str) -> str:
        if name in _TEXT:
            text = escape(self.raw())
            return f"<{_TEXT[name]}>{text}</{_TEXT[name]}>"
        if name == "mathcal":
            letters = self.raw()
            return f"<mi>{''.join(_SCRIPT.get(c) or chr(0x1D49C + ord(c) - ord('A')) for c in letters)}</mi>"
        if name == "frac":
            return f"<mfrac>{self.atom()}{self.atom()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.atom()}</msqrt>"
        if name == "left":
            return self.delimited()
        if name == "begin":
            return self.matrix(self.raw())
        if name in ("Big", "big"):
            return f'<mo stretchy="true">{escape(self.take())}</mo>'
        if name in _FUNCTIONS:
            return f"<mi>{name}</mi>"
        if name in _GREEK:
            return f"<mi>{_GREEK[name]}</mi>"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}"/>'
        if name in _SYMBOLS:
            return f"<mo>{escape(_SYMBOLS[name])}</mo>"
        raise ArgumentError(f"mathml: \\{name} is not in the part of LaTeX that formulas are written in")

    def delimiter(self) -> str:
        token = self.take()
        if token == ".":
            return ""
        return f'<mo fence="true">{escape(_SYMBOLS[token[1:]] if token[0] == chr(92) else token)}</mo>'

    def delimited(self) -> str:
        opening = self.delimiter()
        inner = self.row(r"\right")
        self.take()
        return f"<mrow>{opening}{inner}{self.delimiter()}</mrow>"

    def matrix(self, kind: str) -> str:
        rows: list[str] = []
        cells: list[str] = []
        end = r"\end"
        while self.peek():
            cells.append(f"<mtd>{self.row('&', chr(92) * 2, end)}</mtd>")
            separator = self.take()
            if separator != "&":
                rows.append(f"<mtr>{''.join(cells)}</mtr>")
                cells = []
            if separator == end:
                self.raw()
                break
        opening, closing = _MATRICES[kind]
        fences = [f'<mo fence="true">{c}</mo>' if c else "" for c in (opening, closing)]
        return f"<mrow>{fences[0]}<mtable>{''.join(rows)}</mtable>{fences[1]}</mrow>"


def convert(latex: str) -> str:
    """The MathML of one formula, without the ``math`` element around it.

    Raises:
        ArgumentError: a command that is not known here.

    Example:
        >>> convert("w^{2}")
        '<msup><mi>w</mi><mn>2</mn></msup>'
    """
    return _Reader(latex).row()


def equations(lines: Sequence[tuple[str, str]]) -> str:
    """Equations under each other, aligned at their equals signs, as one ``math`` element."""
    rows = "".join(
        f'<mtr><mtd style="text-align: right">{convert(left)}</mtd><mtd><mo>=</mo></mtd>'
        f'<mtd style="text-align: left">{convert(right)}</mtd></mtr>'
        for left, right in lines
    )
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block" dir="ltr"><mtable>{rows}</mtable></math>'
