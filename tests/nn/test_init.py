from __future__ import annotations

import math

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, ShapeError
from upriver.nn import init

torch_names = [
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "sigmoid", "tanh", "relu", "selu",
    "leaky_relu",
]  # fmt: skip


@pytest.mark.parametrize("name", torch_names)
def test_gains_as_in_pytorch(name):
    torch = pytest.importorskip("torch")
    assert math.isclose(init.calculate_gain(name), torch.nn.init.calculate_gain(name))
    if name == "leaky_relu":
        assert math.isclose(init.calculate_gain(name, 0.3), torch.nn.init.calculate_gain(name, 0.3))


@pytest.mark.parametrize("shape", [(40, 30), (40, 10, 3), (40, 5, 3, 2)])
@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"])
@pytest.mark.parametrize("options", [{}, {"mode": "fan_out", "nonlinearity": "relu"}, {"a": 0.5}], ids=str)
def test_spread_as_in_pytorch(shape, name, options):
    torch = pytest.importorskip("torch")
    if name.startswith("xavier"):
        options = {"gain": 2.0} if options else {}
    big = (shape[0], shape[1] * 20, *shape[2:])
    mine = getattr(init, name)(ur.zeros(*big), generator=ur.Generator().manual_seed(0), **options).numpy()
    theirs = getattr(torch.nn.init, name)(torch.zeros(*big), **options).numpy()
    assert math.isclose(mine.std(), theirs.std(), rel_tol=0.03)
    assert abs(mine.mean()) < 0.03 * mine.std()
    assert math.isclose(np.abs(mine).max(), np.abs(theirs).max(), rel_tol=0.01 if "uniform" in name else 0.3)


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "orthogonal_", "xavier_normal_"])
def test_a_generator_repeats_itself(name):
    draw = lambda seed: getattr(init, name)(ur.zeros(4, 3), generator=ur.Generator().manual_seed(seed))
    assert (draw(1) == draw(1)).all()
    assert not (draw(1) == draw(2)).all()
    ur.manual_seed(5)
    a = getattr(init, name)(ur.zeros(4, 3))
    ur.manual_seed(5)
    assert (getattr(init, name)(ur.zeros(4, 3)) == a).all()


def test_constants():
    w = ur.nn.Parameter(ur.zeros(2, 3))
    assert init.ones_(w) is w
    assert (w == 1).all()
    assert (init.zeros_(w) == 0).all()
    assert (init.constant_(w, 0.5) == 0.5).all()
    assert init.eye_(w).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert w.requires_grad
    assert w.is_leaf


def test_dirac_as_in_pytorch():
    torch = pytest.importorskip("torch")
    for shape, groups in [((4, 4, 3), 1), ((6, 2, 3, 3), 2), ((2, 3, 5, 5, 5), 1)]:
        theirs = torch.nn.init.dirac_(torch.zeros(*shape), groups).numpy()
        assert (init.dirac_(ur.zeros(*shape), groups).numpy() == theirs).all()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (6, 2, 2)])
def test_orthogonal(shape):
    w = init.orthogonal_(ur.zeros(*shape, dtype=ur.float64), gain=2.0).numpy().reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_trunc_normal_stays_within():
    w = init.trunc_normal_(ur.zeros(100, 100), mean=1.0, std=2.0, a=-1.0, b=1.5).numpy()
    assert w.min() >= -1
    assert w.max() <= 1.5
    with pytest.raises(ArgumentError, match=r"lies in \[8"):
        init.trunc_normal_(ur.zeros(3), a=8.0, b=9.0)


def test_sparse():
    w = init.sparse_(ur.zeros(10, 20), 0.25, std=1.0).numpy()
    assert ((w == 0).sum(0) == 3).all()


def test_what_has_no_fans_is_refused():
    for fill in (init.xavier_uniform_, init.kaiming_normal_, init.orthogonal_, init.eye_, init.sparse_, init.dirac_):
        with pytest.raises(ShapeError, match="shape"):
            fill(ur.zeros(3), 0.1) if fill is init.sparse_ else fill(ur.zeros(3))
    with pytest.raises(ArgumentError, match="mode 'fan'"):
        init.kaiming_normal_(ur.zeros(3, 3), mode="fan")
    with pytest.raises(ArgumentError, match="no gain is known for 'swish'"):
        init.calculate_gain("swish")
    with pytest.raises(ArgumentError, match="standard deviation is -1"):
        init.normal_(ur.zeros(3), std=-1)


def test_a_change_after_recording_is_noticed():
    w = ur.ones(2, requires_grad=True)
    y = (w * w).sum()
    init.zeros_(w)
    with pytest.raises(RuntimeError, match="was changed after it ran"):
        y.backward()
