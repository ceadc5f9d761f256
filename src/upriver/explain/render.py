"""A derivation as text: the forward values, the walk back node by node, the sums, and what it means."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..i18n import Message, say
from ..i18n.columns import left, width as columns, wrap
from .telling import convention, equation, paragraph
from .writing import format_number

if TYPE_CHECKING:
    from .explanation import Explanation
    from .records import Answer, Step, Value

SMALL = 12
"""An array of no more entries than this is written out."""
_WIDE = 60
_SAID = 6
"""As many gradients get a sentence each; of more, only the ``_OF_MANY`` largest do."""
_OF_MANY = 3


def format_value(array: Any, *, widest: int = _WIDE) -> str:
    """An array in a few characters: its entries if they are few, else what it is like."""
    if array is None:
        return say("not computed")
    a = np.asarray(array)
    if a.ndim == 0:
        return format_number(plain(a))
    if a.size <= SMALL or a.size * 4 <= widest:
        text = _nested(a)
        if len(text) <= widest:
            return text
    return summary(a)


def plain(a: Any) -> Any:
    """The number that an array of one is, as Python has it."""
    value = a.item() if a.dtype.kind != "f" else a.item() + 0.0  # no -0
    return float(str(a[()])) if a.dtype in (np.float32, np.float16) and math.isfinite(value) else value


def _nested(a: Any) -> str:
    if a.ndim == 0:
        return (
            format_number(plain(a)) if a.dtype.kind != "f" or not math.isfinite(a.item()) else f"{a.item() + 0.0:.4g}"
        )
    return f"[{', '.join(_nested(row) for row in a)}]"


def summary(a: Any) -> str:
    """What a large array is like: its shape, its range, its norm."""
    shape = "×".join(map(str, a.shape))
    if a.size == 0:
        return say("{shape}, empty", shape=shape)
    if a.dtype.kind != "f":
        return say("{shape}, {low} to {high}", shape=shape, low=str(a.min()), high=str(a.max()))
    low, high = float(a.min()) + 0.0, float(a.max()) + 0.0
    if low == high:
        return say("{shape}, all {value}", shape=shape, value=f"{low:.3g}")
    with np.errstate(all="ignore"):
        norm = float(np.linalg.norm(a.reshape(-1).astype(np.float64, copy=False)))
    return say(
        "{shape}, {low} to {high}, norm {norm}",
        shape=shape, low=f"{low:.3g}", high=f"{high:.3g}", norm=f"{norm:.3g}",
    )  # fmt: skip


def of(name: str) -> str:
    """A name behind a ``d``: ``w``, but ``(w * x)``."""
    return name if re.fullmatch(r"[A-Za-z]\d*(\[[^\]]*\])?", name) else f"({name})"


def derivative(top: str, bottom: str) -> str:
    """The symbol of a derivative, as in ``dL/dw``."""
    return f"d{of(top)}/d{of(bottom)}"


def table(rows: Iterable[Sequence[str]], *, indent: str = "  ", gap: str = "  ") -> list[str]:
    """Rows of cells in aligned columns."""
    cells = [list(row) for row in rows]
    if not cells:
        return []
    widths = [max(columns(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        (indent + gap.join(left(cell, width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in cells
    ]


def as_text(e: Explanation, *, lines: bool | None = None, unsimplified: bool = False, width: int = 140) -> str:
    """The whole derivation for a terminal.

    Args:
        e: the derivation.
        lines: whether to show source lines and module paths; by default where any are known.
        unsimplified: write the formulas exactly as the gradient rules computed them.
        width: the widest table; where one would be wider, each step gets lines of its own. Sentences are broken there.
    """
    if lines is None:
        lines = any(step.line is not None for step in e.steps)
    root = e.values[e.root]
    out = [f"{root.name} = {root.formula}"]
    given = [v for v in e.values if v.kind == "input"]
    if given:
        out.append(say("with {values}", values=_listed([equation(v.name, format_value(v.array)) for v in given])))
    out += ["", say("forward")]
    out += table(_forward_row(v, root, lines) for v in e.values if v.operation is not None)
    out += ["", say("backward from {name}: upstream × local derivative = what flows on", name=root.name)]
    header = ["", say("upstream"), "", say("local derivative"), "", "", say("flows on"), ""]
    rows = [header + ([""] if lines else []), *[_step_row(e, s, lines, unsimplified) for s in e.steps]]
    walk = table(rows)
    out += walk if max(map(columns, walk)) <= width else _blocks(e, rows[1:])
    if any(not s.entrywise for s in e.steps):
        symbol = next(s.upstream_symbol for s in e.steps if not s.entrywise)
        where = say("(where {letter} is the upstream gradient, the formula gives at once what flows on)", letter=symbol)
        out.append(f"  {where}")
    for operation, note in dict.fromkeys((s.operation, s.note) for s in e.steps if s.note):
        noted = say(
            "({operation} has no derivative at one of the points here; by convention {note})",
            operation=operation, note=convention(note),
        )  # fmt: skip
        out.append(f"  {noted}")
    sums = [v for v in e.values if len(v.parts) > 1]
    if sums:
        out += ["", say("sums: a value that is used several times gets a share from each use, in this order")]
        out += table(_sum_row(e, v) for v in reversed(sums))
    for answer in e.answers:
        if answer.entry is not None:
            out += ["", *_entry_lines(e, answer)]
    said = wrap(e.conclusion(), max(width, 40), whole_words=True)
    return "\n".join([*out, "", *said, ""])


def _blocks(e: Explanation, rows: Sequence[Sequence[str]]) -> list[str]:
    """The steps under each other, each with a line for each of its parts."""
    out: list[str] = []
    for s, (operation, up, up_value, local, formula, value, on, on_value, *where) in zip(e.steps, rows, strict=True):
        out.append(f"  {s.index + 1}. {operation}" + (f"  {where[0]}" if where and where[0] else ""))
        how = (
            (say("local derivative"), local, f"{formula} {value}".strip())
            if s.entrywise
            else (say("by the rule"), local, formula)
        )
        out += table([(say("upstream"), up, up_value), how, (say("flows on"), on, on_value)], indent="     ")
    return out


def _listed(items: list[str]) -> list[str] | str:
    return items if len(", ".join(items)) < 100 else "\n     ".join(items)


def _forward_row(v: Value, root: Value, lines: bool) -> list[str]:
    named = v.name != v.formula
    row = [f"{v.name} = {v.formula}" if named else v.name, f"= {format_value(v.array)}"]
    return [*row, _where(v.module, v.line)] if lines else row


def _where(module: str, line: str | None) -> str:
    text = line or ""
    return f"[{module}] {text}" if module else text


def _step_row(e: Explanation, s: Step, lines: bool, unsimplified: bool) -> list[str]:
    source, target, root = e.values[s.source], e.values[s.target], e.values[e.root]
    formula = s.unsimplified if unsimplified else s.formula
    on = derivative(root.name, target.name)
    if len(target.parts) > 1:
        on = say("{symbol}, share {n}", symbol=on, n=target.parts.index(s.index) + 1)
    row = [
        s.operation,
        derivative(root.name, source.name),
        f"= {format_value(s.upstream, widest=40)}",
        derivative(source.name, target.name) if s.entrywise else derivative(root.name, target.name),
        f"= {formula}",
        (f"= {format_value(s.local, widest=40)}" if not _is_value(formula, s.local) else "") if s.entrywise else "",
        on,
        f"= {format_value(s.product, widest=40)}",
    ]
    return [*row, _where(s.module, short_line(s.line))] if lines else row


def short_line(line: str | None) -> str | None:
    """The file and the number of a line, without its text."""
    found = re.match(r"(.+?:\d+)(: |$)", line or "")
    return found.group(1) if found else line


def _is_value(formula: str, local: Any) -> bool:
    return formula == format_value(local)


def _sum_row(e: Explanation, v: Value) -> list[str]:
    parts = [format_value(e.steps[i].product, widest=40) for i in v.parts]
    through = [e.values[e.steps[i].source].name for i in v.parts]
    total = parts[0] + "".join(f" - {p[1:]}" if re.fullmatch(r"-[\d.e-]+", p) else f" + {p}" for p in parts[1:])
    return [
        derivative(e.values[e.root].name, v.name),
        f"= {total}",
        f"= {format_value(v.gradient, widest=40)}",
        say("(through {values})", values=through),
    ]


def _entry_lines(e: Explanation, answer: Answer) -> list[str]:
    root = e.values[e.root]
    symbol = derivative(root.name, answer.name)
    if not answer.parts:
        value = format_value(answer.gradient)
        return [
            say(
                "{symbol} = {value}: no product that leads to this entry is other than zero",
                symbol=symbol, value=value,
            )
        ]  # fmt: skip
    rows = []
    for part in answer.parts:
        source = e.values[e.steps[part.step].source].name
        simple = re.fullmatch(r"[\w.]+", source)
        entry = f"{source if simple else f'({source})'}[{', '.join(map(str, part.at))}]" if part.at else source
        rows.append([
            f"{derivative(root.name, entry)} × {derivative(entry, answer.name)}",
            f"= {format_number(part.upstream)} × {format_number(part.local)}",
            f"= {format_number(part.upstream * part.local)}",
        ])  # fmt: skip
    shown = sum(part.upstream * part.local for part in answer.parts)
    if answer.count > len(answer.parts):
        rest = float(answer.gradient) - shown
        others = answer.count - len(answer.parts)
        rows.append([say("the other {n} together", n=others), "", f"= {format_number(rest)}"])
    return [_of_products(symbol, answer.count, len(answer.parts)), *table(rows)]


def _of_products(symbol: str, n: int, shown: int) -> str:
    if n == 1:
        return say("{symbol} is one product", symbol=symbol)
    if n == shown:
        return say("{symbol} is the sum of {n} products", symbol=symbol, n=n)
    return say("{symbol} is the sum of {n} products; the largest {shown}", symbol=symbol, n=n, shown=shown)


# What it means.


def conclusion(e: Explanation) -> str:
    """One sentence for each gradient that was asked for; of many, for the largest, and how many more there are."""
    said = e.answers
    if len(said) <= _SAID:
        return paragraph([_sentence(e, a) for a in said]) if said else ""
    ordered = sorted(said, key=lambda a: -_size(a))
    zero, n = sum(_size(a) == 0 for a in ordered[_OF_MANY:]), len(said) - _OF_MANY
    more = (
        say(
            "There are {n} more gradients, of which {zero, plural, one {# is} other {# are}} exactly 0: "
            "see the answers.",
            n=n, zero=zero,
        )
        if zero
        else say("There are {n} more gradients: see the answers.", n=n)
    )  # fmt: skip
    return paragraph([*[_sentence(e, a) for a in ordered[:_OF_MANY]], more])


def _size(a: Answer) -> float:
    """The largest entry of a gradient; a NaN is larger than anything, for it must not go unsaid."""
    g = np.abs(np.asarray(a.gradient, np.float64))
    return math.inf if np.isnan(g).any() else float(g.max(initial=0.0))


def _sentence(e: Explanation, a: Answer) -> Message:
    root, result = e.values[e.root].name, e.values[e.root].array
    symbol = derivative(root, a.name)
    g = np.asarray(a.gradient)
    if g.size == 0:
        return say("{symbol} is empty: {name} has no entries.", symbol=symbol, name=a.name)
    if np.isnan(g).any():
        return say("{symbol} is not a number: a NaN came up on the way.", symbol=symbol)
    if not np.isfinite(result).all():
        return say(
            "{symbol} = {value}, which says nothing: {root} itself is "
            "{kind, select, nan {not a number} other {infinite}} here.",
            symbol=symbol, value=format_value(g), root=root, kind="nan" if np.isnan(result).any() else "infinite",
        )  # fmt: skip
    if not g.any():
        if any(s.note for s in e.steps):
            return say(
                "{symbol} = 0; where that is by convention, a small change of {name} may change {root} all the same.",
                symbol=symbol, name=a.name, root=root,
            )  # fmt: skip
        return say(
            "{symbol} = 0: to first order, a small change of {name} does not change {root}.",
            symbol=symbol, name=a.name, root=root,
        )  # fmt: skip
    if g.size == 1:
        slope = plain(g.reshape(()))
        effect = _effect(a.name, root, slope)
        return say("{symbol} = {value}: {effect}.", symbol=symbol, value=format_number(slope), effect=effect)
    at = tuple(int(i) for i in np.unravel_index(int(np.abs(g).argmax()), g.shape))
    name = f"{a.name}[{', '.join(map(str, at))}]"
    value, effect = format_value(g), _effect(name, root, plain(g[at]))
    zero = g.size - int(np.count_nonzero(g))
    if not zero:
        return say(
            "{symbol} = {value}: {name} matters most; {effect}.", symbol=symbol, value=value, name=name, effect=effect
        )
    return say(
        "{symbol} = {value}: {name} matters most; {effect}. "
        "{zero, plural, one {# of its {n} entries is} other {# of its {n} entries are}} exactly 0.",
        symbol=symbol, value=value, name=name, effect=effect, zero=zero, n=g.size,
    )  # fmt: skip


def _effect(name: str, root: str, slope: float) -> Message:
    if math.isinf(slope):
        if slope < 0:
            return say("raising {name} lowers {root}, at first infinitely steeply", name=name, root=root)
        return say("raising {name} raises {root}, at first infinitely steeply", name=name, root=root)
    by = format_number(abs(slope))
    if slope < 0:
        return say("raising {name} lowers {root}, at first by {by} for each unit", name=name, root=root, by=by)
    return say("raising {name} raises {root}, at first by {by} for each unit", name=name, root=root, by=by)
