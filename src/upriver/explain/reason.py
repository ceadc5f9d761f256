"""What an answer to "why?" looks like, and the words that all answers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import site
from ..core.graph import Node
from ..core.scope import path_of
from ..core.state import Array
from ..i18n import say
from ..i18n.columns import left, wrap

_WIDTH = 96


@dataclass(frozen=True, eq=False)
class Cause:
    """A first cause.

    Attributes:
        kind: in one or two words, as in "closed" or "saturated"; the documentation lists them.
        sentence: what happened, with the numbers.
        fix: what can be done about it.
        node: the operation where it happened, or None.
        site: the line of the user's code, if it is not that of ``node``.
        numbers: the numbers in the sentence, by name.
    """

    kind: str
    sentence: str
    fix: str
    node: Node | None = None
    site: Any = None
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Reason:
    """Why a gradient, or a loss, is what it is.

    Attributes:
        what: what was asked about, as in ``fc1.weight[3, 17]``.
        state: what it is: "none", "zero", "not finite", "accumulated", "large", "small" or "ordinary".
        finding: the state as a sentence, with numbers.
        cause: the kind of the first cause, as in "closed"; the documentation lists them.
        sentence: the cause, with numbers.
        fix: what can be done about it.
        operation: the operation where it happened, or None.
        line: the line of the user's code, or None where none is known.
        module: the path of the module in which it happened; empty outside any.
        numbers: the numbers in the sentence, by name.
    """

    what: str
    state: str
    finding: str
    cause: str
    sentence: str
    fix: str
    operation: str | None
    line: str | None
    module: str
    numbers: Mapping[str, float]

    def text(self) -> str:
        """The finding, the cause, the line and the fix, for a terminal."""
        rows = [
            (say("cause"), wrap(self.sentence, _WIDTH)),
            (say("line|at"), [self.line] if self.line else []),
            (say("module"), wrap(self.module, _WIDTH)),
            (say("fix"), wrap(self.fix, _WIDTH)),
        ]
        lines = [self.finding]
        for name, words in rows:
            if words:
                first, *rest = words
                lines += [f"  {left(name, 7)} {first}", *[" " * 10 + more for more in rest]]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**self.__dict__, "numbers": dict(self.numbers)}

    def __repr__(self) -> str:
        return self.text()


def reason(what: str, state: str, finding: str, cause: Cause) -> Reason:
    """A cause as the answer to a question."""
    node, where = cause.node, cause.site
    if where is None and node is not None:
        where = node.site
    return Reason(
        what=what,
        state=state,
        finding=finding,
        cause=cause.kind,
        sentence=cause.sentence,
        fix=cause.fix,
        operation=node.op.name if node is not None else None,
        line=site.describe(where) if where is not None else None,
        module=path_of(node.scope) if node is not None else "",
        numbers=dict(cause.numbers),
    )


def number(x: Any) -> str:
    """A number in a sentence: four digits at most."""
    return f"{float(x):.4g}"


def span(values: Array) -> str:
    """The range of some values: one number, or "from … to …"."""
    low, high = float(np.min(values)), float(np.max(values))
    return number(low) if low == high else say("from {low} to {high}", low=number(low), high=number(high))


def places(mask: Array) -> str:
    """Which entries a mask names: units and samples where it is whole columns, else how many."""
    n = int(np.count_nonzero(mask))
    if mask.size == 1:
        return say("at its only entry")
    if n == mask.size:
        if mask.ndim == 2:
            return say("at all {n} entries ({samples} samples)", n=n, samples=mask.shape[0])
        return say("at all {n} entries", n=n)
    for axis, word in ((mask.ndim - 1, "unit"), (1, "channel")):
        if mask.ndim >= 2:
            rows = np.moveaxis(mask, axis, -1).reshape(-1, mask.shape[axis])
            units = np.flatnonzero(rows.any(axis=0))
            if len(units) < mask.shape[axis] and rows[:, units].all():
                names = ", ".join(str(u) for u in units[:5]) + ("…" if len(units) > 5 else "")
                count, of, samples = len(units), mask.shape[axis], mask.shape[0]
                if word == "unit":
                    return say(
                        "in {count, plural, one {unit} other {# units}} {names} of {of}, for all {samples} samples",
                        count=count, names=names, of=of, samples=samples,
                    )  # fmt: skip
                return say(
                    "in {count, plural, one {channel} other {# channels}} {names} of {of}, for all {samples} samples",
                    count=count, names=names, of=of, samples=samples,
                )  # fmt: skip
    if n == 1:
        at = ", ".join(str(int(k[0])) for k in np.nonzero(mask))
        return say("at entry {at}", at=f"[{at}]")
    return say("at all {n} entries that matter, of {of}", n=n, of=mask.size)
