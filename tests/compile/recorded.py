"""Recorded calls beside their eager twins, for tests: programs are replayed, and everything compared to the bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import upriver as ur
from upriver.compile.recording.optimizer_step import Stale
from upriver.compile.recording.record import record
from upriver.compile.recording.recording import Recording
from upriver.compile.recording.replay import Failed, Replay
from upriver.core.tensor import Tensor, wrap

from .steps import Training

Step = Callable[..., Tensor]


def ordinary(t: Training, *batch: Tensor) -> Tensor:
    return t.step(*batch)


class Recorded:
    """A function of tensors that returns one tensor: recorded when it has to be, replayed otherwise."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function = function
        self.recordings = 0
        self.recording: Recording | None = None

    def __call__(self, *given: Tensor) -> Any:
        if self.recording is not None:
            try:
                return self._again(self.recording, given)
            except (Stale, Failed):
                pass
        return self._record(given)

    def _record(self, given: Sequence[Tensor]) -> Any:
        self.recording = recording = record(lambda: self.function(*given), given)
        self.recordings += 1
        outputs = recording.program.outputs
        outputs.append(recording.value(recording.result))
        self.kept = [g for g in recording.gradients if g.value is not None and not g.read]
        outputs += [g.value for g in self.kept if g.value is not None]
        self.replay = Replay(recording.program)
        return recording.result.array

    def _again(self, recording: Recording, given: Sequence[Tensor]) -> Any:
        for g in recording.gradients:
            if (g.leaf.grad is not None) != g.read and not g.dropped:
                raise Stale
        program = recording.program
        states = [(generator, generator.get_state()) for generator in program.draws]
        began = []
        try:
            numbers = []
            for step in recording.steps:
                numbers += step.scalars()
                began.append(step)
            draws = [(d["seed"], d["counter"]) for d in [generator.draw() for generator in program.draws]]
            cells = [cell.tensor.array for cell in program.cells]
            outputs, after = self.replay.run([x.array for x in given], cells, numbers, draws)
        except (Stale, Failed):
            for step in reversed(began):
                step.undo()
            for generator, before in reversed(states):
                generator.set_state(before)
            raise
        for step in recording.steps:
            step.keep()
        for cell, new in zip(program.cells, after, strict=True):
            if new is not None:
                np.copyto(cell.tensor.array, new)
        for g in recording.gradients:
            if g.value is None:
                g.leaf.grad = None
        for g, array in zip(self.kept, outputs[1:], strict=True):
            g.leaf.grad = wrap(array, None)
        return outputs[0]


def beside(mine: Training, twin: Training, step: Step = ordinary) -> Recorded:
    """Take a step for each batch, recorded and replayed, and the same in eager; everything must agree to the bit."""
    recorded = Recorded(lambda *batch: step(mine, *batch))
    for i, (batch, same) in enumerate(zip(mine.batches, twin.batches, strict=True)):
        ur.manual_seed(i)
        want = step(twin, *same)
        after = ur.rand(1).item()
        ur.manual_seed(i)
        got = recorded(*batch)
        assert ur.rand(1).item() == after, f"step {i}: as many draws"
        np.testing.assert_array_equal(got, want.array, err_msg=f"step {i}")
        for (name, x), (_, y) in zip(mine.state(), twin.state(), strict=True):
            np.testing.assert_array_equal(x, y, err_msg=f"step {i}: {name}")
        for p, q in zip(mine.model.parameters(), twin.model.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None and q.grad is not None:
                np.testing.assert_array_equal(p.grad.array, q.grad.array, err_msg=f"step {i}: gradient")
    return recorded
