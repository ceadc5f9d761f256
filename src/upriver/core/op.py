"""One operation, one record: its value, its gradient, its rules, its formula, its cost, its native code."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from .dtypes import DType
from .graph import Node
from .registry import ops
from .site import capture
from .state import GRAD, RECORD, TRACING, recorder, recording, scope, tick
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


class Each:
    """The gradient rule of an operation with any number of inputs: ``rule(i, ct, out, *inputs, **attrs)``.

    Attributes:
        rule: gives the cotangent of input ``i``.
        reads: whether it reads the values of the inputs (their shapes are always there).
    """

    def __init__(self, rule: Rule, reads: bool) -> None:
        self.rule, self.reads = rule, reads

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


class Reads(NamedTuple):
    """What gradient rules read.

    Attributes:
        unread: the inputs whose values they do not read.
        out: whether they read the output's.
        some: whether they read any input's.
    """

    unread: tuple[int, ...]
    out: bool
    some: bool


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
        lower: how it is made of primitives, for native code: a recipe ``(m, *inputs, **attrs)`` on whole arrays, in
            the mathematics of ``compile.primitives.maths``; or None: call ``forward``. A recipe returns what
            ``forward`` does, up to rounding, or NotImplemented where ``forward`` is to be called.
        cases: arguments to test it on.
    """

    def __init__(
        self,
        *,
        name: str,
        forward: Callable[..., Any],
        vjps: tuple[Rule | None, ...] | Each,
        shape: Callable[..., tuple[int, ...]],
        dtype: Callable[..., DType],
        formula: Formula,
        domain: Domain,
        flops: Callable[..., int],
        lower: Callable[..., Any] | None,
        cases: tuple[Case, ...],
    ) -> None:
        # Not a dataclass: generating one would be a tenth of what importing this package costs.
        self.name = name
        self.forward = forward
        self.vjps = vjps
        self.shape = shape
        self.dtype = dtype
        self.formula = formula
        self.domain = domain
        self.flops = flops
        self.lower = lower
        self.cases = cases
        self.differentiable = isinstance(vjps, Each) or any(rule is not None for rule in vjps)
        self._reads: dict[int, Reads] = {}
        ops.add_record(self)
        self.frozen = True

    def __setattr__(self, field: str, value: Any) -> None:
        if "frozen" in self.__dict__:
            raise AttributeError(f"the record of {self.name} is frozen: its {field} cannot be set")
        self.__dict__[field] = value

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
        edges: list[Any] = []
        mask = 1  # a leading 1, then a bit for each input: whether a gradient flows to it
        for x in inputs:
            mask += mask
            if isinstance(x, Tensor):
                arrays.append(x.array)
                if x.wants_grad:
                    mask += 1
                    edges.append(x.node or x)
                    continue
            else:
                arrays.append(x)
            edges.append(None)
        out = self.forward(*arrays, **attrs)
        if type(out) is not _ndarray:
            out = np.asarray(out)
        tensor = _new(Tensor)
        tensor.array = out
        tensor.grad = None
        tensor.node = None
        tensor.wants_grad = False
        mode = recording.get()
        if mode > GRAD:
            if mode >= RECORD:
                told = recorder()
                if told is not None:
                    told.ran(self, inputs, attrs, out)
                mode -= RECORD
            if mode == TRACING:
                tensor.wants_grad = mask & (mask - 1) != 0 and self.differentiable
                reads = self.reads(mask, edges)
                tensor.node = Node(
                    self, inputs, edges, attrs, out, reads, out.shape, out.dtype, tick(), capture(), scope.get()
                )
                return tensor
        if mode and mask & (mask - 1) and self.differentiable:
            reads = self._reads.get(mask) or self.reads(mask, edges)
            kept = list(inputs)
            for i in reads.unread:
                # What no rule reads need not stay in memory: keep where it came from, not what it was.
                x = kept[i]
                if isinstance(x, Tensor) and x.node is not None:
                    kept[i] = x.node
            value = out if reads.out else None
            tensor.wants_grad = True
            tensor.node = Node(
                self,
                kept,
                edges,
                attrs or _NONE,
                value,
                reads,
                out.shape,
                out.dtype,
                tick(),
                capture(),
                scope.get(),
            )
        return tensor

    def reads(self, mask: int, edges: Sequence[Any]) -> Reads:
        """What the rules of the inputs with an edge read: the rules of the others never run.

        Args:
            mask: which inputs have an edge, as bits behind a leading 1: what the answer is remembered under.
            edges: for each input its edge, or None.
        """
        n = len(edges)
        if isinstance(self.vjps, Each):
            unread = () if self.vjps.reads else tuple(range(n))
            out = not _parameters(self.vjps.rule)[2].startswith("_")
        else:
            # A rule is called (ct, out, *inputs): its parameters' names tell.
            rules = [r for r, edge in zip(self.vjps, edges, strict=False) if r is not None and edge is not None]
            named = [_parameters(rule) for rule in rules]
            unread = tuple([i for i in range(n) if all(i + 2 >= len(p) or p[i + 2].startswith("_") for p in named)])
            out = any(not p[1].startswith("_") for p in named)
        self._reads[mask] = found = Reads(unread, out, len(unread) < n)
        return found

    def __repr__(self) -> str:
        return f"<operation {self.name}>"
