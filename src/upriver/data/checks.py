"""Checks of data before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import DataError
from ..i18n import say


def check_finite(name: str, array: Any, *, columns: Sequence[str] | None = None, at: bool = True) -> None:
    """Nothing, if every value of ``array`` is a finite number; else an error that names the first that is not.

    Args:
        name: what the data are called in the message, a variable or a file.
        array: array or tensor of any shape and dtype; the first dimension counts rows.
        columns: names of the columns of a two-dimensional array, for the message.
        at: whether the caller's line belongs into the message (not where a file is at fault).

    Raises:
        DataError: there is a NaN or an infinity.

    Example:
        >>> import numpy as np
        >>> from upriver.data import check_finite
        >>> check_finite("x", np.ones((3, 2)))
        >>> check_finite("x", np.array([[1.0, 2.0], [3.0, np.nan]]))
        Traceback (most recent call last):
        ...
        upriver.errors.DataError: x: NaN in row 1, column 1 (1 of 4 values is not finite)
        ...
    """
    values: Array = array.array if isinstance(array, Tensor) else np.asarray(array)
    if values.dtype.kind not in "fc" or values.size == 0:
        return
    # One sum in place of a mask the size of the data: it is finite if all are, except on overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return
    bad = ~np.isfinite(values)
    count = int(bad.sum())
    if count == 0:
        return
    first = np.unravel_index(int(bad.argmax()), values.shape)
    raise DataError(
        say(
            "{name}: {kind, select, nan {NaN} up {an infinity} other {a negative infinity}} {place} "
            "({count, plural, one {# of {n} values is} other {# of {n} values are}} not finite)",
            name=name,
            kind="nan" if np.isnan(values[first]) else "up" if values[first] > 0 else "down",
            place=_place([int(i) for i in first], columns),
            count=count,
            n=values.size,
        ),
        "Drop such rows, or replace the values (the column's median, say) before training.",
        at=at,
    )


def _place(index: list[int], columns: Sequence[str] | None) -> str:
    if not index:
        return say("as its only value")
    if len(index) == 1:
        return say("in row {i}", i=str(index[0]))
    if len(index) == 2:
        column = repr(columns[index[1]]) if columns is not None else str(index[1])
        return say("in row {i}, column {column}", i=str(index[0]), column=column)
    return say("in sample {i}, at {place}", i=str(index[0]), place=str(index[1:]))
