"""What the lesson and the slides can ask, and the names under which a site without an engine keeps the answers.

The name is a hash of the question written as JSON in exactly one way: the way in which a page writes it
(web/src/engine/recorded.ts), so that it finds here what was recorded there.
"""

from __future__ import annotations

import copy
import itertools
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).parent / "figures.json"
"""The figures of lesson and slides: what each asks, and the values that what it varies may take."""

PROSE = Path(__file__).parents[1] / "i18n" / "en"
"""The texts, whose links are the same in all languages."""
LAB = "#/lab?"

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
    """The name of the file with the answer, without its ending: FNV-1a of the question, in 64 bits.

    Browsers have better hashes, but only for pages that were served over https or from the machine itself.

    Example:
        >>> key_of("derive", {"values": {"w": 2}}) == key_of("derive", {"values": {"w": 2.0}})
        True
    """
    hashed = 0xCBF29CE484222325
    for byte in canonical({"ask": ask, "with": given}).encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    return f"{hashed:016x}"


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


def openings(figures: Mapping[str, Any], prose: Iterable[str]) -> list[Question]:
    """The questions with which the lab opens what lesson and slides point to, each once.

    Args:
        figures: what is in figures.json; the lab is entered from each expression there, and has those under ``lab``.
        prose: texts in Markdown with links such as ``#/lab?e=(w*x-y)**2&w=2&x=3&y=10``.
    """
    given = [asked["with"] for figure in figures["figures"].values() for asked in figure["asks"]]
    given += list(figures.get("predict", {}).values())
    given += list(figures.get("lab", {}).values())
    found = [(one["expression"], one["values"]) for one in given if "expression" in one]
    found += [_opened(link) for text in prose for link in _links(text)]
    questions = [("derive", {"expression": expression, "values": values}) for expression, values in found]
    return list({key_of(ask, with_): (ask, with_) for ask, with_ in questions}.values())


def _links(text: str) -> Iterator[str]:
    """The parameters of each link to the lab; parentheses belong to it as long as they are in pairs."""
    start = f"]({LAB}"
    at = text.find(start)
    while at >= 0:
        begin = end = at + len(start)
        depth = 0
        while end < len(text) and (depth or text[end] != ")"):
            depth += (text[end] == "(") - (text[end] == ")")
            end += 1
        yield text[begin:end]
        at = text.find(start, end)


def _opened(link: str) -> tuple[str, dict[str, Any]]:
    """What the lab makes of a link: the expression, and values that are numbers or lists where they can be."""
    parameters = dict(urllib.parse.parse_qsl(link, keep_blank_values=True))
    values: dict[str, Any] = {}
    for name, text in parameters.items():
        if name not in ("e", "s", "at"):
            try:
                values[name] = json.loads(text)
            except ValueError:
                values[name] = text
    return parameters["e"], values


def within(derived: Mapping[str, Any]) -> list[Question]:
    """What the lab can ask about the numbers of a derivation: each gradient checked, and its paths.

    Args:
        derived: the answer to ``derive``.
    """
    given = {"expression": derived["source"], "values": derived["values"]}
    asked: list[Question] = []
    trace = derived["trace"]
    for node in trace["nodes"]:
        if node.get("gradient") and node["id"] != trace["result"]["node"]:
            entry = {"entry": [0] * len(node["shape"])} if node["shape"] else {}
            asked += [(ask, {**given, "name": node["name"], **entry}) for ask in ("check", "paths")]
    return asked


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
