"""By keyboard alone: every control reached, the focus seen and never lost, dialogs left with Escape, nothing moving."""

from __future__ import annotations

from typing import Any

import pytest

from .test_pages_everywhere import PAGES
from .waiting import settled, still, until

Opener = Any

# What each page needs before it can be used.
READY = {
    "learn": ".tour .graph .box",
    "slides": ".slide-frame .blame",
    "questions": ".questions .graph .box",
    "glossary": ".entry",
    "lab": ".lab[data-ready='1'] .graph .box",
    "playground": "[data-testid=play]:not([disabled])",
    "words": "[data-testid=likely] button",
    "steering": "[data-testid=drive]",
    "progress": "[data-testid=share]",
}

# Watches where the focus goes: what it came to, and what of it showed no ring or could not be seen.
WATCH = """() => {
  window.reached = new Set();
  window.unseen = [];
  const tell = (element) => element.outerHTML.slice(0, 120);
  addEventListener('focusin', ({target}) => {
    reached.add(target);
    const style = getComputedStyle(target);
    const ring = style.outlineStyle !== 'none' || style.boxShadow !== 'none' || target.closest('svg, .cm-editor');
    if (!ring) unseen.push('no ring: ' + tell(target));
  });
}"""

# What Tab must come to: everything that can be operated, once for a group whose members the arrows lead to.
MISSED = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
  .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({visibilityProperty: true}))
  .filter((one) => !(one.type === 'radio' && !one.checked) && !one.closest('[inert]'))
  .filter((one) => !reached.has(one)).map((one) => one.outerHTML.slice(0, 120))"""

FOCUS = "() => document.activeElement === document.body ? null : document.activeElement.outerHTML.slice(0, 200)"


def ready(opened: Opener, page: str, **more: Any) -> Any:
    shown = opened(**more).go(f"#/{page}", READY[page])
    settled(shown)
    return shown


def announced(page: Any) -> str:
    return str(page.inner_text("[data-testid=announced]")).strip()


@pytest.mark.parametrize("name", PAGES)
def test_tab_comes_to_everything_and_the_focus_is_seen(opened: Opener, name: str) -> None:
    page = ready(opened, name)
    for figure in page.locator("figure[data-figure]").all():  # a figure comes when it is scrolled to
        figure.scroll_into_view_if_needed()
        figure.locator(".figure-body > *:not(.waiting)").first.wait_for(state="attached")
    page.evaluate("scrollTo(0, 0)")
    page.evaluate(WATCH)
    page.keyboard.press("Tab")
    assert "skip" in page.evaluate(FOCUS)
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body || document.activeElement.matches('.skip')"):
            break
    else:
        pytest.fail("Tab does not come to an end")
    assert page.evaluate(MISSED) == []
    assert page.evaluate("unseen") == []


def test_the_skip_link_leads_past_the_pages(opened: Opener) -> None:
    page = ready(opened, "learn")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getBoundingClientRect().top >= 0"), "it shows once it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.evaluate("document.querySelector('.top a[href=\"#/glossary\"]').focus()")
    page.keyboard.press("Enter")
    page.wait_for_selector("main[data-page=glossary] .entry")
    assert page.evaluate("document.activeElement.id") == "main", "a new page begins at its beginning"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_graph_of_the_lesson_is_walked(opened: Opener, language: str) -> None:
    page = ready(opened, "learn", language=language)
    page.focus('.tour .graph .box[tabindex="0"]')
    back, on = ("ArrowLeft", "ArrowRight") if language == "en" else ("ArrowRight", "ArrowLeft")
    if page.evaluate("document.querySelector('.tour .pane svg').viewBox.baseVal.height > 300"):
        back, on = "ArrowUp", "ArrowDown"  # drawn from top to bottom, where there is little room
    stops = [announced(page)]
    for _ in range(2):
        page.keyboard.press(back)
        stops.append(announced(page))
        assert page.evaluate("document.activeElement.matches('.tour .box')")
    page.keyboard.press(on)
    stops.append(announced(page))
    assert len(set(stops)) >= 3, stops
    assert any("−4" in stop for stop in stops), "values are announced"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('.tour .box')")


def test_dialogs_close_with_escape_and_give_the_focus_back(opened: Opener) -> None:
    page = ready(opened, "lab")
    keys = page.get_by_role("button", name="Keys")
    keys.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('dialog[open]') !== null")
    page.keyboard.press("Escape")
    until(page, lambda: not page.locator("dialog[open]").count())
    assert page.evaluate("document.activeElement.innerText") == "Keys"
    page.focus(".menu summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.format") is not None
    page.keyboard.press("Escape")
    until(page, lambda: not page.locator(".menu[open]").count())
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_overview_of_the_slides_keeps_the_focus(opened: Opener) -> None:
    page = ready(opened, "slides")
    overview = page.get_by_role("button", name="Overview")
    overview.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".overview")
    page.focus(".slide-choose >> nth=2")
    page.keyboard.press("Enter")
    until(page, lambda: not page.locator(".overview").count())
    until(page, lambda: page.evaluate(FOCUS) is not None)
    overview.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".overview")
    page.focus(".slide-choose >> nth=5")
    page.keyboard.press("Escape")
    until(page, lambda: not page.locator(".overview").count())
    until(page, lambda: page.evaluate(FOCUS) is not None)


@pytest.mark.parametrize(
    ("name", "buttons"),
    [
        ("learn", ["[data-testid=step]"] * 3),
        ("lab", [".timeline .step", ".timeline .first", ".timeline .last"]),
        ("playground", ["[data-testid=play]", "[data-testid=play]", "[data-testid=step]", "[data-testid=reset]"]),
        ("words", ["[data-testid=learn]", "[data-testid=learn]", "[data-testid=worst]"]),
        ("steering", ["[data-testid=play]", "[data-testid=learn]", "[data-testid=learn]", "[data-testid=worst]"]),
    ],
)
def test_a_button_that_was_pressed_keeps_the_focus_or_hands_it_on(
    opened: Opener, name: str, buttons: list[str]
) -> None:
    page = ready(opened, name)
    for button in buttons:
        page.focus(button)
        page.keyboard.press("Enter")
        page.wait_for_timeout(700)
        assert page.evaluate(FOCUS) is not None, button


def test_a_gradient_of_the_playground_is_opened_and_closed(opened: Opener) -> None:
    page = ready(opened, "playground")
    page.focus("[data-testid=step]")
    page.keyboard.press("Enter")
    until(page, lambda: page.inner_text("[data-testid=at]") == "1")
    page.focus("[data-testid=net-0] [tabindex='0']")
    page.keyboard.press("ArrowRight")
    assert announced(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=opened]")
    page.keyboard.press("Escape")
    until(page, lambda: not page.locator("[data-testid=opened]").count())
    until(page, lambda: "data-part" in (page.evaluate(FOCUS) or ""))


@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_by_itself_where_motion_is_unwanted(opened: Opener, name: str) -> None:
    page = ready(opened, name, reduced_motion="reduce")
    running = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(running) == 0
    still(page, page.screenshot)
    assert page.evaluate(running) == 0
