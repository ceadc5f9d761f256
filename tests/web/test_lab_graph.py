"""The graph in a real browser: walked with the keyboard, opened and closed, mirrored, measured."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from .test_lab import Opener, lab
from .waiting import until

HERE = (
    "(document.activeElement.querySelector('text.title') ?? {textContent: document.activeElement.tagName}).textContent"
)


def here(page: Any) -> str:
    """The title of the box that has the focus, without marks of direction."""
    return str(page.evaluate(HERE)).replace("\u2066", "").replace("\u2069", "")


def test_arrows_follow_the_lines_and_each_stop_is_announced(opened: Opener) -> None:
    page = lab(opened).page
    page.focus('.graph .box[tabindex="0"]')
    assert here(page) == "L = (w·x − y)²"
    page.keyboard.press("ArrowLeft")
    assert here(page) == "w·x − y"
    page.keyboard.press("ArrowLeft")
    if here(page) == "y":
        page.keyboard.press("ArrowUp")
    assert here(page) == "w·x"
    assert page.inner_text("[data-testid=announced]").strip() == "multiply, value 6, gradient −8, feeds subtract"
    page.keyboard.press("ArrowDown")
    assert here(page) == "y"
    page.keyboard.press("ArrowRight")
    assert here(page) == "w·x − y"
    page.keyboard.press("Enter")
    assert page.inner_text(".drawer h2") == "w·x − y"
    assert page.get_attribute(".graph .box:focus", "aria-pressed") == "true"


def test_the_focus_is_not_lost(opened: Opener) -> None:
    page = lab(opened).page
    page.focus('.graph .box[tabindex="0"]')
    page.keyboard.press("ArrowLeft")
    for key in (".", ",", "Home", ".", ".", "End"):  # steps while the graph has the focus
        page.keyboard.press(key)
        assert here(page) == "w·x − y"
    page.evaluate("location.hash = '#/lab?e=(w*x-y)**2&w=3&x=3&y=10'")  # other numbers, the same boxes
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= −1'))")
    assert here(page) == "w·x − y"
    step = page.get_by_role("button", name="Step", exact=True)
    page.keyboard.press("Home")
    step.focus()
    for _ in range(12):
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.classList.contains('step')")
    back = page.get_by_role("button", name="First step")
    back.click()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "First step"


def test_modules_open_and_close_under_the_keyboard(opened: Opener) -> None:
    page = lab(opened).page
    page.get_by_role("button", name="Network").click()
    page.wait_for_selector(".graph .frame")
    page.select_option(".levels select", "closed")
    page.wait_for_selector(".graph .box.group")
    page.focus(".graph .box.group")
    page.keyboard.press("c")
    page.wait_for_selector(".graph .frame")
    until(page, "document.activeElement.closest('.graph .frame, .graph .box') !== null")
    boxes = page.locator(".graph .box").count()
    page.keyboard.press("c")
    until(page, "n => document.querySelectorAll('.graph .box').length < n", boxes)
    until(page, "document.activeElement.closest('.graph .frame, .graph .box') !== null")


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_a_module_that_is_opened_between_two_frames_keeps_the_keyboard(opened: Opener, frames: int) -> None:
    page = lab(opened).page
    page.get_by_role("button", name="Network").click()
    page.wait_for_selector(".graph .frame")
    kept = page.evaluate(
        """async (frames) => {
          const drawn = async () => { for (let i = 0; i < 9; i++) await null; };
          const levels = document.querySelector(".levels select");
          levels.value = "closed";
          levels.dispatchEvent(new Event("change", {bubbles: true}));
          await drawn();
          for (let i = 0; i < frames; i++) await new Promise(requestAnimationFrame);
          const group = document.querySelector(".graph .box.group");
          group.focus();
          group.dispatchEvent(new KeyboardEvent("keydown", {key: "c", bubbles: true}));
          await drawn();
          const at_once = document.activeElement.dataset.key;
          await new Promise((done) => setTimeout(done, 200));
          return [at_once, document.activeElement.dataset.key, group.dataset.key];
        }""",
        frames,
    )
    assert kept[0] == kept[1] == kept[2]


def test_right_to_left_the_graph_is_mirrored_and_the_keys_with_it(opened: Opener) -> None:
    watched = lab(opened, language="ar")
    page = watched.page
    places = page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('.graph .box')].map(b => "
        "[b.querySelector('.title').textContent.replace(/[\\u2066\\u2069]/g, ''), b.getBoundingClientRect().x]))"
    )
    assert places["w"] > places["w·x"] > places["L = (w·x − y)²"]
    page.focus('.graph .box[tabindex="0"]')
    page.keyboard.press("ArrowRight")
    assert here(page) == "w·x − y"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    until(page, "document.querySelector('.count').innerText === '2 / 11'")
    assert watched.violations() == []


def test_zoom_pan_and_fit(opened: Opener) -> None:
    page = lab(opened).page
    size = "document.querySelector('.pane svg').getBoundingClientRect().width"
    place = "document.querySelector('.pane svg').style.transform"
    before, at = page.evaluate(size), page.evaluate(place)
    page.get_by_role("button", name="Larger").click()
    assert page.evaluate(size) > before * 1.1
    pane = page.locator(".pane").bounding_box()
    page.mouse.move(pane["x"] + 30, pane["y"] + pane["height"] - 20)
    page.mouse.down()
    page.mouse.move(pane["x"] + 130, pane["y"] + pane["height"] - 60, steps=4)
    page.mouse.up()
    assert page.evaluate(place) != at
    page.get_by_role("button", name="Fit").click()
    assert page.evaluate(size) == pytest.approx(before, rel=0.01)
    assert page.evaluate(place) == at


def test_the_same_as_tables(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    page.click("text=The same as tables")
    page.wait_for_selector(".graph-table table")
    cells = page.locator('.graph-table tr:has(bdi:text-is("w·x")) td').all_inner_texts()
    assert cells[:1] == ["multiply"]
    assert cells[2:4] == ["6", "−8"]
    assert watched.violations() == []
    page.keyboard.press("Home")
    until(page, "document.querySelector('.graph-table').innerText.includes('not computed yet')")


def test_sign_is_told_by_glyph_and_dashes_too(opened: Opener) -> None:
    page = lab(opened).page
    assert page.locator(".graph text.gradient.minus").first.text_content().startswith("▼")
    assert page.locator(".graph text.gradient.plus").first.text_content().startswith("▲")
    dashes = "s => getComputedStyle(document.querySelector(s)).strokeDasharray"
    assert page.evaluate(dashes, ".graph .line.minus .way") != "none"
    assert page.evaluate(dashes, ".graph .line.plus .way") == "none"


def test_nothing_moves_where_motion_is_not_wanted(opened: Opener) -> None:
    page = lab(opened, reduced_motion="reduce").page
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_width_holds_it(opened: Opener, width: int, language: str) -> None:
    watched = lab(opened, width=width, language=language, theme="dark" if width == 768 else "light")
    page = watched.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = "() => [...document.querySelectorAll('.graph text.title')].map(t => t.getBoundingClientRect().height)"
    small = min(page.evaluate(heights))
    assert small >= 9
    assert watched.violations() == []


CHANGES = """async () => {
  let changes = 0;
  const watch = new MutationObserver(found => { changes += found.length; });
  watch.observe(document.querySelector('.pane svg'),
                {subtree: true, childList: true, characterData: true, attributes: true});
  const found = [];
  for (let i = 0; i < 60; i++) {
    changes = 0;
    dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft', cancelable: true}));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    found.push(changes);
  }
  return found.sort((a, b) => a - b);
}"""


def test_a_step_among_three_hundred_boxes(opened: Opener) -> None:
    many = range(75)
    values = {f"{name}{i}": (i % 7) - 3 or 1 for i in many for name in "wx"}
    link = "#/lab?" + urlencode({"e": " + ".join(f"w{i}*x{i}" for i in many), **values})
    page = lab(opened, link).page
    page.select_option(".levels select", "all")
    until(page, "document.querySelectorAll('.graph .box').length > 290")
    changes = page.evaluate(CHANGES)
    assert changes[30] > 0
    assert changes[-1] < 40, "a step changes what it is about, not three hundred boxes"
