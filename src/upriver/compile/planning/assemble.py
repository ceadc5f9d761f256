"""From a graph of primitives to a plan: steps as code, their calls, and the memory of all.

Kernels that are equal share their code; those of one dimension without reductions share it whatever their length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ...core.dtypes import DType
from ...core.state import Array
from ..emit.conv import ConvCode, emit_conv
from ..emit.gemm import GemmCode, emit_gemm
from ..emit.loops import emit_loops
from ..emit.own import emit_own
from ..emit.pool import emit_pool
from ..kernels import Call, ConvKernel, GemmKernel, KernelCode, LoopKernel, Plan, PoolKernel, Ref
from ..native.guard import gap
from ..native.target import Target, target as this_target
from ..primitives.evaluate import compute
from ..primitives.expand import Primitives
from ..primitives.indexing import Strides
from ..primitives.prims import Prim
from .chains import chain_numbers
from .lower import Place, Slot, Step
from .plan import laid_out, steps_of

_KEPT = 256
"""Kernels of each sort whose code is remembered, 5 to 25 kB of text each; more than a program mostly has."""


@dataclass
class Assembled:
    """A plan with what it was made of.

    Attributes:
        plan: the plan.
        constants: the array of each constant.
        origins: for each call the primitives that went into it.
    """

    plan: Plan
    constants: list[Array]
    origins: list[tuple[Prim, ...]]


def assemble(
    graph: Primitives,
    cells: Sequence[Strides],
    *,
    shared: dict[int, set[int]] | None = None,
    inputs: Sequence[tuple[DType, tuple[int, ...]]] = (),
    scalars: Sequence[DType] = (),
    draws: int = 0,
    target: Target | None = None,
) -> Assembled:
    """The plan of a graph.

    Args:
        graph: what is to be computed.
        cells: for each cell its strides in entries.
        shared: for each cell those others whose memory overlaps its own.
        inputs: dtype and shape of each input.
        scalars: dtype of each scalar.
        draws: how many random draws there are.
        target: the processor; the one that runs this if None.

    Example:
        >>> import numpy as np
        >>> from upriver.compile.primitives.prims import Prim
        >>> f = np.dtype("float32")
        >>> x = Prim("input", (), (2, 3), f, {"index": 0})
        >>> y = Prim("map", (x,), (2, 3), f, {"fn": "exp"})
        >>> made = assemble(Primitives([y], [], []), [], inputs=[(f, (2, 3))])
        >>> len(made.plan.calls), made.plan.outputs[0][1]
        (1, (2, 3))
    """
    target = target or this_target()
    fusion, steps = steps_of(graph, cells, shared)
    made: list[tuple[KernelCode | None, list[Slot], Step]] = []
    buffers: dict[Place, int] = {}
    for step in steps:
        made += [(code, places, step) for code, places in _calls(step, target, buffers)]
    # Of the calls of one step only the last is the kernel itself.
    last = {id(step): i for i, (_, _, step) in enumerate(made)}
    chains = chain_numbers([(code if last[id(step)] == i else None, step) for i, (code, _, step) in enumerate(made)])
    schedule = laid_out(fusion, steps, [(places, step) for _, places, step in made], buffers, chains, gap())
    calls: list[Call] = []
    for (code, places, step), refs, chain in zip(made, schedule.refs, chains, strict=True):
        writes = any([kind == "cell" for kind, _ in step.writes]) and code is not None
        if code is not None:
            calls.append(Call(code, refs, chain, writes=writes))
        else:
            host, views, at = _host(step, places, refs)
            calls.append(Call(None, at, host=host, views=views))
    plan = Plan(
        tuple(calls),
        schedule.arena,
        tuple(schedule.outputs),
        tuple(schedule.checks),
        tuple(inputs),
        tuple(scalars),
        draws,
        tuple(schedule.guards),
    )
    return Assembled(plan, schedule.constants, [tuple(step.prims) for _, _, step in made])


def _calls(step: Step, target: Target, buffers: dict[Place, int]) -> list[tuple[KernelCode | None, list[Slot]]]:
    """The calls of a step, and the bytes of the buffers that pass between them."""
    kernel = step.kernel

    def buffer(number: int, bytes: int) -> Slot:
        place: Place = ("buffer", (id(step), number))
        buffers[place] = bytes
        return place, 0

    if kernel is None:
        assert step.root is not None
        code = emit_own(step.root, [(read.strides, read.offset) for read in step.args], target)
        return [(code, step.places)]
    if isinstance(kernel, LoopKernel):
        return [(_loops(kernel, target), step.places)]
    if isinstance(kernel, PoolKernel):
        return [(_pool(kernel, target), step.places)]
    if isinstance(kernel, GemmKernel):
        product = _gemm(kernel, target)
        packed = [buffer(i, pack.bytes) for i, pack in enumerate(product.packs)]
        found: list[tuple[KernelCode | None, list[Slot]]] = []
        for pack, place in zip(product.packs, packed, strict=True):
            found.append((pack.code, [*[step.places[slot] for slot in pack.operands], place]))
        return [*found, (product.main, [*step.places, *packed])]
    weight = step.places[kernel.b.slot]
    apart = replace(kernel, b=replace(kernel.b, slot=len(step.places)))  # an epilogue may read the weight, too
    convolution = _conv(apart, target)
    if convolution.pack is None:
        return [(convolution.main, [*step.places, weight])]
    place = buffer(0, convolution.packed)
    return [(convolution.pack, [weight, place]), (convolution.main, [*step.places, place])]


@lru_cache(_KEPT)
def _loop_code(kernel: LoopKernel, target: Target) -> KernelCode:
    return emit_loops(kernel, target)


def _loops(kernel: LoopKernel, target: Target) -> KernelCode:
    if len(kernel.dims) == 1 and not kernel.reduced and kernel.dims[0] > 1 << 12:
        # The length is not in the code: one of a few stands for all.
        n, m = kernel.dims[0], 1 << 12
        code = _loop_code(replace(kernel, dims=(m,)), target)
        if code.units == m:
            return replace(code, units=n, flops=code.flops * n // m, bytes=code.bytes * n // m)
    return _loop_code(kernel, target)


@lru_cache(_KEPT)
def _gemm(kernel: GemmKernel, target: Target) -> GemmCode:
    return emit_gemm(kernel, target)


@lru_cache(_KEPT)
def _conv(kernel: ConvKernel, target: Target) -> ConvCode:
    return emit_conv(kernel, target)


@lru_cache(_KEPT)
def _pool(kernel: PoolKernel, target: Target) -> KernelCode:
    return emit_pool(kernel, target)


def _host(step: Step, places: Sequence[Slot], refs: Sequence[Ref]) -> tuple[Callable[[list[Array]], None], Any, Any]:
    """What is called for a primitive without a kernel, and on which views."""
    root = step.root
    assert root is not None
    views: list[Any] = []
    at: list[Ref] = []
    for arg, read, ref in zip(root.args, step.args, refs, strict=False):
        each = arg.dtype.itemsize
        views.append((arg.dtype, arg.shape, tuple([s * each for s in read.strides])))
        at.append(ref)
    if root.kind == "draw":
        views.append((np.dtype(np.uint64), (2,), (8,)))
        at.append(refs[0])
    views.append((root.dtype, root.shape, None))
    at.append(refs[-1])
    return _called(root), tuple(views), tuple(at)


def _called(root: Prim) -> Callable[[list[Array]], None]:
    attrs = root.attrs

    def draw(arrays: list[Array]) -> None:
        seed, counter = arrays[0].tolist()
        arrays[1][...] = attrs["op"].forward(**attrs["op_attrs"], seed=seed, counter=counter)

    def call(arrays: list[Array]) -> None:
        arrays[-1][...] = compute(root, *arrays[:-1])

    return draw if root.kind == "draw" else call
