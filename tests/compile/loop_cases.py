"""Loop kernels by hand and at random, and what they are to compute: a plain interpreter."""

import numpy as np

from upriver.compile.kernels import Access, LoopKernel, Statement
from upriver.compile.primitives.evaluate import _UFUNCS
from upriver.core.dtypes import bool_, float32, int64


class Body:
    """Statements, written one after the other; every method answers the index of its value."""

    def __init__(self, dims, reduced=()):
        self.dims, self.reduced, self.statements = tuple(dims), tuple(reduced), []

    def _add(self, *args, **kwargs):
        self.statements.append(Statement(*args, **kwargs))
        return len(self.statements) - 1

    def load(self, slot, dtype=float32, strides=None, offset=0):
        strides = contiguous(self.dims) if strides is None else strides
        return self._add("load", dtype, access=Access(slot, dtype, tuple(strides), offset))

    def store(self, value, slot, strides=None, offset=0):
        dtype = self.statements[value].dtype
        strides = contiguous(self.dims) if strides is None else strides
        return self._add("store", dtype, (value,), access=Access(slot, dtype, tuple(strides), offset))

    def map(self, fn, *args, dtype=None):
        if dtype is None:
            dtype = bool_ if fn in ("lt", "le", "gt", "ge", "eq", "ne") else self.statements[args[-1]].dtype
        return self._add("map", dtype, args, fn)

    def number(self, value, dtype=float32):
        return self._add("number", dtype, value=value)

    def index(self, dim):
        return self._add("index", int64, dim=dim)

    def reduce(self, fn, value):
        return self._add("reduce", self.statements[value].dtype, (value,), fn)

    def kernel(self):
        return LoopKernel(self.dims, self.reduced, tuple(self.statements))


def contiguous(dims):
    return tuple(int(np.prod(dims[d + 1 :], dtype=int)) for d in range(len(dims)))


def places(dims, access):
    index = np.full((1,) * len(dims), access.offset)
    for d, (n, stride) in enumerate(zip(dims, access.strides, strict=True)):
        index = index + (np.arange(n) * stride).reshape([-1 if e == d else 1 for e in range(len(dims))])
    return index


def interpret(kernel, memory):
    """Run a kernel on flat arrays, by slot, in float64 and with the whole iteration space at once."""
    values, writes = [], []
    for s in kernel.body:
        args = [values[i] for i in s.args]
        if s.kind == "load":
            value = memory[s.access.slot][places(kernel.dims, s.access)]
        elif s.kind == "store":
            writes.append((s.access, np.broadcast_to(args[0], kernel.dims)))
            value = None
        elif s.kind == "number":
            value = np.asarray(s.value, s.dtype)
        elif s.kind == "index":
            value = np.arange(kernel.dims[s.dim]).reshape([-1 if e == s.dim else 1 for e in range(len(kernel.dims))])
        elif s.kind == "reduce":
            initial = {"max": -np.inf, "min": np.inf}.get(s.fn) if args[0].dtype.kind == "f" else None
            more = {"initial": initial} if initial is not None else {}
            full = np.broadcast_to(args[0], kernel.dims)
            value = _UFUNCS[s.fn].reduce(full, axis=kernel.reduced, keepdims=True, **more)
        else:
            value = args[0].astype(s.dtype) if s.fn == "cast" else _UFUNCS[s.fn](*args)
            value = value.astype(s.dtype, copy=False)
        values.append(value)
    for access, value in writes:
        memory[access.slot][places(kernel.dims, access)] = value
