"""Arrays before which lies what no kernel may change, and behind which lies memory that none can even read."""

import ctypes
import mmap
import sys

import numpy as np

from upriver.compile.kernels import Access, Statement

GUARD = 256


def fenced(size):
    """So many bytes, and ``GUARD`` before them; behind them, where the system allows it, a page without access."""
    room = -(-(size + GUARD) // mmap.PAGESIZE) * mmap.PAGESIZE
    raw = np.frombuffer(mmap.mmap(-1, room + mmap.PAGESIZE), np.uint8)
    if sys.platform in ("linux", "darwin"):
        fence = ctypes.c_void_p(raw.ctypes.data + room)
        assert ctypes.CDLL(None).mprotect(fence, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    return raw[room - size - GUARD : room]


class Guarded:
    """Arrays in memory of their own, by slot."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.raw = []
        self.arrays = []

    def array(self, values, order=None):
        """A copy of ``values``; in memory its dimensions lie in ``order``, outermost first."""
        values = np.asarray(values)
        order = tuple(range(values.ndim)) if order is None else order
        raw = fenced(values.nbytes)
        raw[...] = 255
        view = raw[GUARD:].view(values.dtype).reshape([values.shape[d] for d in order]).transpose(np.argsort(order))
        view[...] = values
        self.raw.append(raw)
        self.arrays.append(view)
        return view

    def normal(self, shape, dtype=np.float32, order=None):
        return self.array(self.rng.standard_normal(shape).astype(dtype), order)

    def empty(self, shape, dtype=np.float32, order=None):
        return self.array(np.full(shape, 777, dtype), order)

    def intact(self):
        return all((raw[:GUARD] == 255).all() for raw in self.raw)


def access(slot, view):
    """All of a view that begins where the slot does."""
    return Access(slot, view.dtype, tuple(s // view.itemsize for s in view.strides))


def stored(slot, view):
    """The body of a kernel that keeps its result as it is."""
    return Statement("result", view.dtype), Statement("store", view.dtype, (0,), access=access(slot, view))
