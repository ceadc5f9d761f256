"""A recorded program as text: what is given, what is done, what is returned and what is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.scope import Paths
from ...core.site import describe
from .program import Program, Value

_SHORT = {"float32": "f32", "float64": "f64", "float16": "f16", "int64": "i64", "int32": "i32", "bool": "bool"}


def of_type(value: Any) -> str:
    """Dtype and shape, as in ``f32[128, 10]``."""
    name = str(value.dtype)
    return f"{_SHORT.get(name, name)}{list(value.shape)}"


def listing(program: Program) -> str:
    """The program, one operation a line: its value, the operation, where in the model, and the line of source.

    Example:
        >>> import upriver as ur
        >>> from upriver.compile.recording.record import record
        >>> x = ur.tensor([1.0, 2.0])
        >>> recording = record(lambda: (x * 3).sum(), [x])
        >>> recording.program.outputs.append(recording.value(recording.result))
        >>> for line in listing(recording.program).splitlines():
        ...     print(line.partition("  #")[0].rstrip())
        given    x0: f32[2]
        v1 = mul(x0, 3): f32[2]
        v2 = sum(v1, dims=(0,), keepdim=False): f32[]
        returned v2
    """
    names = _names(program)
    lines = [f"given    {names[v]}: {of_type(v)}" for v in program.inputs]
    lines += [f"scalar   {names[v]}: {of_type(v)}" for v in program.scalars]
    lines += [f"constant {names[v]}: {of_type(v)}" for v in program.constants]
    lines += [f"cell     {names[cell.before]}: {of_type(cell.before)}" for cell in program.cells]
    lines += _aligned(_instructions(program, names))
    lines += [f"requires {names[check.holds]}" for check in program.checks]
    if program.outputs:
        lines.append("returned " + ", ".join([names[v] for v in program.outputs]))
    lines += [f"changed  {names[c.before]} ← {names[c.after]}" for c in program.cells if c.after is not None]
    return "\n".join(lines)


def _names(program: Program) -> dict[Value, str]:
    names: dict[Value, str] = {}
    for letter, values in (("x", program.inputs), ("s", program.scalars), ("k", list(program.constants))):
        names.update({v: f"{letter}{i}" for i, v in enumerate(values)})
    for i, cell in enumerate(program.cells):
        names[cell.before] = cell.name or f"cell{i}"
    for i, instruction in enumerate(program.instructions, 1):
        names.setdefault(instruction.out, f"v{i}")
    return names


def _instructions(program: Program, names: dict[Value, str]) -> Iterator[tuple[str, str]]:
    path = Paths()
    for i in program.instructions:
        args = [names[x] if isinstance(x, Value) else repr(x) for x in i.inputs]
        args += [f"{key}={_attribute(value)}" for key, value in i.attrs.items()]
        if i.draw is not None:
            args.append(f"draw={i.draw}")
        where = "  ".join([text for text in (path(i.scope), describe(i.site).split(": ")[0] if i.site else "") if text])
        yield f"{names[i.out]} = {i.op.name}({', '.join(args)}): {of_type(i.out)}", where


def _attribute(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _aligned(lines: Iterator[tuple[str, str]]) -> list[str]:
    pairs = list(lines)
    width = min(72, max([len(text) for text, _ in pairs], default=0))
    return [f"{text:<{width}}  # {note}" if note else text for text, note in pairs]
