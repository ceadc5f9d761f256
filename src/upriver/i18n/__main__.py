"""``python -m upriver.i18n``: what the catalogues lack, what they have too much, what cannot be read.

``--add`` writes the missing keys into the catalogues, with nothing behind them yet, and takes stray ones out;
``--unreadable`` lists the texts that are not literals.
"""

from __future__ import annotations

import json
import sys

from . import catalogue
from .extract import PAGES, everything
from .icu import TemplateError, arguments

NAMES = ("pages", "sentences", "terminal", "errors")


def problems() -> list[str]:
    """Everything that is wrong with the catalogues, one line each."""
    found = everything()
    out = [f"not a literal: {place}" for place in found.unreadable]
    for name in NAMES:
        if name == "pages" and not PAGES.exists():
            continue
        wanted = found.templates[name]
        for code in catalogue.languages()[1:]:
            there = catalogue.named(code, name)
            file = f"{code}/{name}.json"
            out += [
                f"{file}: missing: {text!r} (said at {place})" for text, place in wanted.items() if text not in there
            ]
            out += [f"{file}: stray: {text!r}" for text in there if text not in wanted]
            for text in wanted:
                out += _compared(file, text, there.get(text))
    return out


def _compared(file: str, text: str, translation: str | None) -> list[str]:
    """What is wrong with one translation."""
    if translation is None:
        return []
    if not translation.strip():
        return [f"{file}: not translated: {text!r}"]
    try:
        if arguments(text) != arguments(translation):
            return [f"{file}: {translation!r} does not have the arguments of {text!r}"]
    except TemplateError as error:
        return [f"{file}: {error}"]
    return []


def add() -> None:
    """Write the missing keys, in the order in which they are said, and take the stray ones out."""
    found = everything()
    for name in NAMES:
        for code in catalogue.languages()[1:]:
            there = catalogue.named(code, name)
            new = {text: there.get(text, "") for text in found.templates[name]}
            path = catalogue.HERE / code / f"{name}.json"
            if new != there or list(new) != list(there):
                path.write_text(json.dumps(new, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    catalogue.forget()


def main(argv: list[str]) -> int:
    """Check, or add."""
    if "--add" in argv:
        add()
    if "--unreadable" in argv:
        print("\n".join(everything().unreadable))
        return 0
    found = problems()
    print("\n".join(found) if found else "the catalogues are complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
