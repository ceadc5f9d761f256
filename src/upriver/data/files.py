"""Tables on disk as columns: CSV with the standard library's reader, Parquet with pyarrow where it is installed."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ..causes import cause
from ..core.state import Array
from ..errors import DataError, FileError
from ..i18n import say

Texts = list["str | None"]
Values = Any  # Array | Texts
"""A column: float64 with NaN where a value is missing, or texts with None where one is."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands for a missing value in a text file, in any case."""

_LONGEST = max(map(len, MISSING))
_DELIMITERS = (",", ";", "\t", "|")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,?\d+([eE][+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as it is on disk.

    Attributes:
        path: the file.
        columns: the columns by name, in their order.
        lines: for each row the line of the text file on which it ends; None where there are no lines.
        ignored: names of columns that hold nothing to learn from, and why.
    """

    path: Path
    columns: dict[str, Any]
    lines: Sequence[int] | None
    ignored: dict[str, str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def place(self, row: int) -> str:
        """Where a row is, for people."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"


def read_raw(path: str | Path, delimiter: str | None = None) -> RawTable:
    """The columns of a .csv, .tsv or .txt file (gzipped or not), or of a .parquet file.

    Raises:
        FileError: it is missing or broken, or of another kind.
        DataError: it has no rows or no header, or rows of unequal lengths; or pyarrow is not installed.
    """
    file = Path(path)
    if not file.exists():
        raise FileError(f"{file}: there is no such file", _neighbours(file), at=False)
    if file.is_dir():
        raise FileError(f"{file}: a folder, not a table", "For a folder of .npy files use read_arrays.", at=False)
    kind = Path(file.name.lower().removesuffix(".gz")).suffix
    if kind in (".parquet", ".pq"):
        table = _read_parquet(file)
    elif kind in (".csv", ".tsv", ".tab", ".txt"):
        table = _read_csv(file, delimiter or ("\t" if kind in (".tsv", ".tab") else None))
    else:
        raise FileError(f"{file}: not known as a table by its name", "Use .csv, .tsv or .parquet.", at=False)
    if len(table) == 0:
        raise DataError(f"{file}: there is a header, but no rows", "At least two rows are needed.", at=False)
    return table


def read_text(text: str, name: str = "table.csv", delimiter: str | None = None) -> RawTable:
    r"""The columns of a table of text that is in memory.

    Args:
        text: what the file holds; its first line names the columns.
        name: what to call it in messages.
        delimiter: what stands between values; found out by default.

    Raises:
        FileError: it is no table of text.
        DataError: it has no rows or no header, or rows of unequal lengths.

    Example:
        >>> read_text("x;y\n1;2\n").columns
        {'x': ['1'], 'y': ['2']}
    """
    file = Path(name)
    table = _parsed(file, io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter)
    if len(table) == 0:
        raise DataError(f"{file}: there is a header, but no rows", "At least two rows are needed.", at=False)
    return table


def numbers(values: Any, *, decimal_comma: bool = False) -> Array | None:
    """A column as float64 with NaN where a value is missing; None if a value that is there is no number."""
    if isinstance(values, np.ndarray):
        return values
    texts: list[str] = ["nan" if v is None else v for v in values] if None in values else values
    joined = "\n".join(texts)
    if decimal_comma:
        if not all(v == "nan" or _DECIMAL_COMMA.fullmatch(v) for v in texts):
            return None
        texts = joined.replace(",", ".").split("\n")
    if "_" in joined:  # 1_000 is a number to Python, but a name in a table
        return None
    try:
        return np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except ValueError:
        return None


def is_number(text: str) -> bool:
    """Whether ``text`` is written as a number."""
    return numbers([text]) is not None


def _read_csv(file: Path, delimiter: str | None) -> RawTable:
    try:
        with _opened(file) as stream:
            return _parsed(file, stream, delimiter)
    except UnicodeDecodeError as error:
        raise FileError(f"{file}: not UTF-8 text ({cause(error)})", "Save it as UTF-8.", at=False) from None
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{file}: cannot be read ({cause(error)})", at=False) from None


def _parsed(file: Path, stream: TextIO, delimiter: str | None) -> RawTable:
    """The columns of a table of text; ``file`` is what messages call it."""
    if delimiter is None:
        delimiter = _sniff(stream.read(65536))
        stream.seek(0)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
        header: list[str] = next((row for row in reader if any(row)), [])
        first = reader.line_num
        for row in reader:
            if not row or (len(row) == 1 < len(header) and not row[0].strip()):
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{file}, line {reader.line_num}: {len(row)} values, the header has {len(header)} "
                    f"(the delimiter is {delimiter!r})",
                    "Every row must have as many values as the header; quote a value that contains the delimiter.",
                    at=False,
                )
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise FileError(f"{file}: not a table of text ({cause(error)})", at=False) from None
    names = _header(file, [name.strip() for name in header], first)
    columns: dict[str, Any] = {}
    for name, column in zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True):
        stripped = list(map(str.strip, column))
        columns[name] = [None if len(v) <= _LONGEST and v.lower() in MISSING else v for v in stripped]
    return RawTable(file, columns, lines, {})


def _opened(file: Path) -> TextIO:
    if file.name.lower().endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _header(file: Path, names: list[str], line: int) -> list[str]:
    if not any(names):
        raise DataError(f"{file}: the file is empty", "Its first line must name the columns.", at=False)
    figures = [name for name in names if is_number(name)]
    counted = [name for name in names if name] == [str(k) for k in range(sum(map(bool, names)))]  # as pandas names them
    # Years may well name columns, but not most of them fractions.
    mostly = len(figures) > len(names) / 2 and any("." in figure for figure in figures)
    if not counted and (mostly or len(figures) == len(names)):
        raise DataError(
            f"{file}, line {line}: numbers ({', '.join(figures[:4])}, ...), where the columns' names should be",
            "Add a first line with a name for each column.",
            at=False,
        )
    named = [name or f"column {k + 1}" for k, name in enumerate(names)]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{file}, line {line}: two columns are named {twice!r}", "Names must differ.", at=False)
    return named


def _sniff(sample: str) -> str:
    """The delimiter that splits the first lines into the most columns, as many in each as in the header."""
    lines = [line for line in sample.splitlines() if line.strip()][:20]
    best, score = ",", (False, 1)
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths or widths[0] == 1:
            continue
        # The last line of the sample may be cut off.
        found = (all(width == widths[0] for width in widths[:-1] or widths), widths[0])
        if found > score:
            best, score = delimiter, found
    return best


def _read_parquet(file: Path) -> RawTable:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError(
            f"{file}: reading Parquet needs the Python package pyarrow, which is not installed",
            'Run: pip install pyarrow   (or: pip install "upriver[data]"); or save the table as .csv.',
            at=False,
        ) from None
    arrow: Any = pa
    try:
        table: Any = pq.read_table(str(file))  # pyright: ignore[reportUnknownMemberType]
    except (OSError, arrow.ArrowException) as error:
        raise FileError(
            f"{file}: cannot be read ({cause(error)})", "Write it again; it may be cut off.", at=False
        ) from None
    columns: dict[str, Any] = {}
    ignored: dict[str, str] = {}
    names: list[str] = _header(file, [str(name) for name in table.column_names], 1) if table.num_columns else []
    if not names:
        raise DataError(f"{file}: there are no columns", at=False)
    for name, column in zip(names, table.columns, strict=True):
        kind: Any = column.type
        if arrow.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
            kind = column.type
        if arrow.types.is_integer(kind) or arrow.types.is_floating(kind) or arrow.types.is_decimal(kind):
            values: Any = np.asarray(column.cast(arrow.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        elif arrow.types.is_boolean(kind):
            values = [None if v is None else "true" if v else "false" for v in column.to_pylist()]
        elif arrow.types.is_string(kind) or arrow.types.is_large_string(kind):
            values = [None if v is None or v.strip().lower() in MISSING else v.strip() for v in column.to_pylist()]
        elif arrow.types.is_null(kind):
            values = [None] * len(column)
        else:
            values = [None if v is None else str(v) for v in column.to_pylist()]
            temporal = arrow.types.is_temporal(kind)
            ignored[name] = (
                say("dates or times are not used")
                if temporal
                else say("values of type {kind} are not used", kind=str(kind))
            )
        columns[name] = values
    return RawTable(file, columns, None, ignored)


def _neighbours(file: Path) -> str:
    folder = file.parent
    if not folder.is_dir():
        return f"There is no folder {folder} either."
    found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in (".csv", ".tsv", ".parquet"))
    return f"In that folder there are {', '.join(found[:8])}." if found else "Check the path."
