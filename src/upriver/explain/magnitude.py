"""Why a gradient is as large or as small as it is: added up over passes, or made so by a factor on its largest path."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..core import state
from ..core.graph import Node
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import GradError
from ..i18n import say
from .closed import slope
from .formula import entrywise
from .reason import Cause, number
from .upstream import Upstream, cotangent_of, one_hot

SAME = 1e-4
"""Two gradients are the same if they differ by no more than this part of the larger."""
FLAT = 1e-2
"""A slope this small against the steepest, on a tail that gets flatter, is one of a saturated function."""


def stored_cause(leaf: Tensor, stored: Array, own: Array, loss: Tensor) -> Cause | None:
    """Why ``.grad`` is not what this loss alone gives; None if it is.

    Args:
        leaf: that it belongs to.
        stored: what ``.grad`` holds.
        own: the gradient of ``loss``.
        loss: the result of the last backward pass.
    """
    if _same(stored, own):
        return None
    lines = [note.site for note in state.backwards if note.root() is loss]
    if not stored.any():
        return Cause(
            "cleared",
            say("it has been set to zero since backward(), as zero_grad() does: the gradient of the loss is not zero."),
            say("Ask between backward() and zero_grad()."),
            site=lines[-1] if lines else None,
        )
    total = float((own * own).sum())
    share = float((stored * own).sum()) / total if total else 0.0
    times = round(share)
    if times >= 2 and _same(stored, times * own):
        return Cause(
            "added up",
            say(
                "it is {times} times the gradient of this loss: backward() adds to .grad, and was called {times} times "
                "without zero_grad() in between.",
                times=times,
            ),
            say("Call optimizer.zero_grad() before each backward()."),
            site=lines[-1] if lines else None,
            numbers={"times": float(times)},
        )
    summed, passes = own.astype(np.float64), 1
    for note in reversed(list(state.backwards)[:-1]):
        other = _gradient(note, leaf)
        if other is None:
            continue
        summed, passes = summed + other, passes + 1
        if _same(stored, summed):
            return Cause(
                "added up",
                say(
                    "it is the sum of the gradients of {passes} passes: backward() adds to .grad, and zero_grad() was "
                    "not called in between.",
                    passes=passes,
                ),
                say(
                    "Call optimizer.zero_grad() before each step; or leave it so, if gradients are to add up over "
                    "batches."
                ),
                site=note.site,
                numbers={"times": float(passes)},
            )
    if 0 < share < 1 and _same(stored, share * own):
        return Cause(
            "scaled",
            say(
                "it is {share} times the gradient of this loss: it has been scaled since, as clipping does.",
                share=number(share),
            ),
            say("Nothing is broken if it was clipped."),
            numbers={"scale": share},
        )
    rest = float(np.abs(stored - own).max())
    return Cause(
        "mixed",
        say(
            "it is not the gradient of this loss alone: the rest, up to {rest}, comes from passes before whose "
            "loss is gone, or it was changed since.",
            rest=number(rest),
        ),
        say("Call optimizer.zero_grad() before backward(), if gradients are not meant to add up."),
        site=lines[-1] if lines else None,
        numbers={"rest": rest},
    )


def _same(a: Array, b: Array) -> bool:
    size = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    return bool(np.abs(a - b).max(initial=0.0) <= SAME * size)


def _gradient(note: state.Backward, leaf: Tensor) -> Array | None:
    """The gradient of an earlier pass, if its result is still there."""
    root = note.root()
    if root is None:
        return None
    try:
        return Upstream(root, cotangent_of(note)).cotangents.get(leaf)
    except GradError:
        return None


# The largest path.


class Factor(NamedTuple):
    """One step of a path, from the weight towards the loss: what the operation multiplies by, and where."""

    node: Node
    operand: int
    entry: tuple[int, ...]
    at: tuple[int, ...]
    local: float
    flatness: float | None


def largest_path(up: Upstream, key: Any, entry: tuple[int, ...]) -> list[Factor]:
    """From one entry of a leaf to the loss, always on by the largest product of slope and upstream gradient."""
    found: list[Factor] = []
    while up.users[key]:
        best: tuple[float, Node, int, Array, tuple[int, ...]] | None = None
        for node, i in up.users[key]:
            x = up.inputs(node)[i]
            column = up.reach((node, i), one_hot(x.shape, entry, x.dtype))
            products = np.abs(np.where((column != 0) & np.isfinite(column), column * up.cotangents[node], 0))
            at = tuple(int(k) for k in np.unravel_index(int(np.argmax(products)), products.shape))
            if best is None or float(products[at]) > best[0]:
                best = (float(products[at]), node, i, column, at)
        assert best is not None
        _, node, i, column, at = best
        found.append(Factor(node, i, entry, at, float(column[at]), _flatness(up, node, i, entry, float(column[at]))))
        key, entry = node, at
    return found


def _flatness(up: Upstream, node: Node, i: int, entry: tuple[int, ...], local: float) -> float | None:
    """How small the slope is against the steepest (or 1), if it lies on a tail that gets ever flatter; else None."""
    x = up.inputs(node)[i]
    if not entrywise(node) or x.shape != node.shape or not local:
        return None
    value = float(x[entry])
    near = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    peak = float(np.nanmax(np.abs(slope(up, (node, i), entry, np.linspace(-8, 8, 65)))))
    for side in (near, -near):
        tail = np.abs(slope(up, (node, i), entry, value + side))
        decays = tail[3] < 0.05 * abs(local) and bool((np.diff(tail) <= 0).all()) and tail[0] < abs(local)
        if decays and np.isfinite(peak) and peak > 0:
            return abs(local) / min(peak, 1.0)
    return None


def finite_cause(up: Upstream, key: Any, selected: Array, small: float, large: float) -> tuple[str, Cause]:
    """What a gradient that is neither zero nor infinite owes its size to: its state in a word, and the cause."""
    gradient = np.where(selected, np.abs(up.cotangents[key]), 0)
    entry = tuple(int(k) for k in np.unravel_index(int(np.argmax(gradient)), gradient.shape))
    size = float(gradient[entry])
    path = largest_path(up, key, entry)
    state_ = "large" if size >= large else "small" if size <= small else "ordinary"
    if not path:
        return state_, Cause("itself", say("it is what the gradient was started from."), "")
    if state_ == "large":
        return state_, _one_factor(path, large=True)
    at = key
    product = float(np.prod([f.local for f in path]))
    cancelled = state_ == "small" or abs(product) > 1e3 * size  # one path alone is larger than all together
    for f in path if cancelled else path[:1]:
        if (lost := _lost(up, at, f)) is not None:
            return "small", lost
        at = f.node
    flat = [f for f in path if f.flatness is not None and f.flatness <= FLAT]
    if flat:
        return "small", _saturated(up, min(flat, key=lambda f: f.flatness or 0.0))
    if state_ == "small":
        return state_, _one_factor(path, large=False)
    return state_, Cause(
        "ordinary",
        say(
            "nothing stands out: on the largest of its paths ({n, plural, one {# factor} other {# factors}}, "
            "product {product}) the factors lie between {low} and {high}.",
            n=len(path),
            product=number(product),
            low=number(min(abs(f.local) for f in path)),
            high=number(max(abs(f.local) for f in path)),
        ),
        "",
        numbers={"product": product},
    )


def _lost(up: Upstream, key: Any, first: Factor) -> Cause | None:
    """The cause, if large parts all but cancel in the gradient of the value where this step of a path begins."""
    entry, size = first.entry, float(np.abs(up.cotangents[key][first.entry]))
    node, i = first.node, first.operand
    x = up.inputs(node)[i]
    column = up.reach((node, i), one_hot(x.shape, entry, x.dtype)).astype(np.float64)
    reached = (column != 0) & np.isfinite(column)
    total = float(np.abs(column[reached] * up.cotangents[node][reached]).sum())
    if len(up.users[key]) > 1 or size > 64 * float(np.finfo(node.dtype).eps) * total:
        return None
    return Cause(
        "cancels",
        say(
            "the parts of the gradient that come out of {operation} measure {total} together and add up to "
            "{size}, which is no more than rounding.",
            operation=node.name,
            total=number(total),
            size=number(size),
        ),
        say(
            "Nothing is broken: the loss does not depend on it. A bias before a normalisation is like that: leave it "
            "out."
        ),
        node,
        numbers={"parts": total, "sum": size},
    )


def _saturated(up: Upstream, f: Factor) -> Cause:
    x = float(up.inputs(f.node)[f.operand][f.entry])
    return Cause(
        "saturated",
        say(
            "{operation} is saturated: at an input of {x} its slope is {slope}, and all that comes "
            "from above is multiplied by that.",
            operation=f.node.name,
            x=number(x),
            slope=number(f.local),
        ),
        say("Make its inputs smaller: smaller weights, normalisation, or an activation that does not saturate."),
        f.node,
        numbers={"input": x, "slope": f.local},
    )


def _one_factor(path: list[Factor], large: bool) -> Cause:
    """The cause of a large or small product: one factor, or many of one operation."""
    sign = 1.0 if large else -1.0

    def weight(factors: Iterable[Factor]) -> float:
        return sign * sum(math.log(abs(f.local)) for f in factors if f.local)

    product = float(np.prod([f.local for f in path]))
    groups: dict[Any, list[Factor]] = {}
    for f in path:
        groups.setdefault(f.node.op, []).append(f)
    group = max(groups.values(), key=weight)
    one = max(path, key=lambda f: weight([f]))
    numbers = {"product": product, "factors": float(len(path))}
    which = "largest" if large else "smallest"
    if len(group) > 2 and weight([one]) < 0.5 * weight(group):
        together = float(np.prod([f.local for f in group]))
        extreme = max(group, key=lambda f: weight([f]))
        return Cause(
            "exploding" if large else "vanishing",
            say(
                "on its largest path {n} factors are multiplied, and {some} of them, of {operation}, make {together} "
                "together (the {which, select, largest {largest} other {smallest}} is {extreme}); "
                "the product of all is {product}.",
                n=len(path),
                some=len(group),
                operation=group[0].node.name,
                together=number(together),
                which=which,
                extreme=number(extreme.local),
                product=number(product),
            ),
            say("Clip the gradient, initialise with smaller weights, or normalise between the layers.")
            if large
            else say(
                "Use an activation that does not shrink gradients (ReLU), residual connections, or normalisation."
            ),
            extreme.node,
            numbers={**numbers, "together": together, "factor": extreme.local},
        )
    return Cause(
        "large factor" if large else "small factor",
        say(
            "the {which, select, largest {largest} other {smallest}} of the "
            "{n, plural, one {# factor} other {# factors}} on its largest path is {factor}, in {operation}; "
            "the product of all is {product}.",
            which=which,
            n=len(path),
            factor=number(one.local),
            operation=one.node.name,
            product=number(product),
        ),
        say("Make this factor smaller (normalise the data, initialise with smaller weights), or clip the gradient.")
        if large
        else say("Make this factor larger, or the learning rate; a scale of the loss may be meant."),
        one.node,
        numbers={**numbers, "factor": one.local},
    )
