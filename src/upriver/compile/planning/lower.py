"""Groups as kernels: the loops in a good order, and a body of loads, maps, reductions and stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ...core.dtypes import DType, int64
from ..emit.builder import OF_DTYPE
from ..fusion.fuse import Fusion
from ..fusion.groups import Group
from ..fusion.reads import Read, composed, over_loops
from ..kernels import Access, ConvKernel, GemmKernel, LoopKernel, NoCode, PoolKernel, Statement
from ..primitives.indexing import size
from ..primitives.prims import Prim

Place = tuple[str, Any]
"""Some memory: ``("value", prim)``, ``("constant", prim)``, or the kind and the index of a leaf."""


Kernel = LoopKernel | GemmKernel | ConvKernel | PoolKernel


Slot = tuple[Place, int]


@dataclass
class Step:
    """What becomes one call, or a few.

    Attributes:
        kernel: what it computes, or None for a primitive with a kernel of its own or a host call.
        places: the memory of each slot, and where in it the slot begins, in bytes.
        prims: what went in.
        root: the primitive that is more than loops.
        args: of that primitive, in memory.
    """

    kernel: Kernel | None
    places: list[Slot]
    prims: list[Prim]
    writes: set[Place] = field(default_factory=set[Place])
    root: Prim | None = None
    args: list[Read] = field(default_factory=list[Read])


@dataclass(slots=True)
class _Line:
    kind: str
    dtype: DType
    args: tuple[int, ...] = ()
    fn: str = ""
    slot: int = -1
    at: list[int] = field(default_factory=list[int])
    offset: int = 0
    value: Any = None


def place_of(prim: Prim) -> Place:
    """The memory in which a value lies."""
    if prim.kind in ("input", "cell", "scalar"):
        return prim.kind, prim.attrs["index"]
    return "constant" if prim.kind == "constant" else "value", prim


class Body:
    """The body of a group's kernel, line by line."""

    def __init__(self, fusion: Fusion, group: Group, stored: set[Prim]) -> None:
        self.fusion, self.group, self.stored = fusion, group, stored
        self.lines: list[_Line] = []
        self.places: dict[Slot, int] = {}
        self.writes: set[Place] = set()
        self._known: dict[Any, int] = {}
        members = list(group.members)
        if group.kind == "product":
            assert group.root is not None
            for arg in group.root.args:
                self.slot_of(fusion.settled(arg))
            members.remove(group.root)
            members.insert(0, group.root)
        for prim in self._ordered(members):
            self._compute(prim)
            if prim in fusion.regions or prim in stored:
                self._store(prim)

    def _ordered(self, members: list[Prim]) -> list[Prim]:
        """Members after what they read; copies into cells last."""
        inside, found, done = set(members), [], set[Prim]()
        stack = [(p, False) for p in reversed(members)]
        while stack:
            prim, ready = stack.pop()
            if prim in done:
                continue
            if ready or prim is self.group.root:
                done.add(prim)
                found.append(prim)
                continue
            stack.append((prim, True))
            stack += [(base, False) for base in self._needed(prim, inside)]
        regions = self.fusion.regions
        late = [p for p in found if p in regions and isinstance(regions[p].owner, int)]
        return [p for p in found if p not in late] + late if late else found

    def _needed(self, prim: Prim, inside: set[Prim]) -> Iterator[Prim]:
        """The members that a member reads, also by way of what is computed again where it is read."""
        for read in self.fusion.reads(prim):
            if read.base in inside:
                yield read.base
            elif read.base in self.fusion.floats:
                yield from self._needed(read.base, inside)

    def slot(self, place: Place, offset: int) -> int:
        """The number of the slot for memory from a byte on, so that kernels alike but for offsets are the same."""
        return self.places.setdefault((place, offset), len(self.places))

    def slot_of(self, read: Read) -> int:
        """The slot for a value in memory."""
        return self.slot(place_of(read.base), read.offset * read.base.dtype.itemsize)

    def _line(self, key: Any, line: _Line) -> int:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.lines)
            self.lines.append(line)
        return found

    def _compute(self, prim: Prim) -> None:
        if prim is self.group.root:
            self._line(prim, _Line("result", prim.dtype))
            return
        owner = self.group.members[prim]
        args = tuple([self._value(over_loops(read, owner)) for read in self.fusion.reads(prim)])
        if prim.attrs["fn"] == "copy":
            self._known[prim] = args[0]
        else:
            self._line(prim, _Line(prim.kind, prim.dtype, args, prim.attrs["fn"]))

    def _store(self, prim: Prim) -> None:
        region = self.fusion.regions.get(prim)
        place: Place = ("value", prim)
        offset = 0
        if region is not None:
            offset = region.offset
            place = ("cell", region.owner) if isinstance(region.owner, int) else ("value", region.owner)
        self.writes.add(place)
        at = self.fusion.written(self.group, prim)
        slot = self.slot(place, offset * prim.dtype.itemsize)
        self.lines.append(_Line("store", prim.dtype, (self._known[prim],), "", slot, at))

    def _value(self, read: Read) -> int:
        base, at, offset = read
        if base.kind == "number" or (base.kind == "constant" and size(base.shape) == 1):
            value = base.attrs["value"] if base.kind == "number" else base.attrs["array"].item()
            return self._line(("number", base.dtype, repr(value)), _Line("number", base.dtype, value=value))
        if base in self.group.members:
            return self._known[base]
        if base in self.fusion.floats:
            key = read
            found = self._known.get(key)
            if found is None:
                dims = tuple(self.group.dims)
                meets = self.fusion.meets(read, dims)
                assert meets is not None
                args = tuple([self._value(composed(r, meets, len(dims))) for r in self.fusion.reads(base)])
                if base.attrs["fn"] == "copy":
                    found = self._known[key] = args[0]
                else:
                    found = self._line(key, _Line("map", base.dtype, args, base.attrs["fn"]))
            return found
        if base.kind == "iota":
            return self._line(("iota", base.dtype, at, offset), _Line("iota", base.dtype, (), "", -1, list(at), offset))
        slot = self.slot_of(read)
        return self._line((slot, at), _Line("load", base.dtype, (), "", slot, list(at)))

    # Statements.

    def statements(self, order: Sequence[Sequence[int]]) -> tuple[Statement, ...]:
        """The body over loops in another order; each is some of the group's loops, merged, outermost first."""
        out: list[Statement] = []
        moved: list[int] = []
        for line in self.lines:
            if line.dtype.name not in OF_DTYPE:
                raise NoCode(f"there is no native code for values of dtype {line.dtype}")
        for line in self.lines:
            at = tuple([line.at[loops[-1]] if loops else 0 for loops in order]) if line.at else (0,) * len(order)
            if line.kind == "iota":
                moved.append(_position(line, at, out))
                continue
            access = None
            if line.slot >= 0:
                access = Access(line.slot, line.dtype, at)
            args = tuple([moved[arg] for arg in line.args])
            moved.append(len(out))
            fn = repr(line.value) if line.kind == "number" else line.fn  # kernels that differ in −0.0 are not equal
            out.append(Statement(line.kind, line.dtype, args, fn, access, line.value))
        return tuple(out)

    def loops(self) -> tuple[list[int], list[list[int]]]:
        """The loops in the order in which memory is best walked through, those that lie behind one another merged."""
        dims, reduced = self.group.dims, self.group.reduced
        maps = [line for line in self.lines if line.at]
        touched = [size([n for n, s in zip(dims, line.at, strict=True) if s]) for line in maps if line.kind != "iota"]
        most = max(touched, default=0)
        weight = [0.0] * len(dims)
        moving = [line for line in maps if line.kind != "iota"]
        for line, entries in zip(moving, touched, strict=True):
            if entries == most:
                for d, s in enumerate(line.at):
                    weight[d] += abs(s) * (1.5 if line.kind == "store" else 1.0)
        order: list[list[int]] = []
        for d in sorted(range(len(dims)), key=lambda d: -weight[d]):
            last = order[-1][-1] if order else -1
            alike = bool(order) and reduced[d] == reduced[last]
            if alike and all([line.at[last] == line.at[d] * dims[d] for line in maps]):
                order[-1].append(d)
            else:
                order.append([d])
        return [size([dims[d] for d in loops]) for loops in order], order


def _position(line: _Line, at: tuple[int, ...], out: list[Statement]) -> int:
    """A position along a dimension, from those of the loops."""

    def put(statement: Statement) -> int:
        out.append(statement)
        return len(out) - 1

    total = -1
    for d, times in enumerate(at):
        if times:
            term = put(Statement("index", int64, dim=d))
            if times != 1:
                factor = put(Statement("number", int64, value=times))
                term = put(Statement("map", int64, (term, factor), "mul"))
            total = term if total < 0 else put(Statement("map", int64, (total, term), "add"))
    if line.offset or total < 0:
        number = put(Statement("number", int64, value=line.offset))
        total = number if total < 0 else put(Statement("map", int64, (total, number), "add"))
    return total if line.dtype == int64 else put(Statement("map", line.dtype, (total,), "cast"))


def lowered(fusion: Fusion, group: Group, stored: set[Prim]) -> Step | None:
    """The step of a group, or None where nothing is left to run."""
    root = group.root
    if group.kind == "own":
        assert root is not None
        return None if root.kind in ("concat", "place") else _own(fusion, root)
    body = Body(fusion, group, stored)
    if not body.writes:
        return None
    kernel: Kernel
    if root is None:
        dims, order = body.loops()
        reduced = tuple([i for i, loops in enumerate(order) if group.reduced[loops[0]]])
        kernel = LoopKernel(tuple(dims), reduced, body.statements(order))
    else:
        kernel = _product(fusion, group, root, body)
    step = Step(kernel, list(body.places), list(group.members), body.writes, root)
    if root is not None:
        step.args = [fusion.settled(arg) for arg in root.args]
    return step


def _own(fusion: Fusion, root: Prim) -> Step:
    args = [fusion.settled(arg) if 0 not in arg.shape else Read(arg, (0,) * len(arg.shape), 0) for arg in root.args]
    places: list[Slot] = [(place_of(read.base), read.offset * read.base.dtype.itemsize) for read in args]
    if root.kind == "draw":
        places.append((("draw", root.attrs["index"]), 0))
    return Step(None, [*places, (("value", root), 0)], [root], {("value", root)}, root, args)


def _product(fusion: Fusion, group: Group, root: Prim, body: Body) -> Kernel:
    """The kernel of a product, a convolution or windows, with its epilogue."""
    operands = []
    for arg in root.args:
        read = fusion.settled(arg)
        operands.append(Access(body.slot_of(read), arg.dtype, read.strides))
    statements = body.statements([[d] for d in range(len(group.dims))])
    shapes, kind = [arg.shape for arg in root.args], root.kind
    if kind in ("gemm", "gemms"):
        *batch, m, n = group.dims
        k = shapes[0][-1]
        return GemmKernel(tuple(batch), m, n, k, tuple(operands[::2]), tuple(operands[1::2]), statements)
    two, attrs = partial(_pair, root.attrs), root.attrs
    given, made = shapes[0], root.shape
    height, width = (given if kind in ("conv", "pool", "conv_weight") else made)[2:]
    down, along = (made if kind in ("conv", "pool") else shapes[1] if kind == "conv_weight" else given)[2:]
    stride, padding, dilation = two("stride"), two("padding"), two("dilation")
    if kind in ("pool", "pool_back"):
        return PoolKernel(
            kind, attrs["fn"], given[0], given[1], (height, width), (down, along), two("window"), stride, padding,
            dilation, tuple(operands), statements,
        )  # fmt: skip
    o, c, rows, columns = made if kind == "conv_weight" else shapes[1]
    groups = attrs["groups"]
    return ConvKernel(
        kind, given[0], c * groups, o, (height, width), (down, along), (rows, columns), stride, padding, dilation,
        groups, operands[0], operands[1], statements,
    )  # fmt: skip


def _pair(attrs: dict[str, Any], name: str) -> tuple[int, int]:
    """Rows and columns; of a padding what is above and to the left."""
    a, b = attrs[name]
    return (a[0], b[0]) if isinstance(a, tuple) else (a, b)
