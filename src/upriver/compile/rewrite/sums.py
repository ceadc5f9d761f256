"""Long sums: of matrix products, as one product; of pieces put into zeros, as the pieces side by side.

Both are how gradients arrive that have many paths: a recurrent weight's Σ hₜᵀ gₜ, and what was cut apart by
``unbind``, ``chunk`` or an index. A sum is looked at whole: additions whose result nothing else reads are its inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ..prims import Prim
from .table import Table
from .walk import Graph, walk

Together = Callable[[list[Prim], list[bool]], list[Prim]]
"""From the terms of a sum, and whether each is used for nothing else, to fewer terms."""


def products(graph: Graph, m: Table) -> Graph:
    """Matrix products that are added, and used for nothing else: ``gemms``, one for each inner length."""

    def together(terms: list[Prim], alone: list[bool]) -> list[Prim]:
        found: dict[int, list[int]] = {}
        for i, (x, only) in enumerate(zip(terms, alone, strict=True)):
            if only and x.kind in ("gemm", "gemms"):
                found.setdefault(x.args[0].shape[-1], []).append(i)
        sums = []
        for several in found.values():
            if len(several) > 1:
                args = tuple([y for i in several for y in terms[i].args])
                sums.append((several, m.make("gemms", args, terms[several[0]].shape, terms[several[0]].dtype, {})))
        return _replaced(terms, sums)

    return _sums(graph, m, together)


def pieces(graph: Graph, m: Table) -> Graph:
    """Pieces placed beside each other and added: one ``concat``, with zeros in the gaps."""

    def together(terms: list[Prim], _alone: list[bool]) -> list[Prim]:
        slabs: dict[int, list[tuple[int, int]]] = {}
        for i, x in enumerate(terms):
            if (d := _slab(x)) is not None:
                slabs.setdefault(d, []).append((x.attrs["starts"][d], i))
        sums = []
        for d, found in slabs.items():
            # Pieces of one tiling; those that overlap others are added to it.
            tiling: list[int] = []
            end = 0
            for start, i in sorted(found):
                if start >= end:
                    tiling.append(i)
                    end = start + terms[i].args[0].shape[d]
            if len(tiling) > 1:
                sums.append((tiling, _side_by_side([terms[i] for i in tiling], d, m)))
        return _replaced(terms, sums)

    return _sums(graph, m, together)


def _replaced(terms: list[Prim], sums: list[tuple[list[int], Prim]]) -> list[Prim]:
    """The terms without those that are part of a sum, and the sums; the very list if there are none."""
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


def _sums(graph: Graph, m: Table, together: Together) -> Graph:
    """The graph with the terms of each sum put together where they can be."""
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
        if not _is_sum(x) or not x.shape:
            return None
        terms = _terms(x, inner)
        ours = [new[y] for y in terms]
        out = together(ours, [uses[y] == 1 for y in terms])
        if out is ours and inner.isdisjoint(x.args):
            return None
        total = out[0]
        for y in out[1:]:
            total = m.map("add", total, y)
        return total

    return walk(graph, m, visit)


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
