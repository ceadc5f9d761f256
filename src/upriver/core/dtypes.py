"""Dtypes, and how they combine. A dtype is NumPy's own object, so ``t.dtype == np.float32`` holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError

DType = np.dtype[Any]

float16: DType = np.dtype(np.float16)
float32: DType = np.dtype(np.float32)
float64: DType = np.dtype(np.float64)
int8: DType = np.dtype(np.int8)
int16: DType = np.dtype(np.int16)
int32: DType = np.dtype(np.int32)
int64: DType = np.dtype(np.int64)
uint8: DType = np.dtype(np.uint8)
bool_: DType = np.dtype(np.bool_)

_default = float32
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


def get_default_dtype() -> DType:
    """The dtype of tensors made from Python floats; float32 unless changed.

    Example:
        >>> import upriver as ur
        >>> ur.get_default_dtype()
        dtype('float32')
    """
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Make ``dtype`` (float32 or float64) the dtype of tensors made from Python floats.

    Raises:
        DTypeError: ``dtype`` is not a floating-point dtype.

    Example:
        >>> import upriver as ur
        >>> ur.set_default_dtype(ur.float32)
    """
    global _default
    wanted = as_dtype(dtype)
    if wanted.kind != "f":
        raise DTypeError(f"set_default_dtype: {wanted} is not a floating-point dtype", "Use ur.float32 or ur.float64.")
    _default = wanted


def as_dtype(dtype: Any) -> DType:
    """``dtype`` (ours, NumPy's, Python's ``float``/``int``/``bool`` or a name) as a dtype that is supported.

    Raises:
        DTypeError: it is not one of float16/32/64, int8/16/32/64, uint8 or bool.
    """
    if dtype is float:
        return _default
    if dtype is int:
        return int64
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{dtype!r} is not a dtype", "Use one of ur.float32, ur.float64, ur.int64, ur.bool.") from None
    if found.kind not in _CATEGORY or found.itemsize > 8:
        raise DTypeError(f"tensors of dtype {found} are not supported", "Convert to a float, integer or boolean dtype.")
    return found


def is_floating(dtype: DType) -> bool:
    """Whether values of this dtype can have gradients."""
    return dtype.kind == "f"


def _promote(a: DType | None, b: DType) -> DType:
    """The higher category; within one, the wider. NumPy would make int64 and float32 float64."""
    if a is None or _CATEGORY[b.kind] > _CATEGORY[a.kind]:
        return b
    return a if _CATEGORY[a.kind] > _CATEGORY[b.kind] else np.promote_types(a, b)


def result_type(*operands: Any) -> DType:
    """The dtype in which an operation on ``operands`` (arrays, or Python numbers) is carried out.

    As PyTorch's type promotion: arrays with dimensions come first; arrays of no dimension and then
    Python numbers change the result only if they belong to a higher category (bool < integer < float).

    Example:
        >>> import numpy as np
        >>> result_type(np.zeros(3, np.int64), 1.5)
        dtype('float32')
        >>> result_type(np.zeros(3, np.float16), np.zeros((), np.float64))
        dtype('float16')
    """
    dimensioned: DType | None = None
    scalar: DType | None = None
    number = -1
    for x in operands:
        if isinstance(x, np.ndarray):
            if x.ndim:
                dimensioned = _promote(dimensioned, x.dtype)
            else:
                scalar = _promote(scalar, x.dtype)
        else:
            number = max(number, 0 if isinstance(x, bool) else 1 if isinstance(x, int) else 2)
    best = dimensioned
    if scalar is not None and (best is None or _CATEGORY[scalar.kind] > _CATEGORY[best.kind]):
        best = scalar
    if best is None or number > _CATEGORY[best.kind]:
        return (bool_, int64, _default)[number]
    return best
