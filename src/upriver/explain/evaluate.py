"""A parsed expression, computed by the engine: in float64, and no larger than whoever asks allows."""

from __future__ import annotations

import ast
import inspect
import operator as python
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..causes import cause
from ..core.registry import ops
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError, UpriverError, joined
from ..ops.elementwise import Elementwise
from . import language
from .language import BINARY, COMPARE, CONSTANTS, Program

_PLAIN: dict[str, Callable[[float, float], float]] = {
    "add": python.add,
    "sub": python.sub,
    "mul": python.mul,
    "div": python.truediv,
    "pow": python.pow,
    "remainder": python.mod,
    "floor_divide": python.floordiv,
}
_SIZES = {"reshape", "permute", "transpose", "unsqueeze", "squeeze", "expand", "flatten"}
_WITHOUT_VALUE = {
    OverflowError: "among its plain numbers is a power or product too large to write down",
    ZeroDivisionError: "among its plain numbers is a division by zero",
}
_DIMENSIONS = 8
"""A value of an expression that is bounded has no more dimensions than this."""


def evaluate(program: Program, values: Mapping[str, Any], *, most: int | None = None) -> dict[str, Tensor]:
    """Every assigned name, and ``""`` for the result, computed by the engine from ``values`` (in float64).

    Args:
        program: what was parsed.
        values: a tensor for each free name.
        most: how many entries a value may have that comes up on the way; None for as many as there is memory.

    Raises:
        ArgumentError: a name has no value, the expression is nested too deeply, or a value is too large.
        ShapeError: shapes do not fit.
    """
    missing = [name for name in program.names if name not in values]
    if missing:
        raise ArgumentError(
            f"expression: no value for {', '.join(missing)}\n  {program.source}",
            f"Give one: {' '.join(f'{name}=1' for name in missing)}.",
            at=False,
        )
    run = Run({**(CONSTANTS if program.internal else {}), **values}, program.internal, most)
    result: Any = None
    for name, tree in program.steps:
        result = run.statement(name, tree, program.source)
    return {**{k: v for k, v in run.scope.items() if isinstance(v, Tensor)}, "": result}


class Run:
    """Values by name, and what is computed from them.

    Args:
        scope: the values; what is assigned is added.
        internal: whether this is a formula of a derivative, see :func:`.language.parse`.
        most: how many entries a value may have.
    """

    def __init__(self, scope: dict[str, Any], internal: bool = False, most: int | None = None) -> None:
        self.scope, self.internal, self.most = scope, internal, most

    def statement(self, name: str, tree: ast.expr, source: str) -> Any:
        """The value of one assignment, which is remembered under its name."""
        try:
            found = self.value(tree)
        except RecursionError:
            raise ArgumentError("expression: nested too deeply", "Name its parts: h = ...; h*h.", at=False) from None
        except (OverflowError, ZeroDivisionError) as error:
            why = _WITHOUT_VALUE[ZeroDivisionError if isinstance(error, ZeroDivisionError) else OverflowError]
            raise ArgumentError(f"expression: {why}\n  {source}", at=False) from None
        except UpriverError:
            raise
        except (TypeError, ValueError, IndexError, MemoryError) as error:
            raise ArgumentError(
                f"expression: cannot be computed ({cause(error)})\n  {source}",
                "Look at what each function is given.",
                at=False,
            ) from None
        if isinstance(found, (int, float, np.ndarray)):
            found = _tensor(found)
        self.scope[name] = found
        return found

    def value(self, node: ast.AST) -> Any:
        """The value of a tree: a tensor, or a plain number."""
        found = self._value(node)
        if self.most is not None and isinstance(found, Tensor):
            self._bound(found)
        return found

    def _bound(self, x: Tensor) -> None:
        if x.array.size > (self.most or 0):
            raise ArgumentError(
                f"expression: a value of shape {list(x.shape)} comes up, of {x.array.size:,} entries",
                f"No value may have more than {self.most:,}.",
                at=False,
            )
        if x.ndim > _DIMENSIONS:
            raise ArgumentError(
                f"expression: a value of {x.ndim} dimensions comes up", f"At most {_DIMENSIONS} fit here.", at=False
            )

    def _value(self, node: ast.AST) -> Any:
        match node:
            case ast.Name(id=name):
                return self.scope[name]
            case ast.Constant(value=value):
                return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
            case ast.BinOp():
                return self._chain(node)
            case ast.Compare(left=left, comparators=[right], ops=[operator]):
                return getattr(ops, COMPARE[type(operator)])(_tensor(self.value(left)), self.value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand):
                return ops.logical_not(self.value(operand))
            case ast.UnaryOp(operand=operand):
                return self.value(operand)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                return self._call(name, args, keywords)
            case ast.Attribute(value=value, attr=attr):
                return getattr(_tensor(self.value(value)), attr)
            case ast.Subscript(value=value, slice=key):
                entries = tuple([language.key(k, self.scope) for k in language.entries(key)])
                return ops.index(self.value(value), entries)
            case ast.List(elts=items):
                return self._list([self.value(item) for item in items])
        raise AssertionError(node)

    def _chain(self, node: ast.expr) -> Any:
        """Operators from left to right: a long sum is no deeper than a short one."""
        links: list[ast.BinOp] = []
        while isinstance(node, ast.BinOp):
            links.append(node)
            node = node.left
        a = self.value(node)
        for link in reversed(links):
            b = self.value(link.right)
            name = BINARY.get(type(link.op)) or COMPARE[type(link.op)]
            if not isinstance(a, Tensor) and not isinstance(b, Tensor):
                a = _plain(name, a, b)
                continue
            a = getattr(ops, name)(a, b)
            if self.most is not None:
                self._bound(a)
        return a

    def _call(self, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Any:
        given = [ast.literal_eval(arg) if language.static(arg, self.internal) else self.value(arg) for arg in args]
        if name in ("cat", "stack"):
            given = [[_tensor(x) for x in given]]
        elif name in _SIZES:
            given = [_tensor(x) for x in given[:1]] + [_size(name, x) for x in given[1:]]
        elif name == "full":
            return wrap(np.full(given[0], given[1], np.float64), None)
        elif given and not isinstance(given[0], (Tensor, str)):
            given[0] = _tensor(given[0])
        named = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
        function = language.functions(self.internal)[name]
        if self.internal and not isinstance(function, Elementwise) and not _takes(function, named):
            function = ops.record(name)
        if isinstance(function, Elementwise):
            n = len(function.cases[0].inputs)
            if len(given) != n:
                plural = "s" if n > 1 else ""
                raise ArgumentError(
                    f"expression: {name} takes {n} argument{plural}, and {len(given)} were given", at=False
                )
        elif not self.internal:
            fits(name, function, given, named)
        return function(*given, **named)

    def _list(self, items: list[Any]) -> Any:
        if self.internal and len(items) == 1 and isinstance(items[0], Tensor) and items[0].dtype.kind == "b":
            return ops.cast(items[0], dtype=np.dtype(np.float64))
        shapes = {_tensor(item).shape for item in items}
        if len(shapes) > 1:
            raise ArgumentError(
                f"expression: a list of unequal parts, of shapes {joined(str(list(s)) for s in sorted(shapes))}",
                "Give every row the same number of entries.",
                at=False,
            )
        tensors = [_tensor(item) for item in items]
        if any(t.requires_grad or t.node is not None for t in tensors):
            return ops.stack(tensors)
        return wrap(np.stack([t.array for t in tensors]), None)


def fits(name: str, function: Callable[..., Any], given: list[Any], named: Mapping[str, Any]) -> None:
    """Check that a function can be called so.

    Raises:
        ArgumentError: it takes other arguments.
    """
    signature = inspect.signature(function)
    try:
        signature.bind(*given, **named)
    except TypeError:
        takes = ", ".join([p for p in signature.parameters if p not in ("dtype", "device", "out", "generator")])
        raise ArgumentError(f"expression: {name} is called as {name}({takes})", at=False) from None


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else wrap(np.asarray(x, np.float64), None)


def _takes(function: Any, named: Mapping[str, Any]) -> bool:
    accepted = {
        *inspect.signature(function).parameters,
        *(("dim", "keepdim", "correction") if language.lenient(function) else ()),
    }
    return accepted.issuperset(named)


def _size(name: str, x: Any) -> int:
    if isinstance(x, (int, float)) and float(x).is_integer():
        return int(x)
    raise ArgumentError(f"expression: {name} needs whole numbers", f"As in {name}(x, 2).", at=False)


def _plain(name: str, a: float, b: float) -> float:
    if name not in _PLAIN:
        raise ArgumentError(f"expression: {name} of two plain numbers is not in the language", at=False)
    found = _PLAIN[name](float(a), float(b))
    if isinstance(found, complex):
        raise ArgumentError(f"expression: {a}**{b} is not a real number", at=False)
    return found


def number(text: str, *, most: int | None = None) -> np.ndarray[Any, Any]:
    """A value as people give it, ``2``, ``-1/3``, ``[[1, 2], [3, 4]]``, as an array of float64.

    Args:
        text: what was given.
        most: how many entries it may have.

    Raises:
        ArgumentError: it is not made of numbers, or of too many.

    Example:
        >>> number("[1, 1/2]")
        array([1. , 0.5])
    """
    try:
        program = language.parse(text)
        if program.names or len(program.steps) != 1 or program.steps[0][0]:
            raise ArgumentError("names", at=False)
        array = evaluate(program, {}, most=most)[""].array
    except UpriverError:
        raise ArgumentError(
            f"{text!r} is not a number or a list of numbers", "As in w=2, w=-1/3 or W=[[1,2],[3,4]].", at=False
        ) from None
    return np.array(array, np.float64)
