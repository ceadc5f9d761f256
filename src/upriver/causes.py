"""Why something outside failed, in our own words: the system's errors, and those of readers of files.

Their own texts are English, and some are long; here the usual ones are said so that they can be translated.
"""

from __future__ import annotations

import errno
import os
import zlib
from json import JSONDecodeError

_OF_THE_SYSTEM = {
    errno.ENOENT: "there is no such file or folder",
    errno.EEXIST: "a file of that name is there already",
    errno.EACCES: "permission is denied",
    errno.EPERM: "the operation is not permitted",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of the path is no folder",
    errno.ENOTEMPTY: "the folder is not empty",
    errno.ENOSPC: "no space is left on the device",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the file is too large for this place",
    errno.EROFS: "the file system is read-only",
    errno.EIO: "the device did not answer (input/output error)",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EINVAL: "the system does not take this name or value",
    errno.ELOOP: "the links of the path lead in a circle",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.ENOMEM: "there is not enough memory",
    errno.EBUSY: "it is in use",
    errno.ETXTBSY: "it is in use",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EAFNOSUPPORT: "this machine has no addresses of that kind",
}


def cause(error: BaseException) -> str:
    """Why a file or an address could not be used, to stand after a colon or in brackets.

    Example:
        >>> cause(PermissionError(errno.EACCES, "Permission denied")), cause(EOFError())
        ('permission is denied', 'it is cut off')
    """
    if isinstance(error, OSError) and error.errno:
        if error.errno in _OF_THE_SYSTEM:
            return _OF_THE_SYSTEM.get(error.errno, "")
        return f"error {error.errno} of the system, “{os.strerror(error.errno)}”"
    if isinstance(error, EOFError):
        return "it is cut off"
    if isinstance(error, zlib.error):
        return "what is packed in it is damaged"
    if isinstance(error, UnicodeDecodeError):
        return f"its byte {error.start + 1} is not UTF-8"
    if isinstance(error, JSONDecodeError):
        return f"line {error.lineno}, column {error.colno} is not as JSON has it"
    return f"Python says “{str(error).splitlines()[0] if str(error) else type(error).__name__}”"
