"""A step of an optimiser as part of a program: its rules written down once, its numbers made anew for each call."""

from __future__ import annotations

from collections.abc import Sequence
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core import state
from ...core.backward import check_grad
from ...core.state import Array
from ...core.tensor import Tensor
from ...errors import CompileError
from .program import Cell, Value
from .same import Same
from .traced import Traced

if TYPE_CHECKING:
    from .record import Recorder


class Stale(Exception):  # noqa: N818 (not an error: the program is to be recorded again)
    """An optimiser would do something else now than what was recorded."""


class _Run:
    """Parameters of one group that are updated by one rule, one after the other.

    Attributes:
        group: their group; ``options`` and ``time`` are what its rule was last made for, ``numbers`` what came out.
        key: the structure of the rule, which has to stay.
        states: the state of each; empty where none is kept.
    """

    __slots__ = ("dtype", "group", "key", "listed", "members", "numbers", "options", "params", "rule", "states", "time")

    def __init__(self, group: dict[str, Any], dtype: Any, rule: Any, structure: Structure) -> None:
        self.group, self.dtype, self.rule = group, dtype, rule
        self.key = structure.key
        self.numbers = [x.item() for x in structure.numbers]
        self.listed, self.members = group["params"], len(group["params"])
        self.params: list[Tensor] = []
        self.states: list[dict[str, Any]] = []
        self.options: list[Any] = []
        self.time: Any = None


class Step:
    """One step of an optimiser inside a recorded call.

    Attributes:
        optimizer: the optimiser.
        params: the parameters that it changed.
        count: how many of the program's scalars belong to this step.
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.params: list[Tensor] = []
        self.count = 0
        self._slots: list[tuple[Tensor, ...]] = []
        self._runs: list[_Run] = []
        self._numbers: list[float] = []
        self._seen = (-1, 0)  # the structure, and of how many parameters there is a state
        self._states: Any = None
        self._groups = len(optimizer.param_groups)
        self._retreat = optimizer.retreat
        self._counts = False
        self._taken: list[list[Any]] = []  # for each step since the last keep(), what takes it back

    def scalars(self) -> list[float]:
        """Begin this step again: the counters move on, and the numbers that its rules work with are returned.

        It is the same list as long as they stay the same.

        Raises:
            Stale: the optimiser's rules, groups or slots are not what was recorded. The counters are as before.
        """
        optimizer = self.optimizer
        if self._seen != (state.structure, len(optimizer.state)) or optimizer.state is not self._states:
            self._look_again()
        taken: list[Any] = []
        if self._counts:
            self._taken.append(taken)
        changed = False
        for run in self._runs:
            group, states, time = run.group, run.states, None
            if group["params"] is not run.listed:
                self._refuse()
            if states:
                taken.append(times := [])
                if self._retreat is None:
                    taken[-1] = [dict(s) for s in states]
                for s in states:
                    times.append(optimizer.advance(s, group))
                time = times[0]
                if times.count(time) != len(times):
                    self._refuse()
            options = list(group.values())
            if time != run.time or options != run.options:
                changed = True
                rule = optimizer.rule(group, run.dtype, time)
                if rule is not run.rule:
                    structure = Structure(rule)
                    if structure.key != run.key:
                        self._refuse()
                    run.rule, run.numbers = rule, [x.item() for x in structure.numbers]
                run.time, run.options = time, options
        if changed:  # else the same list again, which tells others that nothing is new
            self._numbers = [number for run in self._runs for number in run.numbers]
        optimizer.has_stepped = True
        return self._numbers

    def _look_again(self) -> None:
        """See whether groups and slots are still those that were recorded."""
        states = self.optimizer.state
        groups = self.optimizer.param_groups
        if len(groups) != self._groups:
            raise Stale
        for run in self._runs:
            if len(run.group["params"]) != run.members or not any([run.group is group for group in groups]):
                raise Stale
            run.states = [states[p] for p in run.params if states.get(p)]
            if run.states and len(run.states) != len(run.params):
                raise Stale
        at = 0
        for run in self._runs:
            names = self.optimizer.slots(run.group)
            for p in run.params:
                now = [states[p].get(name) for name in names]
                if len(now) != len(self._slots[at]) or any(
                    [x is not y for x, y in zip(now, self._slots[at], strict=True)]
                ):
                    raise Stale
                at += 1
        self._counts = any([run.states for run in self._runs])
        self._seen, self._states = (state.structure, len(states)), states

    def _refuse(self) -> None:
        self.undo()
        raise Stale

    def taken(self, back: Sequence[list[Any]]) -> None:
        """The step was taken, eagerly; ``back``: for each parameter of each run, what takes that back."""
        self._look_again()
        if self._counts:
            self._taken.append([each for run, each in zip(self._runs, back, strict=True) if run.states])

    def redo(self) -> None:
        """Count a step that was taken back after all."""
        for run in self._runs:
            for s in run.states:
                self.optimizer.advance(s, run.group)

    def undo(self, steps: int = 1) -> None:
        """Set the counters back to what they were before the last ``steps`` of :meth:`scalars`."""
        for _ in range(min(steps, len(self._taken))):
            stateful = [run for run in self._runs if run.states]
            for run, each in zip(stateful, self._taken.pop(), strict=False):
                for s, before in zip(run.states, each, strict=False):
                    if self._retreat is None:
                        s.clear()
                        s.update(before)
                    else:
                        self._retreat(s, before)

    def keep(self) -> None:
        """What was counted has happened."""
        self._taken.clear()

    def name_cells(self, cells: Sequence[Cell], names: dict[int, str]) -> None:
        """Name the cells of the slots after their parameters (``names``: by the id of their array)."""
        known = {
            id(tensor): f"{names.get(id(p.array), 'parameter')}.{name}"
            for p in self.params
            for name, tensor in self.optimizer.state.get(p, {}).items()
            if isinstance(tensor, Tensor)
        }
        for cell in cells:
            cell.name = cell.name or known.get(id(cell.tensor), "")


class Structure:
    """What tells one rule from another, but for the numbers that it works with.

    Attributes:
        key: code, options, and where the numbers stand.
        numbers: the arrays of no dimensions in its closure, in a fixed order.
    """

    def __init__(self, rule: Any) -> None:
        self.key: list[Any] = []
        self.numbers: list[Array] = []
        self._seen: set[int] = set()
        self._walk(rule)

    def _walk(self, x: Any) -> None:
        if isinstance(x, FunctionType):
            self.key.append(x.__code__)
            if id(x) not in self._seen:
                self._seen.add(id(x))
                for cell in x.__closure__ or ():
                    self._walk(_content(cell))
                for default in x.__defaults__ or ():
                    self._walk(default)
        elif isinstance(x, np.ndarray) and x.ndim == 0:
            self.key.append(x.dtype)
            self.numbers.append(x)
        elif isinstance(x, (tuple, list)):
            self.key.append((type(x), len(x)))
            for part in x:
                self._walk(part)
        elif isinstance(x, dict):
            self.key.append(tuple(x))
            for part in x.values():
                self._walk(part)
        elif x is None or isinstance(x, (bool, int, float, str, np.generic)):
            self.key.append((type(x), x))
        else:
            self.key.append(Same(x))


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def take_step(recorder: Recorder, optimizer: Any) -> Step:
    """Let ``optimizer`` take a step, and record it.

    Raises:
        CompileError: its rule does something that cannot be part of a program.
    """
    if not hasattr(optimizer, "updates"):
        raise CompileError(
            f"compile: {type(optimizer).__name__} does not say how it changes its parameters",
            "Derive it from ur.optim.Optimizer, with slots() and rule(); or take the step outside.",
        )
    step = Step(optimizer)
    changed: list[Array] = []
    owner = {p: group for group in optimizer.param_groups for p in group["params"]}
    back: list[list[Any]] = []
    states = {p: dict(s) for p, s in optimizer.state.items()} if optimizer.retreat is None else None
    updates = [(p, rule, *rest) for rule, _, members in optimizer.updates(_due) for p, *rest in members]
    for p, rule, arrays, time in updates:
        if not step._runs or rule is not step._runs[-1].rule or owner[p] is not step._runs[-1].group:
            structure = Structure(rule)
            step._runs.append(_Run(owner[p], p.array.dtype, rule, structure))
            back.append([])
            step.count += len(structure.numbers)
            for number in structure.numbers:
                value = Value((), number.dtype, "number")
                recorder.program.scalars.append(value)
                recorder.known_as(number, value)
        tensors = {id(x.array): x for x in optimizer.state[p].values() if isinstance(x, Tensor)} if arrays else {}
        slots = tuple([tensors[id(array)] for array in arrays])
        step.params.append(p)
        step._runs[-1].params.append(p)
        step._slots.append(slots)
        back[-1].append(time if states is None else _earlier(optimizer, p, owner[p], states.get(p, {})))
        assert p.grad is not None
        w, g = _traced(recorder, p), _traced(recorder, p.grad)
        kept = [_traced(recorder, slot) for slot in slots]
        before = [x.value for x in (w, g, *kept)]
        rule(w, g, kept, _scratch(recorder, p), _scratch(recorder, p))
        for x, was in zip((w, g, *kept), before, strict=True):
            if x.value is not was:
                assert x.value is not None
                recorder.assign(x.array, x.value)
                changed.append(x.array)
    if changed:
        state.note_change(changed)
    step.taken(back)
    return step


def _earlier(optimizer: Any, p: Tensor, group: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The state of ``p`` as it was when its step began; where that was its first, as it was started."""
    first = {**optimizer.start(p, group), **before}
    return {name: x if isinstance(x, Tensor) else first[name] for name, x in optimizer.state.get(p, {}).items()}


def _due(p: Tensor) -> bool:
    if p.grad is None:
        return False
    check_grad(p)
    return True


def _traced(recorder: Recorder, x: Tensor) -> Traced:
    return Traced(recorder, x.array, recorder.value(x))


def _scratch(recorder: Recorder, p: Tensor) -> Traced:
    return Traced(recorder, np.empty_like(p.array), None)
