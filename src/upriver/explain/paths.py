"""The paths by which one weight reaches the loss: the largest, exactly, and the rest as one number.

How they are found is in :mod:`.search`; here is what is told of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import site
from ..core.graph import Graph, Node, sorted_nodes
from ..core.scope import path_of
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError, GradError
from ..i18n import Message, say
from ..i18n.columns import left, width
from . import names
from .asked import check_loss
from .contributions import Contributions, Ways
from .edges import Sums
from .entry import Index, entry_of, written
from .formula import entrywise, ones, run_rule, simplify
from .search import Found, Walk
from .telling import paragraph
from .writing import format_number, write

LONGEST = 60
"""The longest formula, in characters, that stands beside a factor."""


@dataclass(frozen=True)
class Factor:
    """One step of a path: the derivative of an entry of an operation's value by an entry of its operand.

    Attributes:
        value: the local derivative.
        operation: the operation's name.
        at: which entry of its value.
        operand: which operand.
        of: which entry of the operand.
        formula: of the local derivative if the operation works entry by entry; else of the operation.
        line: the line of the user's code, or None where none was recorded.
        module: the path of the module in which it ran.
    """

    value: float
    operation: str
    at: Index
    operand: int
    of: Index
    formula: str
    line: str | None
    module: str


@dataclass(frozen=True)
class Path:
    """One path from the loss to an entry of a leaf.

    Attributes:
        contribution: the product of its factors.
        factors: from the loss to the leaf.
    """

    contribution: float
    factors: tuple[Factor, ...]


class Paths:
    """The largest paths of one entry of a gradient, and the rest as one number.

    Attributes:
        name: of the entry, as in ``w[3, 17]``.
        gradient: what the engine computes for the entry.
        stored: what stands in ``.grad``; None where backward() has not run, which is not zero.
        paths: the largest, largest first.
        covered: their contributions, summed.
        rest: gradient − covered: all other paths together.
        count: how many paths have a contribution that is not zero.
        mass: the magnitudes of all contributions, summed: what ``share`` is of.
        total: all contributions, summed in double precision.
    """

    def __init__(self, name: str, gradient: float, stored: float | None, sums: Sums, found: list[Path], ways: Ways):
        self.name, self.gradient, self.stored = name, gradient, stored
        self.paths = tuple(found)
        self.covered = math.fsum(path.contribution for path in found)
        self.rest = math.fsum([gradient, *[-path.contribution for path in found]])
        self.total, self.mass, self.count = (float(x[0]) for x in (sums.total, sums.mass, sums.count))
        self._ways = ways

    @property
    def share(self) -> float:
        """What part of all magnitudes the listed paths cover, from 0 to 1."""
        return math.fsum(abs(path.contribution) for path in self.paths) / self.mass if self.mass else 1.0

    @property
    def difference(self) -> float:
        """The engine's gradient less the sum of all paths in double precision: rounding, and nothing else."""
        return self.gradient - self.total

    def by(self, what: str, *, at: str | None = None, dim: int | None = None) -> Contributions:
        """The gradient as a sum over something other than paths. Exact: nothing is left out.

        Args:
            what: ``"use"`` (each operation that reads the leaf), ``"time"`` (each step of a recurrence),
                ``"sample"`` and ``"class"`` (first and last dimension where the loss reads them), ``"unit"`` (last
                dimension), or ``"node"`` (what passes through each operation: these overlap, and are not a sum).
            at: the module path, or the name of the operation, whose value is divided up; by default the last one
                before the loss that every path passes.
            dim: the dimension to divide by, instead of the one that ``what`` means.

        Raises:
            ArgumentError: there is no such place, or no such division.
        """
        return self._ways.by(what, at, dim)

    def sentence(self) -> str:
        """What the listed paths add up to, and what the rest is."""
        return _conclusion(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "name": self.name,
            "gradient": self.gradient,
            "stored": self.stored,
            "covered": self.covered,
            "rest": self.rest,
            "share": self.share,
            "count": self.count,
            "difference": self.difference,
            "paths": [
                {
                    "contribution": path.contribution,
                    "factors": [
                        {
                            "value": f.value,
                            "operation": f.operation,
                            "at": list(f.at),
                            "operand": f.operand,
                            "of": list(f.of),
                            "formula": f.formula,
                            "line": f.line,
                            "module": f.module,
                        }
                        for f in path.factors
                    ],
                }
                for path in self.paths
            ],
        }

    def text(self) -> str:
        """Everything for a terminal."""
        return as_text(self)

    def __repr__(self) -> str:
        return self.text()


def paths(
    loss: Tensor, wrt: Tensor, k: int = 10, *, name: str | None = None, names_of: Mapping[Any, str] | None = None
) -> Paths:
    """The ``k`` largest paths from ``loss`` to one entry of a leaf or of a result, and the rest as one number.

    Works on networks of millions of paths: none but those returned is walked. Neither ``backward()`` nor tracing
    needs to have been done before, and ``.grad`` is not touched.

    Args:
        loss: one number, with a history.
        wrt: an entry of a leaf, as in ``w[3, 17]``, or a leaf of one entry; or the same of an intermediate result.
        k: how many.
        name: what to call the entry; by default as the caller's variable, or by its path in the model.
        names_of: names of leaves and nodes, for formulas, besides the caller's variables.

    Returns:
        A :class:`Paths`: print it, or take its ``.paths``, ``.rest``, ``.by("sample")``.

    Raises:
        GradError: ``loss`` has no history or does not depend on ``wrt``; a local derivative is not finite.
        ArgumentError: ``wrt`` is not one entry, or ``k`` is below 1.

    Example:
        >>> import upriver as ur
        >>> x = ur.tensor(3.0, requires_grad=True)
        >>> found = ur.explain.paths(x * x + 2.0 * x, wrt=x)
        >>> [path.contribution for path in found.paths], found.rest, found.gradient
        ([3.0, 3.0, 2.0], 0.0, 8.0)
    """
    if k < 1:
        raise ArgumentError(f"paths: k = {k}", "Ask for at least one path.")
    leaf, index = check(loss, wrt)
    walk = Walk(loss, leaf, index)
    name = leaf_name(loss, leaf) + written(index) if name is None else name
    keeper = leaf.retained() if isinstance(leaf, Node) and leaf.retained is not None else leaf
    stored = getattr(keeper, "grad", None)
    stored = None if stored is None else float(stored.array[index])
    found = walk.search(k)
    ways = Ways(walk.order, walk.cts, leaf, index, name, walk.gradient)
    formulas = _Formulas(loss, names_of or {})
    return Paths(name, float(walk.gradient), stored, walk.start, [formulas.path(*one) for one in found], ways)


def check(loss: Any, wrt: Any) -> tuple[Any, Index]:
    """The leaf (or node) and the index of its entry.

    Raises:
        GradError: ``loss`` has no history, or is not one number; the leaf wants no gradient.
        ArgumentError: not one entry is named.
    """
    check_loss("paths", loss)
    leaf, index = entry_of(wrt, set(sorted_nodes(loss.node)))
    if isinstance(leaf, Tensor) and not leaf.wants_grad:
        raise GradError(
            f"this leaf (shape {list(leaf.shape)}) does not require a gradient: none is computed, which is not zero",
            "Set requires_grad=True before computing the loss.",
        )
    if leaf is loss.node:
        raise ArgumentError("paths lead from the loss to something else, and this is the loss itself")
    if index is None:
        if math.prod(leaf.shape) != 1:
            raise ArgumentError(
                f"paths lead to one entry, and shape {list(leaf.shape)} has {math.prod(leaf.shape)}",
                "Name one, as in w[3, 17].",
            )
        index = (0,) * leaf.ndim
    return leaf, index


def leaf_name(loss: Tensor, leaf: Any) -> str:
    """What a leaf or result is called: by the caller's variables, or by its path in the modules that ran."""
    frame = names.caller()
    known = names.of_variables(frame.f_locals) if frame is not None else {}
    if leaf not in known:
        known = names.of_scopes(Graph.of(loss))
    return known.get(leaf, "w" if isinstance(leaf, Tensor) else f"({leaf.op.name} {list(leaf.shape)})")


class _Formulas:
    """What stands beside the factors: formulas, lines, modules; read when a path is known."""

    def __init__(self, loss: Tensor, given: Mapping[Any, str]) -> None:
        graph = Graph.of(loss)
        frame = names.caller()
        known = {**(names.of_variables(frame.f_locals) if frame is not None else {}), **given}
        for key, name in names.of_scopes(graph).items():
            known.setdefault(key, name)
        within = {*graph.nodes, *graph.leaves}
        self.named = names.name_all(graph, {key: name for key, name in known.items() if key in within})
        self._told: dict[tuple[Node, int], str] = {}

    def path(self, product: float, steps: Sequence[Found]) -> Path:
        """A path that was found, for people."""
        return Path(product, tuple([self._factor(*step) for step in steps]))

    def _factor(self, node: Node, slot: int, to: int, of: int, value: float) -> Factor:
        shape = node.inputs[slot].shape
        return Factor(
            value=value,
            operation=node.op.name,
            at=tuple([int(i) for i in np.unravel_index(to, node.shape)]),
            operand=slot,
            of=tuple([int(i) for i in np.unravel_index(of, shape)]),
            formula=self._formula(node, slot),
            line=site.describe(node.site) if node.site is not None else None,
            module=path_of(node.scope),
        )

    def _formula(self, node: Node, slot: int) -> str:
        if (node, slot) not in self._told:
            if entrywise(node):
                operands = [wrap(x.array, None) if isinstance(x, Tensor) else x for x in node.inputs]
                out: Any = node if node.out is None else wrap(node.out, None)
                keys = [names.key_of(x) for x in node.inputs]
                terms = {
                    id(x): self.named[key].term for x, key in zip(operands, keys, strict=True) if key in self.named
                }
                terms[id(out)] = self.named[node].term
                term = simplify(run_rule(node, slot, tuple(operands), out, ones(node), terms).term)
            else:
                formula = self.named[node].formula
                assert formula is not None
                term = formula
            text = write(term)
            self._told[node, slot] = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        return self._told[node, slot]


# In words.


def as_text(p: Paths) -> str:
    """The paths for a terminal."""
    number = format_number
    symbol, gradient = f"d(loss)/d({p.name})", number(p.gradient)
    lines: list[str] = [
        say(
            "{symbol} = {gradient}, the sum of {n, plural, one {# path} other {# paths}}",
            symbol=symbol, gradient=gradient, n=int(p.count),
        )
        if p.count < 1e15
        else say(
            "{symbol} = {gradient}, the sum of {many} paths", symbol=symbol, gradient=gradient, many=f"{p.count:.3g}"
        )
    ]  # fmt: skip
    if p.stored is None:
        lines.append(say("not stored: backward() has not been called (which is not a gradient of zero)"))
    elif p.stored != p.gradient:
        lines.append(
            say("stored in .grad: {stored}, which other calls of backward() added to as well", stored=number(p.stored))
        )
    for i, path in enumerate(p.paths, 1):
        lines += ["", f"{i}.  {number(path.contribution)}", *_rows(path)]
    lines += ["", _conclusion(p)]
    return "\n".join(lines)


def _rows(path: Path) -> list[str]:
    rows = []
    for f in path.factors:
        place = say(
            "{value} by operand {operand}",
            value=f"{f.operation}{written(f.at)}", operand=f"{f.operand}{written(f.of)}",
        )  # fmt: skip
        where = ", ".join([x for x in (f.module, f.line) if x])
        rows.append((f"    × {number_of(f.value)}", place, f.formula, where))
    widths = [max(width(row[j]) for row in rows) for j in range(3)]
    return ["  ".join([*[left(c, w) for c, w in zip(row, widths, strict=False)], row[3]]).rstrip() for row in rows]


def number_of(x: float) -> str:
    """A number with a sign that lines up."""
    text = format_number(x)
    return text if text.startswith("-") else f" {text}"


def _conclusion(p: Paths) -> str:
    if not p.paths:
        return say("No path contributes: every one has a factor of 0 on its way.")
    if not p.difference:
        return _covered(p)
    rounding = say(
        "The engine's own sum differs from that of all paths in double precision by {difference}: rounding.",
        difference=f"{p.difference:.1e}",
    )
    return paragraph([_covered(p), rounding])


def _covered(p: Paths) -> Message:
    covered, n = format_number(p.covered), len(p.paths)
    if p.count == n:
        if n == 1:
            return say("This is the only path: it comes to {covered}.", covered=covered)
        return say("These {n} are all paths: they add up to {covered}.", n=n, covered=covered)
    share, rest = f"{p.share:.1%}", format_number(p.rest)
    if n == 1:
        return say(
            "The largest path comes to {covered} ({share} of all magnitudes); the rest is {rest}.",
            covered=covered, share=share, rest=rest,
        )  # fmt: skip
    return say(
        "The {n} largest paths add up to {covered} ({share} of all magnitudes); the rest is {rest}.",
        n=n, covered=covered, share=share, rest=rest,
    )  # fmt: skip
