"""Changing a tensor in place: what may be changed, and what becomes a new recorded value instead.

Leaves are changed where they are, outside recording; a result never is, because what was recorded must stay
true: its name is given to a new value, made by a recorded operation. Every change is noted, with its line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..causes import cause
from ..errors import DimError, DTypeError, GradError, ShapeError
from . import state
from .registry import ops
from .state import Array

if TYPE_CHECKING:
    from .graph import Node
    from .tensor import Tensor


def _values(x: Any) -> Any:
    return getattr(x, "array", x)


class InPlace:
    """The operations of a tensor that change it: ``+=`` and its kin, item assignment, names that end in ``_``."""

    __slots__ = ()

    if TYPE_CHECKING:
        array: Array
        node: Node | None
        wants_grad: bool

        def detach(self) -> Tensor: ...

    def _may_change(self, name: str) -> None:
        """Refuse an in-place change that would make a recorded history untrue."""
        if state.is_grad_enabled():
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

    def _recorded(self, other: Any) -> bool:
        """Whether a change by ``other`` has to be a new recorded value: one of the two has a history."""
        wanted = getattr(other, "wants_grad", False)
        return state.is_grad_enabled() and (self.node is not None or (wanted and not self.wants_grad))

    def _becomes(self, value: Callable[[], Any]) -> None:
        """Tell the recorder, if there is one, that this tensor is about to be changed into ``value()``."""
        told = state.recorder()
        if told is not None:
            with state.no_grad():
                told.becomes(self, value())

    def _update(self, ufunc: np.ufunc, name: str, other: Any) -> Any:
        """``self = ufunc(self, other)``: in place, or as a new recorded value where there is history."""
        if self._recorded(other):
            return getattr(ops, name)(self, other)
        self._may_change(name)
        self._becomes(lambda: getattr(ops, name)(self, other))
        value = _values(other)
        try:
            ufunc(self.array, value, out=self.array, casting="same_kind")
        except TypeError:  # NumPy's casting error
            raise DTypeError(
                f"{name}: the result does not fit the dtype {self.array.dtype} of the tensor that is changed in place",
                "Convert first: x = x.float().",
            ) from None
        except ValueError:
            raise ShapeError(
                f"{name}: shape {list(np.shape(value))} does not fit into {list(self.array.shape)}, "
                "which is changed in place"
            ) from None
        state.note_change([self.array])
        return self

    def __iadd__(self, other: Any) -> Any:
        return self._update(np.add, "add", other)

    def __isub__(self, other: Any) -> Any:
        return self._update(np.subtract, "sub", other)

    def __imul__(self, other: Any) -> Any:
        return self._update(np.multiply, "mul", other)

    def __itruediv__(self, other: Any) -> Any:
        return self._update(np.true_divide, "div", other)

    def __ipow__(self, other: Any) -> Any:
        return self._update(np.power, "pow", other)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._recorded(value):
            return self._put(key, value)
        self._may_change("item assignment")
        self._becomes(lambda: ops.index_put(self, key, value))
        target, key = self.array, index_arrays(key)
        if type(key) is tuple:
            target, key = _integers_first(target, key)
        try:
            target[key] = _values(value)
        except IndexError as error:
            raise DimError(f"item assignment into shape {list(self.array.shape)}: {cause(error)}") from None
        except ValueError as error:
            raise ShapeError(f"item assignment into shape {list(self.array.shape)}: {cause(error)}") from None
        state.note_change([self.array])
        return None

    def _put(self, key: Any, value: Any) -> None:
        """Item assignment with history: this tensor becomes the result of a recorded ``index_put``."""
        if self.array.base is not None:
            raise GradError(
                "item assignment: this tensor is a view, and what it is a view of has a history that would not know",
                "Assign into x.clone(), or make the new value with ur.index_put, ur.where or ur.cat.",
            )
        me: Any = self
        before = self.detach()
        before.node, before.wants_grad = self.node, self.wants_grad
        after = ops.index_put(before, key, value)
        me.array = after.array if after.array.base is None else after.array.copy()
        me.node, me.wants_grad = after.node, after.wants_grad
        if (told := state.recorder()) is not None:
            told.same(me.array, after)
        state.note_change([me.array], told_already=True)  # to whoever read the value that this tensor had until now

    def _take_over(self, name: str, value: Tensor) -> Self:
        """Take over the values of a tensor, broadcast and converted."""
        self._may_change(name)
        if value.wants_grad and state.is_grad_enabled():
            raise GradError(
                f"{name}: the new values have a history, which would be lost",
                "Use the operation that gives a new tensor, or pass x.detach().",
            )
        self._becomes(lambda: value)
        try:
            np.copyto(self.array, value.array, casting="unsafe")
        except ValueError:
            raise ShapeError(f"{name}: shape {list(value.shape)} does not fit into {list(self.array.shape)}") from None
        state.note_change([self.array])
        return self

    def copy_(self, other: Any) -> Self:
        """Take over the values of ``other``, broadcast and converted."""
        return self._take_over("copy_", ops.as_tensor(other))

    def fill_(self, value: float) -> Self:
        """Make every value ``value``."""
        self._may_change("fill_")
        self._becomes(lambda: ops.full((), value, dtype=self.array.dtype))
        self.array.fill(value)
        state.note_change([self.array])
        return self

    def zero_(self) -> Self:
        """Make every value 0."""
        return self.fill_(0)

    def _change(self, ufunc: np.ufunc, name: str, other: Any) -> Self:
        """As :meth:`_update`, for methods: no name would be given to a new value, so history is an error."""
        if self._recorded(other):
            raise GradError(
                f"{name}_: the result has a history, and this tensor cannot become it in place",
                "Use the operator, as in x += y, which gives the name to a new recorded value.",
            )
        return self._update(ufunc, name, other)

    def add_(self, other: Any, *, alpha: float = 1) -> Self:
        """In place: ``self + alpha * other``."""
        return self._change(np.add, "add", other if alpha == 1 else other * alpha)

    def sub_(self, other: Any, *, alpha: float = 1) -> Self:
        """In place: ``self - alpha * other``."""
        return self._change(np.subtract, "sub", other if alpha == 1 else other * alpha)

    def mul_(self, other: Any) -> Self:
        """In place: ``self * other``."""
        return self._change(np.multiply, "mul", other)

    def div_(self, other: Any) -> Self:
        """In place: ``self / other``."""
        return self._change(np.true_divide, "div", other)

    def clamp_(self, min: float | None = None, max: float | None = None) -> Self:
        """In place: every value brought into [min, max]."""
        return self._take_over("clamp_", ops.clamp(self.detach(), min, max))

    def normal_(self, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None) -> Self:
        """Made normally distributed, in place."""
        return self._take_over("normal_", ops.normal(mean, std, self.array.shape, generator=generator))

    def uniform_(self, low: Any = 0.0, high: Any = 1.0, *, generator: Any = None, **kwargs: Any) -> Self:
        """Made evenly distributed over [low, high), in place. PyTorch's ``from=`` and ``to=`` are accepted."""
        return self._take_over("uniform_", ops.uniform_between(self, low, high, generator=generator, **kwargs))

    def random_(self, low: Any = None, high: Any = None, *, generator: Any = None) -> Self:
        """Made integers from ``low`` to ``high - 1``, in place; ``random_(high)`` begins at 0."""
        return self._take_over("random_", ops.integers_like(self, low, high, generator=generator))

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Self:
        """Made 1 with probability ``p``, else 0, in place."""
        return self._take_over("bernoulli_", ops.bernoulli(ops.zeros_like(self), p, generator=generator))

    def exponential_(self, lambd: Any = 1.0, *, generator: Any = None) -> Self:
        """Made exponentially distributed with rate ``lambd``, in place."""
        return self._take_over("exponential_", ops.exponential_like(self, lambd, generator=generator))

    # In place.
    def masked_fill_(self, mask: Any, value: Any) -> Self:
        """As :meth:`masked_fill`, in place."""
        return self._take_over("masked_fill_", ops.masked_fill(self.detach(), mask, value))

    def scatter_(self, dim: int, index: Any, src: Any = None, **kwargs: Any) -> Self:
        """As :meth:`scatter`, in place."""
        return self._take_over("scatter_", ops.scatter(self.detach(), dim, index, src, **kwargs))

    def scatter_add_(self, dim: int, index: Any, src: Any) -> Self:
        """As :meth:`scatter_add`, in place."""
        return self._take_over("scatter_add_", ops.scatter_add(self.detach(), dim, index, src))

    def index_add_(self, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Self:
        """As :meth:`index_add`, in place."""
        return self._take_over("index_add_", ops.index_add(self.detach(), dim, index, source, alpha=alpha))


def index_arrays(key: Any) -> Any:
    """An index with every tensor in it as an array (an integer of no dimensions as a Python integer)."""
    if isinstance(key, tuple):
        return tuple(index_arrays(k) for k in key)
    if hasattr(key, "array"):
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
