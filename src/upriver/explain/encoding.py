"""Numbers and arrays as JSON has them: what it has no number for as a word, large arrays as a summary."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

WHOLE = 16
"""Arrays with more entries than this are summarised."""
FIRST = 4
"""How many entries a summary begins with."""
_EXACT = 2**53
_STATISTICS = (("min", np.min), ("max", np.max), ("mean", np.mean), ("std", np.std), ("norm", np.linalg.norm))


def number(x: Any) -> Any:
    """A number as JSON has it: "nan", "inf" and "-inf" as words, an integer beyond 2^53 as its digits."""
    if isinstance(x, (np.floating, np.bool_)) and x.dtype.itemsize < 8 and not isinstance(x, np.bool_):
        x = float(str(x)) if np.isfinite(x) else float(x)
    elif isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return str(x) if isinstance(x, int) and not isinstance(x, bool) and abs(x) > _EXACT else x


def plain(value: Any) -> Any:
    """A static argument as JSON has it."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, (bool, int, float, np.generic)):
        return number(value)
    return value if isinstance(value, str) or value is None else str(value)


def _numbers(a: Any) -> Any:
    return [_numbers(row) for row in a] if a.ndim else number(a[()])


def encode(array: Any, *, whole: int = WHOLE, chosen: Iterable[tuple[int, ...]] = ()) -> dict[str, Any]:
    """An array as JSON: ``data`` where it is small, else ``summary`` and ``entries``.

    Example:
        >>> import numpy as np
        >>> encode(np.array([1.0, np.inf]))
        {'shape': [2], 'data': [1.0, 'inf']}
    """
    a = np.asarray(array)
    if a.size <= whole:
        return {"shape": list(a.shape), "data": _numbers(a)}
    numeric = a.astype(np.float64, copy=False) if a.dtype.kind in "fbiu" else np.zeros(0)
    finite = np.isfinite(numeric)
    good = numeric if finite.all() else numeric[finite]
    summary: dict[str, Any] = {"zeros": int(numeric.size - np.count_nonzero(numeric)) / numeric.size}
    if good.size < numeric.size:
        summary["not_finite"] = int(numeric.size - good.size)
    for name, of in _STATISTICS:
        with np.errstate(over="ignore", invalid="ignore"):
            summary[name] = number(float(f"{float(of(good)):.7g}")) if good.size else None
    first = [tuple(int(k) for k in np.unravel_index(i, a.shape)) for i in range(FIRST)]
    places = dict.fromkeys([*first, *chosen])
    return {
        "shape": list(a.shape),
        "summary": summary,
        "entries": [{"at": list(at), "value": number(a[at])} for at in places],
    }


def decode(encoded: Mapping[str, Any], dtype: Any = np.float64) -> Any:
    """The array that was written whole, or None if only its summary was."""
    if "data" not in encoded:
        return None

    def of(x: Any) -> Any:
        return [of(item) for item in x] if isinstance(x, list) else float(x) if isinstance(x, str) else x

    return np.array(of(encoded["data"]), dtype=np.dtype(dtype)).reshape(encoded["shape"])


def dumps(data: Mapping[str, Any]) -> str:
    """The text of the document: compact, the same every time."""
    return json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
