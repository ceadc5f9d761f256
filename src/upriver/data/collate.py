"""From a list of samples to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.dtypes import bool_, float64, int64
from ..core.registry import ops
from ..core.state import Array
from ..core.tensor import Tensor, as_tensor
from ..errors import DTypeError, ShapeError


def default_collate(batch: Sequence[Any]) -> Any:
    """The samples of ``batch`` put together, as PyTorch's function of this name does it.

    Tensors and arrays of one shape are stacked along a new first dimension; Python floats become a float64
    tensor, integers int64, truth values bool; strings stay as they are; dictionaries, named tuples, tuples and lists
    are put together entry by entry (tuples and lists give a list).

    Args:
        batch: one or more samples of the same structure.

    Raises:
        ShapeError: samples of different shapes or lengths.
        DTypeError: samples of a kind that cannot be stacked.

    Example:
        >>> from upriver.data import default_collate
        >>> default_collate([(1, "a"), (2, "b")])
        [tensor([1, 2]), ('a', 'b')]
    """
    first: Any = batch[0]
    if isinstance(first, Tensor):
        if any(t.wants_grad for t in batch):
            return ops.stack(list(batch))
        return _stacked([t.array for t in batch])
    if isinstance(first, (np.ndarray, np.generic)):
        return _stacked([np.asarray(a) for a in batch])
    if isinstance(first, bool):
        return as_tensor(np.array(batch), bool_)
    if isinstance(first, int):
        return as_tensor(np.array(batch), None if any(isinstance(x, float) for x in batch) else int64)
    if isinstance(first, float):
        return as_tensor(np.array(batch), float64)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        keys: list[Any] = list(first)  # pyright: ignore[reportUnknownArgumentType]
        return {key: default_collate([sample[key] for sample in batch]) for key in keys}
    if isinstance(first, (tuple, list)):
        parts = _transposed(batch)
        return type(first)(*parts) if hasattr(first, "_fields") else parts  # pyright: ignore[reportUnknownVariableType]
    raise DTypeError(
        f"DataLoader: samples of type {type(first).__name__} cannot be put together into a batch",
        "Return tensors, arrays, numbers, or tuples and dictionaries of them; or pass collate_fn=.",
    )


def default_convert(sample: Any) -> Any:
    """A single sample with its arrays as tensors: what a loader without batches (``batch_size=None``) hands out.

    Example:
        >>> import numpy as np
        >>> from upriver.data import default_convert
        >>> default_convert([np.array([1, 2]), "a"])
        [tensor([1, 2]), 'a']
    """
    if isinstance(sample, (np.ndarray, np.generic)):
        return as_tensor(np.asarray(sample))
    if isinstance(sample, Mapping):
        return {key: default_convert(value) for key, value in sample.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(sample, (tuple, list)) and not hasattr(sample, "_fields"):  # pyright: ignore[reportUnknownArgumentType]
        return [default_convert(value) for value in sample]  # pyright: ignore[reportUnknownVariableType]
    return sample


def _stacked(arrays: list[Array]) -> Tensor:
    shape = arrays[0].shape
    for i, a in enumerate(arrays):
        if a.shape != shape:
            raise ShapeError(
                f"DataLoader: sample {i} of the batch has shape {list(a.shape)}, sample 0 has {list(shape)}",
                "Make the samples equal in shape (by padding, say), or pass collate_fn=.",
            )
    return as_tensor(np.stack(arrays))


def _transposed(batch: Sequence[Any]) -> list[Any]:
    length = len(batch[0])
    for i, sample in enumerate(batch):
        if len(sample) != length:
            raise ShapeError(
                f"DataLoader: sample {i} of the batch has {len(sample)} parts, sample 0 has {length}",
                "Every sample must have the same parts; or pass collate_fn=.",
            )
    return [default_collate(tuple([sample[k] for sample in batch])) for k in range(length)]
