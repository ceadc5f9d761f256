"""The script and the style of the page in one file: those of the lab's graph and walk, built with the pages."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ..errors import FileError
from ..i18n import catalogue

_PAGE = """<!doctype html>
<html lang="{lang}" dir="{dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div id="app"></div>
<noscript><p>{plain}</p></noscript>
<script type="application/json" id="data"{packed}>{data}</script>
<script>{script}</script>
</body>
</html>
"""
_POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


@dataclass(frozen=True)
class Single:
    """What the build made for the page in one file.

    Attributes:
        script: all of its script; it reads the data of the page.
        style: all of its style.
        says: the English texts of the script that catalogues may have.
    """

    script: str
    style: str
    says: tuple[str, ...]

    def page(self, title: str, plain: str, data: str, language: Mapping[str, Any], *, packed: bool) -> str:
        """The file.

        Args:
            title: what the browser calls it.
            plain: what is read where scripts are switched off.
            data: JSON that may stand inside a script element; if ``packed``, in base 64 what zlib made of it.
            language: that of the page.
            packed: whether the data is compressed.
        """
        digest = base64.b64encode(hashlib.sha256(self.script.encode()).digest()).decode()
        return _PAGE.format(
            lang=escape(language["locale"]),
            dir=escape(language["direction"]),
            policy=_POLICY.format(digest=digest),
            title=escape(title),
            style=self.style,
            plain=escape(plain),
            packed=" data-packed" if packed else "",
            data=data,
            script=self.script,
        )


def read_single() -> Single:
    """Script and style: beside the package's pages, or in the folder that ``UPRIVER_PAGES`` names.

    Raises:
        FileError: they are not built.
    """
    folder = Path(os.environ.get("UPRIVER_PAGES") or Path(__file__).parents[1] / "web" / "pages")
    try:
        made = json.loads((folder / "single.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(
            f"the page in one file is not built: {folder} has no single.json",
            "Install a released package; in the source, run npm ci and npm run build in the folder web.",
            at=False,
        ) from None
    return Single(made["script"], made["style"], tuple(made["says"]))


def speech(single: Single, code: str, sentences: Iterable[str]) -> dict[str, Any]:
    """What the page must know to speak a language.

    Args:
        single: the page.
        code: the language.
        sentences: the templates of what the trace says.

    Returns:
        ``language``, and the ``catalogue`` of what page and trace say in it.
    """
    about = json.loads((catalogue.HERE / code / "language.json").read_text(encoding="utf-8"))
    pages, engine = catalogue.named(code, "pages"), catalogue.of(code)
    said = {text: pages.get(text) for text in single.says} | {text: engine.get(text) for text in sorted(sentences)}
    known = {"code": code, **{key: about[key] for key in ("name", "direction", "locale", "comma")}}
    return {"language": known, "catalogue": {text: words for text, words in said.items() if words}}
