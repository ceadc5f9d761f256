"""The catalogues are complete, and their plurals are those of the Unicode CLDR."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from upriver.i18n import catalogue, languages, plurals
from upriver.i18n.__main__ import problems
from upriver.i18n.icu import Choice, read

FOLDER = Path(catalogue.__file__).parent


def test_nothing_is_missing_stray_or_unreadable() -> None:
    assert problems() == []


@pytest.mark.parametrize("code", languages())
def test_plural_rules_are_those_of_cldr(code: str) -> None:
    babel = pytest.importorskip("babel")
    rule = babel.Locale.parse(code).plural_form
    ours = catalogue.about(code).plurals
    assert [plurals.category(ours, n) for n in range(1200)] == [rule(n) for n in range(1200)]


@pytest.mark.parametrize("code", languages()[1:])
def test_plurals_have_the_forms_of_their_language(code: str) -> None:
    forms = {*catalogue.about(code).plurals, "other"}
    for path in (FOLDER / code).glob("*.json"):
        if path.name == "language.json":
            continue
        for translation in json.loads(path.read_text(encoding="utf-8")).values():
            for piece in read(translation):
                if isinstance(piece, Choice) and piece.kind == "plural":
                    assert {way for way in piece.ways if not way.startswith("=")} <= forms, translation


def test_the_check_needs_nothing_but_the_languages(tmp_path: Path) -> None:
    """As the build runs it: without the package around it, and without NumPy."""
    program = "import sys; sys.modules['numpy'] = None; import i18n.__main__ as m; print(len(m.problems()))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(FOLDER.parent)},
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "0\n", ran.stderr
