"""Who may ask, and what a browser may do with what it gets: hosts, origins, methods and headers.

A page somewhere else must not be able to use this server: not by a name that it lets point at this machine (the Host
header), not by a socket of its own (the Origin header), not in a frame.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self' {socket}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_POLICY_VIOLATED = 1008


def own_names(host: str) -> set[str]:
    """The names by which a server that listens on ``host`` may be addressed.

    Args:
        host: the address or name that it was told to listen on.

    Returns:
        Names as they stand in a Host header, without the port; any numeric address besides, unless it is loopback:
        see :class:`Guard`.
    """
    names = {*_LOOPBACK, host.lower(), f"[{host.lower()}]"}
    if not is_loopback(host):
        machine = socket.gethostname().lower()
        names |= {machine, f"{machine}.local", socket.getfqdn().lower()}
    return names


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses what may not ask, and puts the headers on every answer.

    Args:
        app: what is guarded.
        names: the names by which this server may be addressed.
        numeric: whether any numeric address will do: a page elsewhere can make a name point here, but not a number.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], numeric: bool) -> None:
        self._app, self._names, self._numeric = app, frozenset(names), numeric

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            if self._ours(host) and _same(headers.get("origin", ""), host):
                await self._app(scope, receive, send)
            else:
                await WebSocket(scope, receive, send).close(_POLICY_VIOLATED)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        ours = self._ours(host)
        policy = _POLICY.format(socket=f"ws://{host} wss://{host}" if ours else "")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy
                for name, value in _HEADERS.items():
                    headers[name] = value
                if _name(host) in _LOOPBACK:  # elsewhere a browser ignores it without TLS, and complains
                    headers["Cross-Origin-Opener-Policy"] = "same-origin"
            await send(message)

        if not ours:
            refused = PlainTextResponse("This server does not go by that name.\n", 421)
            await refused(scope, receive, with_headers)
        elif scope["method"] not in ("GET", "HEAD"):
            refused = PlainTextResponse("There is nothing to send here.\n", 405, {"Allow": "GET, HEAD"})
            await refused(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _ours(self, host: str) -> bool:
        name = _name(host)
        if name in self._names:
            return True
        try:
            return self._numeric and bool(ipaddress.ip_address(name.strip("[]")))
        except ValueError:
            return False


def _name(host: str) -> str:
    """A Host header without the port.

    Example:
        >>> _name("LocalHost:8321"), _name("[::1]:8321"), _name("[::1]")
        ('localhost', '[::1]', '[::1]')
    """
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _same(origin: str, host: str) -> bool:
    """Whether a page of this origin is a page of this server."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
