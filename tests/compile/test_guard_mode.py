"""Guard mode over whole programs: between any two values lies memory that nobody may write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.compile.native.guard import MARGIN, StrayWriteError
from upriver.compile.native.runner import Executable

from .steps import NETWORKS, training

pytest.importorskip("llvmlite")


@pytest.fixture(autouse=True)
def guarded(monkeypatch: Any) -> None:
    monkeypatch.setenv("UPRIVER_GUARD", "1")


@pytest.mark.parametrize("network", NETWORKS)
def test_no_kernel_writes_outside_its_values(network: str) -> None:
    mine = training(network)
    step = ur.compile(mine.step)
    for batch in mine.batches:
        assert np.isfinite(step(*batch).item())
    plan = step.entry.built.plan
    assert len(plan.guards) > 3
    assert all(n >= MARGIN for _, n in plan.guards)


def test_a_stray_write_is_found_and_its_kernel_named() -> None:
    step = ur.compile(lambda x: ((x @ x).exp(), x.sum(0)))
    x = ur.rand(5, 5)
    step(x)
    step(x)
    built = step.entry.built
    for number, call in enumerate(built.plan.calls):
        written = max(i for i, ref in enumerate(call.args) if ref.space == "arena")
        for by in (4, -4):
            args = [replace(ref, offset=ref.offset + by) if i == written else ref for i, ref in enumerate(call.args)]
            calls = list(built.plan.calls)
            calls[number] = replace(call, args=tuple(args))
            wrong = Executable(replace(built.plan, calls=tuple(calls)), [], [], stored=None)
            with pytest.raises(StrayWriteError, match=call.code.name):
                wrong.run([x.array])
