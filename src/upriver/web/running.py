"""All sessions of a server, spread over a few worker processes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Hashable

from .hosting import Host, Link, Running
from .kept import Kept, Key, Left
from .limits import Limits
from .refusal import busy, too_many
from .workers import Setup


class Sessions:
    """All sessions of a server.

    Args:
        count: how many processes carry them.
        setup: what the processes are started with.
        nice: how much they give way to the rest.

    Attributes:
        kept: sessions whose page has lost its connection.
    """

    def __init__(self, count: int, setup: Setup, nice: int = 5) -> None:
        self._limits: Limits = setup.limits
        self._keys = itertools.count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._served: dict[Hashable, float] = {}
        self._secret: dict[Key, Running] = {}  # those that can be gone on with, till they are among the kept
        self.kept = Kept(setup.limits)
        self.hosts = [Host(setup, nice, self._served) for _ in range(count)]

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
        self,
        learner: Hashable,
        number: int,
        name: str,
        payload: bytes,
        language: str | None,
        link: Link,
        secret: str | None = None,
    ) -> Running:
        """Begin a session, in the process that carries the fewest; or go on with the one that was left.

        Args:
            learner: whose it is.
            number: by which its page calls it.
            name: of the kind of session.
            payload: the message that opens it.
            language: in which it is to speak.
            link: its page.
            secret: what only the tab knows that opened it, by which it can be gone on with.

        Raises:
            RefusalError: there are too many.
        """
        learners = self._learners()
        if learners.count(learner) >= self._limits.sessions:
            raise too_many(language)
        if len(learners) >= self._limits.all_sessions:
            raise busy(language)
        host = min(self.hosts, key=lambda host: len(host.sessions))
        key = None if secret is None else (name, secret)
        session = Running(next(self._keys), number, learner, name, payload, language, link, host, key)
        if key is not None:
            self._secret[key] = session
            if (left := self.kept.take(key)) is not None:
                session.state, session.answers = left.state, left.answers
        host.add(session)
        return session

    def leave(self, session: Running) -> None:
        """The page has lost its connection: the session ends, and is kept for it."""
        key = session.secret
        if key is None or session.ended:
            self.close(session)
            return

        def gone(_: object) -> None:
            if session.state and self._secret.get(key) is session:
                self.kept.put(key, Left(session.learner, session.state, session.answers))
                asyncio.get_running_loop().call_later(self._limits.kept_seconds + 1, self.kept.forget)
            self._forget(session)

        session.left = session.host.remove(session, keep=True)
        session.left.add_done_callback(gone)

    async def settled(self, name: str, secret: str) -> None:
        """Wait until the session that is to be gone on with is among the kept, if it still runs.

        A connection that nobody has closed is not known to be lost until its page is back with another.
        """
        session = self._secret.get((name, secret))
        if session is None:
            return
        if session.left is None:
            session.link.taken(session)
            self.leave(session)
        if session.left is not None:
            await asyncio.wait([session.left], timeout=self._limits.turn_seconds)
            await asyncio.sleep(0)  # what is called when it is done

    def _learners(self) -> list[Hashable]:
        return [session.learner for host in self.hosts for session in host.sessions.values()]

    def _forget(self, session: Running) -> None:
        if session.learner not in self._learners():
            self._served.pop(session.learner, None)
        if session.secret is not None and self._secret.get(session.secret) is session:
            del self._secret[session.secret]

    def tell(self, session: Running, what: str, payload: bytes, call: object = None) -> asyncio.Future[bytes]:
        """Give a session a message, but not twice: a page tells again what was not answered when it was cut off.

        Returns:
            Its answer as JSON, or :class:`.refusal.RefusalError`.

        Raises:
            RefusalError: it has too many already.
        """
        if session.tells >= self._limits.tells:
            raise too_many(session.language)
        if isinstance(call, int) and call in session.answers:
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            answer.set_result(session.answers[call])
            return answer
        return session.host.tell(session, what, payload, call)

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
        self._forget(session)
