"""The points of the playground: made by formulas, drawn by hand, or from a table of the learner's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.state import Array
from ....data import split, toys
from ....data.files import RawTable, numbers, read_text
from ....data.stream import Stream, child_seed
from ....errors import DataError
from ....i18n import Message, say
from .config import Config

SPAN = 6.0
"""The map goes from −SPAN to SPAN in both directions."""
_REACH = 5.0
"""As far from the middle lie points without noise."""
MOST_ROWS, MOST_COLUMNS = 1000, 60
_LARGEST = 1e30
_MOST_CHOICES = 50


@dataclass(frozen=True, eq=False)
class Points:
    """The points of a configuration, in the map's units.

    Attributes:
        at: float32 (N, 2).
        target: float32 (N,): −1 and 1 for two classes, from −1 to 1 for quantities.
        quantity: whether there are quantities, not classes.
        train, test: the numbers of the points to learn from and of those kept for testing.
        about: what the page says of axes and columns of a table.
        notes: what was left out, as sentences.
    """

    at: Array
    target: Array
    quantity: bool
    train: Array
    test: Array
    about: dict[str, Any]
    notes: tuple[Message, ...] = ()


def points(config: Config) -> Points:
    """The points that a configuration asks for: the same for the same one.

    Raises:
        DataError: a table cannot be used, or there are too few points.

    Example:
        >>> made = points(Config(count=100, held=0.25))
        >>> made.at.shape, len(made.train), len(made.test)
        ((100, 2), 75, 25)
    """
    if config.data == "table":
        return _of_table(config)
    if config.data == "drawn":
        return _drawn(config)
    n, noise, seed = config.count, config.noise, config.seed
    quantity = config.data in ("plane", "hills")
    if config.data == "circle":
        at, kind = toys.circles(n, 0.25 * noise, seed, factor=0.4)
    elif config.data == "xor":
        at, kind = toys.xor(n, 0.5 * noise, seed)
    elif config.data == "clouds":
        at, kind = toys.blobs(n, 0.12 + 0.5 * noise, seed)
        at = 0.6 * at
    elif config.data == "spiral":
        at, kind = toys.spiral(n, 0.2 * noise, seed, classes=2, turns=1.0)
    elif config.data == "moons":
        at, kind = toys.moons(n, 0.5 * noise, seed)
        at = (at - np.array([0.5, 0.25], np.float32)) / 1.5
    else:
        at, kind = (toys.plane if quantity and config.data == "plane" else toys.hills)(n, 0.5 * noise, seed)
    at = np.clip(_REACH * at, -SPAN, SPAN).astype(np.float32)
    target = np.clip(kind[:, 0], -1.0, 1.0) if quantity else 2.0 * kind - 1.0
    return _divided(config, at, target.astype(np.float32), quantity, {})


def _divided(
    config: Config, at: Array, target: Array, quantity: bool, about: dict[str, Any], notes: tuple[Message, ...] = ()
) -> Points:
    """With a part kept for testing, classes in proportion where there are enough of each."""
    n = len(at)
    if n < 4:
        raise DataError(
            f"playground: {n} points are too few to learn from and to test on", "Four are the fewest.", at=False
        )
    kinds, counts = np.unique(target, return_counts=True)
    if not quantity and len(kinds) < 2:
        raise DataError(
            "playground: all points are of one class, so there is nothing to tell apart",
            "Add points of the other class.",
            at=False,
        )
    stratify = target > 0 if not quantity and counts.min() >= 2 else None
    train, test = split(n, config.held, config.seed, stratify=stratify)
    return Points(at, target, quantity, np.asarray(train), np.asarray(test), about, notes)


def _drawn(config: Config) -> Points:
    given = np.array(config.drawn, np.float32).reshape(-1, 3)
    return _divided(config, given[:, :2], 2.0 * given[:, 2] - 1.0, False, {})


def features(at: Array, names: tuple[str, ...]) -> Array:
    """What the network is given of points: (N, 2) → float32 (N, number of features).

    Example:
        >>> features(np.array([[2.0, 3.0]]), ("x", "xy"))
        array([[2., 6.]], dtype=float32)
    """
    x, y = at[:, 0].astype(np.float64), at[:, 1].astype(np.float64)
    made = {"x": x, "y": y, "x²": x * x, "y²": y * y, "xy": x * y, "sin x": np.sin(x), "sin y": np.sin(y)}
    return np.ascontiguousarray(np.stack([made[name] for name in names], axis=1), np.float32)


def rows(seed: int, n: int, batch: int, first: int, steps: int) -> Array:
    """Which samples the steps from ``first`` on take: (steps, batch), int64.

    All samples are gone through in random order, then again in another: the order depends on the seed alone, so that
    a training that was interrupted goes on as if it had not been.

    Example:
        >>> np.sort(np.concatenate(rows(0, 6, 3, 0, 2))).tolist()
        [0, 1, 2, 3, 4, 5]
    """
    begin, end = first * batch, (first + steps) * batch
    rounds = range(begin // n, math.ceil(end / n))
    order = np.concatenate([Stream(child_seed(seed, r)).permutation(n) for r in rounds] or [np.zeros(0, np.int64)])
    start = begin - n * (begin // n)
    return order[start : start + steps * batch].reshape(steps, batch)


# The learner's own table.


def _of_table(config: Config) -> Points:
    given = dict(config.table)
    table = read_text(given.get("text", ""))
    if len(table.columns) > MOST_COLUMNS:
        raise DataError(
            f"table.csv: {len(table.columns)} columns, and at most {MOST_COLUMNS} are read", "Leave some out.", at=False
        )
    quantities = {name: found for name, column in table.columns.items() if (found := _quantities(column)) is not None}
    target = given.get("target") or list(table.columns)[-1]
    column = _column(table, target)
    axes = [name for name in quantities if name != target]
    x = given.get("x") or next(iter(axes), "")
    y = given.get("y") or next((name for name in axes if name != x), "")
    for name in (x, y):
        if not name:
            raise DataError(
                f"table.csv: beside the target {target!r} there are {len(axes)} columns of numbers, and the map needs "
                "two",
                "Add a column of numbers, or choose another target.",
                at=False,
            )
        _column(table, name)
        if name not in quantities:
            raise DataError(
                f"table.csv, column {name!r}: not all its values are numbers, so it is no axis of the map",
                f"Choose one of {', '.join(axes[:6]) or 'none'}.",
                at=False,
            )
    values = quantities.get(target)
    kinds = _kinds(column, values)
    there = np.array([v is not None for v in column])
    if values is not None:
        there &= np.isfinite(values)
    there &= np.isfinite(quantities[x]) & np.isfinite(quantities[y])
    notes = []
    if missing := int(len(there) - there.sum()):
        notes.append(
            say(
                "{n, plural, one {# row is left out: a value is missing in it.} "
                "other {# rows are left out: a value is missing in them.}}",
                n=missing,
            )
        )
    kept = np.flatnonzero(there)
    if len(kept) > MOST_ROWS:
        notes.append(say("Of {n} rows, {most} are taken at random.", n=len(kept), most=MOST_ROWS))
        kept = np.sort(kept[Stream(config.seed).permutation(len(kept))[:MOST_ROWS]])
    if not len(kept):
        raise DataError("table.csv: in every row a value is missing", "Fill in some rows.", at=False)
    scales: list[tuple[float, float]] = []
    at = np.stack([_scaled(quantities[name][kept], scales) for name in (x, y)], axis=1) * _REACH
    about: dict[str, Any] = {
        "columns": list(table.columns),
        "numbers": list(quantities),
        "x": x,
        "y": y,
        "target": target,
        "yes": "",
        "values": kinds,
        "ranges": scales,
    }
    if kinds:
        yes = given.get("yes") or kinds[0]
        if yes not in kinds:
            raise DataError(
                f"table.csv, column {target!r}: there is no value {yes!r}",
                f"There are {', '.join(kinds[:8])}.",
                at=False,
            )
        about["yes"] = yes
        if len(kinds) > 2:
            notes.append(say("{yes} is told apart from all other values of {target}.", yes=yes, target=target))
        signs = np.array([1.0 if column[i] == yes else -1.0 for i in kept], np.float32)
        return _divided(config, at.astype(np.float32), signs, False, about, tuple(notes))
    assert values is not None
    target_values = _scaled(values[kept], scales)
    return _divided(config, at.astype(np.float32), target_values.astype(np.float32), True, about, tuple(notes))


def _column(table: RawTable, name: str) -> Any:
    if name not in table.columns:
        raise DataError(
            f"table.csv: there is no column {name!r}", f"There are {', '.join(list(table.columns)[:8])}.", at=False
        )
    return table.columns[name]


def _quantities(column: Any) -> Array | None:
    """The numbers of a column; None where it holds something else, or numbers beyond all measure."""
    found = numbers(column)
    if found is None or np.isnan(found).all():
        return None
    with np.errstate(invalid="ignore"):
        return None if (np.abs(found) > _LARGEST).any() else found


def _kinds(column: Any, values: Array | None) -> list[str]:
    """The values of a target that is made of classes; empty where it is a quantity."""
    different = sorted({v for v in column if v is not None})
    if values is not None:
        known = values[~np.isnan(values)]
        few = len(different) == 2 or (len(different) <= 10 and len(known) >= 5 * len(different))
        if not (few and bool((known == np.rint(known)).all())):
            return []
        return sorted(different, key=float)
    if len(different) > _MOST_CHOICES:
        raise DataError(
            f"table.csv: the target has {len(different)} different texts, which are no classes",
            "Choose a column with a few different values, or one of numbers.",
            at=False,
        )
    return different


def _scaled(values: Array, scales: list[tuple[float, float]]) -> Array:
    """From −1 to 1; the least and the largest value are noted."""
    low, high = float(values.min()), float(values.max())
    scales.append((low, high))
    return np.zeros_like(values) if high == low else 2.0 * (values - low) / (high - low) - 1.0
