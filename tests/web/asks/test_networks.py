"""Pasted networks: read without being run, computed as PyTorch would, refused line by line; stacks of layers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.errors import UpriverError
from upriver.web.asks import find
from upriver.web.pasted.network import Network

sys.path.insert(0, str(Path(__file__).parent))
from asking import CLASS, ask

SHORT = """
model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
x = [[1, 2], [3, 4]]
y = [[0], [1]]
loss = mse_loss(model(x), y)
"""


def lines(found: dict[str, Any]) -> list[tuple[int, str]]:
    return [
        (n["line"]["line"], n["line"]["text"])
        for n in found["trace"]["nodes"]
        if n["kind"] == "operation" and n["line"]
    ]


def test_every_operation_has_its_line_and_its_module() -> None:
    found = ask("network", {"code": CLASS})
    assert [m["type"] for m in found["trace"]["modules"]] == ["Net", "Linear", "Tanh", "Linear", "CrossEntropyLoss"]
    assert lines(found)[:3] == [(16, "h = self.act(self.fc1(x))")] * 2 + [(17, "return self.fc2(h)")]
    assert lines(found)[-1] == (24, "loss = criterion(out, y)")
    assert {n["line"]["file"] for n in found["trace"]["nodes"] if n["kind"] == "operation"} == {"pasted"}
    assert found["names"] == ["net.fc1.weight", "net.fc1.bias", "net.fc2.weight", "net.fc2.bias"]
    assert found["seed"] == 1
    assert {"m0", "m1"} <= found["groups"].keys()


def test_lines_are_counted_as_in_the_text() -> None:
    assert lines(ask("network", {"code": "\n\nw = 2\n\nloss = w * w\n"})) == [(5, "loss = w * w")]


def test_the_gradients_are_those_of_the_engine() -> None:
    state = ur.get_rng_state()
    ur.manual_seed(0)  # the same network, written in Python
    model = ur.nn.Sequential(ur.nn.Linear(2, 3), ur.nn.Tanh(), ur.nn.Linear(3, 1)).double()
    ur.set_rng_state(state)
    x, y = ur.tensor([[1.0, 2], [3, 4]], dtype=ur.float64), ur.tensor([[0.0], [1]], dtype=ur.float64)
    loss = ur.nn.functional.mse_loss(model(x), y)
    loss.backward()
    found = ask("network", {"code": SHORT})
    by_name = {n["name"]: n for n in found["trace"]["nodes"]}
    assert by_name["loss"]["value"]["data"] == pytest.approx(loss.item())
    grad = model[0].weight.grad
    assert grad is not None
    np.testing.assert_allclose(by_name["model.0.weight"]["gradient"]["data"], grad.array)


@pytest.mark.parametrize("name", ["net.fc1.weight", "net.fc2.bias", "out"])
def test_its_gradients_can_be_checked_nudged_and_taken_apart(name: str) -> None:
    given = {"code": CLASS, "name": name, "entry": [0, 1] if name != "net.fc2.bias" else [0]}
    found = ask("check", given)
    assert found["agrees"]
    taken = ask("paths", given)
    assert taken["gradient"] == pytest.approx(found["analytic"])
    assert sum(p["contribution"] for p in taken["paths"]) + taken["rest"] == pytest.approx(taken["gradient"])
    if name != "out":
        nudged = ask("nudge", {**given, "by": 1e-3})
        assert nudged["predicted"] == pytest.approx(1e-3 * found["analytic"])
        assert nudged["measured"] == pytest.approx(nudged["second"], rel=1e-3)


@pytest.mark.parametrize(
    "code",
    [
        "w = torch.tensor(2.0, requires_grad=True)\nloss = (w * 3 - 10).pow(2)",
        "w, x = 2, 3\n(w*x - 10)**2",
        "w = 2.0\nw2 = w * 3\nw2 -= 10\nloss = w2 ** 2",
        "w = 2\nw = w * 3\nw = w - 10\nloss = w.square()",
    ],
)
def test_plain_lines_are_a_network_too(code: str) -> None:
    found = ask("network", {"code": code})
    first = next(n for n in found["trace"]["nodes"] if n["kind"] == "leaf")
    assert first["gradient"]["data"] == -24


def test_seeds_and_drawing() -> None:
    code = "x = torch.randn(4, 2)\nmodel = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.PReLU())\n"
    code += "loss = model(x).sum()"
    before = ur.get_rng_state().tolist()
    one, same, other = (Network(code, seed=seed) for seed in (1, 1, 2))
    values = [net.run()[""].item() for net in (one, same, other, one)]
    assert values[0] == values[1] == values[3] != values[2]
    assert ur.get_rng_state().tolist() == before
    assert Network("torch.manual_seed(2)\n" + code).run()[""].item() == values[2]


def test_layers_that_are_called_where_they_are_made_stay_the_same() -> None:
    net = Network("x = [[1, 2]]\nh = nn.Linear(2, 2)(x)\nloss = nn.MSELoss()(nn.ReLU()(h), [[1, 1]])")
    assert net.run()[""].item() == net.run()[""].item()


def test_a_loop_is_written_out() -> None:
    loop = "w = 2.0\nh = 1.0\nfor i in range(1, 4):\n    h = torch.tanh(w * h + i)\nloss = h * h"
    plain = "w = 2.0\nh = 1.0\n" + "".join(f"h = torch.tanh(w * h + {i})\n" for i in (1, 2, 3)) + "loss = h * h"
    one, other = (ask("network", {"code": code})["trace"]["nodes"] for code in (loop, plain))
    assert [n["value"] for n in one] == [n["value"] for n in other]
    assert [n["gradient"] for n in one] == [n["gradient"] for n in other]
    assert lines(ask("network", {"code": loop}))[:3] == [(4, "h = torch.tanh(w * h + i)")] * 3
    nested = "w = 1.0\nfor i in range(3):\n    for j in range(i + 1):\n        w = w * (i + j + 1)\nloss = w * 1"
    assert ask("network", {"code": nested})["trace"]["nodes"][-1]["value"]["data"] == 1 * 2 * 3 * 3 * 4 * 5


STEPS = "x = torch.randn(1, 3, 2)\ny = torch.zeros(1, 4)\n"
CELL = """cell = nn.RNNCell(2, 4)
h = torch.zeros(1, 4)
for t in range(3):
    h = cell(x[:, t], h)
loss = F.mse_loss(h, y)"""
LSTM_CELL = """cell = nn.LSTMCell(2, 4)
h, c = torch.zeros(1, 4), torch.zeros(1, 4)
for t in range(3):
    h, c = cell(x[:, t], (h, c))
loss = F.mse_loss(h, y)"""
IN_A_CLASS = """class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.rnn = nn.GRUCell(2, n)
        self.out = nn.Linear(n, 4)
    def forward(self, x):
        h = torch.zeros(1, 3)
        for t in range(3):
            h = self.rnn(x[:, t], h)
        return self.out(h)
net = Net(3)
loss = F.mse_loss(net(x), y)"""


@pytest.mark.parametrize(
    ("code", "name", "closed"),
    [
        (CELL, "weight_hh", ["RNNCell"] * 3),
        (LSTM_CELL, "weight_ih", ["LSTMCell"] * 3),
        ("rnn = nn.RNN(2, 4, batch_first=True)\nout, h = rnn(x)\nloss = F.mse_loss(out[:, -1], y)", "weight_hh_l0",
         ["RNN"]),
        ("rnn = nn.LSTM(2, 4, batch_first=True)\nout, (h, c) = rnn(x)\nloss = F.mse_loss(h[0], y)", "weight_hh_l0",
         ["LSTM"]),
        ("rnn = nn.GRU(2, 4, batch_first=True)\nout, _ = rnn(x)\nloss = F.mse_loss(out[:, 2, :], y)", "weight_ih_l0",
         ["GRU"]),
        (IN_A_CLASS, "rnn.weight_hh", ["Net", *["GRUCell"] * 3, "Linear"]),
        ("m = nn.MultiheadAttention(2, 2, batch_first=True)\nout, w = m(x, x, x)\nloss = out.pow(2).mean()",
         "in_proj_weight", ["MultiheadAttention", "Linear"]),
        ("q, k, v = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)\n"
         "loss = F.scaled_dot_product_attention(q(x), k(x), v(x), is_causal=True).pow(2).mean()", "k.weight",
         ["Linear"] * 3),
        ("q = nn.Linear(2, 2)\na = F.softmax(q(x) @ x.transpose(1, 2), dim=-1)\nloss = (a @ x).pow(2).sum()", "weight",
         ["Linear"]),
        ("q = nn.Linear(2, 2)\na = torch.cat([q(x), x * 2], dim=1)\nb = torch.stack((q(x), x), dim=0)\n"
         "loss = a.reshape(3, 4).sum() + b[0, 0, 1:3].square().sum()", "weight", ["Linear"] * 2),
    ],
)  # fmt: skip
def test_recurrence_and_attention(code: str, name: str, closed: list[str]) -> None:
    found = ask("network", {"code": STEPS + code})
    assert [m["type"] for m in found["trace"]["modules"]] == closed
    views = found["views"]
    closed_view = views.get("closed", "first")
    assert len((views[closed_view] if isinstance(closed_view, str) else closed_view)["b"]) < 20, "readable"
    checked = ask("check", {"code": STEPS + code, "name": name, "entry": [0, 1]})
    assert checked["agrees"]
    assert checked["analytic"] != 0


def test_what_is_drawn_may_want_a_gradient() -> None:
    found = ask("network", {"code": "q = torch.randn(3, requires_grad=True)\nx = torch.ones(3)\nloss = (q * x).sum()"})
    assert found["names"] == ["q"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\nfor i in range(100): x = x*2\nx", "line 2: this loop runs too often"),
        (
            "x = 1\nfor i in range(60):\n    for j in range(60):\n        x = x*2\nx*1",
            "line 3: this loop runs too often",
        ),
        ("x = 1\nfor i in x: x = x*2\nx", "line 2: a loop counts to a plain number"),
        ("x = 1\nfor i in range(3):\n    i = x\nx*1", "line 3: i counts the rounds"),
        ("x = 1\nwhile x: x = x*2", "line 2: a loop cannot"),
        ("x = [1, 2]\ni = 1\nloss = x[i]*2", "line 3: an index is made of plain whole numbers"),
        ("x = [1, 2]\nloss = x[x]*2", "line 2: an index is made of"),
        ("x = [1, 2]\nloss = x[5]*2", "line 2: index: index 5 is out of range"),
        ("a, b, c = (1, 2)\na*2", "line 1: of 2 values, one is chosen"),
        ("x = (1, 2)\nloss = x*2", "line 2: cannot be computed"),
        ("x = [1, 2]\nloss = x[::0].sum()", "line 2: "),
        ("", "a text is needed"),
        ("import torch", "computes nothing"),
        ("import os\nx = 1", "line 1: os cannot be imported"),
        ("x = (1,", "line 1: this is not Python"),
        ("x = 1\nloss = q * 2", "line 2: q has no value"),
        ("loss = model(3)\nx = 1", "line 1: model has no value"),
        ("x = 1\nloss = x(3)", "line 2: x is not a layer"),
        ("x = nn.Linear(2)", r"line 1: Linear is called as Linear\(in_features, out_features"),
        ("x = 1\nm = nn.Linear(100000, 100000)\nx*2", "line 2: Linear is too large"),
        (
            "m = nn.Sequential(nn.Linear(100, 150), nn.Linear(150, 100))\nm([1])",
            "line 1: Sequential: 30,250 parameters",
        ),
        ("x = torch.ones(256, 256)", "line 1: ones is too large"),
        ("m = nn.Linear(2, 1)\nx = [[1, 2, 3]]\nloss = m(x).sum()", "line 3: "),
        ("m = nn.Linear(2, 1)\nx = [[1, 2]]\nloss = m(x) @ [[1, 2]]", "line 3: the result is of shape"),
        ("x = [1, 2]\nloss = x.numpy().sum()", "line 2: there is no function 'numpy'|line 2: numpy has no value"),
        ("x = eval('1')", "eval has no value|no function 'eval'"),
        ("x = 1\ny = x.__class__\ny*2", "line 2: an attribute"),
        (
            "class A(nn.Module):\n    def __init__(self):\n        self.a = nn.Linear(1, 1)\na = A()\n",
            "line 1: A: a class has",
        ),
        ("class A(nn.Module):\n    def f(self, x):\n        while 1: pass\n", "line 3: a loop"),
        ("x = " + "(" * 300 + "1" + ")" * 300, "line 1"),
        ("x = 1\n" * 6000, "at most 20,000"),
        ("h = 1\n" + "h = h*2\n" * 2001 + "h", "2,002 values"),
    ],
)
def test_what_cannot_be_meant_names_its_line(code: str, said: str) -> None:
    with pytest.raises(UpriverError, match=said):
        ask("network", {"code": code})


# flow


@pytest.mark.parametrize("depth", [2, 10, 50])
def test_a_sigmoid_stack_vanishes_and_its_remedies_heal_it(depth: int) -> None:
    sick = ask("flow", {"depth": depth, "activation": "sigmoid"})
    assert sick["state"] == ("healthy" if depth == 2 else "vanishing")
    assert len(sick["layers"]) == depth
    if depth > 2:
        assert sick["per_layer"] < 0.3
        assert sick["first_over_last"] < 1e-5
        assert "sigmoid" in str(find("flow")({"depth": depth})["verdict"])
    for remedy in ({"relu": True}, {"skip": True}, {"norm": "batch"}):
        healed = ask("flow", {"depth": depth, "activation": "sigmoid", "remedy": remedy})
        if depth <= 10:
            assert healed["state"] == "healthy", remedy
        assert healed["first_over_last"] > 0.01


def test_an_exploding_stack_is_located_and_clipped() -> None:
    found = ask("flow", {"depth": 20, "activation": "tanh", "gain": 3})
    assert found["state"] == "exploding"
    assert found["per_layer"] > 1.2
    norms = {layer["name"]: layer["gradient_norm"] for layer in found["layers"]}
    assert norms[found["exploded_at"]] > 100
    clipped = ask("flow", {"depth": 20, "activation": "tanh", "gain": 3, "remedy": {"clip": True}})
    assert clipped["state"] == "clipped"
    assert max(layer["update_ratio"] for layer in clipped["layers"]) < 0.01
    assert max(layer["update_ratio"] for layer in found["layers"]) > 0.1


def test_too_much_becomes_nan_and_the_layer_is_named() -> None:
    found = ask("flow", {"depth": 50, "activation": "relu", "gain": 20})
    assert found["state"] == "overflow"
    assert found["loss"] == "nan"
    at = int(found["exploded_at"])
    assert isinstance(found["layers"][at - 2]["activation"], float)
    assert not isinstance(found["layers"][at - 1]["activation"], float)


def test_the_flow_is_that_of_a_network_written_by_hand() -> None:
    from upriver.web.asks.flow import Stack

    found = ask("flow", {"depth": 3, "activation": "tanh", "seed": 4})
    points = np.random.default_rng(4).standard_normal((64, 16)).astype(np.float32)
    stack = Stack(3, 1.0, 4, "tanh", "none", False)
    weights = [layer.linear.weight for layer in stack.layers]
    x = ur.tensor(points)
    for w in weights:
        x = ur.tanh(x @ w.T)
    y = ur.tensor(np.sign(points[:, :1] * points[:, 1:2]))
    loss = ((x @ stack.output.weight.T - y) ** 2).mean()
    gradients = ur.grad(loss, weights)
    assert found["loss"] == pytest.approx(loss.item(), rel=1e-5)
    for layer, g in zip(found["layers"], gradients, strict=True):
        assert g is not None
        assert layer["gradient_norm"] >= float(np.linalg.norm(g.array)) * 0.999  # and that of the biases


def test_it_is_the_same_for_the_same_seed_and_trains() -> None:
    given = {"depth": 10, "activation": "relu", "init": "he", "steps": 20, "seed": 3}
    found = ask("flow", given)
    assert found == ask("flow", given)
    assert found["losses"][-1] < found["losses"][0]
    assert ask("flow", {**given, "seed": 5})["loss"] != found["loss"]


@pytest.mark.parametrize(
    "given",
    [
        {"depth": 1},
        {"depth": 51},
        {"depth": 2.5},
        {"activation": "magic"},
        {"gain": 0},
        {"remedy": {"norm": "x"}},
        {"remedy": 3},
    ],
)
def test_settings_out_of_bounds_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UpriverError):
        ask("flow", given)
