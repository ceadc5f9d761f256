"""The terminal in a language that marks what it says: every command, and what is wrong with its arguments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from upriver.cli import main
from upriver.cli.arguments import ACTIVATIONS, OPTIMIZERS, SCHEDULES, build_parser
from upriver.recipes import RECIPES

from .marks import english

pytestmark = pytest.mark.usefixtures("pseudo")

COMMANDS = ("train", "resume", "runs", "show", "explain", "step", "blame", "learn", "site")
NAMES = {
    "upriver", *COMMANDS, *RECIPES, *ACTIVATIONS, *OPTIMIZERS, *SCHEDULES, "mlp", "cnn", "tanh", "sum", "flowers",
    "csv", "species", "prices", "price", "last", "update", "public", "python", "http", "server", "data", "loss", "lr",
    "accuracy", "sensitivity", "weight", "gradient", "test", "val", "operation", "module", "trace", "graph", "less",
    "dL", "dw", "hidden", "output", "bias", "digts", "modle", "Linear", "Ctrl", "MLP", "act", "leaky", "json", "page",
    "ReLU", "embedding", "Embedding",
}  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main(list(words))
    out = capsys.readouterr()
    return out.out + out.err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, *([command] if command else []), "--help")
    assert english(text, NAMES) == []
    assert text.count("⟦") > 5


@pytest.mark.parametrize(
    "words",
    [
        "trian", "mnist", "train", "train digts", "train digits --modle cnn", "train digits --model cn",
        "train digits --epochs x", "train digits --epochs 0", "train digits --lr -1", "train digits --dropout 2",
        "train digits --seed -1", "train digits --lr", "train moons --model cnn", "train --data x.csv",
        "train --data x.csv --target y", "train digits --target y", "explain", "explain w*", "explain w*x w=1",
        "explain w*2 w=one", "explain w*2 w", "step w^2 w=1", "blame nowhere", "resume nowhere", "show nowhere",
        "step trace.json --wrt w", "learn --port x", "train digits --compile --no-compile=3",
    ],
)  # fmt: skip
def test_wrong_arguments(
    words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = told(capsys, *words.split())
    text = re.sub(r"\n  ⟪.*\n  ⟪ *⟫\^", "", text)
    given = {word.strip("-") for word in words.replace("=", " ").split()}
    assert english(text, {*NAMES, *given, "nowhere", "No", "such", "file", "or", "directory"}) == []
    assert "⟦" in text


def test_a_run_from_beginning_to_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {*NAMES, "one", "two", "three"}
    for words in (
        "runs", "train xor --epochs 2 --hidden 4 --out one", "runs .", "show one", "resume one", "blame one",
        "blame one --measure update --sample 3,5", "blame one --wrong 999", "blame one --within taste",
        "train spiral --epochs 3 --hidden 3 --patience 1 --lr 0.5 --out two", "show two",
        "train names --epochs 1 --hidden 4 --batch-size 8192 --out three",
    ):  # fmt: skip
        text = told(capsys, *words.split())
        text = re.sub(r"\S+\.py:\d+: .*", "", text)  # lines of code
        if "three" in words:
            text = re.sub(r"(makes up⟧)\n(?:  [^⟦]*\n)+", r"\1\n", text)  # the names that it made up
        assert english(text, {*names, *words.replace("/", " ").split()}) == [], words
    for picture in tmp_path.glob("*/*.svg"):
        words_ = re.sub(r"<style>.*?</style>|<[^>]*>", "\n", picture.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert english(words_, names) == [], picture.name
        assert "⟦" in words_


def test_explaining_and_stepping(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["explain", "(w*x - y)**2"], ["step", "(w*x - y)**2"], ["step", "(w*x - y)**2", "--by", "module"]):
        text = told(capsys, words[0], words[1], "w=2", "x=3", "y=10", *words[2:])
        assert english(re.sub(r"^ *d.*/.*=.*$", "", text, flags=re.MULTILINE), NAMES) == []


def test_columns_line_up_in_a_wide_script() -> None:
    assert build_parser().format_help().count("⟦") > 5


def test_what_was_said_by_argparse_before_is_said_again() -> None:
    import argparse

    before = argparse._  # type: ignore[attr-defined]
    with pytest.raises(SystemExit):
        from upriver.cli.arguments import parse

        parse(["--help"])
    assert argparse._ is before  # type: ignore[attr-defined]
