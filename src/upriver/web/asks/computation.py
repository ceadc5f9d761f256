"""What a question about one gradient is asked of: an expression or a pasted network, with every value by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...core.graph import Graph, Node, maker
from ...core.site import sites_off
from ...core.state import Array, tracing
from ...core.tensor import Tensor, wrap
from ...errors import ArgumentError
from ...explain.derivation import derive
from ...explain.explanation import Explanation
from ...explain.names import key_of, name_all
from .given import NODES, Given, entry, expression, text


class Computation:
    """One run of what was given: its result, and its values by the names that a trace gives them.

    Args:
        run: computes everything anew; names and tensors, the result under ``""``.
        source: what was given.

    Attributes:
        root: the result, one number.
        known: for each node and leaf that was named in what was given, its name.
        keys: for each name of a value the leaf or node.
    """

    def __init__(self, run: Callable[[], Mapping[str, Tensor]], source: str) -> None:
        self._run, self.source = run, source
        found = dict(run())
        self.root = found.pop("")
        self.known = {key_of(x): name for name, x in found.items()}
        self.graph = Graph.of(self.root)
        many = len(self.graph.nodes) + len(self.graph.leaves)
        if many > NODES:
            raise ArgumentError(f"{many:,} values", f"At most {NODES:,} are computed here.", at=False)
        named = name_all(self.graph, self.known)
        keys: list[Any] = [*self.graph.nodes, *self.graph.leaves]
        self.keys = {named[key].text: key for key in keys}

    def loss(self) -> Tensor:
        """The result, computed anew."""
        return self._run()[""]

    def find(self, given: Given) -> tuple[str, Any, tuple[int, ...] | None]:
        """What is asked about: its name, the leaf or node, and the entry, or None for a whole of several.

        Raises:
            UpriverError: nothing has that name, or it has no such entry.
        """
        name = text(given, "name").strip()
        if name not in self.keys:
            known = list(self.known.values())
            names = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
            raise ArgumentError(f"name: nothing is called {name[:60]!r}", f"There are: {names}.", at=False)
        key = self.keys[name]
        return name, key, entry(given, name, key.shape)

    def tensor(self, key: Tensor | Node) -> Tensor:
        """The leaf itself; of a node a tensor that stands for it."""
        if not isinstance(key, Node):
            return key
        return wrap(dict(zip(self.graph.nodes, self.graph.values(), strict=True))[key], key)

    def explain(self, key: Any) -> Explanation:
        """The explanation of one gradient.

        Raises:
            GradError: none flows there.
        """
        with sites_off(), tracing():
            return derive(self.root, [(key, None)], self.known, source=self.source)

    def explain_all(self) -> Explanation:
        """The explanation of the gradients of all leaves that one flows to."""
        reached = {key for node in self.graph.nodes for key in node.edges}
        asked: list[Any] = [(x, None) for x in self.graph.leaves if x.requires_grad and x in reached]
        with sites_off(), tracing():
            return derive(self.root, asked, self.known, source=self.source)

    def anew(self) -> Computation:
        """The same, run again: for leaves that have changed."""
        return Computation(self._run, self.source)

    def again(self, key: Any, value: Array) -> float:
        """The result where ``key`` has another value, and everything after it follows: run by the same kernels."""
        known: dict[Any, Array] = {key: value}
        before = dict(zip(self.graph.nodes, self.graph.values(), strict=True))
        with np.errstate(all="ignore"):
            for node in self.graph.nodes:
                if node in known or known.keys().isdisjoint([maker(x) or _leaf(x) for x in node.inputs]):
                    continue
                known[node] = np.asarray(
                    node.op.forward(*[_array(x, known, before) for x in node.inputs], **node.attrs)
                )
        root = self.root.node
        return float(known.get(root, self.root.array).reshape(()))


def _leaf(x: Any) -> Any:
    return x if isinstance(x, Tensor) else None


def _array(x: Any, known: Mapping[Any, Array], before: Mapping[Node, Array]) -> Any:
    node = maker(x)
    if node is not None:
        return known.get(node, before[node])
    return known.get(x, x.array) if isinstance(x, Tensor) else x


def computation(given: Given) -> Computation:
    """The computation that a question is asked of: ``expression`` and ``values``, or ``code``.

    Raises:
        UpriverError: it cannot be computed, or is beyond what is computed here.
    """
    if given.get("code") is not None:
        from .network import pasted

        model = pasted(given)
        return Computation(model.run, model.source)
    asked = expression(given)
    return Computation(asked.run, asked.source)
