"""Values and gradients beside PyTorch's: every function and method that both have, in double and single precision.

Each row is a name and a call that takes the namespace, ``upriver`` or ``torch``, and the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import upriver as ur

torch = pytest.importorskip("torch")

Call = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        name: the public name under test, dotted from the namespace.
        call: ``(namespace, *inputs)`` → a tensor or several.
        shapes: of the floating inputs, whose gradients are compared.
        low, high: the interval that the inputs are drawn from.
        second: whether second gradients are compared too.
        label: tells rows of one name apart.
        rtol: the relative difference allowed in double precision.
    """

    name: str
    call: Call
    shapes: tuple[tuple[int, ...], ...] = ((2, 3),)
    low: float = -2.0
    high: float = 2.0
    second: bool = True
    label: str = ""
    rtol: float = 1e-9


ROWS: list[Row] = []


def row(name: str, call: Call, *shapes: tuple[int, ...], label: str = "", **kwargs: Any) -> None:
    ROWS.append(Row(name, call, shapes, label=label, **kwargs))


def functional(
    name: str, *shapes: tuple[int, ...], label: str = "", low: float = -2.0, high: float = 2.0, **kw: Any
) -> None:
    """A row of ``nn.functional`` whose arguments after the tensors are keywords."""
    options = {k: kw.pop(k) for k in ("low", "high", "rtol") if k in kw}

    def call(m: Any, *xs: Any) -> Any:
        return getattr(m.nn.functional, name)(*xs, **{k: v(m) if callable(v) else v for k, v in kw.items()})

    said = label or ",".join(f"{k}={v}" for k, v in kw.items() if not callable(v))
    ROWS.append(Row(f"nn.functional.{name}", call, shapes, label=said, **options))


def both(
    name: str,
    *args: Any,
    shapes: Sequence[tuple[int, ...]] = ((2, 3),),
    label: str = "",
    method: bool = True,
    **options: Any,
) -> None:
    """Two rows: as a function of the namespace, and as a method of the first input."""
    kwargs = {k: options.pop(k) for k in list(options) if k not in ("low", "high", "second")}
    said = label or ",".join([*map(str, args), *(f"{k}={v}" for k, v in kwargs.items())])
    row(name, lambda m, *xs: getattr(m, name)(*xs, *args, **kwargs), *shapes, label=said, **options)
    if method:
        row(f"Tensor.{name}", lambda m, x, *xs: getattr(x, name)(*xs, *args, **kwargs), *shapes, label=said, **options)


# Entry by entry.

for name in ("neg", "exp", "expm1", "exp2", "square", "sin", "cos", "atan", "sinh", "cosh", "tanh", "asinh", "erf",
             "sigmoid", "relu", "abs", "sign", "floor", "ceil", "round", "trunc"):  # fmt: skip
    both(name)
for name in ("log", "log2", "log10", "sqrt", "rsqrt", "reciprocal"):
    both(name, low=0.2, high=3.0)
for name in ("asin", "acos", "atanh", "tan"):
    both(name, low=-0.9, high=0.9)
both("log1p", low=-0.8, high=2.0)
both("acosh", low=1.1, high=3.0)
for name in ("isnan", "isinf", "isfinite", "logical_not"):
    both(name)
for name in ("exp", "tanh", "abs"):
    both(name, shapes=[()], label="0-d")
    both(name, shapes=[(0, 3)], label="empty")
for name in ("add", "sub", "mul", "div", "maximum", "minimum", "atan2"):
    for shapes in (((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 3), ()), ((), (4, 1, 2)), ((0, 3), (1, 3))):
        both(name, shapes=shapes, label=str(shapes).replace(" ", ""), low=0.3, high=2.0)
both("pow", shapes=[(2, 3), (3,)], low=0.3, high=2.0, label="tensor")
for power in (2, 3, 0, 1, 0.5, -1, -2.0):
    both("pow", power, low=0.3)
row("Tensor.__rpow__", lambda m, x: 10**x, (2, 3))
for name in ("remainder", "floor_divide"):
    both(name, shapes=[(2, 3), (2, 3)], low=0.3, high=2.0, label="tensors")
    both(name, 0.7)
both("remainder", -0.7)
for name in ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor"):
    both(name, shapes=[(2, 3), (3,)], label="tensors")
row("Tensor.__radd__", lambda m, x: 1 + x * 2 - 3, (2, 3))
row("Tensor.__rsub__", lambda m, x: 1 - x, (2, 3))
row("Tensor.__rtruediv__", lambda m, x: 1.0 / x, (2, 3), low=0.3)
row("Tensor.__rfloordiv__", lambda m, x: 5.0 // x, (2, 3), low=0.3)
row("Tensor.__rmod__", lambda m, x: 5.0 % x, (2, 3), low=0.3)
row("Tensor.__floordiv__", lambda m, x: x // 0.7, (2, 3))
row("Tensor.__invert__", lambda m, x: ~(x > 0), (2, 3))
row("Tensor.__and__", lambda m, x: ((x > 0) & (x < 1)) | (x < -1), (2, 3))
row("Tensor.__xor__", lambda m, x: (x > 0) ^ (x < 1), (2, 3))
row("Tensor.__iadd__", lambda m, x: inplace(x), (2, 3))


def inplace(x: Any) -> Any:
    y = x * 2.0
    y += x
    y *= x
    y -= 1.0
    y /= 3.0
    return y


both("clamp", -0.5, 0.5)
both("clamp", min=0.1)
both("clamp", max=0.1)
both("clip", -0.5, 0.5)
both("clamp", shapes=[(2, 3), (3,), (3,)], label="tensors")
both("lerp", 0.3, shapes=[(2, 3), (2, 3)])
row("where", lambda m, x, y: m.where(x > 0, x * y, y), (2, 3), (3,))
row("where", lambda m, x: m.where(x > 0, x, 0.0), (2, 3), label="number")
row("Tensor.where", lambda m, x, y: x.where(x > y, y), (2, 3), (2, 3))
row("Tensor.masked_fill", lambda m, x: x.masked_fill(x > 0, -math.inf), (2, 3))
row("masked_fill", lambda m, x: m.masked_fill(x, x > 0, 3.0), (2, 3))
row("isclose", lambda m, x: m.isclose(x, x + 1e-9), (2, 3))
row("allclose", lambda m, x: m.tensor(m.allclose(x, x + 1e-9)), (2, 3))

# Reductions.

for name in ("sum", "mean", "var", "std", "prod", "amax", "amin", "logsumexp"):
    for dim in (0, 1, -1, (0, 1), (0, 2)):
        if name == "prod" and isinstance(dim, tuple):
            continue
        both(name, dim=dim, shapes=[(2, 3, 4)])
    both(name, dim=1, keepdim=True, shapes=[(2, 3, 4)])
for name in ("sum", "mean", "prod"):
    both(name, shapes=[(2, 3)], label="all")
    both(name, shapes=[()], label="0-d")
for name in ("var", "std"):
    both(name, shapes=[(2, 3)], label="all")
    both(name, dim=1, unbiased=False, shapes=[(2, 3)])
    both(name, dim=1, correction=2, shapes=[(2, 4)])
for name in ("max", "min"):
    both(name, shapes=[(2, 3)], label="all")
    for dim in (0, -1):
        both(name, dim, shapes=[(2, 3)])
    both(name, dim=1, keepdim=True, shapes=[(2, 3)])
row("max", lambda m, x, y: m.max(x, y), (2, 3), (3,), label="two tensors")
row("max", lambda m, x: [m.max(x, 1).values, m.max(x, 1).indices], (2, 3), label="fields")
for name in ("argmax", "argmin"):
    both(name)
    both(name, dim=1)
    both(name, dim=0, keepdim=True)
for name in ("any", "all"):
    row(name, lambda m, x, name=name: getattr(m, name)(x > 0), (2, 3))
    row(f"Tensor.{name}", lambda m, x, name=name: getattr(x > 0, name)(dim=1, keepdim=True), (2, 3))
for name in ("cumsum", "cumprod"):
    both(name, dim=0, shapes=[(3, 4)])
    both(name, dim=1, shapes=[(3, 4)])
for p in (1, 2, 3, math.inf):
    both("norm", p=p, dim=1)
both("norm", label="all")
both("norm", dim=(0, 1), keepdim=True)
for name in ("softmax", "log_softmax"):
    for dim in (0, -1):
        both(name, dim=dim, shapes=[(3, 4)])
row("Tensor.sum", lambda m, x: (x > 0).sum(), (2, 3), label="booleans")
row("Tensor.mean", lambda m, x: (x > 0).to(x.dtype).mean(), (2, 3), label="booleans")

# Shape.

both("reshape", (3, 2))
both("reshape", (-1,))
row("Tensor.view", lambda m, x: x.view(3, -1), (2, 3))
row("Tensor.view_as", lambda m, x, y: x.view_as(y) * y, (2, 3), (3, 2))
row("Tensor.reshape_as", lambda m, x, y: x.reshape_as(y) * y, (2, 3), (3, 2))
both("flatten", shapes=[(2, 3, 4)], label="all")
both("flatten", 1, shapes=[(2, 3, 4)])
both("flatten", 0, 1, shapes=[(2, 3, 4)])
both("flatten", shapes=[()], label="0-d")
both("unflatten", 1, (2, -1), shapes=[(3, 4)])
both("squeeze", shapes=[(1, 3, 1)], label="all")
both("squeeze", 0, shapes=[(1, 3, 1)])
both("squeeze", 1, shapes=[(1, 3, 1)])
both("unsqueeze", 0)
both("unsqueeze", -1)
both("transpose", 0, 1)
both("transpose", -1, 0, shapes=[(2, 3, 4)])
both("swapaxes", 0, 1)
both("permute", (2, 0, 1), shapes=[(2, 3, 4)])
row("Tensor.permute", lambda m, x: x.permute(2, 0, 1), (2, 3, 4), label="separate")
both("movedim", 0, 2, shapes=[(2, 3, 4)])
both("movedim", (0, 1), (2, 0), shapes=[(2, 3, 4)])
row("Tensor.T", lambda m, x: x.T, (2, 3))
row("Tensor.mT", lambda m, x: x.mT, (4, 2, 3))
both("t")
row("Tensor.expand", lambda m, x: x.expand(4, -1, 3), (2, 1))
row("Tensor.expand_as", lambda m, x, y: x.expand_as(y) * y, (3,), (2, 3))
row("broadcast_to", lambda m, x: m.broadcast_to(x, (2, 3)), (3,))
row("broadcast_tensors", lambda m, x, y: m.broadcast_tensors(x, y), (2, 1), (3,))
row("Tensor.repeat", lambda m, x: x.repeat(2, 1, 3), (2, 3))
both("repeat_interleave", 2, dim=1)
both("repeat_interleave", 2, label="flat 2")
both("split", 2, dim=1, shapes=[(2, 5)])
both("split", [1, 4], dim=1, shapes=[(2, 5)])
both("chunk", 3, dim=0, shapes=[(7, 2)])
both("unbind", dim=1)
both("flip", (0, 1))
both("flip", [1])
both("roll", 1)
both("roll", (1, -2), (0, 1))
both("roll", 2, 1)
row("Tensor.unfold", lambda m, x: x.unfold(1, 3, 2), (2, 7))
for diagonal in (0, 1, -1):
    both("tril", diagonal, shapes=[(3, 4)])
    both("triu", diagonal, shapes=[(2, 3, 3)])
both("diag", shapes=[(3,)], label="vector")
both("diag", shapes=[(3, 4)], label="matrix")
row("cat", lambda m, x, y: m.cat([x, y], dim=1), (2, 3), (2, 1))
row("cat", lambda m, x, y: m.cat((x, y)), (2, 3), (0, 3), label="empty")
row("concatenate", lambda m, x, y: m.concatenate([x, y], dim=0), (2, 3), (1, 3))
row("concat", lambda m, x, y: m.concat([x, y], dim=-1), (2, 3), (2, 1))
row("stack", lambda m, x, y: m.stack([x, y], dim=1), (2, 3), (2, 3))
row("stack", lambda m, x, y: m.stack([x, y], -1), (), (), label="0-d")
row("meshgrid", lambda m, x, y: m.meshgrid(x, y, indexing="ij"), (2,), (3,))
row("Tensor.contiguous", lambda m, x: x.T.contiguous(), (2, 3))
row("Tensor.clone", lambda m, x: x.clone() * x, (2, 3))
functional("pad", (2, 3), pad=(1, 2))
functional("pad", (2, 3), pad=(1, 0, 0, 2), value=1.5)
functional("pad", (2, 3), pad=(-1, 1))
for mode in ("reflect", "replicate", "circular"):
    functional("pad", (1, 2, 4, 4), pad=(1, 2, 0, 1), mode=mode)

for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    row(name, lambda m, x, name=name: getattr(m, name)(x), ())
    row(name, lambda m, x, name=name: getattr(m, name)(x), (2, 3), label="2-d")
row("hstack", lambda m, x, y: m.hstack([x, y]), (2, 3), (2, 1))
row("vstack", lambda m, x, y: m.vstack([x, y]), (2, 3), (3,))
row("tile", lambda m, x: m.tile(x, (2, 1, 2)), (2, 3))
both("diagonal", shapes=[(3, 4)], label="main")
both("diagonal", 1, 0, 2, shapes=[(3, 2, 4)])
both("trace", method=False, shapes=[(3, 4)])

# Indexing.

for label, key in {
    "int": 1,
    "slice": slice(1, None),
    "steps": (slice(None, None, 2), slice(0, 3)),
    "mixed": (0, slice(None), [0, 1, 0]),
    "none": (None, slice(None), None),
    "ellipsis": (Ellipsis, 1),
    "list": [0, 2, 0],
    "negative": [-1, 0],
    "pairs": ([0, 2], [1, 3]),
    "column": (slice(None), [-1], slice(None)),
    "range": (range(3), [1, 0, 2]),
    "apart": ([0, 1], slice(None), [1, 0]),
    "empty": slice(2, 2),
}.items():
    plain = tuple(list(k) if isinstance(k, range) else k for k in key) if isinstance(key, tuple) else key
    row("Tensor.__getitem__", lambda m, x, k=plain: x[k], (3, 4, 2), label=label)
row("Tensor.__getitem__", lambda m, x: x[x > 0], (3, 4), label="mask")
row("Tensor.__getitem__", lambda m, x: x[m.tensor([True, False, True])], (3, 4), label="row mask")
row("Tensor.__getitem__", lambda m, x: x[m.tensor([[0, 1], [2, 2]])], (3, 4), label="table")
row("Tensor.__getitem__", lambda m, x: x[m.tensor([[0], [1]]), m.tensor([1, 2])], (3, 4), label="broadcast pair")
row("Tensor.__getitem__", lambda m, x: x[m.arange(3), m.tensor([3, 0, 3])] ** 2, (3, 4), label="one of each row")
row("Tensor.__getitem__", lambda m, x: x[m.tensor(1)], (3, 4), label="0-d index")
row("Tensor.__iter__", lambda m, x: [r * 2 for r in x], (3, 4))
both("narrow", 1, 1, 2, shapes=[(3, 4)])
both("select", 1, 2, shapes=[(3, 4)])
row("index_select", lambda m, x: m.index_select(x, 1, m.tensor([3, 0, 0])), (3, 4))
row("gather", lambda m, x: m.gather(x, 1, m.tensor([[0, 3], [1, 1], [2, 0]])), (3, 4))
row("Tensor.gather", lambda m, x: x.gather(0, m.tensor([[0, 2, 1, 1]])), (3, 4))
row("Tensor.scatter_add", lambda m, x, y: x.scatter_add(0, m.tensor([[0, 1, 1, 2], [2, 1, 0, 2]]), y), (3, 4), (2, 4))
row("scatter_add", lambda m, x, y: m.scatter_add(x, 1, m.tensor([[0, 0], [3, 1], [2, 2]]), y), (3, 4), (3, 2))
row("Tensor.scatter", lambda m, x, y: x.scatter(1, m.tensor([[0, 1], [3, 1], [2, 0]]), y), (3, 4), (3, 2))
row("take_along_dim", lambda m, x: m.take_along_dim(x, m.tensor([[0, 1], [1, 2], [3, 3]]), dim=1), (3, 4))
row("argwhere", lambda m, x: m.argwhere(x > 0), (3, 4))
row("index_put", lambda m, x, y: m.index_put(x, (m.tensor([0, 2]), m.tensor([1, 1])), y), (3, 4), (2,))
row("masked_select", lambda m, x: m.masked_select(x, x > 0), (3, 4))
both("sort", shapes=[(3, 4)], label="last")
both("sort", dim=0, descending=True, shapes=[(3, 4)])
both("argsort", shapes=[(3, 4)], label="last")
both("topk", 2, shapes=[(3, 4)])
both("topk", 2, dim=0, largest=False, shapes=[(3, 4)])
row("nonzero", lambda m, x: m.nonzero(x > 0), (3, 4))
row("nn.functional.one_hot", lambda m: m.nn.functional.one_hot(m.tensor([[0, 2], [1, 1]]), num_classes=4))
row("nn.functional.one_hot", lambda m: m.nn.functional.one_hot(m.tensor([0, 2])), label="inferred")
row("nn.functional.embedding", lambda m, w: m.nn.functional.embedding(m.tensor([[0, 2], [2, 1]]), w), (3, 4))
row(
    "nn.functional.embedding",
    lambda m, w: m.nn.functional.embedding(m.tensor([0, 2, 2]), w, padding_idx=2), (3, 4), label="padding",
)  # fmt: skip

row("index_add", lambda m, x, y: m.index_add(x, 0, m.tensor([0, 2, 0]), y), (3, 4), (3, 4))
both("msort", method=False, shapes=[(3, 4)])
both("median", method=False, shapes=[(3, 5)], label="all")
both("median", dim=1, method=False, shapes=[(3, 5)])
both("kthvalue", 2, method=False, dim=1, shapes=[(3, 5)])
row("count_nonzero", lambda m, x: [m.count_nonzero(x > 0), m.count_nonzero(x > 0, dim=1)], (3, 4))
row("equal", lambda m, x: m.tensor([m.equal(x, x), m.equal(x, x + 1)]), (3, 4))
row("unique", lambda m: m.unique(m.tensor([3, 1, 3, 2, 1])))
row("unique", lambda m: m.unique(m.tensor([3, 1, 3]), return_inverse=True, return_counts=True), label="all of it")
row("bincount", lambda m: [m.bincount(m.tensor([0, 2, 2])), m.bincount(m.tensor([0, 2]), minlength=5)])
row("searchsorted", lambda m, x: m.searchsorted(m.tensor([-1.0, 0.0, 1.0]).to(x.dtype), x), (3, 4))
row("bucketize", lambda m, x: m.bucketize(x, m.tensor([-1.0, 0.0, 1.0]).to(x.dtype), right=True), (3, 4))
row("histogram", lambda m, x: m.histogram(x.detach().reshape(-1), bins=4, range=(-2.0, 2.0), density=True), (3, 4))
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    row(name, lambda m, name=name: getattr(m, name)(m.tensor([12, 5]), m.tensor([10, 3])))
    row(name, lambda m, x, name=name: getattr(m, name)(x > 0, x < 1), (3, 4), label="booleans")
row("bitwise_not", lambda m, x: [m.bitwise_not(x > 0), m.bitwise_not(m.tensor([5, -1]))], (3, 4))

# Products of matrices.

for a, b in (((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
             ((5, 2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 2)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)),
             ((2, 0), (0, 4))):  # fmt: skip
    both("matmul", shapes=[a, b], label=f"{a}@{b}".replace(" ", ""))
row("Tensor.__matmul__", lambda m, x, y: x @ y, (2, 3), (3, 4))
both("mm", shapes=[(2, 3), (3, 4)])
both("bmm", shapes=[(5, 2, 3), (5, 3, 4)])
both("mv", shapes=[(2, 3), (3,)])
both("dot", shapes=[(3,), (3,)])
both("outer", shapes=[(2,), (3,)])
for equation, shapes in (
    ("ij,jk->ik", ((2, 3), (3, 4))), ("bij,bjk->bik", ((5, 2, 3), (5, 3, 4))), ("ij->ji", ((2, 3),)),
    ("ij->", ((2, 3),)), ("ij->j", ((2, 3),)), ("i,j->ij", ((2,), (3,))), ("ii->i", ((3, 3),)), ("ii", ((3, 3),)),
    ("bhqd,bhkd->bhqk", ((2, 2, 3, 4), (2, 2, 5, 4))), ("...ij,jk->...ik", ((2, 2, 3), (3, 4))),
    ("ij,jk,kl->il", ((2, 3), (3, 4), (4, 2))), ("ij,ij", ((2, 3), (2, 3))),
):  # fmt: skip
    row("einsum", lambda m, *xs, e=equation: m.einsum(e, *xs), *shapes, label=equation)
row("addmm", lambda m, c, a, b: m.addmm(c, a, b, beta=0.5, alpha=2.0), (4,), (2, 3), (3, 4))
row("addmv", lambda m, c, a, b: m.addmv(c, a, b), (2,), (2, 3), (3,))
row("baddbmm", lambda m, c, a, b: m.baddbmm(c, a, b, beta=0.5), (5, 2, 4), (5, 2, 3), (5, 3, 4))
row("inner", lambda m, a, b: m.inner(a, b), (2, 3), (4, 3))
row("kron", lambda m, a, b: m.kron(a, b), (2, 3), (3, 2))
row("tensordot", lambda m, a, b: m.tensordot(a, b, dims=2), (2, 3, 4), (3, 4, 5))
row("tensordot", lambda m, a, b: m.tensordot(a, b, dims=([0, 2], [1, 0])), (2, 3, 4), (4, 2, 5), label="pairs")
functional("linear", (2, 3), (4, 3))
functional("linear", (2, 3), (4, 3), (4,), label="bias")
functional("linear", (5, 2, 3), (4, 3), (4,), label="3-d")

# Convolution and pooling.

for kw in ({}, {"stride": 2}, {"padding": 1}, {"dilation": 2, "padding": 2}, {"groups": 2}, {"padding": "same"}):
    cin = 2 if "groups" in kw else 4
    functional("conv1d", (2, 4, 7), (6, cin, 3), (6,), **kw)
    functional("conv2d", (2, 4, 6, 7), (6, cin, 3, 3), (6,), **kw)
functional("conv2d", (2, 3, 5, 5), (4, 3, 1, 1), label="1x1")
functional("conv2d", (2, 3, 6, 6), (4, 3, 3, 2), stride=(2, 1), padding=(1, 0))
functional("conv2d", (3, 6, 6), (4, 3, 3, 3), label="no batch")
for kw in (
    {},
    {"stride": 2},
    {"padding": 1},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"groups": 2},
    {"dilation": 2},
):
    cout = 2 if "groups" in kw else 3
    functional("conv_transpose1d", (2, 4, 5), (4, cout, 3), (cout * kw.get("groups", 1),), **kw)
    functional("conv_transpose2d", (2, 4, 5, 4), (4, cout, 3, 3), (cout * kw.get("groups", 1),), **kw)
functional("max_pool1d", (2, 3, 8), kernel_size=2)
functional("max_pool2d", (2, 3, 6, 6), kernel_size=2)
functional("max_pool2d", (2, 3, 7, 7), kernel_size=3, stride=2, padding=1)
functional("max_pool2d", (2, 3, 7, 7), kernel_size=2, stride=2, ceil_mode=True)
functional("max_pool2d", (2, 3, 7, 7), kernel_size=2, stride=1, dilation=2)
functional("avg_pool1d", (2, 3, 8), kernel_size=2)
functional("avg_pool2d", (2, 3, 6, 6), kernel_size=2)
functional("avg_pool2d", (2, 3, 7, 7), kernel_size=3, stride=2, padding=1)
functional("avg_pool2d", (2, 3, 7, 7), kernel_size=3, stride=2, padding=1, count_include_pad=False)
functional("adaptive_avg_pool1d", (2, 3, 7), output_size=3)
functional("adaptive_avg_pool2d", (2, 3, 7, 6), output_size=(3, 2))
functional("adaptive_avg_pool2d", (2, 3, 7, 6), output_size=1)
functional("adaptive_max_pool1d", (2, 3, 7), output_size=3)
functional("adaptive_max_pool2d", (2, 3, 7, 6), output_size=(3, 2))
functional("pixel_shuffle", (2, 8, 3, 2), upscale_factor=2)
functional("pixel_unshuffle", (2, 2, 6, 4), downscale_factor=2)
functional("interpolate", (1, 2, 3, 4), scale_factor=2, mode="nearest")
functional("interpolate", (1, 2, 3, 4), size=(5, 6), mode="nearest")
functional("interpolate", (1, 2, 3, 4), size=(5, 6), mode="bilinear", align_corners=False)
functional("interpolate", (1, 2, 3, 4), scale_factor=2, mode="bilinear", align_corners=True)
functional("unfold", (2, 3, 5, 5), kernel_size=3, padding=1, stride=2)

# Activations.

for name in ("relu", "sigmoid", "tanh", "gelu", "silu", "elu", "selu", "leaky_relu", "softplus", "hardswish", "relu6",
             "hardtanh", "mish", "softsign", "logsigmoid", "celu", "tanhshrink"):  # fmt: skip
    functional(name, (3, 4), low=-4.0, high=4.0)
functional("hardsigmoid", (3, 4), low=-4.0, high=4.0, rtol=1e-6)  # PyTorch's 1/6 is a single
functional("gelu", (3, 4), approximate="tanh")
functional("elu", (3, 4), alpha=0.7)
functional("leaky_relu", (3, 4), negative_slope=0.2)
functional("softplus", (3, 4), beta=3.0, threshold=2.0)
functional("threshold", (3, 4), threshold=0.3, value=-1.0)
functional("hardshrink", (3, 4))
functional("softshrink", (3, 4), lambd=0.3)
functional("pairwise_distance", (3, 4), (3, 4))
functional("dropout2d", (2, 3, 4, 4), p=0.5, training=False)
functional("dropout1d", (2, 3, 4), p=0.5, training=False)
functional("prelu", (2, 3, 4), (3,))
functional("prelu", (2, 3), (1,))
functional("softmax", (3, 4), dim=-1)
functional("log_softmax", (3, 4), dim=0)
functional("softmin", (3, 4), dim=1)
functional("glu", (3, 4), dim=1)
functional("normalize", (3, 4), dim=1)
functional("cosine_similarity", (3, 4), (3, 4), dim=1)
functional("dropout", (3, 4), p=0.5, training=False)

# Normalisation.

functional("layer_norm", (2, 3, 4), normalized_shape=(4,))
functional("layer_norm", (2, 3, 4), normalized_shape=(3, 4))
row(
    "nn.functional.layer_norm",
    lambda m, x, w, b: m.nn.functional.layer_norm(x, (4,), w, b),
    (2, 3, 4),
    (4,),
    (4,),
    label="affine",
)
row("nn.functional.rms_norm", lambda m, x, w: m.nn.functional.rms_norm(x, (4,), w, eps=1e-5), (2, 3, 4), (4,))
row(
    "nn.functional.instance_norm",
    lambda m, x, w, b: m.nn.functional.instance_norm(x, weight=w, bias=b),
    (2, 3, 5),
    (3,),
    (3,),
)
row("nn.functional.group_norm", lambda m, x, w, b: m.nn.functional.group_norm(x, 2, w, b), (3, 4, 5), (4,), (4,))
row(
    "nn.functional.batch_norm",
    lambda m, x, w, b: m.nn.functional.batch_norm(x, None, None, w, b, training=True),
    (5, 3, 4), (3,), (3,), label="training",
)  # fmt: skip
row(
    "nn.functional.batch_norm",
    lambda m, x, w, b: m.nn.functional.batch_norm(x, m.zeros(3).to(x.dtype), m.ones(3).to(x.dtype) * 2, w, b),
    (5, 3), (3,), (3,), label="evaluation",
)  # fmt: skip

# Attention.

ATTENTION = ((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4))
functional("scaled_dot_product_attention", *ATTENTION)
functional("scaled_dot_product_attention", (2, 4, 3), (2, 4, 3), (2, 4, 3), is_causal=True)
functional("scaled_dot_product_attention", *ATTENTION, scale=0.3)
functional(
    "scaled_dot_product_attention", *ATTENTION, label="mask",
    attn_mask=lambda m: m.tensor([[True, False, True, True, False]] * 3),
)  # fmt: skip
row(
    "nn.functional.scaled_dot_product_attention",
    lambda m, q, k, v, bias: m.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias),
    *ATTENTION, (3, 5), label="bias",
)  # fmt: skip

# Losses.


def loss(name: str, call: Call, *shapes: tuple[int, ...], label: str = "", **kwargs: Any) -> None:
    for reduction in ("mean", "sum", "none"):
        row(
            f"nn.functional.{name}",
            lambda m, *xs, r=reduction: call(m, getattr(m.nn.functional, name), r, *xs),
            *shapes, label=f"{label},{reduction}".strip(","), **kwargs,
        )  # fmt: skip


def classes(m: Any) -> Any:
    return m.tensor([1, 0, 3])


loss("cross_entropy", lambda m, f, r, x: f(x, classes(m), reduction=r), (3, 4))
loss("cross_entropy", lambda m, f, r, x: f(x, classes(m), reduction=r, label_smoothing=0.1), (3, 4), label="smooth")
loss("cross_entropy", lambda m, f, r, x: f(x, classes(m), reduction=r, ignore_index=0), (3, 4), label="ignore")
loss(
    "cross_entropy",
    lambda m, f, r, x, w: f(x, classes(m), w.detach(), reduction=r),
    (3, 4),
    (4,),
    label="weights",
    low=0.1,
)
loss(
    "cross_entropy",
    lambda m, f, r, x, w: f(x, classes(m), w.detach(), reduction=r, ignore_index=0, label_smoothing=0.2),
    (3, 4), (4,), label="all", low=0.1,
)  # fmt: skip
loss("cross_entropy", lambda m, f, r, x, y: f(x, m.softmax(y, -1), reduction=r), (3, 4), (3, 4), label="probabilities")
loss("cross_entropy", lambda m, f, r, x: f(x, m.tensor([[1, 0], [3, 2], [0, 0]]), reduction=r), (3, 4, 2), label="3-d")
loss("cross_entropy", lambda m, f, r, x: f(x, m.tensor(2), reduction=r), (4,), label="no batch")
loss("nll_loss", lambda m, f, r, x: f(x, classes(m), reduction=r), (3, 4))
loss(
    "nll_loss",
    lambda m, f, r, x, w: f(x, classes(m), w.detach(), reduction=r, ignore_index=3),
    (3, 4),
    (4,),
    label="weights",
    low=0.1,
)
loss("mse_loss", lambda m, f, r, x, y: f(x, y, reduction=r), (3, 4), (3, 4))
loss("l1_loss", lambda m, f, r, x, y: f(x, y, reduction=r), (3, 4), (3, 4))
loss("smooth_l1_loss", lambda m, f, r, x, y: f(x, y, reduction=r, beta=0.7), (3, 4), (3, 4))
loss("huber_loss", lambda m, f, r, x, y: f(x, y, reduction=r, delta=0.7), (3, 4), (3, 4))
loss("binary_cross_entropy", lambda m, f, r, x, y: f(x, y.detach(), reduction=r), (3, 4), (3, 4), low=0.1, high=0.9)
loss("binary_cross_entropy_with_logits", lambda m, f, r, x, y: f(x, (y > 0).to(x.dtype), reduction=r), (3, 4), (3, 4))
loss(
    "binary_cross_entropy_with_logits",
    lambda m, f, r, x, y: f(x, (y > 0).to(x.dtype), reduction=r, pos_weight=m.tensor([1.0, 2.0, 0.5, 3.0]).to(x.dtype)),
    (3, 4), (3, 4), label="weighted",
)  # fmt: skip
loss("kl_div", lambda m, f, r, x, y: f(m.log_softmax(x, 1), m.softmax(y, 1), reduction=r), (3, 4), (3, 4))
row(
    "nn.functional.kl_div",
    lambda m, x, y: m.nn.functional.kl_div(
        m.log_softmax(x, 1), m.log_softmax(y, 1), reduction="batchmean", log_target=True
    ),
    (3, 4), (3, 4), label="log_target",
)  # fmt: skip
loss("hinge_embedding_loss", lambda m, f, r, x: f(x, m.tensor([[1, -1, 1, -1]] * 3), reduction=r), (3, 4))
loss("multi_margin_loss", lambda m, f, r, x: f(x, classes(m), reduction=r), (3, 4))
loss(
    "margin_ranking_loss",
    lambda m, f, r, x, y: f(x, y, m.tensor([1.0, -1.0, 1.0]).to(x.dtype), margin=0.3, reduction=r),
    (3,),
    (3,),
)
loss(
    "cosine_embedding_loss",
    lambda m, f, r, x, y: f(x, y, m.tensor([1, -1, 1]), margin=0.1, reduction=r),
    (3, 4),
    (3, 4),
)
loss(
    "soft_margin_loss", lambda m, f, r, x: f(x, m.tensor([[1.0, -1.0, 1.0, -1.0]] * 3).to(x.dtype), reduction=r), (3, 4)
)

loss("triplet_margin_loss", lambda m, f, r, a, p, n: f(a, p, n, margin=2.0, reduction=r), (3, 4), (3, 4), (3, 4))

# Changing values in place.


def changed(name: str, *arguments: Any, label: str = "") -> None:
    """A method that ends in an underscore, on a copy without history; lists among its arguments become tensors."""

    def call(m: Any, x: Any, y: Any) -> Any:
        given = [m.tensor(a) if isinstance(a, list) else y.detach() if a is Ellipsis else a for a in arguments]
        c = x.detach().clone()
        same = getattr(c, name)(*given)
        assert same is c
        return c

    row(f"Tensor.{name}", call, (3, 4), (3, 4), label=label)


for name in ("add_", "sub_", "mul_", "div_", "copy_"):
    changed(name, ...)
changed("fill_", 2.5)
changed("zero_")
changed("clamp_", -0.5, 0.5)
changed("masked_fill_", [[True, False, True, False]] * 3, -1.0)
changed("index_add_", 0, [0, 2, 0], ...)
changed("scatter_add_", 1, [[0, 3], [1, 1], [2, 0]], ...)
changed("scatter_", 1, [[0, 3], [1, 2], [2, 0]], ...)

# Making tensors.

row("zeros", lambda m: [m.zeros(2, 3), m.zeros((2, 3)), m.zeros(2, dtype=m.int64)])
row("ones", lambda m: [m.ones(2, 3), m.ones((2,)), m.ones(())])
row("full", lambda m: [m.full((2, 3), 1.5), m.full((2,), 3), m.full((2,), True)])
row("eye", lambda m: [m.eye(3), m.eye(2, 4)])
row("arange", lambda m: [m.arange(5), m.arange(1, 7, 2), m.arange(0.0, 1.0, 0.25), m.arange(3, dtype=m.float32)])
row("linspace", lambda m: [m.linspace(0, 1, 5), m.linspace(-1.5, 3.5, 1)])
row("Tensor.new_zeros", lambda m, x: [x.new_zeros(2, 3), x.new_ones((2,)), x.new_full((2,), 3.0)], (2, 3))
row("Tensor.new_tensor", lambda m, x: x.new_tensor([1, 2]), (2, 3))
row("logspace", lambda m: m.logspace(0, 2, 5))
row("zeros_like", lambda m, x: [m.zeros_like(x), m.ones_like(x), m.full_like(x, 2.0)], (2, 3))
row(
    "tensor",
    lambda m: [m.tensor([1, 2]), m.tensor([1.0, 2.0]), m.tensor([True]), m.tensor([[1], [2]], dtype=m.float64)],
)
row("from_numpy", lambda m: m.from_numpy(np.arange(3.0)))

# Dtypes.

row("Tensor.to", lambda m, x: x.to(m.float32) * 2, (2, 3), second=False)
row("Tensor.float", lambda m, x: [x.float(), x.double(), x.long(), x.int(), x.bool(), x.half()], (2, 3), second=False)
row("Tensor.type_as", lambda m, x, y: x.float().type_as(y) * y, (2, 3), (2, 3), second=False)

# Together, as people write them.

row(
    "Tensor.var",
    lambda m, x, g, b: g * (x - x.mean(0, keepdim=True)) / m.sqrt(x.var(0, keepdim=True, unbiased=True) + 1e-5) + b,
    (6, 3), (3,), (3,), label="batch normalisation by hand",
)  # fmt: skip
row(
    "Tensor.exp", lambda m, x: -((x - x.max(1, keepdim=True).values).exp() / (x - x.max(1, keepdim=True).values).exp()
                                 .sum(1, keepdim=True))[m.arange(3), m.tensor([0, 2, 1])].log().mean(),
    (3, 4), label="cross-entropy by hand",
)  # fmt: skip
row(
    "nn.functional.softmax",
    lambda m, x: m.nn.functional.softmax(
        (x @ x.transpose(-2, -1)).masked_fill(m.tril(m.ones(4, 4)) == 0, -math.inf), dim=-1
    ) @ x,
    (2, 4, 3), label="causal attention by hand",
)  # fmt: skip


def exists(root: Any, path: str) -> bool:
    """Whether ``path`` can be reached; a method of Tensor also needs the operation behind it."""
    for part in path.split("."):
        try:
            root = getattr(root, part)
        except AttributeError:
            return False
    return True


def flat(result: Any) -> list[Any]:
    """The tensors of a result, whatever holds them."""
    if isinstance(result, (ur.Tensor, torch.Tensor)):
        return [result]
    return [t for part in result for t in flat(part)]


def array(t: Any) -> np.ndarray:
    return t.numpy(force=True) if isinstance(t, torch.Tensor) else t.detach().numpy()


def inputs(row: Row, dtype: Any) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    found: list[np.ndarray] = []
    for shape in row.shapes:
        n = math.prod(shape)
        # Unequal by far, so that maxima, sorting and rounding mean the same in both precisions.
        grid = (rng.permutation(n) + rng.uniform(0.2, 0.8, n)) / max(n, 1)
        found.append((row.low + (row.high - row.low) * grid).reshape(shape).astype(dtype))
    return found


def run(m: Any, make: Call, grad: Call, row: Row, arrays: list[np.ndarray]) -> list[list[Any]]:
    """Values, gradients and second gradients; fewer where PyTorch has no derivative."""
    xs = [make(a) for a in arrays]
    found = [flat(row.call(m, *xs))]
    for order in range(2 if row.second else 1):
        live = [y for y in found[-1] if y is not None and y.requires_grad]
        if not live:
            break
        rng = np.random.default_rng(7)
        cts = [make(np.asarray(rng.standard_normal(tuple(y.shape)), array(y).dtype)).detach() for y in live]
        try:
            found.append(list(grad(live, xs, cts, create_graph=order == 0 and row.second, allow_unused=True)))
        except RuntimeError as error:
            if "is not implemented" not in str(error):
                raise
            break
    return found


def zeros_for_none(found: list[Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
    pairs = zip(found or [None] * len(arrays), arrays, strict=True)
    return [np.zeros_like(a) if g is None else array(g) for g, a in pairs]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}({row.label})".replace(" ", ""))
def test_as_in_pytorch(row: Row, dtype: Any) -> None:
    if not exists(ur, row.name):
        pytest.skip(f"{row.name} is not there yet")
    arrays = inputs(row, dtype)
    theirs = run(torch, lambda a: torch.tensor(a, requires_grad=True), torch.autograd.grad, row, arrays)
    mine = run(ur, lambda a: ur.Tensor(a.copy(), requires_grad=True), ur.grad, row, arrays)
    tolerance = {"rtol": row.rtol, "atol": row.rtol / 10} if dtype == np.float64 else {"rtol": 2e-4, "atol": 2e-5}
    assert len(mine[0]) == len(theirs[0])
    for a, b in zip(mine[0], theirs[0], strict=True):
        assert a.shape == tuple(b.shape)
        assert str(a.dtype) == str(b.dtype).removeprefix("torch.")
        np.testing.assert_allclose(array(a), array(b), **tolerance)
    for order in range(1, len(theirs)):
        expected = zeros_for_none(theirs[order], arrays)
        found = zeros_for_none(mine[order] if order < len(mine) else [], arrays)
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert a.dtype == b.dtype
            loose = {key: value * 10**order for key, value in tolerance.items()}
            np.testing.assert_allclose(a, b, **loose, err_msg=f"gradient {order} of input {i}")
