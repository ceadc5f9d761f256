"""The console that the commands print on."""

from __future__ import annotations

import re
import sys
from typing import Any, TextIO

_TRAILING = re.compile(r"[ \t]+(?=\n)")


class _Trimmed:
    """Standard output without the spaces that tables are filled up with: a pipe has no use for them."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        self._file.write(_TRAILING.sub("", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def console() -> Any:
    """A rich console for standard output: colours at a terminal (unless NO_COLOR is set), plain text in a pipe."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(file=_Trimmed(sys.stdout), highlight=False)  # type: ignore[arg-type]
