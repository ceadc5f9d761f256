"""The language of expressions: arithmetic, the engine's named functions, names. Parsed, never run as Python.

    w*x + b
    tanh(W @ x + b)
    h = relu(w1*x); (w2*h - y)**2

What people write otherwise, as ``2x²`` and ``|w|``, :mod:`.notation` brings to it. A value is a number, or nested lists
of numbers for vectors and matrices. Formulas of derivatives are in a slightly wider language, which people's input is
not: comparisons, ``[x > 0]`` for a condition as a number (Iverson's bracket), ``gelu'`` for the derivative of ``gelu``.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ..core.registry import ops
from ..core.tensor import Tensor
from ..errors import ArgumentError
from ..ops.elementwise import Elementwise
from ..ops.shape import axes
from .notation import written

BINARY: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
    ast.Mod: "remainder",
    ast.FloorDiv: "floor_divide",
}
COMPARE: dict[type[ast.AST], str] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor",
}
_STRUCTURED = """
    sum mean prod logsumexp norm var std softmax log_softmax softmin matmul dot outer mv mm linear transpose permute
    reshape unsqueeze squeeze flatten expand cumsum cumprod stack cat silu mish softsign hardsigmoid hardswish relu6
    selu celu logsigmoid tanhshrink softshrink lerp mse_loss l1_loss huber_loss smooth_l1_loss
"""
_INTERNAL = [
    "where",
    "full",
    "vecdot",
    "center",
    "sum_to",
    "broadcast_to",
    "place",
    "isnan",
    "isinf",
    "isfinite",
    "einsum",
]
CONSTANTS = {"inf": float("inf"), "nan": float("nan")}
_REFUSED = {"dtype", "out", "generator", "memory_format"}
_LONGEST = 10_000


@lru_cache(maxsize=2)
def functions(internal: bool = False) -> Mapping[str, Callable[..., Any]]:
    """The functions that an expression may call, by name: those of the engine, and no others."""
    named = [op.name for op in ops if isinstance(op, Elementwise) and op.differentiable and op.name != "gelu_slope"]
    found = {name: getattr(ops, name) for name in [*named, *_STRUCTURED.split()] if hasattr(ops, name)}
    found |= {"max": _max, "min": _min}
    if internal:
        found |= {op.name: op for op in ops if op.name not in found}  # the records: front doors may average
        found |= {name: getattr(ops, name) for name in _INTERNAL if hasattr(ops, name)}
        found["center"] = lambda x, dim=None: ops.record("center")(x, dims=axes("center", dim, x.ndim))
        found["gelu_slope"] = lambda x, approximate="none": ops.record("gelu_slope")(x, approximate=approximate)
    return found


def _max(x: Any, other: Any = None, *, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The larger of two, or the largest entry."""
    return ops.amax(x, dim, keepdim) if other is None else ops.maximum(x, other)


def _min(x: Any, other: Any = None, *, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The smaller of two, or the smallest entry."""
    return ops.amin(x, dim, keepdim) if other is None else ops.minimum(x, other)


class Program(NamedTuple):
    """A parsed expression: assignments in order, the last of them being the result.

    Attributes:
        source: the text.
        steps: ``(name, tree)`` for each assignment; the last name is empty where the text gives none.
        names: the free names, in the order of their first use: what needs a value.
        internal: whether the text was a formula of a derivative.
    """

    source: str
    steps: tuple[tuple[str, ast.expr], ...]
    names: tuple[str, ...]
    internal: bool = False

    @property
    def operations(self) -> int:
        """How many operations it asks for, at most."""
        kinds = (ast.BinOp, ast.UnaryOp, ast.Call, ast.List, ast.Attribute)
        return sum([isinstance(node, kinds) for _, tree in self.steps for node in ast.walk(tree)])

    @property
    def depth(self) -> int:
        """How deeply its parts are nested; a chain such as ``a + b + c`` is one level, however long."""
        deepest, stack = 0, [(tree, 1) for _, tree in self.steps]
        while stack:
            node, depth = stack.pop()
            deepest = max(deepest, depth)
            while isinstance(node, ast.BinOp):
                stack.append((node.right, depth + 1))
                node = node.left
            stack += [(child, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return deepest


def refuse(source: str, node: ast.AST, why: str, fix: str | None = None) -> ArgumentError:
    """The error that points at a place in the text; of several lines it shows the one."""
    column, number = getattr(node, "col_offset", 0), getattr(node, "lineno", 1)
    lines = source.split("\n")
    if len(lines) > 1 and number <= len(lines):
        return ArgumentError(f"line {number}: {why}\n  {lines[number - 1]}\n  {' ' * column}^", fix, at=False)
    return ArgumentError(f"expression: {why}\n  {source}\n  {' ' * column}^", fix, at=False)


def parse(source: str, *, internal: bool = False) -> Program:
    """``source`` as a program.

    Args:
        source: one expression, or assignments and then an expression, with ``;`` or line ends between them.
        internal: allow what only formulas of derivatives have: comparisons, conditions.

    Raises:
        ArgumentError: it is outside the language; the message points at the place.

    Example:
        >>> parse("(w*x - y)**2").names
        ('w', 'x', 'y')
    """
    text = source.strip()
    if len(text) > _LONGEST and not internal:
        raise ArgumentError(f"expression: longer than {_LONGEST:,} characters", at=False)
    text = re.sub(r"([A-Za-z_]\w*)'\(", r"\1_slope(", text) if internal else written(text, functions())
    try:
        body = ast.parse(text, mode="exec").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = max(0, (getattr(error, "offset", None) or 1) - 1)
        raise ArgumentError(
            f"expression: {_unread(error)}\n  {text[:200]}\n  {' ' * min(column, 200)}^",
            "Write arithmetic and functions, as in (w*x - y)**2 or tanh(w*x + b).",
            at=False,
        ) from None
    if not body:
        raise ArgumentError("expression: nothing was given", "Write one, as in (w*x - y)**2.", at=False)
    checker = Checker(text, functions(internal), internal)
    steps: list[tuple[str, ast.expr]] = []
    for i, statement in enumerate(body):
        if isinstance(statement, ast.Expr) and i == len(body) - 1:
            name, tree = "", statement.value
        else:
            name, tree = checker.assignment(statement)
        checker.tree(tree)
        checker.known.add(name)
        steps.append((name, tree))
    return Program(text, tuple(steps), tuple(checker.free), internal)


def _unread(error: BaseException) -> str:
    """Why a text could not be read at all."""
    why = getattr(error, "msg", None) or ""
    if why.startswith("invalid character"):
        return f"the character {why.split()[2]} is not in the language"
    if why.startswith("too many nested"):
        return "nested too deeply"
    if why.endswith("was never closed"):
        return "a bracket is not closed"
    return "a bracket too many is closed" if why.startswith("unmatched") else "not in the language"


class Checker:
    """Refuses everything but the language.

    Args:
        source: the text, to point into.
        allowed: the functions that may be called, by name.
        internal: see :func:`parse`.

    Attributes:
        known: the names that have been assigned to.
        free: the names that were read before, in the order of their first use.
    """

    def __init__(self, source: str, allowed: Mapping[str, Any], internal: bool = False) -> None:
        self.source, self.allowed, self.internal = source, allowed, internal
        self.known: set[str] = set()
        self.free: dict[str, None] = {}

    def assignment(self, statement: ast.stmt) -> tuple[str, ast.expr]:
        """The name and the tree of an assignment.

        Raises:
            ArgumentError: it is none, or its name is taken.
        """
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise refuse(self.source, statement, "only assignments and, last, one expression are in the language")
        target = statement.targets[0]
        if not isinstance(target, ast.Name):
            raise refuse(self.source, target, "only a name can be assigned to")
        name = target.id
        if name in self.known or name in self.free:
            raise refuse(self.source, target, f"{name} has a value already", "Give each value a name of its own.")
        if name in self.allowed:
            raise refuse(self.source, target, f"{name} is a function", "Choose another name.")
        return name, statement.value

    def tree(self, tree: ast.expr) -> None:
        """Check an expression. Iterative.

        Raises:
            ArgumentError: something in it is not in the language.
        """
        stack: list[ast.AST] = [tree]
        while stack:
            stack += reversed(self.parts(stack.pop()))

    def parts(self, node: ast.AST) -> list[ast.expr]:
        """What is to be checked within ``node``, which has been checked itself."""
        internal = self.internal
        match node:
            case ast.Name(id=name):
                if name in self.allowed and name not in self.known and not internal:
                    raise refuse(self.source, node, f"{name} is a function", f"Call it, as in {name}(x).")
                if name not in self.known and not (internal and name in CONSTANTS):
                    self.free.setdefault(name)
                return []
            case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
                return []
            case ast.BinOp(left=left, op=operator, right=right):
                if isinstance(operator, ast.BitXor) and not internal:
                    raise refuse(self.source, node, "^ is not in the language", "Write ** for a power.")
                if type(operator) not in BINARY and not (internal and type(operator) in COMPARE):
                    raise refuse(self.source, node, "this operator is not in the language")
                return [left, right]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                return [operand]
            case ast.Compare(left=left, comparators=[right], ops=[_]) if internal:
                return [left, right]
            case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand) if internal:
                return [operand]
            case ast.Compare():
                raise refuse(
                    self.source,
                    node,
                    "comparisons are not in the language",
                    "relu, abs, maximum, minimum and clamp choose by value.",
                )
            case ast.Call(func=ast.Name(id=name)):
                return self.call(node, name)
            case ast.Attribute(value=value, attr="T" | "mT"):
                return [value]
            case ast.List(elts=items) if items:
                return items
            case ast.Subscript(value=value, slice=key) if internal:
                return [*[k for k in entries(key) if isinstance(k, ast.Name)], value]
        raise refuse(self.source, node, f"{_kind(node)} is not in the language")

    def call(self, node: ast.Call, name: str) -> list[ast.expr]:
        """The arguments of a call that are to be checked."""
        if name not in self.allowed:
            raise _unknown(self.source, node, name, self.allowed)
        for keyword in node.keywords:
            if not self.internal:
                _check_keyword(self.source, node, name, keyword, self.allowed[name])
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                raise refuse(self.source, arg, "* is not in the language here")
        return [arg for arg in node.args if not static(arg, self.internal)]


def entries(key: ast.expr) -> list[ast.expr]:
    """The parts of an index."""
    return list(key.elts) if isinstance(key, ast.Tuple) else [key]


def key(entry: ast.expr, scope: Mapping[str, Any]) -> Any:
    """One part of an index as it is meant: a number, a slice, None, a name."""
    if isinstance(entry, ast.Slice):
        return slice(
            *[None if part is None else ast.literal_eval(part) for part in (entry.lower, entry.upper, entry.step)]
        )
    return scope[entry.id] if isinstance(entry, ast.Name) else ast.literal_eval(entry)


def _kind(node: ast.AST) -> str:
    kinds: dict[type[ast.AST], str] = {
        ast.Constant: "this kind of constant",
        ast.Attribute: "an attribute (a name after a dot)",
        ast.Subscript: "an index",
        ast.Call: "a call of anything but a function's name",
        ast.Lambda: "lambda",
        ast.IfExp: "if … else",
        ast.Tuple: "a tuple (write a list: [1, 2])",
        ast.List: "an empty list",
        ast.BoolOp: "and/or",
    }
    return kinds.get(type(node), type(node).__name__.lower())


def _unknown(source: str, node: ast.AST, name: str, allowed: Mapping[str, Any]) -> ArgumentError:
    from difflib import get_close_matches

    known = {one.lower(): one for one in allowed}
    near = get_close_matches(name.lower(), known, 1, 0.6)
    fix = f"There are: {', '.join(sorted(allowed))}."
    if near:
        fix = f"Did you mean {known[near[0]]}?"
    elif len(name) <= 3:  # a weight, as in w(x + 1)
        fix = f"To multiply, write {name}*(…)."
    return refuse(source, node, f"there is no function {name!r}", fix)


def static(node: ast.AST, internal: bool) -> bool:
    """Whether an argument is a fixed setting: a word, None, a tuple of whole numbers."""
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (str, bool))):
        return True
    return internal and isinstance(node, ast.Tuple)


def _check_keyword(source: str, node: ast.AST, name: str, keyword: ast.keyword, function: Any) -> None:
    fits = isinstance(keyword.value, (ast.Constant, ast.UnaryOp, ast.Tuple))
    try:
        ast.literal_eval(keyword.value)
        accepted = {p for p in inspect.signature(function).parameters if p not in ("self", "kwargs")}
        accepted = accepted | {"dim", "keepdim", "approximate", "correction"} if lenient(function) else accepted
    except (ValueError, TypeError, SyntaxError):
        fits = False
        accepted = set()
    if not fits or keyword.arg in _REFUSED or keyword.arg not in accepted:
        raise refuse(source, node, f"{name} cannot be given {keyword.arg or '**'} here")


def lenient(function: Any) -> bool:
    """Whether a function takes keywords that its signature does not name."""
    return any(p.kind == p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())
