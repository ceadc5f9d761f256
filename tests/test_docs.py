"""The documentation says what is so: its examples run, its links lead somewhere, its reference is the registry's."""

from __future__ import annotations

import doctest
import importlib
import re
import runpy
from pathlib import Path

import pytest

import upriver.nn

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
EXAMPLES = [page for page in PAGES if re.search(r"^ *>>> ", page.read_text(encoding="utf-8"), re.MULTILINE)]
LINK = re.compile(r"\]\(([^)\s]+)\)|<img[^>]*\ssrc=\"([^\"]+)\"")


def _label(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made where it is shown."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", EXAMPLES, ids=_label)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # for what an example writes
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=flags, encoding="utf-8")
    assert tried
    assert failed == 0, f"{failed} of {tried} examples of {_label(page)} fail; the output says which"


@pytest.mark.parametrize("page", PAGES, ids=_label)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for match in LINK.finditer(text):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), f"{_label(page)}: {target} leads nowhere"
        if anchor and found.suffix == ".md":
            assert anchor in _anchors(found), f"{_label(page)}: {target} has no such heading"


def test_index_names_every_page() -> None:
    linked = {match[1] for match in LINK.finditer((ROOT / "docs" / "README.md").read_text(encoding="utf-8"))}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} - linked == set()


def test_reference_is_what_the_registry_says() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))
    written = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert script["page"]() == written, "run: python docs/make_reference.py"


def _public(module: str) -> list[str]:
    return [name for name in vars(importlib.import_module(module)) if name[0] != "_"]


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("nn", [name for name in upriver.nn.__all__ if name[0].isupper()]),
        ("nn", [name for name in _public("upriver.nn.init") if name.endswith("_")]),
        ("optim", [name for name in _public("upriver.optim") if name[0].isupper() and name != "Optimizer"]),
        ("optim", [name for name in _public("upriver.optim.lr_scheduler") if name != "LRScheduler"]),
        ("data", [name for name in _public("upriver.data") if name.startswith(("load_", "read_"))]),
        ("errors", [name for name in _public("upriver.errors") if name.endswith("Error")]),
        ("cli", ["train", "resume", "runs", "show", "explain", "step", "blame", "learn", "site"]),
    ],
)
def test_pages_name_everything(page: str, names: list[str]) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert names
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []
