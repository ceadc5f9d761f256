"""From a recorded program to one that runs: primitives, rewrites, a plan, native code."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from . import available
from .assemble import Assembled, assemble
from .expand import expand
from .native.runner import Executable
from .program import Program
from .rewrite import rewrite


@cache
def wanted() -> bool:
    """Whether native code can be made. If not, that is said, once."""
    if available():
        return True
    warnings.warn(
        "llvmlite is not installed: compiled functions run operation by operation, as fast as without compile. "
        "For native code: pip install 'upriver[compile]'.",
        stacklevel=7,
    )
    return False


@dataclass
class Built:
    """A program as native code.

    Attributes:
        executable: what runs it.
        assembled: its plan, and what went into each call.
        seconds: what each stage took.
    """

    executable: Executable
    assembled: Assembled
    seconds: dict[str, float]


def build(program: Program, without: Collection[str] = ()) -> Built:
    """Make native code of a program.

    Args:
        program: a recording, with its outputs.
        without: names of rewrites to leave out.
    """
    times = [perf_counter()]

    def timed(result: Any) -> Any:
        times.append(perf_counter())
        return result

    cells = [cell.tensor.array for cell in program.cells]
    strides = [tuple([s // x.itemsize for s in x.strides]) for x in cells]
    graph = timed(expand(program))
    graph = timed(rewrite(graph, without=without))
    assembled = timed(
        assemble(
            graph,
            strides,
            shared=_sharing(cells),
            inputs=[(v.dtype, v.shape) for v in program.inputs],
            scalars=[v.dtype for v in program.scalars],
            draws=len(program.draws),
        )
    )
    executable = timed(Executable(assembled.plan, cells, assembled.constants))
    stages = ("primitives", "rewrites", "plan", "code")
    return Built(executable, assembled, {s: b - a for s, a, b in zip(stages, times, times[1:], strict=False)})


def _sharing(cells: list[Any]) -> dict[int, set[int]]:
    """For each cell those whose memory overlaps its own."""
    spans = sorted([(*np.lib.array_utils.byte_bounds(x), i) for i, x in enumerate(cells) if x.size])
    found: dict[int, set[int]] = {}
    for n, (_, end, i) in enumerate(spans):
        for begin, _, j in spans[n + 1 :]:
            if begin >= end:
                break
            found.setdefault(i, set()).add(j)
            found.setdefault(j, set()).add(i)
    return found
