"""One entry of a leaf: ``w[3, 17]`` is understood as that entry of ``w``."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from ..core.graph import Node
from ..core.tensor import Tensor
from ..errors import ArgumentError, GradError
from ..ops.slices import basic_index

Index = tuple[int, ...]


def entry_of(x: Any, within: Collection[Any] = ()) -> tuple[Any, Index | None]:
    """The leaf that ``x`` is, or was indexed from, and which entry; None for the whole of it.

    Args:
        x: a leaf, or one entry taken of a leaf with plain integers, as in ``w[3, 17]`` or ``w[3][17]``.
        within: nodes that may be meant as well, besides leaves: the results of the computation that is asked about.

    Returns:
        The leaf (or the node), and one integer for each of its dimensions, counted from the front.

    Raises:
        ArgumentError: ``x`` is no tensor, or an index that selects more than one entry.
        GradError: ``x`` is a result, not a leaf, and not ``within`` what is asked about.

    Example:
        >>> import upriver as ur
        >>> w = ur.zeros(4, 20, requires_grad=True)
        >>> entry_of(w[3, -3])[1], entry_of(w)[1]
        ((3, 17), None)
    """
    if not isinstance(x, Tensor):
        raise ArgumentError(
            f"a gradient is of a tensor, and this is of type {type(x).__name__}", "Give a leaf, or w[3, 17]."
        )
    keys: list[Any] = []
    at: Any = x
    while (node := _node(at)) is not None:
        if node in within:
            at = node
            break
        if node.op is not basic_index:
            raise GradError(
                f"this tensor is the result of {node.op.name}, and not a leaf or an entry of one",
                "Name the parameter itself, or one entry of it, as in w[3, 17].",
            )
        keys.append(node.attrs["key"])
        at = node.inputs[0]
    if not keys:
        return at, None
    if x.array.size != 1:
        raise ArgumentError(
            f"an index of shape {list(x.shape)} is {x.array.size} entries, and one was to be named",
            "Give one integer for each dimension, as in w[3, 17]; or the whole leaf.",
        )
    places: Any = np.arange(math.prod(at.shape)).reshape(at.shape)
    for key in reversed(keys):
        places = places[key]
    return at, tuple([int(i) for i in np.unravel_index(int(np.asarray(places).reshape(-1)[0]), at.shape)])


def _node(x: Any) -> Node | None:
    return x if type(x) is Node else x.node


def written(index: Index | None) -> str:
    """An index as it is written: ``[3, 17]``, and nothing for a number or a whole tensor."""
    return f"[{', '.join(map(str, index))}]" if index else ""
