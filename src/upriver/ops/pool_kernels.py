"""Kernels: of each window of an image the largest entry, or the mean, and where it came from.

All windows are handled at once, one pass for each place *in* the window: the entries that stand at one
place of every window are a strided view. The largest and the sum are taken along rows, then along columns.
Images are (N, C, H, W) in any layout, which results keep.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.state import Array

Shape = tuple[int, ...]


def _pooled_length(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows there are; with ``ceil_mode`` the last may reach over the end, but not begin there."""
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    n = -(-room // stride) + 1
    return n - 1 if (n - 1) * stride >= length + padding else n


def _places(n: int, kernel: int, stride: int, dilation: int) -> list[slice]:
    """For each place in the window, where it lies in the n windows."""
    return [slice(k * dilation, k * dilation + (n - 1) * stride + 1, stride) for k in range(kernel)]


def _padded(x: Array, out: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, fill: Any) -> Array:
    """``x`` (N, C, H, W) with ``fill`` around it, as far as the windows reach; ``x`` itself where they do not."""
    size = [
        max(p + n, (o - 1) * s + d * (k - 1) + 1)
        for n, o, k, s, p, d in zip(x.shape[2:], out, kernel, stride, padding, dilation, strict=True)
    ]
    if tuple(size) == x.shape[2:] and not any(padding):
        return x
    padded = np.empty_like(x, shape=(*x.shape[:2], *size))
    padded.fill(fill)
    padded[_interior(x.shape, padding)] = x
    return padded


def _interior(s: Shape, padding: Shape) -> tuple[slice, ...]:
    top, left = padding
    return (slice(None), slice(None), slice(top, top + s[2]), slice(left, left + s[3]))


def _reduced(ufunc: np.ufunc, x: Array, out: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Array:
    """Every window of ``x`` reduced, along rows first: there the entries next to each other stay so."""
    for dim in (2, 3):
        lead = (slice(None),) * dim
        first, *rest = [
            x[(*lead, at)] for at in _places(out[dim - 2], kernel[dim - 2], stride[dim - 2], dilation[dim - 2])
        ]
        if not rest:
            x = first
            continue
        x = ufunc(first, rest[0])
        for other in rest[1:]:
            ufunc(x, other, out=x)
    return x if x.base is None else x.copy("K")


def _as_laid_out(x: Array, other: Array) -> Array:
    """``x`` with its entries in memory in the order of those of ``other``, of the same shape."""
    if x.strides == other.strides:
        return x
    same = np.empty_like(other, x.dtype)
    same[...] = x
    return same


def pool_shape(s: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool) -> Shape:
    """The shape of what is pooled."""
    space = [_pooled_length(*args, ceil_mode) for args in zip(s[2:], kernel, stride, padding, dilation, strict=True)]
    return (*s[:2], *space)


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def max_windows(x: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool) -> Array:
    """The largest entry of each window."""
    out = pool_shape(x.shape, kernel, stride, padding, dilation, ceil_mode)[2:]
    x = _padded(x, out, kernel, stride, padding, dilation, _lowest(x.dtype))
    return _reduced(np.maximum, x, out, kernel, stride, dilation)


def _firsts(
    x: Array, y: Array, kernel: Shape, stride: Shape, dilation: Shape
) -> Iterator[tuple[tuple[slice, ...], Array]]:
    """For each place in the window: where it lies, and in which windows it is the first that holds the maximum."""
    places = [
        (slice(None), slice(None), rows, columns)
        for rows in _places(y.shape[2], kernel[0], stride[0], dilation[0])
        for columns in _places(y.shape[3], kernel[1], stride[1], dilation[1])
    ]
    left = np.ones_like(y, bool)
    for at in places[:-1]:
        found = np.equal(x[at], y)
        found &= left
        left ^= found
        yield at, found
    yield places[-1], left  # whatever is left, NaN too


def max_scatter(
    ct: Array, x: Array, y: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> Array:
    """``ct`` at the place of the first largest entry of each window of ``x``, whose maxima are ``y``; else 0."""
    padded = _padded(x, y.shape[2:], kernel, stride, padding, dilation, _lowest(x.dtype))
    ct = _as_laid_out(ct, y)
    apart = stride[0] >= dilation[0] * (kernel[0] - 1) + 1 and stride[1] >= dilation[1] * (kernel[1] - 1) + 1
    whole = apart and math.prod(kernel) * y.size == padded.size
    out = (np.empty_like if whole else np.zeros_like)(padded, ct.dtype)
    for at, found in _firsts(padded, y, kernel, stride, dilation):
        if apart:
            np.multiply(ct, found, out=out[at])
        else:
            out[at] += ct * found
    return out if padded is x else out[_interior(x.shape, padding)]


def max_gather(
    g: Array, x: Array, y: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> Array:
    """The entries of ``g`` at those places: :func:`max_scatter` in reverse."""
    padded = _padded(x, y.shape[2:], kernel, stride, padding, dilation, _lowest(x.dtype))
    g = _padded(g, y.shape[2:], kernel, stride, padding, dilation, 0)
    out = np.zeros_like(y, g.dtype)
    for at, found in _firsts(padded, y, kernel, stride, dilation):
        np.copyto(out, g[at], where=found)
    return out


def _counts(n: int, out: int, kernel: int, stride: int, padding: int, include_pad: bool) -> Array:
    """How many entries each window counts along one dimension: all but those beyond the padding, or beyond the end."""
    start = np.arange(out) * stride - padding
    edge = padding if include_pad else 0
    return np.minimum(start + kernel, n + edge) - np.maximum(start, -edge)


def window_counts(size: Shape, out: Shape, kernel: Shape, stride: Shape, padding: Shape, include_pad: bool) -> Array:
    """How many entries each window of an image of ``size`` counts."""
    rows, columns = [
        _counts(n, o, k, s, p, include_pad) for n, o, k, s, p in zip(size, out, kernel, stride, padding, strict=True)
    ]
    return np.multiply.outer(rows, columns)


def _scaled(y: Array, size: Shape, kernel: Shape, stride: Shape, padding: Shape, include_pad: bool) -> Array:
    """``y`` divided by how many entries each window counts."""
    n = window_counts(size, y.shape[2:], kernel, stride, padding, include_pad)
    return y * (1.0 / float(n.flat[0])) if n.size and n.min() == n.max() else y / n.astype(y.dtype)


def mean_windows(x: Array, kernel: Shape, stride: Shape, padding: Shape, ceil_mode: bool, include_pad: bool) -> Array:
    """The mean of each window."""
    size = x.shape[2:]
    out = pool_shape(x.shape, kernel, stride, padding, (1, 1), ceil_mode)[2:]
    x = _padded(x, out, kernel, stride, padding, (1, 1), 0)
    return _scaled(_reduced(np.add, x, out, kernel, stride, (1, 1)), size, kernel, stride, padding, include_pad)


def mean_spread(
    ct: Array, size: Shape, kernel: Shape, stride: Shape, padding: Shape, ceil_mode: bool, include_pad: bool
) -> Array:
    """``ct`` shared out among the entries of each window: :func:`mean_windows` in reverse."""
    ct = _scaled(ct, size, kernel, stride, padding, include_pad)
    for dim in (3, 2):
        k, s, p, n, m = kernel[dim - 2], stride[dim - 2], padding[dim - 2], size[dim - 2], ct.shape[dim]
        shape = list(ct.shape)
        shape[dim] = max(p + n, (m - 1) * s + k)
        out = np.empty_like(ct, shape=shape)
        out.fill(0)
        lead = (slice(None),) * dim
        for at in _places(m, k, s, 1):
            if s >= k:
                out[(*lead, at)] = ct
            else:
                out[(*lead, at)] += ct
        ct = out[(*lead, slice(p, p + n))]
    return ct
