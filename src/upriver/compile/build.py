"""From a recorded program to one that runs: primitives, rewrites, a plan, native code; or all of that, kept."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from ..i18n.errors import told
from . import available, kept
from .kernels import Plan
from .native import cache as files
from .native.runner import Executable
from .recording.program import Instruction, Program


@cache
def wanted() -> bool:
    """Whether native code can be made. If not, that is said, once."""
    if available():
        return True
    warnings.warn(
        told(
            "llvmlite is not installed: compiled functions run operation by operation, as fast as without compile. "
            "For native code: pip install 'upriver[compile]'."
        ),
        stacklevel=7,
    )
    return False


@dataclass
class Built:
    """A program as native code.

    Attributes:
        executable: what runs it.
        plan: its plan.
        origins: for each call the instructions that went into it.
        seconds: what each stage took.
    """

    executable: Executable
    plan: Plan
    origins: list[tuple[Instruction, ...]]
    seconds: dict[str, float]


def build(program: Program, without: Collection[str] = ()) -> Built:
    """Make native code of a program, or find it on disk.

    Args:
        program: a recording, with its outputs.
        without: names of rewrites to leave out.
    """
    times = {"": perf_counter()}

    def timed(stage: str, result: Any) -> Any:
        times[stage] = perf_counter()
        return result

    cells = [cell.tensor.array for cell in program.cells]
    strides = [tuple([s // x.itemsize for s in x.strides]) for x in cells]
    shared = _sharing(cells)
    name = kept.name(program, strides, shared, without)
    found = timed("plan found", None if name is None else kept.load(name, program))
    code = None if found is None else files.load(found[3])
    if code is None:
        found = _planned(program, strides, shared, without, timed)
    plan, constants, origins, _ = found
    executable = timed("code", Executable(plan, cells, constants, stored=code))
    if code is None and name is not None:
        kept.store(name, program, (plan, constants, origins, executable.library.key))
    moments = list(times.values())
    stages = zip(list(times)[1:], moments, moments[1:], strict=False)
    return Built(executable, plan, origins, {stage: b - a for stage, a, b in stages})


def _planned(
    program: Program, strides: Sequence[Any], shared: dict[int, set[int]], without: Collection[str], timed: Any
) -> kept.Kept:
    # All this is imported where it is needed: most programs were planned before.
    from .planning.assemble import assemble
    from .primitives.expand import expand
    from .rewrite import rewrite

    graph = timed("primitives", expand(program))
    graph = timed("rewrites", rewrite(graph, without=without))
    inputs, scalars, draws = kept.given(program)
    made = timed("plan", assemble(graph, strides, shared=shared, inputs=inputs, scalars=scalars, draws=draws))
    origins = [tuple(dict.fromkeys([p.origin for p in prims if p.origin is not None])) for prims in made.origins]
    return made.plan, made.constants, origins, ""


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
