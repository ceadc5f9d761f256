"""Run one kernel by hand: what the emitters' tests call."""

import ctypes
from functools import lru_cache

import numpy as np

from upriver.compile.kernels import KernelCode
from upriver.compile.native.jit import Library

_SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)


@lru_cache(maxsize=256)
def _library(code: KernelCode, symbols: tuple[tuple[str, int], ...]) -> Library:
    return Library([code], symbols=dict(symbols))


def call(code: KernelCode, arrays: list[np.ndarray], begin: int = 0, end: int | None = None, symbols=()) -> None:
    """Run units [begin, end) of a kernel on these arrays; an array is where its data begins, whatever its strides."""
    library = _library(code, tuple(dict(symbols).items()))
    table = np.array([a.ctypes.data for a in arrays] or [0], np.int64)
    scratch = np.zeros(code.scratch + 64, np.uint8)
    aligned = -(-scratch.ctypes.data // 64) * 64
    _SIGNATURE(library.address(code.name))(table.ctypes.data, begin, code.units if end is None else end, aligned)
