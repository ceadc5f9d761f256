"""What a learner may set in the playground, with its bounds: everything that comes in is checked here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from ....errors import ArgumentError

MOST_LAYERS, MOST_UNITS = 6, 16
MOST_DRAWN = 500
MOST_TEXT = 400_000
"""Characters of a table of the learner's own."""

DATA = ("circle", "xor", "clouds", "spiral", "moons", "plane", "hills", "drawn", "table")
FEATURES = ("x", "y", "x²", "y²", "xy", "sin x", "sin y")
ACTIVATIONS = ("tanh", "relu", "leaky relu", "sigmoid", "gelu", "silu", "linear")
CLASS_LOSSES = ("log", "squared", "hinge")
QUANTITY_LOSSES = ("squared", "absolute", "huber")
OPTIMISERS = ("sgd", "momentum", "rmsprop", "adam", "adamw")
PENALTIES = ("none", "l1", "l2")
STARTS = ("lecun", "xavier", "he", "equal")
LIVE = ("rate", "strength")
"""What may change while a network trains; everything else begins it anew."""
SHARED = ("data", "count", "noise", "held", "batch", "seed", "drawn", "table")
"""What two configurations side by side have in common."""


@dataclass(frozen=True)
class Config:
    """One network, its data and how it is trained.

    Attributes:
        data: the set of points, one of :data:`DATA`.
        count: how many points are made.
        noise: from 0 to 1.
        held: the share of the points that is kept for testing.
        features: what the network is given of a point.
        layers: the units of each hidden layer.
        activation: after each hidden layer.
        loss: of a prediction; what data with quantities have no such loss for is replaced by the squared one.
        optimiser: the update rule.
        rate: the learning rate.
        penalty, strength: on the weights, and how strong.
        batch: samples per step.
        start: how weights are drawn.
        spread: times which they are multiplied.
        seed: which points, which weights, which order.
        drawn: points as (x, y, class 0 or 1), for the data ``"drawn"``.
        table: for the data ``"table"``: ``text`` and the names of the columns ``x``, ``y``, ``target``, and ``yes``,
            the value of the target that is to be told from all others.
    """

    data: str = "circle"
    count: int = 300
    noise: float = 0.1
    held: float = 0.3
    features: tuple[str, ...] = ("x", "y")
    layers: tuple[int, ...] = (4, 2)
    activation: str = "tanh"
    loss: str = "log"
    optimiser: str = "sgd"
    rate: float = 0.03
    penalty: str = "none"
    strength: float = 0.001
    batch: int = 10
    start: str = "lecun"
    spread: float = 1.0
    seed: int = 1
    drawn: tuple[tuple[float, float, int], ...] = ()
    table: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """A configuration of what a page sent; what it leaves out is as usual.

        Raises:
            ArgumentError: a value is not one that can be set.

        Example:
            >>> Config.of({"layers": [8, 8], "rate": 0.1}).layers
            (8, 8)
        """
        if not isinstance(given, Mapping):
            raise ArgumentError("playground: a configuration is a set of names and values", at=False)
        known = {field.name for field in fields(cls)}
        if unknown := sorted(str(name) for name in given if name not in known):
            raise ArgumentError(f"playground: there is no setting {unknown[0]!r}", "See docs/playground.md.", at=False)
        usual = cls()
        found: dict[str, Any] = {}
        for name, allowed in _WORDS.items():
            found[name] = _one_of(name, given.get(name, getattr(usual, name)), allowed)
        for name, (low, high) in _WHOLE.items():
            found[name] = whole(name, given.get(name, getattr(usual, name)), low, high)
        for name, (low_, high_) in _REAL.items():
            found[name] = real(name, given.get(name, getattr(usual, name)), low_, high_)
        chosen = _several("features", given.get("features", usual.features), len(FEATURES))
        for feature in chosen:
            _one_of("features", feature, FEATURES)
        if not chosen:
            raise ArgumentError(
                "playground: the network is given nothing of a point", "Choose at least one feature.", at=False
            )
        found["features"] = tuple([feature for feature in FEATURES if feature in chosen])
        sizes = _several("layers", given.get("layers", usual.layers), MOST_LAYERS)
        found["layers"] = tuple([whole("units", size, 1, MOST_UNITS) for size in sizes])
        found["drawn"] = tuple([_point(p) for p in _several("drawn", given.get("drawn", ()), MOST_DRAWN)])
        found["table"] = _table(given.get("table", ()))
        return cls(**found)

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it; what :meth:`of` reads back."""
        return {**asdict(self), "table": dict(self.table)}


_WORDS: dict[str, Sequence[str]] = {
    "data": DATA,
    "activation": ACTIVATIONS,
    "loss": tuple(dict.fromkeys((*CLASS_LOSSES, *QUANTITY_LOSSES))),
    "optimiser": OPTIMISERS,
    "penalty": PENALTIES,
    "start": STARTS,
}
_WHOLE = {"count": (20, 1000), "batch": (1, 200), "seed": (0, 1_000_000)}
_REAL = {"noise": (0.0, 1.0), "held": (0.1, 0.9), "rate": (1e-6, 100.0), "strength": (0.0, 10.0), "spread": (0.0, 20.0)}


def real(name: str, value: Any, low: float, high: float) -> float:
    """A number from ``low`` to ``high``.

    Raises:
        ArgumentError: it is none.
    """
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or not low <= value <= high:
        raise ArgumentError(f"playground: {name}={value!r}", f"It is a number from {low:g} to {high:g}.", at=False)
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ArgumentError(f"playground: {name}={value!r}", f"It is a whole number from {low} to {high}.", at=False)
    return value


def _one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ArgumentError(f"playground: {name}={value!r}", f"It is one of {', '.join(allowed)}.", at=False)
    return str(value)


def _several(name: str, value: Any, most: int) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > most:
        raise ArgumentError(f"playground: {name} is no list of at most {most}", "Shorten it.", at=False)
    return value


def _point(value: Any) -> tuple[float, float, int]:
    x, y, kind = value if isinstance(value, Sequence) and len(value) == 3 else (None, None, None)
    return real("x of a point", x, -6.0, 6.0), real("y of a point", y, -6.0, 6.0), whole("class of a point", kind, 0, 1)


def _table(value: Any) -> tuple[tuple[str, str], ...]:
    given = dict(value) if isinstance(value, (Mapping, tuple, list)) else None
    names = ("text", "x", "y", "target", "yes")
    if given is None or any(key not in names or not isinstance(text, str) for key, text in given.items()):
        raise ArgumentError("playground: a table is its text and names of columns", at=False)
    if len(given.get("text", "")) > MOST_TEXT:
        size = len(given["text"])
        raise ArgumentError(
            f"playground: the table has {size:,} characters, and at most {MOST_TEXT:,} are read",
            "Leave out rows, and columns that are not needed.",
            at=False,
        )
    return tuple(sorted(given.items()))
