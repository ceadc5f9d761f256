"""Kernels: a convolution of arrays, and its gradients with respect to input and weight.

Images are laid out with rows outermost and the batch innermost: (H, C, W, N). Copying the input once for
each *column* of the weight, as (H, C, kw, OW, N), puts all that a row of the output needs into kh
consecutive rows, which are one matrix without another copy: so a row of the output is one matrix product,
and the buffer is kh times smaller than that of the usual im2col (Chellapilla, Puri and Simard, "High
performance convolutional neural networks for document processing", 2006), and copied in long runs. Results
are views of that layout as (N, C, H, W); elementwise operations keep it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from ..core.state import Array

Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], tuple[int, int]]
BLOCK = 1 << 18  # entries of a buffer that are made at a time: what stays in a core's own cache
NARROW = 32  # columns below which rows are computed together
WIDE = 512  # columns that a matrix product needs to be worth its while


def out_length(length: int, kernel: int, stride: int, pads: tuple[int, int], dilation: int) -> int:
    """How many windows fit: Dumoulin and Visin (2016), relationship 15."""
    return (length + pads[0] + pads[1] - dilation * (kernel - 1) - 1) // stride + 1


def _inside(offset: int, step: int, count: int, length: int) -> tuple[slice, slice]:
    """Which i < ``count`` have ``offset + i * step`` in [0, length), as a slice of i and a slice of positions."""
    low = max(0, -(offset // step))
    high = min(count, (length - 1 - offset) // step + 1)
    if high <= low:
        return slice(0, 0), slice(0, 0)
    return slice(low, high), slice(offset + low * step, offset + (high - 1) * step + 1, step)


def _rows_first(x: Array) -> Array:
    """(N, C, H, W) as contiguous (H, C, W, N)."""
    return np.ascontiguousarray(x.transpose(2, 1, 3, 0))


def _batch_first(x: Array) -> Array:
    """(H, C, W, N) as a view (N, C, H, W)."""
    return x.transpose(3, 1, 0, 2)


def _columns(x: Array, groups: int, kw: int, ow: int, stride: int, left: int, dilation: int) -> Array:
    """Rows (H, C, W, N), copied once for each column of the weight: (groups, H, C/groups, kw, OW, N)."""
    h, c, w, n = x.shape
    if kw == stride == groups == 1 and left == 0 and ow == w:
        return x.reshape(1, h, c, 1, w, n)
    out = np.empty((groups, h, c // groups, kw, ow, n), x.dtype)
    grouped = x.reshape(h, groups, c // groups, w, n).swapaxes(0, 1)
    for k in range(kw):
        here, there = _inside(k * dilation - left, stride, ow, w)
        out[:, :, :, k, : here.start] = 0
        out[:, :, :, k, here.stop :] = 0
        out[:, :, :, k, here] = grouped[:, :, :, there]
    return out


def _is_narrow(n: int, oh: int, ow: int, kh: int) -> bool:
    """Whether the rows of the output are too short for a matrix product each: a small image, nearly alone."""
    return kh > 1 and oh > 1 and n * ow < NARROW


def _flat(stride: Shape, padding: Pads, dilation: Shape, groups: int) -> dict[str, Any]:
    """The arguments for rows that hold all that a row of the output sees."""
    return {"stride": (1, stride[1]), "padding": ((0, 0), padding[1]), "dilation": (1, dilation[1]), "groups": groups}


def _split_rows(x: Array, kh: int, oh: int, stride: int, top: int, dilation: int) -> Array:
    """(N, C, H, W) as (OH * N, C * kh, 1, W): for each row of the output an image of its own."""
    n, c, h, w = x.shape
    out = np.zeros((oh, n, c, kh, w), x.dtype)
    for k in range(kh):
        here, there = _inside(k * dilation - top, stride, oh, h)
        out[here, :, :, k] = x[:, :, there].transpose(2, 0, 1, 3)
    return out.reshape(oh * n, c * kh, 1, w)


def _join_rows(x: Array, size: Shape, n: int, kh: int, oh: int, stride: int, top: int, dilation: int) -> Array:
    """The gradient of :func:`_split_rows`: each row added to where it came from."""
    parts = x.reshape(oh, n, x.shape[1] // kh, kh, size[1])
    out = np.zeros((n, parts.shape[2], *size), x.dtype)
    for k in range(kh):
        here, there = _inside(k * dilation - top, stride, oh, size[0])
        out[:, :, there] += parts[here, :, :, k].transpose(1, 2, 0, 3)
    return out


def _width(ow: int, n: int, cost: int) -> int:
    """How many columns of the output to handle at a time, if each takes ``cost`` entries of a buffer."""
    return min(ow, max(BLOCK // max(1, cost), -(-WIDE // max(1, n))))


def _row_matrices(
    x: Array, kernel: Shape, out: Shape, stride: Shape, padding: Pads, dilation: Shape, groups: int
) -> Iterator[tuple[int, slice, slice, Array]]:
    """For each piece of a row of the output, what it sees, as a matrix (groups, rows * C/groups * kw, OW * N).

    First come the row's number, the rows of the weight that fall inside the input, and where the piece lies
    in the row, (OW * N). The buffer is made for a block of rows and columns at a time.
    """
    x = _rows_first(x)
    h, c, _, n = x.shape
    (kh, kw), (oh, ow) = kernel, out
    (sh, sw), (dh, dw), (top, left) = stride, dilation, (padding[0][0], padding[1][0])
    m = c // groups * kw
    reach = dh * (kh - 1) + 1
    width = _width(ow, n, c * kw * n * reach)
    size = max(reach, BLOCK // max(1, c * kw * width * n * sh))
    for start, begin in product(range(0, oh, size), range(0, ow, max(1, width))):
        stop, end = min(oh, start + size), min(ow, begin + width)
        first = min(h, max(0, start * sh - top))
        last = max(first, min(h, (stop - 1) * sh - top + reach))
        columns = _columns(x[first:last], groups, kw, end - begin, sw, left - begin * sw, dw)
        piece = slice(begin * n, end * n)
        for i in range(start, stop):
            taps, rows = _inside(i * sh - top, dh, kh, h)
            seen = columns[:, rows.start - first : rows.stop - first : rows.step] if taps.stop else columns[:, :0]
            yield i, taps, piece, seen.reshape(groups, (taps.stop - taps.start) * m, (end - begin) * n)


def convolve(x: Array, w: Array, *bias: Array, stride: Shape, padding: Pads, dilation: Shape, groups: int) -> Array:
    """(N, C, H, W) and (O, C / groups, kh, kw) as (N, O, OH, OW): a matrix product for each row."""
    n, _, oh, ow = conv_shape(x.shape, w.shape, stride=stride, padding=padding, dilation=dilation, groups=groups)
    o, cg, kh, kw = w.shape
    if _is_narrow(n, oh, ow, kh):
        x = _split_rows(x, kh, oh, stride[0], padding[0][0], dilation[0])
        y = convolve(x, w.reshape(o, cg * kh, 1, kw), *bias, **_flat(stride, padding, dilation, groups))
        return y.reshape(oh, n, o, ow).transpose(1, 2, 0, 3)
    out = np.empty((oh, groups, o // groups, ow * n), x.dtype)
    weight = w.swapaxes(1, 2).reshape(groups, o // groups, kh * cg * kw)
    m = cg * kw
    b = bias[0].reshape(groups, o // groups, 1) if bias else None
    for i, taps, piece, seen in _row_matrices(x, (kh, kw), (oh, ow), stride, padding, dilation, groups):
        row = out[i, :, :, piece]
        np.matmul(weight[:, :, taps.start * m : taps.stop * m], seen, out=row)
        if b is not None:
            row += b  # while it is in the cache
    return _batch_first(out.reshape(oh, o, ow, n))


def weight_gradient(
    x: Array, y: Array, size: Shape, stride: Shape, padding: Pads, dilation: Shape, groups: int
) -> Array:
    """What :func:`convolve` gives its weight, from its input and ``y`` (N, O, OH, OW), the upstream gradient."""
    (kh, kw), (n, o, oh, ow) = size, y.shape
    if _is_narrow(n, oh, ow, kh):
        x = _split_rows(x, kh, oh, stride[0], padding[0][0], dilation[0])
        y = y.transpose(2, 0, 1, 3).reshape(oh * n, o, 1, ow)
        return weight_gradient(x, y, (1, kw), **_flat(stride, padding, dilation, groups)).reshape(o, -1, kh, kw)
    m = x.shape[1] // groups * kw
    total = np.zeros((groups, kh * m, o // groups), x.dtype)
    y = _rows_first(y).reshape(oh, groups, o // groups, ow * n)
    for i, taps, piece, seen in _row_matrices(x, size, (oh, ow), stride, padding, dilation, groups):
        total[:, taps.start * m : taps.stop * m] += np.matmul(seen, y[i, :, :, piece].swapaxes(1, 2))
    # (groups, kh, C/groups, kw, O/groups) to (groups, O/groups, C/groups, kh, kw)
    weights = total.reshape(groups, kh, m // kw, kw, o // groups).transpose(0, 4, 2, 1, 3)
    return weights.reshape(o, m // kw, kh, kw)


def transposed(y: Array, w: Array, size: Shape, stride: Shape, padding: Pads, dilation: Shape, groups: int) -> Array:
    """What :func:`convolve` gives its input of ``size`` (H, W), from ``y`` (N, O, OH, OW), the upstream gradient."""
    (n, o, oh, ow), (_, cg, kh, kw), (h, wd) = y.shape, w.shape, size
    (sh, sw), (dh, dw), (top, left) = stride, dilation, (padding[0][0], padding[1][0])
    og = o // groups
    if _is_narrow(n, oh, ow, kh):
        y = y.transpose(2, 0, 1, 3).reshape(oh * n, o, 1, ow)
        x = transposed(y, w.reshape(o, cg * kh, 1, kw), (1, wd), **_flat(stride, padding, dilation, groups))
        return _join_rows(x, size, n, kh, oh, sh, top, dh)
    rows = np.ascontiguousarray(_rows_first(y).reshape(oh, groups, og, ow * n).swapaxes(0, 1))
    # From the last row of the weight to its first, so that the rows of y that meet them ascend.
    weight = np.ascontiguousarray(
        w.reshape(groups, og, cg, kh, kw).transpose(0, 3, 1, 2, 4)[:, ::-1].reshape(groups, kh, og, cg * kw)
    )
    out = np.zeros((h, groups, cg, wd, n), y.dtype)
    width = _width(ow, n, groups * cg * kw * n)
    buffer = np.empty((groups, cg * kw, width * n), y.dtype)
    pieces = [(begin, min(ow, begin + width)) for begin in range(0, ow, max(1, width))]
    common = math.gcd(sh, dh)
    k_step, y_step = sh // common, dh // common
    for i in range(h):
        # The pairs (row k of the weight, row r of y) with r * sh - top + k * dh == i.
        k = next((k for k in range(kh - 1, -1, -1) if (i + top - k * dh) % sh == 0 and i + top >= k * dh), -1)
        if k < 0:
            continue
        r = (i + top - k * dh) // sh
        pairs = min(k // k_step + 1, max(0, -((r - oh) // y_step)))
        if not pairs:
            continue
        a = weight[:, kh - 1 - k : kh - k + (pairs - 1) * k_step : k_step].reshape(groups, pairs * og, cg * kw)
        b = rows[:, r : r + (pairs - 1) * y_step + 1 : y_step].reshape(groups, pairs * og, ow * n)
        for begin, end in pieces:
            part = buffer[:, :, : (end - begin) * n]
            np.matmul(a.swapaxes(1, 2), b[:, :, begin * n : end * n], out=part)
            columns = part.reshape(groups, cg, kw, end - begin, n)
            for k in range(kw):
                here, there = _inside(k * dw - left + begin * sw, sw, end - begin, wd)
                out[i, :, :, there] += columns[:, :, k, here]
    return _batch_first(out.reshape(h, groups * cg, wd, n))


def conv_shape(x: Shape, w: Shape, *bias: Shape, stride: Shape, padding: Pads, dilation: Shape, groups: int) -> Shape:
    """The shape of a convolution's result."""
    out = tuple([out_length(*args) for args in zip(x[2:], w[2:], stride, padding, dilation, strict=True)])
    return (x[0], w[0], *out)
