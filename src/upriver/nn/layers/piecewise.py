"""Activations of straight lines: cheap, and with a derivative of few values.

``inplace`` is accepted where PyTorch has it, and not needed: the result is always new.
"""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .. import functional as F
from ..module import Module


class ReLU6(Module):
    """``min(max(0, x), 6)``.

    Source: Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10" (2010).

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.ReLU6()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.0, 0.0, 2.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.relu6(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Hardtanh(Module):
    """``x`` brought into [min_val, max_val].

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Hardtanh()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.0, 0.0, 1.0]
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class Hardsigmoid(Module):
    """``min(max(0, x/6 + ½), 1)``: a sigmoid of straight lines.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Hardsigmoid()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.1667, 0.5, 0.8333]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.hardsigmoid(input)


class Hardswish(Module):
    """``x · hardsigmoid(x)``.

    Source: Howard and others, "Searching for MobileNetV3" (2019), section 5.2.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Hardswish()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.3333, 0.0, 1.6667]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.hardswish(input)


class Hardshrink(Module):
    """``x`` where |x| > lambd, 0 elsewhere.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Hardshrink()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-2.0, 0.0, 2.0]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Module):
    """``x`` brought nearer to 0 by lambd, and 0 where it is no farther than that.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Softshrink()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.5, 0.0, 1.5]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Threshold(Module):
    """``x`` where it is greater than ``threshold``, ``value`` elsewhere.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Threshold(1.0, 0.5)(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.5, 0.5, 2.0]
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.threshold(input, self.threshold, self.value)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"
