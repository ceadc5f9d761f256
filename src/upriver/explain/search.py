"""The largest paths from one entry of a leaf to the loss, found without listing them all.

A path leads from one entry of a leaf through one entry of each operation's value to the loss; its contribution is
the product of the local derivatives on it, and all contributions together are the gradient. With the sum and the
product of the chain rule replaced by the maximum and the product of magnitudes, the same walk back tells of every
entry how large the best way from it to the loss is. With that as the bound, a best-first search from the leaf
takes no wrong turn: it finds the k largest paths in k walks (Hart, Nilsson and Raphael, "A Formal Basis for the
Heuristic Determination of Minimum Cost Paths", 1968; the k best by an exact bound: Eppstein, "Finding the k
Shortest Paths", 1998). Local derivatives come from the operations' own gradient rules: see :mod:`.local`.
"""

from __future__ import annotations

import heapq
import math
from itertools import count
from typing import Any

import numpy as np

from ..core.backward import pull_back
from ..core.graph import Node, sorted_nodes
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import GradError
from .edges import Edges, Sums
from .entry import Index
from .local import Rule, edges_of, has_rule

Found = tuple[Node, int, int, int, float]
"""One step of a path: the node, which operand, the entry of its value, the entry of the operand, the factor."""


class Walk:
    """Everything between a leaf's entry and the loss."""

    def __init__(self, loss: Tensor, leaf: Any, index: Index) -> None:
        assert loss.node is not None
        self.loss, self.leaf, self.index = loss.node, leaf, index
        on_the_way: set[Any] = {leaf}
        self.order: list[Node] = []
        for node in sorted_nodes(loss.node):
            if not on_the_way.isdisjoint(node.edges):
                on_the_way.add(node)
                self.order.append(node)
        if loss.node not in on_the_way:
            raise GradError(
                "the leaf has no influence on the loss: no path leads to it",
                "This is not a gradient of zero: there is none. Was it detached, or never used?",
            )
        self.cts: dict[Any, Array] = pull_back([loss], [None], on_the_way, False)
        if leaf not in self.cts:
            raise GradError("the leaf has no influence on the loss: no gradient flows back to it")
        self.gradient = np.asarray(self.cts[leaf])[index]
        if not np.isfinite(self.gradient):
            raise GradError(
                f"paths: the gradient is {self.gradient}, not finite, so it is no sum of paths that can be compared",
                "ur.why(parameter.grad) finds where it came from.",
            )
        # Forward: the derivatives of every operation from the entries that the leaf's entry reaches.
        self.users: dict[Any, list[tuple[Node, int, Edges]]] = {}
        reached: dict[Any, Array] = {leaf: np.zeros(math.prod(leaf.shape), np.bool_)}
        reached[leaf][np.ravel_multi_index(index, leaf.shape) if index else 0] = True
        for node in self.order:
            size = math.prod(node.shape)
            here = np.zeros(size, np.bool_)
            for slot, key in enumerate(node.edges):
                if key is None or key not in reached or not has_rule(node, slot) or not reached[key].any():
                    continue
                edges = column(node, slot, index) if key is leaf else edges_of(node, slot, reached[key])
                self.users.setdefault(key, []).append((node, slot, edges))
                here |= edges.reach(reached[key], size)
            reached[node] = here
        # Backward: of every entry, the best way to the loss, and all ways together.
        self.sums: dict[Any, Sums] = {loss.node: Sums(*[np.ones(1) for _ in range(4)])}
        way: list[Any] = [*reversed(self.order[:-1]), leaf]
        for key in way:
            size = math.prod(key.shape)
            sums = Sums.zeros(size)
            for node, _, edges in self.users.get(key, ()):
                sums.join(edges.pull(self.sums[node], size))
            self.sums[key] = sums
        at = int(np.ravel_multi_index(index, leaf.shape)) if index else 0
        self.entry = at
        self.start = Sums(*[x[at : at + 1] for x in self.sums[leaf]])

    def search(self, k: int) -> list[tuple[float, list[Found]]]:
        """The ``k`` largest paths: product and steps, each (node, operand, entry, entry of operand, factor)."""
        order = count()
        heap: list[tuple[float, int, Any, int, float, Any]] = [(-1.0, next(order), self.leaf, self.entry, 1.0, None)]
        found: list[tuple[float, list[Found]]] = []
        while heap and len(found) < k:
            _, _, key, entry, product, link = heapq.heappop(heap)
            if key is self.loss:
                steps: list[Found] = []
                while link is not None:
                    step, link = link
                    steps.append(step)
                found.append((product, steps))
                continue
            for node, slot, edges in self.users.get(key, ()):
                targets, factors = edges.leaving(entry)
                bounds = np.abs(product * factors) * self.sums[node].best[targets]
                best = np.argpartition(-bounds, k - 1)[:k] if len(bounds) > k else np.arange(len(bounds))
                for j in best:
                    if bounds[j] > 0.0:
                        factor, to = float(factors[j]), int(targets[j])
                        step = (node, slot, to, entry, factor)
                        heapq.heappush(heap, (-bounds[j], next(order), node, to, product * factor, (step, link)))
        return found


def column(node: Node, slot: int, index: Index) -> Edges:
    """The derivatives by one entry of an operand that is a leaf."""
    rule = Rule(node, slot)
    one = np.zeros(rule.shape, rule.dtype)
    one[index] = 1.0
    pushed = rule.push(one).reshape(-1)
    if not np.isfinite(pushed).all():
        raise GradError(
            f"paths: a local derivative of {node.op.name} is not finite, so its paths cannot be compared",
            "ur.why(parameter.grad) finds where the first one came from.",
        )
    to = np.flatnonzero(pushed)
    at = np.array([[[np.ravel_multi_index(index, rule.shape) if index else 0]]])
    return Edges(at, to[None, None], np.zeros(len(to), np.int64), np.arange(len(to)), pushed[to][None])
