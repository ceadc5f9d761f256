"""A queue in which each learner has a turn: whoever asks a hundred questions waits behind those who ask one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FullError(Exception):
    """There is no room: to be answered at once, never by waiting."""


class FairQueue(Generic[Item]):
    """First come, first served for one learner; in turn among learners.

    Args:
        room: how many items may wait.
        room_each: how many of one learner.

    Example:
        >>> queue = FairQueue(10, 10)
        >>> for learner, item in [("a", 1), ("a", 2), ("a", 3), ("b", 4)]:
        ...     queue.put(learner, item)
        >>> [queue.take() for _ in range(4)]
        [1, 4, 2, 3]
    """

    def __init__(self, room: int, room_each: int) -> None:
        self._room, self._room_each = room, room_each
        self._waiting: dict[Hashable, deque[Item]] = {}  # in the order of turns
        self._count = 0
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return self._count

    def put(self, learner: Hashable, item: Item, *, first: bool = False) -> None:
        """Let an item wait; ``first`` puts it before all others of its learner, whether there is room or not.

        Raises:
            FullError: too many wait.
        """
        mine = self._waiting.get(learner)
        if not first and (self._count >= self._room or (mine is not None and len(mine) >= self._room_each)):
            raise FullError
        if mine is None:
            mine = self._waiting[learner] = deque()
        if first:
            mine.appendleft(item)
        else:
            mine.append(item)
        self._count += 1
        self._some.set()

    def take(self) -> Item:
        """The next item.

        Raises:
            LookupError: nothing waits.
        """
        if not self._count:
            raise LookupError("nothing waits")
        learner = next(iter(self._waiting))
        mine = self._waiting.pop(learner)
        item = mine.popleft()
        if mine:
            self._waiting[learner] = mine  # behind the others
        self._count -= 1
        if not self._count:
            self._some.clear()
        return item

    async def next(self) -> Item:
        """The next item, when there is one."""
        while not self._count:
            await self._some.wait()
        return self.take()

    def withdraw(self, learner: Hashable, item: Item) -> bool:
        """Take back an item that still waits; whether it did."""
        mine = self._waiting.get(learner)
        if mine is None or item not in mine:
            return False
        mine.remove(item)
        self._count -= 1
        if not mine:
            del self._waiting[learner]
        if not self._count:
            self._some.clear()
        return True
