"""What is repeated is computed once: expansion moves behind maps, reductions and products.

Numbers in front of a map become scalars, whatever views stood between.
"""

from __future__ import annotations

from ..primitives.prims import Prim, Shape
from .table import Rule, Table, size
from .views import groups


def _scalar(x: Prim) -> Prim | None:
    """What a view of one entry, or of one entry repeated, is a view of."""
    while x.kind in ("expand", "reshape", "permute", "slice") and size(x.args[0].shape) == 1:
        x = x.args[0]
    return x if size(x.shape) == 1 else None


def _map(x: Prim, m: Table) -> Prim | None:
    shape = x.shape
    if not shape:
        return None
    args = list(x.args)
    for i, a in enumerate(args):
        if a.kind == "expand" and (one := _scalar(a)) is not None:
            args[i] = m.reshape(one, ())
    whole = [a for a in args if a.shape]
    if not whole:
        return m.spread(_same(x, args, (), m), shape)
    cores: list[Shape] = [a.args[0].shape if a.kind == "expand" else a.shape for a in whole]
    small = tuple([n if any([c[d] != 1 for c in cores]) else 1 for d, n in enumerate(shape)])
    if small != shape:
        args = [m.expand(a.args[0], small) if a.shape else a for a in args]
        return m.expand(_same(x, args, small, m), shape)
    return _same(x, args, shape, m) if tuple(args) != x.args else None


def _same(x: Prim, args: list[Prim], shape: Shape, m: Table) -> Prim:
    return m.make(x.kind, tuple(args), shape, x.dtype, x.attrs)


def _reduce(x: Prim, m: Table) -> Prim | None:
    (y,), dims, fn = x.args, x.attrs["dims"], x.attrs["fn"]
    over = tuple([d for d in dims if y.shape[d] != 1])
    if over != dims:
        return m.reduce(fn, y, over)
    if y.kind == "reduce" and y.attrs["fn"] == fn:
        return m.reduce(fn, y.args[0], {*over, *y.attrs["dims"]})  # type: ignore[arg-type]
    if 0 in y.shape:
        return None
    if y.kind == "permute":
        to = y.attrs["dims"]
        return m.permute(m.reduce(fn, y.args[0], [to[d] for d in over]), to)
    if y.kind == "expand":
        return _reduce_of_expand(x, y, over, m)
    return _reduce_of_reshape(x, y, over, m) if y.kind == "reshape" else None


def _reduce_of_expand(x: Prim, y: Prim, over: tuple[int, ...], m: Table) -> Prim | None:
    (core,), fn = y.args, x.attrs["fn"]
    repeated = [d for d in over if core.shape[d] == 1]
    if repeated and (fn == "mul" or (fn == "add" and x.dtype.kind != "f" and x.dtype.itemsize < 8)):
        return None
    inner = m.reduce(fn, core, [d for d in over if core.shape[d] != 1])
    if repeated and fn == "add":
        times = size(tuple([y.shape[d] for d in repeated]))
        inner = m.map("mul", inner, m.number(times, x.dtype))
    return m.expand(inner, x.shape)


def _reduce_of_reshape(x: Prim, y: Prim, over: tuple[int, ...], m: Table) -> Prim | None:
    """Over the dimensions before the reshape, if those are whole ones."""
    (z,) = y.args
    dims: list[int] = []
    for before, after in groups(z.shape, y.shape):
        gone = [j in over for j in after]
        if all(gone) and after:
            dims += before
        elif any(gone):
            return None
    return m.reshape(m.reduce(x.attrs["fn"], z, dims), x.shape)


def _gemm(x: Prim, m: Table) -> Prim | None:
    """A matrix that all of a batch share: one product of all rows."""
    a, b = x.args
    lead = len(x.shape) - 2
    if not lead or b.kind != "expand" or any([n != 1 for n in b.args[0].shape[:lead]]) or a.kind == "permute":
        return None
    if 0 in x.shape or b.args[0].shape[lead:] != b.shape[lead:]:
        return None
    rows = m.reshape(a, (size(a.shape[:-1]), a.shape[-1]))
    return m.reshape(m.gemm(rows, m.reshape(b.args[0], b.shape[lead:])), x.shape)


RULES: dict[str, tuple[Rule, ...]] = {"map": (_map,), "reduce": (_reduce,), "gemm": (_gemm,)}
