"""Memory that stays with the process between steps.

A training step frees nearly all that it allocated, and the next step wants the same again. glibc gives freed
memory back to the system at once where blocks are large, and every page of it then costs a fault when it is
touched anew: on a small transformer that is a third to a half of a step. These two settings make it keep up to
a quarter of a gigabyte. They hold for the whole process; ``UPRIVER_KEEP_MEMORY=0`` leaves things alone.
"""

from __future__ import annotations

import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP, _LARGEST_KEPT = 1 << 28, 1 << 25  # bytes; 32 MiB is the largest that glibc accepts for the second


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory. Whether it was asked: it has to be glibc, and not forbidden."""
    if not sys.platform.startswith("linux") or os.environ.get("UPRIVER_KEEP_MEMORY") == "0":
        return False
    import ctypes  # NumPy has imported it already

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEEP))
