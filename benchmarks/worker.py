"""One engine on one workload in a process of its own: answers each line "go SECONDS" with one line of JSON.

    python benchmarks/worker.py ENGINE WORKLOAD THREADS [STEPS]

An ENGINE is upriver, compiled (upriver.compile, a step a call), many (all batches in one call), torch or numpy.
It takes STEPS steps (20) to begin with.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any


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

    tensors = [(like.from_numpy(x), like.from_numpy(y)) for x, y in data]
    if engine == "compiled":
        return like.compile(step), tensors
    if engine == "many":
        stacked = tuple(like.stack(list(some)) for some in zip(*tensors, strict=True))
        return like.compile(step).over, [stacked]
    return step, tensors


def size(step: Any) -> dict[str, Any]:
    """What a compiled step computes, and the bytes that it must at least read and write."""
    from upriver.compile.report import lines

    entry = getattr(step, "entry", None)
    if entry is None or entry.built is None:
        return {}
    program, plan = entry.program, entry.built.plan
    kept = sum(cell.tensor.array.nbytes * (1 + (cell.after is not None)) for cell in program.cells)
    given = sum(v.dtype.itemsize * math.prod(v.shape) for v in program.inputs)
    return {
        "flops": sum(line.flops for line in lines(entry.built)),
        "bytes": kept + given,
        "memory": sum(cell.tensor.array.nbytes for cell in program.cells) + given + plan.arena,
    }


def main() -> None:
    """Build, report the first losses, then time on request."""
    engine, name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if engine == "torch":
        import torch

        torch.set_num_threads(threads)
    step, data = build(engine, name)
    steps, count = 16 if engine == "many" else 1, int((*sys.argv, 20)[4])

    def timed(i: int) -> tuple[list[float], float]:
        start = time.perf_counter()
        loss = step(*data[i % len(data)])
        losses = loss.tolist() if steps > 1 else [float(loss)]
        return losses, time.perf_counter() - start

    first = [timed(i) for i in range(-(-count // steps))]
    losses = [loss for some, _ in first for loss in some][:count]
    print(json.dumps({"losses": losses, "first": first[0][1], **size(step)}), flush=True)
    for line in sys.stdin:
        end, times, i = time.perf_counter() + float(line.split()[1]), [], 0
        while len(times) < 5 or time.perf_counter() < end:
            times.append(timed(i)[1] / steps)
            i += 1
        print(json.dumps({"ms": statistics.median(times) * 1e3}), flush=True)


if __name__ == "__main__":
    main()
