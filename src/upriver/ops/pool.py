"""Pooling: a window slid over an image, and of each window the largest entry, or the mean.

All windows are handled at once, one pass for each place *in* the window: the entries that stand at one
place of every window are a strided view. The largest and the sum are taken along rows, then along columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Domain, Formula, Interval, Op
from ..core.registry import front_door, ops
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor, wrap
from ..errors import ArgumentError, ShapeError
from .align import same_dtype
from .conv import batched, lengths, unbatched
from .resize import along

Shape = tuple[int, ...]


def pooled_length(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
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
        first, *rest = [x[(*lead, at)] for at in _places(out[dim - 2], kernel[dim - 2], stride[dim - 2], dilation[dim - 2])]
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


# The largest entry.


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _max_forward(x: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool) -> Array:
    out = _pool_shape(x.shape, kernel, stride, padding, dilation, ceil_mode)[2:]
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


def _max_scatter(
    ct: Array, x: Array, y: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> Array:
    padded = _padded(x, y.shape[2:], kernel, stride, padding, dilation, _lowest(x.dtype))
    ct = _as_laid_out(ct, y)
    apart = stride[0] >= dilation[0] * (kernel[0] - 1) + 1 and stride[1] >= dilation[1] * (kernel[1] - 1) + 1
    whole = apart and math.prod(kernel) * y.size == padded.size
    out = np.empty_like(padded) if whole else np.zeros_like(padded)
    for at, found in _firsts(padded, y, kernel, stride, dilation):
        if apart:
            np.multiply(ct, found, out=out[at])
        else:
            out[at] += ct * found
    return out if padded is x else out[_interior(x.shape, padding)]


def _max_gather(
    g: Array, x: Array, y: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> Array:
    padded = _padded(x, y.shape[2:], kernel, stride, padding, dilation, _lowest(x.dtype))
    g = _padded(g, y.shape[2:], kernel, stride, padding, dilation, 0)
    out = np.zeros_like(y)
    for at, found in _firsts(padded, y, kernel, stride, dilation):
        np.copyto(out, g[at], where=found)
    return out


def _pool_shape(
    s: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> Shape:
    space = [pooled_length(*args, ceil_mode) for args in zip(s[2:], kernel, stride, padding, dilation, strict=True)]
    return (*s[:2], *space)


def _window_flops(out: Shape, *_: Shape, kernel: Shape, **__: Any) -> int:
    return math.prod(out) * math.prod(kernel)


_DISTINCT = Domain((Interval(),), ties="of equal entries the first gets all", distinct=True)
_HALVES: dict[str, Any] = {
    "kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil_mode": False,
}  # fmt: skip
_OVERLAP = _HALVES | {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 1), "ceil_mode": True}
_WIDE = _HALVES | {"dilation": (2, 1), "stride": (1, 3)}
_GRID = np.arange(16).reshape(1, 1, 4, 4)  # integers: a case gives them as they are

_max_pool = Op(
    name="max_pool2d",
    forward=_max_forward,
    vjps=(lambda ct, y, x, **attrs: _scatter(ct, x, y, **attrs),),
    shape=_pool_shape,
    dtype=same_dtype,
    formula=Formula("max_pool2d({0})", r"\operatorname{{maxpool}} {0}", CALL),
    domain=_DISTINCT,
    flops=_window_flops,
    lower="window",
    cases=(
        Case(((2, 1, 4, 4),), _HALVES),
        Case(((1, 2, 5, 5),), _HALVES),
        Case(((2, 1, 4, 5),), _OVERLAP),
        Case(((1, 1, 5, 5),), _WIDE),
        Case(((0, 1, 2, 2),), _HALVES),
    ),
)

_scatter = Op(
    name="max_pool2d_scatter",
    forward=_max_scatter,
    vjps=(lambda g, _s, _ct, x, y, **attrs: _gather(g, x, y, **attrs), None, None),
    shape=lambda ct, x, y, **_: x,
    dtype=same_dtype,
    formula=Formula("max_pool2d_scatter({0})", r"\operatorname{{maxpool}}^T {0}", CALL),
    domain=_DISTINCT,
    flops=lambda out, ct, *_, kernel, **__: math.prod(ct) * math.prod(kernel),
    lower="window",
    cases=(Case(((1, 1, 2, 2), _GRID, _max_forward(_GRID, **_HALVES)), _HALVES),),
)

_gather = Op(
    name="max_pool2d_gather",
    forward=_max_gather,
    vjps=(lambda ct, _y, _g, x, y, **attrs: _scatter(ct, x, y, **attrs), None, None),
    shape=lambda g, x, y, **_: y,
    dtype=same_dtype,
    formula=Formula("max_pool2d_gather({0})", r"\operatorname{{maxpool}} {0}", CALL),
    domain=_DISTINCT,
    flops=_window_flops,
    lower="window",
    cases=(Case(((1, 1, 4, 4), _GRID, _max_forward(_GRID, **_HALVES)), _HALVES),),
)


# The mean.


def _counts(n: int, out: int, kernel: int, stride: int, padding: int, include_pad: bool) -> Array:
    """How many entries each window counts along one dimension: all but those beyond the padding, or beyond the end."""
    start = np.arange(out) * stride - padding
    edge = padding if include_pad else 0
    return np.minimum(start + kernel, n + edge) - np.maximum(start, -edge)


def _scaled(y: Array, size: Shape, kernel: Shape, stride: Shape, padding: Shape, include_pad: bool) -> Array:
    """``y`` divided by how many entries each window counts."""
    rows, columns = [
        _counts(n, o, k, s, p, include_pad)
        for n, o, k, s, p in zip(size, y.shape[2:], kernel, stride, padding, strict=True)
    ]
    if rows.size and columns.size and rows.min() == rows.max() and columns.min() == columns.max():
        return y * (1.0 / float(rows[0] * columns[0]))
    return y / np.multiply.outer(rows, columns).astype(y.dtype)


def _avg_forward(x: Array, kernel: Shape, stride: Shape, padding: Shape, ceil_mode: bool, include_pad: bool) -> Array:
    size = x.shape[2:]
    out = _pool_shape(x.shape, kernel, stride, padding, (1, 1), ceil_mode)[2:]
    x = _padded(x, out, kernel, stride, padding, (1, 1), 0)
    return _scaled(_reduced(np.add, x, out, kernel, stride, (1, 1)), size, kernel, stride, padding, include_pad)


def _avg_spread(
    ct: Array, size: Shape, kernel: Shape, stride: Shape, padding: Shape, ceil_mode: bool, include_pad: bool
) -> Array:
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


_MEANS: dict[str, Any] = {
    "kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "ceil_mode": False, "include_pad": True,
}  # fmt: skip
_MEANS_OVERLAP = _MEANS | {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 1), "ceil_mode": True}

_avg_pool = Op(
    name="avg_pool2d",
    forward=_avg_forward,
    vjps=(lambda ct, _y, _x, **attrs: _spread(ct, size=_x.shape[2:], **attrs),),
    shape=lambda s, include_pad, **attrs: _pool_shape(s, dilation=(1, 1), **attrs),
    dtype=same_dtype,
    formula=Formula("avg_pool2d({0})", r"\operatorname{{avgpool}} {0}", CALL),
    domain=REALS,
    flops=_window_flops,
    lower="window",
    cases=(
        Case(((2, 1, 4, 4),), _MEANS),
        Case(((1, 2, 5, 5),), _MEANS),
        Case(((2, 1, 4, 5),), _MEANS_OVERLAP),
        Case(((2, 1, 4, 5),), _MEANS_OVERLAP | {"include_pad": False}),
        Case(((0, 1, 2, 2),), _MEANS),
    ),
)

_spread = Op(
    name="avg_pool2d_spread",
    forward=_avg_spread,
    vjps=(lambda g, _s, _ct, size, **attrs: _avg_pool(g, **attrs),),
    shape=lambda ct, size, **_: (*ct[:2], *size),
    dtype=same_dtype,
    formula=Formula("avg_pool2d_spread({0})", r"\operatorname{{avgpool}}^T {0}", CALL),
    domain=REALS,
    flops=lambda out, ct, kernel, **__: math.prod(ct) * math.prod(kernel),
    lower="window",
    cases=(Case(((2, 1, 2, 2),), _MEANS | {"size": (5, 4)}),),
)


# The ways in.


def _windows(
    name: str, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, ndim: int
) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """The input as it came and as (N, C, H, W), and the arguments as those of two dimensions, checked."""
    x = as_tensor(x)
    image = batched(name, x, ndim)
    k = lengths(name, "kernel_size", kernel, ndim, 1)
    s = k if stride is None else lengths(name, "stride", stride, ndim, 1)
    p = lengths(name, "padding", padding, ndim, 0)
    d = lengths(name, "dilation", dilation, ndim, 1)
    if any(2 * q > n for q, n in zip(p, k, strict=True)):
        raise ArgumentError(
            f"{name}: padding={padding!r} is more than half of kernel_size={kernel!r}",
            "A window would hold nothing but padding; pad the input with F.pad instead.",
        )
    if ndim == 1:
        k, s, p, d = (1, *k), (1, *s), (0, *p), (1, *d)
    attrs = {"kernel": k, "stride": s, "padding": p, "dilation": d, "ceil_mode": bool(ceil_mode)}
    if min(_pool_shape(image.shape, **attrs)[2:]) < 1:
        raise ShapeError(
            f"{name}: a window of {list(k[-ndim:])} does not fit into an input of shape {list(x.shape)}",
            "Use a smaller kernel_size, more padding, or a larger input.",
        )
    return x, image, attrs


@front_door
def max_pool2d(
    input: Any,  # noqa: A002
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest entry of each window. The gradient goes to it; of equal ones, to the first.

    Args:
        input: (N, C, H, W), or (C, H, W).
        kernel_size: the window; a number, or one for rows and one for columns.
        stride: how far apart windows are; default ``kernel_size``.
        padding: rows and columns of −∞ around the input, at most half the window.
        dilation: how far apart the entries of a window are.
        ceil_mode: whether a last window may reach over the end.

    Returns:
        (N, C, OH, OW) with OH = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1, or ⌈…⌉.

    Raises:
        ShapeError: the window does not fit into the input.
        ArgumentError: a size below 1, or too much padding.

    Source:
        Goodfellow, Bengio and Courville, "Deep Learning" (2016), §9.3.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.max_pool2d(ur.tensor([[[[1.0, 2.0], [4.0, 3.0]]]]), 2).tolist()
        [[[[4.0]]]]
    """
    x, image, attrs = _windows("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, 2)
    return unbatched(_max_pool.run((image,), attrs), x, 2)


@front_door
def max_pool1d(
    input: Any,  # noqa: A002
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest entry of each window of a sequence: see :func:`max_pool2d`.

    Args:
        input: (N, C, L), or (C, L).
        kernel_size, stride, padding, dilation, ceil_mode: as for :func:`max_pool2d`.

    Returns:
        (N, C, OL).

    Raises:
        ShapeError, ArgumentError: as for :func:`max_pool2d`.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.max_pool1d(ur.tensor([[1.0, 2.0, 4.0, 3.0]]), 2).tolist()
        [[2.0, 4.0]]
    """
    x, image, attrs = _windows("max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode, 1)
    return unbatched(_max_pool.run((image,), attrs), x, 1)


def _mean_windows(
    name: str, x: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, include_pad: bool, divisor: Any, ndim: int
) -> Tensor:
    x, image, attrs = _windows(name, x, kernel, stride, padding, 1, ceil_mode, ndim)
    del attrs["dilation"]
    if image.dtype.kind != "f":
        image = image.float()
    out = _avg_pool.run((image,), attrs | {"include_pad": bool(include_pad) or divisor is not None})
    if divisor is not None:
        if not divisor:
            raise ArgumentError(f"{name}: divisor_override={divisor!r}", "Give a number other than 0.")
        if ceil_mode:
            raise ArgumentError(f"{name}: divisor_override and ceil_mode together are not supported", "Use one of them.")
        out = out * (math.prod(attrs["kernel"]) / float(divisor))
    return unbatched(out, x, ndim)


@front_door
def avg_pool2d(
    input: Any,  # noqa: A002
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: (N, C, H, W), or (C, H, W).
        kernel_size, stride, padding, ceil_mode: as for :func:`max_pool2d`, but padded with zeros.
        count_include_pad: whether the zeros count.
        divisor_override: divide the sum by this number instead.

    Returns:
        (N, C, OH, OW).

    Raises:
        ShapeError: the window does not fit into the input.
        ArgumentError: a size below 1, or too much padding.

    Source:
        LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
        Proceedings of the IEEE 86 (1998), §II.B ("sub-sampling").

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.avg_pool2d(ur.tensor([[[[1.0, 2.0], [4.0, 3.0]]]]), 2).tolist()
        [[[[2.5]]]]
    """
    return _mean_windows(
        "avg_pool2d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2
    )


@front_door
def avg_pool1d(
    input: Any,  # noqa: A002
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a sequence: see :func:`avg_pool2d`.

    Args:
        input: (N, C, L), or (C, L).
        kernel_size, stride, padding, ceil_mode, count_include_pad: as for :func:`avg_pool2d`.

    Returns:
        (N, C, OL).

    Raises:
        ShapeError, ArgumentError: as for :func:`avg_pool2d`.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.avg_pool1d(ur.tensor([[1.0, 3.0, 4.0, 6.0]]), 2).tolist()
        [[2.0, 5.0]]
    """
    return _mean_windows("avg_pool1d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, 1)


# As many windows as one asks for: window i reaches from ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉.


def _bounds(n: int, m: int) -> list[tuple[int, int]]:
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def _targets(name: str, x: Any, output_size: Any, ndim: int) -> tuple[Tensor, Tensor, Shape]:
    x = as_tensor(x)
    image = batched(name, x, ndim)
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * ndim  # type: ignore[reportUnknownArgumentType]
    sizes = [n if v is None else v for v, n in zip(given, x.shape[-ndim:], strict=False)]
    found = lengths(name, "output_size", sizes, ndim, 1)
    if 0 in x.shape[-ndim:]:
        raise ShapeError(f"{name}: an input of shape {list(x.shape)} has nothing to pool")
    return x, image, found if ndim == 2 else (1, *found)


def _adaptive_avg(name: str, x: Any, output_size: Any, ndim: int) -> Tensor:
    x, image, out = _targets(name, x, output_size, ndim)
    size = image.shape[2:]
    if all(n % m == 0 for n, m in zip(size, out, strict=True)):
        kernel = (size[0] // out[0], size[1] // out[1])
        attrs = _MEANS | {"kernel": kernel, "stride": kernel}
        return unbatched(_avg_pool.run((image,), attrs), x, ndim)
    for dim, (n, m) in enumerate(zip(size, out, strict=True), 2):
        weights = np.zeros((m, n), image.dtype)
        for i, (start, stop) in enumerate(_bounds(n, m)):
            weights[i, start:stop] = 1.0 / (stop - start)
        image = along(image, weights, dim)
    return unbatched(image, x, ndim)


def _adaptive_max(name: str, x: Any, output_size: Any, ndim: int) -> Tensor:
    x, image, out = _targets(name, x, output_size, ndim)
    kernel: list[int] = []
    for dim, (n, m) in enumerate(zip(image.shape[2:], out, strict=True), 2):
        bounds = _bounds(n, m)
        kernel.append(max(stop - start for start, stop in bounds))
        if n != m * kernel[-1]:
            # Windows of one length, side by side: shorter ones have their last entry repeated.
            places = [min(start + k, stop - 1) for start, stop in bounds for k in range(kernel[-1])]
            image = ops.index_select(image, dim, wrap(np.array(places), None))
    return unbatched(_max_pool.run((image,), _HALVES | {"kernel": tuple(kernel), "stride": tuple(kernel)}), x, ndim)


@front_door
def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:  # noqa: A002
    """The means of as many windows as one asks for: window i of m is from ⌊i·H/m⌋ to ⌈(i + 1)·H/m⌉.

    Args:
        input: (N, C, H, W), or (C, H, W).
        output_size: a number, or (height, width); None keeps a length.

    Returns:
        (N, C, *output_size).

    Raises:
        ShapeError: the input is empty, or has another number of dimensions.
        ArgumentError: a size below 1.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.adaptive_avg_pool2d(ur.tensor([[[[1.0, 2.0, 6.0]]]]), (1, 2)).tolist()
        [[[[1.5, 4.0]]]]
    """
    return _adaptive_avg("adaptive_avg_pool2d", input, output_size, 2)


@front_door
def adaptive_avg_pool1d(input: Any, output_size: Any) -> Tensor:  # noqa: A002
    """The means of as many windows as one asks for: see :func:`adaptive_avg_pool2d`, with (N, C, L) or (C, L)."""
    return _adaptive_avg("adaptive_avg_pool1d", input, output_size, 1)


@front_door
def adaptive_max_pool2d(input: Any, output_size: Any) -> Tensor:  # noqa: A002
    """The largest entries of as many windows as one asks for: windows as in :func:`adaptive_avg_pool2d`."""
    return _adaptive_max("adaptive_max_pool2d", input, output_size, 2)


@front_door
def adaptive_max_pool1d(input: Any, output_size: Any) -> Tensor:  # noqa: A002
    """The largest entries of as many windows as one asks for, of (N, C, L) or (C, L)."""
    return _adaptive_max("adaptive_max_pool1d", input, output_size, 1)
