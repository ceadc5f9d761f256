"""A graph made anew, from its leaves up."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from ..primitives.expand import Primitives, order
from ..primitives.prims import Prim
from .table import Table


class Graph:
    """Primitives, with their order once it is asked for."""

    def __init__(self, primitives: Primitives) -> None:
        self.primitives = primitives

    @cached_property
    def roots(self) -> list[Prim]:
        """Everything that is to be computed."""
        return self.primitives.roots()

    @cached_property
    def order(self) -> list[Prim]:
        """Everything that the roots depend on, each after its arguments."""
        return order(self.roots)


def walk(graph: Graph, m: Table, visit: Callable[[Prim, dict[Prim, Prim]], Prim | None] | None = None) -> Graph:
    """Each primitive made anew with its new arguments.

    Args:
        graph: is not changed.
        m: what is made goes through its rules.
        visit: is asked first what a primitive is to be, given the new ones for all before it. Then the graph has
            been through the rules before, and what keeps its arguments stays as it is.
    """
    new: dict[Prim, Prim] = {}
    for x in graph.order:
        m.origin = x.origin
        y = visit(x, new) if visit is not None else None
        if y is None:
            args = tuple([new[a] for a in x.args])
            if args != x.args:
                y = m.normal(Prim(x.kind, args, x.shape, x.dtype, x.attrs, x.origin))
            else:
                y = m.normal(x) if visit is None else x
        new[x] = y
    old = graph.primitives
    return Graph(
        Primitives(
            [new[x] for x in old.outputs],
            [None if x is None else new[x] for x in old.cells_after],
            [new[x] for x in old.checks],
        )
    )
