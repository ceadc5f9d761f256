"""One tensor made several: views of its parts, which a backward pass puts together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.registry import front_door
from ..errors import ArgumentError, DimError, ShapeError
from .shape import axis
from .slices import FULL, Key, view


@front_door
def split(x: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """``x`` in pieces along ``dim``: of one length (the last may be shorter), or of the lengths given. Views.

    Args:
        x: any shape.
        split_size_or_sections: the length of each piece, or a list of lengths.
        dim: along which dimension.

    Raises:
        ShapeError: the lengths do not add up to that of the dimension.

    Example:
        >>> import upriver as ur
        >>> [part.tolist() for part in ur.arange(5).split(2)]
        [[0, 1], [2, 3], [4]]
    """
    d = axis("split", dim, x.ndim)
    total = x.shape[d]
    sizes: Sequence[int]
    if isinstance(split_size_or_sections, (tuple, list)):
        sizes = [int(n) for n in split_size_or_sections]
        if sum(sizes) != total or min(sizes, default=0) < 0:
            raise ShapeError(f"split: the lengths {sizes} do not add up to {total}, the length of dimension {d}")
    else:
        size = int(split_size_or_sections)
        if size < 1 and total:
            raise ArgumentError(f"split: pieces of length {size} cannot be made")
        sizes = [min(size, total - i) for i in range(0, total, size)] if total else [0]
    pieces: list[Any] = []
    start = 0
    for n in sizes:
        pieces.append(view(x, Key((*(FULL,) * d, slice(start, start + n), ...))))
        start += n
    return tuple(pieces)


@front_door
def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """``x`` in at most ``chunks`` pieces of one length along ``dim`` (the last may be shorter). Views.

    Args:
        x: any shape.
        chunks: how many pieces at most.
        dim: along which dimension.

    Example:
        >>> import upriver as ur
        >>> [part.tolist() for part in ur.arange(5).chunk(2)]
        [[0, 1, 2], [3, 4]]
    """
    if chunks < 1:
        raise ArgumentError(f"chunk: {chunks} pieces cannot be made")
    total = x.shape[axis("chunk", dim, x.ndim)]
    return split(x, -(-total // chunks), dim) if total else split(x, [0] * chunks, dim)


@front_door
def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The entries along ``dim``, each without that dimension. Views.

    Example:
        >>> import upriver as ur
        >>> a, b = ur.tensor([[1, 2], [3, 4]]).unbind()
        >>> b.tolist()
        [3, 4]
    """
    d = axis("unbind", dim, x.ndim)
    if not x.ndim:
        raise DimError("unbind: a tensor of no dimensions cannot be taken apart")
    return tuple([view(x, Key((*(FULL,) * d, i, ...))) for i in range(x.shape[d])])
