"""The operations by name: filled as they are defined, read by the tensor's methods, the tests and the docs.

There is this one table and no other: everything about an operation is a field of its record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .op import Op

Function = TypeVar("Function", bound=Callable[..., Any])


class Registry:
    """Functions by name as attributes; the primitive operations among them by iteration."""

    def __init__(self) -> None:
        self._records: dict[str, Op] = {}

    def add_record(self, op: Op) -> None:
        """Take a primitive in; two of one name are a mistake."""
        if op.name in self._records:
            raise ValueError(f"two operations are named {op.name!r}")
        self._records[op.name] = op
        self.__dict__.setdefault(op.name, op)

    def __iter__(self) -> Iterator[Op]:
        """The records, in the order of their definition."""
        return iter(self._records.values())

    def record(self, name: str) -> Op:
        """The record of the primitive ``name``."""
        return self._records[name]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"no operation is named {name!r}")


ops = Registry()


def front_door(function: Function) -> Function:
    """Make ``function`` what its name means in :data:`ops`: the way in to a structured operation, or a composite."""
    ops.__dict__[function.__name__.rstrip("_")] = function
    return function
