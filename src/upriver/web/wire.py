"""How the server and its worker processes talk: a line of JSON and bytes, each preceded by its length.

What a worker sends is never unpickled by the server: it is JSON, or bytes that only a worker reads.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

Parcel = tuple[dict[str, Any], bytes]
LENGTHS = struct.Struct("<II")
"""Of the line and of the bytes."""


def pack(head: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """The bytes of a parcel.

    Args:
        head: what JSON can hold.
        payload: any bytes, below 4 GB.
    """
    line = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return LENGTHS.pack(len(line), len(payload)) + line + payload


def read(file: BinaryIO) -> Parcel | None:
    """The next parcel; None at the end of the file."""
    lengths = file.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    line, payload = LENGTHS.unpack(lengths)
    return json.loads(file.read(line)), file.read(payload)
