"""The loader: a data set in batches, in an order that is decided by a seed and can be taken up in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from ..errors import ArgumentError, DataError
from ..i18n import say
from ..ops.random import Generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset, batch_reader
from .prefetch import ahead
from .samplers import BatchSampler, RandomSampler, Sampler, SequentialSampler, entries
from .stream import child_seed, draw_seed


class DataLoader:
    """The samples of ``dataset`` in batches; each ``for`` loop over it is one pass, an epoch.

    The order of a pass is decided by one number, drawn from the generator when the pass begins. So the position
    is small to store: :meth:`state_dict` in the middle of a pass, :meth:`load_state_dict` into a loader that was
    made alike, and the next loop goes on with the batch that would have come next.

    A :class:`TensorDataset` (or a :class:`Subset` of one) is read by one gather for each batch.

    Args:
        dataset: anything with ``__len__`` and ``__getitem__``; or an :class:`IterableDataset`, which has no order
            to choose, and where going on in the middle means to read and drop what comes before.
        batch_size: samples in a batch; None for single samples, not put together.
        shuffle: whether every pass has a new random order.
        sampler: the order, instead of ``shuffle``: a :class:`Sampler` or any iterable of sample numbers.
        batch_sampler: the batches, instead of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
        num_workers: 0 reads a batch when it is asked for; more reads ahead, in one background thread (arrays
            are shared with a thread, so there is nothing to gain from processes here).
        collate_fn: list of samples -> batch; :func:`default_collate` by default.
        drop_last: whether a last batch of fewer samples is left out.
        generator: where the randomness comes from; the global generator by default.
        seed: short for ``generator=Generator().manual_seed(seed)``.
        prefetch: read ahead or not, whatever ``num_workers`` says.
        prefetch_factor: how many batches to read ahead, 2 by default.
        transform: ``transform(batch, generator) -> batch``, applied to every batch: augmentation. The
            generator is the batch's own, so that what is drawn does not depend on when the batch is read.
        worker_init_fn: called with 0 in the background thread, before the first batch is read.
        pin_memory, timeout, persistent_workers: accepted for PyTorch's sake; they change nothing here.

    Raises:
        DataError: the data set is empty, or ``drop_last`` leaves no batch.
        ArgumentError: arguments that exclude each other, or are out of range.

    Example:
        >>> import upriver as ur
        >>> data = ur.utils.data.TensorDataset(ur.arange(5))
        >>> [x.tolist() for (x,) in ur.utils.data.DataLoader(data, batch_size=2)]
        [[0, 1], [2, 3], [4]]
        >>> loader = ur.utils.data.DataLoader(data, batch_size=2, shuffle=True, seed=0)
        >>> first, *rest = [x.tolist() for (x,) in loader]
        >>> again = ur.utils.data.DataLoader(data, batch_size=2, shuffle=True, seed=0)
        >>> _ = next(iter(again))
        >>> resumed = ur.utils.data.DataLoader(data, batch_size=2, shuffle=True, seed=0)
        >>> resumed.load_state_dict(again.state_dict())
        >>> [x.tolist() for (x,) in resumed] == rest
        True
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        *,
        generator: Generator | None = None,
        seed: int | None = None,
        prefetch: bool | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        transform: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        _check(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if num_workers < 0 or (prefetch_factor is not None and prefetch_factor < 1):
            raise ArgumentError(
                f"DataLoader: num_workers={num_workers} and prefetch_factor={prefetch_factor}",
                "The first must be 0 or more, the second 1 or more.",
            )
        if seed is not None:
            if generator is not None:
                raise ArgumentError("DataLoader: seed and generator exclude each other", "Give one of them.")
            generator = _seeded(seed)
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.num_workers, self.transform, self.worker_init_fn = num_workers, transform, worker_init_fn
        self.collate_fn = collate_fn or (default_convert if batch_size is None else default_collate)
        self.prefetch = num_workers > 0 if prefetch is None else prefetch
        self.prefetch_factor = prefetch_factor or 2
        self._streamed = isinstance(dataset, IterableDataset)
        if sampler is None and not self._streamed:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler: Any = sampler
        self.batch_sampler: Any = batch_sampler
        if sampler is not None and batch_sampler is None and batch_size is not None:
            self.batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if isinstance(batch_sampler, BatchSampler):
            self.sampler = batch_sampler.sampler
        own = getattr(self.sampler, "generator", None)
        self.generator: Any = own if own is not None else generator
        if drop_last and batch_sampler is None and not self._streamed and len(self) == 0:
            raise DataError(
                f"DataLoader: drop_last leaves no batch: {len(self.sampler)} samples make no batch of {batch_size}",
                "Use a smaller batch_size, or drop_last=False.",
            )
        self._epoch = 0
        self._position = 0
        self._seed: int | None = None  # of the pass that is under way
        self._resumed = False
        self._current: object = None  # which loop over this loader counts: the last one begun

    def __len__(self) -> int:
        """How many batches a pass has.

        Raises:
            TypeError: the data set is an iterable one that has no length.
        """
        if self._streamed:
            n, size = len(self.dataset), self.batch_size or 1
            return n // size if self.drop_last else -(-n // size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        if not self._resumed:
            if self._seed is not None:  # the pass before was left early
                self._epoch += 1
            self._position = 0
            self._seed = draw_seed(self.generator) if self._is_random() else 0
        self._resumed = False
        self._current = mark = object()
        return self._pass(mark, self._seed or 0, self._position)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: the pass, the batches handed out in it, what decides its order, the generator.

        Values are integers, None and lists of integers, fit for JSON. The global generator is not part of it.
        """
        return {
            "epoch": self._epoch,
            "position": self._position,
            "seed": self._seed,
            "samples": None if self._streamed else len(self.dataset),
            "batches": None if self._streamed else len(self),
            "generator": None if self.generator is None else np.asarray(self.generator.get_state()).tolist(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where ``state`` was taken: the next loop gives the batches that were still to come.

        Raises:
            DataError: the state is of a loader over other data or with other batches, or is no such state.
        """
        mine = self.state_dict()
        missing = [key for key in mine if key not in state]
        if missing:
            raise DataError(f"DataLoader.load_state_dict: the state lacks {', '.join(missing)}")
        if (state["samples"], state["batches"]) != (mine["samples"], mine["batches"]):
            raise DataError(
                f"DataLoader.load_state_dict: the state is of {state['samples']} samples in {state['batches']} "
                f"batches, this loader has {mine['samples']} in {mine['batches']}",
                "Resume with the same data and the same batch_size and drop_last.",
            )
        if state["generator"] is not None and self.generator is not None:
            self.generator.set_state(state["generator"])
        self._epoch, self._position, self._seed = int(state["epoch"]), int(state["position"]), state["seed"]
        self._resumed = self._seed is not None

    # One pass.

    def _is_random(self) -> bool:
        return self.transform is not None or (_has_order(self.sampler) and type(self.sampler) is not SequentialSampler)

    def _pass(self, mark: object, seed: int, start: int) -> Iterator[Any]:
        batches = self._batches(seed, start)
        if self.prefetch:
            batches = ahead(self._started(batches), self.prefetch_factor)
        for number, batch in enumerate(batches, start):
            if self._current is mark:
                self._position = number + 1
            yield batch
        if self._current is mark:
            self._epoch, self._position, self._seed = self._epoch + 1, 0, None

    def _started(self, batches: Iterator[Any]) -> Iterator[Any]:
        if self.worker_init_fn is not None:
            self.worker_init_fn(0)
        yield from batches

    def _batches(self, seed: int, start: int) -> Iterator[Any]:
        batches = self._streamed_batches(start) if self._streamed else self._indexed_batches(seed, start)
        if self.transform is None:
            return batches
        change = self.transform
        return (change(batch, _seeded(child_seed(seed, number))) for number, batch in enumerate(batches, start))

    def _streamed_batches(self, start: int) -> Iterator[Any]:
        size = self.batch_size
        samples = islice(iter(self.dataset), start * (size or 1), None)
        if size is None:
            yield from map(self.collate_fn, samples)
            return
        while group := list(islice(samples, size)):
            if len(group) == size or not self.drop_last:
                yield self.collate_fn(group)

    def _indexed_batches(self, seed: int, start: int) -> Iterator[Any]:
        whole = self.collate_fn is default_collate
        reader = batch_reader(self.dataset) if whole and self.batch_sampler is not None else None
        for number, indices in enumerate(self._groups(seed, start), start):
            if reader is not None:
                yield reader(np.asarray(indices, dtype=np.int64))
            elif self.batch_sampler is None:
                yield self.collate_fn(self._sample(indices, number))
            else:
                yield self.collate_fn([self._sample(i, number) for i in indices])

    def _groups(self, seed: int, start: int) -> Iterator[Any]:
        """The numbers of the samples of each batch from batch ``start`` on."""
        groups = self.batch_sampler
        if _has_order(self.sampler) and (groups is None or type(groups) is BatchSampler):
            order = self.sampler.order(seed)
            if groups is None:
                return entries(order, start)
            size = groups.batch_size
            return (order[k * size : (k + 1) * size] for k in range(start, len(groups)))
        return islice(iter(self.sampler if groups is None else groups), start, None)

    def _sample(self, index: Any, batch: int) -> Any:
        try:
            return self.dataset[index.item() if isinstance(index, np.integer) else index]
        except Exception as error:
            error.add_note(
                say("while reading sample {i} of the data set, for batch {batch}", i=str(index), batch=str(batch))
            )
            raise


def _has_order(sampler: Any) -> bool:
    kind = type(sampler)
    return isinstance(sampler, Sampler) and kind.__iter__ in (Sampler.__iter__, SequentialSampler.__iter__)


def _check(dataset: Any, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool) -> None:
    streamed = isinstance(dataset, IterableDataset)
    if streamed and (shuffle or sampler is not None or batch_sampler is not None):
        raise ArgumentError(
            "DataLoader: an IterableDataset decides its own order, without shuffle or a sampler",
            "Shuffle in its __iter__, or make it a Dataset with __len__ and __getitem__.",
        )
    if not streamed and not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise ArgumentError(
            f"DataLoader: a {type(dataset).__name__} is no data set", "It must define __len__ and __getitem__."
        )
    if batch_size is not None and (
        isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1
    ):
        raise ArgumentError(f"DataLoader: batch_size must be a whole number of at least 1, not {batch_size!r}")
    if not streamed and len(dataset) == 0:
        raise DataError(
            f"DataLoader: the data set is empty (a {type(dataset).__name__} of length 0)",
            "There must be at least one sample; check the path, the filter or the split that made it.",
        )
    if sampler is not None and shuffle:
        raise ArgumentError("DataLoader: sampler and shuffle exclude each other", "The sampler decides the order.")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ArgumentError(
            "DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last",
            "The batch sampler decides all of them.",
        )
    if batch_size is None and drop_last:
        raise ArgumentError("DataLoader: drop_last has no meaning without a batch_size")


def _seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)
