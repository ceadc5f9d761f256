"""The session of the next-word lab: what it learns, what it answers, and that it can be kept and bounded."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, DataError
from upriver.explain.reading import load_trace
from upriver.recipes.char_transformer import Taps
from upriver.web.frames import decode, encode, plain
from upriver.web.sessions.pace import Pace
from upriver.web.sessions.words.session import LAST, Words
from upriver.web.sessions.words.text import TALES, tale


def steps(session: Words, count: int) -> Words:
    for at in range(0, count, 100):
        session.tell("step", {"steps": min(100, count - at)})
    return session


@pytest.fixture(scope="module")
def learnt() -> Words:
    return steps(Words({"text": "en"}), 300)


def held_out(session: Words) -> list[float]:
    frame = session.advance(0.0)
    assert frame is not None
    return frame.arrays["heldOut"][:, 1].tolist()


def test_it_learns_to_predict(learnt):
    learnt.tell("whole", {})
    losses = held_out(learnt)
    assert losses[0] > 3.0
    assert losses[-1] < 0.8
    frame = (learnt.tell("whole", {}), learnt.advance(0.0))[1]
    passage, alphabet = frame.numbers["passage"], frame.numbers["alphabet"]
    right = np.mean([alphabet[int(i)] == c for i, c in zip(frame.arrays["best"], passage[1:], strict=True)])
    assert right > 0.8
    written = {one["step"]: one["text"] for one in frame.numbers["samples"]}
    assert set(written) == {0, 25, 50, 100, 200}
    words = set(re.findall(r"\w+", tale("en")))
    known = {step: np.mean([word in words for word in re.findall(r"\w+", text)]) for step, text in written.items()}
    assert known[0] < 0.25 < 0.45 < known[200]


@pytest.mark.parametrize("text", TALES)
def test_every_tale_is_learnt(text):
    session = steps(Words({"text": text, "layers": 1, "width": 32}), 150)
    losses = held_out(session)
    assert losses[-1] < 0.55 * losses[0]
    assert losses[0] == pytest.approx(np.log(len(set(tale(text)))), rel=0.15)


def test_the_same_seed_learns_the_same_and_another_does_not():
    runs = [[x._learner.step() for _ in range(5)] for x in (Words({"seed": 1}), Words({"seed": 1}), Words({"seed": 2}))]
    assert runs[0] == runs[1] != runs[2]


def test_a_session_that_is_resumed_goes_on_bit_for_bit():
    one = steps(Words({"text": "zh", "width": 32}), 30)
    one.tell("prompt", {"text": "星期"})
    two = Words.resume(pickle.loads(pickle.dumps(one.state())))
    for session in (one, two):
        steps(session, 30)
        session.tell("whole", {})
    a, b = encode(one.advance(0.0)), encode(two.advance(0.0))
    assert a == b
    for p, q in zip(one._learner.model.parameters(), two._learner.model.parameters(), strict=True):
        assert np.array_equal(p.array, q.array)


def test_asking_does_not_disturb_the_learning():
    one, two = (steps(Words({"width": 32}), 20) for _ in range(2))
    two.tell("blame", {"at": 10})
    two.tell("open", {"at": 10, "kind": "weight", "name": "scores.bias[3]"})
    two.tell("sample", {"count": 20})
    assert [one._learner.step() for _ in range(5)] == [two._learner.step() for _ in range(5)]
    assert two._learner._step.recordings == 1


def test_probabilities_are_those_of_the_network(learnt):
    found = learnt.tell("prompt", {"text": "To the se☃"})
    shares = [one["p"] for one in found["likely"]]
    assert sum(shares) + found["rest"] == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    assert found["likely"][0]["symbol"] == "a"
    assert "☃" in found["skipped"]
    learner = learnt._learner
    scores = learner.model(ur.tensor(learner.encode("To the se")[None]))[0, -1]
    assert scores.softmax(0).max().item() == pytest.approx(shares[0], rel=1e-5)
    # A long text is seen from its end, and padding behind a short one is not seen.
    long = learner.encode("the river goes to the sea, always to the se")
    both = learner.probabilities([long, long[-32:], learner.encode("T")])
    assert np.allclose(both[0], both[1])
    assert np.allclose(both[2], learner.probabilities([learner.encode("T")])[0])


def test_it_writes_on_the_same_for_the_same_seed(learnt):
    asked = {"text": "On Mon", "count": 30, "temperature": 1.0, "seed": 4}
    one, two = (learnt.tell("sample", asked)["text"] for _ in range(2))
    assert one == two
    assert len(one) == 30
    assert learnt.tell("sample", {**asked, "seed": 5})["text"] != one
    assert learnt.tell("sample", {"text": "To the s", "count": 2, "temperature": 0})["text"] == "ea"


# Blame.


def test_taps_open_and_closed_are_what_the_engine_gives_one_by_one(learnt):
    at = 40
    found = learnt.tell("blame", {"at": at})
    learner = learnt._learner
    size = learner.model.size
    numbers = learner.encode(learnt._passage)
    context, right = numbers[max(0, at - 32) : at], int(numbers[at])
    assert found["context"] == learner.vocab.decode(context)
    assert found["right"]["symbol"] == learnt._passage[at]
    assert found["loss"] == pytest.approx(-np.log(found["right"]["p"]), rel=1e-4)

    def loss(change=lambda taps: None) -> float:
        taps = Taps(size, len(context))
        change(taps)
        return learner.model.surprise(ur.tensor(context[None]), ur.tensor(np.array([right])), taps).item()

    places = {
        "symbols": [lambda t, v, i=i: t.symbols.array.__setitem__((0, i), v) for i in (0, 20, len(context) - 1)],
        "heads": [lambda t, v, i=i: t.heads.array.__setitem__((0, 0, i), v) for i in range(size.heads)],
        "parts": [lambda t, v, i=i: t.parts.array.__setitem__((0, i), v) for i in range(2)],
    }
    rows = {"symbols": (0, 20, len(context) - 1), "heads": range(size.heads), "parts": range(2)}
    for kind, sets in places.items():
        for i, set_ in zip(rows[kind], sets, strict=True):
            tap = found[kind][i]
            assert tap["closed"] == pytest.approx(loss(lambda t, s=set_: s(t, 0.0)), rel=1e-3, abs=1e-4)
            slope = (loss(lambda t, s=set_: s(t, 1.02)) - loss(lambda t, s=set_: s(t, 0.98))) / 0.04
            assert tap["gradient"] == pytest.approx(slope, rel=0.05, abs=0.01)


def test_attention_is_a_mean_over_what_came_before(learnt):
    (layer,) = learnt.tell("blame", {"at": 30})["attention"]
    weights = np.array(layer["weights"])
    assert weights.shape == (4, 30, 30)
    assert np.allclose(weights.sum(-1), 1, atol=0.02)
    assert not np.triu(weights, 1).any()
    gradient = np.array(layer["gradient"])
    assert gradient[:, -1].any()
    assert not gradient[:, :-1].any()


def test_weights_are_ranked_by_the_engine_and_a_step_is_measured(learnt):
    found = learnt.tell("blame", {"at": 12})
    by = found["weights"]["sensitivity"]
    sizes = [abs(one["value"]) for one in by]
    assert sizes == sorted(sizes, reverse=True)
    assert found["predicted"] < 0
    assert found["healed"] == pytest.approx(found["predicted"], rel=0.3)
    assert all(p.grad is None for p in learnt._learner.model.parameters())


QUESTIONS = [
    {"kind": "weight", "name": "layers.0.attention.ask.weight[3, 17]"},
    {"kind": "weight", "name": "scores.bias[2]"},
    {"kind": "symbol", "place": 3},
    {"kind": "head", "layer": 0, "head": 2},
    {"kind": "part", "layer": 0, "part": 1},
    {"kind": "attention", "layer": 0, "head": 1, "from": 18, "to": 4},
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["kind"])
def test_what_is_opened_is_the_gradient_that_was_shown(learnt, question):
    at = 19
    found = plain(learnt.tell("open", {**question, "at": at}))
    document = found["content"]["trace"]
    load_trace(document)
    shown = document["answers"][0]["gradient"]["data"]
    blamed = learnt.tell("blame", {"at": at})
    if question["kind"] == "symbol":
        assert shown == pytest.approx(blamed["symbols"][3]["gradient"], rel=1e-4)
    elif question["kind"] == "head":
        assert shown == pytest.approx(blamed["heads"][2]["gradient"], rel=1e-4)
    elif question["kind"] == "part":
        assert shown == pytest.approx(blamed["parts"][1]["gradient"], rel=1e-4)
    elif question["kind"] == "attention":
        assert shown == pytest.approx(blamed["attention"][0]["gradient"][1][18][4], rel=1e-2)
    else:
        assert found["paths"]["gradient"] == pytest.approx(shown, rel=1e-4)
        if "ask" in question["name"]:
            assert sum(found["places"]["values"]) == pytest.approx(shown, rel=1e-4, abs=1e-6)
            assert len(found["places"]["values"]) == at
    lines = [node["line"] for node in document["nodes"] if node.get("line")]
    assert any("char_transformer" in line["file"] for line in lines)


# Running and bounds.


def test_a_paused_session_shows_itself_once_and_then_waits():
    session = Words({"width": 32})
    assert session.advance(0.01) is not None
    assert session.advance(0.01) is None
    session.tell("play", {})
    frame = session.advance(0.01)
    assert frame.numbers["playing"]
    assert frame.numbers["step"] >= 1
    session.tell("pause", {})
    assert session.advance(0.01).numbers["playing"] is False
    assert session.advance(0.01) is None


def test_curves_are_sent_once_and_again_when_asked_for():
    session = Words({"width": 32})
    steps(session, 50)
    numbers, arrays = decode(encode(session.advance(0.0), id=1))
    assert numbers["lossFrom"] == 0
    assert len(arrays["loss"]) == 10
    assert arrays["loss"][:, 0].tolist()[:2] == [5, 10]
    steps(session, 10)
    numbers, arrays = decode(encode(session.advance(0.0), id=1))
    assert numbers["lossFrom"] == 10
    assert len(arrays["loss"]) == 2
    session.tell("whole", {})
    assert len(decode(encode(session.advance(0.0)))[1]["loss"]) == 12


def test_it_ends():
    session = Words({"width": 32, "text": "zh"})
    session._learner.steps = LAST - 2
    session.tell("step", {"steps": 100})
    assert session.advance(0.0).numbers["finished"]
    assert session._learner.steps == LAST
    assert session.tell("play", {})["playing"] is False


def test_a_learning_rate_that_breaks_it_ends_the_run():
    session = Words({"width": 32, "lr": 0.1})
    session._learner.lr = float("inf")
    session.tell("play", {})
    while session._playing:
        session._tick()
    assert session._learner.steps < 10
    assert session.advance(0.0).numbers["broken"]
    for what in ("play", "blame", "sample", "prompt"):
        with pytest.raises(ArgumentError, match="no longer a number"):
            session.tell(what, {})
    assert Words.resume(session.state())._broken


@pytest.mark.parametrize(
    "given",
    [
        {"layers": 3}, {"heads": 3}, {"width": 1000}, {"context": "32"}, {"lr": float("nan")}, {"lr": 5}, {"seed": -1},
        {"seed": True}, {"text": "fr"}, {"text": ["en"]}, {"speed": 1}, {"text": "own", "own": 7},
        {"text": "own", "own": "x" * 60_000},
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(given):
    with pytest.raises(ArgumentError):
        Words(given)


def test_a_text_of_ones_own():
    with pytest.raises(DataError, match="too few"):
        Words({"text": "own", "own": "too short"})
    with pytest.raises(DataError, match="different symbols"):
        Words({"text": "own", "own": "".join(map(chr, range(0x4E00, 0x5000)))})
    with pytest.raises(DataError, match="held out"):
        Words({"text": "own", "own": "ab" * 210, "context": 64})
    session = steps(Words({"text": "own", "own": "abcdefgh" * 60, "width": 32}), 60)
    assert session.tell("sample", {"text": "abcd", "count": 4, "temperature": 0})["text"] == "efgh"


@pytest.mark.parametrize(
    ("what", "given"),
    [
        ("fly", {}),
        ("prompt", {"text": "x" * 500}),
        ("sample", {"count": 10_000}),
        ("sample", {"text": "☃"}),
        ("step", {"steps": 10_000}),
        ("set", {"lr": "fast"}),
        ("blame", {"at": 0}),
        ("blame", {"at": 10_000}),
        ("blame", {"text": "☃☃☃", "at": 1}),
        ("open", {"at": 5, "kind": "weight", "name": "scores.weight[3]"}),
        ("open", {"at": 5, "kind": "weight", "name": "scores.weight[999, 0]"}),
        ("open", {"at": 5, "kind": "weight", "name": "__class__[0]"}),
        ("open", {"at": 5, "kind": "symbol", "place": 5}),
        ("open", {"at": 5, "kind": "head", "head": 9}),
        ("open", {"at": 5, "kind": "attention", "from": 5, "to": 0}),
        ("open", {"at": 5, "kind": "soul"}),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(learnt, what, given):
    with pytest.raises(ArgumentError):
        learnt.tell(what, given)


def test_a_passage_of_the_readers():
    session = Words({"width": 32})
    assert session.tell("passage", {"text": "the duck ☃ sings"})["passage"] == "the duck  sings"
    assert len(session.advance(0.0).arrays["right"]) == len("the duck  sings") - 1
    assert len(session.tell("passage", {"text": "☃"})["passage"]) > 100


def test_the_pace_is_kept_whatever_a_tick_costs():
    now = [0.0]
    ticks = []

    def tick() -> bool:
        now[0] += 0.001
        ticks.append(now[0])
        return True

    pace = Pace(40, lambda: now[0])
    for _ in range(100):
        pace.run(0.02, tick)
        now[0] += 0.02
    assert len(ticks) == pytest.approx(40 * now[0], abs=2)
    now[0] += 100.0  # a tab that slept is not made up for
    assert pace.run(0.02, tick) <= 11
    pace.rate, count = 0, len(ticks)
    pace.run(0.02, tick)
    assert len(ticks) - count >= 15
    assert Pace(1000, lambda: now[0]).run(0.02, lambda: False) == 0
