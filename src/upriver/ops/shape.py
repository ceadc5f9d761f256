"""Operations that move entries about: each a view or a copy, and its way back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.op import CALL, POWER, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.tensor import Tensor, as_tensor
from ..errors import DimError, ShapeError
from .align import same_dtype

Shape = tuple[int, ...]


def no_flops(*_: Any, **__: Any) -> int:
    """The cost of moving: no arithmetic."""
    return 0


def axis(name: str, dim: Any, ndim: int) -> int:
    """``dim`` counted from the front.

    Raises:
        DimError: there is no such dimension.
    """
    d = int(dim)
    if not -max(ndim, 1) <= d < max(ndim, 1):
        raise DimError(
            f"{name}: dim {d} is out of range for a tensor of {ndim} dimensions",
            f"Use one of {-max(ndim, 1)} to {max(ndim, 1) - 1}.",
        )
    return d % max(ndim, 1)


_ALL = tuple([tuple(range(n)) for n in range(65)])


def axes(name: str, dims: Any, ndim: int) -> tuple[int, ...]:
    """``dims`` (None for all, a number or several) counted from the front, in the given order.

    Raises:
        DimError: one is out of range, or named twice.
    """
    if dims is None:
        return _ALL[ndim]
    if not isinstance(dims, (tuple, list)):
        return (axis(name, dims, ndim),) if ndim else ()
    found = tuple([axis(name, d, ndim) for d in dims])  # type: ignore[reportUnknownVariableType]
    if len(set(found)) != len(found):
        raise DimError(f"{name}: a dimension appears twice in {tuple(dims)}")  # type: ignore[reportUnknownArgumentType]
    return found if ndim else ()


def one_sequence(args: Sequence[Any]) -> tuple[Any, ...]:
    """``f((2, 3))`` and ``f(2, 3)`` mean the same."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else tuple(args)


def _reshape_shape(s: Shape, shape: Shape) -> Shape:
    if math.prod(s) != math.prod(shape):
        raise ShapeError(
            f"reshape: {list(s)} has {math.prod(s)} entries, {list(shape)} would have {math.prod(shape)}",
            "The number of entries must stay; one length may be -1.",
        )
    return shape


_reshape = Op(
    name="reshape",
    forward=lambda x, shape: x.reshape(shape),
    vjps=(lambda ct, _y, _x, shape: reshape(ct, _x.shape),),
    shape=_reshape_shape,
    dtype=same_dtype,
    formula=Formula("{0}", "{0}", CALL),
    domain=REALS,
    flops=no_flops,
    lower="view",
    cases=(Case(((2, 3),), {"shape": (3, 2)}), Case(((),), {"shape": (1, 1)}), Case(((0, 2),), {"shape": (2, 0)})),
)


@front_door
def reshape(x: Any, *shape: Any) -> Any:
    """``x`` with its entries, in row-major order, in another shape; one length may be −1.

    Raises:
        ShapeError: the number of entries would change.

    Example:
        >>> import upriver as ur
        >>> ur.arange(6).reshape(2, -1).tolist()
        [[0, 1, 2], [3, 4, 5]]
    """
    if isinstance(x, np.ndarray):
        return x.reshape(*shape)
    sizes = tuple([int(n) for n in one_sequence(shape)])
    if -1 in sizes:
        known = math.prod([n for n in sizes if n != -1])
        total = math.prod(x.shape)
        if known == 0 or total % known or sizes.count(-1) > 1:
            raise ShapeError(f"reshape: {list(x.shape)} ({total} entries) cannot become {list(sizes)}")
        sizes = tuple([total // known if n == -1 else n for n in sizes])
    return _reshape(x, shape=sizes)


_permute = Op(
    name="permute",
    forward=lambda x, dims: x.transpose(dims),
    vjps=(lambda ct, _y, _x, dims: _permute(ct, dims=_inverse(dims)),),
    shape=lambda s, dims: tuple([s[d] for d in dims]),
    dtype=same_dtype,
    formula=Formula("{0}.T", "{0}^T", POWER),
    domain=REALS,
    flops=no_flops,
    lower="view",
    cases=(Case(((2, 3),), {"dims": (1, 0)}), Case(((2, 3, 4),), {"dims": (2, 0, 1)})),
)


def _inverse(dims: Shape) -> Shape:
    inverse = [0] * len(dims)
    for i, d in enumerate(dims):
        inverse[d] = i
    return tuple(inverse)


@front_door
def permute(x: Any, *dims: Any) -> Any:
    """``x`` with its dimensions in the given order.

    Raises:
        DimError: the order does not name each dimension once.
    """
    order = axes("permute", one_sequence(dims), x.ndim)
    if len(order) != x.ndim:
        raise DimError(f"permute: {list(order)} does not name each of the {x.ndim} dimensions once")
    return _permute(x, dims=order)


@front_door
def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """``x`` with two dimensions exchanged."""
    order = list(range(x.ndim))
    a, b = axis("transpose", dim0, x.ndim), axis("transpose", dim1, x.ndim)
    if order:
        order[a], order[b] = b, a
    return _permute(x, dims=tuple(order))


