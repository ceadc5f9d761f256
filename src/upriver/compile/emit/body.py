"""The statements of a kernel's body at one place of its iteration space, for one entry or a vector of them.

A :class:`Scope` knows where some of the dimensions stand. Statements that depend on those alone are emitted once
(:meth:`Scope.ready`), before the loops over the others are opened; what depends on all of them in :meth:`Scope.emit`.
A value that does not vary along the vector stays a scalar until it meets one that does.

The epilogue of a product is written like this, with the vector along the columns::

    scope = Scope(b, kernel.body, addresses, rank=len(kernel.batch) + 2, target=target)
    columns = scope.at(0, batch).lanes(2, column, lanes, mask)
    columns.ready()                       # a bias is loaded once for all rows
    for row, sums in ...:
        place = columns.at(1, row)
        place.known[0] = sums             # the first statement, ``result``
        place.emit()
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..kernels import Access, Statement
from ..native.target import Target
from .builder import BYTES, F32, F64, I1, I8, I32, I64, OF_DTYPE, PTR, Builder, Int, V, element, lanes_of, vector
from .maths import cast, emit_map, name_of, value_type

_ORDERED = frozenset(("lt", "le", "gt", "ge", "eq", "ne"))
_LEAVES = frozenset(("load", "number", "index", "result"))
_SAFE = 2.0**64  # a divisor between its inverse and it can be replaced by its reciprocal


def varying(body: Sequence[Statement], rank: int, reduced: Iterable[int] = ()) -> list[frozenset[int]]:
    """For each statement the dimensions along which its value (or the address that it writes to) changes."""
    result: list[frozenset[int]] = []
    for s in body:
        dims = frozenset().union(*(result[a] for a in s.args)) if s.args else frozenset()
        if s.access is not None:
            dims |= {d for d, stride in enumerate(s.access.strides) if stride}
        if s.kind == "index":
            dims |= {s.dim}
        elif s.kind == "result":
            dims = frozenset(range(rank))
        elif s.kind == "reduce":
            dims -= frozenset(reduced)
        result.append(dims)
    return result


class Scope:
    """Where the loops stand, and what is known there.

    Args:
        b: where the code goes.
        body: the statements.
        addresses: of the slots, by number.
        rank: how many dimensions there are.
        target: the processor.
        reduced: the dimensions that reductions are over.

    Attributes:
        known: the value of each statement that has one here. Entries may be added.
    """

    def __init__(
        self,
        b: Builder,
        body: Sequence[Statement],
        addresses: Mapping[int, V],
        rank: int,
        target: Target,
        reduced: Iterable[int] = (),
    ) -> None:
        self.b, self.body, self.target = b, body, target
        self.varies = varying(body, rank, reduced)
        self.addresses = addresses
        self.known: dict[int, V] = {
            i: b.const(s.value, value_type(s.dtype)) for i, s in enumerate(body) if s.kind == "number"
        }
        self.fixed: dict[int, Int] = {}
        self.along, self.width = -1, 1
        self.mask: V | None = None
        self._pointers: dict[Access, V] = {}
        self._pending: tuple[int, ...] = ()
        self._spread: dict[tuple[int, str], tuple[V, ...]] = {}

    def _child(self) -> Scope:
        child = object.__new__(Scope)
        child.__dict__.update(self.__dict__)
        child.known, child.fixed = dict(self.known), dict(self.fixed)
        child._pointers, child._spread = dict(self._pointers), dict(self._spread)
        return child

    def at(self, dim: int, position: Int) -> Scope:
        """The scope inside, where ``dim`` stands at ``position``."""
        child = self._child()
        constant = isinstance(position, V) and not position.text.startswith("%")
        child.fixed[dim] = int(str(position).split()[-1]) if constant else position
        child._pending = (*self._pending, dim)
        return child

    def lanes(self, dim: int, position: Int, lanes: int, mask: V | None = None) -> Scope:
        """The scope inside, with ``lanes`` entries along ``dim`` from ``position`` on, of which ``mask`` counts."""
        child = self.at(dim, position)
        child.along, child.width, child.mask = dim, lanes, mask
        return child

    def within(self, addresses: Mapping[int, V]) -> Scope:
        """The same, with the addresses of further slots."""
        child = self._child()
        child.addresses = {**self.addresses, **addresses}
        return child

    def settle(self, accesses: Iterable[Access]) -> None:
        """Compute here how far these addresses are known: before a loop is opened whose turns all need them."""
        self._pointers = {access: self._pointer(access) for access in {**self._pointers, **dict.fromkeys(accesses)}}
        self._pending = ()

    def learn(self, outer: Scope) -> None:
        """What has become known in an outer scope since."""
        self.known = {**outer.known, **self.known}
        self._spread = {**outer._spread, **self._spread}

    def ready(self, statements: Iterable[int] | None = None) -> None:
        """Emit each load and map (of these) that depends on the dimensions that stand, and on what is known, alone."""
        here = self.fixed.keys()
        for i in range(len(self.body)) if statements is None else statements:
            s = self.body[i]
            due = i not in self.known and s.kind in ("load", "map", "index") and self.varies[i] <= here
            if due and all(a in self.known for a in s.args):
                self.known[i] = self._value(s)

    def prepare(self, statements: Iterable[int], dim: int, lanes: int) -> None:
        """Spread over vectors along ``dim`` what is known here and these statements will need so."""
        for i in statements:
            s = self.body[i]
            if s.kind != "map" or lanes == 1 or dim not in self.varies[i]:
                continue
            narrow = self._counts(s, dim)
            for a in s.args:
                if a in self.known and lanes_of(self.known[a].type) == 1:
                    if _is_divisor(s, a):
                        self._reciprocal(a, lanes)
                    else:
                        self._wide(a, lanes, narrow)

    def emit(
        self,
        statements: Iterable[int] | None = None,
        kept: Mapping[int, Access] | None = None,
        instead: Mapping[int, Access] | None = None,
    ) -> None:
        """Emit statements here, stores last; all that are not known yet if none are named.

        Args:
            statements: which, in the body's order; those that are known are passed over.
            kept: values that are stored, besides, in a buffer of the kernel's own.
            instead: values that are loaded from one.
        """
        kept, instead = kept or {}, instead or {}
        chosen = range(len(self.body)) if statements is None else statements
        stores = []
        for i in chosen:
            s = self.body[i]
            if s.kind == "store":
                stores.append(s)
            elif i in self.known or s.kind == "reduce":
                continue
            elif i in instead:
                self.known[i] = self._load(instead[i])
            else:
                self.known[i] = self._value(s)
                if i in kept:
                    self._store(kept[i], self.entry(i))
        for s in stores:
            assert s.access is not None
            self._store(s.access, self.entry(s.args[0]))

    def entry(self, i: int) -> V:
        """The value of a statement, with its own dtype's type."""
        value = self.known[i]
        if element(value.type) == I32 and self.body[i].dtype == "int64":
            return self.b.convert("sext", value, vector(lanes_of(value.type), I64))
        return value

    # Values.

    def _value(self, s: Statement) -> V:
        if s.kind == "load":
            assert s.access is not None
            return self._load(s.access)
        if s.kind == "index":
            return self._index(s.dim)
        return self._map(s)

    def _index(self, dim: int) -> V:
        """A position; along the vector as 32-bit integers, which hold every length that there is."""
        b, position = self.b, self.b.int(self.fixed[dim])
        if dim != self.along or self.width == 1:
            return position
        count = b.count_up(self.width, I32)
        if position.text == "0":
            return count
        return b.op("add", b.splat(_narrow(b, position), self.width), count)

    def _counts(self, s: Statement, dim: int) -> bool:
        """Whether it compares with the position along ``dim``, which lies in 32-bit integers."""
        return s.fn in _ORDERED and any(self.body[a].kind == "index" and self.body[a].dim == dim for a in s.args)

    def _map(self, s: Statement) -> V:
        b = self.b
        lanes = max(lanes_of(self.known[a].type) for a in s.args)
        first = self.known[s.args[0]]
        if lanes > 1 and _is_divisor(s, s.args[-1]) and lanes_of(self.known[s.args[-1]].type) == 1:
            return self._divide(s, lanes)
        if s.fn == "cast" and element(first.type) == I32:
            return cast(b, first, "int32", name_of(s.dtype))
        narrow = lanes > 1 and self._counts(s, self.along)
        args = [self._wide(a, lanes, narrow) for a in s.args]
        source = name_of(self.body[s.args[-1]].dtype)
        return emit_map(b, s.fn, args, source, name_of(s.dtype), scalef=self.target.bits == 512)

    def _wide(self, a: int, lanes: int, narrow: bool = False) -> V:
        """The value of a statement in all lanes; ``narrow``: to be compared with positions."""
        value = _narrow(self.b, self.known[a]) if narrow else self.entry(a)
        if lanes_of(value.type) == lanes:
            return value
        if not value.text.startswith("%"):
            return self.b.splat(value, lanes)
        key = (a, f"{lanes}{'narrow' if narrow else ''}")
        if key not in self._spread:
            self._spread[key] = (self.b.splat(value, lanes),)
        return self._spread[key][0]

    def _divide(self, s: Statement, lanes: int) -> V:
        """A vector by a scalar: times its reciprocal, in two steps so that neither overflows; within 1.5 units."""
        numerator = self._wide(s.args[0], lanes)
        for factor in self._reciprocal(s.args[1], lanes):
            numerator = self.b.op("fmul", numerator, factor)
        return numerator

    def _reciprocal(self, a: int, lanes: int) -> tuple[V, ...]:
        key = (a, f"{lanes}reciprocal")
        if key not in self._spread:
            b, x = self.b, self.known[a]
            one = b.const(1, x.type)
            number = self.body[a].value if self.body[a].kind == "number" else None
            if number is not None and 1 / _SAFE < abs(number) < _SAFE:
                factors = [b.const(1 / number, x.type)]
            else:
                size = b.intrinsic("fabs", x)
                large = b.compare("ogt", size, b.const(_SAFE, x.type))
                small = b.compare("olt", size, b.const(1 / _SAFE, x.type))
                first = b.select(small, b.const(_SAFE, x.type), one)
                first = b.select(large, b.const(1 / _SAFE, x.type), first)
                factors = [first, b.op("fdiv", one, b.op("fmul", x, first))]
            self._spread[key] = tuple(b.splat(f, lanes) for f in factors)
        return self._spread[key]

    # Memory.

    def _pointer(self, access: Access) -> V:
        b = self.b
        pointer = self._pointers.get(access)
        index: Int = 0
        if pointer is None:
            pointer, index = self.addresses[access.slot], access.offset
            pending: Iterable[int] = self.fixed
        else:
            pending = self._pending
        for dim in pending:
            index = b.add(index, b.mul(self.fixed[dim], access.strides[dim]))
        return b.gep(OF_DTYPE[name_of(access.dtype)], pointer, index)

    def bring(self, access: Access, dim: int, rows: int, entries: int) -> None:
        """Bring nearer what lies here and beside it, in some rows along ``dim``."""
        b, pointer, size = self.b, self._pointer(access), BYTES[OF_DTYPE[name_of(access.dtype)]]
        for r in range(rows):
            for at in range(0, entries * size, 64):
                b.prefetch(b.gep("i8", pointer, r * access.strides[dim] * size + at))

    def _stride(self, access: Access) -> int:
        return access.strides[self.along] if self.width > 1 else 0

    def _load(self, access: Access) -> V:
        b, one = self.b, OF_DTYPE[name_of(access.dtype)]
        stride, pointer = self._stride(access), self._pointer(access)
        if stride == 0:
            value = b.load(one, pointer)
        elif stride == 1 and self.mask is not None:
            value = b.load_masked(vector(self.width, one), pointer, self.mask)
        elif stride == 1:
            value = b.load(vector(self.width, one), pointer)
        else:
            value = self._gather(one, pointer, stride)
        return b.compare("ne", value, b.const(0, value.type)) if access.dtype == "bool" else value

    def _store(self, access: Access, value: V) -> None:
        b = self.b
        if element(value.type) == I1:
            value = b.convert("zext", value, vector(lanes_of(value.type), I8))
        stride, pointer = self._stride(access), self._pointer(access)
        if stride == 0:  # one entry, the first: a dimension of length 1
            if lanes_of(value.type) > 1:
                value = b.value(f"extractelement {value}, i64 0", element(value.type))
            b.store(value, pointer)
            return
        value = b.splat(value, self.width) if lanes_of(value.type) == 1 else value
        if stride == 1 and self.mask is not None:
            b.store_masked(value, pointer, self.mask)
        elif stride == 1:
            b.store(value, pointer)
        else:
            self._scatter(value, pointer, stride)

    def _places(self, one: str, pointer: V, stride: int) -> tuple[V, V]:
        """The addresses of entries ``stride`` apart, and the mask."""
        b, lanes = self.b, self.width
        steps = ", ".join(f"i64 {n * stride}" for n in range(lanes))
        places = b.value(f"getelementptr {one}, {pointer}, <{lanes} x i64> <{steps}>", vector(lanes, PTR))
        return places, self.mask or b.const(True, vector(lanes, I1))

    def _gather(self, one: str, pointer: V, stride: int) -> V:
        b = self.b
        places, mask = self._places(one, pointer, stride)
        wide = vector(self.width, one)
        name = f"llvm.masked.gather.v{self.width}{_SHORT[one]}.v{self.width}p0"
        b.declares[f"declare {wide} @{name}({places.type}, {mask.type}, {wide})"] = None
        where = f"{places.type} align {BYTES[one]} {places.text}"
        return b.value(f"call {wide} @{name}({where}, {mask}, {wide} zeroinitializer)", wide)

    def _scatter(self, value: V, pointer: V, stride: int) -> None:
        b = self.b
        one = element(value.type)
        places, mask = self._places(one, pointer, stride)
        name = f"llvm.masked.scatter.v{self.width}{_SHORT[one]}.v{self.width}p0"
        b.declares[f"declare void @{name}({value.type}, {places.type}, {mask.type})"] = None
        b.line(f"call void @{name}({value}, {places.type} align {BYTES[one]} {places.text}, {mask})")


_SHORT = {F32: "f32", F64: "f64", I64: "i64", I32: "i32", I8: "i8"}


def _is_divisor(s: Statement, a: int) -> bool:
    return s.fn == "div" and s.args[1] == a and s.args[0] != a


def _narrow(b: Builder, x: V) -> V:
    """A 64-bit integer as the 32-bit one that compares with positions as it does."""
    if element(x.type) != I64:
        return x
    if not x.text.startswith("%") and lanes_of(x.type) == 1:
        return b.const(max(-1, min(int(x.text), 2**31 - 1)), I32)
    low, high = b.const(-1, x.type), b.const(2**31 - 1, x.type)
    x = b.select(b.compare("slt", x, low), low, x)
    x = b.select(b.compare("sgt", x, high), high, x)
    return b.convert("trunc", x, vector(lanes_of(x.type), I32))
