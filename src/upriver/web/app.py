"""The server: pages, the socket ``/engine``, and the pools behind it, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket as Socket

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from ..core.threads import cores
from .answering import Answering
from .built import built_pages
from .files import Files
from .guard import Guard, is_loopback, own_names
from .running import Sessions
from .socket import Door, connect
from .workers import Setup

_SLACK = 2
"""A message that is not many times too large is answered with a sentence; beyond, the socket is closed."""


def create_app(
    host: str = "127.0.0.1", *, pages: Path | None = None, setup: Setup | None = None, processes: int | None = None
) -> Starlette:
    """The application.

    Args:
        host: the address or name that it is going to listen on; says by which names it may be addressed.
        pages: the folder with the built pages; that of the package by default.
        setup: what can be asked and opened, and how much; what there is by default.
        processes: how many worker processes for questions, and as many for sessions; one per processor by default.

    Returns:
        An ASGI application. Its worker processes begin and end with its lifespan.
    """
    setup = setup or Setup()
    count = processes or cores()
    answering, sessions = Answering(count, setup), Sessions(count, setup)
    door = Door(setup.limits)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        answering.start()
        sessions.start(after=answering.warm)  # pages are served while they get ready
        try:
            yield
        finally:
            await answering.stop()
            await sessions.stop()

    async def engine(socket: WebSocket) -> None:
        await connect(socket, door, answering, sessions, setup)

    app = Starlette(
        routes=[WebSocketRoute("/engine", engine), Route("/{path:path}", Files(pages or built_pages()).__call__)],
        middleware=[Middleware(Guard, names=own_names(host), numeric=not is_loopback(host))],
        lifespan=life,
    )
    app.state.answering, app.state.sessions, app.state.door = answering, sessions, door
    return app


class Server(uvicorn.Server):
    """A server that says when it is there.

    Args:
        app: what :func:`create_app` made.
        limit: bytes of one message.
        ready: called once it listens.
    """

    def __init__(self, app: Starlette, limit: int, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="websockets-sansio",
                ws_max_size=_SLACK * limit,
                ws_per_message_deflate=False,  # frames are numbers, and the way is short
                http="h11",
                h11_max_incomplete_event_size=32 * 1024,
                lifespan="on",
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=1000,
                timeout_graceful_shutdown=2,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[Socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()
