"""Why a gradient is exactly zero: the first operation, from the leaf towards the loss, that lets nothing through."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.graph import Node, maker
from ..core.state import Array, no_grad
from ..core.tensor import Tensor
from ..i18n import say
from .formula import entrywise
from .reason import Cause, number, places, span
from .upstream import Upstream, Use, weights

_SATURATED = 1e-3
"""A slope that comes down this far from the steepest without a jump is one of a saturated function."""


def zero_cause(up: Upstream, key: Any, selected: Array, names: Any) -> Cause:
    """The first cause of a gradient that is zero at the ``selected`` entries of a node or leaf."""
    seen: set[Any] = set()
    todo: list[tuple[Any, Array]] = [(key, selected)]
    fallback: Cause | None = None
    while todo:
        key, selected = todo.pop()
        if key in seen:
            continue
        seen.add(key)
        users = up.users[key]
        if not users:  # the result itself
            return Cause(
                "zero cotangent", say("backward() was given a gradient of zero to start from."),
                say("Give backward() a gradient that is not zero."),
            )  # fmt: skip
        shares = [up.part(node, i, up.cotangents[node])[selected] for node, i in users]
        if any(share.any() for share in shares):
            fallback = fallback or _cancels(users[0][0], sum(float(np.abs(s).sum()) for s in shares))
            continue
        for node, i in sorted(users, key=lambda use: use[0].time):
            v = weights(selected.shape, up.cotangents[key].dtype, selected)
            reached = up.reach((node, i), v) != 0
            if not reached.any():
                return closed_cause(up, (node, i), selected, names)
            ct = up.cotangents[node][reached]
            if not ct.any():
                todo.append((node, reached))
            elif float(np.abs(ct).max()) < 1e-3 * float(np.finfo(ct.dtype).tiny) ** 0.5:
                fallback = fallback or _underflow(node, ct)
            else:
                fallback = fallback or _cancels(node, float(np.abs(ct).sum()))
    assert fallback is not None
    return fallback


def _cancels(node: Node, total: float) -> Cause:
    return Cause(
        "cancels",
        say(
            "gradients do arrive at {operation}, but their parts add up to zero (together they measure {total}).",
            operation=node.name,
            total=number(total),
        ),
        say(
            "Nothing is broken: the loss does not change at first order. A constant added before a normalisation or a "
            "softmax is like that."
        ),
        node,
        numbers={"parts": total},
    )


def _underflow(node: Node, ct: Array) -> Cause:
    size = float(np.abs(ct).max())
    return Cause(
        "underflow",
        say(
            "the gradient that arrives at {operation} is {size}, and its product is too small for {dtype}: 0.",
            operation=node.name,
            size=number(size),
            dtype=str(ct.dtype),
        ),
        say("Scale the loss up, compute in float64, or look for the small factors above this line."),
        node,
        numbers={"upstream": size},
    )


def closed_cause(up: Upstream, use: Use, selected: Array, names: Any) -> Cause:
    """Why the local derivative of an operation by the ``selected`` entries of one input is zero."""
    node, i = use
    if (found := _zero_factor(up, use, selected, names)) is not None:
        return found
    x = up.inputs(node)[i]
    values, n = x[selected], int(np.count_nonzero(selected))
    numbers = {"entries": float(n), "lowest": float(values.min()), "highest": float(values.max())}
    if not _reads(up, use, selected):
        masks = [j for j, a in enumerate(up.inputs(node)) if isinstance(a, np.ndarray) and a.dtype.kind == "b"]
        if masks:
            return Cause(
                "masked",
                say(
                    "{operation} leaves these entries out: its mask chose otherwise {places}.",
                    operation=node.name,
                    places=places(selected),
                ),
                say(
                    "Where the mask is drawn at random (dropout) another step will let them through; "
                    "elsewhere look at the condition."
                ),
                node,
                numbers=numbers,
            )
        return Cause(
            "not selected",
            say(
                "{operation} does not read these entries: it selects others ({places}).",
                operation=node.name,
                places=places(selected),
            ),
            say("Nothing is broken if they were not meant to be used; else look at the index."),
            node,
            numbers=numbers,
        )
    if node.op.domain.distinct:
        return Cause(
            "not chosen",
            say(
                "{operation} chose other entries: {n, plural, one {this is} other {these are}} {values}, "
                "and only the chosen ones get a gradient.",
                operation=node.name,
                n=n,
                values=span(values),
            ),
            say("This is how choosing works; a softmax or a mean would give all of them a share."),
            node,
            numbers=numbers,
        )
    if entrywise(node):
        return _one_value(up, use, selected, numbers)
    return _many_values(up, use, selected, numbers)


def _reads(up: Upstream, use: Use, selected: Array) -> bool:
    """Whether the value changes when the selected entries are moved far up or far down."""
    node, i = use
    given = up.inputs(node)
    far = 1e3 * max(1.0, float(np.abs(given[i][np.isfinite(given[i])]).max(initial=0.0)))
    shift = weights(selected.shape, given[i].dtype, selected)  # not the same for all: a softmax would not notice
    for change in (far, -far):
        moved = list(given)
        moved[i] = given[i] + given[i].dtype.type(change) * shift
        with no_grad(), np.errstate(all="ignore"):
            if not np.array_equal(node.op.forward(*moved, **node.attrs), up.values[node], equal_nan=True):
                return True
    return False


# Multiplied by zero.


def _zero_factor(up: Upstream, use: Use, selected: Array, names: Any) -> Cause | None:
    """The cause, if the derivative is a product with another input that is zero where it matters."""
    node, i = use
    v = weights(selected.shape, up.inputs(node)[i].dtype, selected)
    for k, other in enumerate(up.inputs(node)):
        if k == i or not isinstance(other, np.ndarray) or other.dtype.kind != "f":
            continue
        mask = up.factors(use, v, k)
        if mask.any() and not other[mask].any():
            return _zero_origin(up, node, node.inputs[k], mask, names)
    return None


def _zero_origin(up: Upstream, user: Node, x: Any, mask: Array, names: Any) -> Cause:
    """Where the zeros by which ``user`` multiplies came from."""
    while True:
        node = maker(x)
        if node is None:
            return _zero_leaf(user, x, mask, names)
        below: list[tuple[Any, Array]] = []
        shut: list[int] = []
        for j, (rule, operand) in enumerate(zip(node.op.vjps, node.inputs, strict=False)):
            value = up.value(operand)
            if rule is None or not isinstance(value, np.ndarray) or value.dtype.kind != "f":
                continue
            read = up.part(node, j, weights(node.shape, node.dtype, mask)) != 0
            if not read.any():
                shut.append(j)
            elif not value[read].any():
                below.append((operand, read))
        if below:
            x, mask = below[0]
        elif shut and entrywise(node) and up.value(node.inputs[shut[0]])[mask].any():
            return _through_zero(user, closed_cause(up, (node, shut[0]), mask, names))
        else:
            return Cause(
                "zero factor",
                say(
                    "{operation} multiplies by the value of {source}, which is 0 {places}.",
                    operation=user.name,
                    source=node.name,
                    places=places(mask),
                ),
                say("Look at why that value is zero."),
                node,
            )


def _through_zero(user: Node, cause: Cause) -> Cause:
    return Cause(
        cause.kind,
        say(
            "{operation} multiplies by a value that is 0 where it matters, because of this: {cause}",
            operation=user.name,
            cause=cause.sentence,
        ),
        cause.fix,
        cause.node,
        numbers=cause.numbers,
    )


def _zero_leaf(user: Node, x: Any, mask: Array, names: Any) -> Cause:
    if isinstance(x, Tensor) and x.wants_grad:
        return Cause(
            "zero weights",
            say(
                "{operation} multiplies by {name}, which is 0 {places}.",
                operation=user.name,
                name=names(x),
                places=places(mask),
            ),
            say("Initialise it with other numbers than zero: a weight of zero lets no gradient through."),
            user,
        )
    return Cause(
        "zero input",
        say(
            "{operation} multiplies by {name}, a constant that is 0 {places}.",
            operation=user.name,
            name=names(x),
            places=places(mask),
        ),
        say("A weight learns nothing from inputs that are always zero: drop them, or use other data."),
        user,
    )


# Flat.


def _one_value(up: Upstream, use: Use, selected: Array, numbers: dict[str, float]) -> Cause:
    """Of an operation that works entry by entry: closed up to a bound, saturated, flat at a point, or a step."""
    node, i = use
    given = up.inputs(node)
    values = given[i][selected]
    at = np.unravel_index(int(np.flatnonzero(selected)[0]), selected.shape)
    x = float(given[i][at])
    offsets = np.geomspace(1e-3, 1e3, 61)
    signed = np.concatenate([-offsets, offsets])
    scale = max(1.0, abs(x)) if np.isfinite(x) else 1.0
    points = np.concatenate([signed, x + scale * signed])
    slopes = np.abs(slope(up, use, at, points))
    is_open = np.isfinite(slopes) & (slopes > 0)
    where = places(selected)
    if not is_open.any():
        return Cause(
            "step",
            say("{operation} is constant between its jumps: its slope is 0 everywhere.", operation=node.name),
            say("Nothing can be learned through it: use a smooth function instead."), node, numbers=numbers,
        )  # fmt: skip
    if slope(up, use, at, x + scale * np.array([-1e-3, 1e-3])).all():
        return Cause(
            "flat point",
            say(
                "{operation} is flat at {x}: its slope there is 0, and not beside it ({places}).",
                operation=node.name, x=number(x), places=where,
            ),
            say(
                "The loss is at a minimum, a maximum or a kink of this operation; start from elsewhere if it is not "
                "meant."
            ),
            node, numbers=numbers,
        )  # fmt: skip
    peak = float(slopes[is_open].max())
    shut, opened = x, float(points[is_open][np.argmin(np.abs(points[is_open] - x))])
    for _ in range(60):
        middle = 0.5 * (shut + opened)
        if slope(up, use, at, np.array([middle]))[0]:
            opened = middle
        else:
            shut = middle
    edge = float(abs(slope(up, use, at, np.array([opened]))[0]))
    if edge <= _SATURATED * peak:
        return Cause(
            "saturated",
            say(
                "{operation} is saturated {places}: its inputs are {values}, where its slope is 0 in {dtype} "
                "(at most {peak} elsewhere).",
                operation=node.name,
                places=where,
                values=span(values),
                dtype=str(node.dtype),
                peak=number(peak),
            ),
            say("Make its inputs smaller: smaller weights, normalisation, or an activation that does not saturate."),
            node,
            numbers={**numbers, "slope": 0.0, "peak": peak},
        )
    bound = round(0.5 * (shut + opened), 6) + 0.0
    side = "above" if opened >= shut and x <= bound else "below"
    return Cause(
        "closed",
        say(
            "{operation} is closed {places}: its inputs are {values}, and it has a slope only "
            "{side, select, above {above} other {below}} {bound}.",
            operation=node.name,
            places=where,
            values=span(values),
            side=side,
            bound=number(bound),
        ),
        say(
            "Try another initialisation, a smaller learning rate, normalisation before it, or a version that is never "
            "quite closed (leaky)."
        ),
        node,
        numbers={**numbers, "bound": bound},
    )


def slope(up: Upstream, use: Use, at: tuple[Any, ...], points: Array) -> Array:
    """The derivative of an entrywise operation at other inputs, its other operands being what they are at ``at``."""
    node, i = use
    dtype = up.inputs(node)[i].dtype
    args = [
        points.astype(dtype) if j == i else np.full(points.shape, a[at], a.dtype) if isinstance(a, np.ndarray) else a
        for j, a in enumerate(up.inputs(node))
    ]
    with np.errstate(all="ignore"):
        out = np.asarray(node.op.forward(*args, **node.attrs))
    return up.part(node, i, np.ones(points.shape, node.dtype), args, out)


def _many_values(up: Upstream, use: Use, selected: Array, numbers: dict[str, float]) -> Cause:
    """Of an operation on several entries at once: saturated if smaller inputs open it, flat if others beside do."""
    node, i = use
    given = up.inputs(node)
    v = weights(selected.shape, given[i].dtype, selected)
    nudged = given[i] + 1e-3 * np.random.default_rng(3).standard_normal(given[i].shape).astype(given[i].dtype)
    smaller = [("saturated", given[i] * given[i].dtype.type(scale)) for scale in (0.3, 0.1, 0.01)]
    for kind, x in [("flat point", nudged), *smaller]:
        args = [x if j == i else a for j, a in enumerate(given)]
        with np.errstate(all="ignore"):
            out = np.asarray(node.op.forward(*args, **node.attrs))
        if up.reach(use, v, args, out).any():
            values = given[i][selected]
            if kind == "saturated":
                return Cause(
                    kind,
                    say(
                        "{operation} is saturated {places}: with inputs {values} its slope is 0 in {dtype}; "
                        "with smaller ones it is not.",
                        operation=node.name,
                        places=places(selected),
                        values=span(given[i]),
                        dtype=str(node.dtype),
                    ),
                    say("Make its inputs smaller: smaller weights, normalisation, or a scale (temperature)."),
                    node,
                    numbers={**numbers, "slope": 0.0},
                )
            return Cause(
                kind,
                say(
                    "{operation} is flat where it is: its inputs are {values}, and it has a slope beside them.",
                    operation=node.name,
                    values=span(values),
                ),
                say("Start from elsewhere if this is not meant."),
                node,
                numbers=numbers,
            )
    told = say("{operation} has a slope of 0 {places}.", operation=node.name, places=places(selected))
    return Cause("closed", told, say("Look at its inputs."), node, numbers=numbers)
