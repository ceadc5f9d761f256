"""Compiled steps for the playground: made in a thread while training goes on, and kept for networks of one kind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ....compile import compile as compiled
from ....errors import UpriverError
from .net import Network

KEPT = 6
"""So many compiled steps a session keeps, for networks that it may come back to."""
_one = threading.Lock()  # compiling takes a processor: one at a time in a process


class Maker:
    """Makes the compiled step of a network, in a thread.

    Args:
        build: gives the network.
        batch: inputs (1, N, features) and targets (1, N, 1) of a step to make it by.

    Attributes:
        thread: where it is made.
        made: the network and its compiled step, once the thread is over; None if it cannot be compiled.
        wanted: set to False, it is not made any more if it has not been begun.
    """

    def __init__(self, build: Callable[[], Network], batch: tuple[Any, Any]) -> None:
        self.made: tuple[Network, Any] | None = None
        self.wanted = True
        self._build, self._batch = build, batch
        self.thread = threading.Thread(target=self._make, daemon=True, name="playground compiles")
        self.thread.start()

    def _make(self) -> None:
        with _one:
            if not self.wanted:
                return
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


class Makers:
    """The makers of a session, the latest few."""

    def __init__(self) -> None:
        self._known: dict[Any, Maker] = {}

    def get(self, key: Any, build: Callable[[], Network], batch: tuple[Any, Any]) -> Maker:
        """The maker for networks of the kind ``key``: a known one, or a new one."""
        known = self._known.pop(key, None)
        if known is None or (known.made is None and not known.thread.is_alive()):
            known = Maker(build, batch)
        for other, maker in self._known.items():
            if other[0] == key[0]:
                maker.wanted = maker.made is not None
        self._known[key] = known
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return known
