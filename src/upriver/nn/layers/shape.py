"""Layers that only move entries about."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .. import functional as F
from ..module import Module


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
