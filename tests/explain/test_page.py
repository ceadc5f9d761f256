from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import upriver as ur
from upriver.errors import ArgumentError, FileError
from upriver.explain.encoding import dumps
from upriver.explain.page import html
from upriver.explain.reading import load_trace
from upriver.explain.trace import trace
from upriver.explain.views import Views, short_value, sign_of
from upriver.i18n import use

from .written import network, worked


def inside(page: str) -> Any:
    """What the page draws."""
    found = re.search(r'<script type="application/json" id="data"( data-packed)?>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(zlib.decompress(b64decode(found[2])) if found[1] else found[2])


@pytest.mark.usefixtures("built")
def test_one_file_that_asks_for_nothing() -> None:
    page = html(worked())
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert not re.findall(r"[a-z]+://(?!www\.w3\.org/)[^\"'\s<]*", page)
    assert not re.search(r"<(link|img|iframe)[^>]*(href|src)=\"(?!data:)", page)
    assert page == html(worked())
    assert page == html(load_trace(worked()))


@pytest.mark.usefixtures("built")
def test_no_script_but_its_own() -> None:
    page = html(worked())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)
    assert policy is not None
    assert script is not None
    digest = b64encode(sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy[1]
    assert len(page.encode()) <= 150_000


@pytest.mark.usefixtures("built")
def test_in_the_language_of_the_moment() -> None:
    data = worked()
    assert 'lang="en" dir="ltr"' in html(data)
    with use("ar"):
        page = html(data)
    shown = inside(page)
    assert 'lang="ar" dir="rtl"' in page
    assert shown["language"]["direction"] == "rtl"
    assert shown["catalogue"]["Step back"] == "خطوة إلى الخلف"
    assert shown["catalogue"]["Given: {values}."]
    assert "Lesson" not in shown["catalogue"], "only what this page says"
    assert "رفع" in shown["trace"]["result"]["sentence"]


@pytest.mark.usefixtures("built")
def test_a_message_that_cannot_be_read_leaves_its_sentence() -> None:
    data = json.loads(dumps(worked()))
    data["frames"][1]["said"] = {"text": "{value", "args": {}}
    data["result"]["said"] = {"text": "{value}", "args": {}}
    shown = inside(html(data))["trace"]
    assert shown["frames"][1] == {k: v for k, v in data["frames"][1].items() if k != "said"}
    assert shown["result"]["sentence"] == data["result"]["sentence"]
    assert "said" not in shown["result"]


def test_where_it_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPRIVER_PAGES", str(tmp_path))
    with pytest.raises(FileError, match=r"has no single\.json") as found:
        html(worked())
    assert "npm run build" in str(found.value)


@pytest.mark.usefixtures("built")
def test_it_shows_what_the_trace_says() -> None:
    data = worked()
    shown = inside(html(data))
    assert shown["title"] == "(w*x - y)**2"
    assert [shown["trace"]["nodes"][i]["gradient"]["data"] for i in (0, 3, 4)] == [-24.0, -8.0, -8.0]
    assert shown["labels"]["0"] == {"t": "w", "v": "2", "g": "−24", "d": -1}
    assert shown["math"]["n5"].startswith("<mrow><mi>L</mi><mo>=</mo>")
    assert set(shown["views"]["first"]["b"]) == {f"n{i}" for i in range(6)}


@pytest.mark.usefixtures("built")
def test_names_cannot_break_out() -> None:
    data = json.loads(dumps(worked()))
    bad = "</script><img src=x onerror=alert(1)>{{data}}"
    data["source"] = data["nodes"][0]["name"] = bad
    page = html(data)
    assert page.count("</script>") == 2
    assert inside(page)["trace"]["nodes"][0]["name"] == bad
    assert "<img" not in page.replace("\\u003cimg", "")
    HTMLParser().feed(page)


@pytest.mark.usefixtures("built")
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


@pytest.mark.usefixtures("built")
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


@pytest.mark.usefixtures("built")
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


@pytest.mark.usefixtures("built")
def test_what_is_not_a_trace() -> None:
    with pytest.raises(ArgumentError, match="not a trace"):
        html({"nodes": []})
