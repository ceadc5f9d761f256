"""What a derivation is made of: values, steps back, and the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..core.state import Array


class Number(NamedTuple):
    """An operand that is a plain number, and not one of the values."""

    number: Any


@dataclass(frozen=True, eq=False)
class Value:
    """One value of the computation: an input, a constant, or what an operation gave.

    Attributes:
        index: its number, inputs before users.
        kind: "input", "constant" or "result".
        name, latex: what it is called.
        array: the value.
        operation: the name of the operation that made it; None for leaves.
        formula, formula_latex, exact: how it came about, in the names of its operands; None for leaves.
        operands: for each operand the index of its value, or the :class:`Number` that it is.
        on_the_way: whether a gradient that was asked for flows through it.
        gradient: d(result)/d(this); None where it was **not computed**, which is not zero.
        parts: the steps whose products add up to its gradient, in the order in which they were added.
        line: the line of the user's code, or None where none was recorded.
        module: the path of the module in which it was made.
    """

    index: int
    kind: str
    name: str
    latex: str
    array: Array
    operation: str | None
    formula: str | None
    formula_latex: str | None
    exact: str | None
    operands: tuple[int | Number, ...]
    on_the_way: bool
    gradient: Array | None
    parts: tuple[int, ...]
    line: str | None
    module: str
    key: Any = field(repr=False)


@dataclass(frozen=True, eq=False)
class Step:
    """One step back: from the value of an operation to one of its operands.

    Attributes:
        index: its number, in the order of the walk.
        operation: the name of the operation.
        source, target: the indices of the operation's value and of the operand.
        operand: which operand it is.
        entrywise: whether product = local × upstream, entry by entry. Otherwise the formula gives the product
            itself, with ``upstream_symbol`` standing for the upstream gradient.
        formula, formula_latex: the local derivative, or the product, as the gradient rule computed it, simplified.
        unsimplified: the same before simplification.
        exact: the formula with all digits of its numbers.
        local: the value of the local derivative; None where the formula gives the product.
        upstream, product: the gradient of the source, and what the step adds to that of the target.
        upstream_symbol: the letter in the formula, where it is not entrywise.
        constants: arrays that the formula names.
        line, module: of the operation.
        note: what holds by convention, where the derivative does not exist at this very point; else empty.
    """

    index: int
    operation: str
    source: int
    target: int
    operand: int
    entrywise: bool
    formula: str
    formula_latex: str
    unsimplified: str
    exact: str
    local: Array | None
    upstream: Array
    product: Array
    upstream_symbol: str
    constants: Mapping[str, Array]
    line: str | None
    module: str
    note: str = ""


class Part(NamedTuple):
    """One product in the sum that gives one entry of a gradient.

    Attributes:
        step: the step that it belongs to.
        at: the entry of the operation's value, as an index.
        upstream, local: the factors: the gradient of that entry, and its derivative by the entry asked about.
    """

    step: int
    at: tuple[int, ...]
    upstream: float
    local: float


@dataclass(frozen=True, eq=False)
class Answer:
    """What was asked for: the gradient of one value, or of one entry of it.

    Attributes:
        value: its index.
        entry: the index of the entry, or None for all of it.
        name, latex: with the entry, as in ``w[3, 17]``.
        gradient: what it is.
        parts: for an entry, the products that it is the sum of, the largest first (``count`` says of how many).
        count: how many products are not zero.
    """

    value: int
    entry: tuple[int, ...] | None
    name: str
    latex: str
    gradient: Array
    parts: tuple[Part, ...] = ()
    count: int = 0
