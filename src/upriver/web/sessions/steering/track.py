"""Tracks: a closed line of the middle of the road, how far any place is from it, and what a car sees from there.

The world is 1.6 wide and 1 high, with y downwards as on a screen; a road is its middle line and everything nearer to it
than half its width. So a road may cross itself, and a line drawn by hand is a road.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....core.state import Array
from ....errors import ArgumentError, DataError
from .. import given as read

WORLD = (1.6, 1.0)
HALF = 0.052
"""Half the width of the road."""
SAMPLES = 400
"""Points of the middle line, at equal distances."""
_CELLS = 140
"""Cells of the grid of distances, along the height of the world."""
SIGHT = 0.45
"""How far a ray sees."""
_MARCH = 56
"""Places along a ray at which it is looked whether there is still road."""
_TIGHTEST = 1.3 * HALF

PRESETS: Mapping[str, Sequence[tuple[float, float]]] = {
    "pond": (
        (0.30, 0.26), (0.80, 0.20), (1.30, 0.26), (1.45, 0.52), (1.28, 0.78), (0.80, 0.82), (0.32, 0.76), (0.16, 0.50),
    ),
    "bean": (
        (0.30, 0.22), (0.62, 0.16), (0.82, 0.34), (1.04, 0.42), (1.26, 0.26), (1.46, 0.40), (1.42, 0.72), (1.12, 0.86),
        (0.80, 0.72), (0.52, 0.84), (0.22, 0.76), (0.14, 0.46),
    ),
    "mountain": (
        (0.16, 0.30), (0.36, 0.14), (0.52, 0.30), (0.58, 0.56), (0.76, 0.60), (0.84, 0.34), (0.98, 0.14), (1.18, 0.20),
        (1.20, 0.44), (1.38, 0.50), (1.48, 0.70), (1.34, 0.88), (1.08, 0.80), (0.86, 0.88), (0.56, 0.82), (0.28, 0.88),
        (0.12, 0.64),
    ),
    "eight": (
        (0.80, 0.50), (1.10, 0.24), (1.40, 0.28), (1.46, 0.60), (1.24, 0.80), (0.98, 0.68), (0.62, 0.32), (0.36, 0.20),
        (0.14, 0.40), (0.20, 0.74), (0.50, 0.76),
    ),
}  # fmt: skip
"""Points of the middle lines of the tracks that there are."""


class Track:
    """One closed road.

    Args:
        points: (n, 2), n ≥ 3: corners of the middle line, which is rounded through them.
        name: what it is called; "own" for one that was drawn.

    Raises:
        DataError: the line is too small to be a road.

    Attributes:
        middle: (400, 2), at equal distances.
        ahead: (400,), the direction of the road at each, radians.
        length: of the middle line.

    Example:
        >>> track = Track(PRESETS["pond"], "pond")
        >>> track.middle.shape, bool(track.on_road(track.middle).all())
        ((400, 2), True)
    """

    def __init__(self, points: Any, name: str) -> None:
        self.name = name
        line = _resampled(np.asarray(points, np.float64), 48) if name == "own" else np.asarray(points, np.float64)
        if name == "own":
            line = _eased(line)
        self.middle = _resampled(_rounded(line), SAMPLES)
        steps = np.roll(self.middle, -1, 0) - self.middle
        self.length = float(np.hypot(*steps.T).sum())
        if self.length < 1.2:
            raise DataError(
                f"the track is {self.length:.2f} long, and the world is {WORLD[0]:g} wide: too small for a road",
                "Draw a larger loop.",
                at=False,
            )
        self.ahead = np.arctan2(steps[:, 1], steps[:, 0])
        self._grid = _distances(self.middle)

    def distance(self, places: Array) -> Array:
        """How far places (..., 2) are from the middle line."""
        rows, columns = self._grid.shape
        x = np.clip(places[..., 0] * _CELLS, 0, columns - 1.001)
        y = np.clip(places[..., 1] * _CELLS, 0, rows - 1.001)
        i, j = y.astype(np.int64), x.astype(np.int64)
        v, u = y - i, x - j
        at = self._grid.reshape(-1)
        k = i * columns + j
        found = (at[k] * (1 - u) + at[k + 1] * u) * (1 - v) + (at[k + columns] * (1 - u) + at[k + columns + 1] * u) * v
        return np.asarray(found)

    def on_road(self, places: Array) -> Array:
        """Whether places (..., 2) are on the road."""
        return np.asarray(self.distance(places) <= HALF)

    def see(self, places: Array, headings: Array, angles: Array) -> Array:
        """How far the road goes on in each direction: (cars, rays), from 0 to 1, where 1 is as far as a ray sees.

        Args:
            places: (cars, 2).
            headings: (cars,), radians.
            angles: (rays,), from the heading; positive to the right.
        """
        along = np.linspace(0.0, SIGHT, _MARCH + 1)
        turned = headings[:, None] + angles
        ways = np.stack([np.cos(turned), np.sin(turned)], -1)
        beyond = self.distance(places[:, None, None] + along[:, None] * ways[:, :, None]) - HALF
        out = beyond > 0.0
        first = np.where(out.any(-1), out.argmax(-1), _MARCH)
        last = np.maximum(first - 1, 0)
        here = np.take_along_axis(beyond, last[..., None], -1)[..., 0]
        there = np.take_along_axis(beyond, first[..., None], -1)[..., 0]
        part = np.where(there > 0.0, np.clip(-here / np.where(there > here, there - here, 1.0), 0.0, 1.0), 1.0)
        return np.asarray((last + part) / _MARCH * (first > 0), np.float32)

    def nearest(self, places: Array) -> Array:
        """The numbers of the points of the middle line that are nearest to places (cars, 2)."""
        apart = places[:, None] - self.middle
        return np.asarray((apart**2).sum(-1).argmin(1))


def chosen(given: Mapping[str, Any], default: str = "bean") -> Track:
    """The track that was asked for: ``track`` a preset, or "own" with ``points``, a list of [x, y] of the world.

    Raises:
        ArgumentError: there is no such track, or the points are none.
        DataError: the line is too small.
    """
    name = read.choice(given, "track", default, (*PRESETS, "own"))
    if name != "own":
        return Track(PRESETS[name], name)
    points = given.get("points")
    if not isinstance(points, list) or not 8 <= len(points) <= 1000:
        raise ArgumentError("a track is a list of 8 to 1000 points", "Draw a closed loop.", at=False)
    try:
        line = np.array(points, np.float64)
    except (TypeError, ValueError):
        line = np.zeros((0, 0))
    if line.shape != (len(points), 2) or not np.isfinite(line).all():
        raise ArgumentError("a point of the track is not two numbers", "Write each as [x, y].", at=False)
    return Track(line, "own")


def _resampled(line: Array, count: int) -> Array:
    """A closed line as ``count`` points at equal distances.

    Raises:
        DataError: all its points are one.
    """
    closed = np.vstack([line, line[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] < 1e-6:
        raise DataError("the track is a single point", "Draw a closed loop.", at=False)
    at = np.linspace(0.0, along[-1], count, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, i]) for i in range(2)], -1)


def _rounded(line: Array, between: int = 24) -> Array:
    """A closed line through the points with no corner (Catmull and Rom, 1974)."""
    a, b, c, d = (np.roll(line, shift, 0)[:, None] for shift in (1, 0, -1, -2))
    t = (np.arange(between) / between)[None, :, None]
    found = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(found.reshape(-1, 2))


def _eased(line: Array) -> Array:
    """A line drawn by hand, inside the world and smoothed until a car can take its bends."""
    margin = HALF * 1.2
    line = np.clip(line, margin, np.array(WORLD) - margin)
    for _ in range(200):
        around = (np.roll(line, 1, 0) + np.roll(line, -1, 0)) / 2
        line = line + 0.5 * (around - line)
        if _tightest(line) >= _TIGHTEST:
            break
    return line


def _tightest(line: Array) -> float:
    """The smallest radius of the bends of a closed line of points."""
    back, on = line - np.roll(line, 1, 0), np.roll(line, -1, 0) - line
    turn = np.arctan2(back[:, 0] * on[:, 1] - back[:, 1] * on[:, 0], (back * on).sum(1))
    step = (np.hypot(*back.T) + np.hypot(*on.T)) / 2
    return float((step / np.maximum(np.abs(turn), 1e-9)).min())


def _distances(middle: Array) -> Array:
    """The distance of each corner of the grid from the middle line."""
    rows, columns = _CELLS + 1, math.ceil(WORLD[0] * _CELLS) + 1
    y, x = np.mgrid[0:rows, 0:columns] / _CELLS
    found = np.full((rows, columns), np.inf, np.float32)
    for px, py in np.asarray(_resampled(middle, 2 * SAMPLES), np.float32):
        np.minimum(found, (x - px) ** 2 + (y - py) ** 2, out=found)
    return np.sqrt(found).astype(np.float64)
