"""What a frame of the playground shows of a run: maps, losses, weights, and the gradient of the step to come."""

from __future__ import annotations

from typing import Any

import numpy as np

import upriver as ur

from ....core.state import Array
from ....core.tensor import wrap
from .data import SPAN, Points, features
from .run import Run
from .trouble import measured, norms, verdict

CELLS = 60
"""The map has so many cells each way."""
_EVERY = 3  # the map of a unit shows every third of them


def grid(cells: int = CELLS) -> Array:
    """The middles of the map's cells, row by row from the top: (cells², 2)."""
    middle = (np.arange(cells) + 0.5) * (2 * SPAN / cells) - SPAN
    x, y = np.meshgrid(middle, middle[::-1])
    return np.stack([x.reshape(-1), y.reshape(-1)], axis=1)


def shade(values: Array, most: Any = 1.0) -> Array:
    """Values from −most to most as bytes, 0 at 127.5."""
    with np.errstate(all="ignore"):
        scaled = np.nan_to_num(values / most, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.clip(np.rint(127.5 + 127.5 * scaled), 0, 255).astype(np.uint8)


class Look:
    """Looks at one run.

    Args:
        run: the run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        points: Points = run.points
        places = features(grid(), run.config.features)
        self._all = wrap(np.concatenate([places, run.inputs[points.train], run.inputs[points.test]]), None)
        self._cut = CELLS * CELLS, CELLS * CELLS + len(points.train)
        self._train = wrap(run.targets[points.train], None)
        self._test = wrap(run.targets[points.test], None)

    def frame(self, units: bool = True) -> tuple[dict[str, Any], dict[str, Array]]:
        """Numbers and arrays of this moment.

        Args:
            units: whether to show the maps of units too.

        Returns:
            Numbers: losses without the penalty, shares of right answers (None for quantities), the gradient norm of
            each layer, how the gradient does, and how the run does. Arrays: ``map`` (60, 60) from the top; ``units``
            (units, 20, 20) of all hidden layers; ``outputs`` (points,) as the map shows them; ``weights`` and
            ``gradients``, all parameters in a row: each layer's weights (unit by unit), then its biases.
        """
        run, network = self.run, self.run.network
        with ur.no_grad(), np.errstate(all="ignore"):
            found = network.activations(self._all)
            first, second = self._cut
            out = found[-1]
            train, test = out[first:second], out[second:]
            losses = [float(network.loss(o, t).array) for o, t in ((train, self._train), (test, self._test))]
            hidden = [a.array[first:second] for a in found[:-1]]
            shown = network.shown(out.array[: self._cut[0], 0])
        x, y, _ = run.next_batch()
        with np.errstate(all="ignore"):
            objective, gradients = measured(network, x, y)
            sizes = norms(gradients)
            state, sentence = verdict(network, objective, sizes, hidden)
        numbers: dict[str, Any] = {
            "step": run.step,
            "epoch": run.step * run.batch / len(run.points.train),
            "train": losses[0],
            "test": losses[1],
            "right": None if run.points.quantity else self._right(out.array[first:, 0]),
            "objective": objective,
            "norms": sizes,
            "flow": state,
            "verdict": sentence,
            "trouble": run.trouble,
            "engine": run.engine,
        }
        arrays = {
            "map": shade(shown).reshape(CELLS, CELLS),
            "weights": np.concatenate([a.reshape(-1) for a in network.arrays()]),
            "gradients": np.concatenate([g.array.reshape(-1) for g in gradients]),
        }
        if units:
            arrays["units"] = self._units([a.array for a in found[:-1]])
            arrays["outputs"] = self._outputs(network.shown(out.array[first:, 0]))
        return numbers, arrays

    def _right(self, outputs: Array) -> list[float]:
        """The shares of training and test points on the right side."""
        points = self.run.points
        n = len(points.train)
        good = (outputs > 0) == (np.concatenate([points.target[points.train], points.target[points.test]]) > 0)
        return [float(good[:n].mean()), float(good[n:].mean())]

    def _outputs(self, shown: Array) -> Array:
        """For each point what the network gives."""
        points = self.run.points
        placed = np.empty(len(points.at), np.float32)
        placed[np.concatenate([points.train, points.test])] = shown
        return placed

    def _units(self, found: list[Array]) -> Array:
        side = CELLS // _EVERY
        maps = [a[: CELLS * CELLS].T.reshape(-1, CELLS, CELLS)[:, 1::_EVERY, 1::_EVERY] for a in found]
        every = np.concatenate(maps) if maps else np.zeros((0, side, side), np.float32)
        with np.errstate(all="ignore"):
            most = np.abs(every).max(axis=(1, 2), keepdims=True) if len(every) else every
            return shade(every, np.where(most > 0, most, 1.0))

    def scene(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What does not change: the points, and the map of each feature."""
        points, names = self.run.points, self.run.config.features
        made = features(grid(), names).T.reshape(-1, CELLS, CELLS)[:, 1::_EVERY, 1::_EVERY]
        numbers = {
            "sizes": [len(names), *self.run.config.layers, 1],
            "features": list(names),
            "loss": self.run.network.loss_name,
            "quantity": points.quantity,
            "batch": self.run.batch,
            "about": points.about,
            "notes": list(points.notes),
            "span": SPAN,
        }
        held = np.zeros(len(points.at), np.uint8)
        held[points.test] = 1
        arrays = {
            "points": np.concatenate([points.at, points.target[:, None]], axis=1),
            "held": held,
            "inputs": shade(made, np.abs(made).max(axis=(1, 2), keepdims=True)),
        }
        return numbers, arrays
