"""The steering lab in a browser: a car that leaves the road, learns, and whose mistakes are opened."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from .conftest import Opener
from .waiting import until

ROAD = '[data-testid="road"] canvas'
READY = '[data-testid="drive"]'


def number(page: Any, name: str) -> float:
    return float(re.findall(r"\d[\d,.]*", page.inner_text(f'[data-testid="{name}"]'))[0].replace(",", ""))


def test_it_leaves_the_road_learns_and_drives_laps(opened: Opener):
    page = opened().go("#/steering", READY)
    page.wait_for_selector(".facts .bad")  # it has learnt nothing
    page.click('[data-testid="learn"]')
    page.wait_for_function(
        """() => / 100%, as a mean/.test(document.querySelector('[data-testid="laps"]').innerText)""", timeout=60_000
    )
    text = page.inner_text('[data-testid="laps"]')
    assert float(re.search(r"learnt: ([\d.]+)%", text)[1]) < 25
    until(page, lambda: number(page, "drive") >= 30)


def test_the_curves_have_axes_before_they_begin_and_tell_where_they_have_come_to(opened: Opener):
    page = opened().go("#/steering", READY)
    page.wait_for_function("() => document.querySelectorAll('.chart .u-legend').length === 2")
    for value in page.locator(".chart .u-series:not(:first-child) .u-value").all_inner_texts():
        assert re.fullmatch(r"|–|[\d.]+", value.strip()), "nothing of the library's own marks for no number"
    page.click('[data-testid="learn"]')
    loss = page.locator(".chart .u-legend", has_text="mean squared error")
    until(page, lambda: re.search(r"0\.\d+", loss.inner_text()))
    assert page.locator(".rays .soft").first.inner_text().startswith("−")


def test_frames_go_on_coming(opened: Opener):
    watched = opened()
    frames: list[int] = []
    watched.page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: isinstance(data, bytes) and frames.append(1)),
    )
    page = watched.go("#/steering", READY)
    until(page, lambda: len(frames) >= 90)  # how fast is measured by benchmarks/pages.py


def test_the_worst_mistake_is_opened_down_to_a_ray_and_a_weight(opened: Opener):
    page = opened().go("#/steering", READY)
    page.wait_for_selector(".facts .bad")
    page.click('[data-testid="worst"]')
    page.wait_for_selector('[data-testid="blame"]')
    assert "would have been right" in page.inner_text(".verdict")
    assert page.inner_text('[data-testid="play"]') != "Pause"
    assert page.locator(".bar-table tbody tr").count() == 9
    page.click("role=button[name='straight ahead']")
    page.wait_for_selector(".opened .step-sentence")
    assert "seen[0, 4]" in page.inner_text(".opened h3")
    page.click(".opened details summary >> nth=0")
    assert page.locator('[data-testid="paths"] li').count() >= 5
    page.click("role=tab[name='Weights']")
    page.click(".bar-table .opens >> nth=0")
    page.wait_for_function("() => !document.querySelector('.opened h3').innerText.includes('seen')")
    page.focus(".mistake input[type=range]")
    said = page.inner_text(".verdict")
    page.keyboard.press("Home")
    page.wait_for_function("said => document.querySelector('.verdict').innerText !== said", arg=said)
    page.click('[data-testid="play"]')


def test_a_click_on_the_trail_opens_that_moment(opened: Opener):
    page = opened().go("#/steering", READY)
    page.wait_for_selector(".facts .bad")
    box = page.locator(ROAD).bounding_box()
    # The start line of the first track, where every run passes.
    page.mouse.click(box["x"] + box["width"] * 0.32 / 1.6, box["y"] + box["height"] * 0.21)
    page.wait_for_selector('[data-testid="blame"]')


def test_the_reader_drives_and_draws_a_track(opened: Opener):
    page = opened().go("#/steering", READY)
    page.click("details summary >> nth=0")
    page.click("role=button[name='Take the wheel']")
    page.keyboard.down("ArrowRight")
    until(page, "/there are [1-9]/.test(document.querySelector('.side details').innerText)")
    page.keyboard.up("ArrowRight")
    page.click("role=button[name='Give the wheel back']")
    page.click("role=button[name='Draw a track']")
    box = page.locator(ROAD).bounding_box()
    spots = [(0.5 + 0.3 * math.cos(a / 5), 0.5 + 0.3 * math.sin(a / 5)) for a in range(32)]
    page.mouse.move(box["x"] + box["width"] * spots[0][0], box["y"] + box["height"] * spots[0][1])
    page.mouse.down()
    for x, y in spots:
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('.side select').value === 'own'")
    until(page, lambda: "your track" in page.inner_text('[data-testid="announced"]'))


def test_nothing_moves_by_itself_where_motion_is_unwanted(opened: Opener):
    page = opened(reduced_motion="reduce").go("#/steering", READY)
    page.wait_for_timeout(600)
    assert number(page, "drive") == 0
    assert page.inner_text('[data-testid="play"]') == "Drive"


@pytest.mark.parametrize(
    ("language", "width", "theme"), [("en", 1280, "light"), ("ar", 360, "dark"), ("zh", 800, "contrast")]
)
def test_everyone_can_use_it(opened: Opener, language: str, width: int, theme: str):
    watched = opened(language=language, width=width, theme=theme)
    page = watched.go("#/steering", READY)
    page.wait_for_selector(".facts .bad")
    assert watched.violations() == []
    page.click('[data-testid="worst"]')
    page.wait_for_selector('[data-testid="blame"]')
    tabs = page.locator('[data-testid="blame"] [role="tab"]')
    for i in range(tabs.count()):
        tabs.nth(i).click()
        page.click('[data-testid="blame"] .opens >> nth=0')
        page.wait_for_selector(".opened .step-sentence")
        assert watched.violations() == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
