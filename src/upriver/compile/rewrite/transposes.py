"""A product that is only wanted transposed: (A B)ᵀ = Bᵀ Aᵀ."""

from __future__ import annotations

from collections import Counter

from ..primitives.prims import Prim
from .table import Table
from .walk import Graph, walk


def transposes(graph: Graph, m: Table) -> Graph:
    """Products whose only use is their transpose, made as that."""
    if not any([x.kind == "permute" and x.args[0].kind == "gemm" for x in graph.order]):
        return graph
    uses = Counter([arg for x in graph.order for arg in x.args])
    uses.update(graph.roots)

    def visit(x: Prim, new: dict[Prim, Prim]) -> Prim | None:
        if x.kind != "permute" or x.args[0].kind != "gemm" or uses[x.args[0]] != 1:
            return None
        y = new[x.args[0]]
        if y.kind != "gemm" or x.attrs["dims"] != _swapped(len(x.shape)):
            return None
        a, b = [m.permute(z, _swapped(len(z.shape))) for z in y.args]
        return m.gemm(b, a)

    return walk(graph, m, visit)


def _swapped(n: int) -> tuple[int, ...]:
    return (*range(n - 2), n - 1, n - 2)
