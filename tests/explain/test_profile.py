"""Step profiles: quadratics with known spectra, a regression, a network against its explicit Hessian."""

from __future__ import annotations

import dataclasses
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, GradError
from upriver.explain.profile import step_profile
from upriver.explain.spectrum import lanczos


def bowl(spectrum: list[float], seed: int = 0):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(len(spectrum),) * 2))
    h = q @ np.diag(spectrum) @ q.T
    w = ur.tensor(rng.normal(size=len(spectrum)), dtype=ur.float64, requires_grad=True)
    hessian = ur.tensor(h, dtype=ur.float64)
    return w, h, lambda: 0.5 * (w @ (hessian @ w))


def test_a_quadratic_comes_out_exactly() -> None:
    w, h, loss = bowl([0.5, 1.0, 2.0, 7.0])
    bits = w.array.tobytes()
    p = step_profile(loss, [w], lr=0.1, rtol=1e-8)
    g = h @ w.array
    assert p.curvature == pytest.approx(g @ h @ g / (g @ g), rel=1e-12)
    assert p.model_step == pytest.approx((g @ g) / (g @ h @ g), rel=1e-12)
    assert p.largest_step == pytest.approx(2 * p.model_step, rel=1e-6)
    assert p.spectrum.top == pytest.approx(7.0, rel=1e-10)
    assert p.stable_step == pytest.approx(2 / 7)
    assert p.spectrum.converged
    assert p.standing == "below"
    for step, value in zip(p.steps, p.losses, strict=True):
        moved = w.array - step * g
        assert value == pytest.approx(0.5 * moved @ h @ moved, rel=1e-9)
    assert w.array.tobytes() == bits
    assert w.grad is None


@pytest.mark.parametrize(("spectrum", "top", "extreme"), [([-9.0, 1.0, 3.0], 3.0, -9.0), ([-1.0, -2.0], -1.0, -2.0)])
def test_signs_of_the_spectrum(spectrum: list[float], top: float, extreme: float) -> None:
    w, _, loss = bowl(spectrum)
    p = step_profile(loss, w, rtol=1e-8)
    assert p.spectrum.top == pytest.approx(top)
    assert p.spectrum.extreme == pytest.approx(extreme)
    assert p.stable_step == (pytest.approx(2 / top) if top > 0 else math.inf)


def test_degenerate_and_large_spectra() -> None:
    assert lanczos(lambda v: 2 * v, 50).top == pytest.approx(2)
    diagonal = np.concatenate([np.linspace(0, 1, 5000), [4.0]])
    found = lanczos(lambda v: diagonal * v, 5001, rtol=1e-6)
    assert found.top == pytest.approx(4.0, rel=1e-6)
    assert found.products < 40
    assert lanczos(lambda v: 0 * v, 5).top == 0
    again = lanczos(lambda v: diagonal * v, 5001, rtol=1e-6)
    assert again == found


def test_single_precision() -> None:
    w = ur.ones(200, requires_grad=True)
    scale = ur.linspace(0.1, 3.0, 200)
    p = step_profile(lambda: 0.5 * (w * w * scale).sum(), w)
    assert p.spectrum.top == pytest.approx(3.0, rel=1e-3)
    assert p.spectrum.converged


def test_a_straight_loss() -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    p = step_profile(lambda: (w * 3).sum(), w)
    assert p.curvature == 0
    assert math.isinf(p.model_step)
    assert math.isinf(p.largest_step)
    assert "does not bend upwards" in p.text()


def test_a_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 5))
    y = (x @ rng.normal(size=5) > 0).astype(float)
    w = ur.tensor(rng.normal(size=5) * 0.1, dtype=ur.float64, requires_grad=True)
    tx, ty = ur.tensor(x, dtype=ur.float64), ur.tensor(y, dtype=ur.float64)
    p = step_profile(lambda: nn.functional.binary_cross_entropy_with_logits(tx @ w, ty), w, rtol=1e-8)
    s = 1 / (1 + np.exp(-x @ w.array))
    hessian = x.T @ np.diag(s * (1 - s)) @ x / 60
    assert p.spectrum.top == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-8)
    g = x.T @ (s - y) / 60
    assert p.curvature == pytest.approx(g @ hessian @ g / (g @ g), rel=1e-10)


def test_a_network_against_its_hessian() -> None:
    ur.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x, y = ur.randn(10, 3, dtype=ur.float64), ur.randint(0, 2, (10,))

    def loss() -> ur.Tensor:
        return nn.functional.cross_entropy(model(x), y)

    before = [q.array.tobytes() for q in model.parameters()]
    optimizer = ur.optim.SGD(model.parameters(), lr=0.5)
    p = step_profile(loss, model, optimizer, rtol=1e-9)
    assert [q.array.tobytes() for q in model.parameters()] == before
    leaves = list(model.parameters())
    gradients = ur.grad(loss(), leaves, create_graph=True)
    rows = []
    for g in gradients:
        for i in range(g.array.size):
            row = ur.grad(g.reshape(-1)[i], leaves, materialize_grads=True)
            rows.append(np.concatenate([r.array.reshape(-1) for r in row]))
    values = np.linalg.eigvalsh(np.stack(rows))
    assert p.spectrum.top == pytest.approx(values[-1], rel=1e-7)
    assert p.spectrum.extreme == pytest.approx(values[np.argmax(np.abs(values))], rel=1e-7)
    assert p.learning_rate == 0.5
    assert p.rescaled is None
    crossing = {s: v for s, v in zip(p.steps, p.losses, strict=True) if s < p.largest_step}
    assert all(v < p.loss for v in crossing.values())


def test_where_the_learning_rate_stands() -> None:
    w, _, loss = bowl([1.0, 10.0])
    stand = [step_profile(loss, w, lr=lr).standing for lr in (1e-3, 0.05, 0.18, 0.21)]
    assert stand == ["far below", "below", "near", "above"]
    p = step_profile(loss, w, lr=50.0)
    assert "would raise the loss" in p.text()
    adam = ur.optim.Adam([w], lr=0.1)
    assert "Adam does not step along the plain gradient" in step_profile(loss, w, adam).text()
    assert step_profile(loss, w, ur.optim.SGD([w], lr=0.1)).rescaled is None


def test_at_the_minimum() -> None:
    w = ur.tensor([0.0, 0.0], requires_grad=True)
    p = step_profile(lambda: (w * w).sum(), w, lr=0.1)
    assert p.gradient_norm == 0
    assert "no step changes anything" in p.text()


def test_weights_are_restored_after_an_error() -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    calls = []

    def breaks() -> ur.Tensor:
        calls.append(1)
        if len(calls) > 5:
            raise RuntimeError("stop")
        return (w * w).sum()

    with pytest.raises(RuntimeError, match="stop"):
        step_profile(breaks, w)
    assert w.tolist() == [1.0, 2.0]


def test_steps_and_conclusions() -> None:
    w, _, loss = bowl([1.0, 10.0])
    p = step_profile(loss, w, points=9)
    assert len(p.steps) == 9
    assert p.steps[-1] == pytest.approx(8 * p.model_step)
    assert p.steps[0] == pytest.approx(p.model_step / 64)
    assert p.best_loss == min(p.losses)
    assert "converged" not in p.text()
    rough = dataclasses.replace(p, spectrum=p.spectrum._replace(converged=False))
    assert "has not converged" in rough.text()
    assert not lanczos(lambda v: np.arange(50.0) * v, 50, most=3).converged


def test_the_picture() -> None:
    w, _, loss = bowl([1.0, 10.0])
    p = step_profile(loss, w, lr=0.1)
    root = ET.fromstring(p.svg())
    assert root.tag.endswith("svg")
    assert "2 / λmax" in p.svg()
    assert set(p._repr_mimebundle_()) == {"text/plain", "image/svg+xml"}
    assert p.to_dict()["spectrum"]["top"] == p.spectrum.top


def test_wrong_input() -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ArgumentError, match="no learning rate"):
        step_profile(lambda: (w * w).sum(), w, lr=-1)
    with pytest.raises(ArgumentError, match="none of the parameters"):
        step_profile(lambda: (w * w).sum(), [])
    with pytest.raises(ArgumentError, match="the loss is"):
        step_profile(lambda: (w * float("nan")).sum(), w)
    with pytest.raises(GradError, match="does not depend"):
        step_profile(lambda: (w * w).sum(), ur.ones(2, requires_grad=True))
