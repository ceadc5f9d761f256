"""Arithmetic, powers, exponentials, logarithms and choosing: entry by entry, each one record.

Rules are written ``(ct, y, x, ...)``: cotangent, output, inputs; a leading underscore says that the value
is not read. Derivatives: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), ch. 3, 4, 7.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..core import state
from ..core.dtypes import get_default_dtype
from ..core.op import CALL, POWER, PREFIX, PRODUCT, REALS, SUM, Case, Domain, Formula, Interval, Op, call
from ..core.registry import front_door, ops
from ..core.tensor import Tensor
from ..errors import ArgumentError, DTypeError, joined
from .align import align, number, same_dtype
from .checks import check_none, check_range
from .erf import erf as erf_kernel

Shape = tuple[int, ...]
POSITIVE = Domain((Interval(low=0.0),))


def floating(*dtypes: Any, **_: Any) -> Any:
    """The rule of operations on floats: integers have been converted before."""
    return dtypes[0]


def boolean(*_: Any, **__: Any) -> Any:
    """The rule of operations that answer yes or no."""
    return np.dtype(np.bool_)


class Elementwise(Op):
    """An operation that works entry by entry: operands are made to agree first."""

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        array = None
        for x in inputs:
            if isinstance(x, Tensor):
                other = x.array
                if array is None:
                    if other.dtype.kind != "f":
                        break
                    array = other
                elif other.dtype is not array.dtype or other.shape != array.shape:
                    break
            elif type(x) is not float and type(x) is not int:
                break
        else:
            if array is not None:
                # Nearly every call: floats of one dtype and one shape, and Python numbers.
                return self.run(inputs, attrs)
        if not any([isinstance(x, Tensor) for x in inputs]):
            return self.forward(*inputs, **attrs)  # bare arrays: a gradient rule that nobody records
        operands = tuple(align(self.name, inputs, self.dtype is floating))
        try:
            return self.run(operands, attrs)
        except DTypeError:
            raise
        except TypeError as error:  # NumPy has no such kernel, as for the difference of booleans
            dtypes = joined([str(x.dtype) for x in operands if isinstance(x, Tensor)])
            raise DTypeError(
                f"{self.name}: not defined for {dtypes}", "Convert first: x.float(); for booleans there are ~, & and ^."
            ) from error


class Whole(Elementwise):
    """An operation that integers have no result of for every second operand: for 0, or for what is below it."""

    def run(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Tensor:
        if state.recorder() is not None and not floats(*inputs):
            if self.name == "pow":
                check_range(inputs[1], 0, None)
            else:
                check_none(inputs[1], 0)
        return super().run(inputs, attrs)


def equal_shapes(s: Shape, *_: Shape, **__: Any) -> Shape:
    """The shape rule of operations whose operands agree."""
    return s


def one_flop(out: Shape, *_: Any, **__: Any) -> int:
    """The cost of one operation per entry."""
    return math.prod(out)


def elementwise(
    name: str,
    forward: Any,
    *vjps: Any,
    formula: Formula,
    lower: Any,
    domain: Domain = REALS,
    dtype: Any = floating,
    attrs: tuple[dict[str, Any], ...] = ({},),
    kind: type[Elementwise] = Elementwise,
) -> Elementwise:
    """A record of this family: equal shapes in, the same shape out, about one operation per entry."""
    n = len(vjps)
    shapes: tuple[Shape, ...] = ((2, 3), (), (0, 2), (1,))
    return kind(
        name=name,
        forward=forward,
        vjps=vjps,
        shape=equal_shapes,
        dtype=dtype,
        formula=formula,
        domain=domain,
        flops=one_flop,
        lower=lower,
        cases=tuple(Case((s,) * n, a) for a in attrs for s in (shapes if a is attrs[0] else shapes[:1])),
    )


def _zero(ct: Any, _y: Any, *_: Any) -> Any:
    """The derivative of a step: nothing flows."""
    return ct * 0.0


# Arithmetic.

add = elementwise(
    "add", np.add,
    lambda ct, _y, _a, _b: ct,
    lambda ct, _y, _a, _b: ct,
    formula=Formula("{0} + {1}", "{0} + {1}", SUM), lower=lambda m, a, b: a + b, dtype=same_dtype,
)  # fmt: skip
sub = elementwise(
    "sub", np.subtract,
    lambda ct, _y, _a, _b: ct,
    lambda ct, _y, _a, _b: -ct,
    formula=Formula("{0} - {1}", "{0} - {1}", SUM), lower=lambda m, a, b: a - b, dtype=same_dtype,
)  # fmt: skip
mul = elementwise(
    "mul", np.multiply,
    lambda ct, _y, _a, b: ct * b,
    lambda ct, _y, a, _b: ct * a,
    formula=Formula("{0} * {1}", r"{0} \odot {1}", PRODUCT), lower=lambda m, a, b: a * b, dtype=same_dtype,
)  # fmt: skip
div = elementwise(
    "div", np.true_divide,
    lambda ct, _y, _a, b: ct / b,
    lambda ct, y, _a, b: -ct * y / b,
    formula=Formula("{0} / {1}", r"\frac{{{0}}}{{{1}}}", PRODUCT), lower=lambda m, a, b: a / b,
    domain=Domain((Interval(), Interval(low=0.0))),
)  # fmt: skip
neg = elementwise(
    "neg", np.negative, lambda ct, _y, _x: -ct,
    formula=Formula("-{0}", "-{0}", PREFIX), lower=lambda m, x: -x, dtype=same_dtype,
)  # fmt: skip


def floats(*operands: Any) -> bool:
    """Whether one of the operands of a recipe is a float."""
    return any(isinstance(x, float) or getattr(x, "dtype", np.dtype(np.int64)).kind == "f" for x in operands)


def _pow(x: Any, p: Any) -> Any:
    whole = isinstance(x, int) or (isinstance(x, np.ndarray) and x.dtype.kind in "iu")
    if whole and np.result_type(x, p).kind in "iu" and np.min(p, initial=0) < 0:
        raise DTypeError("pow: an integer to a negative power is no integer", "Convert first: x.float() ** -1.")
    return operator.pow(x, p) if isinstance(x, np.ndarray) else np.power(np.asarray(x, np.asarray(p).dtype), p)


def _pow_base(ct: Any, _y: Any, x: Any, p: Any) -> Any:
    if isinstance(p, (int, float)):
        # x⁰ is constant, also where x⁻¹ would be infinite; x² and x³ need no general power.
        return ct * 0.0 if p == 0 else ct if p == 1 else ct * (p * x) if p == 2 else ct * (p * pow(x, p - 1))
    # p xᵖ⁻¹ at p = 0 is 0, also where x = 0; elsewhere its own derivative by p, x⁻¹, must not be lost.
    return ct * (p * pow(where((x == 0.0) & (p == 0.0), 1.0, x), p - 1.0))


def _pow_exponent(ct: Any, y: Any, x: Any, p: Any) -> Any:
    if isinstance(x, (int, float)):
        return ct * y * (math.log(x) if x > 0 else 0.0 if x == 0 else math.nan)
    return ct * where(x == 0.0, 0.0, y * log(where(x == 0.0, 1.0, x)))  # lim xᵖ log x = 0 for p > 0


pow = elementwise(  # noqa: A001
    "pow", _pow, _pow_base, _pow_exponent,
    formula=Formula("{0}**{1}", "{0}^{{{1}}}", POWER), dtype=same_dtype, kind=Whole,
    lower=lambda m, x, p: m.pow(x, p) if floats(x, p) else NotImplemented,
    domain=Domain((Interval(low=0.0), Interval())),
)  # fmt: skip


def _whole_part(kernel: Any, name: str) -> Any:
    """``kernel`` of integers and floats; what is not defined is an error, since no integer could say NaN."""

    def forward(a: Any, b: Any) -> Any:
        if np.asarray(a).dtype.kind in "iub" and np.asarray(b).dtype.kind in "iub" and np.size(a) and not np.all(b):
            raise ArgumentError(f"{name}: an integer divided by 0", "Mask the zeros, or convert first: x.float().")
        return kernel(a, b)

    return forward


def _may_be_zero(divisor: Any) -> bool:
    """Whether a recipe has to leave the division to ``forward``, which raises where an integer is divided by 0."""
    return divisor == 0 if isinstance(divisor, int) else not floats(divisor)


remainder = elementwise(
    "remainder", _whole_part(np.remainder, "remainder"),
    lambda ct, _y, _a, _b: ct,
    lambda ct, _y, a, b: -ct * floor(a / b),
    formula=Formula("{0} % {1}", r"{0} \bmod {1}", PRODUCT), dtype=same_dtype, kind=Whole,
    lower=lambda m, a, b: NotImplemented if _may_be_zero(b) else a % b,
    domain=Domain((Interval(0.1, 0.4), Interval(0.5, 0.9)), ties="jumps at multiples of the divisor"),
)  # fmt: skip
floor_divide = elementwise(
    "floor_divide", _whole_part(np.floor_divide, "floor_divide"), _zero, _zero,
    formula=Formula("{0} // {1}", r"\left\lfloor {0} / {1} \right\rfloor", PRODUCT), dtype=same_dtype, kind=Whole,
    lower=lambda m, a, b: NotImplemented if _may_be_zero(b) else a // b,
    domain=Domain((Interval(0.1, 0.4), Interval(0.5, 0.9)), ties="jumps at multiples of the divisor"),
)  # fmt: skip
maximum = elementwise(
    "maximum", np.maximum,
    lambda ct, _y, a, b: where(a == b, ct * 0.5, ct * (a > b)),
    lambda ct, _y, a, b: where(a == b, ct * 0.5, ct * (b > a)),
    formula=call("max", 2), lower=lambda m, a, b: m.maximum(a, b), dtype=same_dtype,
    domain=Domain(ties="where both are equal each gets half", distinct=True),
)  # fmt: skip
minimum = elementwise(
    "minimum", np.minimum,
    lambda ct, _y, a, b: where(a == b, ct * 0.5, ct * (a < b)),
    lambda ct, _y, a, b: where(a == b, ct * 0.5, ct * (b < a)),
    formula=call("min", 2), lower=lambda m, a, b: m.minimum(a, b), dtype=same_dtype,
    domain=Domain(ties="where both are equal each gets half", distinct=True),
)  # fmt: skip
abs = elementwise(  # noqa: A001
    "abs", np.abs, lambda ct, _y, x: ct * sign(x),
    formula=Formula("abs({0})", r"\left|{0}\right|", CALL), lower=lambda m, x: m.fabs(x), dtype=same_dtype,
    domain=Domain((Interval(kinks=(0.0,)),), ties="the derivative at 0 is 0"),
)  # fmt: skip


def _rint(x: Any) -> Any:
    return np.rint(x) if x.dtype.kind == "f" else x.copy()  # rint would make integers floats


def _step(name: str, forward: Any, latex: str, lower: Any) -> Elementwise:
    return elementwise(
        name, forward, _zero, formula=Formula(f"{name}({{0}})", latex, CALL), lower=lower, dtype=same_dtype,
        domain=Domain((Interval(0.1, 0.4),), ties="the derivative is 0, also at the jumps"),
    )  # fmt: skip


sign: Elementwise = _step(
    "sign", np.sign, r"\operatorname{{sign}} {0}", lambda m, x: m.where(x > 0, 1, m.where(x < 0, -1, x * 0))
)
floor: Elementwise = _step("floor", np.floor, r"\left\lfloor {0} \right\rfloor", lambda m, x: m.floor(x))
ceil = _step("ceil", np.ceil, r"\left\lceil {0} \right\rceil", lambda m, x: m.ceil(x))
round = _step("round", _rint, r"\operatorname{{round}} {0}", lambda m, x: m.rint(x))  # noqa: A001
trunc = _step("trunc", np.trunc, r"\operatorname{{trunc}} {0}", lambda m, x: m.trunc(x))


# Powers, exponentials, logarithms.


def function(name: str, forward: Any, vjp: Any, latex: str, lower: Any, domain: Domain = REALS) -> Elementwise:
    """A record of one input, written as a call of its name."""
    return elementwise(name, forward, vjp, formula=Formula(f"{name}({{0}})", latex, CALL), lower=lower, domain=domain)


exp = function("exp", np.exp, lambda ct, y, _x: ct * y, "e^{{{0}}}", lambda m, x: m.exp(x))
exp2 = function("exp2", np.exp2, lambda ct, y, _x: ct * y * math.log(2), "2^{{{0}}}", lambda m, x: m.exp2(x))
expm1 = function(
    "expm1", np.expm1, lambda ct, y, _x: ct * (y + 1.0), r"\left(e^{{{0}}} - 1\right)", lambda m, x: m.expm1(x)
)  # fmt: skip
log = function("log", np.log, lambda ct, _y, x: ct / x, r"\ln {0}", lambda m, x: m.log(x), POSITIVE)
log2 = function(
    "log2", np.log2, lambda ct, _y, x: ct / (x * math.log(2)), r"\log_2 {0}", lambda m, x: m.log2(x), POSITIVE
)
log10 = function(
    "log10", np.log10, lambda ct, _y, x: ct / (x * math.log(10)), r"\log_{{10}} {0}", lambda m, x: m.log10(x), POSITIVE
)
log1p = function(
    "log1p", np.log1p, lambda ct, _y, x: ct / (x + 1.0), r"\ln\left(1 + {0}\right)", lambda m, x: m.log1p(x),
    Domain((Interval(low=-1.0),)),
)  # fmt: skip
sqrt = function("sqrt", np.sqrt, lambda ct, y, _x: ct * 0.5 / y, r"\sqrt{{{0}}}", lambda m, x: m.sqrt(x), POSITIVE)
rsqrt = function(
    "rsqrt", lambda x: 1.0 / np.sqrt(x), lambda ct, y, x: ct * -0.5 * y / x, r"\frac{{1}}{{\sqrt{{{0}}}}}",
    lambda m, x: 1.0 / m.sqrt(x), POSITIVE,
)  # fmt: skip
reciprocal = function(
    "reciprocal", lambda x: 1.0 / x, lambda ct, y, _x: -ct * y * y, r"\frac{{1}}{{{0}}}", lambda m, x: 1.0 / x, POSITIVE
)
square = elementwise(
    "square", np.square, lambda ct, _y, x: ct * (2.0 * x),
    formula=Formula("{0}**2", "{0}^2", POWER), lower=lambda m, x: x * x, dtype=same_dtype,
)  # fmt: skip
erf = function(
    "erf", erf_kernel, lambda ct, _y, x: ct * (2.0 / math.sqrt(math.pi) * exp(-(x * x))),
    r"\operatorname{{erf}} {0}", lambda m, x: m.erf(x),
)  # fmt: skip

# Choosing.

_where = Op(
    name="where",
    forward=np.where,
    vjps=(None, lambda ct, _y, c, _a, _b: where(c, ct, 0.0), lambda ct, _y, c, _a, _b: where(c, 0.0, ct)),
    shape=lambda c, a, b: c,
    dtype=lambda c, a, b: a if isinstance(a, np.dtype) else b,
    formula=Formula("where({0}, {1}, {2})", r"\begin{{cases}}{1} & {0}\\{2} & \text{{else}}\end{{cases}}", CALL),
    domain=REALS,
    flops=one_flop,
    lower=lambda m, c, a, b: m.where(c, a, b),
    cases=(
        Case((np.array([[True, False, True], [False, True, False]]), (2, 3), (2, 3))),
        Case((np.array(True), (), ())),
    ),
)


@front_door
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds, ``other`` elsewhere; all three broadcast together.

    The entries not chosen get no gradient, whatever their value (so ``where(x > 0, log(x), 0)`` is safe
    forward; backward it is not: mask the input too, ``log(where(x > 0, x, 1))``).

    Args:
        condition: booleans.
        input: a tensor or a number.
        other: a tensor or a number.

    Returns:
        Of the shape that all three broadcast to. Of a condition alone, the positions where it holds: an index for
        each dimension, as :func:`nonzero` with ``as_tuple=True``.

    Raises:
        ArgumentError: one of ``input`` and ``other`` is missing.
        DTypeError: the condition is not boolean.
        ShapeError: the three do not broadcast.

    Example:
        >>> import upriver as ur
        >>> ur.where(ur.tensor([True, False]), 1.0, ur.tensor([5.0, 6.0])).tolist()
        [1.0, 6.0]
    """
    operands = (condition, input, other)
    if input is None or other is None:
        if input is not other:
            raise ArgumentError("where: input or other is missing", "Give both, or the condition alone.")
        return ops.nonzero(condition, as_tuple=True)
    if not any(isinstance(x, Tensor) for x in operands):
        return np.where(*operands)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = Tensor(input, dtype=None)  # noqa: A001
    c = condition if isinstance(condition, Tensor) else Tensor(np.asarray(condition))
    if c.dtype.kind != "b":
        raise DTypeError(f"where: the condition has dtype {c.dtype}, not bool", "Compare first, as in x > 0.")
    a, b = align("where", (input, other), to_float=False)
    shape = c.shape
    for x in (a, b):
        if isinstance(x, Tensor) and x.shape != shape:
            c, a, b = _one_shape(c, a, b)
            break
    return _where(c, a, b)


def _one_shape(*operands: Any) -> list[Any]:
    from .align import broadcast_shapes, expand

    shape = broadcast_shapes("where", *[x.shape for x in operands if isinstance(x, Tensor)])
    return [expand(x, shape) if isinstance(x, Tensor) else x for x in operands]


@front_door
def masked_fill(x: Any, mask: Any, value: float) -> Tensor:
    """``x`` with ``value`` wherever ``mask`` holds.

    Args:
        x: any shape.
        mask: booleans that broadcast to it.
        value: a number.

    Example:
        >>> import upriver as ur
        >>> ur.ones(2).masked_fill(ur.tensor([True, False]), -1.0).tolist()
        [-1.0, 1.0]
    """
    return where(mask, number(value), x)


def _clamp_recipe(m: Any, x: Any, low: float | None, high: float | None) -> Any:
    x = x if low is None else m.maximum(x, low)
    return x if high is None else m.minimum(x, high)


_clamp = elementwise(
    "clamp",
    lambda x, min, max: np.clip(x, min, max),
    lambda ct, _y, x, min, max: ct * _inside(x, min, max),
    formula=Formula("clamp({0}, {min}, {max})", r"\operatorname{{clamp}}\left({0}, {min}, {max}\right)", CALL),
    lower=lambda m, x, min, max: _clamp_recipe(m, x, min, max),
    dtype=same_dtype,
    domain=Domain((Interval(kinks=(-0.5, 0.5)),), ties="the derivative at a bound is 1"),
    attrs=({"min": -0.5, "max": 0.5},),
)


def _inside(x: Any, low: float | None, high: float | None) -> Any:
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) & (x <= high)


@front_door
def clamp(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """``x`` brought into [min, max]; a bound may be None, a number or a tensor.

    Args:
        x: any shape.
        min: the lower bound, or None.
        max: the upper bound, or None.

    Raises:
        ArgumentError: both bounds are None.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([-2.0, 0.5, 9.0]).clamp(0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    if min is None and max is None:
        raise ArgumentError("clamp: neither bound is given", "Give min, max or both.")
    low, high = number(min), number(max)
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        x = x if low is None else maximum(x, low)
        return x if high is None else minimum(x, high)
    if x.dtype.kind != "f" and (isinstance(low, float) or isinstance(high, float)):
        x = x.cast(get_default_dtype())
    return _clamp(x, min=low, max=high)


@front_door
def clip(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """:func:`clamp` under NumPy's name for it.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([-2.0, 0.5, 2.0]).clip(-1.0, 1.0).tolist()
        [-1.0, 0.5, 1.0]
    """
    return clamp(x, min, max)


@front_door
def lerp(start: Any, end: Any, weight: Any) -> Tensor:
    """``start + weight * (end - start)``: the point that far on the way.

    Args:
        start: where 0 leads.
        end: where 1 leads.
        weight: how far, a number or a tensor.

    Example:
        >>> import upriver as ur
        >>> ur.lerp(ur.tensor([0.0, 10.0]), ur.tensor([10.0, 20.0]), 0.5).tolist()
        [5.0, 15.0]
    """
    return start + weight * (end - start)
