"""What an operation looked at in its inputs, said to whoever records it: the same must hold whenever it runs again."""

from __future__ import annotations

from typing import Any

from ..core import state
from ..core.registry import ops
from ..core.tensor import Tensor


def check_range(x: Any, low: Any, high: Any) -> None:
    """Say that every entry of the tensor ``x`` lies from ``low`` to ``high``, both included; None for no bound."""
    if state.recorder() is not None:
        _check(x, "ge", low)
        _check(x, "le", high)


def check_none(x: Any, value: Any) -> None:
    """Say that no entry of the tensor ``x`` is ``value``."""
    _check(x, "ne", value)


def _check(x: Any, comparison: str, bound: Any) -> None:
    told = state.recorder()
    if told is not None and bound is not None and isinstance(x, Tensor):
        with state.no_grad():
            told.check(lambda: ops.all(getattr(ops, comparison)(x, bound)), (x, comparison, bound))
