"""Equality by identity, for comparing structures that hold objects of any kind."""

from __future__ import annotations

from typing import Any


class Same:
    """Equal only to itself around the same object, which it keeps alive.

    Example:
        >>> x = [1]
        >>> Same(x) == Same(x), Same(x) == Same([1])
        (True, False)
    """

    __slots__ = ("of",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, of: Any) -> None:
        self.of = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.of is self.of
