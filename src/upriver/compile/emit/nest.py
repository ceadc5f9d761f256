"""How a kernel's loops are laid out: which dimensions are one, which one the vectors lie along, what threads share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..kernels import Access, LoopKernel, Statement
from ..native.target import Target
from .body import varying
from .maths import COST


@dataclass(frozen=True)
class Nest:
    """A kernel whose dimensions of length 1 are gone, and neighbours that lie one after the other are one.

    Attributes:
        dims, reduced, body: as in the kernel.
        varies: for each statement the dimensions along which it changes.
        along: the dimension that vectors lie along; −1 if there is none.
        lanes: entries in a vector.
        first: whether dimension 0 is the first one of the kernel.
    """

    dims: tuple[int, ...]
    reduced: tuple[int, ...]
    body: tuple[Statement, ...]
    varies: list[frozenset[int]]
    along: int
    lanes: int
    first: bool

    @property
    def outer(self) -> list[int]:
        """The kept dimensions besides the vectors' own."""
        return [d for d in range(len(self.dims)) if d not in self.reduced and d != self.along]

    @property
    def inner(self) -> list[int]:
        """The reduced dimensions besides the vectors' own."""
        return [d for d in self.reduced if d != self.along]

    @property
    def across(self) -> bool:
        """Whether the vectors lie along a reduced dimension, so that their entries are summed up."""
        return self.along in self.reduced

    def full(self, i: int) -> bool:
        """Whether a statement's value changes along reduced dimensions."""
        return bool(self.varies[i] & set(self.reduced))

    def accesses(self) -> list[Access]:
        return list(dict.fromkeys(s.access for s in self.body if s.access is not None))

    def count(self, dims: frozenset[int] | set[int]) -> int:
        """How many positions these dimensions have."""
        return math.prod(self.dims[d] for d in dims)


def weight(s: Statement) -> int:
    """About how many instructions a statement takes."""
    return COST.get(s.fn, 1) if s.kind == "map" else int(s.kind in ("load", "store", "reduce"))


def lay_out(kernel: LoopKernel, target: Target) -> Nest:
    """Choose the loops of a kernel.

    Example:
        >>> from upriver.core.dtypes import float32
        >>> from upriver.compile.native.target import target
        >>> entry = Access(0, float32, (7, 1))
        >>> body = (Statement("load", float32, access=entry), Statement("store", float32, (0,), access=entry))
        >>> lay_out(LoopKernel((100, 7), (), body), target()).dims
        (700,)
    """
    dims, reduced, body = _without(kernel, [d for d, n in enumerate(kernel.dims) if n == 1])
    first = len(kernel.dims) > 0 and kernel.dims[0] > 1
    apart = bool(dims) and 0 not in reduced and first and dims[0] >= 8
    nest = _merged(dims, reduced, body, 1 if apart else 0)
    if not reduced and len(nest[0]) == 2 and (nest[0][1] % target.lanes or nest[0][1] < 64):
        nest = _merged(*nest, 0)
    first = first and (len(nest[0]) == len(dims) or nest[0][:1] == dims[:1])
    dims, reduced, body = nest
    along = _along(dims, reduced, body)
    return Nest(dims, reduced, body, varying(body, len(dims), reduced), along, _lanes(dims, body, along, target), first)


Parts = tuple[tuple[int, ...], tuple[int, ...], tuple[Statement, ...]]


def _without(kernel: LoopKernel, gone: Sequence[int]) -> Parts:
    """The kernel without dimensions of length 1."""
    left = [d for d in range(len(kernel.dims)) if d not in gone]
    number = {d: n for n, d in enumerate(left)}
    reduced = tuple(sorted(number[d] for d in kernel.reduced if d in number))
    body = []
    for s in kernel.body:
        if s.kind == "reduce" and not reduced:
            s = replace(s, kind="map", fn="cast")  # over one entry: itself
        if s.access is not None:
            s = replace(s, access=replace(s.access, strides=tuple(s.access.strides[d] for d in left)))
        elif s.kind == "index":
            s = replace(s, dim=number[s.dim]) if s.dim in number else replace(s, kind="number", value=0)
        body.append(s)
    return tuple(kernel.dims[d] for d in left), reduced, tuple(body)


def _merged(dims: tuple[int, ...], reduced: tuple[int, ...], body: tuple[Statement, ...], start: int) -> Parts:
    """Neighbouring dimensions (from ``start`` on) through which every access steps evenly as one."""
    d = start
    while d + 1 < len(dims):
        n = dims[d + 1]
        counted = any(s.kind == "index" and s.dim in (d, d + 1) for s in body)
        even = all(s.access is None or s.access.strides[d] == s.access.strides[d + 1] * n for s in body)
        if counted or not even or (d in reduced) != (d + 1 in reduced):
            d += 1
            continue
        dims = (*dims[:d], dims[d] * n, *dims[d + 2 :])
        reduced = tuple(sorted({r if r <= d else r - 1 for r in reduced}))
        body = tuple(_drop(s, d) for s in body)
    return dims, reduced, body


def _drop(s: Statement, d: int) -> Statement:
    if s.access is not None:
        strides = s.access.strides
        return replace(s, access=replace(s.access, strides=(*strides[:d], *strides[d + 1 :])))
    return replace(s, dim=s.dim - 1) if s.kind == "index" and s.dim > d else s


def _along(dims: tuple[int, ...], reduced: tuple[int, ...], body: tuple[Statement, ...]) -> int:
    """The dimension for the vectors: the one where most entries lie side by side; if in doubt the innermost."""
    best, result = -1.0, -1
    for d in range(len(dims)):
        merit = 0.0
        for s in body:
            if s.access is not None and s.access.strides[d]:
                merit += (1.0 if s.access.strides[d] == 1 else -0.5) * (2 if s.kind == "store" else 1)
        merit *= min(1.0, dims[d] / 8)
        if result < 0 or merit >= best:
            best, result = merit, d
    return result


def _lanes(dims: tuple[int, ...], body: tuple[Statement, ...], along: int, target: Target) -> int:
    """Entries in a vector: half as many if there is nothing narrower than 64 bits, and no more than there are."""
    if along < 0:
        return 1
    lanes = target.lanes
    sizes = {s.dtype.itemsize for s in body if s.kind in ("load", "store", "map") and s.dtype.kind in "fiu"}
    if sizes == {8}:
        lanes = max(1, lanes // 2)
    if not masked(target):
        while lanes > 1 and lanes > dims[along]:
            lanes //= 2
    return lanes


def masked(target: Target) -> bool:
    """Whether loads and stores of a part of a vector are single instructions for every type."""
    return target.bits == 512
