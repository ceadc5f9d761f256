from __future__ import annotations

import json
import re
import shutil
import zlib
from base64 import b64decode
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import upriver as ur
from upriver.cli.explain import explain_expression
from upriver.errors import ArgumentError
from upriver.explain.encoding import dumps
from upriver.explain.page import html
from upriver.explain.reading import load_trace
from upriver.explain.trace import trace
from upriver.explain.views import Views, short_value, sign_of

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def worked() -> dict[str, Any]:
    return trace(explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], "w"))


class Block(ur.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = ur.nn.LayerNorm(4)
        self.fc1 = ur.nn.Linear(4, 8)
        self.fc2 = ur.nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        return x + self.fc2(ur.relu(self.fc1(self.norm(x))))


def network(blocks: int) -> dict[str, Any]:
    ur.manual_seed(0)
    model = ur.nn.Sequential(*[Block() for _ in range(blocks)], ur.nn.Linear(4, 3))
    return trace(ur.nn.functional.cross_entropy(model(ur.randn(6, 4)), ur.tensor([0, 1, 2, 0, 1, 2])))


def inside(page: str) -> Any:
    """What the page draws."""
    found = re.search(r'<script type="application/json" id="data"( data-packed)?>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(zlib.decompress(b64decode(found[2])) if found[1] else found[2])


def test_one_file_that_asks_for_nothing() -> None:
    page = html(worked())
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    outside = set(re.findall(r"[a-z]+://[^\"'\s<]*", page)) - {"http://www.w3.org/2000/svg"}
    assert not outside
    assert not re.search(r"<(link|img|iframe)[^>]*(href|src)=\"(?!data:)", page)
    assert page == html(worked())
    assert page == html(load_trace(worked()))


def test_it_shows_what_the_trace_says() -> None:
    data = worked()
    shown = inside(html(data))
    assert shown["title"] == "(w*x - y)**2"
    assert [shown["trace"]["nodes"][i]["gradient"]["data"] for i in (0, 3, 4)] == [-24.0, -8.0, -8.0]
    assert shown["labels"]["0"] == {"t": "w", "v": "2", "g": "−24", "d": -1}
    assert shown["math"]["n5"].startswith("<mrow><mi>L</mi><mo>=</mo>")
    assert set(shown["views"]["first"]["b"]) == {f"n{i}" for i in range(6)}


def test_names_cannot_break_out() -> None:
    data = json.loads(dumps(worked()))
    bad = "</script><img src=x onerror=alert(1)>{{data}}"
    data["source"] = data["nodes"][0]["name"] = bad
    page = html(data)
    assert page.count("</script>") == 2
    assert inside(page)["trace"]["nodes"][0]["name"] == bad
    assert "<img" not in page.replace("\\u003cimg", "")
    HTMLParser().feed(page)


def test_the_size_of_a_page() -> None:
    w = ur.tensor([[0.5, -0.3], [0.1, 0.9]], requires_grad=True, dtype=ur.float64)
    x = w
    for _ in range(33):
        x = ur.tanh(x @ w) + 0.1
    data = trace(x.sum(), wrt=w)
    assert len(data["nodes"]) >= 100
    assert len(html(data).encode()) <= 250_000
    large = network(8)
    assert len(large["nodes"]) >= 100
    assert len(html(large).encode()) <= 250_000


def test_modules_open_and_close() -> None:
    data = network(4)
    views = Views(data, budget=12)
    found = views.all()
    first = found["first"]
    assert len(first["b"]) <= 12
    groups = views.group_labels()
    closed = [key for key in first["b"] if key in groups]
    assert {groups[key]["t"] for key in closed} >= {"1 (Block)", "2 (Block)"}
    opened = found[f"open:{closed[0]}"]
    assert closed[0] in opened["f"]
    assert set(groups[closed[0]]["n"]) >= {int(k[1:]) for k in opened["b"] if k[0] == "n" and k not in first["b"]}
    everything = found["all"]
    shown = {int(k[1:]) for k in everything["b"]}
    assert shown >= {n["id"] for n in data["nodes"] if n["kind"] in ("operation", "leaf")}
    for view in found.values():
        if isinstance(view, str):
            assert view in found
            continue
        boxes = list(view["b"].values())
        for i, (x, y, w, h) in enumerate(boxes):
            assert x >= 0
            assert x + w <= view["w"] + 1
            for a, b, c, d in boxes[:i]:
                assert x >= a + c - 1 or a >= x + w - 1 or y >= b + d - 1 or b >= y + h - 1, "two boxes overlap"


def test_a_long_list_is_cut_into_stretches() -> None:
    w = ur.tensor(0.9, requires_grad=True)
    x = w
    for _ in range(250):
        x = ur.tanh(x) * w
    views = Views(trace(x, wrt=w))
    found = views.all()
    assert len(found["first"]["b"]) <= 60
    assert sum(len(g["n"]) for g in views.group_labels().values() if g["in"] == "") == 501
    assert html(trace(x, wrt=w)).startswith("<!doctype html>")


def test_a_trace_without_gradients_of_its_own_and_one_leaf() -> None:
    x = ur.tensor([1.0], requires_grad=True)
    assert inside(html(trace(x.sum())))["labels"]["0"]["v"] == "[1]"


def test_values_in_a_few_characters() -> None:
    assert short_value(None) == "not computed"
    assert short_value({"shape": [], "data": "nan"}) == "nan"
    assert short_value({"shape": [], "data": "-inf"}) == "−∞"
    assert short_value({"shape": [3], "data": [1.0, "nan", 2.0]}).count("nan") == 1
    assert short_value({"shape": [9], "data": [1.23456789] * 8 + ["inf"]}) == "1 of 9 not finite"
    assert short_value({"shape": [9], "data": [1.23456789] * 9}) == "1.2 … 1.2"
    assert short_value({"shape": [2, 0], "data": [[], []]}) == "[[], []]"
    assert sign_of({"shape": [], "data": -3.0}) == -1
    assert sign_of({"shape": [], "data": "nan"}) == 0
    assert sign_of({"shape": [2], "data": [1.0, 2.0]}) == 0


def test_what_is_not_a_trace() -> None:
    with pytest.raises(ArgumentError, match="not a trace"):
        html({"nodes": []})


# In a browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="the page in a browser: playwright is not installed")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"the page in a browser: none of {', '.join(BROWSERS)} is installed")
    arguments = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync"
    )
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=arguments.split())
        yield running
        running.close()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Open a page; afterwards nothing must have been asked for outside, and no error have come up."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def show(page: str, **options: Any) -> Any:
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **options})
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        tab.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(("file:", "data:")) else 0)
        tab.goto((tmp_path / "page.html").as_uri())
        tab.wait_for_selector("html[data-ready]")
        return tab

    yield show
    for context in contexts:
        context.close()
    assert not wrong


def box(tab: Any, name: str) -> str:
    """What a screen reader says of the box that is called ``name``."""
    find = "n => [...document.querySelectorAll('.box')].find(g => g.querySelector('.t').textContent === n)"
    return str(tab.evaluate(f"{find}.getAttribute('aria-label')", name))


def test_stepping_with_keys_and_buttons(visit: Any) -> None:
    tab = visit(html(worked()))
    assert tab.inner_text("#count") == "9 / 9"
    assert box(tab, "w") == "w = 2, gradient −24"
    tab.keyboard.press("Home")
    assert tab.inner_text("#count") == "1 / 9"
    assert box(tab, "w·x") == "w·x, not computed yet"
    tab.keyboard.press("ArrowRight")
    assert box(tab, "w·x") == "w·x = 6"
    assert "w * x = 6" in tab.inner_text("#say")
    tab.click("#next")
    assert box(tab, "w·x − y") == "w·x − y = −4"
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    assert "upstream 1 × local −8 = −8" in tab.inner_text("#say")
    assert box(tab, "w·x − y") == "w·x − y = −4, gradient −8"
    assert box(tab, "w") == "w = 2"
    tab.keyboard.press("ArrowLeft")
    assert box(tab, "w·x − y") == "w·x − y = −4"
    tab.fill("#scrub", "7")
    assert tab.inner_text("#count") == "8 / 9"
    assert box(tab, "w") == "w = 2, gradient −24"
    assert tab.locator(".line.now").count() == 1
    tab.keyboard.press("End")
    assert tab.is_disabled("#next")


def test_opening_a_number(visit: Any) -> None:
    tab = visit(html(worked()))
    tab.click(".box[data-key=n0]")
    card = tab.inner_text("#card")
    for part in (
        "w",
        "input that wants a gradient",
        "mul: dL/dw: upstream −8 × local 3 = −24.",
        "−24",
    ):
        assert part in card
    assert tab.locator("#card math").count() == 1
    tab.click(".box[data-key=n1]")
    assert "not computed (which is not zero)" in tab.inner_text("#card")


def test_by_keyboard_and_screen_reader_alone(visit: Any) -> None:
    tab = visit(html(worked()))
    assert tab.locator(".box[tabindex='0']").count() == 1
    tab.focus(".box[tabindex='0']")
    tab.keyboard.press("ArrowDown")
    first = tab.evaluate("document.activeElement.dataset.key")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.dataset.key") == first
    assert tab.locator(f".box[data-key={first}]").get_attribute("aria-pressed") == "true"
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate("document.activeElement.dataset.key") == first
    assert tab.locator("[aria-live=polite]").count() == 1
    unnamed = tab.evaluate(
        "[...document.querySelectorAll('button, select, input, [role=button]')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).length"
    )
    assert unnamed == 0
    tab.keyboard.press("?")
    assert tab.locator("#help[open]").count() == 1
    tab.keyboard.press("Escape")
    tab.click("#tables summary")
    tab.wait_for_selector("#tables tbody tr")
    rows = tab.eval_on_selector_all("#tables table:nth-of-type(2) tbody tr", "rows => rows.map(r => r.innerText)")
    assert len(rows) == 3
    assert rows[2].split("\t") == ["d(w * x)/dw", "mul", "−8", "x", "3", "−24"]


def test_modules_in_the_page(visit: Any) -> None:
    tab = visit(html(network(4), budget=12))
    before = tab.locator(".box").count()
    group = tab.locator(".box:has-text('⊞ 1 (Block)')")
    key = group.get_attribute("data-key")
    group.click()
    tab.keyboard.press("c")
    assert tab.locator(f".frame[data-key={key}]").count() == 1
    assert tab.locator(".box").count() > before
    assert tab.evaluate("document.activeElement.dataset.key") == key
    tab.keyboard.press("c")
    assert tab.locator(f".frame[data-key={key}]").count() == 0
    tab.select_option("#level", "all")
    assert tab.locator(".box").count() > 40
    tab.select_option("#stride", "module")
    tab.keyboard.press("Home")
    frames = int(tab.inner_text("#count").split("/")[1])
    assert frames < 60
    for _ in range(frames):
        tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#count") == f"{frames} / {frames}"


def test_a_large_page_unpacks_itself(visit: Any) -> None:
    page = html(network(8))
    assert "data-packed" in page
    tab = visit(page)
    assert tab.locator(".box").count() > 10


def test_dark_light_and_small(visit: Any) -> None:
    def colour(tab: Any) -> str:
        return str(tab.evaluate("getComputedStyle(document.body).backgroundColor"))

    light, dark = visit(html(worked())), visit(html(worked()), color_scheme="dark")
    assert colour(light) == "rgb(255, 255, 255)"
    assert colour(dark) == "rgb(16, 21, 27)"
    dark.click("#theme")
    dark.click("#theme")
    assert colour(dark) == "rgb(255, 255, 255)"
    small = visit(html(network(2)), viewport={"width": 360, "height": 740})
    assert small.evaluate("document.documentElement.scrollWidth") <= 360
    sizes = small.eval_on_selector_all(".time button", "b => b.map(e => e.getBoundingClientRect().height)")
    assert min(sizes) >= 44


def test_a_closed_module_opens_from_its_card_and_closes_again(visit: Any) -> None:
    tab = visit(html(network(4), budget=12))
    group = tab.locator(".box:has-text('⊞ 2 (Block)')")
    key = group.get_attribute("data-key")
    group.click()
    tab.click("#card button")
    assert tab.locator(f".frame[data-key={key}]").count() == 1
    tab.click("#card button")
    assert tab.locator(f".frame[data-key={key}]").count() == 0
