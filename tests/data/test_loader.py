import gc
import json
import threading

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    RandomShift,
    Sampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from upriver.errors import ArgumentError, DataError, ShapeError


class Counting(Dataset):
    """Samples that are their own numbers, read one by one."""

    def __init__(self, n, broken=None):
        self.n, self.broken = n, broken

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i == self.broken:
            raise KeyError("no such picture")
        return i


def numbers(n):
    return TensorDataset(np.arange(n))


def flat(batches):
    return [i for batch in batches for i in (batch[0] if isinstance(batch, list) else batch).tolist()]


def threads():
    return [t for t in threading.enumerate() if t.name == "upriver-prefetch"]


def test_batches_in_order():
    x, y = np.arange(10.0, dtype=np.float32).reshape(5, 2), np.arange(5)
    batches = list(DataLoader(TensorDataset(x, y), batch_size=2))
    assert [b[0].shape for b in batches] == [(2, 2), (2, 2), (1, 2)]
    assert batches[1][1].tolist() == [2, 3]
    assert batches[0][0].dtype == np.float32
    assert [len(b[1]) for b in DataLoader(TensorDataset(x, y), batch_size=2, drop_last=True)] == [2, 2]


@pytest.mark.parametrize("data", [numbers(11), Counting(11)])
@pytest.mark.parametrize("workers", [0, 2])
def test_shuffling_is_seeded_and_new_in_every_pass(data, workers):
    loaders = [DataLoader(data, 3, shuffle=True, seed=5, num_workers=workers) for _ in range(2)]
    a, b = [[flat(loader) for _ in range(3)] for loader in loaders]
    assert a == b
    assert a[0] != a[1]
    assert all(sorted(order) == list(range(11)) for order in a)
    assert flat(DataLoader(data, 3, shuffle=True, seed=6)) != a[0]


def test_the_global_generator_decides_where_none_is_given():
    from upriver.ops.random import manual_seed

    manual_seed(3)
    first = flat(DataLoader(numbers(20), 4, shuffle=True))
    manual_seed(3)
    assert flat(DataLoader(numbers(20), 4, shuffle=True)) == first


def test_the_generator_is_taken_from_the_caller():
    g = ur.Generator().manual_seed(1)
    first = flat(DataLoader(numbers(20), 4, shuffle=True, generator=g))
    assert first != flat(DataLoader(numbers(20), 4, shuffle=True, generator=g))
    assert first == flat(DataLoader(numbers(20), 4, shuffle=True, seed=1))


def test_lengths():
    assert len(DataLoader(numbers(10), 3)) == 4
    assert len(DataLoader(numbers(10), 3, drop_last=True)) == 3
    assert len(DataLoader(numbers(10), None)) == 10
    assert len(DataLoader(numbers(10), batch_sampler=[[0], [1, 2]])) == 2


def test_samplers():
    assert flat(DataLoader(numbers(10), 4, sampler=[3, 1, 4])) == [3, 1, 4]
    assert sorted(flat(DataLoader(numbers(10), 4, sampler=SubsetRandomSampler([3, 1, 4])))) == [1, 3, 4]
    batches = [b[0].tolist() for b in DataLoader(numbers(10), batch_sampler=[[0], [2, 1]])]
    assert batches == [[0], [2, 1]]
    grouped = BatchSampler(SubsetRandomSampler(range(6)), 4, False)
    assert sorted(flat(DataLoader(numbers(6), batch_sampler=grouped))) == list(range(6))


def test_without_batches():
    out = list(DataLoader([np.ones(2), np.zeros(2)], batch_size=None))
    assert [t.tolist() for t in out] == [[1.0, 1.0], [0.0, 0.0]]
    assert [x.tolist() for (x,) in DataLoader(numbers(3), batch_size=None)] == [0, 1, 2]


def test_own_collate():
    assert list(DataLoader(Counting(5), 2, collate_fn=sum)) == [1, 5, 4]
    assert list(DataLoader(numbers(3), 2, collate_fn=len)) == [2, 1]


def test_an_empty_data_set_is_an_error():
    with pytest.raises(DataError, match="the data set is empty") as caught:
        DataLoader(TensorDataset(np.zeros((0, 3))))
    assert "test_loader.py" in str(caught.value)
    with pytest.raises(DataError, match="drop_last leaves no batch: 3 samples make no batch of 4"):
        DataLoader(numbers(3), 4, drop_last=True)


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"batch_size": True},
        {"shuffle": True, "sampler": [0]},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_size": None, "drop_last": True},
        {"num_workers": -1},
        {"prefetch_factor": 0},
        {"seed": 0, "generator": object()},
    ],
)
def test_arguments_that_do_not_go_together(arguments):
    with pytest.raises(ArgumentError):
        DataLoader(numbers(3), **arguments)


def test_what_is_no_data_set():
    with pytest.raises(ArgumentError, match="a generator is no data set"):
        DataLoader(i for i in range(3))


# Errors in samples.


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_keeps_its_kind_and_names_the_sample(workers):
    got = []
    with pytest.raises(KeyError, match="no such picture") as caught:
        for batch in DataLoader(Counting(10, broken=5), 2, num_workers=workers):
            got.append(batch.tolist())
    assert got == [[0, 1], [2, 3]]
    assert caught.value.__notes__ == ["while reading sample 5 of the data set, for batch 2"]
    assert not threads()


@pytest.mark.parametrize("workers", [0, 1])
def test_samples_that_do_not_stack(workers):
    ragged = [np.ones(2), np.ones(3)]
    with pytest.raises(ShapeError, match="sample 1 of the batch") as caught:
        list(DataLoader(ragged, 2, num_workers=workers))
    assert "threading" not in str(caught.value)


# Reading ahead.


@pytest.mark.parametrize("left", ["break", "forget"])
def test_leaving_a_pass_early_ends_the_thread(left):
    loader = DataLoader(Counting(1000), 2, num_workers=1)
    if left == "break":
        for _ in loader:
            break
    else:
        it = iter(loader)
        next(it)
        assert len(threads()) == 1
        del it
    gc.collect()
    assert not threads()
    assert flat(loader) == list(range(1000))


def test_prefetch_without_workers_and_the_reverse():
    seen = []
    data = [0, 1]
    loader = DataLoader(data, prefetch=True, worker_init_fn=seen.append)
    assert flat(loader) == data
    assert seen == [0]
    assert not DataLoader(data, num_workers=2, prefetch=False).prefetch


def test_two_loops_over_one_loader():
    loader = DataLoader(numbers(4), 1, num_workers=1)
    assert [(a[0].item(), b[0].item()) for a, b in zip(loader, loader, strict=True)] == [(i, i) for i in range(4)]
    assert loader.state_dict()["position"] == 0


# Going on in the middle.


def make(data, **kwargs):
    return DataLoader(data, **{"batch_size": 3, "shuffle": True, "seed": 9, **kwargs})


@given(
    n=st.integers(1, 40),
    batch_size=st.integers(1, 7),
    before=st.integers(0, 3),
    steps=st.integers(0, 12),
    shuffle=st.booleans(),
    workers=st.integers(0, 1),
    slow=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_resumed_loader_goes_on_as_if_nothing_had_happened(n, batch_size, before, steps, shuffle, workers, slow):
    data = Counting(n) if slow else numbers(n)
    keywords = {"batch_size": batch_size, "shuffle": shuffle, "num_workers": workers}

    whole = make(data, **keywords)
    for _ in range(before):
        list(whole)
    expected_pass = [flat([b]) for b in whole]
    expected_next = [[flat([b]) for b in whole] for _ in range(2)]

    one = make(data, **keywords)
    for _ in range(before):
        list(one)
    it = iter(one)
    steps = min(steps, len(one))
    begun = [flat([next(it)]) for _ in range(steps)]
    state = json.loads(json.dumps(one.state_dict()))
    it.close()

    two = make(data, **{**keywords, "seed": 12345})
    list(two)
    two.load_state_dict(state)
    assert two.state_dict() == state
    rest = [flat([b]) for b in two]
    assert begun + rest == expected_pass
    assert [[flat([b]) for b in two] for _ in range(2)] == expected_next


def test_a_state_between_passes():
    loader = make(numbers(10))
    list(loader)
    state = loader.state_dict()
    assert (state["epoch"], state["position"], state["seed"]) == (1, 0, None)
    expected = flat(loader)
    again = make(numbers(10), seed=1)
    again.load_state_dict(state)
    assert flat(again) == expected
    assert again.state_dict()["epoch"] == 2


def test_a_pass_that_was_left_counts():
    loader = make(numbers(10))
    next(iter(loader))
    it = iter(loader)
    next(it)
    assert (loader.state_dict()["epoch"], loader.state_dict()["position"]) == (1, 1)


def test_the_global_generator_need_not_be_where_it_was():
    from upriver.ops.random import manual_seed

    manual_seed(0)
    loader = DataLoader(numbers(10), 2, shuffle=True)
    it = iter(loader)
    first = flat([next(it)])
    state = loader.state_dict()
    rest = flat(it)
    manual_seed(99)
    again = DataLoader(numbers(10), 2, shuffle=True)
    again.load_state_dict(state)
    assert flat(again) == rest
    assert sorted(first + rest) == list(range(10))


def test_weighted_samplers_resume_too():
    def loader():
        weights = [1.0, 2.0, 3.0, 4.0]
        sampler = WeightedRandomSampler(weights, 12, generator=ur.Generator().manual_seed(2))
        return DataLoader(numbers(4), 5, sampler=sampler)

    one = loader()
    it = iter(one)
    next(it)
    state = one.state_dict()
    two = loader()
    two.load_state_dict(state)
    assert flat(two) == flat(it)


def test_a_pass_may_be_endless_and_resumed_far_on():
    def loader():
        sampler = RandomSampler(range(50), replacement=True, num_samples=int(1e10))
        return DataLoader(numbers(50), 32, sampler=sampler, num_workers=1)

    one = loader()
    it = iter(one)
    for _ in range(2100):  # beyond the first block of the order
        next(it)
    state = one.state_dict()
    expected = [next(it)[0].tolist() for _ in range(3)]
    it.close()
    two = loader()
    two.load_state_dict(state)
    rest = iter(two)
    assert [next(rest)[0].tolist() for _ in range(3)] == expected
    rest.close()
    assert len(two) == 312_500_000


def test_a_sampler_of_ones_own_resumes_by_position():
    class Backwards(Sampler):
        def __iter__(self):
            return iter(range(9, -1, -1))

        def __len__(self):
            return 10

    one = DataLoader(numbers(10), 4, sampler=Backwards())
    it = iter(one)
    next(it)
    two = DataLoader(numbers(10), 4, sampler=Backwards())
    two.load_state_dict(one.state_dict())
    assert flat(two) == [5, 4, 3, 2, 1, 0]


def test_a_state_of_other_data_is_refused():
    state = make(numbers(10)).state_dict()
    with pytest.raises(DataError, match="10 samples in 4 batches, this loader has 11 in 4"):
        make(numbers(11)).load_state_dict(state)
    with pytest.raises(DataError, match="10 in 5"):
        make(numbers(10), batch_size=2).load_state_dict(state)
    with pytest.raises(DataError, match="lacks seed"):
        make(numbers(10)).load_state_dict({k: v for k, v in state.items() if k != "seed"})


# Data sets that are read from beginning to end.


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(7))


@pytest.mark.parametrize("workers", [0, 1])
def test_iterable_data_sets(workers):
    def loader(**kwargs):
        return DataLoader(Stream(), num_workers=workers, **kwargs)

    assert [b.tolist() for b in loader(batch_size=3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [b.tolist() for b in loader(batch_size=3, drop_last=True)] == [[0, 1, 2], [3, 4, 5]]
    assert list(loader(batch_size=None)) == list(range(7))
    one, two = loader(batch_size=2), loader(batch_size=2)
    it = iter(one)
    next(it)
    two.load_state_dict(one.state_dict())
    it.close()
    assert flat(two) == [2, 3, 4, 5, 6]
    assert flat(two) == list(range(7))
    with pytest.raises(TypeError):
        len(one)
    for wrong in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        with pytest.raises(ArgumentError, match="decides its own order"):
            loader(**wrong)
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(IterableDataset())


def test_iterable_data_sets_that_have_a_length():
    class Sized(Stream):
        def __len__(self):
            return 7

    assert len(DataLoader(Sized(), 3)) == 3
    assert len(DataLoader(Sized(), 3, drop_last=True)) == 2


# Transforms of batches.


@pytest.mark.parametrize("workers", [0, 1])
def test_augmentation_does_not_depend_on_when_it_is_done(workers):
    images = np.random.default_rng(0).random((12, 1, 5, 5)).astype(np.float32)
    data = TensorDataset(images, np.arange(12))

    def loader():
        return DataLoader(data, 4, shuffle=True, seed=1, transform=RandomShift(1), num_workers=workers)

    one = loader()
    passes = [[x.array for x, _ in one] for _ in range(2)]
    assert not np.array_equal(passes[0], passes[1])
    again = loader()
    it = iter(again)
    assert np.array_equal(next(it)[0].array, passes[0][0])
    state = again.state_dict()
    it.close()
    resumed = loader()
    resumed.load_state_dict(state)
    assert all(np.array_equal(x.array, e) for (x, _), e in zip(resumed, passes[0][1:], strict=True))


def test_transform_without_shuffle():
    loader = DataLoader(numbers(4), 2, seed=0, transform=lambda batch, generator: [batch[0] * 2])
    assert flat(loader) == [0, 2, 4, 6]


def test_reachable_in_pytorchs_spelling():
    from upriver.utils import data

    assert data.DataLoader is DataLoader
    assert data.TensorDataset is TensorDataset
