"""The order of images in memory: channels last where vectors run along them.

Kernels of convolutions and windows hold neighbouring channels in a register, so that their results lie with the
channels innermost; so does whatever is computed from these entry by entry. All else lies in row-major order.
"""

from __future__ import annotations

from ..primitives.indexing import Strides
from ..primitives.prims import Prim, Shape

IMAGES = frozenset(("conv", "conv_input", "pool", "pool_back"))
"""What results in images."""


def channels_last(shape: Shape) -> Strides:
    """The strides of images (N, C, H, W) that lie as (N, H, W, C).

    Example:
        >>> channels_last((2, 3, 4, 5))
        (60, 1, 15, 3)
    """
    _, c, h, w = shape
    return c * h * w, 1, w * c, c


def is_channels_last(shape: Shape, strides: Strides) -> bool:
    """Whether images lie so, and not in row-major order at the same time."""
    if len(shape) != 4 or shape[1] == 1 or shape[2] * shape[3] == 1:
        return False
    return all([n == 1 or s == t for n, s, t in zip(shape, strides, channels_last(shape), strict=True)])


def preferred(prim: Prim, sources: list[tuple[Prim, Strides]]) -> Strides | None:
    """How a result should lie, by what it is computed from; None for row-major order.

    Arguments:
        prim: the primitive.
        sources: for each argument what it is of, and its strides.
    """
    shape = prim.shape
    if len(shape) != 4 or shape[1] == 1:
        return None
    if prim.kind in ("conv", "conv_input"):
        return channels_last(shape)
    if prim.kind in ("map", "pool", "pool_back"):
        for arg, (base, strides) in zip(prim.args, sources, strict=True):
            if base.kind in IMAGES | {"map"} and is_channels_last(arg.shape, strides):
                return channels_last(shape)
    return None
