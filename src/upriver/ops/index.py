"""Indexing: ``x[key]`` for every key that NumPy and PyTorch know.

Integers, slices, ``...`` and ``None`` are one operation, a view; integer tensors another, which selects
entries. Everything else is these two: several integer tensors become one that counts through the
dimensions they index, a boolean mask becomes the integers at which it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import EllipsisType
from typing import Any

import numpy as np

from ..core.inplace import index_arrays
from ..core.registry import front_door
from ..core.state import read_by_python
from ..core.tensor import Tensor, as_tensor, literal, wrap
from ..errors import DimError, DTypeError
from .align import broadcast_shapes, expand, to
from .checks import check_range
from .gather import ravel_index, select_entries
from .scatter import scatter
from .shape import permute, reshape
from .slices import FULL, Key, too_many, view

Shape = tuple[int, ...]


def _bound(k: Any) -> int | None:
    return k if k is None or type(k) is int else k.__index__()


def _entry(k: Any) -> Any:
    """One entry of a key as an int, a slice, ``...``, None, or an integer or boolean tensor."""
    kind = type(k)
    if kind is int or k is None or k is Ellipsis:
        return k
    if kind is slice:
        return slice(_bound(k.start), _bound(k.stop), _bound(k.step))
    if isinstance(k, (bool, np.bool_)):
        return literal(np.asarray(k))
    if isinstance(k, np.integer):
        return int(k)
    if isinstance(k, (list, tuple, range)):
        k = literal(np.asarray(index_arrays(list(k))))
    if isinstance(k, np.ndarray):
        k = wrap(k, None)
    if isinstance(k, Tensor):
        if k.dtype.kind == "i":
            return k if k.ndim else int(k)
        if k.dtype.kind == "b":
            return k
        raise DTypeError(
            f"index: a tensor of dtype {k.dtype} cannot be an index",
            "Convert it: x.long() for positions, x.bool() for a mask.",
        )
    raise DTypeError(f"index: {type(k).__name__} cannot be an index", "Use integers, slices, ..., None or tensors.")


_MASKED = "How many entries there are depends on the values: keep all, and choose by ur.where(mask, x, 0)."
_PLAIN = frozenset((int, slice, type(None), EllipsisType))
_BOUNDS = frozenset((int, type(None)))


@front_door
def index(x: Any, key: Any) -> Any:
    """``x[key]``: an int, a slice, ``...``, None, a list, a range, integer tensors, boolean masks, and mixes of them.

    Args:
        x: any shape.
        key: what stands between the brackets. Integer tensors broadcast together; a mask selects the entries
            where it holds. Integers, slices, ``...`` and None alone give a view, which shares memory.

    Raises:
        DimError: an index out of range, or more indices than dimensions.
        DTypeError: an index that is not an integer, a boolean or a slice of integers.

    Example:
        >>> import upriver as ur
        >>> x = ur.arange(6).reshape(2, 3)
        >>> x[:, -1].tolist(), x[[0, 1], [2, 0]].tolist(), x[x > 3].tolist()
        ([2, 5], [2, 3], [4, 5])
    """
    if isinstance(key, Tensor) and key.array.dtype.kind == "i" and key.array.ndim and x.ndim:
        return select_entries(x, key, 0)
    entries = key if type(key) is tuple else (key,)
    plain = True
    for k in entries:
        if type(k) not in _PLAIN:
            plain = False
            break
        if type(k) is slice and not (type(k.start) in _BOUNDS and type(k.stop) in _BOUNDS and type(k.step) in _BOUNDS):
            plain = False
            break
    if not plain:
        entries = tuple([_entry(k) for k in entries])
        if any(isinstance(k, Tensor) for k in entries):
            return _advanced(as_tensor(x), entries)
    # With ... at the end a single entry is a view of no dimensions too, not a number.
    return view(x, Key(entries) if Ellipsis in entries else Key((*entries, ...)))


def _advanced(x: Tensor, entries: tuple[Any, ...]) -> Tensor:
    """A key with tensors in it: first the rest of the key, as a view, then the tensors on what it leaves."""
    basic, found = _divide(x.shape, entries)
    if any(k is not FULL for k in basic):
        x = view(x, Key((*basic, ...)))
    if len(found) == 1:
        at, k, origin = found[0]
        if k.dtype.kind == "b":
            if k.ndim > 1:
                x = reshape(x, (*x.shape[:at], k.array.size, *x.shape[at + k.ndim :]))
            read_by_python(k.array, "a mask as an index", _MASKED)
            k = wrap(np.flatnonzero(k.array), None)
        return select_entries(x, k, at, "index", origin)
    places, indices, origins = zip(*_each_dim(found), strict=True)
    n, first = len(places), places[0]
    if places != tuple(range(first, first + n)):  # not side by side: what they select comes first
        x = permute(x, (*places, *[d for d in range(x.ndim) if d not in places]))
        first = 0
    lengths = x.shape[first : first + n]
    merged = reshape(x, (*x.shape[:first], math.prod(lengths), *x.shape[first + n :]))
    for k, n in zip(indices, lengths, strict=True):
        check_range(k, -n, n - 1)
    return select_entries(merged, ravel_index(*indices, lengths=lengths, dims=origins), first)


def _divide(shape: Shape, entries: tuple[Any, ...]) -> tuple[list[Any], list[tuple[int, Tensor, int]]]:
    """The basic part of a key, and its tensors: where each stands after the basic part, and the dimension it means."""
    takes = [
        (k.ndim if k.dtype.kind == "b" else 1) if isinstance(k, Tensor) else int(k is not None and k is not Ellipsis)
        for k in entries
    ]
    if sum(takes) > len(shape):
        raise too_many(shape, sum(takes))
    if len([k for k in entries if k is Ellipsis]) > 1:
        raise DimError("index: at most one ... can be used")
    basic: list[Any] = []
    found: list[tuple[int, Tensor, int]] = []
    dim = at = 0
    for k, n in zip(entries, takes, strict=True):
        if isinstance(k, Tensor):
            found.append((at, k, dim))
            if n == 0:  # True or False: a new dimension of length 1 or 0
                found[-1] = (at, wrap(k.array.reshape(1), None), dim)
                basic.append(None)
                at += 1
                continue
            if k.dtype.kind == "b" and k.shape != shape[dim : dim + n]:
                raise DimError(
                    f"index: a mask of shape {list(k.shape)} does not fit dimensions {dim} to {dim + n - 1} "
                    f"of shape {list(shape)}",
                    "A mask has the lengths of the dimensions that it selects from.",
                )
        if k is Ellipsis:
            n = len(shape) - sum(takes)
        if k is None or isinstance(k, int):
            basic.append(k)
        else:
            basic += [k if isinstance(k, slice) and k != FULL else FULL] * n
        dim += n
        at += 1 if k is None else 0 if isinstance(k, int) else n
    return basic, found


def _each_dim(found: list[tuple[int, Tensor, int]]) -> Iterator[tuple[int, Tensor, int]]:
    """The index tensors, one for each dimension: a mask as the positions at which it holds."""
    for at, k, dim in found:
        if k.dtype.kind == "b":
            read_by_python(k.array, "a mask as an index", _MASKED)
            for i, positions in enumerate(k.array.nonzero()):
                yield at + i, wrap(positions, None), dim + i
        else:
            yield at, k, dim


@front_door
def index_put(x: Any, key: Any, value: Any) -> Tensor:
    """A new tensor: ``x`` with ``value`` in the place of ``x[key]``; gradients flow to both.

    Args:
        x: any shape.
        key: as in :func:`index`; where it names an entry twice the last value stays.
        value: a number, or a tensor that can be expanded to the shape of ``x[key]``; converted to the dtype of ``x``.

    Returns:
        Of the shape and dtype of ``x``.

    Raises:
        DimError: an index out of range.
        ShapeError: the value does not fit.

    Example:
        >>> import upriver as ur
        >>> ur.index_put(ur.zeros(2, 2), (slice(None), 1), ur.tensor([3.0, 4.0])).tolist()
        [[0.0, 3.0], [0.0, 4.0]]
    """
    x = as_tensor(x)
    total = x.array.size
    places = index(literal(np.arange(total).reshape(x.shape)), key)
    if isinstance(value, (Tensor, np.ndarray)):
        value = to(as_tensor(value), x.dtype)
        if value.ndim > places.ndim:  # dimensions of length 1 in front count for nothing
            lead = value.ndim - places.ndim
            value = reshape(value, value.shape[lead:] if set(value.shape[:lead]) == {1} else value.shape)
        value = reshape(expand(value, places.shape), -1)
    return reshape(scatter(reshape(x, -1), 0, reshape(places, -1), value), x.shape)


@front_door
def masked_select(x: Any, mask: Any) -> Tensor:
    """The entries of ``x`` where ``mask`` holds, as one dimension; both broadcast together.

    Example:
        >>> import upriver as ur
        >>> x = ur.tensor([3.0, -1.0, 2.0])
        >>> ur.masked_select(x, x > 0).tolist()
        [3.0, 2.0]
    """
    x, mask = as_tensor(x), as_tensor(mask)
    if mask.dtype.kind != "b":
        raise DTypeError(f"masked_select: the mask has dtype {mask.dtype}, not bool", "Compare first, as in x > 0.")
    shape = broadcast_shapes("masked_select", x.shape, mask.shape)
    return index(expand(x, shape), expand(mask, shape))


@front_door
def nonzero(x: Any, *, as_tuple: bool = False) -> Any:
    """Where ``x`` is not zero: (n, ndim) integers, a row for each; as a tuple, one tensor for each dimension.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([0, 5, 6]).nonzero().tolist()
        [[1], [2]]
    """
    found = as_tensor(x).array
    read_by_python(found, "nonzero", _MASKED)
    if as_tuple:
        return tuple([wrap(i, None) for i in np.atleast_1d(found).nonzero()])
    return wrap(np.argwhere(found).astype(np.int64, copy=False), None)


@front_door
def argwhere(x: Any) -> Tensor:
    """Where ``x`` is not zero: (n, ndim) integers, a row for each.

    Example:
        >>> import upriver as ur
        >>> ur.argwhere(ur.tensor([0, 3, 0, 5])).tolist()
        [[1], [3]]
    """
    return nonzero(x)
