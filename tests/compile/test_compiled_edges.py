"""Compiled functions at the edges of what they are given: lengths, memory orders, dtypes, values."""

from __future__ import annotations

import ast
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.core.tensor import Tensor
from upriver.nn import functional as F

from .compared import Twin, alike, random, same
from .steps import training

pytest.importorskip("llvmlite")


@pytest.mark.parametrize("rows", [1, 6, 17])
def test_a_product_of_one_column_that_is_used_twice(rows: int) -> None:
    def both(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        x = a @ b
        return x * x, x + x

    for b in (ur.randn(4, 1), ur.randn(4)):
        a, step = ur.randn(rows, 4), ur.compile(both)
        step(a, b)
        for got, want in zip(step(a, b), both(a, b), strict=True):
            np.testing.assert_allclose(got.array, want.array, rtol=1e-5, atol=1e-6)


# Lengths.


def _net(width: int) -> Any:
    return nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.GELU(), nn.Linear(width, 3))


def _classes(model: Any, x: Tensor, t: Tensor) -> Tensor:
    return F.cross_entropy(model(x), t)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [1, 7, 17])
@pytest.mark.parametrize("width", [1, 7, 15, 16, 17, 33])
def test_lengths(width: int, batch: int, dtype: Any) -> None:
    (x,) = random(0, (batch, width), dtype=dtype)
    t = ur.arange(batch) % 3
    kind = ur.float64 if dtype == np.float64 else ur.float32
    sgd = lambda p: ur.optim.SGD(p, lr=0.05, momentum=0.5)
    alike(lambda: Twin(_net(width).to(kind), _classes, sgd), [(x, t)], steps=20)


@pytest.mark.parametrize("n", [1, 7, 15, 17, 33])
def test_lengths_of_images(n: int) -> None:
    net = lambda: nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Flatten(),
        nn.Linear(3 * ((n + 1) // 2) ** 2, 3),
    )  # fmt: skip
    (x,) = random(0, (2, 1, n, n))
    alike(lambda: Twin(net(), _classes, lambda p: ur.optim.SGD(p, lr=0.05)), [(x, ur.tensor([0, 2]))], steps=10)


@pytest.mark.parametrize("native", [True, False], ids=["native", "replay"])
def test_batches_of_nothing(native: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    sgd = ur.optim.SGD(model.parameters(), lr=0.1)

    def function(x: Tensor) -> Any:
        sgd.zero_grad()
        y = model(x)
        y.sum().backward()
        sgd.step()
        return y, y.sum(), y.mean(1), (y > 0).any()

    step = ur.compile(function, native=native)
    before = [p.array.copy() for p in model.parameters()]
    for _ in range(2):
        y, total, mean, some = step(ur.zeros(0, 4))
        assert (tuple(y.shape), total.item(), tuple(mean.shape), some.item()) == ((0, 2), 0.0, (0,), False)
    for p, was in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.array, was)


# Memory of arguments.

BASE = np.random.default_rng(0).standard_normal((12, 14)).astype(np.float32)
VIEWS: dict[str, Any] = {
    "transposed": BASE.T[:7, :6],
    "strided": BASE[::2, ::2],
    "backwards": BASE[5::-1, 6::-1],
    "fortran": np.asfortranarray(BASE[:6, :7]),
    "broadcast": np.broadcast_to(BASE[0, :7], (6, 7)),
    "inner": BASE[3:9, 2:9],
    "unaligned": np.frombuffer(b"x" + BASE[:6, :7].tobytes(), np.float32, 42, 1).reshape(6, 7),
    "foreign byte order": BASE[:6, :7].astype(">f4"),
}


@pytest.mark.parametrize("how", VIEWS)
def test_memory_of_arguments(how: str) -> None:
    def function(x: Tensor) -> Tensor:
        x = ur.as_tensor(x)
        return (x @ x.T).tanh() + x.sum() + x.flatten()[:1]

    array = VIEWS[how]
    step = ur.compile(function)
    for _ in range(2):
        same(step(array), function(array))
        same(step(np.ascontiguousarray(array)), function(array))
    readonly = array.copy()
    readonly.flags.writeable = False
    same(step(readonly), function(array))
    same(step(array * 2), function(array * 2))


# Values.


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, 1e-42, -0.0])
@pytest.mark.parametrize("place", [0, 3, 16])
def test_values(value: float, place: int) -> None:
    """What is not finite spreads as it does in eager, and no further."""

    def function(x: Tensor) -> Any:
        w = x.detach().requires_grad_()
        y = w.softmax(1).sum(0) + w.relu().mean(0) + w.tanh().amax(0) + w.clamp(-1, 1).sum(0) + w.sigmoid().prod(0)
        (g,) = ur.grad(w.abs().sum(1).sqrt().sum() + F.gelu(w).mean(), w)
        return y, g, x.argmax(1), x.sort(1)[0], x.cumsum(1), x.exp(), (x + 1).log(), x > 0, x.isnan(), x.max()

    (x,) = random(0, (5, 17))
    x.array[2, place] = value
    step = ur.compile(function)
    with np.errstate(all="ignore"):
        for _ in range(2):
            for i, (got, want) in enumerate(zip(step(x), function(x), strict=True)):
                if want.array.dtype.kind == "f":
                    np.testing.assert_allclose(got.array, want.array, rtol=2e-5, atol=1e-6, err_msg=f"output {i}")
                else:
                    np.testing.assert_array_equal(got.array, want.array, err_msg=f"output {i}")


def test_training_goes_on_beside_nan() -> None:
    """A batch that is not finite makes weights what eager makes of them."""
    batches = [random(i, (5, 4)) for i in range(3)]
    batches[2][0].array[1, 2] = np.nan
    loss = lambda model, x: model(x).square().mean()
    alike(lambda: Twin(nn.Linear(4, 3), loss, lambda p: ur.optim.SGD(p, lr=0.1)), batches, steps=5)


# Other processors, and guards, in processes of their own.

CHILD = """
import numpy as np, upriver as ur
from tests.compile.steps import NETWORKS, training
out = []
for name in {names}:
    t = training(name, "sgd", 3)
    step = ur.compile(t.step)
    for i in range(6):
        ur.manual_seed(i)
        out.append(step(*t.batches[i % 3]).item())
    out += [float(np.asarray(x).sum()) for _, x in t.state()]
print(out)
"""


@pytest.mark.parametrize(
    "setting", [{"UPRIVER_CPU": "x86-64"}, {"UPRIVER_CPU": "x86-64-v3"}, {"UPRIVER_GUARD": "1"}], ids=str
)
def test_in_another_process(setting: dict[str, str]) -> None:
    names = ["mlp", "images", "lenet", "padded", "gru", "dropout", "embedded"]
    if "UPRIVER_CPU" in setting and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("another kind of processor")
    root = Path(__file__).parents[2]
    env = {**os.environ, **setting, "UPRIVER_CACHE": "off", "PYTHONPATH": str(root)}
    child = [sys.executable, "-c", CHILD.format(names=names)]
    run = subprocess.run(child, env=env, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    want = []
    for name in names:
        t = training(name, "sgd", 3)
        for i in range(6):
            ur.manual_seed(i)
            want.append(t.step(*t.batches[i % 3]).item())
        want += [float(np.asarray(x).sum()) for _, x in t.state()]
    np.testing.assert_allclose(ast.literal_eval(run.stdout), want, rtol=1e-4, atol=1e-4)
