"""Nudges: predictions against changes that are known, and every verdict with a near miss."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, GradError, ShapeError
from upriver.explain.nudge import nudge, percent


def quadratic() -> tuple[ur.Tensor, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 4))
    return ur.tensor(rng.normal(size=4), dtype=ur.float64, requires_grad=True), a + a.T, rng.normal(size=4)


def test_a_quadratic_is_predicted_exactly_by_the_second_order() -> None:
    w, h, b = quadratic()
    hessian, linear = ur.tensor(h, dtype=ur.float64), ur.tensor(b, dtype=ur.float64)
    by = np.array([0.5, -1.0, 2.0, 0.25])
    n = nudge(lambda: 0.5 * (w @ (hessian @ w)) + linear @ w, w, by=by)
    gradient = h @ w.array + b
    assert n.first_order == pytest.approx(gradient @ by, rel=1e-12)
    assert n.curvature_term == pytest.approx(0.5 * by @ h @ by, rel=1e-12)
    assert n.measured == pytest.approx(n.second_order, rel=1e-10)
    assert n.verdict == "second order"
    assert "(the curvature)" in n.sentence()


def test_one_entry_and_several_leaves() -> None:
    w, b = ur.tensor(np.ones((3, 4)), dtype=ur.float64, requires_grad=True), ur.zeros(3, dtype=ur.float64)
    b.requires_grad_()
    x = ur.tensor(np.arange(4.0), dtype=ur.float64)

    def loss() -> ur.Tensor:
        return ((w @ x + b) ** 2).sum()

    n = nudge(loss, w[1, 3], by=1e-4)
    assert n.what == "w[1, 3]"
    assert n.verdict == "first order"
    assert n.first_order == pytest.approx(2 * 6 * 3 * 1e-4)
    both = nudge(loss, [w[1, 3], b], by=[1e-4, np.array([0.0, 2e-4, 0.0])])
    assert both.first_order == pytest.approx(2 * 6 * 3 * 1e-4 + 2 * 6 * 2e-4)
    assert both.what == "w[1, 3], b"
    assert both.curvature_term == pytest.approx((3e-4 + 2e-4) ** 2)


def test_a_straight_line_has_no_curvature() -> None:
    w = ur.tensor([1.0, 2.0], dtype=ur.float64, requires_grad=True)
    n = nudge(lambda: (3.0 * w).sum(), w[0], by=0.5)
    assert n.curvature_term == 0
    assert n.measured == pytest.approx(1.5)
    assert n.verdict == "first order"


def test_weights_are_restored_bit_for_bit_also_after_an_error() -> None:
    w = ur.tensor([0.1, float("nan"), 0.3], requires_grad=True)
    w.data[1] = 0.7
    bits = w.array.tobytes()
    loss = (w * w).sum()
    nudge(lambda: (w * w).sum(), w, by=0.1)
    assert w.array.tobytes() == bits
    assert w.grad is None
    loss.backward()  # a graph recorded before is right, and knows it
    calls = []

    def breaks() -> ur.Tensor:
        calls.append(w.tolist())
        if w.tolist()[0] > 0.15:
            raise RuntimeError("stop")
        return (w * w).sum()

    with pytest.raises(RuntimeError, match="stop"):
        nudge(breaks, w[0], by=0.1)
    assert w.array.tobytes() == bits
    assert len(calls) > 1


def test_a_graph_recorded_during_the_nudge_refuses_to_be_used() -> None:
    w = ur.tensor([0.1, 0.2], requires_grad=True)
    kept = []

    def loss() -> ur.Tensor:
        with ur.enable_grad():
            kept.append((w * w).sum())
        return kept[-1]

    nudge(loss, w[0], by=0.1)
    with pytest.raises(GradError, match="changed"):
        kept[-2 if len(kept) > 4 else 3].backward()


def test_a_kink_is_named_with_its_line() -> None:
    w = ur.tensor([0.01, 2.0], dtype=ur.float64, requires_grad=True)
    n = nudge(lambda: ur.relu(-w).sum() + ur.relu(w).sum() * 0.1, w[0], by=-0.1)
    assert n.verdict == "kink"
    assert {s.operation for s in n.switches} == {"relu"}
    assert "test_nudge.py" in n.sentence()
    assert "Switched: 1 of 2" in n.sentence()


def test_a_kink_that_is_not_crossed_is_not_blamed() -> None:
    w = ur.tensor([3.0, 2.0], dtype=ur.float64, requires_grad=True)
    n = nudge(lambda: (ur.relu(w).exp()).sum(), w[0], by=3.0)
    assert n.verdict == "higher order"
    assert not n.switches
    assert "parabola" in n.sentence()


def test_a_crossed_kink_that_does_not_matter_is_not_blamed() -> None:
    w = ur.tensor([0.01, 2.0], dtype=ur.float64, requires_grad=True)
    n = nudge(lambda: ur.relu(w).sum() * 1e-9 + (5.0 * w).sum(), w[0], by=-0.1)
    assert n.verdict == "first order"


def test_randomness_is_noticed() -> None:
    w = ur.tensor([1.0, 2.0], dtype=ur.float64, requires_grad=True)
    rng = np.random.default_rng(0)
    n = nudge(lambda: (w * float(rng.normal())).sum(), w[0], by=0.01)
    assert n.verdict == "random"
    assert n.noise > 0
    assert "twice" in n.sentence()


def test_dropout_is_held_still() -> None:
    ur.manual_seed(3)
    w = ur.tensor(np.ones(50), dtype=ur.float64, requires_grad=True)
    state = ur.get_rng_state().tolist()
    n = nudge(lambda: nn.functional.dropout(w * w, 0.5).sum(), w, by=1e-4)
    assert n.verdict == "first order"
    assert n.draws
    assert n.noise == 0
    assert "given the same" in n.text()
    assert ur.get_rng_state().tolist() == state


def test_rounding_is_not_mistaken_for_an_effect() -> None:
    w = ur.tensor([1.0], requires_grad=True)
    assert nudge(lambda: (w * 1e-6).sum() + 1000.0, w[0], by=1e-2).verdict == "rounding"
    assert nudge(lambda: (w * 1e-6).sum(), w[0], by=1e-2).verdict == "first order"


def test_no_change_and_not_finite() -> None:
    w = ur.tensor([-1.0, 1.0], requires_grad=True)
    assert nudge(lambda: ur.relu(w).sum(), w[0], by=1e-2).verdict == "no change"
    assert nudge(lambda: ur.log(w).sum(), w[1], by=1e-2).verdict == "not finite"


def test_a_network() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    x = ur.randn(16, 5, dtype=ur.float64)
    y = ur.randn(16, 1, dtype=ur.float64)
    n = nudge(lambda: nn.functional.mse_loss(model(x), y), model[0].weight[3, 2], by=1e-2)
    assert n.what.endswith("0.weight[3, 2]")
    assert n.error(n.second_order) < 0.01 * max(n.error(n.first_order), 1e-3) + 1e-3
    assert n.to_dict()["verdict"] == n.verdict
    assert "measured" in n.text()


def test_wrong_input() -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    free = ur.tensor([1.0], requires_grad=True)
    with pytest.raises(ArgumentError, match="not a function"):
        nudge((w * w).sum(), w)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="not one number"):
        nudge(lambda: w * w, w)
    with pytest.raises(ArgumentError, match="no nudge"):
        nudge(lambda: (w * w).sum(), w, by=0.0)
    with pytest.raises(ShapeError, match="by has shape"):
        nudge(lambda: (w * w).sum(), w, by=np.ones(3))
    with pytest.raises(GradError, match="does not depend"):
        nudge(lambda: (w * w).sum(), free)
    with pytest.raises(GradError, match="not a leaf"):
        nudge(lambda: (w * w).sum(), w * 2)
    with pytest.raises(GradError, match="does not require"):
        nudge(lambda: (w * w).sum(), ur.ones(2))
    with pytest.raises(ArgumentError, match="too small"):
        nudge(lambda: (w * w).sum(), w[0], by=1e-12)
    assert w.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (0.0, "0%"),
        (1e-9, "under 0.001%"),
        (0.00042, "0.042%"),
        (0.049, "4.9%"),
        (0.5, "50%"),
        (1.01, "101%"),
        (42.0, "42 times"),
        (np.inf, "wholly"),
    ],
)
def test_percentages(part: float, words: str) -> None:
    assert percent(part) == words


def test_text() -> None:
    w = ur.tensor(2.0, dtype=ur.float64, requires_grad=True)
    n = nudge(lambda: (w * 3.0 - 10.0) ** 2, w, by=0.125)
    assert n.text().splitlines() == [
        "Nudge of w, of length 0.125",
        "",
        "  loss before                              16",
        "  loss after                        13.140625",
        "  predicted, gradient × nudge              -3  4.9% off",
        "  predicted, with curvature          -2.85938  0% off",
        "  measured                           -2.85938",
        "",
        "The gradient alone is 4.9% off, because the slope itself changes on the way; with this counted too "
        "(the curvature), 0%.",
    ]
    assert repr(n) == n.text()
