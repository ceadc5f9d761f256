"""What the pages show as output is what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from upriver.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [page for name in ("README.md", "docs/explain.md", "docs/trace.md") if (page := ROOT / name).exists()]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(
        r"```console\n\$ upriver ((?:explain|step) .*)\n((?:.*\n)*?)```", page.read_text(encoding="utf-8")
    )
]


@pytest.mark.parametrize(("command", "expected"), BLOCKS, ids=[command[:40] for command, _ in BLOCKS])
def test_the_output_on_the_page(command: str, expected: str, capsys: Any) -> None:
    status = main(shlex.split(command))
    out, err = capsys.readouterr()
    assert (out + err).strip() == expected.strip()
    assert status == (2 if err else 0)
