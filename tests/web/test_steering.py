"""The session of the steering lab: the road, the teacher, what is learnt, and what a mistake is blamed on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from upriver.errors import ArgumentError, DataError
from upriver.explain.reading import load_trace
from upriver.web.frames import decode, encode, plain
from upriver.web.sessions.steering.car import ANGLES, SPEED, Cars, Trial, examples, follow, right_wheel
from upriver.web.sessions.steering.drive import LONGEST, PAUSE
from upriver.web.sessions.steering.session import LAST, Steering
from upriver.web.sessions.steering.track import HALF, PRESETS, SIGHT, Track


def circle(radius: float = 0.35, count: int = 60) -> list[list[float]]:
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([0.8 + radius * np.cos(turn), 0.5 + radius * np.sin(turn)], -1).tolist()


@pytest.fixture(scope="module")
def tracks() -> dict[str, Track]:
    return {name: Track(points, name) for name, points in PRESETS.items()}


@pytest.fixture(scope="module")
def learnt() -> Steering:
    session = Steering({"track": "bean"})
    session.tell("learn", {})
    session.tell("step", {"moments": 300})
    return session


# The road.


def test_a_ray_sees_as_far_as_the_circle_is_wide():
    track = Track(circle(), "own")
    radius = float(np.hypot(*(track.middle - [0.8, 0.5]).T).mean())
    place, heading = np.array([[0.8 + radius, 0.5]]), np.array([np.pi / 2])  # along the circle
    seen = track.see(place, heading, ANGLES)[0] * SIGHT
    for angle, far in zip(np.pi / 2 + ANGLES, seen, strict=True):
        along = np.linspace(0, SIGHT, 20_001)
        apart = np.hypot(radius + along * np.cos(angle), along * np.sin(angle))
        out = np.abs(apart - radius) > HALF
        assert far == pytest.approx(along[out.argmax()] if out.any() else SIGHT, abs=0.006)


def test_a_road_that_crosses_itself_is_seen_through(tracks):
    eight = tracks["eight"]
    assert eight.on_road(eight.middle).all()
    assert not eight.on_road(np.array([[0.02, 0.02]]))[0]
    here = np.array([[0.8, 0.5]])
    assert eight.see(here, eight.ahead[:1], np.array([0.0]))[0, 0] > 0.9


@pytest.mark.parametrize("name", PRESETS)
def test_the_teacher_stays_on_every_road(tracks, name):
    track = tracks[name]
    cars, at = Cars.at(track, np.array([0]), np.zeros(1), np.zeros(1)), np.array([0])
    for _ in range(int(1.1 * track.length / SPEED)):
        cars = cars.moved(right_wheel(track, cars, at))
        at = follow(track, cars, at)
        assert track.distance(cars.places)[0] < 0.6 * HALF
    assert track.middle.min() > HALF
    assert (track.middle < np.array([1.6, 1.0]) - HALF).all()


def test_examples_are_on_the_road_and_spread_as_asked(tracks):
    narrow, wide = (examples(tracks["bean"], 500, spread, np.random.default_rng(0)) for spread in (0.0, 1.0))
    for seen, right in (narrow, wide):
        assert seen.shape == (500, 9)
        assert right.shape == (500, 1)
        assert seen.min() >= 0
        assert seen.max() <= 1
        assert np.abs(right).max() <= 1
    assert np.abs(wide[1]).mean() > 1.3 * np.abs(narrow[1]).mean()


def test_a_track_drawn_by_hand_is_made_a_road():
    rough = np.array(circle()) + np.random.default_rng(0).normal(0, 0.01, (60, 2))
    corner = np.array([[0.2, 0.2]] * 3 + [[1.4, 0.2]] * 3 + [[1.4, 0.8]] * 3 + [[0.2, 0.8]] * 3, float)
    for line in (rough, corner):
        track = Track(line, "own")
        trial = Trial(track, lambda seen: (seen[:, 6] - seen[:, 2]) * 1.5, 4)
        trial.drive(2000)
        assert trial.laps().mean() > 0.9


@pytest.mark.parametrize(
    "points",
    [None, [], [[0, 0]] * 3, "loop", [[0, 0, 0]] * 9, [["a", "b"]] * 9, [[float("nan"), 0]] * 9, [[0, 0], [1]] * 9,
     [[0.5, 0.5]] * 2000],
)  # fmt: skip
def test_points_that_are_none_are_refused(points):
    with pytest.raises(ArgumentError):
        Steering({"track": "own", "points": points})


def test_a_track_that_is_too_small_is_refused():
    for points in (circle(0.05), [[0.5, 0.5]] * 9):
        with pytest.raises(DataError):
            Steering({"track": "own", "points": points})


# Learning.


@pytest.mark.parametrize("name", PRESETS)
def test_it_leaves_the_road_before_and_drives_laps_after(name):
    session = Steering({"track": name})
    session.tell("learn", {})
    session.tell("step", {"moments": 230})
    session._finish_trial()
    laps = {one["step"]: one["laps"] for one in session._trials}
    assert laps[0] < 0.25
    assert laps[200] > 0.9


def test_the_same_seed_drives_the_same_way_and_another_does_not():
    ways = []
    for seed in (1, 1, 2):
        session = Steering({"seed": seed})
        session.tell("learn", {})
        session.tell("step", {"moments": 60})
        ways.append(encode(session.advance(0.0)))
    assert ways[0] == ways[1] != ways[2]


def test_a_session_that_is_resumed_goes_on_bit_for_bit():
    one = Steering({"track": "pond"})
    one.tell("learn", {})
    one.tell("step", {"moments": 151})  # a trial is under way
    assert one._trial is not None
    two = Steering.resume(pickle.loads(pickle.dumps(one.state())))
    for session in (one, two):
        session.tell("step", {"moments": 60})
        session.tell("whole", {})
        session._finish_trial()
    assert np.array_equal(one._drive.moments(0), two._drive.moments(0))
    assert one._trials == two._trials
    assert one._loss == two._loss
    for p, q in zip(one._learner.net.parameters(), two._learner.net.parameters(), strict=True):
        assert np.array_equal(p.array, q.array)


def test_it_learns_from_the_readers_own_driving():
    session = Steering({"track": "pond"})
    session.tell("set", {"source": "mine"})
    told = session.tell("learn", {})
    assert told["note"] is not None
    assert not told["learning"]
    session.tell("drive", {})
    session.tell("pause", {})
    for _ in range(60):  # the reader drives as the teacher would
        drive = session._drive
        session.tell("steer", {"wheel": float(right_wheel(drive.track, drive._car, drive._point)[0])})
        session._tick()
    assert session._learner.own == 60
    rows = session._learner.seen[1200:1260]
    assert rows.any(1).all()
    assert not session._learner.seen[1260:].any()
    session.tell("release", {})
    assert session.tell("learn", {})["learning"]
    session.tell("step", {"moments": 100})
    assert session._loss[-1][1] < 0.5 * session._loss[0][1]
    again = Steering.resume(pickle.loads(pickle.dumps(session.state())))
    assert again._learner.own == 60
    assert again._learner.source == "mine"


def test_another_track_keeps_the_network_and_shows_its_own_way(learnt):
    session = Steering.resume(pickle.loads(pickle.dumps(learnt.state())))
    before = [p.array.copy() for p in session._learner.net.parameters()]
    taught = session._learner.seen.copy()
    session.tell("track", {"track": "eight", "examples": False})
    frame = session.advance(0.0)
    assert frame.numbers["track"] == "eight"
    assert np.array_equal(session._learner.seen, taught)
    assert all(np.array_equal(a, p.array) for a, p in zip(before, session._learner.net.parameters(), strict=True))
    session.tell("track", {"track": "own", "points": circle(), "examples": True})
    assert not np.array_equal(session._learner.seen, taught)
    again = Steering.resume(session.state())
    assert again._track.name == "own"
    assert np.array_equal(again._track.middle, session._track.middle)
    with pytest.raises(DataError):
        session.tell("track", {"track": "own", "points": circle(0.05)})
    assert session.advance(0.0) is not None


# Driving.


def test_a_run_ends_beside_the_road_and_the_next_begins_at_the_start():
    session = Steering({"track": "bean"})
    session.advance(0.0)
    session.tell("step", {"moments": 60})
    frame = session.advance(0.0)
    runs = frame.numbers["run"]
    assert runs >= 2
    assert len(frame.arrays["past"]) > 5
    assert frame.numbers["moments"] <= LONGEST
    assert PAUSE < 60
    x, y = frame.arrays["past"][0, :2]
    assert np.allclose([x, y], session._track.middle[0])


def test_frames_carry_what_is_new(learnt):
    learnt.tell("whole", {})
    numbers, arrays = decode(encode(learnt.advance(0.0), id=3))
    assert numbers["momentsFrom"] == 0
    assert len(arrays["trail"]) == numbers["moments"]
    assert arrays["middle"].shape == (400, 2)
    assert arrays["seen"].shape == (9,)
    learnt.tell("step", {"moments": 4})
    numbers, arrays = decode(encode(learnt.advance(0.0), id=3))
    assert len(arrays["trail"]) == numbers["moments"] - numbers["momentsFrom"] <= 4
    assert learnt.advance(0.0) is None


# Blame.


def test_the_gradient_of_each_ray_is_what_a_nudge_measures(learnt):
    found = learnt.tell("blame", {"worst": True})
    drive = learnt._drive
    rows = drive.moments(0) if found["run"] == drive.run else drive.past()
    errors = (rows[:, 3] - rows[:, 4]) ** 2
    assert errors[found["moment"]] == errors.max()
    assert found["loss"] == pytest.approx((found["does"] - found["right"]) ** 2, rel=1e-4)
    for ray in found["rays"]:
        assert ray["after"] - ray["before"] == pytest.approx(ray["predicted"], rel=0.35, abs=0.004)
        assert ray["predicted"] == pytest.approx(ray["gradient"] * ray["by"], rel=1e-5)
    assert found["predicted"] < 0
    assert found["healed"] == pytest.approx(found["predicted"], rel=0.2)
    assert all(p.grad is None for p in learnt._learner.net.parameters())


def test_what_is_opened_is_the_gradient_that_was_shown(learnt):
    blamed = learnt.tell("blame", {"moment": 3})
    about = {"run": blamed["run"], "moment": 3}
    for i in (0, 4, 8):
        found = plain(learnt.tell("open", {**about, "kind": "ray", "ray": i}))
        load_trace(found["content"]["trace"])
        shown = found["content"]["trace"]["answers"][0]["gradient"]["data"]
        assert shown == pytest.approx(blamed["rays"][i]["gradient"], rel=1e-4)
        assert found["paths"]["count"] == 12  # one through each unit
        assert sum(p["contribution"] for p in found["paths"]["paths"]) + found["paths"]["rest"] == pytest.approx(shown)
    first = blamed["weights"]["sensitivity"][0]
    found = plain(learnt.tell("open", {**about, "kind": "weight", "name": first["name"]}))
    assert found["content"]["trace"]["answers"][0]["gradient"]["data"] == pytest.approx(first["value"], rel=1e-4)


def test_asking_does_not_disturb_the_learning(learnt):
    one, two = (Steering.resume(pickle.loads(pickle.dumps(learnt.state()))) for _ in range(2))
    two.tell("blame", {"moment": 2})
    two.tell("open", {"moment": 2, "kind": "ray", "ray": 1})
    assert one._learner.learn(20).tolist() == two._learner.learn(20).tolist()


@pytest.mark.parametrize("layers", [0, 2])
def test_other_networks_are_opened_too(layers):
    session = Steering({"layers": layers, "units": 4})
    session.tell("step", {"moments": 5})
    blamed = session.tell("blame", {"moment": 1})
    assert len(blamed["rays"]) == 9
    name = blamed["weights"]["update"][0]["name"]
    assert session.tell("open", {"moment": 1, "kind": "weight", "name": name})["content"]["trace"]


# Bounds.


@pytest.mark.parametrize(
    "given",
    [{"track": "moon"}, {"units": 1000}, {"layers": 9}, {"lr": -1}, {"lr": "0.1"}, {"spread": 2}, {"pace": 3},
     {"seed": 1.5}, {"track": {}}],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(given):
    with pytest.raises(ArgumentError):
        Steering(given)


@pytest.mark.parametrize(
    ("what", "given"),
    [
        ("fly", {}),
        ("step", {"moments": 10_000}),
        ("set", {"lr": float("inf")}),
        ("set", {"source": "yours"}),
        ("track", {"track": "own"}),
        ("blame", {"moment": 100_000}),
        ("blame", {"run": 99}),
        ("open", {"kind": "ray", "ray": 9}),
        ("open", {"kind": "weight", "name": "wheel.weight"}),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(learnt, what, given):
    with pytest.raises(ArgumentError):
        learnt.tell(what, given)


def test_a_mistake_needs_a_drive():
    with pytest.raises(ArgumentError, match="not moved"):
        Steering({}).tell("blame", {"worst": True})


def test_the_wheel_is_only_turned_by_who_holds_it():
    session = Steering({})
    assert session.tell("steer", {"wheel": 5}) == {}
    session.tell("drive", {})
    with pytest.raises(ArgumentError):
        session.tell("steer", {"wheel": 5})


def test_a_network_that_is_broken_stops_learning():
    session = Steering({"layers": 0})
    session._learner.net.wheel.weight.array[0, 0] = np.nan
    session.tell("learn", {})
    session.tell("step", {"moments": 60})
    assert session.advance(0.0).numbers["broken"]
    assert np.isfinite(session._drive.moments(0)).all()
    for what in ("learn", "blame"):
        with pytest.raises(ArgumentError, match="no longer a number"):
            session.tell(what, {})
    assert Steering.resume(session.state())._broken


def test_it_ends():
    session = Steering({"pace": 16})
    session._learner.steps = LAST - 20
    session.tell("learn", {})
    session.tell("step", {"moments": 10})
    assert session._learner.steps == LAST
    assert session.advance(0.0).numbers["finished"]
    assert session.tell("learn", {})["learning"] is False
