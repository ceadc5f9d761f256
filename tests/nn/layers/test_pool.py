from __future__ import annotations

import pytest

from upriver import nn
from upriver.errors import ArgumentError


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 1}, {"stride": 2, "padding": 1}, {"dilation": 2, "stride": 1}, {"ceil_mode": True}],
    ids=str,
)
def test_max_pool_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.MaxPool1d(3, **options), rng.standard_normal((2, 3, 8)))
    beside(lambda nn: nn.MaxPool2d((3, 2), **options), rng.standard_normal((2, 3, 8, 7)))


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 1}, {"stride": 2, "padding": 1}, {"ceil_mode": True}, {"padding": 1, "count_include_pad": False}],
    ids=str,
)
def test_avg_pool_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.AvgPool1d(3, **options), rng.standard_normal((2, 3, 8)))
    beside(lambda nn: nn.AvgPool2d((3, 2), **options), rng.standard_normal((2, 3, 8, 7)))


def test_divisor_override_as_in_pytorch(beside, rng):
    beside(lambda nn: nn.AvgPool2d(2, divisor_override=3), rng.standard_normal((2, 3, 8, 7)))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_adaptive_pool_as_in_pytorch(beside, rng, size):
    beside(lambda nn: nn.AdaptiveAvgPool1d(size), rng.standard_normal((2, 3, 8)))
    beside(lambda nn: nn.AdaptiveAvgPool2d((size, None)), rng.standard_normal((2, 3, 8, 7)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MaxPool2d(0), "kernel_size is 0"),
        (lambda: nn.MaxPool2d(2, stride=-1), "stride is -1"),
        (lambda: nn.AvgPool2d(2, padding=2), "more than half"),
        (lambda: nn.MaxPool1d(2, return_indices=True), "not available"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize("size", [1, 3, 5])
def test_adaptive_max_pool_as_in_pytorch(beside, rng, size):
    beside(lambda nn: nn.AdaptiveMaxPool1d(size), rng.standard_normal((2, 3, 8)), text=False)
    beside(lambda nn: nn.AdaptiveMaxPool2d((size, None)), rng.standard_normal((2, 3, 8, 7)), text=False)
