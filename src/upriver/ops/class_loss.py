"""Cross-entropy and negative log-likelihood: losses whose targets are classes.

The primitive works on one row of logits per sample, z, with its class t: −log softmax(z)_t = log ∑ e^z − z_t
(Bishop, "Pattern Recognition and Machine Learning" (2006), eq. 4.108); its derivative, softmax(z) − onehot(t),
is an operation of its own. Everything else is composed of these.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.op import CALL, REALS, Case, Formula, Op, call
from ..core.registry import front_door
from ..core.state import Array, no_grad, recorder
from ..core.tensor import Tensor, as_tensor
from ..errors import ArgumentError, DimError, DTypeError, ShapeError
from .checks import check_none, check_range
from .elementwise import exp, where
from .fresh import multiply_into
from .gather import index_select
from .reduce import mean, sum, vecdot
from .shape import permute, reshape
from .softmax import exponentials, log_softmax

Shape = tuple[int, ...]


def _rows_shape(s: Shape, *_: Any, **__: Any) -> Shape:
    return s[:1]


def _rows_dtype(*dtypes: Any, **_: Any) -> DType:
    return dtypes[0]


_TARGETS = np.array([2, 0])
_NONE = np.zeros(0, np.int64)


def _place(ct: Array, target: Array, classes: int) -> Array:
    out = np.zeros((len(target), classes), ct.dtype)
    out[np.arange(len(target)), target] = ct
    return out


def _picked(m: Any, x: Any, hit: Any) -> Any:
    """The entry of each row where ``hit`` holds: (rows, 1)."""
    return m.sum(m.where(hit, x, 0), 1, True)


pick: Op = Op(
    name="pick",
    forward=lambda x, target: x[np.arange(len(target)), target],
    vjps=(lambda ct, _y, _x, target: place(ct, target, classes=_x.shape[1]), None),
    shape=_rows_shape,
    dtype=_rows_dtype,
    formula=Formula("pick({0}, {1})", "{0}_{{{1}}}", CALL),
    domain=REALS,
    flops=lambda *_, **__: 0,
    lower=lambda m, x, target: m.reshape(_picked(m, x, m.onehot(target, x.shape[1])), target.shape),
    cases=(Case(((2, 3), _TARGETS)), Case(((0, 3), _NONE))),
)
place: Op = Op(
    name="place_class",
    forward=_place,
    vjps=(lambda ct, _y, _x, target, classes: pick(ct, target), None),
    shape=lambda s, t, classes: (*s, classes),
    dtype=_rows_dtype,
    formula=Formula("place_class({0}, {1})", r"{0}\,\operatorname{{onehot}}\left({1}\right)", CALL),
    domain=REALS,
    flops=lambda *_, **__: 0,
    lower=lambda m, ct, target, classes: m.where(m.onehot(target, classes), m.reshape(ct, (*ct.shape, 1)), 0.0),
    cases=(Case(((2,), _TARGETS), {"classes": 3}), Case(((0,), _NONE), {"classes": 3})),
)


def _cross_entropy_array(z: Array, target: Array) -> Array:
    rows = np.arange(len(target))
    _, s, shift = exponentials(z, (1,))
    np.log(s, out=s)
    s = s[:, 0]
    s += (shift - z[rows, target][:, None])[:, 0]
    return s


def _cross_entropy_recipe(m: Any, z: Any, target: Any) -> Any:
    shift = m.max(z, 1, True)
    loss = m.log(m.sum(m.exp(z - shift), 1, True)) + (shift - _picked(m, z, m.onehot(target, z.shape[1])))
    return m.reshape(loss, target.shape)


def _probabilities(z: Array, loss: Array, target: Array) -> Array:
    """softmax(z) from the loss: e^(z − z_t − loss)."""
    chosen = z[np.arange(len(target)), target]
    if chosen.size and np.abs(chosen).max() > 50.0:
        p = np.subtract(z, chosen[:, None])  # first: next to a large logit the loss would be rounded away
        p -= loss[:, None]
    else:
        p = np.subtract(z, (chosen + loss)[:, None])
    return np.exp(p, out=p)


def _softmax_error_array(z: Array, loss: Array, target: Array) -> Array:
    p = _probabilities(z, loss, target)
    p[np.arange(len(target)), target] -= 1.0
    return p


def _softmax_error_recipe(m: Any, z: Any, loss: Any, target: Any) -> Any:
    hit = m.onehot(target, z.shape[1])
    p = m.exp(z - _picked(m, z, hit) - m.reshape(loss, (*loss.shape, 1)))
    return m.where(hit, p - 1.0, p)


def _shifted(z: Any, loss: Any, target: Any) -> Any:
    """softmax(z), in operations."""
    column = (loss.shape[0], 1)
    return exp(z - reshape(pick(z, target), column) - reshape(loss, column))


def _error_rule_logits(ct: Any, _y: Any, z: Any, loss: Any, target: Any) -> Any:
    weighted = ct * _shifted(z, loss, target)
    return weighted - place(sum(weighted, 1), target, classes=z.shape[1])


_softmax_error = Op(
    name="softmax_error",
    forward=_softmax_error_array,
    vjps=(
        _error_rule_logits,
        lambda ct, _y, z, loss, target: -vecdot(ct, _shifted(z, loss, target), dims=(1,), keepdim=False),
        None,
    ),
    shape=lambda z, *_: z,
    dtype=_rows_dtype,
    formula=Formula(
        "(softmax({0}, dim=1) - onehot({2}))",
        r"\left(\operatorname{{softmax}}\left({0}\right) - \operatorname{{onehot}}\left({2}\right)\right)",
        CALL,
    ),
    domain=REALS,
    flops=lambda out, *_: 4 * math.prod(out),
    lower=lambda m, z, loss, target: _softmax_error_recipe(m, z, loss, target),
    cases=(Case(((2, 3), (2,), _TARGETS)), Case(((0, 3), (0,), _NONE))),
)
"""softmax(z) − onehot(t), with softmax(z) = e^(z − z_t − loss) from the loss that is known."""


_cross_entropy = Op(
    name="cross_entropy",
    forward=_cross_entropy_array,
    vjps=(
        lambda ct, y, z, target: multiply_into(_softmax_error(z, y, target), reshape(ct, (ct.shape[0], 1))),
        None,
    ),
    shape=_rows_shape,
    dtype=_rows_dtype,
    formula=call("cross_entropy", 2),
    domain=REALS,
    flops=lambda out, z, *_: 5 * math.prod(z),
    lower=lambda m, z, target: _cross_entropy_recipe(m, z, target),
    cases=(Case(((2, 3), _TARGETS)), Case(((0, 3), _NONE)), Case(((1, 1), np.zeros(1, np.int64)))),
)


# Checks, and what both front doors share.


def check_labels(name: str, target: Tensor, shape: Shape, classes: int, ignore_index: int) -> Tensor | None:
    """Which of the flattened labels, once of ``shape``, count; None if all do.

    Raises:
        DTypeError: labels that are not integers.
        DimError: a label that is not a class; it names the first one and its place.
    """
    labels = target.array
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: the target has dtype {labels.dtype}; classes are integers",
            "Convert it with target.long(), or give class probabilities of the input's shape.",
        )
    if labels.size == 0:
        return None
    if labels.min() >= 0 and labels.max() < classes and ignore_index < 0:
        check_range(target, 0, classes - 1)
        return None
    counts = labels != ignore_index
    wrong = counts & ((labels < 0) | (labels >= classes))
    if wrong.any():
        first = int(np.argmax(wrong))
        label = int(labels[first])
        place = first if len(shape) < 2 else [int(i) for i in np.unravel_index(first, shape)]
        raise DimError(
            f"{name}: label {label} at position {place} of the target is not one of {classes} classes",
            f"Labels go from 0 to {classes - 1}; does the last layer have too few outputs, or do labels start at 1?",
        )
    if counts.all():
        check_range(target, 0, classes - 1)
        check_none(target, ignore_index)
        return None
    with no_grad():
        counted = target != ignore_index
        if recorder() is not None:
            check_range(where(counted, target, 0), 0, classes - 1)
    return counted


def reduced(name: str, loss: Any, reduction: str) -> Any:
    """``loss`` per sample, summed or averaged.

    Raises:
        ArgumentError: ``reduction`` is not "none", "sum" or "mean".
    """
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction != "none":
        raise ArgumentError(f"{name}: reduction = {reduction!r} is not known", "Use 'mean', 'sum' or 'none'.")
    return loss


def class_rows(name: str, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (N, C, d1, ...) and classes (N, d1, ...) as (M, C) and (M,)."""
    if x.ndim == 0:
        raise ShapeError(
            f"{name}: the input has no dimensions", "Give a score for each class: (classes,) or (N, classes)."
        )
    expected = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if target.shape != expected:
        raise ShapeError(
            f"{name}: a target of shape {list(target.shape)} does not fit an input of shape {list(x.shape)}",
            f"Dimension {0 if x.ndim == 1 else 1} of the input is the classes; "
            f"integer targets must have shape {list(expected)}.",
        )
    if x.ndim == 1:
        x = reshape(x, 1, x.shape[0])
    elif x.ndim > 2:
        x = permute(x, (0, *range(2, x.ndim), 1))
        x = reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    return x, target if target.ndim == 1 else reshape(target, (math.prod(target.shape),))


def _class_weights(name: str, weight: Any, x: Tensor, classes: int) -> Tensor:
    weight = as_tensor(weight)
    if weight.shape != (classes,):
        raise ShapeError(
            f"{name}: weights of shape {list(weight.shape)} do not fit {classes} classes",
            f"Give one weight for each class: shape [{classes}].",
        )
    return weight if weight.dtype == x.dtype else weight.to(x.dtype)


def _counted(x: Tensor, target: Tensor, counts: Tensor | None, weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The targets with a class for each sample, and how much each sample counts; None if all count alike."""
    if counts is None and weight is None:
        return target, None
    with no_grad():
        if counts is not None:
            target = where(counts, target, 0)
        if weight is None:
            return target, None if counts is None else counts.to(x.dtype)
        w = index_select(weight.detach(), 0, target)
        return target, w if counts is None else w * counts.to(x.dtype)


def _finish(name: str, loss: Tensor, counts: Tensor | None, w: Tensor | None, reduction: str, shape: Shape) -> Tensor:
    """The loss per sample weighted by class, without the samples that do not count, and reduced."""
    if w is None:
        if reduction == "mean":
            return mean(loss)
        return reduced(name, loss if loss.shape == shape else reshape(loss, shape), reduction)
    if counts is not None:
        loss = where(counts, loss, 0.0)
    loss = loss * w
    if reduction == "mean":
        return sum(loss) / sum(w)
    return reduced(name, reshape(loss, shape), reduction)


@front_door
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """How surprised logits are by the true classes: −log softmax(input)[target], averaged.

    Args:
        input: logits (C,), (N, C) or (N, C, d1, ...).
        target: integer classes (), (N,) or (N, d1, ...); or class probabilities of the input's shape.
        weight: (C,) or None: how much each class counts; the mean divides by the weights of the targets.
        ignore_index: a class whose samples do not count.
        reduction: "mean", "sum" or "none".
        label_smoothing: from 0 to 1: the share of the target that is spread evenly over all classes.

    Returns:
        One number; with "none" one for each sample.

    Raises:
        DimError: a label outside its classes.
        ShapeError: shapes that do not fit.
        ArgumentError: a smoothing outside [0, 1], or an unknown reduction.

    Source: Bishop, "Pattern Recognition and Machine Learning" (2006), eq. 4.108; label smoothing: Szegedy et al.,
    "Rethinking the Inception architecture" (2016), section 7.

    Example:
        >>> import upriver as ur
        >>> loss = ur.nn.functional.cross_entropy(ur.tensor([[0.0, 0.0]]), ur.tensor([1]))
        >>> round(loss.item(), 4)
        0.6931
    """
    x, t = as_tensor(input), as_tensor(target)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"cross_entropy: label_smoothing = {label_smoothing} is outside [0, 1]")
    if t.dtype.kind == "f" and t.shape == x.shape and x.ndim:
        return _soft_cross_entropy(x, t, weight, reduction, label_smoothing)
    if x.dtype.kind != "f":
        raise DTypeError(f"cross_entropy: the input has dtype {x.dtype}, not floating logits", "Convert it: x.float().")
    shape = t.shape
    x, t = class_rows("cross_entropy", x, t)
    classes = x.shape[1]
    counts = check_labels("cross_entropy", t, shape, classes, ignore_index)
    by_class = None if weight is None else _class_weights("cross_entropy", weight, x, classes)
    t, w = _counted(x, t, counts, by_class)
    hard = _finish("cross_entropy", _cross_entropy.run((x, t), {}), counts, w, reduction, shape)
    if not label_smoothing:
        return hard
    # The even share: the mean of −log p over the classes (weighted by class), divided by what the hard loss is.
    logp = -log_softmax(x, 1)
    even = sum(logp if by_class is None else logp * by_class, 1) / float(classes)
    if counts is not None:
        even = where(counts, even, 0.0)
    if reduction == "mean":
        even = sum(even) / (float(len(t)) if w is None else sum(w))
    else:
        even = reduced("cross_entropy", reshape(even, shape), reduction)
    return hard * (1.0 - label_smoothing) + even * label_smoothing


def _soft_cross_entropy(x: Tensor, p: Tensor, weight: Any, reduction: str, smoothing: float) -> Tensor:
    """Targets that are probabilities: −∑ p log softmax(x) over the classes."""
    d = 0 if x.ndim == 1 else 1
    classes = x.shape[d]
    if p.dtype != x.dtype:
        p = p.to(x.dtype)
    if smoothing:
        p = p * (1.0 - smoothing) + smoothing / classes
    if weight is not None:
        p = p * reshape(_class_weights("cross_entropy", weight, x, classes), (classes, *(1,) * (x.ndim - 1 - d)))
    loss = -sum(p * log_softmax(x, d), d)
    if reduction == "mean":
        return sum(loss) / float(max(1, math.prod(loss.shape)))
    return reduced("cross_entropy", loss, reduction)


@front_door
def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """−input[target], averaged: the negative log-likelihood, where ``input`` holds log-probabilities.

    Args and errors as :func:`cross_entropy`, which takes logits.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.nll_loss(ur.tensor([[-1.0, -2.0]]), ur.tensor([1])).item()
        2.0
    """
    x, t = as_tensor(input), as_tensor(target)
    shape = t.shape
    x, t = class_rows("nll_loss", x, t)
    counts = check_labels("nll_loss", t, shape, x.shape[1], ignore_index)
    by_class = None if weight is None else _class_weights("nll_loss", weight, x, x.shape[1])
    t, w = _counted(x, t, counts, by_class)
    return _finish("nll_loss", -pick(x, t), counts, w, reduction, shape)
