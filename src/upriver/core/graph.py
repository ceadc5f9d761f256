"""The computation graph: one node for each operation that ran, and a frozen view of them for readers."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GradError
from . import site as sites
from .state import change_after

if TYPE_CHECKING:
    from .dtypes import DType
    from .op import Op, Reads
    from .state import Array
    from .tensor import Tensor

Input = Any  # Tensor | Node | bool | int | float: pyright cannot tell them apart fast enough to be useful


class Node:
    """One operation that ran: what it was, what it read, when, and from which line.

    A node keeps a value only if a derivative will read it. An input is therefore the tensor itself
    where its value is read (or where it is a leaf), and the bare node that made it elsewhere; a Python
    number is itself. Both kinds have ``shape``, ``ndim`` and ``dtype``.

    Attributes:
        op: the operation's record.
        inputs: tensors, nodes and Python numbers, in the operation's order.
        edges: for each input where its cotangent goes: the node that made it, the leaf that wants it, or None.
        attrs: its static arguments.
        out: its value, or None if no derivative reads it.
        reads: which values its derivatives read.
        shape, dtype: of its value.
        time: the clock when it ran; greater than that of everything it depends on.
        site: the line of the user's code, for :func:`upriver.core.site.describe`.
        scope: the module in whose call it ran, as ``(module, outer scope)``, or None.
    """

    __slots__ = (
        "__weakref__",
        "attrs",
        "dtype",
        "edges",
        "inputs",
        "op",
        "out",
        "reads",
        "retained",
        "scope",
        "shape",
        "site",
        "time",
    )

    def __init__(
        self,
        op: Op,
        inputs: Sequence[Input],
        edges: Sequence[Any],
        attrs: dict[str, Any],
        out: Array | None,
        reads: Reads,
        shape: tuple[int, ...],
        dtype: DType,
        time: int,
        site: sites.Site | None,
        scope: Any,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.edges = edges
        self.attrs = attrs
        self.out = out
        self.reads = reads
        self.shape = shape
        self.dtype = dtype
        self.time = time
        self.site = site
        self.scope = scope
        self.retained: weakref.ref[Tensor] | None = None

    @property
    def ndim(self) -> int:
        """The number of dimensions of its value."""
        return len(self.shape)

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.op.name

    @property
    def parents(self) -> list[Node]:
        """The nodes that it read from, in order."""
        return [node for node in map(maker, self.inputs) if node is not None]

    def __repr__(self) -> str:
        return f"<{self.op.name} {list(self.shape)}>"


_time = attrgetter("time")


def sorted_nodes(root: Node) -> list[Node]:
    """Every node that ``root`` depends on, and ``root``, inputs before users. Iterative: depth costs memory only."""
    seen = {root}
    stack = [root]
    while stack:
        for edge in stack.pop().edges:
            if type(edge) is Node and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=_time)


def _sorted_inputs(root: Node) -> list[Node]:
    """As :func:`sorted_nodes`, but by what was read, whether or not a gradient flows there."""
    seen = {root}
    stack = [root]
    while stack:
        for node in stack.pop().parents:
            if node not in seen:
                seen.add(node)
                stack.append(node)
    return sorted(seen, key=_time)


def maker(x: Input) -> Node | None:
    """The node that made an input; None for a leaf and for a number."""
    return x if type(x) is Node else getattr(x, "node", None)


class Graph:
    """A frozen view of the operations that led to a tensor, for readers: they look, and change nothing.

    Attributes:
        root: the tensor that was asked about.
        nodes: the operations, inputs before users.
        leaves: the tensors that no recorded operation made, in the order of their first use.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> graph = Graph.of((w * 3 - 10) ** 2)
        >>> [node.name for node in graph]
        ['mul', 'sub', 'pow']
        >>> [float(value) for value in graph.values()]
        [6.0, -4.0, 16.0]
    """

    def __init__(self, root: Tensor, nodes: Sequence[Node], leaves: Sequence[Tensor]) -> None:
        self.root, self.nodes, self.leaves = root, tuple(nodes), tuple(leaves)

    @classmethod
    def of(cls, root: Tensor) -> Graph:
        """The graph of ``root``; empty for a leaf."""
        nodes = _sorted_inputs(root.node) if root.node is not None else []
        leaves: dict[int, Tensor] = {}
        for node in nodes:
            for x in node.inputs:
                if hasattr(x, "array") and x.node is None:
                    leaves.setdefault(id(x), x)
        return cls(root, nodes, list(leaves.values()) if nodes else [root])

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def values(self) -> list[Array]:
        """The value of each node: as kept, or computed again by the same kernel from the same inputs.

        Raises:
            GradError: an input was changed in place since, so that the value cannot be told any more.
        """
        known: dict[Node, Array] = {}
        for node in self.nodes:  # what a later operation kept need not be computed again
            for x in node.inputs:
                if hasattr(x, "array") and x.node is not None:
                    check_unchanged(node, x.array)
                    known.setdefault(x.node, x.array)
        if self.root.node is not None and change_after(self.root.array, self.root.node.time) is None:
            known.setdefault(self.root.node, self.root.array)
        for node in self.nodes:
            if node in known:
                continue
            if node.out is not None:
                known[node] = node.out
                continue
            arrays: list[Any] = []
            for x in node.inputs:
                made_by = maker(x)
                if made_by is not None:
                    arrays.append(known[made_by])
                elif hasattr(x, "array"):
                    check_unchanged(node, x.array)
                    arrays.append(x.array)
                else:
                    arrays.append(x)
            known[node] = np.asarray(node.op.forward(*arrays, **node.attrs))
        return [known[node] for node in self.nodes]

    def to_dict(self) -> dict[str, Any]:
        """The graph as plain data for JSON: nodes with their operation, inputs, shape, dtype and source line.

        Inputs are ``{"node": i}``, ``{"leaf": i}`` or ``{"number": x}``.
        """
        index = {id(node): i for i, node in enumerate(self.nodes)}
        leaf = {id(x): i for i, x in enumerate(self.leaves)}

        def ref(x: Input) -> dict[str, Any]:
            made_by = maker(x)
            if made_by is not None:
                return {"node": index[id(made_by)]}
            return {"leaf": leaf[id(x)]} if id(x) in leaf else {"number": x}

        return {
            "nodes": [
                {
                    "op": node.op.name,
                    "inputs": [ref(x) for x in node.inputs],
                    "attrs": {key: _plain(value) for key, value in node.attrs.items()},
                    "shape": list(node.shape),
                    "dtype": str(node.dtype),
                    "line": sites.describe(node.site),
                }
                for node in self.nodes
            ],
            "leaves": [
                {"shape": list(x.shape), "dtype": str(x.dtype), "requires_grad": x.requires_grad} for x in self.leaves
            ],
        }

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} operations on {len(self.leaves)} leaves>"


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def check_unchanged(node: Node, array: Array) -> None:
    """Refuse to go on with a value that is no longer what ``node`` read.

    Raises:
        GradError: ``array`` was changed in place after ``node`` was recorded.
    """
    change = change_after(array, node.time)
    if change is not None:
        raise GradError(
            f"{node.op.name}: a value of shape {list(array.shape)} that it needs was changed after it ran\n"
            f"  recorded at  {sites.describe(node.site)}\n"
            f"  changed  at  {sites.describe(change[1])}",
            "Change it before the forward pass or after backward(), or work on a copy: x.clone().",
        )
