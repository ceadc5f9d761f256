"""Two half moons that reach into one another."""

from __future__ import annotations

from upriver.data import moons
from upriver.i18n import say

from .base import Options, Recipe, Task
from .points import build_points


def build(options: Options) -> Task:
    """The task of telling the classes apart."""
    return build_points(
        options,
        lambda: moons(500, noise=0.1, seed=0),
        lambda: moons(500, noise=0.1, seed=1),
        say("points of two half moons"),
    )


RECIPE = Recipe(
    name="moons",
    build=build,
    defaults=Options(hidden=(16, 16), lr=0.02, batch_size=32, epochs=40),
    ideas=lambda: (
        ("--activation identity", say("without a bend, layers are one line: see it fail")),
        ("--hidden 2", say("how few units will do?")),
    ),
)
