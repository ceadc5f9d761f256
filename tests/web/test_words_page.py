"""The next-word lab in a browser: it learns in front of the reader and says where a mistake comes from."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import Opener
from .waiting import until

LAB = '[data-testid="likely"]'


def step(page: Any) -> int:
    found = re.search(r"\d[\d,]*", page.inner_text('[data-testid="status"]'))
    return int(found[0].replace(",", "")) if found else 0


def learn(page: Any, steps: int) -> None:
    page.select_option(".controls select >> nth=0", "200")
    page.click('[data-testid="learn"]')
    page.wait_for_function(
        f"""() => Number(document.querySelector('[data-testid="status"]').innerText.match(/\\d+/)[0]) >= {steps}""",
        timeout=120_000,
    )
    page.click('[data-testid="learn"]')


def fits(page: Any) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"))


def test_it_learns_and_predicts(opened: Opener):
    watched = opened()
    page = watched.go("#/words", LAB)
    assert step(page) == 0
    assert page.locator('[data-testid="samples"] li').count() == 1
    learn(page, 220)
    until(page, lambda: page.locator('[data-testid="samples"] li').count() >= 4)
    page.fill("#words-prompt", "To the se")
    page.wait_for_function("""() => document.querySelector('[data-testid="likely"] .symbol').innerText === 'a'""")
    page.click(f"{LAB} button >> nth=0")
    assert page.input_value("#words-prompt") == "To the sea"
    page.click('[data-testid="write"]')
    page.wait_for_selector('[data-testid="written"]')
    assert len(page.inner_text('[data-testid="written"]')) > 60
    until(page, lambda: "It writes" in page.inner_text('[data-testid="announced"]'))
    # The loss fell, and is told without the picture.
    label = page.get_attribute(".chart", "aria-label")
    loss, guess = (float(x) for x in re.findall(r"\d+\.\d+", label))
    assert loss < 0.5 * guess


def test_a_mistake_is_opened_by_keyboard_and_handed_to_the_lab(opened: Opener):
    watched = opened()
    page = watched.go("#/words", LAB)
    learn(page, 100)
    page.focus('[data-testid="passage"]')
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    active = page.get_attribute('[data-testid="passage"]', "aria-activedescendant")
    assert "it got" in page.get_attribute(f"[id='{active}']", "aria-label")
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-testid="blame"]')
    assert page.locator('[data-testid="places"] button').count() == 13
    # A symbol's gradient, opened.
    page.focus('[data-testid="places"] button >> nth=12')
    page.keyboard.press("Enter")
    page.wait_for_selector(".opened .step-sentence")
    assert "symbol_taps[0, 12, 0]" in page.inner_text(".opened h3")
    # Attention: a row of the map, and one entry of it opened.
    page.click("role=tab[name='Attention']")
    assert page.locator(".attention-map canvas").is_visible()
    page.click(".bar-table .opens >> nth=0")
    page.wait_for_function("() => document.querySelector('.opened h3').innerText.includes('attention[')")
    # Heads, parts, weights.
    page.click("role=tab[name='Heads and layers']")
    page.click("role=button[name='layer 1, head 2']")
    page.wait_for_function("() => document.querySelector('.opened h3').innerText.includes('head_taps')")
    page.click("role=tab[name='Weights']")
    page.focus(".bar-table .opens >> nth=0")  # (a click may miss what moves as the picture above it is drawn)
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.opened h3').innerText.includes('weight[')")
    assert page.locator(".opened .opened-graph svg").count() >= 1
    page.click("role=button[name='Open in the lab']")
    page.wait_for_selector('main[data-page="lab"]')


def test_a_click_on_the_worst_symbol_pauses_and_opens(opened: Opener):
    page = opened().go("#/words", LAB)
    page.click('[data-testid="learn"]')
    page.wait_for_function(
        """() => Number(document.querySelector('[data-testid="status"]').innerText.match(/\\d+/)[0]) >= 30"""
    )
    page.click('[data-testid="worst"]')
    page.wait_for_selector('[data-testid="blame"]')
    page.wait_for_function("""() => document.querySelector('[data-testid="learn"]').innerText === 'Learn on'""")
    # What the bars show can be changed, and is in a table too.
    page.click("role=button[name='predicted by the gradient']")
    page.click('[data-testid="blame"] summary >> nth=0')
    rows = page.locator('[data-testid="blame"] details table tbody tr').count()
    assert rows == page.locator('[data-testid="places"] button').count()


def test_start_over_and_the_link_keep_the_configuration(opened: Opener):
    watched = opened()
    page = watched.go("#/words", LAB)
    page.click("details summary >> nth=0")
    page.select_option("label:has-text('Layers') + select", "2")
    page.wait_for_function("() => location.hash.includes('s=')")
    learn(page, 30)
    address = page.url
    other = opened().page
    other.goto(address)
    other.wait_for_selector(LAB)
    other.click("details summary >> nth=0")
    assert other.input_value("label:has-text('Layers') + select") == "2"
    page.click("role=button[name='Start over']")
    page.wait_for_function(
        """() => Number(document.querySelector('[data-testid="status"]').innerText.match(/\\d+/)[0]) === 0"""
    )


def test_a_text_that_is_too_short_is_refused_in_a_sentence(opened: Opener):
    page = opened().go("#/words", LAB)
    page.click("details summary >> nth=0")
    page.fill("#words-own", "too short")
    page.click("role=button[name='Learn this text']")
    page.wait_for_selector(".problem")
    assert "too few to learn from" in page.inner_text(".problem")


@pytest.mark.parametrize(
    ("language", "width", "theme"), [("en", 1280, "light"), ("ar", 360, "dark"), ("ja", 800, "light")]
)
def test_everyone_can_use_it(opened: Opener, language: str, width: int, theme: str):
    watched = opened(language=language, width=width, theme=theme)
    page = watched.go("#/words", LAB)
    learn(page, 60)
    page.click('[data-testid="worst"]')
    page.wait_for_selector('[data-testid="blame"]')
    tabs = page.locator('[data-testid="blame"] [role="tab"]')
    for i in range(tabs.count()):
        tabs.nth(i).click()
        assert watched.violations() == []
        assert fits(page)
    page.click('[data-testid="blame"] .opens >> nth=0')
    page.wait_for_selector(".opened .step-sentence")
    assert watched.violations() == []
    assert fits(page)
    if language == "ar":
        assert page.get_attribute('[data-testid="passage"]', "dir") == "rtl"
