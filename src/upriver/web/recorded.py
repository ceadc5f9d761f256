"""What the lesson and the slides can ask, and the names under which a site without an engine keeps the answers.

The name is a hash of the question written as JSON in exactly one way: the way in which a page writes it
(web/src/engine/recorded.ts), so that it finds here what was recorded there.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).parent / "figures.json"
"""The figures of lesson and slides: what each asks, and the values that what it varies may take."""

Question = tuple[str, dict[str, Any]]
_EXACT = 2**53


def canonical(value: Any) -> str:
    """JSON with keys in order and no spaces, numbers as JavaScript prints them.

    Args:
        value: what JSON can hold; keys are text.

    Raises:
        TypeError: JSON cannot hold it.

    Example:
        >>> canonical({"b": [2.0, 0.1, 1e-7], "a": None})
        '{"a":null,"b":[2,0.1,1e-7]}'
    """
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))  # JavaScript compares units of UTF-16
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """A number as JavaScript prints it.

    Example:
        >>> [number(x) for x in (2.0, -0.0, 1e20, 1e21, 0.000001, 1.5e-7, float("inf"))]
        ['2', '0', '100000000000000000000', '1e+21', '0.000001', '1.5e-7', 'null']
    """
    if isinstance(value, int) and abs(value) <= _EXACT:
        return str(value)
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        return "null"
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")  # the fewest digits that mean this number, as there
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = int(exponent or 0) + (len(whole) if whole != "0" else -(len(fraction) - len(fraction.lstrip("0"))))
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if 0 < point <= 21:
        tail = digits[point:]
        return sign + digits[:point].ljust(point, "0") + (f".{tail}" if tail else "")
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"


def key_of(ask: str, given: Mapping[str, Any]) -> str:
    """The name of the file with the answer, without its ending.

    Example:
        >>> key_of("derive", {"values": {"w": 2}}) == key_of("derive", {"values": {"w": 2.0}})
        True
    """
    return hashlib.sha256(canonical({"ask": ask, "with": given}).encode()).hexdigest()[:32]


def questions(figures: Mapping[str, Any]) -> list[Question]:
    """Every question that the lesson and the slides can ask, each once.

    Args:
        figures: what is in figures.json: under ``figures``, what each asks and ``vary``, values for places in it such
            as ``values.x``, of which every combination is asked; under ``predict``, what is guessed, with choices.
    """
    found: dict[str, Question] = {}
    for ask, given in itertools.chain(_of_figures(figures), _of_guesses(figures)):
        found.setdefault(key_of(ask, given), (ask, given))
    return list(found.values())


def _of_figures(figures: Mapping[str, Any]) -> Iterator[Question]:
    for figure in figures["figures"].values():
        for asked in figure["asks"]:
            varied = asked.get("vary", {})
            yield asked["ask"], asked["with"]
            for values in itertools.product(*varied.values()):
                given = copy.deepcopy(asked["with"])
                for place, value in zip(varied, values, strict=True):
                    _put(given, place, value)
                yield asked["ask"], given


def _of_guesses(figures: Mapping[str, Any]) -> Iterator[Question]:
    """What is asked about each choice of a guess."""
    for guess in figures.get("predict", {}).values():
        about = {name: value for name, value in guess.items() if name != "choices"}
        for choice in guess["choices"]:
            yield "mistakes", {**about, "given": choice}


def _put(given: dict[str, Any], place: str, value: Any) -> None:
    *way, last = place.split(".")
    for name in way:
        given = given[name]
    given[last] = value
