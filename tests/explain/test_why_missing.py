"""Why there is no gradient, or not the one expected: each cause, and beside it one that only looks like it."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, GradError
from upriver.explain.why import why


@pytest.fixture(autouse=True)
def _nothing_was_run() -> None:
    gc.collect()
    ur.core.state.backwards.clear()


def leaf(*values: float) -> ur.Tensor:
    return ur.tensor(list(values), requires_grad=True)


# Detached.


def test_detached_at_a_line() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = w * 3
    cut = h.detach()
    loss = (cut * v).sum()
    loss.backward()
    for r in (why(w), why(w.grad), why(w[1]), why(w, loss=loss)):
        assert (r.state, r.cause, r.operation) == ("none", "detached", "mul")
        assert "cut = h.detach()" in r.line
        assert r.what.startswith("w")
    assert why(v).cause == "ordinary"


def test_detached_by_data() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = w * 3
    loss = (h.data * v).sum()
    loss.backward()
    assert why(w).cause == "detached"
    assert "h.data * v" in why(w).line


def test_a_detached_branch_beside_a_live_one() -> None:
    w = leaf(1.0, 2.0)
    h = w * 3
    loss = (h.detach() * w).sum()
    loss.backward()
    assert why(w).cause == "ordinary"


def test_the_leaf_itself_detached() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    cut = w.detach()
    loss = (cut * v).sum()
    loss.backward()
    assert why(w).cause == "detached"
    assert "cut = w.detach()" in why(w).line


def test_another_value_detached_is_not_blamed() -> None:
    w, u, v = leaf(1.0, 2.0), leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = u * 3
    loss = (h.detach() * v).sum()
    loss.backward()
    assert why(w).cause == "unused"
    assert why(u).cause == "detached"


def test_a_detached_value_whose_history_is_gone_is_only_suspected() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    loss = ((w * 3).detach() * v).sum()
    loss.backward()
    r = why(w)
    assert r.cause == "cut or unused"
    assert "(w * 3).detach()" in r.line


def test_the_loss_itself_has_no_history() -> None:
    w = leaf(1.0, 2.0)
    with ur.no_grad():
        loss = (w * 2).sum()
    assert why(w, loss=loss).cause == "no history"
    whole = (w * 2).sum()
    assert why(w, loss=whole.detach()).cause == "detached"
    assert why(w, loss=whole).cause == "not computed"


# Unused, late, not required.


def test_never_used() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    loss = model[0](ur.ones(1, 2)).sum()
    loss.backward()
    r = why(model[1].weight)
    assert (r.state, r.cause) == ("none", "unused")
    assert "has no gradient" in r.finding
    assert why(model[0].weight).cause == "ordinary"


def test_none_is_understood_from_the_line() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    loss = (v * 2).sum()
    loss.backward()
    assert w.grad is None
    r = why(w.grad)
    assert (r.what, r.cause) == ("w", "unused")
    layers = [nn.Linear(2, 2)]
    r = why(
        layers[0].weight.grad,
    )
    assert r.cause == "unused"
    nothing = None
    with pytest.raises(ArgumentError, match="None was asked about"):
        why(nothing)


def test_not_required_and_integers() -> None:
    w, x, n = leaf(1.0, 2.0), ur.ones(2), ur.tensor([1, 2], dtype=ur.int64)
    loss = (w * x * n).sum()
    loss.backward()
    assert why(x).cause == "not required"
    assert why(n).cause == "integers"
    assert why(w).cause == "ordinary"


def test_required_too_late() -> None:
    w, x = leaf(1.0, 2.0), ur.ones(2)
    loss = (w * x).sum()
    x.requires_grad_()
    loss.backward()
    r = why(x)
    assert (r.cause, r.operation) == ("late", "mul")


def test_a_function_tells_a_cut_from_a_weight_never_used() -> None:
    w, v, u = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0)

    def loss() -> ur.Tensor:
        with ur.no_grad():
            h = w * 3
        return (h * v).sum()

    r = why(w, loss=loss)
    assert (r.state, r.cause) == ("none", "cut")
    assert r.numbers["change"] != 0
    assert why(u, loss=loss).cause == "unused"
    assert why(v, loss=loss).cause == "ordinary"
    assert w.tolist() == [1.0, 2.0]
    assert why(w, loss=loss()).cause == "unused"  # one run alone cannot tell


def test_comparisons_in_a_full_recording() -> None:
    w, u, v = leaf(1.0, 2.0), leaf(1.0, 2.0), leaf(3.0, 4.0)
    with ur.core.state.tracing():
        loss = ((w > 1.5).float() * (u * 2 > 1.5).float() * v).sum()
    loss.backward()
    assert (why(w).cause, why(w).operation) == ("no derivative", "gt")
    assert (why(u).cause, why(u).operation) == ("cut above", "mul")
    assert why(v).cause == "ordinary"


# Not computed, cleared.


def test_not_computed_is_not_zero() -> None:
    w = leaf(1.0, 2.0)
    assert why(w).cause == "not computed"
    loss = (w * 2).sum()
    r = why(w, loss=loss)
    assert (r.state, r.cause) == ("none", "not computed")
    assert r.finding == "w has no gradient: .grad is None."
    loss.backward()
    assert why(w).cause == "ordinary"


@pytest.mark.parametrize("set_to_none", [True, False])
def test_cleared_since(set_to_none: bool) -> None:
    w = leaf(1.0, 2.0)
    optimizer = ur.optim.SGD([w], lr=0.1)
    loss = (w * 2).sum()
    loss.backward()
    optimizer.zero_grad(set_to_none=set_to_none)
    r = why(w)
    assert r.cause == "cleared"
    assert "loss.backward()" in r.line


def test_the_gradient_of_a_result() -> None:
    w = leaf(1.0, 2.0)
    h = w * 2
    k = w * 3
    k.retain_grad()
    loss = (h * h + k).sum()
    loss.backward()
    assert why(h).cause == "not a leaf"
    assert why(k).cause == "ordinary"
    other = w * 5
    assert why(other, loss=loss).cause == "unused"


# Added up.


def test_backward_twice() -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    loss.backward()
    assert why(w).cause == "ordinary"
    loss.backward()
    for r in (why(w), why(w.grad), why(w[1]), why(w.grad[1])):
        assert (r.state, r.cause, r.numbers["times"]) == ("accumulated", "added up", 2.0)
        assert "loss.backward()" in r.line
    assert why(w.grad[1]).what == "w[1]"


@pytest.mark.parametrize("turn", [lambda g: g, np.asfortranarray, lambda g: np.asfortranarray(g)[::1, ::1]])
def test_entries_of_a_gradient_are_found_by_their_memory(turn: object) -> None:
    w = ur.tensor(np.arange(1.0, 13.0).reshape(3, 4), requires_grad=True)
    loss = (w * ur.relu(w - 6.5)).sum()
    loss.backward()
    w.grad.array = turn(w.grad.array)
    assert why(w.grad[2, 1]).what == "w[2, 1]"
    assert why(w.grad[-1][0]).what == "w[2, 0]"
    assert why(w.grad[1, 0]).state == "zero"
    assert why(w.grad[1, 2]).state == "ordinary"
    column = ur.tensor([[1.0], [2.0]], requires_grad=True)
    loss = (column * 2).sum()
    loss.backward()
    assert why(column.grad[1, 0]).what == "column[1, 0]"


def test_two_batches_added_up() -> None:
    w = leaf(1.0, 2.0)
    losses = [(w * x).sum() for x in (ur.tensor([1.0, 5.0]), ur.tensor([3.0, -1.0]))]
    for one in losses:
        one.backward()
    r = why(w)
    assert (r.state, r.cause, r.numbers["times"]) == ("accumulated", "added up", 2.0)
    w.grad = None
    losses[1].backward()
    assert why(w).cause == "ordinary"


def test_a_loss_twice_as_large_is_not_two_passes() -> None:
    w = leaf(1.0, 2.0)
    loss = 2 * (w * w).sum()
    loss.backward()
    assert why(w).cause == "ordinary"


def test_clipped_and_mixed() -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    loss.backward()
    nn.utils.clip_grad_norm_([w], 1.0)
    r = why(w)
    assert r.cause == "scaled"
    assert r.numbers["scale"] == pytest.approx(1 / np.sqrt(20), rel=1e-4)
    w.grad = None
    (w * ur.tensor([7.0, -3.0])).sum().backward()  # this loss is gone at once
    loss = (w * w).sum()
    loss.backward()
    assert why(w).cause == "mixed"


def test_of_two_losses_the_right_one_is_asked() -> None:
    w, v = leaf(1.0, -2.0), leaf(3.0, 4.0)
    first = ur.relu(w).sum()
    first.backward()
    second = (v * 2).sum()
    second.backward()
    r = why(w[1])
    assert (r.cause, r.operation) == ("closed", "relu")
    r = why(w, loss=second)
    assert r.cause == "unused"
    assert "what .grad holds is of another" in r.finding


# Huge.


def test_a_large_factor_is_named() -> None:
    w = leaf(1.0, 2.0)
    loss = (ur.exp(w * 10) * 1e-3).sum()
    loss.backward()
    r = why(w)
    assert (r.state, r.cause, r.operation) == ("large", "large factor", "exp")
    assert r.numbers["factor"] == pytest.approx(np.exp(20), rel=1e-4)
    assert r.numbers["product"] == pytest.approx(float(w.grad[1]), rel=1e-4)
    v = leaf(1.0)
    loss = (v * 1e-5 * 1e5 * 3).sum()
    loss.backward()
    assert why(v).cause == "ordinary"


def deep(activation: object, gain: float) -> nn.Module:
    ur.manual_seed(0)
    layers = [m for _ in range(14) for m in (nn.Linear(8, 8), activation())]
    model = nn.Sequential(*layers, nn.Linear(8, 1))
    for p in model.parameters():
        p.data *= gain
    return model


def test_vanishing_and_exploding() -> None:
    x = ur.randn(16, 8)
    model = deep(nn.Sigmoid, 1.0)
    loss = (model(x) ** 2).mean()
    loss.backward()
    r = why(model[0].weight)
    assert (r.state, r.cause) == ("small", "vanishing")
    assert r.numbers["factors"] == 31
    assert why(model[28].weight).cause == "ordinary"
    model = deep(nn.ReLU, 8.0)
    loss = model(x).mean()
    loss.backward()
    r = why(model[0].weight)
    assert (r.state, r.cause, r.operation) == ("large", "exploding", "linear")
    model = deep(nn.ReLU, 2.0)
    loss = model(x).mean()
    loss.backward()
    assert why(model[0].weight).cause == "ordinary"


# What is said.


def test_findings() -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    loss.backward()
    assert why(w).finding == "The gradient of w is up to 4 in magnitude, and its norm is 4.472."
    assert why(w[1]).finding == "The gradient of w[1] is 4."
    v = leaf(-1.0, -2.0)
    loss = ur.relu(v).sum()
    loss.backward()
    assert why(v).finding == "The gradient of v is zero, in all of its 2 entries."
    assert why(v[0]).finding == "The gradient of v[0] is zero."
    assert repr(why(v)) == why(v).text()
    assert max(map(len, why(v).text().splitlines()[1:])) < 120


# Wrong input.


def test_when_nothing_can_be_told() -> None:
    w = leaf(1.0, 2.0)
    (w * w).sum().backward()
    with pytest.raises(GradError, match="is gone"):
        why(w)
    loss = (w * w).sum()
    w.grad = None
    loss.backward()
    ur.optim.SGD([w], lr=0.1).step()
    with pytest.raises(GradError, match="changed after"):
        why(w)
    with pytest.raises(ArgumentError, match="not a tensor"):
        why(3.0)
    with pytest.raises(ArgumentError, match="not a tensor"):
        why(w, loss=2.0)  # type: ignore[arg-type]


def test_nothing_is_changed_by_asking() -> None:
    w = leaf(1.0, -2.0)
    h = ur.relu(w)
    h.retain_grad()
    loss = h.sum()
    assert why(w, loss=loss).cause == "not computed"
    assert h.grad is None
    assert w.grad is None
    loss.backward()
    before = w.grad.tolist(), h.grad.tolist()
    for _ in range(2):
        assert why(w[1]).cause == "closed"
    assert (w.grad.tolist(), h.grad.tolist()) == before


def test_inside_no_grad_and_as_data() -> None:
    w = leaf(1.0, -2.0)
    loss = ur.relu(w * 1.0).sum()
    loss.backward()
    with ur.no_grad():
        r = why(w.grad[1])
    assert r.cause == "closed"
    assert r.to_dict()["cause"] == "closed"
    assert str(r) == r.text()
    assert "  at      tests/explain/test_why_missing.py" in r.text()


def test_a_large_network_is_answered() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    model[2].bias.data[7] = -1e4
    x, y = ur.randn(64, 784), ur.randint(0, 10, (64,))
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    assert why(model[2].weight[7, 3]).cause == "closed"
    assert why(model[0].weight).cause == "ordinary"


# The backward pass of another loss.


def test_not_computed_yet_though_another_loss_had_its_backward() -> None:
    v = leaf(1.0, 2.0)
    other = (v * 2).sum()
    other.backward()
    w = leaf(3.0, 4.0)
    loss = (w * w).sum()
    for r in (why(w), why(w.grad), why(w[1])):
        assert (r.state, r.cause) == ("none", "not computed")
        assert "a path leads from it to loss" in r.sentence
        assert r.fix == "Call loss.backward()."
    assert loss.node is not None


def test_a_result_that_does_not_use_it_is_not_waited_for() -> None:
    v, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    other, loss = (v * 2).sum(), (v * v).sum()
    other.backward()
    assert why(w).cause == "unused"
    assert loss.node is not None


def test_a_detached_use_is_not_waited_for() -> None:
    v, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    other = (v * 2).sum()
    other.backward()
    loss = (w.detach() * v).sum()
    assert why(w).cause == "unused"
    assert why(w, loss=loss).cause == "detached"
