"""Every gradient, opened: derivations, paths, blame, nudges, pictures, traces.

This package is itself the function that opens one gradient: ``ur.explain(loss, wrt=w)`` is
:func:`upriver.explain.derivation.explain`. Its parts are imported when they are first touched.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_HOMES = {
    "Explanation": "explanation",
    "blame": "blame",
    "draw": "draw",
    "load_trace": "reading",
    "nudge": "nudge",
    "paths": "paths",
    "step_profile": "profile",
    "verify": "check",
    "why": "why",
}
"""In which module each public name lives."""


class _Package(ModuleType):
    """The package, which can be called, and whose functions are not hidden by the modules that they live in."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Python binds a module in its package when it is imported: ``explain.blame`` is to stay the function.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from .derivation import explain

        return explain(*args, **kwargs)


def home_of(name: str) -> Any:
    """The public function or class ``name``, from the module that it lives in.

    Raises:
        AttributeError: there is none of that name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __getattr__(name: str) -> Any:
    return home_of(name)


sys.modules[__name__].__class__ = _Package
