"""The tensor: a NumPy array, and where it came from. Its operations as methods are in :mod:`.methods`."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from ..errors import ArgumentError, DimError, DTypeError, GradError, ShapeError
from . import state
from .dtypes import DType, as_dtype, bool_, float32, get_default_dtype, int64
from .graph import Node
from .methods import Methods
from .registry import ops
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
        except ValueError as error:
            raise ShapeError(f"tensor: the rows of the data have unequal lengths ({error})") from None
        floats = array.dtype == np.float64 and not isinstance(first, (np.ndarray, np.generic, Tensor))
        if dtype is None and (floats or (array.size == 0 and array.dtype == np.float64)):
            dtype = get_default_dtype()
    wanted = as_dtype(array.dtype if dtype is None else dtype)
    return array if array.dtype == wanted else array.astype(wanted)


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.array
    return [_plain(x) for x in data] if isinstance(data, (list, tuple)) else data


class Tensor(Methods):
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
    def device(self) -> str:
        """Always ``"cpu"``."""
        return "cpu"

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
        return wrap(self.array, None)

    @data.setter
    def data(self, value: Any) -> None:
        new = to_array(value)
        mine = self.array
        if new is mine:
            pass
        elif new.shape == mine.shape and new.dtype == mine.dtype and mine.flags.writeable:
            mine[...] = new
        else:
            self.array = new.copy()
        state.note_change([self.array])

    def detach(self) -> Tensor:
        """The same values without history, sharing memory."""
        return wrap(self.array, None)

    def numpy(self) -> Array:
        """The values as a NumPy array, sharing memory.

        Raises:
            GradError: it requires a gradient: the history would be lost without a word.
        """
        if self.wants_grad:
            raise GradError("numpy: this tensor requires a gradient", "Use x.detach().numpy().")
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
        return self.array.item()

    def tolist(self) -> Any:
        """Its values as nested lists of Python numbers."""
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
        return bool(self.array.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise ShapeError("len: a tensor of no dimensions has no length")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self.array == to_array(value)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
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
        copy = _new(type(self))
        copy.array, copy.node, copy.wants_grad = self.array.copy(), None, self.wants_grad
        copy.grad = None if self.grad is None else wrap(self.grad.array.copy(), None)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        if self.node is not None:
            raise GradError("pickle: only leaves can be stored", "Use x.detach().")
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

    # Changing it in place.

    def _may_change(self, name: str) -> None:
        """Refuse an in-place change that would make a recorded history untrue."""
        if state.recording.get():
            if self.node is not None:
                raise GradError(
                    f"{name}: this tensor was made by {self.node.name} and cannot be changed in place",
                    "Make a new one with ur.where, masked_fill or cat; or change x.detach().clone().",
                )
            if self.wants_grad:
                raise GradError(
                    f"{name}: a leaf that requires a gradient was about to be changed while recording",
                    "Do it inside `with ur.no_grad():`, or on w.data.",
                )
        if not self.array.flags.writeable:
            raise GradError(f"{name}: these values are a view that stands for several entries", "Call clone() first.")

    def _update(self, ufunc: np.ufunc, name: str, other: Any) -> Tensor:
        """``self = ufunc(self, other)``: in place, or as a new recorded value where there is history."""
        wanted = isinstance(other, Tensor) and other.wants_grad
        if state.recording.get() and (self.node is not None or (wanted and not self.wants_grad)):
            return getattr(ops, name)(self, other)
        self._may_change(name)
        value = other.array if isinstance(other, Tensor) else other
        try:
            ufunc(self.array, value, out=self.array, casting="same_kind")
        except np._core._exceptions._UFuncOutputCastingError:  # type: ignore[attr-defined]
            raise DTypeError(
                f"{name}: the result does not fit the dtype {self.dtype} of the tensor that is changed in place",
                "Convert first: x = x.float().",
            ) from None
        except ValueError:
            raise ShapeError(
                f"{name}: shape {list(np.shape(value))} does not fit into {list(self.shape)}, which is changed in place"
            ) from None
        state.note_change([self.array])
        return self

    def __iadd__(self, other: Any) -> Tensor:
        return self._update(np.add, "add", other)

    def __isub__(self, other: Any) -> Tensor:
        return self._update(np.subtract, "sub", other)

    def __imul__(self, other: Any) -> Tensor:
        return self._update(np.multiply, "mul", other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._update(np.true_divide, "div", other)

    def __ipow__(self, other: Any) -> Tensor:
        return self._update(np.power, "pow", other)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._may_change("item assignment")
        if isinstance(value, Tensor) and value.wants_grad and state.recording.get():
            raise GradError(
                "item assignment: the assigned value has a history, which would be lost",
                "Collect the parts in a list and use ur.stack or ur.cat; or assign x.detach().",
            )
        target, key = self.array, index_arrays(key)
        if type(key) is tuple:
            target, key = _integers_first(target, key)
        try:
            target[key] = value.array if isinstance(value, Tensor) else value
        except IndexError as error:
            raise DimError(f"item assignment into shape {list(self.shape)}: {error}") from None
        except ValueError as error:
            raise ShapeError(f"item assignment into shape {list(self.shape)}: {error}") from None
        state.note_change([self.array])

    def _take_over(self, name: str, value: Tensor) -> Self:
        """Take over the values of a tensor, broadcast and converted."""
        self._may_change(name)
        if value.wants_grad and state.recording.get():
            raise GradError(
                f"{name}: the new values have a history, which would be lost",
                "Use the operation that gives a new tensor, or pass x.detach().",
            )
        try:
            np.copyto(self.array, value.array, casting="unsafe")
        except ValueError:
            raise ShapeError(f"{name}: shape {list(value.shape)} does not fit into {list(self.shape)}") from None
        state.note_change([self.array])
        return self

    def copy_(self, other: Any) -> Self:
        """Take over the values of ``other``, broadcast and converted."""
        return self._take_over("copy_", other if isinstance(other, Tensor) else wrap(to_array(other), None))

    def fill_(self, value: float) -> Self:
        """Make every value ``value``."""
        self._may_change("fill_")
        self.array.fill(value)
        state.note_change([self.array])
        return self

    def zero_(self) -> Self:
        """Make every value 0."""
        return self.fill_(0)

    def add_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """In place: ``self + alpha * other``."""
        return self._update(np.add, "add", other if alpha == 1 else other * alpha)

    def sub_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """In place: ``self - alpha * other``."""
        return self._update(np.subtract, "sub", other if alpha == 1 else other * alpha)

    def mul_(self, other: Any) -> Tensor:
        """In place: ``self * other``."""
        return self._update(np.multiply, "mul", other)

    def div_(self, other: Any) -> Tensor:
        """In place: ``self / other``."""
        return self._update(np.true_divide, "div", other)

    def clamp_(self, min: float | None = None, max: float | None = None) -> Self:
        """In place: every value brought into [min, max]."""
        return self.copy_(np.clip(self.array, min, max))


def wrap(array: Array, node: Node | None) -> Tensor:
    """A tensor around ``array`` as it is: the engine's own constructor."""
    tensor = _new(Tensor)
    tensor.array = array
    tensor.node = node
    tensor.grad = None
    tensor.wants_grad = node is not None
    return tensor


def _rebuild(kind: type[Tensor], array: Array, wants_grad: bool) -> Tensor:
    tensor = _new(kind)
    tensor.array, tensor.node, tensor.grad, tensor.wants_grad = array, None, None, wants_grad
    return tensor


def index_arrays(key: Any) -> Any:
    """An index with every tensor in it as an array (an integer of no dimensions as a Python integer)."""
    if isinstance(key, tuple):
        return tuple(index_arrays(k) for k in key)
    if isinstance(key, Tensor):
        return int(key) if key.ndim == 0 and key.dtype.kind in "iu" else key.array
    if isinstance(key, slice):
        return slice(*(None if k is None else k.__index__() for k in (key.start, key.stop, key.step)))
    if isinstance(key, (list, range)):
        return np.asarray([index_arrays(k) for k in key], dtype=None if len(key) else np.int64)
    return key


def _integers_first(array: Array, key: tuple[Any, ...]) -> tuple[Array, tuple[Any, ...]]:
    """What the integers of a key select, as a view, and the rest of the key.

    PyTorch selects by integers first; NumPy would count them among the index arrays, and order dimensions so.
    """
    if not any(type(k) is int for k in key) or not any(isinstance(k, np.ndarray) for k in key):
        return array, key
    first: list[Any] = []
    for k in key:
        if type(k) is int or k is Ellipsis:
            first.append(k)
        elif k is not None and not isinstance(k, bool):
            first += [slice(None)] * (k.ndim if isinstance(k, np.ndarray) and k.dtype.kind == "b" else 1)
    if not any(k is Ellipsis for k in key):
        first.append(...)
    try:
        return array[tuple(first)], tuple([k for k in key if type(k) is not int])
    except IndexError:
        return array, key  # which will be refused with the right message


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
