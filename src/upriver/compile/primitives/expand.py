"""A program as primitives: each instruction through the recipe of its own operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...core.dtypes import bool_, float32, float64, int64
from ..recording.program import Instruction, Program, Value
from .maths import Maths
from .prims import VIEWS, Prim
from .terms import Term

NATIVE = frozenset({float32, float64, bool_, int64})
"""The dtypes that kernels compute in; values of others are looked at, converted, or left to the operation itself."""


@dataclass
class Primitives:
    """A program as a graph of primitives.

    Attributes:
        outputs: of the program.
        cells_after: for each cell what it holds in the end, or None where it is not changed.
        checks: for each check of the program its boolean.
    """

    outputs: list[Prim] = field(default_factory=list[Prim])
    cells_after: list[Prim | None] = field(default_factory=list["Prim | None"])
    checks: list[Prim] = field(default_factory=list[Prim])

    def roots(self) -> list[Prim]:
        """Everything that is to be computed."""
        return [*self.outputs, *[p for p in self.cells_after if p is not None], *self.checks]


def order(roots: Iterable[Prim]) -> list[Prim]:
    """Everything that ``roots`` depend on, each after its arguments."""
    found: dict[Prim, None] = {}
    stack = [(p, False) for p in reversed(list(roots))]
    while stack:
        prim, ready = stack.pop()
        if ready:
            found.setdefault(prim)
        elif prim not in found:
            stack.append((prim, True))
            stack.extend([(arg, False) for arg in reversed(prim.args) if arg not in found])
    return list(found)


def expand(program: Program) -> Primitives:
    """``program`` as primitives.

    Example:
        >>> import upriver as ur
        >>> from upriver.compile.recording.record import record
        >>> x = ur.ones(2, 3)
        >>> recording = record(lambda: (x + 1).sum(), [x])
        >>> recording.program.outputs.append(recording.value(recording.result))
        >>> [prim.kind for prim in order(expand(recording.program).outputs)]
        ['input', 'number', 'map', 'reduce', 'reshape']
    """
    known: dict[Value, Prim] = {}
    weak: set[Value] = set(program.scalars)
    cells = [cell.before for cell in program.cells]
    for kind, values in (("input", program.inputs), ("cell", cells), ("scalar", program.scalars)):
        for i, value in enumerate(values):
            known[value] = Prim(kind, (), value.shape, value.dtype, {"index": i})
    for value, array in program.constants.items():
        if array.ndim:
            known[value] = Prim("constant", (), value.shape, value.dtype, {"array": array})
        else:
            known[value] = Prim("number", (), (), value.dtype, {"value": array.item()})
    for instruction in program.instructions:
        known[instruction.out], loose = _expanded(instruction, known, weak)
        if loose:
            weak.add(instruction.out)
    return Primitives(
        [known[value] for value in program.outputs],
        [None if cell.after is None else known[cell.after] for cell in program.cells],
        [known[check.holds] for check in program.checks],
    )


def _expanded(instruction: Instruction, known: dict[Value, Prim], weak: set[Value]) -> tuple[Prim, bool]:
    op, out, attrs = instruction.op, instruction.out, instruction.attrs
    if instruction.draw is not None:
        if op.lower is not None:
            return op.lower(Maths(instruction), **attrs).prim, False
        held = {"op": op, "op_attrs": attrs, "index": instruction.draw}
        return Prim("draw", (), out.shape, out.dtype, held, instruction), False
    maths = Maths(instruction)
    inputs = [Term(maths, known[x], x in weak) if isinstance(x, Value) else x for x in instruction.inputs]
    if op.lower is not None:
        made: Any = op.lower(maths, *inputs, **attrs)
        if made is not NotImplemented:
            loose = not isinstance(made, Term) or made.weak
            prim = maths.cast(made, out.dtype).prim
            assert prim.shape == out.shape, f"the recipe of {op.name} gives {prim.shape} instead of {out.shape}"
            if all(map(_runs, maths.made)):
                return prim, loose
    numbers = tuple([None if isinstance(x, Term) else x for x in inputs])
    args = tuple([x.prim for x in inputs if isinstance(x, Term)])
    return Prim(
        "host", args, out.shape, out.dtype, {"op": op, "op_attrs": attrs, "numbers": numbers}, instruction
    ), False


def _runs(prim: Prim) -> bool:
    """Whether there are kernels for its dtypes: any can be looked at in another way, and some converted."""
    if prim.kind in VIEWS:
        return True
    reads = () if prim.attrs.get("fn") == "cast" else prim.args
    return prim.dtype in NATIVE and all(arg.dtype in NATIVE for arg in reads)
