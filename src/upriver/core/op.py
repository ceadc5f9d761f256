"""One operation, one record: its value, its gradient, its rules, its formula, its cost, its native code."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from .dtypes import DType
from .graph import Node
from .registry import ops
from .site import capture
from .state import TRACING, recording, scope, tick
from .tensor import Tensor

Rule = Callable[..., Any]
_new = object.__new__
_ndarray = np.ndarray
_NONE: dict[str, Any] = {}


class Interval(NamedTuple):
    """Where one input may lie: the open interval (low, high), and the points in it without a derivative."""

    low: float = -math.inf
    high: float = math.inf
    kinks: tuple[float, ...] = ()


class Domain(NamedTuple):
    """Where an operation is defined and differentiable.

    Attributes:
        intervals: one for each input, or a single one for all of them.
        ties: what holds where the derivative does not exist, as a sentence; empty if it always does.
        distinct: whether the derivative exists only where no two entries compared are equal (max, sort).
    """

    intervals: tuple[Interval, ...] = (Interval(),)
    ties: str = ""
    distinct: bool = False

    def of(self, i: int) -> Interval:
        """The interval of input ``i``."""
        return self.intervals[min(i, len(self.intervals) - 1)]


REALS = Domain()


class Formula(NamedTuple):
    """How an operation is written: ``{0}``, ``{1}`` are its inputs, ``{name}`` its attributes.

    Attributes:
        text: for a terminal, as in ``{0} * {1}``.
        latex: for print; literal braces are doubled, as in ``e^{{{0}}}``.
        precedence: how strongly it binds: SUM < PRODUCT < POWER < CALL. An input that binds less is put
            in parentheses.
    """

    text: str
    latex: str
    precedence: int


COMPARISON, SUM, PRODUCT, PREFIX, POWER, CALL = range(6)


def call(name: str, inputs: int = 1) -> Formula:
    """The formula of an operation that is written as a function call."""
    args = ", ".join(f"{{{i}}}" for i in range(inputs))
    upright = r"\operatorname{{" + name.replace("_", r"\_") + "}}"
    return Formula(f"{name}({args})", rf"{upright}\left({args}\right)", CALL)


class Case(NamedTuple):
    """Arguments on which to test an operation.

    Attributes:
        inputs: for each input a shape (to be filled from its domain), or an integer or boolean array as it is.
        attrs: its static arguments.
    """

    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class Each:
    """The gradient rule of an operation with any number of inputs: ``rule(i, ct, out, *inputs, **attrs)``.

    Attributes:
        rule: gives the cotangent of input ``i``.
        reads: whether it reads the values of the inputs (their shapes are always there).
    """

    rule: Rule
    reads: bool

    def __iter__(self) -> Iterator[Rule]:
        return (partial(self.rule, i) for i in count())


def adding(into: Callable[..., None]) -> Callable[[Rule], Rule]:
    """Give a rule whose share is zero but for a part a way to add that part alone.

    So taking a tensor apart, piece by piece, costs what the pieces have, not their number times the whole.

    Args:
        into: ``(total, ct, **attrs)``: adds the share of ``ct`` to the array ``total`` in place.
    """

    def give(rule: Rule) -> Rule:
        rule.__dict__["into"] = into
        return rule

    return give


def _parameters(rule: Rule) -> tuple[str, ...]:
    code = rule.__code__
    return code.co_varnames[: code.co_argcount]


def _read_by(rules: Iterable[Rule | None], inputs: int) -> tuple[tuple[bool, ...], bool]:
    """Whether ``rules`` read the value of each input, and whether they read the output's."""
    named = [_parameters(rule) for rule in rules if rule is not None]
    reads = tuple([any(i + 2 < len(p) and not p[i + 2].startswith("_") for p in named) for i in range(inputs)])
    return reads, any(not p[1].startswith("_") for p in named)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Op:
    """A primitive operation, whole. No field has a default: an unfinished operation fails at import.

    Attributes:
        name: the field's standard name.
        forward: arrays and attributes → array. May return a view.
        vjps: one vector-Jacobian product per input, or None where there is no derivative (indices, masks),
            or an :class:`Each`. A rule is called ``(ct, out, *inputs, **attrs)`` and is written in
            operations, so that it runs on tensors (and is recorded) as well as on bare arrays (and is
            fast). **A parameter whose name begins with an underscore is not read**: of it only ``shape``,
            ``ndim`` and ``dtype`` are there, and its value need not be kept in memory.
        shape: shapes and attributes → shape; raises ShapeError before anything runs.
        dtype: dtypes and attributes → dtype; raises DTypeError before anything runs.
        formula: how the forward value is written. Derivatives are derived.
        domain: where it is defined and differentiable.
        flops: (output shape, *input shapes, **attributes) → number of floating-point operations.
        lower: data for native code: a scalar recipe ``(builder, *scalars, **attrs)``, or the name of a
            structured kind ("view", "reduce", "gemm", "gather", "window"), or None: call ``forward``.
        cases: arguments to test it on.
    """

    name: str
    forward: Callable[..., Any]
    vjps: tuple[Rule | None, ...] | Each
    shape: Callable[..., tuple[int, ...]]
    dtype: Callable[..., DType]
    formula: Formula
    domain: Domain
    flops: Callable[..., int]
    lower: Callable[..., Any] | str | None
    cases: tuple[Case, ...]

    reads: tuple[bool, ...] = field(init=False)
    reads_out: bool = field(init=False)
    reads_some: bool = field(init=False)
    unread: dict[int, tuple[tuple[int, ...], bool]] = field(init=False)
    differentiable: bool = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.vjps, Each):
            reads: tuple[bool, ...] = (self.vjps.reads,) * 4096
            reads_out = not _parameters(self.vjps.rule)[2].startswith("_")
        else:
            reads, reads_out = _read_by(self.vjps, len(self.vjps))
        differentiable = isinstance(self.vjps, Each) or any(rule is not None for rule in self.vjps)
        derived: dict[str, Any] = {
            "reads": reads,
            "reads_out": reads_out,
            "reads_some": any(reads),
            "unread": {},
            "differentiable": differentiable,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        ops.add_record(self)

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        """Check the rules, then run: on tensors, and record; or on bare arrays, and do neither.

        ``inputs`` are tensors and Python numbers, or arrays; converting what people pass is the front
        door's task.
        """
        for x in inputs:
            if isinstance(x, Tensor):
                break
        else:
            return self.forward(*inputs, **attrs)
        self.shape(*[x.array.shape if isinstance(x, Tensor) else () for x in inputs], **attrs)
        self.dtype(*[x.array.dtype if isinstance(x, Tensor) else type(x) for x in inputs], **attrs)
        return self.run(inputs, attrs)

    def run(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Tensor:
        """Run on inputs that are known to meet the rules, and record. This is the engine's hottest path."""
        arrays: list[Any] = []
        kept: list[Any] = []
        edges: list[Any] = []
        wanted = False
        constants = 0  # a bit for each input without an edge
        for x, reads in zip(inputs, self.reads):  # noqa: B905 (`strict` would cost a tenth of a call)
            if isinstance(x, Tensor):
                arrays.append(x.array)
                node = x.node
                # What no rule reads need not stay in memory: keep where it came from, not what it was.
                kept.append(x if reads or node is None else node)
                if x.wants_grad:
                    wanted = True
                    edges.append(node or x)
                else:
                    constants |= 1 << len(edges)
                    edges.append(None)
            else:
                constants |= 1 << len(edges)
                arrays.append(x)
                kept.append(x)
                edges.append(None)
        out = self.forward(*arrays, **attrs)
        if type(out) is not _ndarray:
            out = np.asarray(out)
        tensor = _new(Tensor)
        tensor.array = out
        tensor.grad = None
        tensor.node = None
        tensor.wants_grad = wanted = wanted and self.differentiable
        mode = recording.get()
        if mode and (wanted or mode is TRACING):
            if mode is TRACING:
                tensor.node = Node(self, inputs, edges, attrs, out, out.shape, out.dtype, tick(), capture(), scope.get())
            else:
                value = out if self.reads_out else None
                if constants and (self.reads_some or self.reads_out):
                    # The rules of constants never run: in x * 0.5 nothing reads x.
                    known = self.unread.get(constants | 1 << len(edges))
                    unread, reads_out = known or self.unread_beside(constants, edges)
                    for i in unread:
                        x = kept[i]
                        if isinstance(x, Tensor) and x.node is not None:
                            kept[i] = x.node
                    value = out if reads_out else None
                tensor.node = Node(
                    self, kept, edges, attrs or _NONE, value, out.shape, out.dtype, tick(), capture(), scope.get()
                )
        else:
            tensor.wants_grad = False
        return tensor

    def reads_for(self, edges: Sequence[Any]) -> tuple[tuple[bool, ...], bool]:
        """What is read by the rules of those inputs alone that have an edge: see ``reads`` and ``reads_out``."""
        if isinstance(self.vjps, Each):
            return self.reads, self.reads_out
        used = [rule for rule, edge in zip(self.vjps, edges, strict=False) if edge is not None]
        return _read_by(used, len(edges))

    def unread_beside(self, constants: int, edges: Sequence[Any]) -> tuple[tuple[int, ...], bool]:
        """The inputs that only the rules of the ``constants`` read, and whether any other rule reads the output."""
        needed, reads_out = self.reads_for(edges)
        unread = tuple([i for i, (r, n) in enumerate(zip(self.reads, needed, strict=False)) if r and not n])
        self.unread[constants | 1 << len(edges)] = unread, reads_out
        return unread, reads_out

    def __repr__(self) -> str:
        return f"<operation {self.name}>"
