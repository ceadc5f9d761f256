"""Dropout: entries set to zero at random, and the mask that says which."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import bool_
from ..core.op import CALL, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import as_tensor
from ..errors import ArgumentError, ShapeError
from .align import expand, number, same_dtype
from .random import made, random_mask

Shape = tuple[int, ...]


def _dropout_array(x: Array, kept: Array, p: float) -> Array:
    out = kept.astype(x.dtype, order="C")
    out *= x.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0)
    out *= x
    return out


_dropout: Op = Op(
    name="dropout",
    forward=_dropout_array,
    vjps=(lambda ct, _y, _x, kept, p: _dropout(ct, kept, p=p), None),
    shape=lambda s, kept, p: s,
    dtype=same_dtype,
    formula=Formula("dropout({0})", r"\operatorname{{dropout}}\left({0}\right)", CALL),
    domain=REALS,
    flops=lambda out, *_, **__: 2 * math.prod(out),
    lower=lambda m, x, kept, p: m.cast(kept, x.dtype) * (1.0 / (1.0 - p) if p < 1.0 else 0.0) * x,
    cases=(
        Case(((2, 3), np.array([[True, False, True], [False, True, True]])), {"p": 0.25}),
        Case(((), np.array(True)), {"p": 0.5}),
    ),
)


def _dropped(name: str, x: Any, p: float, training: bool, shape: Shape, generator: Any) -> Any:
    x, p = as_tensor(x), float(number(p))
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"{name}: p = {p} is not a probability", "Use a number from 0 to 1.")
    if not training or p == 0.0:
        return x
    # The mask is kept, one byte per entry: drawing it again would take ten times as long as the product.
    kept = made(random_mask, shape, bool_, None, False, generator, p=p)
    return _dropout(x, expand(kept, x.shape), p=p)


@front_door
def dropout(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None) -> Any:
    """``x`` with each entry set to 0 with probability ``p``, and the others divided by 1 − p.

    Args:
        x: floats of any shape.
        p: from 0 to 1.
        training: if False, ``x`` itself.
        inplace: accepted and not needed: the result is always new.
        generator: where the randomness comes from.

    Raises:
        ArgumentError: ``p`` is not a probability.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout", JMLR 15 (2014), section 4.

    Example:
        >>> import upriver as ur
        >>> ur.dropout(ur.ones(3), 0.5, training=False).tolist()
        [1.0, 1.0, 1.0]
    """
    return _dropped("dropout", x, p, training, x.shape, generator)


def _channels(name: str, x: Any, spatial: int) -> Shape:
    if x.ndim not in (spatial + 1, spatial + 2):
        raise ShapeError(f"{name}: shape {list(x.shape)} is not (batch, channels) with {spatial} more dimensions")
    return x.shape[:-spatial] + (1,) * spatial


@front_door
def dropout1d(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None) -> Any:
    """As :func:`dropout`, for whole channels of ``x`` (batch, channels, length).

    Example:
        >>> import upriver as ur
        >>> x = ur.nn.functional.dropout1d(ur.ones(2, 3, 4), p=0.5)
        >>> bool(((x == 0.0) | (x == 2.0)).all())
        True
    """
    return _dropped("dropout1d", x, p, training, _channels("dropout1d", x, 1), generator)


@front_door
def dropout2d(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None) -> Any:
    """As :func:`dropout`, for whole channels of ``x`` (batch, channels, height, width).

    Example:
        >>> import upriver as ur
        >>> x = ur.nn.functional.dropout2d(ur.ones(2, 3, 4, 4), p=0.5)
        >>> bool(((x == 0.0) | (x == 2.0)).all())
        True
    """
    return _dropped("dropout2d", x, p, training, _channels("dropout2d", x, 2), generator)
