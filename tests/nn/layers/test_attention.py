from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, DTypeError, ShapeError


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_self_attention_as_in_pytorch(beside, rng, batch_first, need, bias):
    class Own:
        """x attends to x: one tensor three times, so that one product serves all."""

        def __new__(cls, nn):
            class Model(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.attention = nn.MultiheadAttention(8, 2, bias=bias, batch_first=batch_first)

                def forward(self, x):
                    return self.attention(x, x, x, need_weights=need)

            return Model()

    beside(Own, rng.standard_normal((3, 5, 8)))
    beside(Own, rng.standard_normal((5, 8)))


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"kdim": 6, "vdim": 4}, {"bias": False}], ids=str)
def test_attention_to_another_sequence_as_in_pytorch(beside, rng, options, average):
    shapes = [(5, 3, 8), (7, 3, options.get("kdim", 8)), (7, 3, options.get("vdim", 8))]
    if options.get("batch_first"):
        shapes = [(b, a, c) for a, b, c in shapes]
    inputs = [rng.standard_normal(s) for s in shapes]
    beside(lambda nn: nn.MultiheadAttention(8, 2, **options), *inputs, average_attn_weights=average)
    beside(lambda nn: nn.MultiheadAttention(8, 2, **options), *inputs, need_weights=False)


@pytest.mark.parametrize("need", [True, False])
def test_masks_as_in_pytorch(beside, rng, need):
    x = rng.standard_normal((3, 5, 8))
    padding = np.zeros((3, 5), bool)
    padding[1, 3:] = True
    causal = np.triu(np.ones((5, 5), bool), 1)
    make = lambda nn: nn.MultiheadAttention(8, 2, batch_first=True)
    beside(make, x, x, x, key_padding_mask=padding, need_weights=need)
    beside(make, x, x, x, attn_mask=causal, need_weights=need)
    beside(make, x, x, x, attn_mask=causal, key_padding_mask=padding, need_weights=need)
    beside(make, x, x, x, attn_mask=rng.standard_normal((5, 5)), need_weights=need)
    beside(make, x, x, x, attn_mask=rng.standard_normal((6, 5, 5)), need_weights=need)
    if need is False:
        beside(make, x, x, x, attn_mask=causal, is_causal=True, need_weights=False)


@pytest.mark.parametrize("need", [True, False])
def test_causal_without_a_mask_sees_no_later_place(need):
    attend = nn.MultiheadAttention(8, 2, batch_first=True)
    x = ur.randn(2, 5, 8)
    mask = ur.ones(5, 5).triu(1).bool()
    expected, _ = attend(x, x, x, attn_mask=mask)
    found, _ = attend(x, x, x, is_causal=True, need_weights=need)
    assert ur.allclose(found, expected, atol=1e-6)


def test_weights_are_dropped_only_while_training():
    attend = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)
    x = ur.randn(2, 5, 8)
    assert not (attend(x, x, x)[0] == attend(x, x, x)[0]).all()
    attend.eval()
    assert (attend(x, x, x)[0] == attend(x, x, x)[0]).all()


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match=r"embed_dim=10 cannot be divided into num_heads=4(.|\n)*2, 5"):
        nn.MultiheadAttention(10, 4)
    with pytest.raises(ArgumentError, match="num_heads is 0"):
        nn.MultiheadAttention(8, 0)
    with pytest.raises(ArgumentError, match="not available"):
        nn.MultiheadAttention(8, 2, add_bias_kv=True)


def test_wrong_inputs_are_named():
    attend = nn.MultiheadAttention(8, 2, batch_first=True)
    x = ur.zeros(2, 5, 8)
    with pytest.raises(ShapeError, match="query, key and value"):
        attend(x, x[0], x)
    with pytest.raises(ShapeError, match="an attn_mask of shape"):
        attend(x, x, x, attn_mask=ur.zeros(4, 5))
    with pytest.raises(ShapeError, match="a key_padding_mask of shape"):
        attend(x, x, x, key_padding_mask=ur.zeros(5, 2))
    with pytest.raises(DTypeError, match="mask of dtype int64"):
        attend(x, x, x, attn_mask=ur.zeros(5, 5).long())
