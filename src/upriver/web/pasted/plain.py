"""Pasted code made plain: prefixes, methods, imports and the rest of what surrounds a network, brought to one form.

``self.act(torch.nn.Linear(2, 3)(x)).mean()`` becomes ``mean(self.act(Linear(2, 3)(x)))`` with ``self.act`` as one name.
Nothing is checked here but the kinds of statements: what may be in them, the checker says.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import TypeVar

from ...errors import ArgumentError
from ...explain import language

Tree = TypeVar("Tree", bound=ast.AST)

PREFIXES = {"torch", "nn", "F", "ur", "upriver", "np", "numpy", "functional"}
"""Names before a dot that say only where something comes from."""
_PACKAGES = {"torch", "upriver", "numpy", "__future__"}
_SETTINGS = {"dtype", "device"}
"""Arguments that are left out: everything is computed in double precision."""
_CALLED = {"view": "reshape", "BatchNorm": "BatchNorm1d"}
_MOST_ROUNDS, _MOST_LINES = 64, 1_000
"""How often a loop may run, and how many lines all of them written out may come to."""
_DONE = {"backward", "zero_grad", "step", "print", "train", "eval", "double", "float"}
"""Statements that call one of these compute no value: the walk back is done here anyway."""


def plain(source: str) -> tuple[list[ast.stmt], int | None]:
    r"""The statements that compute something, in plain form, and the seed that the text gives.

    Args:
        source: the text.

    Returns:
        Assignments, classes and, last, perhaps an expression; line numbers are those of the text.

    Raises:
        ArgumentError: it is not Python, or has a statement of another kind.

    Example:
        >>> body, seed = plain("import torch\ntorch.manual_seed(3)\nh = torch.relu(x).sum()")
        >>> [ast.unparse(s) for s in body], seed
        (['h = sum(relu(x))'], 3)
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        lines = source.split("\n")
        shown = lines[line - 1][:200] if line <= len(lines) else ""
        why = f"Python says “{error.msg}”" if isinstance(error, SyntaxError) else "nested too deeply"
        raise ArgumentError(
            f"line {line}: this is not Python ({why})\n  {shown}",
            "Look for a bracket or a comma that is missing.",
            at=False,
        ) from None
    reader = _Reader(source)
    try:
        return reader.body(tree.body), reader.seed
    except RecursionError:
        raise ArgumentError("the text is nested too deeply", "Name its parts.", at=False) from None


class _Reader(ast.NodeTransformer):
    """Brings statements and expressions to one form.

    Args:
        source: the text, to point into.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.seed: int | None = None
        self.names: set[str] = set()
        self.numbers: dict[str, int] = {}
        self.lines = 0

    def body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """The statements that compute something."""
        found: list[ast.stmt] = []
        for i, statement in enumerate(statements):
            match statement:
                case ast.Import() | ast.ImportFrom():
                    self._import(statement)
                case ast.ClassDef(bases=[_], decorator_list=[], keywords=[]):
                    found.append(self._class(statement))
                case ast.Expr(value=ast.Constant(value=str())):  # a text that describes what follows
                    pass
                case ast.Expr(value=ast.Call() as call) if self._is_done(call):
                    pass
                case ast.Expr(value=value) if i == len(statements) - 1:
                    found.append(_at(ast.Expr(self.visit(value)), statement))
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(
                    values
                ):
                    found += [self._assign(statement, *pair) for pair in zip(names, values, strict=True)]
                case ast.Assign(targets=[ast.Tuple() as target], value=value):
                    found += self._unpacked(statement, target, value)
                case ast.For(target=ast.Name(id=name), iter=ast.expr() as over, body=inner, orelse=[]):
                    for n in self._rounds(statement, over):
                        self.numbers[name] = n
                        found += self.body(copy.deepcopy(inner))
                    self.numbers.pop(name, None)
                case ast.Assign(targets=[target], value=value):
                    found.append(self._assign(statement, target, value))
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    found.append(self._assign(statement, target, value))
                case ast.AugAssign(target=ast.Name() as target, op=operator, value=value):
                    before = _at(ast.Name(target.id, ast.Load()), target)
                    found.append(self._assign(statement, target, _at(ast.BinOp(before, operator, value), statement)))
                case ast.Return(value=ast.expr() as value):
                    found.append(_at(ast.Return(self.visit(value)), statement))
                case _:
                    raise language.refuse(
                        self.source,
                        statement,
                        f"{_KINDS.get(type(statement), 'this statement')} cannot be part of a network here",
                        "Write assignments, as in h = relu(w*x), loops as in for t in range(3), and at the end a loss.",
                    )
        return found

    def _rounds(self, statement: ast.stmt, over: ast.expr) -> range:
        """The numbers of ``range(…)``, whose arguments are plain whole numbers."""
        match over:
            case ast.Call(func=ast.Name(id="range"), args=[_, *_] as args, keywords=[]) if len(args) <= 3:
                numbers = [self._whole(arg) for arg in args]
                if None not in numbers and 0 not in numbers[2:]:
                    rounds = range(*[n for n in numbers if n is not None])
                    self.lines += len(rounds) * len(statement.body) if len(rounds) <= _MOST_ROUNDS else 0  # type: ignore[attr-defined]
                    if len(rounds) <= _MOST_ROUNDS and self.lines <= _MOST_LINES:
                        return rounds
                    raise language.refuse(
                        self.source, statement, "this loop runs too often", f"At most {_MOST_ROUNDS} rounds are drawn."
                    )
        raise language.refuse(
            self.source, statement, "a loop counts to a plain number here", "Write it as in for t in range(3)."
        )

    def _whole(self, node: ast.expr) -> int | None:
        """A whole number that is written down, also of the counter of a loop, as ``t + 1``."""
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool) and abs(value) < 10**6:
                return value
            case ast.Name(id=name):
                return self.numbers.get(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                n = self._whole(operand)
                return None if n is None else -n
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                a, b = self._whole(left), self._whole(right)
                if a is None or b is None:
                    return None
                return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
        return None

    def _unpacked(self, statement: ast.stmt, target: ast.Tuple, value: ast.expr) -> list[ast.stmt]:
        """``out, (h, c) = lstm(x)``: the pair under a name that no text can have, then its parts."""
        pair = f"the values of line {statement.lineno}"
        found = [_at(ast.Assign([_at(ast.Name(pair, ast.Store()), target)], self.visit(value)), statement)]
        for name, path in _leaves(self.source, target):
            part: ast.expr = _at(ast.Name(pair, ast.Load()), target)
            for i in path:
                part = _at(ast.Subscript(part, _at(ast.Constant(i), target), ast.Load()), target)
            self._free(_at(ast.Name(name, ast.Store()), target))
            found.append(_at(ast.Assign([_at(ast.Name(name, ast.Store()), target)], part), statement))
        return list(found)

    def _assign(self, statement: ast.stmt, target: ast.expr, value: ast.expr) -> ast.stmt:
        target, value = self.visit(target), self.visit(value)
        if isinstance(target, ast.Name):
            self._free(target)
        return _at(ast.Assign([target], value), statement)

    def _free(self, target: ast.Name) -> None:
        """A name that is given a value: not the counter of a loop, which is a number wherever it is read."""
        if target.id in self.numbers:
            raise language.refuse(
                self.source, target, f"{target.id} counts the rounds of this loop", "Choose another name."
            )
        self.names.add(target.id)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        names = [a.name for a in statement.names] if isinstance(statement, ast.Import) else [statement.module or ""]
        for name in names:
            if name.split(".")[0] not in _PACKAGES:
                raise language.refuse(
                    self.source, statement, f"{name} cannot be imported here", "Leave the line out: layers are there."
                )

    def _is_done(self, call: ast.Call) -> bool:
        """Whether a call is there for what it does, and not for its value; the seed is taken from it."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "manual_seed" and len(call.args) == 1 and isinstance(call.args[0], ast.Constant):
            value = call.args[0].value
            self.seed = value % 2**31 if isinstance(value, int) else 0
            return True
        inner = call.func.value if isinstance(call.func, ast.Attribute) else None
        is_super = isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "super" and name == "__init__"
        return name in _DONE or is_super

    def _class(self, node: ast.ClassDef) -> ast.ClassDef:
        methods: list[ast.stmt] = []
        for method in node.body:
            if isinstance(method, ast.Expr) and isinstance(method.value, ast.Constant):
                continue
            simple = isinstance(method, ast.FunctionDef) and not (method.decorator_list or _more(method.args))
            if not isinstance(method, ast.FunctionDef) or not simple or not method.args.args:
                raise language.refuse(
                    self.source, method, "only __init__(self, …) and forward(self, x) can be part of a class here"
                )
            outside, self.names = self.names, {arg.arg for arg in method.args.args}
            body = self.body(method.body)
            self.names = outside
            made = ast.FunctionDef(method.name, method.args, body or [ast.Pass()], [])
            methods.append(_at(made, method))
        return _at(ast.ClassDef(node.name, [], [], methods, []), node)

    # Expressions.

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """``torch.nn.Linear`` as ``Linear``, ``self.fc`` as one name; ``x.T`` stays."""
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return _at(ast.Name(f"self.{node.attr}", node.ctx), node)
        root: ast.expr = node
        while isinstance(root, ast.Attribute) and (root is node or root.attr in PREFIXES):
            root = root.value
        if isinstance(root, ast.Name) and root.id in PREFIXES and root.id not in self.names:
            return _at(ast.Name(_CALLED.get(node.attr, node.attr), ast.Load()), node)
        return _at(ast.Attribute(self.visit(node.value), node.attr, node.ctx), node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The counter of a loop as the number that it is."""
        if isinstance(node.ctx, ast.Load) and node.id in self.numbers:
            return _at(ast.Constant(self.numbers[node.id]), node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """An index whose parts are plain numbers, so far as they can be read."""
        parts = [self._part(part) for part in language.entries(node.slice)]
        key = parts[0] if not isinstance(node.slice, ast.Tuple) else _at(ast.Tuple(parts, ast.Load()), node)
        return _at(ast.Subscript(self.visit(node.value), key, node.ctx), node)

    def _part(self, part: ast.expr) -> ast.expr:
        if isinstance(part, ast.Slice):
            ends = [self._part(end) if end is not None else None for end in (part.lower, part.upper, part.step)]
            return _at(ast.Slice(*ends), part)
        n = self._whole(part)
        return part if n is None else _at(ast.Constant(n), part)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """A chain of operators from left to right: a long sum is no deeper than a short one."""
        links: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp):
            links.append(first)
            first = first.left
        found = self.visit(first)
        for link in reversed(links):
            found = _at(ast.BinOp(found, link.op, self.visit(link.right)), link)
        return found

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """``x.mean()`` as ``mean(x)``; a layer that is called where it is made, as it is."""
        keywords = [k for k in node.keywords if k.arg not in _SETTINGS]
        args = [self.visit(arg) for arg in node.args]
        for k in keywords:
            k.value = self.visit(k.value)
        function = self.visit(node.func)
        if isinstance(function, ast.Attribute):
            name = _CALLED.get(function.attr, function.attr)
            if name in ("double", "float", "to", "train", "eval"):  # the same numbers, in the precision of this place
                return function.value
            return _at(ast.Call(_at(ast.Name(name, ast.Load()), node), [function.value, *args], keywords), node)
        return _at(ast.Call(function, args, keywords), node)


def _more(args: ast.arguments) -> bool:
    return bool(args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg or args.defaults)


def _at(new: Tree, old: ast.AST) -> Tree:
    return ast.copy_location(new, old)


def _leaves(source: str, target: ast.expr, path: tuple[int, ...] = ()) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The names of a tuple, each with its place."""
    if isinstance(target, ast.Tuple) and len(path) < 3:
        for i, inner in enumerate(target.elts):
            yield from _leaves(source, inner, (*path, i))
    elif isinstance(target, ast.Name):
        yield target.id, path
    else:
        raise language.refuse(source, target, "only names can be assigned to", "Write it as in out, h = rnn(x).")


_KINDS: dict[type[ast.AST], str] = {
    ast.For: "a loop",
    ast.While: "a loop",
    ast.If: "if",
    ast.FunctionDef: "a function",
    ast.With: "with",
    ast.Try: "try",
    ast.Expr: "an expression whose value nothing reads",
    ast.Delete: "del",
}
