"""The pool: results are right whoever does the work, and nobody hangs."""

import ctypes
import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import upriver as ur
from upriver.compile.kernels import Call, Plan, Ref
from upriver.compile.native.link import chains
from upriver.compile.native.pool import pool
from upriver.compile.native.runner import Executable
from upriver.compile.native.runtime import field
from upriver.errors import ArgumentError

from .native_kernels import F4, add, code, ladder

N = 20_000
COST = 100_000  # so that every call is shared


def word(name):
    return int(pool().words[field(name)])


@pytest.fixture(autouse=True)
def number_of_threads():
    before = ur.get_num_threads()
    yield
    ur.set_num_threads(before)


def together(exe, x, y):
    """Run with the pool, as if nothing had hindered it before: whatever the machine's load."""
    pool().words[field("alone_until")] = 0
    return exe.run([x, y])[0]


def pair(seed=0):
    return np.random.default_rng(seed).random((2, N), np.float32)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("chain", [0, 1])
def test_every_unit_is_done_once(n, chain):
    ur.set_num_threads(n)
    assert ur.get_num_threads() == n
    plan, expected = ladder(N, 9, COST, chain)
    exe = Executable(plan, [], [])
    x, y = pair()
    for _ in range(50):
        np.testing.assert_array_equal(together(exe, x, y), expected(x, y))
    assert word("workers") == n
    assert word("held") == 0


def test_helpers_help():
    ur.set_num_threads(2)
    n = 64
    ids = "declare i64 @where()"
    kernel = code("who", "%w = call i64 @where()\n  %z = trunc i64 %w to i32", n, type="i32", cost=1_000_000)
    object.__setattr__(kernel, "declares", (ids,))

    @ctypes.CFUNCTYPE(ctypes.c_int64)
    def where():
        time.sleep(0.0005)
        return threading.get_native_id()

    symbols = {"where": ctypes.cast(where, ctypes.c_void_p).value}
    plan = Plan(
        (Call(kernel, (Ref("input"), Ref("input"), Ref("arena"))),),
        4 * n,
        ((np.dtype(np.int32), (n,), Ref("arena")),),
        inputs=((F4, (n,)),),
    )
    exe = Executable(plan, [], [], symbols)
    exe._words[field("release")] = 1
    found = set()
    for _ in range(20):
        pool().words[field("alone_until")] = 0
        found |= set(exe.run([np.zeros(n, np.float32)])[0].tolist())
    assert threading.get_native_id() in found
    assert len(found) == 2


@pytest.mark.parametrize("n", [2, 4])
def test_stress(n):
    """Many short jobs, one after the other: where a worker that comes late would do a unit twice."""
    ur.set_num_threads(n)
    units, depth = 256, 40
    calls = (Call(add(units, cost=COST), (Ref("cell"), Ref("input"), Ref("cell"))),) * depth
    count = np.zeros(units, np.float32)
    exe = Executable(Plan(calls, 0, (), inputs=((F4, (units,)),)), [count], [])
    one = np.ones(units, np.float32)
    for turn in range(1, 1001):
        pool().words[field("alone_until")] = 0
        exe.run([one])
        np.testing.assert_array_equal(count, np.float32(turn * depth))


def test_several_programs_from_several_threads():
    ur.set_num_threads(3)
    wrong = []

    def work(seed):
        plan, expected = ladder(N, 5 + seed, COST)
        exe = Executable(plan, [], [])
        x, y = pair(seed)
        right = expected(x, y)
        for _ in range(100):
            if not np.array_equal(together(exe, x, y), right):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert word("held") == 0


def test_more_and_fewer_threads():
    plan, expected = ladder(N, 3, COST)
    exe = Executable(plan, [], [])
    x, y = pair()
    for n in (3, 1, 2, 4, 1, 3):
        ur.set_num_threads(n)
        for _ in range(3):
            np.testing.assert_array_equal(together(exe, x, y), expected(x, y))
        alive = [t for t in threading.enumerate() if t.name.startswith("upriver-")]
        assert len(alive) == n - 1


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2"])
def test_a_number_of_threads_is_a_positive_integer(n):
    with pytest.raises(ArgumentError, match="set_num_threads"):
        ur.set_num_threads(n)


def test_workers_that_wait_cost_nothing():
    ur.set_num_threads(4)
    plan, _ = ladder(N, 3, COST)
    exe = Executable(plan, [], [])
    for _ in range(2):
        together(exe, *pair())
    time.sleep(0.05)
    spent, began = time.process_time(), time.perf_counter()
    time.sleep(0.3)
    # Workers that spun would spend at least as much as has passed.
    assert time.process_time() - spent < 0.3 * (time.perf_counter() - began)


def test_small_programs_wake_nobody():
    ur.set_num_threads(2)
    plan, _ = ladder(100, 3)
    exe = Executable(plan, [], [])
    before = word("claim")
    x = np.zeros(100, np.float32)
    for _ in range(10):
        exe.run([x, x])
    assert word("claim") == before


def test_chunks_and_chains():
    ur.set_num_threads(2)
    plan, _ = ladder(N, 4, COST, chain=7)
    (chain,) = chains(plan)
    assert chain.calls == [0, 1, 2, 3]
    assert (chain.chunks - 1) * chain.chunk < N <= chain.chunks * chain.chunk
    assert chain.chunks > 1
    other = Call(add(N + 1), plan.calls[0].args, chain=7)
    assert [c.calls for c in chains(Plan((*plan.calls[:2], other), 0, ()))] == [[0, 1], [2]]
    writing = Call(plan.calls[0].code, plan.calls[0].args, chain=7, writes=True)
    checked = Plan((*plan.calls[:2], writing), 0, (), checks=(Ref("arena"),))
    assert [c.calls for c in chains(checked)] == [[0, 1], [], [2]]


_PROGRAM = """
import os, sys, threading
import numpy as np
import upriver as ur
sys.path.insert(0, {folder!r})
import native_kernels as k
from upriver.compile.native.runner import Executable
from upriver.compile.native.pool import pool
from upriver.compile.native.runtime import field
ur.set_num_threads(3)
plan, expected = k.ladder(20000, 5, 100_000)
x, y = np.random.default_rng(0).random((2, 20000), np.float32)
exe = Executable(plan, [], [])
def check(times=5):
    for _ in range(times):
        pool().words[field("alone_until")] = 0
        assert np.array_equal(exe.run([x, y])[0], expected(x, y))
check()
"""


def run(body, **environment):
    source = _PROGRAM.format(folder=os.path.dirname(__file__)) + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_interpreter_ends():
    assert run("print('end')") == "end\n"


def test_the_interpreter_ends_while_others_run():
    run(
        """
        def forever():
            while True:
                exe.run([x, y])
        for _ in range(2):
            threading.Thread(target=forever, daemon=True).start()
        import time; time.sleep(0.2)
        """
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork():
    out = run(
        """
        def child():
            alive = [t for t in threading.enumerate() if t.name.startswith("upriver-")]
            assert pool().words[field("workers")] == 1
            check()
            assert pool().words[field("workers")] == 3
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                child()
                sys.exit(0)
            check()
            assert os.waitpid(pid, 0)[1] == 0
        check()
        print(len([t for t in threading.enumerate() if t.name.startswith("upriver-")]))
        """
    )
    assert out == "2\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_in_the_middle_of_a_run():
    run(
        """
        from upriver.compile.kernels import Call, Plan, Ref
        pids = []
        def host(arrays):
            pids.append(os.fork())
        calls = (plan.calls[0], Call(None, (), host=host), *plan.calls[1:])
        exe = Executable(Plan(calls, plan.arena, plan.outputs, inputs=plan.inputs), [], [])
        check(1)
        if pids[0] == 0:
            check(0)
            sys.exit(0)
        assert os.waitpid(pids[0], 0)[1] == 0
        """
    )


def test_importing_upriver_loads_no_llvm():
    source = "import sys, upriver; assert not any(m.startswith('llvmlite') for m in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source]).returncode == 0
