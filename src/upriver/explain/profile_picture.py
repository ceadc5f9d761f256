"""The loss along the negative gradient as a picture: the curve, the parabola, and the steps that matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..drawing import Drawing, log_ticks, nice_ticks
from ..i18n import say

if TYPE_CHECKING:
    from .profile import StepProfile

_LEFT, _TOP, _WIDTH, _HEIGHT = 76.0, 116.0, 470.0, 250.0


def picture(p: StepProfile) -> str:
    """The profile as SVG: steps on a logarithmic axis, losses on a linear one."""
    d = Drawing(_LEFT + _WIDTH + 130, _TOP + _HEIGHT + 78, say("the loss along the negative gradient"))
    d.text(24, 30, say("Loss after one step along the negative gradient"), "title")
    finite = [(s, v) for s, v in zip(p.steps, p.losses, strict=True) if math.isfinite(v)]
    if len(finite) < 2:
        d.text(_LEFT, _TOP + 40, say("nothing to show: the loss is not finite after any step"), "soft")
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
    d.text(_LEFT + _WIDTH, _TOP + _HEIGHT + 36, say("step"), "soft end")
    d.line(_LEFT, py(p.loss), _LEFT + _WIDTH, py(p.loss), "axis dash")
    slope, bend = p.gradient_norm**2, p.curvature * p.gradient_norm**2
    parabola = [(s, p.loss - s * slope + 0.5 * s * s * bend) for s, _ in finite]
    _curve(d, [(px(s), py(v)) for s, v in finite if v <= top], "a")
    _curve(d, [(px(s), py(v)) for s, v in parabola if bottom <= v <= top], "b dash")
    curves = ((say("measured"), "a"), (say("parabola"), "b dash"), (say("loss now"), "axis dash"))
    for row, (what, kind) in enumerate(curves):
        y = _TOP + 14 + 20 * row
        d.add(f'<line x1="{_LEFT + _WIDTH + 14}" y1="{y}" x2="{_LEFT + _WIDTH + 40}" y2="{y}" class="line {kind}"/>')
        d.text(_LEFT + _WIDTH + 47, y + 4, what)
    marks = [(say("best of the parabola"), p.model_step), (say("largest that decreases"), p.largest_step),
             ("2 / λmax", p.stable_step), (say("learning rate"), p.learning_rate or math.inf)]  # fmt: skip
    shown = sorted((step, name) for name, step in marks if first <= step <= last)
    for row, (step, name) in enumerate(shown):
        # Each line ends above those to its left, so that no line runs through a label.
        y = _TOP - 12 - 15 * row
        d.line(px(step), y, px(step), _TOP + _HEIGHT, "axis dash")
        left = px(step) > _LEFT + 150
        d.text(px(step) + (-5 if left else 5), y + 8, f"{name}: {step:.3g}", "end" if left else "")
    return d.svg()


def _curve(d: Drawing, points: list[tuple[float, float]], kind: str) -> None:
    if len(points) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        d.add(f'<polyline points="{path}" class="line {kind}"/>')
