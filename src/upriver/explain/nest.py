"""Places for boxes within frames: each frame is laid out by itself, and is one box to what is around it.

So frames never overlap, and opening one changes nothing inside another. An edge that crosses a frame enters
by a port on its border.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .boxes import Box, Collapsed, Link, ancestor, common
from .layout import Edge, Point, layout

Measure = Callable[[Box], Point]
"""The width and height of a closed box; for an open one the least that its title needs."""


class Rect(NamedTuple):
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Arranged(NamedTuple):
    """Where everything in a picture is.

    Attributes:
        boxes: the closed boxes.
        frames: the open ones, outer before inner.
        routes: for each link its corners, as (x, y).
        width, height: of the whole.
        down: whether edges go down; else they go right.
    """

    boxes: dict[Box, Rect]
    frames: dict[Box, Rect]
    routes: list[tuple[Link, list[Point]]]
    width: float
    height: float
    down: bool


class _Segment(NamedTuple):
    """The part of an edge that lies in one frame: from a box or a port to a box or a port."""

    start: Box | None
    end: Box | None
    source: Box


class _Inside(NamedTuple):
    size: Point
    middles: dict[Box, Point]
    enters: dict[Box, float]
    leaves: dict[Box, float]
    routes: dict[_Segment, list[Point]]


PAD, TITLE = 14.0, 26.0
_FEW = 200


def arrange(collapsed: Collapsed, measure: Measure, down: bool, gap: float = 22.0, between: float = 30.0) -> Arranged:
    """Places for the boxes, frames and links of ``collapsed``.

    Args:
        collapsed: what to place.
        measure: how large a box is.
        down: whether edges go down, or right.
        gap: between neighbours.
        between: between layers.
    """
    flip: Callable[[Point], Point] = (lambda p: p) if down else (lambda p: (p[1], p[0]))
    segments: dict[Box, dict[_Segment, None]] = {}
    ways: list[list[tuple[Box, _Segment]]] = []
    for link in collapsed.links:
        source, target = link.source, link.target
        where = common(source, target)
        way: list[tuple[Box, _Segment]] = []
        box = source
        while box.parent is not where and box.parent is not None:
            way.append((box.parent, _Segment(box, None, source)))
            box = box.parent
        way.append((where, _Segment(box, ancestor(target, where), source)))
        inwards: list[tuple[Box, _Segment]] = []
        box = target
        while box.parent is not where and box.parent is not None:
            inwards.append((box.parent, _Segment(None, box, source)))
            box = box.parent
        way += reversed(inwards)
        for frame, segment in way:
            segments.setdefault(frame, {})[segment] = None
        ways.append(way)

    frames = _frames(collapsed.whole)
    before = (PAD, TITLE) if down else (TITLE, PAD)  # across, along
    done: dict[Box, _Inside] = {}
    for frame in reversed(frames):
        pads = before if frame is not collapsed.whole else (0.0, 0.0)
        least = flip(measure(frame))[0 if down else 1] if frame is not collapsed.whole else 0.0
        passing = list(segments.get(frame, ()))
        done[frame] = _inside(frame, passing, measure, flip, done, pads, least, down, gap, between)

    corner: dict[Box, Point] = {collapsed.whole: (0.0, 0.0)}
    boxes: dict[Box, Rect] = {}
    rects: dict[Box, Rect] = {}
    for frame in frames:
        inside, at = done[frame], corner[frame]
        for child, (across, along) in inside.middles.items():
            size = done[child].size if child.open else flip(measure(child))
            low = (at[0] + across - size[0] / 2, at[1] + along - size[1] / 2)
            rect = Rect(*flip(low), *flip(size))
            if child.open:
                corner[child] = low
                rects[child] = rect
            else:
                boxes[child] = rect
    routes: list[tuple[Link, list[Point]]] = []
    for link, way in zip(collapsed.links, ways, strict=True):
        corners: list[Point] = []
        for frame, segment in way:
            at = corner[frame]
            corners += [flip((at[0] + p[0], at[1] + p[1])) for p in done[frame].routes[segment]]
        routes.append((link, _simple(corners, across=0 if down else 1)))
    return Arranged(boxes, rects, routes, *flip(done[collapsed.whole].size), down)


def _simple(corners: list[Point], across: int) -> list[Point]:
    """The same way with no corner where it goes straight on."""
    kept = corners[:1]
    for i, p in enumerate(corners[1:-1], 1):
        if not abs(p[across] - kept[-1][across]) < 0.05 > abs(p[across] - corners[i + 1][across]):
            kept.append(p)
    return kept + corners[-1:]


def _frames(whole: Box) -> list[Box]:
    """The open boxes, outer before inner."""
    found: list[Box] = []
    stack = [whole]
    while stack:
        box = stack.pop()
        found.append(box)
        stack.extend([child for child in reversed(box.inside) if child.open])
    return found


def _inside(
    frame: Box, segments: list[_Segment], measure: Measure, flip: Callable[[Point], Point], done: dict[Box, _Inside],
    pads: Point, least: float, down: bool, gap: float, between: float,
) -> _Inside:  # fmt: skip
    """One frame laid out, with ports for what comes in and goes out."""
    children = frame.inside
    ins = list(dict.fromkeys([s.source for s in segments if s.start is None]))
    outs = list(dict.fromkeys([s.source for s in segments if s.end is None]))
    index = {child: i for i, child in enumerate(children)}
    enter = {source: len(children) + i for i, source in enumerate(ins)}
    leave = {source: len(children) + len(ins) + i for i, source in enumerate(outs)}
    sizes = [done[child].size if child.open else flip(measure(child)) for child in children]
    sizes += [(0.0, 0.0)] * (len(ins) + len(outs))
    edges: list[Edge] = []
    for s in segments:
        start = enter[s.source] if s.start is None else index[s.start]
        end = leave[s.source] if s.end is None else index[s.end]
        out_at = 0.0 if s.start is None else done[s.start].leaves[s.source] if s.start.open else None
        in_at = 0.0 if s.end is None else done[s.end].enters[s.source] if s.end.open else None
        edges.append(Edge(start, end, out_at, in_at))
    # Each edge has its own gradient, and so its own line, while there are few of them.
    found = layout(
        sizes, edges, gap=gap, between=between, first=list(enter.values()), last=list(leave.values()),
        bundle=len(edges) > _FEW,
    )  # fmt: skip
    framed = pads != (0.0, 0.0)
    after = PAD if framed else 0.0
    width, along = found.size[0] + pads[0] + after, found.size[1] + pads[1] + after
    # A frame is as wide as its title; what is inside stays in the middle.
    if down:
        slack = max(0.0, least - width)
        shift, width = (pads[0] + slack / 2, pads[1]), width + slack
    else:
        slack = max(0.0, least - along)
        shift, along = (pads[0], pads[1] + slack / 2), along + slack
    centres = [(x + shift[0], y + shift[1]) for x, y in found.centres]
    routes = {}
    for s, route in zip(segments, found.routes, strict=True):
        routes[s] = [(x + shift[0], y + shift[1]) for x, y in route]
    return _Inside(
        (width, along),
        {child: centres[i] for i, child in enumerate(children)},
        {source: centres[i][0] - width / 2 for source, i in enter.items()},
        {source: centres[i][0] - width / 2 for source, i in leave.items()},
        routes,
    )
