"""One operation, one record: its value, its gradient, its rules, its formula, its cost, its native code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .dtypes import DType
from .graph import Node
from .registry import ops
from .site import capture
from .state import Array, recording, scope, tick
from .tensor import Tensor

Rule = Callable[..., Any]
_new = object.__new__


@dataclass(frozen=True)
class Interval:
    """Where one input may lie: the open interval (low, high), and the points in it without a derivative."""

    low: float = -math.inf
    high: float = math.inf
    kinks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Domain:
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


@dataclass(frozen=True)
class Formula:
    """How an operation is written: ``{0}``, ``{1}`` are its inputs, ``{name}`` its attributes.

    Attributes:
        text: for a terminal, as in ``{0} * {1}``.
        latex: for print, as in ``{0} \\odot {1}``.
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


@dataclass(frozen=True)
class Case:
    """Arguments on which to test an operation.

    Attributes:
        inputs: for each input a shape (to be filled from its domain), or an integer or boolean array as it is.
        attrs: its static arguments.
    """

    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Each:
    """The gradient rule of an operation with any number of inputs: ``rule(i, ct, out, *inputs, **attrs)``.

    Attributes:
        rule: gives the cotangent of input ``i``.
        reads: whether it reads the values of the inputs (their shapes are always there).
    """

    rule: Rule
    reads: bool

    def __getitem__(self, i: int) -> Rule:
        return lambda ct, out, *inputs, **attrs: self.rule(i, ct, out, *inputs, **attrs)


def _parameters(rule: Rule) -> tuple[str, ...]:
    code = rule.__code__
    return code.co_varnames[: code.co_argcount]


@dataclass(frozen=True, eq=False, kw_only=True)
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
    reads_all: bool = field(init=False)
    differentiable: bool = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.vjps, Each):
            reads, reads_out = (self.vjps.reads,) * 64, not _parameters(self.vjps.rule)[2].startswith("_")
        else:
            named = [_parameters(rule) for rule in self.vjps if rule is not None]
            reads = tuple(
                any(i + 2 < len(p) and not p[i + 2].startswith("_") for p in named) for i in range(len(self.vjps))
            )
            reads_out = any(not p[1].startswith("_") for p in named)
        differentiable = isinstance(self.vjps, Each) or any(rule is not None for rule in self.vjps)
        derived = {"reads": reads, "reads_out": reads_out, "reads_all": all(reads), "differentiable": differentiable}
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        ops.add_record(self)

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        """Check the rules, then run: on tensors, and record; or on bare arrays, and do neither.

        ``inputs`` are tensors and Python numbers, or arrays; converting what people pass is the front
        door's task.
        """
        shapes: list[Any] = []
        dtypes: list[Any] = []
        tensors = False
        for x in inputs:
            if isinstance(x, Tensor):
                tensors = True
                array = x.array
                shapes.append(array.shape)
                dtypes.append(array.dtype)
            else:
                shapes.append(())
                dtypes.append(type(x))
        if not tensors:
            return self.forward(*inputs, **attrs)
        self.shape(*shapes, **attrs)
        self.dtype(*dtypes, **attrs)
        return self.run(inputs, attrs)

    def run(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Tensor:
        """Run on inputs that are known to meet the rules, and record. This is the engine's hottest path."""
        arrays: list[Any] = []
        wanted = False
        for x in inputs:
            if isinstance(x, Tensor):
                arrays.append(x.array)
                if x.wants_grad:
                    wanted = True
            else:
                arrays.append(x)
        out = self.forward(*arrays, **attrs)
        if type(out) is not np.ndarray:
            out = np.asarray(out)
        tensor = _new(Tensor)
        tensor.array = out
        tensor.grad = None
        if wanted and self.differentiable and recording.get():
            tensor.node = self.record(inputs, attrs, out)
            tensor.wants_grad = True
        else:
            tensor.node = None
            tensor.wants_grad = False
        return tensor

    def record(self, inputs: tuple[Any, ...], attrs: dict[str, Any], out: Array) -> Node:
        """A node for this call, keeping the values that some derivative will read."""
        if not self.reads_all:
            # What no rule reads need not stay in memory: keep where it came from, not what it was.
            inputs = tuple(
                [
                    x.node if not reads and isinstance(x, Tensor) and x.node is not None else x
                    for x, reads in zip(inputs, self.reads, strict=False)
                ]
            )
        kept = out if self.reads_out else None
        return Node(self, inputs, attrs, kept, out.shape, out.dtype, tick(), capture(), scope.get())

    def __repr__(self) -> str:
        return f"<operation {self.name}>"
