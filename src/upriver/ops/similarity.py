"""Lengths and angles of vectors along a dimension, and the losses made of them."""

from __future__ import annotations

from typing import Any

from ..core.registry import front_door
from ..core.tensor import as_tensor
from ..errors import ShapeError
from .class_loss import reduced
from .elementwise import clamp, minimum, sqrt, where
from .reduce import norm, sum


@front_door
def normalize(x: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """``x`` divided by its p-norm along ``dim``, or by ``eps`` where that is smaller.

    Args:
        x: floating.
        p: of the norm.
        dim: along which the vectors lie.
        eps: the smallest divisor.

    Example:
        >>> import upriver as ur
        >>> [round(v, 2) for v in ur.nn.functional.normalize(ur.tensor([3.0, 4.0]), dim=0).tolist()]
        [0.6, 0.8]
    """
    return x / clamp(norm(x, p, dim, True), min=float(eps))


@front_door
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x₁ · x₂ / (‖x₁‖ ‖x₂‖) along ``dim``, with each norm at least ``eps``; both broadcast together.

    Args:
        x1: floating.
        x2: floating; both broadcast together.
        dim: along which the vectors lie.
        eps: the smallest norm.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.cosine_similarity(ur.tensor([1.0, 0.0]), ur.tensor([0.0, 2.0]), dim=0).item()
        0.0
    """
    a, b = as_tensor(x1), as_tensor(x2)
    lengths = clamp(norm(a, 2, dim), min=float(eps)) * clamp(norm(b, 2, dim), min=float(eps))
    return sum(a * b, dim) / lengths


@front_door
def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """1 − cos where the target is 1, max(0, cos − margin) where it is −1, averaged.

    Args:
        input1: vectors (D,) or (N, D).
        input2: of the same shape.
        target: () or (N,), of 1 and −1.
        margin: from −1 to 1.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: shapes that do not fit.

    Example:
        >>> import upriver as ur
        >>> a = ur.tensor([[1.0, 0.0]])
        >>> ur.nn.functional.cosine_embedding_loss(a, a, ur.tensor([1.0])).item()
        0.0
    """
    a, b, t = as_tensor(input1), as_tensor(input2), as_tensor(target)
    if a.shape != b.shape or t.shape != a.shape[:-1]:
        raise ShapeError(
            f"cosine_embedding_loss: shapes {list(a.shape)}, {list(b.shape)} and target {list(t.shape)} do not fit",
            "Give two of shape (N, D) and a target of shape (N,).",
        )
    tiny = 1e-12  # keeps the derivative finite where a vector is 0
    similar = sum(a * b, -1) / sqrt((sum(a * a, -1) + tiny) * (sum(b * b, -1) + tiny))
    loss = where(t == 1, 1.0 - similar, 0.0) + where(t == -1, clamp(similar - float(margin), min=0.0), 0.0)
    return reduced("cosine_embedding_loss", loss, reduction)


@front_door
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """‖x₁ − x₂ + eps‖ₚ along the last dimension.

    Example:
        >>> import upriver as ur
        >>> d = ur.nn.functional.pairwise_distance(ur.tensor([3.0, 4.0]), ur.tensor([0.0, 0.0]))
        >>> round(d.item(), 4)
        5.0
    """
    return norm(as_tensor(x1) - x2 + float(eps), p, -1, keepdim)


@front_door
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) − d(anchor, negative) + margin), averaged.

    Source: Balntas et al., "Learning local feature descriptors with triplets" (2016), section 2.

    Example:
        >>> import upriver as ur
        >>> a, n = ur.tensor([[0.0, 0.0]]), ur.tensor([[3.0, 4.0]])
        >>> ur.nn.functional.triplet_margin_loss(a, a, n).item()
        0.0
    """
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced("triplet_margin_loss", clamp(near - far + float(margin), min=0.0), reduction)
