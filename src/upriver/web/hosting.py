"""A worker process that carries sessions: whose turn it is, and how a session survives the process.

Turns are given to whoever has waited longest, learner by learner. A session has no turn while its page has not yet
taken its last two frames, nor more often than it could be drawn: so no frame is made that nobody sees, and none waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .kept import Key, remember
from .refusal import RefusalError, broken, late, lost
from .wire import Parcel
from .workers import LostError, Setup, Worker

_log = logging.getLogger("upriver.web")
_AHEAD = 2
"""Jobs that a process has at a time: it must not wait for the server between two turns."""
_PAUSE = 0.5
"""Seconds after a process that did not even start."""
_STRIKES = 2
"""A session that its process died at so often is not begun again."""
_STRIKES_LAST = 60.0
"""Seconds after which it is forgiven."""
_CHEAP = 0.01
"""Seconds: a state that costs less is kept after every message."""


class Link(Protocol):
    """Where a session's frames and news go: its page."""

    def frame(self, session: Running, data: bytes) -> None:
        """Send a frame; ``session.unsent`` is counted down when it is on its way."""

    def event(self, session: Running, name: str) -> None:
        """Tell what has become of it: opened, resumed, waiting, recovered."""

    def error(self, session: Running, error: dict[str, Any]) -> None:
        """Tell why it has ended."""

    def taken(self, session: Running) -> None:
        """Another connection of the same tab goes on with it."""


@dataclass(eq=False)
class Running:
    """A session, as the server knows it."""

    key: int
    number: int
    learner: Hashable
    name: str
    payload: bytes
    language: str | None
    link: Link
    host: Host
    secret: Key | None = None
    news: str = "opened"
    begun: bool = False
    opened: bool = False
    ended: bool = False
    idle: bool = False
    turning: bool = False
    tells: int = 0
    frames: int = 0
    unsent: int = 0
    seen: int | None = None
    strikes: int = 0
    struck_at: float = 0.0
    state: bytes = b""
    answers: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    left: asyncio.Future[None] | None = None
    kept_at: float = 0.0
    cost: float = 0.0
    served_at: float = 0.0

    @property
    def on_their_way(self) -> int:
        """Frames that the page has not taken yet."""
        return max(self.unsent, 0 if self.seen is None else self.frames - self.seen)

    def wants_state(self, now: float) -> bool:
        """Whether its state is to be kept now: about once a second, less often if that is not cheap."""
        return now - self.kept_at >= max(1.0, 50 * self.cost)


Job = Callable[[Worker], None]


class Host:
    """A worker process that carries sessions, replaced when it ends.

    Args:
        setup: what the process is started with.
        nice: how much it gives way: questions come first.
        served: when each learner had a turn, in any process.
    """

    def __init__(self, setup: Setup, nice: int, served: dict[Hashable, float]) -> None:
        self._setup, self._limits, self._nice = setup, setup.limits, nice
        self._jobs: deque[Job] = deque()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._served = served
        self.sessions: dict[int, Running] = {}
        self.worker = Worker("sessions", setup, nice)

    async def run(self, after: asyncio.Event) -> None:
        """Carry sessions until cancelled; the process is started after an event."""
        try:
            await after.wait()
            while True:
                self.worker = Worker("sessions", self._setup, self._nice, on_end=self.wake)
                if not await self.worker.start():
                    _log.error("a worker process did not start")
                    for session in list(self.sessions.values()):
                        self._fail(session, broken(session.language))
                    await asyncio.sleep(_PAUSE)
                    continue
                await self._serve(self.worker)
                await self.worker.end()
                for session in reversed([s for s in self.sessions.values() if s.begun]):
                    self._begin_again(session)
        finally:
            await self.worker.end()

    def wake(self) -> None:
        """Something has changed that may be work."""
        self._wake.set()

    def add(self, session: Running) -> None:
        """Begin a session, from its state if it has one."""
        self.sessions[session.key] = session
        session.news = "resumed" if session.state else "opened"
        self._put(lambda worker: self._begin(worker, session))

    def remove(self, session: Running, keep: bool = False) -> asyncio.Future[None]:
        """End a session; no word of it to the page.

        Args:
            session: which.
            keep: whether its state as it ends is wanted.

        Returns:
            Done when it has ended, and its state, if it is wanted, is the last.
        """
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if session.ended:
            gone.set_result(None)
        else:
            keep = keep and session.opened
            session.ended = True
            self.sessions.pop(session.key, None)
            self._put(lambda worker: self._close(worker, session, keep, gone))
        return gone

    def tell(self, session: Running, what: str, payload: bytes, call: object = None) -> asyncio.Future[bytes]:
        """Give a session a message; its answer as JSON, or RefusalError."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        session.tells += 1
        self._put(lambda worker: self._tell(worker, session, what, payload, answer, call))
        return answer

    async def _serve(self, worker: Worker) -> None:
        while worker.alive:
            self._wake.clear()
            while worker.alive and worker.outstanding < _AHEAD:
                if self._jobs:
                    self._jobs.popleft()(worker)
                elif (session := self._next()) is not None:
                    self._turn(worker, session)
                else:
                    break
            await self._wake.wait()
            grown = worker.memory - worker.memory_at_start
            if grown > self._limits.memory // 4 and not self.sessions:
                worker.kill()  # nobody notices, and what was kept is given back
            elif grown > self._limits.memory:
                _log.warning("the sessions of a process occupy too much: they are moved to a new one")
                worker.kill()

    def _put(self, job: Job) -> None:
        self._jobs.append(job)
        self._wake.set()

    def _next(self) -> Running | None:
        """Whose turn it is; where it is too early for all of them, this is asked again in time."""
        now = asyncio.get_running_loop().time()
        apart = 1 / self._limits.frames
        ready = [s for s in self.sessions.values() if s.opened and not (s.idle or s.turning or s.tells)]
        ready = [s for s in ready if s.on_their_way < self._limits.unseen]
        due = [s for s in ready if now - s.served_at >= apart]
        if due:
            return min(due, key=lambda s: (self._served.get(s.learner, 0.0), s.served_at))
        if ready and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(apart / 4, self._ring)
        return None

    def _ring(self) -> None:
        self._timer = None
        self._wake.set()

    def _watch(self, future: asyncio.Future[Parcel], then: Callable[[Parcel | LostError], None]) -> None:
        """Call ``then`` with the reply or with the process's end."""

        def done(future: asyncio.Future[Parcel]) -> None:
            if future.cancelled():
                return
            error = future.exception()
            then(error if isinstance(error, LostError) else future.result())
            self._wake.set()

        future.add_done_callback(done)

    # What a process is given to do.

    def _begin(self, worker: Worker, session: Running) -> None:
        if session.ended:
            return
        session.begun = True

        def then(reply: Parcel | LostError) -> None:
            if isinstance(reply, LostError):
                at_most = 1 if reply.late and session.news == "opened" else _STRIKES
                self._strike(session, reply, self._limits.open_seconds, at_most)
            elif self._in_order(session, reply):
                session.opened, session.idle = True, False
                session.link.event(session, session.news)
                session.news = "recovered"  # what the next one will be

        do = "resume" if session.state else "open"
        head = {"do": do, "name": session.name, "session": session.key, "language": session.language}
        self._watch(worker.send(head, session.state or session.payload, seconds=self._limits.open_seconds), then)

    def _close(self, worker: Worker, session: Running, keep: bool, gone: asyncio.Future[None]) -> None:
        def then(reply: Parcel | LostError) -> None:
            if not isinstance(reply, LostError):
                self._keep(session, *reply)
            gone.set_result(None)

        head = {"do": "close", "session": session.key, "state": keep}
        self._watch(worker.send(head, seconds=self._limits.turn_seconds), then)

    def _turn(self, worker: Worker, session: Running) -> None:
        now = asyncio.get_running_loop().time()
        session.turning, session.served_at = True, now
        self._served[session.learner] = now

        def then(reply: Parcel | LostError) -> None:
            session.turning = False
            if isinstance(reply, LostError):
                self._strike(session, reply, self._limits.turn_seconds)
            elif self._in_order(session, reply):
                head, payload = reply
                frame = payload[: head["first"]]
                self._keep(session, head, payload[head["first"] :])
                if not frame:
                    session.idle = True
                elif not session.ended:
                    session.frames += 1
                    session.unsent += 1
                    session.link.frame(session, frame)

        head = {
            "do": "turn",
            "session": session.key,
            "id": session.number,
            "frame": session.frames + 1,
            "seconds": self._limits.turn,
            "language": session.language,
            "state": session.wants_state(now),
        }
        self._watch(worker.send(head, seconds=self._limits.turn_seconds), then)

    def _tell(
        self, worker: Worker, session: Running, what: str, payload: bytes, answer: asyncio.Future[bytes], call: object
    ) -> None:
        def then(reply: Parcel | LostError) -> None:
            session.tells -= 1
            session.idle = False
            seconds = self._limits.turn_seconds
            refused: RefusalError | None = None
            if isinstance(reply, LostError):
                refused = late(session.language, seconds) if reply.late else lost(session.language)
                self._strike(session, reply, seconds)
            elif "error" in reply[0]:
                refused = lost(session.language) if session.ended else _refused(session, reply[0])
            else:
                head, data = reply
                self._keep(session, head, data[head["first"] :])
                remember(session.answers, call, data[: head["first"]], self._limits.tells)
            if answer.done():
                return
            if refused is not None:
                answer.set_exception(refused)
            else:
                answer.set_result(data[: head["first"]])

        if session.ended:
            session.tells -= 1
            if not answer.done():
                answer.set_exception(lost(session.language))
            return
        now = asyncio.get_running_loop().time()
        head = {
            "do": "tell",
            "session": session.key,
            "what": what,
            "language": session.language,
            "state": session.wants_state(now) or session.cost < _CHEAP,
        }
        self._watch(worker.send(head, payload, seconds=self._limits.turn_seconds), then)

    # What becomes of sessions.

    def _keep(self, session: Running, head: dict[str, Any], state: bytes) -> None:
        if "cost" in head:
            session.cost, session.kept_at = head["cost"], asyncio.get_running_loop().time()
            session.state = state or session.state
            if session.state:
                session.payload = b""  # it will not begin from the beginning any more

    def _in_order(self, session: Running, reply: Parcel) -> bool:
        """False if it failed, which ends it."""
        if "error" not in reply[0]:
            return True
        self._fail(session, _refused(session, reply[0]))
        return False

    def _fail(self, session: Running, refused: RefusalError) -> None:
        if not session.ended:
            self.remove(session)
            session.link.error(session, refused.error)

    def _strike(self, session: Running, error: LostError, seconds: float, at_most: int = _STRIKES) -> None:
        """Its process ended; if it was at this session's job, that may be why."""
        if error.blamed:
            now = asyncio.get_running_loop().time()
            session.strikes = session.strikes + 1 if now - session.struck_at < _STRIKES_LAST else 1
            session.struck_at = now
            if session.strikes >= at_most:
                self._fail(session, late(session.language, seconds) if error.late else lost(session.language))

    def _begin_again(self, session: Running) -> None:
        """In the new process, from its latest state, before anything that waits."""
        session.turning = session.opened = False
        session.link.event(session, "waiting")
        self._jobs.appendleft(lambda worker: self._begin(worker, session))


def _refused(session: Running, head: dict[str, Any]) -> RefusalError:
    if "trace" in head:
        _log.error("the session %s failed\n%s", session.name, head["trace"])
    return RefusalError(head["error"])
