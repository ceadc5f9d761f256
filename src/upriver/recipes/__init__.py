"""Tasks by name, each a module written as a user would write it."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..i18n import say

if TYPE_CHECKING:
    from .base import Recipe

# Kept here so that a list of them needs none of them.
RECIPES = ("digits", "mnist", "fashion", "names", "xor", "moons", "spiral")


def about(name: str) -> str:
    """What a recipe is about, in a few words."""
    return {
        "digits": say("1,797 handwritten digits of 8×8 pixels; the place to start"),
        "mnist": say("5,000 of MNIST's handwritten digits, 28×28 pixels"),
        "fashion": say("70,000 photographs of clothes, 28×28 pixels"),
        "names": say("first names letter by letter; the network then makes some up"),
        "xor": say("points that no line divides"),
        "moons": say("two half moons that reach into one another"),
        "spiral": say("three arms of a spiral"),
    }[name]


def load_recipe(name: str) -> Recipe:
    """The recipe of that name; ``table`` is the one for the user's own file.

    Raises:
        ArgumentError: there is none.

    Example:
        >>> from upriver.recipes import load_recipe
        >>> load_recipe("digits").models
        ('mlp', 'cnn')
    """
    if name not in RECIPES and name != "table":
        near, listed = get_close_matches(name, RECIPES, 1, 0.4), ", ".join(RECIPES)
        raise ArgumentError(
            f"there is no recipe {name!r}",
            f"Did you mean {near[0]}? The recipes are {listed}." if near else f"The recipes are {listed}.",
            at=False,
        )
    module = importlib.import_module(f"{__name__}.{name}")
    return module.RECIPE
