"""A recorded program: what one call of a function did, as a list of operations on values.

Each instruction names an operation's record, so that replaying the list runs the very kernels that the call ran.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ...core.dtypes import DType
    from ...core.op import Op
    from ...core.site import Site
    from ...core.state import Array
    from ...core.tensor import Tensor


@dataclass(eq=False, slots=True)
class Value:
    """One array of a program: given to it, held in a cell, or made by an instruction.

    Attributes:
        shape, dtype: of the array.
        name: for printing; empty if it has none.
    """

    shape: tuple[int, ...]
    dtype: DType
    name: str = ""


@dataclass(eq=False, slots=True)
class Instruction:
    """One operation that ran.

    Attributes:
        op: its record (or anything with its ``name``, ``forward`` and ``lower``).
        inputs: values, and Python numbers.
        attrs: its static arguments. Those of a draw hold no ``seed`` and ``counter``: see ``draw``.
        out: what it makes.
        site, scope: the user's line and the module, as in a graph's node.
        draw: the number of the random draw in :attr:`Program.draws`, or None.
    """

    op: Op
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]
    out: Value
    site: Site | None = None
    scope: Any = None
    draw: int | None = None


@dataclass(eq=False, slots=True)
class Cell:
    """A tensor that outlives the call: read at its beginning, and perhaps written at its end.

    Attributes:
        tensor: the parameter, buffer, optimiser slot or captured tensor. Its ``array`` is read at each call.
        before: its value when the call begins.
        after: its value when the call ends, or None where the call does not change it.
        name: such as ``layers.0.weight``, for printing.
    """

    tensor: Tensor
    before: Value
    after: Value | None = None
    name: str = ""


@dataclass(eq=False, slots=True)
class Check:
    """A condition on values that must hold for the program to be the right one.

    Attributes:
        holds: a boolean value of shape ().
        explain: called with the arrays of ``shown`` where it does not hold; raises the error that the eager
            function would, or returns, and then the call is recorded again.
        shown: the values that ``explain`` looks at.
    """

    holds: Value
    explain: Any
    shown: tuple[Value, ...] = ()


@dataclass(eq=False, slots=True)
class Program:
    """One call of a function, from the values given to those returned.

    Attributes:
        inputs: the arrays among the arguments, in order.
        cells: every tensor that is read or written besides.
        scalars: numbers of shape () that are given anew at each call, such as a learning rate.
        draws: the generator of each random draw, in order; its seed and counter are taken at each call.
        constants: values that never change, with their arrays.
        instructions: in the order in which they ran.
        outputs: the values returned.
        checks: what is to be verified in each call.
    """

    inputs: list[Value] = field(default_factory=list[Value])
    cells: list[Cell] = field(default_factory=list[Cell])
    scalars: list[Value] = field(default_factory=list[Value])
    draws: list[Any] = field(default_factory=list[Any])
    constants: dict[Value, Array] = field(default_factory=dict[Value, "np.ndarray[Any, Any]"])
    instructions: list[Instruction] = field(default_factory=list[Instruction])
    outputs: list[Value] = field(default_factory=list[Value])
    checks: list[Check] = field(default_factory=list[Check])
