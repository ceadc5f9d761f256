"""Convolutions: values, gradients and second gradients as PyTorch's, layouts, edges and errors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, DTypeError, ShapeError
from upriver.ops import conv_kernels

from .second_order import agree_twice

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True, params=["each row", "rows together"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds for both ways in which the kernels make their matrix products."""
    monkeypatch.setattr(conv_kernels, "NARROW", 0 if request.param == "each row" else 10**9)


GRID = [
    (k, s, p, d, g)
    for k, s, p, d, g in itertools.product(
        ((3, 2), (1, 1)), ((1, 1), (2, 3)), (0, (2, 1), "same"), ((1, 1), (2, 3)), (1, 2)
    )
    if not (p == "same" and s != (1, 1))
]


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "groups"), GRID)
def test_conv2d_is_pytorchs(kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> None:
    torch = pytest.importorskip("torch")
    agree_twice(
        lambda x, w, b: ops.conv2d(x, w, b, stride, padding, dilation, groups),
        lambda x, w, b: torch.nn.functional.conv2d(x, w, b, stride, padding, dilation, groups),
        RNG.standard_normal((3, 4, 7, 8)),
        RNG.standard_normal((6, 4 // groups, *kernel)),
        RNG.standard_normal(6),
    )


@pytest.mark.parametrize(
    ("stride", "padding", "output_padding", "dilation", "groups"),
    [
        (1, 0, 0, 1, 1), (2, 1, 1, 1, 1), ((2, 3), (1, 0), (1, 2), 1, 2),
        (2, 1, 0, (3, 1), 2), (3, 0, 2, 2, 1), ((1, 2), 1, (0, 1), 1, 1),
    ],
)  # fmt: skip
def test_conv_transpose2d_is_pytorchs(
    stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: int
) -> None:
    torch = pytest.importorskip("torch")
    args = (stride, padding, output_padding, groups, dilation)
    agree_twice(
        lambda x, w, b: ops.conv_transpose2d(x, w, b, *args),
        lambda x, w, b: torch.nn.functional.conv_transpose2d(x, w, b, *args),
        RNG.standard_normal((2, 4, 4, 3)),
        RNG.standard_normal((4, 6 // groups, 3, 2)),
        RNG.standard_normal(6),
    )


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 2, 2), (3, 2, 1, 1)])
@pytest.mark.parametrize("lead", [(3,), ()])
def test_one_dimension_with_and_without_a_batch(
    lead: Any, stride: int, padding: int, dilation: int, groups: int
) -> None:
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    x, b = RNG.standard_normal((*lead, 4, 9)), RNG.standard_normal(6)
    agree_twice(
        lambda x, w, b: ops.conv1d(x, w, b, stride, padding, dilation, groups),
        lambda x, w, b: f.conv1d(x, w, b, stride, padding, dilation, groups),
        x, RNG.standard_normal((6, 4 // groups, 3)), b,
    )  # fmt: skip
    agree_twice(
        lambda x, w, b: ops.conv_transpose1d(x, w, b, stride, padding, 0, groups, dilation),
        lambda x, w, b: f.conv_transpose1d(x, w, b, stride, padding, 0, groups, dilation),
        x, RNG.standard_normal((4, 6 // groups, 3)), b,
    )  # fmt: skip


def test_without_a_batch() -> None:
    x, w = Tensor(RNG.standard_normal((3, 5, 6))), Tensor(RNG.standard_normal((2, 3, 3, 3)))
    alone = ops.conv2d(x, w, padding=1)
    assert alone.shape == (2, 5, 6)
    np.testing.assert_allclose(alone.array, ops.conv2d(ops.reshape(x, 1, 3, 5, 6), w, padding=1).array[0])


def by_hand(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The definition, as loops."""
    n, _, h, wd = x.shape
    o, _, kh, kw = w.shape
    out = np.zeros((n, o, h - kh + 1, wd - kw + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = np.einsum("ncij,ocij->no", x[:, :, i : i + kh, j : j + kw], w)
    return out


def test_definition() -> None:
    x, w = RNG.standard_normal((2, 3, 5, 6)), RNG.standard_normal((4, 3, 3, 2))
    np.testing.assert_allclose(ops.conv2d(Tensor(x), Tensor(w)).array, by_hand(x, w), rtol=1e-12)


@pytest.mark.parametrize("block", [1, 200, 10**9])
def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    x = Tensor(RNG.standard_normal((2, 3, 23, 6)), requires_grad=True)
    w = Tensor(RNG.standard_normal((4, 3, 3, 2)), requires_grad=True)

    def all_of_it() -> list[np.ndarray]:
        y = ops.conv2d(x, w, stride=(2, 1), padding=(2, 1), dilation=(2, 1))
        return [y.array, *[g.array for g in ur.grad((y * y).sum(), (x, w))]]

    expected = all_of_it()
    monkeypatch.setattr(conv_kernels, "BLOCK", block)
    monkeypatch.setattr(conv_kernels, "WIDE", 1)
    for a, b in zip(all_of_it(), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 1, 3, 0), (0, 2, 3, 1), (3, 2, 1, 0)])
def test_layout_in_memory_changes_nothing(order: tuple[int, ...]) -> None:
    x, w = RNG.standard_normal((3, 2, 5, 6)), RNG.standard_normal((4, 2, 3, 3))
    laid_out = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    g = RNG.standard_normal((3, 4, 3, 4))
    results: list[list[np.ndarray]] = []
    for data in (x, laid_out):
        a, b = Tensor(data, requires_grad=True), Tensor(w, requires_grad=True)
        y = ops.conv2d(a, b)
        results.append([y.array, *[t.array for t in ur.grad(y, (a, b), Tensor(g))]])
    for p, q in zip(*results, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-12)


def test_results_feed_other_operations() -> None:
    """The result is a view of another layout: it must still be right flattened, transposed and added to."""
    x = Tensor(RNG.standard_normal((2, 3, 5, 5)), requires_grad=True)
    y = ops.conv2d(x, Tensor(RNG.standard_normal((4, 3, 3, 3))))
    flat = ops.reshape(y, 2, -1)
    np.testing.assert_array_equal(flat.array, np.ascontiguousarray(y.array).reshape(2, -1))
    (flat * flat).sum().backward()
    assert x.grad is not None
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept(dtype: Any) -> None:
    x = Tensor(np.ones((1, 1, 3, 3), dtype), requires_grad=True)
    w, b = Tensor(np.ones((1, 1, 2, 2), dtype), requires_grad=True), Tensor(np.ones(1, dtype), requires_grad=True)
    y = ops.conv2d(x, w, b)
    assert y.dtype == dtype
    assert all(g.dtype == dtype for g in ur.grad(y.sum(), (x, w, b)))


def test_an_empty_batch() -> None:
    x = Tensor(np.zeros((0, 2, 4, 4)), requires_grad=True)
    w, b = Tensor(np.ones((3, 2, 3, 3)), requires_grad=True), Tensor(np.ones(3), requires_grad=True)
    y = ops.conv2d(x, w, b)
    assert y.shape == (0, 3, 2, 2)
    gx, gw, gb = ur.grad(y.sum(), (x, w, b))
    assert gx.shape == x.shape
    assert not gw.array.any()
    assert not gb.array.any()


def test_padding_wider_than_the_weight() -> None:
    x, w = Tensor(np.ones((1, 1, 1, 1))), Tensor(np.ones((1, 1, 2, 2)))
    y = ops.conv2d(x, w, padding=3).array[0, 0]
    assert y.shape == (6, 6)
    np.testing.assert_array_equal(np.argwhere(y == 1.0), [[2, 2], [2, 3], [3, 2], [3, 3]])


def ones(*shape: int, dtype: Any = np.float32) -> Tensor:
    return Tensor(np.ones(shape, dtype))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ops.conv2d(ones(2, 3, 4, 4), ones(5, 2, 3, 3)), ShapeError, r"conv2d: .*4, 4\] has 3 channels"),
        (lambda: ops.conv2d(ones(4, 4), ones(5, 2, 3, 3)), ShapeError, r"\[4, 4\] has 2 dimensions"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3)), ShapeError, r"weight of shape \[5, 2, 3\]"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 5, 5)), ShapeError, "does not fit into"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), ones(4)), ShapeError, r"bias of shape \[4\]"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3, dtype=np.float64)), DTypeError, "float32 and float64"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), stride=0), ArgumentError, "stride=0"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), padding=-1), ArgumentError, "padding=-1"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), padding=0.5), ArgumentError, "padding=0.5"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), groups=0), ArgumentError, "groups=0"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), padding="full"), ArgumentError, "'full'"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), stride=2, padding="same"), ArgumentError, "same"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), groups=3), ArgumentError, "groups=3"),
        (lambda: ops.conv2d(ones(1, 2, 4, 4), ones(5, 2, 3, 3), stride=(1, 1, 1)), ArgumentError, "stride"),
        (lambda: ops.conv1d(ones(1, 2, 4, 4), ones(5, 2, 3)), ShapeError, "conv1d"),
        (lambda: ops.conv_transpose2d(ones(1, 2, 4, 4), ones(3, 5, 3, 3)), ShapeError, "conv_transpose2d"),
        (
            lambda: ops.conv_transpose2d(ones(1, 2, 4, 4), ones(2, 5, 3, 3), output_padding=1),
            ArgumentError, "output_padding=1",
        ),
        (lambda: ops.conv_transpose2d(ones(1, 2, 1, 1), ones(2, 5, 1, 1), padding=1), ShapeError, "Use less padding"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()
