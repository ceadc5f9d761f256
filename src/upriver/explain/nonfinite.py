"""Where NaN and infinity began: in a value of the forward pass, or only in a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.graph import Node, maker
from ..core.state import Array, no_grad
from ..i18n import say
from .formula import entrywise
from .reason import Cause, number
from .upstream import Upstream


def value_cause(up: Upstream, key: Any, names: Any) -> Cause:
    """The first cause of a value that is not finite: from the value back to where its inputs were finite."""
    node: Any = key
    user: Node | None = None
    turned: Node | None = None
    while True:
        if not isinstance(node, Node):
            return _bad_leaf(node, user, names)
        bad = [x for x in node.inputs if not np.isfinite(_floats(up.value(x))).all()]
        blamed = _responsible(up, node, bad)
        if blamed is None:
            return _born(up, node, bool(bad))
        if np.isnan(_floats(up.values[node])).any() and not np.isnan(_floats(up.value(blamed))).any():
            turned = node  # infinities in, NaN out
        if maker(blamed) is None and turned is not None and _deliberate(blamed):
            return _indeterminate(up, turned)
        user, node = node, maker(blamed) or blamed


def _floats(x: Any) -> Array:
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _responsible(up: Upstream, node: Node, bad: list[Any]) -> Any:
    """The input whose NaN or infinities are why the value of ``node`` is not finite; NaN before infinity."""
    out = _floats(up.values[node])
    clean = _with_clean(up, node, bad)
    if not (np.isfinite(clean) & ~np.isfinite(out)).any():
        return None
    ranked = sorted(bad, key=lambda x: not np.isnan(_floats(up.value(x))).any())
    for x in ranked:
        clean = _with_clean(up, node, [x])
        if (np.isfinite(clean) & ~np.isfinite(out)).any() or (~np.isnan(clean) & np.isnan(out)).any():
            return x
    return ranked[0]


def _with_clean(up: Upstream, node: Node, bad: list[Any]) -> Array:
    """What ``node`` gives if some of its inputs are harmless."""
    args = [_cleaned(up.value(y)) if any(y is x for x in bad) else up.value(y) for y in node.inputs]
    with no_grad(), np.errstate(all="ignore"):
        return _floats(node.op.forward(*args, **node.attrs))


def _cleaned(x: Any) -> Any:
    """The same with a harmless number where it is not finite."""
    if not isinstance(x, np.ndarray):
        return x if np.isfinite(x) else 0.5
    return np.where(np.isfinite(x), x, x.dtype.type(0.5))


def _deliberate(x: Any) -> bool:
    """Whether an infinity was written down, as in masked_fill(mask, -inf), rather than found in data."""
    array = _floats(getattr(x, "array", x))
    return array.size == 1 or bool(np.isin(array, (0.0, np.inf, -np.inf)).all())


def _bad_leaf(leaf: Any, user: Node | None, names: Any) -> Cause:
    array = _floats(getattr(leaf, "array", leaf))
    wrong = ~np.isfinite(array)
    n = int(np.count_nonzero(wrong))
    first = _first(wrong)
    told = {"name": names(leaf), "kind": _kind(array), "n": n, "of": array.size, "first": _place(first)}
    if getattr(leaf, "wants_grad", False):
        return Cause(
            "bad weights",
            say(
                "{name} is {kind, select, nan {NaN} other {infinite}} already: {n} of its "
                "{of, plural, one {# entry} other {# entries}}{first}.",
                **told,
            ),
            say("The update before did it: look at the gradient and the learning rate of that step."),
            user,
            numbers={"entries": float(n)},
        )
    return Cause(
        "bad data",
        say(
            "{name}, which is data, is {kind, select, nan {NaN} other {infinite}} already: {n} of its "
            "{of, plural, one {# entry} other {# entries}}{first}.",
            **told,
        ),
        say("Drop such samples, or fill in the values, before computing with them."),
        user,
        numbers={"entries": float(n)},
    )


def _place(first: tuple[int, ...]) -> str:
    return say(", first at {place}", place=str(list(first))) if first else ""


def _kind(array: Array) -> str:
    return "nan" if np.isnan(array).any() else "infinite"


def _indeterminate(up: Upstream, node: Node) -> Cause:
    return Cause(
        "indeterminate",
        say("{operation} makes NaN of infinities that it was given (∞ − ∞, 0 · ∞ or ∞ / ∞).", operation=node.name),
        say("If a mask puts −∞ in, see that no row is masked as a whole; a large finite number such as −1e9 is safer."),
        node,
    )


def _born(up: Upstream, node: Node, from_infinity: bool) -> Cause:
    """Why ``node`` gave something that is not finite though its inputs are."""
    out = _floats(up.values[node])
    given = up.inputs(node)
    if from_infinity and np.isnan(out).any():
        return _indeterminate(up, node)
    if any(isinstance(a, np.ndarray) and a.size == 0 for a in given):
        told = say("{operation} was given nothing: a tensor with no entries.", operation=node.name)
        return Cause("empty", told, say("Check that the data is not empty."), node)
    wrong = ~np.isfinite(out)
    at = _first(wrong)
    found = _outside(node, given, out, wrong, at)
    if found is not None:
        return found
    largest = max((float(np.abs(_floats(a)).max(initial=0.0)) for a in given), default=0.0)
    limit = float(np.finfo(node.dtype).max)
    if np.isnan(out[at]):
        return Cause(
            "indeterminate",
            say(
                "{operation} gives NaN though its inputs are finite (the largest is {largest}).",
                operation=node.name, largest=number(largest),
            ),
            say("Look at its inputs; in float64 they may do no harm."), node, numbers={"largest": largest},
        )  # fmt: skip
    one = _at(given[0], at) if entrywise(node) else largest
    return Cause(
        "overflow",
        say(
            "{operation} overflows: {inputs, select, one {an input of {x}} other {inputs up to {x}}} gives a result "
            "beyond {limit}, the largest {dtype}; {n, plural, one {# entry} other {# entries}} of {of}.",
            operation=node.name,
            inputs="one" if entrywise(node) else "several",
            x=number(one),
            limit=number(limit),
            dtype=str(node.dtype),
            n=int(np.count_nonzero(wrong)),
            of=wrong.size,
        ),
        say(
            "Make its inputs smaller (normalisation, a smaller learning rate, clipping), or use a form that is stable, "
            "as logsumexp is for log(sum(exp(x)))."
        ),
        node,
        numbers={"input": one, "limit": limit},
    )


def _first(wrong: Array) -> tuple[int, ...]:
    return tuple(int(k) for k in np.argwhere(wrong)[0]) if wrong.ndim else ()


def _at(x: Any, at: tuple[int, ...]) -> float:
    return float(x[at]) if isinstance(x, np.ndarray) and x.ndim == len(at) else float(np.asarray(x).flat[0])


def _outside(node: Node, given: list[Any], out: Array, wrong: Array, at: tuple[int, ...]) -> Cause | None:
    """The cause, if an input is outside the domain that the operation's record states, or on its edge."""
    poles: list[tuple[int, float]] = []
    for i, x in enumerate(given):
        domain = node.op.domain.of(i)
        array = _floats(x)
        local = array[wrong] if entrywise(node) and array.shape == wrong.shape else array
        low, high = domain.low, domain.high
        if np.isnan(out).any() and bool(((local < low) | (local > high)).any()):
            bad = local[(local < low) | (local > high)]
            value = float(bad.reshape(-1)[0])
            return Cause(
                "outside the domain",
                say(
                    "{written} is not a number: {operation} is defined for inputs "
                    "{bounds, select, above {above {low}} other {between {low} and {high}}}, and "
                    "{n, plural, one {# entry of {of} is} other {# entries of {of} are}} not{first}.",
                    written=_written(node, given, i, value, at),
                    operation=node.name,
                    bounds="above" if np.isinf(high) else "between",
                    low=number(low),
                    high=number(high),
                    n=bad.size,
                    of=array.size,
                    first=_place(at),
                ),
                say(
                    "See why the input goes there; clamp it, or use a form that cannot "
                    "(log_softmax, logsigmoid, softplus)."
                ),
                node,
                numbers={"input": value, "low": low, "high": high},
            )
        for edge in (low, high):
            if np.isfinite(edge) and bool((local == edge).any()):
                poles.append((i, edge))
    if not poles:
        return None
    i, edge = poles[-1]
    return Cause(
        "pole",
        say(
            "{written} is {kind, select, nan {NaN} other {infinite}}: {operation} has no finite value where an input "
            "is {edge}.",
            written=_written(node, given, i, edge, at),
            kind=_kind(out[at]),
            operation=node.name,
            edge=number(edge),
        ),
        say("Keep the input away from there: add a small number, clamp it, or use a form that cannot reach it."),
        node,
        numbers={"input": edge},
    )


def _written(node: Node, given: list[Any], i: int, value: float, at: tuple[int, ...]) -> str:
    """The operation on the numbers of one entry, by its own formula: ``log(−0.3)``, ``1 / 0``."""
    args = [number(value) if j == i else number(_at(a, at)) for j, a in enumerate(given)]
    try:
        return node.op.formula.text.format(*args, **node.attrs)
    except (KeyError, IndexError, ValueError):
        return say("{operation} of {value}", operation=node.name, value=number(value))


# Only in a gradient.


def gradient_cause(up: Upstream, key: Any, selected: Array, names: Any) -> Cause:
    """The first cause of a gradient that is not finite at the ``selected`` entries, where the result is."""
    while True:
        above = None
        for node, i in sorted(up.users[key], key=lambda use: use[0].time):
            ct = up.cotangents[node]
            part = up.part(node, i, ct)[selected]
            if np.isfinite(part).all():
                continue
            clean = np.where(np.isfinite(ct), ct, ct.dtype.type(0))
            if not np.isfinite(up.part(node, i, clean)[selected]).all():
                return _bad_factor(up, node, i, names) or _bad_slope(up, node, i, selected, clean)
            above = node
        if above is None:
            return Cause(
                "overflow", say("gradients that are finite one by one add up to more than the dtype holds."),
                say("Scale the loss down, clip, or compute in float64."), up.users[key][0][0],
            )  # fmt: skip
        key, selected = above, ~np.isfinite(up.cotangents[above])


def _bad_factor(up: Upstream, node: Node, i: int, names: Any) -> Cause | None:
    """The cause, if an operation multiplies by another input that is not finite, though the result is."""
    for k, x in enumerate(node.inputs):
        if k != i and not np.isfinite(_floats(up.value(x))).all():
            origin = _bad_leaf(x, node, names) if maker(x) is None else value_cause(up, maker(x), names)
            return Cause(
                "masked too late",
                say(
                    "{operation} multiplies the gradient by a value that is not finite, and 0 · NaN is NaN, though it "
                    "was masked out of the loss afterwards: {cause}",
                    operation=node.name,
                    cause=origin.sentence,
                ),
                say("Mask the value before it is used, not what comes of it."),
                origin.node,
                numbers=origin.numbers,
            )
    return None


def _bad_slope(up: Upstream, node: Node, i: int, selected: Array, ct: Array) -> Cause:
    """Why an operation makes something that is not finite of a cotangent that is."""
    given = up.inputs(node)
    part = up.part(node, i, ct)
    wrong = ~np.isfinite(part) & selected
    at = _first(wrong)
    x = _at(given[i], at) if isinstance(given[i], np.ndarray) else float(given[i])
    same = entrywise(node) and ct.shape == wrong.shape
    n = int(np.count_nonzero(wrong))
    numbers = {"input": x}
    if same and ct[at] == 0:
        return Cause(
            "zero times infinity",
            say(
                "{operation} has no finite slope at {x}, and the gradient that arrives is 0: 0 · ∞ is NaN "
                "({n, plural, one {# entry} other {# entries}}). The value was masked out after it had been computed.",
                operation=node.name,
                x=number(x),
                n=n,
            ),
            say("Mask the input too: compute the function of where(mask, x, 1), and choose with where afterwards."),
            node,
            numbers=numbers,
        )
    domain = node.op.domain
    edges = [b for j in range(len(given)) for b in (domain.of(j).low, domain.of(j).high) if np.isfinite(b)]
    touched = [_at(a, at) for a in given if isinstance(a, np.ndarray) and a.shape == wrong.shape] if same else []
    hit = next((v for v in touched if v in edges or v == 0), None)
    small = bool(np.isfinite(ct).all() and np.abs(ct).max(initial=0.0) < np.sqrt(float(np.finfo(ct.dtype).max)))
    if hit is not None and small:
        return Cause(
            "infinite slope",
            say(
                "{operation} has an infinite slope at {x}: {n, plural, one {# entry} other {# entries}}.",
                operation=node.name,
                x=number(hit),
                n=n,
            ),
            say("Add a small number inside, as in sqrt(x + 1e-12), or keep the input away from there."),
            node,
            numbers={"input": hit},
        )
    size = float(np.abs(ct).max(initial=0.0))
    return Cause(
        "overflow",
        say(
            "a gradient of {size} arrives at {operation}, and its product with the slope there is more than "
            "{dtype} holds.",
            size=number(size),
            operation=node.name,
            dtype=str(node.dtype),
        ),
        say("Clip, scale the loss down, or look for the large factors above this line."),
        node,
        numbers={"upstream": size},
    )
