"""What the labs share when they open a gradient: rows of a ranking, and weights by their names."""

from __future__ import annotations

import re
from typing import Any

from ...errors import ArgumentError
from ...explain.blame import Blamed


def row(item: Blamed) -> dict[str, Any]:
    """One module, unit or weight of a ranking, as data."""
    return {"name": item.name, "value": item.value, "weight": item.weight}


def weight(model: Any, text: str) -> tuple[str, Any, tuple[int, ...]]:
    """A single weight by its name, as in ``scores.weight[3, 17]``: the name, the parameter, the entry.

    Raises:
        ArgumentError: there is none.

    Example:
        >>> import upriver as ur
        >>> weight(ur.nn.Linear(2, 3), "weight[2, 1]")[2]
        (2, 1)
    """
    found = re.fullmatch(r"([A-Za-z0-9_.]{1,80})(?:\[([0-9]{1,6}(?:, ?[0-9]{1,6})*)\])?", text)
    parameter = dict(model.named_parameters()).get(found[1]) if found else None
    entry = tuple([int(i) for i in found[2].split(",")]) if found and found[2] else ()
    if (
        parameter is None
        or len(entry) != parameter.ndim
        or any(i >= n for i, n in zip(entry, parameter.shape, strict=True))
    ):
        raise ArgumentError(f"there is no weight {text!r}", "Write one as in scores.weight[3, 17].", at=False)
    return text, parameter, entry
