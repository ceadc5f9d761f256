"""Reading ahead: an iterator that runs in a thread of its own, a few items before whoever consumes it."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterator
from typing import Any

from ..core.site import line_of
from ..errors import UpriverError

_END = object()


def ahead(source: Iterator[Any], depth: int = 2) -> Iterator[Any]:
    """The items of ``source``, read up to ``depth`` ahead by a thread.

    An error in ``source`` is raised where the item would have come. Leaving the iteration early, in whatever way,
    ends the thread; it also ends with the program.

    Args:
        source: any iterator; it is advanced in the thread only, in a copy of the caller's context.
        depth: how many items may wait, at least 1.

    Example:
        >>> from upriver.data.prefetch import ahead
        >>> list(ahead(iter([1, 2, 3])))
        [1, 2, 3]
    """
    ready: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
    room = threading.Semaphore(depth)
    stop = threading.Event()

    def work() -> None:
        try:
            while True:
                room.acquire()
                if stop.is_set():
                    break
                item = next(source, _END)
                ready.put((item, None))
                if item is _END:
                    break
        except BaseException as error:
            ready.put((None, error))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), name="upriver-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise _at_caller(error)
            if item is _END:
                return
            room.release()
            yield item
    finally:
        stop.set()
        room.release()
        if thread is not threading.current_thread():
            # A source that hangs must not hang its consumer: the thread is a daemon, and has been told.
            thread.join(timeout=5.0)


def _at_caller(error: BaseException) -> BaseException:
    """The error, naming the consumer's line where in the thread there was no line of the user's to name."""
    if isinstance(error, UpriverError) and error.site and line_of(error.site)[0] == threading.__file__:
        renewed = type(error)(error.message, error.fix)
        for note in getattr(error, "__notes__", ()):
            renewed.add_note(note)
        renewed.__cause__ = error.__cause__
        return renewed
    return error
