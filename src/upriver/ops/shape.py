"""The same entries under another shape, or with the dimensions in another order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

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
    found = tuple([axis(name, d, ndim) for d in dims])
    if len(set(found)) != len(found):
        raise DimError(f"{name}: a dimension appears twice in {tuple(dims)}")
    return found if ndim else ()


def one_sequence(args: Sequence[Any]) -> tuple[Any, ...]:
    """``f((2, 3))`` and ``f(2, 3)`` mean the same."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else tuple(args)


def _reshape_shape(s: Shape, shape: Shape) -> Shape:
    if math.prod(s) != math.prod(shape) or min(shape, default=0) < 0:
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
    lower=lambda m, x, shape: m.reshape(x, shape),
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
    if not isinstance(x, Tensor):
        return x.reshape(*shape)  # a bare array: a gradient rule
    sizes = tuple([n if type(n) is int else int(n) for n in one_sequence(shape)])
    total = x.array.size
    if math.prod(sizes) == total and min(sizes, default=0) >= 0:
        return _reshape.run((x,), {"shape": sizes})
    if -1 in sizes:
        known = math.prod([n for n in sizes if n != -1])
        if known <= 0 or total % known or sizes.count(-1) > 1:
            raise ShapeError(f"reshape: {list(x.shape)} ({total} entries) cannot become {list(sizes)}")
        sizes = tuple([total // known if n == -1 else n for n in sizes])
    return _reshape(x, shape=sizes)


_permute: Op = Op(
    name="permute",
    forward=lambda x, dims: x.transpose(dims),
    vjps=(lambda ct, _y, _x, dims: _permute(ct, dims=_inverse(dims)),),
    shape=lambda s, dims: tuple([s[d] for d in dims]),
    dtype=same_dtype,
    formula=Formula("{0}.T", "{0}^T", POWER),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, dims: m.permute(x, dims),
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

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 3, 4).permute(2, 0, 1).shape
        (4, 2, 3)
    """
    order = axes("permute", one_sequence(dims), x.ndim)
    if len(order) != x.ndim:
        raise DimError(f"permute: {list(order)} does not name each of the {x.ndim} dimensions once")
    return _permute(x, dims=order)


@front_door
def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """``x`` with two dimensions exchanged.

    Args:
        x: at least as many dimensions as named.
        dim0: one of the two dimensions.
        dim1: the other.

    Raises:
        DimError: there is no such dimension.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 3).transpose(0, 1).shape
        (3, 2)
    """
    ndim = x.ndim
    order = list(range(ndim))
    a, b = axis("transpose", dim0, ndim), axis("transpose", dim1, ndim)
    if not ndim:
        return x
    order[a], order[b] = b, a
    return _permute.run((x,), {"dims": tuple(order)}) if isinstance(x, Tensor) else x.transpose(order)


@front_door
def swapaxes(x: Any, axis0: int, axis1: int) -> Any:
    """``x`` with two dimensions exchanged.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 3).swapaxes(0, 1).shape
        (3, 2)
    """
    return transpose(x, axis0, axis1)


@front_door
def t(x: Any) -> Any:
    """The transpose of a matrix; a vector or a number as it is.

    Raises:
        DimError: there are more than two dimensions.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1, 2, 3]]).t().shape
        (3, 1)
    """
    if x.ndim > 2:
        raise DimError(f"t: shape {list(x.shape)} has more than two dimensions", "Use x.mT or x.transpose(dim0, dim1).")
    return transpose(x, 0, 1) if x.ndim == 2 else x


@front_door
def movedim(x: Any, source: Any, destination: Any) -> Any:
    """``x`` with the dimensions ``source`` moved to ``destination``; the others keep their order.

    Args:
        x: any shape.
        source: a dimension, or several.
        destination: where each goes.

    Raises:
        DimError: ``dim`` is out of range.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 3, 4).movedim(0, -1).shape
        (3, 4, 2)
    """
    start, end = axes("movedim", source, x.ndim), axes("movedim", destination, x.ndim)
    if len(start) != len(end):
        raise DimError(f"movedim: {len(start)} dimensions cannot move to {len(end)} places")
    order = [d for d in range(x.ndim) if d not in start]
    for to, d in sorted(zip(end, start, strict=True)):
        order.insert(to, d)
    return _permute(x, dims=tuple(order))


@front_door
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """``x`` with the dimensions from ``start_dim`` to ``end_dim`` made one.

    Args:
        x: any shape.
        start_dim: the first dimension to join.
        end_dim: the last one.

    Raises:
        DimError: a dimension is out of range, or ``end_dim`` comes first.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 3, 4).flatten(1).shape
        (2, 12)
    """
    a, b = axis("flatten", start_dim, x.ndim), axis("flatten", end_dim, x.ndim)
    if a > b:
        raise DimError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    if a == b and x.ndim:
        return x
    return reshape(x, (*x.shape[:a], math.prod(x.shape[a : b + 1]), *x.shape[b + 1 :]))


@front_door
def unflatten(x: Any, dim: int, sizes: Any) -> Any:
    """``x`` with one dimension made several, of lengths ``sizes``; one may be −1.

    Args:
        x: any shape.
        dim: the dimension to divide.
        sizes: what it becomes; one may be −1.

    Raises:
        ShapeError: the lengths do not multiply to that of the dimension.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(2, 12).unflatten(1, (3, -1)).shape
        (2, 3, 4)
    """
    d = axis("unflatten", dim, x.ndim)
    wanted = tuple([int(n) for n in sizes])
    known = math.prod([n for n in wanted if n != -1])
    if wanted.count(-1) == 1 and known and x.shape[d] % known == 0:
        wanted = tuple([x.shape[d] // known if n == -1 else n for n in wanted])
    if math.prod(wanted) != x.shape[d] or -1 in wanted:
        raise ShapeError(f"unflatten: dimension {d} of length {x.shape[d]} cannot become {list(sizes)}")
    return reshape(x, (*x.shape[:d], *wanted, *x.shape[d + 1 :]))


@front_door
def squeeze(x: Any, dim: Any = None) -> Any:
    """``x`` without its dimensions of length 1: all of them, or those named; others named stay.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(1, 3, 1).squeeze(-1).shape
        (1, 3)
    """
    dims = axes("squeeze", dim, x.ndim)
    shape = tuple([n for d, n in enumerate(x.shape) if n != 1 or d not in dims])
    return x if shape == x.shape else reshape(x, shape)


@front_door
def unsqueeze(x: Any, dim: int) -> Any:
    """``x`` with a new dimension of length 1 at ``dim``.

    Raises:
        DimError: ``dim`` is out of range.

    Example:
        >>> import upriver as ur
        >>> ur.zeros(3).unsqueeze(-1).shape
        (3, 1)
    """
    d = axis("unsqueeze", dim, x.ndim + 1)
    return reshape(x, (*x.shape[:d], 1, *x.shape[d:]))


@front_door
def view_as(x: Any, other: Any) -> Any:
    """``x`` in the shape of ``other``.

    Example:
        >>> import upriver as ur
        >>> ur.arange(4).view_as(ur.zeros(2, 2)).tolist()
        [[0, 1], [2, 3]]
    """
    return reshape(x, other.shape)


@front_door
def reshape_as(x: Any, other: Any) -> Any:
    """``x`` in the shape of ``other``.

    Example:
        >>> import upriver as ur
        >>> ur.arange(4).reshape_as(ur.zeros(2, 2)).tolist()
        [[0, 1], [2, 3]]
    """
    return reshape(x, other.shape)


def _atleast(n: int, tensors: tuple[Any, ...]) -> Any:
    made: list[Any] = []
    for x in one_sequence(tensors):
        x = as_tensor(x)
        # PyTorch puts the new dimensions around: (n) becomes (1, n), and then (1, n, 1).
        lead = 1 if 0 < x.ndim < n else n if not x.ndim else 0
        if x.ndim == 2 and n == 3:
            lead = 0
        made.append(x if x.ndim >= n else reshape(x, ((1,) * lead + x.shape + (1,) * n)[:n]))
    return made[0] if len(tensors) == 1 and isinstance(tensors[0], Tensor) else tuple(made)


@front_door
def atleast_1d(*tensors: Any) -> Any:
    """The tensors with at least one dimension.

    Example:
        >>> import upriver as ur
        >>> ur.atleast_1d(ur.tensor(3.0))
        tensor([3.])
    """
    return _atleast(1, tensors)


@front_door
def atleast_2d(*tensors: Any) -> Any:
    """The tensors with at least two dimensions: a vector becomes a row.

    Example:
        >>> import upriver as ur
        >>> ur.atleast_2d(ur.tensor([1.0, 2.0])).shape
        (1, 2)
    """
    return _atleast(2, tensors)


@front_door
def atleast_3d(*tensors: Any) -> Any:
    """The tensors with at least three dimensions: (n) becomes (1, n, 1), (m, n) becomes (m, n, 1).

    Example:
        >>> import upriver as ur
        >>> ur.atleast_3d(ur.zeros(2, 3)).shape
        (2, 3, 1)
    """
    return _atleast(3, tensors)


_clone = Op(
    name="clone",
    forward=lambda x: x.copy(),
    vjps=(lambda ct, _y, _x: ct,),
    shape=lambda s: s,
    dtype=same_dtype,
    formula=Formula("{0}", "{0}", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x: x,
    cases=(Case(((2, 3),)), Case(((),)), Case(((0, 2),))),
)


@front_door
def clone(x: Any, *, memory_format: Any = None) -> Any:
    """A copy, through which gradients flow.

    Example:
        >>> import upriver as ur
        >>> x = ur.zeros(2)
        >>> y = x.clone()
        >>> y += 1
        >>> x.tolist()
        [0.0, 0.0]
    """
    return _clone(x)


@front_door
def contiguous(x: Any) -> Any:
    """``x`` with its entries in row-major order in memory: itself if they are, else a copy.

    Example:
        >>> import upriver as ur
        >>> x = ur.zeros(2, 3)
        >>> x.contiguous() is x, x.T.contiguous() is x.T
        (True, False)
    """
    array = x.array if isinstance(x, Tensor) else x
    return x if array.flags.c_contiguous else _clone(x)
