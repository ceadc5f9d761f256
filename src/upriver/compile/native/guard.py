"""Guard mode (``UPRIVER_GUARD=1``), for tests: every write of a kernel outside its buffers is found.

Every value of the arena, every input and every cell is surrounded by zones whose bytes nobody may change; they are
looked at after every call, so that the message names the kernel. The bytes are those of NaN: what is read there shows
in the results.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.state import Array

MARGIN = 4096  # bytes on either side
_CANARY = 0xFF


def on() -> bool:
    """Whether this is wanted."""
    return bool(os.environ.get("UPRIVER_GUARD"))


def gap() -> int:
    """Bytes that a plan is to leave free behind every value of its arena."""
    return MARGIN if on() else 0


class StrayWriteError(RuntimeError):
    """A kernel wrote where nothing may be written: an error of this package."""


class Zones:
    """Memory that nobody may change."""

    def __init__(self) -> None:
        self._zones: list[tuple[str, Array, Array]] = []

    def add(self, name: str, zone: Array) -> None:
        """Watch ``zone``, an array of bytes, filling it first."""
        zone[:] = _CANARY
        self._zones.append((name, zone, zone.copy()))

    def freeze(self, name: str, zone: Array) -> None:
        """Watch it as it is."""
        self._zones.append((name, zone, zone.copy()))

    def check(self, who: str) -> None:
        """Verify all of them.

        Raises:
            StrayWriteError: one was changed.
        """
        for name, zone, before in self._zones:
            if zone.tobytes() != before.tobytes():
                at = int((zone != before).argmax())
                zone[:] = before
                raise StrayWriteError(f"{who} wrote {name}, byte {at} of {zone.size}: outside every buffer")

    def fenced(self, name: str, x: Array, *, frozen: bool) -> Array:
        """A copy of ``x``, of the same strides, between two zones; ``frozen``: nobody may change it either."""
        spans = [(n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)]
        low = sum(s for s in spans if s < 0)
        size = (sum(s for s in spans if s > 0) - low + x.itemsize) if x.size else 0
        raw = np.zeros(size + 2 * MARGIN + 64, np.uint8)
        first = -raw.ctypes.data % 64 + MARGIN
        copy: Array = np.ndarray(x.shape, x.dtype, raw, first - low if x.size else first, x.strides)
        copy[...] = x
        self.add(f"before {name}", raw[:first])
        self.add(f"after {name}", raw[first + size :])
        if frozen:
            self.freeze(name, raw[first : first + size])
        return copy


def run(executable: Any, inputs: Sequence[Array], arena: Callable[[Zones], None], step: Callable[[Zones], int]) -> int:
    """Run ``step`` with the inputs and the cells of ``executable`` fenced in.

    Args:
        executable: its cells are copied, and what became of them is copied back.
        inputs: their addresses are put into its ``bases``.
        arena: adds the zones of the arena.
        step: runs the calls and checks the zones after each.
    """
    zones = Zones()
    arena(zones)
    given = [zones.fenced(f"input {i}", x, frozen=True) for i, x in enumerate(inputs)]
    executable.bases[: len(given)] = [x.ctypes.data for x in given]
    cells: list[Array] = list(executable.cells)
    alone = [
        x.size > 0 and not any(np.may_share_memory(x, y) for j, y in enumerate(cells) if j != i)
        for i, x in enumerate(cells)
    ]
    copies = [
        zones.fenced(f"cell {i}", x, frozen=False) if free else x
        for i, (x, free) in enumerate(zip(cells, alone, strict=True))
    ]
    executable.place(copies)
    try:
        return step(zones)
    finally:
        executable.place(cells)
        for x, copy, free in zip(cells, copies, alone, strict=True):
            if free:
                x[...] = copy
