"""What values are called: as the user's own variables, by a path in a module, by a short formula, by a number."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple

from ..core import site
from ..core.graph import Graph, Node, maker
from ..core.tensor import Tensor
from .formula import Term, constant, is_transparent
from .writing import symbol, write

SHORT = 28
"""The longest formula that may stand for the value that it gives."""


def key_of(x: Any) -> Any:
    """What a value is known under: the node that made it, or the leaf itself."""
    return maker(x) or x


def caller() -> FrameType | None:
    """The innermost frame outside this package: where the user's own variables are."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and site.is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def of_variables(variables: Mapping[str, Any], *, lists: bool = True) -> dict[Any, str]:
    """The names of the tensors among ``variables``, of the parameters of modules, and of tensors in lists."""
    found: dict[Any, str] = {}
    modules = {name: x for name, x in variables.items() if _is_module(x) and not name.startswith("_")}
    for name, x in variables.items():
        if isinstance(x, Tensor) and not name.startswith("_"):
            found.setdefault(key_of(x), name)
    for name, module in modules.items():
        paths = of_module(module)
        numbered = any(path[:1].isdigit() for path, _ in module.named_modules())
        prefix = f"{name}." if (len(modules) > 1 or numbered) and name != "self" else ""
        for key, path in paths.items():
            found.setdefault(key, prefix + path)
    if lists:
        for key, name in of_lists(variables).items():
            found.setdefault(key, name)
    return found


def of_lists(variables: Mapping[str, Any]) -> dict[Any, str]:
    """The names of the tensors in lists among ``variables``, as in ``params[0]``."""
    found: dict[Any, str] = {}
    for name, x in variables.items():
        if isinstance(x, (list, tuple)) and not name.startswith("_") and len(x) <= 1000:
            for i, item in enumerate(x):
                if isinstance(item, Tensor):
                    found.setdefault(key_of(item), f"{name}[{i}]")
    return found


def _is_module(x: Any) -> bool:
    return hasattr(type(x), "named_parameters") and hasattr(x, "_parameters")


def of_module(module: Any, prefix: str = "") -> dict[Any, str]:
    """The paths of the parameters and buffers of a module, as in ``blocks.3.mlp.fc1.weight``."""
    found: dict[Any, str] = {}
    for walk in ("named_parameters", "named_buffers"):
        for path, x in getattr(module, walk, lambda: ())():
            found.setdefault(x, f"{prefix}.{path}" if prefix else path)
    return found


def of_scopes(graph: Graph) -> dict[Any, str]:
    """The paths of the parameters of the modules in which the operations of ``graph`` ran."""
    found: dict[Any, str] = {}
    outermost: dict[int, Any] = {}
    for node in graph:
        scope = node.scope
        while scope is not None and scope[1] is not None:
            scope = scope[1]
        if scope is not None:
            outermost.setdefault(id(scope[0]), scope[0])
    for module in outermost.values():
        if _is_module(module):
            numbered = any(path[:1].isdigit() for path, _ in module.named_modules())
            prefix = type(module).__name__.lower() if len(outermost) > 1 or numbered else ""
            for key, path in of_module(module, prefix).items():
                found.setdefault(key, path)
    return found


class Fresh:
    """Names that nothing has yet, as ``v1``, ``v2``: each letter counts on from where it was.

    Args:
        taken: the names that are in use; those given out are added.
    """

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.last: dict[str, int] = {}

    def __call__(self, letter: str, first: int = 1) -> str:
        number = self.last.get(letter, first - 1) + 1
        while f"{letter}{number}" in self.taken:
            number += 1
        self.last[letter] = number
        self.taken.add(f"{letter}{number}")
        return f"{letter}{number}"


def known_names(graph: Graph, keys: Collection[Any], given: Mapping[str, Any] | None, module: Any) -> dict[Any, str]:
    """The names of ``keys``: as given, as the caller's variables, as paths in modules, as places in lists."""
    frame = caller()
    variables = dict(frame.f_locals) if frame is not None else {}
    known = {key_of(x): name for name, x in (given or {}).items()}
    for more in (
        of_variables(variables, lists=False),
        of_module(module) if module is not None else {},
        of_scopes(graph),
        of_lists(variables),
    ):
        for key, name in more.items():
            if key in keys:
                known.setdefault(key, name)
    return _unique(known)


def _unique(known: Mapping[Any, str]) -> dict[Any, str]:
    """The same names, with a number where two values have one name."""
    fresh = Fresh(set())
    found: dict[Any, str] = {}
    for key, name in known.items():
        found[key] = fresh(f"{name}_", 2) if name in fresh.taken else name
        fresh.taken.add(found[key])
    return found


class Named(NamedTuple):
    """How one value is called.

    Attributes:
        term: in formulas: a symbol, a number, or a short formula.
        text: in sentences and tables.
        latex: in print.
        formula: how it came about, from its operands, or None for a leaf.
    """

    term: Term
    text: str
    latex: str
    formula: Term | None


def name_all(graph: Graph, known: Mapping[Any, str], result: Sequence[str] = ("L", "result")) -> dict[Any, Named]:
    """A name for every leaf and node of ``graph``.

    Args:
        graph: what ran.
        known: names given by the user, by node or leaf.
        result: what to call the result if it has no name: the first that is free.
    """
    taken = set(known.values())
    fresh = Fresh(taken)
    named: dict[Any, Named] = {}
    for leaf in graph.leaves:
        if leaf in known:
            term = symbol(known[leaf], leaf.shape)
        else:
            plain = None if leaf.requires_grad else constant(leaf.array)
            term = plain or symbol(fresh("w" if leaf.requires_grad else "c"), leaf.shape)
        named[leaf] = Named(term, write(term), write(term, latex=True), None)
    root = graph.root.node
    for node in graph:
        formula = Term(node.op, tuple([_operand(x, named) for x in node.inputs]), node.attrs, shape=tuple(node.shape))
        if node in known:
            term = symbol(known[node], formula.shape)
        elif node is root:
            name = next((r for r in result if r not in taken), None) or fresh("L")
            taken.add(name)
            term = symbol(name, formula.shape)
        else:
            term = formula if len(write(formula)) <= SHORT else symbol(fresh("v"), formula.shape)
        text, latex = write(term), write(term, latex=True)
        if is_transparent(term):
            how = "expand" if node.op.name == "broadcast_to" else node.op.name
            text, latex = f"{how}({text})", rf"\operatorname{{{how}}}\left({latex}\right)"
        named[node] = Named(term, text, latex, formula)
    return named


def _operand(x: Any, named: Mapping[Any, Named]) -> Term:
    key = key_of(x)
    if isinstance(key, (Node, Tensor)):
        return named[key].term
    return Term(None, leaf=key)


def letter(wanted: str, named: Mapping[Any, Named]) -> str:
    """A symbol that nothing else has: ``wanted``, or it with a number."""
    taken = {n.text for n in named.values()}
    return wanted if wanted not in taken else Fresh(taken)(wanted)
