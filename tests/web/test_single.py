"""The page in one file, opened from the disk: the lab's graph and walk, in two languages, with nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from upriver.explain.page import html
from upriver.explain.reading import load_trace
from upriver.i18n import use

from ..explain.written import network, worked
from .conftest import Watched

pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Open a page; afterwards nothing must have been asked for, and no error have come up."""
    made: list[tuple[Any, Watched]] = []

    def show(page: str, *, width: int = 1280, **options: Any) -> Any:
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": width, "height": 900}, **options})
        tab = context.new_page()
        watched = Watched(tab, path.as_uri())
        tab.on("pageerror", lambda error: watched.errors.append(str(error)))
        tab.on("console", lambda said: said.type in ("error", "warning") and watched.errors.append(said.text))
        tab.on(
            "request", lambda asked: asked.url.startswith((path.as_uri(), "blob:")) or watched.outside.append(asked.url)
        )
        made.append((context, watched))
        tab.goto(path.as_uri())
        tab.wait_for_selector("html[data-ready]")
        return tab

    yield show
    for context, watched in made:
        context.close()
        assert watched.errors == []
        assert watched.outside == []


def box(tab: Any, name: str) -> str:
    """What a screen reader says of the box that is called ``name``."""
    find = "n => [...document.querySelectorAll('.box')].find(g => g.querySelector('.title').textContent === n)"
    return str(tab.evaluate(f"{find}.getAttribute('aria-label')", name))


def place(tab: Any) -> str:
    return str(tab.inner_text(".timeline .count")).strip()


def test_stepping_with_keys_and_buttons(visit: Any) -> None:
    tab = visit(html(worked()))
    assert place(tab) == "9 / 9"
    assert box(tab, "w").startswith("w = 2 ▼ gradient −24:")
    tab.keyboard.press("Home")
    assert place(tab) == "1 / 9"
    assert "not computed yet" in box(tab, "w·x")
    tab.keyboard.press("ArrowRight")
    assert box(tab, "w·x").startswith("w·x = 6:")
    assert "w·x = 6" in tab.inner_text(".step-sentence")
    tab.click(".timeline .step")
    assert box(tab, "w·x − y").startswith("w·x − y = −4:")
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    assert "upstream 1 × local −8 = −8" in tab.inner_text(".step-sentence")
    assert "gradient −8" in box(tab, "w·x − y")
    assert "▼" not in box(tab, "w")
    tab.keyboard.press("ArrowLeft")
    assert "▼" not in box(tab, "w·x − y")
    tab.fill(".timeline .scrub", "7")
    assert place(tab) == "8 / 9"
    assert "gradient −24" in box(tab, "w")
    assert tab.locator(".line.now").count() == 1
    tab.focus(".timeline .step")  # off the slider, whose keys are its own
    tab.keyboard.press("?")
    assert tab.locator("dialog[open] dl").count() == 1


def test_opening_a_number_and_the_tables(visit: Any) -> None:
    tab = visit(html(worked()))
    tab.click(".box[data-key=n0]")
    assert "dL/dw: upstream −8 × local 3 = −24." in tab.inner_text(".drawer")
    tab.click("[role=tab]:has-text('Formula')")
    assert tab.locator(".drawer math").count() == 1
    assert tab.locator("[role=tab]").count() == 4, "nothing that needs an engine"
    tab.click(".box[data-key=n1]")
    tab.click("[role=tab]:has-text('Numbers')")
    assert "not computed (which is not zero)" in tab.inner_text(".drawer")
    tab.click(".graph-table summary")
    tab.wait_for_selector(".graph-table tbody tr")
    rows = tab.eval_on_selector_all(".graph-table table", "t => [...t[1].tBodies[0].rows].map(r => r.innerText)")
    assert rows[2].split("\t") == ["d(w·x)/dw", "multiply", "−8", "x", "3", "−24"]


def test_modules_in_a_large_page_that_unpacks_itself(visit: Any) -> None:
    page = html(network(8), budget=12)
    assert "data-packed" in page
    tab = visit(page)
    before = tab.locator(".box").count()
    group = tab.locator(".box:has-text('⊞ 1 (Block)')")
    key = group.get_attribute("data-key")
    group.click()
    group.focus()
    tab.keyboard.press("c")
    tab.wait_for_selector(f".frame[data-key={key}]")
    assert tab.locator(".box").count() > before
    assert tab.evaluate("document.activeElement.dataset.key") == key
    tab.keyboard.press("c")
    tab.wait_for_selector(f".box[data-key={key}]")
    tab.select_option(".levels select", "all")
    assert tab.locator(".box").count() > 80
    tab.select_option(".ways select", "module")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Home")
    frames = int(place(tab).split("/")[1])
    assert frames < 100
    tab.keyboard.press("End")
    assert place(tab) == f"{frames} / {frames}"


@pytest.mark.parametrize("document", ["small", "modules"])
def test_the_trace_can_be_saved_and_read_again(visit: Any, document: str) -> None:
    asked = worked() if document == "small" else network(1)
    tab = visit(html(asked))
    with tab.expect_download() as coming:
        tab.click("text=Save trace")
    saved = json.loads(Path(coming.value.path()).read_text(encoding="utf-8"))
    again, before = load_trace(saved).data, load_trace(asked).data
    for part in ("nodes", "edges", "answers", "modules"):
        assert again[part] == before[part]
    for part in ("frames", "module_frames"):
        assert [one["sentence"] for one in again[part]] == [one["sentence"] for one in before[part]]
    assert again["result"] == before["result"]


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_in_each_direction_light_and_dark(visit: Any, language: str, scheme: str, width: int) -> None:
    with use(language):
        page = html(worked())
    tab = visit(page, width=width, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
    tab.keyboard.press("ArrowRight" if language == "ar" else "ArrowLeft")
    assert place(tab) == "8 / 9"
    if width == 1280:
        w, root = (tab.locator(f".box[data-key=n{i}]").bounding_box()["x"] for i in (0, 5))
        assert (w > root) == (language == "ar")
    if language == "ar":
        english = tab.evaluate(
            "[...document.querySelectorAll('button, label, [role=tab], .drawer p, .step-sentence, caption')]"
            ".map((e) => e.textContent.replace(/dL\\/d\\w|[wxyLC]\\b/g, '')).filter((t) => /[a-z]{3}/.test(t))"
        )
        assert english == []
    assert Watched(tab, "").violations() == []
