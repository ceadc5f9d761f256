"""Images made larger or smaller: each row, then each column, a weighted sum of some of the old ones.

Every mode is linear and separable, so it is two products with small matrices of weights, made once for each
pair of lengths; enlarging to the nearest by whole numbers is a repetition and needs no product.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ArgumentError, DTypeError, ShapeError, either
from .align import broadcast_to
from .linalg import matmul
from .shape import permute, reshape

Shape = tuple[int, ...]
_MODES = {"nearest": 1, "nearest-exact": 1, "linear": 1, "bilinear": 2, "bicubic": 2, "area": 1}


def along(x: Tensor, weights: Array, dim: int) -> Tensor:
    """``x`` with its dimension ``dim`` (one of the last two) replaced by weighted sums: ``weights`` is (new, old)."""
    return matmul(literal(weights), x) if dim % x.ndim == x.ndim - 2 else matmul(x, literal(weights.T))


def _cubic(t: Array) -> Array:
    """The cubic kernel with a = −3/4 at distance |t| < 2: Keys, "Cubic convolution interpolation" (1981), eq. 8."""
    a, t = -0.75, np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    return np.where(t <= 1, near, np.where(t < 2, a * (((t - 5) * t + 8) * t - 4), 0.0))


@lru_cache(maxsize=64)
def _weights(new: int, old: int, mode: str, align_corners: bool, scale: float, dtype: Any) -> Array:
    """The weights (new, old) of one dimension; ``scale`` is old places per new place."""
    i = np.arange(new)
    matrix = np.zeros((new, old))
    if mode.startswith("nearest"):
        place = i + 0.5 if mode == "nearest-exact" else i
        matrix[i, np.minimum(np.floor(place * scale).astype(np.int64), old - 1)] = 1.0
        return matrix.astype(dtype)
    at = i * ((old - 1) / (new - 1) if new > 1 else 0.0) if align_corners else (i + 0.5) * scale - 0.5
    if mode == "bicubic":
        for k in range(-1, 3):
            place = np.floor(at).astype(np.int64) + k
            np.add.at(matrix, (i, np.clip(place, 0, old - 1)), _cubic(at - place))
    else:
        at = np.clip(at, 0, old - 1)
        low = np.floor(at).astype(np.int64)
        matrix[i, low] = 1.0 - (at - low)
        matrix[i, np.minimum(low + 1, old - 1)] += at - low
    return matrix.astype(dtype)


def _repeated(x: Tensor, times: Shape) -> Tensor:
    """Each entry of the last dimensions repeated ``times``, next to one another."""
    space = x.shape[x.ndim - len(times) :]
    lead = x.shape[: x.ndim - len(times)]
    apart = lead + tuple([m for n in space for m in (n, 1)])
    full = lead + tuple([m for n, k in zip(space, times, strict=True) for m in (n, k)])
    joined = lead + tuple([n * k for n, k in zip(space, times, strict=True)])
    return reshape(broadcast_to(reshape(x, apart), shape=full), joined)


@front_door
def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The image (or sequence) at another size.

    Args:
        input: (N, C, L), or (N, C, H, W).
        size: the new length, or (height, width).
        scale_factor: instead of ``size``: how many times larger; a number, or one for each dimension.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"`` (sequences), ``"bilinear"``, ``"bicubic"`` (images)
            or ``"area"`` (the mean of what a new place covers).
        align_corners: for the last three but area: whether the outermost entries of both sizes lie on each other.
        recompute_scale_factor: whether to forget ``scale_factor`` once the size is known.
        antialias: not supported.

    Returns:
        (N, C, new length), or (N, C, new height, new width).

    Raises:
        ShapeError: the input has no such number of dimensions.
        ArgumentError: not exactly one of ``size`` and ``scale_factor``, or an unknown mode.
        DTypeError: the values are not floats.

    Source:
        Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics,
        Speech and Signal Processing 29 (1981), for bicubic.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.interpolate(ur.tensor([[[1.0, 3.0]]]), scale_factor=2).tolist()
        [[[1.0, 1.0, 3.0, 3.0]]]
        >>> F.interpolate(ur.tensor([[[1.0, 3.0]]]), size=3, mode="linear", align_corners=True).tolist()
        [[[1.0, 2.0, 3.0]]]
    """
    x = as_tensor(input)
    ndim = x.ndim - 2
    _check(x, mode, align_corners, antialias)
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate: give size or scale_factor", "One of the two, not both.")
    given: Any = scale_factor if size is None else size
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * ndim
    space = x.shape[2:]
    new = tuple([int(n * v) if size is None else int(v) for n, v in zip(space, values, strict=False)])
    if len(values) != ndim or min(new) < 1 or min(space) < 1:
        raise ShapeError(f"interpolate: shape {list(x.shape)} cannot be resized to {list(new)}")
    if mode == "area":
        return _area(x, new)
    exact = size is not None or recompute_scale_factor
    scales = [n / m if exact else 1.0 / v for n, m, v in zip(space, new, values, strict=True)]
    times = tuple([m // n for n, m in zip(space, new, strict=True)])
    if mode.startswith("nearest") and all(
        m == n * k and s * k == 1 for n, m, k, s in zip(space, new, times, scales, strict=True)
    ):
        return _repeated(x, times)
    for dim, (n, m, scale) in enumerate(zip(space, new, scales, strict=True), 2):
        if m != n or scale != 1:
            weights = _weights(m, n, mode, bool(align_corners), scale, x.dtype)
            x = along(x, weights, dim)
    return x


def _check(x: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode not in _MODES:
        raise ArgumentError(f"interpolate: mode={mode!r}", f"Use one of {', '.join(_MODES)}.")
    if align_corners is not None and (mode == "area" or mode.startswith("nearest")):
        raise ArgumentError(f"interpolate: align_corners has no meaning for mode={mode!r}", "Leave it out.")
    if antialias:
        raise ArgumentError("interpolate: antialias=True is not supported", "Use mode='area' to make images smaller.")
    ndim = x.ndim - 2
    wanted = (1,) if mode == "linear" else (2,) if _MODES[mode] == 2 else (1, 2)
    if ndim not in wanted:
        forms = either("(N, C, L)" if n == 1 else "(N, C, H, W)" for n in wanted)
        raise ShapeError(f"interpolate: an input of shape {list(x.shape)} is not {forms}", "Choose another mode.")
    if x.dtype.kind != "f":
        raise DTypeError(f"interpolate: values of dtype {x.dtype} cannot be weighted", "Convert first: x.float().")


def _area(x: Tensor, new: Shape) -> Tensor:
    from .adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d

    return adaptive_avg_pool2d(x, new) if len(new) == 2 else adaptive_avg_pool1d(x, new)


@front_door
def upsample(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The image (or sequence) at another size: :func:`interpolate` under its former name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


@front_door
def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    """r² channels laid out as one channel of an image r times as high and wide.

    Args:
        input: (..., C·r², H, W).
        upscale_factor: r.

    Returns:
        (..., C, H·r, W·r).

    Raises:
        ShapeError: the channels cannot be divided by r².

    Source:
        Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
        convolutional neural network" (2016), eq. 4.

    Example:
        >>> import upriver as ur
        >>> import upriver.nn.functional as F
        >>> F.pixel_shuffle(ur.tensor([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), 2).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]
    """
    x, r = as_tensor(input), int(upscale_factor)
    if x.ndim < 3 or r < 1 or x.shape[-3] % (r * r):
        raise ShapeError(
            f"pixel_shuffle: shape {list(x.shape)} does not have a multiple of {r * r} channels",
            "It must be (..., C * upscale_factor², H, W).",
        )
    *lead, c, h, w = x.shape
    x = reshape(x, (math.prod(lead), c // (r * r), r, r, h, w))
    return reshape(permute(x, 0, 1, 4, 2, 5, 3), (*lead, c // (r * r), h * r, w * r))


@front_door
def pixel_unshuffle(input: Any, downscale_factor: int) -> Tensor:
    """The inverse of :func:`pixel_shuffle`: (..., C, H·r, W·r) as (..., C·r², H, W).

    Raises:
        ShapeError: height or width cannot be divided by r.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.pixel_unshuffle(ur.zeros(1, 1, 4, 6), 2).shape
        (1, 4, 2, 3)
    """
    x, r = as_tensor(input), int(downscale_factor)
    if x.ndim < 3 or r < 1 or x.shape[-1] % r or x.shape[-2] % r:
        raise ShapeError(f"pixel_unshuffle: height and width of shape {list(x.shape)} are not multiples of {r}")
    *lead, c, h, w = x.shape
    x = reshape(x, (math.prod(lead), c, h // r, r, w // r, r))
    return reshape(permute(x, 0, 1, 3, 5, 2, 4), (*lead, c * r * r, h // r, w // r))
