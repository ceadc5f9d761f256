"""Identities of arithmetic that hold for every float, NaN, infinities and −0 included.

Allowed: x·1, x/1, x − 0, x + (−0), −(−x), a + (−b) = a − b, signs moved out of products and quotients, division by a
power of two as multiplication, the choice that a constant condition makes, conversions that lose nothing on the way.
Two numbers that multiply in turn become one unless that leaves the normal range.

Not allowed, as they are wrong for some float: x·0 = 0 and x − x = 0 (NaN), x + 0 = x (−0), −(a − b) = b − a (0).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..primitives.prims import Prim
from .table import BOOL, Rule, Table, number


def _add(x: Prim, m: Table) -> Prim | None:
    a, b = x.args
    for one, other in ((a, b), (b, a)):
        if _nothing(other, x, -1.0):
            return one if one.shape == x.shape else None
    if _is(b, "neg"):
        return m.map("sub", a, b.args[0])
    return m.map("sub", b, a.args[0]) if _is(a, "neg") else None


def _sub(x: Prim, m: Table) -> Prim | None:
    a, b = x.args
    if _nothing(b, x, 1.0) and a.shape == x.shape:
        return a
    return m.map("add", a, b.args[0]) if _is(b, "neg") else None


def _nothing(x: Prim, of: Prim, sign: float) -> bool:
    """Whether ``x`` is a 0 of this sign; the sign of a whole number does not count."""
    value = number(x)
    return value is not None and value == 0 and (of.dtype.kind != "f" or math.copysign(1.0, value) == sign)


def _mul(x: Prim, m: Table) -> Prim | None:
    a, b = x.args
    if x.dtype.kind == "b":
        return None
    if number(a) is not None:
        a, b = b, a
    c = number(b)
    if c is not None and a.shape == x.shape:
        if c == 1:
            return a
        if x.dtype.kind != "f":
            return None
        if c == -1:
            return m.map("neg", a)
        if _is(a, "neg"):
            return m.map("mul", a.args[0], m.number(-c, x.dtype))
        return _merged(a, c, m) if _is(a, "mul") else None
    return _signs(x, m)


def _merged(a: Prim, c: float, m: Table) -> Prim | None:
    """(x · d) · c as x · (d · c)."""
    for one, other in (a.args, a.args[::-1]):
        d = number(other)
        if d is not None and one.shape == a.shape and _normal(c * d, a.dtype) and _normal(d, a.dtype):
            return m.map("mul", one, m.number(c * d, a.dtype))
    return None


def _normal(value: float, dtype: Any) -> bool:
    info = np.finfo(dtype)
    return bool(info.tiny <= abs(value) <= info.max)


def _signs(x: Prim, m: Table) -> Prim | None:
    """A product's or quotient's sign, outside."""
    a, b = x.args
    if x.dtype.kind != "f" or not (_is(a, "neg") or _is(b, "neg")):
        return None
    p, q = (y.args[0] if _is(y, "neg") else y for y in (a, b))
    plain = m.map(x.attrs["fn"], p, q)
    return plain if _is(a, "neg") and _is(b, "neg") else m.map("neg", plain)


def _div(x: Prim, m: Table) -> Prim | None:
    a, b = x.args
    c = number(b)
    if c is None or a.shape != x.shape:
        return _signs(x, m)
    if c == 1:
        return a
    if c == -1:
        return m.map("neg", a)
    power = math.isfinite(c) and c != 0 and abs(math.frexp(c)[0]) == 0.5
    return m.map("mul", a, m.number(1.0 / c, x.dtype)) if power and _normal(1.0 / c, x.dtype) else None


def _neg(x: Prim, m: Table) -> Prim | None:
    (y,) = x.args
    if _is(y, "neg"):
        return y.args[0]
    if _is(y, "mul") and x.dtype.kind == "f":
        for one, other in (y.args, y.args[::-1]):
            c = number(other)
            if c is not None and one.shape == x.shape:
                return m.map("mul", one, m.number(-c, x.dtype))
    return None


def _where(x: Prim, m: Table) -> Prim | None:
    c, a, b = x.args
    chosen = number(c)
    if chosen is not None:
        one = a if chosen else b
        return one if one.shape == x.shape else m.spread(one, x.shape)
    if a is b:
        return a if a.shape == x.shape else m.spread(a, x.shape)
    if _is(c, "not"):
        return m.map("where", c.args[0], b, a)
    if _is(a, "where") and a.args[0] is c and c.shape:
        return m.map("where", c, a.args[1], b)
    if _is(b, "where") and b.args[0] is c and c.shape:
        return m.map("where", c, a, b.args[2])
    return None


def _not(x: Prim, m: Table) -> Prim | None:
    (y,) = x.args
    if _is(y, "not"):
        return y.args[0]
    return m.map({"eq": "ne", "ne": "eq"}[y.attrs["fn"]], *y.args) if _is(y, "eq") or _is(y, "ne") else None


def _cast(x: Prim, m: Table) -> Prim | None:
    (y,) = x.args
    if x.dtype == y.dtype:
        return y
    if _is(y, "cast"):
        z = y.args[0]
        # What y can hold of z, it holds exactly: then only the last conversion counts.
        if z.dtype == BOOL or (z.dtype.kind == y.dtype.kind and np.can_cast(z.dtype, y.dtype, "safe")):
            return m.cast(z, x.dtype)
    return None


def _is(x: Prim, fn: str) -> bool:
    return x.kind == "map" and x.attrs["fn"] == fn


_BY_FN: dict[str, Rule] = {
    "add": _add, "sub": _sub, "mul": _mul, "div": _div, "neg": _neg, "where": _where, "not": _not, "cast": _cast,
}  # fmt: skip


def _map(x: Prim, m: Table) -> Prim | None:
    rule = _BY_FN.get(x.attrs["fn"])
    return rule(x, m) if rule is not None else None


RULES: dict[str, tuple[Rule, ...]] = {"map": (_map,)}
