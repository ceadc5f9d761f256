"""A derivation as data: one documented, versioned JSON document that every reader of it only shows.

The format is described in ``docs/trace.md`` and, formally, in ``trace.schema.json`` beside this module. The
terminal, the page and the pictures of other programs draw what a trace says; none of them computes a gradient.
"""

from __future__ import annotations

import json
import linecache
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.graph import Graph, Node, maker
from ..core.scope import Paths
from ..core.site import line_of
from ..core.tensor import Tensor
from ..errors import ArgumentError, FileError
from ..version import __version__
from . import frames
from .explanation import Explanation
from .render import derivative
from .schema import problem

FORMAT = "upriver-trace"
VERSION = 1
WHOLE = 16
"""Arrays with more entries than this are summarised."""
FIRST = 4
"""How many entries a summary begins with."""
_EXACT = 2**53
_STATISTICS = (("min", np.min), ("max", np.max), ("mean", np.mean), ("std", np.std), ("norm", np.linalg.norm))


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
        walk = frames.by_operation(e, [at[s.index] for s in e.steps], self.array)
        return {
            "format": FORMAT,
            "version": VERSION,
            "generator": f"upriver {__version__}",
            "source": e.source,
            "result": {"node": e.root, "symbol": root.name, "sentence": e.conclusion()},
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


# Numbers and arrays.


def number(x: Any) -> Any:
    """A number as JSON has it: "nan", "inf" and "-inf" as words, an integer beyond 2^53 as its digits."""
    if isinstance(x, (np.floating, np.bool_)) and x.dtype.itemsize < 8 and not isinstance(x, np.bool_):
        x = float(str(x)) if np.isfinite(x) else float(x)
    elif isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return str(x) if isinstance(x, int) and not isinstance(x, bool) and abs(x) > _EXACT else x


def plain(value: Any) -> Any:
    """A static argument as JSON has it."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, (bool, int, float, np.generic)):
        return number(value)
    return value if isinstance(value, str) or value is None else str(value)


def _numbers(a: Any) -> Any:
    return [_numbers(row) for row in a] if a.ndim else number(a[()])


def encode(array: Any, *, whole: int = WHOLE, chosen: Iterable[tuple[int, ...]] = ()) -> dict[str, Any]:
    """An array as JSON: ``data`` where it is small, else ``summary`` and ``entries``.

    Example:
        >>> import numpy as np
        >>> encode(np.array([1.0, np.inf]))
        {'shape': [2], 'data': [1.0, 'inf']}
    """
    a = np.asarray(array)
    if a.size <= whole:
        return {"shape": list(a.shape), "data": _numbers(a)}
    numeric = a.astype(np.float64, copy=False) if a.dtype.kind in "fbiu" else np.zeros(0)
    finite = np.isfinite(numeric)
    good = numeric if finite.all() else numeric[finite]
    summary: dict[str, Any] = {"zeros": int(numeric.size - np.count_nonzero(numeric)) / numeric.size}
    if good.size < numeric.size:
        summary["not_finite"] = int(numeric.size - good.size)
    for name, of in _STATISTICS:
        with np.errstate(over="ignore", invalid="ignore"):
            summary[name] = number(float(f"{float(of(good)):.7g}")) if good.size else None
    first = [tuple(int(k) for k in np.unravel_index(i, a.shape)) for i in range(FIRST)]
    places = dict.fromkeys([*first, *chosen])
    return {
        "shape": list(a.shape),
        "summary": summary,
        "entries": [{"at": list(at), "value": number(a[at])} for at in places],
    }


def decode(encoded: Mapping[str, Any], dtype: Any = np.float64) -> Any:
    """The array that was written whole, or None if only its summary was."""
    if "data" not in encoded:
        return None

    def of(x: Any) -> Any:
        return [of(item) for item in x] if isinstance(x, list) else float(x) if isinstance(x, str) else x

    return np.array(of(encoded["data"]), dtype=np.dtype(dtype)).reshape(encoded["shape"])


# Reading back.


class Trace:
    """A trace that was read: the nodes, the edges, and the frames of the walk.

    Args:
        data: the document; :func:`load_trace` checks one first.

    Attributes:
        data: the document as it is.
        nodes, edges, modules: lists of dictionaries, as ``docs/trace.md`` describes them.
        frames, module_frames: the walk, operation by operation and module by module.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> t = load_trace(trace((w * 3 - 10) ** 2))
        >>> t.gradient("w"), len(t.frames)
        (array(-24., dtype=float32), 9)
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.nodes: list[dict[str, Any]] = data["nodes"]
        self.edges: list[dict[str, Any]] = data["edges"]
        self.modules: list[dict[str, Any]] = data["modules"]
        self.frames: list[dict[str, Any]] = data["frames"]
        self.module_frames: list[dict[str, Any]] = data["module_frames"]

    @property
    def sentence(self) -> str:
        """What the gradients mean."""
        return str(self.data["result"]["sentence"])

    def node(self, which: int | str) -> dict[str, Any]:
        """A node by its id or by its name.

        Raises:
            ArgumentError: there is none.
        """
        if isinstance(which, str):
            found = next((n for n in self.nodes if n["name"] == which), None)
        else:
            found = self.nodes[which] if 0 <= which < len(self.nodes) else None
        if found is None:
            names = ", ".join([n["name"] for n in self.nodes if n["kind"] != "constant"][:12])
            raise ArgumentError(f"trace: there is no node {which!r}", f"There are {names}.")
        return found

    def value(self, which: int | str) -> Any:
        """The value of a node as an array; None where only its summary was written."""
        node = self.node(which)
        return decode(node["value"], node["dtype"])

    def gradient(self, which: int | str) -> Any:
        """The gradient of a node as an array; None where only its summary was written.

        Raises:
            ArgumentError: it was not computed, which is not the same as zero.
        """
        node = self.node(which)
        if node["gradient"] is None:
            raise ArgumentError(f"trace: the gradient of {node['name']} was not computed (which is not zero)")
        return decode(node["gradient"], node["dtype"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the document to a file."""
        Path(path).write_text(dumps(self.data), encoding="utf-8")

    def html(self, **options: Any) -> str:
        """The page in one file that shows it; see :func:`upriver.explain.page.html`."""
        from .page import html

        return html(self.data, **options)

    def __repr__(self) -> str:
        return f"<Trace of {len(self.nodes)} values, {len(self.frames)} frames: {self.sentence}>"


def dumps(data: Mapping[str, Any]) -> str:
    """The text of the document: compact, the same every time."""
    return json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def load_trace(source: str | os.PathLike[str] | Mapping[str, Any] | Trace) -> Trace:
    """Read a trace back, and check that it is one.

    Args:
        source: a file, or the document itself.

    Raises:
        FileError: the file cannot be read, is not a trace, is damaged, or was written by a newer version.
        ArgumentError: the same of a document that is not from a file.
    """
    if isinstance(source, Trace):
        return source
    if isinstance(source, Mapping):
        wrong = check(source)
        if wrong is not None:
            raise ArgumentError(f"trace: {wrong[0]}", wrong[1], at=False)
        return Trace(dict(source))
    path = Path(source)
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}", at=False) from None
    except RecursionError:
        raise FileError(f"{path}: is nested too deeply to be a trace", at=False) from None
    except ValueError as error:
        fix = "Write it again, as with upriver explain ... --trace FILE."
        raise FileError(f"{path}: is not JSON ({error})", fix, at=False) from None
    wrong = check(data)
    if wrong is not None:
        raise FileError(f"{path}: {wrong[0]}", wrong[1], at=False)
    return Trace(data)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not a number of JSON")


def check(data: Any) -> tuple[str, str | None] | None:
    """What is wrong with a document, and what to do about it; None if it is a trace that can be read here."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        return "is not a trace of Upriver", f'A trace begins with "format": "{FORMAT}".'
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        return (
            f"was written in version {version} of the format by {data.get('generator', 'a newer Upriver')}; "
            f"this Upriver reads up to version {VERSION}",
            "Update Upriver.",
        )
    wrong = problem(data) or _misdirected(data)
    return None if wrong is None else (f"is damaged: {wrong}", "Write it again from the computation.")


def _misdirected(data: Mapping[str, Any]) -> str | None:
    """The first reference to something that is not there, or that comes too late; None if there is none."""
    nodes, edges, modules, walk = (data[key] for key in ("nodes", "edges", "modules", "frames"))

    def outside(place: str, i: Any, many: int) -> str | None:
        return f"{place} is {i}, and there are {many}" if i is not None and i >= many else None

    found = [outside("result.node", data["result"]["node"], len(nodes))]
    for i, node in enumerate(nodes):
        if node["id"] != i:
            found.append(f"nodes[{i}].id is {node['id']}")
        found += [
            f"nodes[{i}] reads node {x['node']}, which comes after it"
            for x in node.get("inputs", ())
            if x.get("node", -1) >= i
        ]
        found.append(outside(f"nodes[{i}].module", node.get("module"), len(modules)))
    for i, edge in enumerate(edges):
        found.append(outside(f"edges[{i}].to", edge["to"], len(nodes)))
        if edge["from"] >= edge["to"]:
            found.append(f"edges[{i}] leads from node {edge['from']} to {edge['to']}, which is not after it")
    for i, module in enumerate(modules):
        if module["parent"] is not None and module["parent"] >= i:
            found.append(f"modules[{i}].parent is {module['parent']}, which comes after it")
    for i, frame in enumerate(walk):
        found.append(outside(f"frames[{i}].node", frame.get("node"), len(nodes)))
        found.append(outside(f"frames[{i}].edge", frame.get("edge"), len(edges)))
    for i, frame in enumerate(data["module_frames"]):
        found.append(outside(f"module_frames[{i}].module", frame.get("module"), len(modules)))
        if not frame["first"] <= frame["last"] < len(walk):
            found.append(f"module_frames[{i}] goes from frame {frame['first']} to {frame['last']} of {len(walk)}")
    for i, answer in enumerate(data["answers"]):
        found.append(outside(f"answers[{i}].node", answer["node"], len(nodes)))
    return next((wrong for wrong in found if wrong is not None), None)
