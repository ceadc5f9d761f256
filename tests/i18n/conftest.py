"""The pseudo-language as a language of Upriver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from upriver.i18n import catalogue, errors, extract, use

from .marks import marked


@pytest.fixture(scope="session")
def templates() -> extract.Found:
    """Every text of the package."""
    return extract.everything()


@pytest.fixture
def pseudo(templates: extract.Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything said in the pseudo-language ``xx`` while the test runs."""
    for code in ("en", "xx"):
        folder = tmp_path / "languages" / code
        folder.mkdir(parents=True)
        about = json.loads((catalogue.HERE / "en" / "language.json").read_text(encoding="utf-8"))
        (folder / "language.json").write_text(json.dumps(about), encoding="utf-8")
    for name in (*catalogue.READ_BY_PYTHON, "pages"):
        texts = {text: marked(text) for text in templates.templates[name]}
        (tmp_path / "languages" / "xx" / f"{name}.json").write_text(json.dumps(texts), encoding="utf-8")
    monkeypatch.setattr(catalogue, "HERE", tmp_path / "languages")
    catalogue.forget()
    errors._templates.cache_clear()
    with use("xx"):
        yield
    monkeypatch.undo()
    catalogue.forget()
    errors._templates.cache_clear()
