"""Index maps: where, in an array's memory, the entry of another array's (or a loop's) position lies.

A map is linear: a stride for each dimension and an offset, in entries. Reshapes, permutations, expansions and slices
only change such maps, so that they never run: whoever reads through them reads at other strides.
"""

from __future__ import annotations

from collections.abc import Sequence

from .prims import Prim, Shape

Strides = tuple[int, ...]


def size(shape: Sequence[int]) -> int:
    """How many entries a shape has."""
    n = 1
    for length in shape:
        n *= length
    return n


def row_major(shape: Sequence[int]) -> Strides:
    """The strides of an array without gaps, last dimension innermost.

    Example:
        >>> row_major((2, 3, 4))
        (12, 4, 1)
    """
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(strides[::-1])


def reshaped(shape: Shape, strides: Strides, new: Shape) -> Strides | None:
    """The strides of a reshape, or None where no strides can say it.

    Example:
        >>> reshaped((2, 3, 4), (12, 4, 1), (6, 4))
        (4, 1)
        >>> reshaped((2, 3), (1, 2), (6,)) is None
        True
    """
    # What remains once lengths of 1 are dropped and dimensions that lie behind one another are merged.
    merged: list[list[int]] = []
    for n, s in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if merged and merged[-1][1] == n * s:
            merged[-1] = [merged[-1][0] * n, s]
        else:
            merged.append([n, s])
    out = [0] * len(new)
    for i in reversed(range(len(new))):
        n = new[i]
        if n == 1:
            continue
        while merged and merged[-1][0] == 1:
            merged.pop()
        if not merged or merged[-1][0] % n:
            return None
        out[i] = merged[-1][1]
        merged[-1] = [merged[-1][0] // n, merged[-1][1] * n]
    return tuple(out)


def through(view: Prim, strides: Strides, offset: int) -> tuple[Strides, int] | None:
    """The map over a view's dimensions, from that over the dimensions of what it views; None if there is none."""
    source, attrs = view.args[0], view.attrs
    if view.kind == "reshape":
        new = reshaped(source.shape, strides, view.shape)
        return None if new is None else (new, offset)
    if view.kind == "permute":
        return tuple([strides[d] for d in attrs["dims"]]), offset
    if view.kind == "expand":
        return tuple([s if n == m else 0 for s, n, m in zip(strides, source.shape, view.shape, strict=True)]), offset
    starts, steps = attrs["starts"], attrs["steps"]
    offset += sum([a * s for a, s in zip(starts, strides, strict=True)])
    return tuple([s * step for s, step in zip(strides, steps, strict=True)]), offset


def positions(
    shape: Shape, own: Strides, dims: Sequence[int], strides: Sequence[int], offset: int
) -> list[list[int]] | None:
    """For each dimension of an array the position along it, where a loop meets its entries at a map.

    Arguments:
        shape: of the array.
        own: its strides; it has no gaps and no entry twice.
        dims: lengths of the loop.
        strides: of the map from the loop to the array's memory.
        offset: of the map.

    Returns:
        For each dimension of the array, what each loop contributes to the position, and last its beginning; None
        where a loop runs from one row into the next.

    Example:
        >>> positions((4, 6), (6, 1), (2, 3), (12, 2), 1)
        [[2, 0, 0], [0, 2, 1]]
    """
    outward = sorted([j for j in range(len(shape)) if shape[j] > 1], key=lambda j: -own[j])
    found = [[0] * (len(dims) + 1) for _ in shape]
    for d, total in enumerate((*strides, offset)):
        if d < len(dims) and dims[d] == 1:
            continue
        rest, sign = (total, 1) if total >= 0 else (-total, -1)
        for j in outward:
            if rest >= own[j]:
                found[j][d] = sign * (rest // own[j])
                rest %= own[j]
        if rest:
            return None
    for row, length in zip(found, shape, strict=True):
        low = high = row[-1]
        for times, n in zip(row, dims, strict=False):
            if times > 0:
                high += times * (n - 1)
            elif times < 0:
                low += times * (n - 1)
        if low < 0 or high >= length:
            return None
    return found


def merged(shape: Sequence[int], maps: Sequence[Sequence[int]], apart: Sequence[bool]) -> list[list[int]]:
    """The dimensions that are not 1, in runs that every map walks through as through one; a run is all apart or not.

    Example:
        >>> merged((2, 3, 1, 4), [(12, 4, 4, 1), (4, 0, 0, 1)], (False,) * 4)
        [[0], [1], [3]]
        >>> merged((2, 3, 1, 4), [(12, 4, 4, 1)], (False,) * 4)
        [[0, 1, 3]]
    """
    runs: list[list[int]] = []
    for i, n in enumerate(shape):
        if n == 1:
            continue
        last = runs[-1][-1] if runs else -1
        if runs and apart[i] == apart[last] and all([s[last] == s[i] * n for s in maps]):
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs
