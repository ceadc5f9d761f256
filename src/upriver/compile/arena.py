"""Memory for values: each for as long as it is read, one after the other in the same place."""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

ALIGN = 64

T = TypeVar("T", bound=Hashable)


class Life(NamedTuple):
    """How long a value is needed: from the first time to the last, both included; and its size in bytes."""

    first: int
    last: int
    size: int


def arranged(lives: Sequence[tuple[T, Life]]) -> tuple[dict[T, int], int]:
    """Where each value lies, so that no two that are needed at one time overlap.

    Returns:
        The offset of each, a multiple of 64, and the bytes of all.

    Example:
        >>> arranged([("a", Life(0, 1, 64)), ("b", Life(1, 2, 64)), ("c", Life(2, 3, 10))])
        ({'a': 0, 'b': 64, 'c': 0}, 128)
    """
    placed: dict[T, int] = {}
    held: list[tuple[int, int]] = []  # (offset, end) of what is alive, in order
    ends: list[tuple[int, int, int]] = []  # (last, offset, end), in order
    total = 0
    for key, life in sorted(lives, key=lambda item: (item[1].first, -item[1].size)):
        while ends and ends[0][0] < life.first:
            _, begin, end = ends.pop(0)
            held.remove((begin, end))
        wanted = max(-(-life.size // ALIGN), 1) * ALIGN
        best, room, before = -1, 0, 0
        for begin, end in held:
            gap = begin - before
            if gap >= wanted and (best < 0 or gap < room):
                best, room = before, gap
            before = end
        if best < 0:
            best = before
        placed[key] = best
        insort(held, (best, best + wanted))
        insort(ends, (life.last, best, best + wanted))
        total = max(total, best + wanted)
    return placed, total
