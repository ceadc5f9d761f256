"""Gradients compared with differences: the proof that every derivative here has to pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, GradError
from ..i18n import say
from .backward import grad
from .state import Array
from .tensor import Tensor, wrap

_STEPS, _SHRINK = 6, 4.0


def gradcheck(
    fn: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-3,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    order: int = 1,
    seed: int = 0,
) -> bool:
    """True if the gradients of ``fn`` at ``inputs`` are those that differences of its values give.

    All entries are checked at once, along one random direction v and for one random weighting c of the
    outputs: ⟨v, gradient of ⟨c, fn⟩⟩ must be the derivative of t ↦ ⟨c, fn(x + t v)⟩ at t = 0. That takes a
    dozen calls of ``fn`` however many entries there are; only where the two disagree are the inputs bisected,
    down to the entry that is wrong.

    Args:
        fn: takes ``inputs`` and returns a tensor or several; the same values each time it is called.
        inputs: the point at which to check. Those that require a gradient are varied, and must be float64.
        eps: the largest step; smaller ones follow, and are extrapolated to zero.
        rtol: the largest relative difference allowed.
        atol: the largest absolute difference allowed.
        order: 2 to check the gradients of the gradients as well.
        seed: of the random direction and weighting, so that a check can be repeated.

    Returns:
        True; a wrong gradient is an error.

    Raises:
        GradError: a gradient is wrong: which input, which entry, what it is and what it should be.
        DTypeError: an input to be varied is not float64.
        ArgumentError: no input requires a gradient, or no output is floating.

    Source:
        C. J. F. Ridders, "Accurate computation of F′(x) and F′(x) F″(x)", Advances in Engineering Software 4
        (1982), 75-76: central differences extrapolated to step zero, with an estimate of their error.

    Example:
        >>> import upriver as ur
        >>> x = ur.tensor([0.5, 2.0], dtype=ur.float64, requires_grad=True)
        >>> ur.gradcheck(lambda x: x.exp() * x.sin(), x, order=2)
        True
    """
    given: list[Any] = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    varied = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    if not varied:
        raise ArgumentError("gradcheck: no input requires a gradient", "Make the inputs with requires_grad=True.")
    for i in varied:
        if given[i].dtype != np.float64:
            raise DTypeError(
                f"gradcheck: input {i} is {given[i].dtype}, in which a difference of values is mostly rounding",
                "Use float64: x.detach().double().requires_grad_().",
            )
    if order not in (1, 2):
        raise ArgumentError(f"gradcheck: order {order} is neither 1 nor 2")
    n = len(given)
    first = _Check(fn, given, varied, n, eps, np.random.default_rng(seed))
    first.run(rtol, atol, say("gradient"))
    if order == 2:

        def gradients(*args: Any) -> Any:
            outputs = _floating(fn(*args[:n]))
            live = [(y, c) for y, c in zip(outputs, args[n:], strict=True) if y.requires_grad]
            if not live:
                return [wrap(np.zeros(args[i].shape), None) for i in varied]
            ys, cs = zip(*live, strict=True)
            return grad(ys, [args[i] for i in varied], cs, create_graph=True, materialize_grads=True)

        weights = [Tensor(c, requires_grad=True) for c in first.weights]
        variables = [*varied, *range(n, n + len(weights))]
        second = _Check(gradients, [*given, *weights], variables, n, eps, np.random.default_rng(seed + 1))
        second.run(rtol, atol, say("second gradient"))
    return True


def _floating(result: Any) -> list[Tensor]:
    found = [result] if isinstance(result, Tensor) else list(result)
    return [y for y in found if y.dtype.kind == "f"]


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Entries of either sign, none so small that a wrong gradient could hide behind it, none large."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)


class _Check:
    """One function at one point, and what its gradients there are said to be."""

    def __init__(
        self,
        fn: Callable[..., Any],
        inputs: list[Any],
        varied: list[int],
        given: int,
        eps: float,
        rng: np.random.Generator,
    ) -> None:
        self.fn, self.inputs, self.varied, self.given, self.eps, self.rng = fn, inputs, varied, given, eps, rng
        self.point: list[Array] = [inputs[i].array.copy() for i in varied]
        leaves, outputs = self.outputs(self.point)
        if not outputs:
            raise ArgumentError(
                "gradcheck: no output of the function is floating", "There is nothing to differentiate."
            )
        self.weights = [_random(rng, y.shape) for y in outputs]
        for y, again in zip(outputs, self.outputs(self.point)[1], strict=True):
            if not np.array_equal(y.array, again.array, equal_nan=True):
                raise GradError(
                    "gradcheck: two calls of the function with the same inputs gave different values",
                    "Fix its random numbers: make the generator anew, with one seed, inside the function.",
                )
        live = [
            (y, wrap(c.astype(y.dtype), None)) for y, c in zip(outputs, self.weights, strict=True) if y.requires_grad
        ]
        if live:
            ys, cs = zip(*live, strict=True)
            found = grad(ys, leaves, cs, materialize_grads=True)
            self.analytic: list[Array] = [g.array for g in found if g is not None]
        else:
            self.analytic = [np.zeros_like(x) for x in self.point]

    def outputs(self, point: Sequence[Array]) -> tuple[list[Tensor], list[Tensor]]:
        """The varied inputs as leaves at ``point``, and the floating outputs of the function there."""
        args = list(self.inputs)
        for i, array in zip(self.varied, point, strict=True):
            args[i] = Tensor(array.copy(), requires_grad=True)
        return [args[i] for i in self.varied], _floating(self.fn(*args))

    def said(self, direction: Sequence[Array]) -> float:
        """The derivative along ``direction`` that the gradients give."""
        return float(sum(np.sum(v * g) for v, g in zip(direction, self.analytic, strict=True)))

    def measured(self, direction: Sequence[Array]) -> float:
        """The derivative along ``direction`` that the values give, by extrapolated central differences."""
        rows: list[list[float]] = []
        best, error = np.nan, np.inf
        with np.errstate(all="ignore"):
            for k in range(_STEPS):
                row = [self.difference(direction, self.eps / _SHRINK**k)]
                if not np.isfinite(row[0]):
                    continue  # the step led out of the domain: take smaller ones
                for j in range(len(rows)):
                    power = _SHRINK ** (2 * (j + 1))
                    row.append((power * row[j] - rows[-1][j]) / (power - 1))
                    estimate = max(abs(row[-1] - row[j]), abs(row[-1] - rows[-1][j]))
                    if estimate <= error:
                        best, error = row[-1], estimate
                rows.append(row)
        return best

    def difference(self, direction: Sequence[Array], step: float) -> float:
        """The central difference of the weighted outputs; entry by entry, so that little cancels."""
        ahead = self.outputs([x + step * v for x, v in zip(self.point, direction, strict=True)])[1]
        behind = self.outputs([x - step * v for x, v in zip(self.point, direction, strict=True)])[1]
        terms = zip(self.weights, ahead, behind, strict=True)
        return float(sum(np.sum(c * (a.array - b.array)) for c, a, b in terms)) / (2 * step)

    def run(self, rtol: float, atol: float, what: str) -> None:
        """Compare along one random direction; where the two disagree, find the entry and say so."""
        direction = [_random(self.rng, x.shape) for x in self.point]
        said, measured = self.said(direction), self.measured(direction)
        size = np.sqrt(sum(np.sum((v * g) ** 2) for v, g in zip(direction, self.analytic, strict=True)))
        if abs(said - measured) <= atol + rtol * max(abs(measured), float(size)):
            return
        k, entry = self.worst(direction)
        i, n = self.varied[k], self.given
        which = f"input {i}" if i < n else f"the cotangent of output {i - n}"
        unit = [np.zeros_like(x) for x in self.point]
        unit[k].flat[entry] = 1.0
        index = [int(i) for i in np.unravel_index(entry, self.point[k].shape)]
        raise GradError(
            f"gradcheck: the {what} with respect to {which}, shape {list(self.point[k].shape)}, is wrong at {index}\n"
            f"  analytic  {self.said(unit):.10g}\n"
            f"  numeric   {self.measured(unit):.10g}\n"
            f"  (along a random direction {said:.10g} and {measured:.10g})",
            "Correct the gradient rule; or move the input off a point without a derivative, such as 0 for relu.",
        )

    def worst(self, direction: Sequence[Array]) -> tuple[int, int]:
        """An input, and in it an entry, whose gradient is wrong: the half that disagrees more, halved again."""

        def gap(k: int, low: int, high: int) -> float:
            part = [np.zeros_like(v) for v in direction]
            part[k].flat[low:high] = direction[k].flat[low:high]
            gap = abs(self.said(part) - self.measured(part))
            return gap if np.isfinite(gap) else np.inf

        k = max(range(len(direction)), key=lambda k: gap(k, 0, direction[k].size) if direction[k].size else -1.0)
        low, high = 0, direction[k].size
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if gap(k, low, middle) >= gap(k, middle, high) else (middle, high)
        return k, low
