"""Files that are whole or not there: written beside their place, flushed, then moved into it at one stroke."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from ..causes import cause
from ..errors import FileError

_FIXES = {
    errno.ENOSPC: "Free some space, or write elsewhere with --out.",
    errno.EDQUOT: "Your quota is used up: free some space, or write elsewhere with --out.",
    errno.EFBIG: "Files may not become this large here: raise the limit, or write elsewhere with --out.",
    errno.EACCES: "You may not write there: choose another folder with --out.",
    errno.EPERM: "You may not write there: choose another folder with --out.",
    errno.EROFS: "It is read-only: choose another folder with --out.",
    errno.ENOENT: "The folder is gone: was it moved or deleted?",
}


def write_error(path: Path, error: OSError) -> FileError:
    """What to raise where ``path`` could not be written."""
    fix = _FIXES.get(error.errno or 0, "Check the folder, or write elsewhere with --out.")
    return FileError(f"{path} could not be written: {cause(error)}", fix, at=False)


def write_atomically(path: Path, data: bytes) -> None:
    """Make ``data`` the content of ``path``, so that a reader (or a crash) meets the old or the new, never a part.

    The new content is on the disk before the name is moved to it: rename(2) is atomic within a folder.

    Raises:
        FileError: it could not be written; what was there before is still there.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise write_error(path, error) from None
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Put the move itself on the disk, where the system can (Windows cannot open folders)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON for people: indented, atomically.

    Raises:
        FileError: it could not be written.
    """
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        FileError: it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"{path} is not there", "Is this the folder of a run?", at=False) from None
    except OSError as error:
        raise FileError(f"{path} could not be read: {cause(error)}", "May you read it?", at=False) from None
    except ValueError as error:
        raise FileError(f"{path} is not JSON: {cause(error)}", "Restore it, or start a new run.", at=False) from None
