"""Time a training step in Upriver, in hand-written NumPy and, where it is installed, in PyTorch, side by side.

    python benchmarks/run.py [--threads 1 2] [--workloads mlp-16 mlp-256 mlp-512 lenet gpt] [--rounds 7]

Prints, for each workload, the median time of a step and the median over rounds of each ratio Upriver / other.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from workloads import ALL, WORKLOADS

HERE = Path(__file__).parent


class Worker:
    """A process that holds one engine ready."""

    def __init__(self, engine: str, workload: str, threads: int, **env: str) -> None:
        env = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in ("OPENBLAS", "OMP", "MKL")}, **env}
        self.process = subprocess.Popen(
            [sys.executable, "worker.py", engine, workload, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE, env=env,
        )  # fmt: skip
        self.engine, self.times = engine, list[float]()
        self.about: dict[str, Any] = self.read()
        self.losses: list[float] = self.about["losses"]

    def read(self) -> Any:
        """Its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.engine}: the process ended early")
        return json.loads(line)

    def go(self, seconds: float) -> None:
        """Let it run for a while, and note the median of its step times."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"go {seconds}\n")
        self.process.stdin.flush()
        self.times.append(self.read()["ms"])


def compare(workload: str, threads: int, rounds: int, seconds: float) -> dict[str, Any]:
    """One workload: every engine that can do it, in turn."""
    engines = ["upriver"] + ["numpy"] * ALL[workload].by_hand
    engines += ["torch"] * (importlib.util.find_spec("torch") is not None)
    workers = [Worker(engine, workload, threads) for engine in engines]
    try:
        for i in range(rounds):
            for worker in workers[i % len(workers) :] + workers[: i % len(workers)]:
                worker.go(seconds)
    finally:
        for worker in workers:
            worker.process.kill()
    ours = workers[0]
    row: dict[str, Any] = {"workload": workload, "threads": threads, "upriver_ms": statistics.median(ours.times)}
    for worker in workers[1:]:
        error = max(abs(a - b) / abs(b) for a, b in zip(ours.losses, worker.losses, strict=True))
        ratios = sorted(a / b for a, b in zip(ours.times, worker.times, strict=True))
        row[worker.engine] = {
            "ms": statistics.median(worker.times),
            "ratio": statistics.median(ratios),
            "spread": [ratios[0], ratios[-1]],
            "loss_error": error,
        }
    return row


def main() -> None:
    """Run what the command line asks for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--workloads", nargs="+", default=list(WORKLOADS), choices=list(ALL))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--json", action="store_true", help="one JSON object per row instead of the table")
    args = parser.parse_args()
    if not args.json:
        print(
            f"load {os.getloadavg()[0]:.1f}; ratio = Upriver / other, median of {args.rounds} rounds (lowest-highest)"
        )
        print("| workload | threads | Upriver ms | hand NumPy ms | ratio | PyTorch ms | ratio | loss rel. err. |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for workload in args.workloads:
        for threads in args.threads:
            row = compare(workload, threads, args.rounds, args.seconds)
            print(json.dumps(row) if args.json else _table_row(row), flush=True)


def _table_row(row: dict[str, Any]) -> str:
    cells = [row["workload"], str(row["threads"]), f"{row['upriver_ms']:.3f}"]
    errors = []
    for engine in ("numpy", "torch"):
        if engine in row:
            other = row[engine]
            low, high = other["spread"]
            cells += [f"{other['ms']:.3f}", f"**{other['ratio']:.2f}** ({low:.2f}-{high:.2f})"]
            errors.append(other["loss_error"])
        else:
            cells += ["-", "-"]
    cells.append(f"{max(errors):.0e}" if errors else "-")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
