"""Every ``map`` of the primitives on LLVM values: one entry, or a vector of them.

Booleans are bits (``i1``) here; they become bytes only in memory.
"""

from __future__ import annotations

from functools import cache

from .builder import F32, F64, I1, Builder, V, element, lanes_of, vector
from .functions import Maths, libm

_LIBM = frozenset("sin cos tan asin acos atan sinh cosh asinh acosh atanh atan2".split())
_OWN = frozenset("exp expm1 log log1p tanh erf".split())
_ROUNDING = {"floor": "floor", "ceil": "ceil", "rint": "rint", "trunc": "trunc", "sqrt": "sqrt", "abs": "fabs"}
_COMPARE = {"lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "eq": "eq", "ne": "ne"}
_BITWISE = {"and": "and", "or": "or", "xor": "xor"}
_ON_BITS = {"add": "or", "mul": "and", "max": "or", "min": "and", **_BITWISE}
_VALUE = {"float32": F32, "float64": F64, "int64": "i64", "int32": "i32", "uint8": "i8", "int8": "i8", "bool": I1}
COST = {
    **dict.fromkeys(_LIBM, 60),
    **dict.fromkeys(("mod", "floordiv", "pow"), 60),
    **dict.fromkeys(("exp", "expm1"), 14),
    **dict.fromkeys(("log", "log1p", "tanh"), 22),
    **dict.fromkeys(("div", "sqrt"), 4),
    "erf": 34,
}
"""About how many instructions an entry takes; 1 where nothing is said."""


name_of = cache(str)
"""The name of a dtype, quicker than NumPy tells it."""


def value_type(dtype: object, lanes: int = 1) -> str:
    """The type of values of a dtype (by its name or itself) in registers.

    Example:
        >>> value_type("bool", 16), value_type("float32")
        ('<16 x i1>', 'float')
    """
    return vector(lanes, _VALUE[name_of(dtype)])


def emit_map(b: Builder, fn: str, args: list[V], source: str, result: str, *, scalef: bool = False) -> V:
    """One map function of :data:`~upriver.compile.primitives.prims.MAPS`.

    Args:
        b: where the code goes.
        fn: which.
        args: values of one width (for ``where``, the first one of bits).
        source: name of the dtype of the arguments (of the last one).
        result: name of the dtype of the result.
        scalef: whether the processor has ``vscalef``.

    Returns:
        The value.

    Raises:
        KeyError: there is no such function for that dtype.

    Example:
        >>> b = Builder({"x": F32, "y": F32}, F32)
        >>> emit_map(b, "max", [b.params["x"], b.params["y"]], "float32", "float32").type
        'float'
    """
    if fn == "where":
        return b.select(*args)
    if fn == "cast":
        return cast(b, args[0], source, result)
    one = element(args[0].type)
    if one in (F32, F64):
        return _float(b, fn, args, scalef)
    if one == I1:
        return _bits(b, fn, args)
    return _integer(b, fn, args, signed=not source.startswith("u"))


def cast(b: Builder, x: V, source: str, result: str) -> V:
    """Another dtype, as NumPy converts; floats that no integer holds give any integer."""
    wanted = value_type(result, lanes_of(x.type))
    before, after = element(x.type), element(wanted)
    if source == result:
        return x
    if after == I1:
        return b.compare("une" if before in (F32, F64) else "ne", x, b.const(0, x.type))
    if before in (F32, F64) and after in (F32, F64):
        return b.convert("fpext" if after == F64 else "fptrunc", x, wanted)
    unsigned = before == I1 or source.startswith("u")
    if before in (F32, F64):
        return b.convert("fptosi", x, wanted)
    if after in (F32, F64):
        return b.convert("uitofp" if unsigned else "sitofp", x, wanted)
    if before == after:
        return x
    narrower = before != I1 and int(after[1:]) < int(before[1:])
    return b.convert("trunc" if narrower else "zext" if unsigned else "sext", x, wanted)


def _float(b: Builder, fn: str, args: list[V], scalef: bool) -> V:
    x = args[0]
    if fn in ("add", "sub", "mul"):
        return b.op(f"f{fn}", *args, flags="contract")
    if fn == "div":
        return b.op("fdiv", *args)
    if fn == "neg":
        return b.op("fneg", x)
    if fn in ("max", "min"):
        return extreme(b, fn, x, args[1])
    if fn in _COMPARE:
        return b.compare(("u" if fn == "ne" else "o") + _COMPARE[fn], *args)
    if fn in _ROUNDING:
        return b.intrinsic(_ROUNDING[fn], x)
    if fn in _OWN:
        function = getattr(Maths(b, x.type, scalef), fn)
        return function(x)
    if fn == "pow":
        return b.op("fmul", x, x) if args[1] == b.const(2, x.type) else libm(b, "pow", *args)
    if fn in ("mod", "floordiv"):
        return _divide(b, fn, x, args[1])
    if fn in _LIBM:
        return libm(b, fn, *args)
    raise KeyError(f"{fn} of floats")


def extreme(b: Builder, fn: str, x: V, y: V) -> V:
    """The larger or smaller of two floats; NaN if either is."""
    predicate = "ogt" if fn == "max" else "olt"
    if not x.text.startswith(("%", "<")) and "7FF8" not in x.text:
        return b.select(b.compare(predicate, x, y), x, y)  # a number first: y is what is left where y is NaN
    if not y.text.startswith(("%", "<")) and "7FF8" not in y.text:
        return b.select(b.compare(predicate, y, x), y, x)
    either = b.select(b.compare(predicate, x, y), x, y)
    return b.select(b.compare("uno", x, x), x, either)


def _divide(b: Builder, fn: str, x: V, y: V) -> V:
    """``mod`` and ``floordiv`` of floats, step by step as NumPy has them."""
    zero, one = b.const(0, x.type), b.const(1, x.type)
    modulo = libm(b, "fmod", x, y)
    quotient = b.op("fdiv", b.op("fsub", x, modulo), y)
    exact = b.compare("oeq", modulo, zero)
    differ = b.op("xor", b.compare("olt", y, zero), b.compare("olt", modulo, zero))
    differ = b.op("and", differ, b.compare("one", modulo, zero))
    if fn == "mod":
        moved = b.select(differ, b.op("fadd", modulo, y), modulo)
        return b.select(exact, b.intrinsic("copysign", zero, y), moved)
    quotient = b.select(differ, b.op("fsub", quotient, one), quotient)
    floor = b.intrinsic("floor", quotient)
    over = b.compare("ogt", b.op("fsub", quotient, floor), b.const(0.5, x.type))
    floor = b.select(over, b.op("fadd", floor, one), floor)
    plain = b.op("fdiv", x, y)
    floor = b.select(b.compare("oeq", quotient, zero), b.intrinsic("copysign", zero, plain), floor)
    return b.select(b.compare("oeq", y, zero), plain, floor)


def _bits(b: Builder, fn: str, args: list[V]) -> V:
    if fn in _ON_BITS:
        return b.op(_ON_BITS[fn], *args)
    if fn == "not":
        return b.op("xor", args[0], b.const(True, args[0].type))
    if fn == "abs":
        return args[0]
    return b.compare(_COMPARE[fn] if fn in ("eq", "ne") else "u" + _COMPARE[fn], *args)


def _integer(b: Builder, fn: str, args: list[V], signed: bool) -> V:
    x = args[0]
    zero = b.const(0, x.type)
    sign = "s" if signed else "u"
    if fn in ("add", "sub", "mul", *_BITWISE):
        return b.op(fn, *args)
    if fn == "neg":
        return b.op("sub", zero, x)
    if fn == "not":
        return b.op("xor", x, b.const(-1, x.type))
    if fn == "abs":
        return b.select(b.compare("slt", x, zero), b.op("sub", zero, x), x) if signed else x
    if fn in ("max", "min"):
        return b.select(b.compare(sign + ("gt" if fn == "max" else "lt"), *args), *args)
    if fn in ("floor", "ceil", "rint", "trunc"):
        return x
    if fn in _COMPARE:
        return b.compare(fn if fn in ("eq", "ne") else sign + fn, *args)
    if fn in ("mod", "floordiv"):
        return _divide_integers(b, fn, x, args[1], signed)
    if fn == "pow":
        return _power(b, x, args[1])
    raise KeyError(f"{fn} of integers")


def _divide_integers(b: Builder, fn: str, x: V, y: V, signed: bool) -> V:
    """Rounded down; by 0 it is 0. What would trap (0, and −1 of the least number) is divided by 1 instead."""
    zero, one, minus = (b.const(n, x.type) for n in (0, 1, -1))
    none = b.compare("eq", y, zero)
    if not signed:
        safe = b.select(none, one, y)
        return b.select(none, zero, b.op("urem" if fn == "mod" else "udiv", x, safe))
    opposite = b.compare("eq", y, minus)
    safe = b.select(b.op("or", none, opposite), one, y)
    remainder = b.op("srem", x, safe)
    differ = b.compare("slt", b.op("xor", remainder, safe), zero)
    down = b.op("and", differ, b.compare("ne", remainder, zero))
    if fn == "mod":
        return b.select(none, zero, b.select(down, b.op("add", remainder, safe), remainder))
    quotient = b.op("sdiv", x, safe)
    quotient = b.select(down, b.op("sub", quotient, one), quotient)
    return b.select(none, zero, b.select(opposite, b.op("sub", zero, x), quotient))


def _power(b: Builder, x: V, n: V) -> V:
    """Whole powers, by squaring; of exponents that are not negative."""
    one = b.const(1, x.type)

    def turn(_: V, carried: list[V]) -> list[V]:
        result, square, left = carried
        odd = b.compare("ne", b.op("and", left, one), b.const(0, x.type))
        result = b.select(odd, b.op("mul", result, square), result)
        return [result, b.op("mul", square, square), b.op("lshr", left, one)]

    return b.loop(0, 64, 1, [one, x, n], turn)[0]
