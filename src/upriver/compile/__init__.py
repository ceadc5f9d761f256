"""A whole training step as one native program.

This package is itself the function: ``ur.compile(step)`` is :func:`compile` below. Its parts are imported when a
function is first compiled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def compile(  # noqa: A001 (PyTorch's name)
    function: Callable[..., Any] | None = None,
    *,
    grads: bool | None = None,
    native: bool = True,
    without: Sequence[str] = (),
) -> Any:
    """Compile a function of tensors: a training step, a model, anything that is made of operations.

    The first call runs the function and records it: the forward pass, ``backward()``, clipping, the optimiser's step,
    and every parameter, buffer and optimiser slot that they read or write. The record becomes one program, which
    later calls run instead: native code where ``llvmlite`` is installed, NumPy's kernels where it is not. Other
    shapes, dtypes, modes, options or parts are noticed, and recorded too.

    Args:
        function: what to compile, or a Module, for its forward pass. Without it, a decorator.
        grads: whether ``.grad`` of parameters is kept. None keeps the gradients that no ``optimizer.step()`` in the
            function used up.
        native: False runs programs by NumPy alone, operation by operation.
        without: names of rewrites to leave out, to look for a mistake.

    Returns:
        A :class:`~upriver.compile.compiled.Compiled`, to be called in the function's place; with ``over()`` for many
        steps at once, and ``report()``, ``program()`` and ``profile()`` to look in.

    Raises:
        CompileError: when called, if the function does what no program can: read a value to decide something, say.

    Example:
        >>> import upriver as ur
        >>> model = ur.nn.Linear(1, 1)
        >>> sgd = ur.optim.SGD(model.parameters(), lr=0.1)
        >>> @ur.compile
        ... def step(x, y):
        ...     sgd.zero_grad()
        ...     loss = ur.nn.functional.mse_loss(model(x), y)
        ...     loss.backward()
        ...     sgd.step()
        ...     return loss
        >>> x = ur.tensor([[1.0], [2.0]])
        >>> losses = [step(x, 3 * x).item() for _ in range(200)]
        >>> losses[-1] < 1e-3, step.recordings
        (True, 1)
    """
    from .compiled import Compiled

    def made(function: Callable[..., Any]) -> Compiled:
        return Compiled(function, grads=grads, native=native, without=without)

    return made if function is None else made(function)


def available() -> bool:
    """Whether native code can be made here: llvmlite is installed."""
    return find_spec("llvmlite") is not None


_HOMES = {"Compiled": "compiled", "constant": "recording.record"}
"""In which module each public name lives."""


class _Package(ModuleType):
    """The package, which can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return compile(*args, **kwargs)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


sys.modules[__name__].__class__ = _Package
