"""A convolution along one dimension, as whole numbers: which entries of the input meet which of the weight.

A convolution and its gradient with respect to the input are both sums over *taps*: result i is the sum over t of
``input[i * step + first + t * gap] * weight[tap[t]]``. The gradient of a strided convolution falls into phases, one
for each remainder of the position by the stride, each of them such a sum without a stride (Dumoulin and Visin, "A
guide to convolution arithmetic for deep learning", 2016, §4.6).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """One phase along one dimension.

    Attributes:
        count: how many results there are; they lie at ``start + i * apart`` for i < count.
        start, apart: see there.
        step, first, gap: result i reads entry ``i * step + first + t * gap`` for tap t.
        taps: for each tap the index into the weight, in equal steps.
        length: of the input; what would lie outside is 0.
    """

    count: int
    start: int
    apart: int
    step: int
    first: int
    gap: int
    taps: tuple[int, ...]
    length: int

    def reads(self, i: int) -> tuple[int, ...]:
        """The taps whose entry for result i lies inside the input."""
        at = i * self.step + self.first
        return tuple([t for t in range(len(self.taps)) if 0 <= at + t * self.gap < self.length])

    def runs(self, width: int) -> list[tuple[int, int, tuple[tuple[int, ...], ...]]]:
        """The results cut into blocks of at most ``width``: (first, how many alike follow each other, reads of each).

        Blocks are alike that are equally wide and read the same taps.
        """
        n = -(-self.count // width)
        found: list[tuple[int, int, tuple[tuple[int, ...], ...]]] = []
        for j in range(n):
            begin, end = j * self.count // n, (j + 1) * self.count // n
            reads = tuple([self.reads(i) for i in range(begin, end)])
            if found and found[-1][2] == reads:
                found[-1] = (found[-1][0], found[-1][1] + 1, reads)
            else:
                found.append((begin, 1, reads))
        return found

    def inner(self) -> tuple[int, int]:
        """The results that read all taps, as a range."""
        last = self.first + (len(self.taps) - 1) * self.gap
        low = min(self.count, max(0, -(self.first // self.step)))
        return low, max(low, min(self.count, (self.length - 1 - last) // self.step + 1))


def forward_axis(length: int, count: int, window: int, stride: int, padding: int, dilation: int) -> Axis:
    """A convolution itself."""
    return Axis(count, 0, 1, stride, -padding, dilation, tuple(range(window)), length)


def input_phases(length: int, count: int, window: int, stride: int, padding: int, dilation: int) -> list[Axis]:
    """Its gradient with respect to an input of ``length`` entries: a phase for each remainder by the stride.

    Example:
        >>> [phase.taps for phase in input_phases(6, 3, 3, 2, 1, 1)]
        [(1,), (2, 0)]
    """
    phases = []
    for r in range(min(stride, length)):
        taps = [k for k in reversed(range(window)) if (r + padding - k * dilation) % stride == 0]
        offsets = [(r + padding - k * dilation) // stride for k in taps]
        gap = offsets[1] - offsets[0] if len(taps) > 1 else 1
        size = -(-(length - r) // stride)
        phases.append(Axis(size, r, stride, 1, offsets[0] if taps else 0, gap, tuple(taps), count))
    return phases
