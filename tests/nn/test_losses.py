from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError

REDUCTIONS = ["mean", "sum", "none"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "make",
    [
        lambda nn, r: nn.MSELoss(reduction=r),
        lambda nn, r: nn.L1Loss(reduction=r),
        lambda nn, r: nn.SmoothL1Loss(reduction=r),
        lambda nn, r: nn.SmoothL1Loss(beta=0.3, reduction=r),
        lambda nn, r: nn.HuberLoss(reduction=r),
        lambda nn, r: nn.HuberLoss(delta=0.3, reduction=r),
    ],
)
def test_regression_as_in_pytorch(beside, rng, make, reduction):
    x, y = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    beside(lambda nn: make(nn, reduction), x, y, steps=1)


def weights(nn, values):
    """A tensor of the library that ``nn`` belongs to."""
    lib = ur if nn.__name__.startswith("upriver") else pytest.importorskip("torch")
    return lib.tensor(values, dtype=lib.float64)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_cross_entropy_as_in_pytorch(beside, rng, reduction):
    p, z, t = rng.uniform(0.01, 0.99, (4, 3)), rng.standard_normal((4, 3)) * 5, rng.uniform(0, 1, (4, 3))
    w = [1.0, 2.0, 0.5]
    beside(lambda nn: nn.BCELoss(reduction=reduction), p, t, steps=1)
    beside(lambda nn: nn.BCEWithLogitsLoss(reduction=reduction), z, t, steps=1)
    beside(lambda nn: nn.BCELoss(weights(nn, w), reduction=reduction), p, t, steps=1)
    beside(
        lambda nn: nn.BCEWithLogitsLoss(weights(nn, w), reduction=reduction, pos_weight=weights(nn, w)), z, t, steps=1
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", [{}, {"ignore_index": 2}, {"label_smoothing": 0.1}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_as_in_pytorch(beside, rng, reduction, options, weighted):
    def make(nn):
        return nn.CrossEntropyLoss(weights(nn, [1.0, 2.0, 0.5]) if weighted else None, reduction=reduction, **options)

    beside(make, rng.standard_normal((5, 3)), np.array([0, 1, 2, 1, 0]), steps=1)
    beside(make, rng.standard_normal((2, 3, 4)), rng.integers(0, 3, (2, 4)), steps=1)
    if "ignore_index" not in options:
        beside(make, rng.standard_normal((5, 3)), rng.dirichlet([1, 1, 1], 5), steps=1)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nll_as_in_pytorch(beside, rng, reduction):
    x, y = rng.standard_normal((5, 3)), np.array([0, 1, 2, 1, 0])
    beside(lambda nn: nn.NLLLoss(reduction=reduction, ignore_index=1), x, y, steps=1)
    beside(lambda nn: nn.NLLLoss(weights(nn, [1.0, 2.0, 0.5]), reduction=reduction), x, y, steps=1)


@pytest.mark.filterwarnings("ignore:reduction:UserWarning")
@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
def test_kl_div_as_in_pytorch(beside, rng, reduction):
    x, p = np.log(rng.dirichlet([1, 1, 1], 4)), rng.dirichlet([1, 1, 1], 4)
    beside(lambda nn: nn.KLDivLoss(reduction=reduction), x, p, steps=1)
    beside(lambda nn: nn.KLDivLoss(reduction=reduction, log_target=True), x, np.log(p), steps=1)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_margins_as_in_pytorch(beside, rng, reduction):
    x, y, z = (rng.standard_normal((5, 3)) for _ in range(3))
    sign, label = rng.choice([-1, 1], (5, 3)), np.array([0, 1, 2, 1, 0])
    beside(lambda nn: nn.HingeEmbeddingLoss(reduction=reduction), x, sign, steps=1)
    beside(lambda nn: nn.HingeEmbeddingLoss(0.3, reduction=reduction), x, sign, steps=1)
    beside(lambda nn: nn.SoftMarginLoss(reduction=reduction), x, sign, steps=1)
    beside(lambda nn: nn.MarginRankingLoss(0.2, reduction=reduction), x, y, sign, steps=1)
    beside(lambda nn: nn.CosineEmbeddingLoss(0.1, reduction=reduction), x, y, sign[:, 0], steps=1)
    beside(lambda nn: nn.TripletMarginLoss(0.5, reduction=reduction), x, y, z, steps=1)
    beside(lambda nn: nn.TripletMarginLoss(swap=True, reduction=reduction), x, y, z, steps=1)
    for p in (1, 2):
        beside(lambda nn, p=p: nn.MultiMarginLoss(p, 0.7, reduction=reduction), x, label, steps=1)
        w = [1.0, 2.0, 0.5]
        make = lambda nn, p=p, w=w: nn.MultiMarginLoss(p, weight=weights(nn, w), reduction=reduction)
        beside(make, x, label, steps=1)


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match="MSELoss: there is no reduction 'avg'"):
        nn.MSELoss(reduction="avg")
    with pytest.raises(ArgumentError, match="label_smoothing is 2"):
        nn.CrossEntropyLoss(label_smoothing=2)
    with pytest.raises(ArgumentError, match="p is 3"):
        nn.MultiMarginLoss(p=3)


def test_weights_of_classes_are_part_of_the_state():
    assert list(nn.CrossEntropyLoss(ur.ones(3)).state_dict()) == ["weight"]
    assert list(nn.CrossEntropyLoss().state_dict()) == []
