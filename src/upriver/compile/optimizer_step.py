"""A step of an optimiser as part of a program: its rules written down once, its numbers made anew for each call."""

from __future__ import annotations

from collections.abc import Sequence
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import state
from ..core.backward import check_grad
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import CompileError
from .program import Cell, Value
from .traced import Traced

if TYPE_CHECKING:
    from .record import Recorder


class Stale(Exception):  # noqa: N818 (not an error: the program is to be recorded again)
    """An optimiser would do something else now than what was recorded."""


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
        self._rules: list[Any] = []  # for each parameter its rule
        self._structures: list[list[Any]] = []  # of each rule that is not the one before
        self._members = 0
        self._before: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def scalars(self) -> list[Array]:
        """Begin this step again: the counters move on, and the numbers that its rules work with are returned.

        Raises:
            Stale: the optimiser's rules, groups or slots are not what was recorded. The counters are as before.
        """
        states = self.optimizer.state
        self._before = [(states[p], dict(states[p])) for p in self.params if p in states]
        try:
            return self._begin()
        except Stale:
            self.undo()
            raise

    def mark(self) -> Any:
        """The counters as they were before :meth:`scalars`, for :meth:`undo`."""
        return self._before

    def undo(self, mark: Any = None) -> None:
        """Set the counters back to what they were before the last :meth:`scalars`, or before that of ``mark``."""
        for now, before in self._before if mark is None else mark:
            now.clear()
            now.update(before)

    def _begin(self) -> list[Array]:
        numbers: list[Array] = []
        rule: Any = None
        at = made = 0
        optimizer, params, slots, rules = self.optimizer, self.params, self._slots, self._rules
        if sum([len(group["params"]) for group in optimizer.param_groups]) != self._members:
            raise Stale
        chosen = set(params)
        for p, now, arrays in optimizer.updates(chosen.__contains__):
            first = at == 0 or rules[at] is not rules[at - 1]
            if p is not params[at] or first != (now is not rule) or len(arrays) != len(slots[at]):
                raise Stale
            for array, slot in zip(arrays, slots[at], strict=True):
                if array is not slot.array:
                    raise Stale
            if first:
                rule = now
                structure = Structure(now)
                if structure.key != self._structures[made]:
                    raise Stale
                numbers += structure.numbers
                made += 1
            at += 1
        if at != len(params):
            raise Stale
        optimizer.has_stepped = True
        return numbers

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
            self.key.append(_Same(x))


class _Same:
    """An object that equals itself only, and is kept alive."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.x is self.x

    __hash__ = None  # type: ignore[assignment]


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
    step._members = sum([len(group["params"]) for group in optimizer.param_groups])
    changed: list[Array] = []
    for p, rule, arrays in optimizer.updates(_due):
        if not step._rules or rule is not step._rules[-1]:
            structure = Structure(rule)
            step._structures.append(structure.key)
            step.count += len(structure.numbers)
            for number in structure.numbers:
                value = Value((), number.dtype, "number")
                recorder.program.scalars.append(value)
                recorder.known_as(number, value)
        tensors = {id(x.array): x for x in optimizer.state[p].values() if isinstance(x, Tensor)} if arrays else {}
        slots = tuple([tensors[id(array)] for array in arrays])
        step.params.append(p)
        step._rules.append(rule)
        step._slots.append(slots)
        assert p.grad is not None
        w, g = _traced(recorder, p), _traced(recorder, p.grad)
        kept = [_traced(recorder, slot) for slot in slots]
        before = [x.value for x in (w, g, *kept)]
        rule(w, g, kept, _scratch(recorder, p), _scratch(recorder, p))
        for x, value in zip((w, g, *kept), before, strict=True):
            if x.value is not value:
                assert x.value is not None
                recorder.assign(x.array, x.value)
                changed.append(x.array)
    if changed:
        state.note_change(changed)
    return step


def _due(p: Tensor) -> bool:
    if p.grad is None:
        return False
    check_grad(p)
    return True


def _traced(recorder: Recorder, x: Tensor) -> Traced:
    return Traced(recorder, x.array, recorder.value(x))


def _scratch(recorder: Recorder, p: Tensor) -> Traced:
    return Traced(recorder, np.empty_like(p.array), None)
