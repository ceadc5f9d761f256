"""The English that the code says: the templates of ``say`` and ``t``, and the messages of errors.

Only literals can be found, so only literals are allowed; what cannot be read is reported with its place.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from .raised import Raised

PACKAGE = Path(__file__).parent.parent
PAGES = PACKAGE.parent.parent / "web" / "src"
"""Where the pages' sources are, in a checkout; an installed package has none."""

_IN_PAGES = ("explain", "web", "train/flow.py")
"""What of the package speaks in pages too: its sentences are a catalogue of their own, which the pages load."""
_T = re.compile(r"""\bt\(\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[^\s)])""")


@dataclass
class Found:
    """What was found: for each catalogue its templates, and what could not be read."""

    templates: dict[str, dict[str, str]] = field(
        default_factory=lambda: {name: {} for name in ("pages", "sentences", "terminal", "errors")}
    )
    """Catalogue → template → where it is said first."""
    unreadable: list[str] = field(default_factory=list)


def everything() -> Found:
    """All templates of the package and, in a checkout, of its pages."""
    found = Found()
    trees: dict[str, ast.Module] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("i18n/"):
            trees[name] = ast.parse(path.read_text(encoding="utf-8"))
            _said(trees[name], name, found)
    raised = Raised(trees)
    found.templates["errors"] = raised.templates
    found.unreadable += raised.unreadable
    for path in sorted([*PAGES.rglob("*.ts"), *PAGES.rglob("*.tsx")]) if PAGES.exists() else []:
        if path.parent.name != "i18n":  # where t and say are made
            _typescript(path.read_text(encoding="utf-8"), f"web/src/{path.relative_to(PAGES).as_posix()}", found)
    return found


def _said(tree: ast.AST, name: str, found: Found) -> None:
    """The templates of ``say``, which are literals."""
    catalogue = "sentences" if name.startswith(_IN_PAGES) else "terminal"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and "say" in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            place, text = f"{name}:{node.lineno}", node.args[0] if node.args else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                found.templates[catalogue].setdefault(text.value, place)
            else:
                found.unreadable.append(f"{place}: {ast.unparse(node)[:100]}")


def _typescript(text: str, name: str, found: Found) -> None:
    for match in _T.finditer(text):
        literal, place = match[1], f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        if literal[0] == '"':
            found.templates["pages"].setdefault(json.loads(literal), place)
        elif literal[0] in "'`" and "${" not in literal:
            found.templates["pages"].setdefault(literal[1:-1].replace("\\'", "'"), place)
        elif not re.search(r"function\s*$|export\s*$", text[: match.start()]):
            found.unreadable.append(f"{place}: {literal}")
