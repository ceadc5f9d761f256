"""Pictures from bare Python, as SVG: a sheet that follows the reader's light or dark setting, and round numbers.

SVG needs no library and stays sharp. Nothing is told by colour alone: lines differ in dash and carry their
names, points differ in shape.
"""

from __future__ import annotations

import math
from html import escape
from string import Template

_LIGHT = {"paper": "#ffffff", "ink": "#1f2933", "soft": "#66727f", "rule": "#e3e8ee", "a": "#2563eb", "b": "#c2570c",
          "c": "#0f766e", "d": "#a21caf"}  # fmt: skip
_DARK = {"paper": "#12171e", "ink": "#e6ebf1", "soft": "#97a3b0", "rule": "#28313c", "a": "#7aa7ff", "b": "#f0a35e",
         "c": "#4fd1c0", "d": "#e29bf0"}  # fmt: skip
_SHAPES = """text, .ink { fill: $ink } .paper { fill: $paper } .soft { fill: $soft } .pale { fill: $rule }
.rule { stroke: $rule } .axis { stroke: $soft } .a { stroke: $a } .b { stroke: $b } .fa { fill: $a } .fb { fill: $b }
.fc { fill: $c } .fd { fill: $d }
.point { stroke: $paper; stroke-width: 1 }"""
_FORMS = """text { font: 12px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
.title { font-size: 14px; font-weight: 600 } .end { text-anchor: end } .mid { text-anchor: middle }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round } .dash { stroke-dasharray: 6 4 }
.num { font-variant-numeric: tabular-nums }"""


def _style() -> str:
    """The style sheet: plain colours, which every viewer knows, and others where the reader prefers dark."""
    light, dark = Template(_SHAPES).substitute(_LIGHT), Template(_SHAPES).substitute(_DARK)
    return f"{_FORMS}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


class Drawing:
    """A picture under construction.

    Args:
        width, height: in pixels.
        title: said aloud by screen readers.

    Example:
        >>> from upriver.drawing import Drawing
        >>> drawing = Drawing(10, 10, "a square")
        >>> drawing.add('<rect width="5" height="5"/>')
        >>> drawing.svg().startswith("<svg ")
        True
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self.parts: list[str] = []

    def add(self, element: str) -> None:
        """Add an element, as SVG."""
        self.parts.append(element)

    def text(self, x: float, y: float, words: str, kind: str = "") -> None:
        """Add text at its baseline."""
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Add a straight line."""
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>')

    def box(self, x: float, y: float, w: float, h: float, style: str) -> None:
        """Add a rectangle with attributes of its own."""
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" {style}/>')

    def svg(self) -> str:
        """The whole picture."""
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(self.title)}">'
        paper = '<rect width="100%" height="100%" class="paper"/>'
        return "\n".join([head, f"<style>{_style()}</style>", paper, *self.parts, "</svg>\n"])


def nice_ticks(low: float, high: float, n: int = 5) -> list[float]:
    """About ``n`` round numbers that cover [low, high]."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / n
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten in [low, high], or more where these are too few."""
    ticks = [10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    inside = [t for t in ticks if low * 0.999 <= t <= high * 1.001]
    if len(inside) >= 2:
        return inside
    return [m * t for t in ticks for m in (1, 2, 5) if low * 0.999 <= m * t <= high * 1.001] or [low, high]
