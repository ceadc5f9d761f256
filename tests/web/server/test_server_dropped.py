"""A dropped socket: the session goes on with the next one of the same tab; and what a learner is."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

pytest.importorskip("starlette")
from hypothesis import given, settings, strategies as st
from websockets.exceptions import ConnectionClosed

from upriver.web.kept import Kept, Left, remember
from upriver.web.limits import Limits

TOKEN = "0123456789abcdef"
PAUSED = {"playing": False}


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture(autouse=True)
def nothing_is_left(server):
    yield
    for page in server.pages:
        page.close()
    server.pages.clear()
    until(lambda: not server.app.state.door._inside and not server.app.state.sessions._secret)
    server.app.state.sessions.kept._left.clear()


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def begun(server, given=PAUSED, **more):
    """A page with a session that has come to 100."""
    page = server.page()
    number = page.open("counter", given, token=TOKEN, **more)
    page.event(number, "opened")
    assert page.tell(number, "set", {"count": 100})["count"] == 100
    return page, number


def again(server, name, given=PAUSED, token=TOKEN):
    """Another page with the same session; what became of it, and its count."""
    page = server.page()
    number = page.open("counter", given, token=token)
    event = page.until(lambda m: "event" in m and m["event"] != "waiting")["event"]
    assert event == name
    return page, number


def test_it_goes_on_where_it_was(server):
    page, number = begun(server)
    page.drop()
    until(lambda: len(server.app.state.sessions.kept) == 1)
    assert len(server.app.state.sessions) == 0
    page, number = again(server, "resumed")
    assert len(server.app.state.sessions.kept) == 0
    assert page.tell(number, "look", call=2)["count"] == 100
    page.drop()
    page, number = again(server, "resumed")
    assert page.tell(number, "look", call=3)["count"] == 100


def test_what_plays_plays_on_and_nothing_is_counted_twice_or_left_out(server):
    page, number = begun(server, {"work": 0.001})
    last = page.frame(number)["count"]
    page.drop()
    until(lambda: len(server.app.state.sessions.kept) == 1)
    page, number = again(server, "resumed", {"work": 0.001})
    frame = page.frame(number)
    assert last < frame["count"] < last + 50
    assert frame["frame"] == 1
    assert page.frame(number)["count"] == frame["count"] + 1


@pytest.mark.parametrize("token", [TOKEN[::-1], "short", None, 7, [TOKEN], "x" * 100, TOKEN + "\n"])
def test_nobody_else_gets_it(server, token):
    begun(server)[0].drop()
    page, number = again(server, "opened", token=token)
    assert page.tell(number, "look")["count"] == 0
    page, number = again(server, "resumed")
    assert page.tell(number, "look", call=2)["count"] == 100


def test_a_tab_that_was_closed_is_not_waited_for(server):
    page, _ = begun(server)
    page.socket.close(1001)
    until(lambda: len(server.app.state.sessions) == 0)
    assert len(server.app.state.sessions.kept) == 0
    again(server, "opened")


def test_a_session_that_was_stopped_or_ended_is_not_kept(server):
    page, number = begun(server)
    page.send({"id": number, "stop": True})
    page.reply(page.ask("fake"))
    page.drop()
    page, number = again(server, "opened", {"refuse at": 2})
    assert "error" in page.reply(number)
    page.drop()
    again(server, "opened")
    assert len(server.app.state.sessions._secret) == 1


def test_a_connection_that_nobody_knew_was_lost(server):
    first, number = begun(server)
    page, other = again(server, "resumed")
    assert page.tell(other, "look", call=2)["count"] == 100
    first.send({"id": number, "tell": "look", "call": 9})
    assert first.reply(number, call=9)["error"]["kind"] == "lost"
    first.close()
    assert page.tell(other, "look", call=3)["count"] == 100


def test_what_was_told_is_done_once(server):
    page, number = begun(server)
    page.send({"id": number, "tell": "add", "call": 5})
    page.reply(number, call=5)  # as if it had been on its way
    page.drop()
    page, number = again(server, "resumed")
    assert page.tell(number, "add", call=5)["count"] == 101
    assert page.tell(number, "add", call=6)["count"] == 102
    page.send({"id": number, "tell": "refuse", "call": 7})
    page.reply(number, call=7)
    page.drop()
    page, number = again(server, "resumed")
    assert page.tell(number, "look", call=7)["count"] == 102  # what was refused was not done


def test_what_waits_to_be_told_is_done_at_all(server):
    page, number = begun(server)
    page.send({"id": number, "tell": "sleep", "with": {"seconds": 0.3}, "call": 2})
    for call in (3, 4, 5):
        page.send({"id": number, "tell": "add", "call": call})
    time.sleep(0.1)
    page.drop()
    page, number = again(server, "resumed")
    assert [page.tell(number, "add", call=call)["count"] for call in (3, 4, 5)] == [101, 102, 103]


def test_a_process_that_is_lost_meanwhile(server):
    host = server.app.state.sessions.hosts[0]
    page, number = begun(server)
    page.drop()
    os.kill(host.worker.pid, signal.SIGKILL)
    page, number = again(server, "resumed")
    assert page.tell(number, "look", call=2)["count"] == 100
    os.kill(host.worker.pid, signal.SIGKILL)
    page.drop()
    page, number = again(server, "resumed")
    assert page.tell(number, "look", call=3)["count"] == 100
    page.drop()
    until(lambda: len(server.app.state.sessions.kept) == 1)
    os.kill(host.worker.pid, signal.SIGKILL)
    page, number = again(server, "resumed")
    assert page.tell(number, "look", call=4)["count"] == 100


def test_a_session_that_had_not_begun_begins(server):
    page = server.page()
    page.open("counter", {"slow": 0.3, **PAUSED}, token=TOKEN)
    page.reply(page.ask("fake"))
    page.drop()
    again(server, "opened")


def test_what_was_not_fetched_in_time_begins_anew(serve):
    server = serve(kept_seconds=0.2)
    begun(server)[0].drop()
    until(lambda: len(server.app.state.sessions.kept) == 1)
    until(lambda: len(server.app.state.sessions.kept) == 0, 5)
    again(server, "opened")


def test_a_page_that_counts_what_it_has_seen_gets_two_frames(server):
    page = server.page()
    number = page.open("counter", {"work": 0.001}, token=TOKEN, seen=0)
    assert [page.frame(number)["frame"] for _ in range(2)] == [1, 2]
    with pytest.raises(TimeoutError):
        page.frame(number, 0.3)
    page.send({"id": number, "seen": 1})
    assert page.frame(number)["frame"] == 3


# What is kept.

KEYS = st.tuples(st.sampled_from(["words", "steering"]), st.sampled_from("abcd"))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(KEYS, st.sampled_from("xy"), st.integers(0, 12), st.floats(0, 8), st.booleans())))
def test_so_much_for_so_long(events):
    now = 0.0
    limits = Limits(kept_seconds=10, kept_bytes=20, all_kept_bytes=30)
    kept = Kept(limits, lambda: now)
    last: dict = {}
    for key, learner, size, passed, take in events:
        now += passed
        if take:
            left = kept.take(key)
            if left is not None:
                put, at = last.pop(key)
                assert left is put
                assert now < at + 10
            assert kept.take(key) is None
        else:
            left = Left(learner, bytes(size))
            kept.put(key, left)
            last[key] = (left, now)
            assert kept._left[key] is left  # the newest is kept, whatever goes for it
        inside = list(kept._left.values())
        assert sum(one.size for one in inside) <= 30
        for learner in "xy":
            assert sum(one.size for one in inside if one.learner == learner) <= 20


def test_the_last_small_answers_are_remembered():
    left = Left("x", b"")
    for call in range(5):
        remember(left.answers, call, b"a" * (100_000 if call == 3 else 10), 3)
    remember(left.answers, None, b"b", 3)
    assert list(left.answers) == [1, 2, 4]
    assert left.size == 30


# What a learner is.


def test_tabs_of_one_browser_are_one_learner(serve):
    server = serve(sessions=3, sockets_per_learner=2)
    one, two = "a" * 32, "b" * 32
    pages = [server.page(learner=one), server.page(learner=one), server.page(learner=two)]
    for page in pages[:2]:
        page.frame(page.open("counter"))
    pages[0].frame(pages[0].open("counter"))
    refused = pages[1].reply(pages[1].open("counter"))["error"]
    assert refused["sentence"] == "You have as much computing here already as one learner may have."
    pages[2].frame(pages[2].open("counter"))
    with pytest.raises(ConnectionClosed) as closed:
        server.page(learner=one).next()
    assert closed.value.rcvd.code == 1013
    unknown = [server.page(learner=name) for name in (None, "", "short", "%00" * 20, None)]  # each for itself
    for page in unknown:
        page.frame(page.open("counter"))
    for page in server.pages:
        page.close()
    until(lambda: not server.app.state.door._inside)


def test_tabs_of_one_browser_have_the_turns_of_one(serve):
    server = serve(processes=1)
    pages = [server.page(learner=name * 32) for name in ("a", "a", "a", "b")]
    numbers = [page.open("counter", {"work": True}) for page in pages]
    for page, number in zip(pages, numbers, strict=True):
        page.event(number, "opened")
    first = [page.frame(number)["count"] for page, number in zip(pages, numbers, strict=True)]
    time.sleep(2)
    for page in pages:
        page.send({"id": page.last, "tell": "pause", "call": 1})
    counts = [page.reply(number, call=1)["answer"]["count"] for page, number in zip(pages, numbers, strict=True)]
    turns = np.subtract(counts, first)
    assert turns[3] > 0.6 * turns[:3].sum()
