"""Layers that weight their inputs and sum them."""

from __future__ import annotations

import math
from typing import Any

from ...core.tensor import Tensor
from ...ops.einsum import einsum
from .. import functional as F, init
from ..module import Module
from .sizes import check_size, empty


class Identity(Module):
    """The input as it is; arguments are ignored. It stands where a layer may be left out.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Identity()(ur.tensor([1.0])).tolist()
        [1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """The input."""
        return input


class Linear(Module):
    """``x @ weight.T + bias``: every output is all inputs weighted and summed, plus a bias.

    Weight and bias start uniform in ±1/√in_features (LeCun, Bottou, Orr and Müller, "Efficient BackProp",
    1998, section 4.6, at PyTorch's scale).

    Args:
        in_features: length of the last dimension of the input.
        out_features: length of the last dimension of the output.
        bias: whether a bias is added.
        device: the CPU.
        dtype: of the parameters; default float32.

    Shape:
        (..., in_features) → (..., out_features); weight (out_features, in_features), bias (out_features,).

    Raises:
        ArgumentError: a size is not a whole number.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Linear(3, 2)(ur.zeros(5, 3)).shape
        (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        check_size("Linear", 0, in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = empty(out_features, in_features, dtype=dtype, device=device)
        self.register_parameter("bias", empty(out_features, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(max(self.in_features, 1))
        for p in self.parameters(recurse=False):
            init.uniform_(p, -bound, bound)

    def forward(self, input: Any) -> Tensor:
        """(..., in_features) → (..., out_features)."""
        own = self._parameters
        return F.linear(input, own["weight"], own["bias"])

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """``x₁ᵀ W x₂ + b``: every output weights all products of an entry of one input and one of the other.

    Args:
        in1_features: length of the last dimension of the first input.
        in2_features: length of the last dimension of the second input.
        out_features: length of the last dimension of the output.
        bias: whether a bias is added.
        device: the CPU.
        dtype: of the parameters; default float32.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Bilinear(3, 4, 2)(ur.zeros(5, 3), ur.zeros(5, 4)).shape
        (5, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_size("Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = empty(out_features, in1_features, in2_features, dtype=dtype, device=device)
        self.register_parameter("bias", empty(out_features, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, uniform in ±1/√in1_features."""
        bound = 1 / math.sqrt(self.in1_features)
        for p in self.parameters(recurse=False):
            init.uniform_(p, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Tensor:
        """(..., in1_features) and (..., in2_features) → (..., out_features)."""
        out = einsum("...i,oij,...j->...o", input1, self.weight, input2)
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
