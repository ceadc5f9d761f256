"""What explanations cost, each as a ratio taken in one run.

    OPENBLAS_NUM_THREADS=1 python benchmarks/explain.py [--rounds 15] [--only lines derivation]

Each row is a function of its own, which takes the number of rounds and gives lines to print. Both sides of a
ratio take turns, so that whatever else the machine is doing hits them alike; what is printed is the median over
rounds of the ratio, not a ratio of medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import upriver as ur

Row = Callable[[int], list[str]]


def clock(run: Callable[[], Any], seconds: float = 0.05) -> float:
    """The median time of one call, over calls that take ``seconds`` together."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def ratio(first: Callable[[], Any], second: Callable[[], Any], rounds: int) -> tuple[float, float, float]:
    """The median time of each, and the median over rounds of first / second; they take turns in going first."""
    pairs: list[tuple[float, float]] = []
    for i in range(rounds):
        if i % 2:
            b, a = clock(second), clock(first)
        else:
            a, b = clock(first), clock(second)
        pairs.append((a, b))
    a_times, b_times = zip(*pairs, strict=True)
    return statistics.median(a_times), statistics.median(b_times), statistics.median([a / b for a, b in pairs])


def digits_step() -> Callable[[], float]:
    """One training step of the digits network: 64-256-128-10, dropout, AdamW, batches of 64."""
    from upriver.recipes.models import MLP

    ur.manual_seed(0)
    model = MLP(64, (256, 128), 10, "relu", 0.3)
    optimizer = ur.optim.AdamW(model.parameters(), lr=5e-3)
    loss_fn = ur.nn.CrossEntropyLoss()
    x, y = ur.rand(64, 1, 8, 8), ur.tensor(np.arange(64) % 10)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def million() -> tuple[Any, Callable[[], ur.Tensor]]:
    """A multilayer perceptron of a million weights on a batch of 64, and its loss."""
    ur.manual_seed(0)
    model = ur.nn.Sequential(
        ur.nn.Linear(784, 800), ur.nn.ReLU(), ur.nn.Linear(800, 450), ur.nn.ReLU(), ur.nn.Linear(450, 10)
    )
    x, y = ur.rand(64, 784), ur.tensor(np.arange(64) % 10)
    return model, lambda: ur.nn.functional.cross_entropy(model(x), y)


def lines(rounds: int) -> list[str]:
    """Recording source lines: a training step of the digits network with it and without."""
    step = digits_step()
    for _ in range(20):
        step()

    def with_lines() -> None:
        ur.record_source_lines(True)
        step()

    def without() -> None:
        ur.record_source_lines(False)
        step()

    on, off, times = ratio(with_lines, without, rounds)
    ur.record_source_lines(True)
    return [f"source lines recorded / not, digits step: {times:.3f} ({on * 1e3:.2f} ms / {off * 1e3:.2f} ms)"]


def derivation(rounds: int) -> list[str]:
    """The derivation of one gradient entry of a network of a million weights, beside backward()."""
    from upriver.explain.derivation import explain

    model, forward = million()
    weights = sum(p.array.size for p in model.parameters())
    loss = forward()
    entry = model[0].weight[3, 17]

    def derive() -> str:
        return str(explain(loss, wrt=entry).text())

    a, b, times = ratio(derive, loss.backward, rounds)
    return [f"derivation of an entry, {weights:,} weights: {a * 1e3:.1f} ms, {times:.1f} × backward ({b * 1e3:.1f} ms)"]


def largest_paths(rounds: int) -> list[str]:
    """The ten largest paths of one entry of the first layer, beside backward()."""
    model, forward = million()
    weights = sum(p.array.size for p in model.parameters())
    loss = forward()
    entry = model[0].weight[3, 400]
    a, b, times = ratio(lambda: ur.explain.paths(loss, wrt=entry), loss.backward, rounds)
    count = ur.explain.paths(loss, wrt=entry).count
    of = f"10 largest of {count:,.0f} paths, {weights:,} weights"
    return [f"{of}: {a * 1e3:.1f} ms, {times:.1f} × backward ({b * 1e3:.1f} ms)"]


def blame(rounds: int) -> list[str]:
    """All three rankings, of modules, units and weights, beside backward()."""
    model, forward = million()
    weights = sum(p.array.size for p in model.parameters())
    loss = forward()
    loss.backward()

    def rank() -> None:
        found = ur.blame(loss, model, lr=0.1)
        for measure in found.measures:
            found.modules(measure), found.units(measure), found.weights(measure)

    a, b, times = ratio(rank, loss.backward, rounds)
    return [f"blame, {weights:,} weights: {a * 1e3:.1f} ms, {times:.1f} × backward ({b * 1e3:.1f} ms)"]


def frozen(_: int) -> list[str]:
    """What freezing a graph takes in memory, beside the arrays that the graph holds."""
    import tracemalloc

    _model, forward = million()
    loss = forward()
    ur.Graph.of(loss)
    tracemalloc.start()
    graph = ur.Graph.of(loss)
    taken, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = {id(x.array): x.array.nbytes for node in graph for x in node.inputs if isinstance(x, ur.Tensor)}
    return [f"a frozen graph takes {taken:,} bytes; the arrays it refers to are {sum(held.values()):,} bytes"]


def pictures(rounds: int) -> list[str]:
    """The layout of 1,000 boxes, beside sorting them in order of time."""
    import random

    from upriver.explain.layout import Edge, layout, topological

    chance = random.Random(0)
    rows = 50  # of 20 boxes, each of which reads two of the row before and sometimes one from far before
    links = {(20 * (i // 20 - 1) + chance.randrange(20), i) for i in range(20, 1000) for _ in range(2)}
    links |= {(chance.randrange(20 * (i // 20 - 1)), i) for i in chance.sample(range(40, 1000), 2 * rows)}
    edges = [Edge(a, b) for a, b in sorted(links)]
    sizes = [(80.0 + 7 * (i % 13), 60.0) for i in range(1000)]
    a, b, times = ratio(lambda: layout(sizes, edges), lambda: topological(1000, edges), rounds)
    what = f"layout of 1,000 boxes, {len(edges):,} edges"
    return [f"{what}: {a * 1e3:.0f} ms, {times:.0f} × sorting them ({b * 1e3:.1f} ms)"]


def chain(operations: int) -> ur.Tensor:
    """A result of that many operations, all of which read one weight or lead to one that does."""
    w = ur.tensor(0.9, requires_grad=True)
    x = w
    for _ in range(operations // 2):
        x = ur.tanh(x) * w
    return x


def traces(rounds: int) -> list[str]:
    """The trace of 1,000 operations, with its frames, beside the derivation that it writes down; and its page."""
    from upriver.explain.derivation import explain
    from upriver.explain.encoding import dumps
    from upriver.explain.page import html
    from upriver.explain.reading import load_trace
    from upriver.explain.trace import trace

    loss = chain(1000)
    explanation = explain(loss)
    a, b, times = ratio(lambda: dumps(trace(explanation)), lambda: explain(loss), rounds)
    data = trace(explanation)
    what = f"trace of 1,000 operations, {len(data['frames']):,} frames"
    found = [f"{what}: {a * 1e3:.0f} ms, {times:.2f} × deriving it ({b * 1e3:.0f} ms)"]
    a, b, times = ratio(lambda: load_trace(data), lambda: dumps(data), rounds)
    found.append(f"checking it when it is read: {a * 1e3:.0f} ms, {times:.1f} × writing it as text ({b * 1e3:.0f} ms)")
    small = html(trace(chain(100)))
    found.append(f"page of 100 operations: {len(small.encode()) / 1000:.0f} kB")
    return found


def why_and_nudge(rounds: int) -> list[str]:
    """The first cause of one gradient entry, and a nudge of that weight, beside a forward and a backward pass."""
    model, forward = million()
    weights = sum(p.array.size for p in model.parameters())
    entry = model[0].weight[3, 400]
    loss = forward()
    loss.backward()
    found: list[str] = []
    for name, run in (("why", lambda: ur.why(entry, loss=loss)), ("nudge", lambda: ur.nudge(forward, entry))):
        a, b, times = ratio(run, lambda: ur.grad(forward(), list(model.parameters())), rounds)
        found.append(
            f"{name}, {weights:,} weights: {a * 1e3:.1f} ms, {times:.1f} × a pass both ways ({b * 1e3:.1f} ms)"
        )
    return found


ROWS: dict[str, Row] = {
    "why": why_and_nudge,
    "pictures": pictures,
    "paths": largest_paths,
    "blame": blame,
    "frozen": frozen,
    "lines": lines,
    "derivation": derivation,
    "traces": traces,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", nargs="*", choices=ROWS, default=list(ROWS))
    asked = parser.parse_args()
    for name in asked.only:
        for line in ROWS[name](asked.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
