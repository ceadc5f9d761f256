"""Pooling: a window slid over an image, and of each window the largest entry, or the mean.

The gradient of a maximum goes to where it stood: that is a scatter, whose own gradient is the gather from
the same places, and the gradient of that the scatter again. The mean is linear, and so is its gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Domain, Formula, Interval, Op
from ..core.registry import front_door
from ..core.tensor import Tensor, as_tensor
from ..errors import ArgumentError, DTypeError, ShapeError
from . import pool_kernels
from .align import same_dtype
from .conv import batched, lengths, unbatched
from .pool_kernels import Shape, pool_shape


def _window_flops(out: Shape, *_: Shape, kernel: Shape, **__: Any) -> int:
    return math.prod(out) * math.prod(kernel)


_DISTINCT = Domain((Interval(),), ties="of equal entries the first gets all", distinct=True)
HALVES: dict[str, Any] = {
    "kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil_mode": False,
}  # fmt: skip
_OVERLAP = HALVES | {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 1), "ceil_mode": True}
_WIDE = HALVES | {"dilation": (2, 1), "stride": (1, 3)}
_GRID = np.arange(16).reshape(1, 1, 4, 4)  # integers: a case gives them as they are


def _geometry(kernel: Shape, stride: Shape, padding: Shape, dilation: Shape = (1, 1), **_: Any) -> dict[str, Any]:
    return {"window": kernel, "stride": stride, "padding": padding, "dilation": dilation}


max_record = Op(
    name="max_pool2d",
    forward=pool_kernels.max_windows,
    vjps=(lambda ct, y, x, **attrs: _scatter(ct, x, y, **attrs),),
    shape=pool_shape,
    dtype=same_dtype,
    formula=Formula("max_pool2d({0})", r"\operatorname{{maxpool}} {0}", CALL),
    domain=_DISTINCT,
    flops=_window_flops,
    lower=lambda m, x, **attrs: m.pool("max", x, pool_shape(x.shape, **attrs), **_geometry(**attrs)),
    cases=(
        Case(((2, 1, 4, 4),), HALVES),
        Case(((1, 2, 5, 5),), HALVES),
        Case(((2, 1, 4, 5),), _OVERLAP),
        Case(((1, 1, 5, 5),), _WIDE),
        Case(((0, 1, 2, 2),), HALVES),
    ),
)


def _scatter_recipe(m: Any, ct: Any, x: Any, y: Any, **attrs: Any) -> Any:
    one = ct.dtype if ct.dtype == x.dtype else np.float64  # what a kernel compares and adds has one dtype
    back = m.pool_back("max", *[m.cast(t, one) for t in (ct, x, y)], shape=x.shape, **_geometry(**attrs))
    return m.cast(back, ct.dtype)


_scatter: Op = Op(
    name="max_pool2d_scatter",
    forward=pool_kernels.max_scatter,
    vjps=(lambda g, _s, _ct, x, y, **attrs: _gather(g, x, y, **attrs), None, None),
    shape=lambda ct, x, y, **_: x,
    dtype=same_dtype,
    formula=Formula("max_pool2d_scatter({0})", r"\operatorname{{maxpool}}^T {0}", CALL),
    domain=_DISTINCT,
    flops=lambda out, ct, *_, kernel, **__: math.prod(ct) * math.prod(kernel),
    lower=lambda m, ct, x, y, **attrs: _scatter_recipe(m, ct, x, y, **attrs),
    cases=(Case(((1, 1, 2, 2), _GRID, pool_kernels.max_windows(_GRID, **HALVES)), HALVES),),
)

_gather: Op = Op(
    name="max_pool2d_gather",
    forward=pool_kernels.max_gather,
    vjps=(lambda ct, _y, _g, x, y, **attrs: _scatter(ct, x, y, **attrs), None, None),
    shape=lambda g, x, y, **_: y,
    dtype=same_dtype,
    formula=Formula("max_pool2d_gather({0})", r"\operatorname{{maxpool}} {0}", CALL),
    domain=_DISTINCT,
    flops=_window_flops,
    lower=None,
    cases=(Case(((1, 1, 4, 4), _GRID, pool_kernels.max_windows(_GRID, **HALVES)), HALVES),),
)


MEANS: dict[str, Any] = {
    "kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "ceil_mode": False, "include_pad": True,
}  # fmt: skip
_MEANS_OVERLAP = MEANS | {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 1), "ceil_mode": True}


def _counted(m: Any, y: Any, size: Shape, **attrs: Any) -> Any:
    """``y`` divided by how many entries each window counts."""
    n = pool_kernels.window_counts(size, y.shape[2:], **attrs)
    return y * (1.0 / float(n.flat[0])) if n.size and n.min() == n.max() else y / m.constant(n.astype(y.dtype))


def _mean_recipe(m: Any, x: Any, ceil_mode: bool, include_pad: bool, **attrs: Any) -> Any:
    shape = pool_shape(x.shape, ceil_mode=ceil_mode, dilation=(1, 1), **attrs)
    return _counted(m, m.pool("add", x, shape, **_geometry(**attrs)), x.shape[2:], include_pad=include_pad, **attrs)


def _spread_recipe(m: Any, ct: Any, size: Shape, ceil_mode: bool, include_pad: bool, **attrs: Any) -> Any:
    ct = _counted(m, ct, size, include_pad=include_pad, **attrs)
    return m.pool_back("add", ct, shape=(*ct.shape[:2], *size), **_geometry(**attrs))


avg_record = Op(
    name="avg_pool2d",
    forward=pool_kernels.mean_windows,
    vjps=(lambda ct, _y, _x, **attrs: _spread(ct, size=_x.shape[2:], **attrs),),
    shape=lambda s, include_pad, **attrs: pool_shape(s, dilation=(1, 1), **attrs),
    dtype=same_dtype,
    formula=Formula("avg_pool2d({0})", r"\operatorname{{avgpool}} {0}", CALL),
    domain=REALS,
    flops=_window_flops,
    lower=lambda m, x, **attrs: _mean_recipe(m, x, **attrs),
    cases=(
        Case(((2, 1, 4, 4),), MEANS),
        Case(((1, 2, 5, 5),), MEANS),
        Case(((2, 1, 4, 5),), _MEANS_OVERLAP),
        Case(((2, 1, 4, 5),), _MEANS_OVERLAP | {"include_pad": False}),
        Case(((0, 1, 2, 2),), MEANS),
    ),
)

_spread: Op = Op(
    name="avg_pool2d_spread",
    forward=pool_kernels.mean_spread,
    vjps=(lambda g, _s, _ct, size, **attrs: avg_record(g, **attrs),),
    shape=lambda ct, size, **_: (*ct[:2], *size),
    dtype=same_dtype,
    formula=Formula("avg_pool2d_spread({0})", r"\operatorname{{avgpool}}^T {0}", CALL),
    domain=REALS,
    flops=lambda out, ct, kernel, **__: math.prod(ct) * math.prod(kernel),
    lower=lambda m, ct, **attrs: _spread_recipe(m, ct, **attrs),
    cases=(Case(((2, 1, 2, 2),), MEANS | {"size": (5, 4)}),),
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
    attrs: dict[str, Any] = {"kernel": k, "stride": s, "padding": p, "dilation": d, "ceil_mode": bool(ceil_mode)}
    if min(pool_shape(image.shape, **attrs)[2:]) < 1:
        raise ShapeError(
            f"{name}: a window of {list(k[-ndim:])} does not fit into an input of shape {list(x.shape)}",
            "Use a smaller kernel_size, more padding, or a larger input.",
        )
    return x, image, attrs


@front_door
def max_pool2d(
    input: Any,
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
    return unbatched(max_record.run((image,), attrs), x, 2)


@front_door
def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest entry of each window of a sequence: see :func:`max_pool2d`.

    Args:
        input: (N, C, L), or (C, L).
        kernel_size: as for :func:`max_pool2d`, one number.
        stride: likewise.
        padding: likewise.
        dilation: likewise.
        ceil_mode: likewise.

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
    return unbatched(max_record.run((image,), attrs), x, 1)


def need_mean(name: str, x: Tensor) -> None:
    """Check that ``x`` has a mean of its own dtype.

    Raises:
        DTypeError: it holds integers or booleans.
    """
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: values of dtype {x.dtype} have no mean of that dtype", "Convert first: x.float().")


def _mean_windows(
    name: str,
    x: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    include_pad: bool,
    divisor: Any,
    ndim: int,
) -> Tensor:
    x, image, attrs = _windows(name, x, kernel, stride, padding, 1, ceil_mode, ndim)
    del attrs["dilation"]
    need_mean(name, x)
    out = avg_record.run((image,), attrs | {"include_pad": bool(include_pad) or divisor is not None})
    if divisor is not None:
        if not divisor:
            raise ArgumentError(f"{name}: divisor_override={divisor!r}", "Give a number other than 0.")
        if ceil_mode:
            raise ArgumentError(
                f"{name}: divisor_override and ceil_mode together are not supported", "Use one of them."
            )
        out = out * (math.prod(attrs["kernel"]) / float(divisor))
    return unbatched(out, x, ndim)


@front_door
def avg_pool2d(
    input: Any,
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
        kernel_size: as for :func:`max_pool2d`.
        stride: likewise.
        padding: likewise, but of zeros.
        ceil_mode: likewise.
        count_include_pad: whether the zeros count.
        divisor_override: divide the sum by this number instead.

    Returns:
        (N, C, OH, OW).

    Raises:
        ShapeError: the window does not fit into the input.
        ArgumentError: a size below 1, or too much padding.
        DTypeError: the values are not floats.

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
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a sequence: see :func:`avg_pool2d`.

    Args:
        input: (N, C, L), or (C, L).
        kernel_size: as for :func:`avg_pool2d`, one number.
        stride: likewise.
        padding: likewise.
        ceil_mode: likewise.
        count_include_pad: likewise.

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
