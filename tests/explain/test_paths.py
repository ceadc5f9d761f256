"""The largest paths, against a list of all of them; the parts, against the gradient."""

from __future__ import annotations

import json
import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
import upriver.nn.functional as F
from upriver import nn
from upriver.core.op import Each
from upriver.errors import ArgumentError, GradError
from upriver.explain.paths import paths


def jacobian(node, slot):
    """Every local derivative, one row at a time: no structure is assumed."""
    vjps = node.op.vjps
    rule = next(islice(vjps, slot, None)) if isinstance(vjps, Each) else vjps[slot]
    args = [x.array if isinstance(x, ur.Tensor) else x for x in node.inputs]
    rows = []
    with ur.no_grad():
        for e in range(math.prod(node.shape)):
            ct = np.zeros(node.shape, node.dtype)
            ct.reshape(-1)[e] = 1.0
            out = node if node.out is None else node.out
            rows.append(np.asarray(rule(ct, out, *args, **node.attrs)).reshape(-1))
    return np.array(rows, np.float64)


def all_paths(loss, leaf, index):
    """The contribution of every path, by walking all of them."""
    entry = int(np.ravel_multi_index(index, leaf.shape)) if index else 0
    known = {}
    found = []
    stack = [(loss.node, 0, 1.0)]
    while stack:
        node, e, product = stack.pop()
        for slot, key in enumerate(node.edges):
            if key is None or (not isinstance(node.op.vjps, Each) and node.op.vjps[slot] is None):
                continue
            if (node, slot) not in known:
                known[node, slot] = jacobian(node, slot)
            row = known[node, slot][e]
            if key is leaf:
                if row[entry]:
                    found.append(product * row[entry])
            elif not isinstance(key, ur.Tensor):
                stack += [(key, int(f), product * row[f]) for f in np.flatnonzero(row)]
    return sorted(found, key=abs, reverse=True)


def agrees(loss, wrt, leaf, index, k=6):
    every = all_paths(loss, leaf, index)
    found = paths(loss, wrt, k)
    assert found.count == len(every)
    assert [abs(p.contribution) for p in found.paths] == pytest.approx([abs(x) for x in every[:k]], rel=1e-9)
    for path in found.paths:
        assert path.contribution == pytest.approx(math.prod(f.value for f in path.factors), rel=1e-12)
    (gradient,) = ur.grad(loss, leaf)
    assert found.gradient == gradient.array[index]
    assert found.total == pytest.approx(math.fsum(every), rel=1e-9, abs=1e-12)
    assert found.mass == pytest.approx(math.fsum(map(abs, every)), rel=1e-9)
    parts = math.fsum([*[p.contribution for p in found.paths], found.rest])
    assert abs(parts - found.gradient) <= math.ulp(found.rest)
    assert found.difference == pytest.approx(0.0, abs=1e-12 * found.mass + 1e-300)
    return found


UNARY = ("tanh", "sigmoid", "exp", "sin", "square", "relu", "neg")
VECTOR = ("softmax", "cumsum", "flip", "layer_norm", "double", "halves", "logsumexp")


def vector(op, x, w):
    match op:
        case "softmax":
            return F.softmax(x, -1)
        case "cumsum":
            return ur.cumsum(x, -1)
        case "flip":
            return ur.flip(x, (1,))
        case "layer_norm":
            return F.layer_norm(x, (3,))
        case "double":
            return ur.cat([x, x * x], 1)[:, 1:4]
        case "halves":
            return x + x.T[:2, :2].sum()
        case _:
            return x - ur.logsumexp(x, 1, keepdim=True)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(UNARY + VECTOR + ("linear", "times w", "residual")), min_size=1, max_size=4),
    st.integers(0, 99),
)
def test_the_largest_paths_of_small_graphs(ops, seed) -> None:
    rng = np.random.default_rng(seed)
    w = ur.Tensor(rng.standard_normal((3, 3)), requires_grad=True)
    x = ur.Tensor(rng.standard_normal((2, 3)))
    h = before = x @ w
    for op in ops:
        if op == "linear":
            h = F.linear(h, w)
        elif op == "times w":
            h = h * w[:2]
        elif op == "residual":
            h, before = h + before, h
        else:
            h = vector(op, h, w) if op in VECTOR else getattr(ur, op)(h)
    loss = (h * h).mean()
    if len(all_paths(loss, w, (1, 2))) <= 30_000:
        agrees(loss, w[1, 2], w, (1, 2))


def test_one_value_used_twice_by_one_operation() -> None:
    x = ur.tensor(3.0, requires_grad=True)
    found = paths(x * x + 2.0 * x, x)
    assert [p.contribution for p in found.paths] == [3.0, 3.0, 2.0]
    assert [f.operand for f in found.paths[0].factors] == [0, 0]
    assert [f.operand for f in found.paths[1].factors] == [0, 1]
    assert (found.gradient, found.covered, found.rest, found.count) == (8.0, 8.0, 0.0, 3)


def test_paths_that_cancel_are_told() -> None:
    x = ur.tensor([2.0], requires_grad=True)
    found = paths((x * 3.0 - x * 3.0).sum(), x, k=1)
    assert abs(found.paths[0].contribution) == 3.0
    assert found.rest == -found.paths[0].contribution
    assert (found.gradient, found.share, found.count) == (0.0, 0.5, 2)


def test_a_path_that_is_closed_is_none() -> None:
    x = ur.tensor(-2.0, requires_grad=True)
    found = paths(ur.relu(x) * 3.0, x)
    assert (found.paths, found.count, found.gradient) == ((), 0, 0.0)
    assert "No path contributes" in found.text()


def test_a_network_by_its_samples_and_classes() -> None:
    rng = np.random.default_rng(0)
    ur.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    x, y = ur.Tensor(rng.standard_normal((6, 4))), ur.tensor([0, 1, 2, 0, 1, 2])
    w = model[0].weight
    loss = F.cross_entropy(model(x), y)
    agrees(loss, w[3, 2], w, (3, 2))
    found = paths(loss, model[0].weight[3, 2])
    samples, classes = found.by("sample"), found.by("class")
    for i in range(6):  # the gradient of one sample's share of the loss
        (alone,) = ur.grad(F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]) / 6.0, w)
        assert samples.values[i] == pytest.approx(alone.array[3, 2], rel=1e-9)
    assert len(classes.values) == 3
    for parts in (samples, classes, found.by("unit", at="1"), found.by("use")):
        assert parts.total == pytest.approx(found.gradient, rel=1e-12)
    assert found.by("unit", at="1").largest(1)[0][0] == "unit 3"
    assert np.flatnonzero(found.by("unit", at="1").values).tolist() == [3]
    assert found.paths[0].factors[-1].module == "0"
    assert "test_paths.py" in found.paths[0].factors[0].line
    assert found.name == "w[3, 2]"
    json.dumps([found.to_dict(), samples.to_dict()])


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_recurrent_network_by_its_steps(kind) -> None:
    ur.manual_seed(0)
    steps = 64
    rnn = kind(3, 4)
    x = ur.Tensor(np.random.default_rng(0).standard_normal((steps, 2, 3)).astype(np.float32))
    loss = rnn(x)[0].square().mean()
    loss.backward()
    found = paths(loss, rnn.weight_hh_l0[1, 2], k=5)
    assert found.stored == found.gradient
    assert len(found.paths) == 5
    assert found.difference == pytest.approx(0.0, abs=1e-5 * found.mass)
    parts = found.by("time")
    assert len(parts.values) == steps
    assert parts.total == pytest.approx(found.gradient, rel=1e-4, abs=1e-6 * found.mass)
    assert found.by("use").total == pytest.approx(found.gradient, rel=1e-5)
    if kind is nn.RNN:
        assert found.by("use").total == found.gradient  # bit for bit
        inputs = paths(loss, rnn.weight_ih_l0[1, 2], k=1)
        assert len(inputs.by("time").values) == steps
        assert inputs.by("time").total == pytest.approx(inputs.gradient, rel=1e-4)


def test_a_short_recurrence_against_all_paths() -> None:
    ur.manual_seed(1)
    rnn = nn.RNN(2, 2).double()
    x = ur.Tensor(np.random.default_rng(0).standard_normal((4, 1, 2)))
    w = rnn.weight_hh_l0
    agrees(rnn(x)[0].square().mean(), w[1, 0], w, (1, 0))


def test_a_convolution_against_all_paths() -> None:
    ur.manual_seed(2)
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 2, 2), nn.Flatten()).double()
    x = ur.Tensor(np.random.default_rng(0).standard_normal((3, 1, 5, 5)))
    w = model[0].weight
    agrees(F.cross_entropy(model(x), ur.tensor([0, 1, 1])), w[1, 0, 1, 0], w, (1, 0, 1, 0))


def test_batch_normalisation_mixes_samples() -> None:
    ur.manual_seed(3)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)).double()
    x = ur.Tensor(np.random.default_rng(0).standard_normal((3, 2)))
    w = model[0].weight
    agrees(model(x).square().sum(), w[1, 0], w, (1, 0))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_against_all_paths(causal) -> None:
    rng = np.random.default_rng(4)
    w = ur.Tensor(rng.standard_normal((2, 6)), requires_grad=True)
    x = ur.Tensor(rng.standard_normal((2, 3, 2)))
    q, k, v = (x @ w).split(2, dim=2)
    loss = F.scaled_dot_product_attention(q, k, v, is_causal=causal).square().sum()
    for entry in ((0, 1), (1, 3), (1, 5)):
        agrees(loss, w[entry], w, entry)


def test_an_embedding_against_all_paths() -> None:
    rng = np.random.default_rng(5)
    w = ur.Tensor(rng.standard_normal((4, 3)), requires_grad=True)
    rows = F.embedding(ur.tensor([[1, 2], [1, 1]]), w)
    agrees((rows.sum(1) @ w.T).square().mean(), w[1, 2], w, (1, 2))


def test_equal_lengths_of_batch_and_units_do_not_confuse() -> None:
    rng = np.random.default_rng(6)
    w = ur.Tensor(rng.standard_normal((3, 3)), requires_grad=True)
    x = ur.Tensor(rng.standard_normal((3, 3)))
    agrees(ur.tanh(w @ (x @ ur.tanh(w @ x))).sum(), w[2, 0], w, (2, 0))


def test_an_entry_of_an_intermediate_result() -> None:
    rng = np.random.default_rng(7)
    w = ur.Tensor(rng.standard_normal((3, 3)), requires_grad=True)
    hidden = ur.tanh(ur.Tensor(rng.standard_normal((2, 3))) @ w)
    hidden.retain_grad()
    loss = (F.softmax(hidden @ w, -1) * hidden).square().sum()
    assert paths(loss, hidden[1, 2]).stored is None
    loss.backward()
    found = paths(loss, hidden[1, 2], k=100)
    assert found.name == "hidden[1, 2]"
    assert found.gradient == found.stored == hidden.grad.array[1, 2]
    assert found.count == len(found.paths) == 3 * 3 + 1  # by each score to each probability, and directly
    assert found.covered == pytest.approx(found.gradient, rel=1e-12)
    with pytest.raises(ArgumentError, match="the loss itself"):
        paths(loss, loss)


def test_wrong_input() -> None:
    w = ur.ones(2, 2, requires_grad=True)
    loss = (w * w).sum()
    with pytest.raises(ArgumentError, match="4"):
        paths(loss, w)
    with pytest.raises(ArgumentError, match="k = 0"):
        paths(loss, w[0, 0], k=0)
    with pytest.raises(GradError, match="no history"):
        paths(ur.ones(1), w[0, 0])
    with pytest.raises(GradError, match="starts from one number"):
        paths(w * w, w[0, 0])
    other = ur.ones(2, requires_grad=True)
    with pytest.raises(GradError, match="no influence"):
        paths(loss, other[0])
    with pytest.raises(GradError, match="does not require a gradient"):
        paths(loss, ur.ones(2)[0])
    with pytest.raises(GradError, match="not finite"), np.errstate(all="ignore"):
        paths(ur.log(w * 0.0).sum(), w[0, 0])
    with pytest.raises(ArgumentError, match="'colour'"):
        paths(loss, w[0, 0]).by("colour")
    with pytest.raises(ArgumentError, match="step by step"):
        paths(loss, w[0, 0]).by("time", at=None)
    with pytest.raises(ArgumentError, match="no operation"):
        paths(loss, w[0, 0]).by("unit", at="nowhere")
    with pytest.raises(ArgumentError, match="dimension 5"):
        paths(loss, w[0, 0]).by("unit", dim=5)


def test_not_computed_is_not_zero() -> None:
    x = ur.tensor(0.0, requires_grad=True)
    loss = x * x
    assert "backward() has not been called" in paths(loss, x).text()
    loss.backward()
    found = paths(loss, x)
    assert found.stored == 0.0
    assert "backward() has not" not in found.text()
