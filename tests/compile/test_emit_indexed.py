"""Kernels that read and write where integers say, running ones and draws, against NumPy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from upriver.compile.emit.gather import Operand, emit_gather, emit_put, emit_scatter, emit_take
from upriver.compile.emit.own import emit_own
from upriver.compile.emit.random import emit_draw
from upriver.compile.emit.scan import emit_scan
from upriver.compile.kernels import Access, KernelCode
from upriver.compile.native.target import target
from upriver.compile.primitives.evaluate import evaluate
from upriver.compile.primitives.expand import expand, order
from upriver.compile.recording.program import Instruction, Program, Value
from upriver.core.dtypes import bool_, float32, float64, int64
from upriver.core.registry import ops

from .native_call import call

pytest.importorskip("llvmlite")

DTYPES = [np.dtype(d) for d in (np.float32, np.float64, np.int64)]


def operand(slot: int, x: np.ndarray) -> Operand:
    return Operand(Access(slot, x.dtype, tuple([s // x.itemsize for s in x.strides])), x.shape)


def strided(x: np.ndarray) -> np.ndarray:
    """The same values, with gaps and the dimensions in another order in memory."""
    if not x.ndim:
        return x
    wide = np.zeros([2 * n for n in x.shape[::-1]], x.dtype).T
    view = wide[tuple([slice(None, None, 2)] * x.ndim)]
    view[...] = x
    return view


def run(code: KernelCode, arrays: list[np.ndarray], cut: int = 3) -> None:
    """Run all units in pieces, as threads would."""
    edges = sorted({0, code.units, *[code.units * i // cut for i in range(cut)]})
    for begin, end in reversed(list(pairwise(edges))):
        call(code, arrays, begin, end)


def values(rng: Any, shape: Any, dtype: Any) -> np.ndarray:
    return rng.integers(-9, 9, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("rows", "index", "row"),
    [(5, (7,), (3,)), (27, (4, 3), (10,)), (9, (), (33,)), (3, (2, 0), (4,)), (6, (5,), ()), (4, (17,), (2, 65))],
)
@pytest.mark.parametrize("how", [np.asarray, strided])
def test_take_and_put(dtype: Any, rows: int, index: Any, row: Any, how: Any) -> None:
    rng = np.random.default_rng(0)
    table, i = how(values(rng, (rows, *row), dtype)), how(rng.integers(0, rows, index))
    out = how(values(rng, (*index, *row), dtype))
    code = emit_take(operand(0, table), operand(1, i), operand(2, out), target())
    run(code, [table, i, out])
    np.testing.assert_array_equal(out, table[i])

    x, total = how(values(rng, (*index, *row), dtype)), how(values(rng, (rows, *row), dtype))
    expected = np.zeros(total.shape, dtype)
    np.add.at(expected, i, x)
    run(emit_put(operand(0, i), operand(1, x), operand(2, total), target()), [i, x, total])
    np.testing.assert_array_equal(total, expected)


def test_put_wide_rows_in_blocks() -> None:
    rng = np.random.default_rng(1)
    for columns in (64, 65, 128, 200):
        i, x = rng.integers(0, 11, 40), rng.normal(size=(40, columns)).astype(np.float32)
        out = np.full((11, columns), np.nan, np.float32)
        code = emit_put(operand(0, i), operand(1, x), operand(2, out), target())
        assert code.units == -(-columns // 64)
        run(code, [i, x, out])
        expected = np.zeros_like(out)
        np.add.at(expected, i, x)
        np.testing.assert_array_equal(out, expected)  # the same order of additions


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("shape", "index", "dim"),
    [((5,), (7,), 0), ((4, 6), (4, 3), 1), ((4, 6), (9, 5), 0), ((3, 4, 5), (2, 4, 8), 2), ((3, 4, 5), (3, 2, 4), 1)],
)
@pytest.mark.parametrize("how", [np.asarray, strided])
def test_gather_and_scatter(dtype: Any, shape: Any, index: Any, dim: int, how: Any) -> None:
    rng = np.random.default_rng(0)
    x, i = how(values(rng, shape, dtype)), how(rng.integers(0, shape[dim], index))
    places = tuple([i if d == dim else g for d, g in enumerate(np.ogrid[tuple([slice(0, n) for n in index])])])
    out = how(values(rng, index, dtype))
    code = emit_gather(operand(0, x), operand(1, i), operand(2, out), dim, target())
    run(code, [x, i, out])
    np.testing.assert_array_equal(out, x[places])

    source, total = how(values(rng, index, dtype)), how(values(rng, shape, dtype))
    code = emit_scatter(operand(0, x), operand(1, i), operand(2, source), operand(3, total), dim, target())
    run(code, [x, i, source, total])
    expected = x.copy()
    np.add.at(expected, places, source)
    np.testing.assert_array_equal(total, expected)


@pytest.mark.parametrize("bad", [-1, 5, 2**62, -(2**63)])
def test_an_index_outside_touches_nothing(bad: int) -> None:
    guarded = np.full(5 * 3 + 64, 7.0, np.float32)
    table = guarded[32:47].reshape(5, 3)
    i, x = np.array([1, bad, 4]), np.ones((3, 3), np.float32)
    out = np.zeros((3, 3), np.float32)
    run(emit_take(operand(0, table), operand(1, i), operand(2, out), target()), [table, i, out])
    run(emit_put(operand(0, i), operand(1, x), operand(2, table), target()), [i, x, table])
    j, y = np.array([[1, 0, bad]]), np.ones((1, 3), np.float32)
    code = emit_scatter(operand(0, x), operand(1, j), operand(2, y), operand(3, table), 0, target())
    run(code, [x, j, y, table])
    code = emit_gather(operand(0, table), operand(1, j), operand(2, out[:1]), 0, target())
    run(code, [table, j, out[:1]])
    assert (guarded[:32] == 7).all()
    assert (guarded[47:] == 7).all()


def test_nothing_to_take_from() -> None:
    table, i, out = np.zeros((0, 3), np.float32), np.array([0]), np.full((1, 3), 5.0, np.float32)
    run(emit_take(operand(0, table), operand(1, i), operand(2, out), target()), [table, i, out])
    assert (out == 5).all()


@pytest.mark.parametrize("fn", ["add", "mul", "max", "min"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("shape", "dim"), [((7,), 0), ((3, 33), 1), ((33, 37), 0), ((2, 5, 4), 1), ((1, 1), 0), ((0, 3), 1)]
)
@pytest.mark.parametrize("how", [np.asarray, strided])
def test_scan(fn: str, reverse: bool, shape: Any, dim: int, how: Any) -> None:
    rng = np.random.default_rng(0)
    ufunc = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[fn]
    for dtype in (*DTYPES, bool_):
        x = how(rng.normal(size=shape).astype(dtype))
        if dtype.kind == "f" and x.size > 8:
            x[tuple([n // 2 for n in shape])] = np.nan
        turned = np.flip(x, dim) if reverse else x
        expected = ufunc.accumulate(turned, axis=dim).astype(dtype)
        out = how(np.zeros(shape, dtype))
        run(emit_scan(fn, operand(0, x), operand(1, out), dim, reverse, target()), [x, out])
        np.testing.assert_array_equal(out, np.flip(expected, dim) if reverse else expected)


@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 8, 9, 100, 1001])
@pytest.mark.parametrize(("seed", "counter"), [(0, 0), (7, 3), (2**64 - 1, 2**63)])
def test_draws(n: int, seed: int, counter: int) -> None:
    key = np.array([seed, counter], np.uint64)
    for dtype in (float32, float64):
        out = np.full(n + 1, -1, dtype)
        code = emit_draw((n,), dtype, None, 0, 1)
        assert code is not None
        run(code, [key, out])
        expected = ops.random_uniform.forward(shape=(n,), dtype=dtype, seed=seed, counter=counter)
        np.testing.assert_array_equal(out[:n], expected)
        assert out[n] == -1
    for p in (0.0, 0.1, 0.5, 1.0):
        kept = np.full(n + 1, 3, np.uint8)
        code = emit_draw((n,), bool_, p, 0, 1)
        assert code is not None
        run(code, [key, kept])
        expected = ops.random_mask.forward(shape=(n,), dtype=bool_, p=p, seed=seed, counter=counter)
        np.testing.assert_array_equal(kept[:n], expected)
        assert kept[n] == 3
    assert emit_draw((n,), int64, None, 0, 1) is None


PROGRAMS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "index_select": ((np.arange(12.0, dtype=np.float32).reshape(4, 3), np.array([3, 0])), {"dim": 0}),
    "gather": ((np.arange(12.0).reshape(4, 3), np.array([[2, 0], [1, 1]])), {"dim": 1}),
    "cumsum": ((np.arange(12.0).reshape(4, 3),), {"dim": 0, "reverse": False}),
    "random_uniform": ((), {"shape": (5, 3), "dtype": float32}),
    "random_mask": ((), {"shape": (5, 3), "dtype": bool_, "p": 0.3}),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_from_an_operation_to_its_kernel(name: str) -> None:
    inputs, attrs = PROGRAMS[name]
    op = ops.record(name)
    drawn = {"seed": 5, "counter": 6} if not inputs else {}
    expected = np.asarray(op.forward(*inputs, **attrs, **drawn))
    given, out = [Value(x.shape, x.dtype) for x in inputs], Value(expected.shape, expected.dtype)
    instruction = Instruction(op, tuple(given), attrs, out, draw=0 if drawn else None)
    graph = expand(Program(inputs=given, draws=[None], instructions=[instruction], outputs=[out]))
    (root,) = [p for p in order(graph.roots()) if p.kind in ("take", "gather", "scan", "draw")]
    arrays = evaluate(root.args, inputs)
    code = emit_own(root, [([s // x.itemsize for s in x.strides], 0) for x in arrays], target())
    assert code is not None
    result = np.zeros(root.shape, root.dtype)
    key = [np.array([5, 6], np.uint64)] if drawn else []
    run(code, [*arrays, *key, result])
    np.testing.assert_array_equal(result.reshape(expected.shape), expected)
