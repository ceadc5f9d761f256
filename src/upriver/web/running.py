"""All sessions of a server, spread over a few worker processes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Hashable

from .hosting import Host, Link, Running
from .limits import Limits
from .refusal import busy, too_many
from .workers import Setup


class Sessions:
    """All sessions of a server.

    Args:
        count: how many processes carry them.
        setup: what the processes are started with.
        nice: how much they give way to the rest.
    """

    def __init__(self, count: int, setup: Setup, nice: int = 5) -> None:
        self._limits: Limits = setup.limits
        self._keys = itertools.count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self.hosts = [Host(setup, nice) for _ in range(count)]

    def start(self, after: asyncio.Event) -> None:
        """Start the processes when ``after`` happens, without waiting for them."""
        self._tasks = [asyncio.create_task(host.run(after)) for host in self.hosts]

    async def stop(self) -> None:
        """End the processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __len__(self) -> int:
        return sum(len(host.sessions) for host in self.hosts)

    def open(
        self, learner: Hashable, number: int, name: str, payload: bytes, language: str | None, link: Link
    ) -> Running:
        """Begin a session, in the process that carries the fewest.

        Raises:
            RefusalError: there are too many.
        """
        mine = sum(session.learner == learner for host in self.hosts for session in host.sessions.values())
        if mine >= self._limits.sessions:
            raise too_many(language)
        if len(self) >= self._limits.all_sessions:
            raise busy(language)
        host = min(self.hosts, key=lambda host: len(host.sessions))
        session = Running(next(self._keys), number, learner, name, payload, language, link, host)
        host.add(session)
        return session

    def tell(self, session: Running, what: str, payload: bytes) -> asyncio.Future[bytes]:
        """Give a session a message.

        Returns:
            Its answer as JSON, or :class:`.refusal.RefusalError`.

        Raises:
            RefusalError: it has too many already.
        """
        if session.tells >= self._limits.tells:
            raise too_many(session.language)
        return session.host.tell(session, what, payload)

    def seen(self, session: Running) -> None:
        """The page has taken another frame."""
        session.seen = min((session.seen or 0) + 1, session.frames)
        session.host.wake()

    def sent(self, session: Running) -> None:
        """A frame is on its way."""
        session.unsent -= 1
        session.host.wake()

    def close(self, session: Running) -> None:
        """End a session."""
        session.host.remove(session)
