from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from upriver.train import Run
from upriver.train.report import draw_pictures, print_report


def layer(name: str, gradient: float, dead: float | None = 0.0) -> dict[str, Any]:
    return {"layer": name, "kind": "Linear", "parameters": 12, "gradient": gradient, "update": 1e-3, "dead": dead}


def a_run(folder: Path, layers: list[dict[str, Any]], **result: Any) -> Run:
    run = Run.create("shapes", {"options": {"model": "mlp", "hidden": [8, 4], "lr": 30.0}}, root=folder)
    run.log(event="start", step=0, pid=1)
    run.log(event="epoch", epoch=1, step=2, train_loss=1.5, val_loss=1.25, elapsed=75.0)
    entry = {"parameter": "a.weight", "index": [0, 1], "value": -0.5, "gradient": 0.25}
    run.log(event="flow", epoch=1, step=2, layers=layers, largest=[entry, {**entry, "gradient": -0.125}])
    run.log(event="end", status="finished", step=2, reason="no better val_loss for 3 epochs")
    if result:
        run.log(event="test", loss=1.0, measure="accuracy", samples_tested=9, epoch=1, **result)
    run.close()
    return run


def told(run: Run, width: int = 80, ideas: Any = ()) -> str:
    out = io.StringIO()
    print_report(Console(file=out, width=width), run, ideas)
    text = out.getvalue()
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    return text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_everything_is_told(tmp_path: Path, width: int) -> None:
    names = ["T-shirt/top", "bag", "boot"]
    run = a_run(tmp_path, [layer("a", 0.1), layer("b", 0.2, None)], accuracy=0.75, classes=names,
                confusion=[[3, 1, 0], [0, 3, 0], [0, 0, 2]])  # fmt: skip
    assert draw_pictures(run, None) == ["curves.svg", "gradient_flow.svg", "confusion.svg"]
    text = told(run, width)
    for words in ("shapes: finished after 1 epoch, 1 min 15 s", "no better val_loss", "75.00 %", "8 right of 9",
                  "1 × T-shirt/top taken for bag", "a.weight[0, 1]", "+2.500e-01", "curves.svg"):  # fmt: skip
        assert words in text, words
    if width >= 80:
        assert "raising it lowers the loss" in text


def test_short_names_make_a_matrix(tmp_path: Path) -> None:
    run = a_run(tmp_path, [layer("a", 0.1)], accuracy=0.5, classes=["0", "1"], confusion=[[1, 2], [0, 3]])
    assert "  0  1  2   33 %" in told(run)


def test_many_classes_are_told_by_their_mistakes(tmp_path: Path) -> None:
    n = 20
    matrix = [[5 if i == j else 7 if (i, j) == (3, 4) else 0 for j in range(n)] for i in range(n)]
    text = told(
        a_run(tmp_path, [layer("a", 0.1)], accuracy=0.9, classes=[f"class {i}" for i in range(n)], confusion=matrix)
    )
    assert "7 × class 3 taken for class 4" in text
    assert "class 19" not in text


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([layer("a", 1e-7), layer("b", 1.0)], "vanishing: a gets 1e-07 of what b gets"),
        ([layer("a", 1e5), layer("b", 1.0)], "growing on its way back: a gets 1e+05 times what b gets"),
        ([layer("a", 0.0, 1.0), layer("b", 1.0)], "no gradient reaches a any more"),
    ],
)
def test_what_is_plainly_wrong_is_said(tmp_path: Path, layers: list[dict[str, Any]], words: str) -> None:
    assert words in told(a_run(tmp_path, layers))


def test_what_was_tried_is_not_proposed_again(tmp_path: Path) -> None:
    ideas = [("--hidden 8,4", "the same"), ("--lr 30", "the same"), ("--lr 30 --model cnn", "something new")]
    text = told(a_run(tmp_path, [layer("a", 0.1)]), ideas=ideas)
    assert "the same" not in text
    assert "upriver train shapes --lr 30 --model cnn" in text


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    assert draw_pictures(run, None) == []
    assert "x: failed after 0 epochs" in told(run)
