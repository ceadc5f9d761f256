"""The pages as a site without an engine: what the lesson and the slides can ask is asked now, and its answers kept."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..causes import cause
from ..errors import FileError, UpriverError
from .asks import ASKS, find
from .frames import plain
from .recorded import FIGURES, PROSE, key_of, openings, questions, within

MARK = '<meta name="upriver-engine" content="recorded">'
"""What tells a page that there is no engine behind it."""
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'"
)
_COMPRESSED = (".gz", ".br")


@dataclass(frozen=True)
class Site:
    """What was written.

    Attributes:
        folder: where.
        recorded: how many answers.
        size: bytes altogether.
    """

    folder: Path
    recorded: int
    size: int


def write_site(
    pages: Path,
    out: Path,
    *,
    figures: Path = FIGURES,
    prose: Path = PROSE,
    asks: Mapping[str, str] = ASKS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Site:
    """Write the site.

    Args:
        pages: the folder with the built pages.
        out: the folder to write; it is made, or holds an earlier site, which is replaced.
        figures: the file that says what the lesson and the slides can ask.
        prose: the folder with their texts, which link to the lab.
        asks: the questions that there are.
        progress: called with how many answers are recorded, and of how many.

    Raises:
        FileError: ``out`` holds something else, or cannot be written.
        UpriverError: a question of the lesson has no answer.
    """
    _make_room(out)
    told = json.loads(figures.read_text(encoding="utf-8"))
    texts = [path.read_text(encoding="utf-8") for path in sorted(prose.glob("*.md"))]
    opened = openings(told, texts)
    asked = {key_of(*question): question for question in (*questions(told), *opened)}
    try:
        shutil.copytree(pages, out, dirs_exist_ok=True, ignore=_not_wanted)
        (out / "index.html").write_text(_marked((pages / "index.html").read_text(encoding="utf-8")), encoding="utf-8")
        (out / ".nojekyll").touch()  # some hosts leave out files that begin with an underscore unless this is there
        (out / "recorded").mkdir()
        for name, given in opened:
            asked |= {key_of(*question): question for question in within(_answer(name, given, asks))}
        progress(0, len(asked))
        for done, (key, (name, given)) in enumerate(asked.items(), 1):
            answer = json.dumps(_answer(name, given, asks), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            (out / "recorded" / f"{key}.json").write_text(answer, encoding="utf-8")
            progress(done, len(asked))
    except UpriverError:
        raise
    except OSError as error:
        raise FileError(f"{out} cannot be written: {cause(error)}", at=False) from None
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Site(out, len(asked), size)


def _answer(name: str, given: dict[str, Any], asks: Mapping[str, str]) -> Any:
    """The answer; its sentences carry what they are made of, so that a page says them in any language."""
    from ..i18n import use

    with use("en"):
        try:
            return plain(find(name, asks)(given))
        except UpriverError as error:
            raise FileError(
                f"a figure asks {name} with {json.dumps(given)}, and that has no answer: {error.message}",
                "Mend figures.json.",
                at=False,
            ) from error


def _make_room(out: Path) -> None:
    """Take an earlier site away; anything else is left alone."""
    if not out.exists():
        return
    if not out.is_dir():
        raise FileError(f"{out} is a file", "Name a folder.", at=False)
    if not any(out.iterdir()):
        return
    index = out / "index.html"
    if not index.is_file() or MARK not in index.read_text(encoding="utf-8", errors="replace"):
        raise FileError(f"{out} holds something other than a site", "Name a new or empty folder.", at=False)
    for path in (out / "assets", out / "recorded"):
        if path.is_dir():
            shutil.rmtree(path)


def _not_wanted(folder: str, names: list[str]) -> list[str]:
    """Compressed forms, which a host makes itself, and what the build and the engine keep for themselves."""
    return [name for name in names if name.endswith((*_COMPRESSED, "single.json")) or name.startswith(".")]


def _marked(html: str) -> str:
    head = f'{MARK}\n    <meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n    '
    return re.sub(r"(<head[^>]*>\s*(?:<meta charset[^>]*>\s*)?)", lambda found: found.group(1) + head, html, count=1)
