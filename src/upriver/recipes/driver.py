"""A network that steers: distances to the edge of the road in, an angle of the wheel out."""

from __future__ import annotations

from typing import Any

import upriver.nn.functional as F
from upriver import nn


class Driver(nn.Module):
    """What each ray sees (B, rays) → how the wheel is turned (B, 1), from −1 (left) to 1 (right).

    A ray sees from 0 (the edge of the road is here) to 1 (it is far).

    Args:
        rays: how many distances it sees.
        units: of each hidden layer.
        layers: how many hidden layers; 0 for a plain weighted sum.

    Example:
        >>> import upriver as ur
        >>> Driver(rays=9, units=8, layers=1)(ur.ones(5, 9)).shape
        (5, 1)
    """

    def __init__(self, rays: int, units: int, layers: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i in range(layers):
            parts += [nn.Linear(rays if i == 0 else units, units), nn.Tanh()]
        self.hidden = nn.Sequential(*parts)
        self.wheel = nn.Linear(units if layers else rays, 1)

    def forward(self, seen: Any) -> Any:
        return self.wheel(self.hidden(seen)).tanh()

    def loss(self, seen: Any, right: Any) -> Any:
        """The squared error against what would have been right, (B, 1), as a mean over the examples."""
        return F.mse_loss(self(seen), right)
