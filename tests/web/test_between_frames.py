"""Keys that are pressed between two frames, as on a slow machine: they are heard, and nothing takes them back after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .waiting import until

Opener = Any
LAB = '.lab[data-ready="1"]'
PLAYGROUND = "[data-testid=play]:not([disabled])"

# In one turn: `drawn` lets what has changed be drawn, without a frame; `later` lets some frames go by.
TURN = """
  const find = (selector) => document.querySelector(selector);
  const named = (text) => [...document.querySelectorAll('button')].find((one) => one.innerText === text);
  const drawn = async () => { for (let i = 0; i < 9; i++) await null; };
  const later = () => new Promise((done) => setTimeout(done, 200));
  const press = (key, at = document.body) =>
    at.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
  const type = (field, text) => {
    field.value = text;
    field.dispatchEvent(new InputEvent('input', {bubbles: true}));
  };
  const choose = (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event('change', {bubbles: true}));
  };
  const busy = (time) => { const end = performance.now() + time; while (performance.now() < end); };
  const follow = async (hash) => {
    const heard = new Promise((done) => addEventListener('hashchange', done, {once: true}));
    location.hash = hash;
    await heard;
    await drawn();
  };
  const there = (selector) => new Promise((done) => {
    const look = () => find(selector) && (watch.disconnect(), done());
    const watch = new MutationObserver(look);
    watch.observe(document, {subtree: true, childList: true, attributes: true});
    look();
  });
"""


def turn(page: Any, script: str) -> Any:
    return page.evaluate("async () => {" + TURN + script + "}")


def test_a_slide_that_is_turned_right_after_a_link_was_followed_stays_turned(opened: Opener) -> None:
    page = opened().go("#/slides", ".slide-frame")
    number = turn(
        page,
        """
        for (const key of ['ArrowRight', 'ArrowRight']) { press(key); await drawn(); }
        const third = location.hash;
        press('Home');
        await drawn();
        await follow(third);
        press('ArrowRight');
        await later();
        return find('[data-testid=slide-number]').innerText;""",
    )
    assert number.startswith("4 ")


@pytest.mark.parametrize(
    ("name", "first", "key", "done"),
    [
        ("slides", ".slide-frame", "ArrowRight", "[data-testid=slide-number]"),
        ("playground", ".pg", "s", "[data-testid=at]"),
    ],
)
def test_a_page_hears_its_keys_as_soon_as_it_is_there(
    opened: Opener, name: str, first: str, key: str, done: str
) -> None:
    page = opened().go("#/glossary", ".entry")
    before = {"slides": "1", "playground": "0"}[name]
    turn(page, f"location.hash = '#/{name}'; await there('{first}'); press('{key}');")
    until(page, lambda: page.inner_text(done)[0] == str(int(before) + 1))


def test_an_expression_is_typed_as_soon_as_there_is_a_line_for_it(opened: Opener) -> None:
    page = opened().go("#/lab", LAB)
    shown = turn(
        page,
        """
        named('Network').click();
        await drawn();
        named('Expression').click();
        await drawn();
        const line = find('[data-testid=expression]');
        type(line, 'w * ');
        await new Promise(requestAnimationFrame);
        await new Promise((done) => setTimeout(done, 60));
        return line.value;""",
    )
    assert shown == "w * "


def test_what_was_typed_in_a_line_that_is_gone_does_not_come_back(opened: Opener) -> None:
    page = opened().go("#/lab", LAB)
    kind = turn(
        page,
        """
        type(find('[data-testid=expression]'), 'w * 3');
        busy(175);
        named('Network').click();
        await drawn();
        busy(30);
        await later();
        return find('.kinds [aria-pressed=true]').innerText;""",
    )
    assert kind == "Network"


def test_a_term_is_searched_right_after_another_was_followed(opened: Opener) -> None:
    page = opened().go("#/glossary", ".entry")
    kept = turn(
        page,
        """
        const id = find('.entry').id.slice(5);
        await follow('#/glossary/' + id);
        type(find('input[type=search]'), 'loss');
        await later();
        return find('input[type=search]').value;""",
    )
    assert kept == "loss"


def test_learn_is_told_to_the_network_that_was_chosen_just_before(opened: Opener) -> None:
    page = opened().go("#/words", "[data-testid=likely] button")
    turn(
        page,
        """
        choose([...document.querySelectorAll('select')].find((one) => one.options.length === 2), '2');
        await drawn();
        find('[data-testid=learn]').click();""",
    )
    until(page, lambda: page.inner_text("[data-testid=learn]") == "Pause")


def test_play_right_after_an_experiment_was_followed_plays_that(opened: Opener) -> None:
    page = opened().go("#/playground", PLAYGROUND)
    turn(page, "await follow('#/playground?preset=xor'); press(' ');")
    until(page, lambda: page.inner_text("[data-testid=at]") not in ("0", "1"))
    assert page.inner_text("[data-testid=play]") == "Pause"


def held(page: Any) -> Callable[[], None]:
    """Hold back every script from now on; what is returned lets them go."""
    waiting: list[Any] | None = []
    page.route("**/*.js", lambda route: route.continue_() if waiting is None else waiting.append(route))

    def go() -> None:
        nonlocal waiting
        first, waiting = waiting or [], None
        for route in first:
            route.continue_()

    return go


def test_the_focus_is_left_to_who_goes_on_while_a_page_is_fetched(opened: Opener) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    go = held(page)
    page.focus('.top a[href="#/glossary"]')
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    go()
    page.wait_for_selector("main[data-page=glossary] .entry")
    assert page.evaluate("document.activeElement.hash") == "#/lab"


def test_a_term_that_was_left_before_its_meaning_came_shows_none(opened: Opener) -> None:
    page = opened().go("#/learn", "#forward a.term")
    go = held(page)
    page.keyboard.press("Tab")
    page.focus("#forward a.term")
    page.focus(".brand")
    with page.expect_response("**/*.js"):
        go()
    page.wait_for_timeout(300)
    assert page.locator(".term-card").count() == 0
    page.focus("#forward a.term")
    page.wait_for_selector(".term-card")


def test_a_gradient_that_comes_late_leaves_the_focus_where_it_is_by_then(opened: Opener) -> None:
    page = opened().go("#/playground", PLAYGROUND)
    turn(
        page,
        """
        const unit = find('[data-part="1.0."]');
        unit.focus();
        press('Enter', unit);
        find('[data-testid=step]').focus();""",
    )
    page.wait_for_selector("[data-testid=opened]")
    assert page.evaluate("document.activeElement.dataset.testid") == "step"
