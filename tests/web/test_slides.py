"""The slides in a browser: keys, overview, the presenter's window, print to PDF, narrow screens, right to left."""

from __future__ import annotations

import re
from typing import Any

from .waiting import settled, until

NOW = '.slide-frame[data-state="now"]'


def number(page: Any) -> str:
    return re.sub(r"[^\d/]", "", page.locator("[data-testid=slide-number]").inner_text())


def shown(page: Any) -> list[str]:
    return page.eval_on_selector_all('.slide-frame[data-state="now"]', "(all) => all.map((one) => one.dataset.slide)")


def test_keys_lead_through_all_eight(opened: Any) -> None:
    page = opened().go("#/slides", ".slide-frame")
    assert number(page) == "1/8"
    for i in range(2, 9):
        page.keyboard.press("ArrowRight" if i % 2 else "PageDown")
        assert number(page) == f"{i}/8"
    page.keyboard.press("ArrowRight")
    assert number(page) == "8/8"
    assert page.url.endswith("#/slides/picture")
    page.keyboard.press("Home")
    assert shown(page) == ["what"]
    assert "Slide 1 of 8" in page.locator("[data-testid=announced]").inner_text()


def test_a_link_opens_its_slide(opened: Any) -> None:
    page = opened().go("#/slides/chain", NOW)
    assert shown(page) == ["chain"]
    page.evaluate("location.hash = '#/slides/loss'")
    page.wait_for_selector('.slide-frame[data-slide=loss][data-state="now"]')


def test_the_worked_example_is_live(opened: Any) -> None:
    """−7.98 and −3.8, then one step with learning rate 0.01: w 1.0798, b 0.038, loss 2.8711."""
    page = opened().go("#/slides/backward", ".slide-frame[data-slide=backward] .one-step table")
    slide = page.locator(".slide-frame[data-slide=backward]")
    table = slide.locator(".one-step table").inner_text()
    for wanted in ("1.0798", "0.038", "3.61", "2.8711"):
        assert wanted in table
    graph = slide.locator(".graph").text_content()
    assert "−7.98" in graph
    assert "−3.8" in graph
    assert page.locator(".slide-frame[data-slide=loss]").count() == 1
    page.evaluate("location.hash = '#/slides/loss'")
    page.wait_for_selector(".slide-frame[data-slide=loss] .readout")
    assert "3.61" in page.locator(".slide-frame[data-slide=loss] .readout").inner_text()


def test_every_slide_fits(opened: Any) -> None:
    """Nothing of a slide is cut off: neither its text nor its figure."""
    page = opened().go("#/slides", ".slide-frame")
    for i in range(8):
        settled(page, ".slide-frame[data-state=now]")
        over = page.evaluate(
            "() => [...document.querySelectorAll('.slide-frame[data-state=now] :is(.slide, .figure, .slide-text)')]"
            ".filter((one) => one.scrollHeight > one.clientHeight + 2 || one.scrollWidth > one.clientWidth + 2)"
            ".map((one) => [one.className, one.scrollHeight, one.clientHeight])"
        )
        assert over == [], f"slide {i + 1}"
        page.keyboard.press("ArrowRight")


def test_overview(opened: Any) -> None:
    page = opened().go("#/slides", ".slide-frame")
    page.keyboard.press("o")
    page.wait_for_selector(".overview")
    assert page.locator(".slide-choose").count() == 8
    page.locator(".slide-choose").nth(4).click()
    assert shown(page) == ["chain"]
    assert page.locator(".overview").count() == 0
    # All are as large again as they were, those that do not show too: they may be printed.
    until(page, lambda: page.locator(".slide-frame[data-flowing=true]").count() == 0)


def test_the_presenters_window(opened: Any) -> None:
    """Notes, the next slide and a clock in a second window, and each window moves the other."""
    page = opened().go("#/slides", ".slide-frame")
    with page.context.expect_page() as came:
        page.keyboard.press("p")
    window = came.value
    window.wait_for_selector(".presenter-notes")
    assert "cake" in window.locator(".presenter-notes").inner_text()
    assert window.locator(".presenter-next .slide-frame").get_attribute("data-slide") == "forward"
    assert window.locator(".presenter-next .slide h2").evaluate("e => getComputedStyle(e).fontSize") == "42px"
    assert re.search(r"\d\d?:\d\d", window.locator("[data-testid=clock]").inner_text())
    assert not window.locator(".top").is_visible()
    window.locator(".presenter-tools .main").click()
    page.wait_for_selector('.slide-frame[data-slide=forward][data-state="now"]')
    page.bring_to_front()
    page.keyboard.press("ArrowRight")
    window.wait_for_selector(".presenter-now [data-slide=loss]")
    before = window.locator("[data-testid=elapsed]").inner_text()
    window.wait_for_function(
        "(before) => document.querySelector('[data-testid=elapsed]').innerText !== before", arg=before
    )


def test_a_page_of_paper_for_each(opened: Any) -> None:
    page = opened().go("#/slides", ".slide-frame")
    page.evaluate("() => { window.printed = 0; window.print = () => { window.printed += 1; }; }")
    page.get_by_role("button", name="Print").click()
    page.wait_for_function("() => window.printed === 1")
    assert page.locator('.figure[data-ready="false"]').count() == 0
    assert page.locator(".figure .waiting").count() == 0
    paper = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 8


def test_axe_finds_nothing(opened: Any) -> None:
    watched = opened(theme="dark")
    page = watched.go("#/slides", NOW)
    for _ in range(8):
        settled(page, ".slide-frame[data-state=now]")
        assert watched.violations() == []
        page.keyboard.press("ArrowRight")
    page.keyboard.press("o")
    page.wait_for_selector(".overview")
    assert watched.violations() == []
    page = watched.go("#/slides?presenter=1", ".presenter-notes")
    assert watched.violations() == []


def test_on_a_telephone(opened: Any) -> None:
    page = opened(width=360).go("#/slides/forward", NOW)
    assert page.locator(".slide-frame[data-state=now]").get_attribute("data-flowing") == "true"
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('[data-state=now] .text')).fontSize)")
    assert size >= 16
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_right_to_left(opened: Any) -> None:
    """In Arabic the left arrow goes on."""
    page = opened(language="ar").go("#/slides", ".slide-frame")
    page.keyboard.press("ArrowLeft")
    assert number(page) == "2/8"
    page.keyboard.press("ArrowRight")
    assert number(page) == "1/8"
