"""What each rewrite is for: it fires, and the values stay, for NaN, infinities and −0 too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from upriver.compile.primitives.evaluate import evaluate
from upriver.compile.primitives.expand import Primitives, order
from upriver.compile.primitives.maths import Maths
from upriver.compile.primitives.prims import Prim
from upriver.compile.primitives.terms import Term
from upriver.compile.rewrite import rewrite

F64 = np.dtype(np.float64)
ODD = (np.nan, np.inf, -np.inf, -0.0)


def given_term(m: Maths, index: int, *shape: int, dtype: Any = F64) -> Term:
    return m.term("input", (), shape, np.dtype(dtype), index=index)


def rewritten(*terms: Term, without: Any = ()) -> list[Prim]:
    return rewrite(Primitives([t.prim for t in terms], [], []), without=without).outputs


def kinds(*prims: Prim) -> list[str]:
    return [x.attrs.get("fn", x.kind) for x in order(prims) if x.kind not in ("input", "number", "constant")]


def numbers(shape: tuple[int, ...], seed: int = 0, odd: bool = True) -> np.ndarray:
    """Small dyadic numbers, so that every order of a sum gives the same; some NaN, infinite, −0."""
    rng = np.random.default_rng(seed)
    out = rng.choice([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], shape)
    if odd and out.size:
        out = np.where(rng.random(shape) < 0.1, rng.choice(ODD, shape), out)
    return out


def same(before: Term, after: Prim, *arrays: np.ndarray) -> None:
    (a,), (b,) = evaluate([before.prim], arrays), evaluate([after], arrays)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_array_equal(a, b)


def _loop(*terms: Term) -> Term:
    total = terms[0]
    for t in terms[1:]:
        total = total + t
    return total


def _unbind(m: Maths, x: Term) -> list[Term]:
    _, *rest = x.shape
    return [m.reshape(m.slice(x, (i, *[0] * len(rest)), (1, *rest)), tuple(rest)) for i in range(x.shape[0])]


def _unbound(m: Maths, parts: list[Term]) -> Term:
    """The gradient of ``unbind``."""
    n, shape = len(parts), parts[0].shape
    placed = [m.place(m.reshape(p, (1, *shape)), (i, *[0] * len(shape)), (n, *shape)) for i, p in enumerate(parts)]
    return _loop(*placed[::-1])


def _chunked(m: Maths, parts: list[Term]) -> Term:
    """The gradient of ``chunk`` along dimension 1."""
    b, n = parts[0].shape
    return _loop(*[m.place(p, (0, i * n), (b, n * len(parts))) for i, p in enumerate(parts)])


CASES: dict[str, tuple[Any, list[tuple[int, ...]], list[str]]] = {
    # algebra
    "times one": (lambda m, x: x * 1.0, [(3, 2)], []),
    "by one": (lambda m, x: x / 1.0, [(3, 2)], []),
    "minus nothing": (lambda m, x: x - 0.0, [(3,)], []),
    "plus minus nothing": (lambda m, x: -0.0 + x, [(3,)], []),
    "plus nothing": (lambda m, x: x + 0.0, [(9,)], ["add"]),
    "times nothing": (lambda m, x: x * 0.0, [(9,)], ["mul"]),
    "itself taken away": (lambda m, x: x - x, [(9,)], ["sub"]),
    "plus a negative": (lambda m, x, y: x + -y, [(9,), (9,)], ["sub"]),
    "a negative plus": (lambda m, x, y: -x + y, [(9,), (9,)], ["sub"]),
    "minus a negative": (lambda m, x, y: x - -y, [(9,), (9,)], ["add"]),
    "negative twice": (lambda m, x: -(x * -1.0), [(9,)], []),
    "signs of factors": (lambda m, x, y: (-x * -y) / y, [(9,), (9,)], ["mul", "div"]),
    "sign of a factor": (lambda m, x, y, z: x + (-y) * z, [(9,)] * 3, ["mul", "sub"]),
    "sign of a divisor": (lambda m, x, y: x / -y, [(9,), (9,)], ["div", "neg"]),
    "negative of a multiple": (lambda m, x: -(x * 2.0), [(9,)], ["mul"]),
    "multiple of a multiple": (lambda m, x: 2.0 * (x * 4.0) / 16.0, [(9,)], ["mul"]),
    "beyond all range": (lambda m, x: (x * 1e200) * 1e200, [(9,)], ["mul", "mul"]),
    "by a power of two": (lambda m, x: x / 8.0, [(9,)], ["mul"]),
    "by another": (lambda m, x: x / 3.0, [(9,)], ["div"]),
    "minus one times": (lambda m, x: x * -1.0, [(9,)], ["neg"]),
    "one choice": (lambda m, x, y: m.where(x > y, x, x), [(9,), (9,)], []),
    "the other way round": (lambda m, x, y: m.where(~(x > y), x, y), [(9,), (9,)], ["gt", "where"]),
    "chosen before": (lambda m, x, y: m.where(x > y, m.where(x > y, x, 1.0), y), [(9,), (9,)], ["gt", "where"]),
    "known choice": (lambda m, x, y: m.where(m.number(True, bool), x, y), [(9,), (9,)], []),
    "not unequal": (lambda m, x, y: ~(x != y), [(9,), (9,)], ["eq"]),
    "there and back": (lambda m, x: m.cast(m.cast(m.cast(x > 0.0, np.int64), np.float64), bool), [(9,)], ["gt"]),
    # fold
    "numbers": (lambda m, x: x * (m.exp(m.number(0.0, F64)) + 1.0), [(9,)], ["mul"]),
    "constants": (lambda m, x: x * (m.constant(np.arange(3.0)) * 2.0), [(3,)], ["mul"]),
    "even constants": (lambda m, x: x * m.constant(np.ones((2, 3))), [(2, 3)], []),
    # common
    "twice": (lambda m, x, y: m.exp(x + y) * m.exp(y + x), [(9,), (9,)], ["add", "exp", "mul"]),
    # views
    "reshapes": (lambda m, x: m.reshape(m.reshape(x, (6, 2)), (3, 4)), [(3, 4)], []),
    "permutations": (lambda m, x: m.permute(m.permute(x, (2, 0, 1)), (1, 2, 0)), [(2, 3, 4)], []),
    "moving ones": (lambda m, x: m.permute(x, (1, 0, 2)), [(1, 3, 2)], ["reshape"]),
    "slices": (lambda m, x: m.slice(m.slice(x, (8,), (4,), (-2,)), (1,), (2,), (2,)), [(9,)], ["slice"]),
    "all of it": (lambda m, x: m.slice(x, (0,), (4,), (1,)), [(4,)], []),
    "slice of a row": (lambda m, x: m.slice(_unbind(m, x)[1], (0, 1), (2, 2)), [(3, 2, 4)], ["slice", "reshape"]),
    "slice of rows split": (
        lambda m, x: m.slice(m.reshape(x, (3, 2, 4)), (1, 0, 0), (2, 2, 4)), [(6, 4)], ["slice", "reshape"]
    ),
    "slice of a permutation": (
        lambda m, x: m.slice(m.permute(x, (2, 0, 1)), (1, 0, 0), (2, 3, 2), (1, 1, 2)), [(3, 4, 3)],
        ["slice", "permute"],
    ),
    "slice of what is repeated": (
        lambda m, x: m.slice(m.expand(x, (5, 4)), (1, 1), (3, 2), (1, 2)), [(1, 4)], ["slice", "expand"]
    ),
    "repeated numbers": (
        lambda m, x: x * m.reshape(m.permute(m.full((2, 3, 4), 2.0, F64), (2, 0, 1)), (8, 3)), [(8, 3)], ["mul"]
    ),
    # pieces
    "piece of a whole": (lambda m, x, y: m.slice(m.concat([x, y], 1), (0, 3), (2, 2)), [(2, 3), (2, 3)], ["slice"]),
    "a piece": (lambda m, x, y: m.slice(m.concat([x, y], 1), (0, 3), (2, 3)), [(2, 3), (2, 3)], []),
    "what was placed": (lambda m, x: m.slice(m.place(x, (2, 0), (5, 2)), (2, 0), (3, 2)), [(3, 2)], []),
    "between what was placed": (lambda m, x, y: y * m.slice(m.place(x, (2,), (9,)), (6,), (3,)), [(3,), (3,)], ["mul"]),
    "half of what was placed": (
        lambda m, x: m.slice(m.place(x, (2,), (9,)), (1,), (3,)), [(3,)], ["slice", "place"]
    ),
    "placed twice": (lambda m, x: m.place(m.place(x, (1,), (4,)), (2,), (9,), (2,)), [(3,)], ["place"]),
    "cut and joined": (
        lambda m, x: m.concat([m.slice(x, (0, 1), (2, 2)), m.slice(x, (0, 3), (2, 1))], 1), [(2, 5)], ["slice"]
    ),
    "joined in turn": (lambda m, x, y: m.concat([m.concat([x, y], 0), x], 0), [(2,), (3,)], ["concat"]),
    # repeats
    "repeated at last": (
        lambda m, x, y: m.exp(m.expand(x, (4, 3)) * m.expand(y, (4, 3))), [(1, 3), (1, 3)], ["mul", "exp", "expand"]
    ),
    "sum of what is repeated": (lambda m, x: m.sum(m.expand(x, (4, 3)), (0,), True), [(1, 3)], ["mul"]),
    "largest of what is repeated": (lambda m, x: m.max(m.expand(x, (4, 3)), (0,), True), [(1, 3)], []),
    "sum of a sum": (lambda m, x: m.sum(m.sum(x, (0,), True), (1,), True), [(4, 3)], ["add"]),
    "sum of rows": (lambda m, x: m.sum(m.reshape(x, (6, 4)), (0,), False), [(2, 3, 4)], ["add", "reshape"]),
    "sum of a permutation": (
        lambda m, x: m.sum(m.permute(x, (1, 0, 2)), (1, 2), False), [(2, 3, 4)], ["add", "reshape"]
    ),
    "shared matrix": (
        lambda m, x, y: m.gemm(x, y), [(2, 3, 4), (4, 5)], ["reshape", "gemm", "reshape"]
    ),
    # whole graphs
    "transposed product": (
        lambda m, x, y: m.transpose(m.gemm(x, m.transpose(y))), [(2, 3), (4, 3)], ["permute", "gemm"]
    ),
    "sum of products": (
        lambda m, x, y: _loop(*[m.gemm(m.transpose(h), g) for h, g in zip(_unbind(m, x), _unbind(m, y), strict=True)]),
        [(3, 2, 4), (3, 2, 5)], [*["slice", "reshape", "permute", "slice", "reshape"] * 3, "gemms"],
    ),
    "sum of sums": (
        lambda m, x: _loop(*[m.sum(g * g, 0) for g in _unbind(m, x)]),
        [(3, 2, 4)],
        [*["slice", "reshape", "mul"] * 3, "add", "add", "add", "reshape"],
    ),
    "gradient of unbind": (
        lambda m, x: _unbound(m, [-g for g in _unbind(m, x)]), [(4, 2, 3)],
        [*["slice", "reshape", "neg", "reshape"] * 4, "concat"],
    ),
    "gradient of chunk and unbind": (
        lambda m, x, y: _unbound(m, [_chunked(m, [x, y]), _chunked(m, [y, x])]), [(2, 3), (2, 3)],
        ["reshape", "reshape", "concat", "concat", "concat"],
    ),
    "gradient of some pieces": (
        lambda m, x, y: _loop(m.place(x, (0, 1), (2, 9)), m.place(y, (0, 5), (2, 9)), m.place(x, (0, 2), (2, 9))),
        [(2, 3), (2, 2)], ["place", "reshape", "expand", "expand", "concat", "add"],
    ),
    # where nothing must be done, or not all
    "turned twice": (lambda m, x: m.permute(m.permute(x, (1, 0, 2)), (0, 2, 1)), [(2, 3, 4)], ["permute"]),
    "repeated and merged": (lambda m, x: m.reshape(m.expand(x, (2, 3)), (6,)), [(1, 3)], ["expand", "reshape"]),
    "slice within rows split": (
        lambda m, x: m.slice(m.reshape(x, (3, 2, 4)), (0, 1, 0), (3, 1, 4)), [(6, 4)], ["reshape", "slice"]
    ),
    "every second of rows split": (
        lambda m, x: m.slice(m.reshape(x, (3, 2, 4)), (0, 0, 0), (2, 2, 4), (2, 1, 1)), [(6, 4)], ["reshape", "slice"]
    ),
    "end of what was placed": (lambda m, x: m.slice(m.place(x, (2,), (9,)), (3,), (5,)), [(3,)], ["slice", "place"]),
    "sum across rows": (
        lambda m, x: m.sum(m.reshape(x, (2, 6)), 1, True), [(3, 4)], ["reshape", "add"]
    ),
    "sum of largest": (lambda m, x: m.sum(m.max(x, 0, True), 1, True), [(3, 4)], ["max", "add"]),
    "partly shared matrix": (lambda m, x, y: m.gemm(x, y), [(2, 3, 4, 5), (1, 3, 5, 2)], ["expand", "gemm"]),
    "other chosen before": (
        lambda m, x, y: m.where(x > y, x, m.where(x > y, 1.0, y)), [(9,), (9,)], ["gt", "where"]
    ),
    "through less": (
        lambda m, x: m.cast(m.cast(x / 3.0, np.float32), np.float64), [(9,)], ["div", "cast", "cast"]
    ),
    "two nothings": (lambda m, x: x / m.where(x > 0.0, 0.0, -0.0), [(9,)], ["gt", "where", "div"]),
    "product wanted twice": (
        lambda m, x: m.gemm(x, x) + m.transpose(m.gemm(x, x)), [(3, 3)], ["gemm", "permute", "add"]
    ),
    "products used elsewhere": (
        lambda m, x, y: (m.gemm(x, x) + m.gemm(y, y)) * m.gemm(x, x), [(3, 3), (3, 3)], ["gemm", "gemm", "add", "mul"]
    ),
    "products of other lengths": (
        lambda m, x, y: m.gemm(x, m.transpose(x)) + m.gemm(y, m.transpose(y)), [(3, 2), (3, 4)],
        ["permute", "permute", "gemm", "gemm", "add"],
    ),
    "placed with gaps": (
        lambda m, x, y: m.place(x, (0,), (6,), (2,)) + m.place(y, (3,), (6,), (2,)), [(2,), (2,)],
        ["place", "place", "add"],
    ),
    "sums over other dimensions": (
        lambda m, x, y: m.sum(x, 0) + m.sum(y, 1), [(3, 3), (3, 3)], ["add", "reshape", "add", "reshape", "add"]
    ),
    "sums of much": (
        lambda m, x: m.sum(x, 0) + m.sum(x * x, 0), [(1024, 65)], ["add", "reshape", "mul", "add", "reshape", "add"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_fires(name: str) -> None:
    recipe, shapes, expected = CASES[name]
    m = Maths()
    before = recipe(m, *[given_term(m, i, *s) for i, s in enumerate(shapes)])
    (after,) = rewritten(before)
    for odd in (False, True):
        same(before, after, *[numbers(s, i, odd) for i, s in enumerate(shapes)])
    assert sorted(kinds(after)) == sorted(expected)


WHOLE: dict[str, tuple[Any, list[str]]] = {
    "plus nothing": (lambda m, x: x + 0, []),
    "times one": (lambda m, x: 1 * x, []),
    "multiple of a multiple": (lambda m, x: (x * 2) * 3, ["mul", "mul"]),
    "signs of factors": (lambda m, x: -x * -x, ["neg", "mul"]),
    "a negative plus": (lambda m, x: -x + x, ["sub"]),
    "sum of what is repeated": (lambda m, x: m.sum(m.expand(m.reshape(x, (1, 9)), (4, 9)), (0,)), ["mul"]),
    "any of what is repeated": (lambda m, x: m.any(m.expand(m.reshape(x > 0, (1, 9)), (4, 9)), (0,)), ["gt"]),
    "wide and narrow": (lambda m, x: m.cast(m.cast(x, np.int32), np.int64), ["cast", "cast"]),
    "narrow and wide": (lambda m, x: m.cast(m.cast(m.cast(x, np.int32), np.int64), np.float64), ["cast", "cast"]),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers(name: str) -> None:
    recipe, expected = WHOLE[name]
    m = Maths()
    before = recipe(m, given_term(m, 0, 9, dtype=np.int64))
    (after,) = rewritten(before)
    same(before, after, np.array([0, 1, -1, 5, 2**40, -(2**40), 2**62, -(2**63), 7]))
    assert sorted(k for k in kinds(after) if k not in ("reshape",)) == sorted(expected)


def test_what_is_alike_is_made_once() -> None:
    m = Maths()
    x, y = given_term(m, 0, 3, 3), given_term(m, 1, 3, 3)
    a, b = rewritten(m.gemm(x, y) + x, x + m.gemm(x, y))
    assert a is b
    a, b = rewritten(m.gemm(x, y) + x, x + m.gemm(x, y), without=["common"])
    assert a is not b


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match="there is no magic"):
        rewritten(without=["magic"])


def test_hundreds_of_pieces_take_no_longer_than_they_are_many() -> None:
    m = Maths()
    x = given_term(m, 0, 300, 2, 4)
    before = _unbound(m, [m.exp(g) for g in _unbind(m, x)])
    (after,) = rewritten(before)
    assert kinds(after).count("concat") == 1
    assert sum(k == "exp" for k in kinds(after)) == 300
    assert sum(x.kind == "place" for x in order([after])) == 0
    same(before, after, numbers((300, 2, 4)))
