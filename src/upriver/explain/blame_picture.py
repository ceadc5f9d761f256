"""The rankings of a blame as a picture: plain bars for what is positive, hatched ones for what is negative."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from ..drawing import Drawing
from ..i18n import say
from .blame import LEVELS, SENSITIVITY, about, called

if TYPE_CHECKING:
    from .blame import Blame

_ROW, _BAR, _LEFT, _VALUE = 20, 190, 250, 90


def picture(b: Blame, k: int) -> str:
    """The ``k`` that come first in each ranking, as SVG."""
    rankings = [(measure, level, b.ranked(level, measure, k)) for measure in b.measures for level in LEVELS]
    height = 60 + sum(34 + _ROW * len(items) for _, _, items in rankings) + 34 * len(b.measures)
    width = _LEFT + 2 * _BAR + _VALUE + 40
    loss = f"{b.loss:.4g}"
    d = Drawing(width, height, say("What the loss of {loss} depends on: modules, units and weights", loss=loss))
    d.add(
        '<defs><pattern id="minus" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="3" height="6" class="fb"/></pattern></defs>'
    )
    d.text(20, 28, say("What the loss of {loss} depends on", loss=loss), "title")
    d.text(20, 46, say("plain bars to the right: positive; hatched bars to the left: negative"), "soft")
    y, middle, last = 62.0, _LEFT + _BAR, ""
    for measure, level, items in rankings:
        if measure != last:
            y += 26
            d.text(20, y, about(measure), "title")
            last = measure
        y += 22
        d.text(20, y, called(level), "soft")
        y += 6
        largest = max([abs(item.value) for item in items if math.isfinite(item.value)], default=0.0) or 1.0
        for item in items:
            size = _BAR * (min(1.0, abs(item.value) / largest) if math.isfinite(item.value) else 1.0)
            name = item.name if len(item.name) <= 36 else f"…{item.name[-35:]}"
            d.text(_LEFT - 8, y + 14, name, "end")
            if item.value < 0:
                style = f'fill="url(#minus)" class="b" stroke-width="1"><title>{escape(item.name)}</title></rect>'
                d.add(f'<rect x="{middle - size:.1f}" y="{y + 3:.1f}" width="{size:.1f}" height="14" {style}')
            else:
                style = f'class="fa"><title>{escape(item.name)}</title></rect>'
                d.add(f'<rect x="{middle:.1f}" y="{y + 3:.1f}" width="{size:.1f}" height="14" {style}')
            norm = measure == SENSITIVITY and level != "weights"  # a length, which has no sign
            d.text(width - 16, y + 14, f"{item.value:.3g}" if norm else f"{item.value:+.3g}", "end num")
            y += _ROW
        d.line(middle, y - _ROW * len(items), middle, y, "axis")
        y += 6
    return d.svg()
