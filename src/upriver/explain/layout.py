"""Where the boxes of a graph go: layers, order within a layer, coordinates. Deterministic, in plain Python.

The steps are those of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures", IEEE Transactions on Systems, Man, and Cybernetics 11 (1981): give every box a layer, so that all
edges point the same way; order each layer, so that few edges cross; give coordinates, so that edges are
straight. Layers and the weights of edges are chosen as by Gansner, Koutsofios, North and Vo, "A technique for
drawing directed graphs", IEEE Transactions on Software Engineering 19 (1993). Coordinates are the least-squares
solution, layer by layer, under the distances that have to be kept: an isotonic regression, solved by pooling
adjacent violators (Barlow, Bartholomew, Bremner and Brunk, "Statistical Inference under Order Restrictions", 1972).

Here edges go *along*, from layer to layer, and a layer lies *across*: which of them is down is the caller's choice.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any, NamedTuple

from ..errors import ArgumentError

Point = tuple[float, float]
"""(across, along)."""

BEND = 6.0  # what a passing edge takes of a layer
SWEEPS = 8
_MANY = 800
"""With more boxes and bends than this less is tried."""


class Edge(NamedTuple):
    """From one box to another.

    Attributes:
        source, target: indices of boxes.
        leaves, enters: where at the boxes it ends, as a distance across from their middles; None for a place
            that is chosen so that edges lie apart.
    """

    source: int
    target: int
    leaves: float | None = None
    enters: float | None = None


class Layout(NamedTuple):
    """Where everything is.

    Attributes:
        centres: of the boxes.
        routes: for each edge its corners; between two corners that differ across, the edge curves.
        size: of the whole.
    """

    centres: list[Point]
    routes: list[list[Point]]
    size: Point


def topological(count: int, edges: Sequence[Edge]) -> list[int]:
    """The boxes with sources before targets, in the order of their numbers wherever that is free.

    Raises:
        ArgumentError: the edges form a cycle.
    """
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for edge in edges:
        after[edge.source].append(edge.target)
        waiting[edge.target] += 1
    ready = [v for v in range(count) if not waiting[v]]
    heapify(ready)
    order: list[int] = []
    while ready:
        v = heappop(ready)
        order.append(v)
        for w in after[v]:
            waiting[w] -= 1
            if not waiting[w]:
                heappush(ready, w)
    if len(order) < count:
        raise ArgumentError("layout: the edges form a cycle", at=False)
    return order


def _layers(count: int, edges: Sequence[Edge], first: set[int], last: set[int]) -> list[int]:
    """The layer of each box: as early as it can be, or as late where that makes its edges shorter."""
    into: list[list[int]] = [[] for _ in range(count)]
    out: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        into[edge.target].append(edge.source)
        out[edge.source].append(edge.target)
    order = topological(count, edges)
    layer = [0 if v in first else int(bool(first)) for v in range(count)]
    for v in order:
        for u in into[v]:
            layer[v] = max(layer[v], layer[u] + 1)
    if last:
        end = max([layer[v] for v in range(count) if v not in last], default=-1) + 1
        for v in last:
            layer[v] = end
    for v in reversed(order):
        if v not in first and v not in last and out[v] and len(out[v]) >= len(into[v]):
            layer[v] = min([layer[w] for w in out[v]]) - 1
    used = {k: i for i, k in enumerate(sorted(set(layer)))}
    return [used[k] for k in layer]


class _Joint(NamedTuple):
    """A piece of an edge, between neighbouring layers."""

    upper: int
    lower: int
    leaves: float
    enters: float
    weight: float


class _Drawing:
    """A layered graph in which every edge is cut into pieces from one layer to the next."""

    def __init__(self, sizes: Sequence[Point], edges: Sequence[Edge], layer: list[int], bundle: bool) -> None:
        self.layer = list(layer)
        self.width = [size[0] for size in sizes]
        self.boxes = len(sizes)
        fed = {edge.target for edge in edges}
        self.through: list[list[int]] = []  # for each edge the bends that it passes
        joints: dict[tuple[int, int, float, float], float] = {}
        bends: dict[Any, int] = {}
        for i, edge in enumerate(edges):
            at, path = edge.source, []
            leaves = edge.leaves or 0.0
            straight = layer[edge.target] == layer[edge.source] + 1
            for k in range(layer[edge.source] + 1, layer[edge.target]):
                key = (edge.source, edge.leaves, k) if bundle else (i, k)
                bend = bends.get(key)
                if bend is None:
                    bend = bends[key] = len(self.layer)
                    self.layer.append(k)
                    self.width.append(BEND)
                joints[at, bend, leaves, 0.0] = 0.5 if at < self.boxes else 4.0
                at, leaves = bend, 0.0
                path.append(bend)
            end = at, edge.target, leaves, edge.enters or 0.0
            # The way through is straight; what joins it from the side bends.
            joints[end] = joints.get(end, 0.0) + (8.0 if straight and edge.source in fed else 1.0)
            self.through.append(path)
        count = len(self.layer)
        self.above: list[list[_Joint]] = [[] for _ in range(count)]
        self.below: list[list[_Joint]] = [[] for _ in range(count)]
        for (upper, lower, leaves, enters), weight in joints.items():
            joint = _Joint(upper, lower, leaves, enters, weight)
            self.below[upper].append(joint)
            self.above[lower].append(joint)
        self.rows: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]

    # Order within the layers.

    def order(self) -> None:
        """Order every layer: sweeps from more than one first order, of which the best that was met is kept."""
        best: list[list[int]] = []
        fewest = -1
        for both in (False, True):
            self.rows, idle = self._searched(both), 0
            for sweep in range(SWEEPS + 1):
                crossings = self.crossings()
                idle += 1
                if fewest < 0 or crossings < fewest:
                    best, fewest, idle = [list(row) for row in self.rows], crossings, 0
                if fewest == 0 or idle == 3 or sweep == SWEEPS:
                    break
                for rows, down in ((self.rows, True), (self.rows[::-1], False)):
                    for fixed, row in pairwise(rows):
                        self._sort(fixed, row, down, sweep % 2 == 1)
            if fewest == 0 or len(self.layer) > _MANY:
                break
        self.rows = best

    def _searched(self, both: bool) -> list[list[int]]:
        """A first order: as a depth-first search meets them, along the edges or along and against them."""
        rows: list[list[int]] = [[] for _ in self.rows]
        seen: set[int] = set()
        # Searched both ways, a zigzag is laid out from its end.
        starts = sorted(range(self.boxes), key=lambda v: len(self.above[v]) + len(self.below[v]) if both else v)
        for start in starts:
            stack = [start] if both or not self.above[start] else []
            while stack:
                v = stack.pop()
                if v not in seen:
                    seen.add(v)
                    rows[self.layer[v]].append(v)
                    stack.extend([joint.upper for joint in reversed(self.above[v])] if both else ())
                    stack.extend([joint.lower for joint in reversed(self.below[v])])
        return rows

    def _sort(self, fixed: list[int], row: list[int], down: bool, flip: bool) -> None:
        """Sort a layer by the mean place of each one's neighbours in the layer before it."""
        place = {v: float(i) for i, v in enumerate(fixed)}
        keys: dict[int, float] = {}
        before = 0.0
        for v in row:
            total, number = 0.0, 0
            for joint in self.above[v] if down else self.below[v]:
                u, offset = (joint.upper, joint.leaves) if down else (joint.lower, joint.enters)
                total += place[u] + (offset / self.width[u] if offset else 0.0)
                number += 1
            before = keys[v] = total / number if number else before
        if flip:  # equal ones change places in every other sweep: a way out of many a dead end
            row.reverse()
        row.sort(key=keys.__getitem__)

    def crossings(self) -> int:
        """How many pairs of pieces cross."""
        found = 0
        for upper, lower in pairwise(self.rows):
            place = {v: i for i, v in enumerate(lower)}
            passed: list[int] = []
            for v in upper:
                ends = sorted([place[joint.lower] for joint in self.below[v]])
                for end in ends:
                    found += len(passed) - bisect_right(passed, end)
                for end in ends:
                    insort(passed, end)
        return found

    # Coordinates.

    def across(self, gap: float) -> list[float]:
        """The middle of each box and bend: as near to those of its neighbours as the others let it."""
        width, x = self.width, [0.0] * len(self.layer)
        starts: list[list[float]] = []
        for row in self.rows:
            at, starts_of_row = 0.0, []
            for i, v in enumerate(row):
                if i:
                    u = row[i - 1]
                    at += (width[u] + width[v]) / 2 + (gap if u < self.boxes and v < self.boxes else gap * 0.6)
                starts_of_row.append(at)
            starts.append(starts_of_row)
            for v, start in zip(row, starts_of_row, strict=True):
                x[v] = start - at / 2
        for sweep in range(
            (SWEEPS if len(x) <= _MANY else SWEEPS // 2) + 1
        ):  # the last is downwards, so that a chain ends up straight
            for i in range(len(self.rows)) if sweep % 2 == 0 else reversed(range(len(self.rows))):
                self._settle(self.rows[i], starts[i], x, down=sweep % 2 == 0)
        return x

    def _settle(self, row: list[int], starts: list[float], x: list[float], down: bool) -> None:
        """Move a layer to the places that it wants most, in least squares, with no two nearer than ``starts`` says."""
        blocks: list[tuple[float, float, int]] = []  # (weighted sum, weight, how many)
        for v, start in zip(row, starts, strict=True):
            total = weight = 0.0
            for joint in self.above[v] if down else self.below[v]:
                offset = joint.leaves - joint.enters
                total += joint.weight * (x[joint.upper] + offset if down else x[joint.lower] - offset)
                weight += joint.weight
            if not weight:
                weight = 1e-3
                total = weight * x[v]
            block = (total - weight * start, weight, 1)
            while blocks and blocks[-1][0] * block[1] > block[0] * blocks[-1][1]:
                other = blocks.pop()
                block = (other[0] + block[0], other[1] + block[1], other[2] + block[2])
            blocks.append(block)
        i = 0
        for total, weight, many in blocks:
            at = total / weight
            for _ in range(many):
                x[row[i]] = at + starts[i]
                i += 1


def _ports(places: Sequence[float], middle: float, width: float) -> dict[float, float]:
    """Where edges end at a box: opposite the ``places`` that they come from or go to, in order, a little apart."""
    reach = 0.32 * width
    step = min(14.0, 2 * reach / max(1, len(places) - 1))
    wanted = sorted(set(places))
    ports = [min(max(place - middle, -reach), reach) for place in wanted]
    for i in range(1, len(ports)):
        ports[i] = max(ports[i], ports[i - 1] + step)
    for i in reversed(range(len(ports))):
        ports[i] = min(ports[i], reach if i == len(ports) - 1 else ports[i + 1] - step)
    return dict(zip(wanted, ports, strict=True))


def layout(
    sizes: Sequence[Point],
    edges: Sequence[Edge | tuple[int, int]],
    *,
    gap: float = 24.0,
    between: float = 30.0,
    first: Sequence[int] = (),
    last: Sequence[int] = (),
    bundle: bool = True,
) -> Layout:
    """Places for boxes that edges connect, with no two boxes overlapping and every edge going forward.

    Args:
        sizes: (across, along) of each box.
        edges: (source, target), or :class:`Edge`; without cycles.
        gap: the distance that boxes of one layer keep.
        between: the distance between layers.
        first: boxes that shall be in the first layer, alone; nothing leads to them.
        last: boxes that shall be in the last layer, alone; nothing leads on from them.
        bundle: let edges that leave a box in one place run together as far as they can.

    Raises:
        ArgumentError: the edges form a cycle.

    Example:
        >>> layout([(10.0, 10.0)] * 2, [(0, 1)]).centres
        [(5.0, 5.0), (5.0, 45.0)]
    """
    ends = [edge if isinstance(edge, Edge) else Edge(*edge) for edge in edges]
    layer = _layers(len(sizes), ends, set(first), set(last))
    drawing = _Drawing(sizes, ends, layer, bundle)
    drawing.order()
    x = drawing.across(gap)
    left = min([x[v] - drawing.width[v] / 2 for v in range(len(x))], default=0.0)
    x = [value - left for value in x]

    bands: list[Point] = []
    top = 0.0
    for k, row in enumerate(drawing.rows):
        tall = max([sizes[v][1] for v in row if v < len(sizes)], default=0.0)
        bands.append((top, top + tall))
        reach = max([abs(x[j.upper] - x[j.lower]) for v in row for j in drawing.below[v]], default=0.0)
        if k < len(drawing.rows) - 1:
            # Edges that go far across need room to turn; next to what is first or last they need little else.
            near = (k == 0 and len(first) > 0) or (k == len(drawing.rows) - 2 and len(last) > 0)
            top += tall + (between / 3 if near else between) + min(between, reach / 8)
    centres = [(x[v], sum(bands[layer[v]]) / 2) for v in range(len(sizes))]

    # An edge leaves towards where it goes next, and enters opposite to where it came from.
    ways = list(zip(ends, drawing.through, strict=True))
    after = [x[bends[0]] if bends else x[e.target] + (e.enters or 0.0) for e, bends in ways]
    onwards: list[list[float]] = [[] for _ in sizes]
    for edge, place in zip(ends, after, strict=True):
        onwards[edge.source].append(place)
    leaving = [
        _ports(places, x[v], sizes[v][0]) if len(set(places)) > 1 else dict.fromkeys(places, 0.0)
        for v, places in enumerate(onwards)
    ]
    starts: list[float] = []
    for edge, place in zip(ends, after, strict=True):
        starts.append(x[edge.source] + (leaving[edge.source][place] if edge.leaves is None else edge.leaves))
    before = [x[bends[-1]] if bends else start for start, (_, bends) in zip(starts, ways, strict=True)]
    backwards: list[list[float]] = [[] for _ in sizes]
    for edge, place in zip(ends, before, strict=True):
        backwards[edge.target].append(place)
    entering = [_ports(places, x[v], sizes[v][0]) for v, places in enumerate(backwards)]
    routes: list[list[Point]] = []
    for i, (edge, bends) in enumerate(ways):
        s, t, start = edge.source, edge.target, starts[i]
        end = x[t] + (entering[t][before[i]] if edge.enters is None else edge.enters)
        corners = [(start, centres[s][1] + sizes[s][1] / 2), (start, bands[layer[s]][1])]
        for bend in bends:
            corners += [(x[bend], at) for at in bands[drawing.layer[bend]]]
        corners += [(end, bands[layer[t]][0]), (end, centres[t][1] - sizes[t][1] / 2)]
        routes.append([p for k, p in enumerate(corners) if not k or p != corners[k - 1]])
    right = max([x[v] + drawing.width[v] / 2 for v in range(len(x))], default=0.0)
    return Layout(centres, routes, (right, bands[-1][1] if bands else 0.0))
