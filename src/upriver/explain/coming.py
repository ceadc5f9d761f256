"""The coming step of an optimiser, worked out on copies: nothing is changed, so that graphs stay good."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..core.state import Array


def coming_changes(optimizer: Any) -> dict[int, Array]:
    """By how much the optimiser's next step would change each parameter (by ``id``), found on copies."""
    found: dict[int, Array] = {}
    for group in optimizer.param_groups:
        names = optimizer.slots(group)
        for p in group["params"]:
            if p.grad is None:
                continue
            state = copy.deepcopy(optimizer.state[p]) if p in optimizer.state else {}
            if any(name not in state for name in names) or (optimizer.counts_steps and "step" not in state):
                state = {**optimizer.start(p, group), **state}
            time = optimizer.advance(state, group) if names or optimizer.counts_steps else None
            slots = [state[name].array for name in names]
            w, g = p.array.copy(), p.grad.array.copy()
            optimizer.rule(group, p.dtype, time)(w, g, slots, np.empty_like(w), np.empty_like(w))
            found[id(p)] = w - p.array
    return found
