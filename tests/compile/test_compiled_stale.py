"""Nothing that a program rests on can change behind its back: each change shows in the next call, as in eager."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

import upriver as ur
from upriver import nn
from upriver.core.tensor import Tensor

from .compared import Twin, random, same

_BIAS = 0.0


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)
        self.drop = nn.Dropout(0.5)
        self.factor, self.table, self.options = 2.0, [1.0, 2.0], {"shift": 0.5}
        self.register_buffer("offset", ur.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        y = self.last(self.drop(self.norm(ur.tanh(self.first(x)))))
        return y * self.factor + self.offset + self.options["shift"] * self.table[0]


def _loss(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return (model(x) - y).square().mean()


def _replace_parameter(t: Twin) -> None:
    t.model.first.weight = nn.Parameter(ur.full((5, 4), 0.1))


def _replace_layer(t: Twin) -> None:
    t.model.drop = nn.Identity()


def _load(t: Twin) -> None:
    state = t.model.state_dict()
    t.model.load_state_dict({name: ur.zeros_like(x) + 1 for name, x in state.items()})


def _load_optimizer(t: Twin) -> None:
    state = t.optimizer.state_dict()
    for slot in state["state"].values():
        for name, x in slot.items():
            slot[name] = x * 2 if isinstance(x, Tensor) and x.ndim else x
    state["param_groups"][0]["lr"] = 0.03
    t.optimizer.load_state_dict(state)


def _add_group(t: Twin) -> None:
    extra = nn.Parameter(ur.ones(2))
    t.model.extra = extra
    t.optimizer.add_param_group({"params": [extra], "lr": 0.5})


def _fewer_params(t: Twin) -> None:
    group = t.optimizer.param_groups[0]
    group["params"] = group["params"][1:]


def _wider_data(t: Twin) -> None:
    t.model.last.weight.data = ur.ones(2, 5) * 0.3
    t.model.first.weight.data = ur.ones(4, 5).T * 0.3  # the same shape, other strides


def _option(name: str, value: Any) -> Callable[[Twin], None]:
    return lambda t: t.optimizer.param_groups[0].__setitem__(name, value)


def _attribute(path: str, value: Any) -> Callable[[Twin], None]:
    def change(t: Twin) -> None:
        *parts, last = path.split(".")
        module = t.model
        for part in parts:
            module = getattr(module, part)
        setattr(module, last, value)

    return change


def _in_place(t: Twin) -> None:
    with ur.no_grad():
        t.model.first.weight.mul_(0.5)
        t.model.offset += 1.0


def _numpy(t: Twin) -> None:
    t.model.first.weight.array[...] = 0.25


def _float64(t: Twin) -> None:
    t.model.double()


def _two_of_one(t: Twin) -> None:
    t.model.last.bias.data = t.model.offset.detach()  # from now on the same memory, written by the step


def _tied(t: Twin) -> None:
    t.model.first.bias = t.model.norm.bias


def _no_optimizer_state(t: Twin) -> None:
    t.optimizer.state.clear()


def _other_state(t: Twin) -> None:
    t.optimizer.state = defaultdict(dict)


CHANGES: dict[str, Callable[[Twin], None]] = {
    "eval": lambda t: t.model.eval(),
    "eval of a part": lambda t: t.model.norm.eval(),
    "p": _attribute("drop.p", 0.1),
    "momentum of norm": _attribute("norm.momentum", 0.5),
    "eps": _attribute("norm.eps", 0.1),
    "number": _attribute("factor", 3.0),
    "list": _attribute("table", [3.0]),
    "new number": _attribute("other", 3.0),
    "buffer": _attribute("offset", ur.ones(2)),
    "parameter": _replace_parameter,
    "layer": _replace_layer,
    "load_state_dict": _load,
    "load_state_dict of the optimiser": _load_optimizer,
    "add_param_group": _add_group,
    "params of a group": _fewer_params,
    "data": _wider_data,
    "lr": _option("lr", 0.002),
    "weight_decay": _option("weight_decay", 0.3),
    "betas": _option("betas", (0.5, 0.6)),
    "amsgrad": _option("amsgrad", True),
    "maximize": _option("maximize", True),
    "requires_grad": lambda t: t.model.first.requires_grad_(False),
    "requires_grad of one": lambda t: t.model.last.bias.requires_grad_(False),
    "in place": _in_place,
    "numpy": _numpy,
    "float64": _float64,
    "gradients left": lambda t: setattr(t.model.first.weight, "grad", ur.ones(5, 4)),
    "shared memory": _two_of_one,
    "tied": _tied,
    "state cleared": _no_optimizer_state,
    "other state": _other_state,
    "forward": lambda t: setattr(t.model.last, "forward", lambda x: x[:, :2] * 2),
}
BACK: dict[str, Callable[[Twin], None]] = {
    "eval": lambda t: t.model.train(),
    "requires_grad": lambda t: t.model.first.requires_grad_(True),
    "p": _attribute("drop.p", 0.5),
    "number": _attribute("factor", 2.0),
    "weight_decay": _option("weight_decay", 0.0),
    "float64": lambda t: t.model.float(),
}


@pytest.mark.parametrize("native", [True, False], ids=["native", "replay"])
@pytest.mark.parametrize("name", CHANGES)
def test_change(name: str, native: bool) -> None:
    adam = lambda p: ur.optim.Adam(p, lr=0.01, weight_decay=0.0)
    pair = []
    for _ in range(2):
        ur.manual_seed(0)
        pair.append(Twin(Net(), _loss, adam))
    mine, twin = pair
    step = ur.compile(mine.step, native=native)
    batches = [random(i, (7, 4), (7, 2)) for i in range(3)]

    def run(what: str) -> None:
        if what:
            (BACK if what == "back" else CHANGES)[name](twin)
            (BACK if what == "back" else CHANGES)[name](mine)
        for i, batch in enumerate(batches):
            batch = [x.to(mine.model.first.weight.dtype) for x in batch]
            ur.manual_seed(10 + i)
            want = twin.step(*batch)
            ur.manual_seed(10 + i)
            got = step(*batch)
            same(got, want, f"{name} {what} step {i}", exact=not native, tolerance=1e-4)
        for key, x in twin.state().items():
            same(mine.state()[key], x, f"{name} {what}: {key}", exact=not native, tolerance=1e-4)
        for p, q in zip(mine.model.parameters(), twin.model.parameters(), strict=True):
            assert p.wants_grad == q.wants_grad

    run("")
    run("change")
    if name in BACK:
        run("back")


def test_names() -> None:
    """Globals and closure variables that are bound to something else, and attributes of an object that is compiled."""
    rate, shift = 2.0, ur.ones(2)

    @ur.compile
    def f(x: Tensor) -> Tensor:
        return x * rate + shift + _BIAS

    global _BIAS
    _BIAS = 0.0
    x = ur.ones(2)
    assert f(x).tolist() == f(x).tolist() == [3.0, 3.0]
    rate = 3.0
    assert f(x).tolist() == [4.0, 4.0]
    shift = ur.zeros(2)
    assert f(x).tolist() == [3.0, 3.0]
    _BIAS = 0.5
    assert f(x).tolist() == f(x).tolist() == [3.5, 3.5]
    assert f.recordings == 4

    class Times:
        def __init__(self) -> None:
            self.n = 2.0

        def __call__(self, x: Tensor) -> Tensor:
            return x * self.n

    times = Times()
    g = ur.compile(times)
    assert g(x).tolist() == [2.0, 2.0]
    times.n = 5.0
    assert g(x).tolist() == g(x).tolist() == [5.0, 5.0]
    assert g.recordings == 2


def test_unknown_rewrite() -> None:
    with pytest.raises(ur.errors.ArgumentError, match="no rewrite is named fusion"):
        ur.compile(lambda x: x, without=["fusion"])
