"""Native matrix products beside NumPy's in float64, over sizes, strides, terms, epilogues and cuts."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from upriver.compile.emit.gemm import emit_gemm
from upriver.compile.emit.gemm_plan import Oriented
from upriver.compile.kernels import Access, GemmKernel, Statement
from upriver.compile.native.jit import Library
from upriver.compile.native.target import Target, target

RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
SIZES = (0, 1, 2, 7, 10, 15, 16, 17, 27, 33, 64, 65, 100)
GUARD = 4096  # bytes around each array that nobody may write, and whose reading shows as NaN


class Memory:
    """Arrays between guards."""

    def __init__(self) -> None:
        self.blocks: list[tuple[np.ndarray, np.ndarray]] = []

    def array(self, values: np.ndarray) -> np.ndarray:
        """A copy of contiguous values between guards."""
        raw = np.full(values.nbytes + 2 * GUARD + 64, 255, np.uint8)
        start = GUARD + -(raw.ctypes.data + GUARD) % 64
        inside = raw[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
        inside[...] = values
        self.blocks.append((raw, inside))
        return inside

    def intact(self) -> bool:
        """Whether all guards are as they were."""
        for raw, inside in self.blocks:
            start = inside.ctypes.data - raw.ctypes.data
            if not ((raw[:start] == 255).all() and (raw[start + inside.nbytes :] == 255).all()):
                return False
        return True


def access(slot: int, view: np.ndarray, base: np.ndarray, strides: tuple[int, ...] | None = None) -> Access:
    """A view of the array in a slot."""
    size = base.itemsize
    moves = tuple(s // size for s in view.strides) if strides is None else strides
    return Access(slot, base.dtype, moves, (view.ctypes.data - base.ctypes.data) // size)


def run(
    kernel: GemmKernel, arrays: list[np.ndarray], memory: Memory, cpu: Target | None = None, parts: int = 1
) -> None:
    """Run a product, its units cut in ``parts``, each part with scratch of its own full of NaN."""
    code = emit_gemm(kernel, cpu or target())
    codes = [*(pack.code for pack in code.packs), code.main]
    library = Library(codes)
    buffers = [memory.array(np.full(pack.bytes, 255, np.uint8)) for pack in code.packs]
    calls = [([arrays[i] for i in p.operands] + [to], p.code) for p, to in zip(code.packs, buffers, strict=True)]
    calls.append((arrays + buffers, code.main))
    for given, part in calls:
        args = np.array([x.ctypes.data for x in given], np.int64)
        blocks = -(-part.units // part.align)
        cuts = [min(blocks * i // parts * part.align, part.units) for i in range(parts)] + [part.units]
        for begin, end in reversed([*pairwise(cuts)]):
            scratch = memory.array(np.full(part.scratch, 255, np.uint8))
            RUN(library.address(part.name))(args.ctypes.data, begin, end, scratch.ctypes.data)
    assert memory.intact()


def strided(memory: Memory, rng: np.random.Generator, shape: tuple[int, ...], how: str, dtype: str) -> tuple:
    """(array, view of that shape): ``plain``, ``across`` (last two dimensions swapped) or ``every`` (steps of 2, 3)."""
    *lead, m, n = shape
    if how == "plain":
        base = memory.array(rng.standard_normal(shape).astype(dtype))
        return base, base
    if how == "across":
        base = memory.array(rng.standard_normal((*lead, n, m)).astype(dtype))
        return base, base.swapaxes(-1, -2)
    base = memory.array(rng.standard_normal((*lead, 2 * m, 3 * n + 1)).astype(dtype))
    return base, base[..., ::2, 1::3]


def check(
    shape: tuple[int, int, int],
    how: tuple[str, str, str] = ("plain", "plain", "plain"),
    batch: tuple[int, ...] = (),
    dtype: str = "float32",
    cpu: Target | None = None,
    parts: int = 1,
) -> None:
    """A plain product with its result in whatever order."""
    m, n, k = shape
    memory, rng = Memory(), np.random.default_rng(hash((shape, how)) % 1000)
    a, av = strided(memory, rng, (*batch, m, k), how[0], dtype)
    b, bv = strided(memory, rng, (*batch, k, n), how[1], dtype)
    c, cv = strided(memory, rng, (*batch, m, n), how[2], dtype)
    before = c.copy()
    body = (Statement("result", c.dtype), Statement("store", c.dtype, (0,), access=access(2, cv, c)))
    kernel = GemmKernel(batch, m, n, k, (access(0, av, a),), (access(1, bv, b),), body)
    expected = np.matmul(av.astype("f8"), bv.astype("f8"))
    run(kernel, [a, b, c], memory, cpu, parts)
    tolerance = (1e-6 if dtype == "float32" else 1e-14) * max(k, 1)
    np.testing.assert_allclose(cv, expected, rtol=tolerance, atol=tolerance)
    cv[...] = 0
    if how[2] == "every":  # what lies between the entries of the result was left alone
        before[..., ::2, 1::3] = 0
        np.testing.assert_array_equal(c, before)


@pytest.mark.parametrize("m", SIZES)
def test_sizes(m):
    for i, (n, k) in enumerate([*product(SIZES, (0, 1, 2, 7, 16, 33))][m % 4 :: 4]):
        check((m, n, k), dtype="float64" if i % 5 == 0 else "float32", parts=1 + i % 3)


@pytest.mark.parametrize("how", [*product(("plain", "across", "every"), repeat=3)], ids="-".join)
def test_orders_in_memory(how):
    for i, shape in enumerate([(33, 17, 16), (10, 64, 27), (65, 2, 40), (1, 1, 5), (2, 100, 1), (64, 33, 7)]):
        check(shape, how, dtype="float64" if i == 1 else "float32", parts=1 + i % 3)


@pytest.mark.parametrize("how", [*product(("plain", "across"), ("plain", "across"), ("plain", "every"))], ids="-".join)
def test_batches(how):
    check((17, 20, 9), how, (3,), parts=2)
    check((5, 33, 16), how, (2, 3), parts=2)
    check((64, 64, 16), how, (1, 2))


@pytest.mark.parametrize("how", [*product(("plain", "across", "every"), repeat=2)], ids="-".join)
def test_one_operand_for_the_whole_batch(how):
    memory, rng = Memory(), np.random.default_rng(5)
    a, av = strided(memory, rng, (21, 12), how[0], "float32")
    b, bv = strided(memory, rng, (4, 12, 35), how[1], "float32")
    c = memory.array(np.zeros((4, 21, 35), "f4"))
    body = (Statement("result", c.dtype), Statement("store", c.dtype, (0,), access=access(2, c, c)))
    one = access(0, av, a, (0, *(s // 4 for s in av.strides)))
    run(GemmKernel((4,), 21, 35, 12, (one,), (access(1, bv, b),), body), [a, b, c], memory, parts=2)
    np.testing.assert_allclose(c, av.astype("f8") @ bv.astype("f8"), rtol=1e-5, atol=1e-5)
    flip = Access(2, c.dtype, (c.strides[0] // 4, 1, 35))
    body = (body[0], Statement("store", c.dtype, (0,), access=flip))
    swapped = (
        Access(1, b.dtype, (access(1, bv, b).strides[0], *access(1, bv, b).strides[:0:-1]), access(1, bv, b).offset),
    )
    other = (Access(0, a.dtype, (0, *one.strides[:0:-1]), one.offset),)
    c[...] = 0
    run(GemmKernel((4,), 35, 21, 12, swapped, other, body), [a, b, c], memory, parts=3)
    np.testing.assert_allclose(c, av.astype("f8") @ bv.astype("f8"), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("how", [*product(("plain", "across", "every"), repeat=2)], ids="-".join)
def test_sums_of_products(count, mixed, how):
    memory, rng = Memory(), np.random.default_rng(6)
    m, n, k = 18, 37, 9
    everything = memory.array(rng.standard_normal((count, m, k)).astype("f4"))
    left, right, arrays, expected = [], [], [everything], 0
    for i in range(count):
        if how[0] == "plain" and not (mixed and i == 1):  # steps of one array, in the same slot
            av = everything[i]
            left.append(access(0, av, everything))
        else:
            a, av = strided(memory, rng, (m, k), "across" if mixed and i == 1 else how[0], "float32")
            left.append(access(len(arrays), av, a))
            arrays.append(a)
        b, bv = strided(memory, rng, (k, n), "plain" if mixed and i == 0 else how[1], "float32")
        right.append(access(len(arrays), bv, b))
        arrays.append(b)
        expected = expected + av.astype("f8") @ bv.astype("f8")
    c = memory.array(np.zeros((m, n), "f4"))
    arrays.append(c)
    body = (Statement("result", c.dtype), Statement("store", c.dtype, (0,), access=access(len(arrays) - 1, c, c)))
    run(GemmKernel((), m, n, k, tuple(left), tuple(right), body), arrays, memory, parts=2)
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(33, 40, 7), (64, 10, 16), (3, 129, 20), (50, 1, 8)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_epilogue(shape, dtype):
    """relu(a b + bias) · scale + residual, the mask of the relu, and the position along the columns."""
    m, n, k = shape
    memory, rng = Memory(), np.random.default_rng(7)

    def new(*dims):
        return memory.array(rng.standard_normal(dims).astype(dtype))

    a, b, bias, residual, c = new(m, k), new(k, n), new(n), new(n, m), new(m, n)
    scale, mask, far = new(m), memory.array(np.zeros((m, n), bool)), memory.array(np.zeros((m, n), bool))
    d, flag = c.dtype, mask.dtype
    body = (
        Statement("result", d),
        Statement("load", d, access=Access(2, d, (0, 1))),
        Statement("map", d, (0, 1), "add"),
        Statement("number", d, value=0.0),
        Statement("map", flag, (2, 3), "gt"),
        Statement("store", flag, (4,), access=Access(5, flag, (n, 1))),
        Statement("map", d, (4, 2, 3), "where"),
        Statement("load", d, access=Access(6, d, (1, 0))),
        Statement("map", d, (6, 7), "mul"),
        Statement("load", d, access=Access(3, d, (1, m))),
        Statement("map", d, (8, 9), "add"),
        Statement("store", d, (10,), access=Access(4, d, (n, 1))),
    )
    arrays = [a, b, bias, residual, c, mask, scale, far]
    total = a.astype("f8") @ b.astype("f8") + bias
    expected = np.where(total > 0, total, 0) * scale[:, None] + residual.T
    run(GemmKernel((), m, n, k, (access(0, a, a),), (access(1, b, b),), body), arrays, memory, parts=2)
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(mask, total > 0)
    index = np.dtype("int64")
    more = (
        Statement("index", index, dim=1),
        Statement("index", index, dim=0),
        Statement("map", flag, (12, 13), "gt"),
        Statement("store", flag, (14,), access=Access(7, flag, (n, 1))),
    )
    run(GemmKernel((), m, n, k, (access(0, a, a),), (access(1, b, b),), (*body, *more)), arrays, memory, parts=2)
    np.testing.assert_array_equal(far, np.arange(n) > np.arange(m)[:, None])
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("order", ["plain", "across"])
@pytest.mark.parametrize("shape", [(10, 64, 100), (64, 10, 100), (65, 65, 32)])
def test_update_in_place(shape, order):
    """w ← w − rate · (dyᵀ x): the gradient is never stored."""
    m, n, k = shape
    memory, rng = Memory(), np.random.default_rng(8)
    dy, x = (memory.array(rng.standard_normal(s).astype("f4")) for s in ((k, m), (k, n)))
    w, wv = strided(memory, rng, (m, n), order, "float32")
    rate, d = memory.array(np.array([0.1], "f4")), w.dtype
    body = (
        Statement("result", d),
        Statement("load", d, access=Access(3, d, (0, 0))),
        Statement("map", d, (0, 1), "mul"),
        Statement("load", d, access=access(2, wv, w)),
        Statement("map", d, (3, 2), "sub"),
        Statement("store", d, (4,), access=access(2, wv, w)),
    )
    expected = wv - 0.1 * (dy.T.astype("f8") @ x)
    run(GemmKernel((), m, n, k, (access(0, dy.T, dy),), (access(1, x, x),), body), [dy, x, w, rate], memory, parts=3)
    np.testing.assert_allclose(wv, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("how", [*product(("plain", "across"), repeat=2)], ids="-".join)
@pytest.mark.parametrize("shape", [(17, 10, 20), (40, 33, 19), (9, 100, 3)])
def test_nan_and_infinity_come_out(shape, how):
    m, n, k = shape
    memory, rng = Memory(), np.random.default_rng(9)
    a, av = strided(memory, rng, (m, k), how[0], "float32")
    b, bv = strided(memory, rng, (k, n), how[1], "float32")
    av[1, 0], av[2, 1], av[3, :], bv[2, 5], bv[:, 1] = np.inf, np.nan, 0, -np.inf, 0
    c = memory.array(np.zeros((m, n), "f4"))
    body = (Statement("result", c.dtype), Statement("store", c.dtype, (0,), access=access(2, c, c)))
    run(GemmKernel((), m, n, k, (access(0, av, a),), (access(1, bv, b),), body), [a, b, c], memory)
    with np.errstate(invalid="ignore"):
        expected = av.astype("f8") @ bv.astype("f8")
    assert np.isnan(expected[3, 5])
    assert np.isnan(expected[1, 1])
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bits", [128, 256])
def test_narrower_registers(bits):
    cpu = replace(target(), bits=bits, registers=16)
    for how in product(("plain", "across"), repeat=2):
        for dtype in ("float32", "float64"):
            check((35, 34, 19), (*how, "plain"), dtype=dtype, cpu=cpu, parts=2)
            check((35, 5, 19), (*how, "across"), dtype=dtype, cpu=cpu, parts=2)
            check((9, 11, 6), (*how, "plain"), (3,), dtype, cpu, 2)


LARGER = {  # the shape; whether Y is packed before, threads share the rows, and k is cut
    "packed before": ((40, 100, 203), (True, True, False)),
    "threads share the columns": ((40, 401, 70), (False, False, False)),
    "equal pieces": ((70, 41, 2560), (True, True, True)),
    "unequal pieces": ((100, 33, 2311), (True, True, True)),
    "pieces, threads share the columns": ((40, 401, 2311), (False, False, True)),
    "far rows of Y": ((70, 2048, 64), (False, False, False)),
}


@pytest.mark.parametrize("how", [*product(("plain", "across"), repeat=2)], ids="-".join)
@pytest.mark.parametrize("shape", [shape for shape, _ in LARGER.values()], ids=LARGER.keys())
def test_larger(shape, how):
    for parts, order in ((1, "plain"), (3, "across")):
        check(shape, (*how, order), parts=parts)


def test_ways_of_larger_products_are_taken():
    """The sizes above go the ways that their names tell."""
    cpu = replace(target(), bits=512, registers=32)
    for name, ((m, n, k), expected) in LARGER.items():
        a, b, c = (Access(i, np.dtype("f4"), strides) for i, strides in enumerate([(k, 1), (1, k), (n, 1)]))
        b = replace(b, strides=(n, 1)) if name == "far rows of Y" else b
        body = (Statement("result", c.dtype), Statement("store", c.dtype, (0,), access=c))
        plan = Oriented(GemmKernel((), m, n, k, (a,), (b,), body), cpu, False)
        assert plan.terms[0].packed
        assert (plan.shared, plan.by_rows, plan.pieces is not None) == expected, name


def test_many_terms_in_pieces():
    memory, rng = Memory(), np.random.default_rng(10)
    m, n, k, count = 70, 40, 33, 75
    a, b = (memory.array(rng.standard_normal((count, *s)).astype("f4")) for s in ((k, m), (k, n)))
    c = memory.array(np.zeros((m, n), "f4"))
    left = tuple(access(0, a[i].T, a) for i in range(count))
    right = tuple(access(1, b[i], b) for i in range(count))
    body = (Statement("result", c.dtype), Statement("store", c.dtype, (0,), access=access(2, c, c)))
    for parts in (1, 2):
        c[...] = np.nan
        run(GemmKernel((), m, n, k, left, right, body), [a, b, c], memory, parts=parts)
        np.testing.assert_allclose(c, np.einsum("tki,tkj->ij", a.astype("f8"), b), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(70, 41, 2560), (33, 70, 20)])
def test_long_epilogue(shape):
    """Thirty maps, which run on sums that lie in scratch."""
    m, n, k = shape
    memory, rng = Memory(), np.random.default_rng(11)
    a, b, bias, c = (memory.array(rng.standard_normal(s).astype("f4")) for s in ((m, k), (k, n), (n,), (m, n)))
    d = c.dtype
    body = [Statement("result", d), Statement("load", d, access=Access(2, d, (0, 1)))]
    body += [Statement("map", d, (0 if i == 2 else i - 1, 1), "add") for i in range(2, 32)]
    body.append(Statement("store", d, (31,), access=access(3, c, c)))
    for parts in (1, 2):
        c[...] = 0
        run(
            GemmKernel((), m, n, k, (access(0, a, a),), (access(1, b, b),), tuple(body)),
            [a, b, bias, c],
            memory,
            parts=parts,
        )
        np.testing.assert_allclose(c, a.astype("f8") @ b + 30.0 * bias, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("few", [1, 2, 4, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_few_rows_or_columns_along_k(few, dtype):
    for n, k in product((1, 10, 16, 33), (32, 47, 100)):
        check((few, n, k), ("plain", "across", "plain"), dtype=dtype, parts=2)
        check((n, few, k), ("plain", "across", "across"), dtype=dtype)
    check((few, 20, 50), ("plain", "across", "plain"), (3,), dtype)
    check((few, 20, 50), ("plain", "across", "plain"), dtype=dtype, cpu=replace(target(), bits=128, registers=16))
