"""What is drawn is so: pictures of the pages compared with the engine, asked in Python."""

from __future__ import annotations

import base64
import json
import re
import zlib
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from upriver.web.asks import find as question
from upriver.web.frames import plain
from upriver.web.sessions.playground.session import Playground

from .waiting import until

READY = "[data-testid=play]:not([disabled])"
PIXELS = """() => {
  const canvas = document.querySelector('[data-testid=map-0] canvas');
  const seen = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, [...seen.data].filter((_, i) => i % 4 !== 3)];
}"""


def value(text: str) -> float:
    """A number as the pages write it."""
    found = re.search(r"−?[\d.]+(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?", text.replace(",", ""))
    assert found, text
    mantissa, _, power = found[0].replace("−", "-").partition("·10")
    return float(mantissa) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)


def unpacked(text: str) -> Any:
    """The state that a link carries (web/src/engine/link.ts)."""
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), -15))


def test_the_map_and_the_gradient_flow_are_those_of_the_same_network_in_python(opened: Any) -> None:
    page = opened().go("#/playground?preset=xor", READY)
    for _ in range(7):
        page.click("[data-testid=step]")
    until(page, lambda: page.inner_text("[data-testid=at]") == "7")
    link = page.evaluate("location.hash")
    assert "s=" in link
    given = unpacked(link.split("s=")[1])
    made = Playground({"sides": given["sides"]})
    made.tell("step", {"count": 7})
    frame = made.advance(0.0)
    assert frame is not None
    side, pixels = page.evaluate(PIXELS)
    painted = np.array(pixels, float).reshape(side, side, 3)
    # Blue where it says class 1, orange where class 0: more blue than red, or less.
    bluer = painted[..., 2] - painted[..., 0]
    shade = np.asarray(frame.arrays["0.map"], float).reshape(60, 60)
    assert side == 60
    sure = np.abs(shade - 127.5) > 12
    assert sure.sum() > 200
    assert ((bluer > 0) == (shade > 127.5))[sure].all()
    norms = plain(frame.numbers)["sides"][0]["norms"]
    shown = page.inner_text("[data-testid=flow-0]")
    for norm in norms:
        assert any(abs(value(word) - norm) <= 0.01 * norm for word in re.findall(r"[−\d][\d.,·⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*", shown)), (
            norm,
            shown,
        )


def test_a_river_is_as_wide_as_its_gradient(opened: Any) -> None:
    page = opened().go("#/learn/forward")
    river = page.locator('[data-figure="river"]').first
    river.scroll_into_view_if_needed()
    river.locator("path[stroke-width]").first.wait_for()
    widths = river.locator("path[stroke-width]").evaluate_all(
        "all => all.map(one => Number(one.getAttribute('stroke-width')))"
    )
    figures = json.loads((files("upriver.web") / "figures.json").read_text(encoding="utf-8"))
    edges = question("derive")(figures["figures"]["river"]["asks"][0]["with"])["trace"]["edges"]
    products = [abs(edge["product"]["data"]) for edge in edges if edge.get("product")]
    # 38 pixels for the largest; none narrower than 2.5, or 1.5 where nothing flows.
    wanted = [1.5 if product == 0 else max(2.5, 38 * product / max(products)) for product in products]
    assert sorted(widths) == pytest.approx(sorted(wanted))


def test_probabilities_and_attention_add_up_to_one(opened: Any) -> None:
    page = opened().go("#/words", "[data-testid=likely] li")
    shares = page.locator("[data-testid=likely] li").all_inner_texts()
    rest = page.inner_text("text=/All other symbols together/")
    total = sum(value(text.split("\n")[-1].replace("%", "")) for text in shares) + value(rest.split(":")[-1])
    assert total == pytest.approx(100, abs=0.1)


def test_every_number_of_the_lab_is_the_engines(opened: Any) -> None:
    page = opened().go("#/lab?e=tanh(w*x%2Bb)*v-y&w=0.3&x=2&b=-0.1&v=1.5&y=1", '.lab[data-ready="1"]')
    page.locator(".graph .box").first.wait_for()
    derived = question("derive")(
        {"expression": "tanh(w*x+b)*v-y", "values": {"w": 0.3, "x": 2, "b": -0.1, "v": 1.5, "y": 1}}
    )
    nodes = {node["name"]: node for node in derived["trace"]["nodes"]}
    for text in page.locator(".graph .box").all_text_contents():
        name = text.split(" = ")[0]
        if name in nodes and "gradient" in text:
            assert value(text.split("gradient")[1]) == pytest.approx(nodes[name]["gradient"]["data"], rel=1e-3)
            assert value(text.split(" = ")[-1]) == pytest.approx(nodes[name]["value"]["data"], rel=1e-3)
