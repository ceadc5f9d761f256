"""The words of the command line that are not ours: argparse's own, and how help is laid out in every script."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..i18n import Message, say
from ..i18n.columns import left, wrap


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions as they are written; the help of each option broken where its script allows it."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width)


def examples(*rows: tuple[str, str], at: int = 0) -> str:
    """Commands to try, each with a word on what it does, which begins in column ``at``."""
    lines = [f"  {left(command, at - 2)}{about}".rstrip() for command, about in rows]
    return "\n".join([str(say("examples:")), *lines])


def _known() -> Sequence[Message]:
    """What argparse says; its ``%s`` and ``%(name)s`` are filled in by argparse, and so stand for themselves here."""
    name, message, choices, kind, value = (
        "%(argument_name)s", "%(message)s", "%(choices)s", "%(type)s", "%(value)r",
    )  # fmt: skip
    return (
        say("usage: "),
        say("positional arguments"),
        say("options"),
        say("show this help message and exit"),
        say("show program's version number and exit"),
        say("argument {name}: {message}", name=name, message=message),
        say("the following arguments are required: {names}", names="%s"),
        say("expected one argument"),
        say("expected at most one argument"),
        say("expected at least one argument"),
        say("ignored explicit argument {value}", value="%r"),
        say("not allowed with argument {name}", name="%s"),
        say("one of the arguments {names} is required", names="%s"),
        say("invalid choice: {value} (choose from {choices})", value=value, choices=choices),
        say("invalid {kind} value: {value}", kind=kind, value=value),
        say("unknown parser {name} (choices: {choices})", name="%(parser_name)r", choices=choices),
        say("{heading}:", heading="%(heading)s"),
    )


@contextmanager
def argparse_in_our_language() -> Iterator[None]:
    """Within it argparse, which asks ``gettext``, asks our catalogues."""
    module: Any = argparse
    before = module._, module.ngettext
    known = _in_english()

    def translated(text: Any) -> Any:
        if text not in known:  # None, too, is asked for
            return text
        # A placeholder looks like code and is set apart as such; what argparse puts there is a sentence of ours.
        return str(known[text]).replace("\u2066%(message)s\u2069", "%(message)s")

    def counted(one: str, many: str, n: int) -> str:
        if one == "expected %s argument":
            return say("expected {n, plural, one {# argument} other {# arguments}}", n=n).replace("%", "%%")
        return one if n == 1 else many

    module._, module.ngettext = translated, counted
    try:
        yield
    finally:
        module._, module.ngettext = before


def _in_english() -> dict[str, Message]:
    """For each text of argparse the message that says it."""
    from ..i18n import again, use

    said = _known()
    with use("en"):
        return {str(again(message)): message for message in said}
