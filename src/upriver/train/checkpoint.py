"""Checkpoints: one safetensors file each, the arrays as they are and everything else as JSON in its header.

One file, moved into place at one stroke, cannot disagree with itself: a process killed at any moment leaves
the last whole checkpoint. A checksum tells a damaged one from a good one.

Source: the safetensors format, https://huggingface.co/docs/safetensors (header of JSON, then the arrays).
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..causes import cause
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import FileError
from .files import write_atomically

FORMAT = "upriver checkpoint 1"
_FIX = "Use another checkpoint of the run (best or last), or train again."


def save_checkpoint(path: str | Path, state: Any) -> None:
    """Write ``state`` to ``path``, whole or not at all.

    Args:
        path: the file, which is replaced if it exists.
        state: nested dictionaries, lists and tuples of tensors, arrays, numbers, text, booleans and None.

    Raises:
        FileError: it could not be written (a full disk, say); an earlier file is still as it was.
        TypeError: the state holds something else.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import upriver as ur
        >>> from upriver.train import load_checkpoint, save_checkpoint
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "w.safetensors"
        ...     save_checkpoint(path, {"step": 3, "w": ur.tensor([1.0, 2.0])})
        ...     load_checkpoint(path)
        {'step': 3, 'w': array([1., 2.], dtype=float32)}
    """
    from safetensors.numpy import save

    arrays: dict[str, Array] = {}
    tree = _pack(state, "", arrays)
    text = json.dumps({"format": FORMAT, "checksum": _checksum(arrays), "state": tree})
    write_atomically(Path(path), save(arrays, {"upriver": text}))


def load_checkpoint(path: str | Path) -> Any:
    """The state that :func:`save_checkpoint` wrote, with NumPy arrays for tensors and arrays.

    Args:
        path: the file.

    Raises:
        FileError: it is missing, truncated, damaged, or not a checkpoint of this library.

    Example:
        >>> import pathlib, tempfile
        >>> from upriver.train import load_checkpoint, save_checkpoint
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "w.safetensors"
        >>> save_checkpoint(path, {"step": 3, "rates": [0.1, 0.01]})
        >>> load_checkpoint(path)
        {'step': 3, 'rates': [0.1, 0.01]}
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileError(
            f"checkpoint {path} is not there", "Check the name; `upriver runs` lists runs.", at=False
        ) from None
    except OSError as error:
        raise FileError(f"checkpoint {path} could not be read: {cause(error)}", "May you read it?", at=False) from None
    try:
        arrays: dict[str, Array] = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError, KeyError, OverflowError) as error:
        raise FileError(
            f"checkpoint {path} is damaged or not a safetensors file ({cause(error)})", _FIX, at=False
        ) from None
    found = header.get("__metadata__", {}).get("upriver")
    if found is None:
        raise FileError(
            f"checkpoint {path} is a safetensors file, but not a checkpoint of Upriver",
            "To use its weights: model.load_state_dict(safetensors.numpy.load_file(path)).",
            at=False,
        )
    try:
        record = json.loads(found)
        known, checksum, tree = record["format"] == FORMAT, record["checksum"], record["state"]
    except (ValueError, KeyError, TypeError):
        raise FileError(f"checkpoint {path} is damaged: its description cannot be read", _FIX, at=False) from None
    if not known:
        raise FileError(
            f"checkpoint {path} has the format {record['format']!r}, and {FORMAT!r} is what this version reads",
            "Use the version of Upriver that wrote it (environment.json in the run's folder tells).",
            at=False,
        )
    if checksum != _checksum(arrays):
        raise FileError(f"checkpoint {path} is damaged: its checksum does not match its values", _FIX, at=False)
    try:
        return _unpack(tree, arrays)
    except (KeyError, TypeError, ValueError):
        raise FileError(f"checkpoint {path} is damaged: an array is missing", _FIX, at=False) from None


def _checksum(arrays: dict[str, Array]) -> int:
    total = 0
    for name in sorted(arrays):
        total = zlib.crc32(name.encode(), total)
        total = zlib.crc32(arrays[name].reshape(-1).view(np.uint8).data, total)
    return total


# JSON knows text keys and lists only: what else there is gets one key that begins with "$".


def _pack(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """``value`` as JSON, with its arrays put into ``arrays`` under the path that leads to them."""
    if isinstance(value, Tensor):
        value = value.array
    if isinstance(value, np.ndarray):
        arrays[name] = np.array(value, order="C", copy=None)
        return {"$array": name}
    if isinstance(value, np.generic):
        return _pack(np.asarray(value), name, arrays)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    inner = f"{name}/" if name else ""
    if isinstance(value, dict):
        items = [(key, _pack(v, f"{inner}{key}", arrays)) for key, v in value.items()]
        if all(isinstance(key, str) and not key.startswith("$") for key, _ in items):
            return dict(items)
        return {"$dict": [[_pack(key, inner, arrays), v] for key, v in items]}
    if isinstance(value, (list, tuple)):
        packed = [_pack(v, f"{inner}{i}", arrays) for i, v in enumerate(value)]
        return packed if isinstance(value, list) else {"$tuple": packed}
    raise TypeError(f"checkpoint: {name} is a {type(value).__name__}, which cannot be stored")


def _unpack(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, list):
        return [_unpack(v, arrays) for v in value]
    if isinstance(value, dict):
        if "$array" in value:
            return arrays[value["$array"]]
        if "$tuple" in value:
            return tuple(_unpack(v, arrays) for v in value["$tuple"])
        if "$dict" in value:
            return {key: _unpack(v, arrays) for key, v in value["$dict"]}
        return {key: _unpack(v, arrays) for key, v in value.items()}
    return value
