"""Time `import upriver` against `import numpy`: whole processes, in turn, compiled bytecode in place."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time


def seconds(code: str) -> float:
    """How long a fresh interpreter takes for ``code``."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"{code}; import os; os._exit(0)"], check=True, env=env)
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


if __name__ == "__main__":
    main()
