"""Loop kernels as code: nests over the dimensions, vectors along one of them, sweeps over what is reduced.

Entry by entry: loops over the outer dimensions, the innermost with vectors. With reductions there are two kinds:
``rows``, where the vectors lie along a reduced dimension and their entries are joined at the end of a sweep (a
softmax, a sum over everything), and ``columns``, where they lie along a kept one and a block of several vectors is
taken down the reduced dimensions (a bias gradient). A short row is held in registers from sweep to sweep.
"""

from __future__ import annotations

from ..kernels import KernelCode, LoopKernel
from ..native.target import Target, target as this_target
from .body import Scope
from .builder import Int, V
from .columns import Columns
from .nest import Nest, lay_out, weight
from .phases import Phase
from .rows import Rows
from .sweep import Sweeper


def emit_loops(kernel: LoopKernel, target: Target | None = None) -> KernelCode:
    """The code of a loop kernel.

    Args:
        kernel: what to compute. One-dimensional kernels without reductions do not depend on the length.
        target: the processor; the one that runs this if None.

    Returns:
        The code; its units are entries (one dimension, no reduction), positions of kept dimensions, or blocks of
        columns.

    Example:
        >>> from upriver.core.dtypes import float32
        >>> from upriver.compile.kernels import Access, Statement
        >>> entry = Access(0, float32, (1,))
        >>> body = (Statement("load", float32, access=entry), Statement("map", float32, (0,), "exp"),
        ...         Statement("store", float32, (1,), access=entry))
        >>> code = emit_loops(LoopKernel((100,), (), body))
        >>> code.units, code.note
        (100, 'elementwise')
    """
    target = target or this_target()
    nest = lay_out(kernel, target)
    if nest.reduced or any(s.kind == "reduce" for s in nest.body):
        made: Sweeper = Rows(nest, target) if nest.across or nest.along < 0 else Columns(nest, target)
    else:
        made = _Elementwise(nest, target)
    b = made.b
    slots = sorted({a.slot for a in made.accesses})
    root = Scope(b, nest.body, {slot: b.argument(slot) for slot in slots}, len(nest.dims), target, nest.reduced)
    if all(n > 0 for d, n in enumerate(nest.dims) if d not in nest.reduced):
        made.emit(root, b.params["begin"], b.params["end"])
    else:
        made.units = 0
    name, ir = b.finish()
    flops, moved = _work(nest)
    scratch = (made.scratch + 63) // 64 * 64
    return KernelCode(name, ir, tuple(b.declares), made.units, made.align, made.rows, scratch, flops, moved, made.note)


class _Elementwise(Sweeper):
    """A kernel without reductions."""

    def emit(self, root: Scope, begin: V, end: V) -> None:
        everything = Phase(list(range(len(self.nest.body))))
        if len(self.nest.dims) == 1:
            self.units, self.align = self.nest.dims[0], self.lanes
            root.ready()
            self.sweep(root, everything, begin, end, [], [])
            return

        def work(scope: Scope, _: Int | None) -> None:
            if self.nest.along < 0:
                scope.emit()
            else:
                self.sweep(scope, everything, 0, self.nest.dims[self.nest.along], [], [])

        self.outer(root, begin, end, self.share(0), work)


def _work(nest: Nest) -> tuple[int, int]:
    """Floating-point operations and bytes moved, of all units together."""
    flops = moved = 0
    every = frozenset(range(len(nest.dims)))
    for i, s in enumerate(nest.body):
        if s.access is not None:
            dims = frozenset(d for d in every if s.access.strides[d])
            moved += nest.count(dims) * s.access.dtype.itemsize
        elif s.kind == "map" and s.dtype.kind == "f":
            flops += nest.count(nest.varies[i]) * weight(s)
        elif s.kind == "reduce":
            flops += nest.count(every)
    return flops, moved
