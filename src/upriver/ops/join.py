"""Several tensors made one, and one made larger: cat, stack, pad, repeat."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.dtypes import result_type
from ..core.op import CALL, REALS, Case, Each, Formula, Op
from ..core.registry import front_door
from ..core.state import Array, read_by_python
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ArgumentError, ShapeError
from .align import expand, same_dtype, to
from .gather import select_entries
from .shape import atleast_2d, axis, clone, no_flops, one_sequence, reshape, unsqueeze
from .slices import FULL, Key, basic_index, place, view

Shape = tuple[int, ...]


def _cat_shape(*shapes: Shape, dim: int, starts: Shape) -> Shape:
    first = shapes[0]
    for s in shapes[1:]:
        if len(s) != len(first) or s[:dim] != first[:dim] or s[dim + 1 :] != first[dim + 1 :]:
            raise ShapeError(
                f"cat: shapes {list(first)} and {list(s)} differ in more than dimension {dim}",
                "All other lengths must be equal; to join along a new dimension use ur.stack.",
            )
    return (*first[:dim], sum([s[dim] for s in shapes]), *first[dim + 1 :])


def _cat_part(i: int, ct: Any, _y: Any, *_xs: Any, dim: int, starts: Shape) -> Any:
    return basic_index(ct, key=Key((*(FULL,) * dim, slice(starts[i], starts[i] + _xs[i].shape[dim]), ...)))


_cat = Op(
    name="cat",
    forward=lambda *xs, dim, starts: np.concatenate(xs, axis=dim),
    vjps=Each(_cat_part, reads=False),
    shape=_cat_shape,
    dtype=same_dtype,
    formula=Formula("cat({0}, {1})", r"\left[{0}, {1}\right]", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, *xs, dim, starts: m.concat(xs, dim),
    cases=(
        Case(((2, 3), (1, 3)), {"dim": 0, "starts": (0, 2)}),
        Case(((2, 1), (2, 3), (2, 0)), {"dim": 1, "starts": (0, 1, 4)}),
        Case(((3,),), {"dim": 0, "starts": (0,)}),
    ),
)


def _stack_array(*xs: Array, dim: int) -> Array:
    first = xs[0]
    out = np.empty((*first.shape[:dim], len(xs), *first.shape[dim:]), first.dtype)
    parts = out if not dim else np.moveaxis(out, dim, 0)
    for i, x in enumerate(xs):
        parts[i] = x
    return out


def _stack_shape(*shapes: Shape, dim: int) -> Shape:
    first = shapes[0]
    for s in shapes[1:]:
        if s != first:
            raise ShapeError(
                f"stack: shapes {list(first)} and {list(s)} differ",
                "All must be equal; to join along a dimension that is there use ur.cat.",
            )
    return (*first[:dim], len(shapes), *first[dim:])


def _stack_part(i: int, ct: Any, _y: Any, *_xs: Any, dim: int) -> Any:
    return basic_index(ct, key=Key((*(FULL,) * dim, i, ...)))


def _stack_recipe(m: Any, *xs: Any, dim: int) -> Any:
    s = xs[0].shape
    return m.concat([m.reshape(x, (*s[:dim], 1, *s[dim:])) for x in xs], dim)


_stack = Op(
    name="stack",
    forward=_stack_array,
    vjps=Each(_stack_part, reads=False),
    shape=_stack_shape,
    dtype=same_dtype,
    formula=Formula("stack({0}, {1})", r"\left[{0}; {1}\right]", CALL),
    domain=REALS,
    flops=no_flops,
    lower=lambda m, *xs, dim: _stack_recipe(m, *xs, dim=dim),
    cases=(
        Case(((2, 3), (2, 3)), {"dim": 0}),
        Case(((2, 3), (2, 3), (2, 3)), {"dim": 2}),
        Case(((), ()), {"dim": 0}),
        Case(((0, 2),), {"dim": 1}),
    ),
)


def _one_dtype(name: str, tensors: Any) -> list[Any]:
    parts = list(tensors)
    if not parts:
        raise ShapeError(f"{name}: there is nothing to join", "Give at least one tensor.")
    dtypes = {x.dtype if isinstance(x, Tensor) else None for x in parts}
    if len(dtypes) == 1 and None not in dtypes:
        return parts
    if all(isinstance(x, np.ndarray) for x in parts):
        return parts  # bare arrays: a gradient rule
    parts = [as_tensor(x) for x in parts]
    dtype = result_type(*[x.array for x in parts])
    return [to(x, dtype) for x in parts]


@front_door
def cat(tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    """The tensors one after the other along ``dim``.

    Args:
        tensors: a sequence of tensors, of equal lengths except along ``dim``; their dtypes are promoted.
        dim: the dimension that grows.
        **kwargs: ``axis``, NumPy's name for ``dim``.

    Raises:
        ShapeError: other lengths differ, or there is no tensor.
        DimError: there is no such dimension.

    Example:
        >>> import upriver as ur
        >>> ur.cat([ur.zeros(1, 2), ur.ones(1, 2)]).tolist()
        [[0.0, 0.0], [1.0, 1.0]]
    """
    if kwargs:
        dim = kwargs.pop("axis", dim)
        if kwargs:
            raise TypeError(f"cat() got an unexpected keyword argument {next(iter(kwargs))!r}")
    starts = _fitting(tensors, dim)
    if starts is not None:
        return _cat.run(tuple(tensors), {"dim": dim % tensors[0].ndim, "starts": starts})
    return _cat_any(tensors, dim)


@front_door
def concat(tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    """As :func:`cat`.

    Example:
        >>> import upriver as ur
        >>> ur.concat([ur.zeros(1), ur.ones(2)]).tolist()
        [0.0, 1.0, 1.0]
    """
    return cat(tensors, dim, **kwargs)


@front_door
def concatenate(tensors: Any, axis: int = 0, **kwargs: Any) -> Any:
    """As :func:`cat`.

    Example:
        >>> import upriver as ur
        >>> ur.concatenate([ur.zeros(1), ur.ones(2)]).tolist()
        [0.0, 1.0, 1.0]
    """
    return cat(tensors, kwargs.pop("dim", axis), **kwargs)


def _fitting(tensors: Any, dim: Any) -> tuple[int, ...] | None:
    """Where each part begins, if all are tensors of one dtype and of shapes that fit: nearly every call."""
    if type(tensors) not in (list, tuple) or not tensors or type(dim) is not int or not isinstance(tensors[0], Tensor):
        return None
    first = tensors[0].array
    dtype, shape, ndim = first.dtype, first.shape, first.ndim
    if not -ndim <= dim < ndim:
        return None
    d = dim % ndim
    before, after = shape[:d], shape[d + 1 :]
    starts: list[int] = []
    total = 0
    for x in tensors:
        if not isinstance(x, Tensor):
            return None
        array = x.array
        s = array.shape
        if array.dtype is not dtype or len(s) != ndim or s[:d] != before or s[d + 1 :] != after:
            return None
        starts.append(total)
        total += s[d]
    return tuple(starts)


def _cat_any(tensors: Any, dim: Any) -> Any:
    parts = _one_dtype("cat", tensors)
    ndim = max([x.ndim for x in parts])
    if ndim > 1:
        parts = [x for x in parts if x.shape != (0,)]  # PyTorch lets an empty list of entries join anything
    elif not ndim:
        raise ShapeError("cat: tensors of no dimensions cannot be joined", "Use ur.stack.")
    d = axis("cat", dim, ndim)
    # A part of fewer dimensions is refused by the shape rule.
    starts = itertools.accumulate([x.shape[d] if x.ndim == ndim else 0 for x in parts[:-1]], initial=0)
    return _cat(*parts, dim=d, starts=tuple(starts))


@front_door
def stack(tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    """The tensors, all of one shape, side by side along a new dimension.

    Raises:
        ShapeError: the shapes differ, or there is no tensor.

    Example:
        >>> import upriver as ur
        >>> ur.stack([ur.zeros(2), ur.ones(2)], dim=1).tolist()
        [[0.0, 1.0], [0.0, 1.0]]
    """
    parts = _one_dtype("stack", tensors)
    d = axis("stack", kwargs.pop("axis", dim), parts[0].ndim + 1)
    if kwargs:
        raise TypeError(f"stack() got an unexpected keyword argument {next(iter(kwargs))!r}")
    return _stack(*parts, dim=d)


@front_door
def hstack(tensors: Any) -> Any:
    """The tensors side by side: along dimension 1, or 0 for vectors.

    Example:
        >>> import upriver as ur
        >>> ur.hstack([ur.zeros(2, 1), ur.ones(2, 2)]).tolist()
        [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """
    parts = [reshape(x, 1) if not x.ndim else x for x in tensors]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


@front_door
def vstack(tensors: Any) -> Any:
    """The tensors one below the other; vectors are rows.

    Example:
        >>> import upriver as ur
        >>> ur.vstack([ur.zeros(2), ur.ones(2)]).tolist()
        [[0.0, 0.0], [1.0, 1.0]]
    """
    return cat([atleast_2d(x) for x in tensors], 0)


# Larger.


def _reflected(n: int, before: int, after: int, mode: str) -> Array:
    i = np.arange(-before, n + after)
    if mode == "replicate":
        return np.clip(i, 0, n - 1)
    return i % n if mode == "circular" else (n - 1) - np.abs((n - 1) - np.abs(i))


@front_door
def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """``x`` with entries added around it (or, where a number is negative, taken away).

    Args:
        x: any shape.
        pad: (before, after) of the last dimension, then of the one before it, and so on.
        mode: "constant" for ``value``; "reflect" for the entries mirrored at the edge, which is not repeated;
            "replicate" for the edge itself; "circular" for those of the other end.
        value: default 0.

    Raises:
        ShapeError: more pairs than dimensions, or more mirrored entries than there are.
        ArgumentError: an unknown mode.

    Example:
        >>> import upriver as ur
        >>> ur.nn.functional.pad(ur.tensor([1.0, 2.0, 3.0]), (1, 2)).tolist()
        [0.0, 1.0, 2.0, 3.0, 0.0, 0.0]
        >>> ur.nn.functional.pad(ur.tensor([1.0, 2.0, 3.0]), (1, 2), mode="reflect").tolist()
        [2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    amounts = [int(n) for n in pad]
    ndim = x.ndim
    if len(amounts) % 2 or len(amounts) > 2 * ndim:
        raise ShapeError(
            f"pad: {len(amounts)} numbers for shape {list(x.shape)}", "Give (before, after), the last dimension first."
        )
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise ArgumentError(f"pad: mode {mode!r} is not known", 'Use "constant", "reflect", "replicate" or "circular".')
    pairs = [(0, 0)] * (ndim - len(amounts) // 2) + list(zip(amounts[-2::-2], amounts[::-2], strict=True))
    if mode == "constant":
        return _pad_constant(x, pairs, 0 if value is None else value)
    for d, (before, after) in enumerate(pairs):
        if before or after:
            n = x.shape[d]
            most = {"reflect": n - 1, "circular": n}.get(mode, before + after if n else 0)
            if max(before, after) > most:
                raise ShapeError(
                    f"pad: {max(before, after)} entries cannot come from dimension {d} of length {n} ({mode})"
                )
            source = _reflected(n, before, after, mode)
            x = select_entries(x, literal(source) if isinstance(x, Tensor) else source, d, "pad")
    return x


def _pad_constant(x: Any, pairs: list[tuple[int, int]], value: Any) -> Any:
    if any(n < 0 for pair in pairs for n in pair):
        if any(n + a + b < 0 for n, (a, b) in zip(x.shape, pairs, strict=True)):
            raise ShapeError(f"pad: more entries are taken away than shape {list(x.shape)} has")
        x = view(x, Key((*[slice(max(0, -a), n - max(0, -b)) for n, (a, b) in zip(x.shape, pairs, strict=True)], ...)))
        pairs = [(max(0, a), max(0, b)) for a, b in pairs]
    if not any(n for pair in pairs for n in pair):
        return x
    shape = tuple([a + n + b for n, (a, b) in zip(x.shape, pairs, strict=True)])
    key = Key((*[slice(a, a + n) for n, (a, _) in zip(x.shape, pairs, strict=True)], ...))
    return place(x, key=key, shape=shape, value=value)


def _copied(out: Any, x: Any) -> Any:
    """``out``, in memory of its own: repeating once, or one entry, would give a view."""
    if isinstance(out, Tensor) and np.may_share_memory(out.array, x.array):
        return clone(out)
    return out


@front_door
def repeat(x: Any, *repeats: Any) -> Any:
    """``x`` beside itself, so many times along each dimension; more numbers than dimensions add some in front.

    Raises:
        ShapeError: fewer numbers than dimensions.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1, 2]).repeat(2, 2).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    times = [int(n) for n in one_sequence(repeats)]
    lead = len(times) - x.ndim
    if lead < 0:
        raise ShapeError(
            f"repeat: {len(times)} numbers for shape {list(x.shape)}", "Give one for each dimension; or use ur.tile."
        )
    shape = (*(1,) * lead, *x.shape)
    apart = reshape(x, tuple([k for n in shape for k in (1, n)]))
    many = expand(apart, tuple([k for t, n in zip(times, shape, strict=True) for k in (t, n)]))
    return _copied(reshape(many, tuple([t * n for t, n in zip(times, shape, strict=True)])), x)


@front_door
def tile(x: Any, *dims: Any) -> Any:
    """As :func:`repeat`; fewer numbers than dimensions count for the last ones.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1, 2]).tile(2).tolist()
        [1, 2, 1, 2]
    """
    times = one_sequence(dims)
    return repeat(x, (*(1,) * (x.ndim - len(times)), *times))


@front_door
def repeat_interleave(x: Any, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Any:
    """``x`` with each entry along ``dim`` repeated in place; None: along the flat ``x``.

    Args:
        x: any shape.
        repeats: one number for all, or an integer tensor with one for each entry.
        dim: the dimension that grows.
        output_size: accepted and not needed.

    Example:
        >>> import upriver as ur
        >>> ur.tensor([1, 2]).repeat_interleave(2).tolist()
        [1, 1, 2, 2]
    """
    if dim is None:
        x, dim = reshape(x, -1), 0
    d = axis("repeat_interleave", dim, x.ndim)
    if isinstance(repeats, (Tensor, list, tuple, np.ndarray)):
        times = as_tensor(repeats).array
        read_by_python(times, "repeat_interleave")
        times = times.reshape(-1)
        n = x.shape[d]
        if len(times) not in (1, n):
            raise ShapeError(f"repeat_interleave: {len(times)} numbers for dimension {d} of length {n}")
        return select_entries(x, literal(np.repeat(np.arange(n), times)), d)
    before, after = x.shape[: d + 1], x.shape[d + 1 :]
    many = expand(unsqueeze(x, d + 1), (*before, int(repeats), *after))
    return _copied(reshape(many, (*before[:-1], before[-1] * int(repeats), *after)), x)
