"""The cost of a chain of operations from ten to a million deep: forward, backward and freeing, per node.

    python benchmarks/depth.py [FILE.svg]

Linear in depth means that the lines of the plot are flat. Python's cyclic garbage collector looks through all
that lives each time it has grown by a quarter: that, and memory that no longer fits the caches, is what makes a
node of a very long chain cost more. The line with the collector switched off shows how much of it is which.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

import upriver as ur

DEPTHS = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
PARTS = ("forward", "forward, collector off", "backward", "free")


def measure(depth: int) -> list[float]:
    """Microseconds per node of each part; the best of several runs."""
    best = [float("inf")] * len(PARTS)
    for _ in range(max(1, min(50, 100_000 // depth))):
        w = ur.tensor(1.0, requires_grad=True)
        gc.disable()
        unwatched, y = chain(w, depth)
        gc.enable()
        del y
        forward, y = chain(w, depth)
        start = time.perf_counter()
        y.backward()
        back = time.perf_counter()
        del y
        times = (forward, unwatched, back - start, time.perf_counter() - back)
        best = [min(a, 1e6 * t / depth) for a, t in zip(best, times, strict=True)]
    return best


def chain(w: ur.Tensor, depth: int) -> tuple[float, ur.Tensor]:
    """The seconds that a chain of products takes, and its end."""
    start = time.perf_counter()
    y = w
    for _ in range(depth):
        y = y * 1.0000001
    return time.perf_counter() - start, y


def plot(rows: list[list[float]]) -> str:
    """The table as a picture: depth on a logarithmic axis, microseconds per node upwards."""
    width, height, left, bottom = 720, 320, 60, 40
    top = max(map(max, rows)) * 1.15
    x = [left + i * (width - left - 190) / (len(DEPTHS) - 1) for i in range(len(DEPTHS))]
    y = lambda value: height - bottom - value / top * (height - bottom - 20)
    marks = ("circle", "diamond", "square", "diamond")
    colors = ("#0b6e99", "#6aa7c2", "#c4511d", "#6b7280")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{left}" y="14">microseconds per node</text>',
    ]
    for i, depth in enumerate(DEPTHS):
        out.append(f'<text x="{x[i]:.0f}" y="{height - bottom + 18}" text-anchor="middle">{depth:,}</text>')
    for value in [top * k / 4 for k in range(5)]:
        out.append(f'<line x1="{left}" x2="{x[-1]:.0f}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#e5e7eb"/>')
        out.append(f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>')
    for k, part in enumerate(PARTS):
        points = [(x[i], y(row[k])) for i, row in enumerate(rows)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colors[k]}" stroke-width="2"/>')
        for a, b in points:
            turn = f' transform="rotate(45 {a:.1f} {b:.1f})"' if marks[k] == "diamond" else ""
            radius = 4 if marks[k] == "circle" else 0
            out.append(
                f'<rect x="{a - 4:.1f}" y="{b - 4:.1f}" width="8" height="8" rx="{radius}" fill="{colors[k]}"{turn}/>'
            )
        out.append(f'<text x="{x[-1] + 12:.0f}" y="{points[-1][1] + 4:.1f}" fill="{colors[k]}">{part}</text>')
    out.append(
        f'<text x="{(left + x[-1]) / 2:.0f}" y="{height - 6}" text-anchor="middle">operations in the chain</text>'
    )
    return "\n".join([*out, "</svg>"])


def main() -> None:
    """Print the table; write the plot where asked."""
    print("|     depth | " + " | ".join(f"{part} us/node" for part in PARTS) + " |")
    print("| ---: |" + " ---: |" * len(PARTS))
    rows = []
    for depth in DEPTHS:
        rows.append(measure(depth))
        print(f"| {depth:9,} | " + " | ".join(f"{value:.2f}" for value in rows[-1]) + " |", flush=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(plot(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
