"""A derivation as data: one documented, versioned JSON document that every reader of it only shows.

The format is described in ``docs/trace.md`` and, formally, in ``trace.schema.json`` beside this module. The
terminal, the page and the pictures of other programs draw what a trace says; none of them computes a gradient.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core.graph import Graph, Node, maker
from ..core.scope import Paths
from ..core.site import line_of
from ..core.tensor import Tensor
from ..errors import ArgumentError
from ..i18n import language, use
from ..version import __version__
from . import frames
from .encoding import WHOLE, encode, number, plain
from .explanation import Explanation
from .render import derivative
from .schema import FORMAT, VERSION


def trace(
    of: Any,
    wrt: Tensor | Iterable[Tensor] | None = None,
    *,
    entries: Mapping[Any, Sequence[Any]] | None = None,
    whole: int = WHOLE,
) -> dict[str, Any]:
    """The trace of a derivation: plain data, ready for ``json.dumps(..., allow_nan=False)``, the same every time.

    Args:
        of: a loss, a :class:`Graph`, or what :func:`upriver.explain.explain` gave.
        wrt: as for ``explain``; not for an explanation, which knows it already.
        entries: which entries of large arrays to write, besides the first few: for a tensor, or for a value's
            name, a list of indices, as in ``{w: [(3, 17)]}``.
        whole: how many entries an array may have and still be written whole.

    Raises:
        ArgumentError: an entry or a name that does not exist.
        GradError: as :func:`upriver.explain.explain`.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> trace((w * 3 - 10) ** 2, wrt=w)["result"]["sentence"]
        'dL/dw = -24: raising w lowers L, at first by 24 for each unit.'
    """
    if isinstance(of, Explanation):
        if wrt is not None:
            raise ArgumentError("trace: the explanation was asked for its own wrt", "Leave wrt out, or pass the loss.")
        explanation = of
    else:
        from .derivation import explain

        explanation = explain(of.root if isinstance(of, Graph) else of, wrt)
    return _Writer(explanation, entries or {}, whole).document()


class _Writer:
    """One derivation on its way to a document."""

    def __init__(self, e: Explanation, entries: Mapping[Any, Sequence[Any]], whole: int) -> None:
        self.e, self.whole = e, whole
        self.index = {v.key: v.index for v in e.values}
        self.steps = {(s.source, s.operand): s for s in e.steps}
        self.chosen = self._chosen(entries)
        self.files: dict[str, str] = {}
        self.calls: dict[int, int] = {}
        self.modules: list[dict[str, Any]] = []
        self.path = Paths()

    def _chosen(self, entries: Mapping[Any, Sequence[Any]]) -> dict[int, list[tuple[int, ...]]]:
        """For each value the entries to write; those that were asked about are always among them."""
        named = {v.name: v.index for v in self.e.values}
        found: dict[int, list[tuple[int, ...]]] = {}
        for what, places in entries.items():
            i = named.get(what) if isinstance(what, str) else self.index.get(maker(what) or what)
            if i is None:
                name = repr(what) if isinstance(what, str) else "a tensor given"
                raise ArgumentError(f"trace: {name} is not in the graph, so it has no entries to write")
            shape = self.e.values[i].array.shape
            for place in places:
                at = tuple(place) if isinstance(place, (tuple, list)) else (place,)
                if len(at) != len(shape) or not all(-n <= k < n for k, n in zip(at, shape, strict=True)):
                    name, size = self.e.values[i].name, list(shape)
                    raise ArgumentError(
                        f"trace: {name} has shape {size} and no entry {list(at)}",
                        "Give one index in range for each dimension.",
                    )
                found.setdefault(i, []).append(tuple(int(k) % n for k, n in zip(at, shape, strict=True)))
        for answer in self.e.answers:
            if answer.entry is not None:
                found.setdefault(answer.value, []).append(answer.entry)
        return found

    def document(self) -> dict[str, Any]:
        e = self.e
        root = e.values[e.root]
        nodes = [self._node(v) for v in e.values]
        edges = [edge for v in e.values for edge in self._edges(v)]
        at = {edge["step"]: i for i, edge in enumerate(edges) if "step" in edge}
        with use(language()):  # looked up once, not for each of thousands of sentences
            walk = frames.by_operation(e, [at[s.index] for s in e.steps], self.array)
        return {
            "format": FORMAT,
            "version": VERSION,
            "generator": f"upriver {__version__}",
            "source": e.source,
            "result": frames.told({"node": e.root, "symbol": root.name}, e.conclusion()),
            "answers": [self._answer(a, at) for a in e.answers],
            "nodes": nodes,
            "edges": edges,
            "modules": self.modules,
            "frames": walk,
            "module_frames": frames.by_module(e, walk, nodes, self.modules),
        }

    def array(self, a: Any, of: int | None = None) -> dict[str, Any]:
        """An array whole, or as a summary with the first entries and those chosen for value ``of``."""
        return encode(a, whole=self.whole, chosen=self.chosen.get(of, ()) if of is not None else ())

    def _node(self, v: Any) -> dict[str, Any]:
        node = v.key if isinstance(v.key, Node) else None
        leaf = node is None and v.key.requires_grad
        out: dict[str, Any] = {
            "id": v.index,
            "kind": "operation" if node is not None else "leaf" if leaf else v.kind,
            "name": v.name,
            "latex": v.latex,
            "shape": list(v.array.shape),
            "dtype": str(v.array.dtype),
            "value": self.array(v.array, v.index),
            "gradient": None if v.gradient is None else self.array(v.gradient, v.index),
        }
        if node is not None:
            out["op"] = node.op.name
            out["formula"] = {"text": v.formula, "latex": v.formula_latex}
            out["attrs"] = {key: plain(value) for key, value in node.attrs.items()}
            out["inputs"] = [self._input(x) for x in node.inputs]
            out["module"] = self._call(node.scope)
            out["line"] = self._line(node)
        return out

    def _input(self, x: Any) -> dict[str, Any]:
        i = self.index.get(maker(x) or x)
        return {"number": number(x)} if i is None else {"node": i}

    def _edges(self, v: Any) -> Iterable[dict[str, Any]]:
        if not isinstance(v.key, Node):
            return
        for operand, x in enumerate(v.key.inputs):
            i = self.index.get(maker(x) or x)
            if i is None:
                continue
            edge: dict[str, Any] = {"from": i, "to": v.index, "input": operand}
            step = self.steps.get((v.index, operand))
            if step is not None:
                edge["step"] = step.index
                edge["derivative"] = {
                    "symbol": self._symbol(step),
                    "kind": "factor" if step.entrywise else "product",
                    "text": step.formula,
                    "latex": step.formula_latex,
                    "unsimplified": step.unsimplified,
                    "value": None if step.local is None else self.array(step.local),
                }
                if not step.entrywise:
                    edge["derivative"]["upstream_symbol"] = step.upstream_symbol
                if step.constants:
                    edge["derivative"]["constants"] = {k: self.array(a) for k, a in step.constants.items()}
                edge["product"] = self.array(step.product, step.target)
            yield edge

    def _symbol(self, step: Any) -> str:
        values = self.e.values
        top = values[step.source] if step.entrywise else values[self.e.root]
        return derivative(top.name, values[step.target].name)

    def _answer(self, a: Any, edge_of: Mapping[int, int]) -> dict[str, Any]:
        root = self.e.values[self.e.root]
        out: dict[str, Any] = {
            "node": a.value,
            "entry": None if a.entry is None else list(a.entry),
            "symbol": derivative(root.name, a.name),
            "gradient": self.array(a.gradient, a.value if a.entry is None else None),
        }
        if a.entry is not None:
            out["products"] = a.count
            out["largest"] = [
                {"edge": edge_of[p.step], "at": list(p.at), "upstream": number(p.upstream), "local": number(p.local)}
                for p in a.parts
            ]
        return out

    def _call(self, scope: Any) -> int | None:
        """The number of the module's call in which an operation ran; calls around it are numbered before it."""
        fresh: list[Any] = []
        while scope is not None and id(scope) not in self.calls:
            fresh.append(scope)
            scope = scope[1]
        for call in reversed(fresh):
            module, outer = call
            around = None if outer is None else self.calls[id(outer)]
            self.calls[id(call)] = len(self.modules)
            self.modules.append({"path": self.path(call), "type": type(module).__name__, "parent": around})
        return None if not fresh and scope is None else self.calls[id(fresh[0] if fresh else scope)]

    def _line(self, node: Node) -> dict[str, Any] | None:
        if node.site is None:
            return None
        name, line = line_of(node.site)
        if name not in self.files:
            self.files[name] = os.path.relpath(name) if name.startswith(os.getcwd() + os.sep) else name
        return {"file": self.files[name], "line": line, "text": linecache.getline(name, line).strip()}
