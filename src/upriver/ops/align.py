"""Where operands are made to agree: the one place that broadcasts and converts, as visible operations.

So every other rule may assume equal shapes and dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.device import device as Device
from ..core.dtypes import DType, as_dtype, get_default_dtype, result_type
from ..core.op import CALL, PRODUCT, REALS, Case, Formula, Op
from ..core.registry import front_door
from ..core.state import TRACING, Array, recording
from ..core.tensor import Tensor, as_tensor, to_array, wrap
from ..errors import DTypeError, ShapeError, joined

Shape = tuple[int, ...]


def same_dtype(*dtypes: Any, **_: Any) -> DType:
    """The rule of operations that keep the dtype of their first input."""
    return dtypes[0]


def _broadcast(x: Array, shape: Shape) -> Array:
    """A view of ``x`` with stride 0 along what is repeated: NumPy's own takes ten times as long."""
    lead = len(shape) - x.ndim
    strides = (0,) * lead + tuple([0 if n == 1 else s for n, s in zip(x.shape, x.strides, strict=True)])
    if not x.flags.c_contiguous:
        return np.broadcast_to(x, shape)
    view = np.ndarray(shape, x.dtype, x, 0, strides)
    view.flags.writeable = False  # one number here stands for several
    return view


def _broadcast_shape(s: Shape, shape: Shape) -> Shape:
    if len(s) > len(shape) or any(n not in (1, m) for n, m in zip(s[::-1], shape[::-1], strict=False)):
        raise ShapeError(
            f"expand: shape {list(s)} cannot be repeated to {list(shape)}",
            "Only dimensions of length 1 can be expanded; new ones go in front.",
        )
    return shape


def _sum_to(x: Array, shape: Shape) -> Array:
    lead = x.ndim - len(shape)
    if lead == x.ndim - 1 and shape[0] == x.shape[-1] and x.ndim > 1:
        # A bias: one pass over contiguous rows.
        return np.add.reduce(x.reshape(math.prod(x.shape[:-1]), shape[0]), axis=0)
    axes = tuple([i for i in range(x.ndim) if i < lead or (shape[i - lead] == 1 and x.shape[i] != 1)])
    return np.add.reduce(x, axis=axes).reshape(shape) if axes else x.reshape(shape)


def _sum_to_recipe(m: Any, x: Any, shape: Shape) -> Any:
    lead = x.ndim - len(shape)
    dims = [i for i in range(x.ndim) if i < lead or (shape[i - lead] == 1 and x.shape[i] != 1)]
    return m.reshape(m.sum(x, dims), shape)


broadcast_to: Op = Op(
    name="broadcast_to",
    forward=_broadcast,
    vjps=(lambda ct, _y, _x, shape: sum_to(ct, shape=_x.shape),),
    shape=_broadcast_shape,
    dtype=same_dtype,
    formula=Formula("{0}", "{0}", CALL),
    domain=REALS,
    flops=lambda out, *_, **__: 0,
    lower=lambda m, x, shape: m.expand(x, shape),
    cases=(
        Case(((3,),), {"shape": (2, 3)}),
        Case(((2, 1),), {"shape": (4, 2, 3)}),
        Case(((),), {"shape": (2,)}),
        Case(((1, 3),), {"shape": (0, 3)}),
    ),
)

sum_to: Op = Op(
    name="sum_to",
    forward=_sum_to,
    vjps=(lambda ct, _y, _x, shape: broadcast_to(ct, shape=_x.shape),),
    shape=lambda s, shape: shape,
    dtype=same_dtype,
    formula=Formula("sum({0})", r"\sum {0}", PRODUCT),
    domain=REALS,
    flops=lambda out, s, **_: math.prod(s),
    lower=lambda m, x, shape: _sum_to_recipe(m, x, shape),
    cases=(
        Case(((2, 3),), {"shape": (3,)}),
        Case(((4, 2, 3),), {"shape": (2, 1)}),
        Case(((2, 3),), {"shape": ()}),
        Case(((0, 3),), {"shape": (3,)}),
    ),
)


class Cast(Op):
    """The conversion of dtypes: integers and booleans are the end of a gradient's way."""

    def run(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Tensor:
        """Run, and record if the result can have a gradient (or everything is being recorded)."""
        out = super().run(inputs, attrs)
        if out.array.dtype.kind != "f":
            out.wants_grad = False
            if not recording.get() & TRACING:
                out.node = None
        return out


cast: Op = Cast(
    name="cast",
    forward=lambda x, dtype: x.astype(dtype),
    vjps=(lambda ct, _y, _x, dtype: cast(ct, dtype=_x.dtype),),
    shape=lambda s, dtype: s,
    dtype=lambda d, dtype: dtype,
    formula=Formula("{0}", "{0}", CALL),
    domain=REALS,
    flops=lambda out, *_, **__: 0,
    lower=lambda m, x, dtype: m.cast(x, dtype),
    cases=(Case(((2, 3),), {"dtype": np.dtype(np.float64)}),),
)


@front_door
def to(x: Tensor, *args: Any, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    """``x`` converted to ``dtype``, or to the dtype of another tensor. ``x`` itself where nothing changes.

    Raises:
        DTypeError: a device other than the CPU.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1, 2]).to(ur.float64).dtype
        dtype('float64')
    """
    for arg in args:
        if isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, str) and not arg.startswith(("float", "int", "bool", "uint")):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            dtype = arg
    check_device(device)
    wanted = x.dtype if dtype is None else as_dtype(dtype)
    return x if wanted == x.dtype else cast(x, dtype=wanted)


def check_device(device: Any) -> None:
    """Accept the CPU under any of its names.

    Raises:
        DTypeError: another device was asked for.
    """
    if device is not None:
        Device(device)


@front_door
def type_as(x: Tensor, other: Tensor) -> Tensor:
    """``x`` with the dtype of ``other``.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1, 2]).type_as(ur.zeros(1)).dtype
        dtype('float32')
    """
    return to(x, other)


def broadcast_shapes(name: str, *shapes: Shape) -> Shape:
    """The shape that all of ``shapes`` can be repeated to.

    Raises:
        ShapeError: there is none.
    """
    first = max(shapes, key=len)
    if all(s == first[len(first) - len(s) :] for s in shapes):
        return first  # one shape ends in the other: a bias, a number
    ndim = len(first)
    out = [1] * ndim
    for s in shapes:
        for i, n in enumerate(s, ndim - len(s)):
            if n != 1 and n != out[i]:
                if out[i] != 1:
                    raise ShapeError(
                        f"{name}: shapes {joined(str(list(s)) for s in shapes)} do not fit: "
                        f"dimension {i - ndim} is {out[i]} in one and {n} in another",
                        "Lengths must be equal, or one of them 1; use reshape, unsqueeze or transpose.",
                    )
                out[i] = n
    return tuple(out)


def number(x: Any) -> Any:
    """A Python number from one of NumPy's, which would decide the dtype."""
    return x.item() if isinstance(x, np.generic) else x


def align(name: str, inputs: Sequence[Any], to_float: bool) -> list[Any]:
    """``inputs`` (tensors, arrays, numbers) with one dtype and one shape; Python numbers stay numbers.

    Args:
        name: the operation, for its errors.
        inputs: at least one of them a tensor or an array.
        to_float: whether integers and booleans become the default floating dtype.

    Raises:
        ShapeError: the shapes cannot be broadcast together.
        DTypeError: an input is not a number.
    """
    operands: list[Any] = []
    for x in inputs:
        if isinstance(x, Tensor):
            operands.append(x)
        elif isinstance(x, np.ndarray | list | tuple):
            operands.append(wrap(to_array(x), None))
        else:
            x = number(x)
            if not isinstance(x, (int, float)):
                raise DTypeError(
                    f"{name}: {type(x).__name__} is not a number or a tensor", "Convert it with ur.tensor(...)."
                )
            operands.append(x)
    arrays = [x.array if isinstance(x, Tensor) else x for x in operands]
    dtypes = {x.dtype for x in arrays if isinstance(x, np.ndarray)}
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    if dtype is None or dtype.kind != "f":
        dtype = result_type(*arrays)
        if to_float and dtype.kind != "f":
            dtype = get_default_dtype()
    shapes = [a.shape for a in arrays if isinstance(a, np.ndarray)]
    shape = broadcast_shapes(name, *shapes) if len(shapes) > 1 else shapes[0]
    for i, (x, a) in enumerate(zip(operands, arrays, strict=True)):
        if isinstance(x, Tensor):
            if a.dtype is not dtype and a.dtype != dtype:
                x = cast.run((x,), {"dtype": dtype})
            if a.shape != shape:
                x = broadcast_to.run((x,), {"shape": shape})
            operands[i] = x
        elif dtype.kind == "f":
            operands[i] = float(x)
    return operands


@front_door
def expand(x: Any, *shape: Any) -> Tensor:
    """``x`` repeated along dimensions of length 1 and along new ones in front; −1 keeps a length.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([[1.0], [2.0]]).expand(-1, 3).tolist()
        [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    lead = len(sizes) - x.ndim
    full = tuple([x.shape[i - lead] if n == -1 and i >= lead else int(n) for i, n in enumerate(sizes)])
    return x if full == x.shape else broadcast_to(as_tensor(x), shape=full)


@front_door
def broadcast_to_(x: Any, shape: Any) -> Tensor:
    """``x`` expanded to ``shape``.

    Example:
        >>> import upriver as ur
        >>> ur.broadcast_to(ur.tensor([1.0, 2.0]), (2, 2)).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    return expand(x, shape)


@front_door
def expand_as(x: Any, other: Tensor) -> Tensor:
    """``x`` expanded to the shape of ``other``.

    Raises:
        ShapeError: it does not broadcast to that shape.

    Example:
        >>> import upriver as ur
        >>> ur.ones(3, 1).expand_as(ur.zeros(3, 2)).shape
        (3, 2)
    """
    return expand(x, other.shape)


@front_door
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape.

    Raises:
        ShapeError: they have no common shape.

    Example:
        >>> import upriver as ur
        >>> a, b = ur.broadcast_tensors(ur.ones(3, 1), ur.ones(2))
        >>> a.shape, b.shape
        ((3, 2), (3, 2))
    """
    shape = broadcast_shapes("broadcast_tensors", *[t.shape for t in tensors])
    return tuple([expand(t, shape) for t in tensors])
