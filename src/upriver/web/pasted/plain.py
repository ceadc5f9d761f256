"""Pasted code made plain: prefixes, methods, imports and the rest of what surrounds a network, brought to one form.

``self.act(torch.nn.Linear(2, 3)(x)).mean()`` becomes ``mean(self.act(Linear(2, 3)(x)))`` with ``self.act`` as one name.
Nothing is checked here but the kinds of statements: what may be in them, the checker says.
"""

from __future__ import annotations

import ast
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
                        "Write assignments, as in h = relu(w*x), and at the end a loss. Write loops out.",
                    )
        return found

    def _assign(self, statement: ast.stmt, target: ast.expr, value: ast.expr) -> ast.stmt:
        target, value = self.visit(target), self.visit(value)
        if isinstance(target, ast.Name):
            self.names.add(target.id)
        return _at(ast.Assign([target], value), statement)

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
