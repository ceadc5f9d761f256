"""Random numbers: even, normal, integers, permutations, and choices in proportion to weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import DType, as_dtype, bool_, get_default_dtype, int64
from ..core.op import CALL, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import Array, no_grad, read_by_python, recorder
from ..core.tensor import Tensor, as_tensor, wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from .align import broadcast_shapes, check_device, number
from .checks import check_range
from .generator import (
    Generator as Generator,
    default_generator as default_generator,
    get_rng_state as get_rng_state,
    manual_seed as manual_seed,
    raw_bits,
    set_rng_state as set_rng_state,
    stream,
)
from .shape import one_sequence

Shape = tuple[int, ...]


class Draw(Op):
    """An operation of no inputs: its value follows from its attributes, ``seed`` and ``counter`` among them."""

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        return self.run(inputs, attrs)


def _draw(name: str, forward: Any, symbol: str, *cases: dict[str, Any], lower: Any = None) -> Draw:
    """The record of a distribution."""
    return Draw(
        name=f"random_{name}",
        forward=forward,
        vjps=(),
        shape=lambda *, shape, **_: shape,
        dtype=lambda *, dtype, **_: dtype,
        formula=Formula(f"{name}()", symbol, CALL),
        domain=REALS,
        flops=lambda out, **_: 10 * math.prod(out),
        lower=lower,
        cases=tuple([Case((), {"seed": 1, "counter": 2, **attrs}) for attrs in cases]),
    )


def _uniform_array(shape: Shape, dtype: DType, seed: int, counter: int) -> Array:
    if dtype == np.float64:
        return np.asarray(stream(seed, counter).random(shape))
    bits = raw_bits(seed, counter, math.prod(shape)) >> np.uint32(8)  # as many bits as a float32 holds
    out = bits.astype(np.float32)
    out *= np.float32(2**-24)
    return out.reshape(shape) if dtype == np.float32 else _below_one(out, dtype).reshape(shape)


def _below_one(u: Array, dtype: DType) -> Array:
    return np.minimum(u.astype(dtype), np.nextafter(dtype.type(1), dtype.type(0)))


def _normal_array(shape: Shape, dtype: DType, seed: int, counter: int) -> Array:
    kernel: Any = np.float64 if dtype == np.float64 else np.float32
    return np.asarray(stream(seed, counter).standard_normal(shape, kernel)).astype(dtype, copy=False)


def _exponential_array(shape: Shape, dtype: DType, seed: int, counter: int) -> Array:
    return np.asarray(stream(seed, counter).standard_exponential(shape)).astype(dtype, copy=False)


def _integers_array(shape: Shape, dtype: DType, low: int, high: int, seed: int, counter: int) -> Array:
    return np.asarray(stream(seed, counter).integers(low, high, shape)).astype(dtype, copy=False)


def _permutation_array(shape: Shape, dtype: DType, seed: int, counter: int) -> Array:
    return stream(seed, counter).permutation(shape[0]).astype(dtype, copy=False)


def _kept_array(shape: Shape, dtype: DType, p: float, seed: int, counter: int) -> Array:
    """True with probability 1 − p: 32 random bits against a threshold, without a detour over floats."""
    if p >= 1.0:
        return np.zeros(shape, np.bool_)
    return (raw_bits(seed, counter, math.prod(shape)) >= np.uint32(round(p * 2**32))).reshape(shape)


_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
random_uniform = _draw(
    "uniform", _uniform_array, r"\mathcal{{U}}(0, 1)", {"shape": (2, 3), "dtype": _F32}, {"shape": (), "dtype": _F64},
    lower=lambda m, shape, dtype: m.draw("uniform", shape, dtype),
)  # fmt: skip
random_normal = _draw(
    "normal", _normal_array, r"\mathcal{{N}}(0, 1)", {"shape": (2, 3), "dtype": _F32}, {"shape": (), "dtype": _F64}
)
random_exponential = _draw(
    "exponential", _exponential_array, r"\operatorname{{Exp}}(1)", {"shape": (0, 3), "dtype": _F32}
)
random_integers = _draw(
    "integers", _integers_array, r"\mathcal{{U}}\{{{low}, \ldots, {high} - 1\}}",
    {"shape": (2,), "dtype": int64, "low": -1, "high": 3},
)  # fmt: skip
random_permutation = _draw(
    "permutation", _permutation_array, r"\operatorname{{permutation}}", {"shape": (3,), "dtype": int64}
)
random_mask = _draw(
    "mask", _kept_array, r"\mathcal{{B}}(1 - {p})",
    {"shape": (2, 3), "dtype": bool_, "p": 0.5}, {"shape": (), "dtype": bool_, "p": 1.0},
    lower=lambda m, shape, dtype, p: m.draw("mask", shape, dtype),
)  # fmt: skip


def _size(name: str, size: Any, given: Any = None) -> Shape:
    shape = tuple([int(n) for n in one_sequence((given,) if given is not None else size)])
    if any(n < 0 for n in shape):
        raise ShapeError(f"{name}: a length in {list(shape)} is negative")
    return shape


def made(draw: Draw, shape: Shape, dtype: Any, device: Any, requires_grad: bool, generator: Any, **attrs: Any) -> Any:
    """A draw of ``generator``, or of the default generator if it is None."""
    check_device(device)
    wanted = get_default_dtype() if dtype is None else as_dtype(dtype)
    if wanted.kind != "f" and draw in (random_uniform, random_normal, random_exponential):
        raise DTypeError(f"{draw.name}: dtype {wanted} is not floating", "Use ur.randint for integers.")
    source = default_generator if generator is None else generator
    told = recorder()
    if told is not None:
        told.drawing(source)
    out = draw.run((), {"shape": shape, "dtype": wanted, **attrs, **source.draw()})
    return out.requires_grad_() if requires_grad else out


@front_door
def rand(
    *size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers spread evenly over [0, 1).

    Args:
        size: the shape, as numbers or as one tuple.
        generator: where they come from; the default generator if None.
        dtype: a floating dtype; default float32.
        device: the CPU.
        requires_grad: whether ``backward()`` shall give it a ``.grad``.

    Example:
        >>> import upriver as ur
        >>> ur.rand(2, 3).shape
        (2, 3)
    """
    return made(random_uniform, _size("rand", size), dtype, device, requires_grad, generator)


@front_door
def randn(
    *size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers of the normal distribution with mean 0 and variance 1. Arguments as for :func:`rand`.

    Args:
        size: the shape.
        generator: where the randomness comes from.
        dtype: float32 unless given.
        device: the CPU.
        requires_grad: whether gradients shall flow to it.

    Example:
        >>> import upriver as ur
        >>> ur.randn(2, 3, generator=ur.Generator().manual_seed(1)).dtype
        dtype('float32')
    """
    return made(random_normal, _size("randn", size), dtype, device, requires_grad, generator)


@front_door
def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Any = None, dtype: Any = int64, device: Any = None
) -> Tensor:
    """Integers from ``low`` to ``high - 1``, all equally likely; ``randint(high, size)`` begins at 0.

    Args:
        low: the smallest.
        high: all are below it.
        size: the shape.
        generator: where the randomness comes from.
        device: the CPU.
        dtype: of the result.

    Raises:
        ArgumentError: there is no integer between the two.

    Example:
        >>> import upriver as ur
        >>> ur.randint(0, 10, (2, 3)).shape
        (2, 3)
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None or isinstance(size, int):
        raise ShapeError("randint: the size must be a tuple", "As in ur.randint(0, 10, (3,)).")
    first, end = int(low), int(high)
    if first >= end:
        raise ArgumentError(f"randint: there is no integer from {first} to {end} - 1")
    return made(random_integers, _size("randint", size), dtype, device, False, generator, low=first, high=end)


@front_door
def randperm(n: int, *, generator: Any = None, dtype: Any = int64, device: Any = None) -> Tensor:
    """The integers 0 to n − 1 in random order.

    Example:
        >>> import upriver as ur
        >>> ur.randperm(4).sort().values.tolist()
        [0, 1, 2, 3]
    """
    return made(random_permutation, _size("randperm", (n,)), dtype, device, False, generator)


@front_door
def rand_like(x: Any, *, generator: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """As :func:`rand`, in the shape and dtype of ``x``.

    Example:
        >>> import upriver as ur
        >>> ur.rand_like(ur.zeros(2, 3)).shape
        (2, 3)
    """
    return rand(x.shape, generator=generator, dtype=x.dtype if dtype is None else dtype, requires_grad=requires_grad)


@front_door
def randn_like(x: Any, *, generator: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """As :func:`randn`, in the shape and dtype of ``x``.

    Example:
        >>> import upriver as ur
        >>> ur.randn_like(ur.zeros(2, 3)).shape
        (2, 3)
    """
    return randn(x.shape, generator=generator, dtype=x.dtype if dtype is None else dtype, requires_grad=requires_grad)


@front_door
def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None) -> Tensor:
    """Numbers of the normal distribution. No gradient flows to ``mean`` and ``std``.

    Args:
        mean: a number or a tensor.
        std: a number or a tensor; the two broadcast together.
        size: the shape; needed where both are numbers.
        generator: where they come from.
        dtype: default that of the tensors, or float32.

    Raises:
        ArgumentError: ``std`` is negative.

    Example:
        >>> import upriver as ur
        >>> ur.normal(0.0, 0.02, (2, 3)).shape
        (2, 3)
    """
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    shape = broadcast_shapes("normal", *[x.shape for x in tensors]) if tensors else ()
    if size is not None:
        shape = _size("normal", (), size)
    lowest = (std.array.min() if std.array.size else 0) if isinstance(std, Tensor) else std
    if isinstance(std, Tensor):
        check_range(std, 0, None)
    if lowest < 0:
        raise ArgumentError(f"normal: the standard deviation {lowest} is negative")
    if dtype is None and tensors:
        dtype = tensors[0].dtype
    with no_grad():
        out = randn(shape, generator=generator, dtype=dtype)
        return out * std + mean


@front_door
def uniform_between(x: Any, low: Any = 0.0, high: Any = 1.0, *, generator: Any = None, **kwargs: Any) -> Tensor:
    """Numbers spread evenly over [low, high), in the shape and dtype of ``x``; ``from=`` and ``to=`` are accepted.

    Raises:
        ArgumentError: ``low`` is above ``high``.
    """
    first, last = float(number(kwargs.pop("from", low))), float(number(kwargs.pop("to", high)))
    if kwargs:
        raise TypeError(f"uniform_() got an unexpected keyword argument {next(iter(kwargs))!r}")
    if first > last:
        raise ArgumentError(f"uniform_: from {first} to {last} is no interval")
    return rand(x.shape, generator=generator, dtype=x.dtype) * (last - first) + first


@front_door
def integers_like(x: Any, low: Any = None, high: Any = None, *, generator: Any = None) -> Tensor:
    """Integers from ``low`` to ``high - 1`` in the shape and dtype of ``x``; by default all that the dtype holds."""
    if high is None:
        # A float dtype holds every integer up to its mantissa's length, as PyTorch has it.
        most = 2 ** (np.finfo(x.dtype).nmant + 1) if x.dtype.kind == "f" else 2 if x.dtype.kind == "b" else None
        end = low if low is not None else most if most is not None else int(np.iinfo(x.dtype).max)
        low, high = 0, end
    return randint(low, high, x.shape, generator=generator, dtype=x.dtype)


@front_door
def exponential_like(x: Any, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Numbers of the exponential distribution of rate ``lambd`` in the shape and dtype of ``x``.

    Raises:
        ArgumentError: the rate is not positive.
    """
    if lambd <= 0:
        raise ArgumentError(f"exponential_: the rate {lambd} is not positive")
    return made(random_exponential, x.shape, x.dtype, None, False, generator) / float(lambd)


@front_door
def bernoulli(x: Any, p: float | None = None, *, generator: Any = None) -> Tensor:
    """1 with the probability that each entry of ``x`` is (or with ``p``), else 0; of the shape and dtype of ``x``.

    Raises:
        ArgumentError: an entry is not a probability.

    Example:
        >>> import upriver as ur
        >>> ur.bernoulli(ur.tensor([0.0, 1.0])).tolist()
        [0.0, 1.0]
    """
    x = as_tensor(x)
    odds = x.array if p is None else np.asarray(p)
    if odds.size and not (odds.min() >= 0 and odds.max() <= 1):
        raise ArgumentError("bernoulli: an entry is not between 0 and 1", "Pass probabilities, as from sigmoid.")
    with no_grad():
        u = rand(x.shape, generator=generator, dtype=np.float64)
        if p is None:
            check_range(x, 0, 1)
        return (u < (x.detach() if p is None else float(p))).to(x.dtype)


@front_door
def multinomial(x: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Indices drawn with the probabilities that each row of ``x`` is in proportion to.

    Args:
        x: (n) or (rows, n); not negative; a row need not add up to 1.
        num_samples: how many to draw from each row.
        replacement: whether one index can be drawn again.
        generator: where the randomness comes from.

    Returns:
        (num_samples) or (rows, num_samples), int64.

    Raises:
        ArgumentError: an entry is negative, infinite or NaN, a row is zero, or more are wanted than can be drawn.
        ShapeError: ``x`` has another number of dimensions.

    Source: without replacement, Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006).

    Example:
        >>> import upriver as ur
        >>> ur.multinomial(ur.tensor([0.0, 1.0]), 3, replacement=True).tolist()
        [1, 1, 1]
    """
    x = as_tensor(x)
    read_by_python(x.array, "multinomial")
    if x.ndim not in (1, 2):
        raise ShapeError(f"multinomial: shape {list(x.shape)} is neither (n) nor (rows, n)")
    rows = np.atleast_2d(x.array).astype(np.float64)
    if not np.isfinite(rows).all() or (rows.size and rows.min() < 0):
        raise ArgumentError(
            "multinomial: an entry is negative, infinite or NaN", "Pass probabilities, as from softmax."
        )
    totals = np.cumsum(rows, axis=1)
    n = int(num_samples)
    if n < 1:
        raise ArgumentError(f"multinomial: {n} samples cannot be drawn")
    if not rows.shape[1] or (totals[:, -1] <= 0).any():
        raise ArgumentError("multinomial: the entries of a row add up to 0", "Some index must be possible.")
    if replacement:
        u = rand((len(rows), n), generator=generator, dtype=np.float64).array
        totals /= totals[:, -1:]
        found = np.stack([np.searchsorted(t, v, "right") for t, v in zip(totals, u, strict=True)])
    else:
        possible = int(np.count_nonzero(rows, axis=1).min())
        if n > possible:
            raise ArgumentError(
                f"multinomial: {n} samples without replacement, and a row has only {possible} possible ones",
                "Use replacement=True.",
            )
        waits = made(random_exponential, rows.shape, np.float64, None, False, generator).array
        with np.errstate(divide="ignore"):
            found = np.argsort(waits / rows, axis=1, kind="stable")[:, :n]
    return wrap(found if x.ndim == 2 else found[0], None)
