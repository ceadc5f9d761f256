"""One car on the road, moment by moment, with all that is needed to open any of its moments later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ....core.state import Array
from .car import ANGLES, Cars, follow, gone, right_wheel
from .track import SAMPLES, Track

LONGEST = 1200
"""After so many moments a run begins anew."""
PAUSE = 20
"""So many moments a car stands where it left the road, before it is put back at the start."""
COLUMNS = ("x", "y", "heading", "did", "right", "along")
"""What is kept of each moment, besides what was seen."""


class Drive:
    """A run: from the start line until the road is left.

    Args:
        track: the road.

    Attributes:
        run: the number of the run.
        off: whether the road was left.
        along: how far it came, in laps.
        best: the farthest that any run came.
        seen: what the rays see now, (rays,).
    """

    def __init__(self, track: Track) -> None:
        self.track = track
        self.run, self.best = 0, 0.0
        self._moments: list[tuple[float, ...]] = []
        self._saw: list[Array] = []
        self.start()

    def start(self) -> None:
        """Back to the start line."""
        zero = np.zeros(1)
        self._point = np.zeros(1, np.int64)
        self._car = Cars.at(self.track, self._point, zero, zero)
        self.off, self.along, self._waited = False, 0.0, 0
        # The run before is kept: whoever wants to open its last mistake comes when it is over.
        self._past, self._past_saw = self._moments, self._saw
        self._moments, self._saw = [], []
        self.run += 1
        self._look()

    def put(self, track: Track) -> None:
        """Go on, from the start line of another track."""
        self.track, self.best = track, 0.0
        self._moments, self._saw = [], []
        self.start()

    def _look(self) -> None:
        self.seen = self.track.see(self._car.places, self._car.headings, ANGLES)[0]

    def moment(self, wheel: Callable[[Array], Array]) -> tuple[Array, float] | None:
        """Drive for one moment.

        Args:
            wheel: what is seen (1, rays) → wheels (1,).

        Returns:
            What was seen and how the wheel was turned; None where the car stands beside the road.
        """
        if self.off or len(self._moments) >= LONGEST:
            self._waited += 1
            if self._waited > PAUSE:
                self.start()
            return None
        did = wheel(self.seen[None])
        right = right_wheel(self.track, self._car, self._point)
        x, y = self._car.places[0]
        self._saw.append(self.seen)
        self._moments.append((x, y, self._car.headings[0], float(did[0]), float(right[0]), self.along))
        self._car = self._car.moved(did)
        now = follow(self.track, self._car, self._point)
        self.along += float(gone(self._point, now)[0]) / SAMPLES
        self._point = now
        self.off = not bool(self.track.on_road(self._car.places)[0])
        self.best = max(self.best, self.along)
        seen = self.seen
        self._look()
        return seen, float(did[0])

    @property
    def pose(self) -> Array:
        """Where the car is: x, y, heading."""
        return np.array([*self._car.places[0], self._car.headings[0]])

    def __len__(self) -> int:
        return len(self._moments)

    def moments(self, since: int) -> Array:
        """The moments of this run from number ``since`` on, (n, 6): see :data:`COLUMNS`."""
        return np.array(self._moments[since:], np.float64).reshape(-1, len(COLUMNS))

    def past(self) -> Array:
        """The moments of the run before, (n, 6)."""
        return np.array(self._past, np.float64).reshape(-1, len(COLUMNS))

    def kept(self, run: int) -> int:
        """How many moments of a run are kept: of this one and the one before."""
        return len(self._moments) if run == self.run else len(self._past) if run == self.run - 1 else 0

    def at(self, run: int, moment: int) -> tuple[Array, float, float]:
        """What was seen in a moment of a run that is kept, what was done, and what was right."""
        moments, saw = (self._moments, self._saw) if run == self.run else (self._past, self._past_saw)
        _, _, _, did, right, _ = moments[moment]
        return saw[moment], did, right

    def worst(self) -> tuple[int, int]:
        """Run and moment of the largest mistake: in this run, or in the one before where this one has just begun."""
        run = self.run if len(self._moments) > PAUSE or not self._past else self.run - 1
        rows = self.moments(0) if run == self.run else self.past()
        return run, int(((rows[:, 3] - rows[:, 4]) ** 2).argmax())

    def state(self) -> dict[str, Any]:
        """All that :meth:`restore` needs."""
        return {
            "run": self.run, "best": self.best, "off": self.off, "along": self.along, "waited": self._waited,
            "point": self._point, "car": self._car, "moments": list(self._moments), "past": list(self._past),
            "saw": np.array(self._saw, np.float32), "past_saw": np.array(self._past_saw, np.float32),
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where another drive on the same track was."""
        self.run, self.best = state["run"], state["best"]
        self.off, self.along, self._waited = state["off"], state["along"], state["waited"]
        self._point, self._car = state["point"], state["car"]
        self._moments, self._saw = list(state["moments"]), list(state["saw"])
        self._past, self._past_saw = list(state["past"]), list(state["past_saw"])
        self._look()
