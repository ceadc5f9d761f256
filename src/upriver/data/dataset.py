"""Data sets: something with a length and samples by number; and their parts."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor, as_tensor, wrap
from ..errors import ArgumentError, DataError, DimError, ShapeError
from ..i18n import say
from .stream import Stream, child_seed, draw_seed

Sample_co = TypeVar("Sample_co", covariant=True)


class Dataset(Generic[Sample_co]):
    """Base of data sets: subclasses define ``__getitem__`` (a sample by its number) and ``__len__``.

    Example:
        >>> import upriver as ur
        >>> class Squares(ur.utils.data.Dataset):
        ...     def __len__(self):
        ...         return 5
        ...     def __getitem__(self, i):
        ...         return i * i
        >>> Squares()[3]
        9
    """

    def __getitem__(self, index: Any) -> Sample_co:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample_co]):
    """Base of data sets that can only be read from beginning to end: subclasses define ``__iter__``.

    Example:
        >>> import upriver as ur
        >>> class Lines(ur.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         return iter([1, 2, 3])
        >>> [batch.tolist() for batch in ur.utils.data.DataLoader(Lines(), batch_size=2)]
        [[1, 2], [3]]
    """

    def __iter__(self) -> Iterator[Sample_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Samples that are the rows of tensors: sample i is ``(tensors[0][i], tensors[1][i], ...)``.

    Args:
        tensors: tensors (or arrays, or lists), each of shape (N, ...), of one N.

    Raises:
        ShapeError: their lengths differ, one has no dimensions, or there is none at all.

    Example:
        >>> import upriver as ur
        >>> data = ur.utils.data.TensorDataset(ur.tensor([[1.0], [2.0]]), ur.tensor([0, 1]))
        >>> len(data), data[1]
        (2, (tensor([2.]), tensor(1)))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise ShapeError("TensorDataset: no tensors were given", "Pass at least one, as in TensorDataset(x, y).")
        self.tensors = tuple([as_tensor(t) for t in tensors])
        shapes = [list(t.shape) for t in self.tensors]
        if any(not shape for shape in shapes):
            raise ShapeError(
                f"TensorDataset: shapes {_listed(shapes)}: a tensor of no dimensions has no samples",
                "The first dimension counts the samples.",
            )
        if len({shape[0] for shape in shapes}) > 1:
            raise ShapeError(
                f"TensorDataset: the tensors have unequal lengths {_listed([s[0] for s in shapes])}, "
                f"of shapes {_listed(shapes)}",
                "The first dimension of each counts the samples, and must be the same.",
            )

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([t[index] for t in self.tensors])

    def batch(self, indices: Array) -> list[Tensor]:
        """The samples of ``indices``, stacked: one gather from each tensor, in place of one per sample."""
        return [t[indices] if t.wants_grad else wrap(np.take(t.array, indices, axis=0), None) for t in self.tensors]


class Subset(Dataset[Sample_co]):
    """The samples of ``dataset`` whose numbers are ``indices``, in that order.

    Args:
        dataset: any data set.
        indices: integers into it.

    Raises:
        DimError: an index is outside of the data set.

    Example:
        >>> import upriver as ur
        >>> part = ur.utils.data.Subset([10, 20, 30], [2, 0])
        >>> [part[i] for i in range(len(part))]
        [30, 10]
    """

    def __init__(self, dataset: Any, indices: Iterable[int]) -> None:
        self.dataset = dataset
        self.indices: Array = _index_array(indices)
        size = len(dataset)
        if self.indices.size and not -size <= self.indices.min() <= self.indices.max() < size:
            wrong = next(int(i) for i in self.indices if not -size <= i < size)
            raise DimError(f"Subset: index {wrong} is outside of a data set of {size} samples")

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Sample_co:
        chosen = self.indices[index]
        return self.dataset[int(chosen) if chosen.ndim == 0 else chosen]


class ConcatDataset(Dataset[Any]):
    """Several data sets one after another; also what ``a + b`` makes of two.

    Args:
        datasets: at least one data set.

    Raises:
        DataError: ``datasets`` is empty.

    Example:
        >>> import upriver as ur
        >>> both = ur.utils.data.ConcatDataset([[1, 2], [3]])
        >>> len(both), both[2], both[-1]
        (3, 3, 3)
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise DataError("ConcatDataset: no data sets were given", "Pass a list of at least one.")
        self.cumulative_sizes = list(accumulate([len(d) for d in self.datasets]))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> Any:
        i, size = int(index), len(self)
        if not -size <= i < size:
            raise DimError(f"ConcatDataset: index {i} is outside of {size} samples")
        i %= size
        which = bisect_right(self.cumulative_sizes, i)
        return self.datasets[which][i - (self.cumulative_sizes[which - 1] if which else 0)]


def batch_reader(dataset: Any) -> Callable[[Array], list[Tensor]] | None:
    """A function from an array of indices to the stacked batch, where a data set's kind allows it without a loop.

    A subclass with its own ``__getitem__`` (one that transforms samples, say) is read sample by sample.
    """
    kind: Any = type(dataset)
    if isinstance(dataset, TensorDataset) and kind.__getitem__ is TensorDataset.__getitem__:
        return dataset.batch
    if isinstance(dataset, Subset) and kind.__getitem__ is Subset.__getitem__:
        inner, chosen = batch_reader(dataset.dataset), dataset.indices  # pyright: ignore[reportUnknownMemberType]
        if inner is not None:
            return lambda indices: inner(chosen[indices])
    return None


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset[Any]]:
    """Parts of a data set, chosen at random, that do not overlap.

    Args:
        dataset: any data set.
        lengths: how many samples each part gets, adding up to all; or fractions, adding up to 1 (samples
            left over by rounding down go one by one to the first parts).
        generator: where the randomness comes from; the global generator by default.

    Returns:
        A :class:`Subset` for each length.

    Raises:
        ArgumentError: the lengths do not add up.

    Example:
        >>> import upriver as ur
        >>> train, rest = ur.utils.data.random_split(range(10), [0.8, 0.2], ur.Generator().manual_seed(0))
        >>> len(train), len(rest), sorted([*train, *rest]) == list(range(10))
        (8, 2, True)
    """
    size, counts = len(dataset), list(lengths)
    if math.isclose(sum(counts), 1.0) and all(0.0 <= n <= 1.0 for n in counts):
        counts = [math.floor(size * fraction) for fraction in counts]
        for i in range(size - int(sum(counts))):
            counts[i % len(counts)] += 1
    if sum(counts) != size or any(n < 0 or n != int(n) for n in counts):
        raise ArgumentError(
            f"random_split: the lengths {counts} add up to {sum(counts)}, the data set has {size} samples",
            "Give whole numbers that add up to that, or fractions that add up to 1.",
        )
    order = Stream(draw_seed(generator)).permutation(size)
    ends = list(accumulate(int(n) for n in counts))
    return [Subset(dataset, order[end - int(n) : end]) for n, end in zip(counts, ends, strict=True)]


def split(n: int, test: float = 0.2, seed: int = 0, stratify: Any = None) -> tuple[Array, Array]:
    """The numbers of the samples to train on, and of those to test on.

    The same arguments give the same split on every machine and version.

    Args:
        n: how many samples there are.
        test: the fraction to test on, in (0, 1); or their number, an integer.
        seed: which of the possible splits.
        stratify: labels (N,); if given, each class is split in the same proportion, as nearly as whole
            samples allow, and a class with a single sample is trained on.

    Returns:
        Two sorted int64 arrays that together hold 0 .. n - 1, neither of them empty.

    Raises:
        ArgumentError: ``test`` leaves one side empty.
        ShapeError: there is not one label for each sample.

    Example:
        >>> import upriver as ur
        >>> train, test = ur.data.split(10, test=0.2, seed=0, stratify=[0] * 5 + [1] * 5)
        >>> len(train), len(test), sum(i < 5 for i in test.tolist())
        (8, 2, 1)
    """
    if n < 2:
        raise DataError(f"split: {n} samples cannot be split into two parts", "At least two samples are needed.")
    count = int(test) if isinstance(test, (int, np.integer)) else round(n * float(test))
    if isinstance(test, float) and 0.0 < test < 1.0:
        count = min(max(count, 1), n - 1)
    if not 0 < count < n:
        raise ArgumentError(
            f"split: test={test} of {n} samples leaves one side empty", "Use a fraction between 0 and 1, such as 0.2."
        )
    order = Stream(child_seed(seed, n)).permutation(n)
    if stratify is None:
        return np.sort(order[count:]), np.sort(order[:count])
    labels = np.asarray(stratify.array if isinstance(stratify, Tensor) else stratify)
    if labels.shape != (n,):
        raise ShapeError(f"split: stratify has shape {list(labels.shape)}, expected one label for each of {n} samples")
    codes: Array = np.unique(labels, return_inverse=True)[1]
    shares = _shares(np.bincount(codes), count, n)
    in_test = np.zeros(n, dtype=bool)
    for c, share in enumerate(shares):
        in_test[order[codes[order] == c][:share]] = True
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)


def _shares(sizes: Array, count: int, n: int) -> Array:
    """How many of each class are among the ``count`` of ``n``: in proportion, by largest remainders."""
    shares = sizes * count // n
    by_remainder = np.argsort(-(sizes * count % n), kind="stable")
    left = count - int(shares.sum())
    # A class keeps its last sample for training as long as another can give one.
    for limit in (sizes - 1, sizes):
        while left > 0 and (shares < limit).any():
            for c in by_remainder:
                if left > 0 and shares[c] < limit[c]:
                    shares[c] += 1
                    left -= 1
    return shares


def _index_array(indices: Iterable[int]) -> Array:
    values = np.asarray(indices.array if isinstance(indices, Tensor) else list(indices))
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise ArgumentError(f"indices must be a list of integers, not {values.dtype} of shape {list(values.shape)}")
    return values.astype(np.int64)


def _listed(items: Sequence[Any]) -> str:
    *most, last = map(str, items)
    return say("{items} and {last}", items=most, last=last) if most else last
