"""Single keys read from a terminal, the same on every system: as words such as "right" and "home", or as characters."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SEQUENCES = {
    "[A": "up", "[B": "down", "[C": "right", "[D": "left", "OA": "up", "OB": "down", "OC": "right", "OD": "left",
    "[H": "home", "[F": "end", "OH": "home", "OF": "end", "[1~": "home", "[7~": "home", "[4~": "end", "[8~": "end",
    "[5~": "left", "[6~": "right",
}  # fmt: skip
_WINDOWS = {"H": "up", "P": "down", "M": "right", "K": "left", "G": "home", "O": "end", "I": "left", "Q": "right"}
_KEY = re.compile(r"\x1b(\[[0-9;]*[A-Za-z~]|O[A-Za-z])|(.)", re.DOTALL)
_PAUSE = 0.05
"""How long after an escape the rest of an arrow key may take, in seconds."""


def split(text: str) -> list[str]:
    r"""What was typed as keys; "escape" for a lone one, "" for a sequence that has no name here.

    Example:
        >>> split("\x1b[C\x1b[Dq")
        ['right', 'left', 'q']
    """
    found = []
    for sequence, character in _KEY.findall(text):
        if sequence:
            found.append(_SEQUENCES.get(sequence, ""))
        else:
            found.append({"\x1b": "escape", "\r": "enter", "\n": "enter", " ": "space"}.get(character, character))
    return found


@contextmanager
def keys() -> Iterator[Iterator[str]]:
    """The keys that are pressed, one after another, until the input ends. Ctrl-C stays what it is."""
    if sys.platform == "win32":
        yield _windows()
        return
    import termios
    import tty

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        yield _posix(number)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _posix(number: int) -> Iterator[str]:
    import select

    while data := os.read(number, 64):
        while data.endswith((b"\x1b", b"\x1b[", b"\x1bO")) and select.select([number], [], [], _PAUSE)[0]:
            more = os.read(number, 64)
            if not more:
                break
            data += more
        yield from split(data.decode("utf-8", "replace"))


def _windows() -> Iterator[str]:
    import importlib

    read = importlib.import_module("msvcrt").getwch  # a module that other systems do not have
    while True:
        character = read()
        if character in ("\x00", "\xe0"):
            yield _WINDOWS.get(read(), "")
        elif character == "\x03":
            raise KeyboardInterrupt
        else:
            yield from split(character)
