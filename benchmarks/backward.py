"""The time of the backward pass against that of the forward pass, for each perceptron.

    python benchmarks/backward.py

A backward pass does two products of matrices for each one of the forward pass (one for the weights, one for
the inputs; the first layer needs only one), so a ratio near 2 is what the arithmetic costs.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time

import workloads as W

import upriver as ur
from upriver import nn
from upriver.nn import functional as F


def ratios(name: str, rounds: int = 200) -> tuple[float, float, float]:
    """Milliseconds forward and backward, and the median ratio of the two within a step."""
    model = W.model(name, nn, F, ur)
    W.start(model, ur.from_numpy)
    parameters = list(model.parameters())
    data = [(ur.from_numpy(x), ur.from_numpy(y)) for x, y in W.batches(name)]
    forward, backward = [], []
    for i in range(rounds):
        model.zero_grad()
        times = [time.perf_counter()]
        loss = W.loss(name, F, model, parameters, *data[i % len(data)])
        times.append(time.perf_counter())
        loss.backward()
        times.append(time.perf_counter())
        forward.append(times[1] - times[0])
        backward.append(times[2] - times[1])
    ratio = statistics.median(b / f for f, b in zip(forward, backward, strict=True))
    return statistics.median(forward) * 1e3, statistics.median(backward) * 1e3, ratio


def main() -> None:
    """A row per workload."""
    print("| workload | forward ms | backward ms | backward / forward |")
    print("| --- | ---: | ---: | ---: |")
    for name, workload in W.WORKLOADS.items():
        if workload.by_hand:
            print("| {} | {:.3f} | {:.3f} | {:.2f} |".format(name, *ratios(name)))


if __name__ == "__main__":
    main()
