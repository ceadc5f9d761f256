from __future__ import annotations

import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, ShapeError

TRACKED = [
    {},
    {"momentum": None},
    {"momentum": 0.5, "eps": 1e-3},
    {"affine": False},
    {"track_running_stats": False},
]


@pytest.mark.parametrize("options", TRACKED, ids=str)
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5)])
def test_batch_norm_1d_as_in_pytorch(beside, rng, options, shape):
    beside(lambda nn: nn.BatchNorm1d(3, **options), rng.standard_normal(shape) * 2 + 1)


@pytest.mark.parametrize("options", TRACKED, ids=str)
def test_batch_norm_2d_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.BatchNorm2d(3, **options), rng.standard_normal((4, 3, 5, 2)) * 2 + 1)


@pytest.mark.parametrize("options", [{}, {"affine": True}, {"affine": True, "track_running_stats": True}], ids=str)
def test_instance_norm_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.InstanceNorm1d(3, **options), rng.standard_normal((4, 3, 5)))
    beside(lambda nn: nn.InstanceNorm2d(3, **options), rng.standard_normal((4, 3, 5, 2)))
    beside(lambda nn: nn.InstanceNorm2d(3, **options), rng.standard_normal((3, 5, 2)))


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"elementwise_affine": False}, {"eps": 1e-2}], ids=str)
@pytest.mark.parametrize("shape", [4, (3, 4)])
def test_layer_norm_as_in_pytorch(beside, rng, options, shape):
    beside(lambda nn: nn.LayerNorm(shape, **options), rng.standard_normal((2, 3, 4)), text="bias" not in options)


@pytest.mark.parametrize("options", [{}, {"elementwise_affine": False}, {"eps": 1e-2}], ids=str)
def test_rms_norm_as_in_pytorch(beside, rng, options):
    beside(lambda nn: nn.RMSNorm(4, **options), rng.standard_normal((2, 3, 4)))


@pytest.mark.parametrize("options", [{}, {"affine": False}], ids=str)
@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 5), (2, 6, 3, 2)])
def test_group_norm_as_in_pytorch(beside, rng, options, shape):
    beside(lambda nn: nn.GroupNorm(3, 6, **options), rng.standard_normal(shape))


def test_running_statistics_can_be_forgotten():
    layer = nn.BatchNorm1d(2)
    layer(ur.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert layer.num_batches_tracked.item() == 1
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.num_batches_tracked.item() == 0


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match=r"num_channels=6 cannot be divided into num_groups=4(.|\n)*3, 6"):
        nn.GroupNorm(4, 6)
    with pytest.raises(ArgumentError, match="num_features is 0"):
        nn.BatchNorm1d(0)
    with pytest.raises(ArgumentError, match="normalized_shape is -1"):
        nn.LayerNorm((3, -1))


def test_wrong_inputs_are_named():
    with pytest.raises(ShapeError, match="BatchNorm2d: an input of shape"):
        nn.BatchNorm2d(3)(ur.zeros(2, 3))
    with pytest.raises(ShapeError, match=r"\[4\]"):
        nn.LayerNorm(4)(ur.zeros(2, 3))
