"""A schedule run in NumPy by its accesses alone, entry by entry, that fails on anything a native run must not do.

What is looked at: reads and writes outside a value's memory, reads of what was never written, two iterations that
write one place, and a read of what the same kernel writes elsewhere or earlier.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from upriver.compile.kernels import Access, GemmKernel, LoopKernel, Ref, Statement
from upriver.compile.planning.lower import place_of
from upriver.compile.planning.plan import Schedule
from upriver.compile.primitives.evaluate import _UFUNCS, compute
from upriver.compile.primitives.indexing import size


class Memory:
    """Flat memory of each space, with what was written."""

    def __init__(self, schedule: Schedule, spaces: dict[str, list[np.ndarray]]) -> None:
        self.schedule = schedule
        self.bytes: dict[tuple[str, int], np.ndarray] = {("arena", 0): np.full(schedule.arena, 0xFF, np.uint8)}
        self.written = np.zeros(schedule.arena, bool)
        for space, arrays in spaces.items():
            for i, array in enumerate(arrays):
                self.bytes[space, i] = array.reshape(-1).view(np.uint8)

    def begin(self, time: int) -> None:
        """Forget what lies where a value is about to be."""
        for offset, life in self.schedule.lives.values():
            if life.first == time:
                self.written[offset : offset + life.size] = False
                self.bytes["arena", 0][offset : offset + life.size] = 0xFF

    def bounds(self, ref: Ref, time: int) -> tuple[int, int]:
        """Which bytes may be touched through an address at a time."""
        if ref.space != "arena":
            return 0, len(self.bytes[ref.space, ref.index])
        for offset, life in self.schedule.lives.values():
            if offset <= ref.offset < offset + life.size and life.first <= time <= life.last:
                return offset, offset + life.size
        raise AssertionError(f"{ref} is nobody's memory at {time}")

    def touch(self, ref: Ref, dtype: Any, index: np.ndarray, time: int, write: bool) -> tuple[np.ndarray, np.ndarray]:
        """The entries of a space in a dtype, and which of them are at ``index`` from an address."""
        whole = self.bytes[ref.space, ref.index]
        each = dtype.itemsize
        assert ref.offset % each == 0
        index = index + ref.offset // each
        if index.size:
            low, high = self.bounds(ref, time)
            inside = low <= index.min() * each and (index.max() + 1) * each <= high
            assert inside, (ref, index.min(), index.max())
        if ref.space == "arena":
            marks = self.written[: len(whole) // each * each].reshape(-1, each)
            if write:
                marks[index.reshape(-1)] = True
            else:
                assert marks[index.reshape(-1)].all(), f"{ref} is read before it is written, at step {time}"
        else:
            assert not write or ref.space == "cell", ref
        return whole[: len(whole) // each * each].view(dtype), index


def places(dims: tuple[int, ...], access: Access) -> np.ndarray:
    """The index of the entry of each iteration; of length 1 along dimensions in which it does not move."""
    index: Any = np.full((1,) * len(dims), access.offset)
    for d, (n, s) in enumerate(zip(dims, access.strides, strict=True)):
        if s:
            index = index + (np.arange(n) * s).reshape([-1 if e == d else 1 for e in range(len(dims))])
    return index


def run_body(
    memory: Memory,
    dims: tuple[int, ...],
    reduced: tuple[int, ...],
    body: tuple[Statement, ...],
    refs: tuple[Ref, ...],
    time: int,
    result: Any = None,
) -> None:
    values: list[Any] = []
    writes: list[tuple[Any, Any, np.ndarray]] = []
    for s in body:
        args = [values[i] for i in s.args]
        if s.kind == "load":
            assert s.access is not None
            ref = refs[s.access.slot]
            flat, index = memory.touch(ref, s.access.dtype, places(dims, s.access), time, write=False)
            for other, _, _ in writes:
                assert (ref.space, ref.index) != other or ref.space == "arena", "a cell is read after it was written"
            value = flat[index]
        elif s.kind == "store":
            assert s.access is not None
            ref = refs[s.access.slot]
            index = places(dims, s.access)
            assert len(np.unique(index)) == index.size, "two iterations write one place"
            value = np.broadcast_arrays(args[0], index)[0] if args[0].size < index.size else args[0]
            assert value.shape == index.shape, f"a value of {value.shape} is written to {index.shape}"
            flat, index = memory.touch(ref, s.access.dtype, index, time, write=True)
            assert value.dtype == s.access.dtype
            writes.append(((ref.space, ref.index), index, flat))
            for t in body:
                if t.kind == "load" and t.access is not None and refs[t.access.slot] == ref:
                    assert (t.access.strides, t.access.offset) == (s.access.strides, s.access.offset), "read elsewhere"
            flat[index] = value
        elif s.kind == "number":
            value = np.full((1,) * len(dims), s.value, s.dtype)
        elif s.kind == "index":
            value = np.arange(dims[s.dim]).reshape([-1 if e == s.dim else 1 for e in range(len(dims))])
        elif s.kind == "result":
            value = result
        elif s.kind == "reduce":
            full = tuple([dims[d] if d in reduced else n for d, n in enumerate(args[0].shape)])
            value = _UFUNCS[s.fn].reduce(np.broadcast_to(args[0], full), axis=reduced, keepdims=True)
        else:
            value = args[0].astype(s.dtype) if s.fn == "cast" else _UFUNCS[s.fn](*args)
        if s.kind != "store":
            assert value.dtype == s.dtype, (s, value.dtype)
        values.append(value)


def run(schedule: Schedule, **spaces: list[np.ndarray]) -> tuple[list[np.ndarray], list[bool]]:
    """The outputs and the checks; ``cell=`` arrays, flat, are changed in place."""
    draws = spaces.pop("draw", [])
    memory = Memory(schedule, {**spaces, "constant": [np.ascontiguousarray(c) for c in schedule.constants]})
    with np.errstate(all="ignore"):
        for time, (step, refs) in enumerate(zip(schedule.steps, schedule.refs, strict=True)):
            memory.begin(time)
            kernel = step.kernel
            if isinstance(kernel, LoopKernel):
                run_body(memory, kernel.dims, kernel.reduced, kernel.body, refs, time)
            elif isinstance(kernel, GemmKernel):
                total: Any = 0
                for a, b in zip(kernel.a, kernel.b, strict=True):
                    x, y = (
                        np.broadcast_to(
                            read(memory, refs, (*kernel.batch, *dims), access, time), (*kernel.batch, *dims)
                        )
                        for dims, access in (((kernel.m, kernel.k), a), ((kernel.k, kernel.n), b))
                    )
                    total = total + np.matmul(x, y)
                run_body(memory, (*kernel.batch, kernel.m, kernel.n), (), kernel.body, refs, time, total)
            else:
                root = step.root
                assert root is not None
                arrays = []
                for arg, prim in zip(step.args, root.args, strict=False):
                    if 0 in prim.shape:
                        arrays.append(np.zeros(prim.shape, prim.dtype))
                        continue
                    ref = refs[step.places.index((place_of(arg.base), arg.offset * prim.dtype.itemsize))]
                    access = Access(0, prim.dtype, arg.strides)
                    arrays.append(np.broadcast_to(read(memory, (ref,), prim.shape, access, time), prim.shape))
                out = draws[root.attrs["index"]] if root.kind == "draw" else compute(root, *arrays)
                if kernel is not None:
                    run_body(memory, root.shape, (), kernel.body, refs, time, out)
                    continue
                flat, index = memory.touch(refs[-1], root.dtype, np.arange(size(root.shape)), time, write=True)
                flat[index] = np.asarray(out).reshape(-1)
    end = len(schedule.steps)
    outputs = []
    for dtype, shape, ref in schedule.outputs:
        if 0 in shape:
            outputs.append(np.zeros(shape, dtype))
            continue
        base = next(o for o, life in schedule.lives.values() if o <= ref.offset < o + life.size and life.last == end)
        flat, index = memory.touch(
            Ref("arena", 0, base),
            dtype,
            np.arange(size(shape)) + (ref.offset - base) // dtype.itemsize,
            end,
            write=False,
        )
        outputs.append(flat[index].reshape(shape))
    checks = [bool(memory.bytes["arena", 0][ref.offset]) for ref in schedule.checks]
    return outputs, checks


def read(memory: Memory, refs: tuple[Ref, ...], dims: tuple[int, ...], access: Access, time: int) -> np.ndarray:
    """What an access reads."""
    flat, index = memory.touch(refs[access.slot], access.dtype, places(dims, access), time, write=False)
    return flat[index]
