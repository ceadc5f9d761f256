"""Optimisers: PyTorch's trajectories, storing and going on, groups, and arguments that cannot be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import optim
from upriver.core.tensor import wrap
from upriver.errors import ArgumentError, DTypeError, GradError, ShapeError
from upriver.optim import optimizer as base

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "maximize": True}),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1, "maximize": True, "momentum": 0.5}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("Adam", {"lr": 0.01, "amsgrad": True, "maximize": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.3, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "maximize": True}),
    ("NAdam", {"lr": 0.01}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1, "momentum_decay": 0.01}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"lr": 0.01}),
    ("RAdam", {"lr": 0.01, "weight_decay": 0.1, "betas": (0.9, 0.9)}),
    ("RAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "centered": True}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "maximize": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-5, "maximize": True}),
]
NAMES = sorted({name for name, _ in CASES})
SHAPES = [(3, 4), (4,), (), (0, 2), (1, 1)]


def idents() -> list[str]:
    return [f"{name}-{'-'.join(f'{k}={v}' for k, v in options.items())}" for name, options in CASES]


def leaves(dtype: Any = np.float32, seed: int = 0) -> list[ur.Tensor]:
    rng = np.random.default_rng(seed)
    return [ur.Tensor(rng.standard_normal(s).astype(dtype), requires_grad=True) for s in SHAPES]


def gradients(step: int, dtype: Any = np.float32) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(1000 + step)
    return [np.asarray(rng.standard_normal(s) * 10.0 ** rng.integers(-2, 2)).astype(dtype) for s in SHAPES]


def give(params: list[ur.Tensor], arrays: list[Any]) -> None:
    for p, g in zip(params, arrays, strict=True):
        p.grad = None if g is None else wrap(g, None)


@pytest.mark.parametrize(("name", "options"), CASES, ids=idents())
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-11)])
def test_trajectory_is_pytorchs(name: str, options: dict[str, Any], dtype: Any, tolerance: float) -> None:
    torch = pytest.importorskip("torch")
    if name == "NAdam":
        tolerance = max(tolerance, 1e-5)  # PyTorch keeps its product of momenta in float32
    ours = leaves(dtype)
    theirs = [torch.tensor(p.array.copy(), requires_grad=True) for p in ours]
    a, b = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    for step in range(100):
        arrays: list[Any] = list(gradients(step, dtype))
        if step % 7 == 3:
            arrays[1] = None  # this parameter had no part in the loss
        give(ours, arrays)
        for p, g in zip(theirs, arrays, strict=True):
            p.grad = None if g is None else torch.tensor(g)
        a.step()
        b.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_pytorchs_state_can_be_taken_over(name: str) -> None:
    torch = pytest.importorskip("torch")
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    ours = leaves()
    theirs = [torch.tensor(p.array.copy(), requires_grad=True) for p in ours]
    b = getattr(torch.optim, name)(theirs, lr=0.01, **options)
    for step in range(20):
        for p, g in zip(theirs, gradients(step), strict=True):
            p.grad = torch.tensor(g)
        b.step()
        if step == 9:
            for p, q in zip(ours, theirs, strict=True):
                p.data = q.detach().numpy().copy()
            a = getattr(optim, name)(ours, lr=0.5, **options)
            a.load_state_dict(b.state_dict())
        elif step > 9:
            give(ours, list(gradients(step)))
            a.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=1e-5, atol=1e-6)
    b.load_state_dict(_as_torch(torch, a.state_dict()))
    b.step()


def _as_torch(torch: Any, value: Any) -> Any:
    if isinstance(value, ur.Tensor):
        return torch.tensor(value.array)
    if isinstance(value, dict):
        return {k: _as_torch(torch, v) for k, v in value.items()}
    return [_as_torch(torch, v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "options"), CASES, ids=idents())
def test_going_on_from_a_stored_state_is_bit_for_bit(name: str, options: dict[str, Any]) -> None:
    ours = leaves()
    a = getattr(optim, name)(ours, **options)
    for step in range(5):
        give(ours, list(gradients(step)))
        a.step()
    stored = a.state_dict()
    copies = [ur.Tensor(p.array.copy(), requires_grad=True) for p in ours]
    before = {i: {k: np.array(getattr(v, "array", v)) for k, v in s.items()} for i, s in stored["state"].items()}
    for step in range(5, 10):
        give(ours, list(gradients(step)))
        a.step()
    for i, s in stored["state"].items():  # a copy: going on does not change it
        for k, v in s.items():
            np.testing.assert_array_equal(getattr(v, "array", v), before[i][k])
    b = getattr(optim, name)(copies)
    b.load_state_dict(stored)
    for step in range(5, 10):
        give(copies, list(gradients(step)))
        b.step()
    for p, q in zip(ours, copies, strict=True):
        assert p.array.tobytes() == q.array.tobytes()
    assert stored["param_groups"][0]["params"] == [0, 1, 2, 3, 4]
    json.dumps(stored["param_groups"])


def test_slots_are_cells_that_stay() -> None:
    ours = leaves()
    a = optim.Adam(ours)
    give(ours, list(gradients(0)))
    a.step()
    cell, value, stored = a.state[ours[0]]["exp_avg"], a.state[ours[0]]["exp_avg"].tolist(), a.state_dict()
    a.step()
    assert cell.tolist() != value
    a.load_state_dict(stored)
    assert a.state[ours[0]]["exp_avg"] is cell
    assert cell.tolist() == value
    assert a.state[ours[0]]["step"] == 1


def test_hyperparameters_survive_json() -> None:
    ours = leaves()
    a = optim.Adam(ours, lr=0.5, betas=(0.5, 0.6))
    stored = json.loads(json.dumps(a.state_dict()))
    b = optim.Adam(ours)
    b.load_state_dict(stored)
    assert b.param_groups[0]["betas"] == (0.5, 0.6)
    assert b.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_large_parameters_are_updated_in_blocks_alike(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    start, grad = rng.standard_normal((7, 11)).astype("f"), rng.standard_normal((7, 11)).astype("f")
    whole, blocks = (ur.Tensor(start.copy(), requires_grad=True) for _ in range(2))
    for p in (whole, blocks):
        p.grad = wrap(grad, None)
    a = getattr(optim, name)([whole], lr=0.1, weight_decay=0.1)
    for _ in range(3):
        a.step()
    monkeypatch.setattr(base, "BLOCK", 16)
    b = getattr(optim, name)([blocks], lr=0.1, weight_decay=0.1)
    for _ in range(3):
        b.step()
    assert whole.array.tobytes() == blocks.array.tobytes()


def test_a_parameter_that_is_not_contiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "BLOCK", 16)
    w = ur.Tensor(np.ones((6, 5), np.float32).T, requires_grad=True)
    w.grad = wrap(np.arange(30, dtype=np.float32).reshape(5, 6), None)
    optim.SGD([w], lr=1.0, momentum=0.9).step()
    np.testing.assert_array_equal(w.array, 1 - np.arange(30).reshape(5, 6))


def test_the_cell_stays_and_the_change_is_noticed() -> None:
    w = ur.Tensor(np.float32([1.0, 2.0]), requires_grad=True)
    cell = w.array
    stale = (w * w).sum()
    (w * w).sum().backward()
    optim.SGD([w], lr=0.1).step()
    assert w.array is cell
    with pytest.raises(GradError, match="changed after it ran"):
        stale.backward()


def test_options_are_live_and_groups_have_their_own() -> None:
    a, b = (ur.Tensor(np.float32([1.0]), requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 10.0, "name": "fast"}], lr=1.0)
    give([a, b], [np.float32([1.0]), np.float32([1.0])])
    optimizer.step()
    assert (a.item(), b.item()) == (0.0, -9.0)
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.param_groups[1]["momentum"] = 0.9
    optimizer.step()
    optimizer.step()
    assert (a.item(), b.item()) == (-1.0, -38.0)
    assert optimizer.state[b]["momentum_buffer"].tolist() == [pytest.approx(1.9)]
    assert a not in optimizer.state


def test_named_parameters_and_a_later_group() -> None:
    a, b = (ur.Tensor(np.float32([1.0]), requires_grad=True) for _ in range(2))
    optimizer = optim.Adam([("weight", a)], lr=0.1)
    optimizer.add_param_group({"params": [("bias", b)], "lr": 0.2})
    assert [g["param_names"] for g in optimizer.param_groups] == [["weight"], ["bias"]]
    assert optimizer.state_dict()["param_groups"][1]["params"] == [1]
    assert repr(optimizer).startswith("Adam (\nParameter Group 0\n    amsgrad: False\n")


def test_zero_grad() -> None:
    w = ur.Tensor(np.float32([1.0]), requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    (w * 3).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is not None
    assert w.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert w.grad is None


def test_closure_is_run_recorded_and_its_loss_returned() -> None:
    w = ur.Tensor(np.float32([2.0]), requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)

    def closure() -> ur.Tensor:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with ur.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert w.item() == 1.0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([], "is empty"),
        ([3.0], "not a tensor"),
        (ur.Tensor(np.float32([1.0]), requires_grad=True), "one tensor"),
        ([ur.Tensor(np.float32([1.0]), requires_grad=True) * 2], "not a leaf"),
        ([leaf := ur.Tensor(np.float32([1.0]), requires_grad=True), leaf], "appears twice"),
        ([{"params": [leaf]}, {"params": [leaf]}], "appears twice"),
        ([{"lr": 0.1}], "without 'params'"),
        ([{"params": {leaf}}], "no order"),
    ],
)
def test_wrong_parameters(params: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        optim.SGD(params, lr=0.1)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *[(name, {"lr": -1.0}) for name in NAMES],
        *[(name, {"weight_decay": -1.0}) for name in NAMES],
        ("SGD", {"momentum": -1.0}),
        ("SGD", {"nesterov": True}),
        ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        ("Adam", {"betas": (1.0, 0.9)}),
        ("Adam", {"eps": -1.0}),
        ("NAdam", {"momentum_decay": -1.0}),
        ("RMSprop", {"alpha": -1.0}),
        ("Adagrad", {"lr_decay": -1.0}),
    ],
)
def test_wrong_options(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as caught:
        getattr(optim, name)(leaves(), **options)
    assert caught.value.fix


def test_a_state_that_does_not_fit() -> None:
    ours = leaves()
    a = optim.Adam(ours)
    give(ours, list(gradients(0)))
    a.step()
    stored = a.state_dict()
    with pytest.raises(ArgumentError, match="have \\[5\\] parameters, this optimiser's \\[4\\]"):
        optim.Adam(ours[:4]).load_state_dict(stored)
    with pytest.raises(ShapeError, match="exp_avg has shape"):
        optim.Adam(ours[::-1]).load_state_dict(stored)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"state": {}}, "'state' and 'param_groups' are expected"),
        ({"weight": ur.ones(2)}, r"the keys are \['weight'\]"),
        ({"state": {7: {"step": 1.0}}, "param_groups": [{"params": [0]}]}, "values for parameter 7"),
    ],
)
def test_a_state_of_something_else(state: dict[str, Any], message: str) -> None:
    optimizer = ur.optim.Adam([ur.ones(2, requires_grad=True)])
    with pytest.raises(ArgumentError, match=message):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize(
    ("grad", "message"),
    [(ur.ones(2), r"shape \[2\] was assigned to a tensor of shape \[3\]"), (ur.ones(1), r"shape \[1\]"), (3, "int")],
)
def test_a_gradient_that_was_assigned_and_does_not_fit(grad: Any, message: str) -> None:
    w = ur.ones(3, requires_grad=True)
    w.grad = grad
    with pytest.raises((ShapeError, DTypeError), match=message):
        optim.SGD([w], lr=0.1).step()
    with pytest.raises((ShapeError, DTypeError), match=message):
        (w * 2).sum().backward()
    assert w.tolist() == [1.0] * 3
