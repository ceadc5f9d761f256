"""The connection is lost while a network learns: the page says so, and goes on where it was."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .test_user_broken import until

WENT_ON = "text=The connection to the engine was lost for a while; training went on from where it was."


class Cable:
    """A way to the server that can be cut: what comes in at ``port`` goes to the server's."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._ends: list[socket.socket] = []
        self._whole = True
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    def _run(self, do: Callable[..., None], *given: socket.socket) -> None:
        self._threads.append(threading.Thread(target=do, args=given, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listening.accept()
            except OSError:
                return
            if not self._whole:
                here.close()
                continue
            there = socket.create_connection(("127.0.0.1", self._to))
            self._ends += [here, there]
            for one, other in ((here, there), (there, here)):
                self._run(self._carry, one, other)

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(2**16):
                other.sendall(data)
        except OSError:
            pass
        _end(other)
        one.close()  # the other is closed by who reads from it

    def cut(self) -> None:
        self._whole = False
        while self._ends:
            _end(self._ends.pop())

    def mend(self) -> None:
        self._whole = True

    def close(self) -> None:
        _end(self._listening)
        self.cut()
        for thread in self._threads:
            thread.join(5)
        self._listening.close()


def _end(socket_: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket_.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cable(server: str) -> Iterator[Cable]:
    made = Cable(int(server.rsplit(":", 1)[1]))
    yield made
    made.close()


@pytest.fixture
def tab(browser: Any, cable: Cable) -> Iterator[Callable[[str, str], Any]]:
    """Open a page whose cable can be cut; errors in the console are to be expected here."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    errors: list[str] = []

    def go(link: str, ready: str) -> Any:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://127.0.0.1:{cable.port}/{link}")
        page.wait_for_selector(ready)
        return page

    yield go
    context.close()
    assert errors == []


def read(page: Any, selector: str) -> int:
    """The first number of a text."""
    found = re.search(r"\d[\d,]*", page.inner_text(selector))
    return int(found[0].replace(",", "")) if found else 0


def points(page: Any) -> list[str]:
    """What was written after 0, 25, 50 and 100 steps."""
    return page.locator('[data-testid="samples"] li').all_inner_texts()[-4:]


def test_the_next_word_lab_goes_on(tab: Any, cable: Cable) -> None:
    status = '[data-testid="status"]'

    def learn(page: Any, steps: int) -> int:
        page.select_option(".controls select >> nth=0", "200")
        page.click('[data-testid="learn"]')
        until(page, lambda: read(page, status) >= steps, 60)
        page.click('[data-testid="learn"]')
        page.wait_for_selector('[data-testid="learn"]:has-text("Learn on")')
        page.wait_for_timeout(300)
        return read(page, status)

    page = tab("#/words", '[data-testid="likely"]')
    at = learn(page, 55)
    cable.cut()
    page.click("role=button[name='One step']")  # done as soon as it can be, and once
    page.wait_for_timeout(500)
    cable.mend()
    page.wait_for_selector(WENT_ON)
    until(page, lambda: read(page, status) == at + 1)
    assert page.locator('[data-testid="samples"] li').count() >= 3
    learn(page, 110)
    # It has come by the same way as one that was never cut off.
    whole = tab("#/words", '[data-testid="likely"]')
    learn(whole, 110)
    assert points(page) == points(whole)
    assert len(points(page)) == 4


def test_the_steering_lab_goes_on(tab: Any, cable: Cable) -> None:
    status = '[data-testid="status"]'
    page = tab("#/steering", '[data-testid="drive"]')
    page.click('[data-testid="learn"]')
    until(page, lambda: read(page, status) > 40, 60)
    cable.cut()
    page.wait_for_timeout(500)
    at = read(page, status)
    cable.mend()
    page.wait_for_selector(WENT_ON)
    until(page, lambda: read(page, status) > at + 40, 60)  # it learns on by itself
    assert "Before it learnt" in page.inner_text('[data-testid="laps"]')
    page.click('[data-testid="worst"]')
    page.wait_for_selector('[data-testid="blame"]')


def test_the_playground_goes_on(tab: Any, cable: Cable) -> None:
    at = "[data-testid=at]"
    page = tab("#/playground?preset=circle", "[data-testid=play]:not([disabled])")
    page.click("[data-testid=play]")
    until(page, lambda: read(page, at) > 300)
    cable.cut()
    page.wait_for_timeout(500)
    was = read(page, at)
    cable.mend()
    page.wait_for_selector(WENT_ON)
    until(page, lambda: read(page, at) > was + 100)
    assert "Pause" in page.inner_text("[data-testid=play]")
    page.click("[data-testid=play]")
    page.wait_for_timeout(300)
    was = read(page, at)
    cable.cut()
    page.wait_for_timeout(300)
    cable.mend()
    page.wait_for_timeout(1500)
    assert read(page, at) == was
