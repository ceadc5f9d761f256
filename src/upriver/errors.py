"""What can go wrong, said so that it can be mended: the operation, the shapes, the user's line, the fix.

Every error is also the built-in error that PyTorch raises in the same place, so that programs which
catch ``RuntimeError``, ``ValueError``, ``TypeError`` or ``IndexError`` keep working.
"""

from __future__ import annotations

from collections.abc import Iterable

from .core import site
from .i18n import language, say


def joined(things: Iterable[object]) -> str:
    """Things in a message, with "and" between them.

    Example:
        >>> joined([[2, 3], [4, 5]])
        '[2, 3] and [4, 5]'
    """
    first, *rest = map(str, things)
    for thing in rest:
        first = say("{a} and {b}", a=first, b=thing)
    return first


def either(things: Iterable[object]) -> str:
    """Things in a message, with "or" between them.

    Example:
        >>> either(["mlp", "cnn"])
        'mlp or cnn'
    """
    first, *rest = map(str, things)
    for thing in rest:
        first = say("{a} or {b}", a=first, b=thing)
    return first


class UpriverError(Exception):
    """Base of all errors raised here.

    Args:
        message: what is wrong, naming the operation or file and the shapes.
        fix: what to do about it, as one sentence.
        at: False where no line of the user's code is at fault (a broken file, say).
    """

    def __init__(self, message: str, fix: str | None = None, *, at: bool = True) -> None:
        if language() != "en":
            from .i18n.errors import told

            message, fix = told(message), None if fix is None else told(fix)
        self.message, self.fix = message, fix
        self.site = site.capture() if at else None
        lines = [message]
        if self.site is not None:
            lines.append(say("  at   {place}", place=site.describe(self.site)))
        if fix is not None:
            lines.append(say("  fix  {fix}", fix=fix))
        super().__init__("\n".join(lines))


class ShapeError(UpriverError, RuntimeError, ValueError):
    """Shapes that do not fit together, or an argument that does not fit a shape."""


class DTypeError(UpriverError, RuntimeError, TypeError):
    """A dtype that the operation is not defined for."""


class DimError(UpriverError, IndexError):
    """An axis or an index out of range."""


class GradError(UpriverError, RuntimeError):
    """A gradient that cannot be taken, or would be wrong."""


class ArgumentError(UpriverError, ValueError):
    """An argument outside the values that it can take."""


class CompileError(UpriverError, RuntimeError):
    """Something inside a compiled function that cannot be part of a program."""


class DataError(UpriverError, ValueError):
    """Data that cannot be trained on: missing, empty, not a number, or not what was said."""


class FileError(UpriverError, OSError):
    """A file that is missing, broken, foreign, or could not be written."""
