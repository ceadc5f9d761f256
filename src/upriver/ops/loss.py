"""Losses on numbers: how wrong a prediction is, as one number.

Composed of operations, except for the binary cross-entropy of probabilities, whose ends need care.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.op import Case, Domain, Interval, Op, call
from ..core.registry import front_door
from ..core.state import Array, no_grad
from ..core.tensor import Tensor, as_tensor
from ..errors import ArgumentError, ShapeError
from .activation import softplus
from .checks import check_range
from .class_loss import check_labels, class_rows, pick, reduced
from .elementwise import abs, clamp, equal_shapes, exp, floating, log, square, where
from .gather import index_select
from .reduce import sum
from .scatter import one_hot
from .shape import reshape


def _pair(name: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Prediction and target of one shape: a broadcast between them is nearly always a mistake.

    Raises:
        ShapeError: the shapes differ.
    """
    x, t = as_tensor(input), as_tensor(target)
    if x.shape != t.shape:
        raise ShapeError(
            f"{name}: the input has shape {list(x.shape)} and the target {list(t.shape)}; broadcasting one against "
            "the other would compare every prediction with every target",
            "Give both the same shape, as in target.unsqueeze(1) or input.squeeze(1).",
        )
    return x, t if t.dtype == x.dtype or x.dtype.kind != "f" else t.to(x.dtype)


def _weighted(name: str, loss: Tensor, weight: Any, reduction: str) -> Any:
    return reduced(name, loss if weight is None else loss * weight, reduction)


@front_door
def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """(input − target)², averaged: the squared error.

    Args:
        input: any shape.
        target: of the same shape.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.mse_loss(ur.tensor([1.0, 2.0]), ur.tensor([1.0, 4.0])).item()
        2.0
    """
    x, t = _pair("mse_loss", input, target)
    return reduced("mse_loss", square(x - t), reduction)


@front_door
def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """|input − target|, averaged: the absolute error.

    Args:
        input: any shape, floating.
        target: of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an unknown reduction.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.l1_loss(ur.tensor([1.0, 2.0]), ur.tensor([1.0, 4.0])).item()
        1.0
    """
    x, t = _pair("l1_loss", input, target)
    return reduced("l1_loss", abs(x - t), reduction)


@front_door
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """d²/2 where |d| ≤ δ, δ(|d| − δ/2) elsewhere, averaged, with d = input − target.

    Args:
        input: any shape, floating.
        target: of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: where the straight part begins.

    Raises:
        ArgumentError: δ is not positive.

    Source: Huber, "Robust estimation of a location parameter" (1964).

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.huber_loss(ur.tensor([3.0]), ur.tensor([0.0])).item()
        2.5
    """
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta = {delta} is not positive")
    x, t = _pair("huber_loss", input, target)
    return reduced("huber_loss", _huber(x - t, float(delta)), reduction)


def _huber(difference: Tensor, delta: float) -> Tensor:
    near = clamp(difference, -delta, delta)
    return near * (difference - near * 0.5)


@front_door
def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """d²/2β where |d| < β, |d| − β/2 elsewhere, averaged, with d = input − target.

    Args:
        input: any shape, floating.
        target: of the same shape.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        beta: where the straight part begins.

    Raises:
        ArgumentError: β is negative.

    Source: Girshick, "Fast R-CNN" (2015), eq. 3.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.smooth_l1_loss(ur.tensor([3.0]), ur.tensor([0.0])).item()
        2.5
    """
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta = {beta} is negative")
    if beta == 0:
        return l1_loss(input, target, reduction)
    x, t = _pair("smooth_l1_loss", input, target)
    return reduced("smooth_l1_loss", _huber(x - t, float(beta)) / float(beta), reduction)


def _held_log(x: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), -100.0)


def _binary_array(x: Array, t: Array) -> Array:
    return -(t * _held_log(x) + (1.0 - t) * _held_log(1.0 - x))


_binary = Op(
    name="binary_cross_entropy",
    forward=_binary_array,
    vjps=(
        lambda ct, _y, x, t: ct * (x - t) / clamp(x * (1.0 - x), min=1e-12),
        lambda ct, _y, x, _t: ct * (log(clamp(1.0 - x, min=1e-38)) - log(clamp(x, min=1e-38))),
    ),
    shape=equal_shapes,
    dtype=floating,
    formula=call("binary_cross_entropy", 2),
    domain=Domain((Interval(0.0, 1.0),)),
    flops=lambda out, *_: 6 * math.prod(out),
    lower=lambda m, x, t: -(t * m.maximum(m.log(x), -100.0) + (1.0 - t) * m.maximum(m.log(1.0 - x), -100.0)),
    cases=(Case(((2, 3), (2, 3))), Case(((), ())), Case(((0, 2), (0, 2)))),
)


@front_door
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """−(t log x + (1 − t) log(1 − x)), averaged; logarithms are held above −100.

    Args:
        input: probabilities in [0, 1]. From logits use :func:`binary_cross_entropy_with_logits`, which is stable.
        target: of the same shape, in [0, 1].
        weight: how much each entry counts, or None.
        reduction: "mean", "sum" or "none".

    Raises:
        ArgumentError: an input outside [0, 1].
        ShapeError: the shapes differ.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.binary_cross_entropy(ur.tensor([0.5]), ur.tensor([1.0])).item(), 4)
        0.6931
    """
    x, t = _pair("binary_cross_entropy", input, target)
    if x.array.size and not (x.array.min() >= 0 and x.array.max() <= 1):
        raise ArgumentError(
            "binary_cross_entropy: an input is outside [0, 1] or not a number",
            "Apply a sigmoid, or give the logits to binary_cross_entropy_with_logits.",
        )
    check_range(x, 0, 1)
    return _weighted("binary_cross_entropy", _binary(x, t), weight, reduction)


@front_door
def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """The binary cross-entropy of sigmoid(input), stable for any logit, averaged.

    Args:
        input: logits, of any shape.
        target: of the same shape, in [0, 1].
        weight: how much each entry counts, or None.
        reduction: "mean", "sum" or "none".
        pos_weight: how much a positive counts against a negative, or None.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.binary_cross_entropy_with_logits(ur.tensor([-1e4]), ur.tensor([1.0])).item()
        10000.0
    """
    name = "binary_cross_entropy_with_logits"
    x, t = _pair(name, input, target)
    if pos_weight is None:
        loss = softplus(x, threshold=math.inf) - t * x  # log(1 + eˣ) − t x
    else:
        loss = (1.0 - t) * x + ((as_tensor(pos_weight) - 1.0) * t + 1.0) * softplus(-x, threshold=math.inf)
    return _weighted(name, loss, weight, reduction)


@front_door
def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """``target · (log target − input)``: how far log-probabilities ``input`` are from probabilities ``target``.

    Args:
        input: log-probabilities.
        target: probabilities of the same shape, or their logarithms if ``log_target``.
        reduction: "batchmean" (the sum divided by the length of the first dimension: the true divergence),
            "mean" (over all entries), "sum" or "none".
        log_target: see ``target``.

    Raises:
        ShapeError: the shapes differ.

    Source: Kullback and Leibler, "On information and sufficiency" (1951), eq. 2.4.

    Example:
        >>> import upriver as ur
        >>> p = ur.tensor([[0.5, 0.5]])
        >>> ur.nn.functional.kl_div(p.log(), p, reduction="batchmean").item()
        0.0
    """
    x, t = _pair("kl_div", input, target)
    if log_target:
        loss = exp(t) * (t - x)
    else:
        zero = t == 0.0
        loss = t * (log(where(zero, 1.0, t)) - x)
    if reduction == "batchmean":
        return sum(loss) / float(max(1, x.shape[0] if x.ndim else 1))
    return reduced("kl_div", loss, reduction)


@front_door
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """``input`` where the target is 1, max(0, margin − input) where it is −1, averaged.

    Example:
        >>> import upriver as ur
        >>> F = ur.nn.functional
        >>> F.hinge_embedding_loss(ur.tensor([0.5, 0.25]), ur.tensor([1.0, -1.0]), reduction="none").tolist()
        [0.5, 0.75]
    """
    x, t = _pair("hinge_embedding_loss", input, target)
    loss = where(t == 1, x, 0.0) + where(t == -1, clamp(float(margin) - x, min=0.0), 0.0)
    return reduced("hinge_embedding_loss", loss, reduction)


@front_door
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """max(0, −target · (input1 − input2) + margin), averaged: target 1 if the first shall rank higher, else −1.

    Example:
        >>> import upriver as ur
        >>> a, b, first = ur.tensor([1.0]), ur.tensor([3.0]), ur.tensor([1.0])
        >>> ur.nn.functional.margin_ranking_loss(a, b, first).item()
        2.0
    """
    a, b = _pair("margin_ranking_loss", input1, input2)
    a, t = _pair("margin_ranking_loss", a, target)
    return reduced("margin_ranking_loss", clamp(-t * (a - b) + float(margin), min=0.0), reduction)


@front_door
def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """∑ max(0, margin − x_t + x_j)ᵖ over the wrong classes j, divided by the number of classes, averaged.

    Args:
        input: scores (N, C) or (C,).
        target: classes (N,) or ().
        p: 1 or 2.
        margin: by how much the true class shall lead.
        weight: (C,) or None: how much each class counts.
        reduction: "mean", "sum" or "none".

    Raises:
        DimError: a label outside its classes.

    Source: Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector machines" (2001).

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.multi_margin_loss(ur.tensor([[0.0, 3.0]]), ur.tensor([1])).item()
        0.0
    """
    if p not in (1, 2):
        raise ArgumentError(f"multi_margin_loss: p = {p} is not 1 or 2")
    scores, t = as_tensor(input), as_tensor(target)
    shape = t.shape
    scores, t = class_rows("multi_margin_loss", scores, t)
    n, classes = scores.shape
    check_labels("multi_margin_loss", t, shape, classes, -1)
    lead = clamp(float(margin) - reshape(pick(scores, t), (n, 1)) + scores, min=0.0)
    if p == 2:
        lead = square(lead)
    if weight is not None:
        lead = lead * reshape(index_select(as_tensor(weight).detach(), 0, t), (n, 1))
    with no_grad():
        wrong = (one_hot(t, classes) == 0).to(scores.dtype)
    loss = sum(lead * wrong, 1) / float(classes)
    return reduced("multi_margin_loss", reshape(loss, shape), reduction)


@front_door
def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """log(1 + e^(−target · input)), averaged, for targets of 1 and −1.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.functional.soft_margin_loss(ur.tensor([0.0]), ur.tensor([1.0])).item(), 4)
        0.6931
    """
    x, t = _pair("soft_margin_loss", input, target)
    return reduced("soft_margin_loss", softplus(-t * x, threshold=math.inf), reduction)
