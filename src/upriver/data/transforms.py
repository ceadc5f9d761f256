"""Transforms: columns to mean 0 and deviation 1, categories to numbers, images to floats and about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor, wrap
from ..errors import ArgumentError, DataError, ShapeError
from .checks import check_finite
from .stream import Stream, draw_seed


class Standardize:
    """Each column minus its mean, divided by its standard deviation, both of the data that ``fit`` saw.

    Fit on the training part alone: what the test part looks like must not reach the model. A column that is
    constant in the training part becomes 0 there (it is divided by 1).

    Attributes:
        mean: float32, the means.
        std: float32, what is divided by.

    Example:
        >>> import numpy as np
        >>> from upriver.data import Standardize
        >>> scale = Standardize().fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
        >>> scale(np.array([[2.0, 5.0], [5.0, 6.0]])).tolist()
        [[0.0, 0.0], [3.0, 1.0]]
        >>> scale.inverse(np.array([[3.0, 1.0]])).tolist()
        [[5.0, 6.0]]
    """

    mean: Array
    std: Array

    def fit(self, x: Any) -> Self:
        """Take the means and deviations of ``x`` (N, ...), over its first dimension.

        Raises:
            DataError: ``x`` is empty, or has a value that is not finite.
        """
        array = _array(x)
        if array.ndim == 0 or len(array) == 0:
            raise DataError(f"Standardize.fit: no rows in data of shape {list(array.shape)}")
        check_finite("Standardize.fit", array)
        mean = array.mean(axis=0, dtype=np.float64)
        std = array.std(axis=0, dtype=np.float64)
        # A constant column has a deviation of some rounding errors rather than of 0.
        std = np.where(std > 1e-7 * np.maximum(np.abs(mean), 1e-30), std, 1.0)
        self.mean, self.std = mean.astype(np.float32), std.astype(np.float32)
        return self

    def __call__(self, x: Any) -> Any:
        """``(x - mean) / std``, float32; a tensor for a tensor, an array for an array."""
        return _like(x, (self._checked(x) - self.mean) / self.std)

    def inverse(self, z: Any) -> Any:
        """Back from standardised values."""
        return _like(z, self._checked(z) * self.std + self.mean)

    def fit_transform(self, x: Any) -> Any:
        """``fit(x)``, then ``self(x)``."""
        return self.fit(x)(x)

    def state_dict(self) -> dict[str, Any]:
        """The means and deviations as lists, fit for JSON."""
        self._checked(None)
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        self.mean = np.asarray(state["mean"], dtype=np.float32)
        self.std = np.asarray(state["std"], dtype=np.float32)

    def _checked(self, x: Any) -> Array:
        if not hasattr(self, "mean"):
            raise DataError("Standardize: it has not been fitted", "Call fit(x_train) first.")
        array = _array(0.0 if x is None else x).astype(np.float32, copy=False)
        if x is not None and array.shape[array.ndim - self.mean.ndim :] != self.mean.shape:
            raise ShapeError(
                f"Standardize: fitted on rows of shape {list(self.mean.shape)}, called on {list(array.shape)}"
            )
        return array


class OneHot:
    """Categories as columns of 0 and 1, one column for each category that ``fit`` saw.

    Args:
        unknown: what a category is that was not seen: ``"error"``, or ``"zero"`` for a row of zeros.

    Attributes:
        categories: the categories, sorted; column k stands for the k-th.

    Example:
        >>> from upriver.data import OneHot
        >>> encode = OneHot().fit(["red", "blue", "red"])
        >>> encode.categories, encode(["blue", "red"]).tolist()
        (('blue', 'red'), [[1.0, 0.0], [0.0, 1.0]])
    """

    categories: tuple[str, ...] = ()

    def __init__(self, unknown: str = "error") -> None:
        if unknown not in ("error", "zero"):
            raise ArgumentError(f"OneHot: unknown must be 'error' or 'zero', not {unknown!r}")
        self.unknown = unknown

    def fit(self, values: Sequence[Any]) -> Self:
        """Take the categories of ``values`` (N,), as text."""
        if len(values) == 0:
            raise DataError("OneHot.fit: no values", "There must be at least one.")
        self.categories = tuple(sorted({str(v) for v in values}))
        return self

    def __call__(self, values: Sequence[Any]) -> Array:
        """float32 (N, len(categories))."""
        if not self.categories:
            raise DataError("OneHot: it has not been fitted", "Call fit(values) first.")
        column = {category: k for k, category in enumerate(self.categories)}
        out = np.zeros((len(values), len(self.categories)), dtype=np.float32)
        for row, value in enumerate(values):
            k = column.get(str(value))
            if k is not None:
                out[row, k] = 1.0
            elif self.unknown == "error":
                raise DataError(
                    f"OneHot: {value!r} in row {row} is none of the {len(self.categories)} categories that fit saw",
                    "Fit on data that have it, or use OneHot(unknown='zero').",
                )
        return out


def to_float(images: Any) -> Any:
    """Images of 0 .. 255 (uint8) as float32 in [0, 1]; floats as float32, unchanged in value.

    Example:
        >>> import numpy as np
        >>> from upriver.data import to_float
        >>> to_float(np.array([0, 51, 255], dtype=np.uint8)).tolist()
        [0.0, 0.20000000298023224, 1.0]
    """
    array = _array(images)
    scale = np.float32(255.0) if array.dtype == np.uint8 else None
    out = array.astype(np.float32)
    return _like(images, out if scale is None else np.divide(out, scale, out=out))


def flatten(images: Any) -> Any:
    """(N, ...) as (N, product of the rest): the rows that a linear layer takes.

    Example:
        >>> import numpy as np
        >>> from upriver.data import flatten
        >>> flatten(np.zeros((5, 1, 8, 8))).shape
        (5, 64)
    """
    array = _array(images)
    if array.ndim == 0:
        raise ShapeError("flatten: data of no dimensions have no rows")
    return _like(images, array.reshape(len(array), int(np.prod(array.shape[1:]))))


def pad_images(images: Any, width: int, value: float = 0.0) -> Any:
    """(..., H, W) with ``width`` more pixels of ``value`` on each of the four sides.

    Example:
        >>> import numpy as np
        >>> from upriver.data import pad_images
        >>> pad_images(np.ones((2, 1, 8, 8)), 2).shape
        (2, 1, 12, 12)
    """
    array = _images("pad_images", images, width)
    around = [(0, 0)] * (array.ndim - 2) + [(width, width)] * 2
    return _like(images, np.pad(array, around, constant_values=value))


class RandomShift:
    """Each image of a batch moved by up to ``pixels`` up or down and left or right, at random; the rest is ``value``.

    As the ``transform`` of a :class:`~upriver.data.DataLoader` it moves the first tensor of each batch.

    Args:
        pixels: the largest move, at least 0; each of the (2 pixels + 1)^2 moves is equally likely.
        value: what comes in at the edge.

    Example:
        >>> import upriver as ur
        >>> from upriver.data import RandomShift
        >>> shift = RandomShift(1)
        >>> x, y = shift([ur.ones(4, 1, 8, 8), ur.arange(4)], ur.Generator().manual_seed(0))
        >>> x.shape, y.tolist()
        ((4, 1, 8, 8), [0, 1, 2, 3])
    """

    def __init__(self, pixels: int = 1, value: float = 0.0) -> None:
        if pixels < 0:
            raise ArgumentError(f"RandomShift: pixels must be at least 0, not {pixels}")
        self.pixels, self.value = int(pixels), value

    def __call__(self, batch: Any, generator: Any = None) -> Any:
        """The batch, its images (N, ..., H, W) moved; all randomness is drawn from ``generator``."""
        if isinstance(batch, (tuple, list)):
            rest: list[Any] = list(batch[1:])  # pyright: ignore[reportUnknownArgumentType]
            return [self(batch[0], generator), *rest]
        images = _images("RandomShift", batch, self.pixels)
        if images.ndim < 3:
            raise ShapeError(f"RandomShift: images must be (N, ..., H, W), not {list(images.shape)}")
        n, (h, w), p = len(images), images.shape[-2:], self.pixels
        padded: Array = pad_images(images, p, self.value)
        moves = Stream(draw_seed(generator)).integers(2 * p + 1, 2 * n).reshape(2, n)
        rows = (moves[0][:, None] + np.arange(h))[:, :, None]
        columns = (moves[1][:, None] + np.arange(w))[:, None, :]
        flat = padded.reshape(n, -1, *padded.shape[-2:])
        moved = flat[np.arange(n)[:, None, None], :, rows, columns]  # (N, H, W, channels)
        return _like(batch, np.ascontiguousarray(np.moveaxis(moved, -1, 1)).reshape(images.shape))


def _array(x: Any) -> Array:
    return x.array if isinstance(x, Tensor) else np.asarray(x)


def _like(x: Any, array: Array) -> Any:
    return wrap(array, None) if isinstance(x, Tensor) else array


def _images(name: str, images: Any, width: int) -> Array:
    array = _array(images)
    if array.ndim < 2 or width < 0:
        raise ShapeError(f"{name}: {width} pixels around images of shape {list(array.shape)}; (..., H, W) is expected")
    return array
