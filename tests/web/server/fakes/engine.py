"""Questions and a session that misbehave on demand: what the server's tests ask."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from upriver.errors import ArgumentError
from upriver.web.frames import Frame


def answer(given):
    do = given.get("do")
    if do == "sleep":
        time.sleep(given["seconds"])
    elif do == "die":
        os._exit(3)
    elif do == "die once":
        if not Path(given["file"]).exists():
            Path(given["file"]).touch()
            os._exit(3)
    elif do == "hoard":
        return {"size": len(bytearray(given["bytes"]))}
    elif do == "refuse":
        raise ArgumentError("3 is not allowed", "Give 2.", at=False)
    elif do == "fail":
        raise KeyError("a defect")
    elif do == "nest":
        return nest(given)
    elif do == "nan":
        return {"x": float("nan"), "a": np.array([1.0, np.inf])}
    return {"echo": given.get("x"), "pid": os.getpid(), "threads": os.environ["OPENBLAS_NUM_THREADS"]}


def nest(given):
    return nest(given)


class Counter:
    """Counts its turns; plays from the beginning."""

    def __init__(self, given):
        if given.get("bad"):
            raise ArgumentError("bad is not allowed", at=False)
        if given.get("slow"):
            time.sleep(given["slow"])
        if given.get("die"):
            os._exit(3)
        self.given, self.count, self.playing = given, 0, given.get("playing", True)
        self.work = given.get("work", 0.0)

    def advance(self, seconds):
        if not self.playing:
            return None
        self.count += 1
        if self.given.get("die at") == self.count:
            os._exit(3)
        if self.given.get("fail at") == self.count:
            raise KeyError("a defect")
        if self.given.get("refuse at") == self.count:
            raise ArgumentError("it cannot go on", at=False)
        until = time.perf_counter() + (seconds if self.work is True else self.work)
        while time.perf_counter() < until:
            pass
        size = self.given.get("size", 4)
        return Frame({"count": self.count, "pid": os.getpid(), "loss": float("nan")}, {"a": np.zeros(size)})

    def tell(self, what, given):
        if what == "die":
            os._exit(3)
        if what == "sleep":
            time.sleep(given["seconds"])
        if what == "refuse":
            raise ArgumentError("it will not", at=False)
        if what in ("play", "pause"):
            self.playing = what == "play"
        if what == "add":
            self.count += 1
        if what == "set":
            self.count = given["count"]
        return {"count": self.count, "what": what}

    def state(self):
        return {"given": {k: v for k, v in self.given.items() if k != "die at"}, "count": self.count, "p": self.playing}

    @classmethod
    def resume(cls, state):
        session = cls(state["given"])
        session.count, session.playing = state["count"], state["p"]
        return session
