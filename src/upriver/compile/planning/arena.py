"""Memory for values: each for as long as it is read, one after the other in the same place."""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

ALIGN = 64

T = TypeVar("T", bound=Hashable)


class Life(NamedTuple):
    """How long a value is needed: from the first time to the last, both included; and its size in bytes."""

    first: int
    last: int
    size: int


def room(size: int) -> int:
    """The bytes that are set apart for a value of so many."""
    return max(-(-size // ALIGN), 1) * ALIGN


def arranged(lives: Sequence[tuple[T, Life]], gap: int = 0) -> tuple[dict[T, int], int]:
    """Where each value lies, so that no two that are needed at one time overlap.

    Args:
        lives: of each value.
        gap: bytes to leave free behind each value, whatever is needed when; then no memory is used twice.

    Returns:
        The offset of each, a multiple of 64, and the bytes of all.

    Example:
        >>> arranged([("a", Life(0, 1, 64)), ("b", Life(1, 2, 64)), ("c", Life(2, 3, 10))])
        ({'a': 0, 'b': 64, 'c': 0}, 128)
    """
    if gap:
        ends_at = list(accumulate([room(life.size) + gap for _, life in lives], initial=0))
        return {key: at for (key, _), at in zip(lives, ends_at, strict=False)}, ends_at[-1]
    placed: dict[T, int] = {}
    held: list[tuple[int, int]] = []  # (offset, end) of what is alive, in order
    ends: list[tuple[int, int, int]] = []  # (last, offset, end), in order
    total = 0
    for key, life in sorted(lives, key=lambda item: (item[1].first, -item[1].size)):
        while ends and ends[0][0] < life.first:
            _, begin, end = ends.pop(0)
            held.remove((begin, end))
        wanted = room(life.size)
        best, least, before = -1, 0, 0
        for begin, end in held:
            free = begin - before
            if free >= wanted and (best < 0 or free < least):
                best, least = before, free
            before = end
        if best < 0:
            best = before
        placed[key] = best
        insort(held, (best, best + wanted))
        insort(ends, (life.last, best, best + wanted))
        total = max(total, best + wanted)
    return placed, total
