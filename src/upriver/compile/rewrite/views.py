"""Views of views: one reshape, one permutation, one slice; expansion last, where it is free.

The order that all chains are brought to, from the leaf on: slice, reshape and permute, expand. So a number stays
recognisable below any view, and what is computed is computed before it is repeated.
"""

from __future__ import annotations

from ..primitives.prims import Prim, Shape
from .table import Rule, Table

Group = tuple[tuple[int, ...], tuple[int, ...]]


def groups(s: Shape, t: Shape) -> list[Group]:
    """The dimensions of two shapes of equal size in the smallest groups that a reshape keeps apart.

    Example:
        >>> groups((6, 1, 4), (2, 3, 4))
        [((0,), (0, 1)), ((1,), ()), ((2,), (2,))]
    """
    found: list[Group] = []
    i = j = 0
    while i < len(s) or j < len(t):
        if i < len(s) and s[i] == 1:
            found.append(((i,), ()))
            i += 1
        elif j < len(t) and t[j] == 1:
            found.append(((), (j,)))
            j += 1
        else:
            first, second, p, q = i, j, s[i], t[j]
            i, j = i + 1, j + 1
            while p != q:
                if p < q:
                    p, i = p * s[i], i + 1
                else:
                    q, j = q * t[j], j + 1
            found.append((tuple(range(first, i)), tuple(range(second, j))))
    return found


def carried(core: Shape, s: Shape, t: Shape) -> Shape | None:
    """What a reshape from ``s`` to ``t`` is for an array of shape ``core`` that is expanded to ``s``.

    Returns:
        The shape that, expanded to ``t``, is the same; None where repeated and other dimensions merge.
    """
    if 0 in s:
        return None
    out = [1] * len(t)
    for before, after in groups(s, t):
        if all([core[i] == s[i] for i in before]):
            for j in after:
                out[j] = t[j]
        elif any([core[i] != 1 for i in before]):
            return None
    return tuple(out)


def _reshape(x: Prim, m: Table) -> Prim | None:
    (y,) = x.args
    if x.shape == y.shape:
        return y
    if y.kind == "reshape":
        return m.reshape(y.args[0], x.shape)
    if y.kind == "expand":
        core = y.args[0]
        to = carried(core.shape, y.shape, x.shape)
        if to is not None:
            return m.expand(m.reshape(core, to), x.shape)
    return None


def _permute(x: Prim, m: Table) -> Prim | None:
    (y,), dims = x.args, x.attrs["dims"]
    if y.kind == "permute":
        inner = y.attrs["dims"]
        return m.permute(y.args[0], [inner[d] for d in dims])
    moved = [d for d in dims if y.shape[d] != 1]
    if moved == sorted(moved):  # only lengths 1 move
        return m.reshape(y, x.shape)
    if y.kind == "expand":
        return m.expand(m.permute(y.args[0], dims), x.shape)
    return None


def _expand(x: Prim, m: Table) -> Prim | None:
    (y,) = x.args
    if x.shape == y.shape:
        return y
    return m.expand(y.args[0], x.shape) if y.kind == "expand" else None


def _slice(x: Prim, m: Table) -> Prim | None:
    (y,), starts, steps, shape = x.args, x.attrs["starts"], x.attrs["steps"], x.shape
    if shape == y.shape and all([step == 1 for step in steps]):
        return y
    if any([n <= 1 and step != 1 for n, step in zip(shape, steps, strict=True)]):
        return m.slice(y, starts, [step if n > 1 else 1 for n, step in zip(shape, steps, strict=True)], shape)
    if y.kind == "slice":
        first, by = y.attrs["starts"], y.attrs["steps"]
        starts = [a + b * c for a, b, c in zip(first, by, starts, strict=True)]
        return m.slice(y.args[0], starts, [a * b for a, b in zip(by, steps, strict=True)], shape)
    if y.kind == "expand" and 0 not in shape:
        core = y.args[0]
        fixed = [n == 1 for n in core.shape]
        starts = [0 if one else a for one, a in zip(fixed, starts, strict=True)]
        steps = [1 if one else a for one, a in zip(fixed, steps, strict=True)]
        kept = tuple([1 if one else n for one, n in zip(fixed, shape, strict=True)])
        return m.expand(m.slice(core, starts, steps, kept), shape)
    if y.kind == "permute":
        dims = y.attrs["dims"]
        back = [dims.index(d) for d in range(len(dims))]
        inner = m.slice(y.args[0], [starts[d] for d in back], [steps[d] for d in back], tuple([shape[d] for d in back]))
        return m.permute(inner, dims)
    return _slice_of_reshape(x, y, m) if y.kind == "reshape" else None


def _slice_of_reshape(x: Prim, y: Prim, m: Table) -> Prim | None:
    """The slice first, if it cuts whole dimensions of what is reshaped."""
    (z,), t, r = y.args, y.shape, x.shape
    starts, steps = x.attrs["starts"], x.attrs["steps"]
    if 0 in t or 0 in r:
        return None
    first, by, kept = [0] * len(z.shape), [1] * len(z.shape), list(z.shape)
    for before, after in groups(z.shape, t):
        cut = [j for j in after if r[j] != t[j] or steps[j] != 1]
        if not cut:
            continue
        j = after[0]
        inner = 1
        for k in after[1:]:
            inner *= t[k]
        if len(before) != 1 or cut != [j] or (inner > 1 and steps[j] != 1):
            return None
        first[before[0]], by[before[0]], kept[before[0]] = starts[j] * inner, steps[j], r[j] * inner
    return m.reshape(m.slice(z, first, by, tuple(kept)), r)


RULES: dict[str, tuple[Rule, ...]] = {
    "reshape": (_reshape,),
    "permute": (_permute,),
    "expand": (_expand,),
    "slice": (_slice,),
}
