"""What an operation needs to know of its surroundings: recording or not, the clock, the module, the changes.

The clock orders everything that happens: a node bears the time at which it was recorded, a change the
time at which it was made. So the graph needs no counting of versions: a value is stale exactly if it was
changed after the node that reads it was recorded, and descending time is a topological order.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import partial, wraps
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from .site import Site, capture

Array = np.ndarray[Any, Any]
Function = TypeVar("Function", bound=Callable[..., Any])

tick: Callable[[], int] = itertools.count(1).__next__
GRAD = 1
"""Operations through which a gradient flows leave a node."""
TRACING = 2
"""A way of recording for readers: every operation leaves a node with all its values, also where no gradient flows."""
RECORD = 4
"""Whatever happens is told to the :class:`Recorder`, beside the other ways and also where they are off."""

recording: ContextVar[int] = ContextVar("recording", default=GRAD)
"""0, GRAD or TRACING; and RECORD, or not."""

scope: ContextVar[Any] = ContextVar("scope", default=None)
"""The module being called, as ``(module, outer scope)``, or None outside any."""


class Recorder(Protocol):
    """Who makes a program of what happens: each operation, and each change of a tensor, is told to it."""

    def ran(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], out: Array) -> None:
        """An operation has made ``out``."""

    def drawing(self, generator: Any) -> None:
        """The next operation is a draw of ``generator``."""

    def becomes(self, tensor: Any, value: Any) -> None:
        """The entries of a tensor are about to become those of another."""

    def same(self, array: Array, value: Any) -> None:
        """``array`` is a copy of the entries of the tensor ``value``."""

    def constant(self, array: Array) -> None:
        """``array`` was made of nothing but Python's numbers."""

    def read(self, array: Array, what: str, fix: str) -> None:
        """Python is about to read ``array``, and to go on by what it finds: an error, unless it is a constant."""

    def forgets(self, tensor: Any) -> None:
        """The gradient of a tensor is dropped."""

    def check(self, holds: Callable[[], Any], key: tuple[Any, ...]) -> None:
        """What follows is right only where the boolean tensor ``holds()`` is; ``key``: of which tensor it is what."""

    def changed(self, arrays: Iterable[Array]) -> None:
        """``arrays`` have been changed in place."""

    def step(self, optimizer: Any) -> None:
        """Take a step of an optimiser."""


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def recorder() -> Recorder | None:
    """Who is to be told what happens, if anybody is."""
    return _recorder.get() if recording.get() & RECORD else None


@contextmanager
def recorded_by(who: Recorder) -> Iterator[None]:
    """Tell ``who`` everything that happens inside."""
    told, mode = _recorder.set(who), recording.set(recording.get() | RECORD)
    try:
        yield
    finally:
        recording.reset(mode)
        _recorder.reset(told)


def read_by_python(array: Array, what: str, fix: str = "") -> None:
    """Say that Python is about to go on by the values of ``array``: inside a recorded call nothing else may.

    Raises:
        CompileError: a call is being recorded, and the values may be others in the next one.
    """
    if recording.get() & RECORD:
        known = _recorder.get()
        if known is not None:
            known.read(array, what, fix)


class Change:
    """When values were changed in place, and from which line: one for all the arrays that were changed together."""

    __slots__ = ("site", "time")

    def __init__(self, time: int, site: Site | None) -> None:
        self.time, self.site = time, site


_changes: dict[int, tuple[Change, weakref.ref[Any]]] = {}
last_change = 0
structure = 0
"""Counts what may make a compiled program wrong: another mode, attribute, part or flag of a module or tensor."""


def note_structure() -> None:
    """Say that something of :data:`structure` has just changed."""
    global structure
    structure += 1


def owner(array: Array) -> Array:
    """The array that owns the memory of ``array``: views of the same memory have the same owner."""
    base = array.base
    return base if isinstance(base, np.ndarray) else array


def _forget(key: int, _: Any) -> None:
    _changes.pop(key, None)


def note_change(arrays: Iterable[Array], *, told_already: bool = False) -> None:
    """Remember that the values of ``arrays`` have just been changed in place, and from which line.

    Args:
        arrays: what was changed.
        told_already: whether the recorder knows where the arrays come from, as new results.
    """
    global last_change
    now = tick()
    told = None if told_already else recorder()
    if told is not None:
        told.changed(arrays := list(arrays))
    _note(Change(now, capture()), arrays)
    last_change = now


def _note(change: Change, arrays: Iterable[Array]) -> None:
    for array in arrays:
        own = owner(array)
        key = id(own)
        known = _changes.get(key)
        _changes[key] = (change, known[1] if known is not None else weakref.ref(own, partial(_forget, key)))


class RepeatedChange:
    """The same arrays changed together again and again, noted at the cost of one.

    Args:
        arrays: gives the arrays, where they have to be looked up.
    """

    def __init__(self, arrays: Callable[[], Iterable[Array]]) -> None:
        self._arrays = arrays
        self._change = Change(0, None)

    def note(self) -> None:
        """They have just been changed."""
        global last_change
        change, before = self._change, last_change
        if change.time != before or not before:  # somebody else has noted a change since, perhaps of one of these
            _note(change, self._arrays())
        change.time = last_change = tick()
        change.site = capture()


def change_after(array: Array, time: int) -> tuple[int, Site | None] | None:
    """When and where ``array`` was last changed, if that was after ``time``."""
    known = _changes.get(id(owner(array)))
    return (known[0].time, known[0].site) if known is not None and known[0].time > time else None


class Backward(NamedTuple):
    """A backward pass that was run: from what (while that lives), with which cotangent, from which line."""

    root: Callable[[], Any]
    gradient: Callable[[], Any] | None
    site: Site | None


backwards: deque[Backward] = deque(maxlen=8)
"""The last backward passes, for readers that are asked about a ``.grad``."""

_detached: dict[int, tuple[Any, Site | None, weakref.ref[Any]]] = {}


def note_backward(root: Any, gradient: Any) -> None:
    """Remember that gradients have just been pulled back from ``root``. No tensor is kept alive."""
    given: Any = None
    if gradient is not None:
        given = weakref.ref(gradient) if hasattr(gradient, "__weakref__") else lambda: gradient
    backwards.append(Backward(weakref.ref(root), given, capture()))


def note_detached(array: Array, node: Any) -> None:
    """Remember from which line a result was taken without its history. Neither it nor the history is kept alive."""
    own = owner(array)
    key = id(own)
    _detached[key] = (
        None if node is None else weakref.ref(node), capture(), weakref.ref(own, lambda _: _detached.pop(key, None))
    )  # fmt: skip


def detached_at(array: Array) -> tuple[Any, Site | None] | None:
    """From which node (None if it is gone, or there was none) and at which line the values were last detached."""
    known = _detached.get(id(owner(array)))
    return None if known is None else (known[0]() if known[0] is not None else None, known[1])


class _Mode:
    """A switch for recording, usable as ``with mode():``, as ``@mode()`` and as ``@mode``."""

    on: int

    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        self._tokens = []
        return self(function) if callable(function) else self

    _tokens: list[Token[int]]

    def __enter__(self) -> None:
        self._tokens.append(recording.set(self.on | recording.get() & RECORD))

    def __exit__(self, *_: object) -> None:
        recording.reset(self._tokens.pop())

    def __call__(self, function: Function) -> Function:
        mode = type(self)

        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with mode():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


class no_grad(_Mode):  # noqa: N801 (PyTorch's name)
    """Do not record: results have no history, and leaves may be changed in place. Per thread and per task.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> with ur.no_grad():
        ...     (w * 2).requires_grad
        False
    """

    on = 0


class enable_grad(_Mode):  # noqa: N801
    """Record again, inside :class:`no_grad`.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor([1.0], requires_grad=True)
        >>> with ur.no_grad(), ur.enable_grad():
        ...     (w * 2).requires_grad
        True
    """

    on = GRAD


class inference_mode(no_grad):  # noqa: N801
    """The same as :class:`no_grad`, under PyTorch's other name for it."""


class tracing(_Mode):  # noqa: N801
    """Record everything, for a reader that wants the whole computation: constants, masks and indices too."""

    on = TRACING


class set_grad_enabled:  # noqa: N801
    """Switch recording to ``mode`` at once; as a context manager, only until its end.

    Example:
        >>> import upriver as ur
        >>> with ur.set_grad_enabled(False):
        ...     ur.is_grad_enabled()
        False
    """

    def __init__(self, mode: bool) -> None:
        self._before = recording.get()
        recording.set((GRAD if mode else 0) | self._before & RECORD)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        recording.set(self._before)


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return recording.get() & ~RECORD != 0
