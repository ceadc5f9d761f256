"""Rewrites: the same values from fewer and simpler primitives.

Most are local rules (:mod:`.table`), applied to every primitive as it is made; the others look at who uses what
(:mod:`.sums`, :mod:`.transposes`). What nothing depends on is gone, since graphs are walked from their roots.
"""

from __future__ import annotations

from collections.abc import Collection

from ..primitives.expand import Primitives
from . import algebra, fold, pieces, repeats, views
from .sums import pieces as tilings, products, reductions, sums
from .table import Rule, Table
from .transposes import transposes
from .walk import Graph, walk

LOCAL = {"fold": fold, "views": views, "pieces": pieces, "repeats": repeats, "algebra": algebra}
SUMS = {"sums of pieces": tilings, "sums of sums": reductions, "sums of products": products}
NAMES = ("common", *LOCAL, "transposes", *SUMS)
"""What can be left out."""


def rewrite(primitives: Primitives, *, without: Collection[str] = ()) -> Primitives:
    """The same program from fewer primitives.

    Args:
        primitives: is not changed.
        without: rewrites that are not to be made, among ``NAMES``.

    Raises:
        ValueError: there is no rewrite of such a name.

    Example:
        >>> import numpy as np
        >>> from upriver.compile.primitives.prims import Prim
        >>> dtype = np.dtype(np.float32)
        >>> x = Prim("input", (), (2, 3), dtype, {"index": 0})
        >>> turned = Prim("permute", (x,), (3, 2), dtype, {"dims": (1, 0)})
        >>> again = Prim("permute", (turned,), (2, 3), dtype, {"dims": (1, 0)})
        >>> rewrite(Primitives([again], [], [])).outputs[0] is x
        True
    """
    if unknown := set(without) - set(NAMES):
        raise ValueError(f"rewrite: there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    rules: dict[str, list[Rule]] = {}
    for name, file in LOCAL.items():
        if name not in without:
            for kind, some in file.RULES.items():
                rules.setdefault(kind, []).extend(some)
    m = Table(rules, share="common" not in without)
    graph = walk(Graph(primitives), m)
    if "transposes" not in without:
        graph = transposes(graph, m)
    ways = [way for name, way in SUMS.items() if name not in without]
    return sums(graph, m, ways).primitives
