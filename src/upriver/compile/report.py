"""What became of a function, in words and tables: its kernels, its memory, what each kernel costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.scope import Paths
from .build import Built
from .kernels import Call

if TYPE_CHECKING:
    from .recording.program import Instruction, Program


@dataclass(frozen=True)
class Line:
    """One call of a program.

    Attributes:
        kernel: what kind of kernel it is.
        work: the operations that went in, and where in the model they ran.
        flops, bytes: what it computes and moves in one run.
        native: whether it is machine code, or a call of the operation's own NumPy kernel.
        seconds: what it takes, where it was measured; else 0.
    """

    kernel: str
    work: str
    flops: int
    bytes: int
    native: bool
    seconds: float = 0.0


def lines(built: Built, seconds: Sequence[float] | None = None) -> list[Line]:
    """A line for each call of a program.

    Args:
        built: the program.
        seconds: what each call takes.
    """
    path = Paths()
    found: list[Line] = []
    for i, (call, origin) in enumerate(zip(built.plan.calls, built.origins, strict=True)):
        took = 0.0 if seconds is None else seconds[i]
        code = call.code
        if code is None:
            found.append(Line("called in Python", _work(origin, path), 0, _viewed(call), False, took))
        else:
            found.append(Line(code.note, _work(origin, path), code.flops, code.bytes, True, took))
    return found


def _viewed(call: Call) -> int:
    total = 0
    for dtype, shape, _ in call.views:
        size = dtype.itemsize
        for n in shape:
            size *= n
        total += size
    return total


def _work(instructions: Iterable[Instruction], path: Paths) -> str:
    """Operations in the order in which they ran, with the modules they ran in, and how often one stands for many."""
    named: dict[tuple[str, str], None] = {}
    for instruction in instructions:
        named.setdefault((path(instruction.scope), instruction.op.name))
    places: dict[str, list[str]] = {}
    for where, name in named:
        places.setdefault(where, []).append(name)
    parts = [", ".join(names) + (f" ({where})" if where else "") for where, names in places.items()]
    return "; ".join(parts) or "copy"


def quantity(n: float, unit: str) -> str:
    """A count with three digits and a prefix: ``1.23 M``.

    Example:
        >>> quantity(1234567, "flop"), quantity(12, "B")
        ('1.23 Mflop', '12 B')
    """
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= size:
            return f"{n / size:.3g} {prefix}{unit}"
    return f"{n:.3g} {unit}"


def duration(seconds: float) -> str:
    """A time, as people read it.

    Example:
        >>> duration(0.0123), duration(4.5e-06)
        ('12.3 ms', '4.5 µs')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def report(name: str, program: Program, built: Built | None, fallback: str) -> str:
    """The whole account.

    Args:
        name: of the function.
        program: as it was recorded.
        built: its native code, if there is any.
        fallback: why there is none.
    """
    changed = sum(cell.after is not None for cell in program.cells)
    text = [
        f"{name}: {_count(len(program.instructions), 'operation')} on {_count(len(program.inputs), 'argument')}; "
        f"{_count(len(program.cells), 'tensor')} read, {changed} of them changed in place"
    ]
    if built is None:
        text.append(f"It runs operation by operation, on NumPy: {fallback}.")
        return "\n".join(text)
    plan = built.plan
    all_lines = lines(built)
    codes = {call.code.name for call in plan.calls if call.code is not None}
    hosts = [line for line in all_lines if not line.native]
    text.append(
        f"{_count(len(all_lines) - len(hosts), 'native kernel')}, {len(codes)} of them different; "
        f"{quantity(sum(line.flops for line in all_lines), 'flop')} and "
        f"{quantity(sum(line.bytes for line in all_lines), 'B')} moved in a run"
    )
    text.append(
        f"Memory for values: {quantity(plan.arena, 'B')}. Made in {duration(sum(built.seconds.values()))}: "
        + ", ".join(f"{stage} {duration(took)}" for stage, took in built.seconds.items())
    )
    if hosts:
        names = Counter(line.work for line in hosts)
        text.append(
            "Called in Python, for want of a kernel: "
            + ", ".join(f"{work}{f' × {n}' if n > 1 else ''}" for work, n in names.items())
        )
    return "\n".join([*text, "", *table(all_lines)])


def table(all_lines: Sequence[Line], *, timed: bool = False) -> list[str]:
    """The calls as aligned columns."""
    head = ["", "kernel", "flop", "bytes", *(["time", "Gflop/s", "GB/s"] if timed else []), "made of"]
    rows: list[list[str]] = []
    for i, line in enumerate(all_lines):
        row = [str(i), line.kernel, quantity(line.flops, ""), quantity(line.bytes, "")]
        if timed:
            took = max(line.seconds, 1e-9)
            row += [duration(line.seconds), f"{line.flops / took / 1e9:.1f}", f"{line.bytes / took / 1e9:.1f}"]
        rows.append([*row, line.work])
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    right = {0, 2, 3, 4, 5, 6} if timed else {0, 2, 3}

    def put(row: Sequence[str]) -> str:
        cells = [
            text.rjust(w) if i in right else text.ljust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return [put(head), *map(put, rows)]


@dataclass(frozen=True)
class Profile:
    """What each kernel of a program takes, measured; printed as a table, the slowest first.

    Attributes:
        lines: one for each call, in the order in which they run.
        run: seconds of a whole run, calls and everything between them.
    """

    lines: list[Line]
    run: float

    def __str__(self) -> str:
        total = sum(line.seconds for line in self.lines)
        order = sorted(self.lines, key=lambda line: -line.seconds)
        flops, moved = sum(line.flops for line in self.lines), sum(line.bytes for line in self.lines)
        head = (
            f"a run takes {duration(self.run)}; the kernels one by one, on one thread, {duration(total)}: "
            f"{flops / max(total, 1e-9) / 1e9:.1f} Gflop/s, {moved / max(total, 1e-9) / 1e9:.1f} GB/s"
        )
        return "\n".join([head, "", *table(order, timed=True)])

    __repr__ = __str__


def profile(built: Built, arrays: Sequence[Any], scalars: Sequence[float], draws: Sequence[Any], repeat: int) -> Any:
    """Measure each kernel of a program, the least of ``repeat`` runs. The cells are as before afterwards."""
    from time import perf_counter

    executable = built.executable
    seconds = executable.profile(arrays, scalars, draws, repeat)
    before = [x.copy() for x in executable.cells]
    least = float("inf")
    for _ in range(repeat):
        began = perf_counter()
        executable.run(arrays, scalars, draws)
        least = min(least, perf_counter() - began)
    for x, old in zip(executable.cells, before, strict=True):
        x[...] = old
    return Profile(lines(built, seconds), least)
