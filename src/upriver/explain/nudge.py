"""A nudge: what the gradient says will happen to the loss, what the curvature adds, and what really happens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..core import site
from ..core.backward import grad
from ..core.graph import Graph, Node
from ..core.state import Array
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError, GradError, ShapeError
from ..i18n import Message, say
from ..i18n.columns import left
from .entry import Index, entry_of, written
from .names import caller, of_scopes, of_variables
from .perturb import Loss, Runner, resolution, restored

CLOSE = 0.05
"""A prediction explains a change if it is off by no more than this part of it."""
EXACT = 0.01
"""The gradient alone explains it if it is off by no more than this: then curvature need not be mentioned."""


@dataclass(frozen=True)
class Switch:
    """An operation whose derivative jumped on the way, because some of its inputs crossed a kink.

    Attributes:
        operation: its name.
        line: the line of the user's code, or None where none was recorded.
        entries: how many of its entries switched.
        of: how many it has.
    """

    operation: str
    line: str | None
    entries: int
    of: int


@dataclass(frozen=True, repr=False)
class Nudge:
    """A small change of weights, and the change of the loss: predicted and measured.

    Attributes:
        what: what was nudged, as in ``w[3, 17]``.
        size: the Euclidean length of the change that was really made (after rounding to the dtype).
        before, after: the loss, measured.
        first_order: the predicted change, gradient × nudge.
        curvature_term: ½ nudge · Hessian · nudge.
        second_order: the sum of the two.
        measured: ``after - before``.
        verdict: "first order", "second order", "kink", "higher order", "rounding", "no change", "not finite"
            or "random".
        switches: where a kink was crossed; looked for only if neither order explains the change.
        noise: how far two runs of ``loss_fn`` with the same weights differ.
        draws: whether ``loss_fn`` draws from Upriver's random numbers; the same were drawn for each run.

    Example:
        >>> import upriver as ur
        >>> from upriver.explain.nudge import nudge
        >>> w = ur.tensor(2.0, dtype=ur.float64, requires_grad=True)
        >>> print(nudge(lambda: (w * 3.0 - 10.0) ** 2, w, by=0.125).sentence())
        The gradient alone is 4.9% off, because the slope itself changes on the way; with this counted too (the
        curvature), 0%.
    """

    what: str
    size: float
    before: float
    after: float
    first_order: float
    curvature_term: float
    second_order: float
    measured: float
    verdict: str
    switches: tuple[Switch, ...]
    noise: float
    draws: bool

    def error(self, predicted: float) -> float:
        """How far ``predicted`` is from the measured change, as a part of it."""
        if predicted == self.measured:
            return 0.0
        return abs(predicted - self.measured) / abs(self.measured) if self.measured else math.inf

    def sentence(self) -> str:
        """Which order explains the change."""
        return _sentence(self)

    def text(self) -> str:
        """The three numbers and the sentence, for a terminal."""
        return _text(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "sentence": self.sentence()}

    def __repr__(self) -> str:
        return self.text()


def nudge(loss_fn: Loss, what: Any, by: Any = 1e-2, *, name: str | None = None) -> Nudge:
    """The change of the loss when weights are nudged: as the gradient predicts it, with curvature, and measured.

    The weights are really changed, the loss is really computed again, and they are put back bit for bit, also
    if ``loss_fn`` raises. ``.grad`` is not touched. Each run draws the same random numbers (dropout), and the
    generator is left as it was. A model in training mode updates its running statistics at each run.

    Args:
        loss_fn: takes nothing, computes the loss anew from the leaves, and returns it: one number.
        what: a leaf, an entry of one as in ``w[3, 17]``, or a list of those.
        by: how far: a number (for every entry of a leaf), or an array of the leaf's shape; for a list a number,
            or one of these for each.
        name: what to call what is nudged; by default as the caller's variable, or by its path in the model.

    Returns:
        The numbers and what explains them; print it.

    Raises:
        ArgumentError: ``loss_fn`` is no function or does not give one number, or ``by`` is zero or not finite.
        ShapeError: ``by`` does not fit.
        GradError: what is nudged is not a leaf that requires a gradient, or the loss does not depend on it.

    Source:
        Taylor's theorem; the product of the Hessian with a vector as the derivative of gradient · vector:
        B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0, 2.0], dtype=ur.float64, requires_grad=True)
        >>> n = nudge(lambda: (w * w).sum(), w[1], by=0.01)
        >>> round(n.first_order, 6), round(n.second_order, 6), round(n.measured, 6)
        (0.04, 0.0401, 0.0401)
    """
    targets = _targets(what, by)
    runner = Runner("nudge", loss_fn)
    leaves = list(dict.fromkeys(leaf for leaf, _, _ in targets))
    loss = runner.record()
    graph = Graph.of(loss)
    name = _name(targets, graph) if name is None else name
    again, free = runner.value(), runner.freely()
    before = float(loss.array)

    new = {leaf: leaf.array.copy() for leaf in leaves}
    for leaf, index, change in targets:
        new[leaf][... if index is None else index] += change
    moves = [new[leaf].astype(np.float64) - leaf.array for leaf in leaves]
    if not any(move.any() for move in moves):
        raise ArgumentError(
            f"nudge: the change is too small for {leaves[0].dtype}: no entry of {name} became another number",
            "Use a larger by, or float64.",
        )
    first, bend = _predicted(loss, leaves, moves)
    with restored(leaves):
        for leaf in leaves:
            leaf.array[...] = new[leaf]
        after = runner.value()
    noise = max(abs(again - before), abs(runner.value() - again)) if math.isfinite(before) else 0.0
    found = Nudge(
        what=name,
        size=math.sqrt(sum(float((move * move).sum()) for move in moves)),
        before=before,
        after=after,
        first_order=first,
        curvature_term=bend,
        second_order=first + bend,
        measured=after - before,
        verdict="",
        switches=(),
        noise=noise,
        draws=noise <= resolution(loss.array) and abs(free - before) > max(noise, resolution(loss.array)),
    )
    verdict = _verdict(found, resolution(loss.array))
    switches: tuple[Switch, ...] = ()
    if verdict == "higher order":
        with restored(leaves):
            slopes = _slopes_of_kinked(graph)
            for leaf in leaves:
                leaf.array[...] = new[leaf]
            switches = _switches(slopes, _slopes_of_kinked(Graph.of(runner.record())))
        verdict = "kink" if switches else verdict
    return Nudge(**{**found.__dict__, "verdict": verdict, "switches": switches})


def _targets(what: Any, by: Any) -> list[tuple[Tensor, Index | None, Array]]:
    """For each thing to nudge: the leaf, the entry or None, and by how much, in the shape of that."""
    several = isinstance(what, (list, tuple))
    items = list(what) if several else [what]
    sizes = list(by) if several and isinstance(by, (list, tuple)) else [by] * len(items)
    if len(sizes) != len(items) or not items:
        raise ArgumentError(f"nudge: {len(items)} things to nudge and {len(sizes)} sizes", "Give one by for each.")
    found: list[tuple[Tensor, Index | None, Array]] = []
    for item, size in zip(items, sizes, strict=True):
        leaf, index = entry_of(item)
        if not leaf.wants_grad:
            raise GradError(
                f"nudge: a leaf of shape {list(leaf.shape)} does not require a gradient, so none predicts anything",
                "Set requires_grad=True on it.",
            )
        change = np.asarray(size.array if isinstance(size, Tensor) else size, np.float64)
        shape = leaf.shape if index is None else ()
        if change.shape not in ((), shape):
            raise ShapeError(
                f"nudge: by has shape {list(change.shape)}, and what is nudged {list(shape)}",
                "Give one number, or one for each entry.",
            )
        if not np.isfinite(change).all() or not change.any():
            raise ArgumentError(f"nudge: by = {size!r} is no nudge", "Give a finite number other than 0.")
        found.append((leaf, index, np.broadcast_to(change, shape)))
    return found


def _name(targets: Sequence[tuple[Tensor, Index | None, Array]], graph: Graph) -> str:
    frame = caller()
    known = of_variables(frame.f_locals) if frame is not None else {}
    known = {**of_scopes(graph), **known}
    parts = [f"{known.get(leaf) or say('the leaf')}{written(index)}" for leaf, index, _ in targets]
    return ", ".join(parts)


def _predicted(loss: Tensor, leaves: Sequence[Tensor], moves: Sequence[Array]) -> tuple[float, float]:
    """Gradient · move, and half of move · Hessian · move."""
    gradients = grad(loss, leaves, create_graph=True, allow_unused=True)
    if all(g is None for g in gradients):
        raise GradError(
            "nudge: the loss does not depend on what is nudged: no path leads from it to the loss",
            "This is not a gradient of zero: there is none. Ask ur.why for the reason.",
        )
    pairs = [(g, move) for g, move in zip(gradients, moves, strict=True) if g is not None]
    first = sum(float((g.array.astype(np.float64) * move).sum()) for g, move in pairs)
    return first, 0.5 * sum(
        float((h.astype(np.float64) * move).sum())
        for h, move in zip(hessian_product(pairs, leaves), moves, strict=True)
    )


def hessian_product(pairs: Sequence[tuple[Tensor, Array]], leaves: Sequence[Tensor]) -> list[Array]:
    """The Hessian times a vector: the derivative of gradient · vector by the leaves.

    Args:
        pairs: gradients that were recorded, each with its part of the vector.
        leaves: to differentiate by.
    """
    live = [(g, wrap(np.asarray(v, g.dtype), None)) for g, v in pairs if g.wants_grad]
    if not live:  # the gradient is constant
        return [np.zeros(leaf.shape, leaf.dtype) for leaf in leaves]
    ys, vectors = zip(*live, strict=True)
    found = grad(ys, leaves, vectors, materialize_grads=True)
    return [h.array for h in found if h is not None]


# What explains it.


def _verdict(n: Nudge, resolution: float) -> str:
    if n.noise > max(resolution, CLOSE * abs(n.measured)):
        return "random"
    if not (math.isfinite(n.measured) and math.isfinite(n.first_order)):
        return "not finite"
    if n.measured == 0 and n.first_order == 0:
        return (
            "no change" if n.curvature_term == 0 else "rounding" if abs(n.second_order) < resolution else "higher order"
        )
    if max(abs(n.measured), abs(n.first_order)) <= resolution:
        return "rounding"
    # What rounding of the loss can hide does not count against a prediction.
    if abs(n.first_order - n.measured) <= EXACT * abs(n.measured) + 0.25 * resolution:
        return "first order"
    if abs(n.second_order - n.measured) <= CLOSE * abs(n.measured) + 0.25 * resolution:
        return "second order"
    if abs(n.first_order - n.measured) <= CLOSE * abs(n.measured):
        return "first order"
    return "higher order"


def _slopes_of_kinked(graph: Graph) -> list[tuple[Node, list[Array]]]:
    """The operations that have kinks, each with its slopes."""
    values = graph.values()
    return [
        (node, _slopes(node, graph, values))
        for node in graph
        if node.op.domain.distinct or any(interval.kinks for interval in node.op.domain.intervals)
    ]


def _switches(
    before: Sequence[tuple[Node, list[Array]]], after: Sequence[tuple[Node, list[Array]]]
) -> tuple[Switch, ...]:
    """The operations whose slope jumped between two recordings of the same computation."""
    if [node.op for node, _ in before] != [node.op for node, _ in after]:
        return ()
    found: list[Switch] = []
    for (node, slopes), (_, moved) in zip(before, after, strict=True):
        jumped = 0
        for a, b in zip(slopes, moved, strict=True):
            size = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
            jumped += int(np.count_nonzero(np.abs(a - b) > 0.1 * size)) if size else 0
        if jumped:
            line = site.describe(node.site) if node.site is not None else None
            found.append(Switch(node.op.name, line, jumped, math.prod(node.shape)))
    return tuple(found)


def _slopes(node: Node, graph: Graph, values: Sequence[Array]) -> list[Array]:
    """What the rules of ``node`` give for the cotangent 1."""
    known = dict(zip(graph.nodes, values, strict=True))
    inputs = [known.get(getattr(x, "node", x) or x, getattr(x, "array", x)) for x in node.inputs]
    ones = np.ones(node.shape, node.dtype)
    return [
        np.asarray(rule(ones, known[node], *inputs, **node.attrs))
        for rule, edge in zip(node.op.vjps, node.edges, strict=False)
        if rule is not None and edge is not None
    ]


# What is said.


def percent(part: float) -> str:
    """A part as a percentage, with two digits."""
    if math.isinf(part):
        return say("wholly")
    if 0 < part < 1e-5:
        return say("under 0.001%")
    if part >= 9.995:
        return say("{factor} times", factor=f"{part:.3g}")
    return f"{100 * part:.2g}%" if part < 0.095 else f"{100 * part:.0f}%"


def _off(n: Nudge, predicted: float) -> str:
    error = n.error(predicted)
    return say("{part} off", part=percent(error)) if math.isfinite(error) else ""


def _sentence(n: Nudge) -> Message:
    off, off_2 = percent(n.error(n.first_order)), percent(n.error(n.second_order))
    if n.verdict == "random":
        return say(
            "The loss is not the same when computed twice with the same weights: it differs by {noise}, "
            "so the change cannot be told from chance. Fix the random numbers inside loss_fn.",
            noise=f"{n.noise:.3g}",
        )
    if n.verdict == "not finite":
        return say("The loss, or its gradient, is not a finite number: nothing can be compared. Ask ur.why(loss).")
    if n.verdict == "no change":
        return say("Nothing changes: the gradient is zero here, and so is the measured change.")
    if n.verdict == "rounding":
        return say("The change is as small as the rounding of the loss: use a larger by, or float64, to measure it.")
    if n.verdict == "first order":
        return say("The gradient explains it: off by {off}; with curvature, {curved}.", off=off, curved=off_2)
    if n.verdict == "second order":
        return say(
            "The gradient alone is {off} off, because the slope itself changes on the way; "
            "with this counted too (the curvature), {curved}.",
            off=off, curved=off_2,
        )  # fmt: skip
    if n.verdict == "kink":
        where = _switched(n.switches[0])
        for switch in n.switches[1:]:
            where = say("{some}; {more}", some=where, more=_switched(switch))
        return say(
            "Neither order explains it ({off} and {curved} off): a kink lies on the way. Switched: {where}. "
            "Derivatives speak of this side only; nudge by less.",
            off=off, curved=off_2, where=where,
        )  # fmt: skip
    return say(
        "Neither order explains it ({off} and {curved} off): the nudge is too large for a parabola. Nudge by less.",
        off=off, curved=off_2,
    )  # fmt: skip


def _switched(s: Switch) -> Message:
    if s.line:
        return say(
            "{n} of {of} entries of {operation} ({line})", n=s.entries, of=s.of, operation=s.operation, line=s.line
        )
    return say("{n} of {of} entries of {operation}", n=s.entries, of=s.of, operation=s.operation)


def _text(n: Nudge) -> str:
    rows = [
        (say("loss before"), f"{n.before:.9g}", ""),
        (say("loss after"), f"{n.after:.9g}", ""),
        (say("predicted, gradient × nudge"), f"{n.first_order:+.6g}", _off(n, n.first_order)),
        (say("predicted, with curvature"), f"{n.second_order:+.6g}", _off(n, n.second_order)),
        (say("measured"), f"{n.measured:+.6g}", ""),
    ]
    lines: list[str] = [say("Nudge of {what}, of length {size}", what=n.what, size=f"{n.size:.6g}"), ""]
    lines += [f"  {left(a, 28)} {b:>14}  {c}".rstrip() for a, b, c in rows]
    lines += ["", n.sentence()]
    if n.draws:
        lines.append(say("loss_fn draws random numbers; each run was given the same."))
    return "\n".join(lines)
