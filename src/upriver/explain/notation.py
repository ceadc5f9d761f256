"""Formulas as people write them, brought to the characters of the language: ``2x²`` is ``2*x**2``, ``|w|`` ``abs(w)``.

What could be read in two ways, as ``1/2x``, is refused with both ways of writing it.
"""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from collections.abc import Container
from itertools import pairwise

from ..errors import ArgumentError

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
_MARKS = str.maketrans(
    {
        **dict.fromkeys("·×⋅∗∙", "*"), **dict.fromkeys("−–‒", "-"), **dict.fromkeys("÷∕⁄", "/"), "٫": ".",
        **{lowered: str(i) for i, lowered in enumerate("₀₁₂₃₄₅₆₇₈₉")},
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}, "\u00a0": " ", "\u3000": " ",
    }
)  # fmt: skip
_PLAIN_RAISED = str.maketrans(_RAISED, "0123456789+-")
_ALIASES = {"ln": "log", "σ": "sigmoid", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
_TOKEN = re.compile(
    rf"""(?P<space>[^\S\n]+)
    |(?P<text>'[^'\n]*'|"[^"\n]*"|\#[^\n]*)
    |(?P<raised>[{_RAISED}]+)
    |(?P<number>0[xXoObB][0-9a-fA-F]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?)
    |(?P<pi>π)
    |(?P<name>[^\W\d{_RAISED}π][^\W{_RAISED}π]*)
    |(?P<open>[(\[]) |(?P<close>[)\]]) |(?P<bar>\|) |(?P<root>√)
    |(?P<sign>\*\*|//|[-+*/@%^,;=\n]|.)""",
    re.VERBOSE | re.DOTALL,
)


def written(text: str, functions: Container[str]) -> str:
    """A formula in the characters of the language.

    Args:
        text: as it was typed.
        functions: the names that are functions.

    Raises:
        ArgumentError: it could be read in two ways, or in none.

    Example:
        >>> written("2x² + |w·x|/√y", {"abs", "sqrt"})
        '2*x**2 + abs(w*x)/sqrt(y)'
        >>> written("sin²(w) + 3(x + 1)", {"sin"})
        'sin(w)**2 + 3*(x + 1)'
    """
    return _Reader(text.translate(_MARKS), functions).read()


def unclear(text: str, at: int, why: str, fix: str) -> ArgumentError:
    """The error that points at a place."""
    before = text[:at].rpartition("\n")[2]
    number = text.count("\n", 0, at) + 1
    line = text.split("\n")[number - 1]
    if "\n" in text:
        return ArgumentError(f"line {number}: {why}\n  {line}\n  {' ' * len(before)}^", fix, at=False)
    return ArgumentError(f"expression: {why}\n  {line}\n  {' ' * len(before)}^", fix, at=False)


class _Reader:
    """One pass through the tokens, with what is open.

    Args:
        text: with plain operators and digits.
        functions: the names that are functions.
    """

    def __init__(self, text: str, functions: Container[str]) -> None:
        self.text = "".join([str(unicodedata.digit(c)) if c.isdecimal() else c for c in text])
        self.functions = functions
        self.out: list[str] = []
        self.open: list[tuple[str, str, str]] = []  # the bracket, what follows its end, the operator before it
        self.last = ""  # the kind of what came before, "" where a value may begin
        self.word = ""  # and its text
        self.operator = ""  # the last operator at this level: a product that is not written may not follow / or **
        self.rooted = False

    def read(self) -> str:
        """The text in the characters of the language."""
        tokens = [(str(m.lastgroup), m.group(), m.start()) for m in _TOKEN.finditer(self.text)]
        solid = [i for i, token in enumerate(tokens) if token[0] != "space"]
        following = dict(pairwise(solid))
        for i, (kind, text, at) in enumerate(tokens):
            after = tokens[following[i]] if i in following else ("", "", at)
            if kind == "space":
                self.out.append(text)
                continue
            self._side_by_side(kind, text, at, after)
            getattr(self, f"_{kind}", self._plain)(text, at, after)
            self.last, self.word = self.kind, text
        for bracket, _, _ in self.open:
            if bracket == "|":
                raise unclear(self.text, len(self.text), "a | stands alone", "Write two of them, or abs(x).")
        return "".join(self.out)

    def _side_by_side(self, kind: str, text: str, at: int, after: tuple[str, str, int]) -> None:
        """A product that is not written: ``2x``, ``2(x + 1)``, ``(a)(b)``; refused where it is unclear."""
        opens = kind in ("name", "open", "root", "pi") or (kind == "bar" and not self._closes())
        if self.last == "name" and kind in ("name", "number", "pi") and not _reserved(self.word, text):
            if self.word in self.functions:
                raise unclear(
                    self.text,
                    at,
                    f"{self.word} is a function",
                    f"Put what it is taken of in brackets: {self.word}({text}).",
                )
            raise unclear(
                self.text, at, f"{self.word} and {text} stand side by side", f"To multiply, write {self.word}*{text}."
            )
        if self.last == "number" and kind == "number" and self.text[at - 1].isspace():
            raise unclear(
                self.text,
                at,
                f"{self.word} {text}: two numbers stand side by side",
                f"Write {self.word}{text}, without the space.",
            )
        if self.last == "name" and (kind == "root" or (kind == "bar" and opens)):
            raise unclear(
                self.text, at, f"{self.word} and {text} stand side by side", "To multiply, write * between them."
            )
        times = (
            opens
            and self.last in ("number", "raised", "close")
            and text != "["
            and after[1] != ")"
            and not _reserved(text)
        )
        if not times:
            return
        if self.operator in ("/", "//", "%", "**"):
            raise unclear(
                self.text,
                at,
                f"a product without a sign after {self.operator} can be read in two ways",
                "Write the * and brackets: 1/(2*x), or (1/2)*x.",
            )
        gap = self.out.pop() if self.out and self.out[-1].isspace() else ""
        self.out += ["*", gap] if not gap else [" * "]

    # What each kind of token becomes.

    kind = ""

    def _plain(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        self.out.append(text)
        self.kind = "other"

    def _text(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        self._plain(text, at, after)

    def _number(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        beyond = re.match(r",\d+", self.text[after[2] : after[2] + 5])
        called = bool(self.open) and self.open[-1][0] not in ("(", "|")
        if beyond and (not called or re.fullmatch(r",0\d\d", beyond.group())):
            raise unclear(
                self.text,
                after[2],
                f"a number is written without commas here: {text},…",
                "Write 1000 for a thousand, and a point in 0.5.",
            )
        self._value(text, "number", after)

    def _pi(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        self._value(repr(math.pi), "close", after)

    def _name(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        call = after[1] == "("
        if call and text in _ALIASES and text not in self.functions:
            text = _ALIASES[text]
        if after[0] == "raised" and text in self.functions:
            beyond = self.text[after[2] + len(after[1]) :].lstrip()[:1]
            if "⁻" in after[1]:
                fix = f"Write 1/{text}(x), or the inverse function by its name."
                raise unclear(self.text, after[2], f"{text}{after[1]} can be read in two ways", fix)
            if beyond != "(":
                raise unclear(
                    self.text, after[2], f"{text} is a function", f"Put what it is taken of in brackets: {text}(x)**2."
                )
            self.out.append(text)
            self.kind = "function"
            return
        if call and self.rooted:  # √f(x): the root ends where the call does
            self.out.append(text)
            self.kind = "name"
            return
        self._value(text, "name", after)

    def _value(self, text: str, kind: str, after: tuple[str, str, int]) -> None:
        self.out.append(f"{text})" if self.rooted else text)
        if self.rooted and (after[0] == "raised" or after[1] in ("**", "^")):
            raise unclear(
                self.text, after[2], "how far the root reaches can be read in two ways", "Write √(x²), or (√x)²."
            )
        self.kind = "close" if self.rooted else kind
        self.rooted = False

    def _raised(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        power = text.translate(_PLAIN_RAISED)
        self.kind = "raised"
        if self.last == "function":  # sin²(x): the power comes after the bracket
            self.kind, self.power = "power", f"**{power}"
        elif self.last in ("name", "number", "close", "raised"):
            self.out.append(f"**{power}")
        else:
            raise unclear(self.text, at, "a power of nothing", "Write it after a name or a bracket, as in x**2.")

    power = ""

    def _root(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        if after[0] not in ("name", "number", "pi") and after[1] != "(":
            raise unclear(self.text, at, "√ of nothing", "Write √x, √(x + 1) or sqrt(x).")
        self.out.append("sqrt" if after[1] == "(" else "sqrt(")
        self.rooted = after[1] != "("
        self.kind = "other"

    def _open(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        end = self.power if self.last == "power" else ")" if self.rooted else ""
        call = text == "(" and self.last in ("name", "function", "power")
        self.open.append(("call" if call else text, end, self.operator))
        self.power, self.rooted, self.operator, self.kind = "", False, "", "other"
        self.out.append(text)

    def _close(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        self.kind = "close"
        if self.open and self.open[-1][0] == "|":
            raise unclear(self.text, at, "a | stands alone", "Write two of them, or abs(x).")
        _, end, self.operator = self.open.pop() if self.open else ("", "", "")
        self.out.append(text + end)

    def _closes(self) -> bool:
        """Whether a bar ends one: after a value, where one is open."""
        ended = self.last in ("name", "number", "close", "raised")
        return ended and bool(self.open) and self.open[-1][0] == "|"

    def _bar(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        if self._closes():
            _, _, self.operator = self.open.pop()
            self.out.append(")")
            self.kind = "close"
        else:
            self.open.append(("|", "", self.operator))
            self.out.append("abs(")
            self.operator, self.kind = "", "other"

    def _sign(self, text: str, at: int, after: tuple[str, str, int]) -> None:
        self.operator = text
        self._plain(text, at, after)
        if text == ".":  # of W.T
            self.operator = ""


def _reserved(*words: str) -> bool:
    """Whether one of these means something else: what Python has is refused where it is read."""
    return any([keyword.iskeyword(word) for word in words])
