"""What a recording holds, and what cannot be recorded: the error names the user's line and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.compile.recording.record import constant, record
from upriver.compile.recording.recording import OfLeaf
from upriver.core.registry import ops
from upriver.core.state import recording
from upriver.core.tensor import Tensor
from upriver.errors import CompileError
from upriver.nn import functional as F

from .recorded import Recorded
from .steps import training


def names(found: Any) -> list[str]:
    return [i.op.name for i in found.program.instructions]


def test_operations_in_order_with_their_lines_and_modules() -> None:
    layer = ur.nn.Linear(2, 3)
    x = ur.ones(1, 2)
    found = record(lambda: layer(x).relu(), [x])
    first, second = found.program.instructions
    assert names(found) == ["linear", "relu"]
    assert first.scope[0] is layer
    assert second.scope is None
    assert first.site is not None
    assert first.site[0].co_filename == __file__
    assert [cell.name for cell in found.program.cells] == ["weight", "bias"]
    assert found.program.cells[0].tensor is layer.weight
    assert found.modules == [layer]
    assert found.value(found.result) is second.out
    assert recording.get() == 1


def test_backward_is_operations_on_values_and_leaves_no_second_graph() -> None:
    w = ur.nn.Parameter(ur.ones(2))

    def call() -> Tensor:
        (w * w).sum().backward()
        assert w.grad is not None
        return w.grad * 2

    found = record(call, [])
    assert w.grad is not None
    assert w.grad.node is None
    (gradient,) = found.gradients
    assert gradient.leaf is w
    assert gradient.value is found.value(w.grad)
    assert [gradient.read, gradient.dropped, gradient.consumed] == [False, False, False]
    assert found.program.cells[0].after is None


def test_a_gradient_from_before_is_a_cell_of_its_leaf() -> None:
    w = ur.nn.Parameter(ur.ones(2))
    w.grad = ur.ones(2)
    found = record(lambda: (w * 3.0).sum().backward(), [])
    (gradient,) = found.gradients
    assert gradient.read
    (cell,) = [cell for cell in found.program.cells if isinstance(cell.tensor, OfLeaf)]
    assert cell.after is gradient.value
    w.grad = ur.zeros(2)  # whichever tensor it is by then
    assert cell.tensor.array is w.grad.array


def test_cells_slots_and_what_consumed_the_gradients() -> None:
    t = training("mlp", "adam", 1)
    found = record(lambda: t.step(*t.batches[0]), list(t.batches[0]))
    cells = {cell.name: cell for cell in found.program.cells}
    assert all(cells), "every cell has a name"
    assert cells["0.weight"].tensor is t.model[0].weight
    assert cells["0.weight.exp_avg"].tensor is t.optimizer.state[t.model[0].weight]["exp_avg"]
    assert all(cell.after is not None for cell in cells.values())
    assert all(g.consumed and g.dropped for g in found.gradients)
    (step,) = found.steps
    assert step.count == len(found.program.scalars) == len(step.scalars())


def test_an_array_made_of_numbers_is_a_constant_and_a_captured_tensor_is_not() -> None:
    scale, mask = ur.ones(2), constant(ur.ones(2))
    x = ur.ones(2)
    found = record(lambda: x * scale * mask + ur.tensor([1.0, 2.0]) + ur.arange(2), [x])
    assert [cell.tensor for cell in found.program.cells] == [scale]
    assert sorted(array.tolist() for array in found.program.constants.values()) == [[0, 1], [1.0, 1.0], [1.0, 2.0]]
    step = Recorded(lambda x: x * scale)
    step(x)
    scale.data = ur.tensor([5.0, 5.0])
    assert step(x).tolist() == [5.0, 5.0]


def test_draws_name_their_generator() -> None:
    mine = ur.Generator().manual_seed(3)
    found = record(lambda: ur.rand(2, generator=mine) + ur.randn(2), [])
    assert found.program.draws == [mine, ur.ops.generator.default_generator]
    assert [(i.draw, "seed" in i.attrs) for i in found.program.instructions] == [(0, False), (1, False), (None, False)]


def test_a_tensor_of_a_tensor_is_a_copy_and_not_a_constant() -> None:
    step = Recorded(lambda x: ur.tensor(x) * ur.as_tensor(x, dtype=ur.float64))
    step(ur.ones(2))
    assert step(ur.tensor([2.0, 3.0])).tolist() == [4.0, 9.0]


def test_no_grad_and_modes_stay_what_they_are() -> None:
    w = ur.nn.Parameter(ur.ones(1))

    def call() -> Tensor:
        with ur.no_grad():
            assert not ur.is_grad_enabled()
            y = w * 2
        assert not y.requires_grad
        assert ur.is_grad_enabled()
        with ur.set_grad_enabled(False):
            assert not ur.is_grad_enabled()
        return y + (w * 3).detach()

    assert names(record(call, [])) == ["mul", "mul", "add"]


# What is looked at becomes a check.


@pytest.mark.parametrize(
    ("function", "good", "bad"),
    [
        (lambda i: ur.nn.functional.embedding(i, ur.ones(3, 2)), [0, 2], [0, 3]),
        (lambda i: ur.arange(3)[i], [0, -3], [0, 3]),
        (lambda i: ur.arange(9).reshape(3, 3)[i, i], [0, -3], [0, 3]),
        (lambda i: ur.arange(3).gather(0, i), [0, 2], [0, -1]),
        (lambda i: ur.zeros(3).scatter(0, i, 1.0), [0, 2], [0, 3]),
        (lambda i: F.one_hot(i, 3), [0, 2], [0, 3]),
        (lambda i: F.cross_entropy(ur.zeros(2, 3), i), [0, 2], [0, 3]),
        (lambda i: F.nll_loss(ur.zeros(2, 3), i), [0, 2], [-1, 2]),
        (lambda i: F.binary_cross_entropy(i / 2, i / 2), [0, 2], [0, 3]),
        (lambda i: ur.bernoulli(i / 2), [0, 2], [0, 3]),
    ],
)
def test_a_value_out_of_range_is_the_same_error_later(function: Callable[..., Any], good: Any, bad: Any) -> None:
    step = Recorded(function)
    step(ur.tensor(good))
    with pytest.raises((IndexError, ValueError)) as eager:
        function(ur.tensor(bad))
    with pytest.raises(type(eager.value)) as later:
        step(ur.tensor(bad))
    assert later.value.message == eager.value.message
    assert step.recordings == 1


def test_labels_to_ignore_are_another_program_and_only_one() -> None:
    step = Recorded(lambda x, t: F.cross_entropy(x, t, ignore_index=2))
    x = ur.randn(3, 3)
    for labels in ([0, 1, 0], [0, 2, 2], [1, 1, 0], [2, 0, 1]):
        want = F.cross_entropy(x, ur.tensor(labels), ignore_index=2)
        np.testing.assert_array_equal(step(x, ur.tensor(labels)), want.array)
    assert step.recordings == 2


def test_a_product_with_a_zero_in_it() -> None:
    def slope(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        (g,) = ur.grad(x.prod(), x)
        assert g is not None
        return g

    step = Recorded(slope)
    for values in ([1.0, 2.0, 3.0], [1.0, 0.0, 3.0], [2.0, 2.0, 2.0]):
        np.testing.assert_array_equal(step(ur.tensor(values)), slope(ur.tensor(values)).array)


# What cannot be in a program.

READS: dict[str, Callable[[Tensor], Any]] = {
    "item": lambda x: x.sum().item(),
    "float": lambda x: float(x.sum()),
    "int": lambda x: int(x.sum()),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "asarray": lambda x: np.asarray(x),
    "repr": lambda x: repr(x),
    "format": lambda x: f"{x.sum():.3f}",
    "in": lambda x: 1.0 in x,
    "nonzero": lambda x: x.nonzero(),
    "unique": lambda x: ur.unique(x),
    "mask": lambda x: x[x > 0],
    "masked_select": lambda x: ur.masked_select(x, x > 0),
    "where": lambda x: ur.where(x > 0),
    "bincount": lambda x: ur.bincount(x.long()),
    "allclose": lambda x: ur.allclose(x, x),
    "equal": lambda x: ur.equal(x, x),
    "multinomial": lambda x: ur.multinomial(x, 1),
    "arange": lambda x: ur.arange(x.sum()),
    "captured": lambda x: x * _CAPTURED.item(),
}
_CAPTURED = ur.tensor(2.0)


@pytest.mark.parametrize("what", READS)
def test_what_python_reads_is_an_error_that_names_the_line(what: str) -> None:
    x = ur.ones(2)
    READS[what](x)
    with pytest.raises(CompileError, match="reads a value of shape") as error:
        record(lambda: READS[what](x * 1.0), [x])
    assert f'"{what}": lambda' in str(error.value)
    assert error.value.fix
    assert recording.get() == 1


def test_a_branch_names_where() -> None:
    x = ur.ones(())

    def call() -> Tensor:
        if x > 0:
            return x
        return -x

    with pytest.raises(CompileError, match=r"ur\.where") as error:
        record(call, [x])
    assert "if x > 0:" in str(error.value)


def test_a_constant_may_be_read() -> None:
    x = ur.ones(2)
    assert record(lambda: x * ur.tensor(3.0).item(), [x]).result.tolist() == [3.0, 3.0]


def _outside() -> Callable[[Tensor], Any]:
    w = ur.nn.Parameter(ur.ones(2))
    made = w * 2
    return lambda x: x * made


def _reshaped(x: Tensor) -> Tensor:
    buffer = ur.ones(2, 2)
    buffer.reshape(4).add_(1.0)
    return buffer * x


def _schedule(x: Tensor) -> None:
    sgd = ur.optim.SGD([ur.nn.Parameter(ur.ones(1))], lr=1.0)
    ur.optim.lr_scheduler.ExponentialLR(sgd, 0.5).step()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x.add_(1.0), "an argument of shape .* is changed in place"),
        (_outside(), "was computed by mul outside the compiled function"),
        (_reshaped, r"shares memory with one of shape \[4\] that was changed in place\n  changed  at .*add_"),
        (_schedule, "a schedule is stepped inside a compiled function"),
        (
            lambda x: setattr(_CAPTURED, "data", x),
            r"a tensor of shape \[\] and dtype float32 becomes one of shape \[2\]",
        ),
        (lambda x: ur.nn.init.eye_(ur.nn.Parameter(ur.ones(2, 2))).sum() * x.sum(), ""),
    ],
)
def test_changes_that_no_program_can_tell(function: Callable[[Tensor], Any], message: str) -> None:
    x = ur.ones(2)
    if not message:
        record(lambda: function(x), [x])
        return
    with pytest.raises(CompileError, match=message):
        record(lambda: function(x), [x])


def test_a_view_that_is_changed_changes_what_it_is_a_view_of() -> None:
    def call(x: Tensor) -> Tensor:
        rows, row = x * 1.0, 0
        with ur.no_grad():
            rows[row:, 1:] += 1.0
            first = rows[0]
            first[1:].mul_(x[1, 1])
            rows[1] = first
            turned = rows.T
            rows.add_(1.0)
        return rows + first + turned.T

    step = Recorded(call)
    for seed in range(3):
        x = ur.randn(2, 3, generator=ur.Generator().manual_seed(seed))
        np.testing.assert_array_equal(step(x), call(x).array)
    assert step.recordings == 1


def test_a_result_that_nothing_in_the_call_has_made() -> None:
    w = ur.nn.Parameter(ur.ones(2))
    found = record(lambda: w, [])
    assert found.value(found.result) is found.program.cells[0].before


def test_a_change_behind_the_engines_back_is_an_error() -> None:
    w = ur.nn.Parameter(ur.ones(2))
    array = w.array
    with pytest.raises(CompileError, match="changed by something that is not an operation"):
        record(lambda: ur.core.state.note_change([array]), [])
    with pytest.raises(CompileError, match=r"\.array reads a value"):
        record(lambda: w.array.fill(3.0), [])
    assert w.array is array  # read as ever, outside
    assert not isinstance(vars(Tensor)["array"], property)


# Rules on arrays and on tensors.


@pytest.mark.parametrize("op", [op for op in ops if op.name not in ("linear", "conv2d")], ids=lambda op: op.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rules_run_the_same_kernels_on_arrays_and_on_tensors(op: Any, dtype: Any) -> None:
    """A recorded backward pass runs rules on tensors, an eager one on arrays: the results agree to the bit."""
    rng = np.random.default_rng(0)
    for case in op.cases:
        given = []
        for i, x in enumerate(case.inputs):
            interval = op.domain.of(i)
            low, high = max(interval.low, -2.0), min(interval.high, 2.0)
            given.append(rng.uniform(low + 1e-3, high - 1e-3, x).astype(dtype) if isinstance(x, tuple) else x)
        out = np.asarray(op.forward(*given, **case.attrs))
        if out.dtype.kind != "f":
            continue
        ct = rng.standard_normal(out.shape).astype(out.dtype)
        for rule, _ in zip(op.vjps, given, strict=False):
            if rule is None:
                continue
            with ur.no_grad():
                on_arrays = rule(ct.copy(), out.copy(), *[x.copy() for x in given], **case.attrs)
                on_tensors = rule(Tensor(ct), Tensor(out), *[Tensor(x, dtype=x.dtype) for x in given], **case.attrs)
            np.testing.assert_array_equal(np.asarray(on_arrays), getattr(on_tensors, "array", on_tensors))


@pytest.mark.parametrize("rows", [3, 16, 17, 300])
@pytest.mark.parametrize("width", [1, 7, 200])
def test_the_bias_of_a_linear_layer(rows: int, width: int) -> None:
    def slope(x: Tensor) -> Tensor:
        b = ur.zeros(width, requires_grad=True)
        (g,) = ur.grad((F.linear(x, ur.ones(width, 2), b) ** 2).sum(), b)
        assert g is not None
        return g

    x = ur.randn(rows, 2)
    np.testing.assert_array_equal(record(lambda: slope(x), [x]).result.array, slope(x).array)
