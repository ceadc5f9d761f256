"""Native pooling beside NumPy, with guards around every buffer."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from upriver.compile.emit.pool import emit_pool, pieces
from upriver.compile.kernels import PoolKernel, Statement
from upriver.compile.native.target import target
from upriver.compile.primitives.evaluate import evaluate
from upriver.compile.primitives.prims import Prim
from upriver.ops.pool_kernels import pool_shape

from .guarded import Guarded, access, stored
from .native_call import call

NHWC, NCHW, CWHN = (0, 2, 3, 1), (0, 1, 2, 3), (1, 3, 2, 0)
F = np.dtype(np.float32)


def reference(kind, fn, shape, arrays, attrs):
    """What the primitive is."""
    leaves = tuple([Prim("input", (), x.shape, x.dtype, {"index": i}) for i, x in enumerate(arrays)])
    return evaluate([Prim(kind, leaves, shape, arrays[0].dtype, {"fn": fn, **attrs})], arrays)[0]


def run(kernel, memory, cpu=None, parts=1):
    code = emit_pool(kernel, cpu or target())
    for i in reversed(range(parts)):
        call(code, memory.arrays, code.units * i // parts, code.units * (i + 1) // parts)
    assert memory.intact()
    return code


def check(shape, window, stride, padding=(0, 0), dilation=(1, 1), ceil=False, *, fn="max", spoil=False, dtype=F, **how):
    """A pooling and its gradient; ``spoil``: with ties, infinities and NaN."""
    order, cpu, parts = how.get("order", NHWC), how.get("cpu"), how.get("parts", 1)
    out = pool_shape(shape, window, stride, padding, dilation, ceil)
    attrs = {"window": window, "stride": stride, "padding": padding, "dilation": dilation}
    common = (fn, *shape[:2], shape[2:], out[2:], window, stride, padding, dilation)
    memory = Guarded()
    x, y = memory.normal(shape, dtype, order), memory.empty(out, dtype, order)
    if spoil:
        x[...] = np.round(x)
        x[memory.rng.random(shape) < 0.05] = np.nan
        x[memory.rng.random(shape) < 0.1] = -np.inf
    run(PoolKernel("pool", *common, (access(0, x),), stored(1, y)), memory, cpu, parts)
    expected = reference("pool", fn, out, [x.copy()], attrs)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)

    memory = Guarded(1)
    ct = memory.normal(out, dtype, how.get("upstream", order))
    if spoil:
        ct[memory.rng.random(out) < 0.1] = np.inf
    known = [memory.array(x, order), memory.array(expected, order)] if fn == "max" else []
    dx = memory.empty(shape, dtype, order)
    operands = tuple([access(i, a) for i, a in enumerate([ct, *known])])
    run(PoolKernel("pool_back", *common, operands, stored(len(operands), dx)), memory, cpu, parts)
    expected = reference("pool_back", fn, shape, [a.copy() for a in (ct, *known)], attrs)
    np.testing.assert_allclose(dx, expected, rtol=1e-5, atol=1e-5)


CASES = [
    ((2, 16, 8, 8), (2, 2), (2, 2)),
    ((2, 39, 9, 7), (2, 2), (2, 2)),
    ((2, 5, 12, 37), (3, 3), (2, 2), (1, 1)),
    ((2, 5, 12, 37), (3, 3), (1, 1), (1, 1)),
    ((2, 5, 12, 38), (3, 2), (2, 3), (1, 1), (1, 1), True),
    ((2, 5, 12, 38), (3, 2), (2, 1), (1, 0), (2, 3), True),
    ((2, 3, 9, 11), (9, 11), (9, 11)),
    ((2, 3, 9, 21), (7, 8), (2, 1), (3, 4)),
    ((2, 3, 1, 50), (1, 5), (1, 5)),
    ((1, 1, 4, 5), (3, 2), (1, 2), (1, 1), (1, 1), True),
    ((0, 3, 4, 4), (2, 2), (2, 2)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("order", [NHWC, NCHW, CWHN])
@pytest.mark.parametrize("fn", ["max", "add"])
def test_windows(case, order, fn):
    check(*case, fn=fn, order=order, spoil=fn == "max", parts=2)


@pytest.mark.parametrize("fn", ["max", "add"])
@pytest.mark.parametrize(("order", "upstream"), [(NHWC, NCHW), (NCHW, NHWC)])
def test_operands_in_different_orders(order, upstream, fn):
    check((2, 21, 8, 12), (2, 2), (2, 2), fn=fn, order=order, upstream=upstream)
    check((2, 21, 8, 13), (3, 3), (2, 2), (1, 1), fn=fn, order=order, upstream=upstream)


@pytest.mark.parametrize("channels", [1, 2, 7, 15, 16, 17, 33])
def test_numbers_of_channels(channels):
    check((2, channels, 6, 6), (2, 2), (2, 2), dtype=np.dtype(np.float64))
    check((2, channels, 6, 6), (3, 3), (1, 1), (1, 1))


@pytest.mark.parametrize("bits", [128, 256])
def test_other_processors(bits):
    cpu = replace(target(), bits=bits, registers=16)
    for order in (NHWC, NCHW):
        check((2, 11, 9, 13), (2, 2), (2, 2), order=order, cpu=cpu, spoil=True)
        check((2, 11, 9, 13), (3, 3), (2, 2), (1, 1), order=order, cpu=cpu, spoil=True)


@pytest.mark.parametrize("order", [NHWC, NCHW])
def test_epilogue_of_a_gradient(order):
    """Through a rectifier that stood before the pooling."""
    memory = Guarded()
    x = memory.array(np.maximum(memory.rng.standard_normal((2, 18, 6, 8)), 0).astype(F), order)
    attrs = {"window": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1)}
    y = memory.array(reference("pool", "max", (2, 18, 3, 4), [x.copy()], attrs), order)
    ct, dx = memory.normal((2, 18, 3, 4), order=order), memory.empty(x.shape, order=order)
    body = (
        Statement("result", F),
        Statement("load", F, access=access(0, x)),
        Statement("number", F, value=0.0),
        Statement("map", np.dtype(bool), (1, 2), "gt"),
        Statement("map", F, (3, 0, 2), "where"),
        Statement("store", F, (4,), access=access(3, dx)),
    )
    operands = (access(2, ct), access(0, x), access(1, y))
    kernel = PoolKernel("pool_back", "max", 2, 18, (6, 8), (3, 4), (2, 2), (2, 2), (0, 0), (1, 1), operands, body)
    run(kernel, memory)
    back = reference("pool_back", "max", x.shape, [ct.copy(), x.copy(), y.copy()], attrs)
    np.testing.assert_allclose(dx, np.where(x > 0, back, 0))


def test_images_are_the_units():
    memory = Guarded()
    x, y = memory.normal((5, 4, 6, 6), order=NHWC), memory.empty((5, 4, 3, 3), order=NHWC)
    common = ("max", 5, 4, (6, 6), (3, 3), (2, 2), (2, 2), (0, 0), (1, 1))
    code = emit_pool(PoolKernel("pool", *common, (access(0, x),), stored(1, y)), target())
    call(code, memory.arrays, 1, 3)
    assert (code.units, code.rows) == (5, True)
    assert (y[[0, 3, 4]] == 777).all()
    assert (y[1:3] != 777).all()


@pytest.mark.parametrize("n", [0, 1, 5, 16, 39])
def test_pieces_cover_everything_once(n):
    found = [i for first, count, lanes in pieces(n, 16) for i in range(first, first + count * lanes)]
    assert found == list(range(n))
