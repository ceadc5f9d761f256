"""The arms of a spiral, each a class."""

from __future__ import annotations

from upriver.data import spiral
from upriver.i18n import say

from .base import Options, Recipe, Task
from .points import build_points


def build(options: Options) -> Task:
    """The task of telling the classes apart."""
    return build_points(
        options,
        lambda: spiral(900, noise=0.02, seed=0),
        lambda: spiral(900, noise=0.02, seed=1),
        say("points of three spiral arms"),
    )


RECIPE = Recipe(
    name="spiral",
    build=build,
    defaults=Options(hidden=(16, 16), lr=0.02, batch_size=32, epochs=40),
    ideas=lambda: (
        ("--activation identity", say("without a bend, layers are one line: see it fail")),
        ("--hidden 2", say("how few units will do?")),
    ),
)
