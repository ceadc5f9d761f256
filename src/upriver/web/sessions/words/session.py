"""The next-word lab: a small character transformer that learns in front of the reader, and can be asked at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ....errors import ArgumentError
from ....i18n import say
from ...frames import Frame
from .. import given as read
from ..pace import Pace
from . import blame
from .learn import Learner, Options
from .text import chosen

EVERY = 25
"""After so many steps the loss on held-out text, the passage and the prediction are taken again."""
POINT = 5
"""So many steps are one point of the curve: their mean."""
SAMPLES = (0, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""After so many steps the network writes on by itself."""
LAST = 20_000
WRITTEN = 100
"""How many symbols a sample has."""
PASSAGE = 160
LONGEST = 400
"""How many symbols a text of the reader may have, to be predicted or looked at."""
SPEEDS = (0, 10, 40, 200)
"""Steps per second; 0 for as fast as it goes."""


def options(given: Mapping[str, Any]) -> Options:
    """What was asked for, within its bounds.

    Raises:
        ArgumentError: something is outside of them.
    """
    return Options(
        context=read.choice(given, "context", 32, (32, 48, 64)),
        layers=read.choice(given, "layers", 1, (1, 2)),
        heads=read.choice(given, "heads", 4, (1, 2, 4)),
        width=read.choice(given, "width", 48, (32, 48, 64)),
        lr=read.real(given, "lr", 3e-3, 1e-5, 0.1),
        seed=read.whole(given, "seed", 1, 0, 2**31 - 1),
    )


class Words:
    """The session of the next-word lab.

    Args:
        given: ``text`` ("en", "zh", "ja", "ar", or "own" with ``own``), ``context``, ``layers``, ``heads``,
            ``width``, ``lr``, ``seed``, ``speed`` (steps per second: 10, 40, 200, or 0 for as fast as it goes),
            ``playing``.

    Raises:
        UpriverError: something is outside its bounds, or the text cannot be learnt from.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        name, text = chosen(given)
        self._given = {**given, "text": name}
        self._learner = Learner(text, options(given))
        self._pace = Pace(read.choice(given, "speed", 40, SPEEDS))
        self._playing = given.get("playing", False) is True
        self._loss: list[tuple[int, float]] = []
        self._held_out: list[tuple[int, float]] = []
        self._recent: list[float] = []
        self._samples: list[dict[str, Any]] = []
        self._passage = _beginning(self._learner.held_out)
        self._prompt = self._passage[:12]
        self._sent = (0, 0)  # points of the curves that the page has
        self._broken = False  # whether the loss has become infinite, or NaN
        self._fresh = True
        self._look()

    # Running.

    def advance(self, seconds: float) -> Frame | None:
        """Learn for about so long, then show; None while it is paused and everything has been shown."""
        if self._playing:
            self._pace.run(seconds, self._tick)
        elif not self._fresh:
            return None
        return self._frame()

    def _tick(self) -> bool:
        """One step; False when that was the last."""
        learner = self._learner
        self._recent.append(learner.step())
        if not np.isfinite(self._recent[-1]):
            self._playing, self._broken, self._fresh = False, True, True
            return False
        if len(self._recent) == POINT:
            self._loss.append((learner.steps, float(np.mean(self._recent))))
            self._recent.clear()
        if learner.steps % EVERY == 0 or learner.steps in SAMPLES:
            self._look()
        if learner.steps >= LAST:
            self._playing = False
        return self._playing

    def _look(self) -> None:
        """Take everything that the page shows of the network as it is now."""
        learner = self._learner
        if learner.steps % EVERY == 0:
            self._held_out.append((learner.steps, learner.held_out_loss()))
        if learner.steps in SAMPLES:
            draw = np.random.default_rng(learner.steps)
            text = learner.continued(self._passage[:8], WRITTEN, 0.6, draw)
            self._samples.append({"step": learner.steps, "begin": self._passage[:8], "text": text})
        self._fresh = True

    def _frame(self) -> Frame:
        learner = self._learner
        loss, held_out = self._sent
        numbers: dict[str, Any] = {
            "step": learner.steps,
            "playing": self._playing,
            "finished": learner.steps >= LAST,
            "broken": self._broken,
            "rate": round(self._pace.measured, 1) if self._playing else 0.0,
            "speed": self._pace.rate,
            "lr": learner.lr,
            "lossFrom": loss,
            "heldOutFrom": held_out,
        }
        arrays = {
            "loss": np.array(self._loss[loss:], np.float64).reshape(-1, 2),
            "heldOut": np.array(self._held_out[held_out:], np.float64).reshape(-1, 2),
        }
        if self._fresh and not self._broken:
            shares = self._shares(self._passage)
            right = learner.vocab.encode(self._passage)[1:]
            arrays["right"] = shares[np.arange(len(right)), right]
            arrays["best"] = shares.argmax(1)
            arrays["bestShare"] = shares.max(1)
            numbers |= {
                "samples": self._samples,
                "passage": self._passage,
                "alphabet": "".join(learner.vocab.chars),
                "predicted": self._predict(),
                "guess": float(np.log(len(learner.vocab))),
                "parameters": sum(p.numel() for p in learner.model.parameters()),
                "characters": len(learner.train_text) + len(learner.held_out),
                "excerpt": learner.train_text[:600],
            }
        self._sent, self._fresh = (len(self._loss), len(self._held_out)), False
        return Frame(numbers, arrays)

    def _shares(self, text: str) -> Any:
        """What was predicted for each symbol of a text but the first, by those before it."""
        numbers = self._learner.encode(text)
        return self._learner.probabilities([numbers[:i] for i in range(1, len(numbers))])

    def _predict(self) -> dict[str, Any]:
        """What comes after the prompt, the likeliest first."""
        learner = self._learner
        context = learner.encode(self._prompt)
        unknown = learner.unknown(self._prompt)
        skipped = (
            say("The text that it learns from has no {symbols}: left out.", symbols=" ".join(unknown))
            if unknown
            else None
        )
        if not len(context):
            return {"prompt": self._prompt, "likely": [], "rest": 0.0, "skipped": skipped}
        share = learner.probabilities([context])[0]
        order = np.argsort(-share, kind="stable")[:10]
        likely = [{"symbol": learner.vocab.chars[i], "p": float(share[i])} for i in order]
        rest = max(0.0, 1.0 - float(share[order].sum()))
        return {"prompt": self._prompt, "likely": likely, "rest": rest, "skipped": skipped}

    # Being told.

    def tell(self, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the page says.

        Args:
            what: ``play``, ``pause``, ``step``, ``set``, ``prompt``, ``sample``, ``passage``, ``blame``, ``open``, or
                ``whole``: send the curves from their beginning.
            given: ``steps``; ``speed``, ``lr``; ``text``; ``text``, ``count``, ``temperature``, ``seed``; ``text``;
                ``text`` and ``at``; these and what :func:`.blame.opened` takes.

        Raises:
            ArgumentError: there is no such message, or something is outside its bounds.
        """
        if self._broken and what in ("blame", "open", "prompt", "sample", "passage", "step", "play"):
            raise read.broken()
        if what in ("blame", "open"):
            return self._asked(what, given)
        if what == "prompt":
            self._prompt = read.text(given, "text", "", LONGEST)
            return self._predict()
        if what == "sample":
            return self._sampled(given)
        if what == "passage":
            text = read.text(given, "text", "", LONGEST) or _beginning(self._learner.held_out)
            self._passage = self._learner.vocab.decode(self._learner.encode(text))
            if len(self._passage) < 2:
                self._passage = _beginning(self._learner.held_out)
        elif what == "play":
            if self._learner.steps < LAST:
                self._playing = True
                self._pace.start()
        elif what == "pause":
            self._playing = False
        elif what == "step":
            self._playing = False
            for _ in range(min(read.whole(given, "steps", 1, 1, 100), LAST - self._learner.steps)):
                if not self._broken:
                    self._tick()
            self._playing = False
        elif what == "set":
            self._pace.rate = read.choice(given, "speed", self._pace.rate, SPEEDS)
            self._learner.lr = read.real(given, "lr", self._learner.lr, 1e-5, 0.1)
        elif what == "whole":
            self._sent = (0, 0)
        else:
            raise read.unknown("words", what)
        self._fresh = True
        return {"step": self._learner.steps, "playing": self._playing, "passage": self._passage}

    def _sampled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        text = read.text(given, "text", self._prompt, LONGEST)
        if not len(self._learner.encode(text)):
            raise ArgumentError(
                "there is nothing to go on from", "Type a beginning in the script of the text.", at=False
            )
        count = read.whole(given, "count", WRITTEN, 1, 300)
        temperature = read.real(given, "temperature", 0.6, 0.0, 2.0)
        draw = np.random.default_rng(read.whole(given, "seed", 0, 0, 2**31 - 1))
        return {"text": self._learner.continued(text, count, temperature, draw)}

    def _asked(self, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """A question about the symbol at ``at`` of a text, by those before it."""
        learner = self._learner
        text = read.text(given, "text", self._passage, LONGEST)
        numbers = learner.encode(text)
        if len(numbers) != len(text) or len(numbers) < 2:
            raise ArgumentError("the text has symbols that the network has never seen, or fewer than two", at=False)
        at = read.whole(given, "at", 1, 1, len(numbers) - 1)
        asked = blame.blame if what == "blame" else blame.opened
        more = () if what == "blame" else (given,)
        return {"at": at, "step": learner.steps, **asked(learner, numbers[:at], int(numbers[at]), *more)}

    # Being kept.

    def state(self) -> dict[str, Any]:
        """All that :meth:`resume` needs."""
        return {
            "given": self._given,
            "learner": self._learner.state(),
            "playing": self._playing,
            "rate": self._pace.rate,
            "loss": list(self._loss),
            "held_out": list(self._held_out),
            "recent": list(self._recent),
            "broken": self._broken,
            "samples": list(self._samples),
            "passage": self._passage,
            "prompt": self._prompt,
        }

    @classmethod
    def resume(cls, state: dict[str, Any]) -> Self:
        """The session that had this state."""
        made = cls(state["given"])
        made._learner.restore(state["learner"])
        made._playing, made._pace.rate = state["playing"], state["rate"]
        made._loss, made._held_out = list(state["loss"]), list(state["held_out"])
        made._broken = state["broken"]
        made._recent, made._samples = list(state["recent"]), list(state["samples"])
        made._passage, made._prompt = state["passage"], state["prompt"]
        return made


def _beginning(text: str) -> str:
    """The first stretch of a text that begins with a line."""
    cut = text.find("\n") + 1
    rest = text[cut:].lstrip("\n") if len(text) - cut > 40 else text
    return rest[:PASSAGE].rstrip()
