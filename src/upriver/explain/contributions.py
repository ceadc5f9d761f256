"""One gradient entry as a sum over samples, classes, time steps, units or uses.

What an entry of an operation's value adds to the gradient, by all paths that pass it, is the tangent that reaches it
from the leaf times the cotangent that reaches it from the loss. Where every path passes an operation, these products
sum to the gradient, whatever dimension they are summed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import site
from ..core.graph import Node
from ..core.scope import Paths, path_of
from ..core.state import Array
from ..errors import ArgumentError
from ..i18n import say
from ..i18n.columns import left, width
from ..ops.shape import no_flops
from .entry import Index
from .local import Rule, has_rule
from .writing import format_number

KINDS = ("use", "time", "sample", "class", "unit", "node")


@dataclass(frozen=True)
class Contributions:
    """What each sample, class, step, unit or use adds to one entry of a gradient.

    Attributes:
        what: what was divided by.
        name: of the entry.
        labels: of the parts.
        values: what each adds.
        where: the operation whose value was divided up.
        gradient: what the engine computes.
        total: the parts, summed: for ``"use"`` in the engine's own order and precision, else in double precision.
    """

    what: str
    name: str
    labels: tuple[str, ...]
    values: Array
    where: str
    gradient: float
    total: float

    @property
    def difference(self) -> float:
        """The engine's gradient less the sum of the parts: rounding, and nothing else."""
        return self.gradient - self.total

    def largest(self, k: int = 10) -> list[tuple[str, float]]:
        """The ``k`` largest parts by magnitude."""
        order = np.argsort(-np.abs(self.values), kind="stable")[:k]
        return [(self.labels[i], float(self.values[i])) for i in order]

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "what": self.what,
            "name": self.name,
            "where": self.where,
            "labels": list(self.labels),
            "values": [float(x) for x in self.values],
            "gradient": self.gradient,
            "difference": None if self.what == "node" else self.difference,
        }

    def text(self, k: int = 10) -> str:
        """The largest parts for a terminal."""
        rows = self.largest(k)
        wide = max([width(label) for label, _ in rows], default=0)
        symbol, gradient = f"d(loss)/d({self.name})", format_number(self.gradient)
        lines: list[str] = [
            say(
                "{symbol} = {gradient} by {what, select, use {use} time {time} sample {sample} class {class} "
                "unit {unit} other {node}}, at {where}",
                symbol=symbol, gradient=gradient, what=self.what, where=self.where,
            )
        ]  # fmt: skip
        lines += [f"  {left(label, wide)}  {format_number(value):>14}" for label, value in rows]
        if self.what == "node":
            lines.append(say("What passes one operation passes others too: these are not parts of a sum."))
            return "\n".join(lines)
        if len(rows) < len(self.labels):
            rest = math.fsum([self.total, *[-value for _, value in rows]])
            others = say("{n} others", n=len(self.labels) - len(rows))
            lines.append(f"  {left(others, wide)}  {format_number(rest):>14}")
        lines.append(
            say("They add up to the gradient bit for bit.")
            if self.total == self.gradient
            else say(
                "They add up to {total}: {difference} is rounding.",
                total=format_number(self.total), difference=f"{self.difference:.1e}",
            )
        )  # fmt: skip
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text()


class Ways:
    """The operations between a leaf's entry and the loss, with the cotangents that the engine gave them."""

    def __init__(
        self, order: Sequence[Node], cts: dict[Any, Array], leaf: Any, index: Index, name: str, gradient: Any
    ) -> None:
        self.order, self.cts, self.leaf, self.index, self.name, self.gradient = order, cts, leaf, index, name, gradient
        self._tangents: dict[Any, Array] | None = None

    def by(self, what: str, at: str | None, dim: int | None) -> Contributions:
        """See :meth:`upriver.explain.paths.Paths.by`."""
        if what not in KINDS:
            raise ArgumentError(f"by: {what!r} is not known", f"Use one of {', '.join(map(repr, KINDS))}.")
        if what == "use":
            return self._uses()
        if what == "node":
            labels, values = [], []
            for node in self.order:
                labels.append(_label(node))
                values.append(float(self._products(node).sum()))
            return self._made(what, labels, values, say("every operation on the way"))
        if what == "time" and at is None and dim is None:
            return self._steps()
        node = self._last_cut() if at is None else self._place(at)
        axis = dim if dim is not None else {"sample": 0, "time": 1}.get(what, -1)
        if not -len(node.shape) <= axis < len(node.shape):
            raise ArgumentError(
                f"by: {_label(node)} has shape {list(node.shape)}, and no dimension {axis}",
                "Name another place with at=, or another dimension with dim=.",
            )
        products = np.moveaxis(self._products(node), axis, 0)
        values = [math.fsum(part.reshape(-1)) for part in products]
        return self._made(what, [_numbered(what, i) for i in range(len(values))], values, _label(node))

    def _made(self, what: str, labels: Sequence[str], values: list[float], where: str) -> Contributions:
        return Contributions(
            what, self.name, tuple(labels), np.array(values), where, float(self.gradient), math.fsum(values)
        )

    def _uses(self) -> Contributions:
        """The share of each operation that reads the leaf, added up as the engine does."""
        labels: list[str] = []
        values: list[Any] = []
        total: Any = None
        for node in reversed(self.order):
            for slot, key in enumerate(node.edges):
                if key is self.leaf and has_rule(node, slot) and node in self.cts:
                    part = Rule(node, slot).pull(self.cts[node])[self.index]
                    labels.append(_label(node))
                    values.append(part)
                    total = part if total is None else total + part
        labels = [
            say("{operation}, use {n}", operation=x, n=i) if labels.count(x) > 1 else x
            for i, x in enumerate(reversed(labels), 1)
        ]
        made = self._made("use", labels, [float(x) for x in values[::-1]], say("every operation that reads it"))
        return Contributions(**{**made.__dict__, "total": float(total)})

    def _steps(self) -> Contributions:
        """The share of each step of a recurrence: of the operations among which the way from the leaf first divides."""
        users: dict[Any, list[tuple[Node, int]]] = {}
        for node in self.order:
            for slot, source in enumerate(node.edges):
                if source is not None and has_rule(node, slot):
                    users.setdefault(source, []).append((node, slot))
        key: Any = self.leaf
        while True:
            tangent = self._tangent(key)
            steps = [(node, Rule(node, slot).push(tangent)) for node, slot in users.get(key, ())]
            live = [node for node, pushed in steps if pushed.any()]
            if len(live) != 1 or (len(steps) > 1 and live[0].op.flops is not no_flops):
                break
            key = live[0]  # the only operation, or the only part of a tensor that was taken apart
        if len({node for node, _ in steps}) < 2 or len({node.op for node, _ in steps}) > 1:
            raise ArgumentError(
                f"by: {self.name} is not used step by step, once for each point in time",
                "If time is a dimension of a value, name it: by('time', at='rnn', dim=1).",
            )
        values = [
            math.fsum((_wide(pushed) * _wide(self.cts[node])).reshape(-1)) if node in self.cts else 0.0
            for node, pushed in steps
        ]
        told = [say("step {i}", i=str(i)) for i in range(len(steps))]
        return self._made("time", told, values, _label(steps[0][0]))

    def _place(self, at: str) -> Node:
        path = Paths()
        for node in reversed(self.order):
            if at in (path(node.scope), node.op.name) and node.shape:
                return node
        raise ArgumentError(
            f"by: no operation on the way to {self.name} ran in a module {at!r} or is called so",
            f"There are {', '.join(dict.fromkeys(path(n.scope) or n.op.name for n in self.order))}.",
        )

    def _last_cut(self) -> Node:
        """The last operation of at least two dimensions that every path passes; of one, where there is none."""
        there: dict[Any, int] = {self.leaf: 1}
        back: dict[Any, int] = {self.order[-1]: 1}
        for node in self.order:
            there[node] = sum(
                there.get(key, 0) for s, key in enumerate(node.edges) if key is not None and has_rule(node, s)
            )
        for node in reversed(self.order):
            for s, key in enumerate(node.edges):
                if key is not None and has_rule(node, s):
                    back[key] = back.get(key, 0) + back.get(node, 0)
        every = there[self.order[-1]]
        cuts = [node for node in self.order if there[node] * back.get(node, 0) == every]
        for least in (2, 1):
            for node in reversed(cuts):
                if len(node.shape) >= least and math.prod(node.shape) > 1:
                    return node
        raise ArgumentError(
            f"by: no single operation of several entries lies on every path to {self.name}",
            "Name a place with at=, a module path or an operation.",
        )

    def _products(self, node: Node) -> Array:
        if node not in self.cts:
            return np.zeros(node.shape)
        return _wide(self._tangent(node)) * _wide(self.cts[node])

    def _tangent(self, key: Any) -> Array:
        if self._tangents is None:
            one = np.zeros(self.leaf.shape, self.leaf.dtype)
            one[self.index] = 1.0
            self._tangents = {self.leaf: one}
            for node in self.order:
                total: Any = None
                for slot, source in enumerate(node.edges):
                    if source is not None and source in self._tangents and has_rule(node, slot):
                        pushed = Rule(node, slot).push(self._tangents[source])
                        total = pushed if total is None else total + pushed
                if total is not None:
                    self._tangents[node] = total
        return self._tangents[key]


def _numbered(what: str, i: int) -> str:
    return say(
        "{what, select, time {time {i}} sample {sample {i}} class {class {i}} other {unit {i}}}", what=what, i=str(i)
    )


def _wide(x: Array) -> Array:
    return np.asarray(x, np.float64)


def _label(node: Node) -> str:
    where = path_of(node.scope) or (site.describe(node.site).split(": ")[0] if node.site is not None else "")
    return f"{node.op.name} {list(node.shape)}" + (f" ({where})" if where else "")
