"""Pooling: a window made one entry, by its largest or its mean."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from ...errors import ArgumentError
from .. import functional as F
from ..module import Module
from .sizes import ntuple


class _Pool(Module):
    """A window that moves; ``stride`` is the window's size unless given."""

    dims: int

    def __init__(self, kernel_size: Any, stride: Any, padding: Any) -> None:
        super().__init__()
        name = type(self).__name__
        # Checked for every dimension; kept as given, which is how PyTorch shows them.
        sizes = ntuple(name, "kernel_size", kernel_size, self.dims)
        ntuple(name, "stride", kernel_size if stride is None else stride, self.dims)
        pads = ntuple(name, "padding", padding, self.dims, least=0)
        if any(2 * p > k for p, k in zip(pads, sizes, strict=True)):
            raise ArgumentError(
                f"{name}: padding={padding} is more than half of kernel_size={kernel_size}",
                "A window must meet at least one entry: use a smaller padding.",
            )
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride


class _MaxPool(_Pool):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        ntuple(type(self).__name__, "dilation", dilation, self.dims)
        if return_indices:
            raise ArgumentError(f"{type(self).__name__}: return_indices is not available")
        self.dilation, self.ceil_mode = dilation, ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest entry of every window of a sequence: (N, C, L) → (N, C, L_out).

    Example:
        >>> import upriver as ur
        >>> ur.nn.MaxPool1d(2)(ur.tensor([[[1.0, 5.0, 2.0, 3.0]]])).tolist()
        [[[5.0, 3.0]]]
    """

    dims = 1

    def forward(self, input: Any) -> Tensor:
        """(N, C, L) → (N, C, L_out)."""
        return F.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class MaxPool2d(_MaxPool):
    """The largest entry of every window of a picture: (N, C, H, W) → (N, C, H_out, W_out).

    Args:
        kernel_size: lengths of the window.
        stride: steps between windows; default the window's lengths.
        padding: entries of −∞ added on both sides.
        dilation: steps between the entries of a window.
        return_indices: not available.
        ceil_mode: whether a last window may reach over the edge.

    Example:
        >>> import upriver as ur
        >>> ur.nn.MaxPool2d(2)(ur.zeros(1, 3, 8, 8)).shape
        (1, 3, 4, 4)
    """

    dims = 2

    def forward(self, input: Any) -> Tensor:
        """(N, C, H, W) → (N, C, H_out, W_out)."""
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool1d(_Pool):
    """The mean of every window of a sequence: (N, C, L) → (N, C, L_out).

    Example:
        >>> import upriver as ur
        >>> ur.nn.AvgPool1d(2)(ur.tensor([[[1.0, 5.0, 2.0, 4.0]]])).tolist()
        [[[3.0, 3.0]]]
    """

    dims = 1

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.kernel_size = ntuple("AvgPool1d", "kernel_size", kernel_size, 1)
        self.stride = ntuple("AvgPool1d", "stride", self.stride, 1)
        self.padding = ntuple("AvgPool1d", "padding", padding, 1, least=0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Any) -> Tensor:
        """(N, C, L) → (N, C, L_out)."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_Pool):
    """The mean of every window of a picture: (N, C, H, W) → (N, C, H_out, W_out).

    Args:
        kernel_size: lengths of the window.
        stride: steps between windows; default the window's lengths.
        padding: zeros added on both sides.
        ceil_mode: whether a last window may reach over the edge.
        count_include_pad: whether added zeros count in the mean.
        divisor_override: a number to divide the sum by, instead of the window's size.

    Example:
        >>> import upriver as ur
        >>> ur.nn.AvgPool2d(2)(ur.zeros(1, 3, 8, 8)).shape
        (1, 3, 4, 4)
    """

    dims = 2

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Any) -> Tensor:
        """(N, C, H, W) → (N, C, H_out, W_out)."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means of as many windows as the output shall have entries: (N, C, L) → (N, C, output_size).

    Example:
        >>> import upriver as ur
        >>> ur.nn.AdaptiveAvgPool1d(1)(ur.tensor([[[1.0, 2.0, 6.0]]])).tolist()
        [[[3.0]]]
    """

    def forward(self, input: Any) -> Tensor:
        """(N, C, L) → (N, C, output_size)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means of as many windows as the output shall have entries: (N, C, H, W) → (N, C, *output_size).

    Args:
        output_size: one length for both dimensions, or two; None keeps a length.

    Example:
        >>> import upriver as ur
        >>> ur.nn.AdaptiveAvgPool2d(1)(ur.zeros(2, 3, 7, 5)).shape
        (2, 3, 1, 1)
    """

    def forward(self, input: Any) -> Tensor:
        """(N, C, H, W) → (N, C, *output_size)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptivePool):
    """The largest entries of as many windows as the output shall have: (N, C, L) → (N, C, output_size).

    Example:
        >>> import upriver as ur
        >>> ur.nn.AdaptiveMaxPool1d(1)(ur.tensor([[[1.0, 2.0, 6.0]]])).tolist()
        [[[6.0]]]
    """

    def forward(self, input: Any) -> Tensor:
        """(N, C, L) → (N, C, output_size)."""
        return F.adaptive_max_pool1d(input, self.output_size)


class AdaptiveMaxPool2d(_AdaptivePool):
    """The largest entries of as many windows as the output shall have: (N, C, H, W) → (N, C, *output_size).

    Args:
        output_size: one length for both dimensions, or two; None keeps a length.

    Example:
        >>> import upriver as ur
        >>> ur.nn.AdaptiveMaxPool2d(2)(ur.zeros(2, 3, 7, 5)).shape
        (2, 3, 2, 2)
    """

    def forward(self, input: Any) -> Tensor:
        """(N, C, H, W) → (N, C, *output_size)."""
        return F.adaptive_max_pool2d(input, self.output_size)
