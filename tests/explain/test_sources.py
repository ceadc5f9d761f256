"""Every node knows the user's line and the module path in which it was made."""

from __future__ import annotations

from typing import Any

import upriver as ur
from upriver.core import site
from upriver.core.scope import Paths, path_of
from upriver.explain.derivation import explain
from upriver.explain.names import Fresh, of_lists, of_variables
from upriver.explain.render import short_line


class MLP(ur.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = ur.nn.Linear(4, 8)
        self.fc2 = ur.nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        hidden = ur.relu(self.fc1(x))  # in the MLP
        return self.fc2(hidden)


class Block(ur.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mlp = MLP()

    def forward(self, x: Any) -> Any:
        return x + self.mlp(x)  # the residual


class Net(ur.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = ur.nn.ModuleList([Block() for _ in range(4)])

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return x


def test_module_paths_of_every_node() -> None:
    loss = Net()(ur.ones(2, 4)).sum()
    path = Paths()
    paths = [path(node.scope) for node in ur.Graph.of(loss)]
    one = ["blocks.{}.mlp.fc1", "blocks.{}.mlp", "blocks.{}.mlp.fc2", "blocks.{}"]
    assert paths == [path.format(i) for i in range(4) for path in one] + [""]
    assert [path_of(node.scope) for node in ur.Graph.of(loss)] == paths


def test_lines_of_every_node() -> None:
    loss = Net()(ur.ones(2, 4)).sum()  # the loss
    for node in ur.Graph.of(loss):
        assert node.site is not None
        text = site.describe(node.site)
        assert "test_sources.py" in text
        expected = {"relu": "# in the MLP", "add": "# the residual", "sum": "# the loss"}
        assert expected.get(node.name, "self.fc") in text


def test_explanations_bear_lines_and_paths() -> None:
    e = explain(Net()(ur.ones(2, 4)).sum())
    relu = [s for s in e.steps if s.operation == "relu"]
    assert [s.module for s in relu] == [f"blocks.{i}.mlp" for i in (3, 2, 1, 0)]
    assert all("# in the MLP" in str(s.line) for s in relu)
    assert e.answers[0].name == "blocks.0.mlp.fc1.weight"
    assert "[blocks.3.mlp] " in e.text()


def test_each_step_and_each_value_bears_the_line_of_its_own_operation() -> None:
    w = ur.tensor(2.0, requires_grad=True)
    product = w * 3.0  # mul is here
    shifted = product - 10.0  # sub is here
    e = explain(shifted**2)  # pow is here
    assert [s.operation for s in e.steps] == ["pow", "sub", "mul"]
    for made in (*e.steps, *[v for v in e.values if v.operation is not None]):
        assert str(made.line).endswith(f"# {made.operation} is here")


def test_a_module_called_by_one_that_does_not_own_it_is_named_by_its_class() -> None:
    inner = MLP()

    class Outer(ur.nn.Module):
        def forward(self, x: Any) -> Any:
            return (lambda: inner(x))()

    loss = Outer()(ur.ones(1, 4)).sum()
    assert path_of(ur.Graph.of(loss).nodes[0].scope) == "MLP.fc1"


def test_switched_off_and_on_again() -> None:
    w = ur.tensor(2.0, requires_grad=True)
    ur.record_source_lines(False)
    assert (w * w).node.site is None
    ur.record_source_lines(True)
    assert (w * w).node.site is not None
    with site.sites_off():
        assert (w * w).node.site is None
    assert (w * w).node.site is not None


def test_short_lines() -> None:
    assert short_line("train.py:41: y = x[a:3]") == "train.py:41"
    assert short_line("C:/a.py:7: y") == "C:/a.py:7"
    assert short_line(None) is None


def test_names_of_variables() -> None:
    w, model = ur.tensor(1.0, requires_grad=True), MLP()
    h = w * 2
    names = of_variables({"w": w, "h": h, "model": model, "_hidden": ur.tensor(0.0), "items": [w, h], "n": 3})
    assert names[w] == "w"
    assert names[h.node] == "h"
    assert names[model.fc1.weight] == "fc1.weight"
    assert len(names) == 6
    two = of_variables({"a": MLP(), "b": model})
    assert two[model.fc1.weight] == "b.fc1.weight"
    assert of_lists({"items": (w, h)}) == {w: "items[0]", h.node: "items[1]"}


def test_fresh_names_are_found_by_counting_on() -> None:
    class Counted(set[str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            self.asked += 1
            return super().__contains__(name)

    taken = Counted({"v2"})
    fresh = Fresh(taken)
    assert [fresh("v") for _ in range(3)] == ["v1", "v3", "v4"]
    assert fresh("w") == "w1"
    assert {"v1", "v4", "w1"} <= taken
    before = taken.asked
    for _ in range(1000):
        fresh("v")
    assert taken.asked - before == 1000
