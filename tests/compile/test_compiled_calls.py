"""What may be compiled and how it is called: results and arguments of all kinds, errors, threads, other memory."""

from __future__ import annotations

import gc
import threading
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.core.tensor import Tensor
from upriver.errors import CompileError
from upriver.nn import functional as F
from upriver.nn.utils import clip_grad_norm_, clip_grad_value_

from .compared import Twin, random, same

BOTH = pytest.mark.parametrize("native", [True, False], ids=["native", "replay"])
Pair = namedtuple("Pair", ["first", "second"])


def equal(got: Any, want: Any) -> None:
    """The same structure with the same values."""
    assert type(got) is type(want)
    if isinstance(want, dict):
        assert list(got) == list(want)
        for key in want:
            equal(got[key], want[key])
    elif isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for x, y in zip(got, want, strict=True):
            equal(x, y)
    elif isinstance(want, Tensor):
        same(got, want)
    else:
        assert got == want


def thrice(function: Callable[..., Any], *calls: Any, native: bool = True) -> Any:
    """Each call (its arguments) gives what eager gives, also the second time."""
    step = ur.compile(function, native=native)
    for args in [*calls, *calls]:
        equal(step(*args), function(*args))
    return step


X, Y = random(0, (3, 4), (3, 4))
W = nn.Parameter(ur.ones(4))
B = ur.ones(3)

RESULTS: dict[str, Callable[..., Any]] = {
    "several": lambda x, y: (x + y, x * y),
    "nested": lambda x, y: {"a": [x + y, (y,)], "b": Pair(x, x * 2), "c": None},
    "the same twice": lambda x, y: [z := x + y, z, z * 1],
    "nothing": lambda x, y: None,
    "a number": lambda x, y: (3, "three", 2.5, x.sum()),
    "an argument": lambda x, y: (x, y),
    "views of an argument": lambda x, y: (x.T, x[1:], x.reshape(2, 6), x[:, ::2], x.flip(0), x[0, 0]),
    "views of a result": lambda x, y: (z := x * 2, z.T, z[::2], z.reshape(-1)),
    "views of a parameter": lambda x, y: (W * 1, W.reshape(2, 2).detach(), x + W),
    "a constant": lambda x, y: (ur.ones(2), ur.tensor([1, 2]), x + 1),
    "a constant alone": lambda x, y: ur.arange(3),
    "a captured tensor": lambda x, y: (B, B + x.sum(1)),
    "integers and booleans": lambda x, y: (x > 0, (x * 3).long(), x.argmax(1), (x > 0).sum(), (x > 0).any()),
    "a scalar": lambda x, y: x.sum(),
    "an empty tensor": lambda x, y: (x[:0] * 2, x[:0].sum()),
    "no use of arguments": lambda x, y: ur.full((2,), 3.0) * 2,
    "no dimensions": lambda x, y: (x.sum() * y.mean()).exp(),
    "an expanded result": lambda x, y: x.sum(1, keepdim=True).expand(3, 4),
    "copies": lambda x, y: (x.clone(), x.detach(), x.contiguous(), x.to(ur.float64)),
}


@BOTH
@pytest.mark.parametrize("name", RESULTS)
def test_results(name: str, native: bool) -> None:
    step = thrice(RESULTS[name], (X, Y), (Y, X), native=native)
    assert step.recordings == 1


def test_results_are_memory_of_their_own() -> None:
    step = ur.compile(lambda x: (x, x.T, x * 2, x.reshape(-1), (x + 1).T))
    x = ur.ones(2, 2)
    for _ in range(3):
        before = [y.array.copy() for y in step(x)]
        first = step(x)
        second = step(x * 5)
        for y, was in zip(first[1:], before[1:], strict=True):
            np.testing.assert_array_equal(y.array, was)
        for i, y in enumerate(second[1:]):
            assert not any(np.shares_memory(y.array, z.array) for j, z in enumerate(second[1:]) if j != i)


ARGUMENTS: dict[str, tuple[Callable[..., Any], list[tuple[Any, ...]]]] = {
    "an integer": (lambda x, n: x * n, [(X, 2), (X, 3), (X, 2.0), (X, True)]),
    "a string": (lambda x, how: getattr(x, how)(), [(X, "exp"), (X, "sum"), (X, "argmax")]),
    "none": (lambda x, y: x if y is None else x + y, [(X, None), (X, Y)]),
    "a list": (lambda xs: sum(xs[1:], xs[0]), [([X, Y],), ([X, Y, X],), ((X, Y),)]),
    "a dictionary": (lambda d: d["a"] - d["b"], [({"a": X, "b": Y},), ({"b": Y, "a": X},)]),
    "a named tuple": (lambda p: p.first * p.second, [(Pair(X, Y),), (Pair(Y, X),), (Pair(X, 3),)]),
    "an array": (lambda x: ur.as_tensor(x) * 2, [(np.ones((2, 3), np.float32),), (np.ones((2, 3)),), (np.arange(3),)]),
    "nothing": (lambda: ur.ones(2) + W.sum(), [()]),
    "a dtype": (lambda x, t: x.to(t), [(X, ur.float64), (X, ur.int64)]),
    "a shape": (lambda x, s: x.reshape(s), [(X, (4, 3)), (X, (2, 6)), (X, [12])]),
    "a slice": (lambda x, s: x[s], [(X, slice(1, None)), (X, slice(0, 1))]),
    "minus nought": (lambda x, s: x.sum() / s, [(X, 0.0), (X, -0.0), (X, 0)]),
    "nan": (lambda x, s: x * 0 + s if s == 1 else x, [(X, float("nan"))]),
    "other shapes": (lambda x: x.sum(0), [(X,), (X[:2],), (X[:, :1],), (X[0],), (X[:0],)]),
    "other dtypes": (lambda x: x + 1, [(X,), (X.double(),), (X.long(),), (X > 0,), (X.half(),)]),
}


@BOTH
@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name: str, native: bool) -> None:
    function, calls = ARGUMENTS[name]
    thrice(function, *calls, native=native)


def test_keywords_and_defaults() -> None:
    def function(x: Tensor, *more: Tensor, scale: float = 2.0, **rest: Any) -> Tensor:
        return sum(more, x * scale) + sum(rest.values())

    step = ur.compile(function)
    for _ in range(2):
        equal(step(X), function(X))
        equal(step(X, Y, scale=3.0), function(X, Y, scale=3.0))
        equal(step(x=X, b=Y), function(x=X, b=Y))


# Training steps of all kinds.


class Case:
    """A model with two optimisers, for steps of all kinds."""

    def __init__(self) -> None:
        ur.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 2))
        self.one = ur.optim.SGD(self.model[0].parameters(), lr=0.1, momentum=0.5)
        self.two = ur.optim.AdamW(self.model[3].parameters(), lr=0.01)
        self.steps = 0

    def loss(self, x: Tensor) -> Tensor:
        return self.model(x).square().mean()


def two_optimisers(c: Case, x: Tensor) -> Any:
    c.one.zero_grad()
    c.two.zero_grad()
    loss = c.loss(x)
    loss.backward()
    c.one.step()
    c.two.step()
    return loss


def one_after_the_other(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    c.loss(x).backward()
    c.one.step()
    c.model.zero_grad()
    loss = c.loss(x)
    loss.backward()
    c.two.step()
    return loss


def twice_the_same(c: Case, x: Tensor) -> Any:
    for _ in range(2):
        c.model.zero_grad()
        loss = c.loss(x)
        loss.backward()
        c.one.step()
        c.two.step()
    return loss


def accumulate(c: Case, x: Tensor) -> Any:
    loss = c.loss(x)
    loss.backward()
    return loss


def accumulate_twice(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    c.loss(x).backward()
    c.loss(x * 2).backward()
    c.one.step()
    return [p.grad for p in c.model.parameters()]


def step_without_zero(c: Case, x: Tensor) -> Any:
    loss = c.loss(x)
    loss.backward()
    c.one.step()
    return loss


def clip_norm(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    loss = c.loss(x)
    loss.backward()
    norm = clip_grad_norm_(c.model.parameters(), 0.1)
    c.one.step()
    return loss, norm


def clip_value(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    loss = c.loss(x)
    loss.backward()
    clip_grad_value_(c.model.parameters(), 0.01)
    c.one.step()
    return loss


def by_hand(c: Case, x: Tensor) -> Any:
    params = list(c.model.parameters())
    loss = c.loss(x)
    grads = ur.grad(loss, params)
    with ur.no_grad():
        for p, g in zip(params, grads, strict=True):
            p -= 0.1 * g
    return {"loss": loss, "norms": [g.square().sum() for g in grads]}


def exponential_average(c: Case, x: Tensor) -> Any:
    loss = two_optimisers(c, x)
    if not hasattr(c, "average"):
        raise AssertionError
    with ur.no_grad():
        for a, p in zip(c.average, c.model.parameters(), strict=True):
            a.mul_(0.9).add_(p, alpha=0.1)
    return loss


def second_order(c: Case, x: Tensor) -> Any:
    loss = c.loss(x)
    g = ur.grad(loss, list(c.model.parameters()), create_graph=True)
    c.model.zero_grad()
    (loss + sum([y.square().sum() for y in g])).backward()
    c.one.step()
    return loss


def penalty(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    x = x.detach().requires_grad_()
    y = c.model(x).sum()
    (slope,) = ur.grad(y, x, create_graph=True)
    loss = (slope.square().sum(1).sqrt() - 1).square().mean() + y
    loss.backward()
    c.two.step()
    return loss, slope


def evaluate(c: Case, x: Tensor) -> Any:
    with ur.no_grad():
        return c.model(x).argmax(1), c.loss(x)


def gradients_returned(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    c.loss(x).backward()
    c.one.step()
    return {name: p.grad for name, p in c.model.named_parameters()}


def scaled_gradients(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    (c.loss(x) * 1024).backward()
    for p in c.model.parameters():
        p.grad = p.grad / 1024
    c.one.step()
    return c.loss(x)


def gradients_in_place(c: Case, x: Tensor) -> Any:
    c.model.zero_grad()
    c.loss(x).backward()
    with ur.no_grad():
        for p in c.model.parameters():
            p.grad.mul_(0.5)
    c.one.step()
    return c.loss(x)


def weights_clamped(c: Case, x: Tensor) -> Any:
    loss = two_optimisers(c, x)
    with ur.no_grad():
        for p in c.model.parameters():
            p.clamp_(-0.2, 0.2)
    return loss


STEPS = [
    two_optimisers, one_after_the_other, twice_the_same, accumulate, accumulate_twice, step_without_zero, clip_norm,
    clip_value, by_hand, exponential_average, second_order, penalty, evaluate, gradients_returned, scaled_gradients,
    gradients_in_place, weights_clamped,
]  # fmt: skip


@BOTH
@pytest.mark.parametrize("function", STEPS, ids=lambda f: f.__name__)
def test_step(function: Callable[..., Any], native: bool) -> None:
    cases = Case(), Case()
    for c in cases:
        c.average = [p.detach().clone() for p in c.model.parameters()]
    mine, twin = cases
    compiled = ur.compile(lambda x: function(mine, x), native=native)
    batches = [random(i, (5, 4))[0] for i in range(3)]
    for i in range(12):
        ur.manual_seed(i)
        want = function(twin, batches[i % 3])
        after = ur.rand(1).item()
        ur.manual_seed(i)
        got = compiled(batches[i % 3])
        assert ur.rand(1).item() == after, f"step {i}: as many draws"
        equal(got, want)
        for p, q in zip(mine.model.parameters(), twin.model.parameters(), strict=True):
            same(p, q, f"step {i}")
            if function in (accumulate, step_without_zero):
                assert (p.grad is None) == (q.grad is None)
            if p.grad is not None and q.grad is not None:
                same(p.grad, q.grad, f"step {i}: gradient")
        for a, b in zip(mine.average, twin.average, strict=True):
            same(a, b)
    assert compiled.recordings <= 2


# Models.


def test_a_model_alone() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 2))
    fast = ur.compile(model)
    for train in (True, False, True, False):
        model.train(train)
        for _ in range(2):
            ur.manual_seed(3)
            state = {k: x.clone() for k, x in model.state_dict().items()}
            want = model(X)
            after = {k: x.array.copy() for k, x in model.state_dict().items()}
            model.load_state_dict(state)
            ur.manual_seed(3)
            same(fast(X), want)
            for k, x in model.state_dict().items():
                same(x, after[k], k)
    assert fast.recordings == 2
    with ur.no_grad():
        same(fast(X), model(X))
    fast.train()
    assert model.training


def test_the_model_may_go() -> None:
    model = nn.Linear(4, 2)
    step = ur.compile(lambda x, m=model: m(x).sum())
    want = model(X).sum()
    step(X)
    del model
    gc.collect()
    same(step(X), want)
    gone = ur.compile(nn.Linear(4, 2))
    gone(X)
    result = gone(X)
    del gone
    gc.collect()
    assert np.isfinite(result.array).all()


def test_compiled_inside_compiled() -> None:
    inner = ur.compile(lambda x: x * 2 + 1)
    outer = ur.compile(lambda x: inner(x).sum() + inner(x * 3).sum())
    for x in (X, Y, X):
        same(outer(x), (x * 2 + 1).sum() + (x * 6 + 1).sum())
        same(inner(x), x * 2 + 1)
    assert (outer.recordings, inner.recordings) == (1, 1)


def test_recursion() -> None:
    @ur.compile
    def power(x: Tensor, n: int) -> Tensor:
        return x if n == 0 else power(x * 2, n - 1)

    for _ in range(2):
        same(power(X, 3), X * 8)
        same(power(X, 1), X * 2)


# Errors.


@BOTH
def test_an_exception_inside_leaves_everything_usable(native: bool) -> None:
    c, twin = Case(), Case()
    fail = True

    def function(x: Tensor) -> Tensor:
        loss = two_optimisers(c, x)
        if fail:
            raise KeyError("mine")
        return loss

    step = ur.compile(function, native=native)
    for _ in range(2):
        with pytest.raises(KeyError):
            ur.manual_seed(0)
            step(X)
        ur.manual_seed(0)
        two_optimisers(twin, X)
    assert ur.is_grad_enabled()
    fail = False
    for i in range(3):
        ur.manual_seed(i)
        want = two_optimisers(twin, X)
        ur.manual_seed(i)
        same(step(X), want)
    same(c.model[0].weight, twin.model[0].weight)


@BOTH
def test_labels_out_of_range_later(native: bool) -> None:
    models = []
    for _ in range(2):
        ur.manual_seed(0)
        models.append(Twin(nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.1)), lambda m, x, t: F.cross_entropy(m(x), t),
                           lambda p: ur.optim.Adam(p, lr=0.01)))  # fmt: skip
    mine, twin = models
    step = ur.compile(mine.step, native=native)
    good, bad = ur.tensor([0, 1, 2]), ur.tensor([0, 3, 1])
    for labels in (good, good, bad, good, bad, good):
        ur.manual_seed(1)
        if labels is bad:
            with pytest.raises(IndexError) as eager:
                twin.step(X, bad)
            left = ur.rand(1).item()
            ur.manual_seed(1)
            with pytest.raises(IndexError) as later:
                step(X, bad)
            assert later.value.message == eager.value.message
            assert ur.rand(1).item() == left
        else:
            want = twin.step(X, labels)
            ur.manual_seed(1)
            same(step(X, labels), want)
        for key, x in twin.state().items():
            same(mine.state()[key], x, key)
    assert step.recordings == 1


def test_a_program_that_cannot_be_is_an_error_each_time_and_harms_nothing() -> None:
    w = nn.Parameter(ur.ones(2))

    @ur.compile
    def step(x: Tensor) -> Any:
        y = (x * w).sum()
        return y if y.item() > 0 else -y

    for _ in range(2):
        with pytest.raises(CompileError):
            step(ur.ones(2))
    assert ur.is_grad_enabled()
    assert (ur.ones(2) * w).sum().item() == 2


# Modes.


def test_under_no_grad_it_is_another_program() -> None:
    layer = nn.Linear(4, 2)
    step = ur.compile(lambda x: layer(x).sum())
    for _ in range(2):
        same(step(X), layer(X).sum())
        with ur.no_grad():
            same(step(X), layer(X).sum())
    assert step.recordings == 2


def test_arguments_that_need_a_gradient() -> None:
    def function(x: Tensor) -> Tensor:
        loss = (x * W).square().sum()
        loss.backward()
        return loss

    W.grad = None
    step = ur.compile(function)
    results = []
    for _ in range(3):
        x = X.detach().clone().requires_grad_()
        W.grad = None
        same(step(x), (X * W).square().sum())
        results.append(None if x.grad is None else x.grad.array.copy())
    for got in results:
        same(got, (2 * X * W * W).detach())
    W.grad = None


def test_each_argument_gets_its_own_gradient() -> None:
    step = ur.compile(lambda x: (x * W).square().sum().backward())
    first, second = (X.detach().clone().requires_grad_() for _ in range(2))
    step(first)
    W.grad = first.grad = None
    step(second)
    assert first.grad is None
    same(second.grad, (2 * X * W * W).detach())
    step(second)
    same(second.grad, (4 * X * W * W).detach())
    W.grad = None


def test_an_argument_that_the_function_holds_too() -> None:
    step = ur.compile(lambda x: (x - X).square().sum() + (x is X))
    assert step(X).item() == 0
    same(step(Y), (Y - X).square().sum())


GRADIENTS: dict[str, Callable[[Any, Tensor], Any]] = {
    "no zero_grad": lambda c, x: (c.loss(x).backward(), c.one.step()),
    "zero_grad after": lambda c, x: (c.loss(x).backward(), c.one.step(), c.one.zero_grad()),
    "again after the step": lambda c, x: (
        c.loss(x).backward(), c.one.step(), c.one.zero_grad(), c.loss(x).backward()
    ),
    "zero_grad alone": lambda c, x: c.one.zero_grad(),
    "zeros": lambda c, x: (c.one.zero_grad(set_to_none=False), c.loss(x).backward(), c.one.step()),
    "none by hand": lambda c, x: (
        [setattr(p, "grad", None) for p in c.model.parameters()], c.loss(x).backward(), c.one.step()
    ),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_from_before(name: str, native: bool) -> None:
    """Whatever is left in ``.grad`` before a call counts as much as in eager."""
    pair = Case(), Case()
    mine, twin = pair
    step = ur.compile(lambda x: GRADIENTS[name](mine, x), native=native)
    for i in range(9):
        for c in pair:
            if i in (3, 6):
                for p in c.model.parameters():
                    p.grad = ur.ones(p.shape) * 0.1
            if i == 5:
                c.model.zero_grad()
        ur.manual_seed(i)
        GRADIENTS[name](twin, X)
        ur.manual_seed(i)
        step(X)
        for p, q in zip(mine.model.parameters(), twin.model.parameters(), strict=True):
            same(p, q, f"{name}: step {i}")
            if name not in ("none by hand",):
                assert (p.grad is None) == (q.grad is None), f"{name}: step {i}"
                if p.grad is not None:
                    same(p.grad, q.grad, f"{name}: step {i}")
    assert step.recordings <= 3


def test_gradients_in_another_order_of_memory() -> None:
    mine, twin = Case(), Case()
    step = ur.compile(lambda x: accumulate(mine, x))
    for i in range(8):
        for c in (mine, twin):
            if i % 3 == 2:
                for p in c.model.parameters():
                    p.grad = ur.ones(*p.shape[::-1]).permute(*range(p.ndim)[::-1]) * 0.5
            ur.manual_seed(i)
            (step if c is mine else (lambda x: accumulate(twin, x)))(X)
        for p, q in zip(mine.model.parameters(), twin.model.parameters(), strict=True):
            same(p.grad, q.grad, f"step {i}")


def test_requires_grad_switched_inside() -> None:
    def function(c: Case, x: Tensor) -> Any:
        c.model[0].requires_grad_(False)
        c.model.zero_grad()
        c.loss(x).backward()
        c.two.step()
        c.model[0].requires_grad_(True)
        c.model.zero_grad()
        loss = c.loss(x)
        loss.backward()
        c.one.step()
        return loss

    mine, twin = Case(), Case()
    step = ur.compile(lambda x: function(mine, x))
    for i in range(5):
        ur.manual_seed(i)
        want = function(twin, X)
        ur.manual_seed(i)
        same(step(X), want)
    assert step.recordings == 1


def test_two_threads() -> None:
    step = ur.compile(lambda x: (x @ x.T).tanh().sum())
    other = ur.compile(lambda x: (x * 2).exp().mean(0))
    xs = [random(i, (33, 17))[0] for i in range(8)]
    want = [((x @ x.T).tanh().sum(), (x * 2).exp().mean(0)) for x in xs]
    failed: list[BaseException] = []

    def work(mine: list[int]) -> None:
        try:
            for _ in range(40):
                for i in mine:
                    same(step(xs[i]), want[i][0])
                    same(other(xs[i]), want[i][1])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=([i, i + 4],)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed[0]


@BOTH
def test_training_from_two_threads_loses_no_step(native: bool) -> None:
    w = nn.Parameter(ur.zeros(1000))
    sgd = ur.optim.SGD([w], lr=1.0)

    @ur.compile(native=native)
    def step(x: Tensor) -> Tensor:
        sgd.zero_grad()
        loss = (w * x).sum()
        loss.backward()
        sgd.step()
        return loss

    x = -ur.ones(1000)
    step(x)
    threads = [threading.Thread(target=lambda: [step(x) for _ in range(100)]) for _ in range(3)]
    if native:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        same(w, ur.full((1000,), 301.0))


# Parameters in memory of all kinds.


def _fortran() -> Any:
    layer = nn.Linear(6, 4)
    layer.weight.data = Tensor(np.asfortranarray(layer.weight.array))
    return layer


def _view() -> Any:
    layer = nn.Linear(6, 4)
    whole = random(5, (8, 12))[0]
    layer.weight = nn.Parameter(whole[::2, ::-2])
    return layer


def _tied() -> Any:
    layer = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    layer[1].weight = layer[0].weight
    return layer


def _halves() -> Any:
    """Two parameters that are parts of one memory, beside a third that overlaps both."""
    layer = nn.Sequential(nn.Linear(6, 4, bias=False), nn.Linear(4, 6, bias=False))
    whole = random(6, (48,))[0]
    layer[0].weight = nn.Parameter(whole[:24].reshape(4, 6))
    layer[1].weight = nn.Parameter(whole[24:].reshape(6, 4))
    return layer


def _overlapping() -> Any:
    layer = nn.Sequential(nn.Linear(6, 4, bias=False), nn.Linear(4, 6, bias=False))
    whole = random(6, (36,))[0] * 0.3
    layer[0].weight = nn.Parameter(whole[:24].reshape(4, 6))
    layer[1].weight = nn.Parameter(whole[12:].reshape(6, 4))
    return layer


def _frozen() -> Any:
    layer = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 6))
    layer[0].requires_grad_(False)
    return layer


def _integers() -> Any:
    layer = nn.Linear(6, 4)
    layer.count = nn.Parameter(ur.arange(4), requires_grad=False)
    return layer


MODELS = [_fortran, _view, _tied, _halves, _frozen, _integers]


@BOTH
@pytest.mark.parametrize("make", MODELS, ids=lambda f: f.__name__)
def test_memory_of_parameters(make: Callable[[], Any], native: bool) -> None:
    def loss(model: Any, x: Tensor) -> Tensor:
        y = model(x)
        return (y * getattr(model, "count", 1.0) - 1).square().mean()

    pair = []
    for _ in range(2):
        ur.manual_seed(0)
        pair.append(Twin(make(), loss, lambda p: ur.optim.SGD(p, lr=0.01, momentum=0.5)))
    mine, twin = pair
    step = ur.compile(mine.step, native=native)
    (x,) = random(1, (5, 6))
    for i in range(8):
        same(step(x), twin.step(x), f"step {i}", exact=not native)
    for key, y in twin.state().items():
        same(mine.state()[key], y, key, exact=not native)
    assert step.recordings == 1


def test_parameters_that_overlap_are_refused() -> None:
    twin = Twin(_overlapping(), lambda m, x: m(x).square().mean(), lambda p: ur.optim.SGD(p, lr=0.01))
    with pytest.raises(CompileError, match="shares memory"):
        ur.compile(twin.step)(random(1, (5, 6))[0])


@BOTH
def test_float16_parameters(native: bool) -> None:
    pair = []
    for _ in range(2):
        ur.manual_seed(0)
        pair.append(Twin(nn.Linear(4, 2).half(), lambda m, x: m(x).square().mean(), lambda p: ur.optim.SGD(p, lr=0.1)))
    mine, twin = pair
    step = ur.compile(mine.step, native=native)
    for _ in range(4):
        same(step(X.half()), twin.step(X.half()))


def test_buffers_that_the_function_changes() -> None:
    count, last = ur.zeros(()), ur.zeros(3, 4)

    def function(x: Tensor) -> Tensor:
        with ur.no_grad():
            count.add_(1.0)
            last[...] = x * count
        return last.sum() + count

    step = ur.compile(function)
    for i in range(1, 5):
        same(step(X), (X * i).sum() + i)
        assert count.item() == i
        same(last, X * i)
