"""One native call for a step: addresses, inputs, checks, calls of Python, many steps, the guard mode."""

import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from upriver.compile.kernels import Call, Plan, Ref
from upriver.compile.native import door, runner
from upriver.compile.native.guard import StrayWriteError
from upriver.compile.native.runner import CheckFailed, Executable, view

from .native_kernels import F4, add, ladder, less, mul, stray

N = 17
I8 = np.dtype(np.bool_)


@pytest.fixture(params=["door", "slow", "guard"])
def way(request, monkeypatch):
    """Through CPython's own kind of function, through ctypes, and in guard mode."""
    if request.param == "slow":
        monkeypatch.setattr(runner, "usable", lambda: False)
    if request.param == "guard":
        monkeypatch.setenv("UPRIVER_GUARD", "1")
    return request.param


def step_plan():
    """loss = entry 0 of (x · w) + s; then w += x · w, if loss < limit."""
    product, loss, bit = Ref("arena"), Ref("arena", 0, 128), Ref("arena", 0, 192)
    return Plan(
        (
            Call(mul(N), (Ref("input", 0), Ref("cell", 0), product)),
            Call(add(1), (product, Ref("scalar", 0), loss)),
            Call(less(1), (loss, Ref("constant", 0), bit)),
            Call(add(N), (product, Ref("cell", 0), Ref("cell", 0)), writes=True),
        ),
        256,
        ((F4, (), loss), (F4, (N,), product), (F4, (2, 3), Ref("input", 0, 8)), (F4, (N,), Ref("cell", 0))),
        checks=(bit,),
        inputs=((F4, (N,)),),
        scalars=(F4,),
    )


def random(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def test_a_step(way):
    w, x = random(N), random(N) + 1
    kept = w.copy()
    exe = Executable(step_plan(), [w], [np.float32([99])])
    for step in range(3):
        loss, product, part, after = exe.run([x + step], [0.5])
        expected = (x + step) * kept
        np.testing.assert_array_equal(product, expected)
        assert loss.shape == ()
        assert loss == expected[0] + np.float32(0.5)
        np.testing.assert_array_equal(part, (x + step)[2:8].reshape(2, 3))
        kept = kept + expected
        np.testing.assert_array_equal(w, kept)
        np.testing.assert_array_equal(after, kept)
        assert after.base is None


def test_outputs_are_the_callers_own(way):
    w, x = random(N), random(N)
    exe = Executable(step_plan(), [w], [np.float32([9])])
    first = exe.run([x], [0.0])
    before = [y.copy() for y in first]
    exe.run([x + 1], [1.0])
    for y, z in zip(first, before, strict=True):
        np.testing.assert_array_equal(y, z)


def test_no_cell_is_written_where_a_check_fails(way):
    w, x = random(N), random(N)
    before = w.copy()
    exe = Executable(step_plan(), [w], [np.float32([-9])])
    with pytest.raises(CheckFailed) as failed:
        exe.run([x], [0.0])
    assert failed.value.check == 0
    np.testing.assert_array_equal(w, before)


def test_inputs_that_lie_otherwise_in_memory(way):
    plan, expected = ladder(N, 2)
    exe = Executable(plan, [], [])
    x, y = random(2 * N)[::2], random(3 * N)[::-3]
    np.testing.assert_array_equal(exe.run([x, y])[0], expected(x, y))
    odd = np.frombuffer(b"\0" + random(N).tobytes(), np.uint8)[1:].view(np.float32)
    assert not odd.flags.aligned
    np.testing.assert_array_equal(exe.run([odd, y])[0], expected(odd, y))

    class Mine(np.ndarray):
        pass

    np.testing.assert_array_equal(exe.run([x.copy().view(Mine), y])[0], expected(x, y))


def test_inputs_that_do_not_fit(way):
    exe = Executable(ladder(N, 2)[0], [], [])
    x = random(N)
    with pytest.raises(ValueError, match="input 1 is float64"):
        exe.run([x, x.astype(np.float64)])
    with pytest.raises(ValueError, match=r"input 0 is float32 \[16\]"):
        exe.run([x[1:], x])
    with pytest.raises(ValueError, match=r"input 0 is float32 \[17, 1\]"):
        exe.run([x[:, None], x])
    with pytest.raises(ValueError, match="takes 2 arrays, not 1"):
        exe.run([x])


def test_a_call_of_python(way):
    seen = []

    def host(arrays):
        x, w, y = arrays
        seen.append(x.copy())
        np.add(x, w, out=y)
        if np.isnan(x).any():
            raise KeyboardInterrupt("stop")

    vector = (F4, (N,), None)
    strided = (F4, (N,), (8,))
    plan = Plan(
        (
            Call(None, (Ref("input", 0), Ref("cell", 0), Ref("arena")), host=host, views=(vector, strided, vector)),
            Call(add(N), (Ref("arena"), Ref("input", 0), Ref("cell", 1)), writes=True),
        ),
        128,
        ((F4, (N,), Ref("arena")),),
        inputs=((F4, (N,)),),
    )
    w, v = random(2 * N)[::2], np.zeros(N, np.float32)
    exe = Executable(plan, [w, v], [])
    for k in range(2):
        x = random(N) + k
        np.testing.assert_array_equal(exe.run([x])[0], x + w)
        np.testing.assert_array_equal(seen[-1], x)
        np.testing.assert_array_equal(v, x + w + x)
    other = np.zeros(2 * N, np.float32)[::2] + 3
    with pytest.raises(ValueError, match="cell 0 was"):
        exe.rebind([other, v])
    other = np.full(2 * N, 3, np.float32)[::2]
    exe.rebind([other, v])
    np.testing.assert_array_equal(exe.run([x])[0], x + 3)
    before = v.copy()
    with pytest.raises(KeyboardInterrupt, match="stop"):
        exe.run([np.full(N, np.nan, np.float32)])
    np.testing.assert_array_equal(v, before)
    np.testing.assert_array_equal(exe.run([x])[0], x + 3)


def test_cells_elsewhere(way):
    w, x = random(N), random(N)
    exe = Executable(step_plan(), [w], [np.float32([9])])
    exe.run([x], [0.0])
    left = w.copy()
    new = random(N) + 2
    exe.rebind([new])
    *_, after = exe.run([x], [0.0])
    np.testing.assert_array_equal(w, left)
    np.testing.assert_array_equal(new, after)
    assert not np.array_equal(left, after)


def test_many_steps_are_a_loop_of_steps():
    steps = 7
    xs, scalars = random(steps, N) * 0.1, np.linspace(0, 1, steps)[:, None]
    one, many = random(N), random(N)
    looped = Executable(step_plan(), [one], [np.float32([9])])
    expected = [looped.run([x], s) for x, s in zip(xs, scalars, strict=True)]
    found = Executable(step_plan(), [many], [np.float32([9])]).run_many([xs], steps, scalars)
    np.testing.assert_array_equal(many, one)
    for i, x in enumerate(found):
        np.testing.assert_array_equal(x, np.stack([step[i] for step in expected]))


def test_many_steps_with_gathered_rows():
    rows = 4
    plan = Plan(
        (Call(add(rows * 3), (Ref("input", 0), Ref("input", 1), Ref("arena"))),),
        64,
        ((F4, (rows, 3), Ref("arena")), (np.dtype(np.uint64), (2,), Ref("draw", 0))),
        inputs=((F4, (rows, 3)), (F4, (rows, 3))),
        draws=1,
    )
    exe = Executable(plan, [], [])
    x, y = random(10, 3), random(10, 3) + 1
    which = np.random.default_rng(1).integers(0, 10, (6, rows))
    draws = np.arange(12, dtype=np.uint64).reshape(6, 1, 2) + np.uint64(2**63)
    sums, seen = exe.run_many([x, y], 6, rows=which, draws=draws)
    np.testing.assert_array_equal(sums, x[which] + y[which])
    np.testing.assert_array_equal(seen, draws[:, 0])
    (only,) = exe.run_many([x, y], 6, rows=which, draws=draws, outputs=[0])
    np.testing.assert_array_equal(only, sums)
    np.testing.assert_array_equal(exe.run([x[:rows], y[:rows]], draws=[(2**64 - 1, 3)])[1], [2**64 - 1, 3])
    for bad in (which - 5, which + 5):
        with pytest.raises(ValueError, match="outside the data"):
            exe.run_many([x, y], 6, rows=bad, draws=draws)
    with pytest.raises(ValueError, match="holds 5 steps"):
        exe.run_many([np.zeros((5, rows, 3), F4)] * 2, 6, draws=draws)


def test_many_steps_stop_at_a_failed_check():
    w = np.ones(N, np.float32)
    exe = Executable(step_plan(), [w], [np.float32([4])])
    xs = np.ones((5, N), np.float32)
    with pytest.raises(CheckFailed) as failed:
        exe.run_many([xs], 5, np.zeros((5, 1)))
    assert failed.value.step == 2  # the loss is 1, 2, 4
    assert w[0] == 4
    np.testing.assert_array_equal(failed.value.outputs[0], [1, 2])


def test_scalars_have_their_dtypes():
    dtypes = [np.dtype(t) for t in ("float32", "float64", "int64", "int32", "bool", "uint8")]
    outputs = tuple((d, (), Ref("scalar", i)) for i, d in enumerate(dtypes))
    exe = Executable(Plan((), 0, outputs, scalars=tuple(dtypes)), [], [])
    given = [0.1, 0.1, -(2**40), -7, True, 200]
    for x, y, d in zip(exe.run([], given), given, dtypes, strict=True):
        assert x.dtype == d
        assert x == d.type(y)
    for x, y, d in zip(exe.run_many([], 1, np.array([given], object)), given, dtypes, strict=True):
        assert x[0] == d.type(y)


def test_profile_changes_nothing():
    w, x = random(N), random(N)
    before = w.copy()
    exe = Executable(step_plan(), [w], [np.float32([9])])
    seconds = exe.profile([x], [0.0], repeat=3)
    assert len(seconds) == 4
    assert all(0 <= s < 1 for s in seconds)
    np.testing.assert_array_equal(w, before)


@pytest.mark.parametrize("where", [-1, N, 40])
def test_guard_mode_finds_stray_writes(monkeypatch, where):
    monkeypatch.setenv("UPRIVER_GUARD", "1")
    for target, zone in ((Ref("arena"), "arena"), (Ref("cell", 0), "cell 0"), (Ref("input", 0), "input 0")):
        kernel = stray(N, where)
        plan = Plan(
            (Call(kernel, (Ref("input", 0), Ref("input", 0), target)),),
            N * 4,
            (),
            inputs=((F4, (N,)),),
        )
        with pytest.raises(StrayWriteError, match=rf"stray_{N} wrote \w+ .*{zone}"):
            Executable(plan, [random(N)], []).run([random(N)])


def test_guard_zones_between_buffers(monkeypatch):
    monkeypatch.setenv("UPRIVER_GUARD", "1")
    call = Call(stray(4, 5), (Ref("input", 0), Ref("input", 0), Ref("arena")))
    plan = Plan((call,), 256, (), inputs=((F4, (4,)),), guards=((16, 48),))
    with pytest.raises(StrayWriteError, match="between buffers at 16 of the arena, byte 4"):
        Executable(plan, [], []).run([random(4)])


def test_views_go_backwards_too():
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    y = x[::-1, 4::-2]
    np.testing.assert_array_equal(view(y.ctypes.data, F4, y.shape, y.strides), y)
    assert view(0, F4, (0, 3)).shape == (0, 3)


def test_the_door_is_open_here():
    import sys
    import sysconfig

    if sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert door.usable()


def test_one_program_from_several_threads():
    plan, expected = ladder(1000, 6)
    exe = Executable(plan, [], [])
    wrong = []

    def work(seed):
        x, y = np.random.default_rng(seed).random((2, 1000), np.float32)
        right = expected(x, y)
        for _ in range(300):
            if not np.array_equal(exe.run([x, y])[0], right):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_an_empty_program():
    assert Executable(Plan((), 0, ()), [], []).run([]) == []
