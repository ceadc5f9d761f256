"""The operations under the names of PyTorch's ``torch.nn.functional``; each is documented where it is defined."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ..errors import ShapeError
from ..ops.activation import (
    celu,
    elu,
    glu,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    tanhshrink,
)
from ..ops.adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_max_pool1d, adaptive_max_pool2d
from ..ops.arrange import unfold as windows
from ..ops.attention import scaled_dot_product_attention
from ..ops.class_loss import cross_entropy, nll_loss
from ..ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d, lengths
from ..ops.dropout import dropout, dropout1d, dropout2d
from ..ops.gelu import gelu
from ..ops.join import pad
from ..ops.linalg import linear
from ..ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    margin_ranking_loss,
    mse_loss,
    multi_margin_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from ..ops.normalise import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from ..ops.piecewise import hardshrink, hardsigmoid, hardswish, hardtanh, relu6, softshrink, threshold
from ..ops.pool import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from ..ops.resize import interpolate, pixel_shuffle, pixel_unshuffle, upsample
from ..ops.scatter import embedding, one_hot
from ..ops.similarity import (
    cosine_embedding_loss,
    cosine_similarity,
    normalize,
    pairwise_distance,
    triplet_margin_loss,
)
from ..ops.softmax import log_softmax, softmax, softmin
from ..ops.trigonometry import tanh

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "gelu",
    "glu",
    "group_norm",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "triplet_margin_loss",
    "unfold",
    "upsample",
]


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of a picture as columns: what a convolution multiplies its weights with.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: lengths of a window, one number or two.
        dilation: steps between the entries of a window.
        padding: zeros added on both sides.
        stride: steps between windows.

    Returns:
        (N, C · window, places), without N if the input has none.

    Raises:
        ShapeError: the input is not a picture, or smaller than a window.

    Source: Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for Document
    Processing" (2006), section 2.1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.unfold(ur.zeros(1, 3, 4, 4), kernel_size=2).shape
        (1, 12, 9)
    """
    if input.ndim not in (3, 4):
        raise ShapeError(f"unfold: an input of shape {list(input.shape)}", "It must be (N, C, H, W) or (C, H, W).")
    size, gap = lengths("unfold", "kernel_size", kernel_size, 2, 1), lengths("unfold", "dilation", dilation, 2, 1)
    margin, step = lengths("unfold", "padding", padding, 2, 0), lengths("unfold", "stride", stride, 2, 1)
    x = input.unsqueeze(0) if input.ndim == 3 else input
    x = pad(x, (margin[1], margin[1], margin[0], margin[0])) if any(margin) else x
    for dim in (0, 1):
        span = gap[dim] * (size[dim] - 1) + 1
        x = windows(x, 2 + dim, span, step[dim])[..., :: gap[dim]]
    x = x.permute(0, 1, 4, 5, 2, 3)
    x = x.reshape(x.shape[0], x.shape[1] * size[0] * size[1], -1)
    return x.squeeze(0) if input.ndim == 3 else x
