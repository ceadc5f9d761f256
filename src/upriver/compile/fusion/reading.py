"""What is read: each argument through its views, and through values that are computed where they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..primitives.indexing import Strides, merged, positions, row_major, size, through
from ..primitives.prims import VIEWS, Prim, Shape
from .groups import Group, over
from .layout import IMAGES, preferred
from .parts import in_parts
from .reads import Read, Space, composed, over_loops

HELD = frozenset({"input", "cell", "scalar", "constant"})
"""What is in memory when a call begins."""

FORMULAS = frozenset({"number", "iota"})
"""What is never in memory."""

LEAVES = HELD | FORMULAS

LOADED = frozenset([np.dtype(name) for name in ("f4", "f8", "?", "i8", "i4", "u1")])
"""The dtypes that loops load; what has others is called."""

PLACED = IMAGES | {"map"}


class Reading:
    """Index maps of a graph, remembered.

    Arguments:
        cells: for each cell its strides in entries.

    Attributes:
        floats: the primitives that are computed where they are read, with the number of maps in them.
        strides: of each value in its memory.
        group: of each primitive that is computed.
    """

    def __init__(self, cells: Sequence[Strides]) -> None:
        self.cells = cells
        self.floats: dict[Prim, int] = {}
        self.strides: dict[Prim, Strides] = {}
        self.group: dict[Prim, Group] = {}
        self._sources: dict[Prim, Read] = {}
        self._spaces: dict[Prim, Space] = {}
        self._settled: dict[Prim, Read] = {}
        self._copies: dict[Prim, Prim] = {}

    def add(self, prim: Prim) -> None:
        """Find the group of a primitive, whose arguments have theirs."""
        raise NotImplementedError

    def copy(self, arg: Prim) -> Prim:
        """A copy of a value, in memory of its own."""
        raise NotImplementedError

    def source(self, arg: Prim) -> Read:
        """``arg`` through its views, over its own dimensions."""
        found = self._sources.get(arg)
        if found is None:
            if arg.kind in VIEWS:
                inner = self.source(arg.args[0])
                to = through(arg, inner.strides, inner.offset)
                if to is None:
                    copy = self.copy(arg.args[0])
                    to = through(arg, self.strides[copy], 0)
                    assert to is not None
                    found = Read(copy, *to)
                else:
                    found = Read(inner.base, *to)
            else:
                found = Read(arg, self.strides_of(arg), 0)
            self._sources[arg] = found
        return found

    def strides_of(self, prim: Prim) -> Strides:
        found = self.strides.get(prim)
        if found is None:
            if prim.kind == "cell":
                found = tuple(self.cells[prim.attrs["index"]])
            elif prim.kind == "iota":  # an array whose addresses are its entries
                found = tuple([int(d == prim.attrs["dim"]) for d in range(len(prim.shape))])
            else:
                found = row_major(prim.shape)
                if len(prim.shape) == 4 and prim.kind in PLACED and prim.dtype in LOADED:
                    reads = [self.source(arg) for arg in prim.args]
                    found = preferred(prim, [(read.base, read.strides) for read in reads]) or found
            self.strides[prim] = found
        return found

    def about(self, prim: Prim) -> Space:
        """What a map, a reduction or a float runs over, and what it reads there."""
        found = self._spaces.get(prim)
        if found is None:
            found = self._spaces[prim] = self._space(prim)
        return found

    def reads(self, prim: Prim) -> list[Read]:
        """What a map, a reduction or a float reads."""
        return self.about(prim).reads

    def _space(self, prim: Prim) -> Space:
        shape, own = prim.shape, self.strides[prim]
        part = in_parts(prim) if prim.kind == "reduce" else None
        if part is not None:
            self.add(part)
            d = prim.attrs["dims"][0]
            own = (*own[:d], 0, 0, *own[d + 1 :])
            return Space(part.shape, own, [d], [Read(part, self.strides[part], 0)])
        cut = [False] * len(shape)
        if prim.kind == "reduce":
            shape = prim.args[0].shape
            cut = [d in prim.attrs["dims"] for d in range(len(shape))]
            own = tuple([0 if c else s for c, s in zip(cut, own, strict=True)])
        reads: list[Read] = []
        maps: list[Strides] = [own]
        for arg in prim.args:
            read = self.source(arg)
            if arg.shape != shape:
                read = Read(read.base, (0,) * len(shape), read.offset)
            elif read.base in self.floats and self.landed(read, shape) is None:
                read = Read(self.kept(read.base), read.strides, read.offset)
            reads.append(read)
            maps += [leaf.strides for leaf in self.landed(read, shape, formulas=True) or ()]
        runs = merged(shape, maps, cut)
        ends = [run[-1] for run in runs]
        inner = tuple([size([shape[i] for i in run]) for run in runs])
        fewer = [Read(base, tuple([strides[i] for i in ends]), offset) for base, strides, offset in reads]
        if any([read.base in self.floats and self.landed(read, inner) is None for read in fewer]):
            return Space(shape, own, [d for d, c in enumerate(cut) if c], reads)
        return Space(inner, tuple([own[i] for i in ends]), [d for d, i in enumerate(ends) if cut[i]], fewer)

    def meets(self, read: Read, shape: Shape) -> list[list[int]] | None:
        """Which positions of a float a read of it over ``shape`` meets."""
        space = self.about(read.base)
        return positions(space.shape, space.own, shape, read.strides, read.offset)

    def written(self, group: Group, prim: Prim) -> list[int]:
        """Where the result of a group's member lies in its memory, over the loops."""
        return over(group.members[prim], self.strides[prim] if prim is group.root else self.about(prim).own)

    def settled(self, arg: Prim) -> Read:
        """``arg`` through its views, as a value that is in memory."""
        found = self._settled.get(arg)
        if found is None:
            found = self.source(arg)
            if found.base.kind in FORMULAS:
                found = Read(self.copy(arg), row_major(arg.shape), 0)
            elif found.base in self.floats:
                found = Read(self.kept(found.base), found.strides, found.offset)
            self._settled[arg] = found
        return found

    def kept(self, prim: Prim) -> Prim:
        """A float in memory."""
        found = self._copies.get(prim)
        if found is None:
            found = self._copies[prim] = self.copy(prim)
        return found

    def dense(self, arg: Prim) -> Read:
        """``arg`` as a value in memory without gaps, in row-major order."""
        read = self.settled(arg)
        plain = row_major(arg.shape)
        if all([n == 1 or s == t for n, s, t in zip(arg.shape, read.strides, plain, strict=True)]):
            return Read(read.base, plain, read.offset)
        return Read(self.copy(arg), plain, 0)

    def leaves(self, read: Read) -> Iterable[Prim]:
        """What is in memory, of all that a read looks at."""
        if read.base in self.floats:
            for inner in self.reads(read.base):
                yield from self.leaves(inner)
        elif read.base.kind not in FORMULAS:
            yield read.base

    def landed(self, read: Read, shape: Shape, formulas: bool = False) -> list[Read] | None:
        """A read of a value over ``shape``, through floats, as reads of memory; None where a float cannot be read so.

        Positions along a dimension count as memory with ``formulas``.
        """
        base = read.base
        if base in self.floats:
            at = self.meets(read, shape)
            if at is None:
                return None
            found: list[Read] = []
            for inner in self.reads(base):
                more = self.landed(composed(inner, at, len(shape)), shape, formulas)
                if more is None:
                    return None
                found += more
            return found
        return [read] if base.kind not in FORMULAS or (formulas and base.kind == "iota") else []

    def loads(self, group: Group, operands: bool = False) -> Iterable[tuple[Prim, list[int] | None, int]]:
        """What a group reads from memory, with its maps over the loops; those of ``operands`` are None."""
        if operands and group.root is not None and group.root.kind not in ("concat", "place"):
            for arg in group.root.args:
                if 0 not in arg.shape:
                    yield self.settled(arg).base, None, 0
        for member, owner in group.members.items():
            if member is not group.root:
                for read in self.reads(member):
                    landed = self.landed(over_loops(read, owner), tuple(group.dims))
                    assert landed is not None
                    for base, strides, offset in landed:
                        if base not in group.members:
                            yield base, list(strides), offset
