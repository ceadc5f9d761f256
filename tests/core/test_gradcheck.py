"""The proof itself: right gradients pass, wrong ones are found, and it costs the same whatever the size."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver.core.op import CALL, REALS, Formula, Op
from upriver.core.registry import Registry
from upriver.errors import ArgumentError, DTypeError, GradError


def leaf(*shape: int, seed: int = 0) -> ur.Tensor:
    return ur.Tensor(np.random.default_rng(seed).uniform(0.5, 2.0, shape), requires_grad=True)


@pytest.fixture
def operation(monkeypatch: pytest.MonkeyPatch):
    """Makes an operation that the registry does not keep."""
    monkeypatch.setattr(Registry, "add_record", lambda self, op: None)

    def make(forward, vjp) -> Op:
        return Op(
            name="trial", forward=forward, vjps=(vjp,), shape=lambda s: s, dtype=lambda d: d,
            formula=Formula("{0}", "{0}", CALL), domain=REALS, flops=lambda *_: 0, lower=None, cases=(),
        )  # fmt: skip

    return make


@pytest.mark.parametrize("order", [1, 2])
def test_right_gradients_pass(order: int) -> None:
    x, w, b = leaf(4, 3), leaf(2, 3, seed=1), leaf(2, seed=2)
    assert ur.gradcheck(lambda x, w, b: (ur.nn.functional.linear(x, w, b).exp() * b).sum(dim=0), (x, w, b), order=order)


def test_several_outputs_and_inputs_that_do_not_vary() -> None:
    x = leaf(3)
    mask = ur.tensor([True, False, True])
    assert ur.gradcheck(lambda x, mask, n: (ur.where(mask, x * n, 0.0), x.sum(), x > 1), (x, mask, 3), order=2)


def test_an_input_without_influence_and_a_constant_result() -> None:
    assert ur.gradcheck(lambda x, y: x * 2, (leaf(2), leaf(3)), order=2)
    assert ur.gradcheck(lambda x: x.detach() * 0, leaf(2), order=2)


def test_a_gradient_cut_off_is_found() -> None:
    with pytest.raises(GradError, match=r"the gradient with respect to input 0"):
        ur.gradcheck(lambda x: x * x.detach(), leaf(2))


def test_names_the_wrong_entry_with_both_values(operation) -> None:
    wrong = np.ones((4, 5))
    wrong[2, 3] = 1.001
    square = operation(np.square, lambda ct, _y, x: ct * x * 2.0 * wrong)
    x = leaf(4, 5)
    with pytest.raises(GradError, match=r"input 0, shape \[4, 5\], is wrong at \[2, 3\]") as caught:
        ur.gradcheck(square, x)
    said, measured = (float(line.split()[1]) for line in str(caught.value).splitlines()[1:3])
    assert said / measured == pytest.approx(1.001)


def test_finds_a_wrong_second_gradient(operation) -> None:
    def detached(ct, _y, x):
        return ct * (2.0 * (x.detach() if isinstance(x, ur.Tensor) else x))

    square = operation(np.square, detached)
    x = leaf(3)
    assert ur.gradcheck(square, x)
    with pytest.raises(GradError, match="second gradient with respect to input 0"):
        ur.gradcheck(square, x, order=2)


def test_a_point_without_derivative_is_no_proof() -> None:
    with pytest.raises(GradError, match="fix"):
        ur.gradcheck(ur.relu, ur.Tensor(np.zeros(1), requires_grad=True))


def test_near_the_edge_of_the_domain_small_steps_count() -> None:
    x = ur.Tensor(np.array([5e-4, 1.0]), requires_grad=True)
    assert ur.gradcheck(ur.log, x)


def test_not_a_number_is_wrong() -> None:
    with pytest.raises(GradError):
        ur.gradcheck(ur.log, ur.Tensor(np.array([-1.0]), requires_grad=True))


def test_the_number_of_calls_does_not_grow_with_the_size() -> None:
    calls = []

    def counted(x):
        calls.append(x.shape)
        return x * x

    counts = []
    for n in (1, 1000):
        calls.clear()
        ur.gradcheck(counted, leaf(n))
        counts.append(len(calls))
    assert counts[0] == counts[1] < 20


def test_the_inputs_are_left_as_they_were() -> None:
    x = leaf(3)
    before = x.array.copy()
    ur.gradcheck(lambda x: x * 2, x, order=2)
    assert x.grad is None
    np.testing.assert_array_equal(x.array, before)


def test_size_zero() -> None:
    assert ur.gradcheck(lambda x: x.exp().sum(), leaf(0, 2), order=2)


def test_refuses_what_it_cannot_judge() -> None:
    with pytest.raises(DTypeError, match="input 1 is float32, in which a difference of values is mostly rounding"):
        ur.gradcheck(lambda a, b: a + b, (leaf(1), ur.tensor([1.0], requires_grad=True)))
    with pytest.raises(ArgumentError, match="no input requires a gradient"):
        ur.gradcheck(lambda x: x, ur.zeros(1))
    with pytest.raises(ArgumentError, match="no output of the function is floating"):
        ur.gradcheck(lambda x: x > 0, leaf(1))
    with pytest.raises(ArgumentError, match="order 3"):
        ur.gradcheck(lambda x: x, leaf(1), order=3)
    rng = np.random.default_rng(0)
    with pytest.raises(GradError, match="gave different values"):
        ur.gradcheck(lambda x: x * float(rng.random()), leaf(1))
