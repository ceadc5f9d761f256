"""What is cheaper to compute again than to store: it is taken out of its group and computed where it is read."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ..primitives.indexing import size
from ..primitives.prims import Prim
from .groups import Group
from .reads import Read, composed, over_loops

if TYPE_CHECKING:
    from .fuse import Fusion

CHEAP = frozenset(
    "add sub mul max min lt le gt ge eq ne and or xor neg abs not cast where floor ceil rint trunc copy".split()
)
"""What may be computed more often than once to save a trip through memory."""

STORE = 1.5
"""What a store costs, in loads."""

OPERATIONS = 8
"""Of so many maps a value that is computed again at most consists."""


def recompute(fusion: Fusion) -> None:
    """Turn members into floats where that moves fewer bytes."""
    readers: dict[Prim, dict[Prim, None]] = {}
    pinned = {read.base for read in [*fusion.outputs, *fusion.checks]}
    pinned.update([fusion.source(after).base for after in fusion.graph.cells_after if after is not None])
    needed = set(pinned)
    for group in fusion.groups.values():
        if group.root is not None and group.root.kind not in ("concat", "place"):
            needed.update([fusion.settled(arg).base for arg in group.root.args if 0 not in arg.shape])
        for member in group.members:
            if member is not group.root:
                for read in fusion.reads(member):
                    readers.setdefault(read.base, {})[member] = None
    costs = _Costs(fusion, readers, needed)
    for prim in list(fusion.group):
        if prim.kind == "map" and prim in readers and prim in fusion.group:
            for taken in costs.saved(prim):
                del fusion.group[taken].members[taken]
                del fusion.group[taken]


class _Costs:
    def __init__(self, fusion: Fusion, readers: dict[Prim, dict[Prim, None]], needed: set[Prim]) -> None:
        self.fusion, self.readers, self.needed = fusion, readers, needed

    def elsewhere(self, prim: Prim, own: Group | None) -> dict[Group, None]:
        """The groups besides its own that read a value, through floats too."""
        found: dict[Group, None] = {}
        for reader in self.readers.get(prim, ()):
            group = self.fusion.group.get(reader)
            if group is None:
                found.update(self.elsewhere(reader, own))
            elif group is not own:
                found[group] = None
        return found

    def stays(self, prim: Prim) -> bool:
        """Whether it cannot be computed again."""
        fusion = self.fusion
        if prim.kind != "map" or prim.attrs["fn"] not in CHEAP or prim.shape == ():
            return True
        return prim in self.needed or prim in fusion.regions or prim not in fusion.group

    def with_sources(self, prim: Prim) -> list[Prim]:
        """A value and what is computed for it alone, or for others in its group: all that would be computed again."""
        fusion, found = self.fusion, [prim]
        own = fusion.group[prim]
        for one in found:
            for base, _, _ in fusion.reads(one):
                if base in found or fusion.group.get(base) is not own or self.stays(base):
                    continue
                if not self.elsewhere(base, own):
                    found.append(base)
        return found

    def saved(self, prim: Prim) -> list[Prim]:
        """What is from now on computed where it is read, if that moves fewer bytes: the value, and its sources."""
        fusion = self.fusion
        if self.stays(prim):
            return []
        own = fusion.group[prim]
        others = self.elsewhere(prim, own)
        if not others or len(others) > 4:
            return []
        taken = self.with_sources(prim)
        operations = len(taken)
        for one in taken:
            operations += sum([fusion.floats.get(read.base, 0) for read in fusion.reads(one)])
        if operations > OPERATIONS:
            return []
        fusion.floats.update(dict.fromkeys(taken, operations))
        fits = all([self.fits(one) for one in taken])
        if not fits or self.after(prim, own, others) >= (STORE + len(others)) * _bytes(prim):
            for one in taken:
                del fusion.floats[one]
            return []
        return taken

    def after(self, prim: Prim, own: Group, others: dict[Group, None]) -> float:
        """The bytes that are moved if ``others`` compute it."""
        fusion, dims, owner = self.fusion, tuple(own.dims), own.members[prim]
        loaded: dict[Prim, int] = {}
        for read in fusion.reads(prim):
            leaves = fusion.landed(over_loops(read, owner), dims)
            if leaves is None:
                return inf
            for leaf in leaves:
                moved = size([n for n, s in zip(dims, leaf.strides, strict=True) if s])
                loaded[leaf.base] = max(loaded.get(leaf.base, 0), moved * leaf.base.dtype.itemsize)
        total = 0.0
        for base, moved in loaded.items():
            of = fusion.group.get(base)
            direct = self.elsewhere(base, None)
            if of is not None and base not in self.needed and not [g for g in direct if g is not of]:
                total += STORE * _bytes(base)  # it would have to be stored
            total += sum([moved for group in others if group not in direct and group is not of])
        return total

    def uses(self, prim: Prim) -> list[tuple[Group, Read]]:
        """Who reads a float in the end, and how, over the loops of the group."""
        fusion = self.fusion
        found: list[tuple[Group, Read]] = []
        for reader in self.readers.get(prim, ()):
            reads = [read for read in fusion.reads(reader) if read.base is prim]
            if reader not in fusion.floats:
                group = fusion.group[reader]
                owner = group.members[reader]
                found += [(group, over_loops(r, owner)) for r in reads]
                continue
            for group, outer in self.uses(reader):
                at = fusion.meets(outer, tuple(group.dims))
                if at is None:
                    found.append((group, Read(prim, (-1,) * len(group.dims), -1)))
                else:
                    found += [(group, composed(read, at, len(group.dims))) for read in reads]
        return found

    def fits(self, prim: Prim) -> bool:
        """Whether the loops of all who read a float run along its rows; loops may be cut for it."""
        fusion, own = self.fusion, sorted(self.fusion.about(prim).own)
        while True:
            for group, read in self.uses(prim):
                if read.offset < 0:
                    return False
                if fusion.landed(read, tuple(group.dims)) is None:
                    if fusion.meets(read, tuple(group.dims)) is not None or not _cut(group, read, own):
                        return False
                    break  # the loops of others may have changed with these
            else:
                return True


def _cut(group: Group, read: Read, rows: list[int]) -> bool:
    """Cut one loop where a row of what is read ends, if there is such a loop."""
    for row in rows:
        for d, s in enumerate(read.strides):
            if 0 < s < row < s * group.dims[d] and row % s == 0 and group.split(d, row // s):
                return True
    return False


def _bytes(prim: Prim) -> int:
    return size(prim.shape) * prim.dtype.itemsize
