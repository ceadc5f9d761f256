"""A worker process: it answers questions, or carries sessions, one job after the other.

It is started by :mod:`.workers` as ``python -m upriver.web.work SETUP``, reads jobs from standard input and writes what
came of them to standard output (:mod:`.wire`). It ends when its input does, so that none is left when a server dies.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from . import asks, sessions
from .frames import encode, plain
from .limits import confine, memory
from .wire import pack, read

Reply = tuple[dict[str, Any], bytes]


class Work:
    """What one worker process holds and does.

    Args:
        setup: the tables of questions and sessions, and the limits: ``asks``, ``sessions``, ``state``.
    """

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self._setup = setup
        self._sessions: dict[int, Any] = {}
        self._jobs: dict[str, Callable[[Mapping[str, Any], bytes], Reply]] = {
            "ask": self._ask,
            "open": self._open,
            "resume": self._resume,
            "tell": self._tell,
            "turn": self._turn,
            "close": self._close,
        }

    def do(self, head: Mapping[str, Any], payload: bytes) -> Reply:
        """Do one job; what goes wrong is part of the reply."""
        from ..i18n import use

        with use(head.get("language") or "en"):
            try:
                done, data = self._jobs[head["do"]](head, payload)
            except BaseException as error:
                if isinstance(error, (KeyboardInterrupt, SystemExit)):
                    raise
                done, data = {"error": told(error)}, b""
                if done["error"]["kind"] == "internal":
                    done["trace"] = traceback.format_exc()
        done["memory"] = memory()
        return done, data

    def _ask(self, head: Mapping[str, Any], payload: bytes) -> Reply:
        answer = asks.find(head["name"], self._setup["asks"])
        return {}, _json(answer(_given(payload)))

    def _open(self, head: Mapping[str, Any], payload: bytes) -> Reply:
        kind = sessions.find(head["name"], self._setup["sessions"])
        self._sessions[head["session"]] = kind(_given(payload))
        return {}, b""

    def _resume(self, head: Mapping[str, Any], payload: bytes) -> Reply:
        kind = sessions.find(head["name"], self._setup["sessions"])
        self._sessions[head["session"]] = kind.resume(pickle.loads(payload))
        return {}, b""

    def _tell(self, head: Mapping[str, Any], payload: bytes) -> Reply:
        session = self._sessions[head["session"]]
        answer = _json(session.tell(head["what"], _given(payload)))
        done, state = self._state(head, session)
        return {**done, "first": len(answer)}, answer + state

    def _turn(self, head: Mapping[str, Any], payload: bytes) -> Reply:
        session = self._sessions[head["session"]]
        frame = session.advance(head["seconds"])
        data = b"" if frame is None else encode(frame, id=head["id"], frame=head["frame"])
        done, state = self._state(head, session)
        return {**done, "first": len(data)}, data + state

    def _state(self, head: Mapping[str, Any], session: Any) -> Reply:
        """The session's state, where it was asked for and is not too large, and what it cost."""
        if not head.get("state"):
            return {}, b""
        begun = time.perf_counter()
        state = pickle.dumps(session.state(), pickle.HIGHEST_PROTOCOL)
        cost = time.perf_counter() - begun
        return {"cost": cost}, state if len(state) <= self._setup["state"] else b""

    def _close(self, head: Mapping[str, Any], payload: bytes) -> Reply:
        closed = self._sessions.pop(head["session"], None)
        if closed is None:
            return {}, b""
        done, state = self._state(head, closed)
        del closed
        gc.collect()  # graphs and arenas go back now, not when a collection happens to come
        return done, state


def told(error: BaseException) -> dict[str, Any]:
    """An error as a page is told it, in the language of the moment."""
    from ..errors import UpriverError
    from ..i18n import Message, errors, say

    fix: str | None = None
    kind = "internal"
    message: str
    if isinstance(error, UpriverError):
        kind, message = "input", errors.told(error.message)
        fix = None if error.fix is None else errors.told(error.fix)
    elif isinstance(error, MemoryError):
        kind = "limit"
        message = say("This needs more memory than one learner may have here.")
        fix = say("Make it smaller: fewer layers, units, samples or entries.")
    elif isinstance(error, RecursionError):
        kind, message = "limit", say("This is nested more deeply than can be computed here.")
    else:
        message = say("Something went wrong that was not foreseen.")
        fix = say("The terminal in which `upriver learn` runs shows what happened.")
    data = message.data() if isinstance(message, Message) else {"text": "{sentence}", "args": {"sentence": message}}
    return {"kind": kind, "message": data, "sentence": str(message), "fix": None if fix is None else str(fix)}


def _given(payload: bytes) -> Mapping[str, Any]:
    given = json.loads(payload).get("with") or {}
    if not isinstance(given, Mapping):
        from ..errors import ArgumentError

        raise ArgumentError("`with` is not an object", at=False)
    return given


def _json(answer: Any) -> bytes:
    return json.dumps(plain(answer), allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def _warm(setup: Mapping[str, Any]) -> None:
    """Import what jobs will need, so that the first is as quick as the others."""
    from ..core.threads import set_num_threads

    set_num_threads(1)
    tables = [(asks, "asks")] if setup["kind"] == "asks" else [(sessions, "sessions")]
    for package, table in tables:
        for name in setup[table]:
            try:
                package.find(name, setup[table])
            except Exception:  # the job that needs it says so
                continue
    if setup["kind"] == "sessions":
        try:
            importlib.import_module("llvmlite.binding")
        except ImportError:
            return


def main() -> None:
    """Do jobs until the input ends."""
    setup = json.loads(sys.argv[1])
    jobs: BinaryIO = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints goes to the terminal, not between the replies
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    if hasattr(os, "nice") and setup["nice"]:
        os.nice(setup["nice"])
    _warm(setup)
    confine(setup["memory"])
    work = Work(setup)
    replies.write(pack({"ready": True, "memory": memory()}))
    replies.flush()
    while (parcel := read(jobs)) is not None:
        head, payload = parcel
        done, data = work.do(head, payload)
        try:
            replies.write(pack({"job": head["job"], **done}, data))
            replies.flush()
        except BrokenPipeError:
            break
    os._exit(0)  # nothing is left to save, and threads of compiled steps need not be waited for


if __name__ == "__main__":
    main()
