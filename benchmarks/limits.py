"""What this machine can do at most, by small native kernels: multiply-adds in registers, bytes through memory.

python benchmarks/limits.py [--threads 1 2]
"""

from __future__ import annotations

import argparse
import ctypes
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from upriver.compile.native.jit import Library
from upriver.compile.native.target import target

_SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_LOOP = """define void @{name}(ptr %at, i64 %n, i64 %repeats) {{
start:
  br label %outer
outer:
  %r = phi i64 [ 0, %start ], [ %r1, %after ]
  br label %inner
inner:
  %i = phi i64 [ 0, %outer ], [ %i1, %inner ]
{carried}
{body}
  %i1 = add i64 %i, {lanes}
  %more = icmp slt i64 %i1, %n
  br i1 %more, label %inner, label %after
after:
{end}
  %r1 = add i64 %r, 1
  %again = icmp slt i64 %r1, %repeats
  br i1 %again, label %outer, label %done
done:
  ret void
}}"""


@cache
def _library() -> tuple[Library, int, int]:
    """The two loops; how many sums the first keeps, and how many entries a vector has."""
    cpu = target()
    lanes, sums = cpu.lanes, 12 if cpu.bits == 512 else 6
    vector = f"<{lanes} x float>"
    fma = f"call {vector} @llvm.fma.v{lanes}f32({vector} %s{{0}}, {vector} %x, {vector} %x)"
    carried = [f"  %s{k} = phi {vector} [ zeroinitializer, %outer ], [ %t{k}, %inner ]" for k in range(sums)]
    if cpu.fma:
        body = [f"  %t{k} = {fma.format(k)}" for k in range(sums)]
    else:
        body = [f"  %m{k} = fmul {vector} %s{k}, %x\n  %t{k} = fadd {vector} %m{k}, %x" for k in range(sums)]
    end = [f"  %p{k} = getelementptr {vector}, ptr %at, i64 {k}" for k in range(sums)]
    end += [f"  store {vector} %t{k}, ptr %p{k}" for k in range(sums)]
    adds = _LOOP.format(
        name="adds",
        carried="\n".join(carried),
        body="\n".join([f"  %x = load {vector}, ptr %at", *body]),
        lanes=1,
        end="\n".join(end),
    )
    parts = [f"  %{p} = getelementptr float, ptr %at, i64 %{p}i" for p in "abc"]
    triad = _LOOP.format(
        name="triad",
        carried="  %ai = add i64 %i, 0\n  %bi = add i64 %ai, %n\n  %ci = add i64 %bi, %n",
        body="\n".join([
            *parts, f"  %x = load {vector}, ptr %a", f"  %y = load {vector}, ptr %b",
            f"  %z = fadd {vector} %x, %y", f"  store {vector} %z, ptr %c",
        ]),
        lanes=lanes,
        end="",
    )  # fmt: skip
    declared = f"declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})\n" if cpu.fma else ""
    return Library([], declared + adds + "\n" + triad, ["adds", "triad"]), sums, lanes


def _together(calls: list[Callable[[], None]]) -> float:
    """Seconds from the first that begins to the last that ends, each on a thread of its own."""
    barrier, times = threading.Barrier(len(calls)), list[float]()

    def work(call: Callable[[], None]) -> None:
        barrier.wait()
        start = time.perf_counter()
        call()
        times.extend((start, time.perf_counter()))

    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(times) - min(times)


def _run(name: str, size: int, repeats: int, threads: int, rounds: int = 25) -> float:
    """The least time of ``repeats`` passes over ``size`` entries on each thread, which has room for three arrays."""
    function: Any = _SIGNATURE(_library()[0].address(name))
    rooms = [np.ones(3 * size + 512, np.float32) for _ in range(threads)]
    starts = [room.ctypes.data + -room.ctypes.data % 64 for room in rooms]
    calls = [lambda at=at: function(at, size, repeats) for at in starts]
    return min(_together(calls) for _ in range(rounds))


@cache
def peak(threads: int) -> float:
    """Floating-point operations a second."""
    steps = 4_000_000
    _, sums, lanes = _library()
    return 2 * steps * sums * lanes * threads / _run("adds", steps, 1, threads)


def bandwidth(threads: int, size: int) -> float:
    """Bytes a second, two read for one written, where ``size`` bytes in all are gone through again and again."""
    lanes = _library()[2]
    entries = max(size // (12 * threads) // lanes, 8) * lanes
    repeats = max(1, (50 << 20) // (12 * entries))
    return 12 * entries * repeats * threads / _run("triad", entries, repeats, threads)


def main() -> None:
    """Print both for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    sizes = {"64 KiB": 1 << 16, "1 MiB": 1 << 20, "16 MiB": 1 << 24, "256 MiB": 1 << 28}
    print("| threads | Gflop/s | " + " | ".join(f"GB/s in {name}" for name in sizes) + " |")
    print("| ---: |" + " ---: |" * (len(sizes) + 1))
    for threads in parser.parse_args().threads:
        rates = [f"{bandwidth(threads, size) / 1e9:.0f}" for size in sizes.values()]
        print(f"| {threads} | {peak(threads) / 1e9:.0f} | {' | '.join(rates)} |")


if __name__ == "__main__":
    main()
