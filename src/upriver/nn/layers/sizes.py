"""What the constructors of layers share: sizes that are checked, and parameters still to be filled."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...core.dtypes import as_dtype, get_default_dtype
from ...core.tensor import Buffer, Parameter
from ...errors import ArgumentError
from ...ops.align import check_device


def check_size(layer: str, least: int = 1, **sizes: Any) -> None:
    """Refuse sizes that are not whole numbers of at least ``least``.

    Raises:
        ArgumentError: one is not; it is named.
    """
    for name, value in sizes.items():
        try:
            if isinstance(value, bool) or operator.index(value) < least:
                raise TypeError
        except TypeError:
            raise ArgumentError(
                f"{layer}: {name} is {value!r}, not a whole number of at least {least}",
                f"Pass {name}={least} or more, as an int.",
            ) from None


def check_divides(layer: str, divisor: str, number: str, **sizes: int) -> None:
    """Refuse a ``number`` that ``divisor`` does not divide; both are names of ``sizes``.

    Raises:
        ArgumentError: it does not.
    """
    d, n = sizes[divisor], sizes[number]
    if n % d:
        divisors = [i for i in range(1, n + 1) if n % i == 0]
        near = sorted(sorted(divisors, key=lambda i: abs(i - d))[:4])
        raise ArgumentError(
            f"{layer}: {number}={n} cannot be divided into {divisor}={d} equal parts",
            f"Use a {divisor} that divides {n}, such as {', '.join(map(str, near))}.",
        )


def check_probability(layer: str, p: Any) -> float:
    """``p`` as a float between 0 and 1.

    Raises:
        ArgumentError: it is not.
    """
    if not isinstance(p, (int, float, np.floating)) or not 0 <= p <= 1:
        raise ArgumentError(f"{layer}: the probability is {p!r}", "Pass a number from 0 to 1.")
    return float(p)


def ntuple(layer: str, name: str, value: Any, n: int, least: int = 1) -> tuple[int, ...]:
    """``value``, one for every dimension or one for each, as ``n`` ints.

    Raises:
        ArgumentError: there are not ``n``, or one is no whole number of at least ``least``.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    if len(values) != n:
        raise ArgumentError(
            f"{layer}: {name} has {len(values)} numbers, and there are {n} dimensions",
            "Pass one number, or one for each.",
        )
    for v in values:
        check_size(layer, least, **{name: v})
    return tuple([int(v) for v in values])


def empty(*shape: int, dtype: Any = None, device: Any = None) -> Parameter:
    """A parameter whose values are still to be set."""
    check_device(device)
    return Parameter(np.zeros(shape, get_default_dtype() if dtype is None else as_dtype(dtype)))


def buffer(value: float, *shape: int, dtype: Any = None, device: Any = None) -> Buffer:
    """A buffer filled with ``value``."""
    check_device(device)
    return Buffer(np.full(shape, value, get_default_dtype() if dtype is None else as_dtype(dtype)))
