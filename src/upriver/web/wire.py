"""How the server and its worker processes talk: a line of JSON and bytes, each preceded by its length.

What a worker sends is never unpickled by the server: it is JSON, or bytes that only a worker reads.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

Parcel = tuple[dict[str, Any], bytes]
_LENGTHS = struct.Struct("<II")


def pack(head: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """The bytes of a parcel.

    Args:
        head: what JSON can hold.
        payload: any bytes, below 4 GB.
    """
    line = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(line), len(payload)) + line + payload


def read(file: BinaryIO) -> Parcel | None:
    """The next parcel; None at the end of the file."""
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    line, payload = _LENGTHS.unpack(lengths)
    return json.loads(file.read(line)), file.read(payload)


async def receive(reader: asyncio.StreamReader) -> Parcel:
    """The next parcel.

    Raises:
        asyncio.IncompleteReadError: the other end has closed.
    """
    line, payload = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    return json.loads(await reader.readexactly(line)), await reader.readexactly(payload) if payload else b""
