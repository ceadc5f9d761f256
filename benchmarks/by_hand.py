"""Training steps of perceptrons, derived and written by hand in NumPy: what an engine is measured against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from workloads import ALL, L2

Array = np.ndarray[Any, Any]


def build(name: str, parameters: list[Array]) -> Callable[[Array, Array], float]:
    """A step for the perceptron ``name``: weights (out, in) and biases in turn are changed in place."""
    w = ALL[name]
    p = [a.copy() for a in parameters]
    depth = len(p) // 2
    update = _adam(p, w.lr) if w.optimizer == "adam" else _sgd(p, w.lr)

    def step(x: Array, y: Array) -> float:
        inputs, h = [], x
        for i in range(depth):
            inputs.append(h)
            h = h @ p[2 * i].T
            h += p[2 * i + 1]
            if i < depth - 1:
                np.maximum(h, 0, out=h)
        loss, d = _hinge(h, y) if w.kind == "hinge" else _cross_entropy(h, y)
        grads: list[Any] = [None] * len(p)
        for i in reversed(range(depth)):
            grads[2 * i] = d.T @ inputs[i]
            grads[2 * i + 1] = d.sum(0)
            if i:
                d = d @ p[2 * i]
                d *= inputs[i] > 0
        if w.kind == "hinge":
            loss += L2 * sum((a * a).sum() for a in p)
            for g, a in zip(grads, p, strict=True):
                g += 2 * L2 * a
        update(grads)
        return float(loss)

    return step


def _hinge(z: Array, y: Array) -> tuple[float, Array]:
    margin = 1 - y * z
    return np.maximum(margin, 0).mean(), np.where(margin > 0, -y, 0) / np.float32(len(y))


def _cross_entropy(z: Array, y: Array) -> tuple[float, Array]:
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    loss = (np.log(total[:, 0]) - z[rows, y]).mean()
    e /= total
    e[rows, y] -= 1
    e /= len(y)
    return loss, e


def _sgd(p: list[Array], lr: float) -> Callable[[list[Array]], None]:
    def update(grads: list[Array]) -> None:
        for a, g in zip(p, grads, strict=True):
            a -= lr * g

    return update


def _adam(p: list[Array], lr: float, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Any:
    m, v = [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p]
    t = [0]

    def update(grads: list[Array]) -> None:
        t[0] += 1
        c1, c2 = 1 - b1 ** t[0], 1 - b2 ** t[0]
        for a, g, mean, square in zip(p, grads, m, v, strict=True):
            mean *= b1
            mean += (1 - b1) * g
            square *= b2
            square += (1 - b2) * (g * g)
            d = np.sqrt(square)
            d *= c2**-0.5
            d += eps
            a -= (lr / c1) * mean / d

    return update
