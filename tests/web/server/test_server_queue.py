"""Turns: nobody starves, nobody waits behind someone else's hundred questions, and too much is refused at once."""

from __future__ import annotations

import time
from collections import Counter

import pytest

pytest.importorskip("starlette")
from upriver.web.limits import Limits, memory
from upriver.web.queue import FairQueue, FullError


def test_learners_take_turns():
    queue = FairQueue(100, 100)
    for i in range(5):
        queue.put("a", f"a{i}")
    queue.put("b", "b0")
    queue.put("c", "c0")
    queue.put("c", "c1")
    assert [queue.take() for _ in range(len(queue))] == ["a0", "b0", "c0", "a1", "c1", "a2", "a3", "a4"]
    with pytest.raises(LookupError):
        queue.take()


def test_room_is_bounded_for_one_and_for_all():
    queue = FairQueue(3, 2)
    queue.put("a", 1)
    queue.put("a", 2)
    with pytest.raises(FullError):
        queue.put("a", 3)
    queue.put("b", 4)
    with pytest.raises(FullError):
        queue.put("c", 5)
    queue.put("a", 0, first=True)
    assert [queue.take() for _ in range(4)] == [0, 4, 1, 2]


def test_what_waits_can_be_withdrawn():
    queue = FairQueue(9, 9)
    queue.put("a", 1)
    queue.put("a", 2)
    assert queue.withdraw("a", 1)
    assert not queue.withdraw("a", 1)
    assert not queue.withdraw("b", 1)
    assert queue.take() == 2
    assert len(queue) == 0


@pytest.fixture(scope="module")
def server(serve):
    return serve(asks=5, queue=8, sessions=2, all_sessions=3, sockets_per_address=6)


def test_too_many_questions_are_refused_at_once(server):
    pages = [server.page(), server.page()]
    pages[0].reply(pages[0].ask("fake"))
    for page in pages:
        for _ in range(8):
            page.ask("fake", {"do": "sleep", "seconds": 0.4})
    kinds = [pages[0].next().get("error", {}).get("kind") for _ in range(3)]
    assert kinds == ["busy"] * 3, "before anything is answered"
    for page, count in ((pages[0], 5), (pages[1], 8)):
        for _ in range(count):
            page.next()
        page.close()


def test_too_many_sessions_are_refused_at_once(server):
    pages = [server.page(), server.page()]
    first, second = pages[0].open("counter"), pages[0].open("counter")
    pages[0].frame(first), pages[0].frame(second)
    assert pages[0].reply(pages[0].open("counter"))["error"]["kind"] == "busy"
    pages[1].frame(pages[1].open("counter"))
    assert pages[1].reply(pages[1].open("counter"))["error"]["kind"] == "busy"
    for page in pages:
        page.close()


def test_too_many_sockets_are_told_to_come_back(server):
    from websockets.exceptions import ConnectionClosed

    pages = [server.page() for _ in range(6)]
    with pytest.raises(ConnectionClosed) as closed:
        server.page().next()
    assert closed.value.rcvd.code == 1013
    for page in pages:
        page.close()
    time.sleep(0.2)
    server.page().close()


def test_a_quick_question_overtakes_anothers_many(serve):
    server = serve()
    many, one = server.page(), server.page()
    one.reply(one.ask("fake"))
    for _ in range(10):
        many.ask("fake", {"do": "sleep", "seconds": 0.1})
    one.reply(one.ask("fake"))
    assert len(server.app.state.answering._queue) >= 5


def test_sessions_have_equal_shares(serve):
    server = serve(processes=1)
    pages = [server.page() for _ in range(6)]
    numbers = [page.open("counter", {"work": True}) for page in pages]
    greedy = [pages[0].open("counter", {"work": True}) for _ in range(3)]
    for page, number in zip(pages, numbers, strict=True):
        page.event(number, "opened")
    counts = Counter()
    end = time.monotonic() + 2.5
    for page in pages:
        page.send({"id": 999, "seen": True})  # to a session that is not there: nothing happens
    while time.monotonic() < end:
        for i, page in enumerate(pages):
            message = page.until(lambda m: "numbers" in m)
            counts[i] += 1
            assert message["id"] in numbers + greedy
    assert min(counts.values()) > 0.7 * max(counts.values())


def test_a_page_that_does_not_take_its_frames_gets_no_turns(serve):
    server = serve()
    page = server.page()
    number = page.open("counter", {"work": 0.001})
    page.frame(number)
    page.send({"id": number, "seen": True})
    page.reply(page.ask("fake"))
    time.sleep(0.3)
    running = next(iter(server.app.state.sessions.hosts[0].sessions.values()))
    stuck = running.frames
    time.sleep(0.3)
    assert running.frames == stuck
    for _ in range(stuck - 1):  # one was seen before
        page.send({"id": number, "seen": True})
    end = time.monotonic() + 20
    while running.frames < stuck + 2 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    assert running.frames == stuck + 2


def test_frames_come_at_most_so_often(serve):
    server = serve(frames=20)
    page = server.page()
    number = page.open("counter")
    page.frame(number)
    begun = time.monotonic()
    for _ in range(20):
        page.frame(number)
    assert time.monotonic() - begun > 0.8


def test_from_a_page_that_takes_no_answers_nothing_more_is_read():
    import asyncio
    import json

    from upriver.web.answering import Answering
    from upriver.web.running import Sessions
    from upriver.web.socket import Page
    from upriver.web.workers import Setup

    class Stuck:
        """A socket that asks without end and takes nothing."""

        read = 0

        async def receive(self):
            self.read += 1
            await asyncio.sleep(0)
            return {"type": "websocket.receive", "text": json.dumps({"id": self.read, "ask": "nothing"})}

        async def send_text(self, text):
            await asyncio.Event().wait()

    async def main():
        setup = Setup({}, {}, Limits(unsent=10_000))
        socket = Stuck()
        serving = asyncio.create_task(Page(socket, Answering(1, setup), Sessions(1, setup), setup).serve())
        read = -1
        while read < socket.read < 1000:
            read = socket.read
            await asyncio.sleep(0.2)
        serving.cancel()
        return read

    assert 10 < asyncio.run(main()) < 200


def test_the_bytes_of_questions_are_bounded(serve):
    server = serve(unanswered=50_000)
    page = server.page()
    page.reply(page.ask("fake"))
    for _ in range(3):
        page.ask("fake", {"do": "sleep", "seconds": 0.2, "x": "x" * 20_000})
    assert page.next()["error"]["kind"] == "busy"
    assert "answer" in page.next()
    assert "answer" in page.next()
    assert "answer" in page.reply(page.ask("fake", {"x": "x" * 40_000}))


def test_nothing_is_left_of_pages_that_went_away(serve):
    server = serve()
    sizes = []
    for i in range(45):
        page = server.page()
        number = page.open("counter", {"size": 50_000})
        page.frame(number)
        page.send({"id": number, "tell": "pause", "call": 1})
        page.reply(number, call=1)
        page.reply(page.ask("fake", {"x": list(range(2000))}))
        page.ask("fake", {"do": "sleep", "seconds": 0.01})
        page.close()
        if i in (14, 44):
            time.sleep(0.5)
            state = server.app.state
            host = state.sessions.hosts[0]
            kept = (host.sessions, host._served, host._jobs, state.door._inside, state.answering._queue)
            assert [len(one) for one in kept] == [0] * 5
            assert (state.answering._waiting_bytes, host.worker.outstanding) == (0, 0)
            sizes.append((host.worker.memory, state.answering.workers[0].memory, memory()))
    server.pages.clear()
    for before, after in zip(*sizes, strict=True):
        assert after - before < 4 * 2**20
