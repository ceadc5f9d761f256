"""Write the graphs in docs/images that docs/pictures.md shows: ``python docs/make_pictures.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import upriver as ur
from upriver.explain.picture import gradients_of, svg

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "examples"))


def graph() -> str:
    """The worked example (w·x − y)²."""
    w, x, y = ur.tensor(2.0, requires_grad=True), ur.tensor(3.0), ur.tensor(10.0)
    graph = ur.Graph.of((w * x - y) ** 2)
    return svg(graph, gradients=gradients_of(graph), names={w: "w", x: "x", y: "y"}, title="(w·x − y)²")


def gpt() -> str:
    """The GPT of examples/gpt.py, of four layers, as 20 boxes."""
    from gpt import GPT, GPTConfig

    ur.manual_seed(0)
    model = GPT(GPTConfig(27, block_size=16, n_layer=4, n_head=4, n_embd=64))
    text = ur.tensor(np.random.default_rng(0).integers(0, 27, (8, 17)))
    _, loss = model(text[:, :-1], text[:, 1:])
    graph = ur.Graph.of(loss)
    return svg(graph, gradients=gradients_of(graph), budget=20, title="A GPT of four layers")


PICTURES = {"graph.svg": graph, "gpt.svg": gpt}

if __name__ == "__main__":
    ur.record_source_lines(False)  # the same file wherever it is written
    for name, draw in PICTURES.items():
        (HERE / "images" / name).write_text(draw(), encoding="utf-8")
