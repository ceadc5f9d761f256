"""The threads that help: Python threads parked inside a native function, which gives up the interpreter's lock.

There is one pool for the process. A program takes it for one run; another that finds it taken works alone, and so
does one in a process that was forked until it has started workers of its own. How work is shared is told in
:mod:`.runtime`.
"""

from __future__ import annotations

import atexit
import os
import threading
from functools import cache
from typing import Any

import numpy as np

from ...core import threads
from .runtime import POOL_WORDS, field, runtime


def aligned(size: int, *, zero: bool = True) -> Any:
    """``size`` bytes at a multiple of 64, as an array of uint8."""
    raw = (np.zeros if zero else np.empty)(size + 64, np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + size]


class Pool:
    """The workers, and the words of memory through which they are reached.

    Attributes:
        words: the pool's fields.
        address: of the first word.
    """

    def __init__(self) -> None:
        self.words = aligned(POOL_WORDS * 8).view(np.int64)
        self.address: int = self.words.ctypes.data
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.words[field("wanted")] = threads.get_num_threads()
        self.words[field("workers")] = 1
        threads.watchers.append(self.resize)
        atexit.register(self._end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def start(self) -> None:
        """Start the workers that are wanted and not there."""
        work, address = runtime().work, self.address
        with self._lock:
            self.words[field("missing")] = 0
            wanted = int(self.words[field("wanted")])
            for index in range(len(self._threads) + 1, wanted):
                thread = threading.Thread(target=work, args=(address, index), name=f"upriver-{index}", daemon=True)
                thread.start()
                self._threads.append(thread)
            self.words[field("workers")] = len(self._threads) + 1

    def resize(self, n: int) -> None:
        """Want ``n`` threads: those too many end, those too few are started by the run that misses them."""
        with self._lock:
            self.words[field("wanted")] = n
            if len(self._threads) >= n:
                runtime().kick(self.address)
                for thread in self._threads[n - 1 :]:
                    thread.join()
                del self._threads[n - 1 :]
                self.words[field("workers")] = n

    def _forked(self) -> None:
        # The workers stayed with the parent, perhaps in the middle of a job; this memory is the child's own.
        self._lock = threading.Lock()
        self._threads = []
        self.words[:] = 0
        self.words[field("wanted")] = threads.get_num_threads()
        self.words[field("workers")] = 1

    def _end(self) -> None:
        self.words[field("wanted")] = 0
        if self._threads:
            runtime().kick(self.address)
            for thread in self._threads:
                thread.join(1.0)


@cache
def pool() -> Pool:
    """The process's pool. It has no threads until a program asks for them."""
    return Pool()
