"""What comes of recording a call: the program, what the call returned, and what it did to gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.state import Array
from ...core.tensor import Tensor
from .optimizer_step import Step
from .program import Program, Value

if TYPE_CHECKING:
    from .record import Recorder


class OfLeaf:
    """The ``.grad`` of a leaf as what a cell holds: whichever tensor that is at the time.

    Attributes:
        leaf: the leaf.
        before: the gradient that it had when it was recorded; it may have none when a call ends.
    """

    def __init__(self, leaf: Tensor, before: Tensor) -> None:
        self.leaf, self.before = leaf, before

    @property
    def array(self) -> Array:
        """The gradient's entries."""
        return (self.before if self.leaf.grad is None else self.leaf.grad).array


@dataclass(eq=False, slots=True)
class Gradient:
    """What a call does to the ``.grad`` of a leaf.

    Attributes:
        leaf: the leaf.
        value: what ``.grad`` is when the call ends; None if there is none.
        read: whether a gradient from before the call enters into it (it is a cell then: see :class:`OfLeaf`).
        dropped: whether the gradient from before was dropped, unread, so that it need not be None before a call.
        consumed: whether an optimiser took a step by what is left at the end.
    """

    leaf: Tensor
    value: Value | None
    read: bool
    dropped: bool
    consumed: bool


@dataclass(eq=False, slots=True)
class Recording:
    """A call that has been recorded. It did happen: its effects on cells are there.

    Attributes:
        program: its operations; ``outputs`` is empty, to be filled with what :meth:`value` gives.
        result: what the call returned.
        steps: the steps that optimisers took, in order; each has a part of the program's scalars.
        gradients: what became of ``.grad``, for each leaf that the call used.
        modules: the modules that were called, outermost first in each call.
    """

    program: Program
    result: Any
    steps: list[Step]
    gradients: list[Gradient]
    modules: list[Any]
    recorder: Recorder

    def value(self, tensor: Tensor) -> Value:
        """What a tensor holds at the end of the call, as a value of the program."""
        return self.recorder.value(tensor)


def name_cells(recording: Recording) -> None:
    """Give each cell the name that its module or optimiser has for it."""
    names: dict[int, tuple[str, Tensor]] = {}
    for module in recording.modules:
        for walk in ("named_parameters", "named_buffers"):
            for name, tensor in getattr(module, walk, lambda: ())():
                names.setdefault(id(tensor.array), (name, tensor))
    for gradient in recording.gradients:
        names.setdefault(id(gradient.leaf.array), ("", gradient.leaf))
    for cell in recording.program.cells:
        if isinstance(cell.tensor, OfLeaf):
            found = names.get(id(cell.tensor.leaf.array))
            cell.name = "grad" if found is None else f"{found[0]}.grad"
        elif (found := names.get(id(cell.tensor.array))) is not None:
            cell.name, cell.tensor = found
    for step in recording.steps:
        step.name_cells(recording.program.cells, {key: name for key, (name, _) in names.items()})
