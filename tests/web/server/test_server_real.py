"""The real questions and sessions through the server: answered, streamed, and carried over the death of a process."""

from __future__ import annotations

import os
import signal
import time

import pytest

pytest.importorskip("starlette")

from upriver.web.asks import ASKS
from upriver.web.sessions import SESSIONS

VALUES = {"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}}
GIVEN = {
    "derive": {**VALUES, "wrt": "w"},
    "network": {"code": "w = 2.0\nx = 3.0\nloss = (w*x - 10.0)**2"},
    "open_trace": {"document": {}},
    "check": {**VALUES, "name": "w"},
    "nudge": {**VALUES, "name": "w", "by": 0.1},
    "paths": {**VALUES, "name": "w"},
    "export": {**VALUES, "format": "svg"},
    "mistakes": {**VALUES, "name": "w", "given": 24},
    "flow": {"depth": 5, "activation": "sigmoid", "gain": 1, "remedy": {}, "seed": 1},
    "descent": {**VALUES, "name": "w", "lr": 0.01, "steps": 3},
    "activations": {"name": "relu"},
}
OPEN = {"playground": {"sides": [{"data": "xor"}], "playing": True}}


@pytest.fixture(scope="module")
def page(serve):
    from upriver.web.workers import Setup

    page = serve(setup=Setup()).page()
    yield page
    page.close()


@pytest.mark.parametrize("name", ASKS)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_question(page, name, language):
    reply = page.reply(page.ask(name, GIVEN[name], language=language))
    if name == "open_trace":
        assert reply["error"]["kind"] == "input"
    else:
        assert reply["answer"]


@pytest.mark.parametrize("name", ASKS)
def test_nonsense_is_an_error_of_the_input(page, name):
    for given in ({}, {"expression": 3, "values": [], "name": None}, {"code": "import os", "document": "x"}):
        reply = page.reply(page.ask(name, given))
        assert reply.get("error", {"kind": "input"})["kind"] == "input", reply


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_goes_on_in_another_process(page, name):
    number = page.open(name, OPEN.get(name, {"playing": True}))
    page.event(number, "opened")
    if name not in OPEN:
        page.send({"id": number, "tell": "play", "call": 1})
        page.reply(number, call=1)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        before = page.frame(number)
    hosts = page.server.app.state.sessions.hosts
    running = next(iter(hosts[0].sessions.values()))
    assert 0 < len(running.state) < 4 * 2**20
    os.kill(hosts[0].worker.pid, signal.SIGKILL)
    page.event(number, "recovered")
    after = page.frame(number)
    assert after["frame"] > before["frame"]
    assert after.keys() & before.keys() - {"id", "frame"}
    page.send({"id": number, "tell": "no such thing", "call": 2})
    assert page.reply(number, call=2)["error"]["kind"] == "input"
    page.send({"id": number, "stop": True})


PAUSED = {"playground": {"sides": [{"data": "xor"}]}, "words": {"width": 32}, "steering": {"learning": True}}
COUNT = {"playground": "count", "words": "steps", "steering": "moments"}


def shown(page, name, drops):
    """What a session shows after two times 30 steps, with the socket dropped between them or not."""
    token = f"{name:s>16}"
    number = page.open(name, PAUSED[name], token=token)
    page.tell(number, "step", {COUNT[name]: 30}, call=1)
    if drops:
        page.drop()
        page = page.server.page()
        number = page.open(name, PAUSED[name], token=token)
        page.event(number, "resumed")
    page.tell(number, "step", {COUNT[name]: 30}, call=2)
    if name == "playground":
        frame = page.until(lambda m: "numbers" in m and m["numbers"]["sides"][0]["step"] == 60)
        page.send({"id": number, "stop": True})
        return frame["arrays"]["0.weights"]
    page.tell(number, "whole", call=3)
    frame = page.until(lambda m: "numbers" in m and m["numbers"]["step"] == 60 and not m["numbers"]["lossFrom"])
    page.send({"id": number, "stop": True})
    return frame["arrays"]["loss"]


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_goes_on_with_another_socket_bit_for_bit(page, name):
    whole, dropped = shown(page.server.page(), name, False), shown(page.server.page(), name, True)
    assert whole.size
    assert whole.tobytes() == dropped.tobytes()


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_that_cannot_be_meant(page, name):
    for given in ({"sides": 3, "speed": -1, "seed": "x"}, {"sides": [{"layers": [1e9]}], "seed": -1, "speed": "x"}):
        number = page.open(name, given)
        reply = page.until(lambda m, number=number: m["id"] == number)
        if "error" in reply:
            assert reply["error"]["kind"] == "input", reply
        else:
            page.send({"id": number, "stop": True})
