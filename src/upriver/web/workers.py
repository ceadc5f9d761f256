"""A worker process as the server holds it: started, given jobs, watched by the clock, and killed if need be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .asks import ASKS
from .limits import Limits
from .sessions import SESSIONS
from .wire import LENGTHS, Parcel, pack

# One thread each: the processes themselves are as many as there are processors.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_READY_SECONDS = 120.0


@dataclass(frozen=True)
class Setup:
    """What workers are started with.

    Attributes:
        asks: the questions that can be asked: name → module.
        sessions: the sessions that can be opened: name → ``module:Class``.
        limits: what they may take.
    """

    asks: Mapping[str, str] = field(default_factory=lambda: dict(ASKS))
    sessions: Mapping[str, str] = field(default_factory=lambda: dict(SESSIONS))
    limits: Limits = field(default_factory=Limits)


class LostError(Exception):
    """The process ended before the job was done.

    Attributes:
        late: it was killed since the job took too long.
        blamed: this was the job that it was at.
    """

    def __init__(self, *, late: bool, blamed: bool) -> None:
        super().__init__("late" if late else "lost")
        self.late, self.blamed = late, blamed


@dataclass
class _Pending:
    future: asyncio.Future[Parcel]
    seconds: float


class Worker:
    """One worker process. Jobs are done in the order in which they are sent.

    Args:
        kind: ``"asks"`` or ``"sessions"``: what it imports before it is ready.
        setup: what it is started with.
        nice: how much it gives way to other processes.
        on_end: called when it has ended.
    """

    def __init__(self, kind: str, setup: Setup, nice: int = 0, on_end: Callable[[], None] = lambda: None) -> None:
        self._kind, self._setup, self._nice, self._on_end = kind, setup, nice, on_end
        self._process: asyncio.subprocess.Process | None = None
        self._pending: OrderedDict[int, _Pending] = OrderedDict()
        self._jobs = 0
        self._late = False
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self.alive = False
        self.memory = 0
        self.memory_at_start = 0

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return None if self._process is None else self._process.pid

    @property
    def outstanding(self) -> int:
        """How many jobs it has."""
        return len(self._pending)

    async def start(self) -> bool:
        """Start the process and wait until it is ready; False if it ended instead."""
        limits = self._setup.limits
        setup = {
            "kind": self._kind,
            "asks": dict(self._setup.asks),
            "sessions": dict(self._setup.sessions),
            "memory": limits.memory,
            "state": limits.state,
            "nice": self._nice,
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "upriver.web.work", json.dumps(setup)),  # -P: nothing from the folder we stand in
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(_THREADS, "1"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            limit=2**22,
            **_apart(),
        )
        assert self._process.stdout is not None
        try:
            head, _ = await asyncio.wait_for(receive(self._process.stdout), _READY_SECONDS)
        except (asyncio.IncompleteReadError, TimeoutError):
            await self.end()
            return False
        except asyncio.CancelledError:
            await self.end()
            raise
        self.memory = self.memory_at_start = head["memory"]
        self.alive = True
        self._reading = asyncio.create_task(self._read(self._process.stdout))
        return True

    def send(self, head: Mapping[str, Any], payload: bytes = b"", *, seconds: float) -> asyncio.Future[Parcel]:
        """Give it a job.

        Args:
            head: what to do.
            payload: what to do it with.
            seconds: how long the job may take; the process is killed if it takes longer.

        Returns:
            What comes of it; :class:`LostError` if the process ends first.
        """
        future: asyncio.Future[Parcel] = asyncio.get_running_loop().create_future()
        if not self.alive or self._process is None or self._process.stdin is None:
            future.set_exception(LostError(late=False, blamed=False))
            return future
        self._jobs += 1
        self._pending[self._jobs] = _Pending(future, seconds)
        self._process.stdin.write(pack({**head, "job": self._jobs}, payload))
        if len(self._pending) == 1:
            self._watch()
        return future

    def kill(self) -> None:
        """End it at once."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            else:  # Popen.kill would look first whether it has ended, and take the answer from whoever waits for it
                os.kill(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """End it, and wait until it has."""
        self.kill()
        if self._reading is not None:
            await self._reading
        if self._process is not None:
            await self._process.wait()

    def _watch(self) -> None:
        """The clock of the job that it is at now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            seconds = next(iter(self._pending.values())).seconds
            self._timer = asyncio.get_running_loop().call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self._late = True
        self.kill()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                head, payload = await receive(reader)
                self.memory = head.get("memory", self.memory)
                pending = self._pending.pop(head["job"])
                self._watch()
                if not pending.future.done():
                    pending.future.set_result((head, payload))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.alive = False
            if self._timer is not None:
                self._timer.cancel()
            blamed = True
            for pending in self._pending.values():
                if not pending.future.done():
                    pending.future.set_exception(LostError(late=self._late and blamed, blamed=blamed))
                blamed = False
            self._pending.clear()
            if self._process is not None:
                if self._process.stdin is not None:
                    self._process.stdin.close()
                self.kill()
                await self._process.wait()
            self._on_end()


async def receive(reader: asyncio.StreamReader) -> Parcel:
    """The next parcel of a worker.

    Raises:
        asyncio.IncompleteReadError: it has ended.
    """
    line, payload = LENGTHS.unpack(await reader.readexactly(LENGTHS.size))
    return json.loads(await reader.readexactly(line)), await reader.readexactly(payload) if payload else b""


def _apart() -> dict[str, Any]:
    """Ctrl-C in the terminal goes to the server only: the server ends its workers itself."""
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
