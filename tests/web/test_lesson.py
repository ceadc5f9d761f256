"""The lesson in a browser: the first minute, figures that ask the engine, checks, terms, progress, print."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .waiting import settled, until

FIGURES = json.loads((Path(__file__).parents[2] / "src/upriver/web/figures.json").read_text(encoding="utf-8"))


def text(page: Any, selector: str) -> str:
    """What stands there, with plain minus signs and without marks of direction."""
    found: str = page.locator(selector).first.inner_text()
    return re.sub("[\u2066-\u2069]", "", found).replace("−", "-")


def steps(page: Any, count: int) -> None:
    for _ in range(count):
        page.locator("[data-testid=step]").click()


def at(page: Any, name: str, *, section: str = ".story") -> Any:
    """A figure, drawn."""
    figure = page.locator(f"{section} [data-figure={name}]").first
    figure.scroll_into_view_if_needed()
    figure.locator(".figure-body > *").first.wait_for()
    page.wait_for_function("(f) => !f.querySelector('.waiting')", arg=figure.element_handle())
    return figure


def slide_to(figure: Any, value: float, index: int = 0) -> None:
    figure.locator("input[type=range]").nth(index).fill(str(value))


def test_the_first_minute(opened: Any) -> None:
    """Forward, back, a guess answered with the learner's own numbers, a nudge: 16 → 13.69, −2.4 beside −2.31."""
    page = opened().go("#/learn", "[data-testid=step]")
    assert "Why is the loss 16" in text(page, ".tour-question")
    assert "= 16" in text(page, ".tour")
    assert "-24" not in text(page, ".tour")
    steps(page, 1)
    assert "multiply: w·x = 6" in text(page, ".tour .step-sentence")
    steps(page, 2)
    assert "= 16" in text(page, ".tour .step-sentence")
    steps(page, 2)
    assert "upstream 1 × local -8 = -8" in text(page, ".tour .step-sentence")
    steps(page, 2)
    assert page.locator(".tour").get_attribute("data-stage") == "guess"
    assert "-24" not in text(page, ".tour .graph")
    page.locator(".tour .number", has_text="11").click()
    page.wait_for_selector(".tour .verdict p")
    assert "added" in text(page, ".tour .verdict")
    assert "8 + 3 = 11" in text(page, ".tour .verdict")
    page.locator(".tour .number", has_text="24").click()
    page.wait_for_selector(".nudge-it")
    assert "dL/dw = -24" in text(page, ".tour .step-sentence")
    slide_to(page.locator(".nudge-it"), 0.1)
    until(page, lambda: text(page, ".nudge-it .from-to") == "L 16 → 13.69")
    assert "-2.4" in text(page, ".nudge-it .predicted")
    assert "-2.31" in text(page, ".nudge-it .measured")
    assert page.locator(".doors a").count() == 3


def test_the_first_minute_by_keyboard(opened: Any) -> None:
    """Space and arrows alone get as far as the nudge; every stop is said to a screen reader."""
    page = opened().go("#/learn", "[data-testid=step]")
    page.locator("[data-testid=step]").focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    assert page.locator(".tour").get_attribute("data-stage") == "guess"
    assert "hidden" in text(page, "[data-testid=announced]")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".tour").get_attribute("data-stage") == "backward"
    page.keyboard.press("ArrowRight")
    page.locator("[data-testid=step]").press("Enter")
    assert page.evaluate("() => document.activeElement.className") == "number"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".nudge-it")
    # The button that was pressed is gone: the focus has gone on to what comes next.
    page.wait_for_function("() => document.activeElement.matches('.nudge-it input')")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(".nudge-it [data-testid=after]")


def test_it_is_there_at_once(opened: Any) -> None:
    """The first step needs less than 150 kB of script. (How long it takes is measured by benchmarks/pages.py.)"""
    watched = opened()
    page, sizes = watched.page, []
    page.on("response", lambda r: r.url.endswith(".js") and sizes.append(int(r.headers.get("content-length", 0))))
    watched.go("#/learn", "[data-testid=step]")
    assert sum(sizes) < 150_000, sizes
    assert sizes


def test_every_figure_is_drawn_when_it_is_scrolled_to(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    for i in range(page.locator("figure[data-figure]").count()):
        figure = page.locator("figure[data-figure]").nth(i)
        figure.scroll_into_view_if_needed()
        page.wait_for_function(
            "(f) => f.dataset.ready === 'true' && !f.querySelector('.waiting')", arg=figure.element_handle()
        )
        assert figure.locator(".problem").count() == 0, figure.get_attribute("data-figure")
        assert figure.locator("svg, table, .jar, .blame, .chain-row").count() > 0


@pytest.mark.parametrize(
    ("theme", "language", "width"), [("light", "en", 1280), ("dark", "ar", 360), ("contrast", "zh", 800)]
)
def test_axe_finds_nothing_in_the_whole_lesson(opened: Any, theme: str, language: str, width: int) -> None:
    """With every figure there, an answer chosen, a model answer, a table and a term's meaning open."""
    watched = opened(theme=theme, language=language, width=width)
    page = watched.go("#/learn", "[data-testid=step]")
    steps(page, 7)
    for figure in page.locator("figure[data-figure]").all():
        figure.scroll_into_view_if_needed()
        page.wait_for_function(
            "(f) => f.dataset.ready === 'true' && !f.querySelector('.waiting')", arg=figure.element_handle()
        )
    page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
    for button in page.locator(".check .answers > li:first-child button, .think > button").all():
        button.click()
    page.locator(".tour .number").first.click()
    page.wait_for_selector(".verdict p")
    page.locator("#forward a.term").first.hover()
    page.wait_for_selector(".term-card")
    settled(page)
    assert watched.violations() == []


def test_nothing_moves_when_figures_come(opened: Any) -> None:
    """Scrolling through the whole lesson shifts the layout by next to nothing."""
    page = opened().go("#/learn", "[data-testid=step]")
    page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())"
        " if (!one.hadRecentInput) window.shift += one.value; }).observe({type: 'layout-shift', buffered: true}); }"
    )
    height = page.evaluate("document.documentElement.scrollHeight")
    for y in range(0, height, 500):
        page.evaluate(f"scrollTo(0, {y})")
        settled(page)
    assert page.evaluate("window.shift") < 0.1


def test_figures_follow_their_sliders(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    forward = at(page, "forward")
    slide_to(forward, 7)
    page.wait_for_function("() => document.querySelector('.figure-forward .graph').textContent.includes('−7')")
    nudge = at(page, "nudge")
    slide_to(nudge, 0.1)
    page.wait_for_function("() => document.querySelector('.figure-nudge [data-testid=after]').textContent === '13.69'")
    flow = at(page, "flow")
    assert "vanishes" in flow.locator(".verdict-line").inner_text()
    flow.locator("select").select_option("relu")
    page.wait_for_function("() => !/vanishes/.test(document.querySelector('.figure-flow .verdict-line').textContent)")
    update = at(page, "update")
    slide_to(update, 15)
    page.wait_for_function("() => document.querySelector('.figure-update .slider output').textContent === '0.12'")
    until(page, "/diverge|farther/.test(document.querySelector('.figure-update').innerText)")


def test_gradients_add_up_until_they_are_zeroed(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    figure = at(page, "accumulate")
    grad = figure.locator("[data-testid=grad]")
    assert grad.inner_text().endswith("−48")
    figure.get_by_role("button", name="loss.backward()").click()
    page.wait_for_function("() => document.querySelector('[data-testid=grad]').textContent.endsWith('−72')")
    figure.get_by_role("button", name="zero_grad").click()
    until(page, lambda: grad.inner_text() == "0")
    figure.get_by_role("button", name="loss.backward()").click()
    until(page, lambda: grad.inner_text().endswith("−24"))


def test_remedies_heal(opened: Any) -> None:
    """Residual connections bring the first layer's gradient back; clipping does not."""
    page = opened().go("#/learn", "[data-testid=step]")
    figure = at(page, "remedies")
    treated = figure.locator(".pair > section").nth(1)
    first = treated.locator(".readout strong").first
    assert float(first.inner_text()) > 1e-3
    figure.get_by_label("residual connections").uncheck()
    figure.get_by_label("clipping").check()
    page.wait_for_function("(strong) => /10|E/.test(strong.textContent)", arg=first.element_handle())


@pytest.mark.parametrize("name", FIGURES["predict"])
def test_wrong_numbers_are_matched_to_their_mistakes(opened: Any, name: str) -> None:
    """Each offered wrong number gets an explanation with numbers in it; one is right."""
    page = opened().go("#/learn", "[data-testid=step]")
    task = page.locator(f"[data-predict={name}]")
    task.scroll_into_view_if_needed()
    right = []
    for i in range(len(FIGURES["predict"][name]["choices"])):
        task.locator(".number").nth(i).click()
        task.locator(f".number >> nth={i}").and_(task.locator("[data-right]")).wait_for()
        said = task.locator(".verdict").inner_text()
        assert re.search(r"\d", said), said
        right.append(task.locator(".number").nth(i).get_attribute("data-right") == "true")
    assert right.count(True) == 1


def test_a_number_of_ones_own(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    task = page.locator("[data-predict=worked-dw]")
    task.locator(".own input").fill("24")
    task.locator(".own button").click()
    task.locator(".verdict p").wait_for()
    assert "✗" in task.locator(".verdict").inner_text()
    task.locator(".own input").fill("−24")
    task.locator(".own button").click()
    task.locator(".verdict .good").wait_for()


def test_checks_explain_themselves_and_are_kept(opened: Any) -> None:
    watched = opened()
    page = watched.go("#/learn", "[data-testid=step]")
    checks = page.locator("[data-check]")
    assert checks.count() == 3
    for i in range(3):
        check = checks.nth(i)
        answers = check.locator(".answers > li")
        for k in range(answers.count()):
            answers.nth(k).locator("button").click()
            why = check.locator(".why")
            assert why.count() == 1
            if answers.nth(k).get_attribute("data-right") == "false":
                assert why.locator("a").count() > 0, "something to try"
        answers.nth(0).locator("button").click()
        assert check.locator(".done").count() == 1
    page.reload()
    page.wait_for_selector("[data-check] .done")
    assert page.locator("[data-check] .done").count() == 3


def test_thoughts_stay_in_the_browser(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    box = page.locator("[data-think=relu]")
    assert not box.locator(".model").is_visible()
    box.locator("textarea").fill("Because 1 times 1 is 1.")
    box.get_by_role("button").click()
    assert box.locator(".model").is_visible()
    page.reload()
    page.wait_for_selector("[data-think=relu] textarea")
    assert page.locator("[data-think=relu] textarea").input_value() == "Because 1 times 1 is 1."


def test_terms_show_their_meaning(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    term = page.locator("#forward a.term").first
    term.scroll_into_view_if_needed()
    term.hover()
    page.wait_for_selector(".term-card")
    assert len(page.locator(".term-card").inner_text()) > 20
    assert term.get_attribute("aria-describedby") == page.locator(".term-card").get_attribute("id")
    page.keyboard.press("Escape")
    assert page.locator(".term-card").count() == 0
    term.click()
    page.wait_for_selector("main[data-page=glossary] .entry[data-here=true]")


def test_reading_is_counted(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    assert text(page, "[data-testid=percent]").startswith("0")
    for section in page.locator(".story > section").all():
        section.locator(".section-end").scroll_into_view_if_needed()
        settled(page)
    until(page, lambda: page.locator(".contents [data-read=true]").count() == page.locator(".contents li").count())
    share = text(page, "[data-testid=percent]")
    assert not share.startswith("0"), share
    page.evaluate("location.hash = '#/progress'")
    page.wait_for_selector("[data-testid=share]")
    assert text(page, "[data-testid=share]") == share


def test_a_section_by_its_link(opened: Any) -> None:
    page = opened().go("#/learn/flow", "#flow")
    page.wait_for_function("() => Math.abs(document.getElementById('flow').getBoundingClientRect().top) < 200")
    assert page.locator(".contents [aria-current]").inner_text() in page.locator("#flow h2").inner_text()


def test_the_button_that_waits_for_a_guess_looks_so(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    step = page.get_by_test_id("step")
    look = "element => getComputedStyle(element).opacity"
    assert step.evaluate(look) == "1"
    for _ in range(7):
        step.click()
    page.wait_for_selector(".tour[data-stage=guess]")
    assert float(step.evaluate(look)) < 0.7
    page.locator(".tour .quiet", has_text="Show me").click()
    page.wait_for_selector(".tour[data-stage=nudge]")
    assert step.get_attribute("aria-disabled") == "true", "there is no further step"


def test_suggest_an_edit_leads_to_the_source(opened: Any) -> None:
    page = opened(language="ja").go("#/learn", "[data-testid=step]")
    link = page.locator(".edit a")
    if "://" in (link.get_attribute("href") or ""):  # the project's metadata name its source
        assert link.get_attribute("href").endswith("/edit/main/src/upriver/i18n/ja/lesson.md")
        return
    with page.expect_popup() as coming:
        link.click()
    shown = coming.value.inner_text("body")
    assert "src/upriver/i18n/ja/lesson.md" in shown
    assert "誤差逆伝播法" in shown


def test_narrow_screens_scroll_down_only(opened: Any) -> None:
    page = opened(width=360).go("#/learn", "[data-testid=step]")
    for i in range(page.locator("figure[data-figure]").count()):
        page.locator("figure[data-figure]").nth(i).scroll_into_view_if_needed()
        settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_print_shows_what_is_folded(opened: Any) -> None:
    page = opened().go("#/learn", "[data-testid=step]")
    page.emulate_media(media="print")
    assert page.locator("[data-think=relu] .model").is_visible()
    assert not page.locator(".contents").is_visible()
    assert not page.locator(".top").is_visible()
