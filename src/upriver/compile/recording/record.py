"""One call of a function as a program: every operation that runs is written down, whoever called for it.

An array is known by its identity, and a value is what an array held at one time: a change in place gives the array
another value. A tensor that nobody in the call has made is a cell: it is read at each call, by reference, so that it
is never stale. What Python reads decides things that no program knows of, and is refused.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...core import state
from ...core.registry import ops
from ...core.site import Site, capture, describe
from ...core.state import Array, owner
from ...core.tensor import Tensor
from ...errors import CompileError
from .optimizer_step import Step, take_step
from .program import Cell, Check, Instruction, Program, Value
from .recording import Gradient, OfLeaf, Recording, name_cells
from .watch import watching_arrays

_constants: weakref.WeakValueDictionary[int, Tensor] = weakref.WeakValueDictionary()  # by their id
_REMEDY = "Return it and read it outside the compiled function."


def constant(x: Tensor) -> Tensor:
    """Promise that ``x`` is never changed, so that compiled functions may take its values in; returns ``x``.

    Example:
        >>> import upriver as ur
        >>> mask = constant(ur.ones(4, 4).tril())
        >>> mask.sum().item()
        10.0
    """
    _constants[id(x)] = x
    return x


@dataclass(slots=True)
class _Known:
    array: weakref.ref[Any]
    value: Value
    time: int


def record(
    call: Callable[[], Any], inputs: Sequence[Tensor], leaves: Iterable[Tensor] = (), *, keep: bool = False
) -> Recording:
    """Call ``call`` and record what happens.

    Args:
        call: what is to be recorded; it uses ``inputs``.
        inputs: the tensors that will be others at each call.
        leaves: those of earlier calls, whose gradient may be dropped before they are met.
        keep: whether to keep what every cell was before it was changed, so that the call can be taken back.

    Raises:
        CompileError: something in it cannot be part of a program.
    """
    recorder = Recorder(inputs, keep=keep)
    for leaf in leaves:
        recorder.meet(leaf)
    with state.recorded_by(recorder), watching_arrays():
        result = call()
    return recorder.finish(result)


class Recorder:
    """Makes a :class:`Program` of what it is told; see :class:`upriver.core.state.Recorder`."""

    def __init__(self, inputs: Sequence[Tensor], *, keep: bool = False) -> None:
        self.program = Program()
        self.steps: list[Step] = []
        self.before: dict[int, tuple[Array, Array]] = {}  # by its id, a cell's array and a copy from before
        self.drawn: list[tuple[int, int]] = []  # seed and counter of each draw
        self._keep, self._held = keep, set[int]()  # the ids of the cells' arrays
        self._known: dict[int, _Known] = {}
        self._time = 0
        # By the owner of the memory, which is kept: which arrays in it were changed, when, and at which line.
        self._changed: dict[int, tuple[Array, dict[int, tuple[Array, int, Site | None]]]] = {}
        # How each array that is a view was taken: by which operation, of which tensor, with which attributes.
        self._views: dict[int, tuple[Any, Any, dict[str, Any]]] = {}
        self._expected: set[int] = set()  # arrays whose change was told
        self._inputs: list[Tensor] = list(inputs)
        self._cells: dict[Value, Cell] = {}
        self._arrays: dict[Value, Array] = {}  # the array of each cell
        self._leaves: dict[Tensor, Tensor | None] = {}  # the gradient that a leaf had when it was first met
        self._dropped: set[Tensor] = set()  # leaves whose gradient from before was dropped
        self._spent: set[Tensor] = set()  # leaves of which a gradient made in the call was dropped
        self._consumed: set[Tensor] = set()
        self._scopes: dict[int, Any] = {}
        self._generator: Any = None
        self._checked: set[Any] = set()
        for i, x in enumerate(inputs):
            value = Value(x.array.shape, x.array.dtype, f"input{i}")
            self.program.inputs.append(value)
            self._learn(x.array, value)
            if x.wants_grad:
                self.meet(x)

    # Arrays and their values.

    def _learn(self, array: Array, value: Value) -> None:
        key = id(array)
        self._known[key] = _Known(weakref.ref(array, partial(self._forget, key)), value, self._time)

    def _forget(self, key: int, ref: Any) -> None:
        known = self._known.get(key)
        if known is not None and known.array is ref:
            del self._known[key]
            self._views.pop(key, None)

    def find(self, array: Array) -> Value | None:
        """The value that ``array`` has now, or None if it is not known."""
        known = self._known.get(id(array))
        if self._changed and (found := self._changed.get(id(owner(array)))) is not None:
            time = -1 if known is None else known.time
            for changed, when, site in found[1].values():
                if when > time and np.may_share_memory(changed, array):
                    if id(array) in self._views:
                        return self._view_again(array)
                    raise CompileError(
                        f"compile: a tensor of shape {list(array.shape)} shares memory with one of shape "
                        f"{list(changed.shape)} that was changed in place\n  changed  at  {describe(site)}",
                        "Change the whole by item assignment, x[key] = value, and take views after the change.",
                    )
        return None if known is None else known.value

    def _view_again(self, array: Array) -> Value:
        """The value of a view of what has been changed since it was taken."""
        op, tensor, attrs = self._views[id(array)]
        whole, value = self.value(tensor), Value(array.shape, array.dtype)
        self.add(op, (whole,), attrs, value)
        self._learn(array, value)
        return value

    def value(self, x: Any) -> Value:
        """The value that a tensor has now: a cell's, if nobody in the call has made it."""
        found = self.find(x.array)
        if found is None:
            found = self._capture(x)
        elif x.wants_grad and x.node is None and x not in self._leaves and self._existed(x):
            self.meet(x)
        return found

    def _capture(self, x: Tensor) -> Value:
        array = x.array
        value = Value(array.shape, array.dtype)
        if id(x) in _constants or not (array.flags.writeable or owner(array).flags.writeable):
            self.program.constants[value] = array
        elif x.node is not None:
            raise CompileError(
                f"compile: a tensor of shape {list(x.shape)} was computed by {x.node.name} outside the compiled "
                f"function\n  made at  {describe(x.node.site)}",
                "Compute it inside, pass it as an argument, or detach() it if no gradient is to flow.",
            )
        else:
            self._cells[value] = cell = Cell(x, value)
            self.program.cells.append(cell)
            self._arrays[value] = array
            self._held.add(id(array))
            if x.wants_grad:
                self.meet(x)
        self._learn(array, value)
        return value

    def _existed(self, leaf: Tensor) -> bool:
        """Whether a leaf whose array is known has not been made in the call, and lives on after it."""
        return any([x is leaf for x in self._inputs]) or any([x is leaf.array for x in self._arrays.values()])

    def gradient_before(self, leaf: Tensor) -> Tensor | None:
        """The gradient that a leaf had when the call met it."""
        return self._leaves.get(leaf)

    def meet(self, leaf: Tensor) -> None:
        """Take note of the gradient that a leaf has before anything happens to it."""
        self._leaves.setdefault(leaf, leaf.grad)

    def known_as(self, array: Array, value: Value) -> None:
        """``array`` holds ``value`` from now on: it was just made, or is being changed into it."""
        self._time += 1
        self._learn(array, value)

    # What the engine tells.

    def ran(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], out: Array) -> None:
        """An operation has made ``out``."""
        draw = None
        if self._generator is not None:
            draw = len(self.program.draws)
            self.program.draws.append(self._generator)
            self.drawn.append((attrs["seed"], attrs["counter"]))
            self._generator = None
            attrs = {name: x for name, x in attrs.items() if name not in ("seed", "counter")}
        values = tuple([self.value(x) if isinstance(x, Tensor) else x for x in inputs])
        made = Value(out.shape, out.dtype)
        self.add(op, values, attrs, made, draw)
        given = inputs[0].array if len(inputs) == 1 else out
        if given is not out and out.base is not None and owner(out) is owner(given):
            self._views[id(out)] = (op, inputs[0], attrs)
        self._learn(out, made)

    def add(
        self, op: Any, values: tuple[Any, ...], attrs: dict[str, Any], made: Value, draw: int | None = None
    ) -> None:
        """Add an instruction."""
        scope = state.scope.get()
        if scope is not None:
            self._scopes.setdefault(id(scope), scope)
        self.program.instructions.append(Instruction(op, values, attrs, made, capture(), scope, draw))

    def drawing(self, generator: Any) -> None:
        """The next operation is a draw of ``generator``."""
        self._generator = generator

    def becomes(self, tensor: Any, value: Any) -> None:
        """The entries of a tensor are about to become those of another, converted and broadcast."""
        if any(tensor.array is x.array for x in self._inputs):
            raise CompileError(
                f"compile: an argument of shape {list(tensor.shape)} is changed in place",
                "Change a clone(), or capture the tensor instead of passing it.",
            )
        pairs: list[tuple[Array, Value]] = []
        while True:
            array = tensor.array
            self.value(tensor)
            if value.dtype != array.dtype:
                value = ops.record("cast")(value.detach(), dtype=array.dtype)
            if value.shape != array.shape:
                value = ops.record("broadcast_to")(value.detach(), shape=array.shape)
            pairs.append((array, self.value(value)))
            op, tensor, attrs = self._views.get(id(array), (None, None, {}))
            if op is not ops.record("index"):
                break
            # What it is a view of is changed with it.
            value = ops.index_put(tensor.detach(), tuple(attrs["key"]), value.detach())
        for array, _ in pairs:
            self.changing(array)
        self._assign(pairs)

    def _assign(self, pairs: Sequence[tuple[Array, Value]]) -> None:
        """Each array is, or is about to be, changed into the value beside it."""
        self._time += 1
        for array, value in pairs:
            self._learn(array, value)
            whole = owner(array)
            changes = self._changed.setdefault(id(whole), (whole, {}))[1]
            changes[id(array)] = (array, self._time, capture())
            self._expected.add(id(array))

    def changing(self, array: Array) -> None:
        """The entries of ``array`` are about to be changed; those of a cell are kept, if that is wanted."""
        if self._keep and id(array) in self._held and id(array) not in self.before:
            self.before[id(array)] = array, array.copy()

    def assign(self, array: Array, value: Value) -> None:
        """The entries of ``array`` have become ``value``."""
        self._assign([(array, value)])

    def same(self, array: Array, value: Any) -> None:
        """``array`` is a copy of the entries of the tensor ``value``."""
        found = self.value(value)
        if found.dtype != array.dtype:
            found = self.value(ops.record("cast")(value.detach(), dtype=array.dtype))
        self._learn(array, found)

    def constant(self, array: Array) -> None:
        """``array`` was made of nothing but Python's numbers."""
        value = Value(array.shape, array.dtype)
        self.program.constants[value] = array.copy()
        self._learn(array, value)

    def read(self, array: Array, what: str, fix: str) -> None:
        """Python is about to read ``array``: an error, unless it is a constant."""
        value = self.find(array)
        if value is None or value not in self.program.constants:
            raise CompileError(
                f"compile: {what} reads a value of shape {list(array.shape)} in a compiled function, where the next "
                "call may have another",
                fix or _REMEDY,
            )

    def forgets(self, tensor: Any) -> None:
        """The gradient of a tensor is dropped."""
        self.meet(tensor)
        first = tensor.grad is self._leaves[tensor]
        (self._dropped if first else self._spent).add(tensor)
        self._consumed.discard(tensor)

    def check(self, holds: Callable[[], Any], key: tuple[Any, ...]) -> None:
        """What follows is right only where the boolean ``holds()`` is; ``key``: of which tensor it is what."""
        x, *condition = key
        name = (self.value(x), *condition)
        if name not in self._checked and name[0] not in self.program.constants:
            self._checked.add(name)
            self.program.checks.append(Check(self.value(holds()), lambda *_: None))

    def changed(self, arrays: Iterable[Array]) -> None:
        """``arrays`` have been changed in place: by something that was told, or it cannot be in a program."""
        for array in arrays:
            if id(array) not in self._expected:
                raise CompileError(
                    f"compile: a tensor of shape {list(array.shape)} was changed by something that is not an operation",
                    "Change it outside the compiled function.",
                )
            self._expected.discard(id(array))

    def step(self, optimizer: Any) -> None:
        """Take a step of an optimiser."""
        step = take_step(self, optimizer)
        self.steps.append(step)
        self._consumed.update(step.params)

    # The end.

    def finish(self, result: Any) -> Recording:
        """The recording of a call that returned ``result``."""
        for value, cell in self._cells.items():
            now = self.find(self._arrays[value])
            if now is not value:
                cell.after = now
        gradients = [g for leaf, before in self._leaves.items() if (g := self._gradient(leaf, before)) is not None]
        recording = Recording(self.program, result, self.steps, gradients, self._modules(), self)
        name_cells(recording)
        return recording

    def _gradient(self, leaf: Tensor, before: Tensor | None) -> Gradient | None:
        read = False
        if before is not None:
            for cell in self._cells.values():
                if not isinstance(cell.tensor, OfLeaf) and cell.tensor.array is before.array:
                    cell.tensor = OfLeaf(leaf, before)  # type: ignore[assignment]
                    read = True
        dropped = not read and (leaf in self._dropped or (before is not None and leaf.grad is not before))
        if leaf.grad is before and not read and not dropped and leaf not in self._spent | self._consumed:
            return None  # nothing happened to it
        value = None if leaf.grad is None else self.value(leaf.grad)
        return Gradient(leaf, value, read, dropped, leaf in self._consumed)

    def _modules(self) -> list[Any]:
        found: dict[int, Any] = {}
        for scope in self._scopes.values():
            calls = []
            while scope is not None:
                calls.append(scope[0])
                scope = scope[1]
            for module in reversed(calls):
                found.setdefault(id(module), module)
        return list(found.values())
