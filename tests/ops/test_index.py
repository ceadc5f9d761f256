"""Indexing: every key that PyTorch knows, read and written; gather, scatter and embedding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, DimError, DTypeError, GradError, ShapeError

I = np.array([2, 0, 2])
J = np.array([[0], [1]])
M = np.array([True, False, True])
KEYS: dict[str, Any] = {
    "int": lambda t: 1,
    "negative int": lambda t: -1,
    "all ints": lambda t: (1, 2, -1),
    "slice": lambda t: slice(1, None),
    "slices": lambda t: (slice(None), slice(0, 2), slice(-3, -1)),
    "step": lambda t: (slice(None, None, 2), slice(1, 10, 3)),
    "empty slice": lambda t: slice(2, 1),
    "ellipsis": lambda t: (..., 0),
    "ellipsis in between": lambda t: (0, ..., slice(1, 3)),
    "ellipsis for nothing": lambda t: (0, 1, 2, ...),
    "only ellipsis": lambda t: ...,
    "None": lambda t: (None, 0, None, ..., None),
    "no key": lambda t: (),
    "list": lambda t: [0, 2],
    "list in a tuple": lambda t: ([0, 2],),
    "nested list": lambda t: ([[0, 2], [1, 1]],),
    "list of one": lambda t: (slice(None), [-1], slice(None)),
    "empty list": lambda t: ([],),
    "range": lambda t: range(2),
    "tensor": lambda t: t.tensor(I),
    "negative tensor": lambda t: t.tensor(I - 3),
    "matrix": lambda t: t.tensor([[0, 1], [2, 2]]),
    "int32": lambda t: t.tensor(I, dtype=t.int32),
    "array": lambda t: I,
    "tensor after a slice": lambda t: (slice(None), t.tensor(I)),
    "tensor last": lambda t: (..., t.tensor(I)),
    "two tensors": lambda t: (t.tensor(I), t.tensor([0, 1, 0])),
    "range and tensor": lambda t: (range(3), t.tensor([0, 1, 0])),
    "two tensors later": lambda t: (slice(None), t.tensor(I), t.tensor([0, 1, 0])),
    "two that broadcast": lambda t: (t.tensor(J), t.tensor(I)),
    "tensor and number tensor": lambda t: (t.tensor(I), t.tensor(1)),
    "two with a slice between": lambda t: (t.tensor([0, 1]), slice(None), t.tensor([2, 3])),
    "int and tensor": lambda t: (0, t.tensor(I)),
    "int, slice and tensor": lambda t: (0, slice(1, 3), t.tensor(I)),
    "int, all, tensor": lambda t: (0, slice(None), t.tensor(I)),
    "tensor, int, tensor": lambda t: (t.tensor(I), 0, t.tensor(I)),
    "tensor and slice": lambda t: (t.tensor(I), slice(0, 2)),
    "tensor and None": lambda t: (None, t.tensor(I), None),
    "None between tensors": lambda t: (t.tensor([0, 1]), None, t.tensor([1, 2])),
    "three tensors": lambda t: (t.tensor(I), t.tensor(I), t.tensor(I)),
    "mask": lambda t: t.tensor(M),
    "list mask": lambda t: [True, False, True],
    "mask of two dimensions": lambda t: t.tensor(np.arange(9).reshape(3, 3) % 2 == 0),
    "whole mask": lambda t: t.tensor(np.arange(36).reshape(3, 3, 4) % 5 == 0),
    "mask that holds nowhere": lambda t: t.tensor(np.zeros((3, 3), bool)),
    "mask after a slice": lambda t: (slice(None), t.tensor(M)),
    "mask and tensor": lambda t: (t.tensor(M), t.tensor([0, 2])),
    "mask, slice, tensor": lambda t: (t.tensor(M), slice(None), t.tensor([0, 2])),
    "mask and int": lambda t: (t.tensor(M), 1),
    "mask and list of one": lambda t: (t.tensor(M), [1]),
    "True": lambda t: True,
    "False": lambda t: (slice(None), False),
    "number tensor": lambda t: t.tensor(2),
    "number tensors": lambda t: (t.tensor(2), t.tensor(-1)),
    "number tensors as bounds": lambda t: slice(t.tensor(1), t.tensor(3)),
    "numpy int": lambda t: (np.int64(1), slice(np.int64(1), None)),
}


@pytest.mark.parametrize("name", KEYS)
def test_reading(agree: Any, name: str) -> None:
    agree(lambda t, x: x[KEYS[name](t)], (3, 3, 4))


@pytest.mark.parametrize("name", KEYS)
def test_writing(name: str) -> None:
    torch = pytest.importorskip("torch")
    times = np.zeros((3, 3, 4))
    np.add.at(times, KEYS[name](np_like), 1)
    for value in (lambda t, s: 7.0, lambda t, s: t.arange(int(np.prod(s, dtype=int))).reshape(s).double()):
        mine, theirs = ur.zeros(3, 3, 4, dtype=ur.float64), torch.zeros(3, 3, 4, dtype=torch.float64)
        shape = tuple(theirs[KEYS[name](torch)].shape)
        mine[KEYS[name](ur)] = value(ur, shape)
        theirs[KEYS[name](torch)] = value(torch, shape)
        # Where an entry is written twice either value may stay.
        assert ((mine.numpy() == theirs.numpy()) | (times > 1)).all()


class np_like:
    """NumPy under the names that the keys use."""

    int32 = np.int32
    tensor = staticmethod(np.array)


@pytest.mark.parametrize(
    "name", [name for name in KEYS if name not in ("list", "True", "False", "tensor, int, tensor")]
)
def test_writing_with_gradients(name: str) -> None:
    x = ur.tensor(np.random.default_rng(0).standard_normal((3, 3, 4)), requires_grad=True)
    key = KEYS[name](ur)
    shape = x[key].shape
    value = ur.tensor(np.random.default_rng(1).standard_normal(shape), requires_grad=True)
    places = ur.arange(36).reshape(3, 3, 4)[key]
    if len(set(places.flatten().tolist())) < places.numel():
        assert ur.index_put(x, key, 7.0)[key].detach().tolist() == ur.full(shape, 7.0).tolist()
        return
    y = ur.index_put(x, key, value)
    expected = x.detach().clone()
    expected[key] = value.detach()
    assert y.tolist() == expected.tolist()
    ur.gradcheck(lambda x, v: ur.index_put(x, key, v) ** 2, (x, value))


def test_written_values_are_expanded_and_converted() -> None:
    x = ur.zeros(2, 3)
    assert ur.index_put(x, 1, ur.tensor([[1, 2, 3]])).tolist() == [[0.0] * 3, [1.0, 2.0, 3.0]]
    assert ur.index_put(x, (slice(None), [0, 2]), ur.tensor([[1.0], [2.0]])).tolist() == [[1, 0, 1], [2, 0, 2]]
    with pytest.raises(ShapeError):
        ur.index_put(x, 0, ur.ones(2))
    with pytest.raises(ShapeError):
        ur.index_put(x, 0, ur.ones(2, 3))


@pytest.mark.parametrize("name", ["list", "matrix", "two that broadcast", "mask", "step", "mask and tensor"])
def test_gradients_of_gradients(name: str) -> None:
    x = ur.tensor(np.random.default_rng(0).standard_normal((3, 3, 4)), requires_grad=True)
    ur.gradcheck(lambda x: x[KEYS[name](ur)] ** 3, x, order=2)


def test_layouts_do_not_matter(agree: Any) -> None:
    agree(lambda t, x: x.transpose(0, 2)[t.tensor([0, 3]), t.tensor([2, 2])], (3, 3, 4))
    agree(lambda t, x: x.permute(1, 2, 0)[:, [1, 1]].flip(0)[::2], (3, 3, 4))
    agree(lambda t, x: x.expand(3, 4)[[0, 2, 2]], (4,))


def test_learners_updates() -> None:
    torch = pytest.importorskip("torch")

    def counts(t: Any) -> Any:
        n = t.zeros((4, 4), dtype=t.int32)
        for i, j in ((0, 1), (0, 1), (3, 2)):
            n[i, j] += 1
        ix1, ix2 = t.tensor(2), t.tensor(3)
        n[ix1, ix2] += 1
        d = t.zeros(3, 2)
        for k in range(2):
            for j in range(3):
                ix = t.tensor([[0, 1, 1], [2, 2, 0]])[k, j]
                d[ix] += t.tensor([1.0, 0.5]) * (k + 1)
        logits = t.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
        v, _ = t.topk(logits, 2)
        logits[logits < v[:, [-1]]] = -float("inf")
        x = t.zeros(3, 4)
        x[range(3), t.tensor([1, 0, 3])] = -1.0
        x[:, 2] += 5
        x[1] *= 2
        x[t.tensor([True, False, True])] -= 0.5
        return n, d, logits, x

    for a, b in zip(counts(ur), counts(torch), strict=True):
        assert a.tolist() == b.tolist()
        assert str(a.dtype) == str(b.dtype).removeprefix("torch.")


def test_a_view_shares_memory_and_a_selection_does_not() -> None:
    x = ur.zeros(3, 3)
    x[1][2] = 1.0
    x[:, 0].fill_(2.0)
    x[[0]].fill_(9.0)
    assert x.tolist() == [[2.0, 0.0, 0.0], [2.0, 0.0, 1.0], [2.0, 0.0, 0.0]]


def test_number_tensors_are_keys_of_dictionaries_lists_and_ranges() -> None:
    i = ur.tensor(1)
    assert ["a", "b"][i] == "b"
    assert list(range(3))[i:] == [1, 2]
    assert ur.arange(3)[i].item() == 1


def test_taking_apart_piece_by_piece_adds_up(agree: Any) -> None:
    agree(lambda t, x: sum(row[0] * row[1] for row in x) + sum(x[:, j].sum() for j in range(3)), (5, 3))


def test_a_changed_index_is_an_error_at_backward() -> None:
    x, i = ur.ones(3, requires_grad=True), ur.tensor([0, 1])
    y = (x[i] * 2).sum()
    i[0] = 2
    with pytest.raises(GradError, match="was changed"):
        y.backward()


def test_values_are_not_kept_for_indexing() -> None:
    x = ur.ones(4, requires_grad=True) * 2
    for y in (x[1:], x[[0, 1]], x.reshape(2, 2), ur.cat([x, x]), ur.gather(x, 0, ur.tensor([1]))):
        assert y.node is not None
        assert y.node.inputs[0] is x.node


def test_keys_print_as_they_are_written() -> None:
    y = ur.ones(2, 3, 4, requires_grad=True)[1, None, 0:2, ::2]
    assert y.node is not None
    assert str(y.node.attrs["key"]) == "1, None, 0:2, ::2"


GATHER: dict[str, tuple[Any, ...]] = {
    "gather": (lambda t, x, i: x.gather(1, i), (2, 3), np.array([[0, 2, 2, 1], [1, 1, 0, 0]])),
    "gather fewer": (lambda t, x, i: t.gather(x, 0, i), (3, 4), np.array([[0, 2], [1, 1]])),
    "gather of three": (lambda t, x, i: t.gather(x, -1, i), (2, 3, 2), np.array([[[1], [0], [1]]])),
    "gather of a number": (lambda t, x, i: t.gather(x, 0, i), (), np.array(0)),
    "take_along_dim": (lambda t, x, i: t.take_along_dim(x, i, dim=1), (2, 3), np.array([[0, 2]])),
    "take_along_dim flat": (lambda t, x, i: t.take_along_dim(x, i), (2, 3), np.array([5, 0])),
    "scatter_add": (lambda t, x, s, i: x.scatter_add(1, i, s), (2, 4), (2, 3), np.array([[0, 2, 2], [1, 1, 0]])),
    "scatter_add of more": (
        lambda t, x, s, i: x.scatter_add(0, i, s if t is ur else s[:2, :2]),
        (3, 2),
        (4, 5),
        np.array([[0, 2], [1, 1]]),
    ),
    "scatter": (lambda t, x, s, i: x.scatter(1, i, s), (2, 4), (2, 3), np.array([[0, 3, 2], [1, 2, 0]])),
    "scatter a number": (lambda t, x, i: x.scatter(0, i, 1.5), (3, 2), np.array([[0, 2]])),
    "scatter a value": (lambda t, x, i: x.scatter(1, i, value=2.0), (3, 2), np.array([[0], [1]])),
    "scatter adding": (lambda t, x, s, i: x.scatter(1, i, s, reduce="add"), np.ones((1, 2)), np.ones((1, 1)), [[1]]),
    "index_select": (lambda t, x, i: x.index_select(1, i), (2, 3), np.array([2, 0, 2])),
    "index_add": (lambda t, x, s, i: x.index_add(0, i, s), (4, 2), (3, 2), np.array([1, 3, 1])),
    "index_add scaled": (lambda t, x, s, i: x.index_add(1, i, s, alpha=-2), (2, 4), (2, 3), np.array([1, 3, 0])),
    "masked_select": (lambda t, x, m: x.masked_select(m), (2, 3), np.array([True, False, True])),
    "narrow": (lambda t, x: x.narrow(1, 1, 2), (2, 4)),
    "narrow from the end": (lambda t, x: t.narrow(x, 0, -2, 1), (3, 2)),
    "select": (lambda t, x: x.select(1, -1), (2, 3)),
    "nonzero": (lambda t, x: x.nonzero(), np.array([[0, 1], [2, 0]])),
    "nonzero as tuple": (lambda t, x: t.nonzero(x, as_tuple=True), np.array([[0.0, 1.5], [2.0, 0.0]])),
}


@pytest.mark.parametrize("name", GATHER)
def test_gather_and_scatter(agree: Any, name: str) -> None:
    f, *inputs = GATHER[name]
    if name == "scatter adding":
        x = ur.tensor([[1.0, 1.0]])
        assert x.scatter(1, ur.tensor([[1]]), ur.ones(1, 1), reduce="add").tolist() == [[1.0, 2.0]]
        assert x.scatter(1, ur.tensor([[1, 1]]), 3.0, reduce="add").tolist() == [[1.0, 7.0]]
        return
    agree(f, *inputs)


def test_in_place() -> None:
    y = ur.tensor([2, 0])
    one_hot = ur.zeros(2, 3).scatter_(1, y.view(-1, 1), 1.0)
    assert one_hot.tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    x = ur.zeros(3)
    x.scatter_add_(0, ur.tensor([1, 1]), ur.ones(2)).index_add_(0, ur.tensor([0]), ur.ones(1))
    x.masked_fill_(x == 0, -1.0)
    assert x.tolist() == [1.0, 2.0, -1.0]
    with pytest.raises(GradError, match="scatter_add_"):
        x.scatter_add_(0, ur.tensor([1, 1]), ur.ones(2, requires_grad=True))


@pytest.mark.parametrize("ids", [[[0, 3, 3], [1, 0, 3]], [2], [], 3, list(range(5))])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_embedding(agree: Any, ids: Any, width: int) -> None:
    i = np.array(ids, np.int64)
    agree(lambda t, w: t.nn.functional.embedding(t.tensor(i), w), (5, width))
    agree(lambda t, w: t.nn.functional.embedding(t.tensor(i), w, padding_idx=3), (5, width))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("n", [40, 1500, 6000])
@pytest.mark.parametrize("width", [1, 3, 64])
def test_many_rows_add_up_in_every_dtype(dtype: Any, width: int, n: int) -> None:
    rng = np.random.default_rng(0)
    ids, ct = rng.integers(0, 50, n), rng.integers(-3, 4, (n, width)).astype(dtype)
    table = ur.tensor(np.zeros((50, width), dtype), requires_grad=True)
    ur.nn.functional.embedding(ur.tensor(ids), table).backward(ur.tensor(ct))
    expected = np.zeros((50, width))
    np.add.at(expected, ids, ct)
    assert table.grad is not None
    np.testing.assert_array_equal(table.grad.numpy(), expected.astype(dtype))


def test_nan_stays_in_its_row() -> None:
    table = ur.ones(3, 2, requires_grad=True)
    ct = ur.tensor([[float("nan"), 1.0], [1.0, float("inf")], [2.0, 2.0]])
    table[[0, 1, 1]].backward(ct)
    assert table.grad is not None
    assert np.isnan(table.grad.numpy()).sum() == 1
    assert table.grad[1].tolist() == [3.0, float("inf")]
    assert table.grad[2].tolist() == [0.0, 0.0]


def test_one_hot() -> None:
    torch = pytest.importorskip("torch")
    for ids, n in (([0, 2, 1], 4), ([[1], [0]], -1), ([], 3)):
        got = ur.nn.functional.one_hot(ur.tensor(np.array(ids, np.int64)), num_classes=n)
        wanted = torch.nn.functional.one_hot(torch.tensor(np.array(ids, np.int64)), num_classes=n)
        assert got.dtype == ur.int64
        assert got.tolist() == wanted.tolist()


x23 = ur.zeros(2, 3)
ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: x23[2], DimError, "index 2 is out of range for dimension 0, which has length 2"),
    (lambda: x23[..., -4], DimError, "index -4 is out of range for dimension 1, which has length 3"),
    (lambda: x23[None, 0, 3], DimError, "index 3 is out of range for dimension 1"),
    (lambda: x23[0, 0, 0], DimError, "3 indices.*2 dimensions"),
    (lambda: x23[..., ...], DimError, "at most one|At most one"),
    (lambda: x23[[0], [0], [0]], DimError, "3 indices"),
    (lambda: x23[[0, 5]], DimError, "index 5 is out of range for dimension 0, which has length 2"),
    (lambda: x23[0, [0, 7]], DimError, "index 7 is out of range for dimension 1, which has length 3"),
    (lambda: x23[[0, 1], [0, -4]], DimError, "index -4 is out of range for dimension 1"),
    (lambda: x23[[0, 1], [0, 1, 2]], DimError, r"shapes \[2\] and \[3\]"),
    (lambda: x23[ur.tensor([True, False, True])], DimError, r"mask of shape \[3\]"),
    (lambda: x23[ur.tensor([0.0])], DTypeError, "long"),
    (lambda: x23[ur.tensor([0], dtype=ur.uint8)], DTypeError, "bool"),
    (lambda: x23["a"], DTypeError, "str"),
    (lambda: x23[1.0], DTypeError, "float"),
    (lambda: ur.zeros(())[0], DimError, "1 indices"),
    (lambda: x23.index_select(1, ur.tensor([3])), DimError, "index_select: index 3"),
    (lambda: x23.index_select(1, ur.tensor([[0]])), ShapeError, "one dimension"),
    (lambda: x23.narrow(1, 2, 2), DimError, "length 3"),
    (lambda: x23.select(2, 0), DimError, "dim 2"),
    (lambda: x23.gather(1, ur.tensor([[3]])), DimError, "index 3"),
    (lambda: x23.gather(1, ur.tensor([[-1]])), DimError, "index -1"),
    (lambda: x23.gather(1, ur.tensor([0])), ShapeError, "as many dimensions"),
    (lambda: x23.gather(1, ur.tensor([[0.0]])), DTypeError, "integer"),
    (lambda: x23.scatter_add(1, ur.tensor([[0, 1]]), ur.ones(1, 1)), ShapeError, "source"),
    (lambda: x23.index_add(0, ur.tensor([0]), ur.ones(2, 3)), ShapeError, "source"),
    (lambda: x23.index_add(0, ur.tensor([2]), ur.ones(1, 3)), DimError, "index 2"),
    (lambda: x23.masked_select(ur.tensor([1])), DTypeError, "bool"),
    (lambda: ur.nn.functional.embedding(ur.tensor([2]), x23), DimError, "embedding: index 2"),
    (lambda: ur.nn.functional.embedding(ur.tensor([-1]), x23), DimError, "embedding: index -1"),
    (lambda: ur.nn.functional.embedding(ur.tensor([0.5]), x23), DTypeError, "integer"),
    (lambda: ur.nn.functional.embedding(ur.tensor([0]), ur.zeros(3)), ShapeError, "table"),
    (lambda: ur.nn.functional.one_hot(ur.tensor([3]), 3), ArgumentError, "3 is not one of the 3"),
    (lambda: ur.nn.functional.one_hot(ur.tensor([-1])), ArgumentError, "-1"),
    (lambda: x23.__setitem__(2, 0.0), DimError, "index 2"),
    (lambda: x23.__setitem__(([0, 2], 0), 0.0), DimError, "index 2"),
    (lambda: x23.__setitem__(0, ur.ones(2)), ShapeError, r"shape \[2, 3\]"),
    (lambda: x23[0].__setitem__(0, ur.ones((), requires_grad=True)), GradError, "view"),
]


@pytest.mark.parametrize(("f", "kind", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_errors_say_what_is_wrong(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        f()
    assert "test_index.py" in str(caught.value)
