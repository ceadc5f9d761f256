"""Layers that only move entries about."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .. import functional as F
from ..module import Module
from .sizes import check_size


class Flatten(Module):
    """The dimensions from ``start_dim`` to ``end_dim`` made one; by default all but the first.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Flatten()(ur.zeros(2, 3, 4)).shape
        (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Tensor:
        """The input with fewer dimensions."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """The dimension ``dim`` made several, of lengths ``unflattened_size``; one of them may be −1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Unflatten(1, (3, 4))(ur.zeros(2, 12)).shape
        (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Tensor:
        """The input with more dimensions."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Upsample(Module):
    """The input enlarged along its spatial dimensions, by repeating or by interpolating.

    Args:
        size: the spatial lengths to reach; or
        scale_factor: what to multiply them by.
        mode: ``"nearest"``, ``"linear"`` or ``"bilinear"``.
        align_corners: whether the outermost points stay where they are (for interpolating modes).
        recompute_scale_factor: as in PyTorch.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Upsample(scale_factor=2)(ur.zeros(1, 3, 4, 4)).shape
        (1, 3, 8, 8)
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        given = isinstance(scale_factor, (tuple, list))
        self.scale_factor: Any = (
            tuple([float(f) for f in scale_factor]) if given else float(scale_factor) if scale_factor else None
        )
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Tensor:
        """(N, C, ...) → (N, C, larger ...)."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        how = f"scale_factor={self.scale_factor}" if self.scale_factor is not None else f"size={self.size}"
        return f"{how}, mode={self.mode!r}"


class PixelShuffle(Module):
    """Groups of r² channels spread over squares of r × r places: (N, C·r², H, W) → (N, C, H·r, W·r).

    Source: Shi and others, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network" (2016), equation 4.

    Example:
        >>> import upriver as ur
        >>> ur.nn.PixelShuffle(2)(ur.zeros(1, 8, 3, 3)).shape
        (1, 2, 6, 6)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        check_size("PixelShuffle", upscale_factor=upscale_factor)
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Tensor:
        """(N, C·r², H, W) → (N, C, H·r, W·r)."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Squares of r × r places gathered into channels: (N, C, H·r, W·r) → (N, C·r², H, W).

    Example:
        >>> import upriver as ur
        >>> ur.nn.PixelUnshuffle(2)(ur.zeros(1, 2, 6, 6)).shape
        (1, 8, 3, 3)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        check_size("PixelUnshuffle", downscale_factor=downscale_factor)
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Tensor:
        """(N, C, H·r, W·r) → (N, C·r², H, W)."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ZeroPad2d(Module):
    """Zeros around a picture: as many left, right, above and below as ``padding`` says, or one number for all.

    Example:
        >>> import upriver as ur
        >>> ur.nn.ZeroPad2d((1, 1, 0, 2))(ur.zeros(1, 1, 3, 3)).shape
        (1, 1, 5, 5)
    """

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = (padding,) * 4 if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Any) -> Tensor:
        """(N, C, H, W) → (N, C, above + H + below, left + W + right)."""
        return F.pad(input, self.padding)

    def extra_repr(self) -> str:
        return str(self.padding)
