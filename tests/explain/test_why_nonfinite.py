"""Why a loss or a gradient is NaN or infinite: one case for each cause, and beside it one that only looks like it."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.explain.why import why

F = nn.functional


def leaf(*values: float) -> ur.Tensor:
    return ur.tensor(list(values), requires_grad=True)


@pytest.mark.parametrize(
    ("function", "bad", "good", "operation"),
    [
        (ur.log, -0.3, 0.3, "log"),
        (ur.sqrt, -2.0, 2.0, "sqrt"),
        (ur.acos, 1.5, 0.5, "acos"),
        (ur.log1p, -1.5, -0.5, "log1p"),
        (lambda x: x**0.5, -1.0, 1.0, "pow"),
    ],
)
def test_outside_the_domain(function: object, bad: float, good: float, operation: str) -> None:
    w = leaf(1.0, bad) if operation != "acos" else leaf(0.1, bad)
    loss = (function(w) * 2).mean()
    r = why(loss)
    assert (r.state, r.cause, r.operation) == ("not finite", "outside the domain", operation)
    assert r.numbers["input"] == pytest.approx(bad)
    assert "test_why_nonfinite.py" in r.line
    v = leaf(0.1, good)
    loss = function(v).mean()
    loss.backward()
    assert why(loss).cause == "ordinary"
    assert why(v).cause == "ordinary"


def test_the_sentence_shows_the_number() -> None:
    w = leaf(-0.3)
    loss = ur.log(w).sum()
    assert why(loss).sentence.startswith("log(-0.3) is not a number: log is defined for inputs above 0")


def test_the_sentence_names_both_bounds_and_counts() -> None:
    w = leaf(0.1, 1.5, -3.0)
    loss = ur.acos(w).sum()
    r = why(loss)
    assert "defined for inputs between -1 and 1, and 2 entries of 3 are not, first at [1]" in r.sentence
    assert r.finding == "loss is NaN."


def test_logarithm_of_zero_and_division_by_zero() -> None:
    w = leaf(1.0, 0.0)
    loss = ur.log(w).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("pole", "log")
    assert "log(0) is infinite" in r.sentence
    loss = (1.0 / w).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("pole", "div")
    assert "1 / 0 is infinite" in r.sentence
    loss = (w / w).sum()
    assert "0 / 0 is NaN" in why(loss).sentence
    loss = (w / (w + 1e-3)).sum()
    assert why(loss).cause == "ordinary"


def test_negative_divisors_are_inside_the_domain() -> None:
    w = leaf(1.0, 0.0)
    loss = (ur.tensor([-1.0, 1.0]) / w / ur.tensor([-2.0, -2.0])).sum()
    r = why(loss)
    assert r.cause == "pole"
    assert r.numbers["input"] == 0


def test_overflow() -> None:
    w = leaf(1.0, 103.0)
    y = ur.exp(w)
    loss = (y - y).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("overflow", "exp")
    assert r.numbers["input"] == 103
    assert "y = ur.exp(w)" in r.line
    v = leaf(1.0, 80.0)
    assert why(ur.exp(v).sum()).cause == "ordinary"
    big = ur.tensor(np.full((4, 4), 1e30), dtype=ur.float32)
    big.requires_grad_()
    assert why((big @ big).sum()).operation == "matmul"


def test_bad_data_and_bad_weights() -> None:
    w = leaf(1.0, 2.0)
    x = ur.tensor([3.0, float("nan")])
    loss = (w * x).sum()
    r = why(loss)
    assert r.cause == "bad data"
    assert "x, which is data, is NaN already: 1 of its 2 entries, first at [1]" in r.sentence
    loss.backward()
    assert why(w).cause == "bad data"
    v = leaf(float("inf"), 1.0)
    assert why((v * 2).sum()).cause == "bad weights"
    assert why((w * ur.tensor([3.0, 1e30])).sum()).cause == "ordinary"


def test_a_mask_of_minus_infinity_is_not_the_cause() -> None:
    w = leaf(1.0, 2.0, -0.5)
    masked = w.masked_fill(ur.tensor([False, True, False]), float("-inf"))
    p = ur.softmax(masked, 0)
    loss = (p * ur.log(w)).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("outside the domain", "log")
    loss = p.sum()
    assert why(loss).cause == "ordinary"


def test_nan_is_followed_before_infinity() -> None:
    w, big = leaf(-1.0), leaf(1e30)
    loss = (ur.log(w) * (big * 1e30)).sum()
    assert (why(loss).cause, why(loss).operation) == ("outside the domain", "log")
    loss = ((big * 1e30) * ur.log(w)).sum()
    assert (why(loss).cause, why(loss).operation) == ("outside the domain", "log")


def test_infinity_in_data_is_not_taken_for_a_mask() -> None:
    w = leaf(1.0, 2.0, 3.0)
    x = ur.tensor([float("inf"), 2.5, -0.5])
    y = w * x
    loss = (y - y).sum()
    assert why(loss).cause == "bad data"


def test_a_row_that_is_masked_as_a_whole() -> None:
    w = leaf(1.0, 2.0)
    loss = ur.softmax(w.masked_fill(ur.tensor([True, True]), float("-inf")), 0).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("indeterminate", "softmax")


def test_one_row_of_several_is_masked_as_a_whole() -> None:
    w = ur.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    mask = ur.tensor([[True, True], [False, True]])
    loss = ur.softmax(w.masked_fill(mask, float("-inf")), 1).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("indeterminate", "softmax")


def test_infinity_minus_infinity_is_traced_to_the_overflow() -> None:
    w = leaf(200.0)
    a, b = ur.exp(w), ur.exp(w + 1.0)
    loss = (a - b).sum()
    assert why(loss).operation == "exp"


def test_the_mean_of_nothing() -> None:
    w = leaf(1.0, 2.0)
    loss = w[2:].mean()
    assert why(loss).cause == "empty"
    assert why(w[1:].mean()).cause == "ordinary"


# Only in a gradient.


def test_the_root_at_zero() -> None:
    w = leaf(0.0, 4.0)
    loss = ur.sqrt(w).sum()
    loss.backward()
    r = why(w)
    assert (r.state, r.cause, r.operation) == ("not finite", "infinite slope", "sqrt")
    assert "ur.sqrt(w)" in r.line
    assert r.finding == "The gradient of w is infinite in 1 of 2 entries."
    assert why(w[1]).cause == "ordinary"
    v = leaf(0.0, 4.0)
    loss = ur.sqrt(v + 1e-3).sum()
    loss.backward()
    assert why(v).cause == "ordinary"


def test_zero_times_infinity_behind_a_mask() -> None:
    x = leaf(0.0, 2.0)
    loss = ur.where(x > 0, ur.log(x), 0.0).sum()
    assert np.isfinite(loss.item())
    loss.backward()
    r = why(x[0])
    assert (r.cause, r.operation) == ("zero times infinity", "log")
    y = leaf(0.0, 2.0)
    loss = ur.where(y > 0, ur.log(ur.where(y > 0, y, 1.0)), 0.0).sum()
    loss.backward()
    assert why(y[1]).cause == "ordinary"
    assert why(y[0]).cause == "masked"


def test_bad_data_masked_too_late() -> None:
    w = ur.tensor([[1.0], [2.0]], requires_grad=True)
    x = ur.tensor([[1.0, 2.0], [float("nan"), 3.0]])
    keep = ur.tensor([[True], [False]])
    loss = ur.where(keep, x @ w, 0.0).sum()
    assert np.isfinite(loss.item())
    loss.backward()
    r = why(w)
    assert (r.state, r.cause) == ("not finite", "masked too late")
    assert "x, which is data, is NaN already" in r.sentence
    v = ur.tensor([[1.0], [2.0]], requires_grad=True)
    loss = ur.where(keep, ur.where(keep, x, 0.0) @ v, 0.0).sum()
    loss.backward()
    assert why(v).cause == "ordinary"


def test_a_loss_that_was_not_recorded() -> None:
    w = leaf(-1.0)
    with ur.no_grad():
        loss = ur.log(w).sum()
    r = why(loss)
    assert (r.state, r.cause) == ("not finite", "no history")
    assert "outside no_grad()" in r.fix


def test_an_intermediate_result() -> None:
    w = leaf(-1.0, 2.0)
    h = ur.log(w)
    loss = (h * 2).sum()
    loss.backward()
    r = why(h)
    assert (r.what, r.cause) == ("h", "outside the domain")
    assert r.finding == "h is NaN in 1 of 2 entries."


def test_a_softmax_by_hand() -> None:
    z = leaf(100.0, 0.0)
    e = ur.exp(z)
    loss = (e / e.sum()).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("overflow", "exp")
    assert "e = ur.exp(z)" in r.line


def test_a_power_at_zero() -> None:
    w = leaf(0.0, 1.0)
    loss = (w**0.5).sum()
    loss.backward()
    assert (why(w).cause, why(w).operation) == ("infinite slope", "pow")
    v = leaf(0.0, 1.0)
    loss = (v**1.5).sum()
    loss.backward()
    assert why(v[0]).state == "zero"
    assert why(v[1]).cause == "ordinary"


def test_zero_divided_by_its_norm() -> None:
    w = leaf(0.0, 0.0)
    loss = (w / w.norm()).sum()
    r = why(loss)
    assert (r.cause, r.operation) == ("pole", "div")
    assert "0 / 0 is NaN" in r.sentence


def test_overflow_in_a_gradient() -> None:
    w = leaf(1.0)
    loss = (w * 1e-30 * 1e30 * 1e-30 * 1e30).sum()
    loss.backward()
    assert why(w).cause == "ordinary"
    v = leaf(1e-30)
    loss = (v * 1e25 * 1e25).sum()
    loss.backward()
    r = why(v)
    assert (r.state, r.cause, r.operation) == ("not finite", "overflow", "mul")


def test_a_network_with_one_bad_log() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=1))
    model[0].weight.data.fill_(0)
    model[0].bias.data[0] = 500.0
    loss = -ur.log(model(ur.randn(5, 3))).mean()
    r = why(loss)
    assert (r.cause, r.operation) == ("pole", "log")
    assert np.isfinite(F.log_softmax(model[0](ur.randn(5, 3)), 1).mean().item())
