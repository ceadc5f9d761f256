"""Fusion: which primitives run in one loop nest, passing values by register, and what is stored in memory.

One walk in the order of the graph. A primitive joins the group of one of its arguments where it reads what the group
computes at the very position at which it is computed, and where no other argument waits for that group; groups that
it joins to each other become one. Views are looked through. Cheap maps of leaves alone are computed wherever they are
read, again and again. What is put into a region (``concat``, ``place``, a cell) is a copy that joins its producer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..primitives.expand import Primitives, order
from ..primitives.indexing import Strides, reshaped, row_major
from ..primitives.prims import VIEWS, Prim
from .cells import write_cells
from .groups import Group
from .joining import Joining
from .layout import channels_last, is_channels_last
from .reading import LEAVES, LOADED
from .reads import Read, Region
from .recompute import CHEAP, OPERATIONS, recompute

FLOATS = frozenset([np.dtype(np.float32), np.dtype(np.float64)])

PRODUCTS = frozenset(("gemm", "gemms", "conv", "conv_input", "conv_weight", "pool", "pool_back"))
"""What has a kernel of its own kind with an elementwise epilogue on its result."""


class Fusion(Joining):
    """The groups of a graph.

    Arguments:
        graph: what is to be computed.
        cells: for each cell its strides in entries.
        shared: for each cell those others whose memory overlaps its own.

    Attributes:
        users: of each primitive those that take it; twice itself, if it is wanted for its own sake.
        outputs, checks: where they lie.
    """

    def __init__(self, graph: Primitives, cells: Sequence[Strides], shared: dict[int, set[int]] | None = None) -> None:
        super().__init__(cells)
        self.graph, self.shared = graph, shared or {}
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
        self.join_siblings()
        recompute(self)
        write_cells(self)

    # What is computed.

    def add(self, prim: Prim) -> None:
        """Find the group of a primitive, whose arguments have theirs."""
        if prim.kind in LEAVES or prim.kind in VIEWS or 0 in prim.shape:
            return
        self.strides_of(prim)
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
            group = self.new("product", prim.shape, prim)
            self.enter(group, prim, [(i, 1) if n != 1 else None for i, n in enumerate(prim.shape)])
            self.depend(group, [self.settled(arg) for arg in prim.args])
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
        group = self.new("own", (), prim)
        self.group[prim] = group
        self.depend(group, [self.settled(arg) for arg in prim.args if 0 not in arg.shape])

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
            self.need(self.group[prim], before)
        return prim

    def _concat(self, prim: Prim) -> None:
        if self._inside(prim):
            return
        group = self.new("own", (), prim)
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
                    self.need(group, self.group[self.copy(arg, Region(owner, strides, offset))])
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
        group = self.new("own", (), prim)
        offset = sum([a * s for a, s in zip(starts, strides, strict=True)])
        inner = tuple([s * step for s, step in zip(strides, steps, strict=True)])
        if 0 not in prim.args[0].shape:
            piece = self.copy(prim.args[0], Region(prim, inner, offset), self.group[fill])
            self.need(group, self.group[piece])
        self.need(group, self.group[fill])
        self.group[prim] = group

    def _taken(self, prim: Prim) -> Read:
        """What is returned: never a leaf, whose memory may be another value's when the call ends."""
        if 0 in prim.shape:
            return Read(prim, row_major(prim.shape), 0)
        read = self.dense(prim)
        return Read(self.copy(prim), row_major(prim.shape), 0) if read.base.kind in LEAVES else read
