"""While a call is recorded, a user who reads ``x.array`` is noticed: NumPy would go on behind the recorder's back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from ...core import state
from ...core.site import is_internal
from ...core.tensor import Tensor

_slot: Any = Tensor.__dict__["array"]
_ours = cache(is_internal)
_lock = threading.Lock()
_watching = 0


def _read(x: Tensor) -> Any:
    array = _slot.__get__(x)
    if state.recording.get() & state.RECORD and not _ours(sys._getframe(1).f_code.co_filename):
        state.read_by_python(array, ".array", "Use operations on the tensor; what is read is read outside.")
    return array


_watched: Any = property(_read, _slot.__set__)


@contextmanager
def watching_arrays() -> Iterator[None]:
    """Refuse to hand out the arrays of tensors to code outside this package, in whichever thread a call is recorded."""
    global _watching
    with _lock:
        _watching += 1
        type.__setattr__(Tensor, "array", _watched)
    try:
        yield
    finally:
        with _lock:
            _watching -= 1
            if not _watching:
                type.__setattr__(Tensor, "array", _slot)
