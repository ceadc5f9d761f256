"""Compiled steps for the playground: made in a thread while training goes on, and kept for networks of one kind.

The process has one such thread for all sessions. What nobody waits for any more when its turn comes is not made.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np

from ....compile import compile as compiled
from ....errors import UpriverError
from .net import Network

KEPT = 6
"""So many compiled steps a session keeps, for networks that it may come back to."""


class Maker:
    """The compiled step of a network, to be made in the thread.

    Args:
        build: gives the network. It must not lead back to who wants the step, or that would never be forgotten.
        batch: inputs (1, N, features) and targets (1, N, 1) of a step to make it by.

    Attributes:
        over: set once it is made or cannot be.
        made: then the network and its compiled step; None if it cannot be compiled.
    """

    def __init__(self, build: Callable[[], Network], batch: tuple[Any, Any]) -> None:
        self.made: tuple[Network, Any] | None = None
        self.over = threading.Event()
        self._build, self._batch = build, batch
        _thread.make(self)

    def make(self) -> None:
        """Make it, here and now."""
        try:
            self._make()
        finally:
            self.over.set()

    def _make(self) -> None:
        twin = self._build()
        twin.set_rate(0.0)  # its two steps only make the program and the optimiser's memory
        step = compiled(twin.update)
        try:
            with np.errstate(all="ignore"):
                for _ in range(2):
                    for _ in step.stretches([self._batch]):
                        pass
        except UpriverError:
            return
        self.made = twin, step


class _Thread:
    """The thread, begun when it is first needed. Each has memory of its own, and compiling takes a processor: one."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[weakref.ref[Maker]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def make(self, maker: Maker) -> None:
        """Have one made, after those that came before."""
        self._waiting.put(weakref.ref(maker))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="playground compiles")
            self._thread.start()

    def _run(self) -> None:
        while True:
            maker = self._waiting.get()()
            if maker is not None:
                maker.make()
            del maker


_thread = _Thread()


class Makers:
    """The makers of a session, the latest few."""

    def __init__(self) -> None:
        self._known: dict[Any, Maker] = {}

    def get(self, key: Any, build: Callable[[], Network], batch: tuple[Any, Any]) -> Maker:
        """The maker for networks of the kind ``key``: a known one, or a new one."""
        known = self._known.pop(key, None)
        if known is None or (known.made is None and known.over.is_set()):
            known = Maker(build, batch)
        self._known = {k: maker for k, maker in self._known.items() if k[0] != key[0] or maker.made is not None}
        self._known[key] = known
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return known
