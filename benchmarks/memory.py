"""Peak memory of a training step: how far the resident set rises above what import, model and data take.

    python benchmarks/memory.py [WORKLOAD ...]

Each engine runs in a process of its own, with one thread; the kernel's high-water mark is set back after
the model and the batches exist, and read after 30 steps. Linux only.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from workloads import WORKLOADS

HERE = Path(__file__).parent


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise SystemExit(f"{field} is not in /proc/self/status")


def measure(engine: str, workload: str) -> None:
    """Print the rise in KiB."""
    import gc

    from worker import build

    step, data = build(engine, workload)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    for i in range(30):
        step(*data[i % len(data)])
    print(json.dumps({"kib": _status("VmHWM") - before}))


def main() -> None:
    """A row per workload."""
    if len(sys.argv) == 4 and sys.argv[1] == "--measure":
        return measure(sys.argv[2], sys.argv[3])
    engines = ["upriver"] + ["torch"] * (importlib.util.find_spec("torch") is not None)
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    print("| workload | " + " | ".join(f"{engine} MiB" for engine in engines) + " | ratio |")
    print("| --- |" + " ---: |" * (len(engines) + 1))
    for workload in sys.argv[1:] or WORKLOADS:
        mib = []
        for engine in engines:
            command = [sys.executable, __file__, "--measure", engine, workload]
            out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE, env=env).stdout
            mib.append(json.loads(out)["kib"] / 1024)
        ratio = f"{mib[0] / mib[1]:.2f}" if len(mib) > 1 else "-"
        print(f"| {workload} | {' | '.join(f'{m:.1f}' for m in mib)} | {ratio} |", flush=True)
    return None


if __name__ == "__main__":
    main()
