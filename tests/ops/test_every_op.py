"""Every operation of the registry, tested from its own record: a new record is tested with no edit here."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver.core.gradcheck import gradcheck
from upriver.core.op import Case, Domain, Each, Op
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.ops.elementwise import Elementwise

RECORDS = list(ops)
MARGIN = 0.05
EXACT = {"rtol": 1e-11, "atol": 1e-12}


def _label(value: Any) -> str:
    if isinstance(value, Op):
        return value.name
    if isinstance(value, Case):
        shapes = [x if isinstance(x, tuple) else getattr(x, "shape", x) for x in value.inputs]
        attrs = ",".join(f"{k}={v if np.ndim(v) == 0 else '..'}" for k, v in value.attrs.items())
        return f"{'x'.join(str(list(s)) if isinstance(s, tuple) else str(s) for s in shapes)}|{attrs}".replace(" ", "")
    return str(value)


CASES = [(op, case) for op in RECORDS for case in op.cases]
every_case = pytest.mark.parametrize(("op", "case"), CASES, ids=_label)
every_op = pytest.mark.parametrize("op", RECORDS, ids=_label)


# Inputs drawn from where the operation says that it is differentiable.


def bounds(domain: Domain, i: int) -> tuple[float, float]:
    """A bounded interval well inside the domain of input ``i``."""
    interval = domain.of(i)
    low, high = interval.low, interval.high
    if math.isinf(low) and math.isinf(high):
        return -2.0, 2.0
    if math.isinf(high):
        return low + 0.2, low + 2.2
    if math.isinf(low):
        return high - 2.2, high - 0.2
    margin = MARGIN * (high - low)
    return low + margin, high - margin


def off_kinks(x: np.ndarray, domain: Domain, i: int) -> np.ndarray:
    """``x`` with the entries that lie near a point without a derivative pushed away from it."""
    x = np.array(x)
    for kink in domain.of(i).kinks:
        near = np.abs(x - kink) < MARGIN
        x[near] = kink + np.where(x[near] >= kink, MARGIN, -MARGIN) * 1.5
    return x


def draw(op: Op, case: Case, seed: int = 0) -> list[Any]:
    """The arrays (and numbers) of a case: shapes are filled from the domain, the rest is as it is."""
    rng = np.random.default_rng(seed)
    shapes = [(i, x) for i, x in enumerate(case.inputs) if isinstance(x, tuple)]
    values: list[Any] = list(case.inputs)
    if op.domain.distinct:
        # Over all inputs together, since they may be compared with each other: points of one grid, shuffled.
        total = sum(math.prod(s) for _, s in shapes)
        grid = (rng.permutation(total) + rng.uniform(0.3, 0.7, total)) / max(total, 1)
    for i, shape in shapes:
        low, high = bounds(op.domain, i)
        if op.domain.distinct:
            unit, grid = np.split(grid, [math.prod(shape)])
            values[i] = np.asarray(low + (high - low) * unit.reshape(shape))
        else:
            values[i] = off_kinks(rng.uniform(low, high, shape), op.domain, i)
    return values


def tensors(values: Sequence[Any], dtype: Any = np.float64) -> list[Any]:
    """Leaves of ``values``; numbers stay numbers, indices and masks need no gradient."""
    found: list[Any] = []
    for x in values:
        if isinstance(x, np.ndarray):
            floating = x.dtype.kind == "f"
            found.append(Tensor(np.array(x, dtype if floating else x.dtype), requires_grad=floating))
        else:
            found.append(x)
    return found


def given_to(op: Op, case: Case, dtype: Any = np.float64) -> list[Any]:
    """The inputs of a case. What the case gives as values and the record gives no rule for is a constant."""
    inputs = tensors(draw(op, case), dtype)
    for x, spec, rule in zip(inputs, case.inputs, op.vjps or (None,) * len(inputs), strict=False):
        if isinstance(spec, np.ndarray) and rule is None:
            x.requires_grad = False
    return inputs


def arrays(inputs: Sequence[Any]) -> list[Any]:
    return [x.array if isinstance(x, Tensor) else x for x in inputs]


def leaves(inputs: Sequence[Any]) -> list[Tensor]:
    return [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]


def differentiable(op: Op, case: Case) -> tuple[list[Any], Tensor]:
    """The inputs and the result of a case; skips what has no derivative."""
    inputs = given_to(op, case)
    out = op(*inputs, **case.attrs)
    if not op.differentiable or not leaves(inputs) or out.dtype.kind != "f":
        assert not out.requires_grad or out.dtype.kind == "f"
        pytest.skip("has no derivative")
    return inputs, out


def rules(op: Op, inputs: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """The gradient rules of the floating inputs."""
    for i, (x, rule) in enumerate(zip(inputs, op.vjps, strict=False)):
        if isinstance(x, Tensor) and x.dtype.kind == "f" and rule is not None:
            yield i, rule


# The record is whole and true.


def test_the_registry_is_filled() -> None:
    assert len(RECORDS) > 30
    assert len({op.name for op in RECORDS}) == len(RECORDS)


@every_op
def test_record_has_cases_and_a_rule_for_each_input(op: Op) -> None:
    assert op.cases
    for case in op.cases:
        if not isinstance(op.vjps, Each):
            assert len(case.inputs) <= len(op.vjps)
    assert op.lower is None or callable(op.lower)


@every_case
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rules_foretell_shape_and_dtype(op: Op, case: Case, dtype: Any) -> None:
    inputs = given_to(op, case, dtype)
    shapes = [x.shape if isinstance(x, Tensor) else () for x in inputs]
    dtypes = [x.dtype if isinstance(x, Tensor) else type(x) for x in inputs]
    out = np.asarray(op.forward(*arrays(inputs), **case.attrs))
    assert tuple(op.shape(*shapes, **case.attrs)) == out.shape
    assert op.dtype(*dtypes, **case.attrs) == out.dtype
    assert isinstance(op(*inputs, **case.attrs), Tensor)


@every_case
def test_forward_leaves_its_inputs_alone(op: Op, case: Case) -> None:
    inputs = arrays(given_to(op, case))
    before = copy.deepcopy(inputs)
    for x in inputs:
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    op.forward(*inputs, **case.attrs)
    for x, y in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(x, y)


@every_case
def test_flops_is_a_count(op: Op, case: Case) -> None:
    inputs = given_to(op, case)
    shapes = [x.shape if isinstance(x, Tensor) else () for x in inputs]
    count = op.flops(op(*inputs, **case.attrs).shape, *shapes, **case.attrs)
    assert type(count) is int
    assert count >= 0


@every_case
def test_formula_can_be_written(op: Op, case: Case) -> None:
    names = [f"x{i}" for i in range(max(len(c.inputs) for c in op.cases))]  # optional ones included
    for template in (op.formula.text, op.formula.latex):
        written = template.format(*names, **case.attrs)
        assert written
        assert written.count("{") == written.count("}"), written


# Gradients.


@every_case
def test_gradients_are_those_of_differences(op: Op, case: Case) -> None:
    inputs = given_to(op, case)
    if not leaves(inputs) or op(*inputs, **case.attrs).dtype.kind != "f":
        pytest.skip("has no derivative")
    # One that gives no rule at all is checked too: its derivative has to be zero.
    gradcheck(lambda *xs: op(*xs, **case.attrs), inputs, order=2)


@every_op
def test_a_flipped_sign_is_noticed(op: Op) -> None:
    if not op.differentiable:
        pytest.skip("has no derivative")
    noticed: dict[int, bool] = {}
    for case in op.cases:
        inputs = given_to(op, case)
        out = op(*inputs, **case.attrs)
        if out.dtype.kind != "f":
            continue
        ct = np.random.default_rng(1).uniform(0.5, 1.5, out.shape)
        for i, _ in rules(op, inputs):
            (g,) = ur.grad(out, inputs[i], Tensor(ct.astype(out.dtype)))
            if not np.any(g.array):
                noticed.setdefault(i, True)  # zero has no sign
                continue
            mutant = _mutant(op, i)
            with pytest.raises(ur.errors.GradError, match=f"input {i}"):
                gradcheck(lambda *xs, m=mutant, c=case: m(*xs, **c.attrs), inputs)
            noticed[i] = True
    if not isinstance(op.vjps, Each):
        missing = [i for i, rule in enumerate(op.vjps) if rule is not None and i not in noticed]
        assert not missing, f"no case tests the gradient of inputs {missing}"


def _mutant(op: Op, flipped: int) -> Op:
    """A copy of ``op`` in which the rule of one input has the wrong sign."""

    signed = [rule for rule, _ in zip(op.vjps, range(16), strict=False)]
    rule: Any = signed[flipped]
    signed[flipped] = lambda *args, **attrs: -rule(*args, **attrs)
    mutant = copy.copy(op)
    object.__setattr__(mutant, "vjps", signed)
    object.__setattr__(mutant, "reads", op.reads)  # it goes by the names of the rules' parameters
    return mutant


@every_case
def test_gradients_are_the_same_recorded_or_not(op: Op, case: Case) -> None:
    inputs, out = differentiable(op, case)
    ct = Tensor(np.random.default_rng(2).standard_normal(out.shape).astype(out.dtype))
    wanted = leaves(inputs)
    recorded = ur.grad(out, wanted, ct, create_graph=True, materialize_grads=True)
    out.backward(ct)
    for leaf, g in zip(wanted, recorded, strict=True):
        mine = leaf.grad.array if leaf.grad is not None else np.zeros(leaf.shape)
        assert mine.shape == leaf.shape == g.shape
        np.testing.assert_allclose(mine, g.array, **EXACT)


class _Unread:
    """An array of which only the shape and the dtype may be looked at."""

    def __init__(self, like: np.ndarray) -> None:
        self.shape, self.ndim, self.dtype = like.shape, like.ndim, like.dtype


@every_case
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rules_keep_dtypes_and_read_only_what_they_say(op: Op, case: Case, dtype: Any) -> None:
    inputs = given_to(op, case, dtype)
    out = op(*inputs, **case.attrs)
    if out.dtype.kind != "f":
        pytest.skip("has no derivative")
    bare = arrays(inputs)
    n = len(inputs)
    reads = op.reads((2 << n) - 1, [True] * n)
    hidden = [_Unread(x) if isinstance(x, np.ndarray) and i in reads.unread else x for i, x in enumerate(bare)]
    ct = np.random.default_rng(3).standard_normal(out.shape).astype(out.dtype)
    for i, rule in rules(op, inputs):
        full = rule(ct, out.array, *bare, **case.attrs)
        seen = rule(ct, out.array if reads.out else _Unread(out.array), *hidden, **case.attrs)
        np.testing.assert_array_equal(np.asarray(full), np.asarray(seen))
        assert not isinstance(full, Tensor), "a rule on bare arrays gives an array"
        assert full.dtype == inputs[i].dtype, f"input {i} of dtype {inputs[i].dtype} got a gradient of {full.dtype}"
        assert full.shape == inputs[i].shape
        recorded = rule(Tensor(ct), out if reads.out else out.node, *inputs, **case.attrs) if out.node else None
        if recorded is not None:
            assert recorded.dtype == inputs[i].dtype


@every_case
def test_rules_leave_what_they_are_given_alone(op: Op, case: Case) -> None:
    inputs = given_to(op, case)
    out = op(*inputs, **case.attrs)
    ct = np.random.default_rng(3).standard_normal(out.shape)
    for _, rule in rules(op, inputs):
        given_arrays = [ct, out.array, *arrays(inputs)]
        before = copy.deepcopy(given_arrays)
        first = np.array(rule(*given_arrays, **case.attrs))
        for x, y in zip(given_arrays, before, strict=True):
            np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(rule(*given_arrays, **case.attrs), first)


@every_case
def test_adding_a_part_into_a_total_equals_adding_the_whole(op: Op, case: Case) -> None:
    inputs = given_to(op, case)
    out = op(*inputs, **case.attrs)
    ct = np.random.default_rng(3).standard_normal(out.shape)
    adding = [(i, rule) for i, rule in rules(op, inputs) if hasattr(rule, "into")]
    if not adding:
        pytest.skip("has no partial rule")
    for i, rule in adding:
        total = np.random.default_rng(4).standard_normal(inputs[i].shape)
        expected = total + rule(ct, out.array, *arrays(inputs), **case.attrs)
        rule.into(total, ct, **case.attrs)
        np.testing.assert_allclose(total, expected, **EXACT)


def _scattered(x: Any) -> Any:
    """The same values in memory that is neither contiguous nor in ascending order."""
    if not isinstance(x, np.ndarray) or x.ndim == 0:
        return x
    wide = np.repeat(x[..., ::-1], 2, axis=-1)
    view = wide[..., ::-2]
    assert np.array_equal(view, x, equal_nan=x.dtype.kind == "f")
    return view if x.ndim == 1 else np.asfortranarray(np.repeat(x, 2, axis=0))[::2]


def _reversed(x: Any) -> Any:
    """The same values in memory that runs backwards."""
    return x[..., ::-1].copy()[..., ::-1] if isinstance(x, np.ndarray) and x.ndim else x


@every_case
def test_memory_layout_does_not_matter(op: Op, case: Case) -> None:
    plain = given_to(op, case)
    layouts = [[_scattered(x) for x in arrays(plain)], [_reversed(x) for x in arrays(plain)]]
    expected = op(*plain, **case.attrs)
    ct = np.random.default_rng(4).standard_normal(expected.shape).astype(expected.dtype)
    for layout in layouts:
        moved = [
            ur.as_tensor(x).requires_grad_(like.requires_grad) if isinstance(x, np.ndarray) else x
            for x, like in zip(layout, plain, strict=True)
        ]
        out = op(*moved, **case.attrs)
        np.testing.assert_allclose(out.array, expected.array, **EXACT)
        if not out.requires_grad:
            continue
        theirs = ur.grad(expected, leaves(plain), Tensor(ct), materialize_grads=True)
        given_ct = ur.as_tensor(_scattered(ct))
        mine = ur.grad(out, leaves(moved), given_ct, materialize_grads=True)
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a.array, b.array, **EXACT)


@every_case
def test_values_are_the_same_in_float32(op: Op, case: Case) -> None:
    double = op(*given_to(op, case), **case.attrs)
    single = op(*given_to(op, case, np.float32), **case.attrs)
    if double.dtype.kind == "f":
        np.testing.assert_allclose(single.array, double.array, rtol=2e-4, atol=2e-5)


# Entry by entry.

# Those of integers and booleans alone have arrays in their cases, which are enough.
ENTRYWISE = [op for op in RECORDS if isinstance(op, Elementwise) and all(type(x) is tuple for x in op.cases[0].inputs)]
entrywise = pytest.mark.parametrize("op", ENTRYWISE, ids=_label)


@st.composite
def operands(sample: Any, op: Op, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Random values from the domain of ``op``, off its kinks, and unequal where that matters."""
    found: list[np.ndarray] = []
    for i, shape in enumerate(shapes):
        low, high = bounds(op.domain, i)
        entries = st.floats(low, high, allow_nan=False, allow_subnormal=False)
        found.append(off_kinks(sample(hnp.arrays(np.float64, shape, elements=entries)), op.domain, i))
    if op.domain.distinct:
        for i, x in enumerate(found):
            # Rounded to a grid of its own: entries of different inputs are never equal.
            x[...] = np.round(x, 1) + 0.02 * (i + 1)
    return found


@entrywise
@settings(max_examples=8)
@given(data=st.data())
def test_random_values(op: Elementwise, data: st.DataObject) -> None:
    n = len(op.cases[0].inputs)
    attrs = data.draw(st.sampled_from([case.attrs for case in op.cases]))
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    inputs = tensors(data.draw(operands(op, [shape] * n)))
    out = op(*inputs, **attrs)
    np.testing.assert_array_equal(out.array, op.forward(*arrays(inputs), **attrs))
    if op.differentiable and out.dtype.kind == "f":
        gradcheck(lambda *xs: op(*xs, **attrs), inputs, order=2, rtol=1e-4)


def _everywhere(op: Op) -> bool:
    return all(math.isinf(i.low) and math.isinf(i.high) for i in op.domain.intervals) and len(op.cases[0].inputs) == 1


@pytest.mark.parametrize("op", [op for op in ENTRYWISE if _everywhere(op)], ids=_label)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_far_out_nothing_becomes_not_a_number(op: Elementwise, dtype: Any) -> None:
    far = np.array([-1e4, -700.0, -100.0, -30.0, 30.0, 100.0, 700.0, 1e4])
    for attrs in [case.attrs for case in op.cases]:
        x = Tensor(far.astype(dtype), requires_grad=True)
        y = op(x, **attrs)
        exact = op(Tensor(far), **attrs).array
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(y.array, exact.astype(y.dtype), rtol=1e-4, atol=1e-6)
        assert not np.isnan(y.array).any()
        if y.requires_grad:
            (g,) = ur.grad(y, x, ur.Tensor(np.ones(8, dtype)))
            assert not np.isnan(g.array).any()


@pytest.mark.parametrize("op", [op for op in ENTRYWISE if len(op.cases[0].inputs) > 1], ids=_label)
@settings(max_examples=12)
@given(data=st.data())
def test_random_broadcasting(op: Elementwise, data: st.DataObject) -> None:
    n = len(op.cases[0].inputs)
    attrs = op.cases[0].attrs
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=n, max_dims=3, max_side=3, min_side=0))
    inputs = tensors(data.draw(operands(op, shapes.input_shapes)))
    out = op(*inputs, **attrs)
    together = np.broadcast_arrays(*arrays(inputs))
    assert out.shape == shapes.result_shape == together[0].shape
    np.testing.assert_allclose(out.array, op.forward(*together, **attrs), rtol=1e-15)
    if not out.requires_grad:
        return
    ct = np.random.default_rng(5).standard_normal(out.shape)
    mine = ur.grad(out, inputs, Tensor(ct), materialize_grads=True)
    repeated = tensors(together)
    whole = ur.grad(op(*repeated, **attrs), repeated, Tensor(ct), materialize_grads=True)
    for x, g, w in zip(inputs, mine, whole, strict=True):
        lead = tuple(range(w.ndim - x.ndim))
        repeats = tuple(i for i in range(w.ndim) if i >= len(lead) and x.shape[i - len(lead)] == 1)
        expected = w.array.sum(axis=lead + repeats).reshape(x.shape)
        np.testing.assert_allclose(g.array, expected, rtol=1e-10, atol=1e-10)
    gradcheck(lambda *xs: op(*xs, **attrs), inputs, rtol=1e-4)


@pytest.mark.parametrize("op", [op for op in ENTRYWISE if len(op.cases[0].inputs) == 2], ids=_label)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_python_numbers_as_operands(op: Elementwise, dtype: Any) -> None:
    a, b = draw(op, Case(((2, 3), (2, 3))))
    for values in ((a, float(b.flat[0])), (float(a.flat[0]), b)):
        inputs = tensors(values, dtype)
        out = op(*inputs)
        expected = op(*[x if isinstance(x, Tensor) else Tensor(np.full((2, 3), x, dtype)) for x in inputs])
        assert out.dtype == expected.dtype
        np.testing.assert_allclose(out.array, expected.array, rtol=1e-6 if dtype is np.float32 else 1e-14)
        if not out.requires_grad:
            continue
        (leaf,) = leaves(inputs)
        ct = np.ones(out.shape, dtype)
        ((_, rule),) = rules(op, inputs)
        assert rule(ct, out.array, *arrays(inputs)).dtype == dtype
        out.sum().backward()
        assert leaf.grad is not None
        assert leaf.grad.dtype == dtype
        if dtype is np.float64:
            gradcheck(op, inputs, order=2)


@entrywise
def test_integers_become_floats_or_stay(op: Elementwise) -> None:
    n = len(op.cases[0].inputs)
    attrs = {k: int(v) if isinstance(v, float) else v for k, v in op.cases[0].attrs.items()}
    value = 3 if op.domain.of(0).low >= 0 else 1
    inputs = [Tensor(np.array([value, value])) for _ in range(n)]
    out = op(*inputs, **attrs)
    assert out.dtype == op.dtype(*[np.dtype(np.float32 if op.dtype.__name__ == "floating" else np.int64)] * n, **attrs)
