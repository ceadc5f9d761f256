"""How primitives come together: joining a group, two groups becoming one, and the order between groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..primitives.indexing import Strides
from ..primitives.prims import Prim
from .groups import Group, Owner, merged_loops, over, prim_loops
from .reading import Reading
from .reads import Read, Region, over_loops

MOST = 300
"""Of so many members a group at most consists."""


class Joining(Reading):
    """Groups in the making.

    Attributes:
        groups: all of them, by creation.
        regions: where copies are put.
    """

    def __init__(self, cells: Sequence[Strides]) -> None:
        super().__init__(cells)
        self.groups: dict[int, Group] = {}
        self.regions: dict[Prim, Region] = {}
        self._count = 0
        self._scalars: Group | None = None

    def settle(self, prim: Prim) -> None:
        """Find the group of a map or a reduction."""
        if prim in self.group:
            return
        reads = self.reads(prim)
        held: list[Group] = []
        for base, _, offset in reads:
            group = self.group.get(base)
            if group is not None and group.kind != "own" and not offset and group not in held:
                held.append(group)
        joined: Group | None = None
        for group in sorted(held, key=lambda g: -g.number):
            if joined is None:
                owner = self.joins(group, prim, reads)
                if owner is not None:
                    self.enter(group, prim, owner)
                    self.depend(group, reads)
                    joined = group
            else:
                joined = self._merge(joined, group, prim, reads) or joined
        if joined is None:
            self.alone(prim, reads)

    def alone(self, prim: Prim, reads: list[Read]) -> None:
        space = self.about(prim)
        moving = [i for i, n in enumerate(space.shape) if n != 1]
        dims = [space.shape[i] for i in moving]
        owner: Owner = [(i, 1) for i in moving]
        last = self._scalars
        numbers = not dims and prim not in self.regions
        if numbers and last is not None and not any([self._waits(read, last) for read in reads]):
            self.enter(last, prim, [])
            self.depend(last, reads)
            return
        group = self.new("loop", dims)
        if numbers:
            self._scalars = group
        for d in prim_loops(owner, space.reduced):
            group.reduced[d] = True
        self.enter(group, prim, owner)
        self.depend(group, reads)

    def _waits(self, read: Read, group: Group) -> bool:
        for base in self.leaves(read):
            of = self.group.get(base)
            if of is not None and of is not group and of.needs & group.mask:
                return True
        return False

    def joins(self, group: Group, prim: Prim, reads: list[Read]) -> Owner | None:
        """How a group's loops move along ``prim``, if it may join."""
        if len(group.members) >= MOST or (prim.kind == "reduce" and group.kind == "product"):
            return None
        if any([self._waits(read, group) for read in reads]):
            return None
        inside = [read for read in reads if read.base in group.members]
        if any([read.offset for read in inside]):
            return None
        first, space = inside[0], self.about(prim)
        owner = group.locate(self.written(group, first.base), space.shape, first.strides)
        if owner is None:
            return None
        for base, strides, _ in inside[1:]:
            if over(owner, strides) != self.written(group, base):
                return None
        if over(owner, first.strides) != self.written(group, first.base) or not self._meets_all(group, reads, owner):
            return None
        if prim.kind == "reduce":
            loops = prim_loops(owner, space.reduced)
            wanted = [d in loops for d in range(len(group.dims))]
            if any(group.reduced) and wanted != group.reduced:
                return None
            if not any(wanted) or any([o is None for o in owner]):
                return None
            group.reduced = wanted
        return owner

    def _meets_all(self, group: Group, reads: list[Read], owner: Owner) -> bool:
        """Whether the loops of a product, which are not cut, run along the rows of all floats that are read."""
        if group.kind == "loop":
            return True
        dims = tuple(group.dims)
        return not any([r.base in self.floats and self.landed(over_loops(r, owner), dims) is None for r in reads])

    def _merge(self, a: Group, b: Group, prim: Prim, reads: list[Read]) -> Group | None:
        """Make one group of two that ``prim``, a member of ``a``, reads; None where that cannot be."""
        if len(a.members) + len(b.members) > MOST or a.kind == b.kind == "product":
            return None
        if self._between(a, b) or self._between(b, a):
            return None
        read = next(read for read in reads if read.base in b.members)
        owner = b.locate(self.written(b, read.base), self.about(prim).shape, read.strides)
        if owner is None:
            return None
        of_a, of_b = list(a.members[prim]), owner
        if b.kind == "product":
            a, b, of_a, of_b = b, a, of_b, of_a
        where = merged_loops(a, of_a, b, of_b)
        if where is None:
            return None
        reduced = [b.reduced[where.index(d)] for d in range(len(a.dims))]
        if any(reduced) and (a.kind == "product" or (any(a.reduced) and reduced != a.reduced)):
            return None
        if a.root is not None and any([self.settled(arg).base in b.members for arg in a.root.args]):
            return None  # a product does not make its own operands
        back = [where.index(d) for d in range(len(a.dims))]
        moved = {p: [owner[d] for d in back] for p, owner in b.members.items()}
        both = Group(a.number, a.kind, a.dims, a.root)
        both.reduced = reduced if any(reduced) else a.reduced
        both.members = {**a.members, **moved}
        if not all([self._meets_all(both, self.reads(p), owner) for p, owner in moved.items()]):
            return None
        for one, other in ((a, b), (b, a)):
            for member in one.members:
                for base, strides, offset in self.reads(member) if member is not one.root else ():
                    if base in other.members and (
                        offset or over(both.members[member], strides) != self.written(both, base)
                    ):
                        return None
        a.reduced = both.reduced
        self._absorb(a, b, moved)
        return a

    def _absorb(self, a: Group, b: Group, moved: dict[Prim, Owner]) -> None:
        """Take the members of ``b`` into ``a``."""
        a.members.update(moved)
        a.mask |= b.mask
        a.needs = (a.needs | b.needs) & ~a.mask
        a.direct = (a.direct | b.direct) & ~a.mask
        for p in moved:
            self.group[p] = a
        del self.groups[b.number]
        for group in self.groups.values():
            if group is not a and group.needs & a.mask:
                group.needs |= a.needs | a.mask
        if self._scalars is b:
            self._scalars = None if a.dims else a

    def join_siblings(self) -> None:
        """Make one group of two that walk in the same way through something that both read."""
        known: dict[Any, Group] = {}
        for group in list(self.groups.values()):
            if group.kind != "loop" or not group.dims:
                continue
            keys = []
            for base, at, offset in self.loads(group):
                assert at is not None
                if all(at):
                    keys.append((base, tuple(at), offset, tuple(group.dims), tuple(group.reduced)))
            for key in keys:
                other = known.get(key, group)
                if other is group or other.needs & group.mask or group.needs & other.mask:
                    continue
                if len(other.members) + len(group.members) <= MOST:
                    self._absorb(other, group, group.members)
                    group = other
            known.update(dict.fromkeys(keys, group))

    def _between(self, a: Group, b: Group) -> bool:
        """Whether something that needs ``a``, and is neither, is needed by ``b``."""
        if not b.needs & a.mask:
            return False
        both = a.mask | b.mask
        return any([b.direct & g.mask and g.needs & a.mask and not g.mask & both for g in self.groups.values()])

    # The order between groups.

    def new(self, kind: str, dims: Sequence[int], root: Prim | None = None) -> Group:
        group = Group(self._count, kind, dims, root)
        self.groups[self._count] = group
        self._count += 1
        return group

    def enter(self, group: Group, prim: Prim, owner: Owner) -> None:
        group.members[prim] = owner
        self.group[prim] = group

    def depend(self, group: Group, reads: Iterable[Read]) -> None:
        for read in reads:
            for base in self.leaves(read):
                of = self.group.get(base)
                if of is not None:
                    self.need(group, of)

    def need(self, group: Group, before: Group) -> None:
        """``before`` runs before ``group``."""
        if before is group:
            return
        group.direct |= before.mask
        new = (before.needs | before.mask) & ~group.needs
        if new:
            group.needs |= new
            for other in self.groups.values():
                if other.needs & group.mask:
                    other.needs |= new
