"""The playground in a real browser: trained, drawn on, opened, frozen, compared; by pointer and by keys."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .waiting import still, until

READY = "[data-testid=play]:not([disabled])"


def step(page: Any) -> int:
    return int(page.inner_text("[data-testid=at]").replace(",", ""))


def at_step(page: Any, least: int) -> None:
    until(page, lambda: step(page) >= least)


def train(page: Any, least: int) -> int:
    """Play until so many steps are taken; then pause."""
    page.click("[data-testid=play]")
    at_step(page, least)
    page.click("[data-testid=play]")
    until(page, lambda: "Pause" not in page.inner_text("[data-testid=play]"))
    return still(page, lambda: step(page))


def picture(page: Any, side: int = 0) -> str:
    """The map as it is painted."""
    return page.evaluate("side => document.querySelector(`[data-testid=map-${side}] canvas`).toDataURL()", side)


def weights(page: Any, side: int = 0) -> list[str]:
    """All weights as the table tells them."""
    details = f"[data-testid=tables-{side}]"
    if page.get_attribute(details, "open") is None:
        page.click(f"{details} > summary")
    page.wait_for_selector(f"{details} table >> nth=1")
    return page.locator(f"{details} table").nth(1).locator("tbody tr td:nth-child(2)").all_inner_texts()


def test_it_trains_pauses_steps_and_begins_anew(opened: Any) -> None:
    page = opened().go("#/playground?preset=circle", READY)
    before = picture(page)
    page.click("[data-testid=step]")
    at_step(page, 1)
    assert step(page) == 1
    train(page, 3000)
    assert "Right: 100% in training" in page.inner_text("[data-testid=scores-0]")
    assert picture(page) != before
    page.click("[data-testid=reset]")
    until(page, lambda: step(page) == 0)
    assert picture(page) == before  # the same seed, the same beginning


def test_the_link_carries_everything(opened: Any) -> None:
    watched = opened()
    page = watched.go("#/playground?preset=linear", READY)
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Seed").press("Enter")
    page.get_by_label("Optimiser").nth(1).select_option("momentum")
    took = train(page, 300)
    known, link = [weights(page, side) for side in (0, 1)], page.url
    assert "s=" in link
    other = opened()
    shown = other.go(link[link.index("#") :], READY)
    at_step(shown, took)
    assert step(shown) == took
    assert shown.get_by_label("Seed").input_value() == "7"
    assert shown.get_by_label("Optimiser").nth(1).input_value() == "momentum"
    assert [weights(shown, side) for side in (0, 1)] == known


def test_a_broken_link_gives_the_usual_playground(opened: Any) -> None:
    page = opened().go("#/playground?s=nonsense", READY)
    assert page.locator("[data-testid=net-0] .pg-unit").count() == 2 + 4 + 2 + 1


def test_the_network_is_walked_and_edited_by_keys(opened: Any) -> None:
    page = opened().go("#/playground", READY)
    net = page.locator("[data-testid=net-0]")
    net.locator('[data-part="1.0."]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.part") == "2.0.0"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.part") == "2.0.1"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "Weight from unit 2 to unit 1 of layer 2"
    )
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.part") == "2.0."
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.part") == "1.0."
    page.keyboard.press("ArrowLeft")
    field = page.locator("[data-testid=inspector-0] [data-testid=weight]")
    field.focus()
    field.fill("2.5")
    field.press("Enter")
    until(page, lambda: "2.5" in weights(page))


def test_a_gradient_is_opened_and_walked_through_in_the_lab(opened: Any) -> None:
    watched = opened()
    page = watched.go("#/playground", READY)
    page.locator('[data-testid=net-0] [data-part="1.0.1"]').focus()
    page.keyboard.press("Enter")
    drawer = page.locator("[data-testid=opened]")
    drawer.wait_for()
    assert "layer1.weight[0, 1]" in drawer.inner_text()
    shown = drawer.locator(".pg-big").inner_text()
    measured = page.inner_text("[data-testid=measured]")
    value = float(re.sub(r"[^\d.e-]", "", shown.replace("−", "-")))
    assert abs(value - float(measured.replace("−", "-"))) < 1e-3
    assert drawer.locator(".pg-samples tbody tr").count() == 10
    assert watched.violations() == []
    page.keyboard.press("Escape")
    assert drawer.count() == 0
    assert page.evaluate("document.activeElement.dataset.part") == "1.0.1"  # focus is where it was
    page.keyboard.press("Enter")
    page.click("[data-testid=derivation]")
    page.wait_for_selector('main[data-page="lab"]')
    page.get_by_text("layer1.weight").first.wait_for()


def test_a_step_is_frozen_into_the_lab(opened: Any) -> None:
    page = opened().go("#/playground", READY)
    train(page, 30)
    page.click("[data-testid=freeze-0]")
    page.wait_for_selector('main[data-page="lab"]')
    page.get_by_text("layer1").first.wait_for()
    page.go_back()
    page.wait_for_selector('main[data-page="playground"]')
    assert step(page) >= 30  # where it was


def test_what_was_edited_is_there_again_after_another_page(opened: Any) -> None:
    watched = opened()
    page = watched.go("#/playground", READY)
    page.locator('[data-testid=net-0] [data-part="1.0.0"]').focus()
    field = page.locator("[data-testid=inspector-0] [data-testid=weight]")
    field.fill("3.25")
    field.press("Enter")
    until(page, lambda: "3.25" in weights(page))
    page.get_by_role("link", name="Glossary").click()
    page.wait_for_selector('main[data-page="glossary"]')
    page.get_by_role("link", name="Playground").click()
    page.wait_for_selector('main[data-page="playground"]')
    assert "3.25" in weights(page)
    page.evaluate("location.hash = '#/playground?preset=hills'")  # another link is followed
    until(page, lambda: page.locator("[data-testid=net-0] .pg-unit").count() == 2 + 8 + 8 + 1)


def test_two_networks_side_by_side(opened: Any) -> None:
    page = opened(width=1440).go("#/playground", READY)
    page.click("[data-testid=compare]")
    page.wait_for_selector("[data-testid=net-1] .pg-unit")
    assert weights(page, 0) == weights(page, 1)
    page.get_by_label("Activation").nth(1).select_option("relu")
    page.wait_for_timeout(500)
    train(page, 200)
    assert weights(page, 0) != weights(page, 1)
    assert picture(page, 0) != picture(page, 1)


def test_gradients_that_vanish_and_explode_are_told(opened: Any) -> None:
    page = opened(width=1440).go("#/playground?preset=vanishing", READY)
    assert page.get_attribute("[data-testid=flow-0]", "data-flow") == "vanishing"
    assert "times smaller than the output" in page.inner_text("[data-testid=flow-0]")
    page.click("[data-testid=preset-exploding]")
    page.wait_for_selector("[data-testid=flow-0][data-flow=exploding]")
    page.click("[data-testid=play]")
    page.wait_for_selector("[data-testid=trouble-0]")
    assert re.search(r"Step \d: .*beyond all numbers", page.inner_text("[data-testid=trouble-0]"))
    page.get_by_label("Times this at the start").focus()
    page.keyboard.press("Home")
    page.wait_for_selector("[data-testid=trouble-0]", state="detached")


def test_points_are_drawn_by_pointer_and_by_keys(opened: Any) -> None:
    page = opened().go("#/playground", READY)
    page.locator("label.pg-set", has_text="Drawn by hand").click()
    plane = page.locator("[data-testid=map-0]")
    box = plane.bounding_box()
    for x, y in ((0.2, 0.2), (0.3, 0.25), (0.25, 0.3)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_role("button", name="class 0").click()
    plane.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter", "ArrowDown", "ArrowDown", "Enter", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert "6 points drawn" in page.inner_text("[data-testid=drawn]")
    page.wait_for_timeout(600)
    train(page, 1500)
    assert "100% in training" in page.inner_text("[data-testid=scores-0]")
    plane.focus()
    page.keyboard.press("Delete")
    assert "5 points drawn" in page.inner_text("[data-testid=drawn]")


def test_the_learners_own_table(opened: Any) -> None:
    page = opened().go("#/playground", READY)
    page.locator("label.pg-set", has_text="Your own table").click()
    text = page.locator("[data-testid=table]")
    text.fill("a,b,kind\n1,2\n")
    text.blur()
    page.wait_for_selector(".problem")
    assert "line 2: 2 values, the header has 3" in page.inner_text(".problem")
    rows = "\n".join(f"{i},{i % 7},{'big' if i > 15 else 'small'}" for i in range(30))
    text.fill(f"size,other,kind\n{rows}\n")
    text.blur()
    page.wait_for_selector(".problem", state="detached")
    page.get_by_label("To be told").wait_for()
    assert page.get_by_label("Class 1 is").input_value() == "big"
    train(page, 1000)
    assert "100% in training" in page.inner_text("[data-testid=scores-0]")


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_everyone_can_use_it(opened: Any, theme: str) -> None:
    watched = opened(theme=theme, width=360)
    page = watched.go("#/playground?preset=vanishing", READY)
    page.click("[data-testid=tables-0] > summary")
    for width in (360, 800, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1
        assert watched.violations() == [], width


def test_it_is_mirrored_where_one_reads_from_right_to_left(opened: Any) -> None:
    page = opened(language="ar").go("#/playground", READY)
    place = "[data-testid=net-0] [data-part='{}']"
    first, last = (page.locator(place.format(part)).bounding_box()["x"] for part in ("0.0.", "3.0."))
    assert first > last
    page.locator(place.format("1.0.")).focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.part") == "2.0.0"
