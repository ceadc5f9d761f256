import numpy as np
import pytest

from upriver.data import read_arrays
from upriver.errors import ArgumentError, DataError, FileError


@pytest.fixture
def folder(tmp_path):
    def save(**arrays):
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
        return tmp_path

    return save


X = np.arange(40.0).reshape(20, 2)


def test_one_pair_is_split(folder):
    data = read_arrays(folder(x=X, y=np.arange(20) % 2 + 3), test=0.25, seed=1)
    assert (data.x_train.shape, data.x_test.shape, data.x_train.dtype) == ((15, 2), (5, 2), np.float32)
    assert data.classes == ("3", "4")
    assert set(data.y_train.tolist()) == {0, 1}
    assert data.y_train.dtype == np.int64


def test_two_pairs_stay_as_they_are(folder):
    data = read_arrays(folder(x_train=X, y_train=np.arange(20) % 2, x_test=X[:4], y_test=np.ones(4, int)))
    assert np.array_equal(data.x_test, X[:4])
    assert data.y_test.tolist() == [1, 1, 1, 1]


def test_images_and_rows_of_one_value(folder):
    images = np.full((20, 1, 4, 4), 255, np.uint8)
    data = read_arrays(folder(x=images, y=np.arange(20) % 2))
    assert data.x_train.shape == (16, 1, 4, 4)
    assert data.x_train.max() == 1.0
    assert read_arrays(folder(x=X[:, 0])).features == ("column 0",)


@pytest.mark.parametrize(
    ("y", "task", "shape"),
    [
        (np.arange(20) % 2 == 0, "classification", (16,)),
        ((np.arange(20) % 2)[:, None], "classification", (16,)),
        (np.arange(20) % 4 * 1.0, "classification", (16,)),
        (np.arange(20) * 1.0, "regression", (16, 1)),
        (np.arange(20) * 0.5, "regression", (16, 1)),
        (X * 0.1, "regression", (16, 2)),
    ],
)
def test_the_task_follows_from_y(folder, y, task, shape):
    data = read_arrays(folder(x=X, y=y))
    assert (data.task, data.y_train.shape) == (task, shape)


def test_the_task_can_be_given(folder):
    place = folder(x=X, y=np.arange(20) % 2)
    assert read_arrays(place, task="regression").y_train.shape == (16, 1)
    with pytest.raises(ArgumentError):
        read_arrays(place, task="ranking")
    with pytest.raises(DataError, match=r"must be of shape \(N,\)"):
        read_arrays(folder(x=X, y=X), task="classification")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": np.arange(19)}, r"x\.npy has 20 rows \(shape \[20, 2\]\), y\.npy 19 \(shape \[19\]\)"),
        ({"x": np.where(X == 5, np.nan, X), "y": np.arange(20)}, r"x\.npy: NaN in row 2, column 1"),
        ({"x": X, "y": np.where(np.arange(20) == 3, np.inf, 1.0)}, r"y\.npy: an infinity in row 3"),
        ({"x": X * 1e38, "y": np.arange(20)}, r"x\.npy, in single precision: an infinity in row 2, column 0"),
        ({"x": X[:0], "y": np.arange(0)}, r"there are no rows \(shape \[0, 2\]\)"),
        ({"x": np.array(1.0), "y": np.arange(2)}, "there are no rows"),
        ({"x": X, "y": np.ones(20)}, "the target has the one value 1"),
        ({"x": X, "y": np.array(["a", "b"] * 10)}, "values of dtype <U1 are no numbers"),
        (
            {"x_train": X, "y_train": np.arange(20) % 2, "x_test": X, "y_test": np.arange(20) % 3},
            r"y_test\.npy, row 2: the class 2 is none of the 2 in the training part",
        ),
        (
            {"x_train": X, "y_train": np.arange(20) % 2, "x_test": X[:, :1], "y_test": np.arange(20) % 2},
            r"rows of the training part are of shapes \[2\] and \[\], of the test part \[1\]",
        ),
    ],
)
def test_arrays_that_are_wrong(folder, arrays, message):
    with np.errstate(over="ignore"):
        place = folder(**arrays)
    with pytest.raises(DataError, match=message) as caught:
        read_arrays(place)
    assert str(place) in str(caught.value)
    assert caught.value.site is None


def test_files_that_are_wrong(folder, tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        read_arrays(tmp_path / "none")
    with pytest.raises(FileError, match=r"x\.npy: there is no such file") as caught:
        read_arrays(tmp_path)
    assert "There is no .npy file in that folder" in str(caught.value)
    with pytest.raises(FileError, match=r"y\.npy: there is no such file") as caught:
        read_arrays(folder(x=X, labels=X))
    assert "There are labels.npy, x.npy." in str(caught.value)
    with pytest.raises(FileError, match="cannot be read"):
        read_arrays(folder(y=np.array([{}, []], dtype=object)))
    (tmp_path / "y.npy").write_bytes(b"spoilt")
    with pytest.raises(FileError, match="cannot be read"):
        read_arrays(tmp_path)
