"""The steering lab: a small car learns to steer from examples, and drives while it learns.

One tick is one moment of the drive and, while it learns, ``pace`` steps of training; so the whole course depends on the
seed and on what the reader does, and not on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ....errors import ArgumentError
from ....i18n import say
from ...frames import Frame
from .. import given as read
from ..pace import Pace
from . import blame
from .car import ANGLES, Trial
from .drive import Drive
from .learn import OWN, SOURCES, TAUGHT, Learner, Options, steering
from .track import HALF, SIGHT, WORLD, chosen

RATE = 30
"""Moments in a second."""
PACES = (1, 4, 16)
"""Steps of training in a moment."""
LAST = 30_000
POINT = 5
"""At least so many steps are one point of the curve."""
TRIALS = (0, 15, 30, 60, 100, 150, 200, 300, 500, 800, 1200, 2000, 3000, 5000, 10_000, 20_000, 30_000)
"""After so many steps it is tried out how far the network comes."""
STARTS = 6
"""From so many places around the track."""
_STRETCH = 30
"""Moments of a trial that are driven in one tick."""


def options(given: Mapping[str, Any]) -> Options:
    """What was asked for, within its bounds.

    Raises:
        ArgumentError: something is outside of them.
    """
    return Options(
        units=read.choice(given, "units", 12, (4, 8, 12, 24)),
        layers=read.choice(given, "layers", 1, (0, 1, 2)),
        lr=read.real(given, "lr", 0.003, 1e-5, 0.3),
        spread=read.real(given, "spread", 0.6, 0.0, 1.0),
        seed=read.whole(given, "seed", 1, 0, 2**31 - 1),
    )


class Steering:
    """The session of the steering lab.

    Args:
        given: ``track`` (a preset, or "own" with ``points``), ``units``, ``layers``, ``lr``, ``spread`` (of the
            teacher's examples), ``seed``, ``pace`` (steps of training in a moment: 1, 4, 16), ``playing``,
            ``learning``.

    Raises:
        UpriverError: something is outside its bounds.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = dict(given)
        self._track = chosen(given)
        self._learner = Learner(self._track, options(given))
        self._drive = Drive(self._track)
        self._clock = Pace(RATE)
        self._per_moment: int = read.choice(given, "pace", 1, PACES)
        self._playing = given.get("playing", False) is True
        self._learning = given.get("learning", False) is True
        self._hand: float | None = None  # the wheel in the reader's hand
        self._loss: list[tuple[int, float]] = []
        self._recent: list[float] = []
        self._trials: list[dict[str, Any]] = []
        self._ways: dict[str, Any] = {"before": np.zeros((0, 2)), "after": np.zeros((0, 2))}
        self._trial: tuple[int, Any, Trial] | None = None
        self._sent = {"loss": 0, "run": 0, "moment": 0}
        self._broken = False  # whether the loss has become infinite, or NaN
        self._fresh = True
        self._try()
        self._finish_trial()

    # Running.

    def advance(self, seconds: float) -> Frame | None:
        """Drive and learn for about so long, then show; None while it is paused and everything has been shown."""
        if self._playing:
            self._clock.run(seconds, self._tick)
        elif not self._fresh:
            return None
        return self._frame()

    def _tick(self) -> bool:
        """One moment."""
        learner = self._learner
        if self._learning and learner.ready:
            self._learn()
        hand = self._hand
        done = self._drive.moment(learner.wheel if hand is None else lambda seen: np.array([hand]))
        if done is not None and hand is not None:
            learner.add(*done)
        if self._trial is not None:
            self._go_on(_STRETCH)
        return self._playing

    def _learn(self) -> None:
        learner = self._learner
        due = next((at for at in TRIALS if at > learner.steps), LAST)
        steps = min(self._per_moment, due - learner.steps)
        self._recent += learner.learn(steps).tolist() if steps else []
        self._broken = not all(map(math.isfinite, self._recent))
        if len(self._recent) >= POINT:
            self._loss.append((learner.steps, float(np.mean(self._recent))))
            self._recent.clear()
        if learner.steps in TRIALS and not self._broken:
            self._try()
        if self._broken or learner.steps >= LAST:
            self._learning, self._fresh = False, True

    def _try(self) -> None:
        """Begin to try out the network as it is now."""
        self._finish_trial()
        net = self._learner.copied()
        self._trial = (self._learner.steps, net, Trial(self._track, steering(net), STARTS))

    def _finish_trial(self) -> None:
        while self._trial is not None:
            self._go_on(_STRETCH)

    def _go_on(self, moments: int) -> None:
        assert self._trial is not None
        steps, _, trial = self._trial
        if not trial.drive(moments):
            return
        laps = trial.laps()
        self._trials = [one for one in self._trials if one["step"] != steps]
        self._trials.append({"step": steps, "laps": float(laps.mean()), "each": laps.tolist()})
        way = np.array(trial.way)
        self._ways["after"] = way
        if steps == 0 or not len(self._ways["before"]):
            self._ways["before"] = way
        self._trial, self._fresh = None, True

    def _frame(self) -> Frame:
        drive, learner, sent = self._drive, self._learner, self._sent
        since = sent["moment"] if sent["run"] == drive.run else 0
        numbers: dict[str, Any] = {
            "step": learner.steps, "playing": self._playing, "learning": self._learning, "mine": learner.own,
            "driving": self._hand is not None, "run": drive.run, "off": drive.off, "along": drive.along,
            "best": drive.best, "momentsFrom": since, "moments": len(drive), "lossFrom": sent["loss"],
            "rate": round(self._clock.measured, 1) if self._playing else 0.0, "pace": self._per_moment,
            "lr": learner.optimizer.param_groups[0]["lr"], "source": learner.source,
            "finished": learner.steps >= LAST, "broken": self._broken,
        }  # fmt: skip
        arrays = {
            "pose": drive.pose,
            "seen": drive.seen,
            "trail": drive.moments(since),
            "loss": np.array(self._loss[sent["loss"] :], np.float64).reshape(-1, 2),
        }
        if self._fresh:
            arrays |= {"middle": self._track.middle, "angles": ANGLES, **self._ways}
            numbers |= {
                "track": self._track.name,
                "half": HALF,
                "sight": SIGHT,
                "world": WORLD,
                "lap": self._track.length,
                "trials": self._trials,
                "parameters": sum(p.numel() for p in learner.net.parameters()),
                "taught": TAUGHT,
                "own": min(learner.own, OWN),
            }
        if sent["run"] != drive.run:
            arrays["past"] = drive.past()
        self._sent = {"loss": len(self._loss), "run": drive.run, "moment": len(drive)}
        self._fresh = False
        return Frame(numbers, arrays)

    # Being told.

    def tell(self, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the page says.

        Args:
            what: ``play``, ``pause``, ``step`` (moments), ``learn``, ``stop`` (learning), ``restart`` (the run),
                ``set``, ``track``, ``drive`` (the reader takes the wheel), ``steer``, ``release``, ``blame``, ``open``,
                or ``whole``: send curve and trail from their beginning.
            given: ``moments``; ``lr``, ``pace``, ``source``; ``track``, ``points`` and ``examples`` (whether the
                teacher shows the new track too); ``wheel``; ``run`` and ``moment``, or ``worst``; these and what
                :func:`.blame.opened` takes.

        Raises:
            ArgumentError: there is no such message, or something is outside its bounds.
            DataError: the track is too small.
        """
        if self._broken and what in ("blame", "open", "learn"):
            raise read.broken()
        if what in ("blame", "open"):
            return self._asked(what, given)
        note = None
        if what == "play":
            self._start()
        elif what == "pause":
            self._playing = False
        elif what == "step":
            self._playing = False
            for _ in range(read.whole(given, "moments", 1, 1, 300)):
                self._tick()
        elif what == "learn":
            note = self._start_learning()
        elif what == "stop":
            self._learning = False
        elif what == "restart":
            self._drive.start()
        elif what == "set":
            self._set(given)
        elif what == "track":
            self._put(given)
        elif what == "drive":
            self._hand = 0.0
            self._drive.start()
            self._start()
        elif what == "steer":
            if self._hand is not None:
                self._hand = read.real(given, "wheel", 0.0, -1.0, 1.0)
            return {}
        elif what == "release":
            self._hand = None
            self._drive.start()
        elif what == "whole":
            self._sent = {"loss": 0, "run": 0, "moment": 0}
        else:
            raise read.unknown("steering", what)
        self._fresh = True
        return {
            "step": self._learner.steps,
            "playing": self._playing,
            "learning": self._learning,
            "driving": self._hand is not None,
            "note": note,
        }

    def _start(self) -> None:
        if not self._playing:
            self._playing = True
            self._clock.start()

    def _start_learning(self) -> Any:
        if not self._learner.ready:
            return say("There are no examples of yours yet: take the wheel first, and drive for a few seconds.")
        self._learning = self._learner.steps < LAST
        self._start()
        return None

    def _set(self, given: Mapping[str, Any]) -> None:
        group = self._learner.optimizer.param_groups[0]
        group["lr"] = read.real(given, "lr", group["lr"], 1e-5, 0.3)
        self._per_moment = read.choice(given, "pace", self._per_moment, PACES)
        self._learner.source = read.choice(given, "source", self._learner.source, SOURCES)

    def _put(self, given: Mapping[str, Any]) -> None:
        self._track = chosen(given, self._track.name)
        self._given |= {key: given[key] for key in ("track", "points") if key in given}
        if given.get("examples", True) is True:
            self._learner.take(self._track)
        self._drive.put(self._track)
        self._trial = None
        self._ways = {"before": np.zeros((0, 2)), "after": np.zeros((0, 2))}
        self._trials.clear()
        self._try()
        self._finish_trial()

    def _asked(self, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """A question about a moment of this run."""
        drive = self._drive
        if not drive.kept(drive.run) and not drive.kept(drive.run - 1):
            raise ArgumentError("the car has not moved yet", "Let it drive first.", at=False)
        if given.get("worst") is True:
            run, moment = drive.worst()
        else:
            run = read.whole(given, "run", drive.run, 0, 2**31)
            if not drive.kept(run):
                raise ArgumentError(
                    "this moment is of a run that is no longer kept", "Pick one of the present run.", at=False
                )
            moment = read.whole(given, "moment", 0, 0, drive.kept(run) - 1)
        seen, did, right = drive.at(run, moment)
        about = {"moment": moment, "run": run, "step": self._learner.steps}
        if what == "blame":
            return {**about, **blame.blame(self._learner, seen, did, right)}
        return {**about, **blame.opened(self._learner, seen, right, given)}

    # Being kept.

    def state(self) -> dict[str, Any]:
        """All that :meth:`resume` needs."""
        trial = None
        if self._trial is not None:
            steps, net, _ = self._trial
            trial = (steps, {name: p.detach().clone() for name, p in net.state_dict().items()})
        return {
            "given": self._given, "learner": self._learner.state(), "drive": self._drive.state(),
            "per_moment": self._per_moment, "playing": self._playing, "learning": self._learning, "hand": self._hand,
            "loss": list(self._loss), "recent": list(self._recent), "trials": list(self._trials),
            "ways": dict(self._ways), "trial": trial,
            "broken": self._broken,
        }  # fmt: skip

    @classmethod
    def resume(cls, state: dict[str, Any]) -> Self:
        """The session that had this state; a trial that was under way is driven from its beginning."""
        made = cls(state["given"])
        made._learner.restore(state["learner"])
        made._drive.restore(state["drive"])
        made._per_moment, made._playing, made._learning = state["per_moment"], state["playing"], state["learning"]
        made._hand, made._loss, made._recent = state["hand"], list(state["loss"]), list(state["recent"])
        made._trials, made._ways = list(state["trials"]), dict(state["ways"])
        made._trial, made._broken = None, state["broken"]
        if state["trial"] is not None:
            steps, weights = state["trial"]
            net = made._learner.copied()
            net.load_state_dict(weights)
            made._trial = (steps, net, Trial(made._track, steering(net), STARTS))
        return made
