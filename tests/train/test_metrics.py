from __future__ import annotations

import numpy as np
import pytest

from upriver.train import ACCURACY, BITS, MAE, RMSE, confusion_matrix
from upriver.train.metrics import Sums, most_confused, predicted_classes


def test_means_are_over_samples_not_over_batches() -> None:
    sums = Sums()
    sums.add(np.eye(2), np.array([0, 1]), 1.0, [ACCURACY])
    sums.add(np.eye(2)[[0, 0, 0, 0, 0, 0]], np.ones(6, int), 3.0, [ACCURACY])
    assert sums.means([ACCURACY]) == {"loss": 2.5, "accuracy": 0.25}


def test_root_mean_square_error_is_the_root_of_the_whole_mean() -> None:
    sums = Sums()
    sums.add(np.array([[1.0], [1.0]]), np.array([[0.0], [0.0]]), 1.0, [RMSE, MAE])
    sums.add(np.array([[7.0]]), np.array([[0.0]]), 49.0, [RMSE, MAE])
    means = sums.means([RMSE, MAE])
    assert means["rmse"] == pytest.approx(np.sqrt(51 / 3))
    assert means["mae"] == pytest.approx(3.0)


def test_bits() -> None:
    sums = Sums()
    sums.add(np.zeros((2, 4)), np.zeros(2), float(np.log(4)), [BITS])
    assert sums.means([BITS])["bits"] == pytest.approx(2.0)


def test_classes() -> None:
    assert predicted_classes(np.array([1.0, -2.0])).tolist() == [1, 0]
    assert predicted_classes(np.array([[1.0], [-2.0]])).tolist() == [1, 0]
    assert predicted_classes(np.zeros((2, 3, 4))).shape == (2, 4)


def test_confusion() -> None:
    matrix = confusion_matrix(np.array([0, 1, 1, 2]), np.array([0, 0, 0, 2]), 3)
    assert matrix.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert most_confused(matrix) == [(0, 1, 2)]


def test_showing() -> None:
    assert ACCURACY.show(0.98333) == "98.33 %"
    assert BITS.show(2.87654) == "2.8765"
    assert BITS.show(None) == BITS.show(float("nan")) == "–"
