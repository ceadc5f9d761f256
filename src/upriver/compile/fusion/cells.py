"""Cells: new values put into their memory, where they are made if nobody reads the old ones any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..primitives.prims import Prim
from .groups import Group, Owner, over
from .reading import LEAVES
from .reads import Region

if TYPE_CHECKING:
    from .fuse import Fusion


def write_cells(fusion: Fusion) -> None:
    """Put what cells are to hold into their memory, after everyone who reads what they held."""
    wanted: dict[int, Prim] = {}
    for i, after in enumerate(fusion.graph.cells_after):
        if after is None or 0 in after.shape:
            continue
        base, strides, offset = fusion.source(after)
        if base.kind == "cell" and base.attrs["index"] == i and not offset and strides == fusion.strides[base]:
            continue  # it holds that already
        wanted[i] = fusion.copy(after) if base.kind in LEAVES or base in fusion.floats else after
    readers: dict[int, dict[Group, None]] = {}
    for group in fusion.groups.values():
        for base, _, _ in fusion.loads(group, operands=True):
            if base.kind == "cell":
                readers.setdefault(base.attrs["index"], {})[group] = None
    # No cell is written before all checks are known.
    tested = {fusion.group[read.base]: None for read in fusion.checks}
    for i, after in wanted.items():
        alike = [i, *sorted(fusion.shared.get(i, ()))]
        before = {**tested, **{group: None for j in alike for group in readers.get(j, ())}}
        group = _write_cell(fusion, i, after, before)
        for other in before:
            fusion.need(group, other)
        readers.setdefault(i, {})[group] = None


def _write_cell(fusion: Fusion, i: int, after: Prim, before: dict[Group, None]) -> Group:
    sink = Prim("map", (after,), after.shape, after.dtype, {"fn": "copy"}, after.origin)
    region = fusion.regions[sink] = Region(i, tuple(fusion.cells[i]), 0)
    fusion.strides[sink] = region.strides
    reads = fusion.reads(sink)
    group = fusion.group[reads[0].base]
    tested = any([fusion.group[read.base] is group for read in fusion.checks])
    if group.kind != "own" and not tested and not any([g.needs & group.mask for g in before]):
        owner = fusion.joins(group, sink, reads)
        if owner is not None and _in_place(fusion, group, i, over(owner, fusion.about(sink).own), owner):
            fusion.enter(group, sink, owner)
            return group
    fusion.alone(sink, reads)
    return fusion.group[sink]


def _in_place(fusion: Fusion, group: Group, i: int, at: list[int], owner: Owner) -> bool:
    """Whether a group may write a cell ``at`` a map: all that it reads of it, it reads there."""
    if any([r and o is not None for r, o in zip(group.reduced, owner, strict=True)]):
        return False  # a later phase might read it again
    for base, strides, offset in fusion.loads(group, operands=True):
        j = base.attrs["index"] if base.kind == "cell" else None
        if j in fusion.shared.get(i, ()) or (j == i and (offset or strides != at)):
            return False
    return True
