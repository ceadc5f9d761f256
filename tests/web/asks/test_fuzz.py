"""Whatever is asked, the answer is one that JSON can hold, or a sentence that says what is wrong; and in time."""

from __future__ import annotations

import copy
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from upriver.explain.language import functions
from upriver.web.asks import ASKS
from upriver.web.pasted.layers import LAYERS

sys.path.insert(0, str(Path(__file__).parent))
from asking import ANYTHING, CLASS, LISTS, NUMBERS, WORKED, ask, survives

MANY = int(os.environ.get("UPRIVER_FUZZ", "1"))
often = settings(max_examples=150 * MANY, deadline=None, suppress_health_check=list(HealthCheck))
seldom = settings(max_examples=60 * MANY, deadline=None, suppress_health_check=list(HealthCheck))

NAMES = ["w", "x", "y", "W"]
SYMBOLS = st.sampled_from(
    [*NAMES, *"+-*/@()[],;=.%", "**", "//", " ", "\n", "1", "0", "2.5", "1e9", "-1", "T", ".T", "sum(", "exp(", "relu("]
)


@cache
def called() -> list[str]:
    return sorted(functions())


def _call(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    name = draw(st.sampled_from(called()))
    args = draw(st.lists(inner, min_size=1, max_size=3))
    more = draw(
        st.sampled_from(["", "", "", ", dim=0", ", dim=-1", ", 1", ", dim=7", ", keepdim=True", ", None", ", 'x'"])
    )
    return f"{name}({', '.join(args)}{more})"


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """Expressions of the language, mostly of shapes that do not fit."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from([*NAMES, "2", "0", "0.5", "-3", "1e200", "[1, 2]", "[[1, 2], [3, 4]]", "[w, x]"]))
    inner = expressions(depth - 1)
    way = draw(st.integers(0, 5))
    if way <= 1:
        return f"({draw(inner)} {draw(st.sampled_from(['+', '-', '*', '/', '**', '@', '%', '//']))} {draw(inner)})"
    if way == 2:
        return f"-{draw(inner)}" if draw(st.booleans()) else f"{draw(inner)}.T"
    return _call(draw, inner)


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "w": NUMBERS,
        "x": LISTS,
        "y": st.one_of(NUMBERS, st.sampled_from(["-1/3", "[[1, 2]]", "1e999", "nan", "x"])),
        "W": st.sampled_from([[[1, 2], [3, 4]], [[1.0]], [[[1, 2], [3, 4]]], [], [[]], "[[1,2],[3,4]]"]),
    },
)
FITTING = {"w": 0.5, "x": [1.0, -2.0], "y": 3, "W": [[1, 2], [3, 4]]}


@often
@given(st.lists(SYMBOLS, max_size=14).map("".join), VALUES)
def test_soup_of_symbols(text: str, values: dict[str, Any]) -> None:
    survives("derive", {"expression": text, "values": values})


@often
@given(expressions(), VALUES)
def test_expressions_with_any_values(text: str, values: dict[str, Any]) -> None:
    survives("derive", {"expression": text, "values": values})


@often
@given(expressions(), st.sampled_from(["sum({})", "mean({})", "max({})", "{}", "sum(({})**2)", "norm({})"]))
def test_expressions_with_values_that_fit(text: str, around: str) -> None:
    source = around.format(text)
    used = {name: value for name, value in FITTING.items() if name in source.replace("max", "").replace("exp", "")}
    given = {"expression": source, "values": used}
    if survives("derive", given) != "answered":
        used = {name: FITTING[name] for name in NAMES}
        given = {"expression": f"{source} + 0*sum(w + x + y + sum(W))", "values": used}
        survives("derive", given)
    for name in ("check", "nudge", "paths"):
        survives(name, {**given, "name": "w", "by": 0.5})
        survives(name, {**given, "name": "W", "entry": [0, 1], "by": -1})
    survives("mistakes", {**given, "name": "w", "given": 1})
    survives("descent", {**given, "name": "w", "lr": 0.1, "steps": 3})


LINES = [
    "import torch", "from torch import nn", "torch.manual_seed(3)", "x = [[1, 2], [3, 4]]", "y = [[0], [1]]",
    "x = torch.tensor([[1., 2.]], requires_grad=True)", "x = torch.randn(3, 2)", "y = torch.zeros(3, 1)",
    "h = nn.PReLU()(x)", "h = nn.Linear(2, 2)(x)",
    "model = nn.Linear(2, 1)", "model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))",
    "h = model(x)", "h = x.mean()",
    "model = nn.Linear(2)", "model = nn.Linear(2, 10**9)", "loss = F.mse_loss(model(x), y)", "loss = h.sum()",
    "loss = nn.MSELoss()(model(x), y)", "h = nn.ReLU()(h)", "h = h.view(-1)", "h += 1", "loss.backward()", "print(h)",
    "for i in range(3):\n    h = model(x[i])", "for t in range(2):\n    h, c = model(h[:, t], (h, c))",
    "h, (a, b) = model(x)", "for i in range(2):\n    i = x", "h = x[i]",
    "model = nn.LSTM(2, 3)", "model = nn.RNNCell(2, 2)", "h = x[0, -1:]", "x = (x, y)", "h = x[None]", "h = x[0][1]",
    "model = nn.MultiheadAttention(2, 2)", "h = model(x, x, x)[0]", "h = F.scaled_dot_product_attention(x, y, x)",
    "for i in range(3): pass", "x = y", "model = model", "h = model", "h = h(x)", "x = x.T", "loss = model(model)",
    "model = nn.Sequential(nn.Flatten(), nn.LazyLinear(3))", "x = open('/etc/passwd')", "model = nn.Dropout(0.5)",
    "model = nn.Conv2d(1, 2, 3)", "x = torch.ones(1, 1, 6, 6)", "model = nn.BatchNorm1d(2)", "h = model.weight",
    "x: int = 3", "def f(x): return x", "lambda: 0", "x = [i for i in range(3)]", "h = F.softmax(x, dim=1)",
    "h = torch.cat([x, x])", "loss = F.cross_entropy(model(x), [0, 1])", "model = nn.Linear(2, 2, bias=False)",
    "h = self.x", "class A(nn.Module):\n    pass", "model = nn.Sequential()", "y = [0, 5]", "h = nn.PReLU()(x)",
]  # fmt: skip


@often
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=8))
def test_lines_of_networks_in_any_order(lines: list[str]) -> None:
    survives("network", {"code": "\n".join(lines)})


@seldom
@given(st.integers(0, len(CLASS) - 1), st.integers(0, 12), st.text(alphabet="()[]=.,:x0 \n\tself", max_size=5))
def test_damaged_networks(at: int, cut: int, put: str) -> None:
    survives("network", {"code": CLASS[:at] + put + CLASS[at + cut :]})


@seldom
@given(
    st.sampled_from(sorted(LAYERS)),
    st.lists(st.sampled_from(["1", "2", "3", "0", "-1", "0.5", "None", "(2, 2)", "'x'", "999", "True"]), max_size=4),
    st.sampled_from(["[[1, 2], [3, 4]]", "torch.ones(2, 3, 4)", "torch.ones(1, 1, 4, 4)", "2", "[1, 2]"]),
)
def test_layers_with_any_arguments(layer: str, args: list[str], x: str) -> None:
    code = f"model = nn.{layer}({', '.join(args)})\nx = torch.tensor({x}, requires_grad=True)\nloss = model(x).sum()"
    survives(
        "network", {"code": code.replace("torch.tensor(torch.ones", "(torch.ones").replace(", requires_grad=True", "")}
    )
    survives("network", {"code": code.replace("model(x)", "model(x, x)")})


@cache
def document() -> dict[str, Any]:
    return dict(ask("network", {"code": CLASS})["trace"])


def _places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        found += _places(value, (*path, key))
    return found


@cache
def places() -> list[tuple[Any, ...]]:
    return _places(document())


@settings(often, max_examples=100 * MANY)
@given(st.data())
def test_damaged_traces(data: st.DataObject) -> None:
    damaged = copy.deepcopy(document())
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(places()))
        at: Any = damaged
        try:
            for key in path:
                at = at[key]
            if data.draw(st.booleans()):
                at[last] = data.draw(ANYTHING)
            elif isinstance(at, (dict, list)):
                del at[last]
        except (KeyError, IndexError, TypeError):
            continue
    survives("open_trace", {"document": damaged})
    survives("export", {"document": damaged, "format": "html"})


KEYS = [
    "expression", "values", "wrt", "name", "entry", "by", "given", "kind", "lr", "steps", "depth", "activation", "gain",
    "init", "remedy", "seed", "code", "document", "format", "layers", "range", "k",
]  # fmt: skip
GIVEN = st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=8)
LIKELY = {"name": "w", "format": "svg", "given": 1, "code": None, "document": None}


@pytest.mark.parametrize("name", sorted(ASKS))
@seldom
@given(more=GIVEN)
def test_any_json(name: str, more: dict[str, Any]) -> None:
    survives(name, more)
    survives(name, {**WORKED, **LIKELY, **more})


def test_nothing_that_a_trace_must_have_can_be_missing() -> None:
    seen: set[Any] = set()
    for path in places():
        *around, last = path
        kind = document()[path[0]][path[1]].get("kind") if path[0] == "nodes" and len(path) > 1 else None
        pattern = (kind, *["*" if isinstance(part, int) else part for part in path])
        if pattern in seen or "said" in path or isinstance(last, int):
            continue
        seen.add(pattern)
        damaged = copy.deepcopy(document())
        at: Any = damaged
        for key in around:
            at = at[key]
        del at[last]
        survives("open_trace", {"document": damaged})
        survives("export", {"document": damaged, "format": "html"})
    assert len(seen) > 60
