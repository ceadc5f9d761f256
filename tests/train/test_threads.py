from __future__ import annotations

import numpy as np
import pytest

from upriver.train import threads


def test_the_number_of_threads_can_be_set_after_numpy_was_imported() -> None:
    before = threads.get()
    if before is None:
        pytest.skip("this NumPy does not use OpenBLAS")
    try:
        assert threads.limit(1)
        assert threads.get() == 1
        a = np.ones((64, 64))
        assert (a @ a == 64).all()
    finally:
        threads.limit(before)


def test_the_environment_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert not threads.chosen()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads.chosen()


def test_without_openblas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_openblas", lambda: None)
    assert not threads.limit(2)
    assert threads.get() is None
