"""Recording or not, per thread and per task; the clock; what was changed."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import upriver as ur
from upriver.core import state


@pytest.fixture
def w() -> ur.Tensor:
    return ur.Tensor(np.ones(2), requires_grad=True)


@pytest.mark.parametrize("mode", [ur.no_grad, ur.inference_mode])
def test_nothing_is_recorded(mode, w: ur.Tensor) -> None:
    with mode():
        y = w * 2
        assert not ur.is_grad_enabled()
    assert not y.requires_grad
    assert y.is_leaf
    assert ur.is_grad_enabled()
    assert (w * 2).requires_grad


def test_modes_nest(w: ur.Tensor) -> None:
    with ur.no_grad():
        with ur.enable_grad():
            assert (w * 2).requires_grad
            with ur.no_grad():
                assert not (w * 2).requires_grad
        assert not (w * 2).requires_grad


def test_as_decorators(w: ur.Tensor) -> None:
    @ur.no_grad()
    def called() -> ur.Tensor:
        return w * 2

    @ur.no_grad
    def bare() -> ur.Tensor:
        """Documented."""
        return w * 2

    @ur.enable_grad()
    def on() -> ur.Tensor:
        return w * 2

    assert not called().requires_grad
    assert not bare().requires_grad
    assert bare.__name__ == "bare"
    assert bare.__doc__ == "Documented."
    with ur.no_grad():
        assert on().requires_grad


def test_a_decorated_function_may_call_itself(w: ur.Tensor) -> None:
    @ur.no_grad()
    def deep(n: int) -> bool:
        return deep(n - 1) if n else ur.is_grad_enabled()

    assert deep(5) is False
    assert ur.is_grad_enabled()


def test_one_mode_object_entered_twice() -> None:
    mode = ur.no_grad()
    with mode:
        with mode:
            assert not ur.is_grad_enabled()
        assert not ur.is_grad_enabled()
    assert ur.is_grad_enabled()


def test_recording_comes_back_after_an_error() -> None:
    with pytest.raises(KeyError), ur.no_grad():
        raise KeyError
    assert ur.is_grad_enabled()


def test_set_grad_enabled(w: ur.Tensor) -> None:
    with ur.set_grad_enabled(False):
        assert not (w * 2).requires_grad
    assert ur.is_grad_enabled()
    ur.set_grad_enabled(False)
    try:
        assert not (w * 2).requires_grad
    finally:
        ur.set_grad_enabled(True)
    assert (w * 2).requires_grad


def test_threads_do_not_see_each_others_mode(w: ur.Tensor) -> None:
    inside, done = threading.Event(), threading.Event()
    seen: list[bool] = []

    def silent() -> None:
        with ur.no_grad():
            inside.set()
            done.wait(10)
            seen.append((w * 2).requires_grad)

    thread = threading.Thread(target=silent)
    thread.start()
    assert inside.wait(10)
    assert (w * 2).requires_grad
    done.set()
    thread.join()
    assert seen == [False]


def test_backward_in_several_threads() -> None:
    results: list[float] = []

    def work(k: int) -> None:
        x = ur.Tensor(np.full(100, float(k)), requires_grad=True)
        for _ in range(20):
            x.grad = None
            (x * x).sum().backward()
        results.append(float(x.grad.array[0]) / (2 * k))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1.0] * 4


def test_changes_are_known_through_every_view_and_forgotten_with_the_memory() -> None:
    array = np.zeros(6)
    before = state.tick()
    state.note_change([array.reshape(2, 3)[0]])
    assert state.change_after(array, before) is not None
    assert state.change_after(array[2:], before) is not None
    assert state.change_after(array, state.tick()) is None
    assert state.change_after(np.zeros(6), before) is None
    known = len(state._changes)
    del array
    assert len(state._changes) == known - 1
