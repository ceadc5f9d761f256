"""The chain rule, carried out on the graph that ran: every factor with its formula, its number and its line.

The walk is that of ``backward()``: the same rules on the same values in the same order, so that the parts add up
to the stored gradient bit for bit. Beside each product it keeps what made it: the local derivative, read back
from the rule itself, and the upstream gradient.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import site
from ..core.backward import grad
from ..core.graph import Graph, Node, sorted_nodes
from ..core.scope import Paths
from ..core.state import Array, tracing
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError, GradError
from . import names
from .asked import check_loss
from .formula import Derivative, Term, entrywise, ones, run_rule, simplify
from .names import Named, key_of
from .records import Answer, Number, Part, Step, Value
from .writing import symbol, write

if TYPE_CHECKING:
    from .explanation import Explanation

LARGEST_SHOWN = 4000
"""The longest formula, in characters, that is written out."""

_NOT_WHOLE = re.compile(r"\.|\de[-+]?\d")

PARTS_KEPT = 8
"""As many products of one entry are kept, the largest."""


class _Walk:
    """The backward walk, with everything that it saw."""

    def __init__(self, root: Tensor, wanted: Sequence[Any], known: Mapping[Any, str]) -> None:
        self.graph = Graph.of(root)
        self.named = names.name_all(self.graph, known)
        self.arrays: dict[Any, Array] = {leaf: leaf.array for leaf in self.graph.leaves}
        self.arrays |= dict(zip(self.graph.nodes, self.graph.values(), strict=True))
        self.bare = {key: wrap(array, None) for key, array in self.arrays.items()}
        self.terms = {id(t): self.named[key].term for key, t in self.bare.items()}
        self.index = {key: i for i, key in enumerate([*self.graph.leaves, *self.graph.nodes])}
        self.upstream_symbol = names.letter("g", self.named)
        self.order = sorted_nodes(root.node) if root.node is not None else []
        self.useful = set(wanted)
        for node in self.order:
            if not self.useful.isdisjoint(node.edges):
                self.useful.add(node)
        self.path = Paths()
        self.gradients: dict[Any, Array] = {}
        self.parts: dict[Any, list[int]] = {}
        self.steps: list[Step] = []
        self._walk(root)

    def _walk(self, root: Tensor) -> None:
        cts = self.gradients
        cts[key_of(root)] = np.ones(root.shape, root.dtype)
        for node in reversed(self.order):
            if node not in cts:
                continue
            for i, (rule, key) in enumerate(zip(node.op.vjps, node.edges)):  # noqa: B905 (an `Each` has no end)
                if key is None or rule is None or key not in self.useful:
                    continue
                step = self._step(node, i, key, cts[node])
                self.parts.setdefault(key, []).append(step.index)
                self.steps.append(step)
                before = cts.get(key)
                cts[key] = step.product if before is None else before + step.product

    def _operands(self, node: Node) -> tuple[Any, ...]:
        return tuple([self.bare.get(key_of(x), x) for x in node.inputs])

    def _pull(self, node: Node, i: int, ct: Array) -> Array:
        """The rule on bare arrays, as ``backward()`` runs it: the same bits."""
        rule = next(rule for j, rule in enumerate(node.op.vjps) if j == i)
        assert rule is not None
        arrays = [x.array if isinstance(x, Tensor) else x for x in self._operands(node)]
        return np.asarray(rule(ct, self.arrays[node], *arrays, **node.attrs))

    def run(self, node: Node, i: int, ct: Tensor, upstream: bool) -> Derivative:
        """The rule on tensors, read back: with the upstream gradient as a symbol, or with ones in its place."""
        if not upstream:
            return run_rule(node, i, self._operands(node), self.bare[node], ct, self.terms)
        self.terms[id(ct)] = symbol(self.upstream_symbol, ct.shape)
        try:
            return run_rule(node, i, self._operands(node), self.bare[node], ct, self.terms)
        finally:
            del self.terms[id(ct)]

    def _step(self, node: Node, i: int, key: Any, ct: Array) -> Step:
        product = self._pull(node, i, ct)
        factor = entrywise(node) or node.shape == ()
        shown = self.run(node, i, ones(node), False) if factor else self.run(node, i, wrap(ct, None), True)
        local = shown.value if factor else None
        term = simplify(shown.term)
        formula = _short(write(term))
        return Step(
            index=len(self.steps),
            operation=node.op.name,
            source=self.index[node],
            target=self.index[key],
            operand=i,
            entrywise=factor,
            formula=formula,
            formula_latex=_short(write(term, latex=True)),
            unsimplified=formula if shown.term is term else _short(write(shown.term)),
            exact=_exact(term, formula),
            local=local,
            upstream=ct,
            product=product,
            upstream_symbol=self.upstream_symbol,
            constants=shown.constants,
            line=_line(node),
            module=self.path(node.scope),
            note=node.op.domain.ties if factor and self._at_a_tie(node) else "",
        )

    def _at_a_tie(self, node: Node) -> bool:
        """Whether some entry lies where the operation has no derivative, so that a convention decides."""
        domain = node.op.domain
        if not domain.ties or dict(node.attrs) not in [dict(case.attrs) for case in node.op.cases]:
            return False  # the points are known for the attributes of the cases: clamp has its kinks at its bounds
        arrays = [x.array if isinstance(x, Tensor) else x for x in self._operands(node)]
        if domain.distinct:
            return len(arrays) == 2 and bool(np.any(arrays[0] == arrays[1]))
        return any(bool(np.any(a == kink)) for i, a in enumerate(arrays) for kink in domain.of(i).kinks)

    def values(self) -> list[Value]:
        """Every value, with its gradient where one was computed."""
        return [self._value(key) for key in [*self.graph.leaves, *self.graph.nodes]]

    def _value(self, key: Any) -> Value:
        name: Named = self.named[key]
        node = key if isinstance(key, Node) else None
        formula = _short(write(name.formula)) if name.formula else None
        kind = "result" if node is not None else "constant" if name.term.number is not None else "input"
        return Value(
            index=self.index[key],
            kind=kind,
            name=name.text,
            latex=name.latex,
            array=self.arrays[key],
            operation=node.op.name if node else None,
            formula=formula,
            formula_latex=_short(write(name.formula, latex=True)) if name.formula else None,
            exact=_exact(name.formula, formula) if name.formula and formula else None,
            operands=tuple(map(self._operand, node.inputs)) if node else (),
            on_the_way=key in self.useful or key is key_of(self.graph.root),
            gradient=self.gradients.get(key),
            parts=tuple(self.parts.get(key, ())),
            line=_line(node) if node else None,
            module=self.path(node.scope) if node else "",
            key=key,
        )

    def _operand(self, x: Any) -> int | Number:
        key = key_of(x)
        return self.index[key] if isinstance(key, (Node, Tensor)) else Number(x)

    def answer(self, key: Any, entry: tuple[int, ...] | None) -> Answer:
        """The gradient of a value, or of one entry with the products that it is the sum of."""
        i = self.index[key]
        name, latex = self.named[key].text, self.named[key].latex
        total = self.gradients[key]
        if entry is None:
            return Answer(i, None, name, latex, total)
        at = ", ".join(map(str, entry))
        found: list[Part] = []
        count = 0
        for s in self.parts.get(key, ()):
            parts, n = self._parts(self.steps[s], entry)
            found += parts
            count += n
        found.sort(key=lambda part: -abs(part.upstream * part.local))
        latex = rf"{{{latex}}}_{{{at}}}" if "_" in latex else rf"{latex}_{{{at}}}"
        return Answer(i, entry, f"{name}[{at}]", latex, np.asarray(total[entry]), tuple(found[:PARTS_KEPT]), count)

    def _parts(self, step: Step, entry: tuple[int, ...]) -> tuple[list[Part], int]:
        """The products of one step for one entry of its operand.

        A rule is linear in the upstream gradient; so the derivative of what it gives for the entry, by the
        upstream gradient, is the derivative of the operation's value by the entry.
        """
        node = self.graph.nodes[step.source - len(self.graph.leaves)]
        assert isinstance(node, Node)
        rule = next(rule for j, rule in enumerate(node.op.vjps) if j == step.operand)
        assert rule is not None
        ct = wrap(step.upstream, None)
        ct.wants_grad = True
        with tracing():
            chosen = rule(ct, self.bare[node], *self._operands(node), **node.attrs)[entry]
        if not chosen.wants_grad:
            return [], 0
        (jacobian,) = grad(chosen, ct, allow_unused=True)
        if jacobian is None:
            return [], 0
        local = jacobian.array
        products = local * step.upstream
        places = np.flatnonzero(local)
        count = int(np.count_nonzero(products))
        largest = places[np.argsort(-np.abs(products.reshape(-1)[places]), kind="stable")[:PARTS_KEPT]]
        where = [tuple(int(n) for n in np.unravel_index(p, local.shape)) for p in largest]
        return [Part(step.index, at, step.upstream[at].item(), local[at].item()) for at in where], count


def _short(text: str) -> str:
    return text if len(text) <= LARGEST_SHOWN else text[: LARGEST_SHOWN - 1] + "…"


def _exact(term: Term, text: str) -> str:
    """The formula with all digits of its numbers: the same text, unless some of them are not whole."""
    return _short(write(term, exact=True)) if _NOT_WHOLE.search(text) or len(text) == LARGEST_SHOWN else text


def _line(node: Node) -> str | None:
    return site.describe(node.site) if node.site is not None else None


def derive(
    root: Tensor, wanted: Sequence[tuple[Any, tuple[int, ...] | None]], known: Mapping[Any, str], **more: Any
) -> Explanation:
    """The explanation of the gradients of ``root`` with respect to ``wanted`` (keys, with an entry or None)."""
    from .explanation import Explanation

    walk = _Walk(root, [key for key, _ in wanted], known)
    for key, _ in wanted:
        if key not in walk.gradients:
            raise GradError(
                f"explain: {known.get(key, 'the value asked about')} has no influence on the result: "
                "no path leads to it",
                "This is not a gradient of zero: there is none. Was it detached, or never used?",
            )
    answers = tuple([walk.answer(key, entry) for key, entry in wanted])
    return Explanation(
        values=tuple(walk.values()),
        steps=tuple(walk.steps),
        answers=answers,
        root=walk.index[key_of(root)],
        graph=walk.graph,
        **more,
    )


def explain(
    loss: Tensor,
    wrt: Tensor | Iterable[Tensor] | None = None,
    *,
    names_of: Mapping[str, Any] | None = None,
    module: Any = None,
) -> Explanation:
    """The derivation of gradients of ``loss``: every factor with its formula, its number and its line.

    Nothing needs to have been done before, neither ``backward()`` nor recording of another kind; ``.grad`` is
    not touched.

    Args:
        loss: one number, computed while recording.
        wrt: leaves or intermediate results, one or several, or entries of leaves as in ``w[3, 17]``; every leaf
            that requires a gradient by default.
        names_of: names for values, besides the caller's own variables, as in ``{"w": w}``.
        module: whose parameters are called by their paths; those of the modules that ran are found anyway.

    Returns:
        An :class:`Explanation`: print it, or take its ``.text()``, ``.latex()``, ``.mathml()``, ``.svg()``,
        ``.mermaid()``, ``.html()``, ``.trace()``.

    Raises:
        GradError: ``loss`` has no history, is not one number, or does not depend on ``wrt``.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> x, y = ur.tensor(3.0), ur.tensor(10.0)
        >>> loss = (w * x - y) ** 2
        >>> explain(loss, wrt=w).conclusion()
        'd(loss)/dw = -24: raising w lowers loss, at first by 24 for each unit.'
    """
    if loss is None:
        raise GradError(
            "explain: None was given: a .grad is None until backward() has computed it, which is not the same as zero",
            "Pass the loss itself: explain(loss, wrt=w).",
        )
    check_loss("explain", loss)
    targets = None if wrt is None else [wrt] if isinstance(wrt, Tensor) else list(wrt)
    if targets == []:
        raise ArgumentError("explain: wrt is empty: nothing was asked about", "Leave it out for all leaves.")
    for x in targets or ():
        if not isinstance(x, Tensor):
            raise ArgumentError(f"explain: wrt holds a {type(x).__name__}, not a tensor", "As in wrt=w or wrt=[w, b].")
    graph = Graph.of(loss)
    within = {*graph.nodes, *graph.leaves}
    known = names.known_names(graph, {*within, *map(key_of, targets or ())}, names_of, module)
    if targets is None:
        return derive(loss, [(leaf, None) for leaf in graph.leaves if leaf.requires_grad], known)
    return derive(loss, [_asked(x, within, known) for x in targets], known)


def _asked(x: Tensor, within: Collection[Any], known: Mapping[Any, str]) -> tuple[Any, tuple[int, ...] | None]:
    """What is asked about, as a node or leaf, and an entry of it or None."""
    if not x.wants_grad:
        raise GradError(
            f"explain: {known.get(key_of(x), 'a value asked about')} does not require a gradient, so none is "
            "computed (which is not the same as zero)",
            "Set requires_grad=True before computing the loss.",
        )
    if key_of(x) in within:
        return key_of(x), None
    from .entry import entry_of

    leaf, entry = entry_of(x)
    return leaf, entry
