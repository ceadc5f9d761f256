"""One program of a compiled function: what it rests on, how it is run, and how its results are put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import state
from ..core.state import Array
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError
from .advance import Advance
from .build import Built, build, wanted
from .kernels import NoCode
from .native.runner import CheckFailed, Executable
from .recording.listing import listing
from .recording.optimizer_step import Stale
from .recording.recording import Gradient, OfLeaf, Recording
from .recording.replay import Failed, Replay
from .report import Profile, profile, report
from .signature import Structure, flatten
from .surroundings import attributes

_AT_ONCE = 4096
"""Of so many steps at most one native call consists: Ctrl-C is heard in between."""


class Outdated(Exception):  # noqa: N818 (not an error: the function is recorded again)
    """A program is not the right one any more."""


class Entry:
    """A program, and everything that must still be as it was for the program to be right.

    Args:
        key: the signature it is kept under.
        recording: the call that was recorded.
        tensors: the tensors among its arguments.
        around: what the names stand for that the function looks up outside.
        grads: whether ``.grad`` is kept: None for the gradients that no optimiser in the call used up.
        native: whether native code is wanted.
        without: names of rewrites to leave out.

    Attributes:
        plain: shape and dtype of each argument if they are tensors alone, given by position; else what none can match.
        structure: the state of modules and tensors in which the program was last found to be right.
        mode: the recording mode it was made in.
        result: what the recorded call returned, without its history.
    """

    def __init__(
        self,
        key: Any,
        recording: Recording,
        tensors: Sequence[Tensor],
        around: Any,
        *,
        grads: bool | None = None,
        native: bool = True,
        without: Sequence[str] = (),
    ) -> None:
        self.key, self.recording, self.around = key, recording, around
        self.program = program = recording.program
        self.mode = state.recording.get()
        distinct = key[2] == tuple(range(len(tensors)))
        simple = distinct and key[0].key == (tuple, ((tuple, ((Tensor,),) * len(tensors)), (dict, (), ())))
        self.plain = [(x.array.shape, x.array.dtype) for x in tensors] if simple else [((-1,), None)] * 99
        self._given = [(x.array.shape, x.array.dtype) for x in tensors]
        self._build, made = self._outputs(recording, tensors)
        self.result = self._build(made, [x.array for x in tensors])
        self._kept: list[tuple[Gradient, int]] = []
        self._absent: list[Gradient] = []  # whose leaf must have no gradient before a call
        self._added: list[Gradient] = []  # whose leaf must have one
        self._gone: list[Gradient] = []  # whose leaf has none after a call
        for gradient in recording.gradients:
            if gradient.read:
                self._added.append(gradient)
            elif not gradient.dropped:
                self._absent.append(gradient)
            if gradient.value is None:
                self._gone.append(gradient)
            elif not (gradient.read and any([cell.after is gradient.value for cell in program.cells])):
                if grads or (grads is None and not (gradient.consumed and gradient.dropped)):
                    self._kept.append((gradient, len(program.outputs)))
                    program.outputs.append(gradient.value)
                else:
                    gradient.leaf.grad = None
        places = {id(x): i for i, x in enumerate(tensors)}
        self._of_arguments = [(g, places[id(g.leaf)]) for g in recording.gradients if id(g.leaf) in places]
        self._cells = program.cells
        self._moving = [i for i, cell in enumerate(self._cells) if isinstance(cell.tensor, OfLeaf)]
        self._written = [i for i, cell in enumerate(self._cells) if cell.after is not None]
        self._steps = recording.steps
        self._draws = program.draws
        self._flags = [(cell.tensor, cell.tensor.wants_grad) for cell in self._cells if isinstance(cell.tensor, Tensor)]
        self._modules = [(module, attributes(module)) for module in recording.modules]
        self.structure = state.structure
        self._change = state.RepeatedChange(lambda: [self._cells[i].tensor.array for i in self._written])
        self._replay: Replay | None = None
        self._native: Executable | None = None
        self.built: Built | None = None
        self.fallback = "native code was not asked for" if not native else "llvmlite is not installed"
        if native and wanted():
            try:
                self.built = build(program, without)
                self._native = self.built.executable
            except NoCode as error:
                self.fallback = str(error)

    # Looking in.

    def report(self, name: str) -> str:
        """What was made of the function, in words."""
        return report(name, self.program, self.built, self.fallback)

    def text(self) -> str:
        """The program, an operation a line."""
        return listing(self.program)

    def profile(self, arrays: Sequence[Array], repeat: int) -> Profile:
        """What each kernel takes.

        Raises:
            ArgumentError: there is no native code.
        """
        if self.built is None:
            raise ArgumentError(f"profile: there is no native code to measure: {self.fallback}")
        scalars, draws = self._numbers()
        self._undo(1, draws)
        return profile(self.built, arrays, scalars, draws, repeat)

    # Before a run.

    def adopt(self, tensors: Sequence[Tensor]) -> None:
        """Let ``tensors`` be the arguments, to which gradients go."""
        for gradient, i in self._of_arguments:
            old, gradient.leaf = gradient.leaf, tensors[i]
            for n in self._moving:
                if (of := self._cells[n].tensor).leaf is old:  # type: ignore[attr-defined]
                    of.leaf = tensors[i]  # type: ignore[attr-defined]

    def valid(self) -> bool:
        """Whether everything that the program rests on is as it was; looked at only when something has changed."""
        for gradient in self._absent:
            if gradient.leaf.grad is not None:
                return False
        for gradient in self._added:
            leaf = gradient.leaf
            if leaf.grad is None or leaf.grad.array.shape != leaf.array.shape:
                return False
        if self.structure == state.structure:
            return True
        for tensor, flag in self._flags:
            if tensor.wants_grad is not flag:
                return False
        for cell in self._cells:
            array = cell.tensor.array
            if array.shape != cell.before.shape or array.dtype != cell.before.dtype:
                return False
        if any(attributes(module) != before for module, before in self._modules):
            return False
        if not self._bind():
            return False
        self.structure = state.structure
        return True

    def _bind(self) -> bool:
        """Let native code find the cells where they are now; False if they lie in another order there."""
        if self._native is not None:
            try:
                self._native.rebind([cell.tensor.array for cell in self._cells])
            except ValueError:
                return False
        return True

    # Runs.

    def first(self, arrays: Sequence[Array]) -> Any:
        """The result of the call that was recorded, by the program: to the bit what any later call would give.

        So a training that was stopped and resumed, which records again in its middle, ends as one that was not.
        What the call did is taken back before; and done after all, if the program cannot be run.
        """
        recorder, steps = self.recording.recorder, self._steps
        if self._native is None:
            for step in steps:
                step.keep()
            return self.result
        gradients = [(g.leaf, g.leaf.grad) for g in (*self._added, *self._absent)]
        self._swap()
        self._undo(1, recorder.drawn)
        for gradient in self._added:
            gradient.leaf.grad = recorder.gradient_before(gradient.leaf)
        for gradient in self._absent:
            gradient.leaf.grad = None
        try:
            return self.run(arrays)
        except BaseException as error:
            self._swap()
            for step in steps:
                step.redo()
            for generator in self._draws:
                generator.draw()
            for leaf, grad in gradients:
                leaf.grad = grad
            if isinstance(error, Outdated):
                return self.result
            raise
        finally:
            recorder.before.clear()

    def _swap(self) -> None:
        """Exchange what cells hold for what was kept of them."""
        before = self.recording.recorder.before
        for array, other in reversed(list(before.values())):
            now = array.copy()
            array[...] = other
            other[...] = now

    def run(self, arrays: Sequence[Array]) -> Any:
        """Run the program on ``arrays``.

        Raises:
            Outdated: it is not the right one for them.
        """
        if (self._absent or self._added) and not self.valid():
            raise Outdated
        scalars, draws = self._numbers()
        try:
            if self._native is None:
                outputs = self._by_replay(arrays, scalars, draws)
            else:
                if self._moving and not self._bind():
                    raise Outdated
                outputs = self._native.run(arrays, scalars, draws)
        except BaseException as error:
            self._undo(1, draws)
            if isinstance(error, (Failed, CheckFailed)):
                raise Outdated from None
            raise
        self._happened()
        for gradient, i in self._kept:
            gradient.leaf.grad = wrap(outputs[i], None)
        return self._build(outputs, arrays)

    def run_many(
        self, tensors: Sequence[Tensor], rows: Array | None, first: int, last: int, schedule: Any = None
    ) -> tuple[Any, int]:
        """Run the program for the steps from ``first`` to ``last``, or fewer.

        Args:
            tensors: the arguments of all steps, stacked; with ``rows``, data sets from which each step takes rows.
            rows: (steps, batch), or None.
            first: the first of the steps to run,
            last: and the one after the last.
            schedule: what is to be advanced after each step, or None.

        Returns:
            The results, stacked; and the number of steps that were run, at least one.

        Raises:
            Outdated: the program is not the right one for the first of the steps.
        """
        if self._native is None or self._absent or self._moving or self._changing:
            return self._one_by_one(tensors, rows, first, last, schedule)
        advance = Advance(schedule, self._steps)
        last = min(last, first + _AT_ONCE)
        numbers: list[list[Any]] = []
        draws: list[list[tuple[int, int]]] = []
        for _ in range(first, last):
            try:
                scalars, drawn = self._numbers()
            except Outdated:
                if not numbers:
                    raise
                break
            numbers.append(scalars)
            draws.append(drawn)
            advance.step()
        steps = len(numbers)
        arrays = [x.array if rows is not None else x.array[first : first + steps] for x in tensors]
        part = None if rows is None else rows[first : first + steps]
        try:
            outputs = self._native.run_many(arrays, steps, numbers, draws, part)
        except BaseException as error:
            ran = error.step if isinstance(error, CheckFailed) else 0
            self._undo(steps - ran, draws[ran])
            advance.back_to(ran)
            if not isinstance(error, CheckFailed):
                raise
            if not ran:
                raise Outdated from None
            outputs, steps = error.outputs, ran
        self._happened()
        for gradient, i in self._kept:
            gradient.leaf.grad = wrap(outputs[i][-1].copy(), None)
        taken = [x[:steps] if part is None else x[part[:steps]] for x in arrays] if self._passed else []
        return self._build(outputs, taken), steps

    def _one_by_one(
        self, tensors: Sequence[Tensor], rows: Array | None, first: int, last: int, schedule: Any
    ) -> tuple[Any, int]:
        done: list[tuple[list[Tensor], Structure]] = []
        for step in range(first, last):
            arrays = [np.asarray(x.array[step] if rows is None else x.array[rows[step]]) for x in tensors]
            try:
                found, structure = flatten(self.run(arrays))
            except Outdated:
                if not done:
                    raise
                break
            # A tensor that is returned as it is, a parameter, say, may be another after the next step.
            done.append(([wrap(x.array.copy(), None) for x in found] if self._changing else found, structure))
            if schedule is not None:
                schedule.step()
        stacked = [wrap(np.stack([x.array for x in parts]), None) for parts in zip(*[d[0] for d in done], strict=True)]
        return done[0][1].build(stacked), len(done)

    def _happened(self) -> None:
        """What a run counted and wrote is there to stay."""
        for step in self._steps:
            step.keep()
        for gradient in self._gone:
            gradient.leaf.grad = None
        if self._written:
            self._change.note()

    def _numbers(self) -> tuple[list[Any], list[tuple[int, int]]]:
        """The scalars of one run and where its random draws begin; optimisers count the step."""
        steps = self._steps
        scalars: list[float] = []
        for n, step in enumerate(steps):
            try:
                scalars = [*scalars, *step.scalars()] if n else step.scalars()
            except Stale:
                for earlier in steps[:n]:
                    earlier.undo()
                raise Outdated from None
        if not self._draws:
            return scalars, []
        draws = [generator.draw() for generator in self._draws]
        return scalars, [(draw["seed"], draw["counter"]) for draw in draws]

    def _undo(self, steps: int, draws: Sequence[tuple[int, int]]) -> None:
        """Take back that the last ``steps`` runs were counted: they did not happen. ``draws`` is where they began."""
        for step in reversed(self._steps):
            step.undo(steps)
        for generator, (_, counter) in zip(reversed(self._draws), reversed(draws), strict=True):
            generator.rewind(counter)

    def _by_replay(self, arrays: Sequence[Array], scalars: list[Any], draws: list[tuple[int, int]]) -> list[Array]:
        if self._replay is None:
            self._replay = Replay(self.program)
        cells = [cell.tensor.array for cell in self._cells]
        numbers = [np.asarray(x, v.dtype) for x, v in zip(scalars, self.program.scalars, strict=True)]
        outputs, after = self._replay.run(arrays, cells, numbers, draws)
        for array, new in zip(cells, after, strict=True):
            if new is not None:
                array[...] = new
        return outputs

    def _outputs(self, recording: Recording, tensors: Sequence[Tensor]) -> tuple[Any, list[Array]]:
        """What builds the results from the outputs and the arguments' arrays; and the outputs of the recorded call."""
        returned, structure = flatten(recording.result)
        self._passed = False  # whether an argument is returned
        self._changing = False  # whether a tensor is returned that the program has not made
        cells = {id(cell.tensor) for cell in recording.program.cells}
        given = {id(x): i for i, x in enumerate(tensors)}
        places: list[Any] = []
        made: list[Array] = []
        for x in returned:
            value = recording.recorder.find(x.array)
            if id(x) in given:
                places.append(("argument", given[id(x)]))
                self._passed = True
            elif id(x) in cells or value is None:
                places.append(("itself", x))
                self._changing = True
            else:
                places.append(("output", len(recording.program.outputs)))
                recording.program.outputs.append(value)
                made.append(x.array)
        if structure.key == (Tensor,) and places[0][0] == "output":

            def one(outputs: Sequence[Array], _: Sequence[Array]) -> Any:
                return wrap(outputs[0], None)

            return one, made

        def build(outputs: Sequence[Array], arrays: Sequence[Array]) -> Any:
            of = {"output": outputs, "argument": arrays}
            return structure.build([x if kind == "itself" else wrap(of[kind][x], None) for kind, x in places])

        return build, made
