"""Functions composed at random of operations, with a gradient and an update: native and replayed beside eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver import nn
from upriver.core.tensor import Tensor
from upriver.nn import functional as F

pytest.importorskip("llvmlite")

Op = Callable[[Any, Tensor, list[Tensor]], Tensor]
LENGTHS = (1, 1, 2, 3, 5, 7, 15, 16, 17, 33)

UNARY: list[Callable[[Tensor], Tensor]] = [
    ur.tanh, ur.sigmoid, ur.sin, ur.relu, F.gelu, F.silu, F.softplus, F.elu, F.hardswish, F.leaky_relu,
    lambda x: x.abs().sqrt() + 1, lambda x: (x * x + 1).log(), lambda x: (x * 0.3).exp(), lambda x: -x,
    lambda x: 1 / (x * x + 1), lambda x: x**2, lambda x: x.clamp(-0.5, 0.7), lambda x: x / 3 - 0.25,
    lambda x: ur.where(x > 0, x, x * 0.1), lambda x: x.round() + x, lambda x: (x > 0.1) * x,
]  # fmt: skip
ALONG: list[Callable[[Tensor, int], Tensor]] = [
    lambda x, d: x.softmax(d), lambda x, d: x.log_softmax(d) * 0.1, lambda x, d: x.sum(d), lambda x, d: x.mean(d, True),
    lambda x, d: x.amax(d), lambda x, d: x.max(d)[0], lambda x, d: x.cumsum(d) * 0.2, lambda x, d: x.flip(d),
    lambda x, d: x.logsumexp(d), lambda x, d: x.sort(d)[0], lambda x, d: x - x.mean(d, True), lambda x, d: x.roll(1, d),
    lambda x, d: ur.cat([x, x * 2], d), lambda x, d: ur.stack([x, -x], d), lambda x, d: x.unsqueeze(d),
    lambda x, d: x.narrow(d, x.shape[d] // 2, x.shape[d] - x.shape[d] // 2), lambda x, d: x.transpose(0, d),
    lambda x, d: x.unbind(d)[-1], lambda x, d: x.chunk(2, d)[0], lambda x, d: x.var(d, correction=0) * 0.1,
    lambda x, d: x.index_select(d, ur.arange(x.shape[d]) // 2), lambda x, d: x.prod(d).tanh(),
    lambda x, d: x.norm(dim=d),
]  # fmt: skip


def _unary(draw: Any, x: Tensor, _: list[Tensor]) -> Any:
    one = draw(st.sampled_from(UNARY))
    return lambda x, _: one(x)


def _along(draw: Any, x: Tensor, _: list[Tensor]) -> Any:
    if not x.ndim:
        return None
    one, d = draw(st.sampled_from(ALONG)), draw(st.integers(0, x.ndim - 1))
    return lambda x, _: one(x, d)


def _binary(draw: Any, x: Tensor, pool: list[Tensor]) -> Any:
    fitting = [i for i, y in enumerate(pool) if _fits(x, y)]
    if not fitting:
        return None
    i, how = draw(st.sampled_from(fitting)), draw(st.integers(0, 4))
    return lambda x, pool: [
        lambda: x + pool[i], lambda: x * pool[i], lambda: x - pool[i] * 2, lambda: ur.maximum(x, pool[i]),
        lambda: x / (pool[i] ** 2 + 1),
    ][how]()  # fmt: skip


def _fits(x: Tensor, y: Tensor) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(tuple(x.shape), tuple(y.shape)))) <= 4000
    except ValueError:
        return False


def _product(draw: Any, x: Tensor, pool: list[Tensor]) -> Any:
    if x.ndim < 2:
        return None
    return lambda x, _: x @ x.transpose(-1, -2) * 0.1


def _layer(draw: Any, x: Tensor, pool: list[Tensor]) -> Any:
    if not x.ndim:
        return None
    n, width = x.shape[-1], draw(st.sampled_from(LENGTHS))
    return lambda x, _: F.linear(x, (ur.arange(n * width).reshape(width, n).to(x.dtype) * 0.7).sin())


def _reshape(draw: Any, x: Tensor, _: list[Tensor]) -> Any:
    how = draw(st.integers(0, 3))
    if how == 0 or not x.ndim:
        return lambda x, _: x.reshape(-1)
    if how == 1 and x.ndim > 1:
        return lambda x, _: x.flatten(0, 1)
    if how == 2:
        order = draw(st.permutations(range(x.ndim)))
        return lambda x, _: x.permute(*order)
    return lambda x, _: x[..., ::2] if x.shape[-1] > 1 else x[None]


STEPS = [_unary, _unary, _along, _along, _binary, _binary, _product, _layer, _reshape]


@settings(max_examples=60)
@given(st.data(), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_random_functions(data: Any, dtype: Any, native: bool) -> None:
    draw = data.draw
    shapes = [tuple(draw(st.lists(st.sampled_from(LENGTHS), max_size=3))) for _ in range(draw(st.integers(1, 3)))]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    start = [rng.standard_normal(s).astype(dtype) for s in shapes]
    (x,) = [Tensor(rng.standard_normal(shapes[0]).astype(dtype), dtype=dtype)]
    plan: list[tuple[Any, int]] = []
    pool = [x, *[Tensor(w, dtype=dtype) for w in start]]
    for _ in range(draw(st.integers(1, 8))):
        i = len(pool) - 1 - draw(st.integers(0, min(2, len(pool) - 1)))
        step = draw(st.sampled_from(STEPS))(draw, pool[i], pool)
        if step is None:
            continue
        y = step(pool[i], pool)
        if y.numel() > 4000 or y.dtype != pool[0].dtype:
            continue
        plan.append((step, i))
        pool.append(y)

    def function(params: list[Any], optimizer: Any, x: Tensor) -> Any:
        optimizer.zero_grad()
        pool = [x, *params]
        for step, i in plan:
            pool.append(step(pool[i], pool))
        loss = sum([y.square().mean() for y in (*pool[-3:], *params)])
        loss.backward()
        optimizer.step()
        return loss, pool[-1]

    made = []
    for how in (False, True):
        params = [nn.Parameter(Tensor(w.copy(), dtype=dtype)) for w in start]
        sgd = ur.optim.SGD(params, lr=0.05, momentum=0.5)
        call = lambda x, p=params, o=sgd: function(p, o, x)
        made.append((params, ur.compile(call, native=native) if how else call))
    (want_params, eager), (params, fast) = made
    tolerance = 0 if not native else 1e-4 if dtype == np.float32 else 1e-9
    for i in range(3):
        for got, want in zip(fast(x), eager(x), strict=True):
            _close(got, want, tolerance, f"step {i}")
    for p, q in zip(params, want_params, strict=True):
        _close(p, q, tolerance, "parameter")


def _close(got: Tensor, want: Tensor, tolerance: float, name: str) -> None:
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    scale = np.abs(want.array).max(initial=1e-3) if np.isfinite(want.array).all() else 1.0
    np.testing.assert_allclose(
        got.array, want.array, rtol=tolerance, atol=tolerance * scale, equal_nan=True, err_msg=name
    )
