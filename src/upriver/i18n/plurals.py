"""Which plural form a number takes, by the rules of the Unicode CLDR, which each language writes in its language.json.

A rule is written as CLDR writes it, for integers: ``n = 1``, ``n % 100 = 3..10``, ``n % 10 = 1 and n % 100 != 11``.
Source: Unicode Technical Standard 35, Part 3, "Language Plural Rules".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_RELATION = re.compile(r"n(?: % (\d+))? (!?=) (\d+(?:\.\.\d+)?(?:,\d+(?:\.\.\d+)?)*)")


def category(rules: Mapping[str, str], n: float) -> str:
    """The form of ``n``: the first whose rule holds, else ``other``.

    Example:
        >>> arabic = {"one": "n = 1", "two": "n = 2", "few": "n % 100 = 3..10", "many": "n % 100 = 11..99"}
        >>> [category(arabic, n) for n in (1, 2, 5, 26, 100)]
        ['one', 'two', 'few', 'many', 'other']
    """
    return next((form for form, rule in rules.items() if _holds(rule, n)), "other")


def _holds(rule: str, n: float) -> bool:
    return any(all(_relation(part, n) for part in way.split(" and ")) for way in rule.split(" or "))


def _relation(text: str, n: float) -> bool:
    modulus, negated, spans = parse(text)
    value = n % modulus if modulus else n
    return any(low <= value <= high and value == int(value) for low, high in spans) != negated


@lru_cache
def parse(relation: str) -> tuple[int, bool, tuple[tuple[int, int], ...]]:
    """A relation as modulus (0 for none), whether it is negated, and spans.

    Raises:
        ValueError: it cannot be read.
    """
    found = _RELATION.fullmatch(relation.strip())
    if found is None:
        raise ValueError(f"{relation!r} is no plural rule such as 'n % 100 = 3..10'")
    spans = [span.split("..") for span in found[3].split(",")]
    return int(found[1] or 0), found[2] == "!=", tuple([(int(span[0]), int(span[-1])) for span in spans])
