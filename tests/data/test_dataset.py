import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver.data import ConcatDataset, Dataset, Subset, TensorDataset, random_split, split
from upriver.data.dataset import batch_reader
from upriver.errors import ArgumentError, DataError, DimError, ShapeError


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i * i


def test_tensor_dataset():
    x, y = np.arange(6.0, dtype=np.float32).reshape(3, 2), [0, 1, 2]
    data = TensorDataset(ur.tensor(x), y)
    assert len(data) == 3
    assert data[1][0].tolist() == [2.0, 3.0]
    assert data[-1][1].item() == 2
    assert [len(part) for part in data[:2]] == [2, 2]
    assert data.tensors[1].dtype == np.int64


def test_tensor_dataset_of_unequal_lengths_names_the_shapes():
    with pytest.raises(ShapeError, match=r"unequal lengths 3 and 4, of shapes \[3, 2\] and \[4\]") as caught:
        TensorDataset(np.zeros((3, 2)), np.zeros(4))
    assert "test_dataset.py" in str(caught.value)
    with pytest.raises(ShapeError, match=r"shapes \[\]: a tensor of no dimensions"):
        TensorDataset(ur.tensor(1.0))
    with pytest.raises(ShapeError, match="no tensors"):
        TensorDataset()


def test_a_batch_is_a_copy():
    x = np.zeros((3, 2), np.float32)
    data = TensorDataset(x)
    data.batch(np.array([0, 1]))[0].array[...] = 1.0
    assert x.sum() == 0.0


def test_a_batch_of_a_tensor_with_gradients_is_recorded():
    x = ur.tensor([[1.0], [2.0]], requires_grad=True)
    (batch,) = TensorDataset(x).batch(np.array([1, 1]))
    batch.sum().backward()
    assert x.grad.tolist() == [[0.0], [2.0]]


def test_subset():
    part = Subset(Squares(10), [3, 1, -1])
    assert [part[i] for i in range(len(part))] == [9, 1, 1]
    assert len(Subset(Squares(2), [])) == 0
    with pytest.raises(DimError, match="index 10 is outside of a data set of 10 samples"):
        Subset(Squares(10), [0, 10])
    with pytest.raises(ArgumentError, match="list of integers"):
        Subset(Squares(10), [0.5])


def test_concatenation():
    both = Squares(3) + Squares(2)
    assert isinstance(both, ConcatDataset)
    assert [both[i] for i in range(len(both))] == [0, 1, 4, 0, 1]
    assert both[-2] == 0
    with pytest.raises(DimError):
        both[5]
    with pytest.raises(DataError):
        ConcatDataset([])


def test_a_base_without_items_says_what_to_define():
    with pytest.raises(NotImplementedError, match="Dataset must define __getitem__"):
        Dataset()[0]


def test_only_plain_kinds_are_read_at_once():
    class Noisy(TensorDataset):
        def __getitem__(self, i):
            return (super().__getitem__(i)[0] + 1.0,)

    data = TensorDataset(np.arange(4.0))
    assert batch_reader(data)(np.array([2]))[0].tolist() == [2.0]
    assert batch_reader(Subset(Subset(data, [3, 2, 1]), [2, 0]))(np.array([0, 1]))[0].tolist() == [1.0, 3.0]
    assert batch_reader(Noisy(np.arange(4.0))) is None
    assert batch_reader(Subset(Noisy(np.arange(4.0)), [0])) is None
    assert batch_reader(Squares(3)) is None


def test_random_split():
    parts = random_split(Squares(10), [7, 2, 1], ur.Generator().manual_seed(3))
    again = random_split(Squares(10), [7, 2, 1], ur.Generator().manual_seed(3))
    assert [p.indices.tolist() for p in parts] == [p.indices.tolist() for p in again]
    assert sorted(i for p in parts for i in p.indices.tolist()) == list(range(10))
    other = random_split(Squares(10), [7, 2, 1], ur.Generator().manual_seed(4))
    assert [p.indices.tolist() for p in parts] != [p.indices.tolist() for p in other]


@pytest.mark.parametrize(
    ("n", "fractions"), [(10, [0.7, 0.2, 0.1]), (100, [0.29, 0.71]), (7, [0.5, 0.5]), (5, [1.0]), (11, [1 / 3] * 3)]
)
def test_random_split_by_fractions_is_pytorchs(n, fractions):
    torch = pytest.importorskip("torch")
    theirs = torch.utils.data.random_split(range(n), fractions)
    assert [len(p) for p in random_split(range(n), fractions)] == [len(p) for p in theirs]


@pytest.mark.parametrize("lengths", [[5, 6], [0.5, 0.6], [11, -1], [2.5, 7.5]])
def test_random_split_of_wrong_lengths(lengths):
    with pytest.raises(ArgumentError, match="random_split"):
        random_split(range(10), lengths)


def test_split_is_the_same_for_ever():
    train, test = split(10, 0.3, seed=1)
    assert test.tolist() == split(10, 0.3, seed=1)[1].tolist()
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(10))
    assert len(split(10, 4)[1]) == 4
    assert split(50, 0.2, seed=0)[1].tolist() != split(50, 0.2, seed=1)[1].tolist()


@given(
    labels=st.lists(st.sampled_from("abcd"), min_size=2, max_size=60),
    test=st.floats(0.05, 0.95),
    seed=st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_a_stratified_split_keeps_proportions(labels, test, seed):
    n = len(labels)
    train, held = split(n, test, seed, stratify=labels)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(n))
    count = len(held)
    assert count == min(max(round(n * test), 1), n - 1)
    y = np.array(labels)
    roomy = count <= n - len(set(labels))
    for label in set(labels):
        size, taken = int((y == label).sum()), int((y[held] == label).sum())
        if roomy:
            assert taken < size
        if roomy and min(np.unique(y, return_counts=True)[1]) * test > 1 and count > 8:
            assert abs(taken - size * count / n) <= 1.0


def test_split_refuses_to_leave_a_side_empty():
    for test in (0.0, 1.0, 10, 0, -0.1):
        with pytest.raises(ArgumentError, match="leaves one side empty"):
            split(10, test)
    with pytest.raises(DataError):
        split(1)
    with pytest.raises(ShapeError, match="one label for each of 10"):
        split(10, 0.2, stratify=[0, 1])
