"""What many steps are given, as the tables that the native loop over them reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.state import Array
from ..kernels import Plan
from .pool import aligned
from .runtime import FEED, MANY, OUT


def nbytes(dtype: Any, shape: Sequence[int]) -> int:
    """Bytes of a contiguous array."""
    return math.prod(shape) * int(dtype.itemsize)


class Given:
    """The inputs, scalars and draws of many steps.

    Args:
        plan: of the program.
        inputs, steps, scalars, draws, rows: as for :meth:`.runner.Executable.run_many`.

    Raises:
        ValueError: shapes or dtypes that do not fit, or an index outside the data.
    """

    def __init__(
        self,
        plan: Plan,
        inputs: Sequence[Array],
        steps: int,
        scalars: Any = None,
        draws: Any = None,
        rows: Array | None = None,
    ) -> None:
        if len(inputs) != len(plan.inputs):
            raise ValueError(f"the program takes {len(plan.inputs)} arrays, not {len(inputs)}")
        self.plan, self.steps = plan, steps
        self._alive: list[Array] = []
        self._feeds = np.zeros((len(inputs) + 1, len(FEED)), np.int64)
        if rows is not None:
            rows = np.ascontiguousarray(rows, np.int64)
            self._alive.append(rows)
        for i, x in enumerate(inputs):
            self._feeds[i] = self._stacked(i, x) if rows is None else self._gathered(i, x, rows)
        self._scalars = np.zeros((steps, max(len(plan.scalars), 1)), np.int64)
        for i, dtype in enumerate(plan.scalars):
            self._scalars[:, i : i + 1].view(dtype)[:, 0] = [row[i] for row in scalars]
        self._draws = np.zeros((steps, 2 * plan.draws + 1), np.uint64)
        if plan.draws:
            self._draws = np.array(draws, np.uint64).reshape(steps, 2 * plan.draws)

    def _fits(self, i: int, x: Array, inner: tuple[int, ...]) -> Array:
        dtype, shape = self.plan.inputs[i]
        if x.dtype != dtype or x.shape[1:] != inner:
            raise ValueError(f"input {i} is {x.dtype} {list(x.shape)}; a step takes {dtype} {list(shape)}")
        x = np.require(x, requirements=("C", "A"))
        self._alive.append(x)
        return x

    def _stacked(self, i: int, x: Array) -> list[int]:
        dtype, shape = self.plan.inputs[i]
        x = self._fits(i, x, tuple(shape))
        if len(x) < self.steps:
            raise ValueError(f"input {i} holds {len(x)} steps, not {self.steps}")
        return [x.ctypes.data, nbytes(dtype, shape), 0, 0, 0, 0, i, 0]

    def _gathered(self, i: int, x: Array, rows: Array) -> list[int]:
        dtype, shape = self.plan.inputs[i]
        x = self._fits(i, x, tuple(shape)[1:])
        if rows.shape != (self.steps, shape[0]):
            raise ValueError(f"rows has the shape {list(rows.shape)}, not {[self.steps, shape[0]]}")
        if rows.size and (rows.min() < 0 or rows.max() >= len(x)):
            raise ValueError(f"a row is outside the data of input {i}, which has {len(x)}")
        buffer = aligned(nbytes(dtype, shape), zero=False)
        self._alive.append(buffer)
        width = nbytes(dtype, shape[1:])
        return [x.ctypes.data, 0, rows.ctypes.data, shape[0], width, buffer.ctypes.data, i, 0]

    def words(self, slots: tuple[Array, Array], kept: Sequence[int], where: int) -> tuple[Array, list[Array], Any]:
        """The words that the loop reads, the arrays that it fills, and what has to be kept alive meanwhile.

        Args:
            slots: where a step finds its scalars and its draws.
            kept: which outputs are stored.
            where: the address of the table with the outputs' addresses.
        """
        plan = self.plan
        about = [plan.outputs[i] for i in kept]
        results = [np.empty((self.steps, *shape), dtype) for dtype, shape, _ in about]
        outs = np.zeros((len(kept) + 1, len(OUT)), np.int64)
        for n, (i, x, (dtype, shape, _)) in enumerate(zip(kept, results, about, strict=True)):
            outs[n] = x.ctypes.data, nbytes(dtype, shape), where + 8 * i, 0
        fields = {
            "steps": self.steps,
            "feeds": self._feeds.ctypes.data,
            "n_feeds": len(plan.inputs),
            "scalars": self._scalars.ctypes.data,
            "to_scalars": slots[0].ctypes.data,
            "scalar_bytes": 8 * len(plan.scalars),
            "draws": self._draws.ctypes.data,
            "to_draws": slots[1].ctypes.data,
            "draw_bytes": 16 * plan.draws,
            "outs": outs.ctypes.data,
            "n_outs": len(kept),
            "step": 0,
        }
        return np.array([fields[name] for name in MANY], np.int64), results, (self, outs)
