"""Every map function on vectors and on single entries: units in the last place, and the special values."""

import dataclasses
import math

import numpy as np
import pytest

from upriver.compile.emit.loops import emit_loops
from upriver.compile.native.target import target
from upriver.compile.primitives.evaluate import _UFUNCS
from upriver.compile.primitives.prims import MAPS
from upriver.core.dtypes import bool_, float32, float64, int32, int64, uint8

from .loop_cases import Body
from .native_call import call

pytest.importorskip("llvmlite")
TARGETS = {"own": target(), "plain": dataclasses.replace(target(), lanes=8, bits=256, registers=16)}
WIDE = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}
COMPARISONS = ["lt", "le", "gt", "ge", "eq", "ne"]
# The largest error in units in the last place. Those that the C library computes are as good as it is.
ULPS = {"exp": 1.5, "expm1": 2, "log": 1.5, "log1p": 2, "tanh": 3, "erf": 1.5}
ULPS |= dict.fromkeys("sin cos tan asin acos atan sinh cosh asinh acosh atanh sqrt".split(), 2.5)
RANGES = {"asin": 1, "acos": 1, "atanh": 1, "sin": 1e4, "cos": 1e4, "tan": 100}


@pytest.fixture(params=TARGETS)
def cpu(request):
    return TARGETS[request.param]


def run(fn, *arrays, cpu, result=None):
    """A map on whole arrays."""
    k = Body(arrays[0].shape)
    dtype = result or (np.dtype(bool) if fn in COMPARISONS else arrays[-1].dtype)
    value = k.map(fn, *(k.load(i, a.dtype) for i, a in enumerate(arrays)), dtype=dtype)
    k.store(value, len(arrays))
    out = np.zeros(arrays[0].shape, dtype)
    call(emit_loops(k.kernel(), cpu), [*arrays, out])
    return out


def specials(dtype):
    info = np.finfo(dtype)
    finite = [0, 1, 0.5, 2, 3.7, 1.5, 2.5, 88.72, 88.73, 709.7, 709.8, 745.2, 104, 87.4, 37, 1e-3, 1e-9]
    finite += [info.max, info.tiny, info.smallest_subnormal, info.tiny / 2, info.eps, 1 / info.eps]
    return np.array([*finite, *(-x for x in finite), math.inf, -math.inf, math.nan], dtype)


def inputs(fn, dtype, rng, count=20000):
    """Numbers of every size, and from where the function does something."""
    bits = np.uint32 if dtype == float32 else np.uint64
    any_bits = rng.integers(0, np.iinfo(bits).max, count, dtype=bits).view(dtype)
    limit = RANGES.get(fn, 100 if dtype == float32 else 720)
    parts = [any_bits[np.abs(any_bits) <= limit] if fn in RANGES else any_bits]
    parts += [rng.uniform(-limit, limit, count), rng.uniform(-1, 1, count), rng.uniform(0.5, 2, count)]
    return np.concatenate([*(p.astype(dtype) for p in parts), (-np.exp(rng.uniform(-40, 0, count))).astype(dtype)])


@pytest.mark.parametrize("dtype", [float32, float64])
@pytest.mark.parametrize("fn", ULPS)
def test_units_in_the_last_place(fn, dtype, cpu):
    x = np.concatenate([inputs(fn, dtype, np.random.default_rng(1)), specials(dtype)])
    if fn in RANGES:
        x = x[~(np.abs(x) > RANGES[fn])]
    with np.errstate(all="ignore"):
        if fn == "erf":
            x = np.concatenate([x[::5], specials(dtype)])
            exact = np.array([math.erf(v) for v in x.tolist()], WIDE[dtype])
        else:
            exact = _UFUNCS[fn](x.astype(WIDE[dtype]))
        nearest = exact.astype(dtype)
        y = run(fn, x, cpu=cpu)
        error = np.abs(y - exact) / np.spacing(np.abs(nearest))
    same = (y == nearest) | (np.isnan(y) & np.isnan(nearest))
    worst = np.argmax(np.where(same, 0, np.nan_to_num(error, nan=np.inf)))
    assert same[worst] or error[worst] <= ULPS[fn], (x[worst], y[worst], exact[worst])
    zero = (x == 0) & (nearest == 0)
    assert (np.signbit(y[zero]) == np.signbit(nearest[zero])).all()


@pytest.mark.parametrize("dtype", [float32, float64])
@pytest.mark.parametrize(
    "fn", ["add", "sub", "mul", "div", "max", "min", "mod", "floordiv", "pow", "atan2", *COMPARISONS]
)
def test_two_floats(fn, dtype, cpu):
    s = specials(dtype)
    x, y = (g.reshape(-1) for g in np.meshgrid(s, s))
    y = np.ascontiguousarray(y)
    rng = np.random.default_rng(0)
    x, y = np.append(x, rng.normal(0, 3, 500).astype(dtype)), np.append(y, rng.normal(0, 3, 500).astype(dtype))
    with np.errstate(all="ignore"):
        wanted = _UFUNCS[fn](x, y)
    got = run(fn, x, y, cpu=cpu)
    if fn in ("pow", "atan2"):
        np.testing.assert_allclose(got, wanted, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).smallest_subnormal)
    else:
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", [float32, float64])
@pytest.mark.parametrize("fn", ["neg", "abs", "floor", "ceil", "rint", "trunc"])
def test_exact_functions(fn, dtype, cpu):
    x = np.concatenate([specials(dtype), np.random.default_rng(0).normal(0, 5, 500).astype(dtype)])
    got, wanted = run(fn, x, cpu=cpu), _UFUNCS[fn](x)
    np.testing.assert_array_equal(got, wanted)
    numbers = ~np.isnan(x)
    assert (np.signbit(got) == np.signbit(wanted))[numbers].all()


@pytest.mark.parametrize("dtype", [int64, int32, uint8])
@pytest.mark.parametrize(
    "fn", ["add", "sub", "mul", "max", "min", "and", "or", "xor", "mod", "floordiv", "pow", *COMPARISONS]
)
def test_two_integers(fn, dtype, cpu):
    info = np.iinfo(dtype)
    s = np.array([0, 1, 2, 3, 7, 100, info.max, info.min, info.max - 1, info.min + 1, info.max // 3], dtype)
    s = s if dtype == uint8 else np.concatenate([s, -s[1:6]])
    x, y = (np.ascontiguousarray(g).reshape(-1) for g in np.meshgrid(s, s))
    if fn == "pow":
        x, y = x[y >= 0], y[y >= 0]
    with np.errstate(all="ignore"):
        wanted = _UFUNCS[fn](x, y)
    np.testing.assert_array_equal(run(fn, x, y, cpu=cpu), wanted)


@pytest.mark.parametrize("fn", ["neg", "abs", "not"])
def test_one_integer(fn, cpu):
    x = np.array([0, 1, -1, 5, -7, 2**62, -(2**63)])
    np.testing.assert_array_equal(run(fn, x, cpu=cpu), _UFUNCS[fn](x))


@pytest.mark.parametrize("fn", ["and", "or", "xor", "add", "mul", "max", "min", *COMPARISONS])
def test_two_booleans(fn, cpu):
    x, y = np.array([False, False, True, True] * 5), np.array([False, True, False, True] * 5)
    np.testing.assert_array_equal(run(fn, x, y, cpu=cpu), _UFUNCS[fn](x, y))
    np.testing.assert_array_equal(run("not", x, cpu=cpu), ~x)


def test_any_byte_that_is_not_0_is_true(cpu):
    x = np.arange(40, dtype=np.uint8).view(bool)
    np.testing.assert_array_equal(run("not", x, cpu=cpu).view(np.uint8), np.arange(40) == 0)


@pytest.mark.parametrize("after", [float32, float64, int64, int32, uint8, bool_])
@pytest.mark.parametrize("before", [float32, float64, int64, int32, uint8, bool_])
def test_cast(before, after, cpu):
    x = np.array([0, 1, 2.5, 3, 100, 7.9, 0.25, 1e-30] * 3 + ([-1, -2.5, -100] if after != uint8 else []))
    x = x.astype(np.int64 if before == uint8 else before).astype(before)
    wanted = (x != 0) if after == bool_ else x.astype(after)
    np.testing.assert_array_equal(run("cast", x, cpu=cpu, result=after), wanted)
    if before.kind == after.kind == "f":
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(
                run("cast", specials(before), cpu=cpu, result=after), specials(before).astype(after)
            )


@pytest.mark.parametrize("dtype", [float32, int64, bool_])
def test_where(dtype, cpu):
    x, y = np.arange(37).astype(dtype), (np.arange(37) % 2).astype(dtype)
    condition = np.arange(37) % 3 == 0
    np.testing.assert_array_equal(run("where", condition, x, y, cpu=cpu), np.where(condition, x, y))


@pytest.mark.parametrize("value", [0.0, 1.5, -2.0, math.inf, math.nan])
@pytest.mark.parametrize("fn", ["max", "min"])
def test_extremes_with_a_number(fn, value, cpu):
    x = specials(float32)
    for order in (0, 1):
        k = Body((len(x),))
        pair = [k.load(0), k.number(value)]
        k.store(k.map(fn, *pair[:: 1 - 2 * order]), 1)
        out = np.zeros_like(x)
        call(emit_loops(k.kernel(), cpu), [x, out])
        np.testing.assert_array_equal(out, _UFUNCS[fn](x, np.float32(value)))


def test_every_map_has_code():
    for fn, count in MAPS.items():
        dtype = bool_ if fn in ("and", "or", "xor", "not") else float32
        arrays = [np.zeros(3, dtype)] * count
        if fn == "where":
            arrays[0] = np.zeros(3, bool)
        run(fn, *arrays, cpu=target(), result=None if fn != "cast" else float64)
