"""Values for which an operation is an error: a compiled call gives the error of an eager one and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.tensor import Tensor
from upriver.errors import UpriverError
from upriver.nn import functional as F

pytest.importorskip("llvmlite")


def _assigned(x: Tensor, key: Any) -> Tensor:
    y = x * 1
    y[key] = 5.0
    return y


COLUMNS = [[0, 2]] * 4
PAST = [[0, 3]] * 4
BEFORE = [[0, -1]] * 4
CASES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Any, list[Any]]] = {
    "gather": (lambda x, i: x.gather(1, i), COLUMNS, [PAST, BEFORE]),
    "take_along_dim": (lambda x, i: ur.take_along_dim(x, i, dim=1), COLUMNS, [PAST, BEFORE]),
    "take_along_dim of all": (lambda x, i: ur.take_along_dim(x, i), [0, 11], [[0, 12], [-1, 0]]),
    "scatter": (lambda x, i: x.scatter(1, i, 2.0), COLUMNS, [PAST, BEFORE]),
    "scatter of a source": (lambda x, i: x.scatter(1, i, x * 2), COLUMNS, [PAST, BEFORE]),
    "scatter_add": (lambda x, i: x.scatter_add(1, i, x), COLUMNS, [PAST, BEFORE]),
    "index_add": (lambda x, i: x.index_add(0, i, x[:2]), [0, -4], [[0, 4], [-5, 0]]),
    "index_select": (lambda x, i: x.index_select(0, i), [0, -4], [[0, 4], [-5, 0]]),
    "index": (lambda x, i: x[i], [0, -4], [[0, 4], [-5, 0]]),
    "index of columns": (lambda x, i: x[:, i], [0, -3], [[0, 3], [-4, 0]]),
    "index twice": (lambda x, i: x[i, i], [0, -3], [[0, 3], [-4, 0]]),
    "index apart": (lambda x, i: x.reshape(2, 2, 3)[i, :, i], [0, -2], [[0, 2], [-3, 0]]),
    "assignment": (_assigned, [0, -4], [[0, 4], [-5, 0]]),
    "assignment twice": (lambda x, i: _assigned(x, (i, i)), [0, -3], [[0, 3], [-4, 0]]),
    "embedding": (lambda x, i: F.embedding(i, x), [0, 3], [[0, 4], [-1, 0]]),
    "one_hot": (lambda x, i: F.one_hot(i, 4).float() @ x, [0, 3], [[0, 4], [-1, 0]]),
    "cross_entropy": (F.cross_entropy, [0, 1, 2, 0], [[0, 3, 1, 1], [-1, 0, 0, 0]]),
    "nll_loss": (F.nll_loss, [0, 1, 2, 0], [[0, 3, 1, 1], [-1, 0, 0, 0]]),
    "floor_divide": (lambda x, i: x[:2] + (10 // i).reshape(2, 1), [1, -3], [[0, 3]]),
    "remainder": (lambda x, i: x[:2] + (i % i).reshape(2, 1), [1, -3], [[3, 0]]),
    "pow": (lambda x, i: x[:2] + (i**i).reshape(2, 1), [0, 3], [[3, -1]]),
    "pow of a number": (lambda x, i: x[:2] + (2**i).reshape(2, 1), [0, 3], [[3, -1]]),
}


class Twin:
    """A parameter, its optimiser, and a step with ``function`` in it; what counts is written before it runs."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.w = ur.nn.Parameter(ur.arange(1.0, 13.0).reshape(4, 3))
        self.sgd = ur.optim.SGD([self.w], lr=0.01, momentum=0.9)
        self.function = function

    def step(self, i: Tensor) -> Tensor:
        self.sgd.zero_grad()
        loss = (self.function(self.w, i) ** 2).sum()
        loss.backward()
        self.sgd.step()
        return loss


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_outside(name: str, native: bool) -> None:
    function, good, wrong = CASES[name]
    eager, mine = Twin(function), Twin(function)
    step = ur.compile(mine.step, native=native)
    for values in (good, good, *wrong, good):
        i = ur.tensor(np.array(values))
        raised = []
        for call in (eager.step, step):
            try:
                call(i)
            except UpriverError as error:
                raised.append((type(error), error.message))
        assert raised == ([] if values is good else [raised[0]] * 2)
        np.testing.assert_allclose(mine.w.array, eager.w.array, 1e-5)
    assert step.recordings == 1


@pytest.mark.parametrize("native", [True, False])
def test_what_is_read_later_only(native: bool) -> None:
    """The wrong value enters nothing that is written: all is as before nevertheless."""
    w = ur.nn.Parameter(ur.ones(3))
    sgd = ur.optim.SGD([w], lr=0.1)

    def step(i: Tensor) -> Tensor:
        sgd.zero_grad()
        (w * 2).sum().backward()
        sgd.step()
        return 7 // i

    compiled = ur.compile(step, native=native)
    compiled(ur.tensor([1, 2]))
    compiled(ur.tensor([1, 3]))
    before = w.array.copy()
    with pytest.raises(UpriverError, match="divided by 0"):
        compiled(ur.tensor([1, 0]))
    np.testing.assert_allclose(w.array, before - np.float32(0.2))  # as in eager: the step comes first
