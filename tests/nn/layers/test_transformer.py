from __future__ import annotations

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError

OPTIONS = [
    {},
    {"norm_first": True, "activation": "gelu"},
    {"batch_first": True, "bias": False},
]
CAUSAL = np.triu(np.full((5, 5), -np.inf), 1)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_encoder_as_in_pytorch(beside, rng, options):
    def make(nn):
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **options)
        return nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8) if "bias" not in options else None)

    x = rng.standard_normal((5, 5, 8))
    beside(make, x, text=False)
    beside(lambda nn: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **options), x)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_encoder_masks_as_in_pytorch(beside, rng):
    x = rng.standard_normal((3, 5, 8))
    padding = np.zeros((3, 5), bool)
    padding[1, 3:] = True
    make = lambda nn: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    beside(make, x, src_mask=CAUSAL < 0)
    beside(make, x, src_key_padding_mask=padding, training=True)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_decoder_as_in_pytorch(beside, rng, options):
    def make(nn):
        layer = nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, **options)
        return nn.TransformerDecoder(layer, 2, norm=nn.LayerNorm(8) if "bias" not in options else None)

    x, memory = rng.standard_normal((5, 5, 8)), rng.standard_normal((5, 5, 8))
    beside(make, x, memory, text=False, tgt_mask=CAUSAL < 0)


def test_layers_are_copies():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)
    assert encoder.layers[0].linear1.weight is not encoder.layers[1].linear1.weight
    assert len(list(encoder.parameters())) == 24


def test_a_function_as_activation():
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=ur.tanh)
    assert layer(ur.zeros(3, 1, 8)).shape == (3, 1, 8)
    with pytest.raises(ArgumentError, match="activation 'swish'"):
        nn.TransformerEncoderLayer(8, 2, 16, activation="swish")
