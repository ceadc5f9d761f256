"""How many threads NumPy's matrix products use.

BLAS reads its variable (``OPENBLAS_NUM_THREADS``, ``OMP_NUM_THREADS``, ``MKL_NUM_THREADS``) once, when NumPy is
imported. A command that is told ``--threads`` later asks the library itself, through the function that OpenBLAS
exports for it.

One thread is the default of the command line: the products of a small network are done before a second thread
has woken up, and on a busy machine two threads that wait for each other are slower than one. It also makes a
result independent of the number of cores.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# NumPy's wheels carry an OpenBLAS whose names have a prefix and a suffix; distributions use the plain ones.
_NAMES = tuple(
    prefix + "{}_num_threads" + suffix for prefix in ("scipy_openblas_", "openblas_") for suffix in ("64_", "")
)


def _libraries() -> Iterator[Path]:
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs", package / ".libs"):
        yield from sorted(folder.glob("*openblas*"))
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    yield from sorted({Path(line.split(maxsplit=5)[-1]) for line in maps.splitlines() if "openblas" in line})


@cache
def _openblas() -> tuple[Any, Any] | None:
    """The library's own functions to set and to get the number, if it is OpenBLAS."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _NAMES:
            if hasattr(library, name.format("set")):
                return getattr(library, name.format("set")), getattr(library, name.format("get"))
    return None


def chosen() -> bool:
    """Whether the user's environment says how many."""
    return any(os.environ.get(name) for name in VARIABLES)


def limit(n: int) -> bool:
    """Let matrix products use ``n`` threads; whether that was possible."""
    found = _openblas()
    if found is None:
        return False
    found[0](ctypes.c_int(n))
    return True


def get() -> int | None:
    """How many threads matrix products use, where that can be told."""
    found = _openblas()
    return int(found[1]()) if found is not None else None
