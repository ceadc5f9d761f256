"""What a compiled function rests on besides tensors: names that it looks up outside, and attributes of modules."""

from __future__ import annotations

from collections.abc import Iterator
from dis import get_instructions
from operator import attrgetter, is_
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from .recording.same import Same

_NOTHING = object()
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_contents = attrgetter("cell_contents")


class Surroundings:
    """The names that a function's own code looks up outside, and what they stand for now.

    Modules and classes are left out: nobody binds their names to something else between two calls.

    Args:
        function: a function, a method, or an object that can be called, whose attributes count as names.

    Example:
        >>> rate = 0.1
        >>> around = Surroundings(lambda x: x * rate)
        >>> before = around.now()
        >>> around.same(before)
        True
        >>> rate = 0.2
        >>> around.same(before)
        False
    """

    def __init__(self, function: Any) -> None:
        self._own: dict[str, Any] = {}
        self._globals: dict[str, Any] = {}
        self._names: list[str] = []
        self._cells: tuple[Any, ...] = ()
        if isinstance(function, MethodType):
            function = function.__func__
        if not isinstance(function, FunctionType):
            call = vars(type(function)).get("__call__")
            if not isinstance(call, FunctionType) or hasattr(function, "named_modules"):
                return  # a Module says itself when it is changed
            self._own, function = vars(function), call
        self._globals = function.__globals__
        used = {
            i.argval for code in _codes(function.__code__) for i in get_instructions(code) if i.opname == "LOAD_GLOBAL"
        }
        self._names = sorted(name for name in used if not _fixed(self._globals.get(name, _NOTHING)))
        self._cells = tuple(cell for cell in function.__closure__ or () if not _fixed(_content(cell)))

    def now(self) -> list[list[Any]]:
        """What the names stand for."""
        known = self._globals
        return [[known.get(name) for name in self._names], [*map(_content, self._cells)], [*self._own.values()]]

    def same(self, before: list[list[Any]]) -> bool:
        """Whether they stand for the very objects that they stood for ``before``."""
        names, cells, own = before
        try:
            return (
                all(map(is_, map(_contents, self._cells), cells))
                and (not names or all(map(is_, map(self._globals.get, self._names), names)))
                and (not own or all(map(is_, self._own.values(), own)))
            )
        except ValueError:  # a variable was deleted
            return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _fixed(x: Any) -> bool:
    return x is _NOTHING or isinstance(x, (ModuleType, type))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def attributes(module: Any) -> dict[str, Any]:
    """What a module's forward pass may depend on: plain attributes by value, parts and tensors by identity."""
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if isinstance(value, dict) and name in ("_parameters", "_buffers", "_modules"):
            found.update({f"{name}.{key}": Same(part) for key, part in value.items()})
        elif isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(isinstance(x, _PLAIN) for x in value)):
            found[name] = value
        else:
            found[name] = Same(value)
    return found
