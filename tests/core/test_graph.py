"""The graph as readers see it: whole, ordered, exact, and as plain data."""

from __future__ import annotations

import json

import numpy as np
import pytest

import upriver as ur
from upriver.core import site
from upriver.core.graph import Node
from upriver.core.state import scope
from upriver.errors import GradError


def network(dtype=np.float64):
    rng = np.random.default_rng(0)
    x = ur.Tensor(rng.standard_normal((5, 3)).astype(dtype))
    w = ur.Tensor(rng.standard_normal((4, 3)).astype(dtype), requires_grad=True)
    b = ur.Tensor(rng.standard_normal(4).astype(dtype), requires_grad=True)
    made = [ur.nn.functional.linear(x, w, b)]
    made.append(ur.tanh(made[-1]))
    made.append(made[-1] * 3.0)
    made.append(made[-1] + made[0])
    made.append(made[-1].reshape(-1))
    made.append(made[-1].mean())
    return (x, w, b), made


def test_nodes_come_after_what_they_read() -> None:
    _, made = network()
    graph = ur.Graph.of(made[-1])
    place = {node: i for i, node in enumerate(graph)}
    assert len(place) == len(graph) == len(graph.nodes)
    for node in graph:
        assert all(place[parent] < place[node] for parent in node.parents)
    assert graph.nodes[-1] is made[-1].node
    assert [node.name for node in graph] == ["linear", "tanh", "mul", "add", "reshape", "mean"]


def test_leaves_in_the_order_of_their_first_use() -> None:
    leaves, made = network()
    assert [id(x) for x in ur.Graph.of(made[-1]).leaves] == [id(x) for x in leaves]


def test_the_graph_of_a_leaf() -> None:
    x = ur.tensor(1.0, requires_grad=True)
    graph = ur.Graph.of(x)
    assert len(graph) == 0
    assert graph.leaves == (x,)
    assert graph.values() == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_that_were_computed_bit_for_bit(dtype) -> None:
    _, made = network(dtype)
    values = ur.Graph.of(made[-1]).values()
    for value, tensor in zip(values, made, strict=True):
        assert value.dtype == dtype
        assert value.tobytes() == tensor.array.tobytes()


def test_values_of_a_changed_leaf_cannot_be_told() -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    y = (w + 1.0).sum()
    w.data += 1.0
    with pytest.raises(GradError, match="add: a value of shape"):
        ur.Graph.of(y).values()


def test_as_plain_data() -> None:
    _, made = network()
    plain = json.loads(json.dumps(ur.Graph.of(made[-1]).to_dict()))
    nodes = plain["nodes"]
    assert [node["op"] for node in nodes] == ["linear", "tanh", "mul", "add", "reshape", "mean"]
    assert nodes[0]["inputs"] == [{"leaf": 0}, {"leaf": 1}, {"leaf": 2}]
    assert nodes[2]["inputs"] == [{"node": 1}, {"number": 3.0}]
    assert nodes[3]["inputs"] == [{"node": 2}, {"node": 0}]
    assert nodes[4]["attrs"] == {"shape": [20]}
    assert nodes[0]["shape"] == [5, 4]
    assert nodes[0]["dtype"] == "float64"
    assert "made = [ur.nn.functional.linear(x, w, b)]" in nodes[0]["line"]
    assert [leaf["requires_grad"] for leaf in plain["leaves"]] == [False, True, True]


def test_a_gradient_is_a_graph_too() -> None:
    x = ur.tensor(2.0, requires_grad=True)
    (g,) = ur.grad(ur.exp(x * 3.0), x, create_graph=True)
    graph = ur.Graph.of(g)
    assert "exp" in [node.name for node in graph]
    assert graph.values()[-1] == g.array
    json.dumps(graph.to_dict())


def test_every_node_knows_the_line_it_came_from() -> None:
    x = ur.tensor(2.0, requires_grad=True)
    y = x * 3.0
    z = ur.exp(y)
    assert isinstance(y.node, Node)
    first, second = (site.line_of(t.node.site) for t in (y, z))
    assert first[0] == second[0] == __file__
    assert second[1] == first[1] + 1
    assert site.describe(y.node.site).endswith(f":{first[1]}: y = x * 3.0")


def test_the_line_is_the_users_however_deep_the_call() -> None:
    x = ur.tensor([[2.0, 1.0]], requires_grad=True)
    y = ur.matmul(x, ur.tensor([3.0, 1.0])).mean()
    for node in ur.Graph.of(y):
        assert site.line_of(node.site)[0] == __file__


def test_lines_can_be_left_out() -> None:
    ur.record_source_lines(False)
    y = ur.tensor(2.0, requires_grad=True) * 3.0
    assert y.node.site is None
    assert site.describe(y.node.site) == "(line not recorded)"
    y.backward()


def test_the_module_in_whose_call_a_node_was_made() -> None:
    x = ur.tensor(2.0, requires_grad=True)
    module = object()
    token = scope.set((module, None))
    try:
        y = x * 3.0
    finally:
        scope.reset(token)
    z = y * 2.0
    assert y.node.scope == (module, None)
    assert z.node.scope is None


def test_how_they_look() -> None:
    y = ur.tensor([[1.0, 2.0]], requires_grad=True) * 3.0
    assert repr(y.node) == "<mul [1, 2]>"
    assert repr(ur.Graph.of(y)) == "<Graph of 1 operations on 1 leaves>"
    assert y.grad_fn is y.node
    assert y.node.ndim == 2
