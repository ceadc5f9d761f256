from __future__ import annotations

import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError

ONE = [
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "bias": False},
    {"groups": 2, "padding": "same"},
    {"padding": "valid"},
    {"padding": 2, "padding_mode": "reflect"},
    {"padding": 1, "padding_mode": "replicate"},
    {"padding": 1, "padding_mode": "circular"},
    {"padding": "same", "padding_mode": "reflect"},
]


@pytest.mark.parametrize("options", ONE, ids=str)
def test_conv1d_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.Conv1d(4, 6, 3, **options), rng.standard_normal((2, 4, 9)))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("options", [*ONE, {"stride": (1, 2), "padding": (0, 1), "dilation": (2, 1)}], ids=str)
def test_conv2d_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.Conv2d(4, 6, (3, 2), **options), rng.standard_normal((2, 4, 7, 6)))


def test_conv_without_a_batch_as_in_pytorch(beside, rng):
    beside(lambda nn: nn.Conv2d(2, 3, 3), rng.standard_normal((2, 5, 5)))
    beside(lambda nn: nn.Conv1d(2, 3, 3), rng.standard_normal((2, 5)))


TRANSPOSED = [
    {},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"groups": 2, "bias": False},
    {"stride": 2, "dilation": 2},
]


@pytest.mark.parametrize("options", TRANSPOSED, ids=str)
def test_conv_transpose_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.ConvTranspose1d(4, 6, 3, **options), rng.standard_normal((2, 4, 5)))
    beside(lambda nn: nn.ConvTranspose2d(4, 6, 3, **options), rng.standard_normal((2, 4, 5, 4)))


def test_output_size_as_in_pytorch(beside, rng):
    x = rng.standard_normal((2, 4, 5, 4))
    beside(lambda nn: nn.ConvTranspose2d(4, 2, 3, stride=2), x, output_size=[12, 10])
    with pytest.raises(ArgumentError, match="from 11 to 12"):
        nn.ConvTranspose2d(4, 2, 3, stride=2)(ur.zeros(2, 4, 5, 4), output_size=[13, 10])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(-1, 2, 3), "in_channels is -1"),
        (lambda: nn.Conv2d(1, 2, 0), "kernel_size is 0"),
        (lambda: nn.Conv2d(1, 2, (3, 3, 3)), "3 numbers, and there are 2"),
        (lambda: nn.Conv2d(1, 2, 3, stride=0), "stride is 0"),
        (lambda: nn.Conv2d(1, 2, 3, padding=-1), "padding is -1"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels=3 cannot be divided into groups=2"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), "out_channels=3 cannot be divided"),
        (lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"), "padding_mode 'mirror'"),
        (lambda: nn.Conv2d(1, 1, 3, stride=2, padding="same"), "'same' with stride"),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), "padding='full'"),
        (lambda: nn.ConvTranspose2d(1, 1, 3, output_padding=1), "must be smaller than stride"),
        (lambda: nn.ConvTranspose1d(1, 1, 3, padding_mode="reflect"), "padding with zeros"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
