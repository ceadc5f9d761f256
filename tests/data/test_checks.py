import numpy as np
import pytest

import upriver as ur
from upriver.data import check_finite
from upriver.errors import DataError


def test_finite_values_pass():
    check_finite("x", np.ones((4, 3)))
    check_finite("x", np.zeros((0, 3)))
    check_finite("x", np.arange(3))
    check_finite("x", np.full((5, 5), 1e308))  # whose sum is infinite
    check_finite("x", ur.tensor([1.0, 2.0]))
    check_finite("x", [["a"]])


@pytest.mark.parametrize(
    ("value", "word"), [(np.nan, "NaN"), (np.inf, "an infinity"), (-np.inf, "a negative infinity")]
)
def test_the_first_bad_value_is_named(value, word):
    x = np.zeros((10, 3), np.float32)
    x[4, 2] = value
    with pytest.raises(DataError, match=rf"x: {word} in row 4, column 2 \(1 of 30 values is not finite\)"):
        check_finite("x", x)
    with pytest.raises(DataError, match="column 'age'"):
        check_finite("x", x, columns=["a", "b", "age"])


def test_other_shapes():
    with pytest.raises(DataError, match="in row 1 "):
        check_finite("y", np.array([0.0, np.nan]))
    with pytest.raises(DataError, match="as its only value"):
        check_finite("y", np.array(np.nan))
    images = np.zeros((3, 1, 2, 2))
    images[2, 0, 1, 0] = np.nan
    images[2, 0, 1, 1] = np.inf
    with pytest.raises(DataError, match=r"in sample 2, at \[0, 1, 0\] \(2 of 12 values are"):
        check_finite("images", ur.tensor(images))


def test_opposite_infinities_are_found():
    with pytest.raises(DataError, match="an infinity in row 0"):
        check_finite("x", np.array([np.inf, -np.inf]))
