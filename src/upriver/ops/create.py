"""Tensors from data and from nothing: lists, arrays, zeros, ones, ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import as_dtype, get_default_dtype
from ..core.registry import front_door
from ..core.state import Array, recorder
from ..core.tensor import Tensor, as_tensor, to_array, wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from .align import check_device, number
from .shape import one_sequence

Shape = tuple[int, ...]


def _leaf(array: Array, device: Any, requires_grad: bool) -> Tensor:
    check_device(device)
    told = recorder()
    if told is not None:
        told.constant(array)
    out = wrap(array, None)
    return out.requires_grad_() if requires_grad else out


def _shape(name: str, size: Any) -> Shape:
    try:
        shape = tuple([n if type(n) is int else n.__index__() for n in one_sequence(size)])
    except AttributeError:
        raise ShapeError(f"{name}: {list(one_sequence(size))} is not a shape", "Give whole numbers.") from None
    if any(n < 0 for n in shape):
        raise ShapeError(f"{name}: a length in {list(shape)} is negative")
    return shape


@front_door
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of ``data``.

    Args:
        data: a number, nested lists of numbers or tensors, an array.
        dtype: default float32 for Python floats, int64 for integers, bool for booleans; arrays keep theirs.
        device: the CPU.
        requires_grad: whether ``backward()`` shall give it a ``.grad``.

    Raises:
        ShapeError: rows of unequal lengths.
        DTypeError: something that is not a number.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1, 2], [3, 4]]).dtype
        dtype('int64')
    """
    if recorder() is not None and isinstance(data, (Tensor, np.ndarray)):
        source = as_tensor(data).detach()  # which another call may give with other values
        check_device(device)
        out = source.clone() if dtype is None or source.dtype == as_dtype(dtype) else source.to(dtype)
        return out.requires_grad_() if requires_grad else out
    array = to_array(data, dtype)
    return _leaf(array.copy(), device, requires_grad)


@front_door
def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the memory of ``array``: a change of one is a change of both.

    Raises:
        DTypeError: it is not an array, or of a dtype that tensors cannot have.

    Example:
        >>> import numpy as np, upriver as ur
        >>> a = np.zeros(2)
        >>> t = ur.from_numpy(a)
        >>> a[0] = 5
        >>> t.tolist()
        [5.0, 0.0]
    """
    if not isinstance(array, np.ndarray):
        raise DTypeError(f"from_numpy: {type(array).__name__} is not a NumPy array", "Use ur.tensor(...).")
    return wrap(to_array(array), None)


@front_door
def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **kwargs: Any) -> Tensor:
    """Zeros of the given shape, as numbers or as one tuple; float32 unless ``dtype`` says otherwise.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 2).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    shape = _shape("zeros", kwargs.get("size", size))
    return _leaf(np.zeros(shape, get_default_dtype() if dtype is None else as_dtype(dtype)), device, requires_grad)


@front_door
def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **kwargs: Any) -> Tensor:
    """Ones of the given shape, as numbers or as one tuple; float32 unless ``dtype`` says otherwise.

    Example:
        >>> import upriver as ur
        >>> ur.ones((2,)).tolist()
        [1.0, 1.0]
    """
    shape = _shape("ones", kwargs.get("size", size))
    return _leaf(np.ones(shape, get_default_dtype() if dtype is None else as_dtype(dtype)), device, requires_grad)


@front_door
def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **kwargs: Any) -> Tensor:
    """A tensor of the given shape whose values are whatever the memory held.

    Example:
        >>> import upriver as ur
        >>> ur.empty(2, 3).shape
        (2, 3)
    """
    shape = _shape("empty", kwargs.get("size", size))
    return _leaf(np.empty(shape, get_default_dtype() if dtype is None else as_dtype(dtype)), device, requires_grad)


@front_door
def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """``fill_value`` in the given shape; of its dtype: bool, int64 or float32.

    Args:
        size: the shape.
        fill_value: a number.
        dtype: that of the number unless given.
        device: the CPU.
        requires_grad: whether gradients shall flow to it.

    Example:
        >>> import upriver as ur
        >>> ur.full((2,), 7).dtype
        dtype('int64')
    """
    value = to_array(number(fill_value), dtype)
    if value.ndim:
        raise ShapeError(f"full: the value has shape {list(value.shape)}, and one number is wanted")
    return _leaf(np.full(_shape("full", (size,)), value, value.dtype), device, requires_grad)


def _like(x: Any, dtype: Any) -> Any:
    return x.dtype if dtype is None else as_dtype(dtype)


@front_door
def zeros_like(x: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape (and dtype) of ``x``.

    Example:
        >>> import upriver as ur
        >>> ur.zeros_like(ur.tensor([1, 2])).tolist()
        [0, 0]
    """
    return _leaf(np.zeros(x.shape, _like(x, dtype)), device, requires_grad)


@front_door
def ones_like(x: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape (and dtype) of ``x``.

    Example:
        >>> import upriver as ur
        >>> ur.ones_like(ur.tensor([1.0, 2.0])).tolist()
        [1.0, 1.0]
    """
    return _leaf(np.ones(x.shape, _like(x, dtype)), device, requires_grad)


@front_door
def empty_like(x: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of the shape (and dtype) of ``x`` whose values are whatever the memory held.

    Example:
        >>> import upriver as ur
        >>> ur.empty_like(ur.zeros(2, 3)).shape
        (2, 3)
    """
    return _leaf(np.empty(x.shape, _like(x, dtype)), device, requires_grad)


@front_door
def full_like(x: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """``fill_value`` in the shape (and dtype) of ``x``.

    Args:
        x: any shape.
        fill_value: a number.
        dtype: instead of that of ``x``.
        device: the CPU.
        requires_grad: whether gradients shall flow to it.

    Example:
        >>> import upriver as ur
        >>> ur.full_like(ur.zeros(2), 7.0).tolist()
        [7.0, 7.0]
    """
    return _leaf(np.full(x.shape, number(fill_value), _like(x, dtype)), device, requires_grad)


@front_door
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The n × m matrix with ones on its diagonal; square where ``m`` is left out.

    Args:
        n: rows.
        m: columns.
        dtype: float32 unless given.
        device: the CPU.
        requires_grad: whether gradients shall flow to it.

    Example:
        >>> import upriver as ur
        >>> ur.eye(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = _shape("eye", (n, n if m is None else m))
    return _leaf(
        np.eye(rows, columns, dtype=get_default_dtype() if dtype is None else as_dtype(dtype)), device, requires_grad
    )


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, Tensor) else number(x)


@front_door
def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The numbers from ``start`` on (0 where only one is given), ``step`` apart, below ``end``.

    Integers give int64; with a float among the arguments, float32.

    Args:
        start: the first number (with one argument the end).
        end: the numbers stay below it.
        step: from one to the next.
        dtype: int64 for integers, else float32, unless given.
        device: the CPU.
        requires_grad: whether gradients shall flow to it.

    Raises:
        ArgumentError: the step is 0, or leads away from the end.

    Example:
        >>> import upriver as ur
        >>> ur.arange(2, 5).tolist(), ur.arange(0, 1, 0.5).tolist()
        ([2, 3, 4], [0.0, 0.5])
    """
    first, last, by = (0, start, step) if end is None else (start, end, step)
    first, last, by = _number(first), _number(last), _number(by)
    if by == 0 or (last - first) / by < 0:
        raise ArgumentError(f"arange: no steps of {by} lead from {first} to {last}")
    whole = all(isinstance(n, int) for n in (first, last, by))
    wanted = as_dtype(dtype) if dtype is not None else np.dtype(np.int64) if whole else get_default_dtype()
    if whole:
        values = np.arange(first, last, by, dtype=wanted if wanted.kind != "b" else None)
    else:
        values = first + by * np.arange(math.ceil((last - first) / by), dtype=np.float64)
    return _leaf(values.astype(wanted, copy=False), device, requires_grad)


@front_door
def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers at equal distances from ``start`` to ``end``, both included.

    Args:
        start: the first number.
        end: the last number.
        steps: how many.
        device: the CPU.
        dtype: of the result.
        requires_grad: whether gradients shall flow to it.

    Raises:
        ArgumentError: ``steps`` is negative.

    Example:
        >>> import upriver as ur
        >>> ur.linspace(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if steps < 0:
        raise ArgumentError(f"linspace: {steps} steps cannot be made")
    values = np.linspace(_number(start), _number(end), int(steps))
    wanted = get_default_dtype() if dtype is None else as_dtype(dtype)
    return _leaf(values.astype(wanted, copy=False), device, requires_grad)


@front_door
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``base`` to the power of ``steps`` numbers at equal distances from ``start`` to ``end``.

    Raises:
        ArgumentError: ``steps`` is negative.

    Example:
        >>> import upriver as ur
        >>> ur.logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    powers = linspace(start, end, steps, dtype=np.float64).array
    wanted = get_default_dtype() if dtype is None else as_dtype(dtype)
    return _leaf(np.power(float(base), powers).astype(wanted, copy=False), device, requires_grad)


@front_door
def is_tensor(x: Any) -> bool:
    """Whether ``x`` is a tensor.

    Example:
        >>> import upriver as ur
        >>> ur.is_tensor(ur.zeros(1)), ur.is_tensor([0.0])
        (True, False)
    """
    return isinstance(x, Tensor)


@front_door
def numel(x: Any) -> int:
    """The number of entries of ``x``.

    Example:
        >>> import upriver as ur
        >>> ur.numel(ur.zeros(2, 3))
        6
    """
    return x.array.size
