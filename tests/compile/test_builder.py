"""The builder of LLVM functions: what it folds, how loops carry values, and that alike functions have one name."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite")
from upriver.compile.emit.builder import F32, F64, I1, I64, Builder, kernel, literal
from upriver.compile.kernels import KernelCode
from upriver.compile.native.jit import Library


def compiled(b, result, *types):
    """A function of integers, as Python calls it."""
    name, ir = b.finish(result)
    library = Library([KernelCode(name, ir, tuple(b.declares), 1, 1, False, 0, 0, 0, "")])
    library.keep()
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(types))(library.address(name))


def test_python_integers_are_folded():
    b = kernel()
    n = b.params["begin"]
    assert b.add(2, 3) == 5
    assert b.add(n, 0) is n
    assert b.mul(n, 1) is n
    assert b.mul(n, 0) == 0
    assert b.div(7, 2) == 3
    assert b.rem(n, 1) == 0
    assert b.least(3, 2) == 2
    assert "add" not in b.finish()[1]


@pytest.mark.parametrize("sure", [False, True])
def test_loops_carry_values(sure):
    b = Builder({"start": I64, "stop": I64}, I64)

    def turn(i, carried):
        return [b.add(carried[0], i), i]

    total, last = b.loop(b.params["start"], b.params["stop"], 3, [b.int(100), b.int(-1)], turn, sure=sure)
    f = compiled(b, b.add(b.mul(total, 1000), last), I64, I64)
    assert f(2, 9) == (100 + 2 + 5 + 8) * 1000 + 8
    if not sure:
        assert f(5, 5) == 100 * 1000 - 1


def test_loops_of_no_turn_and_of_one_have_no_code_for_turning():
    b = Builder({"n": I64}, I64)
    n = b.params["n"]
    assert b.loop(3, 3, 1, [n], lambda i, c: [b.add(c[0], i)]) == [n]
    (one,) = b.loop(4, 5, 1, [n], lambda i, c: [b.add(c[0], i)])
    _, ir = b.finish(one)
    assert "phi" not in ir
    assert "add nsw i64 %n, 4" in ir


def test_loops_inside_loops_and_branches():
    b = Builder({"n": I64}, I64)
    n = b.params["n"]

    def outer(i, carried):
        def inner(j, within):
            small = b.compare("slt", j, i)
            return b.when(small, lambda: [b.add(within[0], j)], lambda: [b.sub(within[0], 1)])

        return b.loop(0, n, 1, carried, inner)

    (total,) = b.loop(0, n, 1, [b.int(0)], outer)
    f = compiled(b, total, I64)
    assert f(6) == sum(j if j < i else -1 for i in range(6) for j in range(6))


def test_equal_text_has_an_equal_name():
    def one(value):
        b = kernel()
        b.store(b.const(value, F32), b.argument(0))
        return b.finish()

    assert one(1.0) == one(1.0)
    assert one(1.0)[0] != one(2.0)[0]


@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, 1e-45, 3e38, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("kind", [F32, F64])
def test_literals_are_exact(value, kind):
    dtype = np.float32 if kind == F32 else np.float64
    b = kernel()
    b.store(b.const(value, kind), b.argument(0))
    b.store(b.const(value, f"<4 x {kind}>"), b.gep(kind, b.argument(0), 1))
    name, ir = b.finish()
    library = Library([KernelCode(name, ir, tuple(b.declares), 1, 1, False, 0, 0, 0, "")])
    out = np.ones(6, dtype)
    table = np.array([out.ctypes.data])
    address = library.address(name)
    ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(address)(table.ctypes.data, 0, 1, 0)
    assert out.tobytes() == np.array([value] * 5 + [1], dtype).tobytes()


def test_literals_of_bits_and_integers():
    assert literal(True, I1) == "true"
    assert literal(0, "<4 x i64>") == "zeroinitializer"
    assert literal(-1, "<4 x i32>") == "splat (i32 -1)"


def test_masks_touch_nothing_else():
    b = kernel()
    mask = b.mask_below(b.params["end"], 8)
    x = b.load_masked("<8 x float>", b.argument(0), mask, b.const(9, "<8 x float>"))
    b.store(x, b.argument(1))
    b.store_masked(x, b.argument(2), mask)
    name, ir = b.finish()
    library = Library([KernelCode(name, ir, tuple(b.declares), 1, 1, False, 0, 0, 0, "")])
    arrays = [np.arange(8, dtype=np.float32), np.zeros(8, np.float32), np.full(8, 5, np.float32)]
    table = np.array([a.ctypes.data for a in arrays])
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    call(library.address(name))(table.ctypes.data, 0, 3, 0)
    assert arrays[1].tolist() == [0, 1, 2, 9, 9, 9, 9, 9]
    assert arrays[2].tolist() == [0, 1, 2, 5, 5, 5, 5, 5]
