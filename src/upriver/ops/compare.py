"""Comparisons and logic, entry by entry: answers are booleans, and no gradient flows through them."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..core.dtypes import DType
from ..core.op import COMPARISON, PREFIX, REALS, Case, Formula, call
from ..core.registry import front_door
from ..core.state import read_by_python
from ..core.tensor import Tensor, as_tensor
from ..errors import DTypeError
from .align import same_dtype
from .elementwise import Elementwise, boolean, elementwise, equal_shapes, one_flop


def _compare(name: str, forward: Any, text: str, latex: str, lower: Any) -> Elementwise:
    formula = Formula(f"{{0}} {text} {{1}}", f"{{0}} {latex} {{1}}", COMPARISON)
    return elementwise(name, forward, None, None, formula=formula, lower=lower, dtype=boolean)


eq = _compare("eq", np.equal, "==", "=", lambda m, a, b: a == b)
ne = _compare("ne", np.not_equal, "!=", r"\neq", lambda m, a, b: a != b)
lt = _compare("lt", np.less, "<", "<", lambda m, a, b: a < b)
le = _compare("le", np.less_equal, "<=", r"\leq", lambda m, a, b: a <= b)
gt = _compare("gt", np.greater, ">", ">", lambda m, a, b: a > b)
ge = _compare("ge", np.greater_equal, ">=", r"\geq", lambda m, a, b: a >= b)

# What kind of number it is.


def _ask(name: str, forward: Any, lower: Any) -> Elementwise:
    return elementwise(name, forward, None, formula=call(name), lower=lower, dtype=boolean)


isnan = _ask("isnan", np.isnan, lambda m, x: x != x)
isinf = _ask("isinf", np.isinf, lambda m, x: m.fabs(x) == float("inf"))
isfinite = _ask("isfinite", np.isfinite, lambda m, x: m.fabs(x) < float("inf"))

# Logic on truth: anything that is not 0 is true.

logical_and = elementwise(
    "logical_and", np.logical_and, None, None, dtype=boolean,
    formula=Formula("({0} and {1})", r"\left({0} \land {1}\right)", PREFIX),
    lower=lambda m, a, b: m.truth(a) & m.truth(b),
)  # fmt: skip
logical_or = elementwise(
    "logical_or", np.logical_or, None, None, dtype=boolean,
    formula=Formula("({0} or {1})", r"\left({0} \lor {1}\right)", PREFIX),
    lower=lambda m, a, b: m.truth(a) | m.truth(b),
)  # fmt: skip
logical_xor = elementwise(
    "logical_xor", np.logical_xor, None, None, dtype=boolean,
    formula=Formula("({0} xor {1})", r"\left({0} \oplus {1}\right)", PREFIX),
    lower=lambda m, a, b: m.truth(a) ^ m.truth(b),
)  # fmt: skip
logical_not = elementwise(
    "logical_not", np.logical_not, None, dtype=boolean,
    formula=Formula("not {0}", r"\lnot {0}", PREFIX), lower=lambda m, x: ~m.truth(x),
)  # fmt: skip

# Logic on bits.


def _bits_dtype(*dtypes: Any, **_: Any) -> DType:
    for d in dtypes:
        if d is builtins.float or getattr(d, "kind", "i") == "f":
            raise DTypeError(
                "&, |, ^ and ~ work on booleans and integers, not on floats",
                "Compare first, as in (x > 0) & (y > 0), or use logical_and, logical_or, logical_not.",
            )
    return same_dtype(*dtypes)


_TRUE, _BITS = np.array([True, False, True, False]), np.array([6, 1, -3, 0])


class _Bitwise(Elementwise):
    """An operation on booleans and integers: nothing is recorded, and floats are refused first."""

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        _bits_dtype(*[x.dtype if isinstance(x, (Tensor, np.ndarray)) else type(x) for x in inputs])
        return super().__call__(*inputs, **attrs)


def _bitwise(name: str, forward: np.ufunc, text: str, latex: str, lower: Any) -> _Bitwise:
    n = forward.nin
    return _Bitwise(
        name=name,
        forward=forward,
        vjps=(None,) * n,
        shape=equal_shapes,
        dtype=_bits_dtype,
        formula=Formula(text, latex, PREFIX),
        domain=REALS,
        flops=one_flop,
        lower=lower,
        cases=(Case((_TRUE, _TRUE[::-1].copy())[:n]), Case((_BITS, _BITS[::-1].copy())[:n])),
    )


bitwise_and = _bitwise(
    "bitwise_and", np.bitwise_and, "({0} & {1})", r"\left({0} \land {1}\right)", lambda m, a, b: a & b
)
bitwise_or = _bitwise("bitwise_or", np.bitwise_or, "({0} | {1})", r"\left({0} \lor {1}\right)", lambda m, a, b: a | b)
bitwise_xor = _bitwise(
    "bitwise_xor", np.bitwise_xor, "({0} ^ {1})", r"\left({0} \oplus {1}\right)", lambda m, a, b: a ^ b
)
bitwise_not = _bitwise("bitwise_not", np.bitwise_not, "~{0}", r"\lnot {0}", lambda m, x: ~x)

# Whether two tensors are the same.


@front_door
def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Entry by entry whether |input − other| ≤ atol + rtol · |other|.

    Example:
        >>> import upriver as ur
        >>> ur.isclose(ur.tensor([1.0, 2.0]), ur.tensor([1.0, 2.1])).tolist()
        [True, False]
    """
    a, b = as_tensor(input), as_tensor(other)
    read_by_python(a.array, "isclose")
    read_by_python(b.array, "isclose")
    return as_tensor(np.asarray(np.isclose(a.array, b.array, rtol=rtol, atol=atol, equal_nan=equal_nan)))


@front_door
def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all entries are close; see :func:`isclose`.

    Example:
        >>> import upriver as ur
        >>> ur.allclose(ur.tensor([1.0]), ur.tensor([1.0 + 1e-9]))
        True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@front_door
def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and the same values.

    Example:
        >>> import upriver as ur
        >>> ur.equal(ur.tensor([1.0, 2.0]), ur.tensor([1.0, 2.0]))
        True
    """
    a, b = as_tensor(input), as_tensor(other)
    read_by_python(a.array, "equal")
    read_by_python(b.array, "equal")
    return bool(np.array_equal(a.array, b.array))
