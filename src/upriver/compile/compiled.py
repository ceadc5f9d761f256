"""What :func:`upriver.compile` returns: a function that is recorded at its first call and run as a program after."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from ..core import state
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError
from ..i18n.errors import told
from . import available
from .entry import Entry, Outdated
from .recording.record import record
from .signature import Structure, flatten
from .surroundings import Surroundings

_VARIANTS = 8  # programs kept for one signature: training and evaluation, labels with and without some to ignore
MANY = 8
"""After so many programs for one function a message says what keeps changing."""


class Compiled:
    """A function that is compiled: what :func:`upriver.compile` returns, to be called in the function's place.

    The first call with arguments of given shapes, dtypes and structure runs the function and records every operation
    of it; later ones run the program that was made of them. What the function reads besides its arguments (parameters,
    buffers, the optimiser's numbers, captured tensors) is found by itself, read at each call and changed in place.

    Attributes:
        function: what is compiled.
        recordings: how often it was recorded.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        grads: bool | None = None,
        native: bool = True,
        without: Sequence[str] = (),
        limit: int = 32,
    ) -> None:
        if without:
            from .rewrite import NAMES

            if wrong := sorted(set(without) - set(NAMES)):
                raise ArgumentError(
                    f"compile: no rewrite is named {', '.join(wrong)}", f"There are {', '.join(NAMES)}."
                )
        self.function = function
        self.recordings = 0
        self._grads, self._native, self._without, self._limit = grads, native, tuple(without), limit
        self._entries: dict[Any, list[Entry]] = {}
        self._last: Entry | None = None
        self._around = Surroundings(function)
        update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        last = self._last
        if last is not None and not kwargs and len(args) == len(last.plain):
            # The usual case, kept short: tensors alone, shaped as in the last call, and nothing changed since.
            arrays = []
            for x, (shape, dtype) in zip(args, last.plain, strict=True):
                if type(x) is not Tensor or x.wants_grad:
                    break
                array = x.array
                if array.shape != shape or array.dtype is not dtype:
                    break
                arrays.append(array)
            else:
                if (
                    last.structure == state.structure
                    and last.mode == state.recording.get()
                    and self._around.same(last.around)
                ):
                    try:
                        return last.run(arrays)
                    except Outdated:
                        pass
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if state.recording.get() & state.RECORD:
            return self.function(*args, **kwargs)  # inside another compiled function: part of its program
        tensors, structure = flatten((args, kwargs))
        arrays = [x.array for x in tensors]
        for entry in self._fitting(tensors, structure):
            try:
                result = entry.run(arrays)
            except Outdated:
                continue
            self._last = entry
            return result
        return self._record(tensors, structure)

    def _key(self, tensors: Sequence[Tensor], structure: Structure) -> Any:
        facts = tuple([(x.array.shape, x.array.dtype, x.wants_grad) for x in tensors])
        first: dict[int, int] = {}  # which arguments are one and the same array
        same = tuple([first.setdefault(id(x.array), i) for i, x in enumerate(tensors)])
        return structure, facts, same, state.recording.get()

    def _fitting(self, tensors: Sequence[Tensor], structure: Structure) -> Iterator[Entry]:
        """The programs that may be right for these arguments, the last one that was first."""
        entries = self._entries.get(self._key(tensors, structure), ())
        for entry in sorted(entries, key=lambda entry: entry is not self._last):
            entry.adopt(tensors)
            if entry.valid() and self._around.same(entry.around):
                yield entry

    def _record(self, tensors: Sequence[Tensor], structure: Structure) -> Any:
        """Run the function, record it, and make a program of it."""
        key = self._key(tensors, structure)
        # An argument that the function holds, too, is two things: the next call has another one.
        apart = {id(x): x if x.wants_grad else wrap(x.array[...], None) for x in tensors}
        tensors = [apart[id(x)] for x in tensors]

        def call() -> Any:
            args, kwargs = structure.build(tensors)
            return self.function(*args, **kwargs)

        leaves = [g.leaf for entries in self._entries.values() for entry in entries for g in entry.recording.gradients]
        recording = record(call, tensors, leaves, keep=self._native and available())
        around = self._around.now()
        entry = Entry(key, recording, tensors, around, grads=self._grads, native=self._native, without=self._without)
        self.recordings += 1
        known = self._entries.setdefault(key, [])
        known.append(entry)
        del known[:-_VARIANTS]
        self._last = entry
        self._count()
        return entry.first([x.array for x in tensors])

    def _count(self) -> None:
        total = sum(map(len, self._entries.values()))
        if total == MANY:
            warnings.warn(
                told(
                    f"{self!r} has been recorded {total} times, for {_difference(list(self._entries))}. Each program "
                    "takes memory and a fraction of a second to make: pad the data to a few shapes, or pass what "
                    "varies as a tensor."
                ),
                stacklevel=5,
            )
        while total > self._limit:
            oldest = next(iter(self._entries))
            total -= len(self._entries.pop(oldest))

    # Many steps in one call.

    def over(self, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        """Run one call after another in a single native loop, and return what they return, stacked.

        Args:
            args: as for a call, but each tensor with one more dimension in front: a step for each of its entries.
                With ``indices``, whole data sets instead, from which each step takes rows.
            indices: (steps, batch), integers: which rows of the data sets each step takes.
            kwargs: as ``args``.

        Returns:
            What a call returns, each tensor with one more dimension in front.

        Raises:
            ArgumentError: the tensors do not agree in the number of steps, or an index is outside the data.

        Example:
            >>> import upriver as ur
            >>> w = ur.nn.Parameter(ur.tensor(0.0))
            >>> sgd = ur.optim.SGD([w], lr=0.5)
            >>> @ur.compile
            ... def step(x):
            ...     sgd.zero_grad()
            ...     loss = (w - x) ** 2 / 2
            ...     loss.backward()
            ...     sgd.step()
            ...     return loss
            >>> step.over(ur.tensor([1.0, 1.0, 1.0])).tolist()
            [0.5, 0.125, 0.03125]
        """
        tensors, structure = flatten((args, kwargs))
        return _joined([result for result, _ in self._stretches(tensors, structure, indices)])

    def stretches(self, *args: Any, schedule: Any = None) -> Iterator[tuple[Any, int]]:
        """As :meth:`over`, giving what was done as soon as it is: a program ends early where it is not the right one.

        Args:
            args: as for :meth:`over`.
            schedule: a learning-rate schedule to advance after each step, or None.

        Returns:
            For each stretch what its calls returned, stacked; and how many calls they were.
        """
        tensors, structure = flatten((args, {}))
        yield from self._stretches(tensors, structure, None, schedule)

    def _stretches(
        self, tensors: Sequence[Tensor], structure: Structure, indices: Any, schedule: Any = None
    ) -> Iterator[tuple[Any, int]]:
        """The results of loops and of single calls, stacked; with the number of their steps."""
        rows = None if indices is None else _rows(indices, tensors)
        steps = len(rows) if rows is not None else _steps(tensors)
        first = 0
        while first < steps:
            batch = [_part(x, rows, first) for x in tensors]
            for entry in self._fitting(batch, structure):
                try:
                    result, count = entry.run_many(tensors, rows, first, steps, schedule)
                except Outdated:
                    continue
                self._last = entry
                first += count
                yield result, count
                break
            else:
                result = self._record(batch, structure)
                if schedule is not None:
                    schedule.step()
                first += 1
                found, made = flatten(result)
                yield made.build([wrap(x.array[None].copy(), None) for x in found]), 1

    # Looking in.

    @property
    def entry(self) -> Entry:
        """The program that ran last.

        Raises:
            ArgumentError: the function has not been called yet.
        """
        if self._last is None:
            raise ArgumentError("compile: there is no program yet", "Call the function once, then ask again.")
        return self._last

    def report(self) -> str:
        """What was made of the function, in words: kernels, memory, and what runs by replay and why."""
        return self.entry.report(getattr(self.function, "__qualname__", type(self.function).__name__))

    def program(self) -> str:
        """The recorded operations, one a line."""
        return self.entry.text()

    def profile(self, *args: Any, repeat: int = 20) -> Any:
        """Run the program on ``args`` ``repeat`` times and measure each kernel; tensors are as before afterwards.

        Returns:
            A :class:`~upriver.compile.report.Profile`: print it.
        """
        tensors, _ = flatten((args, {}))
        return self.entry.profile([x.array for x in tensors], repeat)

    def __getattr__(self, name: str) -> Any:
        if name == "function":
            raise AttributeError(name)
        return getattr(self.function, name)  # a compiled model has the model's parameters, modes and parts

    def __repr__(self) -> str:
        return f"<compiled {getattr(self.function, '__qualname__', type(self.function).__name__)}>"


def _difference(keys: list[Any]) -> str:
    """What the signatures of programs differ in, in words."""
    structures = {key[0] for key in keys}
    shapes = {tuple([fact[0] for fact in key[1]]) for key in keys}
    a, b = len(shapes), len(structures)
    if a > 1 and b > 1:
        return f"{a} combinations of shapes and {b} values of arguments that are not tensors"
    if a > 1:
        return f"{a} combinations of shapes"
    return (
        f"{b} values of arguments that are not tensors" if b > 1 else "models or options that were changed in between"
    )


def _steps(tensors: Sequence[Tensor]) -> int:
    lengths = {x.shape[0] if x.ndim else -1 for x in tensors}
    if len(lengths) != 1 or -1 in lengths:
        raise ArgumentError(
            f"over: tensors of shapes {', '.join(str(list(x.shape)) for x in tensors) or 'none'} do not agree in the "
            "number of steps",
            "Stack the batches: the first dimension of each tensor counts the steps.",
        )
    return int(lengths.pop())


def _rows(indices: Any, tensors: Sequence[Tensor]) -> Any:
    rows = np.ascontiguousarray(getattr(indices, "array", indices), np.int64)
    if rows.ndim != 2:
        raise ArgumentError(f"over: indices of shape {list(rows.shape)}", "Give (steps, batch).")
    fewest = min([x.shape[0] if x.ndim else 0 for x in tensors], default=0)
    if rows.size and (rows.min() < 0 or rows.max() >= fewest):
        raise ArgumentError(
            f"over: indices from {rows.min()} to {rows.max()} into data of {fewest} rows", "Rows count from 0."
        )
    return rows


def _part(x: Tensor, rows: Any, step: int) -> Tensor:
    return wrap(np.asarray(x.array[step] if rows is None else x.array[rows[step]]), None)


def _joined(done: list[Any]) -> Any:
    """Stacked results, put one behind the other."""
    if len(done) < 2:
        return done[0] if done else None
    parts, structures = zip(*[flatten(result) for result in done], strict=True)
    together = [wrap(np.concatenate([x.array for x in each]), None) for each in zip(*parts, strict=True)]
    return structures[-1].build(together)
