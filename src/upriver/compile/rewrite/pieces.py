"""Pieces: what was cut out of something put together, and what is put into zeros, is looked through."""

from __future__ import annotations

from ..primitives.prims import Prim
from .table import Rule, Table


def _slice(x: Prim, m: Table) -> Prim | None:
    (y,) = x.args
    return _slice_of_concat(x, y, m) if y.kind == "concat" else _slice_of_place(x, y, m) if y.kind == "place" else None


def _slice_of_concat(x: Prim, y: Prim, m: Table) -> Prim | None:
    d = y.attrs["dim"]
    starts, steps, n = x.attrs["starts"], x.attrs["steps"], x.shape[d]
    if not n:
        return None
    first, last = starts[d], starts[d] + steps[d] * (n - 1)
    begin = 0
    for piece in y.args:
        end = begin + piece.shape[d]
        if begin <= first < end:
            if begin <= last < end:
                return m.slice(piece, [*starts[:d], first - begin, *starts[d + 1 :]], steps, x.shape)
            return None
        begin = end
    return None


def _slice_of_place(x: Prim, y: Prim, m: Table) -> Prim | None:
    (z,) = y.args
    if any([step != 1 for step in (*x.attrs["steps"], *y.attrs["steps"])]):
        return None
    into, starts, kept = [], [], []
    for p, n, q, k in zip(y.attrs["starts"], z.shape, x.attrs["starts"], x.shape, strict=True):
        low, high = max(p, q), min(p + n, q + k)
        if low >= high:
            return m.filled(0, x.shape, x.dtype)
        into.append(low - q)
        starts.append(low - p)
        kept.append(high - low)
    ones = [1] * len(kept)
    return m.place(m.slice(z, starts, ones, tuple(kept)), into, ones, x.shape)


def _place(x: Prim, m: Table) -> Prim | None:
    (y,), starts, steps = x.args, x.attrs["starts"], x.attrs["steps"]
    if 0 in y.shape:
        return m.filled(0, x.shape, x.dtype)
    if x.shape == y.shape:
        return y if all([step == 1 for step in steps]) else None
    if any([n == 1 and step != 1 for n, step in zip(y.shape, steps, strict=True)]):
        return m.place(y, starts, [step if n > 1 else 1 for n, step in zip(y.shape, steps, strict=True)], x.shape)
    if y.kind == "place":
        first, by = y.attrs["starts"], y.attrs["steps"]
        starts = [a + b * c for a, b, c in zip(starts, steps, first, strict=True)]
        return m.place(y.args[0], starts, [a * b for a, b in zip(steps, by, strict=True)], x.shape)
    return None


def _concat(x: Prim, m: Table) -> Prim | None:
    d = x.attrs["dim"]
    pieces: list[Prim] = []
    for y in x.args:
        if y.kind == "concat" and y.attrs["dim"] == d:
            pieces += y.args
        elif y.shape[d]:
            pieces.append(y)
    pieces = _joined(pieces, d, m)
    if not pieces:
        return x.args[0]
    if len(pieces) == 1:
        return pieces[0]
    return m.concat(pieces, d) if tuple(pieces) != x.args else None


def _joined(pieces: list[Prim], d: int, m: Table) -> list[Prim]:
    """Neighbours that were neighbours in what they were cut from, as one slice."""
    out: list[Prim] = []
    for y in pieces:
        z = out[-1] if out else y
        if z is not y and y.kind == z.kind == "slice" and y.args == z.args:
            a, b = z.attrs["starts"], y.attrs["starts"]
            n = z.shape[d]
            steps = [1] * len(a)
            follows = (*a[:d], a[d] + n, *a[d + 1 :]) == b
            if follows and list(z.attrs["steps"]) == list(y.attrs["steps"]) == steps:
                out[-1] = m.slice(y.args[0], a, steps, (*y.shape[:d], n + y.shape[d], *y.shape[d + 1 :]))
                continue
        out.append(y)
    return out


RULES: dict[str, tuple[Rule, ...]] = {"slice": (_slice,), "place": (_place,), "concat": (_concat,)}
