"""An expression with values for its names: computed once or again and again, and explained.

The terminal and the pages ask here; what each of them allows, they say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.graph import sorted_nodes
from ..core.site import sites_off
from ..core.state import tracing
from ..core.tensor import Tensor
from ..errors import ArgumentError, DimError, GradError
from . import language
from .evaluate import evaluate, number
from .names import key_of

if TYPE_CHECKING:
    from .explanation import Explanation

_FLOAT = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


class Expression:
    """A parsed expression and the leaves that it is computed from.

    Args:
        source: in the language of :mod:`.language`.
        values: for each name in it a number, nested lists, an array, or text such as ``-1/3`` or ``[[1, 2]]``.
        most: how many entries a value may have; None for any number.

    Attributes:
        source: the text.
        names: its free names, in the order of their first use.
        leaves: a tensor of float64 for each, which requires a gradient.

    Raises:
        ArgumentError: it is outside the language, a name has no value, or a value no name.

    Example:
        >>> e = Expression("(w*x - y)**2", {"w": 2, "x": 3, "y": "10"})
        >>> e.names, e.result().item()
        (('w', 'x', 'y'), 16.0)
    """

    def __init__(self, source: str, values: Mapping[str, Any], *, most: int | None = None) -> None:
        self.program = language.parse(source)
        self.source, self.names, self.most = self.program.source, self.program.names, most
        for name in values:
            if name not in self.names:
                raise ArgumentError(f"the expression has no {name}", f"Its names are {_list(self.names)}.", at=False)
        if not self.names:
            raise ArgumentError("the expression has no names: there is nothing to differentiate by", at=False)
        self.leaves = {name: _leaf(name, value, most) for name, value in values.items()}

    def run(self) -> dict[str, Tensor]:
        """Every name and its tensor, computed anew; the result under ``""``.

        Raises:
            ArgumentError: the result is not one number, or nothing but a name; a name has no value.
        """
        with sites_off(), tracing():
            results = evaluate(self.program, self.leaves, most=self.most)
        root = results[""]
        if root.array.size != 1:
            raise ArgumentError(
                f"the expression gives shape {list(root.shape)}, and a gradient is that of one number",
                "Reduce it, as in sum(…) or mean(…).",
                at=False,
            )
        if root.node is None:
            raise ArgumentError("the expression is only a name: there is nothing to derive", at=False)
        return results

    def result(self) -> Tensor:
        """The value of the expression, computed anew: one number."""
        return self.run()[""]

    def explain(self, wrt: str | None = None, *, every: bool = False) -> Explanation:
        """The explanation of its gradients.

        Args:
            wrt: names, or entries as ``W[0,1]``, with commas between; None for the first name.
            every: by every name that a gradient flows to, instead.

        Raises:
            UpriverError: it cannot be computed, or has no such gradients.
        """
        from .derivation import derive

        results = self.run()
        root = results.pop("")
        if every:
            nodes = sorted_nodes(root.node) if root.node is not None else ()
            reached = {key for node in nodes for key in node.edges}
            asked: list[Any] = [(leaf, None) for leaf in self.leaves.values() if leaf in reached]
        else:
            asked = [target(part, results) for part in parts_of(self.names[0] if wrt is None else wrt)]
        if not asked:
            raise GradError(
                "no gradient flows to any name of the expression", "Use one in it that can matter.", at=False
            )
        if len(set(asked)) < len(asked):
            raise ArgumentError("wrt names something twice", "Name each once.", at=False)
        known = {key_of(x): name for name, x in results.items()}
        with sites_off(), tracing():
            return derive(root, asked, known, source=self.source)


def parts_of(wrt: str) -> list[str]:
    """The names and entries in a list of them: ``"W[0,1], b"`` → ``["W[0,1]", "b"]``."""
    return [part.strip() for part in re.split(r",(?![^\[]*\])", wrt)]


def target(part: str, named: Mapping[str, Tensor]) -> tuple[Any, tuple[int, ...] | None]:
    """``w`` or ``W[0,1]`` as the node or leaf that is meant, and the entry or None.

    Raises:
        ArgumentError: nothing has that name, or it is none.
        DimError: there is no such entry.
    """
    found = re.fullmatch(r"([\w.]+)\s*(?:\[([-\d,\s]+)\])?", part)
    if found is None:
        raise ArgumentError(f"wrt {part}: not a name or an entry", "Write w, or W[0,1] for one entry.", at=False)
    name, index = found.groups()
    if name not in named:
        raise ArgumentError(f"wrt {name}: the expression has no {name}", f"It has {_list(named)}.", at=False)
    x = named[name]
    if index is None:
        return key_of(x), None
    try:
        entry = tuple([int(i) for i in index.split(",")])
    except ValueError:
        raise ArgumentError(f"wrt {part}: not an index", "Write W[0,1].", at=False) from None
    return key_of(x), entry_in(name, entry, x.shape)


def entry_in(name: str, entry: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """An index counted from the front.

    Raises:
        DimError: it does not fit the shape.
    """
    if len(entry) == len(shape) and all(-n <= i < n for i, n in zip(entry, shape, strict=True)):
        return tuple([i % n for i, n in zip(entry, shape, strict=True)])
    fix = "Give one index in range for each dimension." if shape else f"Write {name}: it is one number."
    raise DimError(f"wrt {name}{list(entry)}: {name} has shape {list(shape)}", fix, at=False)


def _leaf(name: str, value: Any, most: int | None) -> Tensor:
    if isinstance(value, str):
        value = float(value) if _FLOAT.fullmatch(value) else number(value, most=most)  # plain numbers need no parser
    try:
        return Tensor(value, dtype="float64", requires_grad=True)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(
            f"the value of {name} is not a number or a list of numbers",
            "Give each row the same number of entries, as in 2 or [[1, 2], [3, 4]].",
            at=False,
        ) from None


def _list(names: Any) -> str:
    return ", ".join(names) if names else "none"
