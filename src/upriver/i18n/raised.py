"""The messages of errors, found in the source: what is given to the error classes, wherever it is put together.

A message is mostly an f-string where it is raised. Where it is chosen or worded elsewhere (a local name, a constant, a
helper's return, an argument of every caller), that is followed, so that raise sites can be written without a thought
of translation. What is followed has to end in literals or f-strings: all else is reported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_WORDS = re.compile(r"[A-Za-z]{2,}[,;:]? +[\w'(\[{]|[\w)\]}'] +[A-Za-z]{2,}")
_WORD = re.compile(r"[a-z]{4,}")
_ELSEWHERE = ("message", "fix", "error", "sentence")
"""Attributes of what has been said already."""


class Scope(NamedTuple):
    """Where an expression stands."""

    module: str
    function: ast.FunctionDef | None


@dataclass
class Raised:
    """The templates of messages, each with the place where it is raised first; and the places of the unreadable.

    Args:
        trees: the source: for each module its tree.
    """

    trees: Mapping[str, ast.Module]
    templates: dict[str, str] = field(default_factory=dict[str, str])
    unreadable: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._functions: dict[str, list[tuple[str, ast.FunctionDef]]] = {}
        self._constants: dict[tuple[str, str], ast.expr] = {}
        self._calls: dict[str, list[tuple[Scope, ast.Call]]] = {}
        self._bases: dict[str, set[str]] = {}
        for module, tree in self.trees.items():
            for statement in tree.body:
                targets = statement.targets if isinstance(statement, ast.Assign) else ()
                for target in targets:
                    if isinstance(target, ast.Name) and isinstance(statement, ast.Assign):
                        self._constants[module, target.id] = statement.value
                if isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
                    self._constants[module, statement.target.id] = statement.value
            self._visit(tree, Scope(module, None))
        errors = {"UpriverError", "UsageError"}
        while more := {name for name, bases in self._bases.items() if bases & errors} - errors:
            errors |= more
        for scope, call in [pair for name in sorted(errors) for pair in self._calls.get(name, ())]:
            fixes = [keyword.value for keyword in call.keywords if keyword.arg in ("message", "fix")]
            self._message([*call.args[:2], *fixes], scope)
        for scope, call in [*self._calls.get("warn", ()), *self._calls.get("told", ())]:
            self._message([text for text in call.args[:1] if isinstance(text, ast.Constant | ast.JoinedStr)], scope)

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, ast.FunctionDef):
                self._functions.setdefault(child.name, []).append((scope.module, child))
                inner = Scope(scope.module, child)
            elif isinstance(child, ast.ClassDef):
                self._bases[child.name] = {base.id for base in child.bases if isinstance(base, ast.Name)}
            elif isinstance(child, ast.Call) and (called := _called(child)):
                self._calls.setdefault(called, []).append((scope, child))
            self._visit(child, inner)

    def _message(self, texts: Iterable[ast.expr], scope: Scope) -> None:
        for text in texts:
            place = f"{scope.module}:{text.lineno}"
            for template in self._ways(text, scope, frozenset()):
                if template is None:
                    self.unreadable.append(f"{place}: {ast.unparse(text)[:100]}")
                elif re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", template)):
                    self.templates.setdefault(template, place)

    def _ways(self, text: ast.expr, scope: Scope, seen: frozenset[int]) -> Iterator[str | None]:
        """All that a text can be, as templates; None for what cannot be read."""
        if id(text) in seen or len(seen) > 12:
            return
        seen |= {id(text)}
        match text:
            case ast.Constant(value=str(value)):
                yield quoted(value)
            case ast.Constant():
                pass
            case ast.JoinedStr(values=values):
                yield template(text)
                for part in values:
                    if isinstance(part, ast.FormattedValue):
                        yield from self._fragments(part.value, scope, seen)
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._ways(body, scope, seen)
                yield from self._ways(orelse, scope, seen)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self._ways(value, scope, seen)
            case ast.Dict(values=values):
                for value in values:
                    yield from self._ways(value, scope, seen)
            case ast.Tuple(elts=values):
                for value in values:
                    yield from self._ways(value, scope, seen)
            case ast.Subscript(value=value):
                yield from self._ways(value, scope, seen)
            case ast.GeneratorExp(generators=[ast.comprehension(iter=value), *_]):
                yield from self._ways(value, scope, seen)
            case ast.Attribute(attr=attr):
                if attr not in _ELSEWHERE:
                    yield None
            case ast.Name(id=name):
                yield from self._named(name, scope, seen)
            case ast.Call():
                yield from self._called(text, scope, seen)
            case _:
                yield None

    def _named(self, name: str, scope: Scope, seen: frozenset[int]) -> Iterator[str | None]:
        function = scope.function
        given = _parameters(function) if function is not None else []
        if function is not None and name in given:
            yield from self._given(function, given.index(name), name, seen)
            return
        values = list(_assigned(name, function)) if function is not None else []
        if not values:
            here = [
                value for (module, known), value in self._constants.items() if (module, known) == (scope.module, name)
            ]
            values = here or [value for (_, known), value in self._constants.items() if known == name][:1]
        if not values:
            yield None
        for value in values:
            yield from self._ways(value, scope, seen)

    def _given(self, function: ast.FunctionDef, at: int, name: str, seen: frozenset[int]) -> Iterator[str | None]:
        """What the callers of a function give; quietly, for what they give from elsewhere is theirs to say."""
        method = _parameters(function)[:1] == ["self"]
        alike = [f for _, f in self._functions[function.name] if (_parameters(f)[:1] == ["self"]) == method]
        if len(alike) > 1 or function.name.startswith("__"):
            return
        at -= method
        for scope, call in self._calls.get(function.name, ()):
            if method and not isinstance(call.func, ast.Attribute):
                continue
            values = [keyword.value for keyword in call.keywords if keyword.arg == name]
            values += call.args[at : at + 1] if not any(isinstance(x, ast.Starred) for x in call.args) else []
            for value in values:
                yield from [way for way in self._ways(value, scope, seen) if way is not None and _says(way)]

    def _called(self, call: ast.Call, scope: Scope, seen: frozenset[int]) -> Iterator[str | None]:
        name = _called(call)
        if name in ("say", "told"):
            return
        if name == "get" and isinstance(call.func, ast.Attribute):
            for value in [call.func.value, *call.args[1:]]:
                yield from self._ways(value, scope, seen)
            return
        if name == "next":
            for value in call.args:
                yield from self._ways(value, scope, seen)
            return
        known = [(module, f) for module, f in self._functions.get(name, ()) if module == scope.module]
        known = known or self._functions.get(name, [])
        if len(known) != 1:
            yield None
            return
        module, function = known[0]
        for node in ast.walk(function):
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                yield from self._ways(node.value, Scope(module, function), seen)

    def _fragments(self, value: ast.expr, scope: Scope, seen: frozenset[int]) -> Iterator[str]:
        """What stands in a place of an f-string, as far as it is words; quietly, for most are names and numbers."""
        chosen = isinstance(value, ast.IfExp | ast.BoolOp) or (isinstance(value, ast.Call) and _called(value) == "get")
        if isinstance(value, ast.Name | ast.IfExp | ast.BoolOp | ast.Call | ast.Subscript):
            for way in self._ways(value, scope, seen):
                if way is not None and (_says(way) or (chosen and _WORD.fullmatch(way))):
                    yield way


def _says(way: str) -> bool:
    return _WORDS.search(way) is not None


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def _assigned(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for target_, value in zip(targets, values, strict=False):
                    if isinstance(target_, ast.Name) and target_.id == name:
                        yield value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                if any(isinstance(x, ast.Name) and x.id == name for x in targets):
                    yield value
            case ast.NamedExpr(target=ast.Name(id=target), value=value) if target == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                yield value
            case _:
                pass


def template(text: ast.JoinedStr) -> str:
    """The template of an f-string.

    Example:
        >>> template(ast.parse("f'{x.ndim} axes of {list(x.shape)}'", mode="eval").body)
        '{ndim} axes of {shape}'
    """
    names: dict[str, str] = {}
    return "".join(
        quoted(str(part.value)) if isinstance(part, ast.Constant) else f"{{{_name(part, names)}}}"
        for part in text.values
    )


def quoted(text: str) -> str:
    """A text as a template that says it: braces quoted."""
    return re.sub(r"[{}]+", lambda braces: f"'{braces[0]}'", text)


def _name(part: ast.expr, names: dict[str, str]) -> str:
    """A name for a place in an f-string: the last one in its expression; the same expression, the same name."""
    assert isinstance(part, ast.FormattedValue)
    source = ast.unparse(part)
    if source not in names:
        words = re.findall(r"[a-z_]\w*", ast.unparse(part.value), re.IGNORECASE) or ["x"]
        base = next((word for word in reversed(words) if word not in ("self", "str", "join")), "x")
        name, n = base, 2
        while name in names.values():
            name, n = f"{base}{n}", n + 1
        names[source] = name
    return names[source]
