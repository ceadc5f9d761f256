"""``upriver learn``: the lesson, the lab and the playground in a browser, served from this machine."""

from __future__ import annotations

import argparse
import errno
import socket
from typing import Any

from ..causes import cause
from ..i18n import say
from .words import examples

PORT = 8321
_TRIES = 20


def add(commands: Any) -> None:
    """Register the command."""
    tries = examples(
        ("upriver learn", say("and the browser opens")),
        ("upriver learn --host 0.0.0.0", say("for a class: it prints the address to type in")),
        ("upriver learn --no-browser --port 9000", ""),
        at=35,
    )
    about = say(
        "Open the lesson, the slides, the lab and the playground in a browser.\n\n"
        "Everything is computed by the engine on this machine. By default nobody else can\n"
        "reach it; with --host 0.0.0.0 a whole class can, from one laptop."
    )
    parser = commands.add_parser(
        "learn",
        help=say("the lesson, the lab and the playground in a browser"),
        description=about,
        epilog=f"\n{tries}\n",
    )
    port = say("default {port}; if it is taken, the next that is free", port=str(PORT))
    parser.add_argument("--port", type=_port, default=PORT, metavar="N", help=port)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help=say("where to listen; 0.0.0.0 for everyone in the network"),
    )
    parser.add_argument("--no-browser", action="store_true", help=say("do not open a browser"))
    parser.add_argument(
        "--traceback", action="store_true", help=say("on an error, show where in the program it happened")
    )
    parser.set_defaults(run=run, parser=parser)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(say("{text} is not a port: a whole number from 1 to 65535", text=repr(text)))
    return int(text)


def run(asked: Any) -> int:
    """Serve until Ctrl-C."""
    from ..web.built import built_pages

    app = _server()
    built_pages()  # without them there is nothing to serve: say so before anything starts
    listening = listen(asked.host, asked.port)
    port = listening.getsockname()[1]

    def ready() -> None:
        for line in addresses(asked.host, port):
            print(line, flush=True)
        if not asked.no_browser:
            import threading
            import webbrowser

            # Some browsers come back only when they are closed.
            threading.Thread(target=webbrowser.open, args=(_url(_own(asked.host), port),), daemon=True).start()

    from ..web.workers import Setup

    setup = Setup()
    server = app.Server(app.create_app(asked.host, setup=setup), setup.limits.message, ready)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn has shut down already, and raises it again
        print()
    return 0


def _server() -> Any:
    """The module that needs the extra ``web``."""
    try:
        from ..web import app
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("upriver"):
            raise
        from ..errors import FileError

        raise FileError(
            f"{missing.name} is not installed, which serves the pages",
            'Install it: pip install "upriver[web]"',
            at=False,
        ) from None
    return app


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the port, or on the next that is free.

    Args:
        host: an address of this machine, or a name of it.
        port: the first to try.

    Raises:
        UsageError: this machine has no such address, or no port is free.
    """
    from .arguments import UsageError

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise UsageError(f"--host {host}: there is no such address", command="upriver learn") from None
    last = min(port + _TRIES, 65535)
    for candidate in range(port, last + 1):
        listening = socket.socket(family, kind, protocol)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address[0], candidate, *address[2:]))
            listening.listen(128)
        except OSError as error:
            listening.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise UsageError(f"--host {host}: {cause(error)}", command="upriver learn") from None
        else:
            return listening
    raise UsageError(f"no port from {port} to {last} is free", "Choose another with --port N.", command="upriver learn")


def addresses(host: str, port: int) -> list[str]:
    """What to type into a browser, as lines to print.

    Example:
        >>> addresses("127.0.0.1", 8321)
        ['Upriver is at http://127.0.0.1:8321/  (Ctrl-C ends it)']
    """
    lines: list[str] = [say("Upriver is at {address}  (Ctrl-C ends it)", address=_url(_own(host), port))]
    if host in ("0.0.0.0", "::"):
        outside = _outside()
        if outside:
            lines.append(say("for a class:  {address}", address=_url(outside, port)))
    return lines


def _own(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else "[::1]" if host in ("::", "::1") else host


def _url(host: str, port: int) -> str:
    return f"http://{host}:{port}/"


def _outside() -> str | None:
    """This machine's address in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: it only chooses the way out
            return str(probe.getsockname()[0])
        except OSError:
            return None
