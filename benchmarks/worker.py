"""One engine on one workload in a process of its own: answers each line "go SECONDS" with one line of JSON.

    python benchmarks/worker.py ENGINE WORKLOAD THREADS

An ENGINE is upriver, torch or numpy.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

ENGINES = ("upriver", "torch", "numpy")


def build(engine: str, name: str) -> tuple[Callable[..., Any], list[Any]]:
    """The training step of ``name`` in ``engine``, returning its loss, and the batches as it wants them."""
    import workloads as W

    data = W.batches(name)
    if engine == "numpy":
        import by_hand

        import upriver as ur
        from upriver import nn
        from upriver.nn import functional as F

        model = W.model(name, nn, F, ur)
        W.start(model, ur.from_numpy)
        return by_hand.build(name, [p.array for p in model.parameters()]), data
    if engine == "torch":
        import torch as like
        from torch import nn, optim
        from torch.nn import functional as F
    else:
        import upriver as like
        from upriver import nn, optim
        from upriver.nn import functional as F
    model = W.model(name, nn, F, like)
    W.start(model, like.from_numpy)
    parameters = list(model.parameters())
    optimizer = W.optimizer(name, optim, parameters)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = W.loss(name, F, model, parameters, x, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, [(like.from_numpy(x), like.from_numpy(y)) for x, y in data]


def main() -> None:
    """Build, report the first losses, then time on request."""
    engine, name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if engine == "torch":
        import torch

        torch.set_num_threads(threads)
    step, data = build(engine, name)
    losses = [float(step(*data[i % len(data)])) for i in range(20)]
    print(json.dumps({"losses": losses}), flush=True)
    for line in sys.stdin:
        end, times, i = time.perf_counter() + float(line.split()[1]), [], 0
        while len(times) < 5 or time.perf_counter() < end:
            start = time.perf_counter()
            float(step(*data[i % len(data)]))
            times.append(time.perf_counter() - start)
            i += 1
        print(json.dumps({"ms": statistics.median(times) * 1e3}), flush=True)


if __name__ == "__main__":
    main()
