"""Pooling: values, gradients and second gradients as PyTorch's, ties, layouts, edges and errors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, DTypeError, ShapeError

from .second_order import agree_twice

RNG = np.random.default_rng(0)


def both(name: str, x: np.ndarray, *args: Any, rows_first: bool = False) -> None:
    functional = pytest.importorskip("torch").nn.functional

    def ours(x: Tensor) -> Tensor:
        if rows_first:  # the layout that convolutions leave behind
            x = ops.permute(ops.contiguous(ops.permute(x, 2, 1, 3, 0)), 3, 1, 0, 2)
        return getattr(ops, name)(x, *args)

    agree_twice(ours, lambda x: getattr(functional, name)(x, *args), x)


WINDOWS = list(itertools.product(((2, 2), (3, 2)), (None, 1, (2, 3)), (0, 1), (False, True)))


@pytest.mark.parametrize("rows_first", [False, True])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("kernel", "stride", "padding", "ceil_mode"), WINDOWS)
def test_max_pool2d_is_pytorchs(
    kernel: Any, stride: Any, padding: int, ceil_mode: bool, dilation: int, rows_first: bool
) -> None:
    x = np.round(RNG.standard_normal((3, 2, 7, 8)) * 2)  # many ties
    both("max_pool2d", x, kernel, stride, padding, dilation, ceil_mode, rows_first=rows_first)


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "padding", "ceil_mode"), WINDOWS)
def test_avg_pool2d_is_pytorchs(kernel: Any, stride: Any, padding: int, ceil_mode: bool, include: bool) -> None:
    x = RNG.standard_normal((3, 2, 7, 8))
    both("avg_pool2d", x, kernel, stride, padding, ceil_mode, include)
    both("avg_pool2d", x, kernel, stride, padding, ceil_mode, include, rows_first=True)
    if not ceil_mode:
        both("avg_pool2d", x, kernel, stride, padding, ceil_mode, include, 3)


@pytest.mark.parametrize("size", [1, 2, 3, 5, (7, 8), (3, None), (2, 5)])
@pytest.mark.parametrize("name", ["adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_adaptive_pools_are_pytorchs(name: str, size: Any) -> None:
    both(name, RNG.standard_normal((3, 2, 7, 8)), size)


@pytest.mark.parametrize("shape", [(2, 3, 7), (3, 8)])
@pytest.mark.parametrize("name", ["max_pool1d", "avg_pool1d", "adaptive_avg_pool1d", "adaptive_max_pool1d"])
@pytest.mark.parametrize("size", [2, 3])
def test_one_dimension_with_and_without_a_batch(name: str, shape: Any, size: int) -> None:
    both(name, RNG.standard_normal(shape), size)


def test_of_equal_entries_the_first_gets_all() -> None:
    x = Tensor(np.zeros((1, 1, 4, 4), np.float32), requires_grad=True)
    ops.max_pool2d(x, 2).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]]]


def test_overlapping_windows_add_up() -> None:
    x = Tensor(np.array([[[0.0, 5.0, 1.0]]]), requires_grad=True)
    ops.max_pool1d(x, 2, stride=1).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[0.0, 2.0, 0.0]]]


def test_nan_and_infinities_come_through() -> None:
    x = Tensor(np.array([[[np.nan, 1.0, -np.inf, -np.inf]]], np.float32))
    np.testing.assert_array_equal(ops.max_pool1d(x, 2).array, [[[np.nan, -np.inf]]])
    padded = ops.max_pool1d(x, 2, padding=1).array
    np.testing.assert_array_equal(padded, [[[np.nan, 1.0, -np.inf]]])


def test_what_no_window_reaches_gets_nothing() -> None:
    x = Tensor(np.arange(25.0).reshape(1, 1, 5, 5), requires_grad=True)
    for pool in (ops.max_pool2d, ops.avg_pool2d):
        (g,) = ur.grad(pool(x, 2).sum(), x)
        assert not g.array[0, 0, 4].any()
        assert not g.array[0, 0, :, 4].any()
        assert g.array.sum() == 4.0


def test_results_do_not_share_memory_with_the_input() -> None:
    x = Tensor(np.arange(4.0).reshape(1, 1, 2, 2))
    assert not np.shares_memory(ops.max_pool2d(x, 1).array, x.array)
    assert not np.shares_memory(ops.avg_pool2d(x, 1).array, x.array)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("args", [(2,), (3, 1, 1)])
def test_dtype_is_kept(dtype: Any, args: Any) -> None:
    for pool in (ops.max_pool2d, ops.avg_pool2d):
        x = Tensor(np.ones((1, 1, 4, 4), dtype), requires_grad=True)
        y = pool(x, *args)
        assert y.dtype == dtype
        assert ur.grad(y.sum(), x)[0].dtype == dtype


def test_integers() -> None:
    x = Tensor(np.array([[[1, 7, -3, -9]]]))
    assert ops.max_pool1d(x, 2, padding=1).tolist() == [[[1, 7, -9]]]


def ones(*shape: int) -> Tensor:
    return Tensor(np.ones(shape, np.float32))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ops.max_pool2d(ones(1, 1, 2, 2), 3), ShapeError, r"max_pool2d: a window of \[3, 3\]"),
        (lambda: ops.max_pool2d(ones(2, 2), 2), ShapeError, r"\[2, 2\] has 2 dimensions"),
        (lambda: ops.max_pool2d(ones(1, 1, 4, 4), 2, padding=2), ArgumentError, "more than half"),
        (lambda: ops.max_pool2d(ones(1, 1, 4, 4), 0), ArgumentError, "kernel_size=0"),
        (lambda: ops.avg_pool1d(ones(1, 1, 4), (2, 2)), ArgumentError, "avg_pool1d: kernel_size"),
        (lambda: ops.avg_pool2d(ones(1, 1, 4, 4), 2, divisor_override=0), ArgumentError, "divisor_override=0"),
        (lambda: ops.avg_pool1d(Tensor(np.ones((1, 1, 4), np.int64)), 2), DTypeError, "x.float()"),
        (lambda: ops.adaptive_avg_pool1d(Tensor(np.ones((1, 1, 4), np.int64)), 2), DTypeError, "x.float()"),
        (lambda: ops.adaptive_avg_pool2d(ones(1, 1, 4, 4), 0), ArgumentError, "output_size"),
        (lambda: ops.adaptive_avg_pool2d(ones(1, 1, 0, 4), 1), ShapeError, "nothing to pool"),
    ],
)
def test_errors_say_what_is_wrong(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()
