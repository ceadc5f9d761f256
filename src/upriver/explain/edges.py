"""The local derivatives of one operation as edges between entries, and what adds up along them.

Edges are kept once for all blocks of entries that have the same ones: the rows of a batch, mostly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..core.state import Array

_CHUNK = 1 << 22  # numbers worked on at a time
_CACHED = 1 << 17  # numbers that stay in the processor's cache


@dataclass(eq=False)
class Edges:
    """The local derivatives of a node by one of its inputs, those that are not zero.

    Entries fall into blocks that do not mix: edge ``n`` leads, in each block ``(u, s)``, from entry ``of[u, s, i[n]]``
    of the input to entry ``to[u, s, o[n]]`` of the value, with the factor ``factors[u, n]``: the same for every ``s``.

    Attributes:
        of, to: (U, S, I) and (U, S, O): the entries of input and value, counted in row-major order.
        i, o: (N,) each, in the order of ``i``.
        factors: (U, N).
    """

    of: Array
    to: Array
    i: Array
    o: Array
    factors: Array

    @cached_property
    def inputs(self) -> Array:
        """The places of ``i`` that have edges."""
        return self.i[np.flatnonzero(np.diff(self.i, prepend=-1))]

    @cached_property
    def starts(self) -> Array:
        """Where the edges of each of ``inputs`` begin; one more at the end."""
        return np.append(np.flatnonzero(np.diff(self.i, prepend=-1)), len(self.i))

    @cached_property
    def _single(self) -> bool:
        """Whether no input entry has two edges."""
        return len(self.inputs) == len(self.i)

    @cached_property
    def _sources(self) -> Array:
        """The entries of the input that have edges, (U, S, inputs)."""
        return self.of[:, :, self.inputs]

    @cached_property
    def _place(self) -> Array:
        place = np.full(int(self.of.max(initial=-1)) + 1, -1)
        place[self.of.reshape(-1)] = np.arange(self.of.size)
        return place

    @cached_property
    def _dense(self) -> bool:
        """Whether the derivatives are nearly all there, so that matrices hold them best."""
        return len(self.i) >= 64 and len(self.i) * 3 >= len(self.inputs) * self.to.shape[2]

    def _matrices(self) -> Iterator[tuple[Array, Array, Array]]:
        """Dense derivatives in pieces: entries of the input (u, S, I), of the value (u, S, O), matrices (u, I, O)."""
        rows, shape = np.searchsorted(self.inputs, self.i), (len(self.inputs), self.to.shape[2])
        step = max(1, _CHUNK // (shape[0] * shape[1]))
        for u in range(0, len(self.factors), step):
            piece = slice(u, u + step)
            factors = self.factors[piece]
            matrices = np.zeros((len(factors), *shape))
            matrices[:, rows, self.o] = factors
            yield self._sources[piece], self.to[piece], matrices

    def leaving(self, entry: int) -> tuple[Array, Array]:
        """For an entry of the input: the entries of the value that it reaches, and the factors."""
        place = int(self._place[entry]) if entry < len(self._place) else -1
        if place < 0:
            return np.empty(0, np.int64), np.empty(0)
        u, rest = divmod(place, self.of.shape[1] * self.of.shape[2])
        s, i = divmod(rest, self.of.shape[2])
        a, b = np.searchsorted(self.i, [i, i + 1])
        return self.to[u, s, self.o[a:b]], self.factors[u, a:b].astype(np.float64)

    def reach(self, reached: Array, size: int) -> Array:
        """The entries of the value that can be reached from those of the input (a few more, where blocks are many)."""
        found = np.zeros(size, np.bool_)
        inside = reached[self.of]
        if self.of.shape[:2] == (1, 1):
            found[self.to[0, 0, self.o[inside[0, 0, self.i]]]] = True
        else:
            blocks = inside[:, :, self.inputs].any(2)
            found[self.to[:, :, np.unique(self.o)][blocks].reshape(-1)] = True
        return found

    def pull(self, ahead: Sums, size: int) -> Sums:
        """What can be told of all paths from the entries of the input, given it for those of the value."""
        found = Sums.zeros(size)
        if self._dense:
            for into, targets, factors in self._matrices():
                sizes, across = np.abs(factors), factors.transpose(0, 2, 1)
                found.best[into] = _largest(sizes, ahead.best[targets])
                found.total[into] = ahead.total[targets] @ across
                found.mass[into] = ahead.mass[targets] @ sizes.transpose(0, 2, 1)
                found.count[into] = ahead.count[targets] @ (across != 0.0)
            return found
        for into, targets, factors in self._pieces():
            sizes = np.abs(factors)
            found.best[into] = self._gather(np.maximum, ahead.best[targets] * sizes)
            found.total[into] = self._gather(np.add, ahead.total[targets] * factors)
            found.mass[into] = self._gather(np.add, ahead.mass[targets] * sizes)
            found.count[into] = self._gather(np.add, ahead.count[targets] * (factors != 0.0))
        return found

    def add_up(self, ahead: Array, size: int) -> tuple[Array, Array]:
        """For each entry of the input the sum of ``ahead`` times the factors, and times their magnitudes."""
        total, mass = np.zeros(size), np.zeros(size)
        if self._dense:
            for into, targets, factors in self._matrices():
                total[into] = ahead[targets] @ factors.transpose(0, 2, 1)
                mass[into] = ahead[targets] @ np.abs(factors).transpose(0, 2, 1)
            return total, mass
        for into, targets, factors in self._pieces():
            total[into] = self._gather(np.add, ahead[targets] * factors)
            mass[into] = self._gather(np.add, ahead[targets] * np.abs(factors))
        return total, mass

    def _gather(self, how: np.ufunc, products: Array) -> Array:
        """What belongs to one entry of the input, joined."""
        return products if self._single else how.reduceat(products, self.starts[:-1], 1)

    def _pieces(self) -> Iterator[tuple[Array, Array, Array]]:
        """The edges in pieces of many blocks: entries of the input, of the value, and the factors."""
        step = max(1, _CHUNK // max(1, len(self.i)))
        for u in range(self.of.shape[0] if len(self.i) else 0):
            for s in range(0, self.of.shape[1], step):
                blocks = slice(s, s + step)
                yield self._sources[u, blocks], self.to[u, blocks][:, self.o], self.factors[u].astype(np.float64)


def _largest(sizes: Array, values: Array) -> Array:
    """(u, I, O) and (u, S, O) → (u, S, I): a product of matrices with the largest product in place of the sum."""
    if values.shape[1] == 1:
        largest: Array = (sizes * values).max(2)
        return largest[:, None]
    found: Array = np.empty((*values.shape[:2], sizes.shape[1]))
    step = max(1, _CACHED // sizes[0].size)
    for u in range(len(sizes)):
        for s in range(0, values.shape[1], step):
            found[u, s : s + step] = (sizes[u] * values[u, s : s + step][:, None]).max(2)
    return found


@dataclass
class Sums:
    """What is known, for every entry of a value, of the paths from it to the loss.

    Attributes:
        best: the largest magnitude of a product.
        total: the sum of the products.
        mass: the sum of their magnitudes.
        count: their number.
    """

    best: Array
    total: Array
    mass: Array
    count: Array

    @classmethod
    def zeros(cls, size: int) -> Sums:
        """No path at all."""
        return cls(np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size))

    def __iter__(self) -> Iterator[Array]:
        return iter((self.best, self.total, self.mass, self.count))

    def join(self, other: Sums) -> None:
        """Take further paths in."""
        np.maximum(self.best, other.best, out=self.best)
        self.total += other.total
        self.mass += other.mass
        self.count += other.count
