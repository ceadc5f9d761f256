"""Wrong input to operations: the right class, and a message with operation, shapes, the user's line and the fix."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.errors import (
    ArgumentError,
    DataError,
    DimError,
    DTypeError,
    FileError,
    GradError,
    ShapeError,
    UpriverError,
)


def f(*shape: int) -> ur.Tensor:
    return ur.Tensor(np.ones(shape, np.float32), requires_grad=True)


def i(*shape: int) -> ur.Tensor:
    return ur.Tensor(np.zeros(shape, np.int64))


def functional(name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(ur.nn.functional, name)(*args, **kwargs)


@dataclass(frozen=True)
class Wrong:
    """One mistake: what is called, the error it is, and what the first line of the message says."""

    name: str
    call: Callable[[], Any]
    kind: type[UpriverError]
    says: str


WRONG = [
    # Shapes that do not fit together.
    Wrong(
        "add", lambda: f(2, 3) + f(4), ShapeError, r"^add: shapes \[2, 3\] and \[4\] do not fit: dimension -1 is 3 .* 4"
    ),
    Wrong("mul", lambda: f(2, 3) * f(3, 3), ShapeError, r"^mul: shapes \[2, 3\] and \[3, 3\]"),
    Wrong("where", lambda: ur.where(f(2) > 0, f(3), f(3)), ShapeError, r"^where: shapes .*\[2\].*\[3\]"),
    Wrong("matmul", lambda: f(2, 3) @ f(2, 3), ShapeError, r"^matmul: shapes \[2, 3\] and \[2, 3\]"),
    Wrong("matmul of a number", lambda: f() @ f(3), ShapeError, r"^matmul: .*no dimensions"),
    Wrong("matmul batches", lambda: f(2, 3, 4) @ f(5, 4, 3), ShapeError, r"^matmul: shapes"),
    Wrong("bmm", lambda: ur.bmm(f(2, 3, 4), f(3, 4, 5)), ShapeError, r"^bmm: .*\[2, 3, 4\].*\[3, 4, 5\]"),
    Wrong("mm", lambda: ur.mm(f(2, 3), f(3)), ShapeError, r"^mm: .*\[3\]"),
    Wrong("linear", lambda: functional("linear", f(2, 3), f(4, 5)), ShapeError, r"^linear: .*\[2, 3\].*\[4, 5\]"),
    Wrong("linear bias", lambda: functional("linear", f(2, 3), f(4, 3), f(5)), ShapeError, r"^linear: .*bias.*\[5\]"),
    Wrong(
        "reshape", lambda: f(2, 3).reshape(4, 2), ShapeError, r"^reshape: \[2, 3\] has 6 entries, \[4, 2\] would have 8"
    ),
    Wrong("reshape -1", lambda: f(2, 3).reshape(4, -1), ShapeError, r"^reshape: \[2, 3\].*\[4, -1\]"),
    Wrong("expand", lambda: f(2, 3).expand(4, 3), ShapeError, r"^expand: shape \[2, 3\].*\[4, 3\]"),
    Wrong("cat", lambda: ur.cat([f(2, 3), f(2, 4)], dim=0), ShapeError, r"^cat: .*\[2, 3\].*\[2, 4\]"),
    Wrong("stack", lambda: ur.stack([f(2, 3), f(2, 4)]), ShapeError, r"^stack: .*\[2, 3\].*\[2, 4\]"),
    Wrong("einsum", lambda: ur.einsum("ij,jk->ik", f(2, 3), f(4, 5)), ShapeError, r"^einsum: .*\b3\b.*\b4\b"),
    Wrong("split", lambda: f(5).split([2, 2]), ShapeError, r"^split: .*5"),
    Wrong("unflatten", lambda: f(6).unflatten(0, (4, 2)), ShapeError, r"^unflatten: .*6|^reshape: "),
    Wrong(
        "conv2d channels",
        lambda: functional("conv2d", f(1, 3, 5, 5), f(4, 2, 3, 3)),
        ShapeError,
        r"^conv2d: .*\[1, 3, 5, 5\].*\[4, 2, 3, 3\]",
    ),
    Wrong("conv2d too small", lambda: functional("conv2d", f(1, 3, 2, 2), f(4, 3, 3, 3)), ShapeError, r"^conv2d: "),
    Wrong("conv1d dimensions", lambda: functional("conv1d", f(3), f(4, 3, 3)), ShapeError, r"^conv1d: .*\[3\]"),
    Wrong("max_pool2d", lambda: functional("max_pool2d", f(1, 1, 2, 2), 3), ShapeError, r"^max_pool2d: "),
    Wrong("layer_norm", lambda: functional("layer_norm", f(2, 3), (4,)), ShapeError, r"^layer_norm: .*\[2, 3\].*\[4\]"),
    Wrong("group_norm", lambda: functional("group_norm", f(2, 3, 4), 2), (ShapeError, ArgumentError), r"^group_norm: "),
    Wrong(
        "attention",
        lambda: functional("scaled_dot_product_attention", f(2, 3, 4), f(2, 3, 5), f(2, 3, 5)),
        ShapeError,
        r"\[2, 3, 4\]|\[2, 3, 5\]",
    ),
    Wrong(
        "cross_entropy batch",
        lambda: functional("cross_entropy", f(3, 4), i(2)),
        ShapeError,
        r"^cross_entropy: .*\[2\].*\[3, 4\]",
    ),
    Wrong("mse_loss", lambda: functional("mse_loss", f(3, 1), f(3)), ShapeError, r"^mse_loss: .*\[3, 1\].*\[3\]"),
    Wrong("gather", lambda: ur.gather(f(2, 3), 1, i(2)), ShapeError, r"^gather: .*\[2\]"),
    Wrong(
        "mask", lambda: f(2, 3)[f(3, 2) > 0], (ShapeError, DimError), r"^index: .*\[2, 3\].*\[3, 2\]|\[3, 2\].*\[2, 3\]"
    ),
    # Dtypes.
    Wrong(
        "matmul dtypes",
        lambda: f(2, 3) @ f(3, 2).double(),
        DTypeError,
        r"one dtype, not float32 and float64",
    ),
    Wrong("where condition", lambda: ur.where(f(2), 1.0, 0.0), DTypeError, r"^where: the condition has dtype float32"),
    Wrong("add text", lambda: f(2) + "a", DTypeError, r"^add: str is not a number"),
    Wrong("gradient of integers", lambda: i(2).requires_grad_(), DTypeError, r"^requires_grad: .*int64"),
    Wrong(
        "float labels",
        lambda: functional("cross_entropy", f(3, 4), f(3)),
        (DTypeError, ShapeError),
        r"^cross_entropy: ",
    ),
    Wrong("float indices", lambda: functional("embedding", f(2), f(4, 3)), DTypeError, r"^embedding: .*float32"),
    Wrong("float index", lambda: f(3)[f(2)], (DTypeError, DimError), r"^index: .*float32"),
    Wrong("one_hot of floats", lambda: functional("one_hot", f(2), 3), DTypeError, r"^one_hot: .*float32"),
    Wrong("in place", lambda: i(2).add_(0.5), DTypeError, r"^add: .*int64"),
    Wrong("device", lambda: f(2).to("cuda"), DTypeError, r"device 'cuda'"),
    Wrong("invert", lambda: ~f(2), DTypeError, r"booleans"),
    # Dimensions and indices out of range.
    Wrong("sum dim", lambda: f(2, 3).sum(dim=2), DimError, r"^sum: dim 2 is out of range for a tensor of 2 dimensions"),
    Wrong("mean dim", lambda: f(2, 3).mean(-3), DimError, r"^mean: dim -3 is out of range"),
    Wrong("twice", lambda: f(2, 3).sum(dim=(0, -2)), DimError, r"^sum: a dimension appears twice"),
    Wrong("softmax dim", lambda: f(2, 3).softmax(2), DimError, r"^softmax: dim 2"),
    Wrong("max dim", lambda: f(2, 3).max(5), DimError, r"^max: dim 5"),
    Wrong("argmax dim", lambda: f(2, 3).argmax(2), DimError, r"^argmax: dim 2"),
    Wrong("cumsum dim", lambda: f(2, 3).cumsum(2), DimError, r"^cumsum: dim 2"),
    Wrong("transpose dim", lambda: f(2, 3).transpose(0, 2), DimError, r"^transpose: dim 2"),
    Wrong("permute", lambda: f(2, 3).permute(0), DimError, r"^permute: "),
    Wrong("unsqueeze dim", lambda: f(2).unsqueeze(3), DimError, r"^unsqueeze: dim 3"),
    Wrong("squeeze dim", lambda: f(2).squeeze(3), DimError, r"^squeeze: dim 3"),
    Wrong("cat dim", lambda: ur.cat([f(2), f(2)], dim=1), DimError, r"^cat: dim 1"),
    Wrong("index", lambda: f(2, 3)[2], DimError, r"^index: .*\b2\b"),
    Wrong("index many", lambda: f(2, 3)[0, 0, 0], DimError, r"^index: .*\[2, 3\]"),
    Wrong("index list", lambda: f(2, 3)[[0, 5]], DimError, r"^index: .*\b5\b"),
    Wrong("select", lambda: f(2, 3).select(0, 2), DimError, r"^(select|index): "),
    Wrong("index_select", lambda: f(2, 3).index_select(1, i(1) + 3), DimError, r"^index_select: .*\b3\b"),
    Wrong("gather index", lambda: f(2, 3).gather(1, i(2, 1) + 3), DimError, r"^gather.*: .*\b3\b"),
    Wrong("embedding index", lambda: functional("embedding", i(2) + 4, f(4, 3)), DimError, r"^embedding: .*\b4\b"),
    # Labels outside their classes.
    Wrong(
        "label above",
        lambda: functional("cross_entropy", f(3, 4), i(3) + 4),
        (DimError, ArgumentError),
        r"^cross_entropy: .*\b4\b",
    ),
    Wrong(
        "label below",
        lambda: functional("cross_entropy", f(3, 4), i(3) - 1),
        (DimError, ArgumentError),
        r"^cross_entropy: .*-1",
    ),
    Wrong(
        "nll label", lambda: functional("nll_loss", f(3, 4), i(3) + 9), (DimError, ArgumentError), r"^nll_loss: .*\b9\b"
    ),
    Wrong("one_hot", lambda: functional("one_hot", i(2) + 3, 3), (DimError, ArgumentError), r"^one_hot: .*\b3\b"),
    # Arguments.
    Wrong(
        "reduction",
        lambda: functional("mse_loss", f(2), f(2), reduction="avg"),
        ArgumentError,
        r"^mse_loss: .*'avg'",
    ),
    Wrong("dropout", lambda: functional("dropout", f(2), 1.5), ArgumentError, r"^dropout: .*1.5"),
    Wrong(
        "topk",
        lambda: f(3).topk(4),
        (ArgumentError, DimError, ShapeError),
        r"^topk: .*\b4\b.*\b3\b|^topk: .*\b3\b.*\b4\b",
    ),
    Wrong("multinomial", lambda: ur.multinomial(f(3), 4), ArgumentError, r"^multinomial: "),
    Wrong("truth", lambda: bool(f(2)), ArgumentError, r"^the truth of a tensor of shape \[2\]"),
    # Values and gradients.
    Wrong("item", lambda: f(2).item(), ShapeError, r"^item: a tensor of shape \[2\]"),
    Wrong("rows", lambda: ur.tensor([[1.0], [1.0, 2.0]]), ShapeError, r"^tensor: .*unequal lengths"),
    Wrong("no number", lambda: ur.tensor(["a"]), DTypeError, r"not supported"),
    Wrong("backward", lambda: f(2).exp().backward(), GradError, r"^backward: .*\[2\]"),
    Wrong("nothing to walk", lambda: i(1).sum().backward(), GradError, r"^backward: "),
    Wrong("numpy", lambda: f(2).numpy(), GradError, r"^numpy: "),
    Wrong("change", lambda: f(2).zero_(), GradError, r"^fill_: "),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name.replace(" ", "_"))
def test_wrong_input(wrong: Wrong) -> None:
    with pytest.raises(wrong.kind) as caught:
        wrong.call()
    lines = str(caught.value).splitlines()
    assert re.search(wrong.says, lines[0]), lines[0]
    at = [line for line in lines if line.startswith("  at   ")]
    assert len(at) == 1
    assert "test_errors.py" in at[0], "the line is the user's"


@pytest.mark.parametrize(
    "wrong",
    [w for w in WRONG if w.kind in (ShapeError, DTypeError, GradError)],
    ids=lambda w: w.name.replace(" ", "_"),
)
def test_is_also_the_error_that_pytorch_raises_there(wrong: Wrong) -> None:
    with pytest.raises(RuntimeError):
        wrong.call()


def test_the_whole_message() -> None:
    a, b = f(2, 3), f(4)
    with pytest.raises(ShapeError) as caught:
        a * b
    first, at, fix = str(caught.value).splitlines()
    assert first == "mul: shapes [2, 3] and [4] do not fit: dimension -1 is 3 in one and 4 in another"
    assert re.fullmatch(r"  at   .*test_errors\.py:\d+: a \* b", at)
    assert fix == "  fix  Lengths must be equal, or one of them 1; use reshape, unsqueeze or transpose."
    assert caught.value.message == first
    assert caught.value.fix == fix.removeprefix("  fix  ")


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        (ShapeError, (RuntimeError, ValueError)),
        (DTypeError, (RuntimeError, TypeError)),
        (DimError, (IndexError,)),
        (GradError, (RuntimeError,)),
        (ArgumentError, (ValueError,)),
        (DataError, (ValueError,)),
        (FileError, (OSError,)),
    ],
)
def test_each_error_is_the_built_in_one_too(kind: type[UpriverError], bases: tuple[type[Exception], ...]) -> None:
    for base in bases:
        assert issubclass(kind, base)
    error = kind("something: is wrong", "Mend it.", at=False)
    assert str(error) == "something: is wrong\n  fix  Mend it."
    assert isinstance(error, UpriverError)


def test_nothing_is_half_done() -> None:
    total = ur.Tensor(np.zeros(2))
    with pytest.raises(ShapeError):
        total += ur.Tensor(np.ones(3))
    assert total.tolist() == [0.0, 0.0]
    x = f(2)
    with pytest.raises(ShapeError):
        (x * x).backward(ur.Tensor(np.ones(3, np.float32)))
    assert x.grad is None
    assert ur.is_grad_enabled()
