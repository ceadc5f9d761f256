"""The IDX format, in which MNIST and its kin are published: a header of lengths, then the numbers."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from ..causes import cause
from ..core.state import Array
from ..errors import FileError

_KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> Array:
    """The array in an IDX file, plain or gzipped (by its first bytes, whatever the name).

    Args:
        path: the file.

    Raises:
        FileError: it is missing, cut off, damaged, or no IDX file.

    Source:
        Y. LeCun, C. Cortes and C. Burges, "The MNIST database", section "The IDX file format": two zero bytes,
        the type, the number of dimensions, their lengths as big-endian 32-bit integers, the values.

    Example:
        >>> import upriver as ur
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels-idx1-ubyte"
        >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        >>> ur.data.read_idx(file).tolist()
        [7, 2, 1]
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except FileNotFoundError:
        raise FileError(f"{file}: there is no such file", at=False) from None
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(
            f"{file}: cannot be read ({cause(error)})", "It seems damaged: get it again.", at=False
        ) from None
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _KINDS:
        raise FileError(f"{file}: not an IDX file (it begins with {raw[:4]!r})", at=False)
    kind, ndim = np.dtype(_KINDS[raw[2]]), raw[3]
    start = 4 + 4 * ndim
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start], dtype=">u4")) if len(raw) >= start else ()
    expected = start + math.prod(shape) * kind.itemsize
    if len(raw) < start or len(raw) != expected:
        raise FileError(
            f"{file}: {len(raw):,} bytes, its header promises {expected:,} (shape {list(shape)})",
            "Get the file again; it seems cut off.",
            at=False,
        )
    values: Array = np.frombuffer(raw, dtype=kind, offset=start).reshape(shape)
    return values.astype(kind.newbyteorder("="))
