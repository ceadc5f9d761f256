"""Layers that drop entries at random while training, so that none is relied on."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .. import functional as F
from ..module import Module
from .sizes import check_probability


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p, self.inplace = check_probability(type(self).__name__, p), inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Each entry made 0 with probability ``p`` while training, and the others multiplied by 1/(1 − p).

    So the expected value stays, and in evaluation nothing needs to be done.

    Args:
        p: the probability with which an entry is dropped.
        inplace: accepted and not needed: the result is always new.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout" (2014), section 4.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Dropout(0.5).eval()(ur.ones(3)).tolist()
        [1.0, 1.0, 1.0]
    """

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.dropout(input, self.p, self.training)


class Dropout1d(_Dropout):
    """Whole channels of (N, C, L) or (C, L) made 0 with probability ``p`` while training.

    Source: Tompson and others, "Efficient Object Localization Using Convolutional Networks" (2015), section 3.2.

    Example:
        >>> import upriver as ur
        >>> drop = ur.nn.Dropout1d(0.5).eval()
        >>> drop(ur.ones(2, 3, 4)).sum().item()
        24.0
    """

    def forward(self, input: Any) -> Tensor:
        """(N, C, L) or (C, L), and the same again."""
        return F.dropout1d(input, self.p, self.training)


class Dropout2d(_Dropout):
    """Whole channels of (N, C, H, W) made 0 with probability ``p`` while training.

    Source: Tompson and others, "Efficient Object Localization Using Convolutional Networks" (2015), section 3.2.

    Example:
        >>> import upriver as ur
        >>> drop = ur.nn.Dropout2d(0.5).eval()
        >>> drop(ur.ones(2, 3, 4, 4)).sum().item()
        96.0
    """

    def forward(self, input: Any) -> Tensor:
        """(N, C, H, W), and the same again."""
        return F.dropout2d(input, self.p, self.training)
