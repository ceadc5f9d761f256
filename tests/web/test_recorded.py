"""The lesson and the slides on a static site: every place of every slider was recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from upriver.web.site import write_site

from .conftest import PAGES
from .waiting import PATIENCE

DRAWN = "(f) => f.dataset.ready === 'true' && !f.querySelector('.waiting')"


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a static site, served from a folder of another site."""
    if not (PAGES / "index.html").exists():
        pytest.skip("the pages are not built")
    out = tmp_path_factory.mktemp("host")
    write_site(PAGES, out / "upriver")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(out)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/upriver"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Any, site: str) -> Iterator[Any]:
    """A page of the site; the test fails if it had an error or asked for anything elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en", base_url=site + "/")
    opened = context.new_page()
    opened.set_default_timeout(1000 * PATIENCE)
    wrong: list[str] = []
    opened.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: request.url.startswith(site) or wrong.append(request.url))
    yield opened
    context.close()
    assert wrong == []


def show(page: Any, name: str, ready: str) -> None:
    page.goto(f"./#/{name}")
    page.wait_for_selector(ready)


def each_place(page: Any, figure: Any) -> None:
    """Move every slider of a figure to both ends and the middle, press every button, choose every option."""
    for slider in figure.locator("input[type=range]:not(.scrub)").all():
        low, high = (int(slider.get_attribute(end)) for end in ("min", "max"))
        for value in {low, (low + high) // 2, high}:
            slider.fill(str(value))
            page.wait_for_timeout(150)
    for choice in figure.locator("select").all():
        for value in choice.locator("option").evaluate_all("(all) => all.map((one) => one.value)"):
            choice.select_option(value)
            page.wait_for_timeout(150)
    for tick in figure.locator("input[type=checkbox]").all():
        tick.click()
        page.wait_for_timeout(150)
    for button in figure.locator("button[aria-pressed]").all():
        button.click()
        page.wait_for_timeout(100)


def test_every_figure_of_the_lesson(page: Any) -> None:
    show(page, "learn", "[data-testid=step]")
    for figure in page.locator("figure[data-figure]").all():
        figure.scroll_into_view_if_needed()
        page.wait_for_function(DRAWN, arg=figure.element_handle())
        each_place(page, figure)
        assert figure.locator(".problem").count() == 0, (
            figure.get_attribute("data-figure"),
            figure.locator(".problem").first.inner_text(),
        )


def test_the_first_minute_without_an_engine(page: Any) -> None:
    show(page, "learn", "[data-testid=step]")
    for _ in range(7):
        page.locator("[data-testid=step]").click()
    assert page.locator(".tour .own").count() == 0  # any number could be asked about: that needs the engine
    for i in range(4):
        page.locator(".tour .number").nth(i).click()
        answered = page.locator(".tour .number").nth(i).and_(page.locator("[data-right]"))
        page.locator(".nudge-it").or_(answered).first.wait_for()
        if page.locator(".nudge-it").count():
            break
        assert page.locator(".tour .verdict p").count() == 1
    each_place(page, page.locator(".nudge-it"))
    assert page.locator(".tour .problem").count() == 0


def test_every_prediction(page: Any) -> None:
    show(page, "learn", "[data-testid=step]")
    for number in page.locator("[data-predict] .number").all():
        number.click()
        number.and_(page.locator("[data-right]")).wait_for()


@pytest.mark.parametrize("where", ["slides", "questions"])
def test_slides_and_questions(page: Any, where: str) -> None:
    show(page, where, "figure[data-figure]")
    for i in range(page.locator("figure[data-figure]").count()):
        figure = page.locator("figure[data-figure]").nth(i)
        if where == "questions":
            figure.scroll_into_view_if_needed()
        page.wait_for_function(DRAWN, arg=figure.element_handle())
        each_place(page, figure)
        assert figure.locator(".problem").count() == 0
        page.keyboard.press("PageDown")
