"""The examples run, and run on PyTorch too with nothing but their import lines changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import upriver

EXAMPLES = Path(__file__).parent.parent / "examples"
SHORT = {
    "bigram.py": ("--steps", "30"),
    "char_mlp_by_hand.py": ("--steps", "30"),
    "gpt.py": ("--steps", "20", "--layers", "2", "--width", "32", "--batch", "16"),
}
IMPORTS = {
    "import upriver as torch": "import torch",
    "import upriver.nn.functional as F": "import torch.nn.functional as F",
    "from upriver import nn": "from torch import nn",
}

pytest.importorskip("names", reason="the examples learn from names: pip install names")


def run(file: Path, *arguments: str) -> str:
    """What the program prints."""
    source = str(Path(upriver.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, str(file), *arguments], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def on_torch(name: str, folder: Path) -> str:
    """The same program with PyTorch's import lines: what it prints."""
    pytest.importorskip("torch")
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    changed = [IMPORTS.get(line, line) for line in lines]
    assert sum(a != b for a, b in zip(lines, changed, strict=True)) >= 2
    copy = folder / name
    copy.write_text("\n".join(changed), encoding="utf-8")
    return run(copy, *SHORT[name])


def losses(output: str) -> list[float]:
    return [float(number) for number in re.findall(r"loss.*?(\d+\.\d{4})", output)]


def test_every_example_is_tested() -> None:
    assert {file.name for file in EXAMPLES.glob("*.py")} == set(SHORT)


def test_bigram(tmp_path: Path) -> None:
    """It starts at zero weights: every number is the same in both, but for the names that are made up."""
    ours = run(EXAMPLES / "bigram.py", *SHORT["bigram.py"])
    assert "loss of counting: 2.3449" in ours
    theirs = on_torch("bigram.py", tmp_path)
    plain = [[line for line in text.splitlines() if "made up" not in line] for text in (ours, theirs)]
    assert plain[0] == plain[1]


def rows(output: str) -> list[tuple[str, str]]:
    """Of the table of gradients: the name, and whether the two are approximately equal."""
    return re.findall(r"^(\w+) +(?:True|False) +(True|False) +[\d.e+-]+$", output, re.MULTILINE)


def test_char_mlp_by_hand(tmp_path: Path) -> None:
    ours = run(EXAMPLES / "char_mlp_by_hand.py", *SHORT["char_mlp_by_hand.py"])
    table = rows(ours)
    assert len(table) == 26
    assert all(close == "True" for _, close in table)
    assert losses(ours)[-1] < 3.3
    assert rows(on_torch("char_mlp_by_hand.py", tmp_path)) == table


def test_gpt(tmp_path: Path) -> None:
    ours = losses(run(EXAMPLES / "gpt.py", *SHORT["gpt.py"]))
    theirs = losses(on_torch("gpt.py", tmp_path))
    # The same start (the logarithm of the number of symbols, nearly), then other random streams.
    assert ours[0] == theirs[0]
    assert ours[1] == pytest.approx(ours[0], abs=0.1)
    assert ours[-1] < ours[1] - 0.3
    assert theirs[-1] == pytest.approx(ours[-1], abs=0.25)
