"""Every recipe of the registry against the kernel of its own record: a new operation is tested with no edit here."""

from __future__ import annotations

import warnings
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import upriver as ur
from upriver.compile.primitives.evaluate import evaluate
from upriver.compile.primitives.expand import NATIVE, Primitives, expand, order
from upriver.compile.primitives.prims import LEAVES, MAPS, VIEWS, Prim
from upriver.compile.recording.program import Cell, Check, Instruction, Program, Value
from upriver.core.op import Case, Op
from upriver.core.registry import ops
from upriver.ops.elementwise import Elementwise
from upriver.ops.random import Draw
from upriver.ops.slices import Key

RECORDS = list(ops)
CASES = [(op, case) for op in RECORDS for case in op.cases]
LEFT = {
    "argsort": "sorts",
    "topk": "sorts",
    "scatter": "the last of several that go to one place stays: an order that primitives do not have",
    "max_pool2d_gather": "only a second derivative needs it",
}


def label(value: Any) -> str:
    return value.name if isinstance(value, Op) else ""


every_case = pytest.mark.parametrize(("op", "case"), CASES, ids=label)


def filled(op: Op, case: Case, dtype: Any) -> list[Any]:
    """The inputs of a case: shapes filled from the domain."""
    rng, found = np.random.default_rng(0), []
    for i, x in enumerate(case.inputs):
        if isinstance(x, tuple):
            interval = op.domain.of(i)
            low = interval.low + 0.2 if np.isfinite(interval.low) else -2.0
            high = interval.high - 0.05 if np.isfinite(interval.high) else max(low, 0.0) + 2.0
            x = np.asarray(rng.uniform(low, high, x)).astype(dtype)
        found.append(x)
    return found


def one(op: Any, inputs: list[Any], attrs: dict[str, Any]) -> tuple[Primitives, np.ndarray]:
    """The program of one instruction, and what its operation gives."""
    out = np.asarray(op.forward(*inputs, **attrs))
    values = [Value(x.shape, x.dtype) if isinstance(x, np.ndarray) else x for x in inputs]
    made = Value(out.shape, out.dtype)
    given = [v for v in values if isinstance(v, Value)]
    program = Program(inputs=given, instructions=[Instruction(op, tuple(values), attrs, made)], outputs=[made])
    return expand(program), out


def check(op: Any, inputs: list[Any], attrs: dict[str, Any], *, native: bool = True) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph, out = one(op, inputs, attrs)
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    (got,) = evaluate(graph.outputs, arrays)
    if native:
        assert "host" not in {p.kind for p in order(graph.roots())}
    exact = out.dtype.kind != "f" or all(p.kind in VIEWS | LEAVES for p in order(graph.roots()))
    tolerance = 0 if exact else 1e-5 if out.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(got, out, rtol=tolerance, atol=tolerance, equal_nan=True)


# Every operation.


def test_what_has_no_recipe_is_known() -> None:
    without = {op.name for op in RECORDS if op.lower is None and not isinstance(op, Draw)}
    assert without == set(LEFT), f"write a recipe for {without - set(LEFT)}, or say here why there is none"


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["32", "64"])
def test_a_recipe_gives_what_the_kernel_gives(op: Op, case: Case, dtype: Any) -> None:
    if op.lower is None or isinstance(op, Draw):
        pytest.skip("has no recipe, or one for kernels alone")
    check(op, filled(op, case, dtype), case.attrs)


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1.0, 0.5, -0.5, 2.0, -2.0, 3.7, -3.7, 1e-30, 40.0, -40.0]


@pytest.mark.parametrize("op", [op for op in RECORDS if isinstance(op, Elementwise)], ids=label)
def test_special_values(op: Op) -> None:
    n = max(len(case.inputs) for case in op.cases)
    grid = np.array(np.meshgrid(*[SPECIAL] * n)).reshape(n, -1)
    for attrs in {str(case.attrs): case.attrs for case in op.cases}.values():
        for dtype in (np.float32, np.float64):
            if op.cases[0].inputs and not isinstance(op.cases[0].inputs[0], tuple):
                continue  # its operands are integers and booleans
            check(op, [row.astype(dtype) for row in grid], attrs)


ROWS = np.array(
    [
        [1.0, 2.0, 2.0],
        [np.nan, 1.0, 0.0],
        [np.inf, 1.0, np.inf],
        [-np.inf] * 3,
        [-np.inf, 0.0, 5.0],
        [80.0, -90.0, 80.0],
    ]
)


@pytest.mark.parametrize("name", ["amax", "amin", "sum", "mean", "prod", "logsumexp", "any", "all", "norm"])
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1)])
def test_reductions_of_special_values(name: str, dims: tuple[int, ...]) -> None:
    check(ops.record(name), [ROWS], {"dims": dims, "keepdim": False})


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_the_first_of_equal_ones_and_of_nan(name: str, dim: int | None) -> None:
    check(ops.record(name), [ROWS], {"dim": dim, "keepdim": True})


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_special_values(name: str) -> None:
    for dtype in (np.float32, np.float64):
        check(ops.record(name), [ROWS.astype(dtype)], {"dim": 1})


def test_a_query_that_may_look_at_nothing() -> None:
    mask = np.array([[True, False, True]] * 3 + [[False] * 3, [True] * 3, [False, True, False]])
    check(ops.record("attention_weights"), [ROWS, mask], {})


def test_cross_entropy_of_large_logits() -> None:
    z, t = np.array([[1e4, 0.0], [-1e4, 3.0], [0.0, 0.0]]), np.array([0, 0, 1])
    check(ops.record("cross_entropy"), [z, t], {})
    loss = ops.record("cross_entropy").forward(z, t)
    check(ops.record("softmax_error"), [z, loss, t], {})


def test_ties_and_nan_in_windows() -> None:
    attrs = {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 1), "dilation": (1, 1), "ceil_mode": True}
    x = np.random.default_rng(0).integers(0, 3, (2, 2, 5, 6)).astype(np.float64)
    x[0, 0, 2, 3] = np.nan
    check(ops.record("max_pool2d"), [x], attrs)
    y = ops.record("max_pool2d").forward(x, **attrs)
    check(ops.record("max_pool2d_scatter"), [np.arange(y.size).reshape(y.shape) + 1.0, x, y], attrs)


@pytest.mark.parametrize("include_pad", [True, False])
def test_means_of_windows_that_reach_over_the_edge(include_pad: bool) -> None:
    attrs = {"kernel": (3, 2), "stride": (2, 2), "padding": (1, 1), "ceil_mode": True, "include_pad": include_pad}
    x = np.random.default_rng(0).standard_normal((2, 2, 5, 6))
    check(ops.record("avg_pool2d"), [x], attrs)
    y = ops.record("avg_pool2d").forward(x, **attrs)
    check(ops.record("avg_pool2d_spread"), [y], {**attrs, "size": (5, 6)})


@pytest.mark.parametrize("name", ["var", "std"])
def test_the_variance_of_too_few(name: str) -> None:
    for x in (np.array([[1.0], [np.nan]]), np.array([[1.0, 2.0]])):
        check(ops.record(name), [x], {"dims": (1,), "keepdim": False, "correction": 2})


def test_logarithms_of_impossible_outcomes() -> None:
    x, t = np.array([0.0, 0.0, 1.0, 1.0, 0.5]), np.array([0.0, 1.0, 0.0, 1.0, 0.5])
    check(ops.record("binary_cross_entropy"), [x, t], {})


@pytest.mark.parametrize("name", ["add", "sub", "mul", "maximum", "minimum", "lt", "eq", "remainder", "floor_divide"])
@pytest.mark.parametrize("number", [3, -2])
def test_integers_stay_integers(name: str, number: int) -> None:
    check(ops.record(name), [np.arange(-7, 8), number], {})


@pytest.mark.parametrize("p", [0, 1, 2, 3, 0.5, -1, -0.5, 2.5, -2, 4])
def test_powers(p: float) -> None:
    check(ops.record("pow"), [np.array(SPECIAL), p], {})
    check(ops.record("pow"), [np.array(SPECIAL, np.float32), p], {})


def test_integers_that_raise_are_left_to_the_kernel() -> None:
    graph, _ = one(ops.record("remainder"), [np.array([5, 7]), np.array([2, 3])], {})
    assert graph.outputs[0].kind == "host"
    graph, _ = one(ops.record("pow"), [np.array([5, 7]), 2], {})
    assert graph.outputs[0].kind == "host"


@pytest.mark.parametrize("name", ["add", "mul", "matmul", "sum"])
@pytest.mark.parametrize("dtype", [np.float16, np.int32])
def test_other_dtypes_are_left_to_the_kernel(name: str, dtype: Any) -> None:
    x = np.ones((3, 3), dtype)
    attrs = {"dims": (0,), "keepdim": False} if name == "sum" else {}
    check(ops.record(name), [x] if attrs else [x, x], attrs, native=False)
    graph, _ = one(ops.record(name), [x] if attrs else [x, x], attrs)
    assert graph.outputs[0].kind == "host"


def test_what_is_converted_to_another_dtype_is_left_to_the_kernel() -> None:
    check(ops.record("cast"), [np.ones(3, np.float32)], {"dtype": np.dtype(np.float16)}, native=False)
    graph, _ = one(ops.record("cast"), [np.ones(3, np.float32)], {"dtype": np.dtype(np.float16)})
    assert graph.outputs[0].kind == "host"


def test_pictures_in_bytes_are_converted_by_a_kernel() -> None:
    check(ops.record("cast"), [np.arange(6, dtype=np.uint8)], {"dtype": np.dtype(np.float32)})


def test_small_integers_are_compared_by_kernels() -> None:
    check(ops.record("lt"), [np.arange(3, dtype=np.int32), np.full(3, 1, np.int32)], {})


# Any shape.

lengths = st.integers(0, 4)
few = settings(max_examples=60, deadline=None)


def counted(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(float(np.prod(shape, dtype=int))).reshape(shape)


@few
@given(st.data())
def test_any_basic_index_and_the_way_back(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    found = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    entries = found if isinstance(found, tuple) else (found,)
    key = Key(entries if ... in entries else (*entries, ...))
    x = counted(shape)
    check(ops.record("index"), [x], {"key": key})
    check(ops.record("place"), [x[key]], {"key": key, "shape": shape, "value": 0})
    check(ops.record("place"), [x[key]], {"key": key, "shape": shape, "value": -1.5})


@few
@given(st.lists(lengths, max_size=2), st.lists(lengths, min_size=1, max_size=2), lengths, st.booleans(), st.booleans())
def test_any_matrix_product(lead: list[int], ends: list[int], k: int, vector: bool, shared: bool) -> None:
    right = (k,) if vector else (k, ends[-1]) if shared else (*lead, k, ends[-1])
    left = (*lead, ends[0], k)
    check(ops.record("matmul"), [counted(left), counted(right)], {})
    check(ops.record("linear"), [counted(left), counted((3, k)), counted((3,))], {})


@few
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3))
def test_any_broadcast_and_its_sum(shapes: hnp.BroadcastableShapes) -> None:
    x = counted(shapes.input_shapes[0])
    check(ops.record("broadcast_to"), [x], {"shape": shapes.result_shape})
    check(ops.record("sum_to"), [counted(shapes.result_shape)], {"shape": x.shape})


@few
@given(st.data())
def test_any_reduction(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    dims = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True)) if shape else []
    keepdim = data.draw(st.booleans())
    for name in ("sum", "mean", "prod", "any", "all", "logsumexp"):
        check(ops.record(name), [counted(shape)], {"dims": tuple(dims), "keepdim": keepdim})


# Whole programs.


def test_cells_checks_scalars_and_constants() -> None:
    f = np.dtype(np.float32)
    x, w, rate, c, mask = Value((3,), f), Value((3,), f), Value((), np.dtype(np.float64)), Value((3,), f), Value((), f)
    half, step, after = Value((), np.dtype(np.float64)), Value((3,), f), Value((3,), f)
    summed, holds = Value((), f), Value((), np.dtype(np.bool_))
    program = Program(
        inputs=[x],
        cells=[Cell(ur.zeros(3), w, after), Cell(ur.zeros(3), c)],
        scalars=[rate],
        constants={mask: np.array(2.0, np.float32)},
        instructions=[
            Instruction(ops.record("mul"), (rate, 0.5), {}, half),
            Instruction(ops.record("mul"), (x, half), {}, step),
            Instruction(ops.record("sub"), (w, step), {}, after),
            Instruction(ops.record("sum"), (after,), {"dims": (0,), "keepdim": False}, summed),
            Instruction(ops.record("lt"), (summed, mask), {}, holds),
        ],
        outputs=[summed, c],
        checks=[Check(holds, None)],
    )
    graph = expand(program)
    assert graph.cells_after[1] is None
    a, b = np.array([1, 2, 3], f), np.array([4, 5, 6], f)
    total, held, new, yes = evaluate(graph.roots(), [a], [b, a], [0.1])
    np.testing.assert_allclose(new, b - np.float32(0.05) * a, rtol=1e-6)
    assert {p.dtype for p in order(graph.roots()) if p.shape == (3,)} == {f}, "a learning rate imposes no dtype"
    np.testing.assert_array_equal(held, a)
    assert (total < 2) == yes


def test_a_draw_is_a_leaf() -> None:
    out = Value((2,), np.dtype(np.float32))
    draw = Instruction(ops.record("random_normal"), (), {"shape": (2,), "dtype": out.dtype}, out, draw=0)
    graph = expand(Program(draws=[None], instructions=[draw], outputs=[out]))
    assert graph.outputs[0].kind == "draw"
    drawn = np.array([1, 2], np.float32)
    np.testing.assert_array_equal(evaluate(graph.outputs, draws=[drawn])[0], drawn)


def test_primitives_name_their_instruction() -> None:
    graph, _ = one(ops.record("softmax"), [np.ones((2, 3))], {"dim": 1})
    made = [p for p in order(graph.roots()) if p.kind not in LEAVES]
    assert {p.origin.op.name for p in made} == {"softmax"}


def test_only_known_maps_are_made() -> None:
    for op, case in CASES:
        if op.lower is None or isinstance(op, Draw):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph, _ = one(op, filled(op, case, np.float32), case.attrs)
        for prim in order(graph.roots()):
            if prim.kind == "map":
                assert len(prim.args) == MAPS[prim.attrs["fn"]]
                assert all(arg.shape in ((), prim.shape) for arg in prim.args)
                assert prim.attrs["fn"] in ("cast", "where") or len({arg.dtype for arg in prim.args}) == 1


def test_order_lists_arguments_first_and_once() -> None:
    x = Prim("input", (), (), np.dtype(np.float32), {"index": 0})
    deep = x
    for _ in range(5000):
        deep = Prim("map", (deep, deep), (), deep.dtype, {"fn": "add"})
    found = order([deep, x])
    assert len(found) == 5001
    assert found[0] is x
    assert found[-1] is deep


def test_native_dtypes() -> None:
    assert {d.name for d in NATIVE} == {"float32", "float64", "bool", "int64"}
