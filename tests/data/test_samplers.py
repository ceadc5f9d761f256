import numpy as np
import pytest
from hypothesis import given, strategies as st

import upriver as ur
from upriver.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from upriver.data.samplers import Blocks, entries
from upriver.errors import ArgumentError, DataError


def seeded(n):
    return ur.Generator().manual_seed(n)


def test_sequential():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert len(SequentialSampler("abc")) == 3


def test_random_is_a_permutation_from_its_generator():
    a, b = RandomSampler(range(20), generator=seeded(1)), RandomSampler(range(20), generator=seeded(1))
    first = list(a)
    assert sorted(first) == list(range(20))
    assert first == list(b)
    assert first != list(a)


def test_random_of_another_length():
    assert len(list(RandomSampler(range(3), num_samples=8))) == 8
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=300, generator=seeded(0)))
    assert set(drawn) == {0, 1, 2}
    twice = list(RandomSampler(range(3), num_samples=6))
    assert sorted(twice[:3]) == sorted(twice[3:]) == [0, 1, 2]


def test_a_pass_may_be_endless():
    """Ten thousand million samples, drawn with replacement: how some programs spell "go on for ever"."""
    forever = RandomSampler(range(100), replacement=True, num_samples=int(1e10))
    assert len(forever) == 10**10
    it = iter(forever)
    assert all(0 <= next(it) < 100 for _ in range(1000))
    assert next(iter(WeightedRandomSampler([0.0, 1.0], 10**10))) == 1
    assert next(iter(RandomSampler(range(3), num_samples=10**10))) in (0, 1, 2)


@given(st.integers(1, 9), st.integers(0, 30), st.integers(0, 35), st.integers(0, 35))
def test_slices_of_blocks_are_slices_of_the_whole(size, total, start, stop):
    blocks = Blocks(lambda k: np.arange(k * size, (k + 1) * size), size, total)
    assert len(blocks) == total
    assert blocks[start:stop].tolist() == list(range(total))[start:stop]
    assert list(entries(blocks, start)) == list(range(total))[start:]


def test_random_of_nothing():
    with pytest.raises(DataError, match="empty"):
        RandomSampler([])
    with pytest.raises(ArgumentError, match="num_samples"):
        RandomSampler([1], num_samples=0)


def test_subset():
    assert sorted(SubsetRandomSampler([5, 7, 7])) == [5, 7, 7]
    assert len(SubsetRandomSampler([5, 7, 7])) == 3


def test_weighted_draws_in_proportion():
    counts = np.bincount(list(WeightedRandomSampler([1.0, 0.0, 3.0], 8000, generator=seeded(0))), minlength=3)
    assert counts[1] == 0
    assert counts[2] / counts[0] == pytest.approx(3.0, rel=0.1)
    without = list(WeightedRandomSampler([1.0, 0.0, 3.0], 2, replacement=False))
    assert sorted(without) == [0, 2]


def test_weighted_without_replacement_prefers_the_heavy():
    first = [next(iter(WeightedRandomSampler([1.0, 4.0], 2, False, seeded(s)))) for s in range(400)]
    assert np.mean(first) == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("weights", [[], [-1.0, 2.0], [0.0, 0.0], [np.nan], [[1.0]]])
def test_what_is_no_weight(weights):
    with pytest.raises(ArgumentError, match="weights"):
        WeightedRandomSampler(weights, 1)


def test_too_many_without_replacement():
    with pytest.raises(ArgumentError, match="2 have a weight above 0"):
        WeightedRandomSampler([1.0, 0.0, 1.0], 3, replacement=False)
    with pytest.raises(ArgumentError, match="at least 1"):
        WeightedRandomSampler([1.0], 0)


def test_batches():
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert len(BatchSampler(range(5), 2, True)) == 2
    assert len(BatchSampler(range(5), 2, False)) == 3
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ArgumentError, match="batch_size"):
            BatchSampler(range(5), wrong, False)


def test_a_sampler_must_say_its_order():
    with pytest.raises(NotImplementedError, match="must define __iter__, or order"):
        list(Sampler())
    with pytest.raises(NotImplementedError, match="__len__"):
        len(Sampler())
