"""A server for tests: in a thread, with real worker processes, and a page made of a socket."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest


class Page:
    """A page's side of the socket; what comes is sorted by what it is."""

    def __init__(self, port, learner=None, **options):
        from websockets.sync.client import connect

        options.setdefault("origin", f"http://127.0.0.1:{port}")
        self._open = ExitStack()
        query = "" if learner is None else f"?learner={learner}"
        options = {"max_size": 2**26, "close_timeout": 0.2, **options}
        self.socket = self._open.enter_context(connect(f"ws://127.0.0.1:{port}/engine{query}", **options))
        self.last = 0

    def send(self, message):
        self.socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    def ask(self, name, given=None, **more):
        self.last += 1
        self.send({"id": self.last, "ask": name, "with": given or {}, **more})
        return self.last

    def open(self, name, given=None, **more):
        self.last += 1
        self.send({"id": self.last, "open": name, "with": given or {}, **more})
        return self.last

    def next(self, seconds=40.0):
        from upriver.web.frames import decode

        data = self.socket.recv(timeout=seconds)
        if isinstance(data, bytes):
            numbers, arrays = decode(data)
            return {"id": numbers["id"], "numbers": numbers, "arrays": arrays}
        return json.loads(data)

    def until(self, accept, seconds=40.0):
        """The first message that is accepted."""
        end = time.monotonic() + seconds
        while True:
            message = self.next(max(end - time.monotonic(), 0.01))
            if accept(message):
                return message

    def reply(self, number, seconds=40.0, call=None):
        """The answer or error to a message."""
        return self.until(
            lambda m: m["id"] == number and m.get("call") == call and ("answer" in m or "error" in m), seconds
        )

    def frame(self, number, seconds=40.0):
        return self.until(lambda m: m["id"] == number and "numbers" in m, seconds)["numbers"]

    def event(self, number, name, seconds=40.0):
        return self.until(lambda m: m["id"] == number and m.get("event") == name, seconds)

    def tell(self, number, what, given=None, call=1):
        """Its answer."""
        self.send({"id": number, "tell": what, "with": given or {}, "call": call})
        return self.reply(number, call=call)["answer"]

    def drop(self):
        """As when a cable is pulled."""
        self.socket.socket.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._open.close()


class Serving:
    """A server that runs."""

    def __init__(self, app, limit):
        from upriver.web.app import Server

        self.app = app
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        self.port = listening.getsockname()[1]
        ready = threading.Event()
        self._server = Server(app, limit, ready.set)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        assert ready.wait(20)
        self.pages = []

    def page(self, **options):
        self.pages.append(Page(self.port, **options))
        self.pages[-1].server = self
        return self.pages[-1]

    def stop(self):
        for page in self.pages:
            page.close()
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """A folder with pages as the build leaves them."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "assets").mkdir()
    head = "<!doctype html>\n<html><head><title>Upriver</title></head><body></body></html>"
    (folder / "index.html").write_text(head + "<!-- -->" * 200)
    (folder / "assets" / "main-abc.js").write_text("export {};\n" * 300)
    (folder / "assets" / "main-abc.js.br").write_bytes(b"brotli")
    (folder / "icon.svg").write_text("<svg/>")
    return folder


@pytest.fixture(scope="module")
def serve(pages):
    """A function that starts a server with the fake questions and session and these limits, or with ``setup``."""
    from upriver.web.app import create_app
    from upriver.web.limits import Limits
    from upriver.web.workers import Setup

    running = []
    here = str(Path(__file__).parent)
    sys.path.append(here)  # workers find the fakes where this process does

    def start(processes=1, setup=None, **limits):
        setup = setup or Setup({"fake": "fakes.engine"}, {"counter": "fakes.engine:Counter"}, Limits(**limits))
        app = create_app("127.0.0.1", pages=pages, setup=setup, processes=processes)
        running.append(Serving(app, setup.limits.message))
        return running[-1]

    yield start
    for server in running:
        server.stop()
    sys.path.remove(here)
