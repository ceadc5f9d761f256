"""Random numbers: repeatable, independent, of the right distribution; dropout and its mask."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.graph import Graph
from upriver.errors import ArgumentError, DTypeError, GradError, ShapeError

DRAWS: dict[str, Any] = {
    "rand": lambda g: ur.rand(5, generator=g),
    "rand64": lambda g: ur.rand(5, generator=g, dtype=ur.float64),
    "randn": lambda g: ur.randn((5,), generator=g),
    "randint": lambda g: ur.randint(0, 1000, (5,), generator=g),
    "randperm": lambda g: ur.randperm(50, generator=g),
    "normal": lambda g: ur.normal(1.0, 2.0, (5,), generator=g),
    "bernoulli": lambda g: ur.bernoulli(ur.full((64,), 0.5), generator=g),
    "multinomial": lambda g: ur.multinomial(ur.ones(50), 5, generator=g),
    "multinomial with replacement": lambda g: ur.multinomial(ur.ones(50), 5, True, generator=g),
    "dropout": lambda g: ur.dropout(ur.ones(64), generator=g),
    "normal_": lambda g: ur.zeros(5).normal_(generator=g),
    "uniform_": lambda g: ur.zeros(5).uniform_(-1, 1, generator=g),
    "random_": lambda g: ur.zeros(5).random_(0, 1000, generator=g),
    "bernoulli_": lambda g: ur.zeros(64).bernoulli_(0.5, generator=g),
    "exponential_": lambda g: ur.zeros(5).exponential_(2.0, generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_decides_the_numbers(name: str) -> None:
    draw = DRAWS[name]
    g = ur.Generator()
    assert g.manual_seed(42) is g
    first, second = draw(g).tolist(), draw(g).tolist()
    assert first != second
    again = ur.Generator().manual_seed(42)
    assert [draw(again).tolist(), draw(again).tolist()] == [first, second]
    assert draw(ur.Generator().manual_seed(43)).tolist() != first
    ur.manual_seed(42)
    assert draw(None).tolist() == first


@pytest.mark.parametrize("name", DRAWS)
def test_a_state_goes_on_bit_for_bit(name: str) -> None:
    draw = DRAWS[name]
    g = ur.Generator().manual_seed(-1)
    draw(g)
    state = g.get_state()
    assert state.dtype == ur.uint8
    copies = [copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    following = draw(g).tolist()
    for other in (*copies, ur.Generator().set_state(state), ur.Generator().set_state(state.numpy().tobytes())):
        assert draw(other).tolist() == following
    ur.manual_seed(3)
    kept = ur.get_rng_state()
    expected = draw(None).tolist()
    ur.set_rng_state(kept)
    assert draw(None).tolist() == expected


def test_generators_do_not_disturb_each_other() -> None:
    a, b = ur.Generator().manual_seed(1), ur.Generator().manual_seed(2)
    alone = [ur.rand(3, generator=a).tolist() for _ in range(3)]
    a.manual_seed(1)
    mixed = []
    for _ in range(3):
        ur.randn(7, generator=b)
        mixed.append(ur.rand(3, generator=a).tolist())
        ur.rand(1)
    assert mixed == alone


def test_threads_share_the_default_generator_without_repeating_a_draw() -> None:
    ur.manual_seed(0)
    found: list[Any] = []

    def work() -> None:
        for _ in range(50):
            found.append(tuple(ur.rand(2).tolist()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    ur.manual_seed(0)
    assert set(found) == {tuple(ur.rand(2).tolist()) for _ in range(200)}
    assert len(set(found)) == 200


def test_seeds() -> None:
    g = ur.Generator()
    assert g.seed() != g.seed()
    assert g.initial_seed() == int.from_bytes(g.get_state().numpy()[:8].tobytes(), "little")
    assert ur.manual_seed(5).initial_seed() == ur.initial_seed() == 5
    assert "seed 5" in repr(ur.manual_seed(5))
    assert g.device == "cpu"


def test_fresh_processes_differ() -> None:
    before = ur.get_rng_state()
    assert ur.seed() == ur.initial_seed()
    ur.set_rng_state(before)


N = 20_000


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_distributions(dtype: Any) -> None:
    g = ur.Generator().manual_seed(0)
    u = ur.rand(N, generator=g, dtype=dtype).numpy().astype(np.float64)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.01
    assert abs(u.var() - 1 / 12) < 0.005
    z = ur.randn(N, generator=g, dtype=dtype).numpy().astype(np.float64)
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.02
    assert abs((z**4).mean() - 3) < 0.3
    e = ur.zeros(N, dtype=dtype).exponential_(2.0, generator=g).numpy().astype(np.float64)
    assert e.min() >= 0
    assert abs(e.mean() - 0.5) < 0.02
    assert ur.rand(2, dtype=dtype).dtype == dtype


def test_integers() -> None:
    g = ur.Generator().manual_seed(0)
    counts = np.bincount(ur.randint(-2, 3, (N,), generator=g).numpy() + 2)
    assert len(counts) == 5
    assert abs(counts / N - 0.2).max() < 0.02
    assert ur.randint(3, (2, 2)).dtype == ur.int64
    assert ur.randint(low=0, high=2, size=(3,)).shape == (3,)
    assert ur.randint(0, 5, (2,), dtype=ur.float32).dtype == ur.float32
    assert sorted(ur.randperm(100, generator=g).tolist()) == list(range(100))
    assert ur.randperm(0).shape == (0,)
    assert ur.zeros(100, dtype=ur.uint8).random_(generator=g).numpy().max() > 200
    assert ur.zeros(100).random_(3, generator=g).numpy().max() == 2


def test_normal() -> None:
    mean, std = ur.tensor([0.0, 10.0], requires_grad=True), ur.tensor([[1.0], [0.0]])
    z = ur.normal(mean, std)
    assert z.shape == (2, 2)
    assert not z.requires_grad
    assert z[1].tolist() == [0.0, 10.0]
    assert ur.normal(5.0, 0.0, (2,)).tolist() == [5.0, 5.0]
    x = ur.zeros(N).normal_(3.0, 0.5, generator=ur.Generator().manual_seed(0))
    assert abs(x.mean().item() - 3) < 0.02
    assert ur.rand_like(x.double()).dtype == ur.randn_like(x, dtype=ur.float64).dtype == ur.float64


def test_multinomial() -> None:
    g = ur.Generator().manual_seed(0)
    p = ur.tensor([0.0, 3.0, 1.0, 0.0])
    counts = np.bincount(ur.multinomial(p, N, replacement=True, generator=g).numpy(), minlength=4) / N
    assert counts[0] == counts[3] == 0
    assert abs(counts[1] - 0.75) < 0.01
    pairs = [ur.multinomial(p, 2, generator=g).tolist() for _ in range(400)]
    assert all(sorted(pair) == [1, 2] for pair in pairs)
    assert abs(np.mean([pair[0] == 1 for pair in pairs]) - 0.75) < 0.07
    rows = ur.multinomial(ur.tensor([[1.0, 0.0], [0.0, 1.0]]), 3, replacement=True, generator=g)
    assert rows.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert rows.dtype == ur.int64
    assert p.multinomial(num_samples=1, replacement=True, generator=g).shape == (1,)


def test_bernoulli() -> None:
    assert ur.bernoulli(ur.tensor([0.0, 1.0])).tolist() == [0.0, 1.0]
    x = ur.bernoulli(ur.zeros(N), 0.3, generator=ur.Generator().manual_seed(0))
    assert abs(x.mean().item() - 0.3) < 0.015


def test_dropout_keeps_the_expected_value() -> None:
    x = ur.ones(N, requires_grad=True)
    y = ur.dropout(x, 0.25, generator=ur.Generator().manual_seed(0))
    assert set(y.tolist()) == {0.0, float(np.float32(1 / 0.75))}
    assert abs(y.mean().item() - 1) < 0.02
    y.backward(ur.full((N,), 3.0))
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy() * 3)


def test_dropout_at_its_ends() -> None:
    x = ur.ones(4, requires_grad=True)
    assert ur.dropout(x, 0.0) is x
    assert ur.dropout(x, 0.9, training=False) is x
    gone = ur.dropout(x, 1.0)
    assert gone.tolist() == [0.0] * 4
    gone.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0] * 4
    assert ur.dropout(ur.ones(())).shape == ()
    assert ur.dropout(ur.ones(0, 3)).shape == (0, 3)


def test_dropout_of_channels() -> None:
    g = ur.Generator().manual_seed(0)
    y = ur.nn.functional.dropout2d(ur.ones(4, 50, 2, 3), 0.5, generator=g).numpy()
    assert set(np.unique(y.sum((2, 3)))) == {0.0, 12.0}
    y = ur.nn.functional.dropout1d(ur.ones(4, 50, 3), 0.5, generator=g).numpy()
    assert set(np.unique(y.sum(2))) == {0.0, 6.0}


def test_dropout_differentiates_twice_and_replays() -> None:
    x = ur.tensor(np.random.default_rng(0).standard_normal((3, 4)), requires_grad=True)
    f = lambda x: ur.dropout(x, 0.4, generator=ur.Generator().manual_seed(3)) ** 3
    ur.gradcheck(f, x, order=2)
    y = f(x)
    np.testing.assert_array_equal(Graph.of(y).values()[-1], y.detach().numpy())


def test_a_draw_is_a_function_of_its_attributes() -> None:
    from upriver.core.registry import ops

    record = ops.record("random_mask")
    attrs = {"shape": (50,), "dtype": np.dtype(bool), "p": 0.5, "seed": 9, "counter": 4}
    first = record.forward(**attrs)
    record.forward(**{**attrs, "counter": 5})
    np.testing.assert_array_equal(record.forward(**attrs), first)
    assert (record.forward(**{**attrs, "counter": 5}) != first).any()


def test_leaves() -> None:
    assert ur.randn(2, requires_grad=True).requires_grad
    w = ur.zeros(3, requires_grad=True)
    with pytest.raises(GradError, match="normal_"):
        w.normal_()
    with ur.no_grad():
        w.normal_()
    assert w.requires_grad


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: ur.rand(2, dtype=ur.int64), DTypeError, "randint"),
    (lambda: ur.rand(-1), ShapeError, "negative"),
    (lambda: ur.rand(2, device="cuda"), DTypeError, "cuda"),
    (lambda: ur.randint(5, 5, (2,)), ArgumentError, "no integer from 5"),
    (lambda: ur.randint(0, 5), ShapeError, "tuple"),
    (lambda: ur.normal(0.0, -1.0, (2,)), ArgumentError, "negative"),
    (lambda: ur.bernoulli(ur.tensor([1.5])), ArgumentError, "between 0 and 1"),
    (lambda: ur.bernoulli(ur.tensor([float("nan")])), ArgumentError, "between 0 and 1"),
    (lambda: ur.multinomial(ur.tensor([-1.0, 2.0]), 1), ArgumentError, "negative"),
    (lambda: ur.multinomial(ur.tensor([float("nan"), 2.0]), 1), ArgumentError, "NaN"),
    (lambda: ur.multinomial(ur.tensor([0.0, 0.0]), 1), ArgumentError, "add up to 0"),
    (lambda: ur.multinomial(ur.tensor([1.0, 0.0]), 2), ArgumentError, "replacement=True"),
    (lambda: ur.multinomial(ur.ones(2), 0), ArgumentError, "0 samples"),
    (lambda: ur.multinomial(ur.ones(2, 2, 2), 1), ShapeError, r"\(rows, n\)"),
    (lambda: ur.dropout(ur.ones(2), 1.5), ArgumentError, "probability"),
    (lambda: ur.nn.functional.dropout2d(ur.ones(2, 3)), ShapeError, "channels"),
    (lambda: ur.Generator().set_state(ur.zeros(3)), ArgumentError, "16 bytes"),
    (lambda: ur.zeros(2).uniform_(1, 0), ArgumentError, "interval"),
    (lambda: ur.zeros(2).exponential_(0.0), ArgumentError, "rate"),
]


@pytest.mark.parametrize(("f", "kind", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_errors_say_what_is_wrong(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        f()
    assert "test_random.py" in str(caught.value)
