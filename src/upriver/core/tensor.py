"""The tensor: a NumPy array, and where it came from. Its operations as methods are in :mod:`.methods`."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from ..errors import ArgumentError, CompileError, DTypeError, GradError, ShapeError
from . import state
from .device import CPU, device
from .dtypes import DType, as_dtype, bool_, float32, get_default_dtype, int64
from .graph import Node
from .inplace import InPlace
from .methods import Methods
from .registry import front_door, ops
from .state import Array

_new = object.__new__


def to_array(data: Any, dtype: Any = None) -> Array:
    """``data`` (tensor, array, number, nested lists of them) as an array; the array itself where it is one.

    Python floats become the default dtype, Python integers int64; NumPy's own keep theirs.

    Raises:
        ShapeError: nested lists of unequal lengths.
        DTypeError: something that is not a number.
    """
    if isinstance(data, Tensor):
        array = data.array
    elif isinstance(data, np.ndarray):
        array = data
    else:
        first = data
        while isinstance(first, (list, tuple)) and first:
            first = first[0]
        if isinstance(first, Tensor):
            data = _plain(data)
        try:
            array = np.asarray(data)
        except ValueError:
            raise ShapeError(
                "tensor: the rows of the data have unequal lengths", "Pad them to one length, or keep them in a list."
            ) from None
        floats = array.dtype == np.float64 and not isinstance(first, (np.ndarray, np.generic, Tensor))
        if dtype is None and (floats or (array.size == 0 and array.dtype == np.float64)):
            dtype = get_default_dtype()
    wanted = as_dtype(array.dtype if dtype is None else dtype)
    if not wanted.isnative:  # as read from a file made elsewhere
        wanted = wanted.newbyteorder("=")
    if array.dtype == wanted:
        return array
    if isinstance(data, Tensor):
        state.read_by_python(array, "Tensor()", "Convert it with x.to(dtype).")
    return array.astype(wanted)


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        state.read_by_python(data.array, "tensor()", "Use ur.stack.")
        return data.array
    return [_plain(x) for x in data] if isinstance(data, (list, tuple)) else data


class Tensor(Methods, InPlace):
    """An n-dimensional array of numbers that remembers the operation it came from.

    Args:
        data: an array, a number, or nested lists of them. Lists become the default dtype (float32).
        dtype: the dtype to convert to.
        requires_grad: whether ``backward()`` shall give this leaf a ``.grad``.

    Attributes:
        array: the values, as a NumPy array. Writing into it is not seen by the engine: write to ``.data``.
        node: the operation that made it, or None for a leaf.
        grad: after ``backward()``, d(result)/d(this), of the same shape and dtype; None before.

    Raises:
        DTypeError: a gradient is wanted of integers or booleans.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> loss = (w * 3.0 - 10.0) ** 2
        >>> loss.backward()
        >>> loss.item(), w.grad.item()
        (16.0, -24.0)
    """

    __slots__ = ("__weakref__", "array", "grad", "node", "wants_grad")
    __array_ufunc__ = None  # so that ``array * tensor`` reaches us, and ``np.sin(tensor)`` fails loudly
    __hash__ = object.__hash__

    array: Array
    node: Node | None
    grad: Tensor | None
    wants_grad: bool

    def __init__(self, data: Any = (), *, dtype: Any = None, requires_grad: bool = False) -> None:
        if dtype is None and isinstance(data, (list, tuple)):
            dtype = get_default_dtype()
        self.array = to_array(data, dtype)
        self.node = None
        self.grad = None
        self.wants_grad = False
        if requires_grad:
            self.requires_grad = True

    # What it is.

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its dimensions."""
        return self.array.shape

    @property
    def dtype(self) -> DType:
        """The dtype of its values."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def device(self) -> device:
        """The CPU: everything is there."""
        return CPU

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.node is None

    @property
    def grad_fn(self) -> Node | None:
        """The node that made it, under PyTorch's name."""
        return self.node

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it. Can be set on leaves.

        Raises:
            DTypeError: set to True for integers or booleans.
            GradError: set to False on a result.
        """
        return self.wants_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and self.array.dtype.kind != "f":
            raise DTypeError(
                f"requires_grad: values of dtype {self.dtype} have no gradient", "Convert to float first: x.float()."
            )
        if not wanted and self.node is not None:
            raise GradError(
                f"requires_grad: this is the result of {self.node.name}, not a leaf", "Use x.detach() for a constant."
            )
        self.wants_grad = bool(wanted)
        state.note_structure()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad`` and return itself."""
        self.requires_grad = requires_grad
        return self

    # Values.

    @property
    def data(self) -> Tensor:
        """The same values without history, sharing memory. Assigning writes into this tensor.

        Example:
            >>> import upriver as ur
            >>> w = ur.tensor([1.0, 2.0], requires_grad=True)
            >>> w.data -= 0.5
            >>> w.tolist()
            [0.5, 1.5]
        """
        if self.node is not None:
            state.note_detached(self.array, self.node)
        return wrap(self.array, None)

    @data.setter
    def data(self, value: Any) -> None:
        mine = self.array
        if mine.ndim and not isinstance(value, (Tensor, np.ndarray, list, tuple)):
            raise DTypeError(
                f"data: {type(value).__name__} cannot be the values of a tensor of shape {list(mine.shape)}",
                "Give a tensor; to set every entry, x.data.fill_(number).",
            )
        new = to_array(value)
        if new is mine:
            return
        told = state.recorder()
        if told is not None:
            if new.shape != mine.shape or new.dtype != mine.dtype:
                raise CompileError(
                    f"data: a tensor of shape {list(mine.shape)} and dtype {mine.dtype} becomes one of shape "
                    f"{list(new.shape)} and dtype {new.dtype}",
                    "Do it outside the compiled function.",
                )
            told.becomes(self, value if isinstance(value, Tensor) else wrap(new, None))
        if new.shape == mine.shape and new.dtype == mine.dtype and mine.flags.writeable:
            mine[...] = new
        else:
            self.array = new.copy()
            state.note_structure()
        state.note_change([self.array])

    def detach(self) -> Tensor:
        """The same values without history, sharing memory."""
        if self.wants_grad:
            state.note_detached(self.array, self.node)
        return wrap(self.array, None)

    def numpy(self) -> Array:
        """The values as a NumPy array, sharing memory.

        Raises:
            GradError: it requires a gradient: the history would be lost without a word.
        """
        if self.wants_grad:
            raise GradError("numpy: this tensor requires a gradient", "Use x.detach().numpy().")
        state.read_by_python(self.array, "numpy()")
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        return array.astype(dtype) if dtype is not None and dtype != array.dtype else array.copy() if copy else array

    def item(self) -> Any:
        """Its one value as a Python number.

        Raises:
            ShapeError: it has more or fewer than one value.
        """
        if self.array.size != 1:
            raise ShapeError(
                f"item: a tensor of shape {list(self.shape)} is not one number", "Index it, or use tolist()."
            )
        state.read_by_python(self.array, "item()")
        return self.array.item()

    def tolist(self) -> Any:
        """Its values as nested lists of Python numbers."""
        state.read_by_python(self.array, "tolist()")
        return self.array.tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise DTypeError(f"an index must be one integer, not {self.dtype} of shape {list(self.shape)}")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ArgumentError(
                f"the truth of a tensor of shape {list(self.shape)} is ambiguous", "Use x.any() or x.all()."
            )
        state.read_by_python(self.array, "bool()", "For a choice between values use ur.where(condition, a, b).")
        return bool(self.array.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise ShapeError("len: a tensor of no dimensions has no length")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        state.read_by_python(self.array, "in")
        return bool(np.any(self.array == to_array(value)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        state.read_by_python(self.array, "repr()")
        text = np.array2string(self.array, precision=4, separator=", ", prefix="tensor(", threshold=1000)
        if self.dtype not in (float32, int64, bool_):
            text += f", dtype={self.dtype}"
        if self.node is not None:
            text += f", grad_fn=<{self.node.name}>"
        elif self.wants_grad:
            text += ", requires_grad=True"
        return f"tensor({text})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if self.node is not None:
            raise GradError("deepcopy: only leaves can be copied", "Use x.detach().clone().")
        state.read_by_python(self.array, "deepcopy()")
        copy = _new(type(self))
        copy.array, copy.node, copy.wants_grad = self.array.copy(), None, self.wants_grad
        copy.grad = None if self.grad is None else wrap(self.grad.array.copy(), None)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        if self.node is not None:
            raise GradError("pickle: only leaves can be stored", "Use x.detach().")
        state.read_by_python(self.array, "pickle")
        return _rebuild, (type(self), self.array, self.wants_grad)

    # Gradients.

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add d(this)/d(leaf) to the ``.grad`` of every leaf that requires one.

        Args:
            gradient: how each entry counts, of this shape; needed unless this is a single number.
            retain_graph: accepted and not needed: a graph lives as long as its result does.
            create_graph: record the gradients too, so that they can be differentiated again.

        Raises:
            GradError: there is no history, this is not a single number, or a value was changed since.

        Example:
            >>> import upriver as ur
            >>> x = ur.tensor([1.0, 2.0], requires_grad=True)
            >>> (x * x).sum().backward()
            >>> x.grad.tolist()
            [2.0, 4.0]
        """
        from .backward import backward

        backward(self, gradient, create_graph=create_graph)

    def retain_grad(self) -> None:
        """Ask ``backward()`` to set ``.grad`` of this result too (leaves have theirs anyway)."""
        if self.node is not None:
            self.node.retained = weakref.ref(self)


def wrap(array: Array, node: Node | None) -> Tensor:
    """A tensor around ``array`` as it is: the engine's own constructor."""
    tensor = _new(Tensor)
    tensor.array = array
    tensor.node = node
    tensor.grad = None
    tensor.wants_grad = node is not None
    return tensor


def literal(array: Array) -> Tensor:
    """A leaf around an array that follows from shapes and Python's numbers alone."""
    told = state.recorder()
    if told is not None:
        told.constant(array)
    return wrap(array, None)


def _rebuild(kind: type[Tensor], array: Array, wants_grad: bool) -> Tensor:
    tensor = _new(kind)
    tensor.array, tensor.node, tensor.grad, tensor.wants_grad = array, None, None, wants_grad
    return tensor


@front_door
def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """``data`` as a tensor: itself where it is one already (of that dtype), sharing memory with an array.

    Example:
        >>> import upriver as ur
        >>> t = ur.ones(2)
        >>> ur.as_tensor(t) is t
        True
    """
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype == as_dtype(dtype) else ops.cast(data, dtype=as_dtype(dtype))
    return wrap(to_array(data, dtype), None)


class Parameter(Tensor):
    """A leaf that a module owns and an optimiser changes: the cell that holds a weight.

    Example:
        >>> import upriver as ur
        >>> ur.nn.Parameter(ur.zeros(2))
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = (), requires_grad: bool = True) -> None:
        super().__init__(data.array if isinstance(data, Tensor) else data)
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A leaf that a module owns and its forward pass may change: a running mean, a mask."""

    __slots__ = ()
