"""Loop kernels as machine code against a plain interpreter, with guards around every buffer."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from upriver.compile.emit.loops import emit_loops
from upriver.compile.native.target import target
from upriver.core.dtypes import bool_, float32, float64, int64

from .loop_cases import Body, contiguous, interpret
from .native_call import call

pytest.importorskip("llvmlite")
GUARD = 64  # bytes before and behind every buffer that no kernel may change
SIZES = [0, 1, 7, 15, 16, 17, 33, 100]


def plain(lanes):
    """A processor without masked vectors and vscalef."""
    return dataclasses.replace(target(), lanes=lanes, bits=256, registers=16)


TARGETS = {"own": target(), "16 plain": plain(16), "8 plain": plain(8), "4 plain": plain(4), "1": plain(1)}


@pytest.fixture(params=TARGETS)
def cpu(request):
    return TARGETS[request.param]


@pytest.fixture(params=["own", "8 plain"])
def either(request):
    return TARGETS[request.param]


def check(kernel, memory, cpu, rtol=2e-6, cuts=()):
    """Run a kernel on copies of flat arrays, by slot, in one go or in chunks, and compare everything with NumPy."""
    expected = [m.copy() for m in memory]
    with np.errstate(all="ignore"):
        interpret(kernel, expected)
    guarded = []
    for m in memory:
        whole = np.full(m.nbytes + 2 * GUARD, 0xA5, np.uint8)
        whole[GUARD : GUARD + m.nbytes] = m.view(np.uint8)
        guarded.append(whole)
    views = [w[GUARD : len(w) - GUARD].view(m.dtype) for w, m in zip(guarded, memory, strict=True)]
    code = emit_loops(kernel, cpu)
    edges = [0, *[min(code.units, c * code.align) for c in cuts], code.units]
    for begin, end in pairwise(edges):
        call(code, views, begin, end)
    for whole, view, wanted in zip(guarded, views, expected, strict=True):
        assert (whole[:GUARD] == 0xA5).all()
        assert (whole[len(whole) - GUARD :] == 0xA5).all()
        if view.dtype.kind == "f":
            np.testing.assert_allclose(view, wanted, rtol=rtol if view.dtype == np.float32 else rtol * 1e-6, atol=1e-6)
        else:
            np.testing.assert_array_equal(view, wanted)
    return code


def random(n, dtype=float32, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == bool_:
        return rng.random(n) < 0.5
    return rng.integers(-5, 6, n) if dtype == int64 else rng.standard_normal(n).astype(dtype)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [float32, float64, int64, bool_])
def test_one_dimension(n, dtype, cpu):
    k = Body((n,))
    x, y = k.load(0, dtype), k.load(1, dtype)
    k.store(k.map("max", x, y), 2)
    k.store(k.map("lt", x, y), 3)
    memory = [random(n, dtype), random(n, dtype, 1), np.zeros(n, dtype), np.zeros(n, bool)]
    code = check(k.kernel(), memory, cpu, cuts=[1, 2])
    assert code.units == n


def test_the_length_of_one_dimension_is_not_in_the_code():
    names = set()
    for n in (100, 3000):
        k = Body((n,))
        k.store(k.map("exp", k.load(0)), 1)
        names.add(emit_loops(k.kernel()).name)
    assert len(names) == 1


def test_rows_that_fill_no_vector_are_walked_as_one():
    k = Body((50, 10))
    k.store(k.map("neg", k.load(0)), 1)
    assert emit_loops(k.kernel()).units == 500


@pytest.mark.parametrize(("m", "n"), [(1, 1), (9, 64), (20, 70), (3, 17), (0, 5), (5, 0), (8, 1)])
def test_bias_and_mask(m, n, cpu):
    k = Body((m, n))
    z = k.map("add", k.load(0), k.load(1, strides=(0, 1)))
    z = k.map("mul", z, k.load(2, strides=(1, 0)))
    mask = k.map("gt", z, k.number(0.0))
    k.store(k.map("where", mask, z, k.number(0.0)), 3)
    k.store(mask, 4)
    memory = [random(m * n), random(n, seed=1), random(m, seed=2), np.zeros(m * n, np.float32), np.zeros(m * n, bool)]
    check(k.kernel(), memory, cpu, cuts=[1, 3])


@pytest.mark.parametrize("strides", [(1, 40), (2, 50), (40, 2), (-1, 40), (0, -1)])
def test_any_strides(strides, cpu):
    k = Body((9, 21))
    offset = sum(-s * (n - 1) for s, n in zip(strides, (9, 21), strict=True) if s < 0)
    k.store(k.map("neg", k.load(0, strides=strides, offset=offset)), 1, strides=(1, 9), offset=3)
    check(k.kernel(), [random(2000), np.zeros(9 * 21 + 3, np.float32)], cpu)


def softmax(dims, reduced, in_place=False):
    k = Body(dims, reduced)
    x = k.load(0)
    e = k.map("exp", k.map("sub", x, k.reduce("max", x)))
    k.store(k.map("div", e, k.reduce("add", e)), 0 if in_place else 1)
    return k.kernel()


@pytest.mark.parametrize("n", [*SIZES, 300, 1000])
@pytest.mark.parametrize("in_place", [False, True])
def test_softmax_rows(n, in_place, cpu):
    code = check(softmax((5, n), (1,), in_place), [random(5 * n), np.zeros(5 * n, np.float32)], cpu, cuts=[2])
    assert code.units == 5
    assert code.rows == (n != 1)


@pytest.mark.parametrize("n", [1, 7, 16, 33, 100, 200])
def test_softmax_columns(n, cpu):
    check(softmax((6, n), (0,)), [random(6 * n), np.zeros(6 * n, np.float32)], cpu, cuts=[1])


@pytest.mark.parametrize("reduced", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("dims", [(4, 5, 6), (3, 17, 20), (20, 2, 33), (5, 1, 18)])
def test_softmax_over_any_dimensions(dims, reduced, either):
    size = int(np.prod(dims))
    check(softmax(dims, reduced, in_place=True), [random(size)], either, cuts=[1, 2])


@pytest.mark.parametrize("n", SIZES)
def test_layer_norm(n, cpu):
    k = Body((6, n), (1,))
    x = k.load(0)
    scale = k.number(1 / max(n, 1))
    mean = k.map("mul", k.reduce("add", x), scale)
    k.store(mean, 4, strides=(1, 0))
    d = k.map("sub", x, mean)
    var = k.map("mul", k.reduce("add", k.map("mul", d, d)), scale)
    r = k.map("div", k.number(1.0), k.map("sqrt", k.map("add", var, k.number(1e-5))))
    y = k.map("mul", d, r)
    k.store(y, 3)
    y = k.map("add", k.map("mul", y, k.load(1, strides=(0, 1))), k.load(2, strides=(0, 1)))
    k.store(y, 0)  # over what was read
    memory = [random(6 * n), random(n, seed=1), random(n, seed=2), np.zeros(6 * n, np.float32), np.zeros(6, np.float32)]
    check(k.kernel(), memory, cpu, rtol=1e-5)


@pytest.mark.parametrize("classes", [1, 3, 10, 50, 300])
def test_cross_entropy(classes, cpu):
    k = Body((9, classes), (1,))
    x = k.load(0)
    top = k.reduce("max", x)
    e = k.map("exp", k.map("sub", x, top))
    total = k.reduce("add", e)
    hit = k.map("eq", k.index(1), k.load(1, int64, strides=(1, 0)))
    picked = k.reduce("add", k.map("where", hit, x, k.number(0.0)))
    k.store(k.map("sub", k.map("add", top, k.map("log", total)), picked), 2, strides=(1, 0))
    p = k.map("div", e, total)
    k.store(k.map("sub", p, k.map("cast", hit, dtype=float32)), 3)
    target = np.array([0, classes - 1, classes // 2, -1, classes, 2**32, -(2**40), 2**31, classes // 3])
    memory = [random(9 * classes), target, np.zeros(9, np.float32), np.zeros(9 * classes, np.float32)]
    check(k.kernel(), memory, cpu, cuts=[4])


@pytest.mark.parametrize("fn", ["add", "mul", "max", "min", "and", "or"])
@pytest.mark.parametrize("dtype", [float32, float64, int64, bool_])
@pytest.mark.parametrize(("dims", "reduced"), [((300,), (0,)), ((5, 40), (1,)), ((40, 21), (0,)), ((3, 4, 5), (1,))])
def test_reductions(fn, dtype, dims, reduced, either):
    if fn in ("and", "or") and dtype.kind == "f":
        return
    k = Body(dims, reduced)
    kept = [1 if d in reduced else n for d, n in enumerate(dims)]
    strides = [0 if d in reduced else s for d, s in enumerate(contiguous(kept))]
    k.store(k.reduce(fn, k.load(0, dtype)), 1, strides)
    out = np.zeros(int(np.prod(kept)), dtype)
    check(k.kernel(), [random(int(np.prod(dims)), dtype), out], either, rtol=2e-5, cuts=[1])


@pytest.mark.parametrize("fn", ["max", "min", "add"])
def test_nan_is_never_lost(fn, cpu):
    for place in range(37):
        k = Body((37,), (0,))
        k.store(k.reduce(fn, k.load(0)), 1, (0,))
        x = random(37)
        x[place] = np.nan
        check(k.kernel(), [x, np.zeros(1, np.float32)], cpu)


def test_positions_as_numbers(cpu):
    k = Body((6, 35))
    i, j = k.index(0), k.index(1)
    k.store(k.map("le", j, i), 0)
    k.store(k.map("add", k.map("mul", i, k.number(100, int64)), j), 1)
    k.store(k.map("cast", j, dtype=float32), 2)
    k.store(k.map("lt", k.load(3, int64, (1, 0)), j), 4)
    wide = np.array([-(2**40), 2**40, 3, 34, 35, -1])
    check(
        k.kernel(), [np.zeros(210, bool), np.zeros(210, int), np.zeros(210, np.float32), wide, np.zeros(210, bool)], cpu
    )


def test_division_by_a_value_of_the_row(cpu):
    k = Body((8, 20))
    k.store(k.map("div", k.load(0), k.load(1, strides=(1, 0))), 2)
    by = np.array([1e-38, 1e-45, 3e38, np.inf, 0.0, np.nan, 7.0, -1e-20], np.float32)
    x = random(160) * np.float32(1e-5)
    x[::20], x[1::20], x[2::20], x[3::20] = 0, np.inf, np.nan, 3e38
    check(k.kernel(), [x, by, np.zeros(160, np.float32)], cpu)


def test_adam(cpu):
    n = 77
    k = Body((n,))
    g, m, v, p = k.load(0), k.load(1), k.load(2), k.load(3)
    m = k.map("add", k.map("mul", m, k.number(0.9)), k.map("mul", g, k.number(0.1)))
    v = k.map("add", k.map("mul", v, k.number(0.999)), k.map("mul", k.map("mul", g, g), k.number(0.001)))
    step = k.map("mul", m, k.load(4, strides=(0,)))
    step = k.map("div", step, k.map("add", k.map("sqrt", v), k.number(1e-8)))
    k.store(m, 1)
    k.store(v, 2)
    k.store(k.map("sub", p, step), 3)
    memory = [random(n, seed=s) for s in range(4)]
    check(k.kernel(), [*memory[:2], abs(memory[2]), memory[3], np.float32([0.01])], cpu)


def random_kernel(rng):
    """A kernel of random dimensions, accesses and statements, and memory for it."""
    rank = int(rng.integers(1, 5))
    dims = tuple(
        int(rng.choice([1, 2, 3, 5, 8, 16, 17, 33])) if rank < 4 else int(rng.integers(1, 8)) for _ in range(rank)
    )
    reduced = tuple(d for d in range(rank) if rng.random() < 0.4)
    dtype = [float32, float64][rng.integers(2)]
    k, memory = Body(dims, reduced), []

    def strides(moving):
        """Strides of memory in any order of the dimensions, with gaps now and then; and how much there is."""
        step, result = 1, [0] * rank
        for d in rng.permutation(moving) if rng.random() < 0.5 else sorted(moving, reverse=True):
            result[d] = step
            step *= dims[d] + int(rng.random() < 0.2)
        return tuple(result), step

    def load(kind):
        moving = [d for d in range(rank) if rng.random() < 0.8]
        s, size = strides(moving)
        offset = int(rng.integers(3))
        memory.append(random(size + offset, kind, int(rng.integers(1000))))
        return k.load(len(memory) - 1, kind, s, offset)

    floats, bits, whole = [load(dtype) for _ in range(rng.integers(1, 4))], [], []
    if rng.random() < 0.5:
        whole = [k.index(int(rng.integers(rank))), load(int64)]
        bits.append(k.map(str(rng.choice(["eq", "lt", "ge"])), *whole))
    if rng.random() < 0.3:
        bits.append(load(bool_))
    pick = lambda values: values[-1] if rng.random() < 0.5 else values[int(rng.integers(len(values)))]
    for _ in range(rng.integers(1, 9)):
        what = rng.random()
        if what < 0.15:
            bits.append(k.map(str(rng.choice(["gt", "le"])), pick(floats), pick(floats)))
        elif what < 0.3 and bits:
            floats.append(k.map("where", pick(bits), pick(floats), pick(floats)))
        elif what < 0.5 and reduced:
            floats.append(k.reduce(str(rng.choice(["add", "max", "min"])), pick(floats)))
        elif what < 0.6:
            floats.append(k.map("exp", k.map("min", pick(floats), k.number(2.0, dtype))))
        elif what < 0.7:
            floats.append(k.map("div", pick(floats), k.map("add", k.map("abs", pick(floats)), k.number(1.0, dtype))))
        else:
            a = pick(floats)
            floats.append(k.map(str(rng.choice(["add", "sub", "max"])), a, k.map("tanh", pick(floats))))
    varies = [set() for _ in k.statements]
    for i, s in enumerate(k.statements):
        varies[i] = set().union(*(varies[a] for a in s.args))
        varies[i] |= {d for d in range(rank) if s.access and s.access.strides[d]} | (
            {s.dim} if s.kind == "index" else set()
        )
        varies[i] -= set(reduced) if s.kind == "reduce" else set()
    for value in {floats[-1], pick(floats), *bits[-1:]}:
        kept = [d for d in range(rank) if d not in reduced] if not varies[value] & set(reduced) else list(range(rank))
        s, size = strides(kept)
        memory.append(np.zeros(size, k.statements[value].dtype))
        k.store(value, len(memory) - 1, s)
    return k.kernel(), memory


@pytest.mark.parametrize("seed", range(40))
def test_random_kernels(seed, cpu):
    rng = np.random.default_rng(seed)
    for _ in range(2):
        kernel, memory = random_kernel(rng)
        check(kernel, memory, cpu, rtol=2e-4, cuts=[1, 2])


@pytest.mark.parametrize("dims", [(3, 1000), (3, 20), (40, 20)])
def test_a_store_over_what_is_read_again_waits(dims, either):
    k = Body(dims, (0,) if dims[0] == 40 else (1,))
    x = k.load(0)
    double = k.map("mul", x, k.number(2.0))
    k.store(double, 0)
    k.store(k.map("sub", x, k.reduce("max", double)), 1)
    size = int(np.prod(dims))
    check(k.kernel(), [random(size), np.zeros(size, np.float32)], either)


def test_what_is_dear_is_kept_and_what_is_cheap_computed_again():
    assert emit_loops(softmax((4, 3000), (1,))).scratch == 3008 * 4
    k = Body((4, 3000), (1,))
    x = k.load(0)
    k.store(k.map("sub", x, k.reduce("max", x)), 1)
    assert emit_loops(k.kernel()).scratch == 0


@pytest.mark.parametrize(("dims", "reduced", "rows"), [((32, 300), (1,), True), ((32, 300), (0,), False)])
def test_only_rows_can_be_chained(dims, reduced, rows):
    assert emit_loops(softmax(dims, reduced)).rows == rows


def test_work_is_counted():
    k = Body((10, 30), (1,))
    k.store(k.reduce("add", k.map("mul", k.load(0), k.load(1, strides=(0, 1)))), 2, (1, 0))
    code = emit_loops(k.kernel())
    assert code.flops == 2 * 300
    assert code.bytes == 4 * (300 + 30 + 10)
