"""Arguments taken apart: the tensors that a program is given, and everything else, which it was recorded for."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..core.tensor import Tensor, to_array, wrap
from ..errors import ArgumentError

Plain = bool | int | float | complex | str | bytes | None


class Structure:
    """How nested arguments are built: containers and static leaves, with places for tensors.

    Two structures are equal if a program recorded for one is right for the other.

    Attributes:
        key: what it is compared by.

    Example:
        >>> import upriver as ur
        >>> tensors, structure = flatten(({"x": ur.ones(2)}, 3))
        >>> len(tensors), [structure == flatten(({"x": ur.zeros(2)}, n))[1] for n in (3, 4)]
        (1, [True, False])
        >>> structure.build([ur.zeros(1)])
        ({'x': tensor([0.])}, 3)
    """

    __slots__ = ("_hash", "kept", "key")

    def __init__(self, key: Hashable, kept: list[Any]) -> None:
        self.key, self.kept = key, kept
        self._hash = hash(key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and self.key == other.key

    def __hash__(self) -> int:
        return self._hash

    def build(self, tensors: Sequence[Any]) -> Any:
        """The arguments, with ``tensors`` in their places."""
        given = iter(tensors)
        kept = iter(self.kept)

        def make(key: Any) -> Any:
            kind = key[0]
            if kind is Tensor:
                return next(given)
            if kind == "static":
                return next(kept)
            parts = [make(part) for part in key[-1]]
            if kind is dict:
                return dict(zip(key[1], parts, strict=True))
            return kind(*parts) if hasattr(kind, "_fields") else kind(parts)

        return make(self.key)


def flatten(tree: Any) -> tuple[list[Tensor], Structure]:
    """The tensors in nested tuples, lists and dictionaries, and how these are built.

    NumPy arrays count as tensors. Anything else is static: compared by value where it can be hashed, else by identity.

    Raises:
        ArgumentError: a container holds itself.
    """
    tensors: list[Tensor] = []
    kept: list[Any] = []

    def key(x: Any, depth: int) -> Hashable:
        if isinstance(x, Tensor):
            tensors.append(x)
            return (Tensor,)
        if isinstance(x, np.ndarray):
            tensors.append(wrap(to_array(x), None))
            return (Tensor,)
        if depth > 64:
            raise ArgumentError("compile: the arguments are nested more than 64 deep", "Does a container hold itself?")
        if isinstance(x, dict):
            return (dict, tuple(x), tuple([key(part, depth + 1) for part in x.values()]))
        if isinstance(x, (tuple, list)):
            return (type(x), tuple([key(part, depth + 1) for part in x]))
        kept.append(x)
        try:
            hash(x)
        except TypeError:
            return ("static", type(x), id(x))
        return ("static", type(x), x.hex() if isinstance(x, float) else x)  # 0.0 is not -0.0; one NaN is another

    return tensors, Structure(key(tree, 0), kept)
