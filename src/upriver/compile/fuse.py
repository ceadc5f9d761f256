"""Fusion: which primitives run in one loop nest, passing values by register, and what is stored in memory.

One walk in the order of the graph. A primitive joins the group of one of its arguments where it reads what the group
computes at the very position at which it is computed, and where no other argument waits for that group; groups that
it joins to each other become one. Views are looked through. Cheap maps of leaves alone are computed wherever they are
read, again and again. What is put into a region (``concat``, ``place``, a cell) is a copy that joins its producer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .expand import Primitives, order
from .groups import Group, Owner, merged_loops, over, prim_loops
from .indexing import Strides, merged, positions, reshaped, row_major, size, through
from .layout import IMAGES, channels_last, is_channels_last, preferred
from .parts import in_parts
from .prims import VIEWS, Prim, Shape
from .reads import Read, Region, Space, composed, over_loops
from .recompute import CHEAP, OPERATIONS, recompute

HELD = frozenset({"input", "cell", "scalar", "constant"})
"""What is in memory when a call begins."""

FORMULAS = frozenset({"number", "iota"})
"""What is never in memory."""

LEAVES = HELD | FORMULAS

LOADED = frozenset([np.dtype(name) for name in ("f4", "f8", "?", "i8", "i4", "u1")])
"""The dtypes that loops load; what has others is called."""

FLOATS = frozenset([np.dtype(np.float32), np.dtype(np.float64)])

PLACED = IMAGES | {"map"}

PRODUCTS = frozenset(("gemm", "gemms", "conv", "conv_input", "conv_weight", "pool", "pool_back"))
"""What has a kernel of its own kind with an elementwise epilogue on its result."""

MOST = 300
"""Of so many members a group at most consists."""


class Fusion:
    """The groups of a graph.

    Arguments:
        graph: what is to be computed.
        cells: for each cell its strides in entries.
        shared: for each cell those others whose memory overlaps its own.

    Attributes:
        groups: all of them, by creation.
        group: of each primitive that is computed.
        floats: the primitives that are computed where they are read.
        regions: where copies are put.
        strides: of each value in its memory.
    """

    def __init__(self, graph: Primitives, cells: Sequence[Strides], shared: dict[int, set[int]] | None = None) -> None:
        self.graph, self.cells, self.shared = graph, cells, shared or {}
        self.groups: dict[int, Group] = {}
        self.group: dict[Prim, Group] = {}
        self.floats: dict[Prim, int] = {}
        self.regions: dict[Prim, Region] = {}
        self.strides: dict[Prim, Strides] = {}
        self._sources: dict[Prim, Read] = {}
        self._spaces: dict[Prim, Space] = {}
        self._settled: dict[Prim, Read] = {}
        self._copies: dict[Prim, Prim] = {}
        self._count = 0
        self._scalars: Group | None = None
        prims = order(graph.roots())
        self.users: dict[Prim, list[Prim]] = {prim: [] for prim in prims}
        for prim in prims:
            for arg in prim.args:
                self.users[arg].append(prim)
        for prim in graph.roots():
            self.users[prim] += [prim, prim]  # more than a piece of something
        for prim in prims:
            self.add(prim)
        self.outputs = [self._taken(p) for p in graph.outputs]
        self.checks = [self._taken(p) for p in graph.checks]
        self._join_siblings()
        recompute(self)
        self._write_cells()

    # What is read.

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
                found = Read(arg, self._strides_of(arg), 0)
            self._sources[arg] = found
        return found

    def _strides_of(self, prim: Prim) -> Strides:
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

    # What is computed.

    def add(self, prim: Prim) -> None:
        """Find the group of a primitive, whose arguments have theirs."""
        if prim.kind in LEAVES or prim.kind in VIEWS or 0 in prim.shape:
            return
        self._strides_of(prim)
        if prim.kind in ("map", "reduce") and self._loops(prim):
            if self._is_float(prim):
                return
            self.settle(prim)
        elif prim.kind == "concat":
            self._concat(prim)
        elif prim.kind == "place":
            self._place(prim)
        elif prim.kind in PRODUCTS and prim.dtype in FLOATS and not any([0 in arg.shape for arg in prim.args]):
            if prim.kind == "pool_back" or prim.kind.startswith("conv_"):
                self._turn(prim)
            group = self._new("product", prim.shape, prim)
            self._enter(group, prim, [(i, 1) if n != 1 else None for i, n in enumerate(prim.shape)])
            self._depend(group, [self.settled(arg) for arg in prim.args])
        else:
            self.own(prim)

    def _turn(self, prim: Prim) -> None:
        """Let upstream gradients lie with the channels last, as the images that they are met with."""
        if prim.kind == "pool_back" and not is_channels_last(prim.shape, self.strides[prim]):
            return
        arg = prim.args[1 if prim.kind == "conv_weight" else 0]
        strides = channels_last(arg.shape)
        if is_channels_last(arg.shape, strides) and not is_channels_last(arg.shape, self.settled(arg).strides):
            self._settled[arg] = Read(self.copy(arg, strides=strides), strides, 0)

    def own(self, prim: Prim) -> None:
        """A group of its own kind."""
        group = self._new("own", (), prim)
        self.group[prim] = group
        self._depend(group, [self.settled(arg) for arg in prim.args if 0 not in arg.shape])

    def _loops(self, prim: Prim) -> bool:
        dtypes = (prim.dtype, *[arg.dtype for arg in prim.args])
        return all([d in LOADED for d in dtypes]) and 0 not in prim.args[0].shape

    def _is_float(self, prim: Prim) -> bool:
        if prim.kind != "map" or prim.attrs["fn"] not in CHEAP or prim.shape == ():
            return False
        cost = 1
        for read in self.reads(prim):
            if read.base in self.floats:
                cost += self.floats[read.base]
            elif read.base.kind not in LEAVES:
                return False
        if cost <= OPERATIONS:
            self.floats[prim] = cost
        return cost <= OPERATIONS

    def copy(
        self, arg: Prim, region: Region | None = None, before: Group | None = None, strides: Strides | None = None
    ) -> Prim:
        """A copy of a value, in memory of its own or in a region, once the group ``before`` has run."""
        prim = Prim("map", (arg,), arg.shape, arg.dtype, {"fn": "copy"}, arg.origin)
        self.strides[prim] = row_major(arg.shape)
        if region is not None:
            self.regions[prim] = region
            self.strides[prim] = region.strides
        elif strides is not None:
            self.strides[prim] = strides
        self.settle(prim)
        if before is not None:
            self._need(self.group[prim], before)
        return prim

    def _concat(self, prim: Prim) -> None:
        if self._inside(prim):
            return
        group = self._new("own", (), prim)
        self._pieces(prim, group, Region(prim, self.strides[prim], 0))
        self.group[prim] = group

    def _pieces(self, prim: Prim, group: Group, region: Region) -> None:
        """Put the pieces of a concatenation into a region; those of one inside it at once."""
        owner, strides, offset = region
        dim = prim.attrs["dim"]
        for arg in prim.args:
            if 0 not in arg.shape:
                inner, to = arg, strides
                while inner.kind == "reshape" and len(self.users[inner]) == 1:
                    back = reshaped(inner.shape, to, inner.args[0].shape)
                    if back is None:
                        break
                    inner, to = inner.args[0], back
                if inner.kind == "concat" and inner not in self.group and self._inside(inner):
                    self._pieces(inner, group, Region(owner, to, offset))
                else:
                    self._need(group, self.group[self.copy(arg, Region(owner, strides, offset))])
            offset += arg.shape[dim] * strides[dim]

    def _inside(self, prim: Prim) -> bool:
        """Whether a concatenation is nothing but a piece of another."""
        shape = prim.shape
        while len(self.users[prim]) == 1:
            prim = self.users[prim][0]
            if prim.kind == "concat":
                return True
            if prim.kind != "reshape" or [n for n in prim.shape if n != 1] != [n for n in shape if n != 1]:
                return False
        return False

    def _place(self, prim: Prim) -> None:
        strides, starts, steps = self.strides[prim], prim.attrs["starts"], prim.attrs["steps"]
        zero = Prim("number", (), (), prim.dtype, {"value": prim.dtype.type(0).item()}, prim.origin)
        fill = Prim("map", (zero,), prim.shape, prim.dtype, {"fn": "copy"}, prim.origin)
        self.regions[fill] = Region(prim, strides, 0)
        self.strides[fill] = strides
        self.settle(fill)
        group = self._new("own", (), prim)
        offset = sum([a * s for a, s in zip(starts, strides, strict=True)])
        inner = tuple([s * step for s, step in zip(strides, steps, strict=True)])
        if 0 not in prim.args[0].shape:
            piece = self.copy(prim.args[0], Region(prim, inner, offset), self.group[fill])
            self._need(group, self.group[piece])
        self._need(group, self.group[fill])
        self.group[prim] = group

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
                owner = self._joins(group, prim, reads)
                if owner is not None:
                    self._enter(group, prim, owner)
                    self._depend(group, reads)
                    joined = group
            else:
                joined = self._merge(joined, group, prim, reads) or joined
        if joined is None:
            self._alone(prim, reads)

    def _alone(self, prim: Prim, reads: list[Read]) -> None:
        space = self.about(prim)
        moving = [i for i, n in enumerate(space.shape) if n != 1]
        dims = [space.shape[i] for i in moving]
        owner: Owner = [(i, 1) for i in moving]
        last = self._scalars
        numbers = not dims and prim not in self.regions
        if numbers and last is not None and not any([self._waits(read, last) for read in reads]):
            self._enter(last, prim, [])
            self._depend(last, reads)
            return
        group = self._new("loop", dims)
        if numbers:
            self._scalars = group
        for d in prim_loops(owner, space.reduced):
            group.reduced[d] = True
        self._enter(group, prim, owner)
        self._depend(group, reads)

    def _waits(self, read: Read, group: Group) -> bool:
        for base in self.leaves(read):
            of = self.group.get(base)
            if of is not None and of is not group and of.needs & group.mask:
                return True
        return False

    def _joins(self, group: Group, prim: Prim, reads: list[Read]) -> Owner | None:
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

    def _join_siblings(self) -> None:
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

    def _new(self, kind: str, dims: Sequence[int], root: Prim | None = None) -> Group:
        group = Group(self._count, kind, dims, root)
        self.groups[self._count] = group
        self._count += 1
        return group

    def _enter(self, group: Group, prim: Prim, owner: Owner) -> None:
        group.members[prim] = owner
        self.group[prim] = group

    def _depend(self, group: Group, reads: Iterable[Read]) -> None:
        for read in reads:
            for base in self.leaves(read):
                of = self.group.get(base)
                if of is not None:
                    self._need(group, of)

    def _need(self, group: Group, before: Group) -> None:
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

    # Cells.

    def _taken(self, prim: Prim) -> Read:
        """What is returned: never a leaf, whose memory may be another value's when the call ends."""
        if 0 in prim.shape:
            return Read(prim, row_major(prim.shape), 0)
        read = self.dense(prim)
        return Read(self.copy(prim), row_major(prim.shape), 0) if read.base.kind in LEAVES else read

    def _write_cells(self) -> None:
        """Put what cells are to hold into their memory, after everyone who reads what they held."""
        wanted: dict[int, Prim] = {}
        for i, after in enumerate(self.graph.cells_after):
            if after is None or 0 in after.shape:
                continue
            base, strides, offset = self.source(after)
            if base.kind == "cell" and base.attrs["index"] == i and not offset and strides == self.strides[base]:
                continue  # it holds that already
            wanted[i] = self.copy(after) if base.kind in LEAVES or base in self.floats else after
        readers: dict[int, dict[Group, None]] = {}
        for group in self.groups.values():
            for base, _, _ in self.loads(group, operands=True):
                if base.kind == "cell":
                    readers.setdefault(base.attrs["index"], {})[group] = None
        # No cell is written before all checks are known.
        tested = {self.group[read.base]: None for read in self.checks}
        for i, after in wanted.items():
            alike = [i, *sorted(self.shared.get(i, ()))]
            before = {**tested, **{group: None for j in alike for group in readers.get(j, ())}}
            group = self._write_cell(i, after, before)
            for other in before:
                self._need(group, other)
            readers.setdefault(i, {})[group] = None

    def _write_cell(self, i: int, after: Prim, before: dict[Group, None]) -> Group:
        sink = Prim("map", (after,), after.shape, after.dtype, {"fn": "copy"}, after.origin)
        region = self.regions[sink] = Region(i, tuple(self.cells[i]), 0)
        self.strides[sink] = region.strides
        reads = self.reads(sink)
        group = self.group[reads[0].base]
        tested = any([self.group[read.base] is group for read in self.checks])
        if group.kind != "own" and not tested and not any([g.needs & group.mask for g in before]):
            owner = self._joins(group, sink, reads)
            if owner is not None and self._in_place(group, i, over(owner, self.about(sink).own), owner):
                self._enter(group, sink, owner)
                return group
        self._alone(sink, reads)
        return self.group[sink]

    def _in_place(self, group: Group, i: int, at: list[int], owner: Owner) -> bool:
        """Whether a group may write a cell ``at`` a map: all that it reads of it, it reads there."""
        if any([r and o is not None for r, o in zip(group.reduced, owner, strict=True)]):
            return False  # a later phase might read it again
        for base, strides, offset in self.loads(group, operands=True):
            j = base.attrs["index"] if base.kind == "cell" else None
            if j in self.shared.get(i, ()) or (j == i and (offset or strides != at)):
                return False
        return True

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
