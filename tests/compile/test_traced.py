"""Optimisers' rules on arrays that write down what is done with them, and numbers that are made anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.compile.recording.optimizer_step import Stale, Structure
from upriver.compile.recording.record import record
from upriver.core.tensor import Tensor
from upriver.errors import CompileError
from upriver.optim.optimizer import constants

from .recorded import Recorded
from .steps import OPTIMIZERS


class Mine(ur.optim.Optimizer):
    """An optimiser of a user, whose rule is given."""

    def __init__(self, params: Any, rule: Any) -> None:
        self.mine = rule
        super().__init__(params, {"lr": 0.1, "weight_decay": 0.0})

    def slots(self, group: Any) -> tuple[str, ...]:
        return ("total",)

    def rule(self, group: Any, dtype: Any, time: Any) -> Any:
        (lr,) = constants(dtype, group["lr"] / time)
        mine = self.mine

        def rule(w: Any, g: Any, slots: Any, s: Any, t: Any) -> None:
            mine(w, g, slots[0], lr, s)

        return rule


def step_of(rule: Any) -> tuple[Recorded, Tensor, Mine]:
    w = ur.nn.Parameter(ur.tensor([1.0, -2.0, 3.0]))
    optimizer = Mine([w], rule)

    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = (w * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    return Recorded(step), w, optimizer


def operators(w: Any, g: Any, total: Any, lr: Any, s: Any) -> None:
    total += abs(g) ** 2 + 0.5
    w -= lr * g / np.sqrt(total)
    s[:] = np.sign(w)
    np.copysign(w, s, out=w)


def test_a_rule_with_operators_and_ufuncs_that_are_no_operation() -> None:
    (mine, w, _), (_, v, eager) = step_of(operators), step_of(operators)
    for i in range(5):
        x = ur.tensor([1.0, 2.0, -0.5]) * (i + 1)
        mine(x)
        eager.zero_grad()
        (v * x).sum().backward()
        eager.step()
        np.testing.assert_array_equal(w.array, v.array)
    assert mine.recordings == 1
    assert mine.recording is not None
    assert "copysign" in [i.op.name for i in mine.recording.program.instructions]


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (lambda w, g, total, lr, s: w.__isub__(lr * g / np.linalg.norm(g)), "np.norm"),
        (lambda w, g, total, lr, s: w.__isub__(lr * np.add.reduce(g)), "np.add.reduce"),
        (lambda w, g, total, lr, s: w.__isub__(lr * g.mean()), r"\.mean of an array"),
        (lambda w, g, total, lr, s: w.__isub__(lr) if g[0] > 0 else None, "indexing"),
        (lambda w, g, total, lr, s: w.__isub__(lr) if g > 0 else None, "a choice by a value"),
        (lambda w, g, total, lr, s: w.__isub__(float(g)), r"float\(\)"),
        (lambda w, g, total, lr, s: w.__isub__(s), "scratch"),
    ],
)
def test_what_a_rule_cannot_do(rule: Any, what: str) -> None:
    step, _, _ = step_of(rule)
    with pytest.raises(CompileError, match=what):
        step(ur.ones(3))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_counters_go_back_and_the_same_numbers_come_again(name: str) -> None:
    w = ur.nn.Parameter(ur.ones(3))
    optimizer = OPTIMIZERS[name]([w])
    for _ in range(12):  # past where rules change
        w.grad = ur.ones(3)
        optimizer.step()
    (step,) = record(lambda: (w.sum().backward(), optimizer.step()), []).steps
    before = {k: v for k, v in optimizer.state[w].items() if not isinstance(v, Tensor)}
    first = [float(x) for x in step.scalars()]
    after = {k: v for k, v in optimizer.state[w].items() if not isinstance(v, Tensor)}
    step.undo()
    assert {k: v for k, v in optimizer.state[w].items() if not isinstance(v, Tensor)} == before
    assert [float(x) for x in step.scalars()] == first
    assert after == {k: v for k, v in optimizer.state[w].items() if not isinstance(v, Tensor)}


def test_what_makes_a_step_stale() -> None:
    w = ur.nn.Parameter(ur.ones(3))
    optimizer = ur.optim.Adam([w])
    (step,) = record(lambda: (w.sum().backward(), optimizer.step()), []).steps
    count = optimizer.state[w]["step"]
    group = optimizer.param_groups[0]
    for change in ({"weight_decay": 0.1}, {"amsgrad": True}, {"maximize": True}):
        before = dict(group)
        group.update(change)
        with pytest.raises(Stale):
            step.scalars()
        group.update(before)
        assert optimizer.state[w]["step"] == count


def test_structure_is_code_and_options_but_not_numbers() -> None:
    def make(x: float, flag: bool) -> Any:
        number = np.array(x)
        inner = lambda: number
        return lambda: (inner, flag)

    one, two, other = Structure(make(1.0, True)), Structure(make(2.0, True)), Structure(make(1.0, False))
    assert one.key == two.key != other.key
    assert [float(x) for x in one.numbers + two.numbers] == [1.0, 2.0]
