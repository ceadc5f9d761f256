"""From the columns of a table to numbers, by maps that are found once and can be applied to new rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..core.state import Array
from ..errors import ArgumentError, DataError
from ..i18n import say
from .files import MISSING, RawTable, is_number, numbers, read_raw

Kind = Literal["numeric", "boolean", "categorical", "ignored"]

MISSING_CATEGORY = "(missing)"
MOST_CATEGORIES = 64
"""A column of text with more different values than this is taken for an identifier or free text."""

_TRUTH = {"true": 1.0, "yes": 1.0, "t": 1.0, "y": 1.0, "false": 0.0, "no": 0.0, "f": 0.0, "n": 0.0}
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"
)
_COUNTER = re.compile(r"column \d+|(unnamed|index|row|no|nr|number)\W*\d*|.*id")
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Column:
    """What a column of a table is, and how its values become numbers.

    Attributes:
        name: its name in the file.
        kind: ``"numeric"`` (one feature), ``"boolean"`` (one, 0 or 1), ``"categorical"`` (one for each category, 0
            or 1) or ``"ignored"`` (none).
        missing: how many of its values are missing in the file.
        fill: what a missing number counts as: the median of those that are there.
        categories: the categories, sorted; ``"(missing)"`` is one of them if any value is missing.
        decimal_comma: whether 3,14 is written for 3.14.
        note: why it is ignored, or what was done about missing values; may be empty.
    """

    name: str
    kind: Kind
    missing: int = 0
    fill: float = 0.0
    categories: tuple[str, ...] = ()
    decimal_comma: bool = False
    note: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features made of it."""
        if self.kind == "ignored":
            return ()
        return tuple(f"{self.name}={c}" for c in self.categories) if self.kind == "categorical" else (self.name,)

    def encode(self, values: Any, table: RawTable) -> Array:
        """The values as float32 (N, number of features).

        Raises:
            DataError: a value that the column cannot have.
        """
        if self.kind == "numeric":
            return self._encode_numbers(values, table)
        texts = column_texts(values)
        if self.kind == "boolean":
            out = np.full((len(texts), 1), self.fill, dtype=np.float32)
            for row, value in enumerate(texts):
                if value is not None:
                    truth = _TRUTH.get(value.lower())
                    if truth is None:
                        raise _bad_value(table, row, self.name, value, "neither true nor false")
                    out[row, 0] = truth
            return out
        out = np.zeros((len(texts), len(self.categories)), dtype=np.float32)
        place = {category: k for k, category in enumerate(self.categories)}
        codes = np.array([place.get(MISSING_CATEGORY if v is None else v, -1) for v in texts], dtype=np.int64)
        rows = np.flatnonzero(codes >= 0)  # a category never seen before is none of the known ones: zeros
        out[rows, codes[rows]] = 1.0
        return out

    def _encode_numbers(self, values: Any, table: RawTable) -> Array:
        found = numbers(values, decimal_comma=self.decimal_comma)
        if found is None:
            row = next(i for i, v in enumerate(values) if v is not None and numbers([v]) is None)
            raise _bad_value(table, row, self.name, values[row], "not a number")
        beyond = np.abs(found) > _LARGEST
        if beyond.any():
            row = int(beyond.argmax())
            raise _bad_value(table, row, self.name, found[row], "not finite in single precision")
        return np.where(np.isnan(found), self.fill, found).astype(np.float32)[:, None]


@dataclass(frozen=True)
class TableEncoder:
    """How the rows of a table become rows of numbers. Made by :func:`read_table`; JSON by ``to_dict``.

    Attributes:
        columns: the columns of the file except for the target, in their order.
        target: the name of the target column, or None.
        classes: names of the classes of the target; empty for regression.
    """

    columns: tuple[Column, ...]
    target: str | None
    classes: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of x."""
        return tuple(feature for column in self.columns for feature in column.features)

    def apply(self, rows: Any) -> Array:
        """New rows as float32 (N, D), by the same maps.

        Args:
            rows: the path of a file; a list of dictionaries, one for each row; a dictionary of lists, one for each
                column; or a data frame of pandas. Columns that are not used, as the target, may be there or not.

        Raises:
            DataError: a column is missing, or a value cannot be what its column holds.
        """
        table = rows if isinstance(rows, RawTable) else _as_raw(rows, [c.name for c in self.columns if c.features])
        parts = [c.encode(_column(table, c.name), table) for c in self.columns if c.features]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(table), 0), dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Itself as dictionaries and lists, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TableEncoder:
        """What :meth:`to_dict` gave, also after a way through JSON."""
        columns = [Column(**{**c, "categories": tuple(c["categories"])}) for c in state["columns"]]
        return cls(tuple(columns), state["target"], tuple(state["classes"]))


def infer_column(table: RawTable, name: str, *, categorical: bool = False) -> Column:
    """What kind of column it is, from its values.

    Raises:
        DataError: nearly all of its values are numbers, but not all.
    """
    values = table.columns[name]
    if name in table.ignored:
        return Column(name, "ignored", note=table.ignored[name])
    found = None if categorical else numbers(values)
    comma = False
    if found is None and not categorical and any(v is not None and "," in v for v in values):
        found = numbers(values, decimal_comma=True)
        comma = found is not None
    if found is not None:
        return _numeric(table, name, found, comma)
    texts = column_texts(values)
    present = [v for v in texts if v is not None]
    missing = len(texts) - len(present)
    distinct = sorted(set(present))
    if not categorical:
        _check_mixed(table, name, texts, len(present))
        if all(_DATE.fullmatch(v) for v in distinct):
            return Column(name, "ignored", missing, note=say("dates or times are not used"))
        # Half as many texts as rows; in the smallest tables, as many.
        most = len(present) / 2 if len(present) >= 20 else max(len(present) - 1, 4)
        if len(distinct) > min(most, MOST_CATEGORIES):
            return Column(
                name, "ignored", missing, note=say("{n} different texts: a name or free text", n=len(distinct))
            )
    if len(distinct) < 2 and not missing:
        return Column(name, "ignored", note=say("the same value in every row"))
    if not missing and not categorical and all(v.lower() in _TRUTH for v in distinct):
        return Column(name, "boolean", fill=0.5)
    note = say("{n} missing, a category of their own", n=missing) if missing else ""
    return Column(name, "categorical", missing, 0.0, (*distinct, *[MISSING_CATEGORY] * bool(missing)), note=note)


def _numeric(table: RawTable, name: str, found: Array, comma: bool) -> Column:
    there = found[~np.isnan(found)]
    missing = len(found) - len(there)
    if not np.isfinite(there).all():
        row = int(np.isinf(found).argmax())
        raise _bad_value(table, row, name, found[row], "not finite")
    if len(there) == 0:
        return Column(name, "ignored", missing, note=say("no value in any row"))
    if there.min() == there.max():
        return Column(name, "ignored", missing, note=say("the same value in every row"))
    counts = not missing and len(found) > 2 and found[0] in (0.0, 1.0) and bool((np.diff(found) == 1.0).all())
    if counts and _COUNTER.fullmatch(name.lower()):
        return Column(name, "ignored", note=say("it counts the rows"))
    fill = float(np.median(there))
    note = say("{n} missing, filled with the median {median}", n=missing, median=f"{fill:.6g}") if missing else ""
    return Column(name, "numeric", missing, fill, decimal_comma=comma, note=note)


def _check_mixed(table: RawTable, name: str, texts: list[str | None], present: int) -> None:
    """An error for a column of numbers with a few words among them: a slip, or a sign for "missing" not known here."""
    counts = Counter(v for v in texts if v is not None)
    words = {v: count for v, count in counts.items() if not is_number(v)}
    wrong = sum(words.values())
    if 0 < wrong < 0.1 * present:
        row = next(i for i, v in enumerate(texts) if v in words)
        raise DataError(
            f"{table.path}, {table.place(row)}, column {name!r}: {texts[row]!r} is not a number, but "
            f"{present - wrong:,} of {present:,} values are",
            f"Mend it, leave the cell empty if it is not known, or say categorical=[{name!r}].",
            at=False,
        )


def closest(name: str, names: Iterable[str]) -> str:
    """A sentence that lists the names there are, and the one most like ``name``."""
    import difflib  # only needed once something has gone wrong

    known = list(names)
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.5)
    listed = ", ".join(known[:20])
    if len(known) > 20:
        listed = say("{listed} and {n} more", listed=listed, n=len(known) - 20)
    return f"Did you mean {lowered[near[0]]!r}? The columns are: {listed}." if near else f"The columns are: {listed}."


def _bad_value(table: RawTable, row: int, column: str, value: Any, what: str) -> DataError:
    shown = repr(value) if isinstance(value, str) else f"{value:g}"
    return DataError(
        f"{table.path}, {table.place(row)}, column {column!r}: {shown} is {what}",
        "Mend it, or leave the cell empty if it is not known.",
        at=False,
    )


def _column(table: RawTable, name: str) -> Any:
    if name not in table.columns:
        raise DataError(f"{table.path}: there is no column {name!r}", closest(name, table.columns), at=False)
    return table.columns[name]


def column_texts(values: Any) -> list[str | None]:
    """The values as text: whole numbers without a point, so that 1.0 and 1 are one category."""
    if not isinstance(values, np.ndarray):
        return values
    listed: list[float] = values.tolist()  # pyright: ignore[reportUnknownMemberType]
    return [None if v != v else number_text(v) for v in listed]


def number_text(value: float) -> str:
    """A number as a category is named after it: 1 for 1.0."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _as_raw(rows: Any, needed: Sequence[str]) -> RawTable:
    if isinstance(rows, (str, Path)):
        return read_raw(rows)
    if hasattr(rows, "columns") and hasattr(rows, "to_dict"):
        rows = rows.to_dict("list")
    if isinstance(rows, Mapping):
        columns: dict[str, Any] = {str(name): [_cell(v) for v in values] for name, values in rows.items()}  # pyright: ignore[reportUnknownVariableType]
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            raise DataError(f"the columns have unequal lengths {sorted(lengths)}", "One value for each row.")
        return RawTable(Path("rows"), columns, None, {})
    listed: list[Mapping[str, Any]] = list(rows)
    if not all(isinstance(row, Mapping) for row in listed):
        raise ArgumentError(
            "new rows must be a path, a list of dictionaries or a dictionary of lists", "Name the column of each value."
        )
    columns = {}
    for name in needed:
        for number, row in enumerate(listed):
            if name not in row:
                raise DataError(f"row {number + 1}: there is no column {name!r}", closest(name, row))
        columns[name] = [_cell(row[name]) for row in listed]
    return RawTable(Path("rows"), columns or {"": [None] * len(listed)}, None, {})


def _cell(value: Any) -> str | None:
    """A value of a program as the text that a file would have for it."""
    if value is None or (isinstance(value, (float, np.floating)) and value != value):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return number_text(float(value))
    text = str(value).strip()
    return None if text.lower() in MISSING else text
