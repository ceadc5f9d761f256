"""The pool that answers questions: each is given to one worker process, and is answered whatever becomes of that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable
from dataclasses import dataclass

from .queue import FairQueue, FullError
from .refusal import RefusalError, broken, busy, late, lost
from .workers import LostError, Setup, Worker

_log = logging.getLogger("upriver.web")
_PAUSE = 0.5
"""Seconds after a process that did not even start."""


@dataclass(eq=False)
class Question:
    """A question that waits for its answer.

    Attributes:
        learner: who asks.
        name: of the question.
        payload: the message that asks it, as JSON.
        language: in which it is to be answered.
        answer: the answer as JSON, or :class:`.refusal.RefusalError`.
    """

    learner: Hashable
    name: str
    payload: bytes
    language: str | None
    answer: asyncio.Future[bytes]
    again: bool = False


class Answering:
    """Worker processes that answer questions, the learners in turn.

    Args:
        count: how many processes.
        setup: what they are started with.

    Attributes:
        warm: set when the first process is ready, for which all others wait: the first question is what a reader
            waits for, and processes that start together keep each other up.
    """

    def __init__(self, count: int, setup: Setup) -> None:
        limits = setup.limits
        self._setup, self._limits, self._count = setup, limits, count
        self._queue: FairQueue[Question] = FairQueue(limits.queue, limits.waiting)
        self._tasks: list[asyncio.Task[None]] = []
        self.workers: list[Worker | None] = [None] * count
        self.warm = asyncio.Event()
        self._waiting_bytes = 0

    def start(self) -> None:
        """Start the processes, without waiting for them."""
        self._tasks = [asyncio.create_task(self._serve(i)) for i in range(self._count)]

    async def stop(self) -> None:
        """End the processes; what waits is not answered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ask(self, learner: Hashable, name: str, payload: bytes, language: str | None) -> Question:
        """Let a question wait for its answer.

        Raises:
            RefusalError: too many wait.
        """
        question = Question(learner, name, payload, language, asyncio.get_running_loop().create_future())
        try:
            if self._waiting_bytes + len(payload) > self._limits.unanswered:
                raise FullError
            self._queue.put(learner, question)
        except FullError:
            raise busy(language) from None
        self._waiting_bytes += len(payload)
        question.answer.add_done_callback(lambda _: self._forget(len(payload)))
        return question

    def _forget(self, count: int) -> None:
        self._waiting_bytes -= count

    def withdraw(self, question: Question) -> None:
        """Nobody wants the answer any more; what is being computed already is computed to its end."""
        self._queue.withdraw(question.learner, question)
        question.answer.cancel()

    async def _serve(self, place: int) -> None:
        """One place in the pool: a process, replaced when it ends."""
        worker = Worker("asks", self._setup)
        try:
            if place:
                await self.warm.wait()
            while True:
                self.workers[place] = worker = Worker("asks", self._setup)
                if not await worker.start():
                    _log.error("a worker process did not start")
                    self._give_up()
                    await asyncio.sleep(_PAUSE)
                self.warm.set()
                while worker.alive:
                    question = await self._queue.next()
                    if not question.answer.done():
                        await self._answer(worker, question)
                    if worker.memory > worker.memory_at_start + self._limits.memory // 2:
                        await worker.end()  # what it has kept is given back
        finally:
            await worker.end()

    def _give_up(self) -> None:
        """No process is there: what waits is told so, rather than left waiting."""
        while len(self._queue) and not any(worker and worker.alive for worker in self.workers):
            question = self._queue.take()
            _settle(question, broken(question.language))

    async def _answer(self, worker: Worker, question: Question) -> None:
        head = {"do": "ask", "name": question.name, "language": question.language}
        seconds = self._limits.ask_seconds
        try:
            done, answer = await worker.send(head, question.payload, seconds=seconds)
        except LostError as error:
            if error.late:
                _settle(question, late(question.language, seconds))
            elif question.again:
                _settle(question, lost(question.language))
            else:
                question.again = error.blamed
                self._queue.put(question.learner, question, first=True)
            return
        if "trace" in done:
            _log.error("the question %s failed\n%s", question.name, done["trace"])
        _settle(question, RefusalError(done["error"]) if "error" in done else answer)


def _settle(question: Question, answer: bytes | RefusalError) -> None:
    if question.answer.done():
        return
    if isinstance(answer, RefusalError):
        question.answer.set_exception(answer)
    else:
        question.answer.set_result(answer)
