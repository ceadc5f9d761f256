"""Graphs that the tests of pictures share: the example GPT, and random programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import upriver as ur
from upriver import nn
from upriver.core.graph import Graph

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))


def gpt(layers: int = 4) -> Graph:
    from gpt import GPT, GPTConfig

    ur.manual_seed(0)
    model = GPT(GPTConfig(11, block_size=8, n_layer=layers, n_head=2, n_embd=8))
    x = ur.tensor(np.random.default_rng(0).integers(0, 11, (2, 8)))
    return Graph.of(model(x, x)[1])


@st.composite
def programs(draw: Any) -> Graph:
    """A random program of operations, some of them in modules that are called over and over."""
    ur.manual_seed(0)
    blocks = [nn.Sequential(nn.Linear(3, 3), nn.Tanh()), nn.Linear(3, 3), nn.LayerNorm(3)]
    values = [ur.ones(2, 3), ur.ones(2, 3, requires_grad=True)]
    for _ in range(draw(st.integers(1, 40))):
        a, b = (values[-1 - draw(st.integers(0, min(5, len(values) - 1)))] for _ in range(2))
        kind = draw(st.integers(0, 6))
        values.append(blocks[kind](a) if kind < 3 else [a + b, a * 0.5, a.T.T, a.tanh()][kind - 3])
    return Graph.of(values[-1].sum())
