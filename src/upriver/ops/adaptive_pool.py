"""Adaptive pooling: as many windows as one asks for, whatever the size of the image.

Window i of m reaches from ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉, so that windows may overlap by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.registry import front_door, ops
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ShapeError
from .conv import batched, lengths, unbatched
from .pool import HALVES, MEANS, avg_record, max_record, need_mean
from .resize import along

Shape = tuple[int, ...]


def _bounds(n: int, m: int) -> list[tuple[int, int]]:
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def _targets(name: str, x: Any, output_size: Any, ndim: int) -> tuple[Tensor, Tensor, Shape]:
    x = as_tensor(x)
    image = batched(name, x, ndim)
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * ndim
    sizes = [n if v is None else v for v, n in zip(given, x.shape[-ndim:], strict=False)]
    found = lengths(name, "output_size", sizes, ndim, 1)
    if 0 in x.shape[-ndim:]:
        raise ShapeError(f"{name}: an input of shape {list(x.shape)} has nothing to pool")
    return x, image, found if ndim == 2 else (1, *found)


def _adaptive_avg(name: str, x: Any, output_size: Any, ndim: int) -> Tensor:
    x, image, out = _targets(name, x, output_size, ndim)
    need_mean(name, x)
    size = image.shape[2:]
    if all(n % m == 0 for n, m in zip(size, out, strict=True)):
        kernel = (size[0] // out[0], size[1] // out[1])
        attrs = MEANS | {"kernel": kernel, "stride": kernel}
        return unbatched(avg_record.run((image,), attrs), x, ndim)
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
            image = ops.index_select(image, dim, literal(np.array(places)))
    return unbatched(max_record.run((image,), HALVES | {"kernel": tuple(kernel), "stride": tuple(kernel)}), x, ndim)


@front_door
def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
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
def adaptive_avg_pool1d(input: Any, output_size: Any) -> Tensor:
    """The means of as many windows as one asks for: see :func:`adaptive_avg_pool2d`, with (N, C, L) or (C, L).

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.adaptive_avg_pool1d(ur.arange(4.0).reshape(1, 1, 4), 2).tolist()
        [[[0.5, 2.5]]]
    """
    return _adaptive_avg("adaptive_avg_pool1d", input, output_size, 1)


@front_door
def adaptive_max_pool2d(input: Any, output_size: Any) -> Tensor:
    """The largest entries of as many windows as one asks for: windows as in :func:`adaptive_avg_pool2d`.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.adaptive_max_pool2d(ur.arange(4.0).reshape(1, 1, 2, 2), 1).tolist()
        [[[[3.0]]]]
    """
    return _adaptive_max("adaptive_max_pool2d", input, output_size, 2)


@front_door
def adaptive_max_pool1d(input: Any, output_size: Any) -> Tensor:
    """The largest entries of as many windows as one asks for, of (N, C, L) or (C, L).

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.adaptive_max_pool1d(ur.arange(4.0).reshape(1, 1, 4), 2).tolist()
        [[[1.0, 3.0]]]
    """
    return _adaptive_max("adaptive_max_pool1d", input, output_size, 1)
