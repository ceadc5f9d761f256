"""The console that the commands print on."""

from __future__ import annotations

import sys
from typing import Any


def console() -> Any:
    """A rich console for standard output: colours at a terminal (unless NO_COLOR is set), plain text in a pipe."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
