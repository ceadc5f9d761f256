"""The whole backward pass, kept: every value, every cotangent, and every rule at hand to be asked what it does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.backward import grad
from ..core.graph import Graph, Node, maker
from ..core.site import describe
from ..core.state import Array, Backward, change_after, enable_grad, no_grad
from ..core.tensor import Tensor, wrap
from ..errors import GradError

GONE = object()
"""Stands for a cotangent that was given to ``backward()`` and is no longer there."""
Use = tuple[Node, int]
"""An operation, and which of its inputs is meant."""


class Upstream:
    """A graph with its values and the cotangents of all of them. Nothing of it is changed, no ``.grad`` either.

    Args:
        root: what the gradient is of.
        gradient: its cotangent, or None for 1.

    Attributes:
        graph: the operations.
        users: for a node or leaf the places where its value is used on a way that gradients take.
        reached: the nodes and leaves to which a way leads.
    """

    def __init__(self, root: Tensor, gradient: Any = None) -> None:
        self.root, self.graph = root, Graph.of(root)
        self.users: defaultdict[Any, list[Use]] = defaultdict(list)
        self._ways = ways = set[Use]()
        reached: set[Any] = {root.node or root} if root.wants_grad else set()
        for node in reversed(self.graph.nodes):
            if node in reached:
                for i, (rule, edge) in enumerate(zip(node.op.vjps, node.edges, strict=False)):
                    if edge is not None and rule is not None:
                        self.users[edge].append((node, i))
                        ways.add((node, i))
                        reached.add(edge)
        self.reached = reached
        self._gradient = gradient
        self._values: dict[Any, Array] | None = None
        self._cotangents: dict[Any, Array] | None = None

    # Values.

    @property
    def values(self) -> dict[Any, Array]:
        """The value of each node and leaf.

        Raises:
            GradError: a leaf was changed in place since.
        """
        if self._values is None:
            for node in self.graph:
                for x in node.inputs:
                    if isinstance(x, Tensor) and x.node is None:
                        self._unchanged(node, x)
            self._values = dict(zip(self.graph.nodes, self.graph.values(), strict=True))
        return self._values

    def _unchanged(self, node: Node, leaf: Tensor) -> None:
        change = change_after(leaf.array, node.time)
        if change is not None:
            raise GradError(
                f"why: a value of shape {list(leaf.shape)} was changed after the loss was computed from it\n"
                f"  used     at  {describe(node.site)}\n"
                f"  changed  at  {describe(change[1])}",
                "Ask before optimizer.step(), or compute the loss again and ask then.",
            )

    def value(self, x: Any) -> Any:
        """The value of an input of a node: an array, or the number that it is."""
        made_by = maker(x)
        if made_by is not None:
            return self.values[made_by]
        return x.array if isinstance(x, Tensor) else x

    def inputs(self, node: Node) -> list[Any]:
        """The values of all inputs of ``node``."""
        return [self.value(x) for x in node.inputs]

    # Gradients.

    @property
    def cotangents(self) -> dict[Any, Array]:
        """d(root)/d(value) for each node and leaf that is reached: as ``backward()`` computes them."""
        if self._cotangents is None:
            root = self.root
            if self._gradient is GONE:
                raise GradError(
                    "why: the gradient that was given to backward() is gone, so nothing can be walked",
                    "Keep it in a variable until you ask.",
                )
            ones = np.ones(root.shape, root.dtype)
            start = ones if self._gradient is None else np.asarray(getattr(self._gradient, "array", self._gradient))
            found: dict[Any, Array] = {root.node or root: np.asarray(start, root.dtype)}
            with no_grad(), np.errstate(all="ignore"):
                for node in reversed(self.graph.nodes):
                    if node in found:
                        for i, edge in enumerate(node.edges):
                            if (node, i) in self._ways:
                                part = self.part(node, i, found[node])
                                found[edge] = found[edge] + part if edge in found else part
            self._cotangents = found
        return self._cotangents

    def part(self, node: Node, i: int, ct: Array, inputs: Sequence[Any] | None = None, out: Any = None) -> Array:
        """What the rule of ``node`` for input ``i`` makes of the cotangent ``ct``: at its values, or at others."""
        given = self.inputs(node) if inputs is None else inputs
        out = self.values[node] if out is None else out
        with no_grad(), np.errstate(all="ignore"):
            return np.asarray(rule_of(node, i)(ct, out, *given, **node.attrs))

    def reach(self, use: Use, v: Array, inputs: Sequence[Any] | None = None, out: Any = None) -> Array:
        """The local Jacobian of an operation times ``v``: how its value moves when the input moves along ``v``.

        The rule is linear in the cotangent, so the derivative of ⟨rule(ct), v⟩ by ct is just that: nobody has
        to know the operation.
        """
        node, i = use
        given = self.inputs(node) if inputs is None else list(inputs)
        ct = Tensor(np.ones(node.shape, node.dtype), requires_grad=True)
        args = [wrap(x, None) if isinstance(x, np.ndarray) else x for x in given]
        value = wrap(self.values[node] if out is None else out, None)
        with enable_grad(), np.errstate(all="ignore"):
            pulled = rule_of(node, i)(ct, value, *args, **node.attrs)
            if not pulled.wants_grad:
                return np.zeros(node.shape, node.dtype)
            (found,) = grad(pulled, ct, wrap(np.asarray(v, pulled.dtype).reshape(pulled.shape), None))
        assert found is not None
        return found.array

    def factors(self, use: Use, v: Array, k: int) -> Array:
        """Where the local Jacobian along ``v`` is a multiple of entries of the input ``k``: not zero there."""
        node, i = use
        given = self.inputs(node)
        args = [wrap(x, None) if isinstance(x, np.ndarray) else x for x in given]
        args[k] = Tensor(given[k].copy(), requires_grad=True)
        ct = wrap(weights(node.shape, node.dtype), None)
        with enable_grad(), np.errstate(all="ignore"):
            pulled = rule_of(node, i)(ct, wrap(self.values[node], None), *args, **node.attrs)
            if not pulled.wants_grad:
                return np.zeros(args[k].shape, bool)
            (found,) = grad(pulled, args[k], wrap(np.asarray(v, pulled.dtype), None), materialize_grads=True)
        assert found is not None
        return found.array != 0


def cotangent_of(note: Backward) -> Any:
    """What a backward pass started from: None for 1."""
    if note.gradient is None:
        return None
    given = note.gradient()
    return GONE if given is None else given


def rule_of(node: Node, i: int) -> Any:
    """The gradient rule of ``node`` for its input ``i``."""
    return next(rule for j, rule in enumerate(node.op.vjps) if j == i)


def weights(shape: tuple[int, ...], dtype: Any, selected: Array | None = None) -> Array:
    """Numbers between 1 and 2 that no sum of products makes zero by chance; 0 outside ``selected``."""
    found = np.random.default_rng(7).uniform(1.0, 2.0, shape)
    return np.asarray(found if selected is None else found * selected, dtype)


def one_hot(shape: tuple[int, ...], at: tuple[int, ...], dtype: Any) -> Array:
    """1 at one entry, 0 elsewhere."""
    found = np.zeros(shape, dtype)
    found[at] = 1
    return found
