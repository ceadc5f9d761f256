"""Questions, glossary and progress in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_each_question_has_something_to_run(opened: Any) -> None:
    page = opened().go("#/questions", ".questions h2")
    assert page.locator(".questions > section > h2").count() == 3
    figures = page.locator("figure[data-figure]")
    assert [figure.get_attribute("data-figure") for figure in figures.all()] == ["worked", "flow", "accumulate"]
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        page.wait_for_function(
            "(f) => f.dataset.ready === 'true' && !f.querySelector('.waiting')", arg=figure.element_handle()
        )
        assert figure.locator(".problem").count() == 0


def test_the_glossary_is_searched_as_one_types(opened: Any) -> None:
    page = opened().go("#/glossary", ".entry")
    every = page.locator(".entry").count()
    assert every >= 40
    page.locator("input[type=search]").fill("CHAIN")
    page.wait_for_function("(n) => document.querySelectorAll('.entry').length < n", arg=every)
    assert page.locator("#term-chain-rule").count() == 1
    page.locator("input[type=search]").fill("no such word")
    page.wait_for_function("() => document.querySelectorAll('.entry').length === 0")
    assert "0" in page.locator("search [role=status]").inner_text()


def test_every_term_leads_back_to_the_lesson(opened: Any) -> None:
    page = opened().go("#/glossary", ".entry .back")
    for entry in page.locator(".entry").all():
        assert entry.locator(".back a").count() >= 1, entry.get_attribute("id")
    page.locator("#term-curvature .back a").first.click()
    page.wait_for_selector("main[data-page=learn] #worked")
    page.wait_for_function("() => Math.abs(document.getElementById('worked').getBoundingClientRect().top) < 200")


def test_progress_is_taken_along(opened: Any, tmp_path: Path) -> None:
    """What was answered and written is saved as a file, erased, and loaded again."""
    page = opened().go("#/learn", "[data-testid=step]")
    page.locator("[data-check=meaning] .answers button").first.click()
    page.locator("[data-think=relu] textarea").fill("a thought")
    page.evaluate("location.hash = '#/progress'")
    page.wait_for_selector("[data-testid=share]")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    saved = tmp_path / "progress.json"
    download.value.save_as(saved)
    kept = json.loads(saved.read_text(encoding="utf-8"))
    assert kept["thoughts"] == {"relu": "a thought"}
    assert "check meaning" in kept["answers"]
    page.get_by_role("button", name="Begin again").click()
    page.get_by_role("button", name="Yes, erase everything").click()
    assert page.evaluate("JSON.parse(localStorage['upriver.progress']).thoughts") == {}
    page.locator("input[type=file]").set_input_files(saved)
    page.wait_for_function("() => JSON.parse(localStorage['upriver.progress']).thoughts.relu === 'a thought'")
    page.locator("input[type=file]").set_input_files({"name": "x.json", "mimeType": "text/plain", "buffer": b"[1"})
    page.wait_for_function("() => /no progress/.test(document.querySelector('.told').textContent)")
    assert page.evaluate("JSON.parse(localStorage['upriver.progress']).thoughts.relu") == "a thought"
