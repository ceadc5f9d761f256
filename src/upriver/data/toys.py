"""Toy data: small problems in the plane, made here by formulas, that show what a network can and cannot do.

Every function gives ``(x, y)`` as NumPy arrays: x float32 (n, 2) (one column for :func:`sine`), y int64 classes
(n,), or quantities, float32 (n, 1), for :func:`sine`, :func:`plane` and :func:`hills`; in random order. The same
arguments give the same numbers everywhere.
"""

from __future__ import annotations

import numpy as np

from ..core.state import Array
from ..errors import ArgumentError
from .stream import Stream

Points = tuple[Array, Array]


def xor(n: int = 400, noise: float = 0.0, seed: int = 0) -> Points:
    """Points of the square [-1, 1]^2; class 1 where the two coordinates have unlike signs. No line divides them.

    Args:
        n: how many points; 4 gives the four corners, the classical truth table.
        noise: standard deviation of what is added to the coordinates after the classes are fixed.
        seed: which points.

    Example:
        >>> from upriver.data import toys
        >>> x, y = toys.xor(4)
        >>> sorted([*map(int, point), int(label)] for point, label in zip(x, y))
        [[-1, -1, 0], [-1, 1, 1], [1, -1, 1], [1, 1, 0]]
    """
    stream = _stream(n, noise, seed)
    x = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]) if n == 4 else _square(stream, n)
    return _finish(stream, x, (x[:, 0] * x[:, 1] < 0), noise)


def moons(n: int = 400, noise: float = 0.1, seed: int = 0) -> Points:
    """Two half circles of radius 1, one for each class, that reach into one another.

    Args:
        n: how many points, half of them (rounded up) of class 0.
        noise: standard deviation of what is added to the coordinates.
        seed: which points.

    Example:
        >>> from upriver.data import toys
        >>> x, y = toys.moons(6, noise=0.0)
        >>> x.shape, x.dtype, int(y.sum())
        ((6, 2), dtype('float32'), 3)
    """
    stream = _stream(n, noise, seed)
    y = np.arange(n) % 2
    angle = np.pi * _spread(stream, y, 2)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.where(y[:, None] == 0, x, np.array([1.0, 0.5]) - x)
    return _finish(stream, x, y, noise)


def circles(n: int = 400, noise: float = 0.05, seed: int = 0, factor: float = 0.5) -> Points:
    """A circle of radius 1 (class 0) around a circle of radius ``factor`` (class 1).

    Args:
        n: how many points, half of them (rounded up) of class 0.
        noise: standard deviation of what is added to the coordinates.
        seed: which points.
        factor: radius of the inner circle, in (0, 1).

    Example:
        >>> import numpy as np
        >>> from upriver.data import toys
        >>> x, y = toys.circles(8, noise=0.0)
        >>> np.round(np.hypot(*x.T)[y == 1], 3).tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    if not 0.0 < factor < 1.0:
        raise ArgumentError(f"circles: factor must be between 0 and 1, not {factor}")
    stream = _stream(n, noise, seed)
    y = np.arange(n) % 2
    angle = 2.0 * np.pi * _spread(stream, y, 2)
    radius = np.where(y == 0, 1.0, factor)
    return _finish(stream, radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), y, noise)


def spiral(n: int = 600, noise: float = 0.02, seed: int = 0, classes: int = 3, turns: float = 0.75) -> Points:
    """Spiral arms out of the origin, one for each class, evenly turned against one another.

    Args:
        n: how many points, spread evenly over the classes.
        noise: standard deviation of what is added to the coordinates.
        seed: which points.
        classes: how many arms, at least 2.
        turns: how many times an arm goes round.

    Example:
        >>> import numpy as np
        >>> from upriver.data import toys
        >>> x, y = toys.spiral(30, classes=3)
        >>> np.bincount(y).tolist()
        [10, 10, 10]
    """
    _at_least_two("spiral", classes)
    stream = _stream(n, noise, seed)
    y = np.arange(n) % classes
    along = np.sqrt(_spread(stream, y, classes))  # as many points per unit of length near the end as near the origin
    angle = 2.0 * np.pi * (turns * along + y / classes)
    return _finish(stream, along[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1), y, noise)


def blobs(n: int = 400, noise: float = 0.15, seed: int = 0, classes: int = 2) -> Points:
    """Round clouds of points, one for each class, whose centres lie evenly on the unit circle.

    Args:
        n: how many points, spread evenly over the classes.
        noise: standard deviation of a cloud.
        seed: which points.
        classes: how many clouds, at least 2.

    Example:
        >>> from upriver.data import toys
        >>> x, y = toys.blobs(5, classes=2)
        >>> sorted(y.tolist())
        [0, 0, 0, 1, 1]
    """
    _at_least_two("blobs", classes)
    stream = _stream(n, noise, seed)
    y = np.arange(n) % classes
    angle = 2.0 * np.pi * (y / classes + 0.125)
    return _finish(stream, np.stack([np.cos(angle), np.sin(angle)], axis=1), y, noise)


def sine(n: int = 200, noise: float = 0.1, seed: int = 0) -> Points:
    """For regression: x (n, 1) in [-1, 1], y (n, 1) = sin(pi x) with noise, both float32.

    Args:
        n: how many points.
        noise: standard deviation of what is added to y.
        seed: which points.

    Example:
        >>> from upriver.data import toys
        >>> x, y = toys.sine(50)
        >>> x.shape, y.shape, y.dtype
        ((50, 1), (50, 1), dtype('float32'))
    """
    stream = _stream(n, noise, seed)
    x = stream.uniform(n, 1) * 2.0 - 1.0
    y = np.sin(np.pi * x) + noise * stream.normal(n, 1)
    return x.astype(np.float32), y.astype(np.float32)


def plane(n: int = 200, noise: float = 0.0, seed: int = 0) -> Points:
    """For regression: x (n, 2) in the square [-1, 1]^2, y (n, 1) = half the sum of its coordinates, with noise.

    Args:
        n: how many points.
        noise: standard deviation of what is added to y.
        seed: which points.

    Example:
        >>> import numpy as np
        >>> from upriver.data import toys
        >>> x, y = toys.plane(50)
        >>> np.allclose(y[:, 0], x.mean(axis=1))
        True
    """
    stream = _stream(n, noise, seed)
    x = _square(stream, n)
    return _quantity(stream, x, x.mean(axis=1), noise)


def hills(n: int = 200, noise: float = 0.0, seed: int = 0) -> Points:
    """For regression: x (n, 2) in the square [-1, 1]^2, y (n, 1) the height over it of three hills and three hollows.

    Each is round, ``max(0, 1 - 3 d)`` at distance d from its middle, and they take turns around the origin.

    Args:
        n: how many points.
        noise: standard deviation of what is added to y.
        seed: which points.

    Example:
        >>> from upriver.data import toys
        >>> x, y = toys.hills(300)
        >>> x.shape, y.shape, bool(y.min() < -0.5 < 0.5 < y.max())
        ((300, 2), (300, 1), True)
    """
    stream = _stream(n, noise, seed)
    x = _square(stream, n)
    angle = np.pi * np.arange(6) / 3.0
    middles = 0.6 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    distance = np.linalg.norm(x[:, None] - middles, axis=2)
    height = np.maximum(0.0, 1.0 - 3.0 * distance) @ np.array([1.0, -1.0] * 3)
    return _quantity(stream, x, height, noise)


def _stream(n: int, noise: float, seed: int) -> Stream:
    if n < 1:
        raise ArgumentError(f"toy data: n must be at least 1, not {n}")
    if not 0.0 <= noise < float("inf"):
        raise ArgumentError(f"toy data: noise must be a number of at least 0, not {noise}")
    return Stream(seed)


def _at_least_two(name: str, classes: int) -> None:
    if classes < 2:
        raise ArgumentError(f"{name}: classes must be at least 2, not {classes}")


def _square(stream: Stream, n: int) -> Array:
    return stream.uniform(n, 2) * 2.0 - 1.0


def _spread(stream: Stream, y: Array, classes: int) -> Array:
    """For each point its place in [0, 1) within its class: one in each of as many equal cells, at random in it."""
    counts = np.bincount(y, minlength=classes)
    return (np.arange(len(y)) // classes + stream.uniform(len(y))) / counts[y]


def _finish(stream: Stream, x: Array, y: Array, noise: float) -> Points:
    order = stream.permutation(len(x))
    x = x + noise * stream.normal(*x.shape) if noise else x
    return x[order].astype(np.float32), y[order].astype(np.int64)


def _quantity(stream: Stream, x: Array, y: Array, noise: float) -> Points:
    y = y[:, None] + noise * stream.normal(len(y), 1)
    return x.astype(np.float32), y.astype(np.float32)
