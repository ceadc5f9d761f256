"""Order: sorting, the largest few, and what is counted from sorted entries.

Positions are found by operations without a derivative; the values are gathered at them, which has one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..causes import cause
from ..core.dtypes import int64
from ..core.op import REALS, Case, Op, call
from ..core.registry import front_door
from ..core.state import Array, read_by_python
from ..core.tensor import Tensor, as_tensor, wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from .gather import integers
from .scatter import gather
from .shape import axis, reshape, squeeze
from .slices import FULL, Key, view

Shape = tuple[int, ...]


class Ordered(NamedTuple):
    """Values and where they stood."""

    values: Tensor
    indices: Tensor


class Histogram(NamedTuple):
    """Counts (or densities) and the edges of their bins."""

    hist: Tensor
    bin_edges: Tensor


def _argsort_array(x: Array, dim: int, descending: bool) -> Array:
    if not x.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return x.argsort(axis=dim, kind="stable")
    # Backwards twice, so that equal entries keep their order and NaN comes first, as PyTorch has it.
    last = x.shape[dim] - 1
    return last - np.flip(np.flip(x, dim).argsort(axis=dim, kind="stable"), dim)


_argsort = Op(
    name="argsort",
    forward=_argsort_array,
    vjps=(None,),
    shape=lambda s, dim, descending: s,
    dtype=lambda *_, **__: int64,
    formula=call("argsort"),
    domain=REALS,
    flops=lambda out, *_, **__: int(math.prod(out) * math.log2(max(2, math.prod(out)))),
    lower=None,
    cases=(
        Case(((2, 3),), {"dim": 1, "descending": False}),
        Case(((3, 2),), {"dim": 0, "descending": True}),
        Case(((),), {"dim": 0, "descending": True}),
        Case(((0,),), {"dim": 0, "descending": True}),
    ),
)


@front_door
def argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort ``x`` along ``dim``; equal entries keep their order.

    Args:
        x: any shape.
        dim: along which dimension.
        descending: the largest first.
        stable: accepted: equal entries always keep their order.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([3.0, 1.0, 2.0]).argsort().tolist()
        [1, 2, 0]
    """
    return _argsort(as_tensor(x), dim=axis("argsort", dim, x.ndim), descending=bool(descending))


def _values_at(x: Tensor, dim: int, indices: Tensor) -> Ordered:
    return Ordered(gather(x, dim, indices) if x.ndim else x, indices)


@front_door
def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Ordered:
    """``x`` sorted along ``dim``: ``.values``, and the ``.indices`` at which they were. Equal entries keep their order.

    Args:
        x: any shape.
        dim: along which dimension.
        descending: the largest first.
        stable: accepted: equal entries always keep their order.

    Example:
        >>> import upriver as ur
        >>> values, indices = ur.tensor([3.0, 1.0, 2.0]).sort(descending=True)
        >>> values.tolist(), indices.tolist()
        ([3.0, 2.0, 1.0], [0, 2, 1])
    """
    x = as_tensor(x)
    return _values_at(x, axis("sort", dim, x.ndim), argsort(x, dim, descending))


@front_door
def msort(x: Any) -> Tensor:
    """``x`` sorted along its first dimension.

    Example:
        >>> import upriver as ur
        >>> ur.msort(ur.tensor([3.0, 1.0, 2.0])).tolist()
        [1.0, 2.0, 3.0]
    """
    return sort(x, 0).values


def _topk_array(x: Array, dim: int, k: int, largest: bool) -> Array:
    n = x.shape[dim]
    if n < 4 * k or n < 128:
        return _argsort_array(x, dim, largest)[(FULL,) * dim + (slice(0, k),)]
    found = np.argpartition(x, n - k if largest else max(k - 1, 0), axis=dim)
    found = found[(FULL,) * dim + (slice(n - k, n) if largest else slice(0, k),)]
    order = _argsort_array(np.take_along_axis(x, found, dim), dim, largest)
    return np.take_along_axis(found, order, dim)


_topk = Op(
    name="topk",
    forward=_topk_array,
    vjps=(None,),
    shape=lambda s, dim, k, largest: (*s[:dim], k, *s[dim + 1 :]),
    dtype=lambda *_, **__: int64,
    formula=call("topk"),
    domain=REALS,
    flops=lambda out, s, **_: 2 * math.prod(s),
    lower=None,
    cases=(
        Case(((2, 5),), {"dim": 1, "k": 2, "largest": True}),
        Case(((300,),), {"dim": 0, "k": 3, "largest": False}),
        Case(((3,),), {"dim": 0, "k": 0, "largest": True}),
    ),
)


@front_door
def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Ordered:
    """The ``k`` largest (or smallest) entries along ``dim``, in order: ``.values`` and ``.indices``.

    Raises:
        ArgumentError: there are fewer than ``k``.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([3.0, 1.0, 2.0]).topk(2).values.tolist()
        [3.0, 2.0]
    """
    x = as_tensor(x)
    d = axis("topk", dim, x.ndim)
    n = x.shape[d] if x.ndim else 1
    if not 0 <= k <= n:
        raise ArgumentError(f"topk: k = {k}, and dimension {d} of shape {list(x.shape)} has {n} entries")
    if not x.ndim:
        return Ordered(*[reshape(t, (1,) * (k == 0))[:0] if k == 0 else t for t in sort(x)])
    return _values_at(x, d, _topk(x, dim=d, k=int(k), largest=bool(largest)))


@front_door
def kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Ordered:
    """The ``k``-th smallest entry along ``dim``, counted from 1: ``.values`` and ``.indices``.

    Raises:
        ArgumentError: there are fewer than ``k``.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([3.0, 1.0, 2.0]).kthvalue(2).values.item()
        2.0
    """
    x = as_tensor(x)
    d = axis("kthvalue", dim, x.ndim)
    n = x.shape[d] if x.ndim else 1
    if not 1 <= k <= n:
        raise ArgumentError(f"kthvalue: k = {k} is not between 1 and {n}, the length of dimension {d}")
    if not x.ndim:
        return sort(x)
    found = _values_at(x, d, view(argsort(x, d), Key((*(FULL,) * d, slice(k - 1, k), ...))))
    return found if keepdim else Ordered(squeeze(found.values, d), squeeze(found.indices, d))


# Counting. These depend on the values in their very shape, so they are no operations of a graph.


@front_door
def unique(
    x: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different entries of ``x`` in ascending order; on request where each went, and how often it is there.

    Example:
        >>> import upriver as ur
        >>> values, counts = ur.unique(ur.tensor([2, 1, 2]), return_counts=True)
        >>> values.tolist(), counts.tolist()
        ([1, 2], [1, 2])
    """
    array = as_tensor(x).array
    read_by_python(array, "unique")
    d = None if dim is None else axis("unique", dim, array.ndim)
    values, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=d, equal_nan=False)
    found = [wrap(values, None)]
    if return_inverse:
        found.append(wrap(inverse.reshape(array.shape if d is None else -1), None))
    if return_counts:
        found.append(wrap(counts, None))
    return found[0] if len(found) == 1 else tuple(found)


@front_door
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each integer from 0 on is in ``x``; with ``weights``, the sum of theirs.

    Raises:
        ShapeError: ``x`` is not a vector, or the weights are not of its shape.
        ArgumentError: an integer is negative.

    Example:
        >>> import upriver as ur
        >>> ur.bincount(ur.tensor([1, 1, 3])).tolist()
        [0, 2, 0, 1]
    """
    array = as_tensor(integers("bincount", x)).array
    read_by_python(array, "bincount")
    w = None if weights is None else as_tensor(weights).array
    if array.ndim != 1 or (w is not None and w.shape != array.shape):
        raise ShapeError(f"bincount: a vector is wanted, and weights of its shape; not {list(array.shape)}")
    if array.size and array.min() < 0:
        raise ArgumentError(f"bincount: {int(array.min())} is negative", "Only integers from 0 on can be counted.")
    counts = np.bincount(array, w, int(minlength))
    return wrap(counts.astype(w.dtype) if w is not None and w.dtype.kind == "f" else counts, None)


@front_door
def histogram(
    x: Any,
    bins: Any = 100,
    *,
    range: Any = None,
    weight: Any = None,
    density: bool = False,
) -> Histogram:
    """How many entries of ``x`` lie in each bin: ``.hist`` and ``.bin_edges``.

    Args:
        x: floats of any shape.
        bins: how many bins of equal width, or their edges in ascending order.
        range: (lowest, highest) edge; default the smallest and largest entry.
        weight: how much each entry counts.
        density: divide so that the integral over the bins is 1.

    Example:
        >>> import upriver as ur
        >>> ur.histogram(ur.tensor([0.0, 1.0, 1.0, 4.0]), bins=2).hist.tolist()
        [3.0, 1.0]
    """
    x = as_tensor(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"histogram: dtype {x.dtype} is not floating", "Convert it: x.float().")
    read_by_python(x.array, "histogram")
    edges = bins if isinstance(bins, int) else as_tensor(bins).array
    w = None if weight is None else as_tensor(weight).array.reshape(-1)
    try:
        hist, ends = np.histogram(x.array.reshape(-1), edges, range=range, weights=w, density=density)
    except ValueError as error:
        raise ArgumentError(f"histogram: {cause(error)}") from None
    return Histogram(wrap(hist.astype(x.dtype), None), wrap(ends.astype(x.dtype), None))


@front_door
def searchsorted(
    sorted_sequence: Any, values: Any, *, right: bool = False, side: str | None = None, out_int32: bool = False
) -> Tensor:
    """Where each value would go in a sequence that is in ascending order along its last dimension.

    Args:
        sorted_sequence: (n), or (..., n) with the leading dimensions of ``values``.
        values: a tensor or a number.
        right: after equal entries instead of before them.
        side: "left" or "right", which says the same.
        out_int32: int32 instead of int64.

    Example:
        >>> import upriver as ur
        >>> ur.searchsorted(ur.tensor([1.0, 3.0, 5.0]), ur.tensor([3.0, 4.0])).tolist()
        [1, 2]
    """
    sequence, wanted = as_tensor(sorted_sequence).array, as_tensor(values).array
    read_by_python(sequence, "searchsorted")
    read_by_python(wanted, "searchsorted")
    where: Any = "right" if right or side == "right" else "left"
    dtype = np.int32 if out_int32 else np.int64
    if sequence.ndim == 1:
        return wrap(np.asarray(np.searchsorted(sequence, wanted, where)).astype(dtype), None)
    if not sequence.ndim or sequence.shape[:-1] != wanted.shape[:-1]:
        raise ShapeError(f"searchsorted: values of shape {list(wanted.shape)} for rows of {list(sequence.shape)}")
    rows = zip(sequence.reshape(-1, sequence.shape[-1]), wanted.reshape(-1, wanted.shape[-1]), strict=True)
    found = [np.searchsorted(row, v, where) for row, v in rows]
    return wrap(np.array(found, dtype).reshape(wanted.shape), None)


@front_door
def bucketize(x: Any, boundaries: Any, *, right: bool = False, out_int32: bool = False) -> Tensor:
    """The number of the bucket, between ``boundaries`` in ascending order, into which each entry falls.

    Example:
        >>> import upriver as ur
        >>> ur.bucketize(ur.tensor([0.5, 2.5]), ur.tensor([1.0, 2.0])).tolist()
        [0, 2]
    """
    return searchsorted(boundaries, x, right=right, out_int32=out_int32)
