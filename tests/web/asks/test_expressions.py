"""What the pages ask about an expression: its picture, its gradients checked, nudged, taken apart, descended."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, UpriverError
from upriver.i18n import use
from upriver.web.asks import ASKS, find
from upriver.web.frames import plain

sys.path.insert(0, str(Path(__file__).parent))
from asking import WORKED, ask

NEURON: dict[str, Any] = {"expression": "(w*x + b - y)**2", "values": {"w": 1, "b": 0, "x": 2.1, "y": 4}}


def gradient(found: dict[str, Any], name: str) -> Any:
    return next(n["gradient"]["data"] for n in found["trace"]["nodes"] if n["name"] == name)


def test_every_ask_is_there() -> None:
    assert all(callable(find(name)) for name in ASKS)


# derive


def test_the_worked_example() -> None:
    found = ask("derive", {**WORKED, "wrt": "w"})
    assert gradient(found, "w") == -24
    assert [n["value"]["data"] for n in found["trace"]["nodes"]] == [2, 3, 10, 6, -4, 16]
    assert [gradient(found, name) for name in ("w * x", "w * x - y", "L")] == [-8, -8, 1]
    assert found["names"] == ["w", "x", "y"]
    assert found["values"] == {"w": 2, "x": 3, "y": 10}
    assert found["source"] == found["title"] == "(w*x - y)**2"
    assert "-24" in found["latex"]
    assert set(found["math"]) == {"n3", "n4", "n5", "e0", "e2", "e4"}
    assert found["labels"]["5"] == {"t": "L = (w·x − y)²", "v": "16", "g": "1", "d": 1}


def test_the_neuron_of_the_slides() -> None:
    found = ask("derive", NEURON)
    assert gradient(found, "w") == pytest.approx(-7.98)
    assert gradient(found, "b") == pytest.approx(-3.8)
    assert found["trace"]["nodes"][-1]["value"]["data"] == pytest.approx(3.61)


def test_frames_can_be_said_in_another_language() -> None:
    frames = ask("derive", WORKED)["trace"]["frames"]
    assert all("text" in frame["said"] for frame in frames)


def test_values_come_as_numbers_lists_and_text() -> None:
    asked = {"expression": "sum((W @ x - y)**2)", "wrt": "W[0,1]"}
    found = ask("derive", {**asked, "values": {"W": [[1, 2], [3, 4]], "x": "[1, -1]", "y": "-1/2"}})
    assert found["values"]["y"] == -0.5
    assert found["trace"]["answers"][0]["entry"] == [0, 1]
    assert found["trace"]["answers"][0]["gradient"]["data"] == pytest.approx(2 * (1 - 2 + 0.5) * -1)


def test_without_wrt_it_is_by_every_name_that_a_gradient_flows_to() -> None:
    given = {"expression": "h = z*z; w*x", "values": {"w": 2, "x": 3, "z": 1.5}}
    assert [answer["symbol"] for answer in ask("derive", given)["trace"]["answers"]] == ["dL/dw", "dL/dx"]
    with pytest.raises(UpriverError, match="no path leads to it"):
        ask("derive", {**given, "wrt": "z"})


def test_a_picture_keeps_its_places_while_a_value_is_dragged() -> None:
    views = [ask("derive", {**WORKED, "values": {"w": w, "x": 3, "y": 10}})["views"] for w in (2, -1234.5678, 1e-7)]
    assert views[0] == views[1] == views[2]
    assert views[0]["all"] == "first"
    assert views[0]["first"]["b"].keys() == {"n0", "n1", "n2", "n3", "n4", "n5"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"expression": ""}, "a text is needed"),
        ({"expression": "w" * 5000}, "at most 4,000 are read"),
        ({"expression": "import os"}, "only assignments"),
        ({"expression": "open('x')"}, "no function 'open'"),
        ({"expression": "w.__class__"}, "an attribute"),
        ({"expression": "w*q", "values": {"w": 1}}, "no value for q"),
        ({"expression": "w", "values": {"w": 1}}, "only a name"),
        ({"expression": "2*3", "values": {}}, "no names"),
        ({"expression": "w*2", "values": {"w": [1, 2]}}, "one number"),
        ({"expression": "w*2", "values": {"w": True}}, "not a number"),
        ({"expression": "w*2", "values": {"w": float("nan")}}, "not a number"),
        ({"expression": "w*2", "values": {"w": 10**400}}, "not a number"),
        ({"expression": "w*2", "values": {"w": [[1], [2, 3]]}}, "not a number or a list"),
        ({"expression": "w*2", "values": {"w": list(range(3000))}}, "more than 2,500"),
        ({"expression": "w*2", "values": {"w": "expand([1], 100000, 100000)"}}, "not a number"),
        ({"expression": "sum(expand(w, 100000, 100000))", "values": {"w": 1}}, "comes up"),
        ({"expression": "sum(outer(w, w))", "values": {"w": [1.0] * 2000}}, "comes up"),
        ({"expression": "9**9**9**9*w", "values": {"w": 1}}, "too large to write down"),
        ({"expression": "+".join(["w"] * 1500), "values": {"w": 1}}, "1,499 operations"),
        ({"expression": "(" * 90 + "w" + ")" * 90 + "*w", "values": {"w": 1}}, "answered"),
        ({"expression": "-" * 500 + "w", "values": {"w": 1}}, "nested too deeply"),
        ({"expression": "w-(" * 201 + "w" + ")" * 201, "values": {"w": 1}}, "nested too deeply|bracket"),
        ({"expression": "w*(1,000)", "values": {"w": 1}}, "Write 1000 for a thousand"),
        ({"expression": "w*2", "values": {"w": "1,000"}}, "not a number"),
        ({"expression": "w*2", "values": {"w": "1 000"}}, "not a number"),
        ({"expression": "w*2", "values": {"w": 1}, "wrt": "W[0]"}, "no W"),
        ({"expression": "w*2", "values": [1]}, "names with values"),
    ],
)
def test_what_cannot_be_meant_is_said(given: dict[str, Any], said: str) -> None:
    if said == "answered":
        ask("derive", given)
        return
    with pytest.raises(UpriverError, match=said) as refused:
        ask("derive", given)
    assert refused.value.site is None, "no line of ours is at fault"


@pytest.mark.parametrize("sign", ["+", "*", "-"])
def test_a_long_sum_is_not_deep(sign: str) -> None:
    expression = sign.join(["w"] * 300)
    start = time.thread_time()
    found = ask("derive", {"expression": expression, "values": {"w": 1}})
    first = time.thread_time() - start
    assert gradient(found, "w") == {"+": 300, "*": 300, "-": -298}[sign]
    code = {"code": f"w = 1.0\nloss = {expression}"}
    assert gradient(ask("network", code), "w") == gradient(found, "w")
    start = time.thread_time()
    find("derive")({"expression": expression, "values": {"w": 2}})
    assert time.thread_time() - start < 0.6 * first, "its picture is there"


def _chain(n: int) -> dict[str, Any]:
    steps = [f"h{i} = tanh(w{i}*{f'h{i - 1}' if i else 'x'} + b{i})" for i in range(n)]
    values = {"x": 1, "y": 0.5, **{f"w{i}": 1.1 for i in range(n)}, **{f"b{i}": 0.1 for i in range(n)}}
    return {"expression": "; ".join([*steps, f"(h{n - 1} - y)**2"]), "values": values}


def test_a_value_that_is_dragged_lays_nothing_out_again() -> None:
    derive, times = find("derive"), []

    def timed(given: dict[str, Any]) -> float:
        start = time.thread_time()  # others share this machine
        json.dumps(plain(derive(given)))
        return time.thread_time() - start

    for length in (30, 31):  # what is done once for a process
        timed(_chain(length))
    given = _chain(34)
    first = timed(given)
    for i in range(8):
        times.append(timed({**given, "values": {**given["values"], "w0": 1 + i / 10}}))
    assert min(times) < 0.6 * first


# check, nudge, paths


@pytest.mark.parametrize("name", ["w", "x", "y", "w * x", "w * x - y", "L"])
def test_a_finite_difference_agrees_with_the_chain_rule(name: str) -> None:
    found = ask("check", {**WORKED, "name": name})
    expected = {"w": -24, "x": -16, "y": 8, "w * x": -8, "w * x - y": -8, "L": 1}[name]
    assert found["analytic"] == expected
    assert found["numeric"] == pytest.approx(expected, abs=1e-6)
    assert found["agrees"]
    assert not found["kink"]


def test_an_entry_is_checked_by_itself() -> None:
    asked = {"expression": "sum((W @ x)**2)", "values": {"W": [[1, 2], [3, 4]], "x": [1, 1]}, "name": "W"}
    found = ask("check", {**asked, "entry": [1, -2]})
    assert found["analytic"] == 14
    assert found["agrees"]
    with pytest.raises(UpriverError, match="one is checked at a time"):
        ask("check", asked)
    with pytest.raises(UpriverError, match=r"W has shape \[2, 2\]"):
        ask("check", {**asked, "entry": [2, 0]})


def test_a_kink_is_told_from_a_mistake() -> None:
    found = ask("check", {"expression": "relu(w)*3", "values": {"w": 0}, "name": "w"})
    assert found["kink"]
    assert (found["left"], found["right"]) == (0, 3)
    assert "kink" in found["message"]["text"]
    smooth = ask("check", {"expression": "sin(1000*w)", "values": {"w": 3}, "name": "w"})
    assert smooth["agrees"]
    assert not smooth["kink"]


def test_a_wrong_gradient_does_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    from upriver.explain import derivation

    pull = derivation._Walk._pull
    monkeypatch.setattr(derivation._Walk, "_pull", lambda self, node, i, ct: pull(self, node, i, ct) * 1.001)
    found = ask("check", {**WORKED, "name": "w"})
    assert not found["agrees"]
    assert "but the chain rule gives" in found["message"]["text"]


def test_a_nudge_is_predicted_and_measured() -> None:
    found = ask("nudge", {**WORKED, "name": "w", "by": 0.1})
    assert [found[key] for key in ("before", "after")] == pytest.approx([16, 13.69])
    assert [found[key] for key in ("predicted", "measured", "curvature")] == pytest.approx([-2.4, -2.31, 18])
    rest = ask("nudge", {**WORKED, "name": "w", "by": 0})
    assert (rest["before"], rest["after"], rest["measured"]) == (16, 16, 0)
    with pytest.raises(UpriverError, match="computed from other values"):
        ask("nudge", {**WORKED, "name": "w * x", "by": 0.1})


def test_a_gradient_is_the_sum_of_its_paths() -> None:
    found = ask("paths", {"expression": "(w*x)*(w+1)", "values": {"w": 2, "x": 3}, "name": "w"})
    assert [path["contribution"] for path in found["paths"]] == [9, 6]
    assert (found["gradient"], found["rest"]) == (15, 0)
    assert [factor["formula"] for factor in found["paths"][0]["factors"]] == ["w + 1", "x"]


@pytest.mark.parametrize(
    ("expression", "values", "entry", "cause"),
    [
        ("sqrt(w)", 0, None, "sqrt has an infinite slope at 0"),
        ("1/w", 0, None, "1 / 0 is infinite"),
        ("exp(w)**2", 800, None, "exp overflows"),
        ("relu(w)", -1, None, "relu is closed"),
        ("sum(sqrt(w))", [0, 1], [0], "sqrt has an infinite slope at 0"),
    ],
)
def test_where_no_path_can_be_told_the_first_cause_is(expression: str, values: Any, entry: Any, cause: str) -> None:
    more = {} if entry is None else {"entry": entry}
    found = ask("paths", {"expression": expression, "values": {"w": values}, "name": "w", **more})
    assert found["paths"] == []
    asked = find("paths")({"expression": expression, "values": {"w": values}, "name": "w", **more})
    assert cause in asked["why"]["sentence"]
    assert asked["why"]["fix"]
    assert "ur." not in " ".join([str(text) for text in (asked["message"], *asked["why"].values())])


# descent


def test_one_step_of_the_neuron() -> None:
    found = ask("descent", {**NEURON, "name": "w,b", "lr": 0.01, "steps": 1})
    before, after = found["points"]
    assert (before["loss"], before["gradients"]["w"], before["gradients"]["b"]) == pytest.approx((3.61, -7.98, -3.8))
    assert after["values"] == pytest.approx({"w": 1.0798, "b": 0.038})
    assert after["loss"] == pytest.approx(2.8711, abs=5e-5)
    assert before["loss"] - after["loss"] == pytest.approx(0.7389, abs=5e-5)
    assert found["curve"] is None


@pytest.mark.parametrize(
    ("lr", "state"),
    [
        (0, "stays"),
        (0.0005, "crawls"),
        (0.01, "converges"),
        (0.1, "overshoots"),
        (0.1111, "overshoots"),
        (0.1112, "diverges"),
    ],
)
def test_the_learning_rate_decides(lr: float, state: str) -> None:
    found = ask("descent", {**WORKED, "name": "w", "lr": lr, "steps": 12})
    assert found["state"] == state
    assert found["largest_stable"] == pytest.approx(1 / 9)
    w = 2.0
    for point in found["points"]:
        assert point["w"] == pytest.approx(w)
        w -= lr * 2 * (3 * w - 10) * 3
    for w, loss in found["curve"]:
        assert loss == pytest.approx((w * 3 - 10) ** 2)


def test_the_values_are_left_as_they_were() -> None:
    given = {**WORKED, "name": "w", "lr": 100.0, "steps": 50}
    assert ask("descent", given) == ask("descent", given)
    assert len(ask("descent", given)["points"]) < 50, "it stops where it has run off"


# export, activations


@pytest.mark.parametrize(
    ("form", "begins"),
    [("svg", "<svg"), ("html", "<!doctype"), ("latex", "\\begin{aligned}"), ("tikz", "\\begin{tikz"),
     ("mermaid", "flow"), ("dot", "digraph"), ("trace", "{")],
)  # fmt: skip
def test_what_is_drawn_can_be_taken_away(form: str, begins: str, request: pytest.FixtureRequest) -> None:
    if form == "html":
        request.getfixturevalue("built")
    found = ask("export", {**WORKED, "wrt": "w", "format": form})
    assert found["text"].startswith(begins)
    assert "24" in found["text"]
    assert found["name"].startswith("w-x-y-2.")


@pytest.mark.usefixtures("built")
def test_a_trace_that_was_taken_away_opens_again() -> None:
    text = ask("export", {**WORKED, "format": "trace"})["text"]
    found = ask("open_trace", {"document": text})
    assert gradient(found, "w") == -24
    assert ask("export", {"document": json.loads(text), "format": "html"})["text"].startswith("<!doctype")
    for damaged, said in ((text[:-9], "not JSON"), ("[]", "a document is needed"), ("{}", "not a trace of Upriver")):
        with pytest.raises(ArgumentError, match=said):
            ask("open_trace", {"document": damaged})


@pytest.mark.parametrize("name", ["linear", "relu", "tanh", "sigmoid", "gelu", "silu", "softplus", "elu"])
def test_activations_are_those_of_the_engine(name: str) -> None:
    found = ask("activations", {"name": name, "layers": 3})
    x, y, slope = np.array(found["points"]).T
    function = (lambda t: t) if name == "linear" else getattr(ur, name, None) or getattr(ur.nn.functional, name)
    np.testing.assert_allclose(y, function(ur.tensor(x)).array)
    inside = np.abs(x[1:-1]) > 0.2
    np.testing.assert_allclose(slope[1:-1][inside], ((y[2:] - y[:-2]) / (x[2:] - x[:-2]))[inside], atol=2e-3)
    bend = np.abs(np.diff(np.array(found["stack"])[:, 1], 2)).max()
    assert (bend < 1e-9) == (name == "linear"), "a linear stack cannot bend"
    assert found["formula"]


def test_answers_are_in_the_language_of_the_asker() -> None:
    with use("en"):
        english = find("check")({**WORKED, "name": "w"})["message"]
    assert english.startswith("Moving w by ±")
    assert english.data()["args"]["name"] == "w"
