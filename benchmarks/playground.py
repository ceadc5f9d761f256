"""The playground: what a frame costs, and how fast steps are, compiled and operation by operation.

python benchmarks/playground.py
"""

from __future__ import annotations

from statistics import median
from time import perf_counter

from upriver.web.frames import encode
from upriver.web.sessions.playground.config import Config
from upriver.web.sessions.playground.data import points
from upriver.web.sessions.playground.run import EAGER, Run
from upriver.web.sessions.playground.session import Playground

NETWORKS = {
    "4, 2 units": {"layers": [4, 2]},
    "8, 8, 8 units, Adam": {"layers": [8, 8, 8], "optimiser": "adam"},
    "6 layers of 16, Adam": {"layers": [16] * 6, "optimiser": "adam"},
}


def milliseconds(session: Playground, frames: int = 200) -> tuple[float, float]:
    """A frame with its bytes, in the middle; and the kilobytes of the largest."""
    times, largest = [], 0
    for _ in range(frames):
        began = perf_counter()
        frame = session.advance(0.1)
        assert frame is not None
        data = encode(frame)
        times.append((perf_counter() - began) * 1e3)
        largest = max(largest, len(data))
    return median(times), largest / 1e3


def main() -> None:
    """Print a line for each network."""
    print(f"{'network':24}{'eager/s':>10}{'compiled/s':>12}{'ms a frame':>12}{'of them 25 steps':>18}{'kB':>7}")
    for name, config in NETWORKS.items():
        plain = Run(Config.of(config), points(Config.of(config)))
        began = perf_counter()
        plain.take(400)
        eager = 400 / (perf_counter() - began)
        session = Playground({"sides": [config], "speed": 25})
        session.tell("step", {"count": EAGER + 50})
        run = session.runs[0]
        began = perf_counter()
        run.take(20_000)
        compiled = 20_000 / (perf_counter() - began)
        began = perf_counter()
        for _ in range(100):
            run.take(25)
        steps = (perf_counter() - began) * 10
        session.tell("play", {})
        session.advance(0.1)
        frame, size = milliseconds(session)
        print(f"{name:24}{eager:>10,.0f}{compiled:>12,.0f}{frame:>12.2f}{steps:>18.2f}{size:>7.1f}")


if __name__ == "__main__":
    main()
