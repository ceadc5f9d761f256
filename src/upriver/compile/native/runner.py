"""A program that can be run: its code, its memory, and one native call for a step or for many."""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core import threads
from ...core.state import Array
from ..kernels import Call, Plan, Ref
from . import guard
from .door import door, usable
from .jit import Library
from .link import Memory, link
from .many import Given, nbytes
from .pool import aligned, pool
from .runtime import DONE, PROGRAM, RAISED, field, runtime

_STATUS, _MISSING = field("status"), field("missing")
_LONG = 20_000  # ns: a program that takes longer lets other Python threads run
_CODE = {
    "float16": "e6x", "float32": "f4x", "float64": "d", "int64": "q", "int32": "i4x", "bool": "?7x", "uint8": "B7x",
}  # fmt: skip


class CheckFailed(Exception):  # noqa: N818 (not an error: the program is not the right one for these values)
    """A condition that the program rests on does not hold; no cell was written in that step.

    Attributes:
        check: which, as the plan counts them; −1: a call of Python raised an error before they were asked.
        step: of many steps the one that was not run.
        outputs: of the steps before it, stacked.
    """

    def __init__(self, check: int, step: int = 0) -> None:
        super().__init__(f"check {check} does not hold in step {step}")
        self.check, self.step = check, step
        self.outputs: list[Array] = []


def _name(call: Call) -> str:
    return "a call of Python" if call.code is None else call.code.name


def view(address: int, dtype: Any, shape: Sequence[int], strides: Sequence[int] | None = None) -> Array:
    """An array on memory that somebody else keeps alive; ``strides`` in bytes, contiguous without them."""
    if 0 in shape:
        return np.empty(shape, dtype)
    if strides is None:
        size, low = nbytes(dtype, shape), 0
    else:
        spans = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
        low = sum(s for s in spans if s < 0)
        size = sum(s for s in spans if s > 0) - low + dtype.itemsize
    buffer = (ctypes.c_char * size).from_address(address + low)
    return np.ndarray(shape, dtype, memoryview(buffer), -low, strides)


class Executable:
    """A plan, linked: its code in memory, its arena, and what runs it.

    It may be called from several threads, one after the other; other programs run beside it.

    Args:
        plan: what to run.
        cells: the array of each cell. Kernels know its strides; it is read and written where it lies.
        constants: the array of each constant.
        symbols: addresses of functions that kernels call, besides those of the C library.
        stored: the object with the code of the plan, if it was made before.

    Attributes:
        library: the code.
        cells: the array of each cell, as it is bound now.
        bases: where each input lies in this run.
    """

    def __init__(
        self,
        plan: Plan,
        cells: Sequence[Array],
        constants: Sequence[Array],
        symbols: dict[str, int] | None = None,
        stored: bytes | None = None,
    ) -> None:
        self.plan = plan
        codes = [call.code for call in plan.calls if call.code is not None]
        self.library = Library(codes, symbols=symbols, stored=stored)
        self._lock = threading.Lock()
        self._runtime, self._pool = runtime(), pool()
        self._guarded = guard.on()
        self._constants = [np.require(x, requirements=("C", "A")) for x in constants]
        self.cells = list(cells)
        self._shapes = [(x.shape, x.strides, x.dtype) for x in cells]
        self._error: BaseException | None = None
        self._given: Sequence[float] | None = None  # the scalars that lie in their slots

        self._margin = guard.MARGIN if self._guarded else 0
        self._arena = aligned(plan.arena + 2 * self._margin)
        slots = max(threads.cores(), threads.get_num_threads())
        stride = -(-max([code.scratch for code in codes], default=0) // 64) * 64
        self._scratch = aligned(slots * stride, zero=False)
        self._scalars = np.zeros(len(plan.scalars) + 1, np.int64)
        self._draws = np.zeros(2 * plan.draws + 1, np.int64)
        self._to_scalars, self._to_draws = self._scalars.data, self._draws.data
        self.bases = np.zeros(len(plan.inputs) + 1, np.int64)
        self._stored = [aligned(nbytes(d, s) if r.space == "output" else 0) for d, s, r in plan.outputs]

        def of(arrays: Sequence[Array]) -> Array:
            return np.array([x.ctypes.data for x in arrays], np.int64)

        self._memory = Memory(
            {
                "arena": np.array([self._arena.ctypes.data + self._margin]),
                "cell": of(self.cells),
                "constant": of(self._constants),
                "scalar": self._scalars.ctypes.data + 8 * np.arange(len(plan.scalars)),
                "draw": self._draws.ctypes.data + 16 * np.arange(plan.draws),
                "output": of(self._stored),
            }
        )
        self._tables = tables = link(plan, self.library, self._memory)
        work, shared = tables.work
        self._hosts = [
            [None if r.space == "input" else self._view(r, v) for r, v in zip(call.args, call.views, strict=True)]
            if call.code is None
            else None
            for call in plan.calls
        ]
        self._views = [None if r.space == "input" else self._view(r, (d, s, None)) for d, s, r in plan.outputs]
        self._plain = all(v is not None for v in self._views)
        self._pack_scalars = struct.Struct("<" + "".join(_CODE[d.name] for d in plan.scalars))
        self._pack_draws = struct.Struct("<" + "QQ" * plan.draws)

        self._callback = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(self._call_host)
        self._specs = np.array([w for d, s in plan.inputs for w in (id(d), len(s), *s)] or [0], np.int64)
        self._words = words = np.zeros(len(PROGRAM), np.int64)
        values = {
            "calls": tables.entries.ctypes.data,
            "n_calls": len(tables.entries),
            "patches": tables.patches.ctypes.data,
            "n_patches": len(tables.patches),
            "bases": self.bases.ctypes.data,
            "specs": self._specs.ctypes.data,
            "n_inputs": len(plan.inputs),
            "checks": tables.addresses.ctypes.data + 8 * tables.checks,
            "n_checks": len(plan.checks),
            "pool": self._pool.address,
            "scratch": self._scratch.ctypes.data,
            "stride": stride,
            "slots": slots,
            "estimate": shared,
            "release": int(work > _LONG),
            "callback": ctypes.cast(self._callback, ctypes.c_void_p).value,
            "array_type": id(np.ndarray),
            "none": id(None),
            "true": id(True),
            "false": id(False),
        }
        for name, value in values.items():
            words[field(name)] = value
        self._address: int = words.ctypes.data
        self._enter = door(words) if usable() and not self._guarded else self._enter_slowly

    def _view(self, ref: Ref, about: tuple[Any, ...]) -> Array:
        return view(self._memory.address(ref), *about)

    # Running.

    def run(
        self, inputs: Sequence[Array], scalars: Sequence[float] | None = None, draws: Sequence[Any] | None = None
    ) -> list[Array]:
        """One step.

        Args:
            inputs: arrays of the plan's shapes and dtypes.
            scalars: the value of each scalar. The very object of the last call is taken to hold the same values still.
            draws: seed and counter of each random draw.

        Returns:
            The outputs, as arrays of their own.

        Raises:
            CheckFailed: a check does not hold.
            ValueError: an input has another shape or dtype than the plan's.
        """
        with self._lock:
            if scalars is not None and scalars is not self._given:
                self._pack_scalars.pack_into(self._to_scalars, 0, *scalars)
                self._given = scalars
            if draws:
                self._pack_draws.pack_into(self._to_draws, 0, *[x for draw in draws for x in draw])
            result = self._enter(*inputs)
            if result is not None:
                if result is False:
                    inputs = self._accepted(inputs)
                    result = self._enter(*inputs)
                if result is not None:
                    self._trouble(int(self._words[_STATUS]))
            if self._plain:
                return [x.copy() for x in self._views]  # type: ignore[union-attr]
            return self._outputs(inputs)

    def _outputs(self, inputs: Sequence[Array]) -> list[Array]:
        found = []
        for (dtype, shape, ref), x in zip(self.plan.outputs, self._views, strict=True):
            if x is None:
                x = view(int(self.bases[ref.index]) + ref.offset, dtype, shape)
            found.append(x.copy())
        return found

    def _accepted(self, inputs: Sequence[Array]) -> list[Array]:
        """The inputs as they have to lie in memory."""
        if len(inputs) != len(self.plan.inputs):
            raise ValueError(f"the program takes {len(self.plan.inputs)} arrays, not {len(inputs)}")
        found = []
        for i, (x, (dtype, shape)) in enumerate(zip(inputs, self.plan.inputs, strict=True)):
            if x.shape != tuple(shape) or x.dtype != dtype:
                raise ValueError(f"input {i} is {x.dtype} {list(x.shape)}; the program takes {dtype} {list(shape)}")
            found.append(np.require(np.asarray(x), requirements=("C", "A")).view(dtype))
        return found

    def _enter_slowly(self, *inputs: Array) -> bool | None:
        """What the native door does, in Python."""
        given = self._accepted(inputs)
        if self._guarded:
            status = guard.run(self, given, self._fence_arena, self._run_guarded)
        else:
            self.bases[: len(given)] = [x.ctypes.data for x in given]
            status = self._runtime.run(self._address)
        self._words[_STATUS] = status
        return None if status == DONE and not self._pool.words[_MISSING] else True

    def _trouble(self, status: int, step: int = 0) -> None:
        """What is to be done after a run that did not simply end."""
        if self._pool.words[_MISSING]:
            self._pool.start()
        if status == DONE:
            return
        if status == RAISED:
            error, self._error = self._error, None
            assert error is not None
            if isinstance(error, CheckFailed):
                error.step = step
            raise error
        raise CheckFailed(int(self._words[field("failed")]), step)

    def _call_host(self, entry: int) -> int:
        try:
            number = self._tables.numbers[entry]
            call, arrays = self.plan.calls[number], self._hosts[number]
            assert arrays is not None
            for i, x in enumerate(arrays):
                if x is None:
                    if arrays is self._hosts[number]:
                        arrays = list(arrays)
                    ref = call.args[i]
                    arrays[i] = view(int(self.bases[ref.index]) + ref.offset, *call.views[i])
            call.host(arrays)
        except BaseException as error:
            self._error = error
            if isinstance(error, Exception) and -1 in self._tables.numbers[entry:]:
                # Of values that a check would have refused, perhaps; it was not asked yet, and nothing is written.
                self._error = CheckFailed(-1)
            return 1
        return 0

    # Cells.

    def rebind(self, cells: Sequence[Array]) -> None:
        """Let cells lie elsewhere: the arrays of all cells, of which some are others than before.

        Raises:
            ValueError: a new one has another shape, dtype or strides: the plan is not for it.
        """
        changed = [i for i, (old, new) in enumerate(zip(self.cells, cells, strict=True)) if old is not new]
        if not changed:
            return
        for i in changed:
            x = cells[i]
            if (x.shape, x.strides, x.dtype) != self._shapes[i]:
                raise ValueError(f"cell {i} was {self._shapes[i]} and is {(x.shape, x.strides, x.dtype)}")
        with self._lock:
            self.place(cells)

    def place(self, cells: Sequence[Array]) -> None:
        """As :meth:`rebind`, for one that has the lock and knows that the arrays fit."""
        moved = {i for i, (old, new) in enumerate(zip(self.cells, cells, strict=True)) if old is not new}
        for i in moved:
            self.cells[i] = x = cells[i]
            self._memory.bases["cell"][i] = at = x.ctypes.data
            if i in self._tables.cells:
                slots, offsets = self._tables.cells[i]
                self._tables.addresses[slots] = at + offsets
        for number, arrays in enumerate(self._hosts):
            for slot, ref in enumerate(self.plan.calls[number].args if arrays is not None else ()):
                if ref.space == "cell" and ref.index in moved:
                    arrays[slot] = self._view(ref, self.plan.calls[number].views[slot])  # type: ignore[index]
        for i, (dtype, shape, ref) in enumerate(self.plan.outputs):
            if ref.space == "cell" and ref.index in moved:
                self._views[i] = self._view(ref, (dtype, shape, None))

    # Many steps.

    def run_many(
        self,
        inputs: Sequence[Array],
        steps: int,
        scalars: Any = None,
        draws: Any = None,
        rows: Array | None = None,
        outputs: Sequence[int] | None = None,
    ) -> list[Array]:
        """Many steps in one native call.

        Args:
            inputs: for each input an array with one more dimension in front, a step for each entry; or, with
                ``rows``, a data set from which each step takes rows.
            steps: how many.
            scalars: (steps, scalars).
            draws: (steps, draws, 2): seeds and counters.
            rows: (steps, batch), integers within the data sets.
            outputs: which of the outputs to keep; all if None.

        Returns:
            The outputs, stacked over the steps.

        Raises:
            CheckFailed: a check does not hold in step ``.step``; those before it were run, and their outputs are
                in the exception's ``outputs``.
            ValueError: shapes or dtypes that do not fit, or an index outside the data.
        """
        given = Given(self.plan, inputs, steps, scalars, draws, rows)
        kept = range(len(self.plan.outputs)) if outputs is None else outputs
        where = self._tables.addresses.ctypes.data + 8 * self._tables.outputs
        words, results, _alive = given.words((self._scalars, self._draws), kept, where)
        with self._lock:
            shared = self._pool.words
            if self._words[field("estimate")] and shared[field("workers")] < shared[field("wanted")]:
                self._pool.start()
            self._given = None
            status = self._runtime.run_many(self._address, words.ctypes.data)
            if status != DONE:
                done = int(words[field("step")])
                try:
                    self._trouble(status, done)
                except CheckFailed as failed:
                    failed.outputs = [x[:done] for x in results]
                    raise
        return results

    # Looking on.

    def profile(
        self,
        inputs: Sequence[Array],
        scalars: Sequence[float] | None = None,
        draws: Sequence[Any] | None = None,
        repeat: int = 10,
    ) -> list[float]:
        """Seconds that each call takes, the least of ``repeat`` runs; cells are as before afterwards."""
        before = [x.copy() for x in self.cells]
        times = np.zeros(len(self._tables.entries) + 1, np.int64)
        least = np.full(len(times), np.iinfo(np.int64).max)
        self._words[field("times")] = times.ctypes.data
        try:
            for _ in range(repeat + 1):
                self.run(inputs, scalars, draws)
                np.minimum(least, times, out=least)
        finally:
            self._words[field("times")] = 0
            for x, old in zip(self.cells, before, strict=True):
                x[...] = old
        found = [0.0] * len(self.plan.calls)
        for entry, number in enumerate(self._tables.numbers):
            if number >= 0:
                found[number] = float(least[entry]) * 1e-9
        return found

    # Guard mode.

    def _fence_arena(self, zones: guard.Zones) -> None:
        margin, end = self._margin, self._margin + self.plan.arena
        zones.add("before the arena", self._arena[:margin])
        zones.add("after the arena", self._arena[end:])
        for at, n in self.plan.guards:
            zones.add(f"between buffers at {at} of the arena", self._arena[margin + at : margin + at + n])

    def _run_guarded(self, zones: guard.Zones) -> int:
        """One chain after the other, looking after each whether something was written that must not be."""
        first, last = field("first"), field("n_calls")
        ends = [*self._tables.heads[1:], len(self._tables.entries)]
        try:
            for begin, end, chain in zip(self._tables.heads, ends, self._tables.chains, strict=True):
                self._words[first], self._words[last] = begin, end
                status = int(self._runtime.run(self._address))
                if status != DONE:
                    return status
                zones.check(", ".join([_name(self.plan.calls[n]) for n in chain.calls]))
        finally:
            self._words[first], self._words[last] = 0, len(self._tables.entries)
        return DONE
