"""Replayed programs give what the function itself gives, to the bit, through many steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.compile.recording.replay import Replay
from upriver.core.tensor import Tensor
from upriver.nn import functional as F
from upriver.nn.utils import clip_grad_norm_, clip_grad_value_

from .recorded import Recorded, beside
from .steps import NETWORKS, OPTIMIZERS, Training, training


def twins(network: str = "mlp", optimizer: str = "adamw", batches: int = 6) -> tuple[Training, Training]:
    return training(network, optimizer, batches), training(network, optimizer, batches)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network(network: str) -> None:
    assert beside(*twins(network, batches=5)).recordings == 1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser(optimizer: str) -> None:
    # Dampening begins with the second step; RAdam trusts its variance from some step on: other rules from there.
    again = {"dampened": 2, "radam": 2}
    assert beside(*twins("regression", optimizer, 21)).recordings == again.get(optimizer, 1)


def gradients(t: Training, *batch: Tensor) -> Tensor:
    loss = t.loss(t.model, *batch)
    loss.backward()
    return loss


def clip_norm(t: Training, *batch: Tensor) -> Tensor:
    t.optimizer.zero_grad()
    gradients(t, *batch)
    norm = clip_grad_norm_(t.model.parameters(), 1.7, error_if_nonfinite=True)  # above some norms, below others
    t.optimizer.step()
    return norm


def clip_value(t: Training, *batch: Tensor) -> Tensor:
    t.optimizer.zero_grad()
    loss = gradients(t, *batch)
    clip_grad_value_(t.model.parameters(), 0.01)
    t.optimizer.step()
    return loss


def zero_after(t: Training, *batch: Tensor) -> Tensor:
    loss = gradients(t, *batch)
    t.optimizer.step()
    t.model.zero_grad()
    return loss


def zeros_instead_of_none(t: Training, *batch: Tensor) -> Tensor:
    t.optimizer.zero_grad(set_to_none=False)
    loss = gradients(t, *batch)
    t.optimizer.step()
    return loss


def accumulate(t: Training, *batch: Tensor) -> Tensor:
    t.optimizer.zero_grad()
    for weight in (0.5, 0.25):
        loss = t.loss(t.model, *batch) * weight
        loss.backward(ur.tensor(2.0))
    t.optimizer.step()
    return loss


def two_steps(t: Training, *batch: Tensor) -> Tensor:
    return t.step(*batch) + t.step(*batch)


def by_closure(t: Training, *batch: Tensor) -> Tensor:
    def closure() -> Tensor:
        t.optimizer.zero_grad()
        return gradients(t, *batch)

    loss: Tensor = t.optimizer.step(closure)
    return loss


def by_hand(t: Training, *batch: Tensor) -> Tensor:
    weights = list(t.model.parameters())
    loss = t.loss(t.model, *batch)
    found = ur.grad(loss, weights)
    with ur.no_grad():
        for w, g in zip(weights, found, strict=True):
            assert g is not None
            w -= 0.1 * g
    return loss


def gradient_penalty(t: Training, *batch: Tensor) -> Tensor:
    t.optimizer.zero_grad()
    loss = t.loss(t.model, *batch)
    for g in ur.grad(loss, list(t.model.parameters()), create_graph=True):
        assert g is not None
        loss = loss + (g * g).sum()
    loss.backward()
    t.optimizer.step()
    return loss


def in_place(t: Training, *batch: Tensor) -> Tensor:
    loss = t.step(*batch)
    with ur.no_grad():
        for p in t.model.parameters():
            p.mul_(0.99).add_(p.sign(), alpha=0.01).clamp_(-1.5, 1.5)
        p.data = p * 0.5
        p.data[0] = 3.0
        p.data[1:] = p.data[1:] + 1
        p[-1].fill_(0.0) if p.numel() == 1 else p.copy_(p.flip(0))
    return loss


def random_inputs(t: Training, x: Tensor, y: Tensor) -> Tensor:
    x = (x + ur.randn_like(x) * 0.1) * ur.bernoulli(ur.full(x.shape, 0.7))
    return t.step(x, y)


def class_weights(t: Training, x: Tensor, y: Tensor) -> Tensor:
    t.optimizer.zero_grad()
    loss = F.cross_entropy(t.model(x), y, weight=ur.tensor([0.1, 0.5, 2.0]), label_smoothing=0.1, ignore_index=1)
    loss = loss + F.multi_margin_loss(t.model(x), y, weight=ur.tensor([0.1, 0.5, 2.0]))
    loss = loss + F.nll_loss(t.model(x).log_softmax(1), y).max() + t.model(x).median(1).values.sum()
    loss.backward()
    t.optimizer.step()
    return loss


@pytest.mark.parametrize(
    "step",
    [clip_norm, clip_value, zero_after, zeros_instead_of_none, accumulate, two_steps, by_closure, by_hand,
     gradient_penalty, in_place, random_inputs, class_weights],
)  # fmt: skip
def test_every_kind_of_step(step: Callable[..., Tensor]) -> None:
    assert beside(*twins(), step).recordings <= 2


def test_gradients_that_are_left_are_added_to() -> None:
    # The first call finds none, the later ones add to what they find: two programs.
    assert beside(*twins(batches=5), gradients).recordings == 2


def test_a_schedule_gives_new_numbers_and_no_new_program() -> None:
    mine, twin = twins()
    schedules = [ur.optim.lr_scheduler.ExponentialLR(t.optimizer, gamma=0.5) for t in (mine, twin)]
    step = Recorded(mine.step)
    for (x, y), same in zip(mine.batches, twin.batches, strict=True):
        np.testing.assert_array_equal(step(x, y), twin.step(*same).array)
        for schedule in schedules:
            schedule.step()
    assert step.recordings == 1
    np.testing.assert_array_equal(mine.model[0].weight.array, twin.model[0].weight.array)


@pytest.mark.parametrize("change", [{"weight_decay": 0.0}, {"amsgrad": True}, {"maximize": True}])
def test_an_option_that_changes_the_rule_makes_a_new_program(change: dict[str, Any]) -> None:
    mine, twin = twins(optimizer="adam" if "amsgrad" in change else "adamw")
    step = Recorded(mine.step)
    for i, (batch, same) in enumerate(zip(mine.batches, twin.batches, strict=True)):
        if i == 3:
            for t in (mine, twin):
                t.optimizer.param_groups[0].update(change)
        np.testing.assert_array_equal(step(*batch), twin.step(*same).array)
    assert step.recordings == 2
    for (name, x), (_, y) in zip(mine.state(), twin.state(), strict=True):
        np.testing.assert_array_equal(x, y, err_msg=name)


def test_a_loaded_state_is_read() -> None:
    mine, twin = twins()
    stored = twin.optimizer.state_dict(), twin.model.state_dict()
    step = Recorded(mine.step)
    for i, (batch, same) in enumerate(zip(mine.batches, twin.batches, strict=True)):
        if i == 3:
            for t in (mine, twin):
                t.optimizer.load_state_dict(stored[0])
                t.model.load_state_dict(stored[1])
        np.testing.assert_array_equal(step(*batch), twin.step(*same).array)


def test_no_result_shares_memory() -> None:
    w = ur.nn.Parameter(ur.arange(3.0))
    step = Recorded(lambda x: x.reshape(3) + w.detach() * 0)
    x = ur.ones(3)
    step(x)
    assert step.recording is not None
    step.recording.program.outputs[:] = [*step.recording.program.inputs, *step.recording.program.outputs * 2]

    given = np.ones(3, np.float32)
    found, _ = Replay(step.recording.program).run(
        [given], [c.tensor.array for c in step.recording.program.cells], [], []
    )
    arrays = [given, *found]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_a_failed_run_gives_back_counters_and_draws() -> None:
    mine, twin = twins("dropout")
    step = Recorded(mine.step)
    for i, ((x, y), (u, v)) in enumerate(zip(mine.batches, twin.batches, strict=True)):
        ur.manual_seed(i)
        if i == 3:
            bad = ur.full_like(y, 7)
            for t in (step, twin.step):
                with pytest.raises(IndexError, match="label 7 at position 0 of the target is not one of 3 classes"):
                    t(x, bad)
            ur.manual_seed(i)
        want = twin.step(u, v).array
        ur.manual_seed(i)
        np.testing.assert_array_equal(step(x, y), want)
    assert step.recordings == 1
