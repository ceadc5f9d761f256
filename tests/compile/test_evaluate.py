"""The evaluator of primitives, each kind against NumPy written out by hand, and recorded steps against their replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.compile.primitives.evaluate import evaluate, region
from upriver.compile.primitives.expand import expand, order
from upriver.compile.primitives.maths import Maths
from upriver.compile.primitives.prims import Prim
from upriver.compile.primitives.terms import Term
from upriver.compile.recording.record import record
from upriver.compile.recording.replay import Replay
from upriver.core.registry import ops

nn = ur.nn
F = nn.functional
X = np.arange(24.0).reshape(2, 3, 4)
IMAGE = np.random.default_rng(0).standard_normal((2, 4, 6, 5))


def value(make: Callable[..., Term], *arrays: Any) -> np.ndarray:
    """What a recipe gives for these arrays."""
    m = Maths()
    terms = []
    for i, x in enumerate(arrays):
        array = np.asarray(x)
        terms.append(Term(m, Prim("input", (), array.shape, array.dtype, {"index": i})))
    return evaluate([make(m, *terms).prim], arrays)[0]


def test_a_value_that_its_primitive_does_not_foretell_is_an_error() -> None:
    wrong = Prim(
        "reshape", (Prim("input", (), (2,), np.dtype(np.float64), {"index": 0}),), (2,), np.dtype(np.int64), {}
    )
    with pytest.raises(AssertionError, match="int64"):
        evaluate([wrong], [np.ones(2)])


@pytest.mark.parametrize(("start", "step", "n"), [(0, 1, 4), (3, -1, 4), (2, -2, 2), (1, 2, 2), (0, -1, 1), (2, 1, 0)])
def test_place_is_slice_in_reverse(start: int, step: int, n: int) -> None:
    x = np.arange(4.0)
    expected = x[[start + i * step for i in range(n)]] if n else x[:0]
    taken = value(lambda m, t: m.slice(t, (start,), (n,), (step,)), x)
    np.testing.assert_array_equal(taken, expected)
    placed = value(lambda m, t: m.place(t, (start,), (4,), (step,)), taken)
    np.testing.assert_array_equal(placed, np.where(np.isin(x, expected), x, 0.0))
    assert len(x[region((start,), (step,), (n,))]) == n


def test_views() -> None:
    np.testing.assert_array_equal(value(lambda m, x: m.permute(x, (2, 0, 1)), X), X.transpose(2, 0, 1))
    np.testing.assert_array_equal(value(lambda m, x: m.transpose(x), X), X.swapaxes(1, 2))
    np.testing.assert_array_equal(value(lambda m, x: m.reshape(x, (6, 4)), X), X.reshape(6, 4))
    np.testing.assert_array_equal(value(lambda m, x: m.expand(x, (2, 3)), [1.0, 2.0, 3.0]), [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(value(lambda m, x: m.concat([x, x], 1), X), np.concatenate([X, X], 1))
    np.testing.assert_array_equal(value(lambda m: m.iota((2, 3), 1)), [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(value(lambda m: m.full((2,), 7, np.int64)), [7, 7])


@pytest.mark.parametrize(("name", "ufunc"), [("sum", np.add), ("prod", np.multiply), ("max", np.maximum)])
@pytest.mark.parametrize("dims", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("keepdim", [True, False])
def test_reductions(name: str, ufunc: np.ufunc, dims: Any, keepdim: bool) -> None:
    got = value(lambda m, x: getattr(m, name)(x, dims, keepdim), X)
    np.testing.assert_allclose(got, ufunc.reduce(X, axis=dims, keepdims=keepdim))


def test_reductions_of_nothing() -> None:
    empty = np.zeros((0, 2))
    for name, expected in (("sum", 0), ("prod", 1), ("max", -np.inf), ("min", np.inf), ("any", False), ("all", True)):
        np.testing.assert_array_equal(value(lambda m, x, n=name: getattr(m, n)(x, 0), empty), [expected] * 2)


def test_running_reductions() -> None:
    for fn, ufunc in (("add", np.add), ("mul", np.multiply), ("max", np.maximum), ("min", np.minimum)):
        np.testing.assert_array_equal(value(lambda m, x, f=fn: m.scan(f, x, 1), X), ufunc.accumulate(X, 1))
    np.testing.assert_array_equal(
        value(lambda m, x: m.scan("add", x, 2, reverse=True), X), X[..., ::-1].cumsum(2)[..., ::-1]
    )


def test_products() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 5, 3, 4))
    np.testing.assert_allclose(value(lambda m, x, y: m.gemm(x, m.transpose(y)), a, b), a @ b.swapaxes(1, 2))
    np.testing.assert_allclose(value(lambda m, x, y: m.gemm(x, m.transpose(y)), a, b[0]), a @ b[0].T)
    operands = [Prim("constant", (), x.shape, x.dtype, {"array": x}) for x in (a[0], b[0].T, a[1], b[1].T)]
    two = Prim("gemms", tuple(operands), (3, 3), a.dtype, {})
    np.testing.assert_allclose(evaluate([two])[0], a[0] @ b[0].T + a[1] @ b[1].T)


@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_and_its_gradients(groups: int) -> None:
    torch = pytest.importorskip("torch")
    w = np.random.default_rng(1).standard_normal((6, 4 // groups, 3, 2))
    attrs: dict[str, Any] = {"stride": (2, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 2), "groups": groups}
    tx, tw = torch.tensor(IMAGE, requires_grad=True), torch.tensor(w, requires_grad=True)
    out = torch.nn.functional.conv2d(tx, tw, None, (2, 1), (1, 1), (1, 2), groups)
    ct = np.random.default_rng(2).standard_normal(out.shape)
    out.backward(torch.tensor(ct))
    shape = tuple(out.shape)
    np.testing.assert_allclose(value(lambda m, x, w: m.conv(x, w, shape, **attrs), IMAGE, w), out.detach().numpy())
    np.testing.assert_allclose(value(lambda m, y, w: m.conv_input(y, w, IMAGE.shape, **attrs), ct, w), tx.grad.numpy())
    np.testing.assert_allclose(value(lambda m, x, y: m.conv_weight(x, y, w.shape, **attrs), IMAGE, ct), tw.grad.numpy())


@pytest.mark.parametrize("fn", ["max", "add"])
@pytest.mark.parametrize(
    ("window", "stride", "padding", "dilation"), [((2, 2), (2, 2), (0, 0), (1, 1)), ((3, 2), (1, 2), (1, 1), (2, 1))]
)
def test_pooling_and_its_gradient(fn: str, window: Any, stride: Any, padding: Any, dilation: Any) -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(IMAGE, requires_grad=True)
    if fn == "max":
        out = torch.nn.functional.max_pool2d(x, window, stride, padding, dilation)
    else:  # a sum is a convolution with ones
        out = torch.nn.functional.conv2d(x, torch.ones((4, 1, *window)).double(), None, stride, padding, dilation, 4)
    ct = np.random.default_rng(2).standard_normal(out.shape)
    out.backward(torch.tensor(ct))
    attrs = {"window": window, "stride": stride, "padding": padding, "dilation": dilation}
    y = out.detach().numpy()
    np.testing.assert_allclose(value(lambda m, x: m.pool(fn, x, y.shape, **attrs), IMAGE), y, atol=1e-12)
    known = (IMAGE, y) if fn == "max" else ()
    back = value(lambda m, ct, *k: m.pool_back(fn, ct, *k, shape=IMAGE.shape, **attrs), ct, *known)
    np.testing.assert_allclose(back, x.grad.numpy(), atol=1e-12)


def test_by_integers() -> None:
    table, index = np.arange(8.0).reshape(4, 2), np.array([[3, 0], [3, 1]])
    np.testing.assert_array_equal(value(lambda m, t, i: m.take(t, i), table, index), table[index])
    rows = np.ones((2, 2, 3))
    np.testing.assert_array_equal(value(lambda m, i, x: m.put(i, x, 4), index, rows)[:, 0], [1, 1, 0, 2])
    np.testing.assert_array_equal(
        value(lambda m, t, i: m.gather(t, i, 0), table, index), np.take_along_axis(table, index, 0)
    )
    added = value(lambda m, t, i, s: m.scatter(t, i, s, 0), table, np.array([[3, 0], [3, 1]]), np.ones((2, 2)))
    np.testing.assert_array_equal(added - table, [[0, 1], [0, 1], [0, 0], [2, 0]])
    np.testing.assert_array_equal(value(lambda m, i: m.position(i, 4), np.array([-1, 0, -4, 3])), [3, 0, 0, 3])


# The dtypes of what is written.


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("number", [True, 2, 0.5])
def test_numbers_impose_no_dtype(dtype: Any, number: Any) -> None:
    x = np.ones(2, dtype)
    for make in (lambda m, t: t + number, lambda m, t: number * t, lambda m, t: m.maximum(t, number)):
        assert value(make, x).dtype == np.result_type(x, number)
    assert value(lambda m, t: t < number, x).dtype == np.bool_
    assert value(lambda m, t: m.where(t > 0, number, t), x).dtype == np.result_type(x, number)


def test_a_weak_term_imposes_no_dtype_but_its_kind() -> None:
    m = Maths()
    rate = Term(m, Prim("scalar", (), (), np.dtype(np.float32), {"index": 0}), weak=True)
    for dtype in (np.float16, np.float64, np.int64):
        x = Term(m, Prim("input", (), (2,), np.dtype(dtype), {"index": 0}))
        assert (x * rate).dtype == np.result_type(dtype, 1.0)
        assert not (x * rate).weak
    assert (rate * rate * 2).dtype == np.float32
    assert (1 - rate).weak


def test_two_dtypes_are_brought_together() -> None:
    assert value(lambda m, a, b: a + b, np.ones(2, np.float32), np.ones(2)).dtype == np.float64
    assert value(lambda m, a: a / 2, np.array([3])).tolist() == [1.5]
    assert value(lambda m, a: m.sqrt(a), np.array([4])).tolist() == [2.0]
    assert value(lambda m, a: m.floor(a), np.array([4])).dtype == np.int64
    assert value(lambda m, a: m.sum(a), np.array([True, True])).tolist() == 2


def test_shapes_broadcast() -> None:
    assert value(lambda m, a, b: a * b, np.ones((3, 1)), np.ones((2, 1, 4))).shape == (2, 3, 4)
    m = Maths()
    x = Term(m, Prim("input", (), (2, 3), np.dtype(np.float64), {"index": 0}))
    made = (x + 1.0).prim
    assert [p.kind for p in made.args] == ["input", "number"]


def test_a_term_is_neither_true_nor_hashed() -> None:
    x = Maths().number(1.0, np.float64)
    with pytest.raises(TypeError, match=r"m\.where"):
        bool(x > 0)
    with pytest.raises(TypeError):
        hash(x)


def test_what_changes_nothing_is_not_made() -> None:
    m = Maths()
    x = Term(m, Prim("input", (), (2, 1), np.dtype(np.float64), {"index": 0}))
    same = [
        m.reshape(x, (2, 1)), m.permute(x, (0, 1)), m.expand(x, (2, 1)), m.slice(x, (0, 0), (2, 1)), m.concat([x], 0),
        m.place(x, (0, 0), (2, 1)), m.cast(x, np.float64), m.sum(x, 1, True), m.pow(x, 1), m.truth(m.truth(x)),
    ]  # fmt: skip
    assert all(t.prim is x.prim for t in same[:-1])
    assert [p.kind for p in m.made] == ["number", "map"]


# Recorded steps.


def step_of(model: Any, loss: Callable[..., Any], x: Any, y: Any, optimizer: Any) -> None:
    """The primitives of a whole training step give what its operations give."""

    def step() -> Any:
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    recording = record(step, [x, y])
    program = recording.program
    program.outputs.append(recording.value(recording.result))
    cells = [c.tensor.array.copy() for c in program.cells]
    scalars = [number for taken in recording.steps for number in taken.scalars()]
    draws = [(3, i) for i in range(len(program.draws))]
    outputs, after = Replay(program).run([x.array, y.array], cells, scalars, draws)
    graph = expand(program)
    drawn: list[Any] = [None] * len(draws)
    for i in program.instructions:
        if i.draw is not None:
            seed, counter = draws[i.draw]
            drawn[i.draw] = i.op.forward(**i.attrs, seed=seed, counter=counter)
    got = evaluate(graph.roots(), [x.array, y.array], cells, scalars, drawn)
    want = outputs + [array for array in after if array is not None] + [True] * len(program.checks)
    assert len(want) > 3
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    left = {p.attrs["op"].name for p in order(graph.roots()) if p.kind == "host"}
    assert not left


def images(n: int = 4) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return ur.tensor(rng.standard_normal((n, 3, 12, 12)).astype("f")), ur.tensor(rng.integers(0, 5, n))


def test_a_step_of_a_multilayer_perceptron() -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.GELU(), nn.Dropout(0.5), nn.Linear(32, 5))
    x, y = ur.tensor(rng.standard_normal((16, 20)).astype("f")), ur.tensor(rng.integers(0, 5, 16))
    step_of(model, F.cross_entropy, x, y, ur.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))


def test_a_step_of_a_convolutional_network() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip
    step_of(model, F.cross_entropy, *images(), ur.optim.SGD(model.parameters(), lr=0.1))


@pytest.mark.parametrize("optimizer", [ur.optim.Adam, ur.optim.AdamW, ur.optim.RMSprop, ur.optim.Adagrad])
def test_steps_of_optimisers(optimizer: Any) -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1))
    rng = np.random.default_rng(0)
    x, y = ur.tensor(rng.standard_normal((8, 6)).astype("f")), ur.tensor(rng.standard_normal((8, 1)).astype("f"))
    step_of(model, F.mse_loss, x, y, optimizer(model.parameters(), lr=1e-2))


def test_a_step_of_a_recurrent_network() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(11, 16)
            self.rnn = nn.LSTM(16, 8, batch_first=True)
            self.out = nn.Linear(8, 11)

        def forward(self, x: Any) -> Any:
            return self.out(self.rnn(self.table(x))[0]).reshape(14, 11)

    rng = np.random.default_rng(0)
    model = Net()
    x, y = ur.tensor(rng.integers(0, 11, (2, 7))), ur.tensor(rng.integers(0, 11, 14))
    step_of(model, F.cross_entropy, x, y, ur.optim.SGD(model.parameters(), lr=0.1))


def test_a_step_of_a_transformer() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(11, 16)
            self.block = nn.TransformerEncoderLayer(16, 4, 32)
            self.out = nn.Linear(16, 11)

        def forward(self, x: Any) -> Any:
            return self.out(self.block(self.table(x))).reshape(14, 11)

    rng = np.random.default_rng(0)
    model = Net()
    x, y = ur.tensor(rng.integers(0, 11, (2, 7))), ur.tensor(rng.integers(0, 11, 14))
    step_of(model, F.cross_entropy, x, y, ur.optim.SGD(model.parameters(), lr=0.1))


def test_host_is_the_kernel_itself() -> None:
    x = Prim("input", (), (3,), np.dtype(np.float64), {"index": 0})
    attrs = {"op": ops.record("argsort"), "op_attrs": {"dim": 0, "descending": False}, "numbers": (None,)}
    host = Prim("host", (x,), (3,), np.dtype(np.int64), attrs)
    assert evaluate([host], [np.array([3.0, 1.0, 2.0])])[0].tolist() == [1, 2, 0]
    power = Prim("host", (x,), (3,), x.dtype, {"op": ops.record("pow"), "op_attrs": {}, "numbers": (2, None)})
    assert evaluate([power], [np.array([3.0, 1.0, 2.0])])[0].tolist() == [8, 2, 4]
