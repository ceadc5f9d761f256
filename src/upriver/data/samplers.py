"""Samplers: in which order the samples of a data set are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import ArgumentError, DataError
from .stream import Stream, child_seed, draw_seed

_BLOCK = 65536


class Order(Protocol):
    """The numbers of a pass: something with a length whose slices are int64 arrays, an array for example."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Array: ...


class Blocks:
    """An order that is made block by block, as it is read: a pass may be of any length (10**10 is popular).

    Args:
        block: the number of a block -> its entries.
        size: how many entries a block has.
        total: how many entries the order has.
    """

    def __init__(self, block: Callable[[int], Array], size: int, total: int) -> None:
        self._block, self._size, self._total = block, size, total
        self._last: tuple[int, Array] = -1, np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return self._total

    def __getitem__(self, part: slice) -> Array:
        start, stop, _ = part.indices(self._total)
        parts: list[Array] = []
        while start < stop:
            number, offset = divmod(start, self._size)
            if self._last[0] != number:
                self._last = number, self._block(number)
            parts.append(self._last[1][offset : offset + stop - start])
            start += len(parts[-1])
        return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, dtype=np.int64), *parts])


class Sampler:
    """Base of samplers: iterating gives the numbers of samples.

    A sampler whose order can be had from a seed defines ``order(seed)``; iterating then draws a seed from its
    generator. That is how a loader can go on in the middle of a pass: it keeps the seed.
    """

    generator: Any = None

    def __iter__(self) -> Iterator[Any]:
        return entries(self.order(draw_seed(self.generator)))

    def order(self, seed: int) -> Order:
        """The numbers of a whole pass, int64, decided by ``seed`` alone."""
        raise NotImplementedError(f"{type(self).__name__} must define __iter__, or order")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")


def entries(order: Order, start: int = 0) -> Iterator[int]:
    """The entries of an order from ``start`` on, one by one."""
    for first in range(start, len(order), _BLOCK):
        yield from order[first : first + _BLOCK].tolist()


class SequentialSampler(Sampler):
    """The samples from first to last.

    Example:
        >>> import upriver as ur
        >>> list(ur.utils.data.SequentialSampler(["a", "b"]))
        [0, 1]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def order(self, seed: int) -> Array:
        """0 .. n - 1, whatever the seed."""
        return np.arange(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The samples in random order.

    Args:
        data_source: the data set.
        replacement: whether a sample may come again before all have come.
        num_samples: how many a pass has; all of them by default.
        generator: where the randomness comes from; the global generator by default.

    Raises:
        DataError: the data set is empty.

    Example:
        >>> import upriver as ur
        >>> sorted(ur.utils.data.RandomSampler(range(4)))
        [0, 1, 2, 3]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self.num_samples = len(data_source) if num_samples is None else num_samples
        if len(data_source) == 0:
            raise DataError("RandomSampler: the data set is empty", "There must be at least one sample to draw.")
        if self.num_samples < 1:
            raise ArgumentError(f"RandomSampler: num_samples must be at least 1, not {self.num_samples}")

    def order(self, seed: int) -> Order:
        """The numbers of a whole pass."""
        n = len(self.data_source)
        if self.replacement:
            size = min(_BLOCK, self.num_samples)
            return Blocks(lambda k: Stream(child_seed(seed, k)).integers(n, size), size, self.num_samples)
        return Blocks(lambda k: Stream(child_seed(seed, k)).permutation(n), n, self.num_samples)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The samples of the given numbers, in random order.

    Args:
        indices: numbers of samples.
        generator: where the randomness comes from; the global generator by default.

    Example:
        >>> import upriver as ur
        >>> sorted(ur.utils.data.SubsetRandomSampler([7, 3, 5]))
        [3, 5, 7]
    """

    def __init__(self, indices: Iterable[int], generator: Any = None) -> None:
        self.indices = [int(i) for i in indices]
        self.generator = generator

    def order(self, seed: int) -> Array:
        """The numbers of a whole pass."""
        return np.asarray(self.indices, dtype=np.int64)[Stream(seed).permutation(len(self.indices))]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Numbers 0 .. len(weights) - 1, drawn with probability proportional to their weight.

    Args:
        weights: (N,) finite and not negative, of a sum above 0: one for each sample, for example
            1 / (size of its class), to draw all classes equally often.
        num_samples: how many a pass has.
        replacement: whether a sample may come more than once.
        generator: where the randomness comes from; the global generator by default.

    Raises:
        ArgumentError: weights that are no weights; or, without replacement, fewer samples of a weight above 0
            than ``num_samples``.

    Source:
        Without replacement: Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006), section 3.

    Example:
        >>> import upriver as ur
        >>> list(ur.utils.data.WeightedRandomSampler([0.0, 1.0], 3))
        [1, 1, 1]
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None) -> None:
        w = np.asarray(weights.array if isinstance(weights, Tensor) else weights, dtype=np.float64)
        if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
            raise ArgumentError(
                "WeightedRandomSampler: weights must be a list of finite numbers, none negative, not all 0"
            )
        if not replacement and num_samples > np.count_nonzero(w):
            raise ArgumentError(
                f"WeightedRandomSampler: {num_samples} samples without replacement, "
                f"but {np.count_nonzero(w)} have a weight above 0"
            )
        if num_samples < 1:
            raise ArgumentError(f"WeightedRandomSampler: num_samples must be at least 1, not {num_samples}")
        self.weights, self.num_samples, self.replacement, self.generator = w, num_samples, replacement, generator

    def order(self, seed: int) -> Order:
        """The numbers of a whole pass."""
        w = self.weights
        if self.replacement:
            edges, last = np.cumsum(w) / w.sum(), int(np.flatnonzero(w)[-1])

            def block(k: int) -> Array:
                drawn = Stream(child_seed(seed, k)).uniform(_BLOCK)
                return np.minimum(np.searchsorted(edges, drawn, side="right"), last)

            return Blocks(block, _BLOCK, self.num_samples)
        stream = Stream(seed)
        with np.errstate(divide="ignore", invalid="ignore"):
            arrivals = -np.log1p(-stream.uniform(len(w))) / w
        arrivals[w == 0] = np.inf
        return np.argsort(arrivals, kind="stable")[: self.num_samples]

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Groups of ``batch_size`` consecutive numbers of another sampler.

    Args:
        sampler: any sampler, or list of numbers.
        batch_size: how many numbers a group has.
        drop_last: whether a last group of fewer is left out.

    Example:
        >>> import upriver as ur
        >>> list(ur.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sequence[int] | Sampler | Any, batch_size: int, drop_last: bool) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ArgumentError(f"batch_size must be a whole number of at least 1, not {batch_size!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, int(batch_size), bool(drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        group: list[int] = []
        for i in self.sampler:
            group.append(int(i))
            if len(group) == self.batch_size:
                yield group
                group = []
        if group and not self.drop_last:
            yield group

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
