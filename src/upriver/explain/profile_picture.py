"""The loss along the negative gradient as a picture: the curve, the parabola, and the steps that matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..drawing import Drawing, log_ticks, nice_ticks

if TYPE_CHECKING:
    from .profile import StepProfile

_LEFT, _TOP, _WIDTH, _HEIGHT = 76.0, 58.0, 470.0, 250.0


def picture(p: StepProfile) -> str:
    """The profile as SVG: steps on a logarithmic axis, losses on a linear one."""
    d = Drawing(_LEFT + _WIDTH + 150, _TOP + _HEIGHT + 78, "the loss along the negative gradient")
    d.text(_LEFT, 26, "Loss after one step along the negative gradient", "title")
    finite = [(s, v) for s, v in zip(p.steps, p.losses, strict=True) if math.isfinite(v)]
    if len(finite) < 2:
        d.text(_LEFT, _TOP + 40, "nothing to show: the loss is not finite after any step", "soft")
        return d.svg()
    low, high = min(v for _, v in finite), p.loss
    low = min(low, high)
    room = (high - low) or abs(high) or 1.0
    bottom, top = low - 0.15 * room, high + 0.6 * room
    first, last = finite[0][0], finite[-1][0]

    def px(step: float) -> float:
        return _LEFT + _WIDTH * math.log(step / first) / math.log(last / first)

    def py(loss: float) -> float:
        return _TOP + _HEIGHT * (1 - (loss - bottom) / (top - bottom))

    for tick in nice_ticks(bottom, top):
        d.line(_LEFT, py(tick), _LEFT + _WIDTH, py(tick), "rule")
        d.text(_LEFT - 8, py(tick) + 4, f"{tick:g}", "soft end num")
    d.line(_LEFT, _TOP + _HEIGHT, _LEFT + _WIDTH, _TOP + _HEIGHT, "axis")
    for tick in log_ticks(first, last):
        d.text(px(tick), _TOP + _HEIGHT + 18, f"{tick:g}", "soft mid num")
    d.text(_LEFT + _WIDTH, _TOP + _HEIGHT + 36, "step", "soft end")
    d.line(_LEFT, py(p.loss), _LEFT + _WIDTH, py(p.loss), "axis dash")
    d.text(_LEFT + _WIDTH + 9, py(p.loss) + 4, "loss now", "soft")
    _curve(d, [(px(s), py(v)) for s, v in finite if v <= top], "measured", "a")
    slope, bend = p.gradient_norm**2, p.curvature * p.gradient_norm**2
    parabola = [(s, p.loss - s * slope + 0.5 * s * s * bend) for s, _ in finite]
    _curve(d, [(px(s), py(v)) for s, v in parabola if bottom <= v <= top], "parabola", "b dash")
    marks = [("best of the parabola", p.model_step), ("largest that decreases", p.largest_step),
             ("2 / λmax", p.stable_step), ("learning rate", p.learning_rate or math.inf)]  # fmt: skip
    row = 0
    for name, step in marks:
        if first <= step <= last:
            d.line(px(step), _TOP, px(step), _TOP + _HEIGHT, "axis dash")
            side = "end" if px(step) > _LEFT + 0.6 * _WIDTH else ""
            d.text(px(step) + (-5 if side else 5), _TOP + 14 + 15 * row, f"{name}: {step:.3g}", side)
            row += 1
    return d.svg()


def _curve(d: Drawing, points: list[tuple[float, float]], name: str, kind: str) -> None:
    if len(points) < 2:
        return
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    d.add(f'<polyline points="{path}" class="line {kind}"/>')
    x, y = points[len(points) // 3]
    d.text(x + 6, y - 8 if "dash" not in kind else y + 16, name, f"f{kind[0]}")
