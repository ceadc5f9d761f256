"""The first call is recorded, and then done by the program: it gives to the bit what any later call would."""

import numpy as np
import pytest

import upriver as ur
from upriver.nn import functional as F

pytest.importorskip("llvmlite")

from upriver.compile.native.runner import CheckFailed, Executable

STEPS = 6
BATCHES = [
    (ur.tensor(x.astype("f4")), ur.tensor(y))
    for rng in [np.random.default_rng(0)]
    for x, y in [(rng.normal(size=(9, 5)), rng.integers(0, 3, 9)) for _ in range(STEPS)]
]


class Net(ur.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = ur.nn.Linear(5, 17), ur.nn.Linear(17, 3)
        self.norm, self.drop = ur.nn.BatchNorm1d(17), ur.nn.Dropout(0.3)
        self.register_buffer("seen", ur.zeros(17))

    def forward(self, x):
        h = self.drop(F.gelu(self.norm(self.inner(x))))
        if self.training:
            self.seen += h.detach().sum(0)
            self.seen[2:5] = h.detach()[0, 2:5]
        return self.outer(h)


def training(optimizer, accumulate=1):
    """A step, and what gives all that it changes."""
    ur.manual_seed(0)
    net = Net()
    opt = optimizer(net.parameters())

    def step(x, y):
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        for _ in range(accumulate):
            loss.backward()
        ur.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        return loss.detach()

    def held():
        found = [x.array.copy() for x in net.state_dict().values()]
        for state in opt.state.values():
            found += [np.array(getattr(x, "array", x)) for x in state.values()]
        return [*found, ur.get_rng_state().array.copy()]

    return step, held


def run(optimizer, again_at=(), accumulate=1, compiled=ur.compile):
    """Train; at the steps ``again_at`` a new compiled function takes over, as after a resume."""
    step, held = training(optimizer, accumulate)
    losses = []
    made = compiled(step)
    for i, batch in enumerate(BATCHES):
        if i in again_at:
            made = compiled(step)
        losses.append(made(*batch).array.copy())
    return losses, held()


def equal(one, two):
    for a, b in zip([*one[0], *one[1]], [*two[0], *two[1]], strict=True):
        np.testing.assert_array_equal(a, b)


OPTIMIZERS = {
    "SGD": lambda p: ur.optim.SGD(p, lr=0.1),
    "momentum": lambda p: ur.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: ur.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: ur.optim.AdamW(p, lr=0.01, amsgrad=True),
    "NAdam": lambda p: ur.optim.NAdam(p, lr=0.01),
    "RMSprop": lambda p: ur.optim.RMSprop(p, lr=0.01, centered=True),
    "Adagrad": lambda p: ur.optim.Adagrad(p, lr=0.01, lr_decay=0.1),
    "RAdam": lambda p: ur.optim.RAdam(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_recorded_again_in_the_middle(name):
    equal(run(OPTIMIZERS[name]), run(OPTIMIZERS[name], again_at=(1, 2, 4)))


def test_eager_rounds_otherwise():
    """What the others compare is not equal by itself."""
    _, one = run(OPTIMIZERS["Adam"])
    _, two = run(OPTIMIZERS["Adam"], compiled=lambda step: step)
    assert any([not np.array_equal(a, b) for a, b in zip(one, two, strict=True)])


def test_gradients_in_place_within_a_call():
    equal(run(OPTIMIZERS["Adam"], accumulate=2), run(OPTIMIZERS["Adam"], again_at=(3,), accumulate=2))


def test_gradients_added_up_over_calls():
    def run(again_at):
        w = ur.nn.Parameter(ur.tensor([1.0, 2.0, 3.0]))
        w.grad = ur.tensor([0.1, 0.2, 0.3])

        def step(x):
            ((w * x).sigmoid() / 3).sum().backward()

        made = ur.compile(step)
        for i in range(4):
            if i == again_at:
                made = ur.compile(step)
            assert made(ur.tensor([0.3, 0.7, 1.1]) + i) is None
        return w.grad.tolist()

    assert run(0) == run(2)


def test_no_optimiser_and_gradients_kept():
    w = ur.nn.Parameter(ur.tensor([1.0, 2.0, 3.0]))

    def step(x):
        w.grad = None
        loss = (w * x).sigmoid().mean()
        loss.backward()
        return loss

    x = ur.tensor([0.3, 0.7, 1.1])
    found = []
    for _ in range(2):
        made = ur.compile(step)
        for _ in range(2):
            found.append((made(x).item(), w.grad.tolist()))
    assert found[1:] == found[:-1]


def test_two_steps_in_one_call():
    def run(again_at):
        ur.manual_seed(0)
        net = ur.nn.Linear(5, 3)
        adam = ur.optim.Adam(net.parameters(), lr=0.01)

        def step(x, y):
            for _ in range(2):
                adam.zero_grad()
                F.cross_entropy(net(x), y).backward()
                adam.step()

        for i, batch in enumerate(BATCHES):
            if i in again_at:
                made = ur.compile(step)
            made(*batch)
        return [p.tolist() for p in net.parameters()], [int(s["step"]) for s in adam.state.values()]

    assert run((0,)) == run((0, 2, 5))
    assert run((0,))[1] == [2 * STEPS] * 2


@pytest.mark.parametrize("error", [CheckFailed(0), MemoryError()])
def test_a_program_that_cannot_run_leaves_what_the_call_did(monkeypatch, error):
    def fail(*_):
        raise error

    def one(compiled):
        step, held = training(OPTIMIZERS["Adam"])
        step = compiled(step)
        try:
            loss = [step(*BATCHES[0]).array]
        except MemoryError:
            loss = []
        return loss, held()

    losses, eager = one(lambda step: step)
    monkeypatch.setattr(Executable, "run", fail)
    got, held = one(ur.compile)
    assert [x.tolist() for x in got] == ([] if isinstance(error, MemoryError) else [x.tolist() for x in losses])
    for a, b in zip(held, eager, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_optimiser_that_counts_in_its_own_way():

    class Own(ur.optim.SGD):
        counts_steps = True

        def advance(self, state, group):
            state["step"] = state["step"] * 2 + 1
            return state["step"]

        def rule(self, group, dtype, time):
            rate = np.asarray(group["lr"] / time, dtype)

            def update(w, g, slots, s, t):
                w -= rate * g

            return update

    own = lambda p: Own(p, lr=0.1)
    equal(run(own), run(own, again_at=(1, 3)))
    for a, b in zip(run(own)[1], run(own, compiled=lambda step: step)[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_two_forward_passes_with_statistics_and_dropout():
    """What is computed again where it is read may read what its reader's group computes: it comes first."""

    def train(compiled):
        ur.manual_seed(0)
        net = ur.nn.Sequential(ur.nn.Linear(5, 17), ur.nn.BatchNorm1d(17), ur.nn.Dropout(0.3), ur.nn.Linear(17, 3))
        sgd = ur.optim.SGD(net.parameters(), lr=0.1)

        def step(x, y):
            sgd.zero_grad()
            for _ in range(2):
                F.cross_entropy(net(x), y).backward()
            sgd.step()

        step = compiled(step)
        for batch in BATCHES:
            step(*batch)
        return [x.array.copy() for x in net.state_dict().values()]

    for a, b in zip(train(ur.compile), train(lambda step: step), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
