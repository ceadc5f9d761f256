"""The playground's session: what it trains, what it shows, what it opens, and that it goes on after an interruption."""

import json
import math
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

import upriver as ur
from upriver.compile import available
from upriver.web.frames import decode, encode, plain
from upriver.web.sessions import find
from upriver.web.sessions.playground import maker
from upriver.web.sessions.playground.config import ACTIVATIONS, DATA, OPTIMISERS, Config
from upriver.web.sessions.playground.data import points
from upriver.web.sessions.playground.run import EAGER, Run
from upriver.web.sessions.playground.session import Playground


def ran(config, steps):
    run = Run(Config.of(config), points(Config.of(config)))
    run.take(steps)
    return run


def session(*sides, **more):
    return Playground({"sides": list(sides) or [{}], **more})


def weights(made, side=0):
    return np.concatenate([a.reshape(-1) for a in made.runs[side].network.arrays()])


def test_it_is_the_session_of_that_name():
    assert find("playground") is Playground


def test_a_frame_shows_everything_at_first_and_less_after():
    made = session({"layers": [3, 2]}, playing=True)
    numbers, arrays = decode(encode(made.advance(0.1)))
    (side,) = numbers["sides"]
    assert {name: a.shape for name, a in arrays.items()} == {
        "0.map": (60, 60), "0.units": (5, 20, 20), "0.outputs": (300,), "0.weights": (9 + 8 + 3,),
        "0.gradients": (20,), "0.points": (300, 3), "0.held": (300,), "0.inputs": (2, 20, 20),
    }  # fmt: skip
    assert len(side["norms"]) == 3
    assert side["scene"]["sizes"] == [2, 3, 2, 1]
    assert set(made.advance(0.1).arrays) == {"0.map", "0.weights", "0.gradients"}
    made.tell("pause", {})
    assert made.advance(0.1) is not None
    assert made.advance(0.1) is None  # nothing to do


def test_what_is_shown_is_what_the_engine_computes():
    made = session({"layers": [4], "loss": "squared"})
    made.tell("step", {"count": 30})
    frame = made.advance(0.0)
    run = made.runs[0]
    x, y, _ = run.next_batch()
    loss = run.network.objective(run.network.model(x), y)
    run.network.optimiser.zero_grad()
    loss.backward()
    gradients = np.concatenate([p.grad.array.reshape(-1) for p in run.network.model.parameters()])
    assert np.array_equal(frame.arrays["0.gradients"], gradients)
    assert frame.numbers["sides"][0]["objective"] == loss.item()
    norms = frame.numbers["sides"][0]["norms"]
    assert math.isclose(math.hypot(*norms), float(np.linalg.norm(gradients)), rel_tol=1e-5)
    right = (frame.arrays["0.outputs"] > 0) == (run.points.target > 0)
    assert frame.numbers["sides"][0]["right"] == [right[run.points.train].mean(), right[run.points.test].mean()]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_interrupted_is_uninterrupted_bit_for_bit(optimiser):
    config = {"optimiser": optimiser, "rate": 0.01, "penalty": "l2", "layers": [4, 3]}
    whole = session(config)
    whole.tell("step", {"count": EAGER + 200})
    for cut in (7, EAGER - 1, EAGER + 1, EAGER + 130):
        part = session(config)
        part.tell("step", {"count": cut})
        part = Playground.resume(pickle.loads(pickle.dumps(part.state())))
        part.tell("step", {"count": EAGER + 200 - cut})
        assert np.array_equal(weights(part), weights(whole)), cut


def test_a_state_is_small():
    made = session({"layers": [16] * 6, "optimiser": "adam"})
    made.tell("step", {"count": 3})
    assert len(pickle.dumps(made.state())) < 60_000


@pytest.mark.skipif(not available(), reason="needs llvmlite")
def test_the_compiled_step_is_used_and_agrees_with_the_eager_one():
    config = {"optimiser": "adam", "rate": 0.01, "layers": [5]}
    made = session(config)
    made.tell("step", {"count": EAGER + 60})
    assert made.runs[0].engine == "compiled"
    plainly = ran(config, EAGER + 60)
    assert plainly.engine == "eager"
    assert np.allclose(weights(made), np.concatenate([a.reshape(-1) for a in plainly.network.arrays()]), atol=1e-4)


def test_frames_go_on_while_it_compiles():
    made = session({"layers": [8, 8], "optimiser": "rmsprop"}, playing=True, speed=200)
    seen = [made.advance(0.03) for _ in range(60)]
    assert all(frame is not None for frame in seen)
    steps = [frame.numbers["sides"][0]["step"] for frame in seen]
    assert steps == sorted(steps)


@pytest.mark.skipif(not available(), reason="nothing is compiled here")
def test_one_thread_compiles_for_all_and_nothing_for_those_that_left(monkeypatch):
    all_here, made = threading.Event(), []

    def compiled(update):
        all_here.wait(10)
        made.append(update)
        return ur.compile(update)

    def begun(units):
        session = Playground({"sides": [{"layers": [units]}], "playing": True})
        session.advance(1e-6)
        return session

    monkeypatch.setattr(maker, "compiled", compiled)
    first = begun(16)
    for units in range(1, 13):
        begun(units)  # and its learner is gone
    last = begun(14)
    assert len([thread for thread in threading.enumerate() if thread.name == "playground compiles"]) == 1
    all_here.set()
    for session in (first, last):
        session.tell("step", {"count": EAGER + 1})
        assert session.runs[0].engine == "compiled"
    assert 2 <= len(made) <= 3  # the thread may have had one in hand


def test_side_by_side_is_the_same_data_seed_and_step():
    made = session({"data": "moons", "seed": 5, "activation": "tanh"}, {"data": "xor", "seed": 9, "activation": "relu"})
    made.tell("step", {"count": EAGER + 23})
    a, b = made.runs
    assert (a.step, a.points, a.config.seed) == (b.step, b.points, b.config.seed)
    assert a.config.activation != b.config.activation
    alone = session(a.config.plain())
    alone.tell("step", {"count": EAGER + 23})
    assert np.array_equal(weights(made, 0), weights(alone))
    frame = made.advance(0.0)
    assert {"0.map", "1.map"} <= set(frame.arrays)


def test_the_learning_rate_changes_while_it_trains():
    made = session({"rate": 0.03, "penalty": "l1"})
    made.tell("step", {"count": 50})
    made.tell("set", {"rate": 0.1, "strength": 0.01})
    assert (made.runs[0].config.rate, made.runs[0].step) == (0.1, 50)
    other = Playground.resume(made.state())
    for one in (made, other):
        one.tell("step", {"count": 100})
    assert np.array_equal(weights(made), weights(other))
    with pytest.raises(ValueError, match="cannot change while"):
        made.tell("set", {"layers": [3]})


def test_a_weight_is_edited():
    made = session({"layers": [2]})
    assert made.tell("weight", {"layer": 1, "unit": 1, "from": 0, "value": 2.5})["value"] == 2.5
    assert made.tell("weight", {"layer": 2, "unit": 0, "from": "bias", "value": -1})["value"] == -1
    assert made.advance(0.0).arrays["0.weights"][[2, 8]].tolist() == [2.5, -1.0]
    for wrong in (
        {"layer": 3, "unit": 0, "from": 0, "value": 1},
        {"layer": 1, "unit": 2, "from": 0, "value": 1},
        {"layer": 1, "unit": 0, "from": 2, "value": 1},
        {"layer": 1, "unit": 0, "from": 0, "value": math.inf},
    ):
        with pytest.raises(ValueError):
            made.tell("weight", wrong)


@pytest.mark.parametrize("more", [{}, {"penalty": "l2", "strength": 0.1}, {"loss": "hinge"}, {"data": "hills"}])
def test_an_opened_gradient_adds_up(more):
    made = session({"layers": [3, 3], **more})
    made.tell("step", {"count": 20})
    gradients = made.show().arrays["0.gradients"]
    for given, place in (({"layer": 1, "unit": 1, "from": 0}, 2), ({"layer": 2, "unit": 2, "from": "bias"}, 9 + 9 + 2)):
        found = made.tell("open", given)
        assert math.isclose(found["gradient"], gradients[place], rel_tol=1e-6)
        whole = sum(row["part"] for row in found["samples"]) + found["penalty"]
        assert math.isclose(whole, found["gradient"], rel_tol=1e-4, abs_tol=1e-7)
        for path in found["paths"]:
            product = math.prod(factor["value"] for factor in path["factors"])
            assert math.isclose(product, path["part"], rel_tol=1e-4)
        assert abs(found["check"]["difference"]) < 1e-3 * max(1.0, abs(found["gradient"]))
        (answer,) = found["content"]["trace"]["answers"]
        assert math.isclose(answer["gradient"]["data"], found["gradient"], rel_tol=1e-6)
        json.dumps(plain(found), allow_nan=False)


def test_an_opened_unit():
    made = session({"layers": [3, 2]})
    found = made.tell("open", {"layer": 2, "unit": 1})
    largest = max(found["samples"], key=lambda row: abs(row["part"]))
    assert largest["part"] == found["gradient"]
    assert len(found["samples"]) == 10
    assert [len(path["factors"]) for path in found["paths"]] == [2]  # the loss, one weight
    found = made.tell("open", {"layer": 3, "unit": 0})  # the output itself
    assert [len(path["factors"]) for path in found["paths"]] == [1]


def test_a_frozen_step_is_a_trace_of_the_step_to_come():
    made = session({"layers": [2], "penalty": "l1"}, playing=True)
    made.tell("step", {"count": 4})
    found = made.tell("freeze", {})
    assert found["step"] == 5
    assert not made.playing
    nodes = {node["name"]: node for node in found["trace"]["nodes"]}
    assert {"x", "y", "layer1.weight", "output.bias", "loss"} <= set(nodes)
    shown = made.show().numbers["sides"][0]["objective"]
    assert math.isclose(nodes["loss"]["value"]["data"], shown, rel_tol=1e-6)
    assert all(node.get("line") is None for node in found["trace"]["nodes"])  # no lines of ours


def test_divergence_while_it_plays_is_shown_and_stops_it():
    made = session({"data": "plane", "activation": "linear", "layers": [8] * 6, "spread": 3.0}, playing=True, speed=1)
    frames = [frame for _ in range(20) if (frame := made.advance(0.1)) is not None]
    assert frames[-1].numbers["sides"][0]["trouble"] is not None
    assert not frames[-1].numbers["playing"]
    assert made.advance(0.1) is None
    made.tell("set", {"rate": 1e-6})
    made.tell("play", {})  # one may try again
    assert made.advance(0.1) is not None


def test_divergence_is_told_with_step_and_layer():
    config = {"data": "plane", "activation": "linear", "layers": [4, 4], "rate": 10.0}
    made = session(config, playing=True)
    made.tell("step", {"count": 500})
    frame = made.advance(0.0)
    trouble = frame.numbers["sides"][0]["trouble"]
    step = trouble.args["step"]
    assert step == made.runs[0].step + 1
    assert str(trouble).startswith(f"Step {step}: ")
    assert "layer" in trouble.args or "loss" in trouble
    assert np.isfinite(weights(made)).all()  # the weights of the step before
    encode(frame)
    late = session({**config, "rate": 0.05, "optimiser": "momentum"})
    late.tell("step", {"count": 3000})
    again = Playground.resume(late.state())
    assert again.runs[0].trouble == late.runs[0].trouble


@pytest.mark.parametrize(
    ("config", "steps", "flow"),
    [
        ({}, 10, "sound"),
        ({"activation": "sigmoid", "layers": [4] * 6}, 0, "vanishing"),
        ({"activation": "linear", "layers": [8] * 6, "spread": 8.0}, 0, "exploding"),
        ({"start": "equal", "layers": [3]}, 20, "alike"),
        ({"activation": "relu", "layers": [4, 4], "seed": 3, "loss": "hinge", "rate": 3.0}, 60, "dead"),
        ({"spread": 0.0}, 0, "vanishing"),
    ],
)
def test_the_verdict_on_the_flow(config, steps, flow):
    made = session(config)
    if steps:
        made.tell("step", {"count": steps})
    side = made.show().numbers["sides"][0]
    assert side["flow"] == flow, side


def test_a_linear_stack_does_not_bend():
    bends = []
    for activation in ("linear", "tanh"):
        made = session({"activation": activation, "layers": [4, 4, 4], "optimiser": "adam", "rate": 0.02})
        made.tell("step", {"count": 1500})
        shown = made.show()
        picture = shown.arrays["0.map"].astype(float)
        up = picture > 127.5
        bends.append(int((np.diff(up.astype(int), axis=1) != 0).sum(axis=1).max()))
        right = shown.numbers["sides"][0]["right"][0]
        assert right > 0.95 if activation == "tanh" else right < 0.8
    assert bends == [1, 2] or bends == [0, 2]  # a row is crossed once at most, or twice


@pytest.mark.parametrize("data", [name for name in DATA if name not in ("drawn", "table")])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_choice_trains(data, activation):
    run = ran({"data": data, "activation": activation, "layers": [6, 6], "optimiser": "adam", "rate": 0.02}, 0)
    x, y = run.inputs[run.points.train], run.targets[run.points.train]

    def loss():
        with ur.no_grad():
            return run.network.loss(run.network.model(ur.from_numpy(x)), ur.from_numpy(y)).item()

    before = loss()
    run.take(60)
    # Nothing straight fits rings and hills: there a network without bends has nothing to learn.
    assert loss() < before or (activation == "linear" and data in ("circle", "hills", "xor", "spiral"))


@pytest.mark.parametrize(
    "given",
    [
        {"sides": []}, {"sides": [{}, {}, {}]}, {"sides": "no"}, {"sides": [3]}, {"speed": 0}, {"speed": 10**9},
        *({"sides": [side]} for side in (
            {"layers": [17]}, {"layers": [0]}, {"layers": [2] * 7}, {"layers": "44"}, {"layers": [True]},
            {"rate": 0}, {"rate": math.nan}, {"rate": "1"}, {"rate": True}, {"batch": 0}, {"batch": 1.5},
            {"activation": "cube"}, {"activation": ["tanh"]}, {"features": []}, {"features": ["z"]}, {"unknown": 1},
            {"data": "drawn"}, {"data": "drawn", "drawn": [[0, 0, 1]] * 9}, {"drawn": [[0, 0, 2]]},
            {"drawn": [[0, 7, 1]]}, {"drawn": [[0, 0, 1]] * 501}, {"table": {"text": 3}}, {"seed": -1},
        )),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error_with_a_sentence(given):
    with pytest.raises(ValueError) as caught:
        Playground(given)
    assert len(str(caught.value)) > 20
    assert "Traceback" not in str(caught.value)


def test_a_message_that_is_not_known():
    with pytest.raises(ValueError, match="play, pause"):
        session().tell("jump", {})


def test_points_drawn_by_hand():
    drawn = [[x, y, int(x * y > 0)] for x in (-3, -2, 2, 3) for y in (-3, -2, 2, 3)]
    made = session({"data": "drawn", "drawn": drawn, "layers": [4], "optimiser": "adam", "rate": 0.1, "held": 0.25})
    made.tell("step", {"count": 500})
    assert made.show().numbers["sides"][0]["right"] == [1.0, 1.0]
    again = Config.of(made.state()["sides"][0])
    assert again == made.runs[0].config


PRESETS = Path(__file__).parents[2] / "web" / "src" / "playground" / "presets.json"


def seen(name, steps):
    """The sides of a preset after so many steps."""
    given = json.loads(PRESETS.read_text(encoding="utf-8"))[name]
    made = Playground(given)
    if steps:
        made.tell("step", {"count": steps})
    return made.show().numbers["sides"]


def test_every_preset_can_be_trained():
    for name in json.loads(PRESETS.read_text(encoding="utf-8")):
        assert seen(name, 3)


def test_presets_show_what_they_say():
    assert seen("circle", 4000)[0]["right"][1] > 0.95
    straight, bent = seen("linear", 1500)
    assert straight["right"][0] < 0.8
    assert bent["right"][0] > 0.95
    assert seen("xor", 2000)[0]["right"][1] > 0.9
    assert seen("spiral", 4000)[0]["right"][1] > 0.95
    faint, strong = seen("vanishing", 3000)
    assert faint["flow"] == "vanishing"
    assert faint["norms"][0] < strong["norms"][0] / 10
    assert strong["right"][1] > 0.9 > faint["right"][1]
    assert seen("exploding", 0)[0]["flow"] == "exploding"
    assert seen("exploding", 10)[0]["trouble"] is not None
    assert seen("dead", 100)[0]["flow"] == "dead"
    assert seen("twins", 1000)[0]["flow"] == "alike"
    plain, penalised = seen("noise", 1500)
    assert plain["test"] > 3 * penalised["test"]
    slow, quick = seen("optimisers", 1500)
    assert quick["train"] < slow["train"] / 10
    assert seen("hills", 3000)[0]["test"] < 0.05
