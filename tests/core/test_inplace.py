"""Changing values in place: allowed where it is harmless, an error that names both lines where it is not."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver.errors import DimError, DTypeError, GradError, ShapeError


def leaf(values) -> ur.Tensor:
    return ur.Tensor(np.array(values, np.float64), requires_grad=True)


# What may be changed.


def test_a_leaf_while_recording_is_an_error() -> None:
    w = leaf([1.0, 2.0])
    with pytest.raises(GradError, match="leaf that requires a gradient"):
        w += 1.0
    with pytest.raises(GradError, match=r"no_grad"):
        w[0] = 5.0
    for change in (w.zero_, lambda: w.fill_(1), lambda: w.add_(1), lambda: w.copy_(w.detach() + 1)):
        with pytest.raises(GradError):
            change()
    assert w.tolist() == [1.0, 2.0]


def test_a_leaf_under_no_grad() -> None:
    w = leaf([1.0, 2.0])
    same = w
    with ur.no_grad():
        w += 1.0
        w -= 0.5
        w *= 2.0
        w /= 4.0
        w[0] = 7.0
    assert w is same
    assert w.is_leaf
    assert w.requires_grad
    assert w.tolist() == [7.0, 1.25]


def test_data() -> None:
    w = leaf([1.0, 2.0])
    array = w.array
    w.data += 1.0
    w.data -= ur.Tensor(np.ones(2))
    assert w.array is array
    assert w.tolist() == [1.0, 2.0]
    w.data = ur.Tensor(np.array([5.0, 6.0]))
    assert w.tolist() == [5.0, 6.0]
    assert w.requires_grad
    assert not w.data.requires_grad
    w.data = ur.Tensor(np.ones(3))  # another shape: other memory
    assert w.shape == (3,)


def test_a_result_gets_a_new_recorded_value() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    first = y
    y += 1.0
    y *= x
    y -= 1.0
    y /= 2.0
    y **= 2.0
    assert y is not first
    assert first.tolist() == [2.0, 4.0]
    expected = [((2 * v + 1) * v - 1) / 2 for v in (1.0, 2.0)]
    np.testing.assert_allclose(y.array, np.square(expected))
    y.sum().backward()
    slopes = [2 * e * (4 * v + 1) / 2 for e, v in zip(expected, (1.0, 2.0), strict=True)]
    np.testing.assert_allclose(x.grad.array, slopes)


def test_a_constant_that_takes_in_history_becomes_a_result() -> None:
    x = leaf([1.0, 2.0])
    total = ur.Tensor(np.zeros(2))
    before = total
    total += x * x
    total += x
    assert total is not before
    assert before.tolist() == [0.0, 0.0]
    total.sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]


def test_constants_change_in_place() -> None:
    c = ur.Tensor(np.zeros((2, 2)))
    same = c
    c += 1
    c[0] = ur.Tensor(np.array([5.0, 6.0]))
    c[c > 5.5] = -1.0
    c[:, 1] += 1.0
    assert c is same
    assert c.tolist() == [[5.0, 0.0], [1.0, 2.0]]


def test_item_assignment_with_history_is_recorded() -> None:
    w = leaf([1.0, 2.0, 3.0])
    doubled = w * 2
    doubled[1] = 7.0
    doubled[2] += 1.0
    assert doubled.tolist() == [2.0, 7.0, 7.0]
    (doubled * ur.Tensor([1.0, 10.0, 100.0])).sum().backward()
    assert w.grad.tolist() == [2.0, 0.0, 200.0]


def test_results_are_collected_in_a_tensor_without_history() -> None:
    w = leaf(2.0)
    out = ur.zeros(3)
    for t in range(3):
        out[t] = w**t
    out.sum().backward()
    assert out.tolist() == [1.0, 2.0, 4.0]
    assert w.grad.item() == 1 + 2 * 2.0


def test_whoever_read_the_value_before_an_assignment_is_told() -> None:
    w = leaf([1.0, 2.0])
    x = w * 2
    y = x * x
    x[0] = 0.0
    with pytest.raises(GradError, match="was changed after it ran"):
        y.sum().backward()
    (x * x).sum().backward()
    assert w.grad.tolist() == [0.0, 16.0]


def test_assignment_into_a_view_of_a_result_is_an_error() -> None:
    rows = (leaf([[1.0, 2.0]]) * 2)[0]
    with pytest.raises(GradError, match="is a view"):
        rows[0] = 1.0


def test_what_does_not_fit_in_place() -> None:
    whole = ur.Tensor(np.array([1, 2]))
    with pytest.raises(DTypeError, match="does not fit the dtype int64"):
        whole += 0.5
    with pytest.raises(ShapeError, match=r"shape \[3\] does not fit into \[2\]"):
        whole += ur.Tensor(np.array([1, 2, 3]))
    with pytest.raises(DimError, match=r"item assignment into shape \[2\]"):
        whole[5] = 1


# What was recorded must still be so at backward.


def make(how: str, w: ur.Tensor) -> None:
    """Change ``w`` in one of the many ways there are."""
    with ur.no_grad():
        match how:
            case "iadd":
                w += 1.0
            case "data":
                w.data = w.data + 1.0
            case "data iadd":
                w.data += 1.0
            case "data item":
                w.data[0] = 9.0
            case "detach":
                alias = w.detach()
                alias *= 2.0
            case "item":
                w[0] = 9.0
            case "view":
                w.reshape(2, 1)[0] = 9.0
            case "view of a view":
                w.reshape(2, 1).reshape(1, 2).zero_()
            case "copy_":
                w.copy_(ur.Tensor(np.zeros(2)))
            case "clamp_":
                w.clamp_(0, 1)


HOWS = ["iadd", "data", "data iadd", "data item", "detach", "item", "view", "view of a view", "copy_", "clamp_"]


@pytest.mark.parametrize("how", HOWS)
def test_a_value_changed_after_it_was_recorded_is_an_error(how: str) -> None:
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    make(how, w)
    with pytest.raises(GradError) as caught:
        y.backward()
    message = str(caught.value)
    assert message.startswith("mul: a value of shape [2] that it needs was changed after it ran")
    assert "y = (w * w).sum()" in message
    changed = next(line for line in message.splitlines() if "changed  at" in line)
    assert "test_inplace.py" in changed
    assert "fix" in message
    assert w.grad is None


@pytest.mark.parametrize("how", HOWS)
def test_a_change_that_no_rule_reads_is_fine(how: str) -> None:
    w = leaf([1.0, 2.0])
    y = (w + w * 3.0).sum()
    make(how, w)
    y.backward()
    assert w.grad.tolist() == [4.0, 4.0]


@pytest.mark.parametrize("how", HOWS)
def test_a_change_before_the_forward_pass_is_fine(how: str) -> None:
    w = leaf([1.0, 2.0])
    make(how, w)
    (w * w).sum().backward()
    np.testing.assert_allclose(w.grad.array, 2 * w.array)


def test_an_output_that_a_rule_reads() -> None:
    x = leaf([1.0, 2.0])
    y = ur.exp(x)
    z = y.sum()
    with ur.no_grad():
        y *= 2.0
    with pytest.raises(GradError, match="exp: a value"):
        z.backward()


def test_a_view_recorded_before_its_base_changed() -> None:
    w = leaf([[1.0, 2.0], [3.0, 4.0]])
    row = w.reshape(4)
    y = (row * row).sum()
    w.data[0, 0] = 100.0
    with pytest.raises(GradError, match="mul"):
        y.backward()


def test_a_constant_operand() -> None:
    w, c = leaf([1.0, 2.0]), ur.Tensor(np.ones(2))
    y = (w * c).sum()
    c += 1.0
    with pytest.raises(GradError, match="mul"):
        y.backward()


def test_create_graph_is_refused_just_the_same() -> None:
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    w.data += 1.0
    with pytest.raises(GradError, match="mul"):
        ur.grad(y, w, create_graph=True)


def test_a_training_loop_is_no_change_after_recording() -> None:
    w = leaf(1.0)
    for _ in range(3):
        loss = (w * w).sum()
        w.grad = None
        loss.backward()
        w.data -= 0.1 * w.grad
    assert w.item() == pytest.approx(0.8**3)


def test_views_of_a_result_do_not_alias_into_gradients() -> None:
    x = leaf([1.0, 2.0, 3.0, 4.0])
    y = x.reshape(2, 2)
    z = y.transpose(0, 1)
    (z * ur.Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]))).sum().backward()
    assert x.grad.tolist() == [1.0, 3.0, 2.0, 4.0]
    assert not np.shares_memory(x.grad.array, x.array)


def test_what_was_broadcast_cannot_be_written() -> None:
    with pytest.raises(GradError, match="clone"):
        ur.Tensor(np.zeros((1, 2))).expand(3, 2).zero_()


@pytest.mark.parametrize("name", ["add_", "sub_", "mul_", "div_"])
def test_methods_never_leave_a_result_as_it_was_without_a_word(name: str) -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    result, plain = w * 1.0, ur.ones(2)
    with pytest.raises(GradError, match=name):
        getattr(result, name)(2.0)
    with pytest.raises(GradError, match=name):
        getattr(plain, name)(w)
    assert getattr(plain, name)(2.0) is plain
