"""Arrays that write down what NumPy does with them: how an optimiser's rule, written on arrays, becomes a program."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ...core.registry import ops
from ...core.state import Array
from ...errors import CompileError
from .program import Value

if TYPE_CHECKING:
    from .record import Recorder


@cache
def _records() -> dict[Any, Any]:
    """The operation whose kernel is a given ufunc."""
    return {op.forward: op for op in reversed(list(ops)) if isinstance(op.forward, np.ufunc)}


@cache
def _record(ufunc: np.ufunc) -> Any:
    """The record of a ufunc; one without a recipe if no operation is just this one."""
    return _records().get(ufunc) or SimpleNamespace(name=ufunc.__name__, forward=ufunc, lower=None)


class Traced(NDArrayOperatorsMixin):
    """An array whose every ufunc is computed and written down as the operation that it is the kernel of.

    Writing into it (``out=``) gives it another value.

    Attributes:
        array: the entries.
        value: what it holds, as a value of the program; None for scratch that nothing was written to.
    """

    def __init__(self, recorder: Recorder, array: Array, value: Value | None) -> None:
        self.recorder, self.array, self.value = recorder, array, value

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (None,), **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or ufunc.nout != 1:
            _refuse(f"np.{ufunc.__name__}{'' if method == '__call__' else '.' + method}")
        values = [self._value(x) for x in inputs]
        arrays = [x.array if isinstance(x, Traced) else x for x in inputs]
        (target,) = out
        made = np.asarray(ufunc(*arrays))
        value = self._add(_record(ufunc), values, {}, made)
        if target is None:
            return Traced(self.recorder, made, value)
        for name, now, wanted in (("cast", "dtype", target.dtype), ("broadcast_to", "shape", target.shape)):
            if getattr(made, now) != wanted:
                op = ops.record(name)
                made = np.asarray(op.forward(made, **{now: wanted}))
                value = self._add(op, [value], {now: wanted}, made)
        self.recorder.changing(target.array)
        target.array[...] = made
        target.value = value
        return target

    def _add(self, op: Any, values: list[Any], attrs: dict[str, Any], made: Array) -> Value:
        value = Value(made.shape, made.dtype)
        self.recorder.add(op, tuple(values), attrs, value)
        return value

    def _value(self, x: Any) -> Any:
        if isinstance(x, Traced):
            if x.value is None:
                raise CompileError("compile: an optimiser's rule reads scratch that it has not written to")
            return x.value
        if isinstance(x, np.ndarray):
            found = self.recorder.find(x)
            if found is None:
                self.recorder.constant(x)
                found = self.recorder.find(x)
            return found
        return x.item() if isinstance(x, np.generic) else x

    def __array_function__(self, function: Any, *_: Any) -> Any:
        _refuse(f"np.{getattr(function, '__name__', function)}")

    def __array__(self, *_: Any, **__: Any) -> Any:
        _refuse("the conversion to an array")

    def __bool__(self) -> bool:
        _refuse("a choice by a value")
        return False

    def __float__(self) -> float:
        _refuse("float()")
        return 0.0

    def __getitem__(self, key: Any) -> Any:
        _refuse("indexing")

    def __setitem__(self, key: Any, value: Any) -> None:
        if key is not Ellipsis and key != slice(None):
            _refuse("item assignment")
        copied: Any = np.positive
        copied(value, out=self)

    def __getattr__(self, name: str) -> Any:
        raise _refusal(f".{name} of an array")


def _refusal(what: str) -> CompileError:
    return CompileError(
        f"compile: an optimiser's rule uses {what}, which cannot be part of a program",
        "Write the rule in NumPy's element by element functions, or take the step outside the compiled function.",
    )


def _refuse(what: str) -> None:
    raise _refusal(what)
