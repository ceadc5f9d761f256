"""Resizing: values and gradients as PyTorch's in every mode, and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, DTypeError, ShapeError

from .second_order import agree_twice

RNG = np.random.default_rng(0)
SIZES: list[dict[str, Any]] = [
    {"size": (5, 9)}, {"size": 14}, {"size": 1}, {"size": (7, 8)}, {"scale_factor": 2}, {"scale_factor": 3.0},
    {"scale_factor": (1.7, 0.6)}, {"scale_factor": 0.5}, {"scale_factor": 1.3, "recompute_scale_factor": True},
]  # fmt: skip


def both(name: str, x: np.ndarray, *args: Any, **kwargs: Any) -> None:
    functional = pytest.importorskip("torch").nn.functional
    agree_twice(
        lambda x: getattr(ops, name)(x, *args, **kwargs), lambda x: getattr(functional, name)(x, *args, **kwargs), x
    )


@pytest.mark.parametrize("kwargs", SIZES, ids=str)
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
def test_images_are_pytorchs(mode: str, kwargs: dict[str, Any]) -> None:
    x = RNG.standard_normal((2, 3, 7, 8))
    for align_corners in (None, False, True) if mode.startswith("bi") else (None,):
        both("interpolate", x, mode=mode, align_corners=align_corners, **kwargs)


@pytest.mark.parametrize("kwargs", [{"size": 5}, {"scale_factor": 2}, {"scale_factor": 2.5}], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "linear", "area"])
def test_sequences_are_pytorchs(mode: str, kwargs: dict[str, Any]) -> None:
    both("interpolate", RNG.standard_normal((2, 3, 7)), mode=mode, **kwargs)


def test_pixels_are_shuffled_as_pytorchs() -> None:
    both("pixel_shuffle", RNG.standard_normal((2, 8, 3, 2)), 2)
    both("pixel_unshuffle", RNG.standard_normal((2, 2, 6, 4)), 2)
    x = Tensor(RNG.standard_normal((8, 3, 2)))
    np.testing.assert_array_equal(ops.pixel_unshuffle(ops.pixel_shuffle(x, 2), 2).array, x.array)


def test_an_image_of_one_colour_stays_so() -> None:
    x = Tensor(np.full((1, 1, 5, 6), 3.0, np.float32))
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        y = ops.interpolate(x, size=(8, 4), mode=mode)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.array, 3.0, rtol=1e-6)


def test_upsample_is_another_name() -> None:
    x = Tensor(RNG.standard_normal((1, 1, 3, 3)))
    np.testing.assert_array_equal(ops.upsample(x, scale_factor=2).array, ops.interpolate(x, scale_factor=2).array)


def ones(*shape: int) -> Tensor:
    return Tensor(np.ones(shape, np.float32))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ops.interpolate(ones(1, 1, 2, 2)), ArgumentError, "size or scale_factor"),
        (lambda: ops.interpolate(ones(1, 1, 2, 2), 4, 2), ArgumentError, "size or scale_factor"),
        (lambda: ops.interpolate(ones(1, 1, 2, 2), 4, mode="cubic"), ArgumentError, "mode='cubic'"),
        (lambda: ops.interpolate(ones(1, 1, 2, 2), 4, align_corners=True), ArgumentError, "align_corners"),
        (lambda: ops.interpolate(ones(1, 1, 2, 2), 4, mode="linear"), ShapeError, r"\(N, C, L\)"),
        (lambda: ops.interpolate(ones(2, 2), 4), ShapeError, r"\[2, 2\]"),
        (lambda: ops.interpolate(ones(1, 1, 2, 2), 0), ShapeError, "cannot be resized"),
        (lambda: ops.interpolate(Tensor(np.ones((1, 1, 2, 2), np.int64)), 4), DTypeError, "int64"),
        (lambda: ops.pixel_shuffle(ones(3, 2, 2), 2), ShapeError, "multiple of 4 channels"),
    ],
)
def test_errors_say_what_is_wrong(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()
