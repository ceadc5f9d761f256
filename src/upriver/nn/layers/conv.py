"""Convolution: the same small weights at every place."""

from __future__ import annotations

import math
from typing import Any

from ...core.tensor import Tensor
from ...errors import ArgumentError
from .. import functional as F, init
from ..module import Module
from .sizes import check_divides, check_size, empty, ntuple

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


class _Convolution(Module):
    """What the layers of one and two dimensions share; the arguments are with :class:`Conv2d`."""

    dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name, n = type(self).__name__, self.dims
        check_size(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        check_divides(name, "groups", "in_channels", groups=groups, in_channels=in_channels)
        check_divides(name, "groups", "out_channels", groups=groups, out_channels=out_channels)
        if padding_mode not in _MODES:
            raise ArgumentError(
                f"{name}: there is no padding_mode {padding_mode!r}", f"Use one of {', '.join(_MODES)}."
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = ntuple(name, "kernel_size", kernel_size, n)
        self.stride = ntuple(name, "stride", stride, n)
        self.dilation = ntuple(name, "dilation", dilation, n)
        if isinstance(padding, str):
            if padding not in ("same", "valid") or (padding == "same" and any(s != 1 for s in self.stride)):
                raise ArgumentError(
                    f"{name}: padding={padding!r} with stride={self.stride}",
                    "Use a number, 'valid', or 'same' with stride 1.",
                )
            self.padding: Any = padding
        else:
            self.padding = ntuple(name, "padding", padding, n, least=0)
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = empty(first, second // groups, *self.kernel_size, dtype=dtype, device=device)
        self.register_parameter("bias", empty(out_channels, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, uniform in ±1/√(inputs that one output weights)."""
        bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
        for p in self.parameters(recurse=False):
            init.uniform_(p, -bound, bound)

    def _padded(self, x: Any) -> tuple[Any, Any]:
        """The input padded as ``padding_mode`` says, and the zeros that are still to be added."""
        if self.padding_mode == "zeros":
            return x, self.padding
        widths: list[int] = []
        for i in reversed(range(self.dims)):
            total = self.dilation[i] * (self.kernel_size[i] - 1)
            same = (total // 2, total - total // 2)
            widths += same if self.padding == "same" else (0, 0) if self.padding == "valid" else (self.padding[i],) * 2
        return F.pad(x, tuple(widths), mode=_MODES[self.padding_mode]), 0

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding not in ((0,) * self.dims, "valid") or self.padding == "valid":
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * self.dims:
            parts.append(f"dilation={self.dilation}")
        output_padding = getattr(self, "output_padding", (0,) * self.dims)
        if output_padding != (0,) * self.dims:
            parts.append(f"output_padding={output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class Conv1d(_Convolution):
    """Small weights slid along a sequence: at every place the window weighted and summed, plus a bias.

    Shape: (N, C_in, L) or (C_in, L) → (N, C_out, L_out), L_out = ⌊(L + 2·padding − dilation·(k − 1) − 1)/stride⌋ + 1;
    weight (out_channels, in_channels/groups, kernel_size).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: spatial lengths of the weights: one number, or one for each dimension.
        stride: steps between places.
        padding: zeros added on both sides; ``"same"`` or ``"valid"``.
        dilation: steps between weights.
        groups: parts into which the channels are divided; each output sees one part.
        bias: whether a bias is added.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: the CPU.
        dtype: of the parameters; default float32.

    Raises:
        ArgumentError: a size is not a whole number, or groups does not divide the channels.

    Source: LeCun and others, "Backpropagation Applied to Handwritten Zip Code Recognition" (1989).

    Example:
        >>> import upriver as ur
        >>> ur.nn.Conv1d(3, 8, 5, padding=2)(ur.zeros(2, 3, 20)).shape
        (2, 8, 20)
    """

    dims = 1

    def forward(self, input: Any) -> Tensor:
        """(N, C_in, L) → (N, C_out, L_out)."""
        x, padding = self._padded(input)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Convolution):
    """Small weights slid over a picture: at every place the window weighted and summed, plus a bias.

    Shape: (N, C_in, H, W) or (C_in, H, W) → (N, C_out, H_out, W_out);
    weight (out_channels, in_channels/groups, *kernel_size).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: spatial lengths of the weights: one number, or one for each dimension.
        stride: steps between places.
        padding: zeros added on both sides; ``"same"`` or ``"valid"``.
        dilation: steps between weights.
        groups: parts into which the channels are divided; each output sees one part.
        bias: whether a bias is added.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: the CPU.
        dtype: of the parameters; default float32.

    Raises:
        ArgumentError: a size is not a whole number, or groups does not divide the channels.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition" (1998).

    Example:
        >>> import upriver as ur
        >>> ur.nn.Conv2d(1, 6, 5)(ur.zeros(2, 1, 28, 28)).shape
        (2, 6, 24, 24)
    """

    dims = 2

    def forward(self, input: Any) -> Tensor:
        """(N, C_in, H, W) → (N, C_out, H_out, W_out)."""
        x, padding = self._padded(input)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _Transposed(_Convolution):
    """A convolution backwards: what the gradient of one does, as a layer that enlarges."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        name = type(self).__name__
        if padding_mode != "zeros" or isinstance(padding, str):
            raise ArgumentError(f"{name}: only padding with zeros, given in numbers, is possible")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device=device, dtype=dtype
        )
        self.output_padding = ntuple(name, "output_padding", output_padding, self.dims, least=0)
        pairs = zip(self.output_padding, self.stride, self.dilation, strict=True)
        if any(extra >= max(stride_, dilation_) for extra, stride_, dilation_ in pairs):
            raise ArgumentError(
                f"{name}: output_padding={self.output_padding} must be smaller than stride or dilation",
                f"Use at most {max(max(self.stride), max(self.dilation)) - 1}.",
            )

    def _extra(self, x: Any, output_size: Any) -> tuple[int, ...]:
        """The output padding that leads to ``output_size``."""
        if output_size is None:
            return self.output_padding
        wanted = tuple(output_size)[-self.dims :]
        extra: list[int] = []
        for i, want in enumerate(wanted):
            span = self.dilation[i] * (self.kernel_size[i] - 1) + 1
            least = (x.shape[i - self.dims] - 1) * self.stride[i] - 2 * self.padding[i] + span
            if not least <= want < least + self.stride[i]:
                raise ArgumentError(
                    f"{type(self).__name__}: the output cannot have length {want} in dimension {i - self.dims}",
                    f"Lengths from {least} to {least + self.stride[i] - 1} are possible.",
                )
            extra.append(want - least)
        return tuple(extra)


class ConvTranspose1d(_Transposed):
    """A convolution along a sequence, backwards: every entry spread over a window by small weights.

    Shape: (N, C_in, L) → (N, C_out, (L − 1)·stride − 2·padding + dilation·(k − 1) + output_padding + 1);
    weight (in_channels, out_channels/groups, kernel_size).

    Source: Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional Networks" (2010).

    Example:
        >>> import upriver as ur
        >>> ur.nn.ConvTranspose1d(4, 2, 2, stride=2)(ur.zeros(1, 4, 5)).shape
        (1, 2, 10)
    """

    dims = 1

    def forward(self, input: Any, output_size: Any = None) -> Tensor:
        """(N, C_in, L) → (N, C_out, L_out)."""
        extra = self._extra(input, output_size)
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )


class ConvTranspose2d(_Transposed):
    """A convolution over a picture, backwards: every entry spread over a window by small weights.

    Shape: (N, C_in, H, W) → (N, C_out, H_out, W_out), H_out = (H − 1)·stride − 2·padding + dilation·(k − 1) +
    output_padding + 1; weight (in_channels, out_channels/groups, *kernel_size).

    Source: Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional Networks" (2010).

    Example:
        >>> import upriver as ur
        >>> ur.nn.ConvTranspose2d(4, 2, 2, stride=2)(ur.zeros(1, 4, 5, 5)).shape
        (1, 2, 10, 10)
    """

    dims = 2

    def forward(self, input: Any, output_size: Any = None) -> Tensor:
        """(N, C_in, H, W) → (N, C_out, H_out, W_out)."""
        extra = self._extra(input, output_size)
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )
