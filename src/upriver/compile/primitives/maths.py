"""The mathematics that recipes are written in: each function makes a primitive, or a few.

An operation's ``lower(m, *inputs, **attrs)`` gets a :class:`Maths` and terms (or Python numbers), and returns a
term: ``lambda m, x: m.maximum(x, 0.0)``. Shapes broadcast and dtypes combine as NumPy's do, by primitives that are
in the graph: a Python number imposes no dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.dtypes import DType
from ...core.state import Array
from .prims import Prim, Shape
from .terms import Term

_BOOL, _INT, _FLOAT = np.dtype(np.bool_), np.dtype(np.int64), np.dtype(np.float64)
_ANSWERS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
_FLOATS = frozenset(
    {"div", "sqrt", "exp", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos", "tan", "asin", "acos", "atan"}
    | {"atan2", "sinh", "cosh", "asinh", "acosh", "atanh"}
)


def _function(fn: str) -> Callable[..., Term]:
    def method(self: Maths, *args: Any) -> Term:
        return self.map(fn, *args)

    method.__doc__ = f"The map ``{fn}``, entry by entry."
    return method


def _rounding(fn: str) -> Callable[[Maths, Term], Term]:
    def method(self: Maths, x: Term) -> Term:
        return self.map(fn, x) if x.dtype.kind == "f" else x  # an integer is whole

    method.__doc__ = f"The map ``{fn}``; integers as they are."
    return method


class Maths:
    """What recipes are written with.

    Attributes:
        origin: the instruction whose recipe runs; every primitive made bears it.
        made: the primitives made so far.

    Example:
        >>> import numpy as np
        >>> m = Maths()
        >>> x = m.full((2, 3), 1.0, np.float32)
        >>> (m.exp(x) * 0.5).prim
        <map mul [2, 3] float32>
    """

    def __init__(self, origin: Any = None) -> None:
        self.origin = origin
        self.made: list[Prim] = []

    def term(self, kind: str, args: Sequence[Term], shape: Shape, dtype: DType, **attrs: Any) -> Term:
        """A new primitive, as a term."""
        prim = Prim(kind, tuple([x.prim for x in args]), shape, dtype, attrs, self.origin)
        self.made.append(prim)
        return Term(self, prim)

    # Entry by entry.

    def number(self, value: Any, dtype: Any) -> Term:
        """A number of that dtype, of no dimensions."""
        with np.errstate(over="ignore"):
            return self.term("number", (), (), np.dtype(dtype), value=np.asarray(value).astype(dtype).item())

    def cast(self, x: Any, dtype: Any) -> Term:
        """``x`` (a term or a number) converted to ``dtype``."""
        if not isinstance(x, Term):
            return self.number(x, dtype)
        if x.dtype == dtype:
            return Term(self, x.prim)
        if x.prim.kind == "number":
            return self.number(x.prim.attrs["value"], dtype)
        return self.term("map", (x,), x.shape, np.dtype(dtype), fn="cast")

    def map(self, fn: str, *args: Any) -> Term:
        """The map ``fn`` of terms and numbers, made to agree."""
        lead, rest = (args[:1], args[1:]) if fn == "where" else ((), args)
        dtype, weak = _common(rest)
        if fn in _FLOATS and dtype.kind != "f":
            dtype = _FLOAT
        if fn in _ANSWERS and dtype.kind in "iu":
            dtype = _INT  # the answer is the same, and kernels know one kind of integers
        operands = [*[self.cast(x, _BOOL) for x in lead], *[self.cast(x, dtype) for x in rest]]
        shape = np.broadcast_shapes(*[x.shape for x in operands])
        operands = [self.expand(x, shape) if x.shape else x for x in operands]
        out = self.term("map", operands, shape, _BOOL if fn in _ANSWERS else dtype, fn=fn)
        out.weak = weak
        return out

    exp, expm1, log, log1p = _function("exp"), _function("expm1"), _function("log"), _function("log1p")
    sqrt, tanh, erf, atan2 = _function("sqrt"), _function("tanh"), _function("erf"), _function("atan2")
    sin, cos, tan = _function("sin"), _function("cos"), _function("tan")
    asin, acos, atan = _function("asin"), _function("acos"), _function("atan")
    sinh, cosh = _function("sinh"), _function("cosh")
    asinh, acosh, atanh = _function("asinh"), _function("acosh"), _function("atanh")
    maximum, minimum, where, fabs = _function("max"), _function("min"), _function("where"), _function("abs")
    floor, ceil, rint, trunc = _rounding("floor"), _rounding("ceil"), _rounding("rint"), _rounding("trunc")

    def exp2(self, x: Any) -> Term:
        """2 to the power of ``x``."""
        return self.exp(x * math.log(2.0))

    def log2(self, x: Any) -> Term:
        """The logarithm to base 2."""
        return self.log(x) * (1.0 / math.log(2.0))

    def log10(self, x: Any) -> Term:
        """The logarithm to base 10."""
        return self.log(x) * (1.0 / math.log(10.0))

    def pow(self, x: Any, p: Any) -> Any:
        """``x`` to the power ``p``; as a product, a root or a quotient where ``p`` is a number that allows it."""
        if isinstance(p, (int, float)):
            if p in (1, 2, 3):
                return x if p == 1 else x * x if p == 2 else x * x * x
            if p in (0.5, -1) and x.dtype.kind == "f":
                return self.sqrt(x) if p == 0.5 else 1.0 / x
        return self.map("pow", x, p)

    def truth(self, x: Term) -> Term:
        """Whether each entry is not 0."""
        return x if x.dtype == _BOOL else x != 0

    # Reductions and running ones.

    def reduce(self, fn: str, x: Term, dims: Any, keepdim: bool = False) -> Term:
        """``x`` reduced over ``dims``: None for all, a number or several."""
        chosen = _dims(dims, x.ndim)
        kept = tuple([1 if i in chosen else n for i, n in enumerate(x.shape)])
        run = tuple([i for i in chosen if x.shape[i] != 1])
        out = self.term("reduce", (x,), kept, x.dtype, fn=fn, dims=run) if run else x
        return out if keepdim else self.reshape(out, tuple([n for i, n in enumerate(x.shape) if i not in chosen]))

    def sum(self, x: Term, dims: Any = None, keepdim: bool = False) -> Term:
        """The sum over ``dims``."""
        return self.reduce("add", self.cast(x, _INT) if x.dtype == _BOOL else x, dims, keepdim)

    def prod(self, x: Term, dims: Any = None, keepdim: bool = False) -> Term:
        """The product over ``dims``."""
        return self.reduce("mul", self.cast(x, _INT) if x.dtype == _BOOL else x, dims, keepdim)

    def mean(self, x: Term, dims: Any = None, keepdim: bool = False) -> Term:
        """The mean over ``dims``; of nothing, NaN."""
        return self.sum(x, dims, keepdim) / float(math.prod([x.shape[d] for d in _dims(dims, x.ndim)]))

    def max(self, x: Term, dims: Any = None, keepdim: bool = False) -> Term:
        """The largest entry over ``dims``; NaN if any is."""
        return self.reduce("max", x, dims, keepdim)

    def min(self, x: Term, dims: Any = None, keepdim: bool = False) -> Term:
        """The smallest entry over ``dims``; NaN if any is."""
        return self.reduce("min", x, dims, keepdim)

    def any(self, x: Term, dims: Any = None, keepdim: bool = False) -> Term:
        """Whether any entry over ``dims`` is not 0."""
        return self.reduce("or", self.truth(x), dims, keepdim)

    def all(self, x: Term, dims: Any = None, keepdim: bool = False) -> Term:
        """Whether no entry over ``dims`` is 0."""
        return self.reduce("and", self.truth(x), dims, keepdim)

    def scan(self, fn: str, x: Term, dim: int, reverse: bool = False) -> Term:
        """Everything up to an entry (from it on, if ``reverse``) along ``dim``, reduced."""
        return self.term("scan", (x,), x.shape, x.dtype, fn=fn, dim=dim, reverse=reverse) if x.ndim else x

    # The same entries elsewhere.

    def reshape(self, x: Term, shape: Shape) -> Term:
        """``x`` in another shape of as many entries."""
        return x if x.shape == shape else self.term("reshape", (x,), tuple(shape), x.dtype)

    def permute(self, x: Term, dims: Shape) -> Term:
        """``x`` with its dimensions in another order."""
        if tuple(dims) == tuple(range(x.ndim)):
            return x
        return self.term("permute", (x,), tuple([x.shape[d] for d in dims]), x.dtype, dims=tuple(dims))

    def transpose(self, x: Term) -> Term:
        """``x`` with its last two dimensions exchanged."""
        n = x.ndim
        return self.permute(x, (*range(n - 2), n - 1, n - 2))

    def expand(self, x: Term, shape: Shape) -> Term:
        """``x`` repeated to ``shape``, along dimensions of length 1 and new ones in front."""
        x = self.reshape(x, (1,) * (len(shape) - x.ndim) + x.shape)
        return x if x.shape == shape else self.term("expand", (x,), tuple(shape), x.dtype)

    def slice(self, x: Term, starts: Shape, shape: Shape, steps: Shape | None = None) -> Term:
        """The entries from ``starts`` on in ``steps`` (which may be negative), so many that ``shape`` is filled."""
        steps = (1,) * x.ndim if steps is None else tuple(steps)
        if tuple(shape) == x.shape and not any(starts) and all(s == 1 for s in steps):
            return x
        return self.term("slice", (x,), tuple(shape), x.dtype, starts=tuple(starts), steps=steps)

    def place(self, x: Term, starts: Shape, shape: Shape, steps: Shape | None = None) -> Term:
        """Zeros of ``shape`` with ``x`` put where :meth:`slice` would take it from."""
        steps = (1,) * x.ndim if steps is None else tuple(steps)
        if tuple(shape) == x.shape and not any(starts) and all(s == 1 for s in steps):
            return x
        return self.term("place", (x,), tuple(shape), x.dtype, starts=tuple(starts), steps=steps)

    def concat(self, parts: Sequence[Term], dim: int) -> Term:
        """The parts one after the other along ``dim``."""
        full = [x for x in parts if x.shape[dim]] or list(parts[:1])
        if len(full) == 1:
            return full[0]
        shape = list(full[0].shape)
        shape[dim] = sum([x.shape[dim] for x in full])
        return self.term("concat", full, tuple(shape), full[0].dtype, dim=dim)

    # Made of nothing.

    def full(self, shape: Shape, value: Any, dtype: Any) -> Term:
        """One number everywhere."""
        return self.expand(self.number(value, dtype), shape)

    def iota(self, shape: Shape, dim: int) -> Term:
        """For each entry its position along ``dim``, int64."""
        return self.term("iota", (), tuple(shape), _INT, dim=dim)

    def constant(self, array: Array) -> Term:
        """An array that is always the same."""
        return self.term("constant", (), array.shape, array.dtype, array=array)

    def draw(self, fn: str, shape: Shape, dtype: Any) -> Term:
        """Random numbers that a kernel can draw: ``uniform`` from [0, 1), or a ``mask`` of booleans."""
        i = self.origin
        return self.term("draw", (), tuple(shape), np.dtype(dtype), op=i.op, op_attrs=i.attrs, index=i.draw, fn=fn)

    # Products.

    def gemm(self, a: Term, b: Term) -> Term:
        """(..., M, K) and (..., K, N), whose leading dimensions are broadcast, as (..., M, N)."""
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = self.expand(a, (*lead, *a.shape[-2:])), self.expand(b, (*lead, *b.shape[-2:]))
        return self.term("gemm", (a, b), (*lead, a.shape[-2], b.shape[-1]), a.dtype)

    def conv(self, x: Term, w: Term, shape: Shape, **attrs: Any) -> Term:
        """The convolution of ``x`` (N, C, H, W) and ``w`` (O, C / groups, kh, kw): (N, O, OH, OW).

        ``attrs`` are stride and dilation (rows, columns), padding ((top, bottom), (left, right)) and groups.
        """
        return self.term("conv", (x, w), shape, x.dtype, **attrs)

    def conv_input(self, y: Term, w: Term, shape: Shape, **attrs: Any) -> Term:
        """The gradient of :meth:`conv` with respect to its input, of that ``shape``."""
        return self.term("conv_input", (y, w), shape, y.dtype, **attrs)

    def conv_weight(self, x: Term, y: Term, shape: Shape, **attrs: Any) -> Term:
        """The gradient of :meth:`conv` with respect to its weight, of that ``shape``."""
        return self.term("conv_weight", (x, y), shape, x.dtype, **attrs)

    def pool(self, fn: str, x: Term, shape: Shape, **attrs: Any) -> Term:
        """The largest entry (``max``) or the sum (``add``) of each window of ``x`` (N, C, H, W).

        ``attrs`` are window, stride, padding (top, left) and dilation. What lies outside does not count.
        """
        return self.term("pool", (x,), shape, x.dtype, fn=fn, **attrs)

    def pool_back(self, fn: str, ct: Term, *known: Term, shape: Shape, **attrs: Any) -> Term:
        """The gradient of :meth:`pool` with respect to its input, of that ``shape``.

        ``known`` are, for ``max``, the input and the result: all goes to the first of the largest entries.
        """
        return self.term("pool_back", (ct, *known), shape, ct.dtype, fn=fn, **attrs)

    # By integers.

    def position(self, index: Term, length: int) -> Term:
        """``index`` as int64, what is negative counted from the end of a dimension of that length."""
        i = self.cast(index, _INT)
        return self.where(i < 0, i + length, i)

    def take(self, table: Term, index: Term) -> Term:
        """The rows (entries of the first dimension) of ``table`` that ``index`` names: (*index, ...)."""
        return self.term("take", (table, self.cast(index, _INT)), index.shape + table.shape[1:], table.dtype)

    def put(self, index: Term, x: Term, rows: int) -> Term:
        """So many rows of zeros with each of ``x`` (*index, ...) added to the row that ``index`` names."""
        shape = (rows, *x.shape[index.ndim :])
        return self.term("put", (self.cast(index, _INT), x), shape, x.dtype, rows=rows)

    def gather(self, x: Term, index: Term, dim: int) -> Term:
        """For each entry of ``index`` the one of ``x`` at its place, but for ``dim``: there it says itself where."""
        return self.term("gather", (x, self.cast(index, _INT)), index.shape, x.dtype, dim=dim)

    def scatter(self, x: Term, index: Term, source: Term, dim: int) -> Term:
        """``x`` with each entry of ``source`` added where :meth:`gather` would take it from."""
        return self.term("scatter", (x, self.cast(index, _INT), source), x.shape, x.dtype, dim=dim)

    def onehot(self, index: Term, classes: int) -> Term:
        """For each integer of ``index`` a row of booleans, true at that place."""
        return self.iota((*index.shape, classes), index.ndim) == self.reshape(index, (*index.shape, 1))


def _common(operands: Sequence[Any]) -> tuple[DType, bool]:
    """The dtype in which they agree, and whether none of them imposes one."""
    strong = [x.dtype for x in operands if isinstance(x, Term) and not x.weak]
    weak = not strong
    if weak:  # among themselves they are what they are
        strong = [x.dtype for x in operands if isinstance(x, Term)]
    elif strong[0].kind == "f" and all(d == strong[0] for d in strong):
        return strong[0], False
    loose = [x for x in operands if not isinstance(x, Term)]
    if not weak:
        loose += [x.dtype.type(0).item() for x in operands if isinstance(x, Term) and x.weak]
    return np.result_type(*strong, *loose), weak


def _dims(dims: Any, ndim: int) -> Shape:
    if dims is None:
        return tuple(range(ndim))
    return tuple([d % ndim for d in ((dims,) if isinstance(dims, int) else dims)])
