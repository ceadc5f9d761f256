"""The user's own table, a CSV or Parquet file, as rows of numbers and a target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.state import Array
from ..errors import ArgumentError, DataError
from ..i18n import again, say
from ..i18n.columns import left, right, width
from .dataset import split
from .encoder import Column, TableEncoder, closest, column_texts, infer_column, number_text
from .files import RawTable, read_raw
from .sources import Task, TrainTest

MOST_CLASSES = 20
"""A target of whole numbers with more different values than this is a quantity, not a class."""


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """A table as numbers, and how it became them.

    Attributes:
        path: the file.
        x: float32 (N, D).
        y: int64 (N,) for classification, float32 (N, 1) for regression; None without a target.
        task: ``"classification"`` or ``"regression"``; None without a target.
        encoder: the maps from columns to numbers: they can be stored, and applied to new rows.
        notes: what was ignored, filled in or assumed, one sentence each.
    """

    path: Path
    x: Array
    y: Array | None
    task: Task | None
    encoder: TableEncoder
    notes: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of x, as ``age`` or ``colour=red``."""
        return self.encoder.features

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers; empty for regression."""
        return self.encoder.classes

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """The categories of every categorical column."""
        return {c.name: c.categories for c in self.encoder.columns if c.kind == "categorical"}

    @property
    def missing(self) -> dict[str, int]:
        """How many values are missing in each column that lacks any."""
        return {c.name: c.missing for c in self.encoder.columns if c.missing}

    def apply(self, rows: Any) -> Array:
        """New rows by the same maps: see :meth:`TableEncoder.apply`."""
        return self.encoder.apply(rows)

    def split(self, test: float = 0.2, seed: int = 0) -> TrainTest:
        """A part to train on and a part to test on, classes in proportion.

        Raises:
            DataError: there is no target.
        """
        if self.y is None or self.task is None:
            raise DataError(f"{self.path}: no target was named", "Read it with read_table(path, target=...).")
        train, held = split(len(self.x), test, seed, stratify=self.y if self.task == "classification" else None)
        return TrainTest(
            self.path.stem, self.task, self.x[train], self.y[train], self.x[held], self.y[held], self.classes,
            self.features, f"{len(self.x):,} rows of {self.path.name}, target {self.encoder.target}.",
            str(self.path), "the user's own",
        )  # fmt: skip

    def describe(self) -> str:
        """What every column is, as a table for a terminal."""
        heads = say("table|column"), say("table|kind"), say("table|features"), say("table|missing"), say("table|note")
        lines: list[tuple[str, ...]] = [heads]
        for c in self.encoder.columns:
            kind = say(
                "{kind, select, numeric {numeric} boolean {boolean} categorical {categorical} other {ignored}}",
                kind=c.kind,
            )
            lines.append((c.name, kind, str(len(c.features)), f"{c.missing:,}", again(c.note)))
        if self.y is not None:
            n = len(self.classes)
            kind = say("{n, plural, =0 {a quantity} one {# class} other {# classes}}", n=n)
            lines.append((str(self.encoder.target), say("table|target"), "", "0", kind))
        widths = [max(width(line[k]) for line in lines) for k in range(4)]
        text = [
            "  ".join([left(a, widths[0]), left(b, widths[1]), right(c, widths[2]), right(d, widths[3]), e]).rstrip()
            for a, b, c, d, e in lines
        ]
        size = say(
            "{file}: {rows, plural, one {# row} other {# rows}}, {n, plural, one {# feature} other {# features}}",
            file=self.path.name, rows=len(self.x), n=self.x.shape[1],
        )  # fmt: skip
        return "\n".join([size, *text])

    def __repr__(self) -> str:
        target = f"target {self.encoder.target!r}, {self.task}" if self.task else "no target"
        return f"Table({self.path.name}: {self.x.shape[0]:,} x {self.x.shape[1]}, {target})"


def read_table(
    path: str | Path,
    target: str | None = None,
    *,
    task: Task | None = None,
    ignore: Iterable[str] = (),
    categorical: Iterable[str] = (),
    delimiter: str | None = None,
) -> Table:
    r"""A .csv, .tsv (gzipped or not) or .parquet file as rows of numbers.

    Every column is taken for what its values look like: numbers; truth values (true/false, yes/no); categories
    (text, one feature each); or it is ignored, with a note (dates, free text and identifiers, one value only).
    Missing values (empty, NA, NaN, null, none, ?) are filled with the median of the column, or are a category
    of their own; in the target they are an error. The target makes a classification if it is text, a truth value, or
    whole numbers of at most 20 kinds, each five times or more on the average (or of two kinds); else a regression.
    Medians and categories are those of the whole file; columns are not standardised: do that with
    :class:`Standardize`, fitted on the training part of :meth:`Table.split`.

    Args:
        path: the file; the first line must name the columns. The delimiter of a .csv is found out.
        target: the column to predict; None to have x alone.
        task: ``"classification"`` or ``"regression"``, whatever the target looks like.
        ignore: columns to leave out.
        categorical: columns of numbers that are categories (codes).
        delimiter: what stands between values.

    Returns:
        A :class:`Table`.

    Raises:
        FileError: the file is missing, broken, or no table.
        DataError: it is empty, a column is not there, a value is not what its column holds, the target has missing
            values or one value only, or no column is left to learn from. Names the file, the line and the column.

    Example:
        >>> import pathlib, tempfile
        >>> from upriver.data import read_table
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "fruit.csv"
        >>> _ = path.write_text("weight,colour,kind\n120,red,apple\n,green,apple\n11,red,cherry\n9,dark,cherry\n")
        >>> table = read_table(path, target="kind")
        >>> print(table.describe())
        fruit.csv: 4 rows, 4 features
        column  kind         features  missing  note
        weight  numeric             1        1  1 missing, filled with the median 11
        colour  categorical         3        0
        kind    target                       0  2 classes
        >>> table.apply([{"weight": 100, "colour": "red"}]).tolist()
        [[100.0, 0.0, 0.0, 1.0]]
    """
    if task not in (None, "classification", "regression"):
        raise ArgumentError(f"read_table: task must be 'classification' or 'regression', not {task!r}")
    raw = read_raw(path, delimiter)
    left_out, codes = set(ignore), set(categorical)
    for name in (*([] if target is None else [target]), *left_out, *codes):
        if name not in raw.columns:
            raise DataError(f"{raw.path}: there is no column {name!r}", closest(name, raw.columns), at=False)
    columns: list[Column] = []
    for name in raw.columns:
        if name == target:
            continue
        columns.append(
            Column(name, "ignored", note=say("left out"))
            if name in left_out
            else infer_column(raw, name, categorical=name in codes)
        )
    y: Array | None = None
    classes: tuple[str, ...] = ()
    found: Task | None = None
    if target is not None:
        y, classes, found = _target(raw, target, task, as_text=target in codes)
    encoder = TableEncoder(tuple(columns), target, classes)
    x = encoder.apply(raw)
    if x.shape[1] == 0:
        reasons = "; ".join(f"{c.name}: {c.note}" for c in columns) or say("the target is the only one")
        raise DataError(f"{raw.path}: no column is left to learn from ({reasons})", at=False)
    notes: list[str] = [say("Column {name}: {note}.", name=repr(c.name), note=c.note) for c in columns if c.note]
    notes += [say("Column {name}: a decimal comma was read.", name=repr(c.name)) for c in columns if c.decimal_comma]
    return Table(raw.path, x, y, found, encoder, tuple(notes))


def _target(raw: RawTable, name: str, task: Task | None, *, as_text: bool) -> tuple[Array, tuple[str, ...], Task]:
    values = raw.columns[name]
    gone = np.isnan(values) if isinstance(values, np.ndarray) else np.array([v is None for v in values])
    if gone.any():
        raise DataError(
            f"{raw.path}, {raw.place(int(gone.argmax()))}, column {name!r}: the target is missing "
            f"(in {int(gone.sum()):,} of {len(raw):,} rows)",
            "Delete the rows whose target is not known; they cannot be learnt from.",
            at=False,
        )
    column = _target_column(raw, name, as_text)
    if column.kind == "numeric":
        quantity = column.encode(values, raw)
        kinds = np.unique(quantity)
        whole = bool((quantity == np.rint(quantity)).all())
        few = len(kinds) == 2 or (len(kinds) <= MOST_CLASSES and len(quantity) >= 5 * len(kinds))
        if task == "regression" or (task is None and not (whole and few)):
            return quantity, (), "regression"
        return np.searchsorted(kinds, quantity[:, 0]), tuple(number_text(k) for k in kinds.tolist()), "classification"
    if task == "regression":
        raise DataError(
            f"{raw.path}, column {name!r}: a target of text is no quantity", "Use task='classification'.", at=False
        )
    labels = [str(v) for v in column_texts(values)]
    classes = sorted(set(labels))
    if len(classes) > MOST_CLASSES and len(labels) < 2 * len(classes):
        raise DataError(
            f"{raw.path}, column {name!r}: {len(classes):,} different texts in {len(labels):,} rows "
            f"(such as {classes[0]!r}) are no classes",
            "The target must be a quantity, or one of a few classes.",
            at=False,
        )
    number = {label: k for k, label in enumerate(classes)}
    return np.array([number[v] for v in labels], dtype=np.int64), tuple(classes), "classification"


def _target_column(raw: RawTable, name: str, as_text: bool) -> Column:
    """The target's kind: numbers, or texts taken as they are."""
    if name in raw.ignored:
        raise DataError(f"{raw.path}, column {name!r}: {raw.ignored[name]}, so it is no target", at=False)
    column = infer_column(raw, name, categorical=as_text)
    note = getattr(column.note, "text", "")  # in English, whatever language it shows
    if note == "the same value in every row":
        raise DataError(
            f"{raw.path}, column {name!r}: the target has the same value in every row, so there is nothing to learn",
            "At least two classes, or two values, are needed.",
            at=False,
        )
    if note == "it counts the rows":
        raise DataError(f"{raw.path}, column {name!r}: it counts the rows, so it is no target", at=False)
    return column
