"""Training in the playground: the first steps operation by operation, the others compiled, many in one call.

Which way a step is taken depends on its number alone, never on the clock, so that the same configuration gives the same
numbers, bit for bit, whether training was interrupted or not. Meanwhile a thread compiles.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ....compile import available
from ....core.state import Array
from ....core.tensor import wrap
from ....i18n import Message
from ....train.finite import TrainingError
from .config import Config
from .data import Points, features, rows
from .maker import Maker, Makers
from .net import Network
from .trouble import diverged

EAGER = 100
"""So many steps are taken operation by operation, while the compiled step is being made."""
_WAIT = 30.0  # seconds at most for the compiled step, where somebody has to have it
_PATIENCE = 0.03  # seconds at most for it in a frame


class Run:
    """One network while it is trained.

    Args:
        config: the configuration.
        points: its points.
        makers: of compiled steps, kept from run to run; None for no compiled steps.
        side: which of two runs side by side this is: each has a compiled step of its own.

    Attributes:
        network: what is being trained.
        step: how many steps have been taken.
        trouble: why training cannot go on, as a sentence; or None.
        engine: ``"compiled"``, ``"eager"`` or ``"compiling"``.
    """

    def __init__(self, config: Config, points: Points, makers: Makers | None = None, side: int = 0) -> None:
        self.config, self.points = config, points
        self.network = Network(config, points.quantity)
        self.step = 0
        self.trouble: Message | None = None
        self.inputs = features(points.at, config.features)
        self.targets = self.network.targets(points.target)
        self.batch = min(config.batch, len(points.train))
        self._maker: Maker | None = None
        self._compiled: Any = None
        self._makers, self._side = makers, side
        self._wanted = makers is not None and available()

    @property
    def engine(self) -> str:
        """How the next step is taken."""
        if not self._wanted or self.step < EAGER:
            return "eager"
        return "compiled" if self._compiled is not None else "compiling"

    def rows(self, first: int, steps: int) -> Array:
        """Which points the steps from ``first`` on learn from: (steps, batch)."""
        return self.points.train[rows(self.config.seed, len(self.points.train), self.batch, first, steps)]

    def next_batch(self) -> tuple[Any, Any, Array]:
        """Inputs and targets of the step that comes next, as tensors, and the numbers of its points."""
        (chosen,) = self.rows(self.step, 1)
        return wrap(self.inputs[chosen], None), wrap(self.targets[chosen], None), chosen

    def prepare(self) -> None:
        """Begin to compile, in the thread for that."""
        if self._wanted and self._maker is None and self._makers is not None:
            chosen = self.rows(0, 1)
            batch = wrap(self.inputs[chosen], None), wrap(self.targets[chosen], None)
            build = partial(Network, self.config, self.points.quantity)
            self._maker = self._makers.get((self._side, self.batch, *self.network.kind), build, batch)

    def ready(self, steps: int) -> bool:
        """Whether so many steps can be taken at once, without waiting for the compiled step."""
        self.prepare()
        return not self._wanted or self.step + steps <= EAGER or self._ready(False)

    def take(self, steps: int, wait: bool = False) -> int:
        """Train for ``steps`` steps, or fewer where compiling is not done or the numbers stop being finite.

        Args:
            steps: how many.
            wait: whether to wait for the compiled step where it is needed.

        Returns:
            How many were taken.
        """
        self.prepare()
        before = self.step
        last = before + steps
        with np.errstate(all="ignore"):
            try:
                while self.step < last and self.trouble is None:
                    if not self._wanted or self.step < EAGER:
                        self._plainly()
                    elif not self._ready(wait):
                        break
                    else:
                        self._compiled_steps(last)
            except TrainingError:
                x, y, _ = self.next_batch()
                self.trouble = diverged(self.network, x, y, self.step + 1)
        return self.step - before

    def _plainly(self) -> None:
        x, y, _ = self.next_batch()
        self.network.update([(x, y)])
        self.step += 1

    def _compiled_steps(self, last: int) -> None:
        chosen = self.rows(self.step, last - self.step)
        stacked = wrap(self.inputs[chosen], None), wrap(self.targets[chosen], None)
        for _, count in self._compiled.stretches([stacked]):
            self.step += count

    def _ready(self, wait: bool) -> bool:
        """Whether the compiled step is there. Once it is, its network takes over from the one trained so far."""
        if self._compiled is not None:
            return True
        assert self._maker is not None
        if not self._maker.over.wait(_WAIT if wait else _PATIENCE):
            return False
        if self._maker.made is None:  # it cannot be compiled: go on as before
            self._wanted = False
            return True
        fresh, self._compiled = self._maker.made
        fresh.follow(self.network)
        fresh.set_rate(self.config.rate)
        fresh.put(fresh.strength, self.config.strength)
        self.network = fresh
        return True

    # Changes while it is trained.

    def set(self, config: Config) -> None:
        """Another learning rate or strength of the penalty from the next step on."""
        self.config = config
        self.network.set_rate(config.rate)
        self.network.put(self.network.strength, config.strength)

    def state(self) -> dict[str, Any]:
        """What :meth:`load` needs to go on bit for bit."""
        return {
            "step": self.step,
            "weights": self.network.arrays(),
            "optimiser": self.network.optimiser.state_dict(),
            "trouble": self.trouble,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.step, self.trouble = state["step"], state["trouble"]
        self.network.load(state["weights"])
        self.network.optimiser.load_state_dict(state["optimiser"])
