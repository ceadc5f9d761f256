"""Gradients clipped, and parameters as one vector."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.state import no_grad, note_change, recorder
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ArgumentError, GradError, ShapeError
from ..ops.checks import check_range
from ..ops.elementwise import where
from ..ops.join import cat
from ..ops.shape import reshape
from ..ops.total_norm import total_norm


def _gradients(parameters: Any) -> list[Tensor]:
    """The gradients that are there, of one tensor or several."""
    given: Iterable[Any] = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in given if p.grad is not None]


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Tensor:
    """The norm of all gradients together, which are scaled down in place where it exceeds ``max_norm``.

    Their direction stays: a step into a wall becomes a short step.

    Args:
        parameters: a tensor, or several; those without a gradient are skipped.
        max_norm: the largest norm allowed.
        norm_type: 2 for the Euclidean norm, ``inf`` for the largest entry, or another p > 0.
        error_if_nonfinite: raise where the norm is NaN or infinite, instead of scaling by it.
        foreach: accepted and not needed.

    Returns:
        The norm before clipping, a number.

    Raises:
        ArgumentError: ``max_norm`` is negative, or ``norm_type`` not positive.
        GradError: the norm is not finite, and ``error_if_nonfinite``.

    Source: Pascanu, Mikolov and Bengio, "On the Difficulty of Training Recurrent Neural Networks" (2013),
    algorithm 1.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w / 2).sum().backward()
        >>> ur.nn.utils.clip_grad_norm_([w], max_norm=1.0).item()
        5.0
        >>> [round(g, 4) for g in w.grad.tolist()]
        [0.6, 0.8]
    """
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if float(norm_type) <= 0 or float(max_norm) < 0:
        raise ArgumentError(
            f"clip_grad_norm_: max_norm={float(max_norm)}, norm_type={float(norm_type)}",
            "Use a norm_type above 0, and a max_norm of 0 or more.",
        )
    norm = get_total_norm(_gradients(given), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(given, max_norm, norm)
    dtypes = [g.dtype for g in _gradients(given)]
    return norm.to(np.result_type(*dtypes)) if dtypes else norm


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Tensor:
    """The norm of all entries of ``tensors`` together, a number in float64.

    Args:
        tensors: one tensor, or several; gradients, mostly.
        norm_type: 2 for the Euclidean norm, ``inf`` for the largest entry, or another p > 0.
        error_if_nonfinite: raise where it is NaN or infinite.
        foreach: accepted and not needed.

    Raises:
        GradError: the norm is not finite, and ``error_if_nonfinite``.

    Example:
        >>> import upriver as ur
        >>> ur.nn.utils.get_total_norm([ur.tensor([3.0]), ur.tensor([4.0])]).item()
        5.0
    """
    given = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if not given:
        return literal(np.zeros((), np.float32))
    with no_grad():
        norm: Tensor = total_norm.run(given, {"p": float(norm_type)})
    if error_if_nonfinite:
        if not np.isfinite(norm.array):
            raise GradError(
                f"get_total_norm: the norm of the gradients is {float(norm.array)}",
                "Something overflowed: lower the learning rate, or look for the first NaN.",
            )
        check_range(norm, 0.0, sys.float_info.max)
    return norm


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor, foreach: Any = None) -> None:
    """Scale the gradients of ``parameters`` down in place, where their norm, which is given, exceeds ``max_norm``.

    Args:
        parameters: a tensor, or several; those without a gradient are skipped.
        max_norm: the largest norm allowed.
        total_norm: the norm of all of them together.
        foreach: accepted and not needed.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w / 2).sum().backward()
        >>> ur.nn.utils.clip_grads_with_norm_([w], 2.5, ur.tensor(5.0))
        >>> [round(g, 4) for g in w.grad.tolist()]
        [1.5, 2.0]
    """
    grads = _gradients(parameters)
    if recorder() is None:
        scale = float(max_norm) / (float(total_norm.array) + 1e-6)
        if not scale >= 1:  # also for NaN, which shall be seen in the gradients
            for g in grads:
                np.multiply(g.array, scale, out=g.array, casting="same_kind")
            note_change([g.array for g in grads])
        return
    with no_grad():  # the same, where no value may be looked at
        factor = float(max_norm) / (total_norm + 1e-6)
        below = where(factor >= 1.0, 1.0, factor)
        for g in grads:
            g.detach().mul_(below.to(g.dtype))


def clip_grad_value_(parameters: Any, clip_value: float, foreach: Any = None) -> None:
    """Bring every entry of every gradient into [−clip_value, clip_value], in place.

    Args:
        parameters: a tensor, or several; those without a gradient are skipped.
        clip_value: the largest magnitude.
        foreach: accepted and not needed.

    Raises:
        ArgumentError: ``clip_value`` is negative.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([3.0, 0.1], requires_grad=True)
        >>> (w * w / 2).sum().backward()
        >>> ur.nn.utils.clip_grad_value_([w], 0.5)
        >>> [round(g, 4) for g in w.grad.tolist()]
        [0.5, 0.1]
    """
    limit = float(clip_value)
    if limit < 0:
        raise ArgumentError(f"clip_grad_value_: clip_value={limit}", "It must be 0 or more.")
    grads = _gradients(parameters)
    with no_grad():
        for g in grads:
            g.detach().clamp_(-limit, limit)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All entries of all parameters as one vector, through which gradients flow.

    Example:
        >>> import upriver as ur
        >>> ur.nn.utils.parameters_to_vector([ur.zeros(2, 2), ur.ones(1)]).tolist()
        [0.0, 0.0, 0.0, 0.0, 1.0]
    """
    return cat([reshape(p, -1) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Write the entries of a vector into the parameters, in their order.

    Raises:
        ShapeError: the vector has more or fewer entries than the parameters together.

    Example:
        >>> import upriver as ur
        >>> w = ur.zeros(2)
        >>> ur.nn.utils.vector_to_parameters(ur.tensor([1.0, 2.0]), [w])
        >>> w.tolist()
        [1.0, 2.0]
    """
    vector, given = as_tensor(vec), list(parameters)
    total = sum([p.numel() for p in given])
    if vector.shape != (total,):
        raise ShapeError(
            f"vector_to_parameters: the vector has shape {list(vector.shape)}, the parameters {total} entries",
            "Take the vector from parameters_to_vector of the same parameters.",
        )
    start = 0
    for p in given:
        with no_grad():
            p.data = reshape(vector[start : start + p.numel()], p.shape).to(p.dtype)
        start += p.numel()
