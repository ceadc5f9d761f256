"""How many threads a compiled program may use: one setting for the process."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..errors import ArgumentError

_chosen: int | None = None
watchers: list[Callable[[int], None]] = []
"""Called with the new number whenever it is set."""


def cores() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_num_threads(n: int) -> None:
    """Let compiled programs use ``n`` threads, the caller's among them; 1 for none but the caller's.

    It is about :func:`upriver.compile` alone: NumPy's own matrix products take their number from the environment
    (``OPENBLAS_NUM_THREADS``). Results are the same for every number.

    Args:
        n: at least 1. More than there are processors is of no use.

    Raises:
        ArgumentError: ``n`` is not a positive integer.

    Example:
        >>> import upriver as ur
        >>> before = ur.get_num_threads()
        >>> ur.set_num_threads(1)
        >>> ur.get_num_threads()
        1
        >>> ur.set_num_threads(before)
    """
    global _chosen
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ArgumentError(f"set_num_threads: {n!r} is not a positive integer", "Give 1, 2, …")
    _chosen = n
    for watcher in watchers:
        watcher(n)


def get_num_threads() -> int:
    """How many threads compiled programs may use: what was set, else the processors of this process.

    Example:
        >>> import upriver as ur
        >>> ur.get_num_threads() >= 1
        True
    """
    return _chosen if _chosen is not None else cores()
