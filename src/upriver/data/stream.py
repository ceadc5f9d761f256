"""Random numbers for data that must be the same for ever: splits, orders, toy data.

The bits are those of the counter-based generator Philox-4x64-10, whose raw output is fixed by its definition.
How NumPy turns bits into normal or shuffled values may change from version to version, so that is done here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.state import Array
from ..errors import ArgumentError
from ..ops.random import Generator, default_generator

Shape = tuple[int, ...]


class Stream:
    """A stream of random numbers that depends on ``seed`` alone, on every machine and NumPy version.

    Args:
        seed: any integer; equal seeds give equal streams.

    Source:
        Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011), section 3 (Philox);
        Box and Muller, "A note on the generation of random normal deviates" (1958), for :meth:`normal`.

    Example:
        >>> from upriver.data.stream import Stream
        >>> Stream(0).permutation(5).tolist() == Stream(0).permutation(5).tolist()
        True
    """

    def __init__(self, seed: int) -> None:
        self._bits: Any = np.random.Philox(key=int(seed) % 2**128)

    def raw(self, n: int) -> Array:
        """``n`` integers of 64 random bits, uint64."""
        return np.asarray(self._bits.random_raw(n), dtype=np.uint64)

    def uniform(self, *shape: int) -> Array:
        """float64 in [0, 1), each a multiple of 2**-53."""
        bits = self.raw(math.prod(shape)) >> np.uint64(11)
        return (bits * 2.0**-53).reshape(shape)

    def normal(self, *shape: int) -> Array:
        """float64 of the standard normal distribution."""
        n = math.prod(shape)
        u = self.uniform(2, n)
        radius = np.sqrt(-2.0 * np.log1p(-u[0]))
        return (radius * np.cos(2.0 * np.pi * u[1])).reshape(shape)

    def integers(self, high: int, n: int) -> Array:
        """``n`` integers in [0, ``high``), int64. The bias, at most high / 2**53, cannot be seen."""
        return np.minimum((self.uniform(n) * high).astype(np.int64), high - 1)

    def permutation(self, n: int) -> Array:
        """The integers 0 .. n - 1 in random order, int64."""
        return np.argsort(self.raw(n), kind="stable")


def child_seed(seed: int, number: int) -> int:
    """A seed for part ``number`` of what ``seed`` decides: different parts get unrelated streams."""
    return (int(seed) % 2**64) | ((int(number) + 1) << 64)


def draw_seed(generator: Any) -> int:
    """A fresh seed of 62 bits out of a generator, which moves on; from the global one where it is None.

    Raises:
        ArgumentError: something that is not a generator of ours.
    """
    source = default_generator if generator is None else generator
    if not isinstance(source, Generator):
        raise ArgumentError(
            f"generator: a {type(source).__name__} is no upriver.Generator", "Use ur.Generator().manual_seed(n)."
        )
    draw = source.draw()
    return int(Stream(draw["seed"] | draw["counter"] << 64).raw(1)[0]) >> 2
