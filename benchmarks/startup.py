"""Time `import upriver` against `import numpy`, and a hundred steps from the start: whole processes, in turn."""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent


def seconds(code: str) -> float:
    """How long a fresh interpreter takes for ``code``."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"{code}; import os; os._exit(0)"], check=True, env=env)
    return time.perf_counter() - start


def finished(engine: str, cache: str, threads: int) -> float:
    """How long a fresh interpreter takes for everything up to the hundredth step of ``mlp-256``."""
    env = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in ("OPENBLAS", "OMP", "MKL")}}
    command = [sys.executable, "worker.py", engine, "mlp-256", str(threads), "100"]
    start = time.perf_counter()
    subprocess.run(
        command, check=True, cwd=HERE, env={**env, "UPRIVER_CACHE": cache}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> None:
    """Twenty pairs after a warm-up; the ratio leaves out the start of the interpreter itself."""
    codes = ("pass", "import numpy", "import upriver")
    for code in codes:
        seconds(code)
    rounds = [[seconds(code) for code in codes] for _ in range(20)]
    ratios = [(upriver - bare) / (numpy - bare) for bare, numpy, upriver in rounds]
    medians = [statistics.median(times) * 1e3 for times in zip(*rounds, strict=True)]
    print("interpreter {:.0f} ms, import numpy {:.0f} ms, import upriver {:.0f} ms".format(*medians))
    print(f"import upriver / import numpy: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
    engines = ["numpy", "upriver", "compiled"] + ["torch"] * (importlib.util.find_spec("torch") is not None)
    for threads in (1, 2):
        times: dict[str, list[float]] = {engine: [] for engine in ("compiled, no cache", *engines)}
        for _ in range(5):
            with tempfile.TemporaryDirectory() as cache:
                times["compiled, no cache"].append(finished("compiled", cache, threads))
                for engine in engines:
                    times[engine].append(finished(engine, cache, threads))
        rows = ", ".join(f"{name} {statistics.median(found):.2f} s" for name, found in times.items())
        print(f"100 steps of mlp-256 from the start of Python, {threads} threads: {rows}")


if __name__ == "__main__":
    main()
