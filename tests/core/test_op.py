"""An operation's record: whole or not at all, and true about what its rules read."""

from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver.core.graph import Node
from upriver.core.op import CALL, REALS, Case, Domain, Each, Formula, Interval, Op, call
from upriver.core.registry import Registry, ops
from upriver.errors import ShapeError


@pytest.fixture(autouse=True)
def not_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "add_record", lambda self, op: None)


def fields(**changes):
    whole = {
        "name": "trial",
        "forward": lambda a, b: a * b,
        "vjps": (lambda ct, _y, _a, b: ct * b, lambda ct, _y, a, _b: ct * a),
        "shape": lambda a, b: a,
        "dtype": lambda a, b: a,
        "formula": Formula("{0} * {1}", "{0} {1}", CALL),
        "domain": REALS,
        "flops": lambda out, *_: 1,
        "lower": None,
        "cases": (Case(((2,), (2,))),),
    }
    return {**whole, **changes}


@pytest.mark.parametrize("missing", list(fields()))
def test_an_unfinished_operation_is_an_error(missing: str) -> None:
    given = fields()
    del given[missing]
    with pytest.raises(TypeError, match=missing):
        Op(**given)


def test_a_record_cannot_be_changed() -> None:
    op = Op(**fields())
    with pytest.raises(AttributeError, match="the record of trial is frozen"):
        op.name = "other"
    assert repr(op) == "<operation trial>"


def test_what_the_rules_read_is_told_by_their_parameters() -> None:
    everything = [True, True]
    assert Op(**fields()).reads(0b111, everything) == ((), False, True)
    assert Op(**fields()).reads(0b101, [None, True]) == ((1,), False, True)
    first = Op(**fields(vjps=(None, lambda ct, _y, a, _b: ct * a)))
    assert first.reads(0b111, everything) == ((1,), False, True)
    out = Op(**fields(vjps=(lambda ct, y, _a, _b: ct * y, None)))
    assert out.reads(0b111, everything) == ((0, 1), True, False)
    assert not Op(**fields(vjps=(None, None))).differentiable
    each = Op(**fields(vjps=Each(lambda i, ct, _out, *xs: ct, reads=False)))
    assert each.differentiable
    assert each.reads(0b1111, [True] * 3) == ((0, 1, 2), False, False)


def test_a_value_that_is_not_read_is_not_there() -> None:
    seen = []

    def rule(ct, _y, _a, b):
        seen.append((_y, _a, b))
        return ct * b

    op = Op(**fields(vjps=(rule, None)))
    leaf = ur.Tensor(np.ones(2), requires_grad=True)
    op(leaf * 2.0, ur.Tensor(np.full(2, 3.0))).sum().backward()
    ((y, a, b),) = seen
    assert type(y) is Node
    assert type(a) is Node
    assert (y.shape, y.ndim, y.dtype) == ((2,), 1, np.float64)
    assert type(b) is np.ndarray
    assert leaf.grad.tolist() == [6.0, 6.0]


def test_rules_come_before_the_kernel() -> None:
    ran = []

    def shape(a, b):
        if a != b:
            raise ShapeError("trial: these do not fit")
        return a

    op = Op(**fields(forward=lambda a, b: ran.append(1) or a * b, shape=shape))
    with pytest.raises(ShapeError):
        op(ur.ones(2), ur.ones(3))
    assert not ran
    op(ur.ones(2), ur.ones(2))
    assert ran


def test_bare_arrays_go_straight_to_the_kernel() -> None:
    out = Op(**fields())(np.full(2, 3.0), np.full(2, 2.0))
    assert type(out) is np.ndarray
    assert out.tolist() == [6.0, 6.0]


def test_domains() -> None:
    one = Domain((Interval(low=0.0),))
    assert one.of(0) == one.of(1) == Interval(low=0.0)
    two = Domain((Interval(), Interval(-1.0, 1.0)))
    assert two.of(1).high == 1.0


def test_formulas_of_calls() -> None:
    formula = call("log_softmax", 2)
    assert formula.text.format("x", "y") == "log_softmax(x, y)"
    assert formula.latex.format("x", "y") == r"\operatorname{log\_softmax}\left(x, y\right)"


# The registry.


def test_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    registry = Registry()
    op = Op.__new__(Op)
    object.__setattr__(op, "name", "trial")
    registry.add_record(op)
    assert list(registry) == [op]
    assert registry.record("trial") is registry.trial is op
    with pytest.raises(ValueError, match="two operations are named 'trial'"):
        registry.add_record(op)
    with pytest.raises(AttributeError, match="no operation is named 'nothing'"):
        _ = registry.nothing


def test_every_record_is_reached_by_its_name() -> None:
    for op in ops:
        assert ops.record(op.name) is op
        assert getattr(ops, op.name) is not None


# A rule that adds its part alone.


def test_taking_apart_is_linear_in_what_is_taken() -> None:
    x = ur.Tensor(np.arange(12.0).reshape(4, 3), requires_grad=True)
    total = ur.Tensor(np.zeros(3))
    for k, row in enumerate(x):
        total = total + row * float(k)
    (total * total).sum().backward()
    np.testing.assert_allclose(x.grad.array, np.outer(np.arange(4.0), 2 * total.array))


def test_a_part_is_never_added_into_memory_that_others_see() -> None:
    x = ur.Tensor(np.arange(3.0), requires_grad=True)
    given = ur.Tensor(np.ones(3))
    y = x * 1.0
    parts = y + y[0] + y[1]
    parts.backward(given)
    assert given.tolist() == [1.0, 1.0, 1.0]
    assert x.grad.tolist() == [4.0, 4.0, 1.0]
