"""One prediction of the next-word lab, opened: where the blame for its loss goes, by the engine's own tools.

Taps (see :mod:`upriver.recipes.char_transformer`) say by gradient how much each symbol, head and part of a layer
counts; a pass with the tap closed measures it. :func:`upriver.blame` ranks modules and weights. Any of them is opened
into its derivation by :func:`upriver.explain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import upriver as ur
from upriver.recipes.char_transformer import PARTS, CharTransformer, Taps

from ....core.graph import Node
from ....core.state import Array
from ....errors import ArgumentError
from ....explain.blame import SENSITIVITY, TIMES_WEIGHT, UPDATE
from ....explain.derivation import derive, explain
from ....explain.names import key_of, of_module
from ....explain.page import content
from ....explain.paths import paths as explain_paths
from ....explain.upstream import Upstream
from ....i18n import say
from .. import given as read
from ..blamed import healed, row, weight
from .learn import Learner

TOP = 12
"""How many weights are named."""


def blame(learner: Learner, context: Array, right: int) -> dict[str, Any]:
    """Where the loss of one prediction comes from.

    Args:
        learner: whose network predicts.
        context: the numbers of the symbols before, (n,), n ≥ 1.
        right: the number of the symbol that really follows.

    Returns:
        ``loss``, ``right`` and ``best`` ({symbol, p}), ``message``; ``symbols``, ``heads``, ``parts``: for each
        tap its ``gradient`` (also the change of the loss by the first order if it were closed, negated) and
        ``closed``, the loss measured with it closed; ``attention``: per layer ``weights`` and ``gradient``,
        (heads, n, n); ``modules`` and ``weights``: rankings by :func:`upriver.blame`; ``predicted`` and ``healed``:
        the change of this loss by one plain step, by the first order and measured.
    """
    model, vocab = learner.model, learner.vocab
    context = context[-learner.options.context :]
    symbols, target = ur.tensor(context[None]), ur.tensor(np.array([right]))
    taps = Taps(model.size, len(context), grad=True)
    loss = model.surprise(symbols, target, taps)
    loss.backward()
    try:
        # As long a step as in training, where the gradient is clipped to a norm of 1.
        lr = learner.lr / max(1.0, ur.blame(loss, model, lr=1.0).total(SENSITIVITY))
        ranked = ur.blame(loss, model, lr=lr)
        rankings = {
            "modules": [row(item) for item in ranked.modules(SENSITIVITY, 20)],
            "weights": {
                measure: [row(item) for item in ranked.weights(measure, TOP)]
                for measure in (SENSITIVITY, UPDATE, TIMES_WEIGHT)
            },
            "predicted": ranked.total(UPDATE),
            "healed": healed(model, lambda net: net.surprise(symbols, target), lr),
        }
    finally:
        learner.optimizer.zero_grad()  # a training step expects to find none
    share = learner.probabilities([context])[0]
    best = int(share.argmax())
    closed = _closed(model, context, right)
    return {
        "loss": loss.item(),
        "context": vocab.decode(context),
        "right": {"symbol": vocab.chars[right], "p": float(share[right])},
        "best": {"symbol": vocab.chars[best], "p": float(share[best])},
        "message": say(
            "The network gave the right symbol a probability of {p}; −ln {p} is the loss, {loss}.",
            p=f"{share[right]:.3g}",
            loss=f"{loss.item():.4g}",
        ),
        "symbols": _taps(taps.symbols, closed["symbols"]),
        "heads": _taps(taps.heads, closed["heads"]),
        "parts": _taps(taps.parts, closed["parts"]),
        "attention": _attention(Upstream(loss)),
        **rankings,
    }


def _taps(tap: Any, closed: Array) -> list[dict[str, float]]:
    gradient = tap.grad.array.reshape(-1)
    return [{"gradient": float(g), "closed": float(c)} for g, c in zip(gradient, closed, strict=True)]


def _closed(model: CharTransformer, context: Array, right: int) -> dict[str, Array]:
    """The loss with one tap closed after the other, all runs side by side."""
    size, n = model.size, len(context)
    heads, parts = size.layers * size.heads, size.layers * len(PARTS)
    count = n + heads + parts
    taps = Taps(size, n, count)
    for i in range(n):
        taps.symbols.array[i, i] = 0.0
    for i in range(heads):
        taps.heads.array[i // size.heads, n + i, i % size.heads] = 0.0
    for i in range(parts):
        taps.parts.array[i // len(PARTS), i % len(PARTS), n + heads + i] = 0.0
    with ur.no_grad():
        losses = model.surprise(
            ur.tensor(np.tile(context, (count, 1))), ur.tensor(np.full(count, right)), taps, reduction="none"
        ).numpy()
    return {"symbols": losses[:n], "heads": losses[n : n + heads], "parts": losses[n + heads :]}


def _maps(up: Upstream) -> list[Node]:
    """The operations whose values are attention weights, in the order of the layers."""
    return [node for node in up.graph if node.op.name == "attention_weights"]


def _attention(up: Upstream) -> list[dict[str, Any]]:
    return [{"weights": _short(up.values[node][0]), "gradient": _short(up.cotangents[node][0])} for node in _maps(up)]


def _short(a: Array) -> Any:
    """Numbers with three digits: they are drawn, and travel as text."""
    size = np.abs(a).max(initial=0.0)
    digits = 3 if not size else int(3 - np.floor(np.log10(size)))
    return np.round(a.astype(np.float64), digits).tolist()


def opened(learner: Learner, context: Array, right: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """One gradient of one prediction, as the page of a derivation shows it.

    Args:
        learner: whose network predicts.
        context: as for :func:`blame`.
        right: as for :func:`blame`.
        given: ``kind`` "weight" with its ``name`` as in ``scores.weight[3, 17]``; or "symbol" with ``place``;
            "head" with ``layer`` and ``head``; "part" with ``layer`` and ``part``; "attention" with ``layer``,
            ``head``, ``from`` (the place that asks) and ``to``.

    Returns:
        ``name`` and ``content``; of a weight also ``paths`` (the largest) and ``places`` (what each
        place of the context adds to its gradient, exactly), or None where it is not used place by place.

    Raises:
        ArgumentError: there is no such weight, symbol, head or part.
    """
    model = learner.model
    size = model.size
    context = context[-learner.options.context :]
    symbols, target = ur.tensor(context[None]), ur.tensor(np.array([right]))
    kind = read.choice(given, "kind", "weight", ("weight", "symbol", "head", "part", "attention"))
    more: dict[str, Any] = {"paths": None, "places": None}
    if kind == "weight":
        name, parameter, entry = weight(model, read.text(given, "name", "", 100))
        loss = model.surprise(symbols, target)
        wrt = parameter[entry] if entry else parameter
        made = explain(loss, wrt, names_of={"symbols": symbols, "right": target, "loss": loss}, module=model)
        paths = explain_paths(loss, wrt, 5, name=name)
        more = {"paths": paths.to_dict(), "places": _places(paths, name)}
    elif kind == "attention":
        loss = model.surprise(symbols, target)
        node = _maps(Upstream(loss))[read.whole(given, "layer", 0, 0, size.layers - 1)]
        asks, answers = (read.whole(given, end, 0, 0, len(context) - 1) for end in ("from", "to"))
        at = (0, read.whole(given, "head", 0, 0, size.heads - 1), asks, answers)
        known = {**of_module(model), node: "attention", symbols: "symbols", target: "right", key_of(loss): "loss"}
        made = derive(loss, [(node, at)], known)
    else:
        taps = Taps(size, len(context), grad=True)
        loss = model.surprise(symbols, target, taps)
        tap, entry = _tap(taps, kind, given, size, len(context))
        named = {"symbol_taps": taps.symbols, "head_taps": taps.heads, "part_taps": taps.parts}
        made = explain(
            loss, tap[entry], names_of=named | {"symbols": symbols, "right": target, "loss": loss}, module=model
        )
    return {
        "name": made.answers[0].name,
        "content": content(made.trace()),
        **more,
    }


def _tap(taps: Taps, kind: str, given: Mapping[str, Any], size: Any, length: int) -> tuple[Any, tuple[int, ...]]:
    if kind == "symbol":
        return taps.symbols, (0, read.whole(given, "place", 0, 0, length - 1), 0)
    layer = read.whole(given, "layer", 0, 0, size.layers - 1)
    if kind == "head":
        return taps.heads, (layer, 0, read.whole(given, "head", 0, 0, size.heads - 1), 0, 0)
    return taps.parts, (layer, read.whole(given, "part", 0, 0, len(PARTS) - 1), 0, 0, 0)


def _places(paths: Any, name: str) -> dict[str, Any] | None:
    """The gradient of a weight as a sum over the places at which it is used."""
    module = name.partition("[")[0].rpartition(".")[0]
    try:
        return dict(paths.by("time", at=module, dim=1).to_dict())
    except ArgumentError:
        return None
