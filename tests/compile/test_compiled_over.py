"""Many steps in one call are the same as calls one by one, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError
from upriver.nn import functional as F
from upriver.nn.utils import clip_grad_norm_

from .compared import Twin, random, same

BOTH = pytest.mark.parametrize("native", [True, False], ids=["native", "replay"])
STEPS, BATCH = 9, 5


def _net() -> Any:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 3))


def _loss(model: Any, x: Tensor, t: Tensor) -> Tensor:
    return F.cross_entropy(model(x), t, ignore_index=-1)


def pair(optimizer: Callable[[Any], Any] = lambda p: ur.optim.AdamW(p, lr=0.01)) -> tuple[Twin, Twin]:
    made = []
    for _ in range(2):
        ur.manual_seed(0)
        made.append(Twin(_net(), _loss, optimizer))
    return made[0], made[1]


def data(rows: int = 20) -> tuple[Tensor, Tensor]:
    (x,) = random(0, (rows, 4))
    return x, ur.arange(rows) % 3


def check(mine: Twin, twin: Twin, got: Any, want: list[Any]) -> None:
    same(got, np.stack([np.asarray(x.array) for x in want]), "results", exact=True)
    for key, x in twin.state().items():
        same(mine.state()[key], x, key, exact=True)
    assert ur.get_rng_state() is not None


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda p: ur.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1),
    "adamw": lambda p: ur.optim.AdamW(p, lr=0.01),
    "radam": lambda p: ur.optim.RAdam(p, lr=0.01, betas=(0.9, 0.9)),
    "adagrad": lambda p: ur.optim.Adagrad(p, lr=0.05, lr_decay=0.1),
}


@BOTH
@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "stacked"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_as_one_by_one(optimizer: str, indexed: bool, native: bool) -> None:
    """To the bit: the same program runs."""
    mine, twin = pair(OPTIMIZERS[optimizer])
    fast, slow = ur.compile(mine.step, native=native), ur.compile(twin.step, native=native)
    x, t = data()
    rows = np.random.default_rng(0).integers(0, 20, (STEPS, BATCH))
    for _ in range(2):
        ur.manual_seed(5)
        want = [slow(x[r], t[r]) for r in rows]
        after = ur.rand(1).item()
        ur.manual_seed(5)
        got = fast.over(x, t, indices=rows) if indexed else fast.over(x[rows], t[rows])
        assert ur.rand(1).item() == after
        check(mine, twin, got, want)
    assert fast.recordings == slow.recordings


@BOTH
@pytest.mark.parametrize("where", [0, 1, 4, STEPS - 1])
def test_a_label_out_of_range_in_the_middle(where: int, native: bool) -> None:
    """The steps before it have happened, it and those after it have not; the error is eager's."""
    mine, twin = pair()
    fast, slow = ur.compile(mine.step, native=native), ur.compile(twin.step, native=native)
    x, t = data()
    for step in (fast, slow):
        ur.manual_seed(4)
        step(x[:BATCH], t[:BATCH])
    rows = np.arange(STEPS * BATCH).reshape(STEPS, BATCH) % 20
    xs, ts = x[rows], t[rows].clone()
    ts[where, 2] = 7
    ur.manual_seed(5)
    for i in range(where):
        slow(xs[i], ts[i])
    with pytest.raises(IndexError) as alone:
        slow(xs[where], ts[where])
    after = ur.rand(1).item()
    ur.manual_seed(5)
    with pytest.raises(IndexError) as together:
        fast.over(xs, ts)
    assert together.value.message == alone.value.message
    assert ur.rand(1).item() == after
    for key, y in twin.state().items():
        same(mine.state()[key], y, key, exact=True)


@BOTH
def test_labels_to_ignore_in_some_steps(native: bool) -> None:
    mine, twin = pair()
    fast, slow = ur.compile(mine.step, native=native), ur.compile(twin.step, native=native)
    x, t = data()
    rows = np.arange(STEPS * BATCH).reshape(STEPS, BATCH) % 20
    xs, ts = x[rows], t[rows].clone()
    for i in (2, 3, 6):
        ts[i, :2] = -1
    ur.manual_seed(5)
    want = [slow(a, b) for a, b in zip(xs, ts, strict=True)]
    ur.manual_seed(5)
    check(mine, twin, fast.over(xs, ts), want)


def test_what_is_returned_keeps_its_structure() -> None:
    step = ur.compile(lambda x, d: {"sum": x.sum(), "all": [x * d["k"], (d["k"] > 0, x.argmax())], "n": 3})
    xs, ks = random(0, (6, 2, 3), (6, 3))
    got = step.over(xs, {"k": ks})
    assert got["n"] == 3
    same(got["sum"], xs.sum((1, 2)))
    same(got["all"][0], xs * ks.unsqueeze(1))
    same(got["all"][1][0], ks > 0)
    same(got["all"][1][1], xs.flatten(1).argmax(1))
    assert step.recordings == 1


def test_arguments_that_are_returned() -> None:
    step = ur.compile(lambda x: (x, x * 2))
    xs, rows = random(0, (4, 2))[0], np.array([[3, 1], [0, 0], [2, 1]])
    for _ in range(2):
        first, second = step.over(xs)
        same(first, xs)
        same(second, xs * 2)
        same(step.over(xs, indices=rows)[0], xs[rows])


@BOTH
def test_a_parameter_that_is_returned_is_what_it_was_after_each_step(native: bool) -> None:
    w = nn.Parameter(ur.zeros(2))
    sgd = ur.optim.SGD([w], lr=1.0)

    @ur.compile(native=native)
    def step(x: Tensor) -> Any:
        sgd.zero_grad()
        (w * x).sum().backward()
        sgd.step()
        return w, ur.ones(1)

    for first in (1, 4):
        got, ones = step.over(-ur.ones(3, 2))
        same(got.detach(), np.arange(first, first + 3, dtype=np.float32)[:, None].repeat(2, 1))
        same(ones, ur.ones(3, 1))


def test_numbers_of_steps() -> None:
    (w,) = random(3, (4,))
    step = ur.compile(lambda x: (x * w).sum(-1))
    for steps in (1, 2, 5, 3, 5000):
        (xs,) = random(steps, (steps, 2, 4))
        same(step.over(xs), (xs * w).sum(-1))
    assert step.recordings == 1
    assert step.over(ur.zeros(0, 2, 4)) is None
    with pytest.raises(ArgumentError, match="do not agree"):
        ur.compile(lambda x, y: x + y).over(ur.zeros(3, 2), ur.zeros(2, 2))
    for bad in ([[0, 6]], [[-1, 0]]):
        with pytest.raises(ArgumentError, match="indices from"):
            step.over(ur.zeros(5, 4), indices=np.array(bad))


@pytest.mark.parametrize("order", ["C", "F", "reversed", "strided", "readonly", "broadcast"])
def test_stacks_in_memory_of_all_kinds(order: str) -> None:
    base = np.random.default_rng(0).standard_normal((6, 10, 8)).astype(np.float32)
    made = {
        "C": base[:, :5, :4].copy(),
        "F": np.asfortranarray(base[:, :5, :4]),
        "reversed": base[::-1, 4::-1, 3::-1],
        "strided": base[:, ::2, ::2],
        "readonly": base[:, :5, :4].copy(),
        "broadcast": np.broadcast_to(base[0, :5, :4], (6, 5, 4)),
    }[order]
    made.flags.writeable = made.flags.writeable and order != "readonly"
    step = ur.compile(lambda x: (x @ x.T).tanh().sum())
    want = np.stack([np.tanh(x @ x.T).sum() for x in made])
    for _ in range(2):
        same(step.over(made), want)
    rows = np.array([[3, 1, 2, 0], [5, 5, 0, 1]])[:, ::-1]
    gathered = ur.compile(lambda x: x.sum((0, 2)))
    for _ in range(2):
        same(gathered.over(made, indices=rows), np.stack([made[r].sum((0, 2)) for r in rows]))


@BOTH
def test_accumulation_and_clipping(native: bool) -> None:
    def accumulate(t: Twin, x: Tensor, y: Tensor) -> Tensor:
        loss = t.loss(t.model, x, y)
        loss.backward()
        return loss

    def clip(t: Twin, x: Tensor, y: Tensor) -> Tensor:
        t.optimizer.zero_grad()
        t.loss(t.model, x, y).backward()
        norm = clip_grad_norm_(t.model.parameters(), 0.5)
        t.optimizer.step()
        return norm

    x, t = data()
    rows = np.arange(STEPS * BATCH).reshape(STEPS, BATCH) % 20
    for function in (accumulate, clip):
        mine, twin = pair()
        fast = ur.compile(lambda *b, m=mine, f=function: f(m, *b), native=native)
        slow = ur.compile(lambda *b, m=twin, f=function: f(m, *b), native=native)
        for _ in range(2):
            ur.manual_seed(5)
            want = [slow(x[r], t[r]) for r in rows]
            ur.manual_seed(5)
            check(mine, twin, fast.over(x, t, indices=rows), want)
            for p, q in zip(mine.model.parameters(), twin.model.parameters(), strict=True):
                assert (p.grad is None) == (q.grad is None)
                if p.grad is not None:
                    same(p.grad, q.grad, exact=True)


@BOTH
def test_an_exception_in_the_first_step(native: bool) -> None:
    mine, twin = pair()
    fail = [True]

    def function(x: Tensor, t: Tensor) -> Tensor:
        loss = mine.step(x, t)
        if fail[0]:
            raise KeyError
        return loss

    x, t = data()
    rows = np.arange(STEPS * BATCH).reshape(STEPS, BATCH) % 20
    step = ur.compile(function, native=native)
    ur.manual_seed(1)
    with pytest.raises(KeyError):
        step.over(x, t, indices=rows)
    ur.manual_seed(1)
    twin.step(x[rows[0]], t[rows[0]])
    fail[0] = False
    ur.manual_seed(2)
    got = step.over(x, t, indices=rows)
    ur.manual_seed(2)
    want = np.stack([twin.step(x[r], t[r]).array for r in rows])
    same(got, want)


def test_a_model_in_evaluation_over_batches() -> None:
    model = _net().eval()
    (xs,) = random(0, (7, 5, 4))
    fast = ur.compile(model)
    with ur.no_grad():
        for _ in range(2):
            same(fast.over(xs), np.stack([model(x).array for x in xs]))
    assert fast.recordings == 1
