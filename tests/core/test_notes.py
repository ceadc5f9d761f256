"""What is remembered for readers: backward passes and detached values, without keeping anything alive."""

from __future__ import annotations

import gc
import weakref

import pytest

import upriver as ur
from upriver.core import state
from upriver.core.site import describe


def test_a_backward_pass_is_remembered_as_long_as_its_root_lives() -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    y = w * w
    cotangent = ur.tensor([1.0, 3.0])
    y.backward(cotangent)
    note = state.backwards[-1]
    assert note.root() is y
    assert note.gradient is not None
    assert note.gradient() is cotangent
    assert "y.backward(cotangent)" in describe(note.site)
    del y, cotangent
    gc.collect()
    assert note.root() is None
    assert note.gradient() is None


@pytest.mark.parametrize("gradient", [[1.0, 2.0], 2.0])
def test_other_cotangents(gradient: object) -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    (w * w if isinstance(gradient, list) else (w * w).sum()).backward(gradient)
    note = state.backwards[-1]
    assert note.gradient is not None
    assert note.gradient() == gradient


@pytest.mark.parametrize("way", ["detach", "data"])
def test_a_detached_value_knows_where_it_came_from(way: str) -> None:
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    h = w * 3
    cut = h.detach() if way == "detach" else h.data
    found = state.detached_at(cut.array)
    assert found is not None
    assert found[0] is h.node
    assert "h.detach()" in describe(found[1])
    history = weakref.ref(h.node)
    del h, found
    gc.collect()
    assert history() is None  # the note keeps no history
    assert state.detached_at(cut.array)[0] is None  # type: ignore[index]
    size = len(state._detached)
    del cut
    gc.collect()
    assert len(state._detached) == size - 1


def test_what_has_no_history_leaves_no_note() -> None:
    x = ur.tensor([1.0])
    x.detach()
    w = ur.tensor([1.0], requires_grad=True)
    w.data -= 0.5
    assert state.detached_at(x.array) is None
    assert state.detached_at(w.array) is None
    w.detach()
    assert state.detached_at(w.array) is not None
