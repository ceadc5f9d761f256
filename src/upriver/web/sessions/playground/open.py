"""A number of the playground, opened: how the gradient of one weight, bias or unit came about; and a whole step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import upriver as ur

from ....core.site import sites_off
from ....core.state import tracing
from ....core.tensor import Tensor
from ....explain.derivation import explain
from ....explain.page import content
from ....explain.paths import paths
from ....explain.reading import Trace
from ....explain.trace import trace
from ....i18n import Message, say
from .config import whole
from .net import Network
from .run import Run
from .trouble import gradient_of, rounded

PATHS = 6
"""So many of the largest paths are told."""
_WHOLE = 160  # entries of an array that a step in the lab shows one by one: a batch of ten through sixteen units


def freeze(run: Run) -> dict[str, Any]:
    """The step that comes next, forward and backward, as the lab shows it: the content of its trace."""
    with sites_off(), tracing():
        x, y, _ = run.next_batch()
        loss = run.network.objective(run.network.model(x), y)
        explanation = explain(loss, names_of={"x": x, "y": y, "loss": loss}, module=run.network.model)
        return content(Trace(trace(explanation, whole=_WHOLE)))


def opened(run: Run, given: Mapping[str, Any]) -> dict[str, Any]:
    """The gradient of one number: its parts by sample, its largest paths, a finite difference, its derivation.

    Args:
        run: the run, at the step that comes next.
        given: ``layer`` (from 1), ``unit`` and ``from`` (from 0) for a weight; ``from`` "bias" for a bias; without
            ``from`` the gradient of what the unit gives, for the sample of the batch where it is largest.

    Returns:
        ``kind``, ``name``, ``value``, ``gradient``, ``sentence``; ``samples``: for each point of the batch what it
        adds, and ``penalty``; ``paths``: the largest; ``rest``: all others together; ``check``: the finite
        difference beside it; ``memory``: what the optimiser keeps for it; ``content``: the derivation.

    Raises:
        ArgumentError: there is no such layer, unit or weight.
    """
    network = run.network
    layer = whole("layer", given.get("layer"), 1, len(network.layers))
    weight = network.layers[layer - 1].weight
    unit = whole("unit", given.get("unit"), 0, weight.shape[0] - 1)
    source = given.get("from")
    with sites_off(), np.errstate(all="ignore"):
        if source is None:
            return _unit(run, layer, unit)
        if source == "bias":
            return _parameter(run, network.layers[layer - 1].bias, (unit,), "bias", layer)
        return _parameter(run, weight, (unit, whole("from", source, 0, weight.shape[1] - 1)), "weight", layer)


def _parameter(run: Run, tensor: Any, at: tuple[int, ...], kind: str, layer: int) -> dict[str, Any]:
    network = run.network
    x, y, chosen = run.next_batch()
    names = {"x": x, "y": y}
    with tracing():
        outputs = network.model(x)
        loss = network.objective(outputs, y)
        entry = tensor[at]
        derivation = explain(loss, wrt=entry, names_of={**names, "loss": loss}, module=network.model)
        name = derivation.answers[0].name
        (value,) = derivation.answers
        gradient = float(value.gradient)
        told = _ways(outputs, loss, entry, name, network)
    told["penalty"] = _penalty(network, tensor, at, kind)
    told["samples"] = _by_sample(run, chosen, tensor, at, network)
    numeric, h = _difference(network, x, y, tensor, at)
    memory = {
        key: float(slot.array[at])
        for key, slot in network.optimiser.state.get(tensor, {}).items()
        if isinstance(slot, Tensor)
    }
    return {
        "kind": kind,
        "layer": layer,
        "at": list(at),
        "name": name,
        "value": float(tensor.array[at]),
        "gradient": gradient,
        "loss": float(loss.array),
        "sentence": _sentence(kind, gradient, layer),
        "check": {"numeric": numeric, "h": h, "difference": gradient - numeric},
        "memory": memory,
        "rate": run.config.rate,
        "step": run.step,
        **told,
        "content": content(Trace(derivation.trace())),
    }


def _unit(run: Run, layer: int, unit: int) -> dict[str, Any]:
    network = run.network
    x, y, chosen = run.next_batch()
    with tracing():
        found = network.activations(x)
        loss = network.objective(found[-1], y)
        value = found[layer - 1]
        gradient = gradient_of(loss, value)
        column = gradient.array[:, unit]
        sample = int(np.abs(column).argmax())
        name = say("unit {unit} of layer {layer}", unit=unit + 1, layer=layer)
        names = {"x": x, "y": y, "loss": loss, "a": value}
        derivation = explain(loss, wrt=value, names_of=names, module=network.model)
        ways = _ways(found[-1], loss, value[sample, unit], str(name), network)
    points = run.points
    return {
        "kind": "unit",
        "layer": layer,
        "at": [unit],
        "sample": sample,
        "name": name,
        "value": float(value.array[sample, unit]),
        "gradient": float(column[sample]),
        "loss": float(loss.array),
        "sentence": _unit_sentence(column, sample),
        "samples": [
            {
                "point": int(i),
                "at": points.at[i].tolist(),
                "target": float(points.target[i]),
                "value": float(value.array[k, unit]),
                "part": float(column[k]),
            }
            for k, i in enumerate(chosen)
        ],
        "check": None,
        "memory": {},
        "penalty": 0.0,
        "rate": run.config.rate,
        "step": run.step,
        **ways,
        "content": content(
            Trace(trace(derivation, entries={value: [(k, unit) for k in range(len(chosen))]}, whole=_WHOLE))
        ),
    }


def _ways(outputs: Any, loss: Any, entry: Any, name: str, network: Network) -> dict[str, Any]:
    """The paths as a page lists them: from the output back, with what the loss does there as their first factor."""
    slope = gradient_of(loss, outputs)
    weighted = (outputs * slope).sum()
    data = paths(weighted, entry, PATHS, name=name).to_dict()
    ways = [{"part": path["contribution"], "factors": _factors(path["factors"], network)} for path in data["paths"]]
    return {"paths": ways, "rest": data["rest"], "count": int(data["count"]), "share": data["share"]}


def _factors(steps: list[dict[str, Any]], network: Network) -> list[dict[str, Any]]:
    """A path in the network's terms, from the loss back: what the loss does as one factor, then weights and slopes."""
    layer = len(network.layers)
    first = next((i for i, step in enumerate(steps) if step["operation"] == "linear"), len(steps))
    loss = float(np.prod([step["value"] for step in steps[:first]]))
    told: list[dict[str, Any]] = [{"value": loss, "name": say("what the loss asks of the output")}]
    for i, step in enumerate(steps[first:], first):
        last = i == len(steps) - 1
        value, unit = step["value"], step["at"][-1] + 1
        if step["operation"] != "linear":
            layer -= 1
            name = say("slope of {function} in unit {unit} of layer {layer}", function=network.config.activation,
                       unit=unit, layer=layer)  # fmt: skip
            told.append({"value": value, "name": name})
        elif step["operand"] == 0:
            name = say("weight from unit {source} to unit {unit} of layer {layer}", source=step["of"][-1] + 1,
                       unit=unit, layer=layer)  # fmt: skip
            told.append({"value": value, "name": name})
            if network.config.activation == "linear" and not last:
                layer -= 1
        elif step["operand"] == 1:
            told.append({"value": value, "name": say("what came in over this weight")})
        else:
            told.append({"value": value, "name": say("a bias counts as it is")})
    return told


def _by_sample(run: Run, chosen: Any, tensor: Any, at: tuple[int, ...], network: Network) -> list[dict[str, Any]]:
    """What each point of the batch adds to a parameter's gradient: its own gradient, over the size of the batch."""
    points = run.points
    rows: list[dict[str, Any]] = []
    for i in chosen:
        x, y = ur.from_numpy(run.inputs[i : i + 1]), ur.from_numpy(run.targets[i : i + 1])
        output = network.model(x)
        gradient = gradient_of(network.loss(output, y), tensor)
        rows.append(
            {
                "point": int(i),
                "at": points.at[i].tolist(),
                "target": float(points.target[i]),
                "output": float(output.array[0, 0]),
                "part": float(gradient.array[at]) / len(chosen),
            }
        )
    return rows


def _penalty(network: Network, tensor: Any, at: tuple[int, ...], kind: str) -> float:
    """What the penalty adds to the gradient of a weight."""
    if network.config.penalty == "none" or kind == "bias":
        return 0.0
    gradient = gradient_of(network.penalty(), tensor)
    return float(gradient.array[at])


def _difference(network: Network, x: Any, y: Any, tensor: Any, at: tuple[int, ...]) -> tuple[float, float]:
    """The slope measured: the objective a little above and a little below, in double precision."""
    arrays = [p.array for p in network.model.parameters()]
    doubles = Network(network.config, network.loss_name in ("absolute", "huber"))
    doubles.loss_name = network.loss_name
    doubles.model.double()
    doubles.strength = ur.tensor(float(network.strength.array), dtype=ur.float64)
    mine = list(doubles.model.parameters())
    place = next(i for i, p in enumerate(network.model.parameters()) if p is tensor)
    h = 1e-5 * max(1.0, abs(float(tensor.array[at])))
    found: list[float] = []
    with ur.no_grad():
        for p, a in zip(mine, arrays, strict=True):
            p.copy_(ur.from_numpy(a.astype(np.float64)))
        inputs, targets = (ur.from_numpy(t.array.astype(np.float64)) for t in (x, y))
        for side in (h, -h):
            moved = arrays[place].astype(np.float64)
            moved[at] += side
            mine[place].copy_(ur.from_numpy(moved))
            found.append(float(doubles.objective(doubles.model(inputs), targets).array))
    return (found[0] - found[1]) / (2 * h), h


def _sentence(kind: str, gradient: float, layer: int) -> Message:
    size = rounded(abs(gradient))
    if gradient == 0.0:
        return say("Its gradient is exactly 0 for this batch: moving it changes nothing.")
    if gradient > 0:
        return say("Raising it by a little raises the loss, at first by {size} for each unit: the step lowers it.",
                   size=size)  # fmt: skip
    return say("Raising it by a little lowers the loss, at first by {size} for each unit: the step raises it.",
               size=size)  # fmt: skip


def _unit_sentence(column: Any, sample: int) -> Message:
    up, down = int((column < 0).sum()), int((column > 0).sum())
    if not up and not down:
        return say("No point of this batch asks anything of this unit: its gradient is 0 for all of them.")
    return say(
        "{up, plural, =0 {No point asks} one {# point asks} other {# points ask}} for more of this unit, "
        "{down, plural, =0 {none} one {# point} other {# points}} for less; most of all point {sample} of the batch.",
        up=up, down=down, sample=sample + 1,
    )  # fmt: skip
