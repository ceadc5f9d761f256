"""A program run by NumPy: each operation's own kernel, in order. The oracle of everything else, and its fallback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.state import Array
from .program import Check, Program, Value

_Run = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], int, int | None, tuple[int, ...], Check | None]


class Failed(Exception):  # noqa: N818 (not an error: the program is not the right one for these values)
    """A condition that a program rests on does not hold.

    Attributes:
        check: which.
    """

    def __init__(self, check: Check) -> None:
        super().__init__()
        self.check = check


class Replay:
    """A program, made ready to be run again and again.

    Args:
        program: the program.

    Example:
        >>> import upriver as ur
        >>> from upriver.compile.recording.record import record
        >>> x = ur.tensor([1.0, 2.0])
        >>> recording = record(lambda: x * 2 + 1, [x])
        >>> recording.program.outputs.append(recording.value(recording.result))
        >>> outputs, after = Replay(recording.program).run([x.array + 1], [], [], [])
        >>> outputs[0].tolist()
        [5.0, 7.0]
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        number: dict[Value, int] = {}

        def give(value: Value) -> int:
            return number.setdefault(value, len(number))

        self._inputs = [give(v) for v in program.inputs]
        self._cells = [give(c.before) for c in program.cells]
        self._scalars = [give(v) for v in program.scalars]
        self._constants = [(give(v), array) for v, array in program.constants.items()]
        steps = [
            (i, [number[x] if isinstance(x, Value) else None for x in i.inputs], give(i.out))
            for i in program.instructions
        ]
        self._outputs = [number[v] for v in program.outputs]
        self._after = [None if c.after is None else number[c.after] for c in program.cells]
        checks = {number[c.holds]: c for c in program.checks}
        last: dict[int, int] = {}
        for at, (_, read, made) in enumerate(steps):
            last.update((n, at) for n in [*[n for n in read if n is not None], made])
        kept = {*self._outputs, *self._after, *checks}
        dead: dict[int, list[int]] = {}
        for n, at in last.items():
            if n not in kept:
                dead.setdefault(at, []).append(n)
        self._size = len(number)
        self._steps: list[_Run] = []
        for at, (i, read, made) in enumerate(steps):
            given = tuple([(n, None) if n is not None else (-1, x) for n, x in zip(read, i.inputs, strict=True)])
            self._steps.append((i.op.forward, given, i.attrs, made, i.draw, tuple(dead.get(at, ())), checks.get(made)))

    def run(
        self,
        inputs: Sequence[Array],
        cells: Sequence[Array],
        scalars: Sequence[Any],
        draws: Sequence[tuple[int, int]],
    ) -> tuple[list[Array], list[Array | None]]:
        """Run the program once.

        Args:
            inputs: the arrays given.
            cells: the present array of each cell; none is changed.
            scalars: the numbers given anew.
            draws: seed and counter of each random draw.

        Returns:
            The outputs; and for each cell what it becomes, or None where it stays as it is. No array shares memory
            with another, or with what was given.

        Raises:
            Failed: a check does not hold, so that the program is not the right one.
        """
        known: list[Any] = [None] * self._size
        for places, arrays in ((self._inputs, inputs), (self._cells, cells), (self._scalars, scalars)):
            for n, array in zip(places, arrays, strict=True):
                known[n] = array
        for n, array in self._constants:
            known[n] = array
        given = {id(x) for x in known if x is not None}
        for forward, read, attrs, made, draw, dead, check in self._steps:
            args = [known[n] if n >= 0 else x for n, x in read]
            if draw is not None:
                seed, counter = draws[draw]
                attrs = {**attrs, "seed": seed, "counter": counter}
            out = forward(*args, **attrs)
            known[made] = out if type(out) is np.ndarray else np.asarray(out)
            if check is not None and not known[made]:
                raise Failed(check)
            for n in dead:
                known[n] = None
        taken: set[int] = set()

        def own(n: int) -> Array:
            array: Array = known[n]
            if array.base is None and id(array) not in given and id(array) not in taken:
                taken.add(id(array))
                return array
            return array.copy()

        return [own(n) for n in self._outputs], [None if n is None else own(n) for n in self._after]
