"""Time compiled steps beside eager ones and hand-written NumPy, and say how far they are from the machine's limits.

    python benchmarks/compiled.py [--threads 1 2] [--workloads mlp-16 gpt gru] [--rounds 7]
    BENCH_COMPARISON=FOLDER python benchmarks/compiled.py --peers W1 W2

Prints, for each workload, the median time of a step with a call for each step and with 16 in a call, ratios taken
in turns, and the least time that arithmetic or memory leave possible. The second form has a side-by-side comparison
with further frameworks run (its ``bench.py`` lies in FOLDER; ``fw_upriver.py`` joins in), and prints the ratio to the
best of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from limits import bandwidth, peak
from run import HERE, Worker
from workloads import ALL

PEERS = "torch:eager torch:eager-fused torch:compile torch:compile-func jax:jit jax:jit-multi numpy:hand"
OURS = "upriver:compiled upriver:compiled-multi"


def compare(workload: str, threads: int, rounds: int, seconds: float) -> dict[str, Any]:
    """One workload: compiled a step a call, 16 steps a call, eager, by hand; in turn."""
    engines = ["compiled", "many", "upriver"] + ["numpy"] * ALL[workload].by_hand
    with tempfile.TemporaryDirectory() as cache:
        workers = [Worker(engine, workload, threads, UPRIVER_CACHE=cache) for engine in engines]
        again = Worker("compiled", workload, threads, UPRIVER_CACHE=cache)
        again.process.kill()
    try:
        for i in range(rounds):
            for worker in workers[i % len(workers) :] + workers[: i % len(workers)]:
                worker.go(seconds)
    finally:
        for worker in workers:
            worker.process.kill()
    ours, eager = workers[0], workers[2]
    ms = statistics.median(ours.times)
    about = ours.about
    limit = {"flop": about["flops"] / peak(threads), "bytes": about["bytes"] / bandwidth(threads, about["memory"])}
    bound = max(limit, key=lambda what: limit[what])
    row = {
        "workload": workload,
        "threads": threads,
        "ms": ms,
        "many_ms": statistics.median(workers[1].times),
        "flops": about["flops"],
        "bytes": about["bytes"],
        "least_ms": limit[bound] * 1e3,
        "bound": bound,
        "cold": about["first"] - ms / 1e3,
        "warm": again.about["first"] - ms / 1e3,
        "loss_error": max(abs(a - b) / abs(b) for a, b in zip(ours.losses, eager.losses, strict=True)),
    }
    for worker in workers[2:]:
        ratios = [a / b for a, b in zip(ours.times, worker.times, strict=True)]
        row[worker.engine] = statistics.median(ratios)
    return row


HEAD = (
    "workload", "threads", "compiled ms", "of eager", "of hand NumPy", "16 a call, ms", "Mflop", "MB", "least ms",
    "bound by", "reached", "compile s, cold", "warm", "loss rel. err.",
)  # fmt: skip


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    by_hand = f"{row['numpy']:.2f}" if "numpy" in row else "-"
    return [
        row["workload"], str(row["threads"]), digits(row["ms"]), f"**{row['upriver']:.2f}**", by_hand,
        digits(row["many_ms"]), digits(row["flops"] / 1e6), digits(row["bytes"] / 1e6), digits(row["least_ms"]),
        row["bound"], f"{row['least_ms'] / row['many_ms']:.0%}", f"{row['cold']:.2f}", f"{row['warm']:.3f}",
        f"{row['loss_error']:.0e}",
    ]  # fmt: skip


def peers(workload: str, threads: int, rounds: int, seconds: float) -> list[str]:
    """A row of the comparison with the best of the peers, which the comparison's own program measures."""
    folder = os.environ.get("BENCH_COMPARISON")
    if not folder:
        raise SystemExit("--peers: set BENCH_COMPARISON to the folder of the comparison's bench.py")
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "results.jsonl"
        command = [sys.executable, "bench.py", "--workloads", workload, "--threads", str(threads)]
        command += ["--rounds", str(rounds), "--seconds", str(seconds), "--configs", f"{PEERS} {OURS}"]
        env = {**os.environ, "BENCH_ADAPTERS": str(HERE), "UPRIVER_CACHE": str(Path(place) / "cache")}
        subprocess.run([*command, "--out", str(out)], check=True, cwd=folder, env=env, stdout=sys.stderr)
        rows = {f"{row['framework']} {row['mode']}": row for row in map(json.loads, out.read_text().splitlines())}
    single, many = rows.pop("upriver compiled"), rows.pop("upriver compiled-multi")
    scan = rows.pop("jax jit-multi", None)
    hand = rows.pop("numpy hand", None)

    def quick(row: dict[str, Any]) -> float:
        return min(row["ms"], row["ms_async"])  # a loop that reads each loss, and one that does not

    best = min(rows, key=lambda name: quick(rows[name]))
    torch = rows.get("torch eager")
    return [
        f"{workload} {single['name']}", str(threads), digits(quick(single)), best, digits(quick(rows[best])),
        f"**{quick(single) / quick(rows[best]):.2f}**",
        f"{quick(single) / quick(torch):.3f}" if torch else "-",
        f"{quick(single) / quick(hand):.2f}" if hand else "-",
        digits(many["ms"]), f"{many['ms'] / scan['ms']:.2f}" if scan else "-",
        f"{single['compile_s']:.2f}", f"{rows[best]['compile_s']:.1f}", f"{single['peak_rss_mb']:.0f}",
        f"{torch['peak_rss_mb']:.0f}" if torch else "-", f"{single['loss_rel_err']:.0e}",
    ]  # fmt: skip


PEERS_HEAD = (
    "workload", "threads", "compiled ms", "best peer", "ms", "ratio", "of PyTorch eager", "of hand NumPy",
    "16 a call, ms", "of JAX's scan", "compile s", "peer's", "peak MB", "PyTorch's", "loss rel. err.",
)  # fmt: skip


def digits(x: float) -> str:
    """Three of them."""
    return f"{x:.{max(0, 2 - len(str(int(x))) + 1)}f}" if x >= 1 else f"{x:.3g}"


def table(head: tuple[str, ...]) -> None:
    """Print the head of a table."""
    print(f"| {' | '.join(head)} |")
    words = ("workload", "bound by", "best peer")
    print(f"| {' | '.join('---' if name in words else '---:' for name in head)} |")


def main() -> None:
    """Run what the command line asks for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--workloads", nargs="+", default=list(ALL), choices=list(ALL))
    parser.add_argument("--peers", nargs="+", metavar="W", help="workloads of the comparison")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    args = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; medians of {args.rounds} rounds in turns\n")
    table(PEERS_HEAD if args.peers else HEAD)
    for workload in args.peers or args.workloads:
        for threads in args.threads:
            run = (workload, threads, args.rounds, args.seconds)
            row = peers(*run) if args.peers else cells(compare(*run))
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
