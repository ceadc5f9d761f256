"""A gradient divided up: by uses in the engine's own order, with what is not listed as one number."""

from __future__ import annotations

import math

import numpy as np
import pytest

import upriver as ur
from upriver.explain.paths import paths


def used_many_times(seed: int, uses: int = 40) -> tuple[ur.Tensor, ur.Tensor]:
    """A loss in single precision to which one weight leads through many uses of very different sizes."""
    rng = np.random.default_rng(seed)
    w = ur.tensor(np.float32(0.7), requires_grad=True)
    loss = ur.tensor(np.float32(0.0))
    for scale in np.exp(rng.normal(0.0, 4.0, uses)) * rng.choice([-1.0, 1.0], uses):
        loss = loss + w * float(np.float32(scale))
    return loss, w


@pytest.mark.parametrize("seed", range(5))
def test_uses_add_up_bit_for_bit_in_the_engines_order_and_in_no_other(seed: int) -> None:
    loss, w = used_many_times(seed)
    uses = paths(loss, w).by("use")
    (gradient,) = ur.grad(loss, w)
    assert uses.total == uses.gradient == gradient.item()
    assert uses.difference == 0.0
    assert "bit for bit" in uses.text()
    last_use_first = [np.float32(x) for x in uses.values[::-1]]
    assert sum(last_use_first[1:], last_use_first[0]) == np.float32(uses.total)


def test_the_order_of_addition_matters_to_the_test_above() -> None:
    differ = 0
    for seed in range(5):
        loss, w = used_many_times(seed)
        uses = paths(loss, w).by("use")
        first_use_first = [np.float32(x) for x in uses.values]
        differ += sum(first_use_first[1:], first_use_first[0]) != np.float32(uses.total)
    assert differ


def test_what_is_not_listed_is_one_number() -> None:
    w = ur.tensor(2.0, dtype=ur.float64, requires_grad=True)
    x = ur.tensor([1.0, 3.0, -7.0, 10.0], dtype=ur.float64)
    by = paths(((w * x) ** 2).sum(), w).by("sample", at="mul", dim=0)
    assert list(by.values) == [4.0, 36.0, 196.0, 400.0]
    lines = by.text(2).splitlines()
    assert [line.split()[-1] for line in lines[1:4]] == ["400", "196", "40"]
    assert lines[3].split()[:2] == ["2", "others"]
    assert math.fsum(by.values) == by.gradient


def test_uses_that_look_alike_are_numbered_in_the_order_in_which_they_ran() -> None:
    w = ur.tensor(0.5, requires_grad=True)
    h = w
    for _ in range(3):
        h = h * w
    uses = paths(h, w).by("use")
    assert [label.rpartition(", ")[2] for label in uses.labels] == ["use 1", "use 2", "use 3", "use 4"]
    assert [label for label, _ in uses.largest(1)] == [uses.labels[0]]
    assert "use" not in paths(ur.tanh(w), w).by("use").labels[0]
