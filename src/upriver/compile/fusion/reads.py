"""How primitives read one another, once views are looked through."""

from __future__ import annotations

from typing import NamedTuple

from ..primitives.indexing import Strides
from ..primitives.prims import Prim, Shape
from .groups import Owner, over


class Read(NamedTuple):
    """An argument through its views: what it is of, with a map over the dimensions of the reader."""

    base: Prim
    strides: Strides
    offset: int


class Space(NamedTuple):
    """What a map or a reduction runs over, with as few dimensions as can be.

    Attributes:
        shape: lengths.
        own: strides of the result; 0 along what is reduced.
        reduced: the dimensions that are.
        reads: the arguments.
    """

    shape: Shape
    own: Strides
    reduced: list[int]
    reads: list[Read]


class Region(NamedTuple):
    """Where a value is put instead of memory of its own: into that of a primitive, or of a cell (by its index)."""

    owner: Prim | int
    strides: Strides
    offset: int


def composed(read: Read, at: list[list[int]], loops: int) -> Read:
    """A read over the dimensions of a value, as one over loops that meet it ``at`` positions along them."""
    total = [sum([s * row[d] for s, row in zip(read.strides, at, strict=True)]) for d in range(loops + 1)]
    return Read(read.base, tuple(total[:-1]), read.offset + total[-1])


def over_loops(read: Read, owner: Owner) -> Read:
    """A read over the dimensions of a member as one over the loops."""
    return Read(read.base, tuple(over(owner, read.strides)), read.offset)
