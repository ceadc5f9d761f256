"""The site without an engine: everything that a figure can ask is there, under the name by which the page looks."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from upriver.errors import FileError
from upriver.web.asks import ASKS
from upriver.web.recorded import canonical, key_of, number, openings, questions, within
from upriver.web.site import MARK, write_site

NODE = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
ENGINE = Path(__file__).parents[3] / "web" / "src" / "engine" / "recorded.ts"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"), (2, "2"), (0.1, "0.1"), (-0.5, "-0.5"), (1e-7, "1e-7"), (1e21, "1e+21"), (1e20, "1" + "0" * 20),
        (123456789012345680000.0, "123456789012345680000"), (1.5e300, "1.5e+300"), (1e16, "10000000000000000"),
        (0.000001, "0.000001"), (1.25e-7, "1.25e-7"), (0.00012, "0.00012"), (-0.0, "0"), (0, "0"), (12.5, "12.5"),
        (5e-324, "5e-324"), (2**53 + 1, "9007199254740992"), (1e15 + 0.5, "1000000000000000.5"), (100.0, "100"),
    ],
)  # fmt: skip
def test_numbers_as_javascript_prints_them(value, text):
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_mean_what_they_meant(value):
    assert float(number(value)) == value
    assert len(number(value)) <= 25


def test_a_key_is_the_one_that_pages_compute() -> None:
    assert key_of("derive", {"e": "é", "w": [2.0, 1e-7]}) == "f402c3c7ba25fdaf"  # as web/test/engine.test.ts has it


def test_canonical_text():
    assert canonical({"b": {"y": [True, None], "x": 'ω\n"'}, "a": 1.0}) == '{"a":1,"b":{"x":"ω\\n\\"","y":[true,null]}}'
    assert canonical({"￿": 1, "𝄞": 2}) == '{"𝄞":2,"￿":1}'  # in UTF-16 the second begins with a surrogate
    with pytest.raises(TypeError):
        canonical({1, 2})


@pytest.mark.skipif(NODE is None or not ENGINE.exists(), reason="there is no Node, or no source")
def test_the_page_agrees():
    values = [
        {"ask": "derive", "with": {"values": {"w": 2.0, "x": [0.1, 1e-7, 1e21, -0.0]}, "expression": "(w*x)**2"}},
        {"b": "ω \u0007 \u2028 \"\\/", "a": [True, None, {}]},
        {"￿": 1, "𝄞": 2, "": 3},
        [10.0**k for k in range(-30, 30)],
        [math.pi * 10.0**k for k in range(-30, 30)],
        [2**k for k in range(80)],
    ]  # fmt: skip
    script = (
        f"import {{ canonical }} from {json.dumps(ENGINE.as_uri())};"
        f"console.log(JSON.stringify({json.dumps(values)}.map(canonical)));"
    )
    command = [NODE, "--experimental-strip-types", "--no-warnings", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "bad option" in done.stderr or "Unknown file extension" in done.stderr:
        pytest.skip("this Node does not read TypeScript")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [canonical(value) for value in values]


FIGURES = {
    "figures": {
        "one": {
            "asks": [
                {"ask": "fake", "with": {"x": 1, "deep": {"y": 2}}, "vary": {"x": [1, 2], "deep.y": [2.0, 3]}},
                {"ask": "fake", "with": {"x": 9}},
            ]
        },
        "two": {"asks": [{"ask": "fake", "with": {"x": 9.0}}]},
    },
    "predict": {"guess": {"expression": "w*w", "values": {"w": 2}, "name": "w", "choices": [1, 2]}},
}


def test_every_combination_is_asked_once():
    asked = questions(FIGURES)
    assert [given for ask, given in asked if ask == "fake"] == [
        {"x": 1, "deep": {"y": 2}}, {"x": 1, "deep": {"y": 3}}, {"x": 2, "deep": {"y": 2.0}},
        {"x": 2, "deep": {"y": 3}}, {"x": 9},
    ]  # fmt: skip
    assert ("mistakes", {"expression": "w*w", "values": {"w": 2}, "name": "w", "given": 1}) in asked
    assert len(asked) == 7


def test_what_links_open_in_the_lab():
    text = (
        "[a](#/lab?e=(w*x-y)**2&w=2&x=[1,2]&y=-1/3&at=4) and ([b](#/lab?e=(w*x)*(w%2B1)&w=2.0)), "
        "[again](#/lab?e=(w*x)*(w%2B1)&w=2), [elsewhere](#/glossary/w)."
    )
    assert openings(FIGURES, [text]) == [
        ("derive", {"expression": "w*w", "values": {"w": 2}}),
        ("derive", {"expression": "(w*x-y)**2", "values": {"w": 2, "x": [1, 2], "y": "-1/3"}}),
        ("derive", {"expression": "(w*x)*(w+1)", "values": {"w": 2}}),
    ]
    assert openings({"figures": {}}, ["[cut off](#/lab?e=(w"]) == [("derive", {"expression": "(w", "values": {}})]


def test_what_the_lab_can_ask_about_a_derivation():
    from upriver.web.asks import find

    derived = find("derive")({"expression": "sum(w*x)", "values": {"w": [1, 2], "x": 3}})
    asked = within(derived)
    assert ("check", {"expression": "sum(w*x)", "values": derived["values"], "name": "w", "entry": [0]}) in asked
    assert ("paths", {"expression": "sum(w*x)", "values": derived["values"], "name": "x"}) in asked
    assert all(find(name)(given) for name, given in asked)


@pytest.fixture
def site(pages, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(FIGURES))
    asks = {**ASKS, "fake": "fakes.engine", "mistakes": "fakes.engine"}
    (tmp_path / "prose").mkdir()
    (tmp_path / "prose" / "lesson.md").write_text("[the lab](#/lab?e=w*w&w=3)")
    return lambda out: write_site(pages, out, figures=figures, prose=tmp_path / "prose", asks=asks)


def test_a_site(site, tmp_path, pages):
    (pages / "assets" / "main-abc.js.gz").write_bytes(b"")
    (pages / "single.json").touch()  # for explain(…).html(), which a site has not
    out = tmp_path / "deep" / "public"
    made = site(out)
    derived = key_of("derive", {"expression": "w*w", "values": {"w": 3}})
    assert (out / "recorded" / f"{derived}.json").is_file()
    html = (out / "index.html").read_text()
    assert html.index(MARK) < html.index("<title>")
    assert "Content-Security-Policy" in html
    assert sorted(path.name for path in (out / "assets").iterdir()) == ["main-abc.js"]
    assert not (out / "single.json").exists()
    answer = json.loads((out / "recorded" / f"{key_of('fake', {'deep': {'y': 3}, 'x': 2})}.json").read_text())
    assert answer["echo"] == 2
    (out / "recorded" / "stale.json").touch()
    site(out)
    assert len(list((out / "recorded").iterdir())) == made.recorded


def test_a_folder_with_other_things_is_left_alone(site, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match="something other"):
        site(tmp_path)
    with pytest.raises(FileError, match="is a file"):
        site(tmp_path / "mine.txt")
    (tmp_path / "index.html").write_text("<title>mine</title>")
    with pytest.raises(FileError, match="something other"):
        site(tmp_path)


def test_a_question_without_an_answer_is_named(pages, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps({"figures": {"one": {"asks": [{"ask": "fake", "with": {"do": "refuse"}}]}}}))
    with pytest.raises(FileError, match=r'a figure asks fake with {"do": "refuse"}.*3 is not allowed'):
        write_site(pages, tmp_path / "out", figures=figures, prose=tmp_path, asks={"fake": "fakes.engine"})
