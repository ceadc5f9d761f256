"""The lab in a real browser: typed, dragged, stepped, asked, opened, saved and linked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from .test_user_truth import unpacked
from .waiting import until

Opener = Any
READY = '.lab[data-ready="1"]'
WORKED = "#/lab?" + urlencode({"e": "(w*x - y)**2", "w": 2, "x": 3, "y": 10})


def lab(opened: Opener, link: str = WORKED, **more: Any) -> Any:
    watched = opened(**more)
    watched.go(link, READY)
    until(watched.page, "document.querySelectorAll('.graph .box').length > 0")
    return watched


def box(page: Any, name: str) -> Any:
    return page.locator(".graph .box", has=page.locator(f'text.title:text-is("{name}")'))


def said(page: Any) -> str:
    return str(page.inner_text(".step-sentence"))


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_worked_example_forward_and_back(opened: Opener) -> None:
    page = lab(opened).page
    assert "▼ gradient −24" in box(page, "w").text_content()
    press(page, "Home")
    assert "gradient" not in box(page, "w").text_content()
    assert "= ?" in box(page, "w·x").text_content()
    press(page, "ArrowRight", "ArrowRight", "ArrowRight")
    assert "= 16" in box(page, "L = (w·x − y)²").text_content()
    for upstream in ("1", "1 × local −8", "−8"):
        press(page, "ArrowRight")
        assert upstream in said(page)
    press(page, "ArrowLeft")
    assert "upstream 1 × local −8 = −8" in said(page)
    assert page.inner_text("[data-testid=announced]").strip() in said(page)
    press(page, "End")
    assert "dL/dw = −24" in said(page)
    page.get_by_role("button", name="Start again").click()
    assert "Given: w = 2" in said(page)


def test_it_plays_and_scrubs(opened: Opener) -> None:
    page = lab(opened).page
    press(page, "Home")
    page.select_option('select[aria-label="Speed of playing"]', "4")
    page.evaluate("document.activeElement.blur()")
    press(page, "Space")
    until(page, "document.querySelector('.count').innerText.startsWith('3')")
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Place in the walk").fill("6")
    assert page.inner_text(".count") == "7 / 11"


def test_a_value_dragged_typed_and_moved_by_keys(opened: Opener) -> None:
    page = lab(opened).page
    field = page.get_by_role("spinbutton", name="w =")
    place = field.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(1, 9):
        page.mouse.move(x + i, y)
    page.mouse.up()
    assert field.input_value() == "2.1"
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= 13.69'))")
    page.keyboard.press("ArrowUp")
    assert field.input_value() == "2.2"
    page.keyboard.press("ArrowDown")
    field.fill("4")
    page.keyboard.press("Enter")
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= 4'))")
    assert "▲ gradient 12" in box(page, "w").text_content()


def test_a_round_trip_of_a_dragged_number(opened: Opener) -> None:
    page = lab(opened).page
    field = page.get_by_role("spinbutton", name="w =")
    field.focus()
    for _ in range(40):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(15)
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= 6'))")
    assert float(page.get_attribute(".trip", "data-trip")) > 0  # how long is measured by benchmarks/pages.py


def test_an_expression_typed_with_a_mistake_and_mended(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    field = page.get_by_test_id("expression")
    field.fill("(w*x - y")
    page.wait_for_selector(".problem")
    assert field.get_attribute("aria-invalid") == "true"
    assert box(page, "w·x").count() == 1  # the picture stays
    assert watched.violations() == []
    field.fill("tanh(w*x + b)")
    page.wait_for_selector(".problem", state="detached")
    until(page, "document.querySelectorAll('.values .value').length === 3")
    assert page.get_by_role("spinbutton", name="b =").input_value() == "1"


def test_every_tab_of_the_card(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    box(page, "w").click()
    drawer = page.locator(".drawer")
    assert "upstream −8 × local 3 = −24" in drawer.inner_text()
    texts = {
        "Numbers": "−24",
        "Formula": "flows back to it is multiplied",
        "Code line": "(w*x - y)**2",
        "Check": "by a finite difference",
        "Paths": "only path",
    }
    for tab, text in texts.items():
        page.get_by_role("tab", name=tab).click()
        until(page, "t => document.querySelector('.drawer').innerText.includes(t)", text)
        assert watched.violations() == [], tab
    page.get_by_role("tab", name="Formula").click()
    assert page.locator(".drawer math mfrac").count() == 1
    page.get_by_role("tab", name="Formula").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Code line").get_attribute("aria-selected") == "true"


def test_g_checks_and_follows_the_values(opened: Opener) -> None:
    page = lab(opened).page
    box(page, "w").click()
    press(page, "g")
    page.wait_for_selector("[data-testid=check]")
    rows = page.locator("[data-testid=check] td").all_inner_texts()
    assert rows[0] == "−24"
    assert rows[1].startswith(("−24", "−23.99999"))
    page.get_by_role("spinbutton", name="w =").fill("3")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('[data-testid=check] td').innerText === '−6'")


def test_predict_first_and_be_told_the_mistake(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    press(page, "Home", "h")
    page.wait_for_selector("text=the next number will be hidden")
    page.evaluate("document.activeElement.blur()")
    press(page, "ArrowRight")
    assert "= ?" in box(page, "w·x").text_content()
    field = page.get_by_label("What is w * x?")
    field.fill("5")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Not this one")
    field.fill("6")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('.step-sentence').innerText.includes('= 6')")
    page.evaluate("document.activeElement.blur()")
    while "dL/dw?" not in page.inner_text(".predict-first"):
        press(page, "ArrowRight")
    for text in (
        page.text_content(".graph"),
        said(page),
        page.inner_text(".drawer"),
        page.inner_text("[data-testid=announced]"),
    ):
        assert "24" not in text
    field = page.get_by_label("What is dL/dw?")
    field.fill("-5")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You added: −8 + 3 = −5")
    assert watched.violations() == []
    field.fill("-24")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('.step-sentence').innerText.includes('−24')")


def test_paths_add_up(opened: Opener) -> None:
    page = lab(opened, "#/lab?" + urlencode({"e": "w*w + w", "w": 3})).page
    box(page, "w").click()
    page.get_by_role("tab", name="Paths").click()
    page.wait_for_selector("[data-testid=paths] li")
    assert page.locator("[data-testid=paths] li b").all_inner_texts() == ["▲ 3", "▲ 3", "▲ 1"]
    page.get_by_role("tab", name="Numbers").click()
    assert "The shares that add up to it" in page.inner_text(".drawer")


def test_the_link_carries_everything(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    press(page, "Home", "ArrowRight", "ArrowRight")
    page.get_by_role("spinbutton", name="w =").fill("2.5")
    page.keyboard.press("Enter")
    box(page, "y").click()
    page.get_by_role("tab", name="Numbers").click()
    until(page, lambda: "s=" in page.url and unpacked(page.url.split("s=")[1]).get("tab") == "numbers")
    page.reload()
    page.wait_for_selector(READY)
    until(page, "document.querySelector('.count')?.innerText === '3 / 11'")
    assert page.get_by_role("spinbutton", name="w =").input_value() == "2.5"
    assert page.inner_text(".drawer h2") == "y"
    assert page.get_by_role("tab", name="Numbers").get_attribute("aria-selected") == "true"
    page.evaluate("location.hash = '#/lab?e=w*w&w=5'")
    until(page, "document.querySelector('[data-testid=expression]').value === 'w*w'")
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= 25'))")


def test_a_small_network_by_module(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    page.get_by_role("button", name="Network").click()
    page.wait_for_selector(".cm-editor")
    page.wait_for_selector(".graph .frame")
    assert watched.violations() == []
    page.select_option('select[aria-label="Length of a step"]', "module")
    page.evaluate("document.activeElement.blur()")
    press(page, "Home", "ArrowRight")
    assert "linear" in said(page)
    page.click(".cm-content")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("model = Sequential(Linear(2, 1))\nx = [[1.0, 2.0]]\nloss = model(x).sum()\n")
    until(page, "!document.querySelector('.graph').textContent.includes('tanh')")
    page.get_by_label("Examples").select_option(label="A small network")
    until(page, "document.querySelector('.graph').textContent.includes('tanh')")


@pytest.mark.parametrize(
    ("format_", "name", "begins"),
    [
        ("svg", ".svg", b"<svg"),
        ("png", ".png", b"\x89PNG"),
        ("html", ".html", b"<!doctype html>"),
        ("latex", ".tex", b"\\"),
        ("mermaid", ".mmd", b""),
        ("trace", ".json", b"{"),
    ],
)
def test_it_is_taken_home(opened: Opener, format_: str, name: str, begins: bytes) -> None:
    page = lab(opened).page
    page.click(".menu summary")
    with page.expect_download() as coming:
        page.click(f'[data-format="{format_}"]')
    saved = Path(coming.value.path()).read_bytes()
    assert coming.value.suggested_filename.endswith(name)
    assert saved.lstrip().startswith(begins)
    assert len(saved) > 100
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_trace_is_opened_and_saved_again(opened: Opener, tmp_path: Path) -> None:
    page = lab(opened).page
    page.click(".menu summary")
    with page.expect_download() as coming:
        page.click('[data-format="trace"]')
    trace = Path(coming.value.path()).read_bytes()
    page.get_by_test_id("expression").fill("q*q")
    until(page, "document.querySelectorAll('.graph .box').length === 2")
    drop = """([text, name]) => {
        const data = new DataTransfer();
        data.items.add(new File([text], name, {type: 'application/json'}));
        for (const kind of ['dragover', 'drop'])
            document.body.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));
    }"""
    page.evaluate(drop, [trace.decode(), "mine.json"])
    page.wait_for_selector(".foreign >> text=mine.json")
    until(page, "document.querySelectorAll('.graph .box').length === 6")
    press(page, "Home", "ArrowRight")
    assert "= 6" in said(page)
    for format_ in ("svg", "png", "html"):
        page.click(".menu summary")
        with page.expect_download() as coming:
            page.click(f'[data-format="{format_}"]')
        assert len(Path(coming.value.path()).read_bytes()) > 1000
    page.evaluate(drop, ["no trace at all", "bad.json"])
    page.wait_for_selector("text=bad.json is not a trace")
    page.evaluate(drop, [json.dumps({"format": "upriver-trace", "version": 1}), "short.json"])
    page.wait_for_selector(".problem >> text=damaged")
    page.get_by_role("button", name="Back to the expression").click()
    page.wait_for_selector("[data-testid=expression]")


def test_a_key_right_after_the_help_was_closed_is_heard(opened: Opener) -> None:
    # In one turn, as on a slow machine: the focus is still where the dialog was.
    focused = lab(opened).page.evaluate(
        """() => {
          const press = (key) =>
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
          press("?");
          document.querySelector("dialog button").focus();
          document.querySelector("dialog").close();
          document.querySelector("dialog button").dispatchEvent(
            new KeyboardEvent("keydown", {key: "/", bubbles: true, cancelable: true}));
          return document.activeElement.matches("[data-find]");
        }"""
    )
    assert focused


def test_what_is_typed_right_after_a_value_changed_is_kept(opened: Opener) -> None:
    page = lab(opened).page
    # The value moves and is drawn; the next figure is typed before the next frame.
    page.evaluate(
        """async () => {
          const field = document.querySelector(".drag-number");
          const key = (key) => field.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
          field.focus();
          key("ArrowUp");
          for (let i = 0; i < 9; i++) await null;
          field.value = "4";
          field.dispatchEvent(new InputEvent("input", {bubbles: true}));
          await new Promise((done) => setTimeout(done, 200));
          key("Enter");
        }"""
    )
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= 4'))")


def test_help_and_find(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    press(page, "?")
    assert page.locator("dialog[open]").count() == 1
    assert watched.violations() == []
    press(page, "Escape")
    until(page, "!document.querySelector('dialog[open]')")
    press(page, "/")
    page.keyboard.type("w*x")
    press(page, "Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("w·x = 6")
    press(page, "Tab")
    page.get_by_label("Find a value").fill("zebra")
    press(page, "Enter")
    page.wait_for_selector("text=Nothing is called that.")


def test_predict_first_asks_for_one_entry_of_an_array(opened: Opener) -> None:
    link = "#/lab?" + urlencode({"e": "sum((W @ x)**2)", "W": "[[1,2],[3,4]]", "x": "[1,2]", "at": 0})
    page = lab(opened, link).page
    press(page, "Home", "h")
    page.evaluate("document.activeElement.blur()")
    for _ in range(30):
        if "dL/dW[1, 1]?" in page.inner_text(".predict-first").replace("\u2066", "").replace("\u2069", ""):
            break
        press(page, "ArrowRight")
    field = page.locator(".question input")
    field.fill("24")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You added: 22 + 2 = 24")
    field.fill("4 x")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=is not one clear number")
    field.fill("44")
    page.keyboard.press("Enter")
    page.wait_for_selector(".question", state="detached")


def test_formulas_and_numbers_as_people_write_them(opened: Opener) -> None:
    watched = lab(opened)
    page = watched.page
    page.get_by_test_id("expression").fill("2x² + |w|")
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= 20'))")
    page.get_by_test_id("expression").fill("1/2x")
    page.wait_for_selector("text=can be read in two ways")
    page.get_by_test_id("expression").fill("w*x")
    field = page.get_by_role("spinbutton", name="w =")
    field.fill("1,000")
    page.keyboard.press("Enter")
    until(page, "[...document.querySelectorAll('.graph .box')].some(b => b.textContent.includes('= 3000'))")
    field.fill("1,00,0")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=1,00,0 is not one clear number")
    assert field.get_attribute("aria-invalid") == "true"
    assert watched.violations() == []
    page.keyboard.press("Escape")
    page.wait_for_selector(".unclear", state="detached")


def test_a_damaged_link_and_an_infinite_gradient_are_told(opened: Opener) -> None:
    watched = opened()
    watched.go("#/lab?s=q1bKVrJSMtRR", READY)
    page = watched.page
    page.wait_for_selector("text=This link is damaged")
    assert "Opened instead: (w*x - y)**2" in page.inner_text(".problem")
    assert watched.violations() == []
    page.evaluate("location.hash = '#/lab?e=sqrt(w)&w=0'")
    page.wait_for_selector("text=This link is damaged", state="detached")
    until(page, "document.querySelectorAll('.graph .box').length === 2")
    box(page, "w").click()
    page.get_by_role("tab", name="Paths").click()
    page.wait_for_selector("text=has an infinite slope at 0")
    assert "ur." not in page.inner_text(".drawer")


@pytest.mark.parametrize("title", ["A recurrent network", "Attention: three words"])
def test_recurrence_and_attention_can_be_walked_through(opened: Opener, title: str) -> None:
    watched = lab(opened)
    page = watched.page
    page.evaluate(
        """title => {
        const choice = document.querySelector('.examples select');
        choice.value = [...choice.options].find(one => one.text.startsWith(title)).value;
        choice.dispatchEvent(new Event('change', { bubbles: true }));
    }""",
        title,
    )
    until(page, "document.querySelector('.graph').textContent.includes('loss')")
    assert page.locator(".problem").count() == 0
    assert page.locator(".graph .box").count() <= 40
    assert watched.violations() == []
