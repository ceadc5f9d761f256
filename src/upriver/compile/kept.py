"""Plans on disk: a program that was planned once, in whatever process, needs neither rewrites nor emitters again.

A plan is kept under a name that stands for everything it was made from: the recorded program without its places in
the source, how cells lie in memory, the constants' entries, the rewrites left out, this package's own code and the
processor. It is plain JSON, in the folder and under the rules of :mod:`.native.cache`; the machine code lies beside it
under its own name.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.registry import ops
from ..core.state import Array
from .kernels import Call, KernelCode, Plan, Ref
from .native import cache as files, guard
from .native.target import target
from .recording.program import Instruction, Program, Value

_LARGEST = 1 << 20  # bytes of constants that were computed while planning: more is not kept
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


class _Unnamed(Exception):  # noqa: N818 (not an error: the plan is not kept)
    """Something in a program has no name that means the same in another process."""


def name(
    program: Program, strides: Sequence[Any], shared: dict[int, set[int]], without: Collection[str] = ()
) -> str | None:
    """The name under which the plan of a program is kept, or None if it cannot be.

    Args:
        program: a recording, with its outputs.
        strides: of each cell, in entries.
        shared: for each cell those others whose memory overlaps its own.
        without: names of rewrites that are left out.

    Example:
        >>> import upriver as ur
        >>> from upriver.compile.recording.record import record
        >>> one, two = [record(lambda: x * 2, [x]).program for x in (ur.ones(3), ur.ones(3))]
        >>> name(one, [], {}) == name(two, [], {}) is not None
        True
    """
    if files.folder() is None or guard.on():
        return None
    number: dict[Value, int] = {}
    given = [*program.inputs, *[cell.before for cell in program.cells], *program.scalars, *program.constants]
    try:
        about: list[Any] = [[_typed(number, value) for value in given]]
        about += [_plain(array) for array in program.constants.values()]
        known: set[int] = set()
        about += [_run(number, known, instruction) for instruction in program.instructions]
    except _Unnamed:
        return None
    about += [
        (len(program.inputs), len(program.cells), len(program.scalars), len(program.draws)),
        [number[value] for value in program.outputs],
        [None if cell.after is None else number[cell.after] for cell in program.cells],
        [number[check.holds] for check in program.checks],
        strides,
        sorted([(i, sorted(others)) for i, others in shared.items()]),
        sorted(without),
    ]
    return files.key(f"plan {files.package()}\n{about!r}", target())


def _typed(number: dict[Value, int], value: Value) -> tuple[Any, ...]:
    number[value] = len(number)
    return value.shape, value.dtype.str


def _run(number: dict[Value, int], known: set[int], instruction: Instruction) -> tuple[Any, ...]:
    op = instruction.op
    if id(op) not in known:
        if not _has_name(op):
            raise _Unnamed
        known.add(id(op))
    read = [f"v{number[x]}" if isinstance(x, Value) else _plain(x) for x in instruction.inputs]
    attrs = [(key, _plain(x)) for key, x in instruction.attrs.items()]
    return op.name, read, attrs, instruction.draw, _typed(number, instruction.out)


def _has_name(op: Any) -> bool:
    """Whether an operation is this package's own, or a ufunc of NumPy's: not one of the user's."""
    if op.lower is None:
        return isinstance(op.forward, np.ufunc) or _ours(op.forward)
    return _ours(op.lower) and ops.record(op.name) is op


def _ours(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith(__name__.partition(".")[0] + ".")


def _plain(x: Any) -> Any:
    """What a static argument is, in a form whose text tells it from all others."""
    if type(x) in _PLAIN:
        return x
    if isinstance(x, np.ndarray):
        if x.dtype.hasobject:
            raise _Unnamed
        return "array", x.shape, x.dtype.str, hashlib.sha256(np.ascontiguousarray(x).data).hexdigest()
    if isinstance(x, (np.generic, np.dtype)):
        return type(x).__name__, str(x)
    if isinstance(x, (tuple, list)):
        return type(x).__name__, [_plain(part) for part in x]
    if type(x) is dict:
        return "dict", [(_plain(key), _plain(part)) for key, part in x.items()]
    if type(x) is slice:
        return "slice", x.start, x.stop, x.step
    raise _Unnamed


# Plans as text.

Kept = tuple[Plan, list[Array], list[tuple[Instruction, ...]], str]
"""A plan, its constants, the instructions that went into each call, and the name of the machine code."""


def load(name: str, program: Program) -> Kept | None:
    """The plan of that name, which is that of ``program``; None if there is none."""
    content = files.load(name)
    if content is None:
        return None
    about = json.loads(content)
    held = list(program.constants.values())
    types = [np.dtype(each) for each in about["types"]]
    codes = [KernelCode(each[0], "", (), *each[1:]) for each in about["codes"]]
    refs = [Ref(*each) for each in about["refs"]]

    def constant(each: Any) -> Array:
        if isinstance(each, int):
            return held[each]
        dtype, shape, entries = each
        return np.frombuffer(b64decode(entries), dtype).reshape(shape)

    calls = [
        Call(codes[code], tuple([refs[i] for i in args]), chain, writes=writes)
        for code, args, chain, writes in about["calls"]
    ]
    plan = Plan(
        tuple(calls),
        about["arena"],
        tuple([(types[dtype], tuple(shape), refs[ref]) for dtype, shape, ref in about["outputs"]]),
        tuple([refs[ref] for ref in about["checks"]]),
        *given(program),
    )
    origins = [tuple([program.instructions[i] for i in numbers]) for numbers in about["origins"]]
    return plan, [constant(each) for each in about["constants"]], origins, about["object"]


def given(program: Program) -> tuple[Any, Any, int]:
    """Inputs, scalars and draws as a plan has them."""
    inputs = tuple([(v.dtype, v.shape) for v in program.inputs])
    return inputs, tuple([v.dtype for v in program.scalars]), len(program.draws)


def store(name: str, program: Program, kept: Kept) -> None:
    """Keep a plan under that name; one that calls Python, or has large constants of its own, is not kept."""
    plan, constants, origins, code = kept
    if any([call.code is None for call in plan.calls]):
        return
    held = {id(array): i for i, array in enumerate(program.constants.values())}
    numbers = {id(instruction): i for i, instruction in enumerate(program.instructions)}
    made = [x for x in constants if id(x) not in held]
    if sum([x.nbytes for x in made]) > _LARGEST:
        return
    types: dict[DType, int] = {}
    codes: dict[tuple[Any, ...], int] = {}
    refs: dict[Ref, int] = {}

    def of(ref: Ref) -> int:
        return refs.setdefault(ref, len(refs))

    def of_code(c: Any) -> int:
        return codes.setdefault((c.name, c.units, c.align, c.rows, c.scratch, c.flops, c.bytes, c.note), len(codes))

    about = {
        "arena": plan.arena,
        "calls": [[of_code(c.code), [of(ref) for ref in c.args], c.chain, c.writes] for c in plan.calls],
        "outputs": [[types.setdefault(d, len(types)), shape, of(ref)] for d, shape, ref in plan.outputs],
        "checks": [of(ref) for ref in plan.checks],
        "constants": [held[id(x)] if id(x) in held else _entries(x) for x in constants],
        "origins": [[numbers[id(instruction)] for instruction in each] for each in origins],
        "object": code,
    }
    about |= {
        "types": [dtype.str for dtype in types],
        "codes": list(codes),
        "refs": [(ref.space, ref.index, ref.offset) for ref in refs],
    }
    files.store(name, json.dumps(about, separators=(",", ":"), default=int).encode())


def _entries(x: Array) -> tuple[Any, ...]:
    return x.dtype.str, x.shape, b64encode(np.ascontiguousarray(x).data).decode()
