"""Compiled objects on disk, and the plans that use them, so that what was compiled before starts in milliseconds.

A file is named after everything that its content depends on. It is written under another name and then renamed, so
that a reader sees a whole file or none; it carries its own length and checksum, and what does not match is dropped
and compiled again. Machine code is only ever loaded from a folder and a file that belong to the user and that nobody
else can write: a folder that others can write to is passed over, with one warning.

``UPRIVER_CACHE`` names the folder, or is ``off``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
import warnings
from functools import cache
from pathlib import Path

from ...i18n.errors import told
from ...version import __version__
from .target import Target

FORMAT = 1
LIMIT = 256 << 20  # bytes of all files together; those not used for longest go first
_HEADER = struct.Struct("<8sQ32s")
_MAGIC = b"upriver\x01"
_PACKAGE = Path(__file__).parents[2]
_MADE_OF = ("compile", "core", "ops")  # folders of the package that make programs


def folder() -> Path | None:
    """Where the objects lie, or None if the cache is off."""
    chosen = os.environ.get("UPRIVER_CACHE", "")
    if chosen == "off":
        return None
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return base.expanduser() / "upriver" / "objects"


def key(text: str, target: Target) -> str:
    """The name of the object of this text for this processor."""
    from llvmlite import __version__ as llvmlite_version, binding

    about = (FORMAT, __version__, llvmlite_version, binding.llvm_version_info, sys.platform, target)
    return hashlib.sha256(f"{about}\n{text}".encode()).hexdigest()


@cache
def package() -> str:
    """What stands for the code that makes programs, so that none is found that other code has made: its files."""
    found: list[tuple[str, int, int]] = []
    folders = [str(_PACKAGE / name) for name in _MADE_OF]
    while folders:
        for entry in os.scandir(folders.pop()):
            if entry.name.endswith((".py", ".ll")):
                about = entry.stat()
                found.append((entry.path, about.st_size, about.st_mtime_ns))
            elif "." not in entry.name and entry.name != "__pycache__":
                folders.append(entry.path)
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def load(key: str) -> bytes | None:
    """The object of that name, or None: not there, broken, or not to be trusted."""
    where = folder()
    if where is None:
        return None
    path = where / key
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not (_ours(where, where.stat()) and _ours(path, os.fstat(handle))):
            return None
        data = file.read()
    if len(data) >= _HEADER.size:
        magic, length, digest = _HEADER.unpack_from(data)
        content = data[_HEADER.size :]
        if magic == _MAGIC and length == len(content) and hashlib.sha256(content).digest() == digest:
            with contextlib.suppress(OSError):
                os.utime(path)  # it was used now
            return content
    with contextlib.suppress(OSError):
        path.unlink()
    return None


def store(key: str, content: bytes) -> None:
    """Keep the object under that name; a disk that is full or read-only is no error."""
    where = folder()
    if where is None:
        return
    import tempfile  # takes longer to import than all that is needed to load

    with contextlib.suppress(OSError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", dir=where)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_HEADER.pack(_MAGIC, len(content), hashlib.sha256(content).digest()))
                file.write(content)
            Path(temporary).replace(where / key)
        except OSError:
            Path(temporary).unlink()
            raise
        _trim(where)


def _trim(where: Path) -> None:
    """Delete what was not used for longest, until the rest is within the limit."""
    files = []
    for entry in os.scandir(where):
        with contextlib.suppress(OSError):  # another process may have deleted it
            about = entry.stat(follow_symlinks=False)
            files.append((about.st_mtime, about.st_size, Path(entry.path)))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= LIMIT:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size


def _ours(path: Path, about: os.stat_result) -> bool:
    """Whether it belongs to the user and only the user can write it."""
    if not hasattr(os, "getuid") or (about.st_uid == os.getuid() and not about.st_mode & 0o022):
        return True
    _warn(path)
    return False


@cache
def _warn(path: Path) -> None:
    warnings.warn(
        told(
            f"compiled code in {path} is not used: it belongs to somebody else, or others can write it; "
            "compile again at each start, or set UPRIVER_CACHE to a folder of your own"
        ),
        RuntimeWarning,
        stacklevel=2,
    )
