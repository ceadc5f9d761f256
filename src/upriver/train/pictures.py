"""Pictures of a run, drawn as SVG: curves, gradient flow, confusion, and what a plane is divided into.

SVG needs no library, stays sharp, and follows the reader's light or dark setting. Nothing is told by colour
alone: lines differ in dash and carry their names, cells carry their numbers, classes have shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from ..core.state import Array
from ..drawing import Drawing, log_ticks, nice_ticks
from ..i18n import say
from .metrics import say_title

# From low to high: dark blue, teal, green, yellow; even steps of lightness, safe for colour-blind readers (viridis).
_SCALE = ((68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37))

Series = tuple[str, Sequence[float | None], str]  # name, values by epoch, CSS classes


def _panel(
    d: Drawing, x: float, y: float, w: float, h: float, title: str, series: Sequence[Series],
    show: Callable[[float], str], *, log: bool, first: int,
) -> None:  # fmt: skip
    """One chart of values over epochs, with the names of the lines at their ends."""
    values = [v for _, points, _ in series for v in points if v is not None and math.isfinite(v)]
    d.text(x, y - 12, title, "title")
    if not values:
        d.text(x, y + h / 2, say("nothing to show"), "soft")
        return
    low, high = min(values), max(values)
    log = log and low > 0 and high / low > 20
    if not log:
        pad = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        low, high = low - pad, high + pad
    count = max(len(points) for _, points, _ in series)

    def px(i: float) -> float:
        return x + w * (i / max(1, count - 1) if count > 1 else 0.5)

    def py(v: float) -> float:
        share = (math.log(v / low) / math.log(high / low)) if log else (v - low) / (high - low)
        return y + h * (1 - share)

    for tick in log_ticks(low, high) if log else nice_ticks(low, high):
        d.line(x, py(tick), x + w, py(tick), "rule")
        d.text(x - 8, py(tick) + 4, show(tick), "soft end num")
    d.line(x, y + h, x + w, y + h, "axis")
    for tick in nice_ticks(first, first + count - 1, 6) if count > 1 else [float(first)]:
        if tick == int(tick):
            d.text(px(tick - first), y + h + 18, f"{int(tick)}", "soft mid num")
    d.text(x + w, y + h + 34, say("epoch"), "soft end")
    ends: list[float] = []
    for name, points, kind in series:
        known = [(px(i), py(v)) for i, v in enumerate(points) if v is not None and math.isfinite(v)]
        if not known:
            continue
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in known)
        d.add(f'<polyline points="{path}" class="line {kind}"/>')
        at = known[-1][1] + 4
        while any(abs(at - other) < 13.5 for other in ends):
            at += 14 if at + 14 < y + h else -14 * (len(ends) + 1)
        ends.append(at)
        d.add(f'<circle cx="{known[-1][0]:.1f}" cy="{known[-1][1]:.1f}" r="3" class="f{kind[0]}"/>')
        d.text(x + w + 9, at, name, "f" + kind[0])


def curves(history: Sequence[dict[str, Any]], metric: Any = None) -> str:
    """Loss, and beside it the metric if there is one, over the epochs: training solid, validation dashed."""
    both = metric is not None
    measure = say_title(metric) if both else ""
    title = say("loss and {measure} by epoch", measure=measure) if both else say("loss by epoch")
    d = Drawing(880 if both else 480, 330, title)
    first = int(history[0]["epoch"]) if history else 1

    def pair(key: str) -> list[Series]:
        return [
            (say("train"), [r.get(f"train_{key}") for r in history], "a"),
            (say("validation"), [r.get(f"val_{key}") for r in history], "b dash"),
        ]

    _panel(d, 62, 46, 300, 232, say("Loss"), pair("loss"), lambda v: f"{v:g}", log=True, first=first)
    if both:
        show = (lambda v: f"{100 * v:.4g} %") if metric.percent else (lambda v: f"{v:g}")
        _panel(d, 502, 46, 290, 232, measure[:1].upper() + measure[1:], pair(metric.name), show, log=False, first=first)
    return d.svg()


def _shade(share: float) -> tuple[str, str]:
    """A colour of the scale for a number in [0, 1], and one for text on it."""
    at = min(max(share, 0.0), 1.0) * (len(_SCALE) - 1)
    i = min(int(at), len(_SCALE) - 2)
    rgb = [round(a + (b - a) * (at - i)) for a, b in zip(_SCALE[i], _SCALE[i + 1], strict=True)]
    light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 140
    return f"#{rgb[0]:02x}{rgb[1]:02x}{rgb[2]:02x}", "#10151b" if light else "#ffffff"


def gradient_flow(epochs: Sequence[int], layers: Sequence[str], norms: Array) -> str:
    """The gradient's norm in each layer (a row, from the input down) at the end of each epoch (a column).

    Args:
        epochs: (E,) their numbers.
        layers: (L,) their names.
        norms: (E, L).
    """
    left = 30 + 7.2 * max([len(name) for name in layers] or [4])
    wide, row = 560.0, 30.0
    d = Drawing(left + wide + 136, 112 + row * len(layers), say("gradient norm by layer and epoch"))
    d.text(20, 30, say("Gradient flow: the norm of each layer's gradient"), "title")
    positive = norms[norms > 0]
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (1e-3, 1.0)
    a, b = math.log10(low), math.log10(high)
    if b - a < 1.0:  # a factor of ten at least, so that small changes do not look like large ones
        a, b = (a + b) / 2 - 0.5, (a + b) / 2 + 0.5
    cell = wide / max(1, len(epochs))
    for j, name in enumerate(layers):
        y = 48 + row * j
        d.text(left - 10, y + row / 2 + 4, name, "end")
        for i in range(len(epochs)):
            value = float(norms[i, j])
            fill, ink = _shade((math.log10(value) - a) / (b - a)) if value > 0 else ("#808890", "#ffffff")
            d.box(left + cell * i, y, cell - (1 if cell > 4 else 0), row - 2, f'fill="{fill}"')
            if cell >= 44:
                style = f'class="mid num" style="fill:{ink}"'
                d.add(
                    f'<text x="{left + cell * (i + 0.5):.1f}" y="{y + row / 2 + 3:.1f}" {style}>{_short(value)}</text>'
                )
        if len(epochs):
            last = say("{norm} at the end", norm=_short(float(norms[-1, j])))
            d.text(left + wide + 12, y + row / 2 + 4, last, "soft num")
    foot = 48 + row * len(layers) + 16
    if len(epochs):
        d.text(left, foot, say("epoch {n}", n=epochs[0]), "soft")
        d.text(left + wide, foot, say("epoch {n}", n=epochs[-1]), "soft end")
    for k in range(120):
        d.box(left + 90 + k * 2, foot + 16, 2.2, 10, f'fill="{_shade(k / 119)[0]}" shape-rendering="crispEdges"')
    d.text(left + 82, foot + 25, say("small {norm}", norm=_short(10**a)), "soft end num")
    d.text(left + 338, foot + 25, say("{norm} large", norm=_short(10**b)), "soft num")
    return d.svg()


def _short(value: float) -> str:
    return "0" if value == 0 else f"{value:.2g}" if 1e-3 <= abs(value) < 1e3 else f"{value:.0e}"


def confusion(matrix: Array, classes: Sequence[str]) -> str:
    """A confusion matrix: rows are what it was, columns what it was taken for; right ones blue, wrong ones orange."""
    n = len(classes)
    cell = 38.0 if n <= 12 else max(10.0, 460 / n)
    longest = max(len(name) for name in classes)
    slanted = longest * 7.0 > cell  # names too long for their column are written upwards
    left, top = 50 + 7.0 * longest, 74.0 + (7.0 * longest if slanted else 12)
    d = Drawing(left + cell * n + 80, top + cell * n + 24, say("confusion matrix"))
    right = int(np.trace(matrix))
    d.text(20, 28, say("Confusion: {right} of {n} right", right=right, n=int(matrix.sum())), "title")
    d.text(20, 48, say("rows: what it was · columns: what it was taken for"), "soft")
    rows = np.maximum(matrix.sum(axis=1), 1)
    for i, name in enumerate(classes):
        if cell >= 14:
            middle = top + cell * (i + 0.5) + 4
            d.text(left - 10, middle, name, "end")
            d.text(left + cell * n + 10, middle, f"{100 * matrix[i, i] / rows[i]:.0f} %", "soft num")
            x = left + cell * (i + 0.5)
            if slanted:
                d.add(f'<text transform="translate({x + 4:.1f} {top - 8:.1f}) rotate(-90)">{escape(name)}</text>')
            else:
                d.text(x, top - 8, name, "mid")
        for j in range(n):
            share = float(matrix[i, j] / rows[i])
            # A single mistake among hundreds must be seen: what is not zero is never too pale.
            strength = 0.0 if matrix[i, j] == 0 else 0.15 + 0.85 * (share if i == j else min(1.0, 4 * share))
            kind = "fa" if i == j else "fb"
            d.box(left + cell * j, top + cell * i, cell - 1.5, cell - 1.5, 'class="pale" opacity="0.5"')
            if matrix[i, j]:
                d.box(
                    left + cell * j, top + cell * i, cell - 1.5, cell - 1.5, f'class="{kind}" opacity="{strength:.2f}"'
                )
                if cell >= 20:
                    ink = "paper" if strength > 0.55 else "ink"
                    place = f'x="{left + cell * (j + 0.5) - 0.7:.1f}" y="{top + cell * (i + 0.5) + 3.5:.1f}"'
                    d.add(f'<text {place} class="mid num {ink}">{int(matrix[i, j])}</text>')
    return d.svg()


def plane(classify: Callable[[Array], Array], points: Array, labels: Array, title: str, cells: int = 90) -> str:
    """The plane as a model divides it among classes, with points on it; each class has a colour and a shape.

    Args:
        classify: (N, 2) positions → (N, K) probabilities, K of 2 to 4.
        points: (N, 2).
        labels: (N,) of 0 to K − 1.
        title: what it shows.
        cells: how many squares to a side.
    """
    size, left, top = 450.0, 24.0, 52.0
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, float((high - low).max()) * 0.56 or 1.0
    line = (np.arange(cells) + 0.5) / cells * 2 - 1
    gx, gy = np.meshgrid(middle[0] + half * line, middle[1] - half * line)
    share = classify(np.stack([gx.ravel(), gy.ravel()], axis=1))
    k = share.shape[1]
    sure = np.round(6 * (share.max(axis=1) - 1 / k) / (1 - 1 / k))  # six shades, so that equal neighbours merge
    codes = (share.argmax(axis=1) * 7 + sure).astype(int).reshape(cells, cells)
    d = Drawing(size + 2 * left, size + top + 44, title)
    d.text(left, 30, title, "title")
    step = size / cells
    for r in range(cells):
        start = 0
        for c in range(1, cells + 1):
            if c == cells or codes[r, c] != codes[r, start]:
                label, level = divmod(int(codes[r, start]), 7)
                if level:
                    style = f'class="f{"abcd"[label]}" opacity="{0.06 * level:.2f}" shape-rendering="crispEdges"'
                    d.box(left + start * step, top + r * step, (c - start) * step, step, style)
                start = c
    keep = np.linspace(0, len(points) - 1, min(len(points), 400)).astype(int)
    for (x, y), label in zip(points[keep], labels[keep], strict=True):
        px = left + size * (0.5 + (x - middle[0]) / (2 * half))
        py = top + size * (0.5 - (y - middle[1]) / (2 * half))
        d.add(_mark(int(label), px, py))
    foot = top + size + 26
    for label in range(k):
        d.add(_mark(label, left + 6 + 76 * label, foot - 4))
        d.text(left + 16 + 76 * label, foot, say("class {i}", i=str(label)), "soft")
    d.text(left + size, foot, say("stronger shade: surer"), "soft end")
    return d.svg()


def _mark(label: int, x: float, y: float) -> str:
    """The sign of a class: round, square, triangle, diamond."""
    kind = f'class="f{"abcd"[label]} point"'
    if label == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" {kind}/>'
    corners = {
        1: ((-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)),
        2: ((0, -4.8), (4.4, 3.2), (-4.4, 3.2)),
        3: ((0, -5), (5, 0), (0, 5), (-5, 0)),
    }[label]
    return f'<polygon points="{" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in corners)}" {kind}/>'
