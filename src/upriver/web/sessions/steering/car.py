"""The car: how it moves, what it sees, and a driver who knows the road and says what would be right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....core.state import Array
from .track import HALF, SAMPLES, Track

ANGLES = np.radians([-80.0, -55.0, -33.0, -15.0, 0.0, 15.0, 33.0, 55.0, 80.0])
"""The directions of the rays, from the heading; positive to the right."""
SPEED = 0.010
"""How far it drives in one moment, of which there are 30 in a second."""
TURN = 0.12
"""By how much it turns in a moment with the wheel hard over, radians."""
_LOOK = 0.11
"""How far ahead the driver who knows the road looks."""


@dataclass(frozen=True)
class Cars:
    """Some cars: places (n, 2) and headings (n,), radians."""

    places: Array
    headings: Array

    @classmethod
    def at(cls, track: Track, points: Array, aside: Array, askew: Array) -> Cars:
        """Cars at points of the middle line (their numbers), moved aside by a distance and turned by an angle."""
        ahead = track.ahead[points]
        normal = np.stack([-np.sin(ahead), np.cos(ahead)], -1)
        return cls(track.middle[points] + aside[:, None] * normal, ahead + askew)

    def moved(self, wheel: Array) -> Cars:
        """A moment later, with the wheels at −1 (left) to 1 (right), (n,)."""
        headings = self.headings + TURN * np.clip(wheel, -1.0, 1.0)
        step = SPEED * np.stack([np.cos(headings), np.sin(headings)], -1)
        return Cars(self.places + step, headings)


def right_wheel(track: Track, cars: Cars, points: Array) -> Array:
    """What the driver who knows the road would do: turn towards the middle of the road a little ahead.

    Args:
        track: the road.
        cars: (n) of them.
        points: the number of the point of the middle line where each one is.

    Returns:
        Wheels from −1 to 1, (n,).

    Source: Coulter, "Implementation of the Pure Pursuit Path Tracking Algorithm" (1992).
    """
    target = track.middle[(points + round(_LOOK / track.length * SAMPLES)) % SAMPLES] - cars.places
    distance = np.maximum(np.hypot(*target.T), 1e-6)
    angle = np.arctan2(target[:, 1], target[:, 0]) - cars.headings
    curve = 2.0 * np.sin(angle) / distance
    behind = np.cos(angle) < 0.0  # turned away from the road: hard over, to the side where it is
    return np.clip(np.where(behind, np.sign(np.sin(angle)), curve * SPEED / TURN), -1.0, 1.0)


def examples(track: Track, count: int, spread: float, draw: np.random.Generator) -> tuple[Array, Array]:
    """What is seen from places on the road, and what would be right there: (count, rays) and (count, 1), float32.

    Args:
        track: the road.
        count: how many.
        spread: how far the places are off the middle and the headings off the road: 0 for a drive without a fault, 1
            for anywhere on the road.
        draw: where the places come from.
    """
    points = draw.integers(0, SAMPLES, count)
    aside = draw.uniform(-1.0, 1.0, count) * HALF * 0.85 * spread
    askew = draw.uniform(-1.0, 1.0, count) * 0.6 * spread
    cars = Cars.at(track, points, aside, askew)
    seen = track.see(cars.places, cars.headings, ANGLES)
    return seen, right_wheel(track, cars, points)[:, None].astype(np.float32)


def follow(track: Track, cars: Cars, points: Array) -> Array:
    """Where on the middle line the cars are now, near to where they were: a road may cross itself."""
    window = (points[:, None] + np.arange(-6, 13)) % SAMPLES
    apart = ((track.middle[window] - cars.places[:, None]) ** 2).sum(-1)
    return np.asarray(window[np.arange(len(points)), apart.argmin(1)])


class Trial:
    """Drives from several places around the track, for one lap each or until the road is left, a stretch at a time.

    Args:
        track: the road.
        wheel: what is seen (n, rays) → wheels (n,).
        starts: from how many places; the first is the start line.

    Attributes:
        way: where the first one was, moment by moment, until it left the road.

    Example:
        >>> from upriver.web.sessions.steering.track import PRESETS, Track
        >>> straight_on = Trial(Track(PRESETS["pond"], "pond"), lambda seen: seen[:, 0] * 0.0, 4)
        >>> straight_on.drive(1000), float(straight_on.laps().max()) < 0.3
        (True, True)
    """

    def __init__(self, track: Track, wheel: Callable[[Array], Array], starts: int) -> None:
        self._track, self._wheel = track, wheel
        self._points = np.arange(starts) * (SAMPLES // starts)
        self._cars = Cars.at(track, self._points, np.zeros(starts), np.zeros(starts))
        self._done, self._driving = np.zeros(starts), np.ones(starts, bool)
        self._left = int(1.4 * track.length / SPEED)
        self.way = [self._cars.places[0]]

    def drive(self, moments: int) -> bool:
        """Drive for at most so many moments; True when the trial is over."""
        track = self._track
        for _ in range(min(moments, self._left)):
            seen = track.see(self._cars.places, self._cars.headings, ANGLES)
            self._cars = self._cars.moved(self._wheel(seen))
            now = follow(track, self._cars, self._points)
            self._driving &= track.on_road(self._cars.places)
            self._done += np.where(self._driving, gone(self._points, now), 0)
            self._driving &= self._done < SAMPLES
            self._points = now
            if self._driving[0]:
                self.way.append(self._cars.places[0])
            if not self._driving.any():
                return True
        self._left -= moments
        return self._left <= 0

    def laps(self) -> Array:
        """How far each got, from 0 to 1 lap, (starts,)."""
        return np.clip(self._done / SAMPLES, 0.0, 1.0)


def gone(before: Array, now: Array) -> Array:
    """How many points of the middle line lie between two of them, the short way round."""
    return np.asarray((now - before + SAMPLES // 2) % SAMPLES - SAMPLES // 2)
