"""A compiled step on a busy machine: two threads against one, beside no, one and two other busy processes.

    python benchmarks/busy.py [--workloads mlp-256 lenet gpt] [--rounds 9]

Prints the mean time of a step with each number of threads, taken in turn, and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from worker import build
from workloads import ALL

import upriver as ur


def mean(step: Callable[..., object], batch: Any, seconds: float) -> float:
    """Milliseconds a step takes, over that time: also what waiting for a processor costs."""
    start, count = time.perf_counter(), 0
    while (now := time.perf_counter()) < start + seconds or not count:
        step(*batch)
        count += 1
    return (now - start) / count * 1e3


def main() -> None:
    """A row for each workload and number of other processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", default=["mlp-16", "mlp-256", "lenet", "gpt"], choices=list(ALL))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.4)
    args = parser.parse_args()
    print("| workload | busy processes | 1 thread, ms | 2 threads, ms | ratio (lowest-highest) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in args.workloads:
        step, data = build("compiled", name)
        others: list[subprocess.Popen[bytes]] = []
        try:
            for busy in range(3):
                times: dict[int, list[float]] = {1: [], 2: []}
                for _ in range(args.rounds):
                    for threads, found in times.items():
                        ur.set_num_threads(threads)
                        step(*data[0])
                        found.append(mean(step, data[0], args.seconds))
                ratios = sorted(b / a for a, b in zip(times[1], times[2], strict=True))
                one, two = (statistics.median(found) for found in times.values())
                spread = f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}-{ratios[-1]:.2f})"
                print(f"| {name} | {busy} | {one:.3f} | {two:.3f} | {spread} |", flush=True)
                others.append(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
        finally:
            for process in others:
                process.kill()


if __name__ == "__main__":
    main()
