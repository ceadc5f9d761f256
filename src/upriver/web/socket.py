"""The socket of one page: what it asks goes to the pools, what comes back goes to the page, in the order it comes."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ..i18n import say, use
from .answering import Answering, Question
from .hosting import Running
from .limits import Limits
from .refusal import RefusalError, refusal, too_many
from .running import Sessions
from .workers import Setup

_LARGEST_ID = 2**53
_HEAD = re.compile(r'\s*\{\s*"id"\s*:\s*(\d{1,16})\s*,')
_TRY_LATER = 1013
_NOT_UNDERSTOOD = 1003
_LEFT = 1001
"""How a browser closes the socket of a page that is closed, or left for another: it will not be back."""
_RANDOM = re.compile(r"[\w-]{16,64}", re.ASCII)
_PATIENCE = 0.5
"""Seconds after which a session that has not begun is said to wait."""


class Page:
    """One page, from the moment its socket is open.

    Args:
        socket: accepted already.
        answering: the pool for questions.
        sessions: the pool for sessions.
        setup: what can be asked and opened, and how much.
        learner: whose page it is; nobody else's if it is not told.
    """

    def __init__(
        self,
        socket: WebSocket,
        answering: Answering,
        sessions: Sessions,
        setup: Setup,
        learner: Hashable = None,
    ) -> None:
        self._socket, self._answering, self._sessions = socket, answering, sessions
        self._setup, self._limits = setup, setup.limits
        self._learner: Hashable = self if learner is None else learner
        self._back = True  # whether it may be back with another socket
        self._asked: dict[int, Question] = {}
        self._running: dict[int, Running] = {}
        self._outbox: deque[tuple[str | bytes, Running | None]] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def serve(self) -> None:
        """Until the page goes away."""
        sending = asyncio.create_task(self._send())
        receiving = asyncio.create_task(self._receive())
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            for question in self._asked.values():
                self._answering.withdraw(question)
            end = self._sessions.leave if self._back else self._sessions.close
            for session in list(self._running.values()):
                end(session)

    async def _receive(self) -> None:
        while True:
            await self._room.wait()  # who does not take answers need not ask more
            received = await self._socket.receive()
            if received["type"] != "websocket.receive":
                self._back = received.get("code") != _LEFT
                return
            text = received.get("text")
            if text is None:
                await self._socket.close(_NOT_UNDERSTOOD)
                return
            await self._take(text)

    async def _send(self) -> None:
        while True:
            while self._outbox:
                data, session = self._outbox.popleft()
                try:
                    if isinstance(data, str):
                        await self._socket.send_text(data)
                    else:
                        await self._socket.send_bytes(data)
                except (WebSocketDisconnect, RuntimeError):
                    return
                self._waiting -= len(data)
                if self._waiting <= self._limits.unsent:
                    self._room.set()
                if session is not None:
                    self._sessions.sent(session)
            self._wake.clear()
            await self._wake.wait()

    def _put(self, data: str | bytes, session: Running | None = None) -> None:
        self._outbox.append((data, session))
        self._waiting += len(data)
        if self._waiting > self._limits.unsent:
            self._room.clear()
        self._wake.set()

    # What comes from the page.

    async def _take(self, text: str) -> None:
        # A message that cannot be read whole is answered too, or its page would wait for ever.
        head = _HEAD.match(text)
        number: Any = int(head[1]) if head else None
        call: Any = None
        language: Any = None
        try:
            if len(text) > self._limits.message:
                raise refusal(
                    "limit",
                    say("This is larger than {megabytes} MB, the most that can be sent.",
                        megabytes=self._limits.message // 2**20),
                )  # fmt: skip
            message = _parsed(text)
            number, call, language = message.get("id"), message.get("call"), message.get("language")
            with use(language if isinstance(language, str) else "en"):
                await self._do(message, text.encode())
        except RefusalError as refused:
            self._refuse(number, call, refused.error)

    async def _do(self, message: dict[str, Any], payload: bytes) -> None:
        number = message.get("id")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < _LARGEST_ID:
            raise refusal("input", say("A message needs an `id`, a whole number."))
        if "ask" in message:
            self._ask(number, message, payload)
        elif "open" in message:
            await self._open(number, message, payload)
        elif "tell" in message:
            self._tell(number, message, payload)
        elif message.get("seen"):
            if number in self._running:
                self._sessions.seen(self._running[number])
        elif message.get("stop"):
            self._stop(number)
        else:
            raise refusal("input", say("A message says `ask`, `open`, `tell`, `seen` or `stop`."))

    def _ask(self, number: int, message: dict[str, Any], payload: bytes) -> None:
        name = self._known(message["ask"], self._setup.asks)
        self._new(number)
        if len(self._asked) >= self._limits.asks:
            raise too_many(_language(message))
        question = self._answering.ask(self._learner, name, payload, _language(message))
        self._asked[number] = question

        def done(answer: asyncio.Future[bytes]) -> None:
            self._asked.pop(number, None)
            self._answered(answer, number, None)

        question.answer.add_done_callback(done)

    async def _open(self, number: int, message: dict[str, Any], payload: bytes) -> None:
        name = self._known(message["open"], self._setup.sessions)
        self._new(number)
        secret = _random(message.get("token"))
        if secret is not None:
            await self._sessions.settled(name, secret)
        session = self._sessions.open(self._learner, number, name, payload, _language(message), self, secret)
        if "seen" in message:
            session.seen = 0
        self._running[number] = session
        asyncio.get_running_loop().call_later(_PATIENCE, self._still_waiting, session)

    def _still_waiting(self, session: Running) -> None:
        if not session.opened and not session.ended:
            self.event(session, "waiting")

    def _tell(self, number: int, message: dict[str, Any], payload: bytes) -> None:
        call, what = message.get("call"), message["tell"]
        if number not in self._running:
            raise refusal("lost", say("This session has ended."), say("Start it again."))
        if not isinstance(what, str):
            raise refusal("input", say("What a session is told is a word."))
        session = self._running[number]
        if isinstance(message.get("language"), str):
            session.language = _language(message)
        answer = self._sessions.tell(session, what, payload, call)
        answer.add_done_callback(lambda answer: self._answered(answer, number, call))

    def _stop(self, number: int) -> None:
        if number in self._running:
            self._sessions.close(self._running.pop(number))
        elif number in self._asked:
            self._answering.withdraw(self._asked[number])

    def _new(self, number: int) -> None:
        if number in self._asked or number in self._running:
            raise refusal("input", say("The `id` {number} is in use.", number=str(number)))

    def _known(self, name: Any, table: Any) -> str:
        if not isinstance(name, str) or name not in table:
            raise refusal(
                "input",
                say("There is no {name} here.", name=str(name)[:80]),
                say("There is: {names}.", names=list(table)),
            )
        return name

    # What goes to the page.

    def _answered(self, answer: asyncio.Future[bytes], number: int, call: Any) -> None:
        if answer.cancelled():
            return
        error = answer.exception()
        if isinstance(error, RefusalError):
            self._refuse(number, call, error.error)
        elif error is None:
            head = json.dumps({"id": number} if call is None else {"id": number, "call": call})[:-1]
            self._put(f'{head}, "answer": {answer.result().decode()}}}')

    def _refuse(self, number: Any, call: Any, error: dict[str, Any]) -> None:
        told = {"id": number, "call": call, "error": error}
        if call is None:
            del told["call"]
        self._put(json.dumps(told, ensure_ascii=False))

    def frame(self, session: Running, data: bytes) -> None:
        """A frame of a session."""
        self._put(data, session)

    def event(self, session: Running, name: str) -> None:
        """News of a session."""
        if not session.ended:
            self._put(json.dumps({"id": session.number, "event": name}))

    def error(self, session: Running, error: dict[str, Any]) -> None:
        """The end of a session."""
        self._running.pop(session.number, None)
        self._sessions.close(session)
        self._refuse(session.number, None, error)

    def taken(self, session: Running) -> None:
        """The tab has another socket, and goes on with a session there."""
        self._running.pop(session.number, None)


def _language(message: dict[str, Any]) -> str:
    language = message.get("language")
    return language[:20] if isinstance(language, str) else "en"


def _random(given: Any) -> str | None:
    """What a page has made up at random, if it looks like that."""
    return given if isinstance(given, str) and _RANDOM.fullmatch(given) else None


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise refusal("input", say("A message is a JSON object."))
    return message


class Door:
    """Lets pages in: so many altogether, so many of one learner, and so many from one address.

    A learner is a browser: an address, and what that browser has made up at random and keeps. It is not proof of
    anything: who makes up another one each time gets no more than with a browser that keeps none. The address belongs
    to it since the computers of a school may be copies of one another; by itself it says little, as a class behind one
    router has one address.

    Args:
        limits: how many.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside: Counter[Hashable] = Counter()

    def enter(self, address: str, learner: Hashable = None) -> Callable[[], None] | None:
        """Let one in; what to call when it leaves. None if there is no room."""
        limits = self._limits
        most: dict[Hashable, int] = {"all": limits.sockets, ("at", address): limits.sockets_per_address}
        if learner is not None:
            most["of", learner] = limits.sockets_per_learner
        if any(self._inside[key] >= count for key, count in most.items()):
            return None
        self._inside.update(most.keys())

        def leave() -> None:
            self._inside.subtract(most.keys())
            self._inside = +self._inside  # only what is left

        return leave


async def connect(socket: WebSocket, door: Door, answering: Answering, sessions: Sessions, setup: Setup) -> None:
    """Serve one socket from its opening to its end."""
    address = socket.client.host if socket.client else ""
    made_up = _random(socket.query_params.get("learner"))
    learner = None if made_up is None else (address, made_up)
    leave = door.enter(address, learner)
    if leave is None:
        await socket.accept()
        await socket.close(_TRY_LATER, "busy")
        return
    try:
        await socket.accept()
        await Page(socket, answering, sessions, setup, learner).serve()
        if socket.client_state == socket.application_state == WebSocketState.CONNECTED:
            await socket.close()
    finally:
        leave()
