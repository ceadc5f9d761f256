"""The picture of what ran, with one call: values, gradients, and the names of the caller's variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..causes import cause
from ..core.graph import Graph
from ..core.tensor import Tensor
from ..errors import ArgumentError, FileError
from ..i18n import say
from . import names
from .picture import gradients_of, svg


class Picture:
    """An SVG: a notebook shows it, ``str`` is its text.

    Args:
        text: the document.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file.

        Raises:
            FileError: the file cannot be written.
        """
        try:
            Path(path).write_text(self.text, encoding="utf-8")
        except OSError as error:
            raise FileError(f"{os.fspath(path)}: cannot be written: {cause(error)}", at=False) from None

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return say("<Picture of {n} characters of SVG: .save(path) writes it>", n=len(self.text))

    def _repr_svg_(self) -> str:
        return self.text


def draw(of: Tensor | Graph, *, names_of: Mapping[str, Any] | None = None, **options: Any) -> Picture:
    """The picture of the graph of a tensor, with the gradient of every value if the tensor is one number.

    No ``backward()`` is needed, and no ``.grad`` is touched. Of a tensor of more than one number, the gradients
    are what ``backward()`` left in the leaves; what was not computed is not shown as 0.

    Args:
        of: the result, or ``Graph.of`` it.
        names_of: names for values, besides the caller's own variables, as in ``{"w": w}``.
        options: those of :func:`upriver.explain.picture.svg`: ``budget``, ``expand``, ``theme``, ``direction``,
            ``views``, ``title``.

    Returns:
        A :class:`Picture`: a notebook shows it, ``.save("graph.svg")`` writes it.

    Raises:
        ArgumentError: ``of`` is neither, or an option is not as it should be.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> picture = ur.draw((w * 3 - 10) ** 2, names_of={"w": w})
        >>> "gradient −24" in str(picture)
        True
    """
    if not isinstance(of, (Tensor, Graph)):
        raise ArgumentError(f"draw: this is a {type(of).__name__}, not a tensor", "Pass what was computed: draw(loss).")
    graph = of if isinstance(of, Graph) else Graph.of(of)
    known = names.known_names(graph, {*graph.nodes, *graph.leaves}, names_of, None)
    one = graph.root.wants_grad and graph.root.array.size == 1
    return Picture(svg(graph, gradients=gradients_of(graph) if one else None, names=known, **options))
