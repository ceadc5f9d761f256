"""Normalisation: activations brought to mean 0 and variance 1, then scaled and shifted by what is learned.

Composed of ``center``, ``rrms`` (one over the root of the mean square), ``scale`` and ``affine``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import PRODUCT, REALS, SUM, Case, Domain, Formula, Interval, Op
from ..core.registry import front_door, ops
from ..core.state import no_grad
from ..core.tensor import Tensor, as_tensor
from ..errors import DTypeError, ShapeError
from .affine import affine, rrms, scale
from .deviation import center, var
from .elementwise import elementwise, equal_shapes, floating
from .reduce import count, mean, spread
from .shape import reshape

Shape = tuple[int, ...]


def _scaled(x: Any, factor: Any, shift: Any) -> Tensor:
    if shift is None:
        return x if factor is None else scale(x, factor)
    if factor is None:
        return x + shift
    return affine(x, factor, shift)


def _float_input(name: str, x: Any) -> Tensor:
    x = as_tensor(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: the input has dtype {x.dtype}", "Convert it: x.float().")
    return x


def _trailing(name: str, x: Tensor, normalized_shape: Any, weight: Any, bias: Any) -> tuple[Shape, Any, Any]:
    """The dimensions to normalise over, and weight and bias as tensors."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple([int(n) for n in normalized_shape])
    lead = x.ndim - len(shape)
    if lead < 0 or x.shape[lead:] != shape or not shape:
        raise ShapeError(
            f"{name}: an input of shape {list(x.shape)} does not end in the normalised shape {list(shape)}",
            f"The last {len(shape)} dimensions of the input must be {list(shape)}.",
        )
    given: list[Any] = []
    for what, p in (("weight", weight), ("bias", bias)):
        if p is not None and tuple(p.shape) != shape:
            raise ShapeError(
                f"{name}: a {what} of shape {list(p.shape)} does not fit {list(shape)}, the normalised shape"
            )
        given.append(None if p is None else as_tensor(p))
    return tuple(range(lead, x.ndim)), given[0], given[1]


@front_door
def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Each sample brought to mean 0 and variance 1 over its last dimensions, then scaled and shifted.

    Args:
        x: (..., *normalized_shape), floating.
        normalized_shape: the last dimensions, which are normalised over.
        weight: of that shape, or None.
        bias: of that shape, or None.
        eps: added to the variance.

    Raises:
        ShapeError: ``x`` does not end in that shape.

    Source: Ba, Kiros and Hinton, "Layer normalization" (2016), eq. 3 and 4.

    Example:
        >>> import upriver as ur
        >>> y = ur.nn.functional.layer_norm(ur.tensor([[1.0, 3.0]]), 2)
        >>> [round(v, 3) for v in y[0].tolist()]
        [-1.0, 1.0]
    """
    x = _float_input("layer_norm", x)
    dims, w, b = _trailing("layer_norm", x, normalized_shape, weight, bias)
    centered = center.run((x,), {"dims": dims})
    rstd = rrms.run((centered,), {"dims": dims, "eps": float(eps)})
    return _scaled(scale.run((centered, rstd), {}), w, b)


@front_door
def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """Each sample divided by the root of its mean square over the last dimensions, then scaled.

    Args:
        x: (..., *normalized_shape), floating.
        normalized_shape: the last dimensions, which are normalised over.
        weight: of that shape, or None.
        eps: added to the mean square; by default the dtype's rounding unit.

    Raises:
        ShapeError: ``x`` does not end in that shape.

    Source: Zhang and Sennrich, "Root mean square layer normalization" (2019), eq. 4.

    Example:
        >>> import upriver as ur
        >>> y = ur.nn.functional.rms_norm(ur.tensor([[3.0, 3.0]]), 2)
        >>> [round(v, 3) for v in y[0].tolist()]
        [1.0, 1.0]
    """
    x = _float_input("rms_norm", x)
    dims, w, _ = _trailing("rms_norm", x, normalized_shape, weight, None)
    return _scaled(scale(x, rrms(x, dims=dims, eps=float(np.finfo(x.dtype).eps if eps is None else eps))), w, None)


def _by_channel(name: str, what: str, p: Any, channels: int, ndim: int) -> Any:
    if p is None:
        return None
    p = as_tensor(p)
    if p.shape != (channels,):
        raise ShapeError(f"{name}: a {what} of shape {list(p.shape)} does not fit {channels} channels")
    return p if ndim == 2 else reshape(p, (channels, *(1,) * (ndim - 2)))


def _channels(name: str, x: Tensor) -> int:
    if x.ndim < 2:
        raise ShapeError(f"{name}: an input of shape {list(x.shape)} has no channels", "It must be (N, C, ...).")
    return x.shape[1]


moving_average = Op(
    name="moving_average",
    forward=lambda old, new, momentum: old * (1.0 - momentum) + momentum * new,
    vjps=(
        lambda ct, _y, _old, _new, momentum: ct * (1.0 - momentum),
        lambda ct, _y, _old, _new, momentum: ct * momentum,
    ),
    shape=equal_shapes,
    dtype=floating,
    formula=Formula("{0} * (1 - {momentum}) + {1} * {momentum}", r"{0} (1 - {momentum}) + {1} {momentum}", SUM),
    domain=REALS,
    flops=lambda out, *_, **__: 3 * math.prod(out),
    lower=lambda m, old, new, momentum: old * (1.0 - momentum) + new * momentum,
    cases=(Case(((3,), (3,)), {"momentum": 0.1}),),
)
variance = elementwise(
    "variance_of_rrms", lambda r, eps, factor: np.maximum(1.0 / np.square(r) - eps, 0.0) * factor,
    lambda ct, _y, r, eps, factor: ct * (r**-3.0 * (-2.0 * factor)) * (1.0 / (r * r) > eps),
    formula=Formula("({0}**-2 - {eps}) * {factor}", r"\left({0}^{{-2}} - {eps}\right) {factor}", PRODUCT),
    lower=lambda m, r, eps, factor: m.maximum(1.0 / (r * r) - eps, 0.0) * factor,
    domain=Domain((Interval(low=0.0),)), attrs=({"eps": 1e-5, "factor": 1.5},),
)  # fmt: skip
"""``factor`` times the variance from 1 / √(variance + eps), which is known."""


def _take_over(running: Tensor, new: Tensor, momentum: Any) -> None:
    """Let ``new`` enter a running average with weight ``momentum``, a number or a tensor of no dimensions."""
    if new.shape != running.shape:
        new = reshape(new, running.shape)
    if isinstance(momentum, Tensor):
        running.mul_((1.0 - momentum).to(running.dtype))
        running.add_(new * momentum.to(running.dtype))
    else:
        running.copy_(moving_average.run((running, new), {"momentum": float(momentum)}))


@front_door
def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    Args:
        x: (N, C) or (N, C, d1, ...), floating.
        running_mean: (C,) or None: an average over batches; used unless training, updated if training.
        running_var: as ``running_mean``, of the variances that divide by n − 1.
        weight: (C,) or None.
        bias: (C,) or None.
        training: whether to use the statistics of this batch.
        momentum: how much of the running averages this batch replaces.
        eps: added to the variance.

    Raises:
        ShapeError: no channels, parameters that do not fit, or a training batch with one value per channel.

    Source: Ioffe and Szegedy, "Batch normalization" (2015), algorithm 1.

    Example:
        >>> import upriver as ur
        >>> y = ur.nn.functional.batch_norm(ur.tensor([[1.0], [3.0]]), training=True)
        >>> [round(v, 3) for v in y[:, 0].tolist()]
        [-1.0, 1.0]
    """
    x = _float_input("batch_norm", x)
    channels = _channels("batch_norm", x)
    w = _by_channel("batch_norm", "weight", weight, channels, x.ndim)
    b = _by_channel("batch_norm", "bias", bias, channels, x.ndim)
    if not training and running_mean is not None and running_var is not None:
        centre = _by_channel("batch_norm", "running mean", running_mean, channels, x.ndim)
        var = _by_channel("batch_norm", "running variance", running_var, channels, x.ndim)
        rstd = _one_over_root(var, eps)
        factor = rstd if w is None else w * rstd
        return _scaled(x, factor, -(centre * factor) if b is None else b - centre * factor)
    dims = (0, *range(2, x.ndim))
    n = count(x.shape, dims)
    if training and n == 1:
        raise ShapeError(
            f"batch_norm: a batch of shape {list(x.shape)} has one value for each channel, which has no variance",
            "Use a larger batch (DataLoader(drop_last=True)), or call model.eval().",
        )
    centered = center.run((x,), {"dims": dims})
    rstd = rrms.run((centered,), {"dims": dims, "eps": float(eps)})
    if training and n:
        with no_grad():
            if running_mean is not None:
                _take_over(running_mean, ops.record("mean").run((x,), {"dims": dims, "keepdim": False}), momentum)
            if running_var is not None:
                _take_over(running_var, variance.run((rstd,), {"eps": float(eps), "factor": n / (n - 1)}), momentum)
    return _scaled(centered, rstd if w is None else scale(rstd, w), b)


def _one_over_root(var: Tensor, eps: float) -> Tensor:
    return (var + float(eps)).rsqrt()


def _grouped(name: str, x: Tensor, groups: int, weight: Any, bias: Any, eps: float) -> Tensor:
    """Normalise each of ``groups`` runs of channels of each sample; scale and shift each channel."""
    channels = _channels(name, x)
    n, inner = x.shape[0], math.prod(x.shape[2:])
    rows = reshape(x, (n, groups, (channels // groups) * inner))
    centered = center(rows, dims=(2,))
    rstd = rrms(centered, dims=(2,), eps=float(eps))
    w, b = _by_channel(name, "weight", weight, channels, 3), _by_channel(name, "bias", bias, channels, 3)
    if w is None and b is None:
        return reshape(scale(centered, rstd), x.shape)
    # Both factors are small; their product is one for each channel of each sample.
    each = spread(rstd, (n, groups, channels // groups), (2,))
    each = reshape(each, (n, channels, 1))
    return reshape(_scaled(reshape(centered, (n, channels, inner)), each if w is None else scale(each, w), b), x.shape)


@front_door
def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Each group of channels of each sample brought to mean 0 and variance 1, then scaled and shifted by channel.

    Args:
        x: (N, C, ...), floating.
        num_groups: a divisor of C.
        weight: (C,) or None.
        bias: (C,) or None.
        eps: added to the variance.

    Raises:
        ShapeError: the channels cannot be divided so.

    Source: Wu and He, "Group normalization" (2018), eq. 7.

    Example:
        >>> import upriver as ur
        >>> y = ur.nn.functional.group_norm(ur.tensor([[1.0, 3.0]]), 1)
        >>> [round(v, 3) for v in y[0].tolist()]
        [-1.0, 1.0]
    """
    x = _float_input("group_norm", x)
    channels = _channels("group_norm", x)
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(f"group_norm: {channels} channels cannot be divided into {num_groups} groups")
    return _grouped("group_norm", x, num_groups, weight, bias, eps)


@front_door
def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample brought to mean 0 and variance 1, then scaled and shifted.

    Args:
        x: (N, C, d1, ...), floating.
        running_mean: (C,) or None: used where ``use_input_stats`` is False; else updated with the average over
            the samples.
        running_var: as ``running_mean``, of the variances.
        weight: (C,) or None.
        bias: (C,) or None.
        use_input_stats: whether to use the statistics of this input.
        momentum: how much of the running averages this input replaces.
        eps: added to the variance.

    Raises:
        ShapeError: no channels, or one value for each.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization" (2016), eq. 7.

    Example:
        >>> import upriver as ur
        >>> y = ur.nn.functional.instance_norm(ur.tensor([[[1.0, 3.0]]]))
        >>> [round(v, 3) for v in y[0, 0].tolist()]
        [-1.0, 1.0]
    """
    x = _float_input("instance_norm", x)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    channels = _channels("instance_norm", x)
    n = math.prod(x.shape[2:])
    if n == 1:
        raise ShapeError(
            f"instance_norm: an input of shape {list(x.shape)} has one value for each channel, which has no variance"
        )
    dims = tuple(range(2, x.ndim))
    with no_grad():
        if running_mean is not None:
            _take_over(running_mean, mean(mean(x, dims), 0), momentum)
        if running_var is not None:
            _take_over(running_var, mean(var(x, dims), 0), momentum)
    return _grouped("instance_norm", x, channels, weight, bias, eps)
