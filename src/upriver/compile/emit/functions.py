"""exp, log, tanh and their like on vectors: range reduction and a polynomial, correct to a few units in the last place.

Every function is right for NaN, infinities, denormals, both zeros, overflow and underflow. What is rare is left to the
C library, one entry after the other (:func:`libm`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .builder import F32, F64, I32, I64, Builder, V, element, lanes_of, vector

_CONTRACT = "contract"
# exp(r) = 1 + r + r² p(r) for |r| ≤ ln 2 / 2. In float64 Taylor's series is as short as any.
_EXP = {
    F32: (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1),
    F64: tuple(1 / math.factorial(n) for n in range(13, 1, -1)),
}
_LN2 = {F32: (0.693359375, -2.12194440e-4), F64: (6.93147180369123816490e-01, 1.90821492927058770002e-10)}
_ROUND = {F32: 1.5 * 2.0**23, F64: 1.5 * 2.0**52}  # adding it leaves the nearest integer in the lowest bits
_LARGE = {F32: 88.72283935546875, F64: 709.782712893384}  # exp of more overflows
_SMALL = {F32: -104.0, F64: -746.0}  # exp of less is 0
_BITS = {F32: (I32, 23, 127), F64: (I64, 52, 1023)}
_LOG32 = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_LOG64 = (
    *(1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01),
    *(2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01),
)
_ERF_SMALL = (-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1)


class Maths:
    """The functions, written with one builder for one type.

    Args:
        b: where the code goes.
        type: of the values: float32 or float64, one or many.
        scalef: whether the processor has AVX-512's ``vscalef`` (x · 2ⁿ in one instruction).
    """

    def __init__(self, b: Builder, type: str, scalef: bool = False) -> None:
        self.b, self.type = b, type
        self.one = element(type)
        integer, self.mantissa, self.bias = _BITS[self.one]
        self.integer = vector(lanes_of(type), integer)
        self.scalef = scalef and type in ("<16 x float>", "<8 x double>")

    # Pieces.

    def const(self, value: float) -> V:
        return self.b.const(value, self.type)

    def add(self, x: V, y: V) -> V:
        return self.b.op("fadd", x, y)

    def sub(self, x: V, y: V) -> V:
        return self.b.op("fsub", x, y)

    def mul(self, x: V, y: V) -> V:
        return self.b.op("fmul", x, y)

    def fma(self, x: V, y: V, z: V) -> V:
        return self.b.intrinsic("fmuladd", x, y, z)

    def polynomial(self, x: V, coefficients: Sequence[float]) -> V:
        """The highest power first."""
        result = self.const(coefficients[0])
        for c in coefficients[1:]:
            result = self.fma(result, x, self.const(c))
        return result

    def bits(self, x: V) -> V:
        return self.b.convert("bitcast", x, self.integer)

    def floats(self, x: V) -> V:
        return self.b.convert("bitcast", x, self.type)

    def int_op(self, name: str, x: V, y: int) -> V:
        return self.b.op(name, x, self.b.const(y, self.integer))

    def at_most(self, x: V, bound: float) -> V:
        """The smaller one; NaN stays."""
        c = self.const(bound)
        return self.b.select(self.b.compare("olt", c, x), c, x)

    def at_least(self, x: V, bound: float) -> V:
        """The larger one; NaN stays."""
        c = self.const(bound)
        return self.b.select(self.b.compare("ogt", c, x), c, x)

    def power_of_two(self, n: V) -> V:
        """2ⁿ for integers n of normal numbers."""
        return self.floats(self.int_op("shl", self.int_op("add", n, self.bias), self.mantissa))

    def _reduce(self, x: V) -> tuple[V, V, V]:
        """X = n ln 2 + r with |r| ≤ ln 2 / 2: r, n, and n as integers."""
        magic = self.const(_ROUND[self.one])
        shifted = self.fma(x, self.const(1 / math.log(2)), magic)
        n = self.sub(shifted, magic)
        high, low = _LN2[self.one]
        r = self.fma(n, self.const(-high), x)
        r = self.fma(n, self.const(-low), r)
        return r, n, self.b.op("sub", self.bits(shifted), self.bits(magic))

    # Functions.

    def exp(self, x: V) -> V:
        large = self.b.compare("ogt", x, self.const(_LARGE[self.one]))
        r, n, whole = self._reduce(self.at_most(self.at_least(x, _SMALL[self.one]), _LARGE[self.one] + 1))
        p = self.add(self.fma(self.polynomial(r, _EXP[self.one]), self.mul(r, r), r), self.const(1))
        if self.scalef:
            name, mask = ("ps", "i16") if self.one == F32 else ("pd", "i8")
            return self.b.call(
                f"llvm.x86.avx512.mask.scalef.{name}.512", self.type, p, n, self.const(0), V("-1", mask), V("4", I32)
            )
        half = self.int_op("ashr", whole, 1)
        rest = self.b.op("sub", whole, half)
        result = self.mul(self.mul(p, self.power_of_two(half)), self.power_of_two(rest))
        return self.b.select(large, self.const(math.inf), result)

    def expm1(self, x: V) -> V:
        large = self.b.compare("ogt", x, self.const(_LARGE[self.one]))
        r, _, whole = self._reduce(self.at_most(self.at_least(x, -40.0), _LARGE[self.one] + 1))
        p = self.fma(self.polynomial(r, _EXP[self.one]), self.mul(r, r), r)
        half = self.power_of_two(self.int_op("sub", whole, 1))  # 2ⁿ⁻¹: 2ⁿ itself may be too large
        result = self.fma(half, p, self.sub(half, self.const(0.5)))
        result = self.b.select(large, self.const(math.inf), self.add(result, result))
        return self.b.select(self.b.compare("oeq", x, self.const(0)), x, result)

    def _log(self, x: V, correction: V | None = None) -> V:
        """Log of positive normal numbers, and, with a correction c, of x + c."""
        b = self.b
        root = self.bits(self.const(math.sqrt(0.5)))
        whole = self.int_op("ashr", b.op("sub", self.bits(x), root), self.mantissa)
        f = self.sub(self.floats(b.op("sub", self.bits(x), self.int_op("shl", whole, self.mantissa))), self.const(1))
        if correction is not None:
            scaled = self.mul(correction, self.power_of_two(b.op("sub", b.const(0, self.integer), whole)))
            moderate = b.compare("olt", x, self.const(2.0**60))
            f = self.add(f, b.select(moderate, scaled, self.const(0)))
        n = b.convert("sitofp", whole, self.type)
        high, low = _LN2[self.one]
        z = self.mul(f, f)
        if self.one == F32:
            y = self.mul(self.mul(self.polynomial(f, _LOG32), f), z)
            y = self.fma(n, self.const(low), y)
            y = self.fma(z, self.const(-0.5), y)
            return self.fma(n, self.const(high), self.add(f, y))
        s = b.op("fdiv", f, self.add(f, self.const(2)))
        square = self.mul(s, s)
        remainder = self.mul(self.polynomial(square, _LOG64), square)
        half = self.mul(self.const(0.5), z)
        tail = self.fma(s, self.add(half, remainder), self.mul(n, self.const(low)))
        return self.fma(n, self.const(high), self.sub(f, self.sub(half, tail)))

    def _edges(self, x: V, result: V, zero: float) -> V:
        """The logarithm where x − zero is not a positive finite number."""
        b = self.b
        result = b.select(b.compare("oeq", x, self.const(math.inf)), x, result)
        result = b.select(b.compare("ult", x, self.const(zero)), self.const(math.nan), result)
        return b.select(b.compare("oeq", x, self.const(zero)), self.const(-math.inf), result)

    def log(self, x: V) -> V:
        tiny = self.b.compare("olt", x, self.const(2.0 ** (1 - self.bias)))
        up = self.mantissa + 2
        scaled = self.b.select(tiny, self.mul(x, self.const(2.0**up)), x)
        result = self._log(scaled)
        shift = self.b.select(tiny, self.const(-up * math.log(2)), self.const(0))
        return self._edges(x, self.add(result, shift), 0.0)

    def log1p(self, x: V) -> V:
        u = self.add(x, self.const(1))
        result = self._log(u, self.sub(x, self.sub(u, self.const(1))))
        result = self._edges(x, result, -1.0)
        return self.b.select(self.b.compare("oeq", x, self.const(0)), x, result)

    def tanh(self, x: V) -> V:
        size = self.at_most(self.b.intrinsic("fabs", x), 22.0)  # from there on it is 1
        t = self.expm1(self.add(size, size))
        return self.b.intrinsic("copysign", self.b.op("fdiv", t, self.add(t, self.const(2))), x)

    def erf(self, x: V) -> V:
        if self.one == F64:
            return libm(self.b, "erf", x)
        b = self.b
        size, square = b.intrinsic("fabs", x), self.mul(x, x)
        near = self.fma(self.polynomial(square, _ERF_SMALL), x, x)
        t = self.at_most(size, 4.0)  # erf(4) is 1 in float32
        s = self.mul(t, t)
        r = self.fma(self.const(-1.72853470e-5), t, self.const(3.83197126e-4))
        u = self.fma(self.const(-3.88396438e-3), t, self.const(2.42546219e-2))
        r = self.fma(r, s, u)
        for c in (-1.06777877e-1, -6.34846687e-1, -1.28717512e-1):
            r = self.fma(r, t, self.const(c))
        far = self.sub(self.const(1), self.exp(self.fma(r, t, b.op("fneg", t))))
        far = b.intrinsic("copysign", far, x)
        return b.select(b.compare("olt", size, self.const(0.927734375)), near, far)


def libm(b: Builder, name: str, *args: V) -> V:
    """The C library's function of that name (in float64), on one entry after the other."""
    whole = args[0].type
    one, lanes = element(whole), lanes_of(whole)
    function = name + ("f" if one == F32 else "")
    if lanes == 1:
        return b.call(function, one, *args)

    def turn(i: V, carried: list[V]) -> list[V]:
        entries = [b.value(f"extractelement {x}, {i}", one) for x in args]
        return [b.value(f"insertelement {carried[0]}, {b.call(function, one, *entries)}, {i}", whole)]

    return b.loop(0, lanes, 1, [b.const(0, whole)], turn)[0]
