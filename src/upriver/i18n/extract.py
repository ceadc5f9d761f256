"""The English that the code says: the templates of ``say`` and ``t``, and the messages of errors.

Only literals can be found, so only literals are allowed; what cannot be read is reported with its place.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

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
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("i18n/"):
            _python(ast.parse(path.read_text(encoding="utf-8")), name, found)
    for path in sorted([*PAGES.rglob("*.ts"), *PAGES.rglob("*.tsx")]) if PAGES.exists() else []:
        _typescript(path.read_text(encoding="utf-8"), f"web/src/{path.relative_to(PAGES).as_posix()}", found)
    return found


def _python(tree: ast.AST, name: str, found: Found) -> None:
    said = "sentences" if name.startswith(_IN_PAGES) else "terminal"
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called == "say":
            _note(found, said, node.args[:1], f"{name}:{node.lineno}", literal_only=True)
        elif called == "_refuse":
            _note(found, "errors", node.args[2:4], f"{name}:{node.lineno}")
        elif called.endswith("Error") and called in ERRORS:
            fixes = [keyword.value for keyword in node.keywords if keyword.arg in ("fix", "message")]
            _note(found, "errors", [*node.args[:2], *fixes], f"{name}:{node.lineno}")
        elif called == "warn":
            _note(found, "errors", node.args[:1], f"{name}:{node.lineno}")


_ERRORS = "UpriverError ShapeError DTypeError DimError GradError ArgumentError CompileError DataError FileError"
ERRORS = frozenset([*_ERRORS.split(), "UsageError"])
"""The errors whose messages are for people."""


def _note(found: Found, catalogue: str, texts: list[ast.expr], place: str, literal_only: bool = False) -> None:
    for text in texts:
        if isinstance(text, ast.Constant) and text.value is None:
            continue
        if literal_only and isinstance(text, ast.Constant):
            found.templates[catalogue].setdefault(str(text.value), place)  # a template already
            continue
        for template in ways(text):
            if template is None or literal_only:
                if not _says_itself(text):
                    found.unreadable.append(f"{place}: {ast.unparse(text)[:100]}")
            else:
                found.templates[catalogue].setdefault(template, place)


def _says_itself(text: ast.expr) -> bool:
    """Whether it is a message already: ``say(…)``."""
    return isinstance(text, ast.Call) and getattr(text.func, "id", "") == "say"


def ways(text: ast.expr) -> Iterator[str | None]:
    """The templates of a literal, an f-string, or a choice between some; None for what is neither.

    Example:
        >>> import ast
        >>> list(ways(ast.parse("f'{x.ndim} axes' if x else 'none'", mode="eval").body))
        ['{ndim} axes', 'none']
    """
    if isinstance(text, ast.Constant):
        if isinstance(text.value, str):
            yield _quoted(text.value)
    elif isinstance(text, ast.IfExp):
        yield from ways(text.body)
        yield from ways(text.orelse)
    elif isinstance(text, ast.JoinedStr):
        names: dict[str, str] = {}
        yield "".join(
            _quoted(str(part.value)) if isinstance(part, ast.Constant) else f"{{{_name(part, names)}}}"
            for part in text.values
        )
    else:
        yield None


def _quoted(text: str) -> str:
    return re.sub(r"[{}]+", lambda braces: f"'{braces[0]}'", text)


def _name(part: ast.expr, names: dict[str, str]) -> str:
    """A name for a place in an f-string: the last one in its expression; the same expression, the same name."""
    assert isinstance(part, ast.FormattedValue)
    source = ast.unparse(part)
    if source not in names:
        words = re.findall(r"[a-z_]\w*", ast.unparse(part.value), re.IGNORECASE) or ["x"]
        base = next((word for word in reversed(words) if word not in ("self", "str", "join")), "x")
        name, n = base, 2
        while name in names.values():
            name, n = f"{base}{n}", n + 1
        names[source] = name
    return names[source]


def _typescript(text: str, name: str, found: Found) -> None:
    for match in _T.finditer(text):
        literal, place = match[1], f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        if literal[0] == '"':
            found.templates["pages"].setdefault(json.loads(literal), place)
        elif literal[0] in "'`" and "${" not in literal:
            found.templates["pages"].setdefault(literal[1:-1].replace("\\'", "'"), place)
        elif not re.search(r"function\s*$|export\s*$", text[: match.start()]):
            found.unreadable.append(f"{place}: {literal}")
