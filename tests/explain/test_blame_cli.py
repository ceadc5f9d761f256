"""``upriver blame`` on runs that were really trained."""

from __future__ import annotations

import json
import math
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from upriver.cli import main
from upriver.train import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blame")
    assert main(["train", "digits", "--quiet", "--epochs", "2", "--out", str(folder / "runs" / "first")]) == 0
    return folder


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def test_a_wrong_prediction(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert main(shlex.split("blame --json --top 3")) == 0
    out = capsys.readouterr().out
    told = json.loads(out.splitlines()[-1])
    assert "wrongly taken for" in told["about"][0]
    first = told["blame"]["measures"]["sensitivity"]["weights"][0]
    way, deep = told["paths"]  # of the first weight, and of the first of those next to the input
    assert first["name"] == way["name"]
    assert first["value"] == way["gradient"] == way["stored"]
    assert deep["name"].startswith("hidden.0.")
    assert deep["gradient"] == deep["stored"]
    assert deep["count"] > 100
    assert first["name"] in out
    assert "recipes" in way["paths"][0]["factors"][-1]["line"]
    (sample,) = told["samples"]
    for end in ("txt", "svg", "json"):
        assert (folder / "runs" / "first" / f"blame-test-{sample}.{end}").stat().st_size > 100
    ET.parse(folder / "runs" / "first" / f"blame-test-{sample}.svg")


def test_the_loss_is_that_of_the_prediction(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blame", "first", "--json", "--quiet"]) == 0
    told = json.loads(capsys.readouterr().out)
    (percent,) = re.findall(r"has ([\d.]+)%", told["about"][0])
    assert math.exp(-told["blame"]["loss"]) == pytest.approx(float(percent) / 100, abs=6e-4)  # no dropout


def test_paths_of_the_first_weight_of_a_module(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split("blame first --within hidden.1 --json --quiet")) == 0
    (way,) = json.loads(capsys.readouterr().out)["paths"]
    assert way["name"].startswith("hidden.1.")


def test_the_next_wrong_prediction_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    samples = []
    for n in "01":
        assert main(["blame", "first", "--wrong", n, "--json", "--quiet"]) == 0
        samples += json.loads(capsys.readouterr().out)["samples"]
    assert samples[0] < samples[1]


def test_chosen_samples_and_measures(capsys: pytest.CaptureFixture[str]) -> None:
    for measure in ("update", "weight"):
        assert main(shlex.split(f"blame first --sample 3,17 --measure {measure} --lr 0.1 --part val")) == 0
        out = capsys.readouterr().out
        assert "val sample 3 is" in out
        assert "val sample 17 is" in out
    assert (Run.open("first").folder / "blame-val-3-17.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("blame nowhere", "there is no run 'nowhere'"),
        ("blame first --sample 100000", "--sample 100000 is not there"),
        ("blame first --sample two", "'two' is not a whole number"),
        ("blame first --sample 1 --wrong 1", "Give one of them"),
        ("blame first --wrong 90000", "--wrong 90000 is not there"),
        ("blame first --wrong -1", "--wrong"),
        ("blame first --part all", "there is no part 'all'"),
        ("blame first --measure guilt", "there is no measure 'guilt'"),
        ("blame first --lr 0", "greater than 0"),
        ("blame first --lr fast", "is not a number"),
        ("blame first --within hidden.7", "There are hidden.0, hidden.1, output"),
        ("blame first --top 0", "--top 0"),
    ],
)
def test_wrong_usage(arguments: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(arguments)) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blame", "--help"]) == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert max(map(len, out.splitlines())) <= 80
