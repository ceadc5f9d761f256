"""Samplers: in which order the samples of a data set are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import ArgumentError, DataError
from .stream import Stream, draw_seed


class Sampler:
    """Base of samplers: iterating gives the numbers of samples.

    A sampler whose order can be had from a seed defines ``order(seed)``; iterating then draws a seed from its
    generator. That is how a loader can go on in the middle of a pass: it keeps the seed.
    """

    generator: Any = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self.order(draw_seed(self.generator)).tolist())

    def order(self, seed: int) -> Array:
        """The numbers of a whole pass, int64, decided by ``seed`` alone."""
        raise NotImplementedError(f"{type(self).__name__} must define __iter__, or order")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")


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

    def order(self, seed: int) -> Array:
        """The numbers of a whole pass."""
        n, stream = len(self.data_source), Stream(seed)
        if self.replacement:
            return stream.integers(n, self.num_samples)
        passes = -(-self.num_samples // n)
        return np.concatenate([stream.permutation(n) for _ in range(passes)])[: self.num_samples]

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

    def order(self, seed: int) -> Array:
        """The numbers of a whole pass."""
        stream, w = Stream(seed), self.weights
        if self.replacement:
            edges = np.cumsum(w) / w.sum()
            drawn = np.searchsorted(edges, stream.uniform(self.num_samples), side="right")
            return np.minimum(drawn, int(np.flatnonzero(w)[-1]))
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
