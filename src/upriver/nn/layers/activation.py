"""Activations as layers: what makes a network more than a line.

``inplace`` is accepted where PyTorch has it, and not needed: the result is always new.
"""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .. import functional as F, init
from ..module import Module
from .sizes import check_size, empty


class ReLU(Module):
    """``max(0, x)``: its derivative is 1 where x > 0, so an active unit passes the gradient undiminished.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines" (2010).

    Example:
        >>> import upriver as ur
        >>> ur.nn.ReLU()(ur.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.relu(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class LeakyReLU(Module):
    """``x`` where it is positive, ``negative_slope · x`` elsewhere: no unit is ever without a gradient.

    Source: Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models" (2013).

    Example:
        >>> import upriver as ur
        >>> ur.nn.LeakyReLU(0.5)(ur.tensor([-1.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """A leaky ReLU whose slope is trained: one for all, or one for each channel (dimension 1).

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers" (2015), equation 1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.PReLU()(ur.tensor([-4.0, 2.0])).tolist()
        [-1.0, 2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_size("PReLU", num_parameters=num_parameters)
        self.num_parameters, self.init = num_parameters, init
        self.weight = empty(num_parameters, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Every slope as at first."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ELU(Module):
    """``x`` where it is positive, ``alpha · (eˣ − 1)`` elsewhere.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
    Linear Units" (2016), equation 15.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.ELU()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.8647, 0.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.elu(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class CELU(Module):
    """``max(0, x) + min(0, alpha · (e^(x/alpha) − 1))``.

    Source: Barron, "Continuously Differentiable Exponential Linear Units" (2017).

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.CELU()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.8647, 0.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.celu(input, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class SELU(Module):
    """A scaled ELU, whose scale keeps mean 0 and variance 1 from layer to layer.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks" (2017), equation 2.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.SELU()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.5202, 0.0, 2.1014]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.selu(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class GELU(Module):
    """``x · Φ(x)``, Φ the normal distribution; ``approximate="tanh"`` for the cheaper formula.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2.

    Example:
        >>> import upriver as ur
        >>> ur.nn.GELU()(ur.tensor([0.0])).tolist()
        [0.0]
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """``x · σ(x)``, also called swish.

    Source: Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units" (2018), equation 4.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.SiLU()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.2384, 0.0, 1.7616]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.silu(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Mish(Module):
    """``x · tanh(softplus(x))``.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function" (2020).

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Mish()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.2525, 0.0, 1.944]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.mish(input)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """``1 / (1 + e⁻ˣ)``: between 0 and 1, with a derivative of at most ¼.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Sigmoid()(ur.tensor([0.0])).tolist()
        [0.5]
    """

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """``log σ(x)``, exact also where σ(x) underflows.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.LogSigmoid()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-2.1269, -0.6931, -0.1269]
    """

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.logsigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent: between −1 and 1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Tanh()(ur.tensor([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.tanh(input)


class Tanhshrink(Module):
    """``x − tanh(x)``.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Tanhshrink()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.036, 0.0, 1.036]
    """

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.tanhshrink(input)


class Softsign(Module):
    """``x / (1 + |x|)``.

    Source: Turian, Bergstra and Bengio, "Quadratic Features and Deep Architectures for Chunking" (2009).

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Softsign()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.6667, 0.0, 0.6667]
    """

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.softsign(input)


class Softplus(Module):
    """``log(1 + e^(beta·x)) / beta``: a smooth ReLU; ``x`` itself where ``beta·x > threshold``.

    Source: Dugas and others, "Incorporating Second-Order Functional Knowledge for Better Option Pricing" (2001).

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Softplus()(ur.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.1269, 0.6931, 2.1269]
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = float(beta), float(threshold)

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class GLU(Module):
    """The first half along ``dim``, times the sigmoid of the second.

    Source: Dauphin, Fan, Auli and Grangier, "Language Modeling with Gated Convolutional Networks" (2017).

    Example:
        >>> import upriver as ur
        >>> ur.nn.GLU()(ur.tensor([3.0, 0.0])).tolist()
        [1.5]
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Tensor:
        """(..., 2n, ...) → (..., n, ...)."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(Module):
    """``eˣ / Σ eˣ`` along ``dim``: positive numbers that add up to 1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Softmax(dim=0)(ur.tensor([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """``x − log Σ eˣ`` along ``dim``: the logarithm of the softmax, exact also where that underflows.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.LogSoftmax(dim=0)(ur.tensor([0.0, 1.0])).tolist()]
        [-1.3133, -0.3133]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """The softmax of ``−x`` along ``dim``.

    Example:
        >>> import upriver as ur
        >>> [round(v, 4) for v in ur.nn.Softmin(dim=0)(ur.tensor([0.0, 1.0])).tolist()]
        [0.7311, 0.2689]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Tensor:
        """Any shape, and the same again."""
        return F.softmin(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
