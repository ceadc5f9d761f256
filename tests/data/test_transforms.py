import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import upriver as ur
from upriver.data import OneHot, RandomShift, Standardize, flatten, pad_images, to_float
from upriver.errors import ArgumentError, DataError, ShapeError


def test_standardize_is_of_the_training_part_alone():
    rng = np.random.default_rng(0)
    train, test = rng.normal(5.0, 3.0, (500, 4)), rng.normal(0.0, 1.0, (50, 4))
    scale = Standardize().fit(train)
    z = scale(train)
    assert z.dtype == np.float32
    assert np.allclose(z.mean(0), 0.0, atol=1e-5)
    assert np.allclose(z.std(0), 1.0, atol=1e-5)
    assert np.allclose(scale(test), (test - train.mean(0)) / train.std(0), atol=1e-5)
    assert np.allclose(scale.inverse(scale(test)), test, atol=1e-5)


@given(hnp.arrays(np.float32, (6, 2), elements=st.floats(-1e6, 1e6, width=32)), st.floats(-1e6, 1e6, width=32))
@settings(deadline=None)
def test_constant_columns_are_safe(x, constant):
    x = np.concatenate([x, np.full((6, 1), np.float32(constant))], axis=1)
    z = Standardize().fit_transform(x)
    assert np.isfinite(z).all()
    assert np.abs(z[:, 2]).max() <= 1e-6 * max(1.0, abs(constant))


def test_standardize_of_tensors_images_and_through_json():
    x = ur.tensor([[1.0, 2.0], [3.0, 6.0]])
    scale = Standardize().fit(x)
    assert isinstance(scale(x), ur.Tensor)
    other = Standardize()
    other.load_state_dict(json.loads(json.dumps(scale.state_dict())))
    assert np.array_equal(other(x).array, scale(x).array)
    images = np.arange(8.0).reshape(2, 1, 2, 2)
    assert Standardize().fit_transform(images).shape == (2, 1, 2, 2)
    assert Standardize().fit(np.array([1.0, 3.0]))(np.array([5.0])).tolist() == [3.0]


def test_standardize_of_wrong_data():
    with pytest.raises(DataError, match="not been fitted"):
        Standardize()(np.ones((2, 2)))
    with pytest.raises(DataError, match="no rows"):
        Standardize().fit(np.zeros((0, 2)))
    with pytest.raises(DataError, match="NaN in row 1, column 0"):
        Standardize().fit(np.array([[1.0], [np.nan]]))
    with pytest.raises(ShapeError, match=r"rows of shape \[2\], called on \[1, 3\]"):
        Standardize().fit(np.ones((2, 2)))(np.ones((1, 3)))


def test_one_hot():
    encode = OneHot().fit(["b", "a", 3, "a"])
    assert encode.categories == ("3", "a", "b")
    assert encode(["a", 3]).tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    with pytest.raises(DataError, match="'c' in row 1 is none of the 3 categories"):
        encode(["a", "c"])
    assert OneHot("zero").fit(["a"])(["c"]).tolist() == [[0.0]]
    for wrong in (lambda: OneHot().fit([]), lambda: OneHot()(["a"])):
        with pytest.raises(DataError):
            wrong()
    with pytest.raises(ArgumentError):
        OneHot("ignore")


def test_images():
    x = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4)
    assert to_float(x).max() == pytest.approx(31 / 255)
    assert to_float(np.array([300.0])).tolist() == [300.0]
    assert isinstance(to_float(ur.tensor(x)), ur.Tensor)
    assert flatten(x).shape == (2, 16)
    padded = pad_images(x, 1, value=9)
    assert padded.shape == (2, 1, 6, 6)
    assert padded[0, 0, 0, 0] == 9
    assert np.array_equal(padded[:, :, 1:-1, 1:-1], x)
    with pytest.raises(ShapeError):
        pad_images(np.ones(3), 1)
    with pytest.raises(ShapeError):
        flatten(np.array(1.0))


@given(st.integers(0, 3), st.integers(0, 100), st.sampled_from([(5, 4, 3), (5, 1, 4, 3), (5, 2, 4, 3)]))
@settings(deadline=None, max_examples=40)
def test_every_shifted_image_is_one_of_the_possible(pixels, seed, shape):
    x = np.random.default_rng(seed).random(shape).astype(np.float32)
    out = RandomShift(pixels, value=-1.0)(x, ur.Generator().manual_seed(seed))
    assert out.shape == x.shape
    padded = pad_images(x, pixels, -1.0)
    h, w = shape[-2:]
    for image, around in zip(out, padded, strict=True):
        moves = [around[..., i : i + h, j : j + w] for i in range(2 * pixels + 1) for j in range(2 * pixels + 1)]
        assert any(np.array_equal(image, m) for m in moves)


def test_shifts_are_seeded_and_leave_labels():
    x = ur.tensor(np.random.default_rng(0).random((6, 1, 5, 5)).astype(np.float32))
    shift = RandomShift(2)
    a = shift((x, [1, 2]), ur.Generator().manual_seed(1))
    b = shift((x, [1, 2]), ur.Generator().manual_seed(1))
    assert isinstance(a[0], ur.Tensor)
    assert np.array_equal(a[0].array, b[0].array)
    assert a[1] == [1, 2]
    assert not np.array_equal(a[0].array, x.array)
    with pytest.raises(ArgumentError):
        RandomShift(-1)
    with pytest.raises(ShapeError):
        shift(np.ones((3, 3)))
