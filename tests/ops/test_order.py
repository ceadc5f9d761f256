"""Sorting, the largest few, counting: PyTorch's values and gradients, ties, NaN, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, DimError, DTypeError, ShapeError

TIES = np.array([[2, 1, 2, 1, 0], [0, 0, 3, 3, 3]])
NAN = np.array([1.0, np.nan, -np.inf, np.inf, 0.0])
SAME: dict[str, tuple[Any, ...]] = {
    "sort": (lambda t, x: x.sort(), (3, 4)),
    "sort along": (lambda t, x: t.sort(x, 0, True), (3, 4)),
    "sort of a number": (lambda t, x: x.sort(), ()),
    "sort of nothing": (lambda t, x: x.sort(), (0,)),
    "sort of ties": (lambda t, x: t.sort(x, stable=True), TIES),
    "sort of ties downwards": (lambda t, x: t.sort(x, stable=True, descending=True), TIES),
    "sort with NaN": (lambda t, x: x.sort(), NAN),
    "sort with NaN downwards": (lambda t, x: x.sort(descending=True), NAN),
    "sort of booleans": (lambda t, x: t.sort(x, stable=True, descending=True), np.array([True, False, True])),
    "argsort": (lambda t, x: x.argsort(dim=0, descending=True), (4, 2)),
    "msort": (lambda t, x: t.msort(x), (4, 2)),
    "topk": (lambda t, x: x.topk(2), (3, 5)),
    "topk smallest": (lambda t, x: t.topk(x, 3, dim=0, largest=False), (5, 2)),
    "topk all": (lambda t, x: x.topk(5), (2, 5)),
    "topk none": (lambda t, x: x.topk(0), (2, 5)),
    "topk of a number": (lambda t, x: x.topk(1), ()),
    "topk of many": (lambda t, x: x.topk(7), (3, 1000)),
    "topk of many, smallest": (lambda t, x: x.topk(7, largest=False), (3, 1000)),
    "topk of many along": (lambda t, x: x.topk(3, 0), (500, 2)),
    "kthvalue": (lambda t, x: x.kthvalue(2), (3, 5)),
    "kthvalue kept": (lambda t, x: t.kthvalue(x, 1, dim=0, keepdim=True), (3, 5)),
    "unique": (lambda t, x: x.unique(), TIES),
    "unique, all": (lambda t, x: t.unique(x, return_inverse=True, return_counts=True), TIES),
    "unique rows": (lambda t, x: t.unique(x, dim=0, return_inverse=True), np.array([[1, 2], [0, 1], [1, 2]])),
    "bincount": (lambda t, x: t.bincount(x), np.array([1, 1, 3])),
    "bincount of nothing": (lambda t, x: x.bincount(minlength=2), np.zeros(0, np.int64)),
    "bincount weighted": (lambda t, x: t.bincount(x, t.tensor([0.5, 1.0, 2.0]).double()), np.array([1, 1, 3])),
    "searchsorted": (lambda t, x: t.searchsorted(t.tensor([0, 1, 1, 3]), x), np.array([[1, 0], [4, -1]])),
    "searchsorted right": (lambda t, x: t.searchsorted(t.tensor([0, 1, 1, 3]), x, right=True), np.array([1, 3])),
    "searchsorted in rows": (
        lambda t, x: t.searchsorted(t.tensor([[0, 2], [1, 5]]), x, side="right"),
        np.array([[2, 1, 0], [5, 0, 9]]),
    ),
    "bucketize": (lambda t, x: t.bucketize(x, t.tensor([1, 3, 5])), np.array([[3, 6], [9, 0]])),
    "bucketize int32": (lambda t, x: t.bucketize(x, t.tensor([1, 3]), right=True, out_int32=True), np.array([3, 0])),
}


@pytest.mark.parametrize("name", SAME)
def test_as_pytorch(agree: Any, name: str) -> None:
    f, *inputs = SAME[name]
    agree(f, *inputs)


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("bins", [4, "edges"])
def test_histogram(density: bool, bins: Any) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    edges = np.array([-1.0, 0.0, 0.5, 2.0], np.float32)
    got = ur.histogram(ur.tensor(x), ur.tensor(edges) if bins == "edges" else bins, density=density)
    wanted = torch.histogram(torch.tensor(x), torch.tensor(edges) if bins == "edges" else bins, density=density)
    assert got.hist.dtype == got.bin_edges.dtype == np.float32
    np.testing.assert_allclose(got.hist.numpy(), wanted.hist.numpy(), rtol=1e-6)
    np.testing.assert_allclose(got.bin_edges.numpy(), wanted.bin_edges.numpy(), rtol=1e-6)
    part = ur.histogram(ur.tensor(x), 3, range=(-1.0, 1.0), weight=ur.ones(5, 7) * 2)
    assert part.hist.sum().item() == 2 * ((x >= -1) & (x <= 1)).sum()


def test_names_and_places_of_the_results() -> None:
    result = ur.tensor([1.0, 3.0, 2.0]).topk(2)
    assert result.values is result[0]
    assert result.indices is result[1]
    assert result.indices.dtype == ur.int64


def test_gradients_of_gradients() -> None:
    x = ur.tensor(np.random.default_rng(0).permutation(12).reshape(3, 4) * 0.3, requires_grad=True)
    ur.gradcheck(lambda x: (x.sort(0).values ** 3, x.topk(2).values ** 2), x, order=2)


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: ur.zeros(3).sort(1), DimError, "argsort|sort: dim 1"),
    (lambda: ur.zeros(3).topk(4), ArgumentError, "3 entries"),
    (lambda: ur.zeros(3).topk(1, 1), DimError, "topk: dim 1"),
    (lambda: ur.zeros(3).kthvalue(0), ArgumentError, "between 1 and 3"),
    (lambda: ur.bincount(ur.tensor([-1])), ArgumentError, "-1 is negative"),
    (lambda: ur.bincount(ur.tensor([[1]])), ShapeError, "vector"),
    (lambda: ur.bincount(ur.tensor([1.0])), DTypeError, "integer"),
    (lambda: ur.histogram(ur.tensor([1]), 3), DTypeError, "float"),
    (lambda: ur.histogram(ur.tensor([1.0]), 0), ArgumentError, "histogram"),
    (lambda: ur.searchsorted(ur.zeros(2, 2), ur.zeros(3, 2)), ShapeError, "searchsorted"),
]


@pytest.mark.parametrize(("f", "kind", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_errors_say_what_is_wrong(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        f()
    assert "test_order.py" in str(caught.value)
