"""The network of the steering lab as it learns from examples: the teacher's, and those that the reader drives."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import upriver as ur
from upriver.optim import Adam
from upriver.recipes.driver import Driver

from ....compile import compile as compiled
from ....core.state import Array
from .car import ANGLES, examples
from .track import Track

TAUGHT, OWN = 1200, 900
"""How many examples the teacher gives, and how many of the reader's are kept."""
BATCH = 32
SOURCES = ("teacher", "mine", "both")


@dataclass(frozen=True)
class Options:
    """What the learner is made of; see :func:`upriver.web.sessions.steering.options` for the bounds."""

    units: int
    layers: int
    lr: float
    spread: float
    seed: int


class Learner:
    """Examples, a network and its optimiser.

    Args:
        track: on which the teacher's examples are taken.
        options: sizes and seed.
    """

    def __init__(self, track: Track, options: Options) -> None:
        self.options = options
        ur.manual_seed(options.seed)
        self.net = Driver(len(ANGLES), options.units, options.layers)
        self.optimizer = Adam(self.net.parameters(), lr=options.lr)
        self._draw = np.random.default_rng(options.seed)
        self.steps, self.own, self.source = 0, 0, "teacher"
        # The teacher's examples, then room for the reader's: of one size for good, as a compiled step wants it.
        self.seen = np.zeros((TAUGHT + OWN, len(ANGLES)), np.float32)
        self.right = np.zeros((TAUGHT + OWN, 1), np.float32)
        self.take(track)
        self._step = compiled(self._train)

    def take(self, track: Track) -> None:
        """Take new examples of the teacher's, on this track."""
        draw = np.random.default_rng(self.options.seed + 1)
        self.seen[:TAUGHT], self.right[:TAUGHT] = examples(track, TAUGHT, self.options.spread, draw)

    def add(self, seen: Array, wheel: float) -> None:
        """One example of the reader's; the oldest makes room."""
        at = TAUGHT + self.own % OWN
        self.seen[at], self.right[at] = seen, wheel
        self.own += 1

    def _train(self, seen: Any, right: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self.net.loss(seen, right)
        loss.backward()
        self.optimizer.step()
        return loss

    @property
    def ready(self) -> bool:
        """Whether there are examples to learn from."""
        return self.source != "mine" or self.own > 0

    def learn(self, steps: int) -> Array:
        """So many steps on examples drawn from those chosen; the loss before each, (steps,)."""
        own = min(self.own, OWN)
        low = TAUGHT if self.source == "mine" else 0
        high = TAUGHT if self.source == "teacher" else TAUGHT + own
        rows = self._draw.integers(low, high, (steps, BATCH))
        losses = self._step.over(self.seen, self.right, indices=rows)
        self.steps += steps
        return np.asarray(losses.numpy(), np.float64)

    def wheel(self, seen: Array) -> Array:
        """What the network does: (n, rays) → (n,)."""
        return steering(self.net)(seen)

    def copied(self) -> Driver:
        """The network as it is now, to be tried out while this one learns on."""
        return copy.deepcopy(self.net)

    def state(self) -> dict[str, Any]:
        """All that :meth:`restore` needs."""
        return {
            "net": {name: p.detach().clone() for name, p in self.net.state_dict().items()},
            "optimizer": self.optimizer.state_dict(),
            "draw": self._draw.bit_generator.state,
            "steps": self.steps,
            "own": self.own,
            "source": self.source,
            "seen": self.seen.copy(),
            "right": self.right.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where another learner of the same options was: the same bits."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._draw.bit_generator.state = state["draw"]
        self.steps, self.own, self.source = state["steps"], state["own"], state["source"]
        self.seen[:], self.right[:] = state["seen"], state["right"]


def steering(net: Driver) -> Callable[[Array], Array]:
    """A network as a driver: what is seen (n, rays) → wheels (n,)."""

    def wheel(seen: Array) -> Array:
        with ur.no_grad():
            # A network that was broken by too long a step holds the wheel still.
            return np.nan_to_num(np.asarray(net(ur.tensor(seen)).numpy()[:, 0], np.float64))

    return wheel
