"""Why a gradient is zero or small: one case for each cause, and beside it one that only looks like it."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import GradError
from upriver.explain.why import why

F = nn.functional


def leaf(*values: float, dtype: object = ur.float32) -> ur.Tensor:
    return ur.tensor(list(values), dtype=dtype, requires_grad=True)


# Closed.


def test_relu_closed_for_all_samples() -> None:
    w = ur.tensor([[1.0, -1.0, 2.0]], requires_grad=True)
    x = ur.tensor([[1.0], [2.0], [3.0]])
    h = ur.relu(x @ w)  # unit 1 is dead
    loss = h.sum()
    loss.backward()
    r = why(w[0, 1])
    assert (r.state, r.cause, r.operation) == ("zero", "closed", "relu")
    assert "h = ur.relu(x @ w)" in r.line
    assert "unit 1 of 3, for all 3 samples" in r.sentence
    assert "from -3 to -1" in r.sentence
    assert r.numbers["bound"] == 0.0
    assert r.what == "w[0, 1]"


def test_relu_closed_for_some_samples_only() -> None:
    w = ur.tensor([[1.0, -1.0, 2.0]], requires_grad=True)
    x = ur.tensor([[1.0], [-2.0], [3.0]])
    loss = ur.relu(x @ w).sum()
    loss.backward()
    assert why(w[0, 1]).cause == "ordinary"


def test_relu_closed_in_a_module() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1))
    model[0].bias.data[2] = -100.0
    loss = model(ur.randn(8, 4)).sum()
    loss.backward()
    for asked in (model[0].weight[2, 1], model[0].bias[2]):
        r = why(asked)
        assert (r.cause, r.module) == ("closed", "1")
        assert "unit 2 of 6, for all 8 samples" in r.sentence
    r = why(model[2].weight[0, 2])  # its input is the dead unit
    assert r.cause == "closed"
    assert "multiplies by a value that is 0" in r.sentence
    assert r.operation == "relu"
    assert why(model[2].weight[0, 1]).cause != "closed"


def test_a_leaky_relu_is_never_closed() -> None:
    w = leaf(-3.0)
    loss = F.leaky_relu(w).sum()
    loss.backward()
    assert why(w).cause == "ordinary"


def test_a_dead_channel() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    model[0].bias.data[1] = -1e3
    loss = model(ur.randn(3, 1, 8, 8)).sum()
    loss.backward()
    r = why(model[0].weight[1, 0, 0, 0])
    assert (r.cause, r.module) == ("closed", "1")
    assert "in channel 1 of 4, for all 3 samples" in r.sentence
    assert why(model[0].weight[2, 0, 0, 0]).cause == "ordinary"


def test_a_saturated_cross_entropy() -> None:
    z = ur.tensor([[500.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(z, ur.tensor([0], dtype=ur.int64))
    loss.backward()
    assert (why(z).state, why(z).cause) == ("zero", "saturated")
    y = ur.tensor([[3.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(y, ur.tensor([0], dtype=ur.int64))
    loss.backward()
    assert why(y).cause == "ordinary"


def test_clamp_outside_and_inside() -> None:
    x = leaf(5.0, 0.5)
    loss = (x.clamp(0.0, 1.0) * 3).sum()
    loss.backward()
    r = why(x[0])
    assert (r.cause, r.operation) == ("closed", "clamp")
    assert r.numbers["bound"] == pytest.approx(1.0, abs=1e-4)
    assert "below 1" in r.sentence
    assert why(x[1]).cause == "ordinary"


def test_a_step_function_and_a_smooth_one() -> None:
    x = leaf(1.3, 2.6)
    loss = (x.floor() * 2).sum()
    loss.backward()
    assert why(x).cause == "step"
    y = leaf(1.3, 2.6)
    loss = (y.exp() * 2).sum()
    loss.backward()
    assert why(y).cause == "ordinary"


# Saturated.


def test_a_saturated_sigmoid_with_its_factor() -> None:
    w = leaf(10.4)
    loss = (ur.sigmoid(w) * 1.0).sum()
    loss.backward()
    r = why(w)
    assert (r.state, r.cause, r.operation) == ("small", "saturated", "sigmoid")
    assert r.numbers["slope"] == pytest.approx(3.04e-5, rel=0.01)
    assert "3.0" in r.sentence
    assert "ur.sigmoid(w)" in r.line


@pytest.mark.parametrize(("function", "x"), [(ur.sigmoid, 60.0), (ur.tanh, 30.0), (ur.tanh, -30.0)])
def test_saturated_to_exactly_zero(function: object, x: float) -> None:
    w = leaf(x)
    loss = function(w).sum()
    loss.backward()
    assert w.grad.item() == 0
    r = why(w)
    assert (r.state, r.cause) == ("zero", "saturated")


def test_a_small_factor_is_not_a_saturated_function() -> None:
    w = leaf(0.3)
    loss = (ur.sigmoid(w) * 1e-9).sum()
    loss.backward()
    r = why(w)
    assert (r.state, r.cause, r.operation) == ("small", "small factor", "mul")
    assert r.numbers["factor"] == pytest.approx(1e-9)
    v = leaf(2.0)
    loss = ur.sigmoid(v).sum()
    loss.backward()
    assert why(v).cause == "ordinary"


def test_a_square_near_its_minimum_is_not_saturated() -> None:
    w = leaf(1e-5)
    loss = (w**2).sum()
    loss.backward()
    assert why(w).cause == "ordinary"
    u = leaf(0.0)
    loss = (u**2).sum()
    loss.backward()
    assert (why(u).state, why(u).cause) == ("zero", "flat point")


def test_a_saturated_softmax() -> None:
    z = leaf(200.0, 0.0, -50.0)
    loss = (ur.softmax(z, 0) * ur.tensor([1.0, 2.0, 3.0])).sum()
    loss.backward()
    r = why(z)
    assert (r.state, r.cause, r.operation) == ("zero", "saturated", "softmax")
    y = leaf(2.0, 0.0, -5.0)
    loss = (ur.softmax(y, 0) * ur.tensor([1.0, 2.0, 3.0])).sum()
    loss.backward()
    assert why(y).cause == "ordinary"


# Masked, not selected, not chosen.


def test_masked_by_dropout_or_not() -> None:
    ur.manual_seed(1)
    w = ur.ones(20, requires_grad=True)
    loss = (F.dropout(w, 0.5) * 2).sum()
    loss.backward()
    dropped = int(np.flatnonzero(w.grad.array == 0)[0])
    kept = int(np.flatnonzero(w.grad.array)[0])
    r = why(w[dropped])
    assert (r.cause, r.operation) == ("masked", "dropout")
    assert "F.dropout" in r.line
    assert why(w[kept]).cause == "ordinary"


def test_masked_by_a_condition() -> None:
    w = leaf(1.0, 2.0)
    loss = ur.where(ur.tensor([True, False]), w, 0.0).sum()
    loss.backward()
    assert why(w[1]).cause == "masked"
    assert why(w[0]).cause == "ordinary"


def test_not_selected_by_an_index() -> None:
    w = leaf(1.0, 2.0, 3.0)
    loss = (w[:2] * 2).sum() + (w[[0, 1]] ** 2).sum()
    loss.backward()
    r = why(w[2])
    assert r.cause == "not selected"
    assert why(w[0]).cause == "ordinary"


def test_an_embedding_row_that_was_not_looked_up() -> None:
    table = nn.Embedding(5, 3)
    loss = table(ur.tensor([0, 3], dtype=ur.int64)).sum()
    loss.backward()
    assert why(table.weight[1, 0]).cause == "not selected"
    assert why(table.weight[3, 0]).cause == "ordinary"


@pytest.mark.parametrize("choose", [lambda x: x.max(), lambda x: ur.maximum(x, ur.tensor([2.0, 0.0, 2.0])).sum()])
def test_not_chosen(choose: object) -> None:
    w = leaf(1.0, 5.0, 1.5)
    loss = choose(w) * 2
    loss.backward()
    r = why(w[0])
    assert r.cause == "not chosen"
    assert why(w[1]).cause == "ordinary"


# Zero factors.


def test_multiplied_by_zero_inputs() -> None:
    w = ur.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    x = ur.tensor([[0.0, 1.0], [0.0, 2.0]])
    loss = (x @ w).sum()
    loss.backward()
    r = why(w[0, 1])
    assert r.cause == "zero input"
    assert "multiplies by x" in r.sentence
    assert why(w[1, 1]).cause == "ordinary"


def test_multiplied_by_zero_weights() -> None:
    w, v = leaf(1.0, 2.0), leaf(0.0, 3.0)
    loss = (w * v).sum()
    loss.backward()
    r = why(w[0])
    assert r.cause == "zero weights"
    assert "multiplies by v" in r.sentence
    assert why(w[1]).cause == "ordinary"


def test_parts_that_cancel() -> None:
    ur.manual_seed(0)
    b = ur.zeros(3, requires_grad=True, dtype=ur.float64)
    x = ur.randn(16, 3, dtype=ur.float64)
    loss = (F.batch_norm(x + b, None, None, training=True) ** 3).sum()
    loss.backward()
    assert why(b).cause == "cancels"
    c = ur.zeros(3, requires_grad=True, dtype=ur.float64)
    loss = ((F.batch_norm(x, None, None, training=True) + c) ** 3).sum()
    loss.backward()
    assert why(c).cause == "ordinary"
    d = leaf(2.0)
    loss = (d - d).sum()
    loss.backward()
    assert (why(d).state, why(d).cause) == ("zero", "cancels")


def test_uses_that_cancel_where_others_are_zero() -> None:
    w, c = leaf(1.0, 2.0), ur.tensor([3.0, 0.0])
    loss = (w * c - w * c).sum()
    loss.backward()
    assert why(w).cause == "cancels"
    assert why(w[1]).cause == "zero input"


def test_parts_that_cancel_far_above() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.LayerNorm(8))
    loss = model(ur.randn(5, 4)).sum()  # each row of the result adds up to zero, whatever the weights
    loss.backward()
    r = why(model[0].weight)
    assert (r.state, r.cause, r.module) == ("small", "cancels", "2")
    loss = (model(ur.randn(5, 4)) ** 2 * ur.arange(8)).mean()
    model.zero_grad()
    loss.backward()
    assert why(model[0].weight).cause == "ordinary"


def test_underflow() -> None:
    w = leaf(1.0)
    loss = (w * 1e-30 * 1e-30).sum()
    loss.backward()
    assert (why(w).state, why(w).cause) == ("zero", "underflow")
    v = leaf(1.0)
    loss = (v * 1e-15 * 1e-15).sum()
    loss.backward()
    assert why(v).cause == "small factor"


def test_a_zero_to_start_from() -> None:
    w = leaf(1.0, 2.0)
    loss = w * 2
    start = ur.zeros(2)
    loss.backward(start)
    assert why(w).cause == "zero cotangent"
    del start
    with pytest.raises(GradError, match="given to backward"):
        why(w)


def test_deep_stacks_are_walked_to_the_first_cause() -> None:
    ur.manual_seed(0)
    layers = [m for _ in range(30) for m in (nn.Linear(8, 8), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
    model[60].bias.data.fill_(-1e3)
    loss = model(ur.randn(4, 8)).sum()
    loss.backward()
    r = why(model[0].weight)
    assert (r.state, r.cause, r.operation, r.module) == ("zero", "closed", "relu", "61")
    assert "at all 32 entries (4 samples)" in r.sentence
