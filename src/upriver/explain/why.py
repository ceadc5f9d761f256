"""Why a gradient is zero, missing, NaN or huge, and why a loss is: the first cause, with its line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core import state
from ..core.graph import Graph
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import ArgumentError, GradError
from ..i18n import Message, say
from . import asked, missing
from .closed import zero_cause
from .entry import Index, entry_of, written
from .magnitude import finite_cause, stored_cause
from .names import caller, of_scopes, of_variables
from .nonfinite import gradient_cause, value_cause
from .perturb import Runner
from .reason import Cause, Reason, number, reason
from .upstream import Upstream, cotangent_of

SMALL, LARGE = 1e-7, 1e3
"""Gradients between these two are ordinary unless a saturated function is the reason for their size."""


def why(what: Any, *, loss: Tensor | Callable[[], Any] | None = None) -> Reason:
    """Why this gradient (or this loss) is what it is: the first cause, the line of the code, and what to do.

    Ask while the loss is still there, and before ``optimizer.step()`` changes the weights it was computed from.

    Args:
        what: a leaf, or one entry of it, as in ``w[3, 17]``; its ``.grad``, or an entry of that; an intermediate
            result, for its gradient; or a result whose value is NaN or infinite.
        loss: what the gradient is of; by default what ``backward()`` was last called on, while that lives. A function
            that computes the loss anew can be given too: then ``.grad`` is not looked at, and where no path is
            found, the loss is computed once more with another weight, to tell a cut from a weight never used.

    Returns:
        The state ("none", "zero", "not finite", "accumulated", "large", "small", "ordinary"), the cause, the line,
        the module and the numbers; print it.

    Raises:
        GradError: it cannot be told: the loss is gone, or a value was changed after the loss was computed from it.
        ArgumentError: ``what`` is not a tensor.

    Example:
        >>> import upriver as ur
        >>> from upriver.explain.why import why
        >>> w = ur.tensor([1.0, 2.0], requires_grad=True)
        >>> loss = ur.relu(w - 5.0).sum()
        >>> loss.backward()
        >>> why(w).cause, why(w).operation
        ('closed', 'relu')
    """
    return _Question(what, loss).answer()


def why_of(loss: Tensor, key: Any, entry: Index | None, names: Mapping[Any, str]) -> Reason:
    """Why the gradient of ``loss`` is what it is at a leaf or node: ``backward()`` need not have run.

    Args:
        loss: one number, with a history.
        key: the leaf, or the node of a result, that a gradient flows to.
        entry: which entry; None for all of it.
        names: what leaves and nodes are called.

    Raises:
        GradError: no gradient flows there.
    """
    question = _Question(key, loss)
    question.variables = dict(names)
    if key not in question.up.cotangents:
        raise GradError(f"no gradient flows to {names.get(key, 'this value')}", "Ask about a value that the loss uses.")
    selected = np.zeros(key.shape, bool)
    selected[... if entry is None else entry] = True
    return question.of_size(names.get(key, _shape(key)) + written(entry or None), key, selected)


class _Question:
    """One question: what it is about, and the loss that it concerns."""

    def __init__(self, what: Any, loss: Any) -> None:
        frame = caller()
        self.variables = of_variables(frame.f_locals) if frame is not None else {}
        self.frame, self.loss, self.gradient = frame, loss, None
        self.runner: Runner | None = None
        if callable(loss) and not isinstance(loss, Tensor):
            self.runner = Runner("why", loss)
            self.loss = self.runner.record()
        elif loss is None:
            notes = [note for note in state.backwards if note.root() is not None]
            if notes:
                self.loss, self.gradient = notes[-1].root(), cotangent_of(notes[-1])
        elif not isinstance(loss, Tensor):
            raise ArgumentError(
                f"why: the loss is a {type(loss).__name__}, not a tensor", "Pass what backward() is called on."
            )
        self.what, self.given = what, loss is not None
        self._up: Upstream | None = None

    @property
    def up(self) -> Upstream:
        """The backward pass of the loss."""
        assert self.loss is not None
        if self._up is None:
            self._up = Upstream(self.loss, self.gradient)
        return self._up

    def answer(self) -> Reason:
        """The first cause."""
        what = self.what
        if what is None:
            leaf, _ = asked.of_source(self.frame)
            if leaf is None:
                raise ArgumentError(
                    "why: None was asked about, and nothing tells whose gradient it is", "Ask ur.why(p) of the leaf p."
                )
            return self.of_leaf(leaf, None)
        if not isinstance(what, Tensor):
            raise ArgumentError(
                f"why: {type(what).__name__} is not a tensor", "Ask about a leaf, a gradient or a loss."
            )
        if what.node is None:
            found = asked.of_gradient(what, self._leaves()) if not what.wants_grad else None
            if found is None and not what.wants_grad and what.dtype.kind == "f" and not np.isfinite(what.array).all():
                return self.of_constant(what)
            return self.of_leaf(*(found or (what, None)))
        if what is self.loss or (not np.isfinite(what.array).all() and what.dtype.kind == "f"):
            return self.of_value(what)
        if self.loss is not None and what.node in self.up.reached:
            return self.of_result(what)
        if not self.given and what.array.size == 1 and not _is_entry(what):
            return self.of_value(what)
        try:
            leaf, entry = entry_of(what)
        except (GradError, ArgumentError):
            return self.of_result(what)
        return self.of_leaf(leaf, entry)

    def _leaves(self) -> list[Tensor]:
        """The leaves of the graphs that are known, and the caller's own."""
        found = [x for x in self.variables if isinstance(x, Tensor)]
        for note in state.backwards:
            root = note.root()
            if root is not None:
                found += [x for x in Graph.of(root).leaves if x.wants_grad]
        return found

    def name(self, x: Any) -> str:
        """What the user calls a leaf or a node."""
        if x in self.variables:
            return self.variables[x]
        return (of_scopes(self.up.graph).get(x) if self.loss is not None else None) or _shape(x)

    # Values.

    def of_value(self, x: Tensor) -> Reason:
        """Of a result: whether and why it is not finite."""
        what = self.variables.get(x.node) or say("this value")
        wrong = int(np.count_nonzero(~np.isfinite(x.array))) if x.dtype.kind == "f" else 0
        if not wrong:
            told = say("nothing is wrong with it. Ask about a leaf for its gradient: ur.why(w).")
            finding = say("{what} is finite: {value}.", what=what, value=number(x.array.reshape(-1)[0]))
            return reason(what, "ordinary", finding, Cause("ordinary", told, ""))
        if x.ndim:
            finding = say(
                "{what} is {kind, select, nan {NaN} other {infinite}} in {wrong} of "
                "{n, plural, one {# entry} other {# entries}}.",
                what=what, kind=_kind(x.array), wrong=wrong, n=x.array.size,
            )  # fmt: skip
        else:
            finding = _broken(what, x.array)
        up = self.up if x is self.loss else Upstream(x)
        return reason(what, "not finite", finding, value_cause(up, x.node, self.name))

    def of_constant(self, x: Tensor) -> Reason:
        """Of a value that is not finite and that nothing is known of."""
        what = self.variables.get(x) or say("this value")
        cause = Cause(
            "no history",
            say(
                "nothing was recorded of how it came about: it is data, or was computed inside no_grad() or from what "
                "requires no gradient."
            ),
            say("Compute it once more outside no_grad(), from leaves that require a gradient, and ask then."),
        )
        return reason(what, "not finite", _broken(what, x.array), cause)

    # Gradients.

    def _earlier(self, leaf: Tensor) -> None:
        """Turn to an earlier backward pass, if the last one did not reach this leaf and that one did."""
        for note in reversed(state.backwards):
            root = note.root()
            if root is not None and root is not self.loss:
                up = Upstream(root, cotangent_of(note))
                if leaf in up.reached:
                    self.loss, self._up = root, up
                    return

    def _waiting(self, leaf: Tensor) -> str | None:
        """The name of a result of the caller's to which a path leads from the leaf, and that backward() has not had."""
        if self.frame is None:
            return None
        had = {id(note.root()) for note in state.backwards}
        waiting = (
            name
            for name, x in self.frame.f_locals.items()
            if isinstance(x, Tensor) and x.node is not None and x.wants_grad and x.array.size == 1 and id(x) not in had
            if any(y is leaf for y in Graph.of(x).leaves) and leaf in Upstream(x).reached
        )
        return next(waiting, None)

    def of_result(self, x: Tensor) -> Reason:
        """Of an intermediate result: as of a leaf, but that its gradient is kept only if that was asked for."""
        what = self.variables.get(x.node) or say("this result")
        if self.loss is None or x.node not in self.up.reached:
            cause = missing.not_run(None)
            if self.loss is not None:
                told, fix = say("no path leads from it to the loss."), say("See that the loss uses it.")
                cause = Cause("unused", told, fix, x.node)
            return reason(what, "none", say("{what} has no gradient.", what=what), cause)
        if x.grad is None and x.node is not None and x.node.retained is None and not self._unusual(x.node):
            cause = Cause(
                "not a leaf", say("it is a result, and backward() keeps the gradients of leaves alone."),
                say("Call retain_grad() on it before backward()."), x.node,
            )  # fmt: skip
            return reason(what, "none", say("{what} has no .grad.", what=what), cause)
        return self.of_size(what, x.node, np.ones(x.shape, bool))

    def _unusual(self, key: Any) -> bool:
        gradient = self.up.cotangents[key]
        return not gradient.any() or not np.isfinite(gradient).all()

    def of_leaf(self, leaf: Tensor, entry: Index | None) -> Reason:
        """Of a leaf, or one entry of it."""
        if self.loss is not None and not self.given and leaf.grad is not None and leaf not in self.up.reached:
            self._earlier(leaf)
        loss = self.loss
        name, at = self.name(leaf), written(entry)
        what = say("{name}{entry}", name=name, entry=at) if isinstance(name, Message) and at else name + at
        missing_finding = say("{what} has no gradient: .grad is None.", what=what)
        if not leaf.wants_grad:
            return reason(what, "none", missing_finding, missing.not_wanted(leaf))
        if loss is None:
            if leaf.grad is None:
                return reason(what, "none", missing_finding, missing.not_run(None))
            raise GradError(
                f"why: the loss whose backward() gave {what} its gradient is gone, so nothing can be walked",
                "Keep the loss in a variable until you ask, or pass it: ur.why(w, loss=loss).",
            )
        if leaf not in self.up.reached:
            if leaf.grad is not None and not leaf.grad.array.any():
                missing_finding = say("The gradient of {what} is zero, and this loss gives it none.", what=what)
            elif leaf.grad is not None:
                missing_finding = say("This loss gives {what} no gradient: what .grad holds is of another.", what=what)
            lost = missing.no_path(self.up, leaf, self.name(leaf)) if loss.wants_grad else missing.no_history(loss)
            if not self.given and lost.kind in ("unused", "cut or unused"):
                lost = missing.not_run_on(self._waiting(leaf)) or lost
            if self.runner is not None and lost.kind in ("unused", "cut or unused"):
                lost = missing.cut_or_not(self.runner, leaf, lost)
            return reason(what, "none", missing_finding, lost)
        if leaf.grad is None and self.runner is None:
            return reason(what, "none", missing_finding, missing.not_run(loss))
        selected = np.zeros(leaf.shape, bool)
        selected[... if entry is None else entry] = True
        if leaf.grad is None or self.runner is not None:
            return self.of_size(what, leaf, selected)
        stored = leaf.grad.array
        if np.isfinite(stored).all() and np.isfinite(loss.array).all():
            own = self.up.cotangents[leaf]
            cause = stored_cause(leaf, stored, own, loss) if np.isfinite(own).all() else None
            if cause is not None:
                state_ = "zero" if cause.kind == "cleared" else "accumulated"
                return reason(what, state_, _finding(what, stored[selected]), cause)
        return self.of_size(what, leaf, selected)

    def of_size(self, what: str, key: Any, selected: Array) -> Reason:
        """Of a gradient that is there: zero, not finite, large, small or ordinary."""
        assert self.loss is not None
        if not np.isfinite(self.loss.array).all():
            finding = say(
                "The gradient of {what} cannot be finite: the loss is {kind, select, nan {NaN} other {infinite}}.",
                what=what, kind=_kind(self.loss.array),
            )  # fmt: skip
            return reason(what, "not finite", finding, value_cause(self.up, self.loss.node, self.name))
        gradient = self.up.cotangents[key]
        chosen = gradient[selected]
        finding = _finding(what, chosen)
        if not np.isfinite(chosen).all():
            return reason(what, "not finite", finding, gradient_cause(self.up, key, selected, self.name))
        if not chosen.any():
            return reason(what, "zero", finding, zero_cause(self.up, key, selected, self.name))
        state_, cause = finite_cause(self.up, key, selected, SMALL, LARGE)
        return reason(what, state_, finding, cause)


def _is_entry(x: Tensor) -> bool:
    try:
        entry_of(x)
    except GradError:
        return False
    return True


def _shape(x: Any) -> str:
    if isinstance(x, (bool, int, float)):
        return say("the number {value}", value=number(x))
    shape = "×".join(map(str, x.shape))
    if getattr(x, "wants_grad", False):
        return say("a leaf of shape {shape}", shape=shape) if shape else say("a leaf of one number")
    return say("a tensor of shape {shape}", shape=shape) if shape else say("a tensor of one number")


def _kind(a: Array) -> str:
    return "nan" if np.isnan(a).any() else "infinite"


def _broken(what: str, a: Array) -> Message:
    return say("{what} is {kind, select, nan {NaN} other {infinite}}.", what=what, kind=_kind(a))


def _finding(what: str, chosen: Array) -> Message:
    """A gradient in a sentence."""
    n = chosen.size
    if not np.isfinite(chosen).all():
        wrong = int(np.count_nonzero(~np.isfinite(chosen)))
        if n > 1:
            return say(
                "The gradient of {what} is {kind, select, nan {NaN} other {infinite}} in {wrong} of {n} entries.",
                what=what, kind=_kind(chosen), wrong=wrong, n=n,
            )  # fmt: skip
        return say(
            "The gradient of {what} is {kind, select, nan {NaN} other {infinite}}.", what=what, kind=_kind(chosen)
        )
    if not chosen.any():
        if n > 1:
            return say("The gradient of {what} is zero, in all of its {n} entries.", what=what, n=n)
        return say("The gradient of {what} is zero.", what=what)
    if n == 1:
        return say("The gradient of {what} is {value}.", what=what, value=number(chosen.reshape(-1)[0]))
    norm = math.sqrt(float((chosen.astype(np.float64) ** 2).sum()))
    return say(
        "The gradient of {what} is up to {largest} in magnitude, and its norm is {norm}.",
        what=what, largest=number(np.abs(chosen).max()), norm=number(norm),
    )  # fmt: skip
