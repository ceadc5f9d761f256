"""The playground: one network, or two side by side on the same points, trained in front of the learner."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Self

import numpy as np

from ....core.site import sites_off
from ....errors import ArgumentError
from ...frames import Frame
from .config import LIVE, SHARED, Config, real, whole
from .data import points
from .look import Look
from .maker import Makers
from .open import freeze, opened
from .run import Run

MOST_SPEED = 2000
_UNITS_EVERY = 3  # frames: maps of units are looked at less often than the boundary
_MOST_WEIGHT = 1e6


class Playground:
    """Trains, and shows what happens.

    Args:
        given: ``sides``, one configuration or two (see :class:`.config.Config`); ``speed``, steps for each
            frame; ``playing``.

    Raises:
        ArgumentError: a setting is out of its bounds.
        DataError: a table cannot be used, or there are too few points.

    Example:
        >>> session = Playground({"sides": [{"data": "xor"}]})
        >>> session.tell("step", {"count": 5})["step"]
        5
        >>> frame = session.advance(0.0)
        >>> frame.arrays["0.map"].shape
        (60, 60)
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.speed = whole("speed", given.get("speed", 25), 1, MOST_SPEED)
        self.playing = bool(given.get("playing", False))
        self._makers = Makers()
        self._begin(given.get("sides", [{}]))

    def _begin(self, sides: Any) -> None:
        if not isinstance(sides, (list, tuple)) or not 1 <= len(sides) <= 2:
            raise ArgumentError("playground: one configuration is trained, or two side by side", at=False)
        first = Config.of(sides[0])
        configs = [first]
        if len(sides) == 2:
            shared = {name: value for name, value in first.plain().items() if name in SHARED}
            configs.append(Config.of({**sides[1], **shared}))
        common = points(first)
        self.runs = [Run(config, common, self._makers, side) for side, config in enumerate(configs)]
        self._looks = [Look(run) for run in self.runs]
        self._frame, self._fresh, self._scene = 0, True, True

    # What happens.

    def advance(self, seconds: float) -> Frame | None:
        """Take the steps of one frame, and show what came of them; None while paused and shown already.

        Args:
            seconds: the steps of both sides take no longer than about this; 0 for none.
        """
        moved = False
        if self.playing and seconds > 0:
            moved = self._take(self.speed, seconds)
            if any(run.trouble for run in self.runs):
                self.playing, self._fresh = False, True
        if not (self._fresh or self.playing or moved):
            return None
        return self.show()

    def _take(self, steps: int, seconds: float, wait: bool = False) -> bool:
        """So many steps on each side, in turns, so that both stay equally far; fewer where time is over."""
        end = perf_counter() + seconds
        before = [run.step for run in self.runs]
        left = steps
        with sites_off():
            while left > 0 and not any(run.trouble for run in self.runs):
                some = min(left, 5 if any(run.engine == "eager" for run in self.runs) else 200)
                if not wait and not all(run.ready(some) for run in self.runs):
                    break
                for run in self.runs:
                    run.take(some, wait=wait)
                left -= some
                if perf_counter() > end:
                    break
        return [run.step for run in self.runs] != before

    def show(self) -> Frame:
        """This moment as a frame."""
        numbers: dict[str, Any] = {"playing": self.playing, "speed": self.speed}
        arrays: dict[str, np.ndarray] = {}
        units = self._fresh or not self.playing or self._frame % _UNITS_EVERY == 0
        numbers["sides"] = []
        with sites_off():
            for i, look in enumerate(self._looks):
                said, drawn = look.frame(units)
                if self._scene:
                    scene, still = look.scene()
                    said["scene"], drawn = scene, {**drawn, **still}
                numbers["sides"].append(said)
                arrays.update({f"{i}.{name}": array for name, array in drawn.items()})
        self._frame += 1
        self._fresh = self._scene = False
        return Frame(numbers, arrays)

    # What the page says.

    def tell(self, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take a message: play, pause, step, speed, reset, set, weight, open, freeze.

        Raises:
            ArgumentError: there is no such message, or what it says is out of bounds.
        """
        known = {
            "play": self._play, "pause": self._pause, "step": self._step, "speed": self._speed, "reset": self._reset,
            "set": self._set, "weight": self._weight, "open": self._open, "freeze": self._freeze,
        }  # fmt: skip
        if what not in known:
            raise ArgumentError(f"playground: {what!r} is not understood", f"Say one of {', '.join(known)}.", at=False)
        return known[what](given)

    def _where(self) -> dict[str, Any]:
        return {"step": self.runs[0].step, "playing": self.playing}

    def _play(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if "speed" in given:
            self._speed(given)
        for run in self.runs:
            run.trouble = None
        self.playing = True
        return self._where()

    def _pause(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.playing, self._fresh = False, True
        return self._where()

    def _step(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.playing, self._fresh = False, True
        for run in self.runs:
            run.trouble = None
        self._take(whole("count", given.get("count", 1), 1, 10_000), 30.0, wait=True)
        return self._where()

    def _speed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.speed = whole("speed", given.get("speed"), 1, MOST_SPEED)
        return self._where()

    def _reset(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begin anew, with other configurations if some are given."""
        self._begin(given.get("sides", [run.config.plain() for run in self.runs]))
        self.playing = bool(given.get("playing", False))
        return self._where()

    def _set(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Another learning rate, or strength of the penalty, from the next step on."""
        run = self._side(given)
        changes = {name: value for name, value in given.items() if name != "side"}
        if unknown := [name for name in changes if name not in LIVE]:
            raise ArgumentError(
                f"playground: {unknown[0]!r} cannot change while a network trains", "Begin anew with it.", at=False
            )
        run.set(Config.of({**run.config.plain(), **changes}))
        self._fresh = True
        return self._where()

    def _weight(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Another value for one weight or bias."""
        run = self._side(given)
        layers = run.network.layers
        layer = layers[whole("layer", given.get("layer"), 1, len(layers)) - 1]
        unit = whole("unit", given.get("unit"), 0, layer.weight.shape[0] - 1)
        value = real("weight", given.get("value"), -_MOST_WEIGHT, _MOST_WEIGHT)
        if given.get("from") == "bias":
            tensor, at = layer.bias, [unit]
        else:
            tensor, at = layer.weight, [unit, whole("from", given.get("from"), 0, layer.weight.shape[1] - 1)]
        changed = tensor.array.copy()
        changed[tuple(at)] = value
        run.network.put(tensor, changed)
        self._fresh = True
        return {**self._where(), "value": float(changed[tuple(at)])}

    def _open(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return opened(self._side(given), given)

    def _freeze(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.playing, self._fresh = False, True
        return {**freeze(self._side(given)), "step": self.runs[0].step + 1}

    def _side(self, given: Mapping[str, Any]) -> Run:
        return self.runs[whole("side", given.get("side", 0), 0, len(self.runs) - 1)]

    # Going on after a worker was lost.

    def state(self) -> dict[str, Any]:
        """Configurations, weights, the optimisers' memory and how many steps were taken."""
        return {
            "sides": [run.config.plain() for run in self.runs],
            "speed": self.speed,
            "playing": self.playing,
            "runs": [run.state() for run in self.runs],
        }

    @classmethod
    def resume(cls, state: dict[str, Any]) -> Self:
        """A session that goes on where another was."""
        made = cls(state)
        for run, its in zip(made.runs, state["runs"], strict=True):
            run.load(its)
        return made
