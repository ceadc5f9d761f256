"""Each page while it is used, in Arabic on a phone and in one other language: what comes then is for everyone too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .test_pages_everywhere import english, too_wide
from .waiting import settled, until


def lesson(page: Any) -> None:
    """Stepped to the guess, guessed wrong; all figures there, checks answered, model answers open."""
    for _ in range(7):
        page.locator("[data-testid=step]").first.click()
    page.locator(".tour .number").first.click()
    page.wait_for_selector(".tour .verdict p")
    for figure in page.locator("figure[data-figure]").all():
        figure.scroll_into_view_if_needed()
        figure.locator(".figure-body > *:not(.waiting)").first.wait_for()
    for button in page.locator(".check .answers > li:first-child button, .think > button").all():
        button.click()


def slides(page: Any) -> None:
    page.keyboard.press("o")
    page.wait_for_selector(".overview")


def questions(page: Any) -> None:
    for figure in page.locator("figure[data-figure]").all():
        figure.scroll_into_view_if_needed()
        figure.locator(".figure-body > *:not(.waiting)").first.wait_for()
    page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")


def glossary(page: Any) -> None:
    page.locator("input[type=search]").fill("zzz")
    page.wait_for_selector(".entry", state="detached")


def lab(page: Any) -> None:
    """A network walked by module, with something opened, the tables and the menu."""
    page.wait_for_selector('.lab[data-ready="1"] .graph .box')
    page.locator(".lab button[aria-pressed=false]").first.click()
    page.wait_for_selector(".cm-editor")
    page.wait_for_selector(".graph .frame")
    page.focus(".graph .box[tabindex='0']")
    page.keyboard.press("Enter")
    page.locator("summary").last.click()


def playground(page: Any) -> None:
    """Trained, side by side, a gradient opened."""
    page.click("[data-testid=play]:not([disabled])")
    until(page, lambda: page.inner_text("[data-testid=at]") != "0")
    page.click("[data-testid=play]")
    page.click("[data-testid=compare]")
    page.wait_for_selector("[data-testid=net-1]")
    page.focus("[data-testid=net-0] [tabindex='0']")
    page.keyboard.press("Enter" if page.evaluate("document.activeElement.dataset.part[0] !== '0'") else "ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=opened]")


def blamed(page: Any) -> None:
    """Trained for a moment, then a mistake and one gradient of it opened."""
    page.wait_for_selector("[data-testid=likely] button, [data-testid=drive]")
    page.click("[data-testid=learn]")
    page.wait_for_timeout(1500)
    page.click("[data-testid=worst]")
    page.wait_for_selector("[data-testid=blame]")
    page.locator("[data-testid=blame] :is(.opens, [data-testid=places] button)").first.click()
    page.wait_for_selector(".opened .step-sentence")


def progress(page: Any) -> None:
    page.locator("main button").last.click()


USES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "learn": ("zh", lesson),
    "slides": ("ja", slides),
    "questions": ("zh", questions),
    "glossary": ("ja", glossary),
    "lab": ("ja", lab),
    "playground": ("zh", playground),
    "words": ("zh", blamed),
    "steering": ("ja", blamed),
    "progress": ("zh", progress),
}


@pytest.mark.parametrize("arabic", [False, True], ids=["other", "ar"])
@pytest.mark.parametrize("name", USES)
def test_page_in_use(opened: Any, name: str, arabic: bool) -> None:
    other, use = USES[name]
    look = {"language": "ar", "width": 360, "theme": "dark"} if arabic else {"language": other, "width": 1280}
    watched = opened(**look)
    page = watched.go(f"#/{name}", "main h1")
    settled(page)
    use(page)
    settled(page)
    assert watched.violations() == []
    assert too_wide(page) <= 1
    assert english(page) == []
