"""Why there is no gradient: nothing required one, nothing has been run, or no path leads from the leaf to the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import state
from ..core.graph import Graph, Node
from ..core.state import owner
from ..core.tensor import Tensor
from ..i18n import say
from .perturb import Runner, restored
from .reason import Cause, number
from .upstream import Upstream


def not_wanted(leaf: Tensor) -> Cause:
    """Of a leaf that requires no gradient."""
    if leaf.dtype.kind != "f":
        return Cause(
            "integers",
            say("its values are {dtype}: a gradient exists for floating-point numbers alone.", dtype=str(leaf.dtype)),
            say("Convert it to float, if a small change of it has a meaning."),
        )
    told, fix = say("it does not require a gradient."), say("Set requires_grad=True before computing the loss.")
    return Cause("not required", told, fix)


def not_run(loss: Tensor | None) -> Cause:
    """Of a leaf that has no gradient, though nothing is known to be wrong."""
    if loss is None:
        return Cause(
            "not computed",
            say("no backward pass is known that could have computed it (which is not zero)."),
            say("Call loss.backward() first, and keep the loss until you ask."),
        )
    ran = [note for note in state.backwards if note.root() is loss]
    if ran:
        return Cause(
            "cleared",
            say("backward() computed it, and it has been taken away since, as zero_grad() does."),
            say("Ask between backward() and zero_grad()."),
            site=ran[-1].site,
        )
    return Cause(
        "not computed",
        say("a path leads from it to the loss, but backward() has not been called on this loss (which is not zero)."),
        say("Call loss.backward()."),
    )


def not_run_on(name: str | None) -> Cause | None:
    """Of a leaf that the last backward() did not reach, if another result waits for its own."""
    if name is None:
        return None
    return Cause(
        "not computed",
        say(
            "a path leads from it to {name}, but backward() has not been called on that: it was on something else "
            "(which is not zero).",
            name=name,
        ),
        say("Call {name}.backward().", name=name),
    )


def no_history(loss: Tensor) -> Cause:
    """Of a loss that nothing was recorded of."""
    known = state.detached_at(loss.array)
    if known is not None:
        return Cause(
            "detached", say("the loss itself was taken without its history, by detach() or .data."),
            say("Call backward() on the loss that has one."), known[0], site=known[1],
        )  # fmt: skip
    return Cause(
        "no history",
        say("the loss has no history: it was computed inside no_grad(), or from numbers that require no gradient."),
        say("Set requires_grad=True on the leaves, and compute the loss outside no_grad()."),
    )


def no_path(up: Upstream, leaf: Tensor, name: str) -> Cause:
    """Of a leaf from which no path leads to the loss."""
    for node in up.graph:  # it is there, but no gradient was wanted of it
        for i, x in enumerate(node.inputs):
            if x is leaf:
                return _closed_edge(node, i, name)
    constants = [x for x in up.graph.leaves if not x.wants_grad]
    for x in constants:
        if owner(x.array) is owner(leaf.array) or np.may_share_memory(x.array, leaf.array):
            known = state.detached_at(x.array)
            user = _user(up.graph, x)
            return Cause(
                "detached",
                say(
                    "the loss uses the values of {name}, but through detach(), .data or an array: without its history.",
                    name=name,
                ),
                say("Use {name} itself where its gradient is wanted.", name=name),
                user,
                site=known[1] if known is not None else None,
            )
    lost: list[Any] = []
    for x in constants:
        known = state.detached_at(x.array)
        if known is None:
            continue
        source = known[0]
        if source is None:
            lost.append((x, known[1]))
        elif any(y is leaf for y in Graph.of(_as_tensor(source)).leaves):
            return Cause(
                "detached",
                say(
                    "it leads to the result of {operation}, which was taken without its history by detach() or .data; "
                    "the loss uses only that.",
                    operation=source.name,
                ),
                say("Remove detach(), if the gradient is to flow through it."),
                source,
                site=known[1],
            )
    if lost:
        return Cause(
            "cut or unused",
            say(
                "no path leads from it to the loss. The loss uses a value that was detached, of which the history is "
                "gone: if it came from there, that is why; else it was never used."
            ),
            say("Remove detach(), or see that the forward pass uses it."),
            _user(up.graph, lost[0][0]),
            site=lost[0][1],
        )
    return Cause(
        "unused",
        say(
            "it is not used in the loss: no recorded path leads from it there. (Values computed inside no_grad(), with "
            "NumPy or by item() leave none.)"
        ),
        say("See that the forward pass uses it; a layer that is defined and never called is the usual case."),
    )


def cut_or_not(runner: Runner, leaf: Tensor, cause: Cause) -> Cause:
    """Of a leaf without a path: whether the loss changes with it all the same."""
    before = runner.value()
    with restored([leaf]):
        leaf.array[...] = leaf.array * leaf.dtype.type(1.1) + leaf.dtype.type(0.1)
        change = runner.value() - before
    if change == 0:
        told = say("it is not used in the loss, which stays the same when it is changed.")
        return Cause("unused", told, cause.fix)
    return Cause(
        "cut",
        say(
            "the loss does change when it is changed (by {change}), but no path was recorded: it is used inside "
            "no_grad(), through detach(), item() or NumPy.",
            change=number(change),
        ),
        say("Compute that part with tensors, outside no_grad()."),
        cause.node,
        site=cause.site,
        numbers={"change": change},
    )


def _as_tensor(node: Node) -> Tensor:
    from ..core.tensor import wrap

    return wrap(np.empty(0), node)


def _user(graph: Graph, x: Tensor) -> Node | None:
    return next((node for node in graph if any(y is x for y in node.inputs)), None)


def _closed_edge(node: Node, i: int, name: str) -> Cause:
    rules = list(zip(node.op.vjps, node.edges, strict=False))
    if i < len(rules) and rules[i][0] is None:
        return Cause(
            "no derivative", say("{operation} has no derivative by this input.", operation=node.name),
            say("Use an operation that has one, if a gradient is to flow here."), node,
        )  # fmt: skip
    if node.edges[i] is None:
        return Cause(
            "late",
            say("{name} did not require a gradient yet when the loss was computed from it.", name=name),
            say("Set requires_grad=True before the forward pass."),
            node,
        )
    return Cause(
        "cut above",
        say(
            "{operation} uses it, but what comes of that reaches the loss only where no gradient flows.",
            operation=node.name,
        ),
        say("Look for comparisons, argmax, integers and detach() between this line and the loss."),
        node,
    )
