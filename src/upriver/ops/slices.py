"""Basic indexing: integers, slices, ``...`` and ``None`` select a view; the way back puts it into zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Formula, Op, adding
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import DimError
from .align import same_dtype
from .shape import axis, no_flops

Shape = tuple[int, ...]
FULL = slice(None)
_NOTHING = np.empty(())


class Key(tuple[Any, ...]):
    """The integers, slices, ``...`` and ``None`` between the brackets of ``x[key]``; prints as written there."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(_written(k) for k in self if k is not Ellipsis) or "..."


def _written(k: Any) -> str:
    if not isinstance(k, slice):
        return str(k)
    start, stop, step = ("" if n is None else str(n) for n in (k.start, k.stop, k.step))
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def _index_shape(s: Shape, key: Key) -> Shape:
    try:
        return np.broadcast_to(_NOTHING, s)[key].shape
    except IndexError:
        raise bad_key(s, key) from None


def _place_array(x: Array, key: Key, shape: Shape, value: float) -> Array:
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    out[key] = x
    return out


def _add_into(total: Array, ct: Array, key: Key) -> None:
    part = total[key]
    part += ct


@adding(_add_into)
def _index_vjp(ct: Any, _y: Any, _x: Any, key: Key) -> Any:
    return place(ct, key=key, shape=_x.shape, value=0)


def _region(s: Shape, key: Key) -> tuple[Shape, Shape, Shape]:
    """Where the entries that ``key`` selects of shape ``s`` lie: starts, lengths and steps of each dimension."""
    full = [k for k in key if k is not None]
    at = full.index(...) if ... in full else len(full)
    full[at : at + 1] = [FULL] * (len(s) - len(full) + (... in full))
    found = [
        range(*k.indices(n)) if isinstance(k, slice) else range(k % n, k % n + 1) for k, n in zip(full, s, strict=True)
    ]
    starts, lengths, steps = ([r.start if r else 0 for r in found], [len(r) for r in found], [r.step for r in found])
    return tuple(starts), tuple(lengths), tuple(steps)


def _index_recipe(m: Any, x: Any, key: Key) -> Any:
    return m.reshape(m.slice(x, *_region(x.shape, key)), _index_shape(x.shape, key))


def _place_recipe(m: Any, x: Any, key: Key, shape: Shape, value: float) -> Any:
    starts, lengths, steps = _region(shape, key)
    x = m.reshape(x, lengths)
    placed = m.place(x, starts, shape, steps)
    return m.where(m.place(m.full(lengths, True, np.bool_), starts, shape, steps), placed, value) if value else placed


basic_index = Op(
    name="index",
    forward=lambda x, key: x[key],
    vjps=(_index_vjp,),
    shape=_index_shape,
    dtype=same_dtype,
    formula=Formula("{0}[{key}]", "{0}_{{{key}}}", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, key: _index_recipe(m, x, key),
    cases=(
        Case(((3, 4),), {"key": Key((1, ...))}),
        Case(((3, 4),), {"key": Key((slice(None, None, 2), None, -1, ...))}),
        Case(((3, 4, 2),), {"key": Key((..., slice(None, None, -1)))}),
        Case(((3,),), {"key": Key((slice(2, 2), ...))}),
        Case(((3,),), {"key": Key((0, ...))}),
        Case(((),), {"key": Key((None, ...))}),
    ),
)

place = Op(
    name="place",
    forward=_place_array,
    vjps=(lambda ct, _y, _x, key, shape, value: basic_index(ct, key=key),),
    shape=lambda s, key, shape, value: shape,
    dtype=same_dtype,
    formula=Formula("place({0})", r"\operatorname{{place}}\left({0}\right)", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, x, key, shape, value: _place_recipe(m, x, key, shape, value),
    cases=(
        Case(((2, 3),), {"key": Key((slice(1, 3), slice(0, 3), ...)), "shape": (4, 3), "value": 0}),
        Case(((3,),), {"key": Key((..., 1)), "shape": (3, 2), "value": 0.5}),
        Case(((),), {"key": Key((2, ...)), "shape": (3,), "value": 0}),
        Case(((0,),), {"key": Key((slice(0, 0), ...)), "shape": (2,), "value": 0}),
    ),
)


def out_of_range(index: int, dim: int, length: int, name: str = "index") -> DimError:
    """The error for an index that a dimension does not have."""
    fix = f"Use {-length} to {length - 1}." if length else "The dimension is empty: nothing can be selected from it."
    return DimError(f"{name}: index {index} is out of range for dimension {dim}, which has length {length}", fix)


def bad_key(s: Shape, key: Sequence[Any]) -> DimError:
    """Why NumPy refused ``key`` on shape ``s``."""
    if len([k for k in key if isinstance(k, (int, slice))]) > len(s):
        return too_many(s, len([k for k in key if isinstance(k, (int, slice))]))
    dim = 0
    for k in key:
        if k is Ellipsis:
            dim = len(s) - len([j for j in key[key.index(k) + 1 :] if j is not None])
        elif k is not None:
            if isinstance(k, int) and not -s[dim] <= k < s[dim]:
                return out_of_range(k, dim, s[dim])
            dim += 1
    return DimError(f"index: {key} cannot index shape {list(s)}", "At most one ... can be used.")


def too_many(s: Shape, n: int) -> DimError:
    """The error for more indices than dimensions."""
    return DimError(f"index: {n} indices for a tensor of shape {list(s)}, which has {len(s)} dimensions")


def view(x: Any, key: Key) -> Any:
    """``x[key]``, with errors that say what is out of range."""
    try:
        return basic_index.run((x,), {"key": key}) if isinstance(x, Tensor) else x[key]
    except IndexError:
        raise bad_key(x.shape, key) from None


@front_door
def select(x: Any, dim: int, index: int) -> Any:
    """Entry ``index`` along ``dim``, which is dropped: a view.

    Args:
        x: any shape.
        dim: the dimension that goes away.
        index: which entry of it.

    Raises:
        DimError: ``dim`` or ``index`` is out of range.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1, 2], [3, 4]]).select(0, 1).tolist()
        [3, 4]
    """
    d = axis("select", dim, x.ndim)
    if not x.ndim:
        raise DimError("select: a tensor of no dimensions has nothing to select from")
    return view(x, Key((*(FULL,) * d, int(index), ...)))


@front_door
def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """The entries ``start`` to ``start + length - 1`` along ``dim``: a view.

    Args:
        x: any shape.
        dim: the dimension to cut.
        start: the first entry that stays.
        length: how many stay.

    Raises:
        DimError: there are not that many.

    Example:
        >>> import upriver as ur
        >>> ur.arange(5).narrow(0, 1, 3).tolist()
        [1, 2, 3]
    """
    d = axis("narrow", dim, x.ndim)
    total = x.shape[d] if x.ndim else 0
    first = int(start) + (total if start < 0 else 0)
    if not 0 <= first <= total or not 0 <= length <= total - first:
        raise DimError(
            f"narrow: {length} entries from {start} on do not lie in dimension {d}, which has length {total}"
        )
    return view(x, Key((*(FULL,) * d, slice(first, first + int(length)), ...)))
