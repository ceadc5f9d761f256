"""What an operation looked at in its inputs, said to whoever records it: the same must hold whenever it runs again."""

from __future__ import annotations

from typing import Any

from ..core import state
from ..core.registry import ops
from ..core.tensor import Tensor


def check_range(x: Tensor, low: Any, high: Any) -> None:
    """Say that every entry of ``x`` lies from ``low`` to ``high``, both included; None for no bound."""
    told = state.recorder()
    if told is None:
        return
    with state.no_grad():
        x = x.detach()
        for bound, compare in ((low, "ge"), (high, "le")):
            if bound is not None:
                told.check(
                    lambda compare=compare, bound=bound: ops.all(getattr(ops, compare)(x, bound)), (x, compare, bound)
                )


def check_none(x: Tensor, value: Any) -> None:
    """Say that no entry of ``x`` is ``value``."""
    told = state.recorder()
    if told is not None:
        with state.no_grad():
            told.check(lambda: ops.all(ops.ne(x.detach(), value)), (x, "ne", value))
