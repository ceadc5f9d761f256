"""What a page gives with a question, read and bounded: whatever is not as it should be is refused in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ArgumentError
from ...explain.expression import Expression

LONGEST = 4_000
"""The longest expression, in characters."""
NAMES = 300
"""The most names that an expression may have."""
ENTRIES = 2_500
"""The most entries that a value may have, given or on the way: 50 × 50."""
OPERATIONS = 1_000
"""The most operations of an expression."""
NODES = 2_000
"""The most values of a computation."""
DEPTH = 200
"""How deeply the parts of an expression may be nested."""

Given = Mapping[str, Any]


def text(given: Given, name: str, longest: int = LONGEST, default: str | None = None) -> str:
    """A text.

    Raises:
        ArgumentError: it is missing, not a text, or longer than ``longest``.
    """
    found = given.get(name, default)
    if not isinstance(found, str) or not found.strip():
        raise ArgumentError(f"{name}: a text is needed", "Write one, as in (w*x - y)**2.", at=False)
    if len(found) > longest:
        raise ArgumentError(
            f"{name}: {len(found):,} characters, and at most {longest:,} are read here", "Write less.", at=False
        )
    return found


def number(given: Given, name: str, low: float, high: float, default: float | None = None) -> float:
    """A number between ``low`` and ``high``, also as text such as ``"0.1"``.

    Raises:
        ArgumentError: it is missing, no number, or out of bounds.
    """
    found = given.get(name, default)
    if isinstance(found, str):
        try:
            found = float(found.replace("\u2212", "-"))  # the minus sign that pages show
        except ValueError:
            if "," in found:
                raise ArgumentError(
                    f"{name}: {found[:40]} is not one clear number", "Write 1000 without a comma, and 0.5.", at=False
                ) from None
            found = None
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise ArgumentError(f"{name}: a number is needed", f"Give one from {low:g} to {high:g}.", at=False)
    if not low <= found <= high:  # also where it is NaN
        raise ArgumentError(f"{name}: {_shown(found)} is out of bounds", f"Give {low:g} to {high:g}.", at=False)
    return float(found)


def whole(given: Given, name: str, low: int, high: int, default: int | None = None) -> int:
    """A whole number between ``low`` and ``high``.

    Raises:
        ArgumentError: as for :func:`number`, or it is not whole.
    """
    found = number(given, name, low, high, default)
    if not found.is_integer():
        raise ArgumentError(f"{name}: {found:g} is not a whole number", f"Give {low} to {high}.", at=False)
    return int(found)


def choice(given: Given, name: str, ways: Sequence[str], default: str | None = None) -> str:
    """One of several words.

    Raises:
        ArgumentError: it is another.
    """
    found = given.get(name, default)
    if not isinstance(found, str) or found not in ways:
        shown = found[:40] if isinstance(found, str) else type(found).__name__
        raise ArgumentError(f"{name}: there is no {shown!r}", f"There are: {', '.join(ways)}.", at=False)
    return found


def flag(given: Given, name: str) -> bool:
    """Yes or no; no where nothing is given.

    Raises:
        ArgumentError: it is neither.
    """
    found = given.get(name)
    if found is not None and not isinstance(found, bool):
        raise ArgumentError(f"{name}: yes or no is needed", "Give true or false.", at=False)
    return bool(found)


def part(given: Given, name: str) -> dict[str, Any]:
    """Names with values; none where nothing is given.

    Raises:
        ArgumentError: it is something else.
    """
    found = given.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise ArgumentError(f"{name}: names with values are needed", "As in {'w': 2}.", at=False)
    return {str(key): value for key, value in (found or {}).items()}


def expression(given: Given) -> Expression:
    """The expression and its values.

    Raises:
        ArgumentError: either is not in the language, or beyond what is computed here.
    """
    found = Expression(text(given, "expression"), values(given), most=ENTRIES)
    if found.program.operations > OPERATIONS:
        raise ArgumentError(
            f"expression: {found.program.operations:,} operations",
            f"At most {OPERATIONS:,} are computed here.",
            at=False,
        )
    if found.program.depth > DEPTH:
        raise ArgumentError("expression: nested too deeply", "Name its parts: h = ...; h*h.", at=False)
    return found


def values(given: Given) -> dict[str, Any]:
    """The values of names: numbers, nested lists of numbers, or text.

    Raises:
        ArgumentError: there are too many, or one is none of these, or too large.
    """
    found = part(given, "values")
    if len(found) > NAMES:
        raise ArgumentError(f"values: {len(found):,} names", f"At most {NAMES} are read here.", at=False)
    for name, value in found.items():
        if isinstance(value, str):
            if len(value) > 20 * ENTRIES:
                raise ArgumentError(f"the value of {name[:40]} is too long", "Give fewer numbers.", at=False)
        elif _count(value, name[:40]) > ENTRIES:
            raise ArgumentError(f"the value of {name[:40]} has more than {ENTRIES:,} numbers", "Give fewer.", at=False)
    return found


def _count(value: Any, name: str, depth: int = 0) -> int:
    """How many numbers are in nested lists."""
    if isinstance(value, (list, tuple)) and depth < 6:
        return (
            len(value) if len(value) > ENTRIES else sum([_count(item, name, depth + 1) for item in value]) + (not value)
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _finite(value):
        raise ArgumentError(
            f"the value of {name} is not a number or a list of numbers", "As in 2 or [[1, 2], [3, 4]].", at=False
        )
    return 1


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def entry(given: Given, name: str, shape: Sequence[int]) -> tuple[int, ...] | None:
    """Which entry of a value is meant: ``entry`` of what was given, or the only one; None where a whole is meant.

    Raises:
        UpriverError: it is no index of the shape.
    """
    from ...explain.expression import entry_in

    found = given.get("entry")
    if found is None:
        return (0,) * len(shape) if math.prod(shape) == 1 else None
    fits = isinstance(found, (list, tuple)) and len(found) <= 16
    if not fits or not all(isinstance(i, int) and not isinstance(i, bool) for i in found):
        raise ArgumentError("entry: a list of whole numbers is needed", "As in [0, 1].", at=False)
    return entry_in(name, found, shape)


def _shown(value: float) -> str:
    try:
        return f"{value:g}"
    except OverflowError:
        return "it"
