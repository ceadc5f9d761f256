"""The largest eigenvalues of the Hessian of a loss, from a few products with vectors: it is never written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor
from .nudge import hessian_product

_STOP = 1e-12


class Spectrum(NamedTuple):
    """The ends of the Hessian's spectrum.

    Attributes:
        top: the algebraically largest eigenvalue.
        extreme: the eigenvalue of the largest magnitude, with its sign.
        error: a bound on how far each of the two is from a true eigenvalue.
        products: how many products of the Hessian with a vector were taken.
        converged: whether both are within the tolerance asked for.
    """

    top: float
    extreme: float
    error: float
    products: int
    converged: bool


def lanczos(
    product: Callable[[Array], Array], size: int, *, rtol: float = 1e-3, most: int = 60, seed: int = 0
) -> Spectrum:
    """The largest eigenvalues of a symmetric operator, by Lanczos' method with full reorthogonalisation.

    Args:
        product: the operator, on vectors of length ``size``.
        size: the number of its rows.
        rtol: when to stop: the bound on the error over the largest magnitude.
        most: the largest number of products.
        seed: of the vector to begin with, so that the result can be repeated.

    Source:
        C. Lanczos, "An iteration method for the solution of the eigenvalue problem", J. Res. NBS 45 (1950);
        the bound on the error: B. N. Parlett, "The Symmetric Eigenvalue Problem" (1980), section 13.2.

    Example:
        >>> found = lanczos(lambda v: np.array([1.0, -5.0, 3.0]) * v, 3)
        >>> round(found.top, 6), round(found.extreme, 6)
        (3.0, -5.0)
    """
    if size == 0:
        return Spectrum(0.0, 0.0, 0.0, 0, True)
    v: Array = np.random.default_rng(seed).standard_normal(size)
    v /= np.linalg.norm(v)
    basis: list[Array] = []
    diagonal: list[float] = []
    beside: list[float] = []
    values, errors = np.zeros(1), np.full(1, math.inf)
    for _ in range(min(most, size)):
        w = product(v)
        if not np.isfinite(w).all():
            return Spectrum(math.nan, math.nan, math.nan, len(basis) + 1, False)
        basis.append(v)
        diagonal.append(float(v @ w))
        before, rest = float(np.linalg.norm(w)), 0.0
        for _ in range(2):
            for u in basis:
                w -= (u @ w) * u
            rest = float(np.linalg.norm(w))
            if rest > 0.7 * before:  # little has cancelled: once was enough
                break
            before = rest
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        errors = np.abs(rest * vectors[-1])
        scale = float(np.abs(values).max())
        ends = errors[-1], errors[int(np.argmax(np.abs(values)))]
        if rest <= _STOP * max(scale, 1e-300):
            errors = np.zeros_like(errors)  # the space is closed under the operator: the values are exact
            break
        if len(basis) > 1 and max(ends) <= rtol * scale:
            break
        beside.append(rest)
        v = w / rest
    at = int(np.argmax(np.abs(values)))
    error = float(max(errors[-1], errors[at])) if len(basis) < size else 0.0
    good = error <= rtol * float(np.abs(values).max())
    return Spectrum(float(values[-1]), float(values[at]), error, len(basis), good)


def hessian_operator(gradients: Sequence[Tensor], leaves: Sequence[Tensor]) -> Callable[[Array], Array]:
    """The Hessian as a function on vectors of all entries of ``leaves``, one leaf after the other.

    Args:
        gradients: of the loss with respect to ``leaves``, recorded.
        leaves: to differentiate by.
    """
    ends = np.cumsum([0, *[leaf.array.size for leaf in leaves]])

    def product(v: Array) -> Array:
        parts = [v[a:b].reshape(leaf.shape) for a, b, leaf in zip(ends, ends[1:], leaves, strict=False)]
        found = hessian_product(list(zip(gradients, parts, strict=True)), leaves)
        return np.concatenate([h.reshape(-1) for h in found]).astype(np.float64, copy=False)

    return product
