"""Primitives computed with NumPy, one by one: what rewrites, fusion and kernels are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from ...core.state import Array
from ...ops import conv_kernels, pool_kernels
from ...ops.erf import erf
from .expand import order
from .prims import Prim

_UFUNCS: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "neg": np.negative,
    "max": np.maximum, "min": np.minimum, "abs": np.abs, "pow": np.power, "mod": np.remainder,
    "floordiv": np.floor_divide, "atan2": np.arctan2, "sqrt": np.sqrt, "exp": np.exp, "expm1": np.expm1,
    "log": np.log, "log1p": np.log1p, "tanh": np.tanh, "erf": erf, "floor": np.floor, "ceil": np.ceil,
    "rint": np.rint, "trunc": np.trunc, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "not": np.invert, "where": np.where,
}  # fmt: skip


def evaluate(
    roots: Iterable[Prim],
    inputs: Sequence[Array] = (),
    cells: Sequence[Array] = (),
    scalars: Sequence[Any] = (),
    draws: Sequence[Array] = (),
) -> list[Array]:
    """The values of ``roots``, from the arrays that the leaves stand for.

    Args:
        roots: what is wanted.
        inputs: the arrays of ``input`` primitives, by index.
        cells: those of ``cell`` primitives.
        scalars: the numbers of ``scalar`` primitives.
        draws: the arrays of ``draw`` primitives.

    Raises:
        AssertionError: a value has another shape or dtype than its primitive says.

    Example:
        >>> from upriver.compile.primitives.maths import Maths
        >>> m = Maths()
        >>> evaluate([m.sum(m.iota((2, 3), 1), 1).prim])[0].tolist()
        [3, 3]
    """
    roots = list(roots)
    leaves = {"input": inputs, "cell": cells, "scalar": scalars, "draw": draws}
    known: dict[Prim, Array] = {}
    with np.errstate(all="ignore"):
        for prim in order(roots):
            if prim.kind in leaves:
                value = np.asarray(leaves[prim.kind][prim.attrs["index"]], prim.dtype)
            else:
                value = np.asarray(_KINDS[prim.kind](prim, *[known[arg] for arg in prim.args]))
            assert (value.shape, value.dtype) == (prim.shape, prim.dtype), f"{prim!r} is {value.shape} {value.dtype}"
            known[prim] = value
    return [known[prim] for prim in roots]


def compute(prim: Prim, *arrays: Array) -> Array:
    """One primitive that is not a leaf, on the arrays of its arguments."""
    with np.errstate(all="ignore"):
        return np.asarray(_KINDS[prim.kind](prim, *arrays))


def _map(prim: Prim, *xs: Array) -> Any:
    fn = prim.attrs["fn"]
    return xs[0].astype(prim.dtype) if fn == "cast" else _UFUNCS[fn](*xs)


def _reduce(prim: Prim, x: Array) -> Any:
    fn, extra = prim.attrs["fn"], {}
    if fn in ("max", "min"):
        extra["initial"] = _lowest(x.dtype, fn == "min")
    return _UFUNCS[fn].reduce(x, axis=prim.attrs["dims"], keepdims=True, **extra)


def _lowest(dtype: Any, highest: bool) -> Any:
    if dtype.kind == "f":
        return np.inf if highest else -np.inf
    if dtype.kind == "b":
        return highest
    return np.iinfo(dtype).max if highest else np.iinfo(dtype).min


def region(starts: Sequence[int], steps: Sequence[int], lengths: Sequence[int]) -> tuple[slice, ...]:
    """What ``slice`` takes and ``place`` fills, as NumPy writes it."""
    found = []
    for start, step, n in zip(starts, steps, lengths, strict=True):
        stop = start + n * step
        found.append(slice(start, stop if stop >= 0 else None, step) if n else slice(0, 0))
    return tuple(found)


def _slice(prim: Prim, x: Array) -> Array:
    return x[region(prim.attrs["starts"], prim.attrs["steps"], prim.shape)]


def _place(prim: Prim, x: Array) -> Array:
    out = np.zeros(prim.shape, prim.dtype)
    out[region(prim.attrs["starts"], prim.attrs["steps"], x.shape)] = x
    return out


def _iota(prim: Prim) -> Array:
    dim, n = prim.attrs["dim"], len(prim.shape)
    positions = np.arange(prim.shape[dim]).reshape((1,) * dim + (-1,) + (1,) * (n - dim - 1))
    return np.broadcast_to(positions, prim.shape)


def _gemms(_: Prim, *xs: Array) -> Any:
    return sum([np.matmul(a, b) for a, b in zip(xs[::2], xs[1::2], strict=True)])


def _put(prim: Prim, index: Array, x: Array) -> Array:
    out = np.zeros(prim.shape, prim.dtype)
    np.add.at(out, index, x)
    return out


def _places(index: Array, dim: int) -> tuple[Array, ...]:
    grid = np.ogrid[tuple([slice(0, n) for n in index.shape])]
    return tuple([index if d == dim else along for d, along in enumerate(grid)])


def _gather(prim: Prim, x: Array, index: Array) -> Array:
    return x[_places(index, prim.attrs["dim"])]


def _scatter(prim: Prim, x: Array, index: Array, source: Array) -> Array:
    out = x.copy()
    np.add.at(out, _places(index, prim.attrs["dim"]), source)
    return out


def _scan(prim: Prim, x: Array) -> Any:
    dim, accumulate = prim.attrs["dim"], _UFUNCS[prim.attrs["fn"]].accumulate
    return np.flip(accumulate(np.flip(x, dim), axis=dim), dim) if prim.attrs["reverse"] else accumulate(x, axis=dim)


def _conv(kernel: Callable[..., Array], sized: bool) -> Callable[..., Array]:
    def run(prim: Prim, a: Array, b: Array) -> Array:
        return kernel(a, b, **({"size": prim.shape[2:]} if sized else {}), **prim.attrs)

    return run


def _extent(prim: Prim, size: Sequence[int], out: Sequence[int]) -> list[int]:
    """How high and wide an image is with all that its windows reach."""
    attrs = [prim.attrs[name] for name in ("window", "stride", "padding", "dilation")]
    return [max(p + n, (o - 1) * s + d * (k - 1) + 1) for n, o, k, s, p, d in zip(size, out, *attrs, strict=True)]


def _in_windows(prim: Prim, out: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """For each place in the window, where it lies in all of them."""
    (kh, kw), (sh, sw), (dh, dw) = prim.attrs["window"], prim.attrs["stride"], prim.attrs["dilation"]
    for i, j in product(range(kh), range(kw)):
        rows, columns = slice(i * dh, i * dh + out[0] * sh, sh), slice(j * dw, j * dw + out[1] * sw, sw)
        yield ..., rows, columns


def _pool(prim: Prim, x: Array) -> Array:
    (top, left), (h, w), out = prim.attrs["padding"], x.shape[2:], prim.shape[2:]
    outside = _lowest(x.dtype, highest=False) if prim.attrs["fn"] == "max" else 0
    image = np.full((*x.shape[:2], *_extent(prim, (h, w), out)), outside, x.dtype)
    image[..., top : top + h, left : left + w] = x
    parts = [image[at][..., : out[0], : out[1]] for at in _in_windows(prim, out)]
    return reduce(_UFUNCS[prim.attrs["fn"]], parts)


def _pool_back(prim: Prim, ct: Array, *known: Array) -> Array:
    if prim.attrs["fn"] == "max":
        x, y = known
        window, stride, padding, dilation = [prim.attrs[name] for name in ("window", "stride", "padding", "dilation")]
        return pool_kernels.max_scatter(ct, x, y, window, stride, padding, dilation, ceil_mode=False)
    (top, left), (h, w), out = prim.attrs["padding"], prim.shape[2:], ct.shape[2:]
    image = np.zeros((*ct.shape[:2], *_extent(prim, (h, w), out)), ct.dtype)
    for at in _in_windows(prim, out):
        image[at][..., : out[0], : out[1]] += ct
    return image[..., top : top + h, left : left + w]


def _host(prim: Prim, *xs: Array) -> Any:
    arrays = iter(xs)
    inputs = [next(arrays) if number is None else number for number in prim.attrs["numbers"]]
    return np.asarray(prim.attrs["op"].forward(*inputs, **prim.attrs["op_attrs"])).astype(prim.dtype, copy=False)


_KINDS: dict[str, Callable[..., Any]] = {
    "constant": lambda p: p.attrs["array"],
    "number": lambda p: np.asarray(p.attrs["value"], p.dtype),
    "iota": _iota,
    "map": _map,
    "reduce": _reduce,
    "reshape": lambda p, x: x.reshape(p.shape),
    "permute": lambda p, x: x.transpose(p.attrs["dims"]),
    "expand": lambda p, x: np.broadcast_to(x, p.shape),
    "slice": _slice,
    "place": _place,
    "concat": lambda p, *xs: np.concatenate(xs, axis=p.attrs["dim"]),
    "gemm": _gemms,
    "gemms": _gemms,
    "conv": _conv(conv_kernels.convolve, sized=False),
    "conv_input": _conv(conv_kernels.transposed, sized=True),
    "conv_weight": _conv(conv_kernels.weight_gradient, sized=True),
    "pool": _pool,
    "pool_back": _pool_back,
    "take": lambda p, table, index: table[index],
    "put": _put,
    "gather": _gather,
    "scatter": _scatter,
    "scan": _scan,
    "host": _host,
}
