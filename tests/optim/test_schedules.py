"""Schedules: PyTorch's sequences of learning rates and momenta, storing and going on, wrong arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import optim
from upriver.errors import ArgumentError
from upriver.optim import lr_scheduler

Make = Callable[[Any, Any], Any]

SCHEDULES: dict[str, Make] = {
    "lambda": lambda m, o: m.LambdaLR(o, lambda t: 0.97**t),
    "lambdas": lambda m, o: m.LambdaLR(o, [lambda t: 0.97**t, lambda t: 1 / (1 + t)]),
    "multiplicative": lambda m, o: m.MultiplicativeLR(o, lambda t: 0.95 + 0.001 * (t % 3)),
    "step": lambda m, o: m.StepLR(o, step_size=7, gamma=0.5),
    "multistep": lambda m, o: m.MultiStepLR(o, milestones=[30, 5, 5, 80], gamma=0.3),
    "constant": lambda m, o: m.ConstantLR(o, factor=0.2, total_iters=9),
    "linear": lambda m, o: m.LinearLR(o, start_factor=0.1, end_factor=0.8, total_iters=20),
    "exponential": lambda m, o: m.ExponentialLR(o, gamma=0.93),
    "polynomial": lambda m, o: m.PolynomialLR(o, total_iters=60, power=1.7),
    "cosine": lambda m, o: m.CosineAnnealingLR(o, T_max=100),
    "cosine and back": lambda m, o: m.CosineAnnealingLR(o, T_max=13, eta_min=0.01),
    "restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, T_0=9),
    "longer restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2, eta_min=0.001),
    "one cycle": lambda m, o: m.OneCycleLR(o, max_lr=0.5, total_steps=100),
    "one cycle, options": lambda m, o: m.OneCycleLR(
        o,
        max_lr=[0.5, 1.5],
        epochs=10,
        steps_per_epoch=11,
        pct_start=0.25,
        anneal_strategy="linear",
        div_factor=10.0,
        final_div_factor=100.0,
        base_momentum=[0.7, 0.8],
        max_momentum=0.9,
    ),
    "one cycle, three phases": lambda m, o: m.OneCycleLR(o, max_lr=0.5, total_steps=101, three_phase=True),
    "one cycle, no momentum": lambda m, o: m.OneCycleLR(o, max_lr=0.5, total_steps=100, cycle_momentum=False),
    "cyclic": lambda m, o: m.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=8),
    "cyclic, halved": lambda m, o: m.CyclicLR(
        o, base_lr=[0.01, 0.02], max_lr=0.1, step_size_up=8, step_size_down=5, mode="triangular2"
    ),
    "cyclic, falling": lambda m, o: m.CyclicLR(
        o, base_lr=0.01, max_lr=0.1, step_size_up=8, mode="exp_range", gamma=0.98, cycle_momentum=False
    ),
    "cyclic, own": lambda m, o: m.CyclicLR(o, 0.01, 0.1, step_size_up=6, scale_fn=lambda n: 1 / n, scale_mode="cycle"),
    "sequence": lambda m, o: m.SequentialLR(
        o,
        [m.LinearLR(o, start_factor=0.1, total_iters=10), m.CosineAnnealingLR(o, T_max=50), m.ConstantLR(o, 0.5)],
        milestones=[10, 60],
    ),
    "sequence of exponentials": lambda m, o: m.SequentialLR(
        o, [m.ConstantLR(o, factor=0.1, total_iters=2), m.ExponentialLR(o, gamma=0.9), m.StepLR(o, 5)], [20, 40]
    ),
    "sequence with restarts": lambda m, o: m.SequentialLR(
        o, [m.CosineAnnealingWarmRestarts(o, T_0=5), m.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2)], [20]
    ),
    "chained": lambda m, o: m.ChainedScheduler([m.ConstantLR(o, factor=0.1, total_iters=20), m.ExponentialLR(o, 0.9)]),
    "chained steps": lambda m, o: m.ChainedScheduler(
        [m.StepLR(o, 10, gamma=0.5), m.LinearLR(o, total_iters=30), m.CosineAnnealingLR(o, T_max=40)]
    ),
}


def ours(**options: Any) -> Any:
    a, b = (ur.Tensor(np.ones(2, np.float32), requires_grad=True) for _ in range(2))
    return optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.3}], **{"lr": 0.1, "momentum": 0.9, **options})


def theirs(torch: Any, **options: Any) -> Any:
    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    return torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.3}], **{"lr": 0.1, "momentum": 0.9, **options})


def rates(optimizer: Any) -> list[float]:
    return [float(g[k]) for g in optimizer.param_groups for k in ("lr", "momentum")]


@pytest.mark.filterwarnings("ignore:To get the last learning rate", "ignore:The epoch parameter")
@pytest.mark.parametrize("name", SCHEDULES)
def test_sequence_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    a, b = ours(), theirs(torch)
    s, t = SCHEDULES[name](lr_scheduler, a), SCHEDULES[name](torch.optim.lr_scheduler, b)
    for step in range(100):
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-9, atol=1e-14, err_msg=f"step {step}")
        np.testing.assert_allclose(s.get_last_lr(), t.get_last_lr(), rtol=1e-9, atol=1e-14)
        a.step()
        b.step()
        s.step()
        t.step()


@pytest.mark.parametrize("name", SCHEDULES)
def test_going_on_from_a_stored_state(name: str) -> None:
    a = ours()
    s = SCHEDULES[name](lr_scheduler, a)
    for _ in range(23):
        a.step()
        s.step()
    stored, optimizer_state = json.loads(json.dumps(s.state_dict())), a.state_dict()
    b = ours()
    t = SCHEDULES[name](lr_scheduler, b)
    b.load_state_dict(optimizer_state)
    t.load_state_dict(stored)
    for _ in range(60):
        for o, scheduler in ((a, s), (b, t)):
            o.step()
            scheduler.step()
        assert rates(a) == rates(b)
        assert s.get_last_lr() == t.get_last_lr()


PLATEAUS: list[dict[str, Any]] = [
    {"patience": 2},
    {"patience": 3, "cooldown": 4, "factor": 0.5},
    {"mode": "max", "patience": 1, "threshold": 0.05},
    {"mode": "max", "patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
    {"patience": 0, "threshold_mode": "abs", "threshold": 0.2, "min_lr": [0.01, 0.02], "factor": 0.7},
    {"patience": 1, "eps": 0.01},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateau_is_pytorchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    a, b = ours(), theirs(torch)
    s = lr_scheduler.ReduceLROnPlateau(a, **options)
    t = torch.optim.lr_scheduler.ReduceLROnPlateau(b, **options)
    rng = np.random.default_rng(0)
    for epoch in range(100):
        value = float(np.exp(-epoch / 30) + 0.1 * rng.standard_normal())
        s.step(value)
        t.step(value)
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-12)
        assert s.num_bad_epochs == t.num_bad_epochs
    other = lr_scheduler.ReduceLROnPlateau(ours())
    other.load_state_dict(json.loads(json.dumps(s.state_dict())))
    assert (other.best, other.last_epoch, other.mode) == (s.best, s.last_epoch, s.mode)


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("name", ["step", "multistep", "linear", "exponential", "polynomial", "cosine", "restarts"])
def test_jumping_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    a, b = ours(), theirs(torch)
    s, t = SCHEDULES[name](lr_scheduler, a), SCHEDULES[name](torch.optim.lr_scheduler, b)
    for epoch in (3, 17, 8, 42, 55):
        a.step()
        b.step()
        s.step(epoch)
        t.step(epoch)
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-9)


@pytest.mark.parametrize("name", ["step", "multistep", "constant", "linear", "exponential", "cosine"])
def test_going_on_by_last_epoch_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")

    def sequence(module: Any, optimizer: Any) -> list[float]:
        scheduler = SCHEDULES[name](module, optimizer)
        for _ in range(9):
            optimizer.step()
            scheduler.step()
        options = {"step": (7, 0.5), "multistep": ([5, 10], 0.3), "constant": (0.2, 9), "linear": (0.1, 0.8, 20)}
        args = options.get(name, (0.93,) if name == "exponential" else (100,))
        again = getattr(module, type(scheduler).__name__)(optimizer, *args, last_epoch=9)
        found: list[float] = []
        for _ in range(20):
            found += rates(optimizer)
            optimizer.step()
            again.step()
        return found

    np.testing.assert_allclose(
        sequence(lr_scheduler, ours()), sequence(torch.optim.lr_scheduler, theirs(torch)), rtol=1e-9
    )


def test_adam_cycles_its_first_beta() -> None:
    p = ur.Tensor(np.ones(2, np.float32), requires_grad=True)
    optimizer = optim.Adam([p], lr=0.1, betas=(0.9, 0.99))
    lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.99)


def test_a_schedule_stepped_too_early_warns() -> None:
    optimizer = ours()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        scheduler.step()


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr_scheduler.StepLR([o], 2),
        lambda o: lr_scheduler.StepLR(o, 0),
        lambda o: lr_scheduler.StepLR(o, 2, last_epoch=5),
        lambda o: lr_scheduler.LambdaLR(o, 0.5),
        lambda o: lr_scheduler.LambdaLR(o, [len]),
        lambda o: lr_scheduler.ConstantLR(o, factor=2.0),
        lambda o: lr_scheduler.LinearLR(o, start_factor=0.0),
        lambda o: lr_scheduler.LinearLR(o, end_factor=2.0),
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=0),
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=0),
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=2).step(-1),
        lambda o: lr_scheduler.OneCycleLR(o, max_lr=1.0),
        lambda o: lr_scheduler.OneCycleLR(o, max_lr=1.0, total_steps=10, anneal_strategy="square"),
        lambda o: lr_scheduler.OneCycleLR(o, max_lr=[1.0], total_steps=10),
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, mode="square"),
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 2)], milestones=[1]),
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], milestones=[]),
        lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(o, 2), lr_scheduler.StepLR(ours(), 2)]),
        lambda o: lr_scheduler.ChainedScheduler([]),
        lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0),
        lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="least"),
    ],
)
def test_wrong_arguments(make: Callable[[Any], Any]) -> None:
    with pytest.raises(ArgumentError) as caught:
        make(ours())
    assert caught.value.fix


def test_one_step_too_many_in_a_cycle() -> None:
    optimizer = ours()
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=3)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    with pytest.raises(ArgumentError, match="cycle of 3 steps"):
        scheduler.step()


def test_no_momentum_to_cycle() -> None:
    optimizer = optim.Adagrad([ur.Tensor(np.ones(2, np.float32), requires_grad=True)])
    with pytest.raises(ArgumentError, match="no momentum"):
        lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=3)
