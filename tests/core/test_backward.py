"""The backward pass: every path summed, any depth, any width, any order."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import upriver as ur
from upriver.errors import GradError, ShapeError


def leaf(values, dtype=np.float64) -> ur.Tensor:
    return ur.Tensor(np.array(values, dtype), requires_grad=True)


# Shape of the graph.


def test_a_million_operations_in_a_chain() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1e-6
    y.backward()
    assert y.item() == pytest.approx(2.0)
    assert x.grad.item() == 1.0
    del y  # freed without recursion


def test_depth_does_not_use_the_call_stack() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = -y
    limit = sys.getrecursionlimit()
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + 60)
    try:
        (g,) = ur.grad(y, x, create_graph=True)
        graph = ur.Graph.of(y)
        del y
        del graph
    finally:
        sys.setrecursionlimit(limit)
    assert g.item() == 1.0


def test_paths_are_not_enumerated() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y + y
    assert len(ur.Graph.of(y)) == 200
    y.backward()
    assert x.grad.item() == 2.0**200


def test_a_diamond() -> None:
    x = leaf(3.0)
    a = x * 2
    y = (a * a) + (a * 5)
    y.backward()
    assert x.grad.item() == 2 * (2 * 6) + 10


def test_a_result_and_its_leaf_both_used() -> None:
    x = leaf(3.0)
    y = x * x
    (y * x).backward()
    assert x.grad.item() == 27.0


def test_an_unused_input() -> None:
    x, unused = leaf(1.0), leaf(1.0)
    (x * 2).backward()
    assert unused.grad is None
    with pytest.raises(GradError, match="no influence"):
        ur.grad(x * 2, unused)
    assert ur.grad(x * 2, [x, unused], allow_unused=True)[1] is None
    assert ur.grad(x * 2, unused, materialize_grads=True)[0].item() == 0.0


def test_the_same_input_twice() -> None:
    x = leaf([2.0, 3.0])
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 6.0]
    a, b = ur.grad((x * x).sum(), [x, x])
    assert a.tolist() == b.tolist() == [4.0, 6.0]


def test_backward_from_a_leaf_itself() -> None:
    x = leaf(2.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_only_the_path_to_what_is_wanted_is_walked() -> None:
    x, y = leaf(2.0), leaf(3.0)
    middle = x * y
    out = middle * middle
    (g,) = ur.grad(out, middle)
    assert g.item() == 12.0
    assert x.grad is None
    assert y.grad is None
    assert ur.grad(out, [middle, x])[1].item() == 36.0


# What backward() does to .grad.


def test_backward_twice_adds() -> None:
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    first = x.grad
    y.backward()
    assert x.grad is first
    assert x.grad.tolist() == [4.0, 8.0]
    x.grad = None
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_gradient_has_the_shape_and_dtype_of_its_leaf() -> None:
    x = leaf([[1.0], [2.0]], np.float32)
    y = leaf([1.0, 2.0, 3.0], np.float64)
    (x * y).sum().backward()
    assert (x.grad.shape, x.grad.dtype) == ((2, 1), np.float32)
    assert (y.grad.shape, y.grad.dtype) == ((3,), np.float64)


def test_backward_from_many_entries() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(GradError, match=r"shape \[2\].*one number"):
        (x * x).backward()
    (x * x).backward(ur.Tensor(np.array([1.0, 10.0])))
    assert x.grad.tolist() == [2.0, 40.0]
    x.grad = None
    (x * x).backward(gradient=[1.0, 10.0])
    assert x.grad.tolist() == [2.0, 40.0]
    with pytest.raises(ShapeError, match="given gradient"):
        (x * x).backward(ur.Tensor(np.ones(3)))
    (x[:1] * 3).backward()  # one entry is one number, whatever its shape


def test_nothing_to_differentiate() -> None:
    with pytest.raises(GradError, match="does not depend on anything"):
        ur.tensor(1.0).backward()
    with pytest.raises(GradError, match="does not require a gradient"):
        ur.grad(leaf(1.0) * 2, ur.tensor(1.0))
    with ur.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(GradError, match="outside no_grad"):
        y.backward()


def test_the_given_gradient_stays_the_callers() -> None:
    x, g = leaf([1.0, 2.0]), ur.Tensor(np.ones(2))
    (x + 0.0).backward(g)
    x.grad += 1.0
    assert g.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("make", [lambda a, b: a + b, lambda a, b: (a.reshape(2, 2) + b.reshape(2, 2)).reshape(4)])
def test_gradients_of_two_leaves_never_share_memory(make) -> None:
    a, b = leaf([1.0, 2.0, 3.0, 4.0]), leaf([1.0, 2.0, 3.0, 4.0])
    given = ur.Tensor(np.ones(4))
    make(a, b).backward(given)
    assert not np.shares_memory(a.grad.array, b.grad.array)
    assert not np.shares_memory(a.grad.array, given.array)
    a.grad += 1.0
    assert b.grad.tolist() == [1.0] * 4


def test_gradients_returned_never_share_memory() -> None:
    a, b = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    g, h = ur.grad((a + b).sum(), [a, b])
    assert not np.shares_memory(g.array, h.array)


def test_a_gradient_is_writable_even_if_it_was_broadcast() -> None:
    x = leaf([1.0, 2.0, 3.0])
    x.sum().backward()
    x.grad *= 2.0
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_retain_grad() -> None:
    x = leaf(3.0)
    middle = x * 2
    middle.retain_grad()
    (middle * middle).backward()
    assert middle.grad.item() == 12.0
    assert (x * 2).grad is None
    x.retain_grad()  # a leaf has its gradient anyway


def test_accumulation_is_deterministic() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((50, 20)).astype(np.float32)

    def run() -> np.ndarray:
        x = ur.Tensor(values.copy(), requires_grad=True)
        parts = [ur.exp(x * float(k)) for k in range(20)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part * x
        total.sum().backward()
        return x.grad.array

    first = run()
    for _ in range(5):
        assert run().tobytes() == first.tobytes()


# Several outputs.


def test_several_outputs_add_up() -> None:
    x = leaf(2.0)
    a, b = x * x, x * 5
    assert ur.grad([a, b], x)[0].item() == 9.0
    assert ur.grad([a, b], x, [ur.Tensor(np.array(2.0)), ur.Tensor(np.array(1.0))])[0].item() == 13.0


def test_an_output_that_leads_to_another() -> None:
    x = leaf(2.0)
    a = x * x
    b = a * 3
    assert ur.grad([b, a], x)[0].item() == 16.0


# Higher orders.


def test_derivatives_of_a_power_to_the_end() -> None:
    x = leaf(2.0)
    y = x**4
    for expected in (32.0, 48.0, 48.0, 24.0, 0.0):
        (y,) = ur.grad(y, x, create_graph=True, materialize_grads=True)
        assert y.item() == expected
        if not y.requires_grad:
            break


def test_backward_with_create_graph() -> None:
    x = leaf(3.0)
    (x**3).backward(create_graph=True)
    g = x.grad
    assert g.item() == 27.0
    assert g.requires_grad
    (h,) = ur.grad(g, x)
    assert h.item() == 18.0


def test_without_create_graph_nothing_is_recorded() -> None:
    x = leaf(3.0)
    (g,) = ur.grad(x**3, x)
    assert not g.requires_grad
    (x**3).backward()
    assert not x.grad.requires_grad


def test_recording_is_as_before_after_backward() -> None:
    x = leaf(1.0)
    (x * 2).backward()
    assert ur.is_grad_enabled()
    with ur.no_grad():
        with pytest.raises(GradError):
            ur.tensor(1.0).backward()
        assert not ur.is_grad_enabled()


def test_hessian_vector_product() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4, 4))
    v = rng.standard_normal(4)
    x = leaf(rng.standard_normal(4))
    energy = (x @ ur.Tensor(a) @ x) * 0.5
    (g,) = ur.grad(energy, x, create_graph=True)
    (hv,) = ur.grad(g, x, ur.Tensor(v))
    np.testing.assert_allclose(hv.array, (a + a.T) / 2 @ v)


def test_hessian_vector_product_of_a_network() -> None:
    rng = np.random.default_rng(1)
    data = ur.Tensor(rng.standard_normal((8, 3)))
    w1, w2 = leaf(rng.standard_normal((5, 3))), leaf(rng.standard_normal((1, 5)))

    def gradients(w1: ur.Tensor, w2: ur.Tensor, create_graph: bool) -> tuple[ur.Tensor, ...]:
        loss = (ur.nn.functional.linear(ur.tanh(ur.nn.functional.linear(data, w1)), w2) ** 2).mean()
        return ur.grad(loss, [w1, w2], create_graph=create_graph)

    v1, v2 = rng.standard_normal(w1.shape), rng.standard_normal(w2.shape)
    exact = ur.grad(gradients(w1, w2, True), [w1, w2], [ur.Tensor(v1), ur.Tensor(v2)])
    h = 1e-5
    ahead = gradients(leaf(w1.array + h * v1), leaf(w2.array + h * v2), False)
    behind = gradients(leaf(w1.array - h * v1), leaf(w2.array - h * v2), False)
    for e, a, b in zip(exact, ahead, behind, strict=True):
        np.testing.assert_allclose(e.array, (a.array - b.array) / (2 * h), rtol=1e-6, atol=1e-8)


def test_a_gradient_penalty_trains() -> None:
    x, w = leaf([1.0, 2.0]), leaf([0.5, -0.5])
    (g,) = ur.grad((x * w).exp().sum(), x, create_graph=True)
    (g * g).sum().backward()
    e = np.exp(2 * x.array * w.array)
    np.testing.assert_allclose(w.grad.array, 2 * w.array * e + 2 * w.array**2 * x.array * e)


def test_grad_leaves_every_grad_alone() -> None:
    w = ur.tensor(2.0, requires_grad=True)
    y = w * 3.0
    y.retain_grad()
    ur.grad(y * y, w)
    assert w.grad is None
    assert y.grad is None
    (y * y).backward()
    assert y.grad is not None
    assert y.grad.item() == 12.0
