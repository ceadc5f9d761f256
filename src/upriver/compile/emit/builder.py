"""Writing one LLVM function: values with types, loops whose state is carried in registers, and little else.

The text is final: no optimisation pass runs over it. So loops carry their state as phi nodes (nothing lives in
stack slots), constants are folded here, and vectors are explicit.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

F32, F64, I64, I32, I8, I1, PTR = "float", "double", "i64", "i32", "i8", "i1", "ptr"
OF_DTYPE = {"float32": F32, "float64": F64, "int64": I64, "int32": I32, "uint8": I8, "int8": I8, "bool": I8}
"""The type of an entry in memory, by the name of its dtype."""
BYTES = {F32: 4, F64: 8, I64: 8, I32: 4, I8: 1}
PLACE = "@THIS@"  # stands for the function's own name until its text, and so its name, is known


@dataclass(frozen=True, slots=True)
class V:
    """A value of LLVM: how it is written, and its type."""

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


Int = V | int
Whole = int  # in the class, ``int`` is a method


@cache
def vector(lanes: int, type: str) -> str:
    """The type of ``lanes`` entries of ``type``; the type itself for one lane."""
    return type if lanes == 1 else f"<{lanes} x {type}>"


@cache
def element(type: str) -> str:
    """The type of a vector's entries."""
    return type.split(" x ")[1][:-1] if type.startswith("<") else type


@cache
def lanes_of(type: str) -> int:
    """How many entries a vector type has; 1 for a scalar."""
    return int(type[1:].split(" x ")[0]) if type.startswith("<") else 1


def literal(value: Any, type: str) -> str:
    """A number as LLVM writes it; for a vector type, in all entries."""
    if type.startswith("<"):
        one = element(type)
        text = literal(value, one)
        return "zeroinitializer" if text in ("0", "0x0000000000000000") else f"splat ({one} {text})"
    if type in (F32, F64):
        number = float(np.float32(value)) if type == F32 else float(value)
        return f"0x{struct.unpack('>Q', struct.pack('>d', number))[0]:016X}"
    return ("true" if value else "false") if type == I1 else str(int(value))


class Builder:
    """One function under construction.

    Args:
        params: names and types of its parameters; ``b.params[name]`` are their values.
        result: its return type.

    Example:
        >>> b = Builder({"args": PTR, "begin": I64, "end": I64, "scratch": PTR})
        >>> x = b.load(PTR, b.params["args"])
        >>> def body(i, carried):
        ...     return [b.op("fadd", carried[0], b.load(F32, b.gep(F32, x, i)))]
        >>> (total,) = b.loop(b.params["begin"], b.params["end"], 1, [b.const(0.0, F32)], body)
        >>> b.store(total, x)
        >>> name, ir = b.finish()
        >>> name.startswith("k_"), "phi float" in ir
        (True, True)
    """

    def __init__(self, params: dict[str, str], result: str = "void") -> None:
        self.params = {name: V(f"%{name}", kind) for name, kind in params.items()}
        self.result = result
        self.declares: dict[str, None] = {}
        self._lines: list[str] = ["entry:"]
        self._block = "entry"
        self._count = 0

    # Text.

    def line(self, text: str) -> None:
        """One instruction without a result."""
        self._lines.append("  " + text)

    def value(self, text: str, type: str) -> V:
        """One instruction with a result."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {text}")
        return V(name, type)

    def const(self, value: Any, type: str) -> V:
        """A constant; in all entries of a vector type."""
        return V(literal(value, type), type)

    def int(self, x: Int) -> V:
        """A Python integer as i64; a value as it is."""
        return V(str(x), I64) if isinstance(x, int) else x

    def _label(self, hint: str) -> str:
        self._count += 1
        return f"{hint}{self._count}"

    def _open(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label

    # Integers: addresses and counters. Python integers stay Python integers as long as possible.

    def add(self, x: Int, y: Int) -> Any:
        """The sum."""
        if isinstance(x, int) and isinstance(y, int):
            return x + y
        if y == 0:
            return x
        if x == 0:
            return y
        a, b = self.int(x), self.int(y)
        return self.value(f"add nsw i64 {a.text}, {b.text}", I64)

    def sub(self, x: Int, y: Int) -> Any:
        """The difference."""
        if isinstance(x, int) and isinstance(y, int):
            return x - y
        if y == 0:
            return x
        return self.value(f"sub nsw i64 {self.int(x).text}, {self.int(y).text}", I64)

    def mul(self, x: Int, y: Int) -> Any:
        """The product."""
        if isinstance(x, int) and isinstance(y, int):
            return x * y
        if x == 1:
            return y
        if y == 1:
            return x
        if x == 0 or y == 0:
            return 0
        return self.value(f"mul nsw i64 {self.int(x).text}, {self.int(y).text}", I64)

    def div(self, x: Int, y: Int) -> Any:
        """The whole quotient of numbers that are not negative."""
        if isinstance(x, int) and isinstance(y, int):
            return x // y
        return x if y == 1 else self.value(f"udiv i64 {self.int(x).text}, {self.int(y).text}", I64)

    def rem(self, x: Int, y: Int) -> Any:
        """The remainder of x / y."""
        if isinstance(x, int) and isinstance(y, int):
            return x % y
        return 0 if y == 1 else self.value(f"urem i64 {self.int(x).text}, {self.int(y).text}", I64)

    def least(self, x: Int, y: Int) -> Any:
        """The smaller of two signed integers."""
        if isinstance(x, int) and isinstance(y, int):
            return min(x, y)
        a, b = self.int(x), self.int(y)
        return self.select(self.value(f"icmp slt i64 {a.text}, {b.text}", I1), a, b)

    # Any instruction.

    def op(self, name: str, *args: V, flags: str = "") -> V:
        """An instruction on operands of one type, which is the result's: ``fadd``, ``shl`` and so on."""
        flags = f" {flags}" if flags else ""
        return self.value(f"{name}{flags} {args[0].type} {', '.join(a.text for a in args)}", args[0].type)

    def compare(self, predicate: str, x: V, y: V) -> V:
        """``fcmp``/``icmp`` (by type) with ``predicate``: one bit for each entry."""
        kind = "fcmp" if element(x.type) in (F32, F64) else "icmp"
        return self.value(f"{kind} {predicate} {x}, {y.text}", vector(lanes_of(x.type), I1))

    def select(self, condition: V, x: V, y: V) -> V:
        """Where the bit is set ``x``, elsewhere ``y``."""
        return self.value(f"select {condition}, {x}, {y}", x.type)

    def convert(self, how: str, x: V, type: str) -> V:
        """``fptosi``, ``sitofp``, ``zext``, ``trunc``, ``bitcast``, ``fpext`` … to ``type``."""
        return x if x.type == type else self.value(f"{how} {x} to {type}", type)

    def call(self, function: str, type: str, *args: V, flags: str = "") -> V:
        """A call of an intrinsic or another declared function; ``type`` is its result's, and may be void."""
        self.declares[f"declare {type} @{function}({', '.join(a.type for a in args)})"] = None
        text = f"call {flags + ' ' if flags else ''}{type} @{function}({', '.join(map(str, args))})"
        if type == "void":
            self.line(text)
            return V("", "void")
        return self.value(text, type)

    def intrinsic(self, name: str, *args: V, flags: str = "") -> V:
        """``llvm.<name>`` overloaded on the type of the arguments: fma, sqrt, fabs, floor and so on."""
        return self.call(f"llvm.{name}.{self._suffix(args[0].type)}", args[0].type, *args, flags=flags)

    # Vectors.

    def splat(self, x: V, lanes: Whole) -> V:
        """One entry repeated."""
        if lanes == 1:
            return x
        wide = vector(lanes, x.type)
        if not x.text.startswith("%"):
            return V("zeroinitializer" if x.text in ("0", "0x0000000000000000") else f"splat ({x})", wide)
        first = self.value(f"insertelement {wide} poison, {x}, i64 0", wide)
        return self.value(f"shufflevector {first}, {wide} poison, {vector(lanes, I32)} zeroinitializer", wide)

    def shuffle(self, x: V, y: V, order: Sequence[Whole]) -> V:
        """Entries of x and y (numbered on from x's last) in ``order``."""
        mask = ", ".join(f"i32 {i}" for i in order)
        return self.value(f"shufflevector {x}, {y}, <{len(order)} x i32> <{mask}>", vector(len(order), element(x.type)))

    def extract(self, x: V, i: Whole) -> V:
        """Entry i."""
        return x if lanes_of(x.type) == 1 else self.value(f"extractelement {x}, i64 {i}", element(x.type))

    def insert(self, x: V, entry: V, i: Whole) -> V:
        """The vector with another entry i."""
        return self.value(f"insertelement {x}, {entry}, i64 {i}", x.type)

    def count_up(self, lanes: Whole, type: str = I64) -> V:
        """The entries 0, 1, 2 and so on."""
        return V("<" + ", ".join(f"{type} {i}" for i in range(lanes)) + ">", vector(lanes, type))

    def mask_below(self, n: V, lanes: Whole) -> V:
        """A bit for each entry: set for the first ``n`` (i64)."""
        return self.compare("slt", self.count_up(lanes), self.splat(n, lanes))

    # Memory.

    def gep(self, type: str, pointer: V, index: Int) -> V:
        """The address of entry ``index`` after ``pointer``, of entries of ``type``."""
        if index == 0:
            return pointer
        return self.value(f"getelementptr {type}, {pointer}, {self.int(index)}", PTR)

    def load(self, type: str, pointer: V, align: Whole | None = None) -> V:
        """What lies at an address; aligned to one entry unless more is promised."""
        return self.value(f"load {type}, {pointer}, align {align or BYTES.get(element(type), 8)}", type)

    def prefetch(self, pointer: V) -> None:
        """Bring what lies around an address nearer; one where there is nothing does no harm."""
        self.declares["declare void @llvm.prefetch.p0(ptr, i32, i32, i32)"] = None
        self.line(f"call void @llvm.prefetch.p0({pointer}, i32 0, i32 3, i32 1)")

    def store(self, x: V, pointer: V, align: Whole | None = None) -> None:
        """Write a value to an address."""
        self.line(f"store {x}, {pointer}, align {align or BYTES.get(element(x.type), 8)}")

    def load_masked(self, type: str, pointer: V, mask: V, other: V | None = None) -> V:
        """The entries whose bit is set; the others are not touched in memory, and 0 (or ``other``'s) in the result."""
        kept = other or self.const(0, type)
        suffix = self._suffix(type)
        align = f"align {BYTES[element(type)]} "
        self.declares[f"declare {type} @llvm.masked.load.{suffix}.p0(ptr, {mask.type}, {type})"] = None
        return self.value(f"call {type} @llvm.masked.load.{suffix}.p0(ptr {align}{pointer.text}, {mask}, {kept})", type)

    def store_masked(self, x: V, pointer: V, mask: V) -> None:
        """Write the entries whose bit is set."""
        suffix = self._suffix(x.type)
        align = f"align {BYTES[element(x.type)]} "
        self.declares[f"declare void @llvm.masked.store.{suffix}.p0({x.type}, ptr, {mask.type})"] = None
        self.line(f"call void @llvm.masked.store.{suffix}.p0({x}, ptr {align}{pointer.text}, {mask})")

    def _suffix(self, type: str) -> str:
        short = {F32: "f32", F64: "f64", I64: "i64", I32: "i32", I8: "i8"}[element(type)]
        return f"v{lanes_of(type)}{short}" if type.startswith("<") else short

    def argument(self, slot: Whole) -> V:
        """The address of a kernel's slot: what ``args[slot]`` holds. To be read once, at the beginning."""
        return self.load(PTR, self.gep(I64, self.params["args"], slot), 8)

    # Control.

    def loop(
        self,
        start: Int,
        stop: Int,
        step: Whole,
        carried: Sequence[V],
        body: Callable[[V, list[V]], Sequence[V]],
        *,
        sure: bool = False,
    ) -> list[V]:
        """``for i in range(start, stop, step)``, with values carried from turn to turn.

        Args:
            start: a number or a value.
            stop: the same.
            step: at least 1.
            carried: their values before the first turn.
            body: is given i and the carried values, emits a turn, and returns their next values.
            sure: whether there is at least one turn, so that nothing need be tested before it.

        Returns:
            The carried values after the last turn.
        """
        if isinstance(start, int) and isinstance(stop, int):
            if start >= stop:
                return list(carried)
            sure = True
            if start + step >= stop:  # one turn: no loop
                return list(body(self.int(start), list(carried)))
        first, last = self.int(start), self.int(stop)
        before, head, end = self._block, self._label("loop"), self._label("end")
        if sure:
            self.line(f"br label %{head}")
        else:
            some = self.compare("slt", first, last)
            self.line(f"br i1 {some.text}, label %{head}, label %{end}")
        self._open(head)
        i = V(f"%i{self._next()}", I64)
        phis = [V(f"%c{self._next()}", c.type) for c in carried]
        marks = len(self._lines)
        after = list(body(i, list(phis)))
        following = self.value(f"add nsw i64 {i.text}, {step}", I64)
        again = self.compare("slt", following, last)
        tail = self._block
        self.line(f"br i1 {again.text}, label %{head}, label %{end}")
        lines = [f"  {i.text} = phi i64 [ {first.text}, %{before} ], [ {following.text}, %{tail} ]"]
        for phi, old, new in zip(phis, carried, after, strict=True):
            lines.append(f"  {phi.text} = phi {phi.type} [ {old.text}, %{before} ], [ {new.text}, %{tail} ]")
        self._lines[marks:marks] = lines
        self._open(end)
        if sure:
            return after
        return [
            self.value(f"phi {new.type} [ {old.text}, %{before} ], [ {new.text}, %{tail} ]", new.type)
            for old, new in zip(carried, after, strict=True)
        ]

    def when(
        self,
        condition: V,
        then: Callable[[], Sequence[V]],
        otherwise: Callable[[], Sequence[V]] | None = None,
    ) -> list[V]:
        """One of two branches; the values that they return, of equal types, joined."""
        yes, no, end = self._label("then"), self._label("else"), self._label("end")
        self.line(f"br i1 {condition.text}, label %{yes}, label %{no}")
        self._open(yes)
        first = list(then())
        from_yes = self._block
        self.line(f"br label %{end}")
        self._open(no)
        second = list(otherwise()) if otherwise is not None else []
        from_no = self._block
        self.line(f"br label %{end}")
        self._open(end)
        return [
            self.value(f"phi {a.type} [ {a.text}, %{from_yes} ], [ {b.text}, %{from_no} ]", a.type)
            for a, b in zip(first, second, strict=True)
        ]

    def _next(self) -> Whole:
        self._count += 1
        return self._count

    # The end.

    def finish(self, result: V | None = None, prefix: str = "k") -> tuple[str, str]:
        """The function's name, made from its text, and its text. Functions alike have one name."""
        self.line(f"ret {result}" if result is not None else "ret void")
        params = ", ".join(f"{v.type} {v.text}" for v in self.params.values())
        text = "\n".join([f"define {self.result} {PLACE}({params}) #0 {{", *self._lines, "}"])
        name = f"{prefix}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        return name, text.replace(PLACE, f"@{name}")


def kernel() -> Builder:
    """A builder for a kernel: ``void name(ptr args, i64 begin, i64 end, ptr scratch)``."""
    return Builder({"args": PTR, "begin": I64, "end": I64, "scratch": PTR})
