import gc
import threading
import time

import pytest

import upriver as ur
from upriver.core.state import recording
from upriver.data.prefetch import ahead
from upriver.errors import DataError


def threads():
    return [t for t in threading.enumerate() if t.name == "upriver-prefetch"]


def test_all_items_in_order():
    assert list(ahead(iter(range(100)), depth=3)) == list(range(100))
    assert list(ahead(iter([]))) == []
    assert not threads()


def test_no_more_than_depth_is_read_ahead():
    read = []

    def source():
        for i in range(100):
            read.append(i)
            yield i

    it = ahead(source(), depth=2)
    assert next(it) == 0
    deadline = time.monotonic() + 2.0
    while len(read) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.05)
    assert len(read) == 3  # one handed out, two that wait
    it.close()
    assert not threads()


def test_an_error_comes_where_the_item_would_have():
    def source():
        yield 1
        raise KeyError("gone")

    it = ahead(source())
    assert next(it) == 1
    with pytest.raises(KeyError, match="gone"):
        next(it)
    assert not threads()


@pytest.mark.parametrize("leave", ["close", "break", "forget", "raise"])
def test_leaving_early_ends_the_thread(leave):
    it = ahead(iter(range(10**9)))
    assert next(it) == 0
    if leave == "close":
        it.close()
    elif leave == "break":
        for _ in it:
            break
        del it
    elif leave == "raise":
        with pytest.raises(ZeroDivisionError):
            for i in it:
                i / 0
        del it
    else:
        del it
    gc.collect()
    assert not threads()


def test_the_thread_is_in_the_callers_context():
    def source():
        yield recording.get()

    with ur.no_grad():
        assert list(ahead(source())) == [False]
    assert list(ahead(source())) == [True]


def test_our_errors_name_the_line_of_the_loop():
    def source():
        from upriver.data import default_collate

        yield default_collate([])  # an IndexError of Python's own passes unchanged

    with pytest.raises(IndexError):
        list(ahead(source()))

    class Broken:
        def __next__(self):
            raise DataError("broken", "mend it")

        def __iter__(self):
            return self

    with pytest.raises(DataError, match="broken") as caught:
        list(ahead(Broken()))
    assert "threading.py" not in str(caught.value)
