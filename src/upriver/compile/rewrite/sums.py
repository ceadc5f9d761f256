"""Long sums, looked at whole: the additions whose result nothing else reads are the inside of one.

So arrive the gradients of what is used many times: a recurrent weight's Σ hₜᵀ gₜ and its bias's Σ Σᵢ gₜᵢ, and what
``unbind``, ``chunk`` or an index cut apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ..primitives.prims import Prim
from .table import Table, size
from .walk import Graph, walk

Together = Callable[[list[Prim], list[bool], Table], list[Prim]]
"""From the terms of a sum, and whether each is used for nothing else, to fewer terms; the very list if there are none
to be put together."""

SMALL = 2**16
"""Of arrays of at most so many entries a kernel of its own costs more than the trip through memory that it saves."""


def products(terms: list[Prim], alone: list[bool], m: Table) -> list[Prim]:
    """Matrix products: ``gemms``, one for each inner length."""
    found: dict[int, list[int]] = {}
    for i, (x, only) in enumerate(zip(terms, alone, strict=True)):
        if only and x.kind in ("gemm", "gemms"):
            found.setdefault(x.args[0].shape[-1], []).append(i)
    sums: list[tuple[list[int], Prim]] = []
    for several in found.values():
        if len(several) > 1:
            args = tuple([y for i in several for y in terms[i].args])
            sums.append((several, m.make("gemms", args, terms[several[0]].shape, terms[several[0]].dtype, {})))
    return _replaced(terms, sums)


def reductions(terms: list[Prim], alone: list[bool], m: Table) -> list[Prim]:
    """Sums of small arrays over the same dimensions: the sum of the arrays, summed once."""
    found: dict[object, list[int]] = {}
    for i, (x, only) in enumerate(zip(terms, alone, strict=True)):
        y = x.args[0] if x.kind == "reshape" else x
        if only and y.kind == "reduce" and y.attrs["fn"] == "add" and size(y.args[0].shape) <= SMALL:
            found.setdefault((y.args[0].shape, y.attrs["dims"]), []).append(i)
    sums: list[tuple[list[int], Prim]] = []
    for several in found.values():
        if len(several) > 1:
            inner = [terms[i].args[0] if terms[i].kind == "reshape" else terms[i] for i in several]
            total = m.reduce("add", _added([y.args[0] for y in inner], m), inner[0].attrs["dims"])
            sums.append((several, m.reshape(total, terms[several[0]].shape)))
    return _replaced(terms, sums)


def pieces(terms: list[Prim], _alone: list[bool], m: Table) -> list[Prim]:
    """Pieces placed beside each other: one ``concat``, with zeros in the gaps."""
    slabs: dict[int, list[tuple[int, int]]] = {}
    for i, x in enumerate(terms):
        if (d := _slab(x)) is not None:
            slabs.setdefault(d, []).append((x.attrs["starts"][d], i))
    sums: list[tuple[list[int], Prim]] = []
    for d, found in slabs.items():
        # Those that overlap others are added to the tiling, as before.
        tiling: list[int] = []
        end = 0
        for start, i in sorted(found):
            if start >= end:
                tiling.append(i)
                end = start + terms[i].args[0].shape[d]
        if len(tiling) > 1:
            sums.append((tiling, _side_by_side([terms[i] for i in tiling], d, m)))
    return _replaced(terms, sums)


def _replaced(terms: list[Prim], sums: list[tuple[list[int], Prim]]) -> list[Prim]:
    """The terms without those that are part of a sum, and the sums."""
    if not sums:
        return terms
    gone = {i for several, _ in sums for i in several}
    return [*[x for i, x in enumerate(terms) if i not in gone], *[total for _, total in sums]]


def _slab(x: Prim) -> int | None:
    """The only dimension in which a placed piece does not fill the whole, if it is one and without gaps."""
    if x.kind != "place" or 0 in x.args[0].shape:
        return None
    short = [d for d, (n, k) in enumerate(zip(x.args[0].shape, x.shape, strict=True)) if n != k]
    return short[0] if len(short) == 1 and all([step == 1 for step in x.attrs["steps"]]) else None


def _side_by_side(tiling: Sequence[Prim], d: int, m: Table) -> Prim:
    shape = tiling[0].shape
    parts: list[Prim] = []
    end = 0

    def zeros(upto: int) -> None:
        if upto > end:
            parts.append(m.filled(0, (*shape[:d], upto - end, *shape[d + 1 :]), tiling[0].dtype))

    for x in tiling:
        zeros(x.attrs["starts"][d])
        parts.append(x.args[0])
        end = x.attrs["starts"][d] + x.args[0].shape[d]
    zeros(shape[d])
    return m.concat(parts, d)


def sums(graph: Graph, m: Table, ways: Sequence[Together]) -> Graph:
    """The graph with the terms of each sum put together where they can be.

    Args:
        graph: is not changed.
        m: what is made goes through its rules.
        ways: how, one after the other.
    """
    order = graph.order
    uses = Counter([arg for x in order for arg in x.args])
    uses.update(graph.roots)
    inner: set[Prim] = set()
    for x in order:
        if _is_sum(x):
            inner.update([y for y in x.args if _is_sum(y) and y.shape == x.shape and uses[y] == 1])

    def visit(x: Prim, new: dict[Prim, Prim]) -> Prim | None:
        if x in inner:
            return x  # never looked at
        if not _is_sum(x):
            return None
        terms = _terms(x, inner)
        out = first = [new[y] for y in terms]
        alone = [_only(y, uses) for y in terms]
        for way in ways:
            before, out = out, way(out, alone, m)
            if out is not before:
                alone = [y not in before or alone[before.index(y)] for y in out]
        return x if out is first and out == terms else _added(out, m)

    return walk(graph, m, visit)


def _only(x: Prim, uses: Counter[Prim]) -> bool:
    return uses[x] == 1 and (x.kind != "reshape" or uses[x.args[0]] == 1)


def _added(terms: Sequence[Prim], m: Table) -> Prim:
    total = terms[0]
    for y in terms[1:]:
        total = m.map("add", total, y)
    return total


def _is_sum(x: Prim) -> bool:
    return x.kind == "map" and x.attrs["fn"] == "add"


def _terms(x: Prim, inner: set[Prim]) -> list[Prim]:
    """In the order in which they are added."""
    out: list[Prim] = []
    stack = [x]
    while stack:
        y = stack.pop()
        if y is x or y in inner:
            stack.extend(y.args[::-1])
        else:
            out.append(y)
    return out
