"""``upriver explain``: what it prints and writes, and how it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from upriver.cli import main

LESSON = ["explain", "(w*x - y)**2", "w=2", "x=3", "y=10"]


def test_the_lessons_example(capsys: Any) -> None:
    assert main(LESSON) == 0
    out = capsys.readouterr().out
    for line in ("w * x               = 6", "w * x - y           = -4", "= 16", "dL/dw = -24: raising w lowers L"):
        assert line in out
    assert "dL/dx" not in out


def test_the_slides_example(capsys: Any) -> None:
    assert main(["explain", "(w*x + b - y)**2", "w=1", "b=0", "x=2.1", "y=4", "--wrt", "w,b"]) == 0
    out = capsys.readouterr().out
    assert "dL/dw = -7.98:" in out
    assert "dL/db = -3.8:" in out
    assert "7.979999" not in out


def test_latex_json_and_unsimplified(capsys: Any) -> None:
    assert main([*LESSON, "--latex"]) == 0
    assert capsys.readouterr().out.startswith(r"\begin{aligned}")
    assert main([*LESSON, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["gradient"] == -24
    assert main([*LESSON, "--unsimplified"]) == 0
    assert "1 * 2 * (w * x - y)" in capsys.readouterr().out


def test_an_entry_and_an_expression_that_begins_with_a_minus(capsys: Any) -> None:
    assert main(["explain", "-sum((W @ x)**2)", "W=[[1,2],[3,4]]", "x=[1,-1]", "--wrt", "W[0,-1], x"]) == 0
    out = capsys.readouterr().out
    assert "dL/dW[0, 1] = -2" in out
    assert "dL/dx = [" in out


def test_no_line_of_our_own_is_shown(capsys: Any) -> None:
    main(LESSON)
    assert ".py" not in capsys.readouterr().out


def test_a_picture(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("upriver.explain.picture")
    path = tmp_path / "new" / "graph.svg"
    assert main([*LESSON, "--svg", str(path)]) == 0
    assert "</svg>" in path.read_text(encoding="utf-8")
    assert "24" in path.read_text(encoding="utf-8")


def test_mermaid(capsys: Any) -> None:
    pytest.importorskip("upriver.explain.diagram")
    assert main([*LESSON, "--mermaid"]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.usefixtures("built")
def test_a_trace_and_a_page(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("upriver.explain.trace")
    pytest.importorskip("upriver.explain.page")
    trace, page = tmp_path / "trace.json", tmp_path / "page.html"
    assert main([*LESSON, "--trace", str(trace), "--html", str(page)]) == 0
    assert json.loads(trace.read_text(encoding="utf-8"))
    assert "<html" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["w*x", "w=2"], "no value for x"),
        (["foo(w)", "w=2"], "no function 'foo'"),
        (["w.shape", "w=2"], "not in the language"),
        (["__import__('os').system('true')"], "a call of anything but a function's name"),
        (["w*x", "w=1", "x=2", "z=3"], "the expression has no z"),
        (["w*x", "w=1", "x=2", "--wrt", "z"], "the expression has no z"),
        (["w*x", "w=1", "x=2", "--wrt", "w,"], "not a name or an entry"),
        (["w*x", "w=1", "x=2", "--wrt", "w,w"], "twice"),
        (["w*x", "w=1", "x=2", "--wrt", "w[0]"], "has shape []"),
        (["sum(w)", "w=[1,2]", "--wrt", "w[2]"], "has shape [2]"),
        (["sum(w)", "w=[1,2]", "--wrt", "w[-3]"], "has shape [2]"),
        (["sum(w)", "w=[1,2]", "--wrt", "w[0,0]"], "has shape [2]"),
        (["sum(w)", "w=[1,2]", "--wrt", "w[-]"], "not an index"),
        (["w*x", "w=abc", "x=1"], "'abc' is not a number"),
        (["w*x", "w=[1,[2]]", "x=1"], "is not a number"),
        (["w*x", "w", "x=1"], "does not give a name a value"),
        (["w*x", "w=1", "w=2", "x=1"], "given two values"),
        (["W @ x", "W=[[1,2]]", "x=[1,2,3]"], "do not fit"),
        (["w*2", "w=[1,2]"], "gives shape [2]"),
        (["w", "w=1"], "only a name"),
        (["2*3"], "no names"),
        (["floor(w) > 1", "w=1"], "comparisons"),
        (["w*x", "w=1", "x=2", "--bogus"], "not understood"),
        ([""], "nothing was given"),
        ([], "EXPRESSION"),
        (["sum(w)", "w=[1,2]", "--wrt", ""], "not a name or an entry"),
        (["w * 2", "w=2", "--wrt", "w[0]"], "it is one number"),
        (["w + 9.0**9**9", "w=1"], "too large to write down"),
        (["w + 1/0", "w=1"], "a division by zero"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(arguments: list[str], why: str, capsys: Any) -> None:
    assert main(["explain", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
    assert "Traceback" not in err
    assert err.startswith("upriver explain: ")


def test_a_gradient_that_does_not_reach_is_said(capsys: Any) -> None:
    assert main(["explain", "h = w*x; x*2", "w=1", "x=2", "--wrt", "w"]) == 2
    assert "w has no influence on the result" in capsys.readouterr().err


def test_help(capsys: Any) -> None:
    assert main(["explain", "--help"]) == 0
    assert "--wrt" in capsys.readouterr().out


def test_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "upriver", *LESSON], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "dL/dw = -24" in done.stdout
