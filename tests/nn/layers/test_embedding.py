from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, DimError, ShapeError


@pytest.mark.parametrize("padding", [None, 2, -1])
@pytest.mark.parametrize("index", [[1, 2, 2, 9], [[0, 1], [2, 3]], 4])
def test_as_in_pytorch(beside, padding, index):
    beside(lambda nn: nn.Embedding(10, 3, padding_idx=padding), np.array(index))


def test_the_padding_row_starts_at_zero():
    assert nn.Embedding(4, 3, padding_idx=1).weight[1].tolist() == [0, 0, 0]


def test_from_pretrained():
    table = ur.tensor([[1.0, 2.0], [3.0, 4.0]])
    layer = nn.Embedding.from_pretrained(table)
    assert layer(ur.tensor([1])).tolist() == [[3, 4]]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(ShapeError, match="a table of shape"):
        nn.Embedding.from_pretrained(ur.zeros(3))


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="num_embeddings is -2"):
        nn.Embedding(-2, 3)
    with pytest.raises(ArgumentError, match="no row padding_idx=5"):
        nn.Embedding(5, 3, padding_idx=5)
    with pytest.raises(DimError, match="out of range"):
        nn.Embedding(5, 3)(ur.tensor([5]))
