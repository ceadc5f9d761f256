"""Where weights start: filled in place, so that signals and gradients keep their size from layer to layer.

Every function changes the tensor that it is given, without recording, and returns it. ``generator=`` draws
from a generator of its own instead of the one that :func:`upriver.manual_seed` seeds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..errors import ArgumentError, ShapeError
from ..ops.generator import default_generator, stream


def _rng(generator: Any) -> np.random.Generator:
    """NumPy's generator for the next draw; valid until the one after it."""
    return stream(**(default_generator if generator is None else generator).draw())


def _set(tensor: Tensor, values: Any) -> Tensor:
    tensor.data = np.asarray(values).astype(tensor.dtype, copy=False)
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every entry ``val``.

    Example:
        >>> import upriver as ur
        >>> ur.nn.init.constant_(ur.zeros(2), 0.3).tolist()
        [0.30000001192092896, 0.30000001192092896]
    """
    tensor.data.fill_(val)
    return tensor


def zeros_(tensor: Tensor) -> Tensor:
    """Every entry 0.

    Example:
        >>> import upriver as ur
        >>> ur.nn.init.zeros_(ur.empty(2)).tolist()
        [0.0, 0.0]
    """
    return constant_(tensor, 0)


def ones_(tensor: Tensor) -> Tensor:
    """Every entry 1.

    Example:
        >>> import upriver as ur
        >>> ur.nn.init.ones_(ur.empty(2)).tolist()
        [1.0, 1.0]
    """
    return constant_(tensor, 1)


def eye_(tensor: Tensor) -> Tensor:
    """A matrix of ones on the diagonal and zeros elsewhere: each output starts as its input.

    Raises:
        ShapeError: it is not a matrix.

    Example:
        >>> import upriver as ur
        >>> ur.nn.init.eye_(ur.empty(2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.ndim != 2:
        raise ShapeError(f"init.eye_: a tensor of shape {list(tensor.shape)} is not a matrix")
    return _set(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The weights of a convolution that hands its channels on: 1 in the middle of the own channel, else 0.

    Args:
        tensor: (out_channels, in_channels/groups, ...), of 3 to 5 dimensions.
        groups: the parts into which the channels are divided.

    Raises:
        ShapeError: it is not the weight of such a convolution.

    Example:
        >>> import upriver as ur
        >>> w = ur.nn.init.dirac_(ur.empty(2, 2, 3))
        >>> w[0].tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    shape = tensor.shape
    if not 3 <= len(shape) <= 5 or shape[0] % groups:
        raise ShapeError(f"init.dirac_: shape {list(shape)} is not the weight of a convolution of {groups} groups")
    values = np.zeros(shape)
    per = shape[0] // groups
    middle = tuple([n // 2 for n in shape[2:]])
    for g in range(groups):
        for d in range(min(per, shape[1])):
            values[(g * per + d, d, *middle)] = 1
    return _set(tensor, values)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Entries drawn uniformly from [a, b).

    Args:
        tensor: changed in place.
        a: the lower bound.
        b: the upper bound.
        generator: where the randomness comes from; the default one unless given.

    Example:
        >>> import upriver as ur
        >>> w = ur.nn.init.uniform_(ur.zeros(100), -1.0, 1.0)
        >>> bool((w.abs() <= 1).all())
        True
    """
    values = _rng(generator).random(tensor.shape, np.float64 if tensor.dtype == np.float64 else np.float32)
    values *= b - a
    values += a
    return _set(tensor, values)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Entries drawn from the normal distribution of this mean and standard deviation.

    Args:
        tensor: changed in place.
        mean: of the distribution.
        std: its standard deviation.
        generator: where the randomness comes from; the default one unless given.

    Raises:
        ArgumentError: ``std`` is negative.

    Example:
        >>> import upriver as ur
        >>> _ = ur.manual_seed(0)
        >>> w = ur.nn.init.normal_(ur.empty(10000), std=0.1)
        >>> round(w.std().item(), 2)
        0.1
    """
    if std < 0:
        raise ArgumentError(f"init.normal_: the standard deviation is {std}", "Use a number of 0 or more.")
    return _set(tensor, _normal(tensor, generator) * float(std) + float(mean))


def _normal(tensor: Tensor, generator: Any) -> Any:
    dtype = np.float64 if tensor.dtype == np.float64 else np.float32
    return _rng(generator).standard_normal(tensor.shape, dtype)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Entries drawn from a normal distribution of which only [a, b] is kept; what falls outside is drawn again.

    Args:
        tensor: changed in place.
        mean: of the distribution.
        std: its standard deviation.
        a: the lower bound.
        b: the upper bound.
        generator: where the randomness comes from; the default one unless given.

    Raises:
        ArgumentError: less than a hundredth of the distribution lies between the bounds.

    Example:
        >>> import upriver as ur
        >>> w = ur.nn.init.trunc_normal_(ur.empty(1000), a=-1.0, b=1.0)
        >>> bool((w.abs() <= 1.0).all())
        True
    """
    inside = 0.5 * (math.erf((b - mean) / (std * math.sqrt(2))) - math.erf((a - mean) / (std * math.sqrt(2))))
    if inside < 0.01:
        raise ArgumentError(
            f"init.trunc_normal_: a part of {max(inside, 0):.2g} of normal({mean}, {std}) lies in [{a}, {b}]",
            "Bring the bounds, which are values and not multiples of std, nearer to the mean.",
        )
    rng = _rng(generator)
    values = rng.normal(mean, std, tensor.shape).reshape(-1)
    wrong = np.flatnonzero((values < a) | (values > b))
    while wrong.size:
        values[wrong] = rng.normal(mean, std, wrong.size)
        wrong = wrong[(values[wrong] < a) | (values[wrong] > b)]
    return _set(tensor, values.reshape(tensor.shape))


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs one output weights (fan-in), and how many outputs one input enters (fan-out).

    Args:
        tensor: a weight (out, in, ...), the rest being the lengths of a convolution's kernel.

    Raises:
        ShapeError: it has fewer than two dimensions.

    Example:
        >>> import upriver as ur
        >>> ur.nn.init.fans(ur.zeros(8, 3, 5, 5))
        (75, 200)
    """
    if tensor.ndim < 2:
        raise ShapeError(
            f"init: a tensor of shape {list(tensor.shape)} has no fan-in and fan-out",
            "Only weights of two or more dimensions do; fill biases with zeros_.",
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_GAINS = {
    "linear": 1.0,
    "identity": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By what the weights before an activation are to be larger, since it makes signals smaller.

    Args:
        nonlinearity: ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"selu"``.
        param: the negative slope of a leaky ReLU; default 0.01.

    Raises:
        ArgumentError: another name.

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers" (2015), equations 10 and 15; tanh: LeCun,
    Bottou, Orr and Müller, "Efficient BackProp" (1998), section 4.4.

    Example:
        >>> from upriver.nn.init import calculate_gain
        >>> round(calculate_gain("relu"), 4)
        1.4142
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ArgumentError(
            f"calculate_gain: no gain is known for {nonlinearity!r}", f"Use one of leaky_relu, {', '.join(_GAINS)}."
        )
    return _GAINS[nonlinearity]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in ±gain·√(6/(fan_in + fan_out)): forward signals and gradients keep their size, about equally.

    Args:
        tensor: changed in place.
        gain: see :func:`calculate_gain`.
        generator: where the randomness comes from; the default one unless given.

    Raises:
        ShapeError: the tensor has fewer than two dimensions.

    Source: Glorot and Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural Networks"
    (2010), equation 16.

    Example:
        >>> import upriver as ur
        >>> w = ur.nn.init.xavier_uniform_(ur.zeros(4, 2))
        >>> bool((w.abs() <= 1).all())
        True
    """
    bound = gain * math.sqrt(6 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain·√(2/(fan_in + fan_out)).

    Args:
        tensor: changed in place.
        gain: see :func:`calculate_gain`.
        generator: where the randomness comes from; the default one unless given.

    Raises:
        ShapeError: the tensor has fewer than two dimensions.

    Source: Glorot and Bengio (2010), equation 12.

    Example:
        >>> import upriver as ur
        >>> _ = ur.manual_seed(0)
        >>> w = ur.nn.init.xavier_normal_(ur.empty(200, 200))
        >>> round(w.std().item(), 2)
        0.07
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / max(sum(fans(tensor)), 1)), generator)


def _he(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """The standard deviation of He's initialisation."""
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"init: there is no mode {mode!r}", "Use 'fan_in' or 'fan_out'.")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform in ±gain·√(3/fan): keeps the size of signals through ReLUs.

    Args:
        tensor: a weight.
        a: the negative slope, for a leaky ReLU.
        mode: ``"fan_in"`` keeps forward signals, ``"fan_out"`` gradients.
        nonlinearity: the activation that follows.
        generator: draws the numbers.

    Raises:
        ShapeError: the tensor has fewer than two dimensions.

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers" (2015), equations 10, 14 and 15.

    Example:
        >>> import upriver as ur
        >>> w = ur.nn.init.kaiming_uniform_(ur.empty(8, 6), nonlinearity="relu")
        >>> w.abs().max().item() <= 1.0
        True
    """
    bound = math.sqrt(3) * _he(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation gain/√fan: keeps the size of signals through ReLUs.

    Args:
        tensor: changed in place.
        a: the slope of a leaky ReLU, where ``nonlinearity`` is one.
        mode: ``"fan_in"`` keeps the size of signals, ``"fan_out"`` that of gradients.
        nonlinearity: what comes after.
        generator: where the randomness comes from; the default one unless given.

    Raises:
        ShapeError: the tensor has fewer than two dimensions.

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers" (2015), equations 10, 14 and 15.

    Example:
        >>> import upriver as ur
        >>> _ = ur.manual_seed(0)
        >>> w = ur.nn.init.kaiming_normal_(ur.empty(200, 200), nonlinearity="relu")
        >>> round(w.std().item(), 2)
        0.1
    """
    return normal_(tensor, 0.0, _he(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Rows (or columns, whichever are fewer) at right angles and of length ``gain``.

    Drawn uniformly among such matrices: the QR decomposition of normal entries, signs by the diagonal of R.

    Args:
        tensor: changed in place.
        gain: the length of the rows.
        generator: where the randomness comes from; the default one unless given.

    Raises:
        ShapeError: it has fewer than two dimensions.

    Source: Saxe, McClelland and Ganguli, "Exact Solutions to the Nonlinear Dynamics of Learning in Deep
    Linear Neural Networks" (2014); Mezzadri, "How to Generate Random Matrices from the Classical Compact
    Groups" (2007), for the signs.

    Example:
        >>> import upriver as ur
        >>> w = ur.nn.init.orthogonal_(ur.zeros(2, 3))
        >>> (w @ w.T).round().abs().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if tensor.ndim < 2:
        raise ShapeError(f"init.orthogonal_: a tensor of shape {list(tensor.shape)} has fewer than two dimensions")
    if not tensor.array.size:
        return tensor
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    flat = _normal(tensor, generator).reshape(rows, columns)
    q, r = np.linalg.qr(flat.T if rows < columns else flat)
    q = q * np.where(np.diagonal(r) < 0, -1, 1)
    return _set(tensor, gain * (q.T if rows < columns else q).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """A matrix of normal entries, of which in each column the part ``sparsity`` is 0.

    Args:
        tensor: changed in place.
        sparsity: the part of each column that is 0.
        std: of the other entries.
        generator: where the randomness comes from; the default one unless given.

    Raises:
        ShapeError: it is not a matrix.

    Source: Martens, "Deep Learning via Hessian-free Optimization" (2010), section 5.

    Example:
        >>> import upriver as ur
        >>> w = ur.nn.init.sparse_(ur.empty(10, 2), sparsity=0.3)
        >>> (w == 0).sum(0).tolist()
        [3, 3]
    """
    if tensor.ndim != 2:
        raise ShapeError(f"init.sparse_: a tensor of shape {list(tensor.shape)} is not a matrix")
    rows, columns = tensor.shape
    values = _normal(tensor, generator) * std
    rng, zeros = _rng(generator), math.ceil(sparsity * rows)
    for column in range(columns):
        values[rng.permutation(rows)[:zeros], column] = 0
    return _set(tensor, values)
