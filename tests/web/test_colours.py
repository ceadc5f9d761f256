"""Colours that the reader's system forces, switched live or there from the start, over whatever theme was chosen."""

from __future__ import annotations

from typing import Any

import pytest

PAGES = ("learn", "lab", "playground", "words", "steering")


@pytest.mark.parametrize("chosen", ["auto", "light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_forced_colours(opened: Any, page: str, chosen: str) -> None:
    watched = opened(theme=chosen, width=800)
    shown = watched.go(f"#/{page}", "main h1")
    for scheme in ("dark", "light"):
        shown.emulate_media(color_scheme=scheme, forced_colors="active")
        shown.wait_for_selector(f'html[data-theme="{scheme}"]')
        shown.wait_for_timeout(400)
        assert watched.violations("color-contrast") == [], scheme
    shown.emulate_media(forced_colors="none")
    if chosen != "auto":
        shown.wait_for_selector(f'html[data-theme="{chosen}"]')


def test_what_is_drawn_takes_the_forced_colours(opened: Any) -> None:
    shown = opened(theme="light", width=800).go("#/learn", ".graph .box rect")
    shown.emulate_media(color_scheme="dark", forced_colors="active")
    shown.wait_for_selector('html[data-theme="dark"]')
    shown.wait_for_timeout(400)  # colours pass over into each other
    box, page = shown.evaluate(
        "() => [getComputedStyle(document.querySelector('.graph .box rect')).fill,"
        " getComputedStyle(document.body).backgroundColor]"
    )
    assert box == page


def test_a_graph_that_is_cut_off_says_that_it_can_be_moved(opened: Any) -> None:
    shown = opened(width=360).go("#/learn", "main h1")
    figure = shown.locator('[data-figure="forward"]')
    figure.scroll_into_view_if_needed()
    pane = figure.locator(".pane[data-cut~=right]")
    pane.wait_for()
    assert figure.locator(".sideways").is_visible()
    box = pane.bounding_box()
    y = box["y"] + box["height"] - 12
    shown.mouse.move(box["x"] + box["width"] - 20, y)
    shown.mouse.down()
    shown.mouse.move(box["x"] + 20, y, steps=5)
    shown.mouse.up()
    figure.locator(".pane[data-cut~=left]").wait_for()
