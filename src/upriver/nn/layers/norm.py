"""Normalisation: entries brought to mean 0 and variance 1, then scaled and shifted by trained numbers."""

from __future__ import annotations

from typing import Any

from ...core.dtypes import int64
from ...core.tensor import Tensor
from ...errors import ShapeError, either
from .. import functional as F
from ..module import Module
from .sizes import buffer, check_divides, check_size, empty


def _one_and_zero(layer: Module) -> None:
    """Scale 1 and shift 0, as far as there are any."""
    if layer.weight is not None:
        layer.weight.data.fill_(1)
    if layer.bias is not None:
        layer.bias.data.zero_()


class _Tracked(Module):
    """Normalisation of channels, with running statistics for evaluation.

    Args:
        num_features: channels, the length of the second dimension.
        eps: added to the variance.
        momentum: the weight of the newest batch in the running statistics; None for their plain mean.
        affine: whether the result is scaled and shifted by trained numbers.
        track_running_stats: whether running statistics are kept, and used in evaluation.
        device: the CPU.
        dtype: of parameters and buffers; default float32.
        bias: whether the result is shifted, if it is scaled.
    """

    ndims: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_size(type(self).__name__, num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, empty(num_features, dtype=dtype, device=device) if wanted else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", buffer(0, num_features, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", buffer(1, num_features, dtype=dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", buffer(0, dtype=int64) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, no statistics."""
        self.reset_running_stats()
        _one_and_zero(self)

    def _check(self, x: Any) -> None:
        if x.ndim not in self.ndims:
            raise ShapeError(
                f"{type(self).__name__}: an input of shape {list(x.shape)} has {x.ndim} dimensions",
                f"It takes {either(self.ndims)} dimensions, with {self.num_features} channels second.",
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Tracked):
    def forward(self, input: Any) -> Tensor:
        """(N, C, ...), and the same again."""
        self._check(input)
        momentum = self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if momentum is None:
                momentum = 1.0 / self.num_batches_tracked.double()
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            0.0 if momentum is None else momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Each channel of (N, C) or (N, C, L) normalised over the batch (and the sequence).

    While training by the batch's own mean and variance, which also enter the running ones; in evaluation by
    the running ones.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance.
        momentum: the weight of the present batch in the running statistics.
        affine: whether channels are scaled and shifted by parameters.
        track_running_stats: whether there are running statistics.

    Source: Ioffe and Szegedy, "Batch Normalization" (2015), algorithms 1 and 2.

    Example:
        >>> import upriver as ur
        >>> ur.nn.BatchNorm1d(2)(ur.tensor([[1.0, 0.0], [3.0, 4.0]])).round().tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
    """

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel of (N, C, H, W) normalised over the batch and the picture; see :class:`BatchNorm1d`.

    Args: as :class:`BatchNorm1d`.

    Source: Ioffe and Szegedy, "Batch Normalization" (2015), section 3.2.

    Example:
        >>> import upriver as ur
        >>> ur.nn.BatchNorm2d(3)(ur.zeros(2, 3, 4, 4)).shape
        (2, 3, 4, 4)
    """

    ndims = (4,)


class _InstanceNorm(_Tracked):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Any) -> Tensor:
        """(N, C, ...) or (C, ...), and the same again."""
        self._check(input)
        single = input.ndim == min(self.ndims)
        out = F.instance_norm(
            input.unsqueeze(0) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum or 0.0,
            self.eps,
        )
        return out.squeeze(0) if single else out


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample of (N, C, L) or (C, L) normalised over its sequence.

    Args: as :class:`BatchNorm1d`; ``affine`` and ``track_running_stats`` are off by default.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization" (2016), equation 5.

    Example:
        >>> import upriver as ur
        >>> y = ur.nn.InstanceNorm1d(3)(ur.randn(2, 3, 8))
        >>> y.shape, abs(y.mean().item()) < 1e-5
        ((2, 3, 8), True)
    """

    ndims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample of (N, C, H, W) or (C, H, W) normalised over its picture.

    Args: as :class:`BatchNorm1d`; ``affine`` and ``track_running_stats`` are off by default.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization" (2016), equation 5.

    Example:
        >>> import upriver as ur
        >>> y = ur.nn.InstanceNorm2d(3)(ur.randn(2, 3, 4, 4))
        >>> y.shape, abs(y.mean().item()) < 1e-5
        ((2, 3, 4, 4), True)
    """

    ndims = (3, 4)


def _lengths(name: str, shape: Any) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    for n in sizes:
        check_size(name, normalized_shape=n)
    return sizes


class LayerNorm(Module):
    """Each sample normalised over its last dimensions, by itself: no other sample matters.

    Args:
        normalized_shape: the lengths of the last dimensions; one number for one.
        eps: added to the variance.
        elementwise_affine: whether the result is scaled (and shifted) by trained numbers.
        bias: whether it is shifted.
        device: the CPU.
        dtype: of the parameters; default float32.

    Source: Ba, Kiros and Hinton, "Layer Normalization" (2016), equations 3 and 4.

    Example:
        >>> import upriver as ur
        >>> ur.nn.LayerNorm(2)(ur.tensor([[1.0, 3.0]])).round().tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _lengths("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        for name, wanted in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            shape = self.normalized_shape
            self.register_parameter(name, empty(*shape, dtype=dtype, device=device) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        _one_and_zero(self)

    def forward(self, input: Any) -> Tensor:
        """(..., *normalized_shape), and the same again."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(Module):
    """Each sample divided by the root of the mean square of its last dimensions, then scaled.

    Args:
        normalized_shape: the lengths of the last dimensions; one number for one.
        eps: added to the mean square; default the dtype's machine epsilon.
        elementwise_affine: whether the result is scaled by trained numbers.
        device: the CPU.
        dtype: of the parameter; default float32.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.

    Example:
        >>> import upriver as ur
        >>> ur.nn.RMSNorm(2)(ur.tensor([[2.0, 2.0]])).round().tolist()
        [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _lengths("RMSNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = empty(*self.normalized_shape, dtype=dtype, device=device) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1."""
        if self.weight is not None:
            self.weight.data.fill_(1)

    def forward(self, input: Any) -> Tensor:
        """(..., *normalized_shape), and the same again."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Each sample normalised over groups of its channels.

    Args:
        num_groups: number of groups.
        num_channels: channels, the length of the second dimension; divisible by ``num_groups``.
        eps: added to the variance.
        affine: whether the channels are scaled and shifted by trained numbers.
        device: the CPU.
        dtype: of the parameters; default float32.
        bias: whether they are shifted, if they are scaled.

    Source: Wu and He, "Group Normalization" (2018), equations 1, 2 and 7.

    Raises:
        ArgumentError: the groups do not divide the channels.

    Example:
        >>> import upriver as ur
        >>> ur.nn.GroupNorm(2, 4)(ur.zeros(1, 4, 3, 3)).shape
        (1, 4, 3, 3)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_size("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        check_divides("GroupNorm", "num_groups", "num_channels", num_groups=num_groups, num_channels=num_channels)
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, empty(num_channels, dtype=dtype, device=device) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        _one_and_zero(self)

    def forward(self, input: Any) -> Tensor:
        """(N, C, ...), and the same again."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        sizes = f"{self.num_groups}, {self.num_channels}, eps={self.eps}"
        return f"{sizes}, affine={self.affine}, bias={self.bias is not None}"
