"""Worker processes that die, hang and grow: what was asked is answered all the same, sessions go on."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

pytest.importorskip("starlette")


@pytest.fixture(scope="module")
def server(serve):
    return serve(ask_seconds=1.4, turn_seconds=1.4, open_seconds=3.0, memory=400 * 2**20)


@pytest.fixture
def page(server):
    page = server.page()
    page.reply(page.ask("fake"))  # the processes are ready
    yield page
    page.close()


def test_a_question_that_takes_too_long(page):
    begun = time.monotonic()
    error = page.reply(page.ask("fake", {"do": "sleep", "seconds": 30}))["error"]
    assert error["kind"] == "limit"
    assert error["sentence"] == "This took longer than 1 second and was stopped."
    assert time.monotonic() - begun < 10
    assert "answer" in page.reply(page.ask("fake"))


def test_a_question_that_kills_its_process_is_tried_twice(page, tmp_path):
    assert page.reply(page.ask("fake", {"do": "die"}))["error"]["kind"] == "lost"
    reply = page.reply(page.ask("fake", {"do": "die once", "file": str(tmp_path / "x")}))
    assert "answer" in reply


def test_a_process_that_dies_between_questions(page, server):
    first = page.reply(page.ask("fake"))["answer"]["pid"]
    os.kill(first, signal.SIGKILL)
    assert page.reply(page.ask("fake"))["answer"]["pid"] != first


def test_memory_is_bounded_and_the_process_lives(page):
    pid = page.reply(page.ask("fake"))["answer"]["pid"]
    assert page.reply(page.ask("fake", {"do": "hoard", "bytes": 500 * 2**20}))["error"]["kind"] == "limit"
    assert page.reply(page.ask("fake"))["answer"]["pid"] == pid


def test_sessions_survive_their_process(page, server):
    playing = page.open("counter", {"work": 0.001})
    paused = page.open("counter", {"playing": False})
    page.event(paused, "opened")
    page.send({"id": paused, "tell": "set", "with": {"count": 77}, "call": 1})
    page.reply(paused, call=1)
    before = page.frame(playing)
    end = time.monotonic() + 1.3  # a state is kept about once a second
    while time.monotonic() < end:
        before = page.frame(playing)
    os.kill(before["pid"], signal.SIGKILL)
    page.event(playing, "waiting")
    page.event(playing, "recovered")
    after = page.frame(playing)
    assert after["pid"] != before["pid"]
    assert after["count"] > 10
    assert after["frame"] > before["frame"]
    page.send({"id": paused, "tell": "play", "call": 2})
    assert page.reply(paused, call=2)["answer"]["count"] == 77


def test_a_session_goes_on_after_it_killed_its_process_once(page):
    other = page.open("counter", {"work": 0.001})
    page.frame(other)
    number = page.open("counter", {"die at": 5})
    page.event(number, "recovered")
    assert page.frame(number)["count"] <= 6
    page.frame(other)


def test_a_session_that_kills_its_process_again_is_ended(page):
    other = page.open("counter", {"work": 0.001})
    page.frame(other)
    number = page.open("counter", {"die": True})
    assert page.reply(number)["error"]["kind"] == "lost"
    page.event(other, "recovered") if "numbers" not in page.next() else None
    page.frame(other)


def test_a_session_that_begins_too_slowly_or_hangs(page):
    number = page.open("counter", {"slow": 30})
    page.event(number, "waiting")
    assert page.reply(number)["error"]["kind"] == "limit"
    number = page.open("counter", {"playing": False})
    page.event(number, "opened")
    page.send({"id": number, "tell": "sleep", "with": {"seconds": 30}, "call": 1})
    assert page.reply(number, call=1)["error"]["kind"] == "limit"
    page.event(number, "recovered")
    page.send({"id": number, "tell": "play", "call": 2})
    assert "answer" in page.reply(number, call=2)


def test_a_message_that_kills_its_process_is_not_repeated(page):
    number = page.open("counter", {"playing": False})
    page.event(number, "opened")
    page.send({"id": number, "tell": "die", "call": 1})
    assert page.reply(number, call=1)["error"]["kind"] == "lost"
    page.event(number, "recovered")


def test_workers_end_with_their_server(serve):
    server = serve()
    page = server.page()
    pid = page.reply(page.ask("fake"))["answer"]["pid"]
    running = page.frame(page.open("counter"))["pid"]
    server.stop()
    for process in (pid, running):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_worker_ends_when_its_input_does():
    setup = '{"kind": "asks", "asks": {}, "sessions": {}, "memory": 100000000, "state": 0, "nice": 0}'
    import sys

    done = subprocess.run(
        [sys.executable, "-P", "-m", "upriver.web.work", setup], input=b"", capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0
    assert b"ready" in done.stdout


def test_processes_that_cannot_start_are_no_reason_to_wait(serve, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    server = serve()
    page = server.page()
    assert page.reply(page.ask("fake"))["error"]["kind"] == "internal"
    assert page.reply(page.open("counter"))["error"]["kind"] == "internal"
    monkeypatch.undo()
    page.reply(page.ask("fake"))  # one more attempt may have been under way
    assert "answer" in page.reply(page.ask("fake"))
