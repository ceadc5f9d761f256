"""Activations: what makes a network more than a line.

A record where a kernel of its own pays or the derivative has a name; the rest are functions of operations.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import CALL, Domain, Formula, Interval, call
from ..core.registry import front_door, ops
from ..core.state import Array
from ..errors import ArgumentError, ShapeError
from .elementwise import abs, clamp, elementwise, where
from .shape import axis, reshape
from .trigonometry import tanh

_AT_ZERO = Domain((Interval(kinks=(0.0,)),), ties="the derivative at 0 is the one from the left")

# ndarray.clip runs a vector loop of its own, three times as fast as np.maximum with a number; NaN stays NaN.
relu = elementwise(
    "relu", lambda x: x.clip(0.0, math.inf), lambda ct, y, _x: ct * (y > 0),
    formula=call("relu"), lower=lambda m, x: m.maximum(x, 0.0),
    domain=Domain((Interval(kinks=(0.0,)),), ties="the derivative at 0 is 0"),
)  # fmt: skip


def _leaky(x: Array, slope: float) -> Array:
    out = np.asarray(x * slope)
    return np.maximum(x, out, out=out) if slope <= 1 else np.minimum(x, out, out=out)


_leaky_relu = elementwise(
    "leaky_relu", _leaky,
    lambda ct, _y, x, slope: ct * slope + (ct * (1.0 - slope)) * (x > 0),
    formula=Formula(
        "leaky_relu({0}, {slope})", r"\operatorname{{leaky\_relu}}_{{{slope}}}\left({0}\right)", CALL
    ),
    lower=lambda m, x, slope: (m.maximum if slope <= 1 else m.minimum)(x, x * slope),
    domain=_AT_ZERO, attrs=({"slope": 0.01}, {"slope": 2.0}),
)  # fmt: skip


@front_door
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """``x`` where positive, ``negative_slope * x`` elsewhere: never quite dead.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.leaky_relu(ur.tensor([-2.0, 3.0]), 0.5).tolist()
        [-1.0, 3.0]
    """
    return _leaky_relu(x, slope=float(negative_slope))


def sigmoid_kernel(x: Array) -> Array:
    """1 / (1 + e^−x) in one new array; e^−x may overflow to infinity, whose reciprocal is the right answer: 0."""
    out = np.asarray(np.negative(x))
    with np.errstate(over="ignore"):
        np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)


sigmoid = elementwise(
    "sigmoid", sigmoid_kernel, lambda ct, y, _x: ct * (y * (1.0 - y)),
    formula=Formula("sigmoid({0})", r"\sigma\left({0}\right)", CALL),
    lower=lambda m, x: 1.0 / (1.0 + m.exp(-x)),
)  # fmt: skip


def _softplus_array(x: Array, beta: float, threshold: float) -> Array:
    scaled = np.asarray(x * beta)
    out = np.asarray(np.abs(scaled))
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    out += np.maximum(scaled, 0)
    out *= 1.0 / beta
    np.copyto(out, x, where=scaled > threshold)
    return out


def _softplus_recipe(m: Any, x: Any, beta: float, threshold: float) -> Any:
    scaled = x * beta
    smooth = (m.log1p(m.exp(-m.fabs(scaled))) + m.maximum(scaled, 0.0)) * (1.0 / beta)
    return m.where(scaled > threshold, x, smooth)


def _softplus_rule(ct: Any, _y: Any, x: Any, beta: float, threshold: float) -> Any:
    slope = sigmoid(x * beta)
    return ct * (slope if math.isinf(threshold) else where(x * beta > threshold, 1.0, slope))


_softplus = elementwise(
    "softplus", _softplus_array,
    _softplus_rule,
    formula=call("softplus"),
    lower=lambda m, x, beta, threshold: _softplus_recipe(m, x, beta, threshold),
    attrs=({"beta": 1.0, "threshold": 20.0}, {"beta": 2.0, "threshold": 20.0}),
)  # fmt: skip


@front_door
def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + e^(βx)) / β, a smooth ReLU; ``x`` itself where βx > ``threshold``.

    Source: Dugas et al., "Incorporating second-order functional knowledge for better option pricing" (2001).

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.softplus(ur.tensor(0.0)).item(), 4)
        0.6931
    """
    return _softplus(x, beta=float(beta), threshold=float(threshold))


def _elu_array(x: Array, alpha: float) -> Array:
    out = np.asarray(np.minimum(x, 0))
    np.expm1(out, out=out)
    out *= alpha
    out += np.maximum(x, 0)
    return out


def _elu_rule(ct: Any, y: Any, _x: Any, alpha: float) -> Any:
    below = ct * (clamp(y, max=0.0) + alpha)  # α eˣ = y + α
    return below if alpha == 1.0 else below + (ct * (1.0 - alpha)) * (y > 0)


_elu = elementwise(
    "elu", _elu_array, _elu_rule,
    formula=call("elu"), lower=lambda m, x, alpha: m.expm1(m.minimum(x, 0.0)) * alpha + m.maximum(x, 0.0),
    domain=_AT_ZERO, attrs=({"alpha": 1.0}, {"alpha": 0.5}),
)  # fmt: skip


@front_door
def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, α(eˣ − 1) elsewhere.

    Raises:
        ArgumentError: α is negative.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear
    units" (2016), eq. 15.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.elu(ur.tensor(-1.0)).item(), 4)
        -0.6321
    """
    if alpha < 0:
        raise ArgumentError(f"elu: alpha = {alpha} is negative", "Use a positive number.")
    return _elu(x, alpha=float(alpha))


@front_door
def selu(x: Any) -> Any:
    """1.0507 · elu(x, 1.6733): activations that keep mean 0 and variance 1.

    Source: Klambauer et al., "Self-normalizing neural networks" (2017), eq. 2.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.selu(ur.tensor(1.0)).item(), 4)
        1.0507
    """
    return elu(x, 1.6732632423543772) * 1.0507009873554805


@front_door
def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, α(e^(x/α) − 1) elsewhere: an ELU whose derivative is continuous for every α.

    Source: Barron, "Continuously differentiable exponential linear units" (2017), eq. 2.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.celu(ur.tensor(-2.0), 2.0).item(), 4)
        -1.2642
    """
    return elu(x) if alpha == 1 else elu(x / float(alpha)) * float(alpha)


# Compositions.


@front_door
def silu(x: Any) -> Any:
    """``x · σ(x)``, also called swish.

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning" (2018), eq. 4.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.silu(ur.tensor(1.0)).item(), 4)
        0.7311
    """
    return x * sigmoid(x)


@front_door
def mish(x: Any) -> Any:
    """``x · tanh(softplus(x))``.

    Source: Misra, "Mish: a self regularized non-monotonic activation function" (2020), eq. 1.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.mish(ur.tensor(1.0)).item(), 4)
        0.8651
    """
    return x * tanh(softplus(x))


@front_door
def logsigmoid(x: Any) -> Any:
    """``log σ(x)``, without overflow.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.logsigmoid(ur.tensor(-1000.0)).item()
        -1000.0
    """
    return -softplus(-x)


@front_door
def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.softsign(ur.tensor(-1.0)).item()
        -0.5
    """
    return x / (1.0 + abs(x))


@front_door
def tanhshrink(x: Any) -> Any:
    """``x − tanh x``.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.tanhshrink(ur.tensor(0.0)).item()
        0.0
    """
    return x - tanh(x)


@front_door
def prelu(x: Any, weight: Any) -> Any:
    """``x`` where positive, ``weight * x`` elsewhere, with a learned weight.

    Args:
        x: any shape; its second dimension is the channels.
        weight: one entry, or one for each channel.

    Raises:
        ShapeError: ``weight`` has another number of entries.

    Source: He et al., "Delving deep into rectifiers" (2015), eq. 1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.prelu(ur.tensor([-2.0, 3.0]), ur.tensor([0.25])).tolist()
        [-0.5, 3.0]
    """
    n = math.prod(weight.shape)
    channels = x.shape[1] if x.ndim > 1 else 1
    if n not in (1, channels):
        raise ShapeError(
            f"prelu: a weight of shape {list(weight.shape)} does not fit an input of shape {list(x.shape)}",
            f"Give one entry, or one for each of the {channels} channels (dimension 1).",
        )
    if weight.ndim:
        weight = reshape(weight, (n, *(1,) * (x.ndim - 2)) if n > 1 else ())
    positive = relu(x)
    return positive + weight * (x - positive)


@front_door
def glu(x: Any, dim: int = -1) -> Any:
    """``a · σ(b)``, where ``a`` and ``b`` are the two halves of ``x`` along ``dim``.

    Raises:
        ShapeError: the dimension cannot be halved.

    Source: Dauphin et al., "Language modeling with gated convolutional networks" (2017), eq. 1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.glu(ur.tensor([4.0, 0.0])).tolist()
        [2.0]
    """
    d = axis("glu", dim, x.ndim)
    if x.ndim == 0 or x.shape[d] % 2:
        raise ShapeError(f"glu: dimension {dim} of shape {list(x.shape)} cannot be halved", "Its length must be even.")
    a, b = ops.chunk(x, 2, d)
    return a * sigmoid(b)
