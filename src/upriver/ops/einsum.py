"""Einstein's summation: products of tensors named by the letters of their dimensions, summed where a letter vanishes.

One operation of any number of operands, whose gradient with respect to each is the same operation on the
others. Several operands are contracted two at a time, in an order that costs little (Pfeifer, Haegeman and
Verstraete, "Faster identification of optimal contraction sequences for tensor networks", 2014), and each
pair as one (batched) matrix product.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.op import CALL, REALS, Case, Each, Formula, Op
from ..core.registry import front_door
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor, literal
from ..errors import ArgumentError, DimError, ShapeError, joined
from .align import broadcast_to
from .linalg import product_dtype
from .shape import axis, reshape

Shape = tuple[int, ...]


def _parts(equation: str) -> tuple[list[str], str]:
    inputs, out = equation.split("->")
    return inputs.split(","), out


def _lengths(name: str, labels: Sequence[str], shapes: Sequence[Shape]) -> dict[str, int]:
    """The length of each letter.

    Raises:
        ShapeError: a letter stands for two lengths, or an operand has more or fewer dimensions than letters.
    """
    lengths: dict[str, int] = {}
    for i, (letters, s) in enumerate(zip(labels, shapes, strict=True)):
        if len(letters) != len(s):
            raise ShapeError(
                f"{name}: operand {i} has shape {list(s)}, but {letters!r} names {len(letters)} dimensions"
            )
        for letter, n in zip(letters, s, strict=True):
            if lengths.setdefault(letter, n) != n:
                raise ShapeError(
                    f"{name}: {letter!r} is {lengths[letter]} in one operand and {n} in operand {i} "
                    f"of shapes {joined(str(list(x)) for x in shapes)}",
                    "One letter stands for one length.",
                )
    return lengths


def _einsum_shape(*shapes: Shape, equation: str) -> Shape:
    labels, out = _parts(equation)
    lengths = _lengths("einsum", labels, shapes)
    return tuple([lengths[letter] for letter in out])


@lru_cache(maxsize=256)
def _path(equation: str, shapes: tuple[Shape, ...]) -> list[tuple[int, ...]]:
    empty = [np.broadcast_to(np.float32(0), s) for s in shapes]
    return np.einsum_path(equation, *empty, optimize="greedy")[0][1:]


@lru_cache(maxsize=1024)
def _plan(a: str, b: str, out: str) -> tuple[Any, ...]:
    """How two operands become one matrix product: their axes in its order, and where its axes go.

    Letters are in four groups: in both and in the result (batch), in both and summed (inner), in one only.
    """
    batch = [c for c in out if c in a and c in b]
    rows = [c for c in a if c in out and c not in b]
    columns = [c for c in b if c in out and c not in a]
    inner = [c for c in a if c in b and c not in out]
    left = tuple([a.index(c) for c in (*batch, *rows, *inner)])
    right = tuple([b.index(c) for c in (*batch, *inner, *columns)])
    made = [*batch, *rows, *columns]
    return len(batch), len(rows), len(inner), len(columns), left, right, tuple([made.index(c) for c in out])


def _only(x: Array, letters: str, wanted: str) -> tuple[Array, str]:
    """``x`` summed over the letters that are not wanted."""
    lost = tuple([i for i, c in enumerate(letters) if c not in wanted])
    if not lost:
        return x, letters
    return np.asarray(np.add.reduce(x, axis=lost)), "".join([c for c in letters if c in wanted])


def _pair(x: Array, a: str, y: Array, b: str, out: str) -> Array:
    x, a = _only(x, a, b + out)
    y, b = _only(y, b, a + out)
    n_batch, n_rows, n_inner, n_columns, left, right, order = _plan(a, b, out)
    if not n_rows and not n_columns and n_batch and n_inner:
        return np.einsum(f"{a},{b}->{out}", x, y)  # sums of products of entries: nothing for a matrix product
    x, y = x.transpose(left), y.transpose(right)
    lead, rows, columns = x.shape[:n_batch], x.shape[n_batch : n_batch + n_rows], y.shape[n_batch + n_inner :]
    if not n_inner:
        z = x.reshape((*x.shape, *(1,) * n_columns)) * y.reshape((*lead, *(1,) * n_rows, *columns))
        return z.transpose(order)
    k = math.prod(y.shape[n_batch : n_batch + n_inner])
    if n_rows != 1 or n_inner != 1:
        x = x.reshape((*lead, math.prod(rows), k))
    if n_columns != 1 or n_inner != 1:
        y = y.reshape((*lead, k, math.prod(columns)))
    z = np.matmul(x, y)
    return (z if n_rows == n_columns == 1 else z.reshape((*lead, *rows, *columns))).transpose(order)


def _einsum_forward(*operands: Array, equation: str) -> Array:
    labels, out = _parts(equation)
    if len(operands) == 1:
        x, letters = _only(operands[0], labels[0], out)
        return x.transpose([letters.index(c) for c in out])
    return _in_pairs(_pair, operands, labels, out, equation)


def _in_pairs(pair: Any, operands: Sequence[Any], labels: list[str], out: str, equation: str) -> Any:
    """Two operands at a time made one by ``pair``, in the order that costs least."""
    if len(operands) == 2:
        return pair(operands[0], labels[0], operands[1], labels[1], out)
    arrays = list(operands)
    for step in _path(equation, tuple([x.shape for x in operands])):
        taken = [(arrays.pop(i), labels.pop(i)) for i in sorted(step, reverse=True)]
        x, a = taken.pop()
        while taken:
            y, b = taken.pop()
            later = out + "".join(labels) + "".join([letters for _, letters in taken])
            both = out if not taken and not arrays else "".join(dict.fromkeys([c for c in a + b if c in later]))
            x, a = pair(x, a, y, b, both), both
        arrays.append(x)
        labels.append(a)
    return arrays[0]


def _einsum_recipe(m: Any, *operands: Any, equation: str) -> Any:
    if operands[0].dtype.kind != "f":
        return NotImplemented
    labels, out = _parts(equation)

    def only(x: Any, letters: str, wanted: str) -> tuple[Any, str]:
        lost = [i for i, c in enumerate(letters) if c not in wanted]
        return m.sum(x, lost), "".join([c for c in letters if c in wanted])

    def pair(x: Any, a: str, y: Any, b: str, out: str) -> Any:
        x, a = only(x, a, b + out)
        y, b = only(y, b, a + out)
        n_batch, n_rows, n_inner, n_columns, left, right, order = _plan(a, b, out)
        x, y = m.permute(x, left), m.permute(y, right)
        lead, rows, columns = x.shape[:n_batch], x.shape[n_batch : n_batch + n_rows], y.shape[n_batch + n_inner :]
        if not n_inner:
            x = m.reshape(x, (*x.shape, *(1,) * n_columns))
            return m.permute(x * m.reshape(y, (*lead, *(1,) * n_rows, *columns)), order)
        if not n_rows and not n_columns:  # sums of products of entries: nothing for a matrix product
            return m.permute(m.sum(x * y, tuple(range(n_batch, x.ndim))), order)
        k = math.prod(y.shape[n_batch : n_batch + n_inner])
        x, y = m.reshape(x, (*lead, math.prod(rows), k)), m.reshape(y, (*lead, k, math.prod(columns)))
        return m.permute(m.reshape(m.gemm(x, y), (*lead, *rows, *columns)), order)

    if len(operands) == 1:
        x, letters = only(operands[0], labels[0], out)
        return m.permute(x, [letters.index(c) for c in out])
    return _in_pairs(pair, operands, labels, out, equation)


def _einsum_rule(i: int, ct: Any, _y: Any, *operands: Any, equation: str) -> Any:
    labels, out = _parts(equation)
    mine = labels[i]
    others = [j for j in range(len(operands)) if j != i]
    known = out + "".join([labels[j] for j in others])
    reached = "".join([c for c in mine if c in known])
    backward = ",".join([out, *[labels[j] for j in others]]) + "->" + reached
    part = _einsum(ct, *[operands[j] for j in others], equation=backward)
    if reached == mine:
        return part
    # A letter of this operand alone is a plain sum: its gradient is the same all along it.
    s = operands[i].shape
    kept = tuple([n if c in known else 1 for c, n in zip(mine, s, strict=True)])
    return broadcast_to(reshape(part, kept), shape=s)


_einsum = Op(
    name="einsum",
    forward=_einsum_forward,
    vjps=Each(_einsum_rule, reads=True),
    shape=_einsum_shape,
    dtype=product_dtype("einsum"),
    formula=Formula("einsum[{equation}]({0}, {1}, {2})", r"\operatorname{{einsum}}\left({0}, {1}, {2}\right)", CALL),
    domain=REALS,
    flops=lambda out, *shapes, equation: (
        len(shapes) * math.prod(_lengths("einsum", _parts(equation)[0], shapes).values())
    ),
    lower=lambda m, *operands, equation: _einsum_recipe(m, *operands, equation=equation),
    cases=(
        Case(((2, 3), (3, 4)), {"equation": "ij,jk->ik"}),
        Case(((2, 2, 3, 4), (2, 2, 5, 4)), {"equation": "bhid,bhjd->bhij"}),
        Case(((2, 3), (3, 4), (4, 2)), {"equation": "ij,jk,kl->il"}),
        Case(((2, 3, 4), (3, 5)), {"equation": "abc,bd->da"}),
        Case(((2, 3), (2, 3)), {"equation": "ij,ij->"}),
        Case(((2, 3), (2, 3)), {"equation": "ij,ij->j"}),
        Case(((2,), (3,)), {"equation": "i,j->ji"}),
        Case(((2, 3, 2),), {"equation": "ijk->ki"}),
        Case(((), (2,)), {"equation": ",i->i"}),
        Case(((2, 0), (0, 3)), {"equation": "ij,jk->ik"}),
    ),
)


def _sublists(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """``einsum(a, [0, 1], b, [1, 2], [0, 2])`` as an equation and its operands."""

    def letters(numbers: Sequence[Any]) -> str:
        return "".join(["..." if n is Ellipsis else string.ascii_letters[n] for n in numbers])

    operands, labels = list(args[: len(args) // 2 * 2 : 2]), [letters(x) for x in args[1::2]]
    return ",".join(labels) + (f"->{letters(args[-1])}" if len(args) % 2 else ""), operands


@lru_cache(maxsize=1024)
def _explicit(equation: str, dims: Shape) -> tuple[tuple[str, ...], str]:
    """The letters of each operand and of the result, with letters for what ``...`` stands for.

    Raises:
        ArgumentError: the equation is malformed.
    """
    text = equation.replace(" ", "")
    left, arrow, out = text.partition("->")
    labels = left.split(",")
    if len(labels) != len(dims):
        raise ArgumentError(f"einsum: {equation!r} names {len(labels)} operands, {len(dims)} are given")
    free = [c for c in string.ascii_letters[::-1] if c not in text]
    widest = max([n - len(x) + 3 for x, n in zip(labels, dims, strict=True) if "..." in x], default=0)
    dots = "".join(free[: max(widest, 0)])
    for i, n in enumerate(dims):
        count = n - len(labels[i]) + 3
        if "..." in labels[i] and count >= 0:
            labels[i] = labels[i].replace("...", dots[len(dots) - count :])
    if arrow:
        out = out.replace("...", dots)
    else:
        once = "".join(labels)
        out = dots + "".join([c for c in sorted(set(once)) if once.count(c) == 1 and c not in dots])
    for letters in (*labels, out):
        if not all(c in string.ascii_letters for c in letters):
            raise ArgumentError(f"einsum: {equation!r} is malformed", "It is like 'ij,jk->ik' or '...ij,jk->...ik'.")
    if len(set(out)) != len(out) or not set(out) <= set("".join(labels)):
        raise ArgumentError(
            f"einsum: each letter of the result of {equation!r} must stand in it once, and in some operand"
        )
    return tuple(labels), out


@front_door
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Products of tensors, summed over every letter that the result does not have.

    Args:
        equation: the letters of the dimensions of each operand, and after ``->`` those of the result; without
            an arrow, the letters that stand once, in alphabetical order. ``...`` stands for further
            dimensions, which broadcast; a letter twice in one operand takes its diagonal.
        operands: as many tensors, of one dtype (or a list of them).

    Returns:
        A tensor with the dimensions that the equation says.

    Raises:
        ShapeError: a letter stands for two lengths, or the letters do not match the dimensions.
        ArgumentError: the equation is malformed.
        DTypeError: the dtypes differ.

    Source:
        Einstein, "Die Grundlage der allgemeinen Relativitätstheorie", Annalen der Physik 354 (1916), §5.

    Example:
        >>> import upriver as ur
        >>> x = ur.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> ur.einsum("ij,jk->ik", x, x).tolist()
        [[7.0, 10.0], [15.0, 22.0]]
        >>> ur.einsum("ii->", x).item()
        5.0
    """
    if not isinstance(equation, str):
        equation, parts = _sublists((equation, *operands))
        operands = tuple(parts)
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    tensors = [as_tensor(x) for x in operands]
    if not tensors:
        raise ArgumentError("einsum: no operands", "Give one tensor for each part of the equation.")
    explicit, out = _explicit(equation, tuple([t.ndim for t in tensors]))
    labels = list(explicit)
    for i, t in enumerate(list(tensors)):
        if len(labels[i]) != t.ndim:
            raise ShapeError(
                f"einsum: operand {i} has shape {list(t.shape)}, but {equation!r} names {len(labels[i])} dimensions"
            )
        if len(set(labels[i])) != len(labels[i]):
            labels[i] = _diagonals(labels, tensors, i)
    if any(1 in t.shape for t in tensors):
        _drop_ones(labels, tensors)
    return _einsum(*tensors, equation=",".join(labels) + "->" + out)


def _diagonals(labels: list[str], tensors: list[Tensor], i: int) -> str:
    """The letters of operand ``i`` without repetition: a diagonal is the product with an identity matrix, summed."""
    letters = ""
    _lengths("einsum", [labels[i]], [tensors[i].shape])
    for c, n in zip(labels[i], tensors[i].shape, strict=True):
        if c in letters:
            used = "".join(labels) + letters
            other = next((x for x in string.ascii_letters if x not in used), c)
            labels.append(c + other)
            tensors.append(literal(np.eye(n, dtype=tensors[i].dtype)))
            c = other
        letters += c
    return letters


def _drop_ones(labels: list[str], tensors: list[Tensor]) -> None:
    """Remove a dimension of length 1 whose letter is longer elsewhere: it broadcasts."""
    longest: dict[str, int] = {}
    for letters, t in zip(labels, tensors, strict=True):
        for c, n in zip(letters, t.shape, strict=True):
            longest[c] = n if longest.get(c, 1) == 1 else longest[c]
    for i, t in enumerate(tensors):
        if 1 in t.shape:
            stay = [d for d, c in enumerate(labels[i]) if t.shape[d] != 1 or longest[c] == 1]
            if len(stay) < t.ndim:
                labels[i] = "".join([labels[i][d] for d in stay])
                tensors[i] = reshape(t, tuple([t.shape[d] for d in stay]))


@front_door
def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """The product summed over ``dims``: so many last ones of ``a`` and first ones of ``b``, or two lists of them.

    Example:
        >>> import upriver as ur
        >>> ur.tensordot(ur.ones(2, 3), ur.ones(3, 4), dims=1).shape
        (2, 4)
        >>> ur.tensordot(ur.ones(2, 3), ur.ones(2, 4), dims=([0], [0])).shape
        (3, 4)
    """
    a, b = as_tensor(a), as_tensor(b)
    if isinstance(dims, int):
        first, second = list(range(a.ndim - dims, a.ndim)), list(range(dims))
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise DimError(f"tensordot: shapes {list(a.shape)} and {list(b.shape)} do not both have {dims} dimensions")
    else:
        first = [axis("tensordot", d, a.ndim) for d in dims[0]]
        second = [axis("tensordot", d, b.ndim) for d in dims[1]]
        if len(first) != len(second):
            raise ArgumentError(f"tensordot: dims={dims!r} name {len(first)} and {len(second)} dimensions")
    left = string.ascii_letters[: a.ndim]
    right = list(string.ascii_letters[a.ndim : a.ndim + b.ndim])
    for i, j in zip(first, second, strict=True):
        right[j] = left[i]
    out = [c for d, c in enumerate(left) if d not in first] + [c for d, c in enumerate(right) if d not in second]
    return _einsum(a, b, equation=f"{left},{''.join(right)}->{''.join(out)}")


@front_door
def inner(a: Any, b: Any) -> Tensor:
    """The products summed over the last dimension of both; of a number and a tensor, their product.

    Example:
        >>> import upriver as ur
        >>> ur.inner(ur.tensor([1.0, 2.0]), ur.tensor([3.0, 4.0])).item()
        11.0
    """
    a, b = as_tensor(a), as_tensor(b)
    return tensordot(a, b, ([-1], [-1])) if a.ndim and b.ndim else a * b


@front_door
def trace(x: Any) -> Tensor:
    """The sum of the diagonal of a matrix.

    Example:
        >>> import upriver as ur
        >>> ur.trace(ur.tensor([[1.0, 2.0], [3.0, 4.0]])).item()
        5.0
    """
    x = as_tensor(x)
    if x.ndim != 2:
        raise ShapeError(f"trace: shape {list(x.shape)} is not a matrix", "For a batch, einsum('...ii->...', x).")
    return einsum("ii->", x) if x.shape[0] == x.shape[1] else (x * np.eye(*x.shape, dtype=x.dtype)).sum()
