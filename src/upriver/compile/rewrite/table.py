"""Every primitive once: where rewrites make new ones, and what is computed twice is found.

A rule is a function ``rule(x, m) -> Prim | None`` for one kind of primitive: what ``x`` is to be instead, made with
the table ``m``, or None. Whatever is made goes through the rules itself, arguments first, so that one walk through
a graph from its leaves leaves nothing to be done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...core.dtypes import DType
from ..primitives.prims import Prim, Shape

Rule = Callable[[Prim, "Table"], "Prim | None"]
COMMUTE = frozenset({"add", "mul", "max", "min", "and", "or", "xor", "eq", "ne"})
COMPARE = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
BOOL = np.dtype(np.bool_)


def frozen(value: Any) -> Any:
    """What tells attributes apart: −0.0 from 0.0, 1 from True; arrays and other objects by identity."""
    if value.__class__ in (tuple, list):
        return tuple([frozen(v) for v in value])
    if value.__class__ is dict:
        return tuple([(k, frozen(v)) for k, v in value.items()])
    if value.__class__ in (int, bool, str, type(None)):
        return (value.__class__, value)
    if value.__class__ is float:
        return value.hex()
    if isinstance(value, np.generic):
        return (value.dtype, value.tobytes())
    return Same(value)


class Same:
    """An object as part of a key: equal to itself alone, and kept alive with the key."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Table:
    """Primitives by what they are, made through rules.

    Args:
        rules: for each kind the rules to be tried, in order.
        share: whether what is there already is used again.
    """

    def __init__(self, rules: Mapping[str, Sequence[Rule]], share: bool = True) -> None:
        self.rules = rules
        self.share = share
        self.origin: Any = None  # of what is being rewritten, for what is made in its place
        self._made: dict[Any, Prim] = {}

    def make(self, kind: str, args: tuple[Prim, ...], shape: Shape, dtype: DType, attrs: dict[str, Any]) -> Prim:
        """The primitive, or what the rules make of it."""
        return self.normal(Prim(kind, args, shape, dtype, attrs, self.origin))

    def normal(self, x: Prim) -> Prim:
        """What the rules make of ``x``, or a primitive like it that is there already, or ``x``."""
        attrs = x.attrs
        key: tuple[Any, ...]
        if x.kind == "map":
            fn = attrs["fn"]
            if fn in COMMUTE and id(x.args[0]) > id(x.args[1]):
                key = (fn, x.args[1], x.args[0], x.shape, x.dtype)
            else:
                key = (fn, *x.args, x.shape, x.dtype)
        else:
            key = (x.kind, x.args, x.shape, x.dtype, *[frozen(v) for v in attrs.values()])
        if self.share:
            found = self._made.get(key)
            if found is not None:
                return found
        found = x
        for rule in self.rules.get(x.kind, ()):
            y = rule(x, self)
            if y is not None:
                found = y
                break
        self._made[key] = found
        return found

    # What rules are written with. Each gives back its argument where nothing is to be done.

    def number(self, value: Any, dtype: DType) -> Prim:
        """A number, of shape ()."""
        return self.make("number", (), (), dtype, {"value": dtype.type(value).item()})

    def filled(self, value: Any, shape: Shape, dtype: DType) -> Prim:
        """A number everywhere."""
        return self.spread(self.number(value, dtype), shape)

    def spread(self, x: Prim, shape: Shape) -> Prim:
        """One entry everywhere."""
        return self.expand(self.reshape(x, (1,) * len(shape)), shape)

    def map(self, fn: str, *args: Prim) -> Prim:
        """Entry by entry; the dtype follows from the function. For ``cast`` see :meth:`cast`."""
        shape = next((x.shape for x in args if x.shape), ())
        return self.make("map", args, shape, BOOL if fn in COMPARE else args[-1].dtype, {"fn": fn})

    def cast(self, x: Prim, dtype: DType) -> Prim:
        """Converted."""
        return x if x.dtype == dtype else self.make("map", (x,), x.shape, dtype, {"fn": "cast"})

    def reduce(self, fn: str, x: Prim, dims: Sequence[int]) -> Prim:
        """Over ``dims``, which stay with length 1."""
        over = tuple(sorted(dims))
        shape = tuple([1 if d in over else n for d, n in enumerate(x.shape)])
        return self.make("reduce", (x,), shape, x.dtype, {"fn": fn, "dims": over}) if over else x

    def reshape(self, x: Prim, shape: Shape) -> Prim:
        """The same entries in another shape."""
        return x if x.shape == shape else self.make("reshape", (x,), shape, x.dtype, {})

    def permute(self, x: Prim, dims: Sequence[int]) -> Prim:
        """The dimensions in another order."""
        return self.make("permute", (x,), tuple([x.shape[d] for d in dims]), x.dtype, {"dims": tuple(dims)})

    def expand(self, x: Prim, shape: Shape) -> Prim:
        """Repeated along dimensions of length 1."""
        return x if x.shape == shape else self.make("expand", (x,), shape, x.dtype, {})

    def slice(self, x: Prim, starts: Sequence[int], steps: Sequence[int], shape: Shape) -> Prim:
        """Some entries along each dimension."""
        return self.make("slice", (x,), shape, x.dtype, {"starts": tuple(starts), "steps": tuple(steps)})

    def place(self, x: Prim, starts: Sequence[int], steps: Sequence[int], shape: Shape) -> Prim:
        """Put into zeros."""
        return self.make("place", (x,), shape, x.dtype, {"starts": tuple(starts), "steps": tuple(steps)})

    def concat(self, xs: Sequence[Prim], dim: int) -> Prim:
        """One after the other along ``dim``."""
        s = xs[0].shape
        shape = (*s[:dim], sum([x.shape[dim] for x in xs]), *s[dim + 1 :])
        return self.make("concat", tuple(xs), shape, xs[0].dtype, {"dim": dim})

    def gemm(self, a: Prim, b: Prim) -> Prim:
        """The product of matrices."""
        return self.make("gemm", (a, b), (*a.shape[:-1], b.shape[-1]), a.dtype, {})


def number(x: Prim) -> Any:
    """The value of a number; None of anything else."""
    return x.attrs["value"] if x.kind == "number" else None


def size(shape: Shape) -> int:
    """How many entries."""
    return math.prod(shape)
