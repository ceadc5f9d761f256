"""The socket of one page: what it asks goes to the pools, what comes back goes to the page, in the order it comes."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
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
_PATIENCE = 0.5
"""Seconds after which a session that has not begun is said to wait."""


class Page:
    """One page, from the moment its socket is open.

    Args:
        socket: accepted already.
        answering: the pool for questions.
        sessions: the pool for sessions.
        setup: what can be asked and opened, and how much.
    """

    def __init__(self, socket: WebSocket, answering: Answering, sessions: Sessions, setup: Setup) -> None:
        self._socket, self._answering, self._sessions = socket, answering, sessions
        self._setup, self._limits = setup, setup.limits
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
            for session in self._running.values():
                self._sessions.close(session)

    async def _receive(self) -> None:
        while True:
            await self._room.wait()  # who does not take answers need not ask more
            received = await self._socket.receive()
            if received["type"] != "websocket.receive":
                return
            text = received.get("text")
            if text is None:
                await self._socket.close(_NOT_UNDERSTOOD)
                return
            self._take(text)

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

    def _take(self, text: str) -> None:
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
                self._do(message, text.encode())
        except RefusalError as refused:
            self._refuse(number, call, refused.error)

    def _do(self, message: dict[str, Any], payload: bytes) -> None:
        number = message.get("id")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < _LARGEST_ID:
            raise refusal("input", say("A message needs an `id`, a whole number."))
        if "ask" in message:
            self._ask(number, message, payload)
        elif "open" in message:
            self._open(number, message, payload)
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
        question = self._answering.ask(self, name, payload, _language(message))
        self._asked[number] = question

        def done(answer: asyncio.Future[bytes]) -> None:
            self._asked.pop(number, None)
            self._answered(answer, number, None)

        question.answer.add_done_callback(done)

    def _open(self, number: int, message: dict[str, Any], payload: bytes) -> None:
        name = self._known(message["open"], self._setup.sessions)
        self._new(number)
        session = self._sessions.open(self, number, name, payload, _language(message), self)
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
        answer = self._sessions.tell(session, what, payload)
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
        self._refuse(session.number, None, error)


def _language(message: dict[str, Any]) -> str:
    language = message.get("language")
    return language[:20] if isinstance(language, str) else "en"


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise refusal("input", say("A message is a JSON object."))
    return message


class Door:
    """Lets pages in, so many altogether and so many from one address.

    Args:
        limits: how many.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside: dict[str, int] = {}

    def enter(self, address: str) -> Callable[[], None] | None:
        """Let one in; what to call when it leaves. None if there is no room."""
        here = self._inside.get(address, 0)
        if here >= self._limits.sockets_per_address or sum(self._inside.values()) >= self._limits.sockets:
            return None
        self._inside[address] = here + 1

        def leave() -> None:
            self._inside[address] -= 1
            if not self._inside[address]:
                del self._inside[address]

        return leave


async def connect(socket: WebSocket, door: Door, answering: Answering, sessions: Sessions, setup: Setup) -> None:
    """Serve one socket from its opening to its end."""
    leave = door.enter(socket.client.host if socket.client else "")
    if leave is None:
        await socket.accept()
        await socket.close(_TRY_LATER, "busy")
        return
    try:
        await socket.accept()
        await Page(socket, answering, sessions, setup).serve()
        if socket.client_state == socket.application_state == WebSocketState.CONNECTED:
            await socket.close()
    finally:
        leave()
