"""Arithmetic in gradient rules on a value that the rule itself has just made, and nobody else can see.

A rule runs on tensors, where every step is recorded, and on bare arrays, where the memory of such a value can
be used again: a pass over fresh memory costs several times a pass over memory that is at hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def multiply_into(fresh: Any, factor: Any) -> Any:
    """``fresh * factor``, in the memory of ``fresh`` if that is a bare array; ``factor`` may repeat."""
    if type(fresh) is np.ndarray:
        return np.multiply(fresh, factor, out=fresh)
    return fresh * factor


def subtract_from(x: Any, fresh: Any) -> Any:
    """``x - fresh``, in the memory of ``fresh`` if that is a bare array of the shape of ``x``."""
    if type(fresh) is np.ndarray:
        return np.subtract(x, fresh, out=fresh)
    return x - fresh
