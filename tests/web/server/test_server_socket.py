"""The socket: questions and sessions, and everything that can be wrong with a message."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("starlette")
from websockets.exceptions import ConnectionClosed, InvalidStatus


@pytest.fixture(scope="module")
def server(serve):
    return serve(message=100_000)


@pytest.fixture
def page(server):
    page = server.page()
    yield page
    page.close()


def test_an_answer(page):
    reply = page.reply(page.ask("fake", {"x": [1, "ω", None]}))
    assert reply["answer"]["echo"] == [1, "ω", None]
    assert reply["answer"]["threads"] == "1"


def test_numbers_that_json_cannot_hold(page):
    assert page.reply(page.ask("fake", {"do": "nan"}))["answer"] == {"x": "nan", "a": [1.0, "inf"]}


def test_errors_are_sentences(page):
    error = page.reply(page.ask("fake", {"do": "refuse"}))["error"]
    assert (error["kind"], error["sentence"], error["fix"]) == ("input", "3 is not allowed", "Give 2.")
    error = page.reply(page.ask("fake", {"do": "fail"}))["error"]
    assert error["kind"] == "internal"
    assert "KeyError" not in json.dumps(error)
    assert "Traceback" not in json.dumps(error)
    assert page.reply(page.ask("fake", {"do": "nest"}))["error"]["kind"] == "limit"
    error = page.reply(page.ask("fake", {"do": "hoard", "bytes": 2**40}))["error"]
    assert error["kind"] == "limit"
    assert error["message"]["text"].startswith("This needs more memory")


@pytest.mark.parametrize(
    "message",
    [
        "no json", "[1]", "3", "[" * 50_000, "{}", '{"id": 1}',
        '{"id": "1", "ask": "fake"}', '{"id": -1, "ask": "fake"}',
        '{"id": true, "ask": "fake"}', '{"id": 1.5, "ask": "fake"}', '{"id": 1e300, "ask": "fake"}',
        '{"id": 1, "ask": "nothing"}', '{"id": 1, "ask": ["fake"]}', '{"id": 1, "ask": "os"}', '{"id": 1, "open": {}}',
        '{"id": 1, "tell": "pause"}', '{"id": 1, "ask": "fake", "with": [1]}', '{"id": 1, "ask": "fake", "with": 3}',
    ],
)  # fmt: skip
def test_what_is_no_message(page, message):
    page.send(message)
    error = page.until(lambda m: "error" in m)["error"]
    assert error["kind"] in ("input", "lost")
    assert error["sentence"]
    assert page.reply(page.ask("fake", {"x": 1}))["answer"]["echo"] == 1


def test_a_message_that_is_too_large(page):
    page.send({"id": 5, "ask": "fake", "with": {"x": "x" * 120_000}})
    assert page.until(lambda m: "error" in m)["error"]["kind"] == "limit"
    page.send({"id": 5, "ask": "fake", "with": {"x": "x" * 220_000}})
    with pytest.raises(ConnectionClosed):
        page.next()


def test_bytes_are_not_understood(page):
    page.send(b"\0" * 10)
    with pytest.raises(ConnectionClosed):
        page.next()


def test_an_id_is_used_once(page):
    page.send({"id": 1, "ask": "fake", "with": {"do": "sleep", "seconds": 0.2}})
    page.send({"id": 1, "ask": "fake", "with": {}})
    assert page.reply(1)["error"]["sentence"] == "The `id` 1 is in use."
    assert "answer" in page.reply(1)


def test_an_ask_that_waits_is_withdrawn(page):
    first = page.ask("fake", {"do": "sleep", "seconds": 0.3})
    second, third = page.ask("fake"), page.ask("fake")
    page.send({"id": second, "stop": True})
    assert "answer" in page.reply(first)
    assert page.next()["id"] == third


def test_other_origins_are_refused(server):
    for origin in ("http://example.org", None, "null", f"http://127.0.0.1:{server.port + 1}", "http://127.0.0.1"):
        with pytest.raises(InvalidStatus):
            server.page(origin=origin)
    with pytest.raises(InvalidStatus):
        server.page(origin="http://evil.example", additional_headers={"Host": "evil.example"})


def test_a_session(page):
    number = page.open("counter", {"work": 0.001})
    page.event(number, "opened")
    first = page.frame(number)
    assert (first["count"], first["frame"], first["loss"]) == (1, 1, "nan")
    page.send({"id": number, "tell": "pause", "call": 1, "with": {}})
    assert page.reply(number, call=1)["answer"]["what"] == "pause"
    page.send({"id": number, "tell": "refuse", "call": 2})
    assert page.reply(number, call=2)["error"]["sentence"] == "it will not"
    page.send({"id": number, "tell": "set", "call": 3, "with": {"count": 50}})
    page.send({"id": number, "tell": "play", "call": 4})
    assert page.reply(number, call=4)["answer"]["count"] == 50
    assert page.frame(number)["count"] == 51
    page.send({"id": number, "stop": True})
    page.ask("fake")
    assert page.until(lambda m: "answer" in m)["answer"]["echo"] is None
    page.send({"id": number, "tell": "play", "call": 5})
    assert page.reply(number, call=5)["error"]["kind"] == "lost"


def test_a_session_that_cannot_begin_or_go_on(page):
    number = page.open("counter", {"bad": True})
    page.send({"id": number, "tell": "play", "call": 1})
    assert page.reply(number)["error"]["sentence"] == "bad is not allowed"
    assert page.reply(number, call=1)["error"]["kind"] == "lost"
    number = page.open("counter", {"refuse at": 3})
    assert page.reply(number)["error"]["sentence"] == "it cannot go on"
    number = page.open("counter", {"fail at": 3})
    assert page.reply(number)["error"]["kind"] == "internal"


def test_sessions_end_with_their_page(server, page):
    for _ in range(3):
        page.frame(page.open("counter"))
    assert len(server.app.state.sessions) == 3
    page.close()
    page = server.page()
    page.reply(page.ask("fake"))
    assert len(server.app.state.sessions) == 0


def test_a_reader_that_does_not_take_frames_gets_no_more(page):
    number = page.open("counter", {"size": 10})
    count = page.frame(number)["count"]
    page.send({"id": number, "seen": True})
    for _ in range(20):  # what was under way when the page said so for the first time
        try:
            count = page.frame(number, 0.5)["count"]
            if count > 1:
                page.send({"id": number, "seen": True})
        except TimeoutError:
            break
    else:
        return
    raise AssertionError("a page that takes its frames gets more")
