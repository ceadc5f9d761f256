"""A trace read back from its document: checked first, then its nodes, edges and frames by name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..causes import cause
from ..errors import ArgumentError, FileError
from ..i18n import say
from .encoding import decode, dumps
from .schema import rejected


class Trace:
    """A trace that was read: the nodes, the edges, and the frames of the walk.

    Args:
        data: the document; :func:`load_trace` checks one first.

    Attributes:
        data: the document as it is.
        nodes, edges, modules: lists of dictionaries, as ``docs/trace.md`` describes them.
        frames, module_frames: the walk, operation by operation and module by module.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> t = ur.load_trace(ur.explain((w * 3 - 10) ** 2, wrt=w).trace())
        >>> t.gradient("w"), len(t.frames)
        (array(-24., dtype=float32), 9)
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.nodes: list[dict[str, Any]] = data["nodes"]
        self.edges: list[dict[str, Any]] = data["edges"]
        self.modules: list[dict[str, Any]] = data["modules"]
        self.frames: list[dict[str, Any]] = data["frames"]
        self.module_frames: list[dict[str, Any]] = data["module_frames"]

    @property
    def sentence(self) -> str:
        """What the gradients mean."""
        return str(self.data["result"]["sentence"])

    def node(self, which: int | str) -> dict[str, Any]:
        """A node by its id or by its name.

        Raises:
            ArgumentError: there is none.
        """
        if isinstance(which, str):
            found = next((n for n in self.nodes if n["name"] == which), None)
        else:
            found = self.nodes[which] if 0 <= which < len(self.nodes) else None
        if found is None:
            names = ", ".join([n["name"] for n in self.nodes if n["kind"] != "constant"][:12])
            raise ArgumentError(f"trace: there is no node {which!r}", f"There are {names}.")
        return found

    def value(self, which: int | str) -> Any:
        """The value of a node as an array; None where only its summary was written."""
        node = self.node(which)
        return decode(node["value"], node["dtype"])

    def gradient(self, which: int | str) -> Any:
        """The gradient of a node as an array; None where only its summary was written.

        Raises:
            ArgumentError: it was not computed, which is not the same as zero.
        """
        node = self.node(which)
        if node["gradient"] is None:
            raise ArgumentError(f"trace: the gradient of {node['name']} was not computed (which is not zero)")
        return decode(node["gradient"], node["dtype"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the document to a file."""
        Path(path).write_text(dumps(self.data), encoding="utf-8")

    def html(self, **options: Any) -> str:
        """The page in one file that shows it; see :func:`upriver.explain.page.html`."""
        from .page import html

        return html(self.data, **options)

    def __repr__(self) -> str:
        return say(
            "<Trace of {values} values, {frames} frames: {sentence}>",
            values=len(self.nodes), frames=len(self.frames), sentence=self.sentence,
        )  # fmt: skip


def load_trace(source: str | os.PathLike[str] | Mapping[str, Any] | Trace) -> Trace:
    """Read a trace back, and check that it is one.

    Args:
        source: a file, or the document itself.

    Raises:
        FileError: the file cannot be read, is not a trace, is damaged, or was written by a newer version.
        ArgumentError: the same of a document that is not from a file.
    """
    if isinstance(source, Trace):
        return source
    if isinstance(source, Mapping):
        wrong = rejected(source)
        if wrong is not None:
            message, fix = wrong
            raise ArgumentError(f"trace: {message}", fix, at=False)
        return Trace(dict(source))
    path = Path(source)
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {cause(error)}", at=False) from None
    except RecursionError:
        raise FileError(f"{path}: is nested too deeply to be a trace", at=False) from None
    except ValueError as error:
        fix = "Write it again, as with upriver explain ... --trace FILE."
        raise FileError(f"{path}: is not JSON ({cause(error)})", fix, at=False) from None
    wrong = rejected(data)
    if wrong is not None:
        message, remedy = wrong
        raise FileError(f"{path}: {message}", remedy, at=False)
    return Trace(data)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not a number of JSON")
