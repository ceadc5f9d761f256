import numpy as np
import pytest

from upriver.data.stream import Stream, child_seed, draw_seed
from upriver.errors import ArgumentError
from upriver.ops.random import Generator


def test_values_are_fixed_for_ever():
    # The published test vector of philox4x64-10 for key 0, counter 0; a stream begins at counter 1.
    bits = np.random.Philox(key=0, counter=2**256 - 1).random_raw(7).tolist()
    assert bits[:4] == [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert bits[4:] == Stream(0).raw(3).tolist()
    assert Stream(7).permutation(8).tolist() == sorted(range(8), key=Stream(7).raw(8).tolist().__getitem__)


def test_uniform_and_normal_have_their_moments():
    u, z = Stream(1).uniform(50_000), Stream(2).normal(50_000)
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert u.mean() == pytest.approx(0.5, abs=0.01)
    assert u.var() == pytest.approx(1 / 12, abs=0.005)
    assert z.mean() == pytest.approx(0.0, abs=0.02)
    assert z.std() == pytest.approx(1.0, abs=0.02)
    assert (z**4).mean() == pytest.approx(3.0, abs=0.15)


def test_integers_are_even():
    counts = np.bincount(Stream(3).integers(7, 70_000))
    assert len(counts) == 7
    assert counts.min() > 9_500


def test_seeds_of_parts_differ():
    seeds = {child_seed(s, k) for s in (0, 1, -1, 2**62) for k in range(5)}
    assert len(seeds) == 20
    assert Stream(-1).raw(1).tolist() == Stream(-1 % 2**128).raw(1).tolist()


def test_seeds_are_drawn_from_generators():
    g = Generator().manual_seed(1)
    drawn = [draw_seed(g) for _ in range(3)]
    assert len(set(drawn)) == 3
    assert all(0 <= seed < 2**62 for seed in drawn)
    assert draw_seed(Generator().manual_seed(1)) == drawn[0]
    with pytest.raises(ArgumentError, match=r"no upriver\.Generator"):
        draw_seed(np.random.default_rng(0))


def test_nothing_of_nothing():
    assert Stream(0).permutation(0).shape == (0,)
    assert Stream(0).normal(0, 3).shape == (0, 3)
