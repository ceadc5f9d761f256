import numpy as np
import pytest

from upriver.data import toys
from upriver.errors import ArgumentError

CLASSIFIED = [toys.xor, toys.moons, toys.circles, toys.spiral, toys.blobs]


@pytest.mark.parametrize("make", CLASSIFIED)
def test_shapes_and_seeds(make):
    x, y = make(90, seed=3)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((90, 2), np.float32, (90,), np.int64)
    assert np.isfinite(x).all()
    again, labels = make(90, seed=3)
    assert np.array_equal(x, again)
    assert np.array_equal(y, labels)
    assert not np.array_equal(x, make(90, seed=4)[0])
    assert len(np.unique(y)) >= 2
    assert len(np.unique(y[:20])) >= 2  # in random order


@pytest.mark.parametrize("make", [*CLASSIFIED, toys.sine, toys.plane, toys.hills])
def test_arguments(make):
    assert len(make(1)[0]) == 1
    with pytest.raises(ArgumentError, match="n must be"):
        make(0)
    for noise in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match="noise"):
            make(10, noise=noise)


def test_xor_is_the_truth_table():
    x, y = toys.xor(4)
    assert {(*map(int, p), int(c)) for p, c in zip(x, y, strict=True)} == {
        (-1, -1, 0), (-1, 1, 1), (1, -1, 1), (1, 1, 0),
    }  # fmt: skip
    x, y = toys.xor(200)
    assert np.array_equal(y, (x[:, 0] * x[:, 1] < 0).astype(int))


def test_moons_lie_on_their_half_circles():
    x, y = toys.moons(201, noise=0.0)
    assert np.bincount(y).tolist() == [101, 100]
    upper, lower = x[y == 0], x[y == 1]
    assert np.allclose(np.hypot(*upper.T), 1.0, atol=1e-6)
    assert np.allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1.0, atol=1e-6)
    assert upper[:, 1].min() >= -1e-6
    assert lower[:, 1].max() <= 0.5 + 1e-6


def test_circles_have_their_radii():
    x, y = toys.circles(100, noise=0.0, factor=0.3)
    assert np.allclose(np.hypot(*x[y == 0].T), 1.0, atol=1e-6)
    assert np.allclose(np.hypot(*x[y == 1].T), 0.3, atol=1e-6)
    with pytest.raises(ArgumentError, match="factor"):
        toys.circles(10, factor=1.0)


def test_arms_and_clouds_are_even():
    for make in (toys.spiral, toys.blobs):
        _, y = make(100, classes=5)
        assert np.bincount(y).tolist() == [20] * 5
        with pytest.raises(ArgumentError, match="classes"):
            make(10, classes=1)


def test_a_spiral_keeps_its_arms_apart():
    x, y = toys.spiral(600, noise=0.0)
    gaps = np.hypot(*(x[:, None] - x[None]).T)
    far = np.hypot(*x.T) > 0.3
    between = gaps[np.ix_(far, far)][y[far][:, None] != y[far][None]]
    assert between.min() > 0.08


def test_noise_has_its_deviation():
    x, y = toys.sine(5000, noise=0.2)
    assert (x.shape, y.shape, y.dtype) == ((5000, 1), (5000, 1), np.float32)
    assert np.std(y - np.sin(np.pi * x)) == pytest.approx(0.2, rel=0.05)
    still, _ = toys.moons(2000, noise=0.0)
    noisy, _ = toys.moons(2000, noise=0.3)
    assert np.std(noisy - still) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("make", [toys.plane, toys.hills])
def test_surfaces(make):
    x, y = make(300, seed=2)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((300, 2), np.float32, (300, 1), np.float32)
    assert np.abs(x).max() <= 1.0
    assert np.abs(y).max() <= 1.0
    noisy = make(300, noise=0.5, seed=2)
    assert np.array_equal(x, noisy[0])
    assert 0.3 < float((noisy[1] - y).std()) < 0.7


def test_hills_stand_where_they_should():
    x, y = toys.hills(1000)
    top, hollow = x[y[:, 0] > 0.5], x[y[:, 0] < -0.5]
    assert np.hypot(*top.T).min() > 0.3
    assert np.linalg.norm(top[:, None] + hollow, axis=2).min() < 0.1  # a hollow opposite each hill
