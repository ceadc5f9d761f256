"""What a reader does that nobody planned: damaged links, foreign files, a server that goes away and comes back."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import PAGES
from .waiting import PATIENCE, until

LAB = '.lab[data-ready="1"]'
PORT = 9400 + os.getpid() % 500


@pytest.mark.parametrize("link", ["#/learn/%E0%A4%A", "#/glossary/%", "#/slides/%FF", "#/lab?s=%%%", "#/nothing/%"])
def test_a_damaged_link_leads_to_the_page(opened: Any, link: str) -> None:
    watched = opened()
    watched.page.goto(f"{watched.origin}/{link}")
    watched.page.wait_for_selector("main h1", state="attached")
    assert watched.errors == []


def packed(state: object) -> str:
    """A state as links carry it (web/src/engine/link.ts)."""
    pressed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = pressed.compress(json.dumps(state).encode()) + pressed.flush()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    ("page", "states"),
    [
        ("playground", [{"sides": [{"drawn": "x", "data": "drawn"}]}, {"sides": [{"table": None}]}, {"sides": [None]}]),
        ("playground", [{"sides": [{"drawn": [5, None, [1]], "data": "drawn"}]}, {"sides": [{"layers": "x"}]}]),
        ("lab", [{"e": 5}, {"e": "w*x", "v": 5}, {"e": "w*x", "at": "q", "open": "m7", "tab": "zz"}, {"c": "n("}, []]),
        ("words", [5, None, {"text": "own", "own": 5}]),
        ("steering", [{"track": "own", "points": [[1]]}, {"units": -1}, "x"]),
    ],
)
def test_a_link_that_says_what_cannot_be(opened: Any, page: str, states: list[object]) -> None:
    watched = opened()
    for state in states:
        watched.go(f"#/{page}?s={packed(state)}", LAB.split("[")[0] if page == "lab" else "main h1")
        watched.page.reload()
        watched.page.wait_for_selector(f'main[data-page="{page}"]')
        until(watched.page, "document.querySelector('main').innerText.length > 300")
        assert watched.page.locator(".problem").count() <= 1
    assert watched.errors == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep.json", "[" * 5000 + "]" * 5000),
        ("large.json", "[" + "1," * 4_500_000 + "1]"),
        ("other.json", '{"traceEvents": []}'),
    ],
)
def test_a_file_that_is_no_trace_is_answered_with_a_sentence(opened: Any, tmp_path: Path, name: str, text: str) -> None:
    page = opened().go("#/lab", LAB)
    (tmp_path / name).write_text(text)
    page.get_by_test_id("trace-file").set_input_files(str(tmp_path / name))
    page.wait_for_selector(".problem")
    assert page.locator(".graph .box").count() == 6  # the picture stays


def test_a_formula_as_it_is_written_on_these_pages(opened: Any) -> None:
    page = opened().go("#/lab", LAB)
    page.get_by_test_id("expression").fill("(w·x − y)² ÷ 2 × w")
    until(page, lambda: "(w·x − y)² / 2 = 8" in page.locator(".graph").text_content())
    assert page.locator(".problem").count() == 0
    assert page.get_by_test_id("expression").input_value() == "(w·x − y)² ÷ 2 × w"


@pytest.mark.parametrize(
    ("typed", "shown"), [("٤", "4"), ("−１．５", "−1.5"), ("۰٫۵", "0.5"), ("1,5", "1.5"), ("abc", "2")]
)
def test_numbers_as_keyboards_write_them(opened: Any, typed: str, shown: str) -> None:
    page = opened().go("#/lab?e=(w*x-y)**2&w=2&x=3&y=10", LAB)
    field = page.get_by_role("spinbutton", name="w =")
    field.fill(typed)
    page.keyboard.press("Enter")
    until(page, lambda: f"= {shown} " in page.locator(".graph .box").first.text_content())


class Server:
    """A server that can be killed and started again at the same port."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.origin = f"http://127.0.0.1:{PORT}"

    def start(self) -> None:
        command = [sys.executable, "-m", "upriver", "learn", "--no-browser", "--port", str(PORT)]
        environment = {**os.environ, "UPRIVER_LANG": "en", "PYTHONUNBUFFERED": "1", "UPRIVER_PAGES": str(PAGES)}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if str(PORT) not in said:
            self.kill()
            pytest.skip(f"the port {PORT} is taken")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def kill_workers(self) -> None:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)


@pytest.fixture
def breakable() -> Iterator[Server]:
    if not (PAGES / "index.html").exists():
        pytest.skip("the pages are not built")
    server = Server()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def tab(browser: Any, breakable: Server) -> Iterator[Callable[[str, str], Any]]:
    """Open a page of the server that breaks; errors in the console are to be expected here."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    context.add_init_script(f"localStorage.setItem('upriver.language', {json.dumps(json.dumps('en'))})")

    def go(link: str, ready: str) -> Any:
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{breakable.origin}/{link}")
        page.wait_for_selector(ready)
        return page

    yield go
    context.close()


def step(page: Any) -> int:
    return int(page.inner_text("[data-testid=at]").replace(",", ""))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is needed to find the workers")
def test_a_killed_worker_is_told_and_training_goes_on(breakable: Server, tab: Any) -> None:
    page = tab("#/playground?preset=circle", "[data-testid=play]:not([disabled])")
    page.click("[data-testid=play]")
    until(page, lambda: step(page) > 500)
    breakable.kill_workers()
    page.wait_for_selector("text=training went on from where it was")
    was = step(page)
    until(page, lambda: step(page) > was + 200)


def test_a_server_that_goes_away_and_comes_back(breakable: Server, tab: Any) -> None:
    training = tab("#/playground?preset=circle", "[data-testid=play]:not([disabled])")
    training.click("[data-testid=play]")
    words = tab("#/words", "role=button[name=Learn]")
    lab = tab("#/lab?e=(w*x-y)**2&w=2&x=3&y=10", LAB)
    until(training, lambda: step(training) > 300)
    breakable.kill()
    lab.wait_for_selector("text=The engine cannot be reached")
    # What is dragged meanwhile is computed as soon as it can be.
    lab.get_by_role("spinbutton", name="w =").focus()
    lab.keyboard.press("ArrowUp")
    # A page that was never opened cannot be shown now, but later.
    lab.evaluate("location.hash = '#/steering'")
    lab.wait_for_selector("text=This page could not be loaded.")
    lab.evaluate("location.hash = '#/lab'")
    was = step(training)
    breakable.start()
    until(training, lambda: step(training) > was)
    assert "training went on from where it was" in training.inner_text("[role=status]")
    until(training, lambda: "Pause" in training.inner_text("[data-testid=play]"))
    until(lab, lambda: "= 13.69" in lab.locator(".graph").text_content())
    words.wait_for_selector("text=training begins anew")
    lab.evaluate("location.hash = '#/steering'")
    lab.wait_for_selector('main[data-page="steering"] h1')
    until(lab, lambda: "Steering" in lab.inner_text("h1"))
