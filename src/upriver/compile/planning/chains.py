"""Calls that threads may go through without waiting for one another: each works on rows that no other touches.

Two calls of a chain share out the same number of units, and what one writes the other reads, or writes, in the same
unit only. That is seen from the accesses: in each unit they cover an interval of memory, a fixed distance from that
of the unit before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..kernels import Access, ConvKernel, GemmKernel, KernelCode, LoopKernel, PoolKernel, Shape, Statement
from .lower import Place, Step

SHARED = 1 << 18
"""Bytes of what all units read at most: more is better read once for all of them."""


class Span(NamedTuple):
    """What a call touches of some memory in its first unit, in bytes, and how far the next one's lies behind."""

    low: int
    high: int
    step: int
    writes: bool


def chain_numbers(calls: Sequence[tuple[KernelCode | None, Step]]) -> list[int]:
    """For each call the number of its chain, 0 where it stands alone.

    Arguments:
        calls: the code, or None for a call of Python; and the step.
    """
    numbers: list[int] = []
    number, units = 0, 0
    touched: dict[Place, list[Span]] = {}
    for code, step in calls:
        spans = None if code is None or not code.rows or code.units < 2 else _spans(step, code)
        if code is None or spans is None:
            number += bool(units)
            units = 0
            numbers.append(0)
            continue
        if code.units != units or not _apart(touched, spans, units):
            number, units, touched = number + 1, code.units, {}
        for place, span in spans:
            touched.setdefault(place, []).append(span)
        numbers.append(number)
    return numbers


def _apart(touched: dict[Place, list[Span]], spans: Iterable[tuple[Place, Span]], units: int) -> bool:
    for place, span in spans:
        for other in touched.get(place, ()):
            if (span.writes or other.writes) and _meet(span, other, units):
                return False
    return True


def _meet(a: Span, b: Span, units: int) -> bool:
    """Whether one of two touches, in some unit, what the other does in another unit."""
    if a.step != b.step or a.step <= 0:
        reach = [max(0, s.step) * (units - 1) for s in (a, b)]
        return a.low < b.high + reach[1] and b.low < a.high + reach[0]
    # a's interval k units on meets b's: for which k?
    least, most = -((a.high - b.low - 1) // a.step), (b.high - a.low - 1) // a.step
    least, most = max(least, 1 - units), min(most, units - 1)
    return least <= most and (least, most) != (0, 0)


def _spans(step: Step, code: KernelCode) -> list[tuple[Place, Span]] | None:
    """What a step touches, or None where that is not known or too much is read by all."""
    kernel = step.kernel
    if len(step.places) == 0 or kernel is None:
        return None
    found: list[tuple[Place, Span]] = []
    shared = 0
    dims, reads = _accesses(kernel)
    if not dims or dims[0] != code.units:
        return None
    for lengths, access, writes in [*reads, *_body(dims, kernel.body)]:
        place, offset = step.places[access.slot]
        each = access.dtype.itemsize
        low = sum([min(0, s * (n - 1)) for s, n in zip(access.strides[1:], lengths[1:], strict=True)])
        high = sum([max(0, s * (n - 1)) for s, n in zip(access.strides[1:], lengths[1:], strict=True)]) + 1
        span = Span(offset + low * each, offset + high * each, access.strides[0] * each, writes)
        if span.step == 0:
            shared += span.high - span.low
        found.append((place, span))
    return found if shared <= SHARED else None


def _body(dims: Shape, body: Iterable[Statement]) -> list[tuple[Shape, Access, bool]]:
    return [(dims, s.access, s.kind == "store") for s in body if s.access is not None]


def _accesses(
    kernel: LoopKernel | GemmKernel | ConvKernel | PoolKernel,
) -> tuple[Shape, list[tuple[Shape, Access, bool]]]:
    """The dimensions of a kernel's body, and its operands with the dimensions that they run over."""
    if isinstance(kernel, LoopKernel):
        return (() if 0 in kernel.reduced else kernel.dims), []
    if isinstance(kernel, GemmKernel):
        rows, columns = (*kernel.batch, kernel.m, kernel.k), (*kernel.batch, kernel.k, kernel.n)
        reads: list[tuple[Shape, Access, bool]] = [(rows, a, False) for a in kernel.a]
        for b in kernel.b:
            if kernel.batch:
                reads.append((columns, b, False))
            else:  # every unit, a row, reads all of it
                whole = Access(b.slot, b.dtype, (0, *b.strides), b.offset)
                reads.append(((kernel.m, *columns), whole, False))
        return (*kernel.batch, kernel.m, kernel.n), reads
    image = (kernel.n, kernel.c, *kernel.size)
    windows = (kernel.n, kernel.c if isinstance(kernel, PoolKernel) else kernel.o, *kernel.out)
    if isinstance(kernel, PoolKernel):
        if kernel.kind == "pool":
            return windows, [(image, x, False) for x in kernel.operands]
        shapes = (windows, image, windows)
        return image, [(shape, x, False) for shape, x in zip(shapes, kernel.operands, strict=False)]
    if kernel.kind == "conv_weight":
        return (), []
    one, other = (image, windows) if kernel.kind == "conv" else (windows, image)
    return other, [(one, kernel.a, False)]
