"""The result of :func:`upriver.explain.explain`: a derivation, to be printed, drawn, stepped through or checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.graph import Graph
from ..core.scope import Paths
from ..i18n import say
from . import latex, render
from .records import Answer, Number, Step, Value

VERSION = 1
_LARGEST = 10_000
_WRITTEN_OUT = 60
"""The most steps that a notebook writes out by itself, as text and as LaTeX."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """The chain rule, carried out: values forward, factors backward, sums, answers.

    Attributes:
        values: every value, inputs before users.
        steps: the walk back, in its order: one step for each operand that a gradient flows to.
        answers: the gradients that were asked for.
        root: the index of the result.
        graph: what ran.
        source: the expression, if there was one.
    """

    values: tuple[Value, ...]
    steps: tuple[Step, ...]
    answers: tuple[Answer, ...]
    root: int
    graph: Graph = field(repr=False)
    source: str | None = None

    @property
    def gradients(self) -> dict[Any, Any]:
        """For each node and leaf whose gradient was computed, that gradient."""
        return {v.key: v.gradient for v in self.values if v.gradient is not None}

    @property
    def names(self) -> dict[Any, str]:
        """What each node and leaf is called."""
        return {v.key: v.name for v in self.values}

    def conclusion(self) -> str:
        """What the gradients mean, in one sentence each; of many, the largest, and how many more there are."""
        return render.conclusion(self)

    def text(self, *, lines: bool | None = None, unsimplified: bool = False, width: int = 140) -> str:
        """The derivation for a terminal.

        Args:
            lines: whether to show source lines; by default where any were recorded.
            unsimplified: write local derivatives exactly as the gradient rules computed them.
            width: the widest table; where one would be wider, each step gets lines of its own.
        """
        return render.as_text(self, lines=lines, unsimplified=unsimplified, width=width)

    def latex(self) -> str:
        """The derivation as an ``aligned`` block of LaTeX."""
        return latex.as_latex(self)

    def mathml(self) -> str:
        """The derivation as MathML, which browsers draw without help."""
        from .mathml import equations

        return equations(latex.latex_lines(self))

    def modules_asked(self) -> tuple[str, ...]:
        """The modules that read what was asked for, where that was a few values: the ones that a picture opens."""
        asked = {self.values[answer.value].key for answer in self.answers}
        if len(asked) > 3:
            return ()
        of = Paths()
        found = [of(node.scope) for node in self.graph if not asked.isdisjoint(node.edges)]
        return tuple(dict.fromkeys([path for path in found if path]))

    def svg(self, **options: Any) -> str:
        """The graph with values and gradients, as a picture; what reads the asked values is opened."""
        from .picture import svg

        options.setdefault("expand", self.modules_asked())
        return svg(self.graph, gradients=self.gradients, names=self.names, **options)

    def mermaid(self, **options: Any) -> str:
        """The graph in the language of Mermaid."""
        from .diagram import mermaid

        return mermaid(self.graph, gradients=self.gradients, names=self.names, **options)

    def trace(self, **options: Any) -> dict[str, Any]:
        """The graph, the values and the walk as data, for the stepper and the page."""
        from .trace import trace

        return trace(self, **options)

    def html(self, **options: Any) -> str:
        """A page in one file that opens offline: the graph, to be opened and stepped through."""
        from .page import html

        return html(self.trace(), **options)

    def to_dict(self) -> dict[str, Any]:
        """The derivation as data for JSON. A gradient that was not computed is null, never 0."""
        root = self.values[self.root]
        return {
            "version": VERSION,
            "source": self.source,
            "result": root.index,
            "values": [_value(v) for v in self.values],
            "steps": [self._step(s) for s in self.steps],
            "answers": [
                {
                    "value": a.value,
                    "entry": None if a.entry is None else list(a.entry),
                    "symbol": render.derivative(root.name, a.name),
                    "gradient": _numbers(a.gradient),
                    "products": a.count,
                    "largest": [
                        {"step": p.step, "at": list(p.at), "upstream": p.upstream, "local": p.local} for p in a.parts
                    ],
                }
                for a in self.answers
            ],
            "conclusion": self.conclusion(),
        }

    def _step(self, s: Step) -> dict[str, Any]:
        source, target, root = self.values[s.source], self.values[s.target], self.values[self.root]
        return {
            "operation": s.operation,
            "source": s.source,
            "target": s.target,
            "symbol": render.derivative(source.name if s.entrywise else root.name, target.name),
            "formula": s.formula,
            "unsimplified": s.unsimplified,
            "latex": s.formula_latex,
            "local": None if s.local is None else _numbers(s.local),
            "upstream": _numbers(s.upstream),
            "upstream_symbol": render.derivative(root.name, source.name),
            "product": _numbers(s.product),
            "product_symbol": render.derivative(root.name, target.name),
            "line": s.line,
            "module": s.module,
            "note": s.note,
        }

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Explanation: {self.conclusion()}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"image/svg+xml": self.svg()}
        if len(self.steps) > _WRITTEN_OUT:  # megabytes of formulas, over which a notebook would stand still
            more = say("{n} steps back: print it to read them.", n=len(self.steps))
            bundle["text/plain"] = f"{self.conclusion()}\n{more}"
        else:
            bundle |= {"text/plain": self.text(), "text/latex": f"$$\n{self.latex()}\n$$"}
        wanted = set(include or bundle) - set(exclude or ())
        return {kind: data for kind, data in bundle.items() if kind in wanted}


def _value(v: Value) -> dict[str, Any]:
    return {
        "name": v.name,
        "latex": v.latex,
        "kind": v.kind,
        "value": _numbers(v.array),
        "operation": v.operation,
        "formula": v.formula,
        "operands": [{"number": _finite(x.number)} if isinstance(x, Number) else x for x in v.operands],
        "gradient": None if v.gradient is None else _numbers(v.gradient),
        "parts": list(v.parts),
        "line": v.line,
        "module": v.module,
    }


def _numbers(array: Any) -> Any:
    """An array as nested lists, with what JSON has no number for as a word; a large one as its summary."""
    a = np.asarray(array)
    if a.size > _LARGEST:
        return {"shape": list(a.shape), "dtype": str(a.dtype), "summary": render.summary(a)}
    return _finite(a.tolist())


def _finite(x: Any) -> Any:
    if isinstance(x, list):
        return [_finite(item) for item in x]
    return x if not isinstance(x, float) or np.isfinite(x) else str(x)
