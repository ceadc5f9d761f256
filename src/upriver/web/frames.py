"""What a session shows, as bytes: a line of JSON, then arrays that a browser reads where they lie.

The bytes are uint32 (little-endian) n, n bytes of JSON, zeros up to a multiple of 8, then the arrays, each at a
multiple of 8. The JSON holds the numbers and, under ``arrays``, each array's name, dtype (``f4``, ``u1`` or ``i4``),
shape and offset from where the arrays begin.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..explain.encoding import number
from ..i18n import Message

_ALIGN = 8
_EXACT = 2**53
_KINDS = {"f": "f4", "u": "u1", "b": "u1", "i": "i4"}


@dataclass(frozen=True)
class Frame:
    """One moment of a session.

    Args:
        numbers: what JSON can hold, and NaN and infinity, which travel as words.
        arrays: by name; floats travel as float32, unsigned and booleans as uint8, integers as int32.
    """

    numbers: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def plain(value: Any) -> Any:
    """A value as JSON can hold it, at any depth; messages as their data.

    Example:
        >>> plain({"loss": float("nan"), "steps": (1, 2)})
        {'loss': 'nan', 'steps': [1, 2]}
    """
    kind = type(value)  # most of an answer is of these, and answers are large
    if kind is str or value is None or kind is bool or (kind is int and -_EXACT < value < _EXACT):
        return value
    if kind is dict:
        return {key if type(key) is str else str(key): plain(item) for key, item in value.items()}
    if kind is list:
        return [plain(item) for item in value]
    if isinstance(value, Message):
        return value.data()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    return value if isinstance(value, str) or value is None else number(value)


def encode(frame: Frame, /, **more: Any) -> bytes:
    """The bytes of a frame.

    Args:
        frame: what to show.
        more: more numbers, such as the session's ``id``.

    Raises:
        TypeError: an array has a dtype that no browser reads, or a number is not one.

    Example:
        >>> import numpy as np
        >>> decode(encode(Frame({"step": 3}, {"loss": np.array([0.5])}), id=8))
        ({'step': 3, 'id': 8}, {'loss': array([0.5], dtype=float32)})
    """
    places: list[dict[str, Any]] = []
    parts: list[bytes] = []
    offset = 0
    for name, given in frame.arrays.items():
        array = np.asarray(given)
        if array.dtype.kind not in _KINDS:
            raise TypeError(f"the array {name} has dtype {array.dtype}, and a frame carries floats and integers")
        kind = _KINDS[array.dtype.kind]
        data = np.ascontiguousarray(array, dtype=np.dtype(kind).newbyteorder("<")).tobytes()
        places.append({"name": name, "dtype": kind, "shape": list(array.shape), "offset": offset})
        parts += [data, b"\0" * (-len(data) % _ALIGN)]
        offset += len(data) + len(parts[-1])
    head = json.dumps(
        {**plain(frame.numbers), **more, "arrays": places}, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    ).encode()
    return b"".join([struct.pack("<I", len(head)), head, b"\0" * (-(4 + len(head)) % _ALIGN), *parts])


def decode(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The numbers and arrays that were encoded: what a page reads, for tests and benchmarks."""
    (length,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + length])
    start = 4 + length + (-(4 + length) % _ALIGN)
    arrays = {
        place["name"]: np.frombuffer(
            data,
            np.dtype(place["dtype"]).newbyteorder("<"),
            count=int(np.prod(place["shape"], dtype=np.int64)),
            offset=start + place["offset"],
        ).reshape(place["shape"])
        for place in head.pop("arrays")
    }
    return head, arrays
