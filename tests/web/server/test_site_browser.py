"""The static site in a browser: no figure of the lesson or the slides asks what was not recorded."""

from __future__ import annotations

import functools
import http.server
import threading

import pytest

from upriver.errors import FileError
from upriver.web.built import built_pages
from upriver.web.site import write_site


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The site, somewhere below the top of a host that knows nothing of it."""
    folder = tmp_path_factory.mktemp("host")
    try:
        write_site(built_pages(), folder / "some" / "where")
    except FileError as error:
        if "not built" in error.message:
            pytest.skip("the pages are not built")
        raise
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/some/where/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("name", "language"), [("learn", "en"), ("slides", "ar"), ("questions", "en")])
def test_every_figure_has_its_answers(browser, address, name, language):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=language)
    page = context.new_page()
    wrong, recorded = [], []
    page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda got: got.status >= 400 and wrong.append(got.url))
    page.on("request", lambda asked: "/recorded/" in asked.url and recorded.append(asked.url))
    page.on("request", lambda asked: asked.url.startswith((address, "data:", "blob:")) or wrong.append(asked.url))
    page.goto(f"{address}#/{name}")
    page.wait_for_selector(f'main[data-page="{name}"] h1')
    slides = 8 if name == "slides" else 1
    for _ in range(slides):
        height = page.evaluate("document.documentElement.scrollHeight")
        for top in range(0, height, 500):  # figures begin when they are seen
            page.evaluate(f"window.scrollTo(0, {top})")
            page.wait_for_timeout(60)
        page.wait_for_timeout(200)
        for slider in page.locator('main input[type="range"]').all():
            if slider.is_visible() and slider.is_enabled():
                for key in ("Home", "ArrowRight", "ArrowRight", "End", "ArrowLeft"):
                    slider.press(key)
                    page.wait_for_timeout(15)
        for one in page.locator("main figure button:visible, main .guess button.number:visible").all():
            if one.is_visible() and one.is_enabled():
                one.click()
        page.wait_for_timeout(200)
        if slides > 1:
            page.keyboard.press("PageDown")
    context.close()
    assert wrong == []
    assert len(set(recorded)) > {"learn": 60, "slides": 20, "questions": 0}[name]


def test_the_lab_opens_what_the_lesson_points_to(browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    page = context.new_page()
    wrong = []
    page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
    for link in ("", "?e=(w*x-y)**2&w=2&x=0&y=10", "?e=(w*x)*(w%2B1)&w=2&x=3", "?e=sigmoid(w)&w=5"):
        page.goto("about:blank")
        page.goto(f"{address}#/lab{link}")
        page.wait_for_selector('.lab[data-ready="1"]')
    context.close()
    assert wrong == []


@pytest.mark.parametrize("name", ["playground", "words", "steering"])
def test_what_trains_says_that_it_needs_the_engine_and_does_not_look_for_one(browser, address, name):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    page = context.new_page()
    wrong = []
    page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
    page.on("websocket", lambda socket: wrong.append(socket.url))
    page.goto(f"{address}#/{name}")
    page.wait_for_selector(f'main[data-page="{name}"] h1')
    page.get_by_text("upriver learn").wait_for()
    page.wait_for_timeout(300)
    assert page.get_by_text("cannot be reached").count() == 0
    context.close()
    assert wrong == []
