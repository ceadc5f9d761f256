"""The boxes of a picture: what they stand for, how they are nested, and what they read of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from ..core.graph import Graph, Node
from ..core.tensor import Tensor

Kind = Literal["graph", "module", "repeat", "stretch", "operation", "leaf"]
Key = Any  # Node, or a leaf Tensor


class Box:
    """A box of a picture, closed or open.

    Attributes:
        kind: what it stands for: an operation, a leaf, a module's call, a pattern ``times`` over, a stretch of
            operations, or the whole graph.
        key: its name for ``expand``, and in files.
        module: the module that it is, or that an operation is the whole of; None for others.
        path: where the module is, as in ``blocks.3.mlp``.
        value: the node or leaf whose value it shows: its own, or the last one that was made in it.
        inside: what it contains, in order of time.
        times: how often a pattern is repeated.
        like: the earlier box beside it that looks the same.
        open: whether what it contains is shown in its place.
        parameters: by name those folded into it: the module's own.
    """

    __slots__ = (
        "inside", "key", "kind", "like", "module", "open", "parameters", "parent", "path", "sign", "times", "value",
    )  # fmt: skip

    def __init__(self, kind: Kind, key: str, path: str = "", value: Key = None, module: Any = None) -> None:
        self.kind, self.key, self.path, self.value, self.module = kind, key, path, value, module
        self.inside: list[Box] = []
        self.parent: Box | None = None
        self.parameters: dict[str, Tensor] = {}
        self.like: Box | None = None
        self.times = 1
        self.open = False
        self.sign = 0

    def operations(self) -> Iterator[Box]:
        """The operations in it, in order of time."""
        stack = [self]
        while stack:
            box = stack.pop()
            if box.kind == "operation":
                yield box
            stack.extend(reversed(box.inside))

    @property
    def within(self) -> list[Box]:
        """The boxes that it is in, innermost first."""
        found, box = [], self.parent
        while box is not None:
            found.append(box)
            box = box.parent
        return found

    def __repr__(self) -> str:
        return f"<{self.kind} {self.key}>"


class Link(NamedTuple):
    """What one box reads of another.

    Attributes:
        source, target: boxes that are shown.
        reads: what is read, and where: (node or leaf, the node that reads it, as which of its inputs).
        gradient: whether a gradient flows back along it.
    """

    source: Box
    target: Box
    reads: tuple[tuple[Key, Node, int], ...]
    gradient: bool


class Collapsed(NamedTuple):
    """What a picture shows.

    Attributes:
        graph: what ran.
        whole: the outermost box, which is open and is not drawn.
        boxes: the closed ones: operations, closed groups, leaves; sources before targets.
        links: between them.
        readings: how often each node or leaf is read where a gradient flows, past views.
    """

    graph: Graph
    whole: Box
    boxes: list[Box]
    links: list[Link]
    readings: Counter[Key]


def everything(whole: Box) -> Iterator[Box]:
    """Every box within ``whole``, open or not, outer before inner."""
    stack = [whole]
    while stack:
        box = stack.pop()
        if box is not whole:
            yield box
        stack.extend(reversed(box.inside))


def closed(whole: Box) -> list[tuple[Box, int]]:
    """The closed boxes that show, in order of time, with how deep they are."""
    found: list[tuple[Box, int]] = []
    stack = [(whole, 0)]
    while stack:
        box, depth = stack.pop()
        if box.open:
            stack.extend((child, depth + 1) for child in reversed(box.inside))
        else:
            found.append((box, depth))
    return found


def shown(whole: Box) -> Iterator[Box]:
    """The boxes and frames that show within ``whole``, outer before inner."""
    stack = list(reversed(whole.inside))
    while stack:
        box = stack.pop()
        yield box
        if box.open:
            stack.extend(reversed(box.inside))


def ancestor(box: Box, within: Box) -> Box:
    """The box directly within ``within`` that is ``box`` or contains it."""
    while box.parent is not within:
        assert box.parent is not None
        box = box.parent
    return box


def common(a: Box, b: Box) -> Box:
    """The innermost box that contains both."""
    around: Sequence[Box] = a.within
    return next(box for box in b.within if box in around)
