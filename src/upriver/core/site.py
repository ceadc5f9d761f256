"""Where in the user's code something happened: captured in a fraction of a microsecond, read later."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

Site = tuple[CodeType, int]
"""A code object and the offset of the instruction in it that was running."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_RECIPES = _PACKAGE + "recipes" + os.sep  # models written as a user would write them count as user code
_internal: dict[str, bool] = {}
enabled = True


def is_internal(filename: str) -> bool:
    """Whether code in ``filename`` is ours, so that a line of it tells the user nothing."""
    inside = filename.startswith(_PACKAGE) and not filename.startswith(_RECIPES)
    # Decorated and generated code (dataclasses, contextlib) stands between us and the user; but what follows
    # ``python -c`` is the user's own, and bears the same name.
    generated = filename.startswith("<string>") and sys.argv[:1] != ["-c"]
    inside = inside or generated or os.path.basename(filename) == "contextlib.py"
    _internal[filename] = inside
    return inside


def capture() -> Site | None:
    """The innermost running instruction outside this package, or None where recording is off.

    Line numbers are not looked up here: a code object and an offset are enough to find them later.
    """
    if not enabled:
        return None
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        name = code.co_filename
        inside = _internal.get(name)
        if inside is None:
            inside = is_internal(name)
        if not inside:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def record_source_lines(on: bool) -> None:
    """Switch the recording of source lines on (the default) or off, for every thread.

    Example:
        >>> import upriver as ur
        >>> ur.record_source_lines(False)
        >>> ur.record_source_lines(True)
    """
    global enabled
    enabled = on


def line_of(site: Site) -> tuple[str, int]:
    """The file and the line number of a site."""
    code, offset = site
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            line = number
    return code.co_filename, line


def describe(site: Site | None) -> str:
    """A site for people, as in ``train.py:41: y = x @ w``; a sentence where none was recorded."""
    if site is None:
        return "(line not recorded)"
    filename, line = line_of(site)
    text = linecache.getline(filename, line).strip()
    short = os.path.relpath(filename) if filename.startswith(os.getcwd() + os.sep) else filename
    return f"{short}:{line}" + (f": {text}" if text else "")


@contextmanager
def sites_off() -> Iterator[None]:
    """Record no source lines for a while: where the code is ours, they would tell nobody anything."""
    global enabled
    before, enabled = enabled, False
    try:
        yield
    finally:
        enabled = before
