from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.cli.explain import explain_expression
from upriver.core.graph import Graph
from upriver.errors import ArgumentError, FileError, GradError
from upriver.explain.derivation import explain
from upriver.explain.encoding import decode, dumps, encode
from upriver.explain.reading import load_trace
from upriver.explain.schema import problem, schema
from upriver.explain.trace import trace


def worked() -> dict[str, Any]:
    return trace(explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], "w"))


def network() -> tuple[Any, ur.Tensor]:
    ur.manual_seed(0)
    model = ur.nn.Sequential(ur.nn.Linear(2, 8), ur.nn.Tanh(), ur.nn.Linear(8, 3))
    loss = ur.nn.functional.cross_entropy(model(ur.randn(4, 2)), ur.tensor([0, 1, 2, 0]))
    return model, loss


def test_the_worked_example_to_every_digit() -> None:
    t = load_trace(worked())
    assert [float(t.value(name)) for name in ("w * x", "w * x - y", "L")] == [6.0, -4.0, 16.0]
    assert [float(t.gradient(name)) for name in ("L", "w * x - y", "w * x", "w")] == [1.0, -8.0, -8.0, -24.0]
    back = sorted([e for e in t.edges if "step" in e], key=lambda e: e["step"])
    assert [e["derivative"]["text"] for e in back] == ["2 * (w * x - y)", "1", "x"]
    assert [e["derivative"]["value"]["data"] for e in back] == [-8.0, 1.0, 3.0]
    assert [e["product"]["data"] for e in back] == [-8.0, -8.0, -24.0]
    assert t.node("x")["gradient"] is None
    assert t.sentence.startswith("dL/dw = -24: raising w lowers L")
    assert [f["phase"] for f in t.frames] == ["start", *["forward"] * 3, "seed", *["backward"] * 3, "end"]


def test_numbers_of_every_edge_and_node_are_those_of_the_engine() -> None:
    model, loss = network()
    t = load_trace(trace(loss, wrt=list(model.parameters()), whole=1000))
    loss.backward()
    for name, p in model.named_parameters():
        node = next(n for n in t.nodes if n["name"].endswith(name))
        assert np.array_equal(t.gradient(node["id"]), p.grad.array)
        assert np.array_equal(t.value(node["id"]), p.array)
    for node in t.nodes:
        products = [decode(e["product"], node["dtype"]) for e in t.edges if e["from"] == node["id"] and "step" in e]
        if products:
            assert np.array_equal(sum(products[1:], products[0]), t.gradient(node["id"]))
    kinds = {t.nodes[e["to"]]["op"]: e["derivative"]["kind"] for e in t.edges if "step" in e}
    assert kinds == {"linear": "product", "tanh": "factor", "cross_entropy": "product", "mean": "factor"}
    assert all(
        [
            ("upstream_symbol" in e["derivative"]) == (e["derivative"]["kind"] == "product")
            for e in t.edges
            if "step" in e
        ]
    )
    for edge in t.edges:
        if "step" in edge and edge["derivative"]["kind"] == "factor":
            upstream = t.gradient(edge["to"])
            local = decode(edge["derivative"]["value"], upstream.dtype)
            assert np.allclose(upstream * local, decode(edge["product"], upstream.dtype), rtol=1e-6, atol=1e-12)


def test_sums_are_told_as_they_grow() -> None:
    w = ur.tensor(3.0, requires_grad=True)
    t = load_trace(trace(w * w + w, wrt=w))
    shares = [f for f in t.frames if f["phase"] == "backward" and f["node"] == t.node("w")["id"]]
    assert [(f["share"], f["shares"]) for f in shares] == [(1, 3), (2, 3), (3, 3)]
    products = [t.edges[f["edge"]]["product"]["data"] for f in shares]
    assert [f["sum"]["data"] for f in shares] == list(np.cumsum(products))
    assert shares[-1]["sum"]["data"] == 7.0
    assert "Added up so far: 7" in shares[-1]["sentence"]


def test_integers_among_the_operands_are_numbers_not_nodes() -> None:
    a = ur.tensor(2.0, requires_grad=True)
    t = load_trace(trace((a * 3 - 1) ** 2, wrt=a))
    assert [n["inputs"] for n in t.nodes if n["kind"] == "operation"] == [
        [{"node": 0}, {"number": 3}], [{"node": 1}, {"number": 1}], [{"node": 2}, {"number": 2}],
    ]  # fmt: skip
    assert [(e["from"], e["to"]) for e in t.edges] == [(0, 1), (1, 2), (2, 3)]


def test_a_loss_a_graph_and_an_explanation_give_the_same() -> None:
    model, loss = network()
    weights = model[0].weight
    told = dumps(trace(loss, wrt=weights))
    assert told == dumps(trace(Graph.of(loss), wrt=weights))
    assert told == dumps(trace(explain(loss, weights)))
    assert told == dumps(explain(loss, weights).trace())
    with pytest.raises(ArgumentError, match="its own wrt"):
        trace(explain(loss, weights), wrt=weights)
    with pytest.raises(GradError, match="no history"):
        trace(ur.tensor(1.0))


def test_modules_and_lines() -> None:
    _, loss = network()
    t = load_trace(trace(loss))
    linear = next(n for n in t.nodes if n.get("op") == "linear")
    call = t.modules[linear["module"]]
    assert (call["path"], call["type"]) == ("0", "Linear")
    assert t.modules[call["parent"]]["type"] == "Sequential"
    assert linear["line"]["file"].endswith("test_trace.py")
    assert "cross_entropy(model(" in linear["line"]["text"]
    assert t.nodes[-1]["module"] is None
    strides = [f for f in t.module_frames if f["phase"] == "backward" and f["module"] is not None]
    assert [t.modules[f["module"]]["path"] for f in strides] == ["2", "1", "0"]
    assert "3 steps back" in strides[0]["sentence"]
    covered = [i for f in t.module_frames for i in range(f["first"], f["last"] + 1)]
    assert covered == list(range(len(t.frames)))


def test_large_arrays_as_summaries_with_the_entries_that_were_chosen() -> None:
    w = ur.tensor(np.arange(2000.0).reshape(40, 50) - 5, requires_grad=True)
    t = load_trace(trace((w * w).sum(), wrt=w, entries={w: [(3, 17), (-1, -1)]}))
    node = t.node("w")
    assert t.value("w") is None
    assert node["value"]["summary"]["min"] == -5
    assert node["value"]["summary"]["zeros"] == 1 / 2000
    assert math.isclose(node["value"]["summary"]["std"], float(w.array.std()), rel_tol=1e-6)
    entries = {tuple(e["at"]): e["value"] for e in node["gradient"]["entries"]}
    assert entries[3, 17] == 2 * (3 * 50 + 17 - 5)
    assert entries[39, 49] == 2 * 1994
    assert dumps(trace((w * w).sum(), wrt=w, entries={"w": [(3, 17)]})).count('"at":[3,17]') >= 2
    asked = trace((w * w).sum(), wrt=w[3, 17])
    assert asked["answers"][0]["entry"] == [3, 17]
    assert {tuple(e["at"]) for e in asked["nodes"][0]["gradient"]["entries"]} >= {(3, 17)}
    with pytest.raises(ArgumentError, match=r"no entry \[40, 0\]"):
        trace((w * w).sum(), wrt=w, entries={w: [(40, 0)]})
    with pytest.raises(ArgumentError, match="'v' is not in the graph"):
        trace((w * w).sum(), wrt=w, entries={"v": [0]})


def test_what_json_has_no_number_for() -> None:
    x = ur.tensor([0.0, 1.0, -1.0], requires_grad=True)
    with np.errstate(all="ignore"):
        data = trace(ur.log(x).sum(), wrt=x)
    text = dumps(data)
    assert json.loads(text, parse_constant=lambda word: pytest.fail(word)) == data
    t = load_trace(data)
    assert np.isnan(t.value("log(x)")[2])
    assert t.value("log(x)")[0] == -np.inf
    assert t.gradient("x")[0] == np.inf
    assert encode(np.array([2**60]))["data"] == ["1152921504606846976"]
    assert encode(np.float32(0.1))["data"] == 0.1
    assert encode(np.array([True, False]))["data"] == [True, False]
    assert encode(np.zeros((0, 3))) == {"shape": [0, 3], "data": []}
    assert decode(encode(np.zeros((0, 3)))).shape == (0, 3)
    many = encode(np.full(100, np.nan))
    assert many["summary"]["not_finite"] == 100
    assert many["summary"]["mean"] is None
    assert problem({**worked(), "answers": []}) is None


def test_the_schema_holds_and_is_a_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    x = ur.tensor([0.0, -1.0], requires_grad=True)
    with np.errstate(all="ignore"):
        broken = trace(ur.log(x).sum())
    _, loss = network()
    w = ur.tensor(np.zeros((40, 50)), requires_grad=True)
    for data in (worked(), broken, trace(loss), trace(w.sum(), wrt=w[0, 1])):
        validator.validate(json.loads(dumps(data)))
        assert problem(data) is None


def _changed(path: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(worked())
    at: Any = data
    *way, last = [int(k) if k.isdigit() else k for k in path.split(".")]
    for key in way:
        at = at[key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("nodes.3.value", ..., "nodes[3] has no 'value'"),
        ("nodes.3.value", 6.0, "nodes[3].value is 6.0, not object"),
        ("nodes.3.shape", [-1], "nodes[3].shape[0] is -1, less than 0"),
        ("nodes.0.kind", "weight", "nodes[0].kind is 'weight', not one of"),
        ("nodes.1.value.data", "many", "nodes[1].value"),
        ("edges.0.step", "first", "edges[0].step is 'first', not integer"),
        ("edges.0.derivative.kind", "guess", "edges[0].derivative.kind"),
        ("frames", {}, "frames is an object, not array"),
        ("frames.2.phase", "sideways", "frames[2].phase"),
        ("result.sentence", ..., "result has no 'sentence'"),
        ("nodes.2.name", True, "nodes[2].name is True, not string"),
    ],
)
def test_damage_is_named_by_both_validators(path: str, value: Any, said: str) -> None:
    data = _changed(path, value)
    with pytest.raises(ArgumentError) as caught:
        load_trace(data)
    assert said in str(caught.value)
    jsonschema = pytest.importorskip("jsonschema")
    assert not jsonschema.Draft202012Validator(schema()).is_valid(data)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("result.node", 99, "result.node is 99, and there are 6"),
        ("nodes.3.id", 7, "nodes[3].id is 7"),
        ("nodes.3.inputs", [{"node": 5}], "nodes[3] reads node 5, which comes after it"),
        ("nodes.3.module", 2, "nodes[3].module is 2, and there are 0"),
        ("edges.0.to", 44, "edges[0].to is 44"),
        ("edges.4.from", 5, "edges[4] leads from node 5 to 5"),
        ("frames.6.edge", 44, "frames[6].edge is 44"),
        ("module_frames.1.last", 44, "module_frames[1] goes from frame 1 to 44 of 9"),
        ("answers.0.node", 6, "answers[0].node is 6"),
    ],
)
def test_references_to_nothing_are_named(path: str, value: Any, said: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        load_trace(_changed(path, value))
    assert said in str(caught.value)


def test_files_that_are_not_traces(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    load_trace(worked()).save(path)
    assert load_trace(path).data == worked()
    assert path.read_text() == dumps(worked())
    for text, said in [
        ("{", "is not JSON"),
        ('{"a": NaN}', "NaN is not a number of JSON"),
        ("[1]", "is not a trace of Upriver"),
        ('{"format": "other"}', "is not a trace of Upriver"),
        (dumps({**worked(), "version": 2, "generator": "upriver 9.0"}), "version 2 of the format by upriver 9.0"),
        (dumps({**worked(), "version": 0}), "version is 0"),
        (dumps(worked())[:-400], "is not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ]:
        path.write_text(text)
        with pytest.raises(FileError) as caught:
            load_trace(path)
        assert said in str(caught.value), text[:40]
        assert str(path) in str(caught.value)
    with pytest.raises(FileError, match="cannot be read"):
        load_trace(tmp_path / "none.json")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="is not JSON"):
        load_trace(path)


def test_gradients_that_were_not_computed_are_not_zero() -> None:
    t = load_trace(worked())
    with pytest.raises(ArgumentError, match="was not computed"):
        t.gradient("x")
    with pytest.raises(ArgumentError, match="no node 'z'"):
        t.node("z")
    with pytest.raises(ArgumentError, match="no node 17"):
        t.node(17)


def test_the_same_computation_gives_the_same_bytes() -> None:
    def once() -> str:
        _, loss = network()
        return dumps(trace(loss))

    assert once() == once()


def test_a_graph_of_a_thousand_nodes() -> None:
    w = ur.tensor(0.9, requires_grad=True)
    x = w
    for _ in range(500):
        x = ur.tanh(x) * w
    t = load_trace(trace(x, wrt=w))
    assert len(t.frames) == 1000 + 1500 + 3
    x.backward()
    assert float(t.gradient("w")) == float(w.grad.item())
