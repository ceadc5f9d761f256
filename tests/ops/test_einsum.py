"""Einstein's summation: values, gradients and second gradients as PyTorch's, forms of the equation, and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, DimError, DTypeError, ShapeError

from .second_order import agree_twice

RNG = np.random.default_rng(0)


def ones(*shape: int, dtype: Any = np.float32) -> Tensor:
    return Tensor(np.ones(shape, dtype))


EQUATIONS = [
    ("ij,jk->ik", ((2, 3), (3, 4))), ("ij,jk", ((2, 3), (3, 4))), (" i j , j k -> k i ", ((2, 3), (3, 4))),
    ("bhid,bhjd->bhij", ((2, 3, 4, 5), (2, 3, 6, 5))), ("bthd,bshd->bhts", ((2, 4, 3, 5), (2, 6, 3, 5))),
    ("ii->i", ((3, 3),)), ("ii", ((3, 3),)), ("...ii->...", ((2, 3, 3),)), ("iij,jk->ik", ((3, 3, 2), (2, 4))),
    ("iii->i", ((3, 3, 3),)), ("...ij,jk->...ik", ((2, 5, 2, 3), (3, 4))),
    ("...ij,...jk->...ik", ((5, 2, 3), (2, 1, 3, 4))), ("...,...->...", ((3, 2), (2,))),
    ("b...,b...->...", ((4, 2, 3), (4, 2, 3))), ("ij->ji", ((2, 3),)), ("ij->", ((2, 3),)), ("ba", ((2, 3),)),
    ("ijk->j", ((2, 3, 4),)), ("i,j->ij", ((2,), (3,))), ("i,j", ((2,), (3,))), ("bi,bi->bi", ((2, 3), (2, 3))),
    ("bi,bi->b", ((2, 3), (2, 3))), ("bi,bi->", ((2, 3), (2, 3))), ("ij,kl->i", ((2, 3), (4, 5))),
    ("ij,jk,kl->il", ((2, 3), (3, 4), (4, 5))), ("ab,bc,cd,de->ae", ((2, 3), (3, 4), (4, 5), (5, 2))),
    ("bn,anm,bm->ba", ((2, 3), (5, 3, 4), (2, 4))), ("abcd,cb->da", ((2, 3, 4, 5), (4, 3))),
    ("i,i,i->i", ((3,), (3,), (3,))), (",i->i", ((), (3,))), ("bij,bjk->bik", ((1, 2, 3), (4, 3, 5))),
    ("ia,jb,kc->ijk", ((2, 1), (1, 3), (1, 1))), ("ij,jk->ik", ((2, 0), (0, 3))),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS, ids=str)
def test_einsum_is_pytorchs(equation: str, shapes: Any) -> None:
    torch = pytest.importorskip("torch")
    arrays = [RNG.standard_normal(s) for s in shapes]
    agree_twice(lambda *x: ops.einsum(equation, *x), lambda *x: torch.einsum(equation, *x), *arrays)


def test_lists_instead_of_letters() -> None:
    a, b = Tensor(RNG.standard_normal((2, 3))), Tensor(RNG.standard_normal((3, 4)))
    for out in (
        ops.einsum(a, [0, 1], b, [1, 2], [0, 2]),
        ops.einsum(a, [0, 1], b, [1, 2]),
        ops.einsum("ij,jk", [a, b]),
    ):
        np.testing.assert_allclose(out.array, a.array @ b.array, rtol=1e-12)


def test_an_operand_twice() -> None:
    x = Tensor(RNG.standard_normal((3, 3)), requires_grad=True)
    (g,) = ur.grad(ops.einsum("ij,jk,ki->", x, x, x), x)
    np.testing.assert_allclose(g.array, 3 * (x.array @ x.array).T, rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ops.einsum("ij,jk->ik", ones(2, 3), ones(2, 3)), ShapeError, "'j' is 3 in one operand and 2"),
        (lambda: ops.einsum("ij,jk->ik", ones(2, 3)), ArgumentError, "names 2 operands, 1"),
        (lambda: ops.einsum("ijk->i", ones(2, 3)), ShapeError, r"operand 0 has shape \[2, 3\]"),
        (lambda: ops.einsum("i...jk->i", ones(2, 3)), ArgumentError, "malformed"),
        (lambda: ops.einsum("i1->i", ones(2, 3)), ArgumentError, "malformed"),
        (lambda: ops.einsum("ij->k", ones(2, 3)), ArgumentError, "some operand"),
        (lambda: ops.einsum("ij->ii", ones(2, 3)), ArgumentError, "once"),
        (lambda: ops.einsum("ii->i", ones(2, 3)), ShapeError, "einsum"),
        (lambda: ops.einsum("ij,jk", ones(2, 3), ones(3, 2, dtype=np.float64)), DTypeError, "einsum: .*one dtype"),
        (lambda: ops.einsum("ij"), ArgumentError, "no operands"),
        (lambda: ops.tensordot(ones(2), ones(2), dims=2), DimError, "tensordot"),
        (lambda: ops.tensordot(ones(2), ones(2), dims=([0], [1])), DimError, "out of range"),
    ],
)
def test_errors_say_what_is_wrong(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()
