"""How large a step may be: the loss along the negative gradient, its curvature, the largest stable learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..core.backward import grad
from ..core.tensor import Tensor
from ..errors import ArgumentError, GradError
from ..i18n import say
from ..i18n.columns import left
from .perturb import Loss, Runner, resolution, restored
from .spectrum import Spectrum, hessian_operator, lanczos

_DOUBLINGS = 60


@dataclass(frozen=True, repr=False)
class StepProfile:
    """The loss along the negative gradient, and what it says of the learning rate.

    Attributes:
        loss: where the weights are now.
        gradient_norm: the Euclidean norm of the gradient.
        steps: learning rates, in ascending order.
        losses: the loss after one step of plain gradient descent with each of them, measured.
        curvature: d²(loss)/ds² along the gradient, per unit of length.
        model_step: the best step of the parabola with this slope and curvature; inf if it bends downwards.
        best_step, best_loss: the best of all the steps that were measured.
        largest_step: the largest step for which the loss is no higher than now; inf if none was found to be
            too large, 0 if even the smallest raises it.
        spectrum: the largest eigenvalues of the Hessian.
        stable_step: 2 / λmax: above it gradient descent on the parabola diverges; inf if nothing bends upwards.
        learning_rate: the one asked about, or None.
        standing: "far below", "below", "near" or "above" the largest stable step; None without a learning rate.
        rescaled: the name of an optimiser that does not step along the plain gradient, or None.
        runs: how often the loss was computed.
    """

    loss: float
    gradient_norm: float
    steps: tuple[float, ...]
    losses: tuple[float, ...]
    curvature: float
    model_step: float
    best_step: float
    best_loss: float
    largest_step: float
    spectrum: Spectrum
    stable_step: float
    learning_rate: float | None
    standing: str | None
    rescaled: str | None
    runs: int

    def text(self) -> str:
        """The numbers and what they mean, for a terminal."""
        return _text(self)

    def svg(self) -> str:
        """The curve as a picture, with the steps marked."""
        from .profile_picture import picture

        return picture(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "spectrum": self.spectrum._asdict()}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.text(), "image/svg+xml": self.svg()}

    def __repr__(self) -> str:
        return self.text()


def step_profile(
    loss_fn: Loss,
    params: Any,
    lr: Any = None,
    *,
    points: int = 33,
    rtol: float = 1e-3,
    seed: int = 0,
) -> StepProfile:
    """The loss along the negative gradient, its curvature, and how large a learning rate may be.

    The weights are really moved and the loss really computed; afterwards the weights are what they were, bit
    for bit. ``.grad`` is not touched.

    Args:
        loss_fn: takes nothing, computes the loss anew, and returns it: one number.
        params: a module, a list of leaves, or one leaf.
        lr: the learning rate to judge: a number, or an optimiser, whose largest one is taken.
        points: how many steps to measure.
        rtol: the tolerance of the largest eigenvalue and of the largest step that still decreases.
        seed: of the vector that Lanczos' method begins with.

    Returns:
        The numbers; print it, or look at its ``.svg()``.

    Raises:
        ArgumentError: ``loss_fn`` is no function, does not give one finite number, or no parameter is given.
        GradError: the loss does not depend on ``params``.

    Source:
        The bound 2 / λmax: Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp" (1998), section 5.

    Example:
        >>> import upriver as ur
        >>> from upriver.explain.profile import step_profile
        >>> w = ur.tensor([1.0, 1.0], dtype=ur.float64, requires_grad=True)
        >>> p = step_profile(lambda: 0.5 * (w * w * ur.tensor([1.0, 10.0], dtype=ur.float64)).sum(), [w], lr=0.1)
        >>> round(p.spectrum.top, 6), round(p.stable_step, 6), p.standing
        (10.0, 0.2, 'below')
    """
    leaves = _leaves(params)
    rate, rescaled = _rate(lr)
    runner = Runner("step_profile", loss_fn)
    loss = runner.record()
    start = float(loss.array)
    if not math.isfinite(start):
        raise ArgumentError(f"step_profile: the loss is {start}", "Ask ur.why(loss) for the reason.")
    gradients = grad(loss, leaves, create_graph=True, allow_unused=True)
    used = [(leaf, g) for leaf, g in zip(leaves, gradients, strict=True) if g is not None]
    if not used:
        raise GradError(
            "step_profile: the loss does not depend on any of the parameters",
            "Pass the parameters that loss_fn computes with.",
        )
    leaves, live = [leaf for leaf, _ in used], [g for _, g in used]
    flat = np.concatenate([g.array.reshape(-1).astype(np.float64) for g in live])
    norm = float(np.linalg.norm(flat))
    if not math.isfinite(norm):
        raise ArgumentError("step_profile: the gradient is not finite", "Ask ur.why(loss) for the reason.")
    product = hessian_operator(live, leaves)
    curvature = float(flat @ product(flat / norm)) / norm if norm else 0.0
    spectrum = lanczos(product, flat.size, rtol=rtol, seed=seed)
    model = 1 / curvature if curvature > 0 else math.inf
    centre = next((s for s in (model, rate, _unit(leaves, norm)) if s and math.isfinite(s)), 1.0)

    before = [leaf.array.copy() for leaf in leaves]
    with restored(leaves):

        def after(step: float) -> float:
            for leaf, old, g in zip(leaves, before, live, strict=True):
                leaf.array[...] = old - step * g.array
            return runner.value()

        steps = sorted({*_around(centre, points), *([rate] if rate else [])})
        measured = {step: after(step) for step in steps}
        largest = _largest(after, start, centre, resolution(loss.array), rtol) if norm else math.inf
    stable = 2 / spectrum.top if spectrum.top > 0 else math.inf
    best = min(steps, key=lambda s: measured[s] if math.isfinite(measured[s]) else math.inf)
    return StepProfile(
        loss=start,
        gradient_norm=norm,
        steps=tuple(steps),
        losses=tuple([measured[s] for s in steps]),
        curvature=curvature,
        model_step=model,
        best_step=best,
        best_loss=measured[best],
        largest_step=largest,
        spectrum=spectrum,
        stable_step=stable,
        learning_rate=rate,
        standing=None if rate is None else standing(rate, stable),
        rescaled=rescaled,
        runs=runner.runs,
    )


def _leaves(params: Any) -> list[Tensor]:
    """The parameters that require a gradient, each once."""
    if hasattr(params, "parameters"):
        params = params.parameters()
    given = [params] if isinstance(params, Tensor) else list(params)
    for p in given:
        if not isinstance(p, Tensor):
            raise ArgumentError(
                f"step_profile: params holds a {type(p).__name__}, not a tensor", "Pass model.parameters()."
            )
        if p.node is not None:
            raise GradError("step_profile: one of the parameters is a result, not a leaf", "Pass model.parameters().")
    leaves = [p for p in dict.fromkeys(given) if p.wants_grad]
    if not leaves:
        raise ArgumentError(
            "step_profile: none of the parameters requires a gradient",
            "Pass model.parameters(), and mind that a generator is used up once it has been walked.",
        )
    return leaves


def _rate(lr: Any) -> tuple[float | None, str | None]:
    """The learning rate, and the optimiser's name if it does not step along the plain gradient."""
    groups = getattr(lr, "param_groups", None)
    if groups is not None:
        plain = {"lr", "params", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "initial_lr"}
        odd = any(set(g) - plain or g.get("momentum") or g.get("weight_decay") for g in groups)
        return max(float(g["lr"]) for g in groups), type(lr).__name__ if odd else None
    if lr is None:
        return None, None
    if isinstance(lr, bool) or not isinstance(lr, (int, float)) or not 0 < lr < math.inf:
        raise ArgumentError(f"step_profile: lr={lr!r} is no learning rate", "Give a positive number or an optimiser.")
    return float(lr), None


def _unit(leaves: Sequence[Tensor], norm: float) -> float:
    """A step that moves the weights by a hundredth of their length: where nothing better is known."""
    size = math.sqrt(sum(float((leaf.array.astype(np.float64) ** 2).sum()) for leaf in leaves)) or 1.0
    return 0.01 * size / norm if norm else 1.0


def _around(centre: float, points: int) -> list[float]:
    """Steps on a geometric scale, from far below ``centre`` to eight times it."""
    return [float(s) for s in centre * np.geomspace(1 / 64, 8, max(2, points))]


def _largest(after: Callable[[float], float], start: float, first: float, blur: float, rtol: float) -> float:
    """The first step at which the loss is back where it started: bracketed by doubling, then halved.

    ``blur`` is what rounding can do to the loss: so much is not a rise.
    """

    def fine(step: float) -> bool:
        return after(step) <= start + 0.25 * blur

    low, high = 0.0, first
    if fine(high):
        for _ in range(_DOUBLINGS):
            low, high = high, 2 * high
            if not fine(high):
                break
        else:
            return math.inf
    else:
        for _ in range(_DOUBLINGS):
            low = high / 2
            if fine(low):
                break
            high = low
        else:
            return 0.0
    while high - low > 0.5 * rtol * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fine(middle) else (low, middle)
    return low


def standing(rate: float, stable: float) -> str:
    """Where a learning rate stands against the largest stable one."""
    share = rate / stable
    return "above" if share > 1 else "near" if share > 0.6 else "below" if share >= 0.05 else "far below"


def number(x: float) -> str:
    """A number with four digits; infinity as a word."""
    return say("none found") if math.isinf(x) else f"{x:.4g}"


def _text(p: StepProfile) -> str:
    best = say("(loss {loss})", loss=f"{p.best_loss:.6g}")
    products = say("({n} products)", n=p.spectrum.products)
    rows = [
        (say("loss"), f"{p.loss:.6g}"),
        (say("norm of the gradient"), number(p.gradient_norm)),
        (say("curvature along the gradient"), number(p.curvature)),
        (say("best step of the parabola"), number(p.model_step)),
        (say("best step measured"), f"{p.best_step:.4g}   {best}"),
        (say("largest step that still decreases"), number(p.largest_step)),
        (say("top eigenvalue of the Hessian"), f"{p.spectrum.top:.4g}   {products}"),
        (say("largest stable step, 2 / λmax"), number(p.stable_step)),
    ]
    if abs(p.spectrum.extreme) > abs(p.spectrum.top):
        rows.insert(7, (say("eigenvalue of largest magnitude"), number(p.spectrum.extreme)))
    if p.learning_rate is not None:
        rows.append((say("learning rate"), number(p.learning_rate)))
    lines = [f"  {left(name, 34)} {value}" for name, value in rows]
    return "\n".join([say("Along the negative gradient"), "", *lines, "", *conclusions(p)])


def conclusions(p: StepProfile) -> list[str]:
    """What the numbers mean, in sentences."""
    said: list[str] = []
    if p.gradient_norm == 0:
        return [say("The gradient is zero: no step changes anything.")]
    if p.largest_step == 0:
        said.append(say("Even the smallest step raises the loss: the point is at a minimum to rounding, or at a kink."))
    if p.curvature <= 0:
        said.append(say("The loss does not bend upwards along the gradient: the parabola has no best step."))
    if not p.spectrum.converged:
        said.append(say("The top eigenvalue has not converged: take 2 / λmax as a rough number."))
    if p.learning_rate is not None and p.standing is not None:
        said.append(_stands(p.learning_rate, p.standing, p.stable_step))
        if p.learning_rate > p.largest_step > 0:
            said.append(say("The next step of plain gradient descent would raise the loss."))
    if p.rescaled is not None:
        said.append(
            say(
                "{optimizer} does not step along the plain gradient: for it these limits are no more than a hint.",
                optimizer=p.rescaled,
            )
        )
    return said


def _stands(rate: float, standing: str, stable: float) -> str:
    """Where the learning rate stands, in a sentence; of a loss that bends nowhere upwards every rate is far below."""
    told = {"rate": f"{rate:g}", "share": "" if math.isinf(stable) else f"{rate / stable:.2g}"}
    if standing == "above":
        return say(
            "A learning rate of {rate} is above the largest stable step: along the steepest direction each step "
            "overshoots by more than the last ({share} of it).",
            **told,
        )
    if standing == "near":
        return say(
            "A learning rate of {rate} is near the largest stable step: fast, but close to the edge ({share} of it).",
            **told,
        )
    if standing == "below":
        return say("A learning rate of {rate} is below the largest stable step ({share} of it).", **told)
    if math.isinf(stable):
        return say("A learning rate of {rate} is far below the largest stable step: safe, and slow.", rate=f"{rate:g}")
    return say(
        "A learning rate of {rate} is far below the largest stable step: safe, and slow ({share} of it).", **told
    )
