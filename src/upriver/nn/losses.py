"""Losses as modules: one number that says how wrong the prediction is.

``reduction`` is ``"mean"`` (the default), ``"sum"`` or ``"none"``, everywhere; it is given by name, since
what stands in its place in PyTorch means something else. The formulas and their
sources are with the function of the same name in :mod:`upriver.nn.functional`.
"""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ..errors import ArgumentError
from . import functional as F
from .module import Module


class _Loss(Module):
    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        allowed = ("mean", "sum", "none", "batchmean") if isinstance(self, KLDivLoss) else ("mean", "sum", "none")
        if reduction not in allowed:
            raise ArgumentError(f"{type(self).__name__}: there is no reduction {reduction!r}", f"Use one of {allowed}.")
        self.reduction = reduction


class MSELoss(_Loss):
    """The mean of (input − target)².

    Example:
        >>> import upriver as ur
        >>> ur.nn.MSELoss()(ur.tensor([2.0, 4.0]), ur.tensor([1.0, 1.0])).item()
        5.0
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """The mean of |input − target|.

    Example:
        >>> import upriver as ur
        >>> ur.nn.L1Loss()(ur.tensor([2.0, 4.0]), ur.tensor([1.0, 1.0])).item()
        2.0
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Squared (and divided by 2·beta) below ``beta``, absolute beyond it: Huber's loss divided by beta.

    Source: Girshick, "Fast R-CNN" (2015), equation 3.

    Example:
        >>> import upriver as ur
        >>> ur.nn.SmoothL1Loss()(ur.tensor([0.0, 2.0]), ur.tensor([0.5, 0.5])).item()
        0.5625
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Half the square up to ``delta``, straight beyond it: far-off targets count less.

    Source: Huber, "Robust Estimation of a Location Parameter" (1964).

    Example:
        >>> import upriver as ur
        >>> ur.nn.HuberLoss()(ur.tensor([0.0, 2.0]), ur.tensor([0.5, 0.5])).item()
        0.5625
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class _Weighted(_Loss):
    """A loss with a weight for each class or entry, kept as a buffer."""

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)


class BCELoss(_Weighted):
    """The cross-entropy of probabilities and targets between 0 and 1. On logits use :class:`BCEWithLogitsLoss`.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.BCELoss()(ur.tensor([0.5]), ur.tensor([1.0])).item(), 4)
        0.6931
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """The cross-entropy of sigmoid(input) and targets between 0 and 1, exact for logits of any size.

    Args:
        weight: of each entry of the batch.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: by how much targets of 1 count more.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.BCEWithLogitsLoss()(ur.tensor([0.0]), ur.tensor([1.0])).item(), 4)
        0.6931
    """

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class CrossEntropyLoss(_Weighted):
    """``−log softmax(input)[target]``, averaged: how surprised the prediction is by the true class.

    Args:
        weight: (C,), how much each class counts.
        ignore_index: a target that counts for nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: what part of the truth is spread evenly over all classes (Szegedy and others,
            "Rethinking the Inception Architecture", 2016, section 7).

    Shape:
        logits (N, C, ...), targets (N, ...) of integers, or (N, C, ...) of probabilities → a number.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.CrossEntropyLoss()(ur.zeros(1, 2), ur.tensor([1])).item(), 4)
        0.6931
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        if not 0 <= label_smoothing <= 1:
            raise ArgumentError(
                f"CrossEntropyLoss: label_smoothing is {label_smoothing}", "It is a part of 1: use 0 to 1."
            )
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Tensor:
        """Logits and targets → a number."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_Weighted):
    """``−input[target]``, averaged, for log-probabilities (N, C, ...) as from a log-softmax.

    Args:
        weight: (C,), a weight for each class.
        ignore_index: a target that does not count.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import upriver as ur
        >>> x = ur.log_softmax(ur.tensor([[0.0, 0.0]]), dim=1)
        >>> round(ur.nn.NLLLoss()(x, ur.tensor([1])).item(), 4)
        0.6931
    """

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Tensor:
        """Log-probabilities and targets → a number."""
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class KLDivLoss(_Loss):
    """``target · (log target − input)``, for log-probabilities ``input``; ``"batchmean"`` is the divergence.

    Args:
        reduction: ``"mean"`` (over entries), ``"batchmean"`` (over samples), ``"sum"`` or ``"none"``.
        log_target: whether the targets are log-probabilities too.

    Source: Kullback and Leibler, "On Information and Sufficiency" (1951).

    Example:
        >>> import upriver as ur
        >>> p, q = ur.tensor([[0.5, 0.5]]), ur.tensor([[0.9, 0.1]])
        >>> round(ur.nn.KLDivLoss(reduction="batchmean")(q.log(), p).item(), 4)
        0.5108
    """

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class HingeEmbeddingLoss(_Loss):
    """``x`` where the target is 1, ``max(0, margin − x)`` where it is −1: for distances.

    Example:
        >>> import upriver as ur
        >>> ur.nn.HingeEmbeddingLoss()(ur.tensor([2.0, 0.5]), ur.tensor([1, -1])).item()
        1.25
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input: Any, target: Any) -> Tensor:
        """Distances, and targets of 1 or −1 → a number."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """``log(1 + e^(−target · x))`` for targets of 1 or −1: a smooth margin.

    Example:
        >>> import upriver as ur
        >>> round(ur.nn.SoftMarginLoss()(ur.tensor([2.0, 0.5]), ur.tensor([1, -1])).item(), 4)
        0.5505
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        """Two tensors of one shape → a number."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(_Weighted):
    """``Σ max(0, margin − x[target] + x[i])ᵖ / C`` over the other classes i: the margin of a classifier.

    Args:
        p: 1 or 2.
        margin: by how much the true class shall lead.
        weight: (C,), a weight for each class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Source: Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector
    Machines" (2001).

    Example:
        >>> import upriver as ur
        >>> ur.nn.MultiMarginLoss()(ur.tensor([[0.5, 1.0]]), ur.tensor([0])).item()
        0.75
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, *, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction=reduction)
        if p not in (1, 2):
            raise ArgumentError(f"MultiMarginLoss: p is {p}", "Use p=1 or p=2.")
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Tensor:
        """(N, C) and (N,) of integers → a number."""
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """``max(0, −target · (x₁ − x₂) + margin)``: whether the one shall rank above the other.

    Example:
        >>> import upriver as ur
        >>> a, b = ur.tensor([1.0, 3.0]), ur.tensor([2.0, 1.0])
        >>> ur.nn.MarginRankingLoss()(a, b, ur.tensor([1, 1])).item()
        0.5
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Tensor:
        """Two tensors of one shape, and targets of 1 or −1 → a number."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """``1 − cos(x₁, x₂)`` where the target is 1, ``max(0, cos(x₁, x₂) − margin)`` where it is −1.

    Example:
        >>> import upriver as ur
        >>> a, b = ur.tensor([[1.0, 0.0]]), ur.tensor([[0.0, 1.0]])
        >>> ur.nn.CosineEmbeddingLoss()(a, b, ur.tensor([1])).item()
        1.0
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Tensor:
        """Twice (N, D), and (N,) of 1 or −1 → a number."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """``max(0, d(anchor, positive) − d(anchor, negative) + margin)``: like things near, unlike things far.

    Args:
        margin: by how much.
        p: the norm that measures the distance.
        eps: added to each difference.
        swap: whether the nearer of anchor and positive counts as the anchor for the negative.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Source: Balntas, Riba, Ponsa and Mikolajczyk, "Learning Local Feature Descriptors with Triplets and
    Shallow Convolutional Neural Networks" (2016).

    Example:
        >>> import upriver as ur
        >>> a, near, far = ur.zeros(1, 2), ur.ones(1, 2), ur.full((1, 2), 9.0)
        >>> ur.nn.TripletMarginLoss()(a, near, far).item()
        0.0
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, *, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        """Three tensors (N, D) → a number."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )
